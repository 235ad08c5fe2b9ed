#pragma once
// A rank's device as its Context uses it, and what all ranks know of each other's.

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "lib/driver/devices.hpp"
#include "rlx/device.hpp"
#include "rlx/rank.hpp"

namespace rlx::detail {

/// What a rank says of its device at the start. 0: it has none, its memory is the CPU's.
class DeviceRecord {
 public:
  DeviceRecord() = default;
  /// The device could not be opened.
  [[nodiscard]] static DeviceRecord broken() { return DeviceRecord(kPresent | kBroken); }
  DeviceRecord(bool imports, const DeviceLocation& location, const Compute& compute);

  [[nodiscard]] bool present() const { return (bits_ & kPresent) != 0; }
  [[nodiscard]] bool is_broken() const { return (bits_ & kBroken) != 0; }
  [[nodiscard]] bool imports() const { return (bits_ & kImports) != 0; }
  /// It computes on the CPUs.
  [[nodiscard]] bool processor() const { return (bits_ & kProcessor) != 0; }
  /// By number of the dtype: whether it reduces it.
  [[nodiscard]] std::uint32_t dtypes() const { return bits_ & kDTypes; }
  /// Which device it is: DeviceLocation::identity.
  [[nodiscard]] std::uint64_t identity() const { return identity_; }

 private:
  static constexpr std::uint32_t kPresent = 1u << 31, kBroken = 1u << 30, kImports = 1u << 29;
  static constexpr std::uint32_t kProcessor = 1u << 28, kDTypes = kProcessor - 1;
  explicit DeviceRecord(std::uint32_t bits) : bits_(bits) {}

  std::uint32_t bits_ = 0;
  std::uint32_t reserved_ = 0;
  std::uint64_t identity_ = 0;
};

/// What was agreed about the devices of all ranks.
struct DeviceUse {
  bool any = false;                     ///< some rank owns one
  bool imports = true;                  ///< all that there are reach imported host memory
  std::uint32_t dtypes = ~0u;           ///< all that there are reduce these
  bool gpus = false;                    ///< some are no processors
  std::vector<std::uint64_t> identity;  ///< of each rank's device; empty where there are none
  bool shared = false;                  ///< some ranks own the same one
  void add(DeviceRecord record);
  /// Whether all of these ranks own the same one.
  [[nodiscard]] bool same(std::span<const Rank> ranks) const;
  /// Vectors or blocks from here on are reduced by the devices of these ranks.
  [[nodiscard]] std::size_t direct_bytes(std::span<const Rank> ranks, bool slots_on_device) const;
  /// Scratch of one epoch where the knob was not turned: what a device is handed should be long.
  [[nodiscard]] std::size_t slot_bytes() const;
};

class DeviceSide {
 public:
  /// Opens the device and tries whether host memory can be imported. Throws what its driver throws.
  explicit DeviceSide(const Device& device);

  [[nodiscard]] const Device& device() const noexcept { return device_; }
  [[nodiscard]] Compute& compute() const noexcept { return compute_; }
  [[nodiscard]] DeviceRecord record() const;
  /// nullptr when that is not possible. `memory` starts on a page; the rest of its last page is
  /// imported with it.
  [[nodiscard]] std::unique_ptr<HostImport> import_host(std::span<std::byte> memory) const;
  /// Memory of the device for ranks on the same one. None where its driver does not share.
  [[nodiscard]] SharedDeviceMemory allocate_shared(std::size_t bytes) const;
  /// A mate's. Throws CollectiveError(Device).
  [[nodiscard]] std::unique_ptr<DeviceMemory> open_shared(Descriptor handle,
                                                          std::size_t bytes) const;

  /// Copies by the driver's own transfers, for memory that was not imported. What they throw is
  /// failure() from then on.
  void read(DeviceMemory& memory, const std::byte* from, std::span<std::byte> into) noexcept;
  void write(DeviceMemory& memory, std::byte* to, std::span<const std::byte> from) noexcept;
  /// Why the device does nothing any more; empty while it works.
  [[nodiscard]] std::string failure() const;

 private:
  void keep(const std::exception& error) noexcept;

  Device device_;
  const DeviceDriver& driver_;
  Compute& compute_;
  bool imports_ = false;
  std::string transfer_failure_;
};

}  // namespace rlx::detail
