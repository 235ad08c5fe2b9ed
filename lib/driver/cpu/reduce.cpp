#include "lib/driver/cpu/reduce.hpp"

#include <algorithm>
#include <cstring>

#include "lib/driver/cpu/kernels.hpp"

namespace rlx::cpu {
namespace {

// Several sources or destinations are worked on block by block, so that what is between memory and
// memory stays in the first-level cache. A block of f16 is widened to two of these.
constexpr std::size_t kBlockBytes = 4096;
constexpr std::size_t kHalfBlock = kBlockBytes / sizeof(float);  // elements

struct alignas(64) Block {
  std::byte bytes[kBlockBytes];
};

constexpr std::size_t number(DType dtype) { return static_cast<std::size_t>(dtype); }
constexpr std::size_t number(ReduceKind kind) { return static_cast<std::size_t>(kind); }

// dtypes were checked when the call was made; this is size_of() without its exception.
std::size_t element_bytes(DType dtype) noexcept {
  constexpr unsigned char kShift[kDTypeCount] = {0, 1, 2, 3, 0, 1, 2, 3, 1, 1, 2, 3};
  return std::size_t{1} << kShift[number(dtype)];
}

void copy(std::byte* destination, const std::byte* source, std::size_t bytes) noexcept {
  if (destination != source && bytes != 0) std::memcpy(destination, source, bytes);
}

// The first destination has its bytes; the others are copies, made while they are in the cache.
void spread(const ComputeStep& step, std::size_t offset, std::size_t bytes) noexcept {
  const std::byte* from = step.destinations[0] + offset;
  for (std::byte* const destination : step.destinations.subspan(1)) {
    copy(destination + offset, from, bytes);
  }
}

// A copy to one place is one memcpy, which knows best about streaming stores.
void copy_to_all(const ComputeStep& step) noexcept {
  const std::size_t bytes = step.count * element_bytes(step.dtype);
  const std::size_t stride = step.destinations.size() == 1 ? bytes : 8 * kBlockBytes;
  for (std::size_t offset = 0; offset < bytes; offset += stride) {
    const std::size_t length = std::min(stride, bytes - offset);
    copy(step.destinations[0] + offset, step.sources[0] + offset, length);
    // From the source, not the first destination: that is another core's memory as often as not.
    for (std::byte* const destination : step.destinations.subspan(1)) {
      copy(destination + offset, step.sources[0] + offset, length);
    }
  }
}

// One block of a dtype that computes in itself. Intermediate values stay in `scratch`, because a
// destination may be a source that has not been read yet; the last operation writes the result.
void reduce_block(const Kernels& k, const ComputeStep& step, std::size_t offset, std::size_t count,
                  Block& scratch) noexcept {
  const PairKernel pair = k.pair[number(step.dtype)][number(step.kind)];
  std::byte* const result = step.destinations[0] + offset;
  const std::byte* folded = step.sources[0] + offset;
  for (std::size_t s = 1; s < step.sources.size(); ++s) {
    const bool last = s + 1 == step.sources.size() && step.divisor == 0;
    std::byte* const into = last ? result : scratch.bytes;
    pair(into, folded, step.sources[s] + offset, count);
    folded = into;
  }
  if (step.divisor != 0) k.divide[number(step.dtype)](result, folded, count, step.divisor);
}

void reduce_native(const ComputeStep& step) noexcept {
  const Kernels& k = kernels();
  const std::size_t width = element_bytes(step.dtype);
  const std::size_t passes = step.sources.size() - 1 + (step.divisor != 0 ? 1 : 0);
  const bool direct = passes == 1 && step.destinations.size() == 1;
  const std::size_t stride = direct ? std::max<std::size_t>(step.count, 1) : kBlockBytes / width;
  Block scratch;
  for (std::size_t begin = 0; begin < step.count; begin += stride) {
    const std::size_t count = std::min(stride, step.count - begin);
    reduce_block(k, step, begin * width, count, scratch);
    spread(step, begin * width, count * width);
  }
}

// f16 and bf16: everything in f32, rounded once at the end.
void reduce_half(const ComputeStep& step) noexcept {
  const Kernels& k = kernels();
  const ConvertKernel widen = k.to_f32[number(step.dtype)];
  const ConvertKernel narrow = k.from_f32[number(step.dtype)];
  const PairKernel pair = k.pair[number(DType::f32)][number(step.kind)];
  Block sum;
  Block next;
  for (std::size_t begin = 0; begin < step.count; begin += kHalfBlock) {
    const std::size_t count = std::min(kHalfBlock, step.count - begin);
    const std::size_t offset = begin * sizeof(float16);
    widen(sum.bytes, step.sources[0] + offset, count);
    for (const std::byte* const source : step.sources.subspan(1)) {
      widen(next.bytes, source + offset, count);
      pair(sum.bytes, sum.bytes, next.bytes, count);
    }
    if (step.divisor != 0) {
      k.divide[number(DType::f32)](sum.bytes, sum.bytes, count, step.divisor);
    }
    narrow(step.destinations[0] + offset, sum.bytes, count);
    spread(step, offset, count * sizeof(float16));
  }
}

bool is_half(DType dtype) { return dtype == DType::f16 || dtype == DType::bf16; }

}  // namespace

void run(const ComputeStep& step) noexcept {
  if (step.sources.size() == 1 && step.divisor == 0) {
    copy_to_all(step);
  } else if (is_half(step.dtype)) {
    reduce_half(step);
  } else {
    reduce_native(step);
  }
}

void to_f32(float* destination, const std::byte* source, std::size_t count, DType dtype) noexcept {
  if (is_half(dtype)) {
    kernels().to_f32[number(dtype)](destination, source, count);
  } else {
    copy(reinterpret_cast<std::byte*>(destination), source, count * sizeof(float));
  }
}

void from_f32(std::byte* destination, const float* source, std::size_t count,
              DType dtype) noexcept {
  if (is_half(dtype)) {
    kernels().from_f32[number(dtype)](destination, source, count);
  } else {
    copy(destination, reinterpret_cast<const std::byte*>(source), count * sizeof(float));
  }
}

}  // namespace rlx::cpu
