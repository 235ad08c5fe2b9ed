#pragma once
// A libfabric provider inside the test process: the objects that fi_fabric, fi_domain, ... give are
// its own, with its own operation tables, so the transport under test runs as it is. It promises
// what a test tells it to and no more: what it does not promise to order it delivers in random
// order, what it may refuse it refuses, and every breach of the rules by the caller is noted.
//
// Progress is manual: writes and reads reach a target while that target reads its queue.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "transports/ofi/fabric.hpp"

namespace rlx::test {

struct MockPromises {
  std::string provider = "mock";
  int mr_mode = 0;                  ///< FI_MR_* that it demands
  std::uint64_t msg_order = 0;      ///< FI_ORDER_* that it offers
  std::size_t ordered_bytes = 0;    ///< max_order_waw_size
  std::size_t completion_data = 0;  ///< cq_data_size
  std::size_t inject = 64;
  std::size_t largest = std::size_t{1} << 30;  ///< max_msg_size
  std::size_t parts = 1;                       ///< of one message, at both ends
  std::size_t depth = 128;                     ///< outstanding operations
  std::size_t key_bytes = 8;
  std::size_t domains = 1;    ///< "mock0", "mock1", ...
  std::uint64_t mode = 0;     ///< FI_CONTEXT, FI_CONTEXT2, ... that it demands
  bool one_sided = true;      ///< false: no FI_RMA
  bool acknowledges = false;  ///< completions never precede delivery

  unsigned refuse_one_in = 0;              ///< one call in so many says FI_EAGAIN; 0: none
  std::size_t lockable = ~std::size_t{0};  ///< bytes that can be registered
  unsigned seed = 1;
};

/// The machine room: endpoints that reach each other. Outlives everything opened from it.
class MockNetwork {
 public:
  explicit MockNetwork(MockPromises promises);
  ~MockNetwork();

  [[nodiscard]] ofi::Fabric& fabric();
  /// The (first) endpoint in whose domain this memory is registered dies: operations to it end in
  /// errors.
  void kill_owner_of(const void* memory);
  /// How many endpoints have been delivered to.
  [[nodiscard]] std::size_t busy_endpoints() const;
  /// The next operation posted by anybody ends with this libfabric error (positive).
  void fail_next(int error);
  /// Puts an error that belongs to no operation into the queue of the same endpoint.
  void queue_error(const void* memory, int error);
  /// What the caller did wrong so far; empty is right.
  [[nodiscard]] std::vector<std::string> breaches() const;
  /// How many operations were refused by FI_EAGAIN, delivered out of order, delivered in all.
  struct Counts {
    std::uint64_t refused = 0;
    std::uint64_t overtaken = 0;
    std::uint64_t delivered = 0;
  };
  [[nodiscard]] Counts counts() const;

  struct State;

 private:
  std::unique_ptr<State> state_;
  std::unique_ptr<ofi::Fabric> fabric_;
};

}  // namespace rlx::test
