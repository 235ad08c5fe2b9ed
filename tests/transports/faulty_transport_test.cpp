// The faulty decorator in the conformance suite, and that each word of it does what it says.

#include "transports/faulty/faulty_transport.hpp"

#include <gmock/gmock.h>

#include <cstring>

#include "rlx/local_transport.hpp"
#include "tests/transports/transport_suite.hpp"
#include "transports/faulty/faulty_options.hpp"
#include "transports/local/make_local.hpp"

namespace rlx {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

test::TransportCase around_local(std::string name, std::string options) {
  return {std::move(name), [options](const TransportSetup& setup) {
            return make_faulty(make_local(setup), options);
          }};
}

INSTANTIATE_TEST_SUITE_P(
    Faulty, TransportSuite,
    testing::Values(around_local("deferred", ""), around_local("delayed", "delay=300us,jitter=1ms"),
                    around_local("busy", "busy=0.5,late"),
                    around_local("reordered", "reorder,jitter=200us,busy=0.1,late,seed=5"),
                    around_local("manual_progress", "progress,jitter=100us,busy=0.1"),
                    around_local("completion_data", "cqdata"),
                    around_local("completion_data_reordered",
                                 "cqdata,reorder,jitter=200us,busy=0.1,late,seed=9")),
    test::case_name);

// `n` ranks of this thread, each with 64 KiB of heap.
struct Ranks {
  Ranks(std::size_t n, std::string_view options) {
    for (auto& local : LocalTransport::fan_out(n, 1 << 16, 128)) {
      heaps.push_back(local->heap());
      signals.push_back(local->signals());
      locals.push_back(local.get());
      transports.push_back(make_faulty(std::move(local), options));
    }
    for (std::size_t owner = 0; owner < n; ++owner) wire(owner);
  }

  void wire(std::size_t owner) {
    for (std::size_t i = 0; i < 128 / 64; ++i) {
      signals[owner].expected(static_cast<std::uint32_t>(i)).store(SignalValue::make(1, 0, 0));
    }
    // fan_out has attached the windows of the inner transport; these come on top of them.
    memory.emplace_back(SignalRegion::bytes(128));
    const Window window = *transports[owner]->attach(heaps[owner], WindowRole::heap);
    number = window.number;
    for (auto& peer : transports) {
      EXPECT_TRUE(peer->admit(Rank(static_cast<std::uint32_t>(owner)), window.number, window.key));
    }
  }

  std::vector<std::vector<std::byte>> memory;
  std::vector<std::span<std::byte>> heaps;
  std::vector<SignalRegion> signals;
  std::vector<LocalTransport*> locals;
  std::vector<std::unique_ptr<SymmetricTransport>> transports;
  WindowNumber number = 0;
};

}  // namespace

}  // namespace rlx
