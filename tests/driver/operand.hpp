#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rlx::test {

// Bytes at an address that is `skew` behind a multiple of 64, between guards.
class Operand {
  static constexpr std::size_t kGuard = 80;
  static constexpr std::byte kGuardByte{0xa5};

 public:
  Operand(std::size_t bytes, std::size_t skew)
      : storage_(bytes + 2 * kGuard + 128, kGuardByte), bytes_(bytes) {
    const auto address = reinterpret_cast<std::uintptr_t>(storage_.data()) + kGuard;
    data_ = storage_.data() + kGuard + (64 - address % 64) % 64 + skew % 64;
  }
  Operand(const Operand&) = delete;
  Operand& operator=(const Operand&) = delete;
  Operand(Operand&&) = default;

  [[nodiscard]] std::byte* data() const { return data_; }
  [[nodiscard]] bool guards_hold() const {
    for (std::size_t i = 1; i <= kGuard / 2; ++i) {
      if (*(data_ - i) != kGuardByte || data_[bytes_ + i - 1] != kGuardByte) return false;
    }
    return true;
  }

 private:
  std::vector<std::byte> storage_;
  std::byte* data_;
  std::size_t bytes_;
};

}  // namespace rlx::test
