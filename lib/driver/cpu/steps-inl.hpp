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

/// Destinations that are on a line `head` bytes on are streamed from there, if that is asked for.
inline void aim(Pass& pass, Destinations destinations, std::size_t head, bool stream) {
  for (std::byte* const destination : destinations) {
    if (stream && to_next_line(destination + head) == 0) {
      pass.streamed[pass.streamed_count++] = destination;
    } else {
      pass.plain[pass.plain_count++] = destination;
    }
  }
}

inline void copy_bytes(const Pass& pass, std::size_t begin, std::size_t end) {
  fold_pass<Native<std::uint8_t>, Sum>(pass, begin, end);
}

/// One source, to destinations none of which is the source; a few at a time for one block after the
/// other, so that the source is read once from memory.
inline void copy_to(Destinations destinations, const std::byte* source, std::size_t bytes,
                    const ComputeStep& step, std::size_t head) {
  const std::size_t stride = destinations.size() <= kStoresPerPass ? bytes : kBlockBytes;
  for (std::size_t begin = 0, end = 0; begin < bytes; begin = end) {
    end = std::min(bytes, begin == 0 && head != 0 ? head : begin + stride);
    for (std::size_t d = 0; d < destinations.size(); d += kStoresPerPass) {
      Pass pass{.sources = &source, .source_count = 1};
      const auto some = destinations.subspan(d, std::min(kStoresPerPass, destinations.size() - d));
      aim(pass, some, head, step.stream && begin >= head);
      copy_bytes(pass, begin, end);
    }
  }
}

/// Any step of one source without a divisor.
inline void copy_step(const ComputeStep& step) noexcept {
  const std::size_t bytes = step.count * element_bytes(step.dtype);
  const std::byte* const source = step.sources[0];
  // Runs of destinations between those that are the source itself.
  for (std::size_t d = 0; d < step.destinations.size();) {
    std::size_t next = d;
    while (next < step.destinations.size() && step.destinations[next] != source) ++next;
    const Destinations run = step.destinations.subspan(d, next - d);
    if (!run.empty()) {
      ComputeStep part = step;
      part.destinations = run;
      copy_to(run, source, bytes, part, head_of(part, 1, bytes));
    }
    d = next + 1;
  }
  if (step.stream) hwy::FlushStream();
}

/// A reduction with a few destinations: straight from registers.
inline void reduce_direct(const ComputeStep& step, Fold fold, std::size_t bytes) {
  const std::size_t head = head_of(step, element_bytes(step.dtype), bytes);
  Pass pass{
      .sources = step.sources.data(), .source_count = step.sources.size(), .divisor = step.divisor};
  if (head != 0) {
    Pass first = pass;
    aim(first, step.destinations, head, false);
    fold(first, 0, head);
  }
  aim(pass, step.destinations, head, step.stream);
  fold(pass, head, bytes);
}

/// Through a block in the first-level cache, then destination by destination.
inline void reduce_by_blocks(const ComputeStep& step, Fold fold, DivideBlock divide,
                             std::size_t bytes) {
  const std::size_t head = head_of(step, element_bytes(step.dtype), bytes);
  alignas(kLine) std::byte block[kBlockBytes];
  const std::byte* const from = block;
  for (std::size_t begin = 0, end = 0; begin < bytes; begin = end) {
    end = std::min(bytes, begin == 0 && head != 0 ? head : begin + kBlockBytes);
    Pass pass{.sources = step.sources.data(),
              .source_count = step.sources.size(),
              .origin = begin,
              .divisor = step.divisor};
    pass.plain[pass.plain_count++] = block;
    fold(pass, begin, end);
    if (divide != nullptr && step.divisor != 0) divide(block, end - begin, step.divisor);
    for (std::byte* const destination : step.destinations) {
      Pass out{.sources = &from, .source_count = 1};
      std::byte* const to = destination + begin;
      aim(out, {&to, 1}, 0, step.stream);
      copy_bytes(out, 0, end - begin);
    }
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
