// A ComputeStep as passes over memory. Included once per instruction set.

#if defined(RLX_STEPS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef RLX_STEPS_INL_HPP
#undef RLX_STEPS_INL_HPP
#else
#define RLX_STEPS_INL_HPP
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "lib/driver/compute.hpp"
#include "lib/driver/cpu/kernels.hpp"
#include "lib/driver/cpu/passes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace rlx::cpu::HWY_NAMESPACE {

using Destinations = std::span<std::byte* const>;

/// A pass of one dtype and operation from byte to byte: fold<Codec, Operation>.
using Fold = void (*)(const Pass& pass, std::size_t begin, std::size_t end);
/// Divides what lies in a block.
using DivideBlock = void (*)(std::byte* block, std::size_t bytes, std::uint64_t divisor);

inline constexpr std::size_t kLine = 64;
// Up to here a C library's memcpy is the quickest. Above, glibc's copies by string instructions,
// which are slower than a pass where the destination's lines are in another core's cache: 2 KiB
// took 1.0 us through a slot instead of 0.66.
inline constexpr std::size_t kMemcpyBytes = 1024;

HWY_INLINE std::size_t to_next_line(const std::byte* address) {
  return -reinterpret_cast<std::uintptr_t>(address) % kLine;
}

/// Bytes before the first destination that whole elements can bring to a line is on one.
inline std::size_t head_of(const ComputeStep& step, std::size_t width, std::size_t bytes) {
  if (!step.stream) return 0;
  for (const std::byte* const destination : step.destinations) {
    const std::size_t head = to_next_line(destination);
    if (head % width == 0) return std::min(head, bytes);
  }
  return 0;
}

/// One more destination; streamed where that is asked for and it is on a line.
inline void aim(Pass& pass, std::byte* destination, bool stream) {
  if (stream && to_next_line(destination) == 0) {
    pass.streamed[pass.streamed_count++] = destination;
  } else {
    pass.plain[pass.plain_count++] = destination;
  }
}

/// Copies to all destinations, from their byte `begin` on, a few at a time.
inline void deliver(Destinations destinations, std::size_t begin, const std::byte* from,
                    std::size_t bytes, bool stream) {
  Pass pass(&from, 1);
  for (std::size_t d = 0; d < destinations.size(); ++d) {
    // A copy to itself would be a wasted write.
    if (destinations[d] + begin != from) aim(pass, destinations[d] + begin, stream);
    const std::size_t aimed = pass.plain_count + pass.streamed_count;
    if (aimed < kStoresPerPass && d + 1 < destinations.size()) continue;
    if (aimed != 0) fold_pass<Native<std::uint8_t>, Sum>(pass, 0, bytes);
    pass.plain_count = pass.streamed_count = 0;
  }
}

/// Any step of one source without a divisor. With many destinations block by block, so that the
/// source is read once from memory.
inline void copy_step(const ComputeStep& step) noexcept {
  const std::size_t bytes = step.count * element_bytes(step.dtype);
  const std::byte* const source = step.sources[0];
  if (step.destinations.size() == 1 && !step.stream && bytes <= kMemcpyBytes) {
    if (step.destinations[0] == source || bytes == 0) return;
    std::memcpy(step.destinations[0], source, bytes);
    return;
  }
  const std::size_t head = head_of(step, 1, bytes);
  const std::size_t stride = step.destinations.size() <= kStoresPerPass ? bytes : kBlockBytes;
  for (std::size_t begin = 0, end = 0; begin < bytes; begin = end) {
    end = begin < head ? head : std::min(bytes, begin + stride);
    deliver(step.destinations, begin, source + begin, end - begin, step.stream && begin >= head);
  }
  if (step.stream) hwy::FlushStream();
}

/// A part of a reduction with a few destinations: straight from registers.
inline void reduce_part(const ComputeStep& step, Fold fold, std::size_t begin, std::size_t end,
                        bool stream) {
  Pass pass(step.sources.data(), step.sources.size());
  pass.divisor = step.divisor;
  pass.origin = begin;
  for (std::byte* const destination : step.destinations) aim(pass, destination + begin, stream);
  fold(pass, begin, end);
}

inline void reduce_direct(const ComputeStep& step, Fold fold, std::size_t bytes) {
  const std::size_t head = head_of(step, element_bytes(step.dtype), bytes);
  if (head != 0) reduce_part(step, fold, 0, head, false);
  reduce_part(step, fold, head, bytes, step.stream);
}

/// Through a block in the first-level cache.
inline void reduce_by_blocks(const ComputeStep& step, Fold fold, DivideBlock divide,
                             std::size_t bytes) {
  const std::size_t head = head_of(step, element_bytes(step.dtype), bytes);
  alignas(kLine) std::byte block[kBlockBytes];
  for (std::size_t begin = 0, end = 0; begin < bytes; begin = end) {
    end = begin < head ? head : std::min(bytes, begin + kBlockBytes);
    Pass pass(step.sources.data(), step.sources.size());
    pass.divisor = step.divisor;
    pass.origin = begin;
    aim(pass, block, false);
    fold(pass, begin, end);
    if (divide != nullptr && step.divisor != 0) divide(block, end - begin, step.divisor);
    deliver(step.destinations, begin, block, end - begin, step.stream && begin >= head);
  }
}

/// Any step but the quickest. `divide` where registers do not (Codec::divide).
inline void any_step(const ComputeStep& step, Fold fold, DivideBlock divide) noexcept {
  if (step.sources.size() == 1 && step.divisor == 0) return copy_step(step);
  const std::size_t bytes = step.count * element_bytes(step.dtype);
  const bool in_blocks = divide != nullptr && step.divisor != 0;
  if (step.destinations.size() <= kStoresPerPass && !in_blocks) {
    reduce_direct(step, fold, bytes);
  } else {
    reduce_by_blocks(step, fold, divide, bytes);
  }
  if (step.stream) hwy::FlushStream();
}

/// The kernel of one dtype and operation.
template <class Codec, class Operation>
void reduce_step(const ComputeStep& step) noexcept {
  // Where the conversions are long, calls are not what counts and code is.
  if constexpr (Codec::kParts <= 2) {
    if (step.sources.size() == 2 && step.destinations.size() == 1 && !step.stream &&
        step.divisor == 0) {
      const Pair pair{{step.sources[0], step.sources[1]}, {step.destinations[0]}};
      return fold_all<Codec, Operation>(pair, 0, step.count * element_bytes(step.dtype));
    }
  }
  any_step(step, fold<Codec, Operation>, nullptr);
}

}  // namespace rlx::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
