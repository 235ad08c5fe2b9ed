#pragma once
// Memory that a benchmark's operands lie in.

#include <cstddef>
#include <string_view>
#include <vector>

#include "rlx/dtype.hpp"

namespace rlx::kernel_bench {

/// A part of the memory hierarchy, and how many bytes all operands together have there.
struct Level {
  std::string_view name;
  std::size_t bytes;
};
inline constexpr Level kLevels[] = {
    {"L1", std::size_t{24} << 10},
    {"L2", std::size_t{1} << 20},
    {"L3", std::size_t{24} << 20},
    {"DRAM", std::size_t{1} << 30},
};

/// One of several arrays of equal length in the level's memory. Each begins on a line, and no two
/// at the same place within a page, as arrays of a program rarely do.
class Operands {
 public:
  /// `bytes` of each is what fits, a multiple of 64.
  Operands(const Level& level, std::size_t arrays);

  [[nodiscard]] std::byte* array(std::size_t index) const { return arrays_[index]; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  /// Every element of every array becomes 1, which no operation turns into a NaN.
  void fill(DType dtype) const;

 private:
  std::vector<std::byte*> arrays_;
  std::size_t bytes_;
};

}  // namespace rlx::kernel_bench
