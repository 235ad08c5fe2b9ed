#include "tools/kernels/vulkan.hpp"

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "lib/driver/vulkan/kernels/kernels.hpp"
#include "tools/kernels/open_device.hpp"

namespace rlx::kernel_bench {
namespace {

using vulkan::Memory;
using vulkan::OpenDevice;

struct Work {
  DType dtype = DType::f32;
  ReduceKind kind = ReduceKind::Sum;
  std::size_t sources = 2;
  std::size_t destinations = 1;
  bool skewed = false;  ///< every operand at another element of its vector
};

struct Device {
  std::string absence;
  std::unique_ptr<OpenDevice> open = OpenDevice::open(false, absence);
  std::unique_ptr<vulkan::Kernels> kernels;
  Device() {
    if (open) kernels = std::make_unique<vulkan::Kernels>(open->kernel_device());
  }
};

Device& device() {
  static Device instance;
  return instance;
}

void wait_for_writes(VkCommandBuffer commands) {
  const VkMemoryBarrier barrier{
      .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
      .dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT};
  device().open->kernel_device().functions->vkCmdPipelineBarrier(
      commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
      VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 0, 1, &barrier, 0, nullptr, 0, nullptr);
}

// `rate`: 1e9 bytes per second, read plus written. The time is that of one of many passes that are
// submitted together, one behind the other, with the barrier between them.
void measure(benchmark::State& state, const Work& work) {
  constexpr int kPasses = 50;
  const OpenDevice& open = *device().open;
  const auto bytes = static_cast<std::size_t>(state.range(0)) << 20;
  const std::size_t operands = work.sources + work.destinations;
  const std::size_t pitch = bytes + 4096;
  const Memory memory = open.allocate(operands * pitch + 4096, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT);
  std::vector<VkDeviceAddress> addresses;
  for (std::size_t i = 0; i < operands; ++i) {
    addresses.push_back(memory.address + i * pitch + (work.skewed ? i * size_of(work.dtype) : 0));
  }
  const auto sources = std::span(addresses).first(work.sources);
  const vulkan::Pass pass{.destinations = std::span(addresses).subspan(work.sources),
                          .sources = sources,
                          .count = bytes / size_of(work.dtype),
                          .dtype = work.dtype,
                          .kind = work.kind,
                          .divisor = work.kind == ReduceKind::Mean ? work.sources : 0};
  const auto passes = [&](VkCommandBuffer commands) {
    for (int i = 0; i < kPasses; ++i) {
      device().kernels->record(commands, pass);
      wait_for_writes(commands);
    }
  };
  // Numbers between 0.5 and 2 in every type; memory that was never written may be read faster.
  open.run([&](VkCommandBuffer commands) {
    open.kernel_device().functions->vkCmdFillBuffer(commands, memory.buffer, 0, VK_WHOLE_SIZE,
                                                    0x3c3c3c3c);
    wait_for_writes(commands);
    device().kernels->record(commands, pass);
  });
  double best = 0;
  for (auto _ : state) {
    const auto begin = std::chrono::steady_clock::now();
    open.run(passes);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
    state.SetIterationTime(elapsed.count() / kPasses);
    best = std::max(best, kPasses / elapsed.count());
  }
  open.free(memory);
  const auto moved = static_cast<double>(operands * bytes) / 1e9;
  state.counters["rate"] = benchmark::Counter(moved, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["best"] = moved * best;
}

std::string name_of(const Work& work) {
  std::string name = "vulkan/copy";
  if (work.sources > 1) {
    name = "vulkan/" + std::string(to_string(work.dtype)) + '/' + std::string(to_string(work.kind));
  }
  name += "/sources:" + std::to_string(work.sources);
  name += "/destinations:" + std::to_string(work.destinations);
  return work.skewed ? name + "/skewed" : name;
}

constexpr Work kWorks[] = {
    {.sources = 1},
    {.sources = 1, .destinations = 2},
    {.sources = 1, .skewed = true},
    {},
    {.destinations = 2},
    {.skewed = true},
    {.sources = 4},
    {.sources = 8},
    {.sources = 16},
    {.kind = ReduceKind::Max},
    {.kind = ReduceKind::Product},
    {.kind = ReduceKind::Mean},
    {.kind = ReduceKind::Mean, .sources = 3},
    {.dtype = DType::f64},
    {.dtype = DType::u8},
    {.dtype = DType::i64, .kind = ReduceKind::Max},
    {.dtype = DType::f16},
    {.dtype = DType::bf16},
    {.dtype = DType::bf16, .kind = ReduceKind::Max},
    {.dtype = DType::bf16, .skewed = true},
    {.dtype = DType::f8e4m3},
    {.dtype = DType::f8e5m2},
};

}  // namespace

void register_vulkan() {
  if (!device().open) {
    std::fprintf(stderr, "no vulkan/: %s\n", device().absence.c_str());
    return;
  }
  std::fprintf(stderr, "vulkan/: %s\n", device().open->name().c_str());
  for (const Work& work : kWorks) {
    if (!device().kernels->copies() || !device().kernels->supports(work.dtype)) continue;
    benchmark::RegisterBenchmark(name_of(work).c_str(), measure, work)
        ->Arg(1)
        ->Arg(16)
        ->Arg(256)
        ->UseManualTime()
        ->Iterations(10)
        ->Unit(benchmark::kMicrosecond);
  }
}

}  // namespace rlx::kernel_bench
