#include "lib/driver/vulkan/device_buffer.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "lib/driver/vulkan/hooks.hpp"

namespace rlx::vulkan {
namespace {

constexpr VkMemoryPropertyFlags kHost =
    VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
constexpr std::uint32_t kNone = UINT32_MAX;
constexpr auto kOpaqueFd = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT;

}  // namespace

std::uint64_t most_buffer_bytes(const Gpu& gpu) noexcept {
  constexpr std::uint64_t kUnit = 64U << 10;
  std::uint64_t most = std::min(gpu.physical().most_allocation, gpu.physical().most_buffer);
  if (const std::uint64_t pretended = hooks().piece_bytes) most = std::min(most, pretended);
  return std::max(most / kUnit, std::uint64_t{1}) * kUnit;
}

DeviceBuffer& DeviceBuffer::operator=(DeviceBuffer&& other) noexcept {
  if (this == &other) return *this;
  release();
  gpu_ = std::exchange(other.gpu_, nullptr);
  buffer_ = std::exchange(other.buffer_, VK_NULL_HANDLE);
  memory_ = std::exchange(other.memory_, VK_NULL_HANDLE);
  bytes_ = std::exchange(other.bytes_, 0);
  mapped_ = std::exchange(other.mapped_, nullptr);
  host_ = other.host_;
  found_ = std::exchange(other.found_, false);
  counted_ = std::exchange(other.counted_, false);
  return *this;
}

VkResult DeviceBuffer::allocate(Gpu& gpu, std::uint64_t bytes, DeviceBuffer& into) {
  DeviceBuffer made(gpu, bytes, false);
  if (const VkResult result = made.create(nullptr); result != VK_SUCCESS) return result;
  const std::uint32_t type =
      gpu.memory_type(made.requirements().memoryTypeBits, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT);
  if (type == kNone || gpu.allocated + bytes > hooks().most_device_bytes) {
    return VK_ERROR_OUT_OF_DEVICE_MEMORY;
  }
  if (const VkResult result = made.bind(type, nullptr); result != VK_SUCCESS) return result;
  gpu.allocated += bytes;
  made.counted_ = true;
  into = std::move(made);
  return VK_SUCCESS;
}

VkResult DeviceBuffer::allocate_host(Gpu& gpu, std::uint64_t bytes, DeviceBuffer& into) {
  DeviceBuffer made(gpu, bytes, true);
  if (const VkResult result = made.create(nullptr); result != VK_SUCCESS) return result;
  const std::uint32_t allowed = made.requirements().memoryTypeBits;
  std::uint32_t type = gpu.memory_type(allowed, kHost | VK_MEMORY_PROPERTY_HOST_CACHED_BIT);
  if (type == kNone) type = gpu.memory_type(allowed, kHost);
  if (type == kNone) return VK_ERROR_FEATURE_NOT_PRESENT;
  if (const VkResult result = made.bind(type, nullptr); result != VK_SUCCESS) return result;
  void* mapped = nullptr;
  const VkResult result =
      gpu.functions().vkMapMemory(gpu.device(), made.memory_, 0, VK_WHOLE_SIZE, 0, &mapped);
  if (result != VK_SUCCESS) return result;
  made.mapped_ = static_cast<std::byte*>(mapped);
  into = std::move(made);
  return VK_SUCCESS;
}

VkResult DeviceBuffer::import(Gpu& gpu, std::span<std::byte> pages, DeviceBuffer& into) {
  constexpr auto kHandle = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
  DeviceBuffer made(gpu, pages.size(), true);
  const VkExternalMemoryBufferCreateInfo external{
      .sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO, .handleTypes = kHandle};
  if (const VkResult result = made.create(&external); result != VK_SUCCESS) return result;
  VkMemoryHostPointerPropertiesEXT pointer{
      .sType = VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT};
  const VkResult result = gpu.functions().vkGetMemoryHostPointerPropertiesEXT(
      gpu.device(), kHandle, pages.data(), &pointer);
  if (result != VK_SUCCESS) return result;
  const VkMemoryRequirements needs = made.requirements();
  if (needs.size > pages.size()) return VK_ERROR_INVALID_EXTERNAL_HANDLE;
  const std::uint32_t type = gpu.memory_type(needs.memoryTypeBits & pointer.memoryTypeBits, kHost);
  if (type == kNone) return VK_ERROR_INVALID_EXTERNAL_HANDLE;
  const VkImportMemoryHostPointerInfoEXT import{
      .sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT,
      .handleType = kHandle,
      .pHostPointer = pages.data()};
  if (const VkResult bound = made.bind(type, &import, pages.size()); bound != VK_SUCCESS)
    return bound;
  into = std::move(made);
  return VK_SUCCESS;
}

VkResult DeviceBuffer::create_shared() {
  const VkExternalMemoryBufferCreateInfo external{
      .sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO, .handleTypes = kOpaqueFd};
  return create(&external);
}

/// The first type that a buffer like this allows, which is the same one for whoever makes one.
VkResult DeviceBuffer::bind_shared(const void* chain) {
  const std::uint32_t type =
      gpu_->memory_type(requirements().memoryTypeBits, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT);
  if (type == kNone) return VK_ERROR_FEATURE_NOT_PRESENT;
  const VkMemoryDedicatedAllocateInfo dedicated{
      .sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO, .pNext = chain, .buffer = buffer_};
  return bind(type, &dedicated);
}

VkResult DeviceBuffer::allocate_shared(Gpu& gpu, std::uint64_t bytes, detail::Descriptor& handle,
                                       DeviceBuffer& into) {
  DeviceBuffer made(gpu, bytes, false);
  if (const VkResult result = made.create_shared(); result != VK_SUCCESS) return result;
  const VkExportMemoryAllocateInfo exported{.sType = VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO,
                                            .handleTypes = kOpaqueFd};
  if (gpu.allocated + bytes > hooks().most_device_bytes) return VK_ERROR_OUT_OF_DEVICE_MEMORY;
  if (const VkResult result = made.bind_shared(&exported); result != VK_SUCCESS) return result;
  gpu.allocated += bytes;
  made.counted_ = true;
  const VkMemoryGetFdInfoKHR info{.sType = VK_STRUCTURE_TYPE_MEMORY_GET_FD_INFO_KHR,
                                  .memory = made.memory_,
                                  .handleType = kOpaqueFd};
  int fd = -1;
  const VkResult result = gpu.functions().vkGetMemoryFdKHR(gpu.device(), &info, &fd);
  if (result != VK_SUCCESS) return result;
  handle.reset(fd);
  into = std::move(made);
  return VK_SUCCESS;
}

VkResult DeviceBuffer::open_shared(Gpu& gpu, std::uint64_t bytes, detail::Descriptor handle,
                                   DeviceBuffer& into) {
  DeviceBuffer made(gpu, bytes, false);
  if (const VkResult result = made.create_shared(); result != VK_SUCCESS) return result;
  const VkImportMemoryFdInfoKHR imported{.sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR,
                                         .handleType = kOpaqueFd,
                                         .fd = handle.get()};
  const VkResult result = made.bind_shared(&imported);
  if (made.memory_ != VK_NULL_HANDLE) static_cast<void>(handle.release());  // it is the driver's
  if (result != VK_SUCCESS) return result;
  into = std::move(made);
  return VK_SUCCESS;
}

VkResult DeviceBuffer::create(const void* chain) {
  // Any queue may use it at any time, so no queue family owns it.
  const auto& queues = gpu_->physical().queues;
  const std::array<std::uint32_t, 2> families{queues.compute, queues.transfer};
  const bool shared = families[0] != families[1];
  const VkBufferCreateInfo info{
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .pNext = chain,
      .size = bytes_,
      .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
               VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT,
      .sharingMode = shared ? VK_SHARING_MODE_CONCURRENT : VK_SHARING_MODE_EXCLUSIVE,
      .queueFamilyIndexCount = shared ? 2U : 0U,
      .pQueueFamilyIndices = shared ? families.data() : nullptr};
  return gpu_->functions().vkCreateBuffer(gpu_->device(), &info, nullptr, &buffer_);
}

VkResult DeviceBuffer::bind(std::uint32_t type, const void* chain, std::uint64_t bytes) {
  const VkMemoryAllocateFlagsInfo flags{.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
                                        .pNext = chain,
                                        .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};
  const VkMemoryAllocateInfo info{.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                  .pNext = &flags,
                                  .allocationSize = bytes == 0 ? requirements().size : bytes,
                                  .memoryTypeIndex = type};
  const VkResult result =
      gpu_->functions().vkAllocateMemory(gpu_->device(), &info, nullptr, &memory_);
  if (result != VK_SUCCESS) return result;
  return gpu_->functions().vkBindBufferMemory(gpu_->device(), buffer_, memory_, 0);
}

VkMemoryRequirements DeviceBuffer::requirements() const {
  VkMemoryRequirements needs{};
  gpu_->functions().vkGetBufferMemoryRequirements(gpu_->device(), buffer_, &needs);
  return needs;
}

void DeviceBuffer::map_at(std::byte* begin) {
  const VkBufferDeviceAddressInfo info{.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO,
                                       .buffer = buffer_};
  gpu_->addresses().insert(
      {.begin = reinterpret_cast<std::uintptr_t>(begin),
       .bytes = bytes_,
       .buffer = buffer_,
       .address = gpu_->functions().vkGetBufferDeviceAddress(gpu_->device(), &info),
       .host = host_});
  found_ = true;
}

void DeviceBuffer::unmap() noexcept {
  if (found_ && gpu_->usable()) gpu_->addresses().erase(buffer_);
  found_ = false;
}

void DeviceBuffer::release() noexcept {
  if (gpu_ == nullptr || !gpu_->usable()) return;
  unmap();
  gpu_->functions().vkDestroyBuffer(gpu_->device(), buffer_, nullptr);
  gpu_->functions().vkFreeMemory(gpu_->device(), memory_, nullptr);  // unmaps, too
  if (counted_) gpu_->allocated -= bytes_;
  buffer_ = VK_NULL_HANDLE;
  memory_ = VK_NULL_HANDLE;
}

}  // namespace rlx::vulkan
