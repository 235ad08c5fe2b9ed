// The mock provider's behaviour. Its libfabric objects are in mock_objects.cpp.

#include "tests/transports/ofi/mock_provider.hpp"

#include <rdma/fi_errno.h>
#include <rdma/fi_rma.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <utility>

#include "tests/transports/ofi/mock_state.hpp"

namespace rlx::test {

namespace {

constexpr unsigned char kLent = 0xc7;

class MockFabric final : public ofi::Fabric {
 public:
  explicit MockFabric(MockNetwork::State& state) : state_(state) {}
  int getinfo(const char*, std::uint64_t, const fi_info* hints, fi_info** list) override;
  int open(fi_fabric_attr*, fid_fabric** fabric) override {
    return open_mock_fabric(state_, fabric);
  }

 private:
  MockNetwork::State& state_;
};

void store_word(std::byte* at, std::uint64_t value) {
  std::atomic_ref(*reinterpret_cast<std::uint64_t*>(at)).store(value, std::memory_order_release);
}

bool fits(const MockPromises& promises, const fi_info& hints) {
  const char* name = hints.fabric_attr->prov_name;
  if (name != nullptr && promises.provider != name) return false;
  if ((hints.caps & FI_RMA) != 0 && !promises.one_sided) return false;
  if ((hints.tx_attr->msg_order & ~promises.msg_order) != 0) return false;
  if ((promises.mr_mode & ~hints.domain_attr->mr_mode) != 0) return false;
  return (promises.mode & ~hints.mode) == 0;
}

fi_info* info_of(const MockPromises& promises, std::size_t domain) {
  fi_info* info = fi_allocinfo();
  info->caps = promises.one_sided ? FI_RMA : FI_MSG;
  info->mode = promises.mode;
  info->ep_attr->type = FI_EP_RDM;
  info->ep_attr->max_msg_size = promises.largest;
  info->ep_attr->max_order_waw_size = promises.ordered_bytes;
  info->tx_attr->msg_order = promises.msg_order;
  info->tx_attr->inject_size = promises.inject;
  info->tx_attr->size = promises.depth;
  info->tx_attr->iov_limit = promises.parts;
  info->tx_attr->rma_iov_limit = promises.parts;
  info->domain_attr->mr_mode = promises.mr_mode;
  info->domain_attr->mr_key_size = promises.key_bytes;
  info->domain_attr->cq_data_size = promises.completion_data;
  info->domain_attr->name = ::strdup(("mock" + std::to_string(domain)).c_str());
  info->fabric_attr->name = ::strdup("mock");
  info->fabric_attr->prov_name = ::strdup(promises.provider.c_str());
  return info;
}

int MockFabric::getinfo(const char*, std::uint64_t, const fi_info* hints, fi_info** list) {
  if (!fits(state_.promises, *hints)) return -FI_ENODATA;
  fi_info* next = nullptr;
  for (std::size_t domain = state_.promises.domains; domain-- > 0;) {
    fi_info* const info = info_of(state_.promises, domain);
    info->next = std::exchange(next, info);
  }
  *list = next;
  return 0;
}

}  // namespace

// By chance and not by count: ranks that poll in turn could else meet every refusal with the same
// rank, for ever.
bool MockNetwork::State::refuses() {
  const bool refused = promises.refuse_one_in != 0 && chance(promises.refuse_one_in);
  counts.refused += refused ? 1 : 0;
  return refused;
}

// The bytes of the target that a call names; nullptr for a wrong key or range.
std::byte* MockNetwork::State::resolve(std::uint64_t to, std::uint64_t key, std::uint64_t address,
                                       std::size_t length) {
  const auto found = regions.find({to, key});
  if (found == regions.end()) return nullptr;
  const MockRegion& region = *found->second;
  if ((promises.mr_mode & FI_MR_ENDPOINT) != 0 && !(region.bound && region.enabled)) return nullptr;
  const auto base = (promises.mr_mode & FI_MR_VIRT_ADDR) != 0
                        ? reinterpret_cast<std::uint64_t>(region.base)
                        : std::uint64_t{0};
  if (address < base || address - base + length > region.length) return nullptr;
  return region.base + (address - base);
}

void MockNetwork::State::check_source(const MockCall& call, std::size_t domain) {
  if ((promises.mr_mode & FI_MR_LOCAL) == 0 || call.length == 0) return;
  if ((call.flags & FI_INJECT) != 0) return;
  for (const auto& [name, region] : regions) {
    const auto* bytes = static_cast<std::byte*>(call.local);
    if (name.first != domain || region != call.descriptor) continue;
    if (bytes >= region->base && bytes + call.length <= region->base + region->length) return;
  }
  breach("a source outside the region of its descriptor");
}

bool MockNetwork::State::is_lawful(const MockCall& call, const MockEndpoint& from) {
  const std::size_t before = breaches.size();
  const std::size_t length = call.length + (call.word ? sizeof call.word->value : 0);
  if (length > promises.largest) breach("longer than the largest message");
  if ((call.flags & FI_INJECT) != 0 && length > promises.inject) breach("too long to inject");
  if ((call.flags & FI_INJECT) != 0 && (call.flags & FI_DELIVERY_COMPLETE) != 0)
    breach("injected with delivery-complete");
  if ((call.flags & FI_REMOTE_CQ_DATA) != 0 && promises.completion_data < 4)
    breach("completion data that was not offered");
  if (call.data > 0xffffffffu) breach("more than 32 bits of completion data");
  if (call.context == nullptr || contexts.contains(call.context))
    breach("a context that is missing or already lent");
  if (from.outstanding >= promises.depth) breach("more operations than the queue's depth");
  check_source(call, from.index);
  return breaches.size() == before;
}

ssize_t MockNetwork::State::post(MockEndpoint& from, const MockCall& call) {
  if (!is_lawful(call, from)) return -FI_EINVAL;
  MockFlight flight{call,    from.index, {}, resolve(call.to, call.key, call.address, call.length),
                    nullptr, false};
  if (call.word)
    flight.word = resolve(call.to, call.word->key, call.word->address, sizeof call.word->value);
  if (call.word && flight.word == nullptr) flight.target = nullptr;
  std::memset(call.context, kLent, sizeof(fi_context2));
  std::memcpy(contexts[call.context].data(), call.context, sizeof(fi_context2));
  ++from.outstanding;
  if (next_error != 0) {
    complete(flight, std::exchange(next_error, 0));
    return 0;
  }
  if (flight.target == nullptr || !endpoints[call.to].alive) {
    complete(flight, flight.target == nullptr ? FI_EACCES : FI_ECONNRESET);
    return 0;
  }
  const bool injected = (call.flags & FI_INJECT) != 0;
  const bool may_precede = !call.reads && (call.flags & FI_DELIVERY_COMPLETE) == 0;
  if (injected || (may_precede && chance(2))) {
    const auto* bytes = static_cast<const std::byte*>(call.local);
    if (call.length > 0) flight.copy.assign(bytes, bytes + call.length);
    if (may_precede && !promises.acknowledges) {
      complete(flight, 0);
      flight.completed = true;
    }
  }
  flights.push_back(std::move(flight));
  return 0;
}

void MockNetwork::State::complete(const MockFlight& flight, int error) {
  MockEndpoint& issuer = endpoints[flight.from];
  const auto lent = contexts.find(flight.call.context);
  if (std::memcmp(lent->second.data(), flight.call.context, sizeof(fi_context2)) != 0)
    breach("a context was written to while it was lent");
  contexts.erase(lent);
  --issuer.outstanding;
  MockQueueEntry told;
  told.entry.op_context = flight.call.context;
  told.entry.flags = FI_RMA | (flight.call.reads ? FI_READ : FI_WRITE);
  told.error = error;
  issuer.queue.push_back(told);
}

// Which of the calls on their way to a target arrives next: the first of a random sender where
// order is promised, any otherwise.
std::size_t MockNetwork::State::choose(const MockEndpoint& target) {
  std::vector<std::size_t> possible;
  std::set<std::size_t> senders;
  for (std::size_t i = 0; i < flights.size(); ++i) {
    if (flights[i].call.to != target.index) continue;
    const bool first = senders.insert(flights[i].from).second;
    const bool free = promises.msg_order == 0 || flights[i].call.length > promises.ordered_bytes;
    if (first || free) possible.push_back(i);
  }
  if (possible.empty()) return flights.size();
  const std::size_t chosen = random() % possible.size();
  counts.overtaken += chosen > 0 && senders.size() == 1 ? 1 : 0;
  return possible[chosen];
}

void MockNetwork::State::deliver_to(MockEndpoint& target) {
  for (unsigned n = 1 + random() % 32; n > 0; --n) {
    const std::size_t at = choose(target);
    if (at == flights.size()) return;
    const MockFlight flight = std::move(flights[at]);
    flights.erase(flights.begin() + static_cast<std::ptrdiff_t>(at));
    ++counts.delivered;
    ++target.delivered;
    const MockCall& call = flight.call;
    const void* source = flight.copy.empty() ? call.local : flight.copy.data();
    if (call.reads) {
      std::memcpy(call.local, flight.target, call.length);
    } else if (call.length == sizeof(std::uint64_t) &&
               reinterpret_cast<std::uintptr_t>(flight.target) % sizeof(std::uint64_t) == 0) {
      std::uint64_t value = 0;
      std::memcpy(&value, source, sizeof value);
      store_word(flight.target, value);
    } else if (call.length > 0) {
      std::memcpy(flight.target, source, call.length);
    }
    if (call.word) store_word(flight.word, call.word->value);
    if ((call.flags & FI_REMOTE_CQ_DATA) != 0) {
      MockQueueEntry told;
      told.entry.flags = FI_RMA | FI_REMOTE_WRITE | FI_REMOTE_CQ_DATA;
      told.entry.data = call.data;
      target.queue.push_back(told);
    }
    if (!flight.completed) complete(flight, 0);
  }
}

ssize_t MockNetwork::State::read(MockEndpoint& endpoint, fi_cq_data_entry* entries,
                                 std::size_t count) {
  deliver_to(endpoint);
  std::size_t read = 0;
  while (read < count && !endpoint.queue.empty() && endpoint.queue.front().error == 0) {
    entries[read++] = endpoint.queue.front().entry;
    endpoint.queue.pop_front();
  }
  if (read > 0) return static_cast<ssize_t>(read);
  return endpoint.queue.empty() ? -FI_EAGAIN : -FI_EAVAIL;
}

MockNetwork::MockNetwork(MockPromises promises)
    : state_(std::make_unique<State>(std::move(promises))),
      fabric_(std::make_unique<MockFabric>(*state_)) {}
MockNetwork::~MockNetwork() = default;

ofi::Fabric& MockNetwork::fabric() { return *fabric_; }

MockEndpoint& MockNetwork::State::owner_of(const void* memory) {
  for (const auto& [name, region] : regions) {
    if (region->base == memory) return endpoints[name.first];
  }
  throw std::logic_error("this memory is not registered");
}

void MockNetwork::kill_owner_of(const void* memory) {
  const std::lock_guard lock(state_->mutex);
  const std::size_t index = state_->owner_of(memory).index;
  state_->endpoints[index].alive = false;
  std::vector<MockFlight> cut;
  std::erase_if(state_->flights, [&](const MockFlight& flight) {
    if (flight.call.to != index) return false;
    if (!flight.completed) cut.push_back(flight);
    return true;
  });
  for (const MockFlight& flight : cut) state_->complete(flight, FI_ECONNRESET);
}

std::size_t MockNetwork::busy_endpoints() const {
  const std::lock_guard lock(state_->mutex);
  return static_cast<std::size_t>(std::ranges::count_if(
      state_->endpoints, [](const MockEndpoint& endpoint) { return endpoint.delivered > 0; }));
}

void MockNetwork::fail_next(int error) {
  const std::lock_guard lock(state_->mutex);
  state_->next_error = error;
}

void MockNetwork::queue_error(const void* memory, int error) {
  const std::lock_guard lock(state_->mutex);
  state_->owner_of(memory).queue.push_back({{}, error});
}

std::vector<std::string> MockNetwork::breaches() const {
  const std::lock_guard lock(state_->mutex);
  return state_->breaches;
}

MockNetwork::Counts MockNetwork::counts() const {
  const std::lock_guard lock(state_->mutex);
  return state_->counts;
}

}  // namespace rlx::test
