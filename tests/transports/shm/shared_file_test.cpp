// Memory becomes shared where it lies, whole, filled as it was, or not at all.

#include "transports/shm/shared_file.hpp"

#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <limits>

#include "lib/symmetric/address_range.hpp"
#include "rlx/error.hpp"
#include "tests/transports/pages.hpp"
#include "tests/transports/shm/rank_processes.hpp"
#include "tests/transports/transport_suite.hpp"
#include "transports/shm/placement.hpp"

namespace rlx::shm {

namespace {

using test::Pages;
using testing::HasSubstr;

std::size_t any_room() { return std::numeric_limits<std::size_t>::max(); }

CollectiveError refusal_of(SharedFile& file, std::span<std::byte> memory) {
  try {
    file.share(memory);
  } catch (const CollectiveError& error) {
    return error;
  }
  ADD_FAILURE() << "it was shared";
  return CollectiveError(ErrorKind::Internal, "", "");
}

std::size_t allocated_bytes(const SharedFile& file) {
  struct stat status {};
  EXPECT_EQ(::fstat(file.descriptor(), &status), 0);
  return static_cast<std::size_t>(status.st_blocks) * 512;
}

long soft_faults() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

TEST(SharedFile, what_memory_held_before_is_there_and_shared_afterwards) {
  SharedFile file(random_token(), any_room);
  const Pages pages(20 * Pages::kPage);
  test::fill_pattern(pages.all().subspan(3 * Pages::kPage + 100, 9000),
                     7);  // others stay untouched
  const std::uint64_t offset = file.share(pages.all());
  EXPECT_EQ(test::pattern_matches(pages.all().subspan(3 * Pages::kPage + 100, 9000), 7), 9000U);
  EXPECT_EQ(pages.all()[3 * Pages::kPage + 99], std::byte{0});

  const FileMapping peer(file.descriptor(), offset, pages.all().size());
  EXPECT_EQ(std::memcmp(peer.memory().data(), pages.data(), pages.all().size()), 0);
  peer.memory()[5] = std::byte{55};
  pages.all().back() = std::byte{66};
  EXPECT_EQ(pages.all()[5], std::byte{55});
  EXPECT_EQ(peer.memory().back(), std::byte{66});
}

TEST(SharedFile, parts_of_one_range_are_shared_one_after_the_other) {
  SharedFile file(random_token(), any_room);
  constexpr std::size_t kExtent = std::size_t{4} << 20;
  auto range = detail::AddressRange::reserve(4 * kExtent, std::size_t{2} << 20);
  ASSERT_TRUE(range.commit(kExtent, kExtent));
  ASSERT_TRUE(range.commit(0, kExtent));
  const std::span<std::byte> later(range.data() + kExtent, kExtent);
  const std::span<std::byte> earlier(range.data(), kExtent);
  const std::uint64_t first = file.share(later);
  const std::uint64_t second = file.share(earlier);
  const FileMapping of_later(file.descriptor(), first, kExtent);
  const FileMapping of_earlier(file.descriptor(), second, kExtent);
  later[0] = std::byte{1};
  earlier[0] = std::byte{2};
  EXPECT_EQ(of_later.memory()[0], std::byte{1});
  EXPECT_EQ(of_earlier.memory()[0], std::byte{2});
}

// Huge pages fit only where both sides put them at multiples of their size.
TEST(SharedFile, a_window_lies_alike_within_huge_pages_in_memory_and_file_and_peer) {
  SharedFile file(random_token(), any_room);
  const Pages pages(3 * Pages::kPage);
  constexpr std::uintptr_t kHuge = std::uintptr_t{2} << 20;
  const auto within = reinterpret_cast<std::uintptr_t>(pages.data()) % kHuge;
  const std::uint64_t offset = file.share(pages.all());
  const FileMapping peer(file.descriptor(), offset, pages.all().size());
  EXPECT_EQ(offset % kHuge, within);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(peer.memory().data()) % kHuge, within);
}

TEST(SharedFile, neither_side_takes_a_fault_afterwards) {
  constexpr std::size_t kBytes = std::size_t{8} << 20;
  SharedFile file(random_token(), any_room);
  const Pages pages(kBytes);
  const FileMapping peer(file.descriptor(), file.share(pages.all()), kBytes);
  const long before = soft_faults();
  // The kernel writes a byte to each page: this process may touch other memory with each store, as
  // where accesses are checked.
  for (std::size_t at = 0; at < kBytes; at += Pages::kPage) {
    ASSERT_EQ(::syscall(SYS_getrandom, pages.data() + at, 1, GRND_NONBLOCK), 1);
    ASSERT_EQ(::syscall(SYS_getrandom, peer.memory().data() + at, 1, GRND_NONBLOCK), 1);
  }
  EXPECT_LT(soft_faults() - before, 100) << "of " << 2 * kBytes / Pages::kPage << " pages touched";
}

TEST(SharedFile, all_pages_are_there_at_once_and_lie_on_the_owners_node) {
  constexpr std::size_t kBytes = std::size_t{1} << 20;
  SharedFile file(random_token(), any_room);
  const Pages pages(kBytes);
  EXPECT_EQ(pages_are_local(pages.all()), std::nullopt) << "nothing is there before";
  file.share(pages.all());
  EXPECT_GE(allocated_bytes(file), kBytes);
  EXPECT_NE(pages_are_local(pages.all()), false);
}

TEST(SharedFile, memory_that_is_not_whole_pages_is_refused_with_its_values) {
  SharedFile file(random_token(), any_room);
  const Pages pages(4 * Pages::kPage);
  const CollectiveError length = refusal_of(file, pages.all().first(5000));
  EXPECT_EQ(length.kind(), ErrorKind::Transport);
  EXPECT_THAT(length.what(), testing::AllOf(HasSubstr("5000"), HasSubstr("4096")));
  EXPECT_THAT(refusal_of(file, pages.all().subspan(64, 4096)).what(), HasSubstr("page"));
}

TEST(SharedFile, too_little_memory_is_an_error_with_the_bytes_and_changes_nothing) {
  constexpr std::size_t kBytes = std::size_t{20} << 20;
  std::size_t room = std::size_t{100} << 20;
  // The first step is let through, the second is not.
  SharedFile file(random_token(), [&room] { return std::exchange(room, std::size_t{1} << 20); });
  const Pages pages(kBytes);
  test::fill_pattern(pages.all().first(10000), 3);
  const CollectiveError error = refusal_of(file, pages.all());
  EXPECT_EQ(error.kind(), ErrorKind::OutOfMemory);
  EXPECT_THAT(error.what(),
              testing::AllOf(HasSubstr(std::to_string(kBytes)), HasSubstr("1048576")));
  EXPECT_EQ(test::pattern_matches(pages.all().first(10000), 3), 10000U);
  EXPECT_EQ(allocated_bytes(file), Pages::kPage) << "only the control page is left";

  room = any_room();
  const Pages less(Pages::kPage);
  file.share(less.all());
  EXPECT_EQ(allocated_bytes(file), 2 * Pages::kPage);
}

TEST(SharedFile, leaves_room_for_what_the_other_ranks_take_at_the_same_time) {
  constexpr std::size_t kRanks = 4;
  const Pages pages(std::size_t{1} << 20);
  std::size_t room = kRanks * pages.all().size();  // and nothing for page tables
  SharedFile file(random_token(), [&room] { return room; });
  file.expect_sharers(kRanks);
  EXPECT_EQ(refusal_of(file, pages.all()).kind(), ErrorKind::OutOfMemory);
  room += kRanks * pages.all().size() / 512;
  file.share(pages.all());
}

// The kernel ends a process that exceeds this limit by a signal.
TEST(SharedFile, a_limit_on_the_size_of_files_is_an_error_that_names_it) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = std::size_t{1} << 20;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  SharedFile file(random_token(), any_room);
  const Pages pages(std::size_t{1} << 20);
  const CollectiveError error = refusal_of(file, pages.all());
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(error.kind(), ErrorKind::OutOfMemory);
  EXPECT_THAT(error.what(), HasSubstr("ulimit -f"));
}

