#pragma once
// Where bytes live and who computes on them. A small value: naming a device costs nothing and needs
// no driver; using one that this machine or this build does not have throws.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rlx {

enum class DeviceKind : std::uint8_t { cpu = 0, vulkan = 1 };

/// "cpu", "vulkan".
[[nodiscard]] std::string_view to_string(DeviceKind kind);

/// What a device says about itself.
struct DeviceProperties {
  std::string description;       ///< the vendor's words: CPU model, GPU name
  std::string driver;            ///< what drives it: the kernels' instruction set, the GPU driver
  std::size_t memory_bytes = 0;  ///< memory of the device; for the CPU, of this machine
  std::uint32_t compute_units = 0;  ///< cores that this process may use, or shader cores
  bool host_addressable = false;    ///< the CPU can load and store its memory directly
  bool host_import = false;         ///< its steps can name host memory; otherwise it is copied
  std::string queues;               ///< what works at the same time; empty for the CPU
};

class Device {
 public:
  /// The CPUs and memory of this process.
  [[nodiscard]] static Device cpu() noexcept { return Device(DeviceKind::cpu, 0); }
  /// The Vulkan device number `index`, in the order of available_devices().
  [[nodiscard]] static Device vulkan(std::uint32_t index = 0) noexcept {
    return Device(DeviceKind::vulkan, index);
  }
  /// "cpu", "vulkan" or "vulkan:1". Throws CollectiveError(InvalidArgument) that lists these forms.
  [[nodiscard]] static Device parse(std::string_view name);

  [[nodiscard]] DeviceKind kind() const noexcept { return kind_; }
  /// Which one of its kind, from 0.
  [[nodiscard]] std::uint32_t index() const noexcept { return index_; }
  /// "cpu", "vulkan:0": what parse() accepts.
  [[nodiscard]] std::string name() const;
  /// Throws CollectiveError(Unsupported) naming the device, what is missing and what there is.
  [[nodiscard]] DeviceProperties properties() const;

  friend bool operator==(const Device&, const Device&) = default;

 private:
  Device(DeviceKind kind, std::uint32_t index) noexcept : kind_(kind), index_(index) {}

  DeviceKind kind_;
  std::uint32_t index_;
};

/// Every device that this build can use on this machine; the CPU is always there and first.
[[nodiscard]] std::vector<Device> available_devices();

/// The device of that kind for one of the `local_ranks` ranks of this machine, from 0: each gets its
/// own as far as there are enough, those first that are attached to the NUMA nodes of the CPUs that
/// this thread may run on. Devices that compute on the CPUs are used if there are no others. Throws
/// CollectiveError: Unsupported where there is no device of that kind, InvalidArgument unless
/// local_rank < local_ranks.
[[nodiscard]] Device closest_device(DeviceKind kind, std::uint32_t local_rank,
                                    std::uint32_t local_ranks);

}  // namespace rlx
