#pragma once
// Something that is timed: a call with its input and output. rlx is one, the library it is compared
// with the other; both are measured by the very same code.

#include <cstddef>
#include <functional>
#include <span>

#include "tools/bench/line_up.hpp"

namespace rlx::bench {

struct Contender {
  std::function<void()> call;
  std::span<std::byte> input;
  /// Where the call destroys its input, what it is rewritten from; otherwise null, and the input is
  /// rewritten with itself.
  const std::byte* pristine = nullptr;
  /// Where the memory is a device's: writes the input anew. Instead of the above, and of reading.
  std::function<void()> renew;
  std::span<const std::byte> output;
};

/// One sample, in microseconds: reads the last result and rewrites the input, as a program does
/// between calls, waits for the other ranks and times one call.
[[nodiscard]] double sample(LineUp& line_up, const Contender& contender);

/// `calls` calls one after the other, in microseconds per call.
[[nodiscard]] double back_to_back(LineUp& line_up, const Contender& contender, int calls);

}  // namespace rlx::bench
