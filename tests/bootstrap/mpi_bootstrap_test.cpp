// Run by mpirun; every rank runs the same cases, and rank 0 alone writes the report.

#include <gtest/gtest.h>

#include "rlx/collectives.hpp"
#include "rlx/mpi.hpp"
#include "tests/bootstrap/ranks.hpp"

namespace rlx {
namespace {

using mpi::detail::CommBootstrap;
using testing::gathers_in_rank_order;
using testing::names;

int world_rank() {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}
int world_size() {
  int size = 0;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return size;
}

TEST(MpiBootstrap, gathers_in_rank_order_round_after_round) {
  CommBootstrap bootstrap(MPI_COMM_WORLD, 30);
  EXPECT_EQ(bootstrap.rank().value(), static_cast<std::uint32_t>(world_rank()));
  EXPECT_EQ(bootstrap.size(), static_cast<std::size_t>(world_size()));
  for (std::size_t round = 0; round < 50; ++round) {
    ASSERT_TRUE(gathers_in_rank_order(bootstrap, round * 11, round));
    bootstrap.barrier();
  }
  bootstrap.release();
}

TEST(MpiBootstrap, does_not_meet_messages_of_the_program) {
  const int next = (world_rank() + 1) % world_size();
  int token = 41;
  MPI_Request sent;
  MPI_Isend(&token, 1, MPI_INT, next, 1, MPI_COMM_WORLD, &sent);
  CommBootstrap bootstrap(MPI_COMM_WORLD, 30);
  bootstrap.barrier();
  bootstrap.release();
  int received = 0;
  MPI_Recv(&received, 1, MPI_INT, MPI_ANY_SOURCE, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  MPI_Wait(&sent, MPI_STATUS_IGNORE);
  EXPECT_EQ(received, 41);
}

TEST(MpiBootstrap, works_on_a_part_of_the_world_with_its_own_numbers) {
  MPI_Comm part;
  MPI_Comm_split(MPI_COMM_WORLD, world_rank() == 0 ? 0 : 1, -world_rank(), &part);
  CommBootstrap bootstrap(part, 30);
  if (world_rank() > 0) {
    EXPECT_EQ(static_cast<int>(bootstrap.rank().value()), world_size() - 1 - world_rank());
    EXPECT_EQ(bootstrap.size(), static_cast<std::size_t>(world_size() - 1));
  }
  EXPECT_TRUE(gathers_in_rank_order(bootstrap, 100, 2));
  bootstrap.release();
  MPI_Comm_free(&part);
}

TEST(MpiBootstrap, lengths_that_do_not_fit_are_refused_locally) {
  CommBootstrap bootstrap(MPI_COMM_WORLD, 30);
  std::vector<std::byte> small(1);
  EXPECT_THROW(bootstrap.all_gather(testing::bytes_of(1, 4), small), CollectiveError);
  bootstrap.barrier();
  bootstrap.release();
}

TEST(MpiBootstrap, a_rank_that_does_not_come_is_named_to_everybody_who_came) {
  ASSERT_GE(world_size(), 3) << "one is absent, two are there";
  CommBootstrap bootstrap(MPI_COMM_WORLD, 0.3);
  bootstrap.barrier();
  if (world_rank() != 1) {
    try {
      bootstrap.barrier();
      FAIL() << "rank 1 never entered";
    } catch (const CollectiveError& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Launch);
      EXPECT_EQ(error.operation(), "bootstrap barrier");
      EXPECT_EQ(error.ranks(), std::vector<Rank>{Rank(1)}) << error.what();
    }
  }
  MPI_Barrier(MPI_COMM_WORLD);  // rank 1 has waited here; the duplicate stays, as documented
}

using mpi::detail::Grouping;

bool shares_in_rank_order(Bootstrap& bootstrap, std::size_t length, bool shared) {
  const Gathered all = bootstrap.gather_shared(testing::bytes_of(bootstrap.rank().value(), length));
  std::vector<std::byte> expected;
  for (std::size_t r = 0; r < bootstrap.size(); ++r)
    expected.insert(expected.end(), length, static_cast<std::byte>(r));
  return std::ranges::equal(all.bytes(), expected) && all.shared() == shared;
}

// Nodes that are pretended: ranks by turns, one apart and the rest, the last ones first.
TEST(MpiBootstrap, gathers_in_rank_order_by_way_of_nodes) {
  const int rank = world_rank();
  const bool several = world_size() > 2;
  for (const int node : {rank % 2, rank == 0 ? 7 : 3, rank < world_size() - 1 ? 1 : 0}) {
    CommBootstrap bootstrap(MPI_COMM_WORLD, 30, Grouping{node, 1});
    for (std::size_t round = 0; round < 20; ++round) {
      ASSERT_TRUE(gathers_in_rank_order(bootstrap, round * 11, round)) << "node " << node;
      ASSERT_TRUE(shares_in_rank_order(bootstrap, 1 + round * 1000, several)) << "node " << node;
    }
    bootstrap.release();
  }
}

TEST(MpiBootstrap, tells_everybody_what_rank_0_says) {
  CommBootstrap bootstrap(MPI_COMM_WORLD, 30);
  for (std::size_t round = 0; round < 20; ++round) {
    auto data = testing::bytes_of(bootstrap.rank().value() + 5 + round, round * 100);
    bootstrap.broadcast(data);
    EXPECT_EQ(data, testing::bytes_of(5 + round, round * 100));
  }
  bootstrap.release();
}

TEST(MpiBootstrap, shares_only_what_is_long_and_between_several_nodes) {
  CommBootstrap by_turns(MPI_COMM_WORLD, 30, Grouping{world_rank() % 2, 1 << 20});
  EXPECT_TRUE(shares_in_rank_order(by_turns, 100, false));
  EXPECT_TRUE(shares_in_rank_order(by_turns, 600000, world_size() > 2));
  by_turns.release();
  CommBootstrap together(MPI_COMM_WORLD, 30, Grouping{0, 1});
  EXPECT_TRUE(shares_in_rank_order(together, 100, false));
  together.release();
  CommBootstrap apart(MPI_COMM_WORLD, 30, Grouping{world_rank(), 1});
  EXPECT_TRUE(shares_in_rank_order(apart, 100, false));
  apart.release();
}

TEST(MpiBootstrap, a_rank_that_does_not_come_is_named_on_all_nodes) {
  ASSERT_GE(world_size(), 3) << "one is absent, two are there";
  CommBootstrap bootstrap(MPI_COMM_WORLD, 0.3, Grouping{world_rank() / 2, 1});
  if (world_rank() != 1) {
    std::vector<std::byte> all(bootstrap.size());
    try {
      bootstrap.all_gather(testing::bytes_of(1, 1), all);
      FAIL() << "rank 1 never entered";
    } catch (const CollectiveError& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Launch);
      EXPECT_EQ(error.ranks(), std::vector<Rank>{Rank(1)}) << error.what();
    }
  }
  MPI_Barrier(MPI_COMM_WORLD);
}

// Without the helper thread a call advances only while somebody waits in its Context.
CommunicatorOptions without_helper() {
  CommunicatorOptions options;
  options.config.transport = "ofi";
  options.config.helper = false;
  return options;
}

// Ranks wait for calls of two communicators in opposite orders.
void cross(Communicator& a, Communicator& b) {
  constexpr std::size_t kCount = 300000;
  std::vector<int> x(kCount, 1);
  std::vector<int> y(kCount, 2);
  Request of_a = all_reduce_async(a, x, ReduceKind::Sum);
  Request of_b = all_reduce_async(b, y, ReduceKind::Sum);
  Request& first = world_rank() % 2 == 0 ? of_a : of_b;
  Request& second = world_rank() % 2 == 0 ? of_b : of_a;
  first.wait();
  second.wait();
  EXPECT_EQ(x, std::vector<int>(kCount, static_cast<int>(a.size())));
  EXPECT_EQ(y, std::vector<int>(kCount, 2 * static_cast<int>(b.size())));
}

TEST(MpiCommunicators, of_the_same_ranks_advance_each_other) {
  Communicator world = mpi::communicator(MPI_COMM_WORLD, without_helper());
  Communicator again = mpi::communicator(MPI_COMM_WORLD, without_helper());
  cross(world, again);
}

TEST(MpiCommunicators, of_a_part_join_what_the_world_has) {
  Communicator world = mpi::communicator(MPI_COMM_WORLD, without_helper());
  MPI_Comm part;
  MPI_Comm_split(MPI_COMM_WORLD, 0, -world_rank(), &part);  // backwards
  Communicator backwards = mpi::communicator(part, without_helper());
  EXPECT_EQ(backwards.rank().value(), static_cast<std::uint32_t>(world_size() - 1 - world_rank()));
  cross(world, backwards);
  const std::vector<int> mine{world_rank()};
  std::vector<int> all(static_cast<std::size_t>(world_size()));
  all_gather(backwards, mine, all);
  for (int i = 0; i < world_size(); ++i) EXPECT_EQ(all[i], world_size() - 1 - i);
  MPI_Comm_free(&part);
}

TEST(MpiCommunicators, with_another_config_have_connections_of_their_own) {
  Communicator world = mpi::communicator(MPI_COMM_WORLD, without_helper());
  CommunicatorOptions other = without_helper();
  other.config.slot_bytes = 4096;
  Communicator small = mpi::communicator(MPI_COMM_WORLD, other);
  std::vector<int> x(10000, 1);
  Plan plan = plan_all_reduce(small, x, ReduceKind::Sum);
  EXPECT_GT(plan.pieces(), world_size() > 1 ? 4u : 0u);
  plan.start();
  plan.wait();
  EXPECT_EQ(x[9999], world_size());
}

TEST(MpiBootstrap, a_null_communicator_is_an_argument_error) {
  try {
    mpi::detail::check_usable(MPI_COMM_NULL);
    FAIL();
  } catch (const CollectiveError& error) {
    EXPECT_EQ(error.kind(), ErrorKind::InvalidArgument);
  }
}

}  // namespace
}  // namespace rlx

int main(int argc, char** argv) {
  MPI_Init(nullptr, nullptr);
  if (rlx::world_rank() != 0) unsetenv("GTEST_OUTPUT");
  ::testing::InitGoogleTest(&argc, argv);
  if (rlx::world_rank() != 0) {
    auto& listeners = ::testing::UnitTest::GetInstance()->listeners();
    if (!::testing::GTEST_FLAG(list_tests))
      delete listeners.Release(listeners.default_xml_generator());
  }
  const int code = RUN_ALL_TESTS();
  MPI_Finalize();
  return code;
}
