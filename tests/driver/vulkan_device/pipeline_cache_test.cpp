#include "lib/driver/vulkan/pipeline_cache.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/driver/vulkan_device/support.hpp"

namespace rlx::vulkan::test {
namespace {

namespace fs = std::filesystem;

class VulkanPipelineCacheTest : public VulkanTest {
 protected:
  static std::vector<fs::path> files() {
    if (!fs::exists(cache_folder())) return {};
    return {fs::directory_iterator(cache_folder()), {}};
  }
  static std::string contents(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static void compile_something() {
    reopen();
    compute().prepare(DType::u8, ReduceKind::Max);
  }
};

TEST_F(VulkanPipelineCacheTest, compiled_kernels_are_kept_in_one_file_for_the_device) {
  fs::remove_all(cache_folder());
  compile_something();
  ASSERT_EQ(files().size(), 1U);
  const std::string kept = contents(files()[0]);
  EXPECT_GE(kept.size(), sizeof(VkPipelineCacheHeaderVersionOne));
  compile_something();  // with what was kept, to which nothing is added
  ASSERT_EQ(files().size(), 1U);
  EXPECT_GE(contents(files()[0]).size(), kept.size());
}

TEST_F(VulkanPipelineCacheTest, a_file_of_another_device_or_a_broken_one_is_replaced) {
  compile_something();
  ASSERT_EQ(files().size(), 1U);
  const fs::path file = files()[0];
  const std::string kept = contents(file);
  for (std::string broken : {std::string("short"), kept}) {
    if (broken.size() > 12) broken[12] = static_cast<char>(broken[12] ^ 1);  // the device's number
    std::ofstream(file, std::ios::binary) << broken;
    compile_something();
    EXPECT_GE(contents(file).size(), sizeof(VkPipelineCacheHeaderVersionOne));
    EXPECT_NE(contents(file), broken);
  }
}

TEST_F(VulkanPipelineCacheTest, a_folder_that_can_not_be_made_loses_nothing) {
  const std::string before = std::getenv("XDG_CACHE_HOME");
  setenv("XDG_CACHE_HOME", "/proc/none", 1);
  compile_something();
  setenv("XDG_CACHE_HOME", before.c_str(), 1);
  EXPECT_EQ(compute().failure(), "");
}

TEST_F(VulkanPipelineCacheTest, the_folder_is_the_users) {
  const std::string before = std::getenv("XDG_CACHE_HOME");
  EXPECT_EQ(cache_folder(), fs::path(before) / "rlx");
  unsetenv("XDG_CACHE_HOME");
  const char* const home = std::getenv("HOME");
  const fs::path expected = home == nullptr ? fs::path() : fs::path(home) / ".cache" / "rlx";
  EXPECT_EQ(cache_folder(), expected);
  setenv("XDG_CACHE_HOME", before.c_str(), 1);
}

}  // namespace
}  // namespace rlx::vulkan::test
