#include "tools/kernels/operands.hpp"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "tools/bench/with_element.hpp"

namespace rlx::kernel_bench {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kSkew = 17 * 64;  // from one array's place in its page to the next one's
constexpr std::size_t kMostArrays = 32;
constexpr std::size_t kMostBytes = (std::size_t{1} << 30) + kMostArrays * (kPage + kPage);

struct Free {
  void operator()(std::byte* memory) const { std::free(memory); }
};

/// One allocation for all benchmarks: pages are touched once.
std::byte* pool() {
  static const std::unique_ptr<std::byte, Free> memory = [] {
    auto* bytes = static_cast<std::byte*>(std::aligned_alloc(kPage, kMostBytes));
    if (bytes == nullptr) throw std::bad_alloc();
    std::memset(bytes, 1, kMostBytes);
    return std::unique_ptr<std::byte, Free>(bytes);
  }();
  return memory.get();
}

}  // namespace

Operands::Operands(const Level& level, std::size_t arrays) : bytes_(level.bytes / arrays & -64U) {
  const std::size_t pages = (bytes_ + kPage - 1) / kPage * kPage;
  for (std::size_t i = 0; i < arrays; ++i) {
    arrays_.push_back(pool() + i * (pages + kPage) + i * kSkew % kPage);
  }
}

void Operands::fill(DType dtype) const {
  bench::with_element(dtype, [&]<Element T>(std::type_identity<T>) {
    const T one(1);
    for (std::byte* const array : arrays_) {
      for (std::size_t at = 0; at < bytes_; at += sizeof one) {
        std::memcpy(array + at, &one, sizeof one);
      }
    }
  });
}

}  // namespace rlx::kernel_bench
