#pragma once
// Inside the mock provider: what is on the way, and who may touch what.

#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_eq.h>

#include <array>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/transports/ofi/mock_provider.hpp"

namespace rlx::test {

struct MockRegion {
  fid_mr object{};
  MockNetwork::State* state = nullptr;
  std::size_t domain = 0;
  std::byte* base = nullptr;
  std::size_t length = 0;
  bool bound = false;
  bool enabled = false;
};

struct MockQueueEntry {
  fi_cq_data_entry entry{};
  int error = 0;
};

struct MockEndpoint {
  std::size_t index = 0;
  bool open = true;
  bool alive = true;
  std::size_t outstanding = 0;
  std::size_t delivered = 0;
  std::deque<MockQueueEntry> queue;
};

/// The signal's word that follows the bytes of a write in the same message.
struct MockWord {
  std::uint64_t value = 0;
  std::uint64_t address = 0;
  std::uint64_t key = 0;
};

/// One call to the provider.
struct MockCall {
  bool reads = false;
  void* local = nullptr;
  std::size_t length = 0;
  void* descriptor = nullptr;
  std::uint64_t to = 0;
  std::uint64_t address = 0;
  std::uint64_t key = 0;
  std::uint64_t flags = 0;
  std::uint64_t data = 0;
  void* context = nullptr;
  std::optional<MockWord> word;
};

/// A call on its way.
struct MockFlight {
  MockCall call;
  std::size_t from = 0;
  std::vector<std::byte> copy;  // of the source, where it was taken at issue
  std::byte* target = nullptr;
  std::byte* word = nullptr;
  bool completed = false;  // the issuer was told before delivery
};

struct MockNetwork::State {
  explicit State(MockPromises given) : promises(std::move(given)), random(promises.seed) {}

  // All under the mutex.
  ssize_t post(MockEndpoint& from, const MockCall& call);
  void deliver_to(MockEndpoint& target);
  ssize_t read(MockEndpoint& endpoint, fi_cq_data_entry* entries, std::size_t count);
  void complete(const MockFlight& flight, int error);
  MockEndpoint& owner_of(const void* memory);
  bool refuses();
  void breach(std::string what) { breaches.push_back(std::move(what)); }
  bool chance(unsigned one_in) { return random() % one_in == 0; }

  MockPromises promises;
  mutable std::mutex mutex;
  std::mt19937 random;
  std::deque<MockEndpoint> endpoints;                                    // references stay valid
  std::map<std::pair<std::size_t, std::uint64_t>, MockRegion*> regions;  // by (domain, key)
  std::vector<MockFlight> flights;
  std::map<void*, std::array<unsigned char, sizeof(fi_context2)>> contexts;  // lent to us
  std::size_t locked = 0;
  int next_error = 0;
  std::uint64_t next_key = 0x9000;
  std::vector<std::string> breaches;
  Counts counts;

 private:
  bool is_lawful(const MockCall& call, const MockEndpoint& from);
  std::byte* resolve(std::uint64_t to, std::uint64_t key, std::uint64_t address,
                     std::size_t length);
  void check_source(const MockCall& call, std::size_t domain);
  std::size_t choose(const MockEndpoint& target);
};

/// Opens the fabric object whose domains, endpoints and queues work on `state`.
int open_mock_fabric(MockNetwork::State& state, fid_fabric** fabric);

}  // namespace rlx::test
