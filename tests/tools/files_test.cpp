#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "tools/bench/error_block.hpp"
#include "tools/bench/output_file.hpp"
#include "tools/bench/shared_memory.hpp"
#include "tools/bench/usage_error.hpp"

namespace rlx::bench {
namespace {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "rlx-test-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

TEST(OutputFile, never_overwrites_and_counts_upwards_instead) {
  const Folder folder;
  for (const char* text : {"first", "second", "third"}) {
    open_exclusively(folder.file("x.json")) << text;
  }
  std::string content;
  std::ifstream(folder.file("x.json")) >> content;
  EXPECT_EQ(content, "first");
  std::ifstream(folder.file("x.json.1")) >> content;
  EXPECT_EQ(content, "third");
}

TEST(OutputFile, a_folder_that_does_not_exist_is_named) {
  EXPECT_THROW(static_cast<void>(open_exclusively("/nonexistent/x.json")), UsageError);
}

TEST(SharedMemory, what_one_writes_the_other_reads) {
  const SharedMemory mine = SharedMemory::create(4096);
  ASSERT_TRUE(mine.valid()) << mine.reason();
  const SharedMemory theirs = SharedMemory::open(mine.name(), 4096);
  ASSERT_TRUE(theirs.valid()) << theirs.reason();
  std::memset(mine.data() + 100, 42, 1);
  EXPECT_EQ(theirs.data()[100], std::byte{42});
  EXPECT_NE(theirs.data(), mine.data());
}

TEST(SharedMemory, is_there_when_populated_and_keeps_what_others_wrote) {
  constexpr std::size_t kBytes = 64 * 4096;
  SharedMemory mine = SharedMemory::create(kBytes);
  ASSERT_TRUE(mine.valid() && mine.populate()) << mine.reason();
  std::memset(mine.data() + 8, 42, kBytes - 8);
  SharedMemory theirs = SharedMemory::open(mine.name(), kBytes);
  ASSERT_TRUE(theirs.valid() && theirs.populate()) << theirs.reason();
  for (std::size_t i = 8; i < kBytes; ++i) ASSERT_EQ(theirs.data()[i], std::byte{42}) << i;
  std::vector<unsigned char> present(kBytes / 4096);
  ASSERT_EQ(mincore(theirs.data(), kBytes, present.data()), 0);
  for (const unsigned char page : present) EXPECT_EQ(page & 1, 1);
}

TEST(SharedMemory, has_no_name_that_could_stay_behind) {
  const SharedMemory mine = SharedMemory::create(4096);
  const auto target =
      std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(mine.name().fd)).string();
  EXPECT_TRUE(target.starts_with("/memfd:") && target.ends_with("(deleted)")) << target;
}

TEST(SharedMemory, another_page_of_the_same_number_is_refused) {
  const SharedMemory mine = SharedMemory::create(4096);
  SharedName name = mine.name();
  name.nonce += 1;
  const SharedMemory theirs = SharedMemory::open(name, 4096);
  EXPECT_FALSE(theirs.valid());
  EXPECT_FALSE(theirs.reason().empty());
}

TEST(SharedMemory, a_process_that_is_not_here_is_refused) {
  const SharedMemory theirs = SharedMemory::open({.pid = 0x7FFFFFFF, .fd = 3, .nonce = 1}, 4096);
  EXPECT_FALSE(theirs.valid());
  EXPECT_FALSE(theirs.reason().empty());
}

TEST(ErrorBlock, names_kind_ranks_operation_sequence_and_step) {
  const CollectiveError error(ErrorDetails{.kind = ErrorKind::PeerFailed,
                                           .ranks = {Rank(3), Rank(5)},
                                           .operation = "all_reduce",
                                           .sequence = 12,
                                           .step = "wait for word 7 from rank 3",
                                           .message = "the process ended; restart the job"});
  const std::string block = error_block(error, "rank 1 of 8");
  for (const char* part : {"rank 1 of 8", "PeerFailed", "3, 5", "all_reduce", "12",
                           "wait for word 7", "restart the job"}) {
    EXPECT_NE(block.find(part), std::string::npos) << part << " in\n" << block;
  }
}

TEST(ErrorBlock, leaves_out_what_does_not_apply) {
  const CollectiveError error(ErrorKind::InvalidArgument, "", "no such provider");
  const std::string block = error_block(error, "rank 0");
  EXPECT_EQ(block.find("sequence"), std::string::npos) << block;
  EXPECT_EQ(block.find("ranks"), std::string::npos) << block;
}

}  // namespace
}  // namespace rlx::bench
