#pragma once
// A simulated device: memory that the CPU can not touch by its address, work that is done some
// polls after it was asked for, host memory that is reached only when imported. Failures on demand.

#include <atomic>
#include <cstdint>

#include "lib/driver/devices.hpp"

namespace rlx::test {

struct FakeDeviceRules {
  bool imports = true;  ///< host memory
  bool reduces_f64 = true;
  bool processor = false;                           ///< as what computes on the CPUs
  bool shares = true;                               ///< memory with ranks on the same device
  bool opens_shared = true;                         ///< false: what was shared is refused
  int polls_of_a_step = 3;                          ///< until it is done
  std::int64_t lost_after = -1;                     ///< steps of all devices; -1: never
  std::size_t most_bytes = ~std::size_t{0};         ///< of one allocation
  std::size_t most_shared_bytes = ~std::size_t{0};  ///< of one that is shared
};

/// What was done meanwhile, by all devices.
struct FakeDeviceCounts {
  std::atomic<std::int64_t> copies{0}, reductions{0}, imports{0}, transfers{0};
  std::atomic<std::int64_t> opened{0};     ///< memory of others on the same device
  std::atomic<std::int64_t> shared{0};     ///< operands in memory that ranks share
  std::atomic<std::int64_t> unreached{0};  ///< operands that no device may name: an error of rlx
};

/// Vulkan devices 0 to 7 are simulated while one of these exists; one at a time.
class FakeDevices {
 public:
  explicit FakeDevices(const FakeDeviceRules& rules = {});
  ~FakeDevices();
  FakeDevices(const FakeDevices&) = delete;
  FakeDevices& operator=(const FakeDevices&) = delete;

  [[nodiscard]] const FakeDeviceCounts& counts() const;
};

}  // namespace rlx::test
