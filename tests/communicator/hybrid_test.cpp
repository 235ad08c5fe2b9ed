// Communicators over several nodes, pretended on this machine: what all agree on, which memory is
// loaded and stored, and what goes over the network.

#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <numeric>

#include "lib/communicator/communicator_state.hpp"
#include "tests/communicator/checks.hpp"
#include "transports/faulty/faulty_transport.hpp"

namespace rlx::test {
namespace {

using testing::ElementsAre;

constexpr std::size_t kRanks = 4;

/// Counts what the ranks send over the network to mates and to others, from when it is asked to.
class Traffic {
 public:
  void watch(CommunicatorOptions& options) {
    options.decorate = [this](std::unique_ptr<SymmetricTransport> inner) {
      transports_[inner->rank().index()] = inner.get();
      return inner;
    };
  }
  [[nodiscard]] std::uint64_t operations(Rank from, Rank to) const {
    return transports_[from.index()]->network_traffic(to).operations;
  }
  [[nodiscard]] std::uint64_t bytes(Rank from, Rank to) const {
    return transports_[from.index()]->network_traffic(to).bytes;
  }

 private:
  std::array<SymmetricTransport*, kRanks> transports_{};
};

CommunicatorOptions on_nodes(const std::string& nodes, const std::string& algorithm = "") {
  CommunicatorOptions options = options_with(algorithm);
  options.config.transport = "hybrid";
  options.config.nodes = nodes;
  return options;
}

void check_sum(Communicator& comm, std::size_t count) {
  const std::uint32_t me = comm.rank().value();
  auto data = comm.allocate<float>(count);
  for (std::size_t i = 0; i < count; ++i) data[i] = element<float>(me, i);
  all_reduce(comm, data, ReduceKind::Sum);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < count; ++i) wrong += data[i] != sum_of(comm.size(), i);
  EXPECT_EQ(wrong, 0U) << count << " elements, rank " << me;
}

class NodeShapes : public testing::TestWithParam<std::string> {};

TEST_P(NodeShapes, give_right_results_with_every_algorithm_of_messages) {
  for (const char* algorithm : {"ring", "circulant", "double_binary_tree", "exchange"}) {
    launch_threads(kRanks, on_nodes(GetParam(), algorithm), [](Communicator& comm) {
      for (const std::size_t count : {0U, 1U, 3U, 14U, 1000U, 100000U}) check_sum(comm, count);
    });
  }
}

/// Those for several nodes.
std::vector<std::string> names(collectives::Collective collective) {
  return names_of(collective,
                  [](collectives::Reach reach) { return reach == collectives::Reach::nodes; });
}

constexpr std::size_t kCounts[] = {0, 1, 3, 16, 17, 1023, 40001};

TEST_P(NodeShapes, give_right_results_with_every_algorithm_for_nodes) {
  CommunicatorOptions options = on_nodes(GetParam());
  options.config.slot_bytes = 16 << 10;  // long calls are many pieces
  for (const std::string& name : names(collectives::Collective::all_reduce)) {
    options.config.algorithm = name;
    launch_threads(kRanks, options, [](Communicator& comm) {
      for (const std::size_t count : kCounts) check_all_reduce<float>(comm, count);
    });
  }
  for (const std::string& name : names(collectives::Collective::all_gather)) {
    options.config.algorithm = "all_gather=" + name;
    launch_threads(kRanks, options, [](Communicator& comm) {
      for (const std::size_t count : kCounts) check_all_gather<std::int32_t>(comm, count / 2);
    });
  }
  for (const std::string& name : names(collectives::Collective::reduce_scatter)) {
    options.config.algorithm = "reduce_scatter=" + name;
    launch_threads(kRanks, options, [](Communicator& comm) {
      for (const std::size_t count : kCounts) check_reduce_scatter<double>(comm, count / 2);
    });
  }
}

TEST_P(NodeShapes, give_right_results_back_to_back_without_barriers) {
  launch_threads(kRanks, on_nodes(GetParam()), [](Communicator& comm) {
    for (int round = 0; round < 30; ++round) {
      for (const std::size_t count : {1U, 300U, 60000U}) {
        check_all_reduce<float>(comm, count);
        check_all_gather<std::uint16_t>(comm, count / 4);
        check_reduce_scatter<std::int64_t>(comm, count / 4);
      }
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Hybrid, NodeShapes, testing::Values("0,0,1,1", "0,1,0,1", "0,1,1,1"),
                         [](const auto& shape) {
                           std::string name = "on_" + shape.param;
                           std::ranges::replace(name, ',', '_');
                           return name;
                         });

TEST(Nodes, are_told_to_those_who_make_plans) {
  launch_threads(kRanks, on_nodes("5,2,5,2"), [](Communicator& comm) {
    const detail::AgreedValues& agreed = comm.state().context().agreed();
    EXPECT_THAT(agreed.node_of, ElementsAre(0, 1, 0, 1));
    EXPECT_FALSE(agreed.load_store);
    EXPECT_FALSE(agreed.single_copy);
    EXPECT_THAT(agreed.topology, testing::HasSubstr("2x2"));
    for (std::uint32_t peer = 0; peer < kRanks; ++peer) {
      const auto& route = comm.state().engine().setup().peers[peer];
      const bool mate = peer % 2 == comm.rank().value() % 2;
      EXPECT_EQ(route.signals != nullptr, mate) << peer;
      EXPECT_EQ(route.scratch != nullptr, mate) << peer;
    }
  });
}

TEST(Nodes, of_one_are_plain_mapped_memory) {
  launch_threads(3, on_nodes("0"), [](Communicator& comm) {
    const detail::AgreedValues& agreed = comm.state().context().agreed();
    EXPECT_THAT(agreed.node_of, ElementsAre(0, 0, 0));
    EXPECT_TRUE(agreed.load_store);
    EXPECT_EQ(agreed.topology, "mapped");
    check_sum(comm, 5000);
  });
}

TEST(Nodes, of_everybody_alone_have_no_mapped_memory) {
  launch_threads(3, on_nodes("0,1,2"), [](Communicator& comm) {
    EXPECT_THAT(comm.state().context().agreed().node_of, ElementsAre(0, 1, 2));
    check_sum(comm, 5000);
  });
}

TEST(Nodes, under_a_decorator_that_maps_nothing_are_everybodys_own) {
  CommunicatorOptions options = on_nodes("0,0,1,1");
  options.decorate = [](std::unique_ptr<SymmetricTransport> inner) {
    return make_faulty(std::move(inner), "reorder,jitter=100us,late,seed=8");
  };
  launch_threads(kRanks, options, [](Communicator& comm) {
    EXPECT_THAT(comm.state().context().agreed().node_of, ElementsAre(0, 1, 2, 3));
    check_sum(comm, 3000);
  });
}

TEST(Nodes, carry_no_traffic_between_mates) {
  Traffic traffic;
  CommunicatorOptions options = on_nodes("0,0,1,1", "ring");
  traffic.watch(options);
  launch_threads(kRanks, options, [&traffic](Communicator& comm) {
    check_sum(comm, 100000);
    auto grown = comm.allocate<float>(3000000);  // an extent of its own
    std::iota(grown.begin(), grown.end(), 0.F);
    all_reduce(comm, grown, ReduceKind::Max);
    for (std::uint32_t peer = 0; peer < kRanks; ++peer) {
      const bool mate = peer / 2 == comm.rank().value() / 2;
      if (mate) {
        EXPECT_EQ(traffic.operations(comm.rank(), Rank(peer)), 0U) << peer;
      }
    }
    // The ring goes 0, 1, 2, 3: ranks 1 and 3 send to the other node, 2 (p - 1) / p of each vector.
    const Rank next((comm.rank().value() + 1) % kRanks);
    if (comm.rank().value() % 2 == 1) {
      EXPECT_GE(traffic.bytes(comm.rank(), next), 3100000 * sizeof(float) * 3 / 2);
    }
    comm.barrier();
  });
}

TEST(Nodes, give_a_communicator_within_one_its_mapped_memory) {
  Traffic traffic;
  CommunicatorOptions options = on_nodes("0,1,0,1");
  traffic.watch(options);
  launch_threads(kRanks, options, [&traffic](Communicator& comm) {
    auto node = comm.split(static_cast<int>(comm.rank().value() % 2), 0);
    ASSERT_TRUE(node);
    const auto chosen = [&](Communicator& of) {
      detail::CallArguments call;
      call.operation = detail::Operation::all_reduce;
      call.dtype = DType::f32;
      call.out.count = 100000;
      call.out.symmetric = true;
      call.in_place = true;
      return of.state().plans().tuner_input(call);
    };
    EXPECT_FALSE(chosen(comm).load_store);
    EXPECT_TRUE(chosen(*node).load_store);
    EXPECT_EQ(chosen(*node).topology, "mapped");
    check_sum(*node, 10);
    comm.barrier();
    const std::uint32_t me = comm.rank().value();
    const std::uint64_t before = traffic.operations(comm.rank(), Rank((me + 1) % kRanks));
    auto data = node->allocate<float>(100000);
    std::fill(data.begin(), data.end(), 1.F);
    all_reduce(*node, data, ReduceKind::Sum);
    EXPECT_EQ(data[99999], 2.F);
    EXPECT_EQ(traffic.operations(comm.rank(), Rank((me + 1) % kRanks)), before);
    EXPECT_EQ(traffic.operations(comm.rank(), Rank((me + 2) % kRanks)), 0U);
    comm.barrier();
  });
}

}  // namespace
}  // namespace rlx::test
