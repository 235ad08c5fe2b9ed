#include "lib/driver/cpu/cpu_device.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

#include "lib/driver/cpu/kernels.hpp"
#include "lib/driver/cpu/reduce.hpp"
#include "rlx/error.hpp"
#include "rlx/topology.hpp"

namespace rlx {
namespace cpu {
namespace {

constexpr std::size_t kAlignment = 64;

struct FreeDeleter {
  void operator()(std::byte* bytes) const noexcept { std::free(bytes); }
};
using AlignedBytes = std::unique_ptr<std::byte, FreeDeleter>;

class CpuMemory final : public detail::DeviceMemory {
 public:
  explicit CpuMemory(AlignedBytes bytes) : bytes_(std::move(bytes)) {}

  std::byte* host_data() noexcept override { return bytes_.get(); }
  std::byte* address() noexcept override { return bytes_.get(); }
  void write(std::size_t offset, std::span<const std::byte> from) override {
    if (!from.empty()) std::memcpy(bytes_.get() + offset, from.data(), from.size());
  }
  void read(std::size_t offset, std::span<std::byte> into) const override {
    if (!into.empty()) std::memcpy(into.data(), bytes_.get() + offset, into.size());
  }

 private:
  AlignedBytes bytes_;
};

// "model name" of the first processor, where the system has such a line.
std::string model_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "CPU";
}

class CpuCompute final : public Compute {
 public:
  // Nothing is ever pending, so one ticket serves all and no counter is shared between threads.
  ComputeTicket submit(const ComputeStep& step) noexcept override {
    run(step);
    return 0;
  }
  bool done(ComputeTicket) noexcept override { return true; }
};

}  // namespace

std::uint32_t count() { return 1; }

std::string absence() { return {}; }

DeviceLocation location(std::uint32_t) { return {.processor = true}; }

DeviceProperties properties(std::uint32_t) {
  const Topology topology = Topology::discover();
  return {.description = model_name(),
          .driver = fmt::format("{} kernels", kernels().target),
          .memory_bytes = topology.memory_bytes,
          .compute_units = topology.cores,
          .host_addressable = true,
          .host_import = true};
}

std::unique_ptr<detail::DeviceMemory> allocate(std::uint32_t, std::size_t bytes) {
  const std::size_t rounded =
      bytes < kAlignment ? kAlignment : (bytes + kAlignment - 1) & -kAlignment;
  AlignedBytes memory;
  if (rounded >= bytes) {
    memory.reset(static_cast<std::byte*>(std::aligned_alloc(kAlignment, rounded)));
  }
  if (memory == nullptr) {
    throw CollectiveError(ErrorKind::OutOfMemory, "Buffer",
                          fmt::format("{} bytes of CPU memory are not to be had; use less, or "
                                      "raise the limit of this process (ulimit -v)",
                                      bytes));
  }
  std::memset(memory.get(), 0, rounded);
  return std::make_unique<CpuMemory>(std::move(memory));
}

Compute& compute(std::uint32_t) { return cpu_compute(); }

std::unique_ptr<HostImport> import_host(std::uint32_t, std::span<std::byte>) {
  return std::make_unique<HostImport>();  // the CPU reaches everything
}

std::unique_ptr<CommandStream> stream(std::uint32_t) { return std::make_unique<SyncStream>(); }

}  // namespace cpu

Compute& cpu_compute() {
  static cpu::CpuCompute compute;
  return compute;
}

}  // namespace rlx
