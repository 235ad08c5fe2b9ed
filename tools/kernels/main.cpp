// rlx-kernels: the CPU's kernels one by one, in every level of the memory hierarchy, beside what
// the memory does. Names are KERNEL/DTYPE/KIND/sources:N/destinations:N/LEVEL[/stream]; choose with
// --benchmark_filter=REGEX. A Vulkan device's follow as vulkan/... (vulkan.hpp).

#include <benchmark/benchmark.h>

#include <array>
#include <string>
#include <vector>

#include "lib/driver/compute.hpp"
#include "tools/kernels/limits.hpp"
#include "tools/kernels/operands.hpp"
#if RLX_HAVE_VULKAN
#include "tools/kernels/vulkan.hpp"
#endif

namespace rlx::kernel_bench {
namespace {

struct Work {
  DType dtype = DType::f32;
  ReduceKind kind = ReduceKind::Sum;
  std::size_t sources = 2;
  std::size_t destinations = 1;
  Level level;
  bool stream = false;
};

std::string name_of(const Work& work) {
  std::string name = work.sources == 1 ? "copy" : "reduce/";
  if (work.sources > 1) {
    name += std::string(to_string(work.dtype)) + '/' + std::string(to_string(work.kind));
  }
  name += "/sources:" + std::to_string(work.sources);
  name += "/destinations:" + std::to_string(work.destinations) + '/';
  name += work.level.name;
  return work.stream ? name + "/stream" : name;
}

// Columns, in units of 1e9 bytes per second, read plus written: `rate` is the kernel's.
void measure(benchmark::State& state, const Work& work) {
  const Operands operands(work.level, work.sources + work.destinations);
  operands.fill(work.dtype);
  std::vector<const std::byte*> sources;
  std::vector<std::byte*> destinations;
  for (std::size_t s = 0; s < work.sources; ++s) sources.push_back(operands.array(s));
  for (std::size_t d = 0; d < work.destinations; ++d) {
    destinations.push_back(operands.array(work.sources + d));
  }
  const ComputeStep step{.destinations = destinations,
                         .sources = sources,
                         .count = operands.bytes() / size_of(work.dtype),
                         .dtype = work.dtype,
                         .kind = work.kind,
                         .divisor = work.kind == ReduceKind::Mean ? work.sources : 0,
                         .stream = work.stream};
  const StepKernel kernel = step_kernel(work.dtype, work.kind, operands.bytes());
  kernel(step);
  const double begin = thread_seconds();
  for (auto _ : state) {
    kernel(step);
    benchmark::ClobberMemory();
  }
  const double elapsed = thread_seconds() - begin;
  const auto bytes = static_cast<double>((work.sources + work.destinations) * operands.bytes());
  state.counters["rate"] = bytes * static_cast<double>(state.iterations()) / elapsed / 1e9;
  const Limits limits = measure_limits(work.level);
  state.counters["read"] = limits.read;
  state.counters["memcpy"] = limits.memcpy;
  state.counters["copy_stream"] = limits.copy_stream;
}

/// A few bytes, where calling is what counts: `time` is a whole call, of a kernel that was looked
/// up before.
void call(benchmark::State& state, DType dtype, std::size_t sources, std::size_t destinations) {
  alignas(64) std::array<std::array<std::byte, 256>, 16> memory{};
  std::vector<const std::byte*> from;
  std::vector<std::byte*> to;
  for (std::size_t s = 0; s < sources; ++s) from.push_back(memory[s].data());
  for (std::size_t d = 0; d < destinations; ++d) to.push_back(memory[sources + d].data());
  const auto count = static_cast<std::size_t>(state.range(0)) / size_of(dtype);
  const StepKernel kernel = step_kernel(dtype, ReduceKind::Sum, count * size_of(dtype));
  for (auto _ : state) {
    kernel({.destinations = to, .sources = from, .count = count, .dtype = dtype});
    benchmark::ClobberMemory();
  }
}

void add(const Work& work) {
  benchmark::RegisterBenchmark(name_of(work).c_str(), measure, work)->MinTime(0.05);
}

// Streaming is for what the caches do not hold.
void add_levels(Work work) {
  for (const Level& level : kLevels) {
    work.level = level;
    work.stream = false;
    add(work);
    work.stream = true;
    if (level.bytes > kLevels[1].bytes) add(work);
  }
}

struct Reduction {
  DType dtype;
  ReduceKind kind;
};
constexpr Reduction kReductions[] = {
    {DType::f32, ReduceKind::Sum},    {DType::f32, ReduceKind::Max},
    {DType::f32, ReduceKind::Min},    {DType::f32, ReduceKind::Mean},
    {DType::f64, ReduceKind::Sum},    {DType::f64, ReduceKind::Max},
    {DType::i32, ReduceKind::Sum},    {DType::i32, ReduceKind::Mean},
    {DType::i8, ReduceKind::Product}, {DType::u64, ReduceKind::Xor},
    {DType::f16, ReduceKind::Sum},    {DType::f16, ReduceKind::Max},
    {DType::bf16, ReduceKind::Sum},   {DType::bf16, ReduceKind::Max},
    {DType::f8e4m3, ReduceKind::Sum}, {DType::f8e4m3, ReduceKind::Max},
    {DType::f8e5m2, ReduceKind::Sum},
};

void register_all() {
  for (const DType dtype : {DType::f32, DType::bf16, DType::f8e4m3}) {
    for (const auto& [sources, destinations] : {std::array{2, 1}, {2, 2}, {8, 1}}) {
      const std::string name = "call/" + std::string(to_string(dtype)) +
                               "/sources:" + std::to_string(sources) +
                               "/destinations:" + std::to_string(destinations);
      benchmark::RegisterBenchmark(name.c_str(), call, dtype, static_cast<std::size_t>(sources),
                                   static_cast<std::size_t>(destinations))
          ->Arg(8)
          ->Arg(64)
          ->Arg(256);
    }
  }
  for (const std::size_t destinations : {1, 2, 8}) {
    add_levels({.dtype = DType::u8, .sources = 1, .destinations = destinations});
  }
  for (const auto& [dtype, kind] : kReductions) {
    for (const std::size_t sources : {2, 4, 8}) {
      for (const std::size_t destinations : {1, 2}) {
        add_levels(
            {.dtype = dtype, .kind = kind, .sources = sources, .destinations = destinations});
      }
    }
  }
  for (const std::size_t sources : {16, 24}) {
    add_levels({.sources = sources, .destinations = 1});
  }
  for (const std::size_t destinations : {4, 8, 16}) {
    add_levels({.sources = 2, .destinations = destinations});
  }
}

}  // namespace
}  // namespace rlx::kernel_bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  rlx::kernel_bench::register_all();
#if RLX_HAVE_VULKAN
  rlx::kernel_bench::register_vulkan();
#endif
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
