#include "lib/driver/vulkan/lane.hpp"

#include <algorithm>

#include "lib/driver/vulkan/hooks.hpp"
#include "lib/driver/vulkan/kernels/kernel_device.hpp"

namespace rlx::vulkan {
namespace {

// More would keep the queue waiting for the CPU.
constexpr std::size_t kStepsOfBatch = 32;
constexpr std::uint64_t kBytesOfBatch = std::uint64_t{16} << 20;

constexpr VkAccessFlags kTransferAccess =
    VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
constexpr VkAccessFlags kShaderAccess = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT;

bool conflict(const std::vector<Access>& accesses, const Access* first, const Access* last) {
  return std::any_of(first, last, [&](const Access& earlier) {
    return std::any_of(accesses.begin(), accesses.end(),
                       [&](const Access& access) { return conflict(access, earlier); });
  });
}

}  // namespace

Lane::Lane(Gpu& gpu, std::size_t queue) : gpu_(gpu), index_(queue), queue_(gpu.queues().at(queue)) {
  const VkCommandPoolCreateInfo pool{.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                     .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
                                     .queueFamilyIndex = queue_.family};
  const VkSemaphoreTypeCreateInfo type{.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
                                       .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE};
  const VkSemaphoreCreateInfo semaphore{.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO,
                                        .pNext = &type};
  check(gpu_.functions().vkCreateSemaphore(gpu_.device(), &semaphore, nullptr, &timeline_),
        "vkCreateSemaphore");
  const VkResult result =
      gpu_.functions().vkCreateCommandPool(gpu_.device(), &pool, nullptr, &pool_);
  if (result == VK_SUCCESS) return;
  gpu_.functions().vkDestroySemaphore(gpu_.device(), timeline_, nullptr);
  check(result, "vkCreateCommandPool");
}

Lane::~Lane() {
  gpu_.functions().vkDestroyCommandPool(gpu_.device(), pool_, nullptr);
  gpu_.functions().vkDestroySemaphore(gpu_.device(), timeline_, nullptr);
}

VkCommandBuffer Lane::record(ComputeTicket ticket, const std::vector<Access>& accesses,
                             const Needs& needs) {
  Batch& batch = batch_for(ticket, needs);
  const Access* const all = batch.accesses.data();
  if (conflict(accesses, all + batch.after_barrier, all + batch.accesses.size())) {
    barrier(batch.commands);
    batch.after_barrier = batch.accesses.size();
  }
  batch.accesses.insert(batch.accesses.end(), accesses.begin(), accesses.end());
  ++batch.steps;
  return batch.commands;
}

void Lane::add_bytes(std::uint64_t bytes) {
  Batch& batch = *pending_.back();
  batch.bytes += bytes;
  if (batch.steps >= kStepsOfBatch || batch.bytes >= kBytesOfBatch) seal();
}

// An open batch may not come to wait for more than it did: what it is to wait for may wait for it.
Lane::Batch& Lane::batch_for(ComputeTicket ticket, const Needs& needs) {
  if (open_) {
    const Needs& have = pending_.back()->needs;
    bool enough = true;
    for (std::size_t l = 0; l < needs.size(); ++l) enough = enough && needs[l] <= have[l];
    if (!enough) seal();
  }
  if (!open_) {
    open(ticket);
    pending_.back()->needs = needs;
  }
  return *pending_.back();
}

void Lane::open(ComputeTicket ticket) {
  if (unused_.empty()) {
    auto batch = std::make_unique<Batch>();
    const VkCommandBufferAllocateInfo info{.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                           .commandPool = pool_,
                                           .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                           .commandBufferCount = 1};
    check(gpu_.functions().vkAllocateCommandBuffers(gpu_.device(), &info, &batch->commands),
          "vkAllocateCommandBuffers");
    batches_.push_back(std::move(batch));
    unused_.push_back(batches_.back().get());
  }
  Batch& batch = *unused_.back();
  const VkCommandBufferBeginInfo begin{.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                       .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
  check(gpu_.functions().vkBeginCommandBuffer(batch.commands, &begin), "vkBeginCommandBuffer");
  pending_.push_back(&batch);
  unused_.pop_back();
  batch.number = ++opened_;
  batch.first_ticket = ticket;
  batch.accesses.clear();
  batch.after_barrier = 0;
  batch.steps = 0;
  batch.bytes = 0;
  open_ = true;
  // After all batches before it, and after what the host wrote.
  barrier(batch.commands);
}

void Lane::barrier(VkCommandBuffer commands) const {
  VkPipelineStageFlags stages = VK_PIPELINE_STAGE_TRANSFER_BIT;
  if (queue_.computes) stages |= VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT;
  const VkAccessFlags access = kTransferAccess | (queue_.computes ? kShaderAccess : 0U);
  const VkMemoryBarrier memory{.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                               .srcAccessMask = access | VK_ACCESS_HOST_WRITE_BIT,
                               .dstAccessMask = access | VK_ACCESS_HOST_READ_BIT};
  gpu_.functions().vkCmdPipelineBarrier(commands, stages | VK_PIPELINE_STAGE_HOST_BIT,
                                        stages | VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &memory, 0,
                                        nullptr, 0, nullptr);
}

std::uint64_t Lane::newest_conflict(const std::vector<Access>& accesses) {
  for (auto batch = pending_.rbegin(); batch != pending_.rend(); ++batch) {
    const Access* const all = (*batch)->accesses.data();
    if (!conflict(accesses, all, all + (*batch)->accesses.size())) continue;
    if (*batch == pending_.back()) seal();
    return (*batch)->number;
  }
  return 0;
}

void Lane::seal() {
  if (!open_) return;
  open_ = false;
  Batch& batch = *pending_.back();
  barrier(batch.commands);  // what it wrote may be read by the host
  check(gpu_.functions().vkEndCommandBuffer(batch.commands), "vkEndCommandBuffer");
}

void Lane::submit(const Needs& done) {
  if ((hooks().held_queues >> index_ & 1) != 0) return;
  while (held_back()) {
    Batch& batch = *pending_[submitted_ - done_];
    for (std::size_t l = 0; l < done.size(); ++l) {
      if (batch.needs[l] > done[l]) return;
    }
    submit(batch);
  }
}

void Lane::submit(Batch& batch) {
  const VkTimelineSemaphoreSubmitInfo values{
      .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
      .signalSemaphoreValueCount = 1,
      .pSignalSemaphoreValues = &batch.number};
  const VkSubmitInfo info{.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                          .pNext = &values,
                          .commandBufferCount = 1,
                          .pCommandBuffers = &batch.commands,
                          .signalSemaphoreCount = 1,
                          .pSignalSemaphores = &timeline_};
  const std::int64_t left = hooks().submissions_until_lost;
  if (left == 0) check(VK_ERROR_DEVICE_LOST, "vkQueueSubmit");
  if (left > 0) --hooks().submissions_until_lost;
  check(gpu_.functions().vkQueueSubmit(queue_.handle, 1, &info, VK_NULL_HANDLE), "vkQueueSubmit");
  submitted_ = batch.number;
}

void Lane::poll() {
  if (!running()) return;
  std::uint64_t reached = 0;
  check(gpu_.functions().vkGetSemaphoreCounterValue(gpu_.device(), timeline_, &reached),
        "vkGetSemaphoreCounterValue");
  // Lost devices are known to count beyond what they were given.
  if (reached > submitted_) check(VK_ERROR_DEVICE_LOST, "vkGetSemaphoreCounterValue");
  for (; done_ < reached; ++done_) {
    unused_.push_back(pending_.front());
    pending_.pop_front();
  }
}

ComputeTicket Lane::oldest() const noexcept {
  return pending_.empty() ? UINT64_MAX : pending_.front()->first_ticket;
}

}  // namespace rlx::vulkan
