// What the system says of memory, read from trees made for the purpose.

#include "transports/shm/memory_limits.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <limits>

namespace rlx::shm {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMiB = std::size_t{1} << 20;

class MemoryLimits : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("rlx-limits-" + std::to_string(::getpid()));
    write("proc/meminfo", "MemTotal: 9000 kB\nMemAvailable:    8192 kB\nSwapFree: 1024 kB\n");
  }
  void TearDown() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  std::size_t available() const { return available_memory(root_.string()); }
  HugePages huge() const { return huge_pages_of_shared_memory(root_.string()); }

  fs::path root_;
};

TEST_F(MemoryLimits, the_machine_has_what_is_available_and_swap) {
  EXPECT_EQ(available(), 9 * kMiB);
}

TEST_F(MemoryLimits, a_machine_that_does_not_tell_has_no_limit) {
  fs::remove_all(root_);
  EXPECT_EQ(available(), std::numeric_limits<std::size_t>::max());
}

TEST_F(MemoryLimits, a_control_group_above_may_leave_less) {
  write("proc/self/cgroup", "0::/job/rank\n");
  write("sys/fs/cgroup/job/rank/memory.max", "max\n");
  write("sys/fs/cgroup/job/rank/memory.current", "100\n");
  write("sys/fs/cgroup/job/memory.max", std::to_string(5 * kMiB));
  write("sys/fs/cgroup/job/memory.current", std::to_string(4 * kMiB));
  EXPECT_EQ(available(), kMiB);
  write("sys/fs/cgroup/job/memory.stat", "anon 5\ninactive_file 1048576\n");
  EXPECT_EQ(available(), 2 * kMiB) << "cached files make room";
}

TEST_F(MemoryLimits, of_a_container_that_does_not_see_its_path_the_top_counts) {
  write("proc/self/cgroup", "0::/not/seen/here\n");
  write("sys/fs/cgroup/memory.max", std::to_string(3 * kMiB));
  write("sys/fs/cgroup/memory.current", std::to_string(4 * kMiB));
  EXPECT_EQ(available(), 0U);
}

TEST_F(MemoryLimits, control_groups_of_the_first_version_count_too) {
  write("proc/self/cgroup", "5:cpu:/\n4:memory:/a/b\n0::/\n");
  write("sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "9223372036854771712\n");
  write("sys/fs/cgroup/memory/a/b/memory.usage_in_bytes", "4096\n");
  write("sys/fs/cgroup/memory/a/memory.limit_in_bytes", std::to_string(4 * kMiB));
  write("sys/fs/cgroup/memory/a/memory.usage_in_bytes", std::to_string(kMiB));
  write("sys/fs/cgroup/memory/a/memory.stat", "inactive_file 7\ntotal_inactive_file 4096\n");
  EXPECT_EQ(available(), 3 * kMiB + 4096);
}

TEST_F(MemoryLimits, huge_pages_are_as_the_kernel_says_for_their_size) {
  const std::string folder = "sys/kernel/mm/transparent_hugepage/";
  EXPECT_FALSE(huge().allowed);
  EXPECT_EQ(huge().setting, "unknown");
  write(folder + "shmem_enabled", "always within_size [advise] never deny force\n");
  EXPECT_TRUE(huge().allowed);
  EXPECT_EQ(huge().setting, "advise");
  write(folder + "hugepages-2048kB/shmem_enabled", "always inherit within_size advise [never]\n");
  EXPECT_FALSE(huge().allowed) << "the size's own setting comes first";
  write(folder + "hugepages-2048kB/shmem_enabled", "always [inherit] within_size advise never\n");
  EXPECT_TRUE(huge().allowed);
}

}  // namespace

}  // namespace rlx::shm
