#pragma once
// The loops that rlx-bench memory times: the best that one core does with plain and with streaming
// stores, compiled for every instruction set and picked for this machine.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rlx::bench {

/// What is done with arrays of floats. add: out = a + b.
enum class MemoryKernel : std::uint8_t { read, write, copy, add };
inline constexpr MemoryKernel kMemoryKernels[] = {MemoryKernel::read, MemoryKernel::write,
                                                  MemoryKernel::copy, MemoryKernel::add};
/// "read", "write", "copy", "add".
[[nodiscard]] std::string_view to_string(MemoryKernel kernel);

/// Streaming stores go past the caches. A kernel that stores nothing has `none`.
enum class Stores : std::uint8_t { none, plain, stream };
/// "none", "plain", "stream".
[[nodiscard]] std::string_view to_string(Stores stores);

/// How many arrays a pass touches, each once: its bytes, read and written, are so many arrays.
[[nodiscard]] constexpr std::size_t arrays_of(MemoryKernel kernel) {
  return kernel == MemoryKernel::add ? 3 : kernel == MemoryKernel::copy ? 2 : 1;
}

/// Arrays' lengths are multiples of this, and so are their addresses, of 64.
inline constexpr std::size_t kMemoryUnit = 256;

/// Arrays of one length that do not overlap. What a kernel does not need may be null.
struct MemoryArrays {
  std::byte* out = nullptr;
  const std::byte* a = nullptr;
  const std::byte* b = nullptr;
  std::size_t bytes = 0;  ///< of each; a multiple of kMemoryUnit
};

/// One pass. Streaming stores are fenced at its end. write stores `kWritten` everywhere.
using MemoryFunction = void (*)(const MemoryArrays& arrays);
inline constexpr float kWritten = 1.5F;

[[nodiscard]] MemoryFunction memory_function(MemoryKernel kernel, Stores stores);
/// The instruction set that was picked, in Highway's words: "AVX3".
[[nodiscard]] std::string memory_instruction_set();

}  // namespace rlx::bench
