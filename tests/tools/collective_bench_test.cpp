#include "tools/bench/collective_bench.hpp"

#include <gtest/gtest.h>

#include "tools/bench/usage_error.hpp"

namespace rlx::bench {
namespace {

TEST(CollectiveBench, all_reduce_counts_the_whole_vector) {
  EXPECT_EQ(kAllReduceBench.count(100, 4), 100U);
  EXPECT_EQ(kAllReduceBench.unit(4), 1U);
  EXPECT_DOUBLE_EQ(kAllReduceBench.bus_factor(4), 1.5);
}

TEST(CollectiveBench, all_gather_and_reduce_scatter_count_one_ranks_block) {
  for (const CollectiveBench* bench : {&kAllGatherBench, &kReduceScatterBench}) {
    EXPECT_EQ(bench->count(100, 4), 25U);
    EXPECT_EQ(bench->unit(4), 4U);
    EXPECT_DOUBLE_EQ(bench->bus_factor(4), 0.75);
  }
}

TEST(CollectiveBench, shapes_name_the_ranks_part_of_the_whole_vector) {
  const Shape gather = kAllGatherBench.shape(12, 4, Rank(2));
  EXPECT_EQ(gather.send_first, 6U);
  EXPECT_EQ(gather.send, 3U);
  EXPECT_EQ(gather.recv_first, 0U);
  EXPECT_EQ(gather.recv, 12U);
  const Shape scatter = kReduceScatterBench.shape(12, 4, Rank(3));
  EXPECT_EQ(scatter.send_first, 0U);
  EXPECT_EQ(scatter.send, 12U);
  EXPECT_EQ(scatter.recv_first, 9U);
  EXPECT_EQ(scatter.recv, 3U);
}

TEST(CollectiveBench, every_collective_has_a_call_and_a_plan_for_every_type_memory_and_place) {
  for (const CollectiveBench* bench : collective_benches()) {
    for (const DType dtype : kAllDTypes) {
      for (const Placement placement : kPlacements) {
        for (const BufferKind buffers : {BufferKind::heap, BufferKind::private_memory}) {
          EXPECT_NE(bench->runner(dtype, buffers, placement), nullptr);
          EXPECT_NE(bench->planner(dtype, buffers, placement), nullptr);
        }
      }
    }
  }
}

TEST(CollectiveBench, an_unknown_name_is_refused_with_those_there_are) {
  EXPECT_EQ(find_collective_bench("barrier").name, "barrier");
  try {
    static_cast<void>(find_collective_bench("all_to_all"));
    FAIL() << "not refused";
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("all_gather"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace rlx::bench
