#include "lib/driver/vulkan/vulkan_compute.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <thread>

#include "rlx/error.hpp"

namespace rlx::vulkan {
namespace {

constexpr std::size_t kComputeLane = 0;

std::uintptr_t number(const std::byte* address) {
  return reinterpret_cast<std::uintptr_t>(address);
}

}  // namespace

VulkanCompute::VulkanCompute(Gpu& gpu) : gpu_(gpu), kernels_(gpu.kernel_device()) {
  for (std::size_t queue = 0; queue < gpu.queues().size(); ++queue) {
    lanes_.push_back(std::make_unique<Lane>(gpu, queue));
  }
}

bool VulkanCompute::supports(DType dtype) const noexcept { return kernels_.supports(dtype); }

void VulkanCompute::prepare(DType dtype, ReduceKind kind) {
  const std::lock_guard lock(mutex_);
  bool& prepared = prepared_.at(static_cast<std::size_t>(dtype)).at(static_cast<std::size_t>(kind));
  if (prepared) return;
  kernels_.prepare(dtype, kind);
  gpu_.pipeline_cache().save();
  prepared = true;
}

bool VulkanCompute::reaches(const std::byte* data, std::size_t bytes) const noexcept {
  return gpu_.addresses().covers(number(data), bytes);
}

ComputeTicket VulkanCompute::submit(const ComputeStep& step) noexcept {
  return submit_locked([&](ComputeTicket ticket) {
    if (step.count > 0) place(step, ticket);
  });
}

ComputeTicket VulkanCompute::fill_zero(std::byte* begin, std::uint64_t bytes) noexcept {
  return submit_locked([&](ComputeTicket ticket) {
    accesses_.clear();
    add_access(begin, bytes, true);
    const VkCommandBuffer commands = record(kComputeLane, ticket);
    for (std::uint64_t at = 0; at < bytes;) {
      const Location to = locate(begin + at);
      const std::uint64_t length = std::min(bytes - at, to.left);
      gpu_.functions().vkCmdFillBuffer(commands, to.buffer, to.offset, length, 0);
      at += length;
    }
    lanes_[kComputeLane]->add_bytes(bytes);
  });
}

template <class Place>
ComputeTicket VulkanCompute::submit_locked(Place place) noexcept {
  if (!gpu_.usable()) return UINT64_MAX;
  const std::lock_guard lock(mutex_);
  const ComputeTicket ticket = ++last_ticket_;
  if (failed_) return ticket;
  try {
    place(ticket);
    const auto held = [](const auto& lane) { return lane->held_back(); };
    if (std::any_of(lanes_.begin(), lanes_.end(), held)) progress();
  } catch (const std::exception& error) {
    fail(error.what());
  }
  return ticket;
}

void VulkanCompute::place(const ComputeStep& step, ComputeTicket ticket) {
  if (step.sources.size() > 1 || step.divisor != 0) {
    place_reduction(step, ticket);
    return;
  }
  for (std::byte* const destination : step.destinations) {
    if (destination == step.sources[0]) continue;
    place_copy(destination, step.sources[0], step.count * size_of(step.dtype), ticket);
  }
}

void VulkanCompute::place_copy(std::byte* destination, const std::byte* source, std::uint64_t bytes,
                               ComputeTicket ticket) {
  accesses_.clear();
  add_access(destination, bytes, true);
  add_access(source, bytes, false);
  Location from = locate(source);
  Location to = locate(destination);
  const std::size_t lane = lane_for_copy(from, to);
  const bool by_shader = lane == kComputeLane && from.host == to.host && kernels_.copies();
  const VkCommandBuffer commands = record(lane, ticket);
  for (std::uint64_t at = 0;;) {
    const std::uint64_t length = std::min({bytes - at, from.left, to.left});
    if (by_shader) {
      kernels_.record(commands, {.destinations = {&to.address, 1},
                                 .sources = {&from.address, 1},
                                 .count = length,
                                 .dtype = DType::u8});
    } else {
      const VkBufferCopy region{from.offset, to.offset, length};
      gpu_.functions().vkCmdCopyBuffer(commands, from.buffer, to.buffer, 1, &region);
    }
    at += length;
    if (at == bytes) break;
    from = locate(source + at);
    to = locate(destination + at);
  }
  lanes_[lane]->add_bytes(bytes);
}

// Elements that begin in one buffer and end in the next are found in the next, which then begins
// early enough (AddressMap::covers).
void VulkanCompute::place_reduction(const ComputeStep& step, ComputeTicket ticket) {
  const std::size_t size = size_of(step.dtype);
  const std::uint64_t bytes = step.count * size;
  accesses_.clear();
  for (std::byte* const destination : step.destinations) add_access(destination, bytes, true);
  for (const std::byte* const source : step.sources) add_access(source, bytes, false);
  const VkCommandBuffer commands = record(kComputeLane, ticket);
  for (std::uint64_t at = 0; at < step.count;) {
    std::uint64_t count = step.count - at;
    const auto address_of = [&](const std::byte* operand) {
      const Location location = locate(operand + at * size);
      count = std::min(count, location.left / size);
      return location.address;
    };
    destinations_.clear();
    sources_.clear();
    for (std::byte* const to : step.destinations) destinations_.push_back(address_of(to));
    for (const std::byte* const from : step.sources) sources_.push_back(address_of(from));
    if (count == 0) {
      throw CollectiveError(ErrorKind::Internal, "Compute",
                            "an element lies half in one imported range, half in the next");
    }
    kernels_.record(commands, {.destinations = destinations_,
                               .sources = sources_,
                               .count = count,
                               .dtype = step.dtype,
                               .kind = step.kind,
                               .divisor = step.divisor});
    at += count;
  }
  lanes_[kComputeLane]->add_bytes(bytes * (step.sources.size() + step.destinations.size()));
}

std::size_t VulkanCompute::lane_for_copy(const Location& from, const Location& to) const noexcept {
  if (from.host == to.host || lanes_.size() == 1) return kComputeLane;
  return to.host ? 1 : lanes_.size() - 1;
}

// Of accesses_, after whatever they conflict with.
VkCommandBuffer VulkanCompute::record(std::size_t lane, ComputeTicket ticket) {
  Needs needs{};
  for (std::size_t other = 0; other < lanes_.size(); ++other) {
    if (other != lane) needs[other] = lanes_[other]->newest_conflict(accesses_);
  }
  return lanes_[lane]->record(ticket, accesses_, needs);
}

Location VulkanCompute::locate(const std::byte* address) const {
  if (const auto location = gpu_.addresses().find(number(address))) return *location;
  throw CollectiveError(
      ErrorKind::Internal, "Compute",
      fmt::format("a step names {:#x}, which is neither memory of this device nor imported",
                  number(address)));
}

void VulkanCompute::add_access(const std::byte* begin, std::uint64_t bytes, bool write) {
  accesses_.push_back({number(begin), number(begin) + bytes, write});
}

bool VulkanCompute::done(ComputeTicket ticket) noexcept {
  if (ticket <= done_.load(std::memory_order_acquire)) return gpu_.usable();
  if (!gpu_.usable() || failed_) return false;
  const std::lock_guard lock(mutex_);
  if (failed_) return false;
  try {
    for (const auto& lane : lanes_) lane->seal();
    progress();
  } catch (const std::exception& error) {
    fail(error.what());
  }
  return ticket <= done_.load(std::memory_order_relaxed);
}

void VulkanCompute::progress() {
  Needs done{};
  for (std::size_t l = 0; l < lanes_.size(); ++l) {
    lanes_[l]->poll();
    done[l] = lanes_[l]->done();
  }
  ComputeTicket oldest = last_ticket_ + 1;
  for (const auto& lane : lanes_) oldest = std::min(oldest, lane->oldest());
  // What was read of the device's work comes before what others read after this.
  done_.store(oldest - 1, std::memory_order_release);
  for (const auto& lane : lanes_) lane->submit(done);
}

std::string VulkanCompute::failure() const {
  if (!gpu_.usable()) {
    return fmt::format("{} was opened before this process was forked; open it in the child",
                       gpu_.name());
  }
  if (!failed_) return {};
  const std::lock_guard lock(mutex_);
  return failure_;
}

void VulkanCompute::fail(const char* why) noexcept {
  try {
    failure_ = fmt::format("{} [{}]: {}", gpu_.name(), gpu_.physical().driver, why);
  } catch (const std::exception&) {
    failure_ = "device";  // short enough to need no memory
  }
  failed_ = true;
}

void VulkanCompute::pause() noexcept {
  constexpr std::uint64_t kMomentNs = 200'000;
  std::array<VkSemaphore, kMostLanes> timelines{};
  std::array<std::uint64_t, kMostLanes> values{};
  std::uint32_t count = 0;
  if (!failed()) {
    const std::lock_guard lock(mutex_);
    for (const auto& lane : lanes_) {
      if (!lane->running()) continue;
      timelines[count] = lane->timeline();
      values[count++] = lane->done() + 1;
    }
  }
  if (count == 0) {
    std::this_thread::yield();
    return;
  }
  const VkSemaphoreWaitInfo info{.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
                                 .flags = VK_SEMAPHORE_WAIT_ANY_BIT,
                                 .semaphoreCount = count,
                                 .pSemaphores = timelines.data(),
                                 .pValues = values.data()};
  // Whatever it says, done() finds out.
  static_cast<void>(gpu_.functions().vkWaitSemaphores(gpu_.device(), &info, kMomentNs));
}

bool VulkanCompute::wait(ComputeTicket ticket) noexcept {
  for (int polls = 0; !done(ticket); ++polls) {
    if (failed()) return false;
    if (polls >= kBarePolls) pause();
  }
  return true;
}

void VulkanCompute::wait_idle() noexcept {
  if (!gpu_.usable()) return;
  ComputeTicket last = 0;
  {
    const std::lock_guard lock(mutex_);
    last = last_ticket_;
  }
  if (wait(last)) return;
  const std::lock_guard lock(mutex_);
  static_cast<void>(gpu_.functions().vkDeviceWaitIdle(gpu_.device()));
}

}  // namespace rlx::vulkan
