#include "rlx/shape.hpp"

#include <fmt/format.h>

#include <utility>

#include "rlx/error.hpp"

namespace rlx {
namespace {

// A dimension of 0 makes the count 0 whatever the others are, so it is not an overflow.
std::size_t checked_count(const Shape& shape) {
  std::size_t count = 1;
  bool overflow = false;
  for (const std::size_t dim : shape.dims()) {
    if (dim == 0) return 0;
    overflow = overflow || __builtin_mul_overflow(count, dim, &count);
  }
  if (!overflow) return count;
  throw CollectiveError(
      ErrorKind::InvalidArgument, "Shape",
      fmt::format("the number of elements of {} does not fit 64 bits", to_string(shape)));
}

}  // namespace

Shape::Shape(std::initializer_list<std::size_t> dims) : Shape(std::vector<std::size_t>(dims)) {}

Shape::Shape(std::vector<std::size_t> dims) : dims_(std::move(dims)) {
  count_ = checked_count(*this);
}

std::size_t Shape::bytes(DType dtype) const {
  std::size_t bytes = 0;
  if (!__builtin_mul_overflow(count_, size_of(dtype), &bytes)) return bytes;
  throw CollectiveError(ErrorKind::InvalidArgument, "Shape",
                        fmt::format("{} elements of {} bytes ({}, shape {}) do not fit 64 bits",
                                    count_, size_of(dtype), to_string(dtype), to_string(*this)));
}

std::string to_string(const Shape& shape) {
  return fmt::format("[{}]", fmt::join(shape.dims(), ", "));
}

}  // namespace rlx
