#include "rlx/error.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace rlx {
namespace {

TEST(CollectiveError, says_operation_call_ranks_kind_message_and_step) {
  const CollectiveError error(ErrorDetails{.kind = ErrorKind::Timeout,
                                           .ranks = {Rank(1), Rank(3)},
                                           .operation = "all_reduce",
                                           .sequence = 12,
                                           .step = "wait word 2 part 1",
                                           .message = "no progress for 120 s"});
  EXPECT_STREQ(error.what(),
               "all_reduce (call 12) on ranks 1, 3: Timeout: no progress for 120 s "
               "[step: wait word 2 part 1]");
  EXPECT_EQ(error.kind(), CollectiveError::Kind::Timeout);
  EXPECT_EQ(error.ranks(), (std::vector<Rank>{Rank(1), Rank(3)}));
  EXPECT_EQ(error.operation(), "all_reduce");
  EXPECT_EQ(error.sequence(), 12U);
  EXPECT_EQ(error.step(), "wait word 2 part 1");
}

TEST(CollectiveError, leaves_out_what_does_not_apply) {
  const CollectiveError error(ErrorKind::OutOfMemory, "allocate", "no room");
  EXPECT_STREQ(error.what(), "allocate: OutOfMemory: no room");
  const CollectiveError one(ErrorKind::PeerFailed, "barrier", "gone", {Rank(7)});
  EXPECT_STREQ(one.what(), "barrier on rank 7: PeerFailed: gone");
}

TEST(CollectiveError, kinds_have_different_names_and_are_final_from_Mismatch_on) {
  std::set<std::string_view> names;
  for (int kind = 0; kind <= static_cast<int>(ErrorKind::Internal); ++kind) {
    const auto error_kind = static_cast<ErrorKind>(kind);
    names.insert(to_string(error_kind));
    EXPECT_EQ(is_final(error_kind), kind >= static_cast<int>(ErrorKind::Mismatch));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(ErrorKind::Internal) + 1);
  EXPECT_FALSE(is_final(ErrorKind::Closed));
  EXPECT_TRUE(is_final(ErrorKind::Transport));
}

}  // namespace
}  // namespace rlx
