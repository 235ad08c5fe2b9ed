// The three collectives through the public API: every form, memory kind, algorithm and odd length.

#include "tests/communicator/checks.hpp"

namespace rlx::test {
namespace {

const std::size_t kCounts[] = {0, 1, 2, 3, 15, 16, 17, 100, 1023, 5000, 40001};

/// Ranks on one node: everything but what is for several.
std::vector<std::string> names(collectives::Collective collective) {
  return names_of(collective,
                  [](collectives::Reach reach) { return reach != collectives::Reach::nodes; });
}

class Collectives : public testing::TestWithParam<std::size_t> {};

TEST_P(Collectives, all_reduce_is_right_for_every_algorithm_and_length) {
  for (const std::string& name : names(collectives::Collective::all_reduce))
    launch_threads(GetParam(), options_with(name, 16 << 10), [](Communicator& comm) {
      for (const std::size_t count : kCounts) check_all_reduce<float>(comm, count);
    });
}

TEST_P(Collectives, all_gather_is_right_for_every_algorithm_and_length) {
  for (const std::string& name : names(collectives::Collective::all_gather))
    launch_threads(GetParam(), options_with(name, 16 << 10), [](Communicator& comm) {
      for (const std::size_t count : kCounts) check_all_gather<std::int32_t>(comm, count / 2);
    });
}

TEST_P(Collectives, reduce_scatter_is_right_for_every_algorithm_and_length) {
  for (const std::string& name : names(collectives::Collective::reduce_scatter))
    launch_threads(GetParam(), options_with(name, 16 << 10), [](Communicator& comm) {
      for (const std::size_t count : kCounts) check_reduce_scatter<double>(comm, count / 2);
    });
}

TEST_P(Collectives, every_dtype_works) {
  launch_threads(GetParam(), options_with(), [](Communicator& comm) {
    check_all_reduce<std::int8_t>(comm, 77);
    check_all_reduce<std::uint8_t>(comm, 77);
    check_all_reduce<std::int16_t>(comm, 77);
    check_all_reduce<std::uint16_t>(comm, 77);
    check_all_reduce<std::int64_t>(comm, 77);
    check_all_reduce<std::uint32_t>(comm, 77);
    check_all_reduce<std::uint64_t>(comm, 77);
    check_all_reduce<float16>(comm, 77);
    check_all_reduce<bfloat16>(comm, 77);
    check_all_gather<std::int8_t>(comm, 33);
    check_all_gather<bfloat16>(comm, 33);
    check_reduce_scatter<std::uint8_t>(comm, 33);
    check_reduce_scatter<float16>(comm, 33);
  });
}

INSTANTIATE_TEST_SUITE_P(Ranks, Collectives, testing::Values(1, 2, 3, 4, 5, 7, 8));

TEST(CollectiveOps, mean_divides_once_at_the_end) {
  for (const std::string& name : names(collectives::Collective::all_reduce))
    launch_threads(4, options_with(name), [](Communicator& comm) {
      const std::uint32_t me = comm.rank().value();
      std::vector<float> x(1000, static_cast<float>(me * 4));
      std::vector<std::int32_t> y(1000, me == 0 ? -7 : 0);
      all_reduce(comm, x, ReduceKind::Mean);
      all_reduce(comm, y, ReduceKind::Mean);
      for (const float value : x) ASSERT_EQ(value, 6.0f);
      for (const std::int32_t value : y) ASSERT_EQ(value, -1);
    });
}

TEST(CollectiveOps, max_min_and_product_reduce_element_by_element) {
  launch_threads(3, options_with(), [](Communicator& comm) {
    const int me = static_cast<int>(comm.rank().value());
    std::vector<int> high(70, me), low(70, -me), product(70, me + 1);
    all_reduce(comm, high, ReduceKind::Max);
    all_reduce(comm, low, ReduceKind::Min);
    all_reduce(comm, product, ReduceKind::Product);
    EXPECT_EQ(high, std::vector<int>(70, 2));
    EXPECT_EQ(low, std::vector<int>(70, -2));
    EXPECT_EQ(product, std::vector<int>(70, 6));
  });
}

TEST(BareTransport, a_communicator_runs_over_fan_out) {
  auto ranks = LocalTransport::fan_out(3, 32 << 20);
  std::vector<std::thread> threads;
  for (auto& rank : ranks)
    threads.emplace_back([&rank] {
      Communicator comm(*rank, options_with());
      check_all_reduce<float>(comm, 3000);
      check_all_gather<float>(comm, 300);
    });
  for (std::thread& thread : threads) thread.join();
}

TEST(SameArray, as_input_and_output_is_like_a_call_in_place) {
  for (const std::string& algorithm : names(collectives::Collective::all_reduce)) {
    launch_threads(3, options_with(algorithm), [&](Communicator& comm) {
      for (const std::size_t count : {std::size_t{1}, std::size_t{1000}}) {
        auto x = comm.allocate<std::int32_t>(count);
        for (std::size_t i = 0; i < count; ++i)
          x[i] = element<std::int32_t>(comm.rank().value(), i);
        all_reduce(comm, x, x, ReduceKind::Sum);
        for (std::size_t i = 0; i < count; ++i)
          ASSERT_EQ(x[i], sum_of(comm.size(), i)) << algorithm << ", element " << i;
      }
    });
  }
}

}  // namespace
}  // namespace rlx::test
