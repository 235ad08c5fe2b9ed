#include "lib/driver/vulkan/vulkan_stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "lib/driver/vulkan/memory.hpp"
#include "rlx/error.hpp"

namespace rlx::vulkan {

ComputeStep VulkanStream::Step::view() const noexcept {
  return {.destinations = {&destination, 1},
          .sources = {sources.data(), source_count},
          .count = count,
          .dtype = dtype,
          .kind = kind,
          .divisor = divisor};
}

class VulkanStream::Turn {
 public:
  explicit Turn(VulkanStream& stream) : stream_(stream) {
    while (stream_.taken_.test_and_set(std::memory_order_acquire)) std::this_thread::yield();
  }
  ~Turn() { stream_.taken_.clear(std::memory_order_release); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  void rethrow() const {
    if (stream_.failure_) std::rethrow_exception(std::exchange(stream_.failure_, nullptr));
  }

 private:
  VulkanStream& stream_;
};

bool VulkanStream::progress() noexcept {
  if (taken_.test_and_set(std::memory_order_acquire)) return false;
  const std::size_t before = operations_.size();
  if (!failure_) {
    try {
      static_cast<void>(advance());
    } catch (...) {
      failure_ = std::current_exception();
    }
  }
  const bool moved = operations_.size() != before;
  taken_.clear(std::memory_order_release);
  return moved;
}

VulkanStream::~VulkanStream() {
  {
    const Turn turn(*this);
    operations_.clear();
  }
  if (!device_.compute.wait(last_ticket_)) device_.compute.wait_idle();
}

void VulkanStream::enqueue(std::function<bool()> poll) {
  const Turn turn(*this);
  turn.rethrow();
  operations_.emplace_back(Poll{std::move(poll)});
  run_ready();
}

void VulkanStream::submit() {
  const Turn turn(*this);
  turn.rethrow();
  run_ready();
  device_.compute.start();
}

void VulkanStream::wait() {
  const auto over = [this] {
    const Turn turn(*this);
    turn.rethrow();
    return advance();
  };
  for (int polls = 0; !over(); ++polls) {
    if (polls >= VulkanCompute::kBarePolls) device_.compute.pause();
  }
}

bool VulkanStream::advance() {
  run_ready();
  return operations_.empty() && drained();
}

void VulkanStream::run_ready() {
  check_health(device_.compute, "CommandStream");
  while (!operations_.empty()) {
    bool done = false;
    try {
      done = run(operations_.front());
    } catch (...) {
      operations_.pop_front();  // it has ended, and what comes after it has its turn
      throw;
    }
    if (!done) return;
    operations_.pop_front();
  }
}

bool VulkanStream::run(Operation& operation) {
  if (const auto* const step = std::get_if<DeviceStep>(&operation)) {
    last_ticket_ = device_.compute.submit(step->step.view());
    return true;
  }
  if (!drained()) return false;
  if (const auto* const step = std::get_if<HostStep>(&operation)) {
    cpu_compute().submit(step->step.view());
    return true;
  }
  if (auto* const copy = std::get_if<StagedCopy>(&operation)) return copy->advance(staging_);
  if (auto* const work = std::get_if<Poll>(&operation)) return work->poll();
  return true;  // Temporaries: nothing names them any more
}

bool VulkanStream::drained() {
  if (device_.compute.done(last_ticket_)) return true;
  check_health(device_.compute, "CommandStream");
  return false;
}

VulkanStream::Operand VulkanStream::operand(const ConstBufferView& view) const {
  Operand operand;
  if (view.host_data() != nullptr || view.memory() == nullptr) {
    operand.address = const_cast<std::byte*>(view.host_data());  // written if it is a destination
    operand.reached = device_.compute.reaches(operand.address, view.bytes());
    return operand;
  }
  operand.address = view.memory()->address() + view.offset();
  operand.on_device = true;
  operand.reached = device_.compute.reaches(operand.address, view.bytes());
  if (operand.reached) return operand;
  throw CollectiveError(
      ErrorKind::Unsupported, "CommandStream",
      fmt::format("a stream of {} can not reach {} {} elements of another device; copy them with "
                  "to_device()",
                  handle_.name(), view.count(), to_string(view.dtype())));
}

void VulkanStream::do_copy(BufferView destination, ConstBufferView source) {
  const Turn turn(*this);
  turn.rethrow();
  add_copy(destination, source);
}

void VulkanStream::add_copy(const BufferView& destination, const ConstBufferView& source) {
  if (destination.count() == 0) return;
  const Operand into = operand(destination);
  const Operand from = operand(source);
  const std::size_t bytes = source.bytes();
  if (into.reached && from.reached) {
    operations_.emplace_back(DeviceStep{{into.address, {from.address}, 1, bytes}});
  } else if (into.on_device) {
    operations_.emplace_back(StagedCopy::upload(into.address, from.address, bytes));
  } else if (from.on_device) {
    operations_.emplace_back(StagedCopy::download(into.address, from.address, bytes));
  } else {
    operations_.emplace_back(HostStep{{into.address, {from.address}, 1, bytes}});
  }
  run_ready();
}

void VulkanStream::do_reduce(BufferView destination, std::span<const ConstBufferView> sources,
                             ReduceKind kind) {
  const Turn turn(*this);
  turn.rethrow();
  if (sources.size() == 1) return add_copy(destination, sources[0]);
  if (destination.count() == 0) return;
  std::vector<Operand> operands{operand(destination)};
  Step step{.destination = operands[0].address,
            .source_count = sources.size(),
            .count = destination.count(),
            .dtype = destination.dtype(),
            .kind = kind,
            .divisor = kind == ReduceKind::Mean ? sources.size() : 0};
  for (std::size_t s = 0; s < sources.size(); ++s) {
    operands.push_back(operand(sources[s]));
    step.sources[s] = operands.back().address;
  }
  const bool on_host = std::none_of(operands.begin(), operands.end(),
                                    [](const Operand& one) { return one.on_device; });
  const bool reached =
      std::all_of(operands.begin(), operands.end(), [](const Operand& one) { return one.reached; });
  const bool supported = device_.compute.supports(step.dtype);
  if (!supported || (on_host && !reached)) {
    reduce_on_host(step, operands);
  } else {
    device_.compute.prepare(step.dtype, kind);
    reduce_on_device(step, operands);
  }
  run_ready();
}

// Operands: the destination, then the sources.
void VulkanStream::reduce_on_device(Step step, std::span<const Operand> operands) {
  const std::uint64_t bytes = step.count * size_of(step.dtype);
  Temporaries temporaries;
  const auto temporary = [&] {
    temporaries.device.push_back(std::make_unique<VulkanMemory>(device_, bytes));
    return temporaries.device.back()->address();
  };
  for (std::size_t s = 0; s < step.source_count; ++s) {
    if (operands[s + 1].reached) continue;
    std::byte* const copied = temporary();
    operations_.emplace_back(StagedCopy::upload(copied, step.sources[s], bytes));
    step.sources[s] = copied;
  }
  if (operands[0].reached) {
    operations_.emplace_back(DeviceStep{step});
  } else {
    std::byte* const host = std::exchange(step.destination, temporary());
    operations_.emplace_back(DeviceStep{step});
    operations_.emplace_back(StagedCopy::download(host, step.destination, bytes));
  }
  if (!temporaries.device.empty()) operations_.emplace_back(std::move(temporaries));
}

void VulkanStream::reduce_on_host(Step step, std::span<const Operand> operands) {
  const std::uint64_t bytes = step.count * size_of(step.dtype);
  Temporaries temporaries;
  const auto temporary = [&] {
    temporaries.host.push_back(std::make_unique_for_overwrite<std::byte[]>(bytes));
    return temporaries.host.back().get();
  };
  for (std::size_t s = 0; s < step.source_count; ++s) {
    if (!operands[s + 1].on_device) continue;
    std::byte* const copied = temporary();
    operations_.emplace_back(StagedCopy::download(copied, step.sources[s], bytes));
    step.sources[s] = copied;
  }
  if (operands[0].on_device) {
    std::byte* const device = std::exchange(step.destination, temporary());
    operations_.emplace_back(HostStep{step});
    operations_.emplace_back(StagedCopy::upload(device, step.destination, bytes));
  } else {
    operations_.emplace_back(HostStep{step});
  }
  if (!temporaries.host.empty()) operations_.emplace_back(std::move(temporaries));
}

}  // namespace rlx::vulkan
