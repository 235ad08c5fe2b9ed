#pragma once
// The extents of a dense, row-major tensor. A value; the element count is checked once, when made.

#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "rlx/dtype.hpp"

namespace rlx {

class Shape {
 public:
  /// A scalar: no dimensions, one element.
  Shape() = default;
  /// Any dimension may be 0. Throws CollectiveError(InvalidArgument) naming the dimensions when
  /// their product does not fit std::size_t.
  Shape(std::initializer_list<std::size_t> dims);
  explicit Shape(std::vector<std::size_t> dims);

  [[nodiscard]] std::span<const std::size_t> dims() const noexcept { return dims_; }
  /// Number of elements: the product of the dimensions.
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  /// count() elements of `dtype` in bytes. Throws CollectiveError(InvalidArgument) naming shape and
  /// dtype when that does not fit std::size_t.
  [[nodiscard]] std::size_t bytes(DType dtype) const;

  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  std::vector<std::size_t> dims_;
  std::size_t count_ = 1;
};

/// "[2, 3]"; "[]" for a scalar.
[[nodiscard]] std::string to_string(const Shape& shape);

}  // namespace rlx