TEST(SharedFile, memory_shared_again_gives_its_former_pages_back) {
  constexpr std::size_t kBytes = std::size_t{1} << 20;
  SharedFile file(random_token(), any_room);
  const Pages pages(kBytes);
  pages.all()[0] = std::byte{9};
  const std::uint64_t first = file.share(pages.all());
  const std::uint64_t second = file.share(pages.all());
  EXPECT_NE(first, second);
  EXPECT_EQ(pages.all()[0], std::byte{9});
  EXPECT_EQ(allocated_bytes(file), Pages::kPage + kBytes);
}

TEST(SharedFile, nobody_can_take_its_pages_away) {
  const SharedFile file(random_token(), any_room);
  EXPECT_NE(::ftruncate(file.descriptor(), 0), 0);
  EXPECT_EQ(errno, EPERM);
}

TEST(SharedFile, what_lies_outside_the_addresses_that_are_left_is_an_error) {
  const SharedFile file(random_token(), any_room);
  try {
    const FileMapping mapping(file.descriptor(), 0, std::size_t{1} << 50);
    FAIL() << "a petabyte was mapped";
  } catch (const CollectiveError& error) {
    EXPECT_THAT(error.what(), HasSubstr("ulimit -v"));
  }
}

TEST(SharedMemory, of_this_machine_is_described_by_making_some) {
  const std::size_t before = test::open_descriptors();
  const SharedMemoryReport report = describe_shared_memory();
  EXPECT_EQ(report.problem, "");
  EXPECT_NE(report.node_local, false);
  EXPECT_NE(report.huge_page_setting, "");
  EXPECT_EQ(test::open_descriptors(), before);
}

}  // namespace

}  // namespace rlx::shm
