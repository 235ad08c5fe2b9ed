#pragma once
// The command stream of a Vulkan device. Operations wait in a queue of their own: those of the
// device go to Compute at once, which keeps them in order; what the CPU has a part in (staged
// copies, reductions of dtypes that the device lacks, polled work) starts once all before it is
// done, and holds back what comes after it until it is done.

#include <array>
#include <atomic>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <variant>
#include <vector>

#include "lib/driver/vulkan/open_device.hpp"
#include "rlx/command_stream.hpp"

namespace rlx::vulkan {

class VulkanStream final : public CommandStream {
 public:
  VulkanStream(OpenDevice& device, std::uint32_t index)
      : handle_(Device::vulkan(index)), device_(device), staging_(device.gpu, device.compute) {}
  /// Drops what has not started and waits for the rest.
  ~VulkanStream() override;

  [[nodiscard]] const Device& device() const noexcept override { return handle_; }
  void enqueue(std::function<bool()> poll) override;
  void submit() override;
  void wait() override;

  bool progress() noexcept override;

 private:
  /// Who works on the stream: its user, who waits for the other, or whoever moves it along, who
  /// does not. Polled work may come back here and then finds it taken.
  class Turn;

  static constexpr std::size_t kMostSources = 8;
  struct Step {
    std::byte* destination = nullptr;
    std::array<const std::byte*, kMostSources> sources{};
    std::size_t source_count = 0;
    std::size_t count = 0;
    DType dtype = DType::u8;
    ReduceKind kind = ReduceKind::Sum;
    std::uint64_t divisor = 0;

    [[nodiscard]] ComputeStep view() const noexcept;
  };
  struct DeviceStep {
    Step step;
  };
  struct HostStep {
    Step step;
  };
  struct Poll {
    std::function<bool()> poll;
  };
  /// What earlier operations needed for a while.
  struct Temporaries {
    std::vector<std::unique_ptr<detail::DeviceMemory>> device;
    std::vector<std::unique_ptr<std::byte[]>> host;
  };
  using Operation = std::variant<DeviceStep, HostStep, StagedCopy, Poll, Temporaries>;

  /// Where a view's bytes are.
  struct Operand {
    std::byte* address = nullptr;
    bool on_device = false;  ///< memory of the device; else of the host
    bool reached = false;    ///< steps of the device may name it
  };

  void do_copy(BufferView destination, ConstBufferView source) override;
  void do_reduce(BufferView destination, std::span<const ConstBufferView> sources,
                 ReduceKind kind) override;
  void add_copy(const BufferView& destination, const ConstBufferView& source);
  [[nodiscard]] Operand operand(const ConstBufferView& view) const;
  void reduce_on_device(Step step, std::span<const Operand> operands);
  void reduce_on_host(Step step, std::span<const Operand> operands);

  /// True: the operation is done, or Compute has it.
  [[nodiscard]] bool run(Operation& operation);
  void run_ready();
  [[nodiscard]] bool drained();
  /// Does what can be done now. True: all that was enqueued is done. Throws what the work failed
  /// with.
  [[nodiscard]] bool advance();

  Device handle_;
  OpenDevice& device_;
  Staging staging_;
  std::deque<Operation> operations_;
  ComputeTicket last_ticket_ = 0;
  std::atomic_flag taken_;
  std::exception_ptr failure_;  // of work that others moved along, for the user's next call
};

}  // namespace rlx::vulkan
