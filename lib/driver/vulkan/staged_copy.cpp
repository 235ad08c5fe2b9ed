#include "lib/driver/vulkan/staged_copy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "rlx/error.hpp"

namespace rlx::vulkan {
namespace {

ComputeTicket copy_on_device(VulkanCompute& compute, std::byte* into, const std::byte* from,
                             std::uint64_t bytes) {
  const ComputeTicket ticket =
      compute.submit({.destinations = {&into, 1}, .sources = {&from, 1}, .count = bytes});
  compute.start();
  return ticket;
}

}  // namespace

void check_health(const VulkanCompute& compute, const char* operation) {
  if (!compute.failed()) return;
  throw CollectiveError(ErrorKind::Device, operation, compute.failure());
}

Staging::~Staging() {
  for (const Slot& slot : slots_) {
    if (slot.used_by != 0 && !compute_.wait(slot.used_by)) compute_.wait_idle();
  }
}

Staging::Slot& Staging::slot(std::size_t index) {
  Slot& slot = slots_[index % kSlots];
  if (slot.buffer.handle() != VK_NULL_HANDLE) return slot;
  const VkResult result = DeviceBuffer::allocate_host(gpu_, kSlotBytes, slot.buffer);
  if (result != VK_SUCCESS) {
    throw CollectiveError(
        ErrorKind::OutOfMemory, "Buffer",
        fmt::format("{}: {} bytes of host memory for copies are not to be had: {}", gpu_.name(),
                    kSlotBytes, name_of(result)));
  }
  slot.buffer.map_at(slot.buffer.mapped());
  return slot;
}

StagedCopy StagedCopy::upload(std::byte* device, const std::byte* host, std::uint64_t bytes) {
  StagedCopy copy;
  copy.from_ = host;
  copy.into_ = device;
  copy.bytes_ = bytes;
  copy.up_ = true;
  return copy;
}

StagedCopy StagedCopy::download(std::byte* host, const std::byte* device, std::uint64_t bytes) {
  StagedCopy copy;
  copy.from_ = device;
  copy.into_ = host;
  copy.bytes_ = bytes;
  return copy;
}

bool StagedCopy::advance(Staging& staging) {
  check_health(staging.compute(), "copy");
  return up_ ? advance_upload(staging) : advance_download(staging);
}

void StagedCopy::finish(Staging& staging) {
  for (int polls = 0; !advance(staging); ++polls) {
    if (polls >= VulkanCompute::kBarePolls) staging.compute().pause();
  }
}

bool StagedCopy::advance_upload(Staging& staging) {
  VulkanCompute& compute = staging.compute();
  while (issued_ < bytes_) {
    Staging::Slot& slot = staging.slot(issued_ / Staging::kSlotBytes);
    if (!compute.done(slot.used_by)) return false;
    const std::uint64_t length = length_at(issued_);
    std::memcpy(slot.buffer.mapped(), from_ + issued_, length);
    slot.used_by = copy_on_device(compute, into_ + issued_, slot.buffer.mapped(), length);
    issued_ += length;
  }
  if (bytes_ == 0) return true;
  return compute.done(staging.slot((bytes_ - 1) / Staging::kSlotBytes).used_by);
}

bool StagedCopy::advance_download(Staging& staging) {
  VulkanCompute& compute = staging.compute();
  constexpr std::uint64_t kAhead = Staging::kSlots * Staging::kSlotBytes;
  while (finished_ < bytes_) {
    if (issued_ < bytes_ && issued_ < finished_ + kAhead) {
      Staging::Slot& slot = staging.slot(issued_ / Staging::kSlotBytes);
      if (!compute.done(slot.used_by)) return false;
      const std::uint64_t length = length_at(issued_);
      slot.used_by = copy_on_device(compute, slot.buffer.mapped(), from_ + issued_, length);
      issued_ += length;
      continue;
    }
    const Staging::Slot& slot = staging.slot(finished_ / Staging::kSlotBytes);
    if (!compute.done(slot.used_by)) return false;
    const std::uint64_t length = length_at(finished_);
    std::memcpy(into_ + finished_, slot.buffer.mapped(), length);
    finished_ += length;
  }
  return true;
}

std::uint64_t StagedCopy::length_at(std::uint64_t at) const noexcept {
  return std::min(bytes_ - at, Staging::kSlotBytes);
}

}  // namespace rlx::vulkan
