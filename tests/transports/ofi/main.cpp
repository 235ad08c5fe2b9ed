// The tests, or, started again by one of them, a single rank.

#include <gtest/gtest.h>

#include "tests/transports/ofi/rank_process.hpp"

int main(int argc, char** argv) {
  if (rlx::test::run_rank_process(argc, argv)) return 0;
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
