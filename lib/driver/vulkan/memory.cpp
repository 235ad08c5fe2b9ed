#include "lib/driver/vulkan/memory.hpp"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "rlx/error.hpp"

namespace rlx::vulkan {
namespace {

constexpr std::size_t kUnit = 64;  // of allocations, which are never empty

std::uint64_t rounded(const OpenDevice& device, std::size_t bytes) {
  if (bytes <= SIZE_MAX - kUnit) return std::max((bytes + kUnit - 1) & -kUnit, kUnit);
  throw CollectiveError(
      ErrorKind::OutOfMemory, "Buffer",
      fmt::format("{}: {} bytes are more than there is", device.gpu.name(), bytes));
}

[[noreturn]] void throw_out_of_memory(const OpenDevice& device, std::size_t asked,
                                      VkResult result) {
  const Gpu& gpu = device.gpu;
  const std::uint32_t type = gpu.memory_type(UINT32_MAX, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT);
  const HeapRoom room = type == UINT32_MAX ? HeapRoom{} : gpu.room_of_type(type);
  throw CollectiveError(
      ErrorKind::OutOfMemory, "Buffer",
      fmt::format("{} has no room for {} bytes ({}): its memory of {} bytes has about {} free, {} "
                  "are allocated by this process; use less, or another device",
                  gpu.name(), asked, name_of(result), room.bytes, room.free, gpu.allocated.load()));
}

// Drivers say of a wrong descriptor what occurs to them, even that memory is used up.
[[noreturn]] void throw_not_opened(const OpenDevice& device, std::size_t bytes, VkResult result) {
  throw CollectiveError(
      ErrorKind::Device, "Buffer",
      fmt::format("{} does not open {} bytes that another rank on it has shared ({}); both have to "
                  "use the same driver",
                  device.gpu.name(), bytes, name_of(result)));
}

// Drivers that lend the host's memory may grant what is not there.
void check_room(const OpenDevice& device, std::uint64_t bytes, std::size_t asked) {
  const std::uint32_t type =
      device.gpu.memory_type(UINT32_MAX, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT);
  if (type == UINT32_MAX || bytes <= device.gpu.room_of_type(type).free) return;
  throw_out_of_memory(device, asked, VK_ERROR_OUT_OF_DEVICE_MEMORY);
}

}  // namespace

ReservedAddresses::ReservedAddresses(std::size_t bytes) : bytes_(bytes) {
  void* const mapped =
      mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) {
    throw CollectiveError(ErrorKind::OutOfMemory, "Buffer",
                          fmt::format("{} bytes of addresses for device memory: {}; raise the "
                                      "limit of this process (ulimit -v)",
                                      bytes, std::strerror(errno)));
  }
  begin_ = static_cast<std::byte*>(mapped);
}

ReservedAddresses::~ReservedAddresses() { munmap(begin_, bytes_); }

VulkanMemory::VulkanMemory(OpenDevice& device, std::size_t bytes)
    : device_(device), addresses_(rounded(device, bytes)) {
  check_health(device.compute, "Buffer");
  const std::uint64_t whole = rounded(device, bytes);
  check_room(device, whole, bytes);
  allocate(whole, bytes);
  if (device.compute.wait(device.compute.fill_zero(addresses_.begin(), whole))) return;
  unmap_and_wait();
  check_health(device.compute, "Buffer");
}

VulkanMemory::VulkanMemory(OpenDevice& device, std::size_t bytes, detail::Descriptor& handle)
    : device_(device), addresses_(rounded(device, bytes)) {
  check_health(device.compute, "Buffer");
  const std::uint64_t whole = rounded(device, bytes);
  check_room(device, whole, bytes);
  DeviceBuffer buffer;
  const VkResult result = DeviceBuffer::allocate_shared(device.gpu, whole, handle, buffer);
  if (result == VK_ERROR_DEVICE_LOST) check(result, "vkAllocateMemory");
  if (result != VK_SUCCESS) throw_out_of_memory(device, bytes, result);
  keep(std::move(buffer));
}

VulkanMemory::VulkanMemory(OpenDevice& device, detail::Descriptor handle, std::size_t bytes)
    : device_(device), addresses_(rounded(device, bytes)) {
  check_health(device.compute, "Buffer");
  DeviceBuffer buffer;
  const VkResult result =
      DeviceBuffer::open_shared(device.gpu, rounded(device, bytes), std::move(handle), buffer);
  if (result != VK_SUCCESS) throw_not_opened(device, bytes, result);
  keep(std::move(buffer));
}

bool VulkanMemory::shareable(const OpenDevice& device, std::size_t bytes) {
  return device.gpu.physical().memory_fd && device.gpu.functions().vkGetMemoryFdKHR != nullptr &&
         rounded(device, bytes) <= most_buffer_bytes(device.gpu);
}

VulkanMemory::~VulkanMemory() { unmap_and_wait(); }

void VulkanMemory::keep(DeviceBuffer buffer) {
  buffers_.push_back(std::move(buffer));
  buffers_[0].map_at(addresses_.begin());
}

void VulkanMemory::allocate(std::uint64_t bytes, std::size_t asked) {
  const std::uint64_t most = most_buffer_bytes(device_.gpu);
  for (std::uint64_t at = 0; at < bytes; at += most) {
    DeviceBuffer buffer;
    const VkResult result = DeviceBuffer::allocate(device_.gpu, std::min(bytes - at, most), buffer);
    if (result == VK_ERROR_DEVICE_LOST) check(result, "vkAllocateMemory");
    if (result != VK_SUCCESS) throw_out_of_memory(device_, asked, result);
    buffers_.push_back(std::move(buffer));
  }
  for (std::size_t b = 0; b < buffers_.size(); ++b) {
    buffers_[b].map_at(addresses_.begin() + b * most);
  }
}

void VulkanMemory::unmap_and_wait() noexcept {
  for (DeviceBuffer& buffer : buffers_) buffer.unmap();
  device_.compute.wait_idle();
}

void VulkanMemory::write(std::size_t offset, std::span<const std::byte> from) {
  const std::lock_guard lock(device_.staging_mutex);
  StagedCopy::upload(addresses_.begin() + offset, from.data(), from.size()).finish(device_.staging);
}

void VulkanMemory::read(std::size_t offset, std::span<std::byte> into) const {
  const std::lock_guard lock(device_.staging_mutex);
  StagedCopy::download(into.data(), addresses_.begin() + offset, into.size())
      .finish(device_.staging);
}

}  // namespace rlx::vulkan
