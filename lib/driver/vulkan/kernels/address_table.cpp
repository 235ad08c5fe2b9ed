#include "lib/driver/vulkan/kernels/address_table.hpp"

#include <fmt/format.h>

#include <bit>
#include <vector>

#include "lib/driver/vulkan/kernels/kernels.hpp"
#include "rlx/error.hpp"

namespace rlx::vulkan {
namespace {

constexpr VkDeviceSize kBytes = AddressTable::kCapacity * sizeof(VkDeviceAddress);

// One on the device where the device's memory is known, else the first that a buffer may have.
std::uint32_t memory_type(const VkPhysicalDeviceMemoryProperties& memory, std::uint32_t allowed) {
  for (std::uint32_t type = 0; type < memory.memoryTypeCount; ++type) {
    const VkMemoryPropertyFlags flags = memory.memoryTypes[type].propertyFlags;
    if ((allowed >> type & 1) != 0 && (flags & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT) != 0 &&
        (flags & VK_MEMORY_PROPERTY_PROTECTED_BIT) == 0) {
      return type;
    }
  }
  return static_cast<std::uint32_t>(std::countr_zero(allowed));
}

struct Access {
  VkPipelineStageFlags stage;
  VkAccessFlags access;
};

void barrier(const KernelDevice& device, VkCommandBuffer commands, Access before, Access after) {
  const VkMemoryBarrier memory{.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                               .srcAccessMask = before.access,
                               .dstAccessMask = after.access};
  device.functions->vkCmdPipelineBarrier(commands, before.stage, after.stage, 0, 1, &memory, 0,
                                         nullptr, 0, nullptr);
}

}  // namespace

AddressTable::~AddressTable() {
  device_.functions->vkDestroyBuffer(device_.handle, buffer_, nullptr);
  device_.functions->vkFreeMemory(device_.handle, memory_, nullptr);
}

VkDeviceAddress AddressTable::write(VkCommandBuffer commands, const Pass& pass) {
  const std::size_t operands = pass.sources.size() + pass.destinations.size();
  if (operands > kCapacity) {
    throw CollectiveError(
        ErrorKind::InvalidArgument, "reduce",
        fmt::format("a device reduces at most {} sources and destinations at once, not {}",
                    kCapacity, operands));
  }
  if (address_ == 0) allocate();
  std::vector<VkDeviceAddress> addresses(pass.sources.begin(), pass.sources.end());
  addresses.insert(addresses.end(), pass.destinations.begin(), pass.destinations.end());
  constexpr Access kShader{VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_READ_BIT};
  constexpr Access kWrite{VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT};
  constexpr Access kBefore{kShader.stage | kWrite.stage, kWrite.access};
  barrier(device_, commands, kBefore, kWrite);
  device_.functions->vkCmdUpdateBuffer(commands, buffer_, 0, operands * sizeof(VkDeviceAddress),
                                       addresses.data());
  barrier(device_, commands, kWrite, kShader);
  return address_;
}

void AddressTable::allocate() {
  const DeviceFunctions& vk = *device_.functions;
  if (buffer_ == VK_NULL_HANDLE) {
    const VkBufferCreateInfo info{.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                  .size = kBytes,
                                  .usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT |
                                           VK_BUFFER_USAGE_STORAGE_BUFFER_BIT |
                                           VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT};
    check(vk.vkCreateBuffer(device_.handle, &info, nullptr, &buffer_), "vkCreateBuffer");
  }
  if (memory_ == VK_NULL_HANDLE) {
    VkMemoryRequirements needs;
    vk.vkGetBufferMemoryRequirements(device_.handle, buffer_, &needs);
    const VkMemoryAllocateFlagsInfo flags{.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
                                          .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};
    const VkMemoryAllocateInfo info{
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
        .pNext = &flags,
        .allocationSize = needs.size,
        .memoryTypeIndex = memory_type(device_.memory, needs.memoryTypeBits)};
    check(vk.vkAllocateMemory(device_.handle, &info, nullptr, &memory_), "vkAllocateMemory");
    check(vk.vkBindBufferMemory(device_.handle, buffer_, memory_, 0), "vkBindBufferMemory");
  }
  const VkBufferDeviceAddressInfo info{.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO,
                                       .buffer = buffer_};
  address_ = vk.vkGetBufferDeviceAddress(device_.handle, &info);
}

}  // namespace rlx::vulkan
