// A peer that goes while what was sent to it is on the way: nothing is awaited from it any more,
// and the call can not complete.

#include <gmock/gmock.h>

#include <atomic>
#include <barrier>
#include <thread>

#include "forwarding_transport.hpp"
#include "support.hpp"

namespace rlx::test {
namespace {

/// A connection that breaks: what is sent to the peer from then on is accepted and never completes,
/// and the peer counts as gone.
class BreakingTransport final : public ForwardingTransport {
 public:
  BreakingTransport(std::unique_ptr<SymmetricTransport> inner, Rank peer,
                    const std::atomic<bool>& broken)
      : ForwardingTransport(std::move(inner)), peer_(peer), broken_(broken) {}
  Issue put(Lane lane, RemoteRef to, LocalRef from, Completion& completion) noexcept override {
    if (lost(to.rank, completion)) return Issue::done;
    return ForwardingTransport::put(lane, to, from, completion);
  }
  Issue put_signal(Lane lane, RemoteRef to, LocalRef from, Signal signal,
                   Completion& completion) noexcept override {
    if (lost(to.rank, completion)) return Issue::done;
    return ForwardingTransport::put_signal(lane, to, from, signal, completion);
  }
  Issue get(Lane lane, LocalRef to, RemoteRef from, Completion& completion) noexcept override {
    if (lost(from.rank, completion)) return Issue::done;
    return ForwardingTransport::get(lane, to, from, completion);
  }
  Issue signal(Lane lane, Signal signal, Completion& completion) noexcept override {
    if (lost(signal.rank, completion)) return Issue::done;
    return ForwardingTransport::signal(lane, signal, completion);
  }
  bool admit(Rank rank, WindowNumber number, const WindowKey& key) noexcept override {
    if (!ForwardingTransport::admit(rank, number, key)) return false;
    record_window(rank, number, window_bytes(rank, number));  // mapped, it would be gone around
    return true;
  }
  [[nodiscard]] bool peer_failed(Rank rank) const noexcept override {
    return (rank == peer_ && broken_) || ForwardingTransport::peer_failed(rank);
  }

 private:
  bool lost(Rank to, Completion& completion) noexcept {
    if (to != peer_ || !broken_) return false;
    completion.issued.fetch_add(1, std::memory_order_relaxed);
    return true;
  }

  Rank peer_;
  const std::atomic<bool>& broken_;
};

TEST(Undelivered, what_a_peer_that_has_gone_will_never_get_is_an_error_that_names_it) {
  std::atomic<bool> broken{false};
  std::barrier stage(2);
  CommunicatorOptions options = options_with("bruck");
  options.config.timeout = 2;
  options.decorate = [&broken](std::unique_ptr<SymmetricTransport> inner) {
    const Rank other(1 - inner->rank().value());
    std::unique_ptr<SymmetricTransport> breaking =
        std::make_unique<BreakingTransport>(std::move(inner), other, broken);
    return breaking;
  };
  launch_threads(2, options, [&](Communicator& comm) {
    std::vector<int> mine(100, 1), all(200);
    all_gather(comm, mine, all);
    stage.arrive_and_wait();
    const bool stays = comm.rank() == Rank(0);
    Request request;
    if (!stays) request = all_gather_async(comm, mine, all);  // sends at once
    stage.arrive_and_wait();
    broken = true;
    stage.arrive_and_wait();
    const auto start = std::chrono::steady_clock::now();
    try {
      if (stays)
        all_gather(comm, mine, all);
      else
        request.wait();
      ADD_FAILURE() << "completed on rank " << comm.rank().value();
    } catch (const CollectiveError& error) {
      EXPECT_EQ(error.kind(), ErrorKind::PeerFailed) << error.what();
      EXPECT_THAT(error.ranks(), ::testing::Contains(Rank(stays ? 1 : 0)));
      EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
    }
  });
}

}  // namespace
}  // namespace rlx::test
