// The libfabric objects of the mock provider: each begins with the fid that libfabric's inline
// functions dispatch through, and closes itself by delete.

#include <rdma/fi_cm.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_rma.h>

#include <algorithm>

#include "tests/transports/ofi/mock_state.hpp"

namespace rlx::test {

namespace {

using State = MockNetwork::State;

struct FabricObject {
  fid_fabric object{};
  State* state = nullptr;
};
// A domain, with the one endpoint that the transport opens in it.
struct DomainObject {
  fid_domain object{};
  State* state = nullptr;
  MockEndpoint* endpoint = nullptr;
};
struct QueueObject {
  fid_cq object{};
  DomainObject* domain = nullptr;
};
struct VectorObject {
  fid_av object{};
};
struct EndpointObject {
  fid_ep object{};
  DomainObject* domain = nullptr;
  int bound = 0;
};

template <class Object, class Fid>
Object* as(Fid* fid) {
  return reinterpret_cast<Object*>(fid);
}

template <class Object>
int close_object(fid* fid) {
  delete as<Object>(fid);
  return 0;
}

int refuse_bind(fid*, fid*, std::uint64_t) { return -FI_ENOSYS; }
int refuse_control(fid*, int, void*) { return -FI_ENOSYS; }

template <class Object>
fi_ops plain_ops() {
  return {sizeof(fi_ops), close_object<Object>, refuse_bind, refuse_control, nullptr, nullptr,
          nullptr};
}

// -- registrations ---------------------------------------------------------------------------

int close_region(fid* fid) {
  auto* region = as<MockRegion>(fid);
  {
    const std::lock_guard lock(region->state->mutex);
    if (region->bound && region->state->endpoints[region->domain].open)
      region->state->breach("a registration was closed before the endpoint it is bound to");
    region->state->regions.erase({region->domain, region->object.key});
    region->state->locked -= region->length;
  }
  delete region;
  return 0;
}

int bind_region(fid* fid, struct fid*, std::uint64_t) {
  as<MockRegion>(fid)->bound = true;
  return 0;
}

int control_region(fid* fid, int command, void*) {
  auto* region = as<MockRegion>(fid);
  if (command != FI_ENABLE) return -FI_ENOSYS;
  if (!region->bound) region->state->breach("a registration was enabled before it was bound");
  region->enabled = true;
  return 0;
}

fi_ops region_ops = {sizeof(fi_ops), close_region, bind_region, control_region,
                     nullptr,        nullptr,      nullptr};

int register_memory(fid* fid, const void* memory, std::size_t length, std::uint64_t, std::uint64_t,
                    std::uint64_t requested_key, std::uint64_t, fid_mr** registered, void*) {
  auto* domain = as<DomainObject>(fid);
  State& state = *domain->state;
  const std::lock_guard lock(state.mutex);
  if (length > state.promises.lockable - state.locked) return -FI_ENOMEM;
  const bool own_key = (state.promises.mr_mode & FI_MR_PROV_KEY) != 0;
  const std::uint64_t key = own_key ? state.next_key += 0x101 : requested_key;
  const std::size_t owner = domain->endpoint->index;
  if (state.regions.contains({owner, key})) return -FI_ENOKEY;
  auto* region = new MockRegion;
  region->object.fid = {FI_CLASS_MR, nullptr, &region_ops};
  region->object.mem_desc = region;
  region->object.key = key;
  region->state = &state;
  region->domain = owner;
  region->base = static_cast<std::byte*>(const_cast<void*>(memory));
  region->length = length;
  state.locked += length;
  state.regions[{owner, key}] = region;
  *registered = &region->object;
  return 0;
}

// -- completion queues -----------------------------------------------------------------------

ssize_t read_queue(fid_cq* fid, void* entries, std::size_t count) {
  auto* queue = as<QueueObject>(fid);
  State& state = *queue->domain->state;
  const std::lock_guard lock(state.mutex);
  if (state.refuses()) return -FI_EAGAIN;
  return state.read(*queue->domain->endpoint, static_cast<fi_cq_data_entry*>(entries), count);
}

ssize_t read_error(fid_cq* fid, fi_cq_err_entry* told, std::uint64_t) {
  auto* queue = as<QueueObject>(fid);
  const std::lock_guard lock(queue->domain->state->mutex);
  auto& waiting = queue->domain->endpoint->queue;
  if (waiting.empty() || waiting.front().error == 0) return -FI_EAGAIN;
  told->op_context = waiting.front().entry.op_context;
  told->flags = waiting.front().entry.flags;
  told->err = waiting.front().error;
  told->prov_errno = 77;
  waiting.pop_front();
  return 1;
}

const char* error_words(fid_cq*, int, const void*, char*, std::size_t) {
  return "the mock's words";
}

fi_ops queue_fid_ops = plain_ops<QueueObject>();
fi_ops_cq queue_ops = {sizeof(fi_ops_cq), read_queue, nullptr, read_error,
                       nullptr,           nullptr,    nullptr, error_words};

int open_queue(fid_domain* domain, fi_cq_attr* attributes, fid_cq** opened, void*) {
  if (attributes->format != FI_CQ_FORMAT_DATA) return -FI_ENOSYS;
  auto* queue = new QueueObject;
  queue->object.fid = {FI_CLASS_CQ, nullptr, &queue_fid_ops};
  queue->object.ops = &queue_ops;
  queue->domain = as<DomainObject>(domain);
  *opened = &queue->object;
  return 0;
}

// -- addresses -------------------------------------------------------------------------------

int insert(fid_av*, const void* address, std::size_t count, fi_addr_t* inserted, std::uint64_t,
           void*) {
  std::memcpy(inserted, address, sizeof(fi_addr_t));
  return static_cast<int>(count);
}

fi_ops vector_fid_ops = plain_ops<VectorObject>();
fi_ops_av vector_ops = {sizeof(fi_ops_av), insert,  nullptr, nullptr,
                        nullptr,           nullptr, nullptr, nullptr};

int open_vector(fid_domain*, fi_av_attr*, fid_av** opened, void*) {
  auto* vector = new VectorObject;
  vector->object.fid = {FI_CLASS_AV, nullptr, &vector_fid_ops};
  vector->object.ops = &vector_ops;
  *opened = &vector->object;
  return 0;
}

// -- endpoints -------------------------------------------------------------------------------

ssize_t post(fid_ep* fid, const MockCall& call) {
  auto* endpoint = as<EndpointObject>(fid);
  State& state = *endpoint->domain->state;
  const std::lock_guard lock(state.mutex);
  if (state.refuses()) return -FI_EAGAIN;
  return state.post(*endpoint->domain->endpoint, call);
}

ssize_t write_plain(fid_ep* fid, const void* data, std::size_t length, void* descriptor,
                    fi_addr_t to, std::uint64_t address, std::uint64_t key, void* context) {
  return post(
      fid,
      {false, const_cast<void*>(data), length, descriptor, to, address, key, 0, 0, context, {}});
}

ssize_t write_message(fid_ep* fid, const fi_msg_rma* message, std::uint64_t flags) {
  const State& state = *as<EndpointObject>(fid)->domain->state;
  const std::size_t parts = message->rma_iov_count;
  if (parts > std::min<std::size_t>(state.promises.parts, 2) || parts != message->iov_count)
    return -FI_EINVAL;
  MockCall call{false,
                message->msg_iov->iov_base,
                message->msg_iov->iov_len,
                message->desc != nullptr ? message->desc[0] : nullptr,
                message->addr,
                message->rma_iov->addr,
                message->rma_iov->key,
                flags,
                message->data,
                message->context,
                {}};
  if (parts == 2) {
    const iovec& from = message->msg_iov[1];
    const fi_rma_iov& to = message->rma_iov[1];
    MockWord word{0, to.addr, to.key};
    if (from.iov_len != sizeof word.value || to.len != sizeof word.value) return -FI_EINVAL;
    std::memcpy(&word.value, from.iov_base, sizeof word.value);
    call.word = word;
  }
  return post(fid, call);
}

ssize_t read_plain(fid_ep* fid, void* data, std::size_t length, void* descriptor, fi_addr_t from,
                   std::uint64_t address, std::uint64_t key, void* context) {
  return post(fid, {true, data, length, descriptor, from, address, key, 0, 0, context, {}});
}

int get_name(fid* fid, void* address, std::size_t* length) {
  const std::uint64_t index = as<EndpointObject>(fid)->domain->endpoint->index;
  const bool fits = *length >= sizeof index;
  if (fits) std::memcpy(address, &index, sizeof index);
  *length = sizeof index;
  return fits ? 0 : -FI_ETOOSMALL;
}

int close_endpoint(fid* fid) {
  auto* endpoint = as<EndpointObject>(fid);
  {
    State& state = *endpoint->domain->state;
    const std::lock_guard lock(state.mutex);
    const std::size_t index = endpoint->domain->endpoint->index;
    endpoint->domain->endpoint->open = false;
    std::erase_if(state.flights, [&](const MockFlight& flight) {
      return flight.from == index || flight.call.to == index;
    });
  }
  delete endpoint;
  return 0;
}

int bind_endpoint(fid* fid, struct fid*, std::uint64_t) {
  ++as<EndpointObject>(fid)->bound;
  return 0;
}

int control_endpoint(fid* fid, int command, void*) {
  return command == FI_ENABLE && as<EndpointObject>(fid)->bound == 2 ? 0 : -FI_EOPBADSTATE;
}

fi_ops endpoint_fid_ops = {sizeof(fi_ops), close_endpoint, bind_endpoint, control_endpoint,
                           nullptr,        nullptr,        nullptr};
fi_ops_cm endpoint_cm_ops = {sizeof(fi_ops_cm), nullptr, get_name, nullptr, nullptr,
                             nullptr,           nullptr, nullptr,  nullptr, nullptr};
fi_ops_rma endpoint_rma_ops = {
    sizeof(fi_ops_rma), read_plain, nullptr, nullptr, write_plain, nullptr,
    write_message,      nullptr,    nullptr, nullptr};

int open_endpoint(fid_domain* domain, fi_info*, fid_ep** opened, void*) {
  auto* endpoint = new EndpointObject;
  endpoint->object.fid = {FI_CLASS_EP, nullptr, &endpoint_fid_ops};
  endpoint->object.cm = &endpoint_cm_ops;
  endpoint->object.rma = &endpoint_rma_ops;
  endpoint->domain = as<DomainObject>(domain);
  *opened = &endpoint->object;
  return 0;
}

// -- domain and fabric -----------------------------------------------------------------------

fi_ops domain_fid_ops = plain_ops<DomainObject>();
fi_ops_domain domain_ops = {sizeof(fi_ops_domain),
                            open_vector,
                            open_queue,
                            open_endpoint,
                            nullptr,
                            nullptr,
                            nullptr,
                            nullptr,
                            nullptr,
                            nullptr,
                            nullptr,
                            nullptr};
fi_ops_mr registration_ops = {sizeof(fi_ops_mr), register_memory, nullptr, nullptr};

int open_domain(fid_fabric* fabric, fi_info*, fid_domain** opened, void*) {
  auto* domain = new DomainObject;
  domain->object.fid = {FI_CLASS_DOMAIN, nullptr, &domain_fid_ops};
  domain->object.ops = &domain_ops;
  domain->object.mr = &registration_ops;
  domain->state = as<FabricObject>(fabric)->state;
  const std::lock_guard lock(domain->state->mutex);
  domain->state->endpoints.push_back({});
  domain->endpoint = &domain->state->endpoints.back();
  domain->endpoint->index = domain->state->endpoints.size() - 1;
  *opened = &domain->object;
  return 0;
}

fi_ops fabric_fid_ops = plain_ops<FabricObject>();
fi_ops_fabric fabric_ops = {
    sizeof(fi_ops_fabric), open_domain, nullptr, nullptr, nullptr, nullptr, nullptr};

}  // namespace

int open_mock_fabric(MockNetwork::State& state, fid_fabric** fabric) {
  auto* opened = new FabricObject;
  opened->object.fid = {FI_CLASS_FABRIC, nullptr, &fabric_fid_ops};
  opened->object.ops = &fabric_ops;
  opened->state = &state;
  *fabric = &opened->object;
  return 0;
}

}  // namespace rlx::test
