// Private memory of long calls over a network: peers write to it where it lies.

#include <sys/mman.h>

#include <atomic>

#include "lib/communicator/communicator_state.hpp"
#include "tests/communicator/checks.hpp"

namespace rlx::test {
namespace {

/// Counts what is made a window of single calls, and demands it of sources, too, if it is told to.
class Watched final : public SymmetricTransport {
 public:
  struct Counts {
    std::atomic<int> attached{0}, detached{0};
  };

  Watched(std::unique_ptr<SymmetricTransport> inner, Counts& counts, bool demands)
      : SymmetricTransport(inner->rank(), inner->size()),
        inner_(std::move(inner)),
        counts_(counts) {
    share_kept(*inner_);
    offered_ = inner_->capabilities();
    offered_.local_registration = demands;
  }

  Issue put(Lane lane, RemoteRef to, LocalRef from, Completion& done) noexcept override {
    return inner_->put(lane, to, from, done);
  }
  Issue put_signal(Lane lane, RemoteRef to, LocalRef from, Signal signal,
                   Completion& done) noexcept override {
    return inner_->put_signal(lane, to, from, signal, done);
  }
  Issue get(Lane lane, LocalRef to, RemoteRef from, Completion& done) noexcept override {
    return inner_->get(lane, to, from, done);
  }
  Issue signal(Lane lane, Signal signal, Completion& done) noexcept override {
    return inner_->signal(lane, signal, done);
  }
  bool progress() noexcept override { return inner_->progress(); }
  std::optional<Window> attach(std::span<std::byte> memory, WindowRole role) noexcept override {
    if (role == WindowRole::call || role == WindowRole::source) ++counts_.attached;
    return inner_->attach(memory, role);
  }
  bool admit(Rank rank, WindowNumber number, const WindowKey& key) noexcept override {
    return inner_->admit(rank, number, key);
  }
  void detach(WindowNumber number) noexcept override {
    ++counts_.detached;
    inner_->detach(number);
  }
  const TransportCapabilities& capabilities() const noexcept override { return offered_; }

 private:
  std::unique_ptr<SymmetricTransport> inner_;
  Counts& counts_;
  TransportCapabilities offered_;
};

enum class Sources : std::uint8_t { anywhere, registered };

CommunicatorOptions over_network(Watched::Counts& counts, Sources sources = Sources::anywhere) {
  CommunicatorOptions options = options_with();
  options.config.transport = "ofi";
  options.decorate = [&counts, sources](std::unique_ptr<SymmetricTransport> inner) {
    return std::make_unique<Watched>(std::move(inner), counts, sources == Sources::registered);
  };
  return options;
}

constexpr std::size_t kLong = 20011;  // floats: beyond the 64 KiB from which memory is attached

class PrivateMemory : public testing::TestWithParam<std::size_t> {};

TEST_P(PrivateMemory, of_long_calls_takes_part_in_every_algorithm_of_messages) {
  const auto messages = [](collectives::Reach reach) {
    return reach == collectives::Reach::messages;
  };
  for (const Sources sources : {Sources::anywhere, Sources::registered}) {
    for (const auto collective :
         {collectives::Collective::all_reduce, collectives::Collective::all_gather,
          collectives::Collective::reduce_scatter}) {
      for (const std::string& name : names_of(collective, messages)) {
        if (name == "line" || name == "doubling_line") continue;  // 56 bytes at a time
        Watched::Counts counts;
        CommunicatorOptions options = over_network(counts, sources);
        options.config.algorithm = std::string(to_string(collective)) + "=" + name;
        launch_threads(GetParam(), options, [&](Communicator& comm) {
          for (const std::size_t count : {16383U, 16384U, 20011U}) {
            if (collective == collectives::Collective::all_reduce)
              check_all_reduce<float>(comm, count);
            else if (collective == collectives::Collective::all_gather)
              check_all_gather<std::int32_t>(comm, count);
            else
              check_reduce_scatter<float>(comm, count);
          }
        });
        EXPECT_EQ(counts.attached, counts.detached) << name;
        if (sources == Sources::registered) {
          EXPECT_GT(counts.attached, 0) << name;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ranks, PrivateMemory, testing::Values(2, 3, 5));

TEST(PrivateMemory, may_go_and_come_back_at_the_same_place_between_calls) {
  Watched::Counts counts;
  launch_threads(2, over_network(counts), [](Communicator& comm) {
    void* place = nullptr;
    for (std::uint32_t round = 0; round < 30; ++round) {
      constexpr std::size_t kBytes = 2 * kLong * sizeof(float);
      place = ::mmap(place, kBytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | (place != nullptr ? MAP_FIXED : 0), -1, 0);
      ASSERT_NE(place, MAP_FAILED);
      const std::span<float> all(static_cast<float*>(place), 2 * kLong);
      const auto mine = all.subspan(comm.rank().index() * kLong, kLong);
      for (std::size_t i = 0; i < kLong; ++i)
        mine[i] = static_cast<float>(round * 10 + comm.rank().value()) + static_cast<float>(i % 5);
      all_gather(comm, all);
      std::size_t wrong = 0;
      for (std::size_t i = 0; i < 2 * kLong; ++i) {
        const auto rank = static_cast<float>(round * 10 + i / kLong);
        wrong += all[i] != rank + static_cast<float>(i % kLong % 5);
      }
      EXPECT_EQ(wrong, 0U) << "round " << round;
      ::munmap(place, kBytes);
    }
    ::munmap(place, 0);
  });
  EXPECT_EQ(counts.attached, 60);
  EXPECT_EQ(counts.detached, 60);
}

TEST(PrivateMemory, of_many_calls_at_once_is_told_apart) {
  Watched::Counts counts;
  launch_threads(3, over_network(counts), [](Communicator& comm) {
    constexpr std::size_t kCalls = 12;
    std::vector<std::vector<float>> data(kCalls, std::vector<float>(kLong));
    std::vector<Request> requests;
    for (std::size_t call = 0; call < kCalls; ++call) {
      for (std::size_t i = 0; i < kLong; ++i)
        data[call][i] = element<float>(comm.rank().value(), i + call);
      requests.push_back(all_reduce_async(comm, data[call], ReduceKind::Sum));
    }
    for (Request& request : requests) request.wait();
    std::size_t wrong = 0;
    for (std::size_t call = 0; call < kCalls; ++call)
      for (std::size_t i = 0; i < kLong; ++i)
        wrong += data[call][i] != sum_of(comm.size(), i + call);
    EXPECT_EQ(wrong, 0U);
  });
  EXPECT_EQ(counts.attached, counts.detached);
  EXPECT_EQ(counts.attached, 36);
}

TEST(PrivateMemory, is_left_alone_where_that_is_asked_for_and_where_calls_are_short) {
  Watched::Counts counts;
  CommunicatorOptions options = over_network(counts);
  launch_threads(2, options, [](Communicator& comm) {
    check_all_reduce<float>(comm, 16383);
    check_all_gather<float>(comm, 5000);
  });
  options.config.register_private = false;
  launch_threads(2, options, [](Communicator& comm) { check_all_gather<float>(comm, kLong); });
  EXPECT_EQ(counts.attached, 0);
}

}  // namespace
}  // namespace rlx::test
