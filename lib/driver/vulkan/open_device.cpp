#include "lib/driver/vulkan/open_device.hpp"

#include <vector>

#include "lib/driver/vulkan/hooks.hpp"

namespace rlx::vulkan {

OpenDevice& open_device(std::uint32_t index) {
  static std::mutex mutex;
  static std::uint64_t opened_in = 0;
  // What a parent has opened stays where it is: nothing of it may be touched here.
  static auto* opened = new std::vector<OpenDevice*>;
  const std::lock_guard lock(mutex);
  const Instance& from = instance();
  if (opened_in != generation()) {
    opened = new std::vector<OpenDevice*>;
    opened_in = generation();
  }
  if (opened->size() < from.devices.size()) opened->resize(from.devices.size());
  OpenDevice*& device = opened->at(index);
  if (device == nullptr) device = new OpenDevice(from, index);
  return *device;
}

}  // namespace rlx::vulkan
