#pragma once
// Tests of Vulkan's driver run on the first device, with the validation layer, which must be
// silent.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "lib/driver/devices.hpp"
#include "lib/driver/vulkan/hooks.hpp"
#include "rlx/error.hpp"

namespace rlx::vulkan::test {

/// Opens the device anew where a test has spoilt it. Skipped where there is no device at all.
class VulkanTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// From here on as in a process that has used no device.
  static void reopen() { hooks().reopened.fetch_add(1); }
  static Compute& compute() { return driver().compute(0); }
  static const DeviceDriver& driver();

 private:
  std::uint64_t messages_ = 0;
};

using Bytes = std::vector<std::byte>;

/// Bytes that differ from place to place and from seed to seed.
[[nodiscard]] Bytes random_bytes(std::size_t count, std::uint64_t seed);

/// The same, as a step of copying wants it.
[[nodiscard]] ComputeTicket copy(Compute& compute, std::byte* into, const std::byte* from,
                                 std::size_t bytes);

/// Waits with a deadline. False: it was not done in time or will not be.
[[nodiscard]] bool wait_for(Compute& compute, ComputeTicket ticket);

/// Anonymous pages, or those of a file in memory.
class Pages {
 public:
  enum class Kind { anonymous, memfd };
  explicit Pages(std::size_t bytes, Kind kind = Kind::anonymous);
  ~Pages();
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  [[nodiscard]] std::byte* data() const { return pages_.data(); }
  [[nodiscard]] std::span<std::byte> all() const { return pages_; }

 private:
  std::span<std::byte> pages_;
};

/// The error's text, and a failure unless there is an error of that kind.
[[nodiscard]] std::string error_of(const std::function<void()>& call, ErrorKind kind);

}  // namespace rlx::vulkan::test
