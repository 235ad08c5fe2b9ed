#pragma once
// The driver of the CPU: plain memory and the kernels of this processor.

#include "lib/driver/devices.hpp"

namespace rlx::cpu {

[[nodiscard]] std::uint32_t count();
[[nodiscard]] std::string absence();
[[nodiscard]] DeviceLocation location(std::uint32_t index);
[[nodiscard]] DeviceProperties properties(std::uint32_t index);
[[nodiscard]] std::unique_ptr<detail::DeviceMemory> allocate(std::uint32_t index,
                                                             std::size_t bytes);
[[nodiscard]] Compute& compute(std::uint32_t index);
[[nodiscard]] std::unique_ptr<HostImport> import_host(std::uint32_t index,
                                                      std::span<std::byte> pages);
[[nodiscard]] std::unique_ptr<CommandStream> stream(std::uint32_t index);

inline constexpr DeviceDriver kDriver{.kind = DeviceKind::cpu,
                                      .summary = "CPU: vector kernels chosen at run time",
                                      .count = count,
                                      .absence = absence,
                                      .location = location,
                                      .properties = properties,
                                      .allocate = allocate,
                                      .compute = compute,
                                      .import_host = import_host,
                                      .stream = stream};

}  // namespace rlx::cpu
