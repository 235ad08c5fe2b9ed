#include <cstring>

#include "tests/driver/vulkan_device/support.hpp"

namespace rlx::vulkan::test {
namespace {

constexpr std::size_t kPage = 4096;

class VulkanImportTest : public VulkanTest {
 protected:
  void SetUp() override {
    VulkanTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    if (!Device::vulkan(0).properties().host_import) GTEST_SKIP() << "no host import here";
  }

  static void expect_copies(std::byte* pages, std::size_t bytes, std::uint64_t seed) {
    const auto memory = driver().allocate(0, bytes);
    const Bytes expected = random_bytes(bytes, seed);
    std::memcpy(pages, expected.data(), bytes);
    ASSERT_TRUE(wait_for(compute(), copy(compute(), memory->address(), pages, bytes)));
    std::memset(pages, 0, bytes);
    ASSERT_TRUE(wait_for(compute(), copy(compute(), pages, memory->address(), bytes)));
    EXPECT_EQ(std::memcmp(pages, expected.data(), bytes), 0);
  }
};

TEST_F(VulkanImportTest, anonymous_and_shared_pages_are_read_and_written_in_place) {
  for (const Pages::Kind kind : {Pages::Kind::anonymous, Pages::Kind::memfd}) {
    const Pages pages(64 * kPage, kind);
    EXPECT_FALSE(compute().reaches(pages.data(), 1));
    const auto import = driver().import_host(0, pages.all());
    ASSERT_NE(import, nullptr);
    EXPECT_TRUE(compute().reaches(pages.data(), 64 * kPage));
    EXPECT_FALSE(compute().reaches(pages.data(), 64 * kPage + 1));
    expect_copies(pages.data(), 64 * kPage, 3);
  }
}

TEST_F(VulkanImportTest, pages_are_out_of_reach_when_the_last_import_has_gone) {
  const Pages pages(8 * kPage);
  auto first = driver().import_host(0, pages.all());
  auto same = driver().import_host(0, pages.all());
  auto part = driver().import_host(0, pages.all().subspan(kPage, kPage));
  ASSERT_TRUE(first != nullptr && same != nullptr && part != nullptr);
  first.reset();
  EXPECT_TRUE(compute().reaches(pages.data(), 8 * kPage));
  expect_copies(pages.data(), 8 * kPage, 1);
  same.reset();
  expect_copies(pages.data() + kPage, kPage, 2);
  part.reset();
  EXPECT_FALSE(compute().reaches(pages.data() + kPage, 1));
}

TEST_F(VulkanImportTest, imports_may_overlap) {
  const Pages pages(12 * kPage, Pages::Kind::memfd);
  const auto left = driver().import_host(0, pages.all().first(8 * kPage));
  auto right = driver().import_host(0, pages.all().subspan(4 * kPage));
  ASSERT_TRUE(left != nullptr && right != nullptr);
  EXPECT_TRUE(compute().reaches(pages.data() + 3, 12 * kPage - 3));
  expect_copies(pages.data(), 12 * kPage, 5);
  right.reset();
  EXPECT_FALSE(compute().reaches(pages.data(), 12 * kPage));
  expect_copies(pages.data(), 8 * kPage, 6);
}

TEST_F(VulkanImportTest, long_ranges_are_cut_and_copied_across_the_borders) {
  hooks().piece_bytes = 64U << 10;
  const Pages pages(100 * kPage);
  const auto import = driver().import_host(0, pages.all());
  ASSERT_NE(import, nullptr);
  EXPECT_TRUE(compute().reaches(pages.data() + 1, 100 * kPage - 1));
  expect_copies(pages.data(), 100 * kPage, 8);
  expect_copies(pages.data() + 4091, 70'001, 9);
}

TEST_F(VulkanImportTest, neighbours_are_one_range_for_elements_that_do_not_lie_in_both) {
  const Pages pages(4 * kPage);
  const auto left = driver().import_host(0, pages.all().first(2 * kPage));
  const auto right = driver().import_host(0, pages.all().subspan(2 * kPage));
  ASSERT_TRUE(left != nullptr && right != nullptr);
  EXPECT_TRUE(compute().reaches(pages.data(), 4 * kPage));
  EXPECT_FALSE(compute().reaches(pages.data() + 1, 4 * kPage - 1));
  expect_copies(pages.data(), 4 * kPage, 8);
}

TEST_F(VulkanImportTest, what_is_no_whole_page_or_not_mapped_is_not_imported) {
  const Pages pages(4 * kPage);
  EXPECT_EQ(driver().import_host(0, pages.all().subspan(1, kPage)), nullptr);
  EXPECT_EQ(driver().import_host(0, pages.all().first(100)), nullptr);
  EXPECT_EQ(driver().import_host(0, {}), nullptr);
}

TEST_F(VulkanImportTest, a_device_that_can_not_says_so) {
  hooks().no_host_import = true;
  const Pages pages(4 * kPage);
  EXPECT_EQ(driver().import_host(0, pages.all()), nullptr);
  EXPECT_FALSE(Device::vulkan(0).properties().host_import);
}

TEST_F(VulkanImportTest, ending_one_waits_for_the_steps_that_use_it) {
  constexpr std::size_t kBytes = 8U << 20;
  const Pages pages(kBytes);
  const auto memory = driver().allocate(0, kBytes);
  const Bytes expected = random_bytes(kBytes, 4);
  memory->write(0, expected);
  auto import = driver().import_host(0, pages.all());
  ASSERT_NE(import, nullptr);
  (void)copy(compute(), pages.data(), memory->address(), kBytes);  // nobody has asked to start it
  import.reset();
  EXPECT_EQ(std::memcmp(pages.data(), expected.data(), kBytes), 0);
}

}  // namespace
}  // namespace rlx::vulkan::test
