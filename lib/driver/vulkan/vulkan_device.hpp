#pragma once
// The driver of Vulkan devices.

#include "lib/driver/devices.hpp"

namespace rlx::vulkan {

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
[[nodiscard]] SharedDeviceMemory allocate_shared(std::uint32_t index, std::size_t bytes);
[[nodiscard]] std::unique_ptr<detail::DeviceMemory> open_shared(std::uint32_t index,
                                                                detail::Descriptor handle,
                                                                std::size_t bytes);

inline constexpr DeviceDriver kDriver{.kind = DeviceKind::vulkan,
                                      .summary = "Vulkan: compute shaders and copy queues",
                                      .count = count,
                                      .absence = absence,
                                      .location = location,
                                      .properties = properties,
                                      .allocate = allocate,
                                      .compute = compute,
                                      .import_host = import_host,
                                      .stream = stream,
                                      .allocate_shared = allocate_shared,
                                      .open_shared = open_shared};

}  // namespace rlx::vulkan
