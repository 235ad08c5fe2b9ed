#include "tests/driver/vulkan_device/support.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <thread>

#include "lib/driver/vulkan/instance.hpp"

namespace rlx::vulkan::test {
namespace {

// Kernels of earlier runs would hide what compiling them says.
class Surroundings final : public ::testing::Environment {
 public:
  void SetUp() override {
    hooks().validation = true;
    folder_ = std::filesystem::temp_directory_path() / ("rlx-vulkan-" + std::to_string(getpid()));
    setenv("XDG_CACHE_HOME", folder_.c_str(), 1);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

 private:
  std::filesystem::path folder_;
};

[[maybe_unused]] const auto* const kSurroundings =
    ::testing::AddGlobalTestEnvironment(new Surroundings);

}  // namespace

void VulkanTest::SetUp() {
  messages_ = hooks().validation_messages;
  if (instance().devices.empty()) GTEST_SKIP() << instance().reason;
  ASSERT_TRUE(instance().validated) << "VK_LAYER_KHRONOS_validation is not installed";
}

void VulkanTest::TearDown() {
  hooks().no_loader = false;
  hooks().no_host_import = false;
  hooks().most_device_bytes = UINT64_MAX;
  hooks().piece_bytes = 0;
  if (hooks().submissions_until_lost >= 0) {
    hooks().submissions_until_lost = -1;
    reopen();
  }
  EXPECT_EQ(hooks().validation_messages, messages_) << "the validation layer has spoken";
}

const DeviceDriver& VulkanTest::driver() { return driver_of(Device::vulkan(0)); }

Bytes random_bytes(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Bytes bytes(count);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

ComputeTicket copy(Compute& compute, std::byte* into, const std::byte* from, std::size_t bytes) {
  return compute.submit({.destinations = {&into, 1}, .sources = {&from, 1}, .count = bytes});
}

bool wait_for(Compute& compute, ComputeTicket ticket) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!compute.done(ticket)) {
    if (!compute.failure().empty() || std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

Pages::Pages(std::size_t bytes, Kind kind) {
  int file = -1;
  int flags = MAP_PRIVATE | MAP_ANONYMOUS;
  if (kind == Kind::memfd) {
    file = memfd_create("rlx-test", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, static_cast<off_t>(bytes)) != 0) std::abort();
    flags = MAP_SHARED;
  }
  void* const mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, file, 0);
  if (mapped == MAP_FAILED) std::abort();
  if (file >= 0) close(file);
  pages_ = {static_cast<std::byte*>(mapped), bytes};
}

Pages::~Pages() { munmap(pages_.data(), pages_.size()); }

std::string error_of(const std::function<void()>& call, ErrorKind kind) {
  try {
    call();
  } catch (const CollectiveError& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

}  // namespace rlx::vulkan::test
