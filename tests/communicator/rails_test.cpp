// Communicators over several rails: long calls take them in turn, short ones the first.

#include <gmock/gmock.h>

#include <array>
#include <atomic>

#include "lib/communicator/communicator_state.hpp"
#include "tests/communicator/checks.hpp"
#include "tests/communicator/forwarding_transport.hpp"
#include "transports/faulty/faulty_transport.hpp"

namespace rlx::test {
namespace {

CommunicatorOptions on_rails(std::uint32_t rails, const std::string& provider,
                             const std::string& algorithm = "") {
  CommunicatorOptions options = options_with(algorithm, 16 << 10);  // long calls are many pieces
  options.config.transport = "ofi";
  options.config.provider = provider;
  options.config.rails = rails;
  return options;
}

std::vector<std::string> names(collectives::Collective collective) {
  return names_of(collective,
                  [](collectives::Reach reach) { return reach == collectives::Reach::messages; });
}

constexpr std::size_t kCounts[] = {0, 1, 17, 1023, 5000, 40001};

struct RailsCase {
  std::size_t ranks;
  std::uint32_t rails;
  std::string provider;
};

class OnRails : public testing::TestWithParam<RailsCase> {};

TEST_P(OnRails, all_reduce_is_right_for_every_algorithm_of_messages) {
  const auto& [ranks, rails, provider] = GetParam();
  for (const std::string& name : names(collectives::Collective::all_reduce))
    launch_threads(ranks, on_rails(rails, provider, name), [](Communicator& comm) {
      for (const std::size_t count : kCounts) check_all_reduce<float>(comm, count);
    });
}

TEST_P(OnRails, all_gather_and_reduce_scatter_are_right_for_every_algorithm_of_messages) {
  const auto& [ranks, rails, provider] = GetParam();
  for (const std::string& name : names(collectives::Collective::all_gather))
    launch_threads(ranks, on_rails(rails, provider, "all_gather=" + name), [](Communicator& comm) {
      for (const std::size_t count : kCounts) check_all_gather<std::int32_t>(comm, count / 4);
    });
  for (const std::string& name : names(collectives::Collective::reduce_scatter))
    launch_threads(ranks, on_rails(rails, provider, "reduce_scatter=" + name),
                   [](Communicator& comm) {
                     for (const std::size_t count : kCounts)
                       check_reduce_scatter<double>(comm, count / 4);
                   });
}

// Words come by another lane in each epoch of their set; a rank may be W epochs ahead.
TEST_P(OnRails, calls_follow_each_other_without_barriers) {
  const auto& [ranks, rails, provider] = GetParam();
  for (const std::uint32_t window : {1U, 3U, 4U}) {
    CommunicatorOptions options = on_rails(rails, provider);
    options.config.window = window;
    launch_threads(ranks, options, [](Communicator& comm) {
      for (int round = 0; round < 10; ++round) {
        check_all_reduce<float>(comm, 30000);
        check_all_reduce<float>(comm, 3);
        check_all_gather<std::uint16_t>(comm, 9000);
        check_reduce_scatter<std::int64_t>(comm, 2500);
      }
    });
  }
}

TEST_P(OnRails, requests_in_flight_are_right) {
  const auto& [ranks, rails, provider] = GetParam();
  launch_threads(ranks, on_rails(rails, provider), [](Communicator& comm) {
    constexpr std::size_t kCalls = 12;
    constexpr std::size_t kCount = 30000;
    std::vector<std::vector<float>> data(kCalls, std::vector<float>(kCount));
    std::vector<Request> requests;
    for (auto& vector : data) {
      for (std::size_t i = 0; i < kCount; ++i) vector[i] = element<float>(comm.rank().value(), i);
      requests.push_back(all_reduce_async(comm, vector, ReduceKind::Sum));
    }
    for (auto& request : requests) request.wait();
    for (const auto& vector : data)
      for (std::size_t i = 0; i < kCount; ++i) ASSERT_EQ(vector[i], sum_of(comm.size(), i));
  });
}

INSTANTIATE_TEST_SUITE_P(Ofi, OnRails,
                         testing::Values(RailsCase{2, 3, "tcp;ofi_rxm"}, RailsCase{3, 2, "net"},
                                         RailsCase{5, 2, "net"}),
                         [](const auto& one) {
                           return std::to_string(one.param.ranks) + "_ranks_" +
                                  std::to_string(one.param.rails) + "_rails";
                         });

/// Counts what goes over each lane.
class LaneCounter final : public ForwardingTransport {
 public:
  using Counts = std::array<std::atomic<std::uint64_t>, 64>;
  LaneCounter(std::unique_ptr<SymmetricTransport> inner, Counts& counts)
      : ForwardingTransport(std::move(inner)), counts_(counts) {}
  Issue put_signal(Lane lane, RemoteRef to, LocalRef from, Signal signal,
                   Completion& completion) noexcept override {
    return counted(lane, ForwardingTransport::put_signal(lane, to, from, signal, completion));
  }
  Issue signal(Lane lane, Signal signal, Completion& completion) noexcept override {
    return counted(lane, ForwardingTransport::signal(lane, signal, completion));
  }

