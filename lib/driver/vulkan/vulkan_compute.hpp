#pragma once
// Compute on a Vulkan device. Copies between host and device go to the queues that only transfer,
// one for each direction, where there are such; everything else to the queue that computes. Steps
// are put into batches, which are submitted when they are asked for or are large enough.

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "lib/driver/compute.hpp"
#include "lib/driver/vulkan/gpu.hpp"
#include "lib/driver/vulkan/kernels/kernels.hpp"
#include "lib/driver/vulkan/lane.hpp"

namespace rlx::vulkan {

class VulkanCompute final : public Compute {
 public:
  /// Polls before a wait leaves the core to whoever else needs it: waking up takes longer than
  /// short work does.
  static constexpr int kBarePolls = 64;

  explicit VulkanCompute(Gpu& gpu);

  [[nodiscard]] bool supports(DType dtype) const noexcept override;
  void prepare(DType dtype, ReduceKind kind) override;
  [[nodiscard]] bool reaches(const std::byte* data, std::size_t bytes) const noexcept override;
  ComputeTicket submit(const ComputeStep& step) noexcept override;
  [[nodiscard]] bool done(ComputeTicket ticket) noexcept override;
  [[nodiscard]] std::string failure() const override;

  /// Zeroes memory of the device, in order with the steps. Multiples of 4 bytes.
  ComputeTicket fill_zero(std::byte* begin, std::uint64_t bytes) noexcept;
  /// Starts whatever had not been started.
  void start() noexcept { static_cast<void>(done(UINT64_MAX)); }
  [[nodiscard]] bool failed() const noexcept { return failed_ || !gpu_.usable(); }
  /// Blocks until a batch is done, or for a moment.
  void pause() noexcept;
  /// Blocks until the step is done. False: the device has failed.
  bool wait(ComputeTicket ticket) noexcept;
  /// Blocks until nothing runs on the device, also when it has failed.
  void wait_idle() noexcept;

 private:
  using Lanes = std::vector<std::unique_ptr<Lane>>;

  template <class Place>
  ComputeTicket submit_locked(Place place) noexcept;
  void place(const ComputeStep& step, ComputeTicket ticket);
  void place_copy(std::byte* destination, const std::byte* source, std::uint64_t bytes,
                  ComputeTicket ticket);
  void place_reduction(const ComputeStep& step, ComputeTicket ticket);
  [[nodiscard]] std::size_t lane_for_copy(const Location& from, const Location& to) const noexcept;
  VkCommandBuffer record(std::size_t lane, ComputeTicket ticket);
  [[nodiscard]] Location locate(const std::byte* address) const;
  void add_access(const std::byte* begin, std::uint64_t bytes, bool write);
  void progress();
  void fail(const char* why) noexcept;

  Gpu& gpu_;
  Kernels kernels_;
  mutable std::mutex mutex_;  // guards what follows, the kernels and the queues
  Lanes lanes_;               // as the device's queues
  ComputeTicket last_ticket_ = 0;
  std::atomic<ComputeTicket> done_{0};
  std::atomic<bool> failed_{false};
  std::string failure_;
  std::array<std::array<bool, 16>, 16> prepared_{};  // by dtype and kind
  // Of the step that is being placed; kept for their memory.
  std::vector<Access> accesses_;
  std::vector<VkDeviceAddress> destinations_;
  std::vector<VkDeviceAddress> sources_;
};

}  // namespace rlx::vulkan
