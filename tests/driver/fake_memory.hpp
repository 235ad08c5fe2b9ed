#pragma once
// Memory that the CPU can not reach, as a discrete GPU's.

#include <cstring>
#include <memory>
#include <vector>

#include "rlx/buffer.hpp"

namespace rlx::test {

class FakeMemory final : public detail::DeviceMemory {
 public:
  explicit FakeMemory(std::size_t bytes) : bytes_(bytes) {}

  std::byte* host_data() noexcept override { return nullptr; }
  std::byte* address() noexcept override { return bytes_.data(); }
  void write(std::size_t offset, std::span<const std::byte> from) override {
    std::memcpy(bytes_.data() + offset, from.data(), from.size());
  }
  void read(std::size_t offset, std::span<std::byte> into) const override {
    std::memcpy(into.data(), bytes_.data() + offset, into.size());
  }

 private:
  std::vector<std::byte> bytes_;
};

inline Buffer fake_buffer(DType dtype, const Shape& shape) {
  return Buffer(Device::vulkan(0), dtype, shape, std::make_unique<FakeMemory>(shape.bytes(dtype)));
}

}  // namespace rlx::test
