#pragma once
// One queue and its batches: command buffers that are recorded, sealed, submitted and retired in
// order. A batch may have to be held back until batches of other lanes are done: the CPU waits for
// that, since waits that are submitted beforehand over several queues were found disastrous. What
// waits always waits for batches that were sealed before it, so nothing waits in a circle.

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "lib/driver/compute.hpp"
#include "lib/driver/vulkan/gpu.hpp"

namespace rlx::vulkan {

/// Bytes of this process's addresses that a step reads or writes.
struct Access {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  bool write = false;
};

[[nodiscard]] inline bool conflict(const Access& left, const Access& right) noexcept {
  return (left.write || right.write) && left.begin < right.end && right.begin < left.end;
}

inline constexpr std::size_t kMostLanes = 3;
/// For each lane, the batch that must be done before; 0: none.
using Needs = std::array<std::uint64_t, kMostLanes>;

/// Not synchronised.
class Lane {
 public:
  Lane(Gpu& gpu, std::size_t queue);
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  /// A command buffer for a step that touches `accesses`, after whatever barrier it needs. The step
  /// has to be recorded at once. Throws CollectiveError(Device).
  [[nodiscard]] VkCommandBuffer record(ComputeTicket ticket, const std::vector<Access>& accesses,
                                       const Needs& needs);
  /// Counts work of the open batch, which is sealed when it has enough.
  void add_bytes(std::uint64_t bytes);
  /// The newest batch that is not done and conflicts, sealed; 0: none.
  [[nodiscard]] std::uint64_t newest_conflict(const std::vector<Access>& accesses);

  /// Nothing is added to the open batch any more.
  void seal();
  /// Submits sealed batches, in order, as far as `done` of all lanes allows.
  void submit(const Needs& done);
  /// Asks the queue how far it is.
  void poll();

  /// The number of the last batch that is done, also while nothing runs.
  [[nodiscard]] std::uint64_t done() const noexcept { return done_; }
  /// The first ticket that is not done; UINT64_MAX: none.
  [[nodiscard]] ComputeTicket oldest() const noexcept;
  [[nodiscard]] bool running() const noexcept { return submitted_ > done_; }
  /// Whether sealed batches have not been submitted.
  [[nodiscard]] bool held_back() const noexcept { return opened_ - (open_ ? 1 : 0) > submitted_; }
  [[nodiscard]] VkSemaphore timeline() const noexcept { return timeline_; }
  [[nodiscard]] bool computes() const noexcept { return queue_.computes; }

 private:
  struct Batch {
    VkCommandBuffer commands = VK_NULL_HANDLE;
    std::uint64_t number = 0;
    ComputeTicket first_ticket = 0;
    Needs needs{};
    std::vector<Access> accesses;
    std::size_t after_barrier = 0;  // accesses from here on have no barrier behind them
    std::size_t steps = 0;
    std::uint64_t bytes = 0;
  };

  Batch& batch_for(ComputeTicket ticket, const Needs& needs);
  void open(ComputeTicket ticket);
  void barrier(VkCommandBuffer commands) const;
  void submit(Batch& batch);

  Gpu& gpu_;
  std::size_t index_;  // among the device's queues
  Queue queue_;
  VkCommandPool pool_ = VK_NULL_HANDLE;
  VkSemaphore timeline_ = VK_NULL_HANDLE;
  std::vector<std::unique_ptr<Batch>> batches_;  // all that were ever made
  std::vector<Batch*> unused_;
  std::deque<Batch*> pending_;  // submitted, sealed, open
  bool open_ = false;           // the last pending one takes more steps
  std::uint64_t opened_ = 0;    // numbers of batches
  std::uint64_t submitted_ = 0;
  std::uint64_t done_ = 0;
};

}  // namespace rlx::vulkan