 private:
  Issue counted(Lane lane, Issue issue) noexcept {
    if (issue == Issue::done) ++counts_[lane % capabilities().lanes % counts_.size()];
    return issue;
  }
  Counts& counts_;
};

TEST(RailLanes, are_taken_in_turn_by_the_pieces_of_long_calls_and_not_by_short_ones) {
  LaneCounter::Counts counts{};
  CommunicatorOptions options = on_rails(2, "tcp;ofi_rxm", "ring");
  options.decorate = [&counts](std::unique_ptr<SymmetricTransport> inner) {
    EXPECT_EQ(inner->capabilities().lanes, 32U);
    return std::make_unique<LaneCounter>(std::move(inner), counts);
  };
  launch_threads(2, options, [&counts](Communicator& comm) {
    std::vector<float> data(300);
    for (int call = 0; call < 40; ++call) all_reduce(comm, data, ReduceKind::Sum);
    comm.barrier();
    for (std::size_t lane = 1; lane < 32; ++lane) EXPECT_EQ(counts[lane], 0U) << lane;
    const std::uint64_t before = counts[0];
    comm.barrier();
    std::vector<float> longer(2'000'000);
    all_reduce(comm, longer, ReduceKind::Sum);
    comm.barrier();
    for (std::size_t lane = 1; lane < 32; ++lane)
      EXPECT_NEAR(static_cast<double>(counts[lane]), static_cast<double>(counts[1]),
                  0.25 * static_cast<double>(counts[1]))
          << lane;
    EXPECT_GT(counts[1], 0U);
    EXPECT_GT(counts[0], before);
    comm.barrier();
  });
}

// Rails between nodes, mapped memory within: keys of both in one.
TEST(RailLanes, go_with_mapped_memory) {
  CommunicatorOptions options = options_with("", 16 << 10);
  options.config.transport = "hybrid";
  options.config.nodes = "0,0,1,1";
  options.config.rails = 3;
  options.config.provider = "net";
  launch_threads(4, options, [](Communicator& comm) {
    EXPECT_EQ(comm.transport().lanes, 48U);
    EXPECT_THAT(comm.state().context().agreed().topology,
                testing::AllOf(testing::HasSubstr("3 rails"), testing::HasSubstr("2x2")));
    for (const std::size_t count : kCounts) {
      check_all_reduce<float>(comm, count);
      check_all_gather<std::int32_t>(comm, count / 4);
      check_reduce_scatter<double>(comm, count / 4);
    }
  });
}

TEST(RailLanes, go_with_a_network_that_reorders_all_it_may) {
  CommunicatorOptions options = on_rails(2, "tcp;ofi_rxm");
  options.decorate = [](std::unique_ptr<SymmetricTransport> inner) {
    return make_faulty(std::move(inner), "reorder,jitter=50us,late,seed=5");
  };
  launch_threads(3, options, [](Communicator& comm) {
    for (const std::size_t count : {1U, 17U, 9000U}) check_all_reduce<float>(comm, count);
  });
}

}  // namespace
}  // namespace rlx::test
