#pragma once
// Ranks as threads for the communicator's tests, and data whose reductions are exact.

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "rlx/rlx.hpp"

namespace rlx::test {

inline CommunicatorOptions options_with(const std::string& algorithm = "",
                                        std::size_t slot_bytes = 64 << 10,
                                        std::uint32_t window = 2) {
  CommunicatorOptions options;
  options.config.transport = "local";
  options.config.algorithm = algorithm;
  options.config.tuning = "off";  // whatever is installed on this machine
  options.config.slot_bytes = slot_bytes;
  options.config.window = window;
  options.config.heap_limit = std::size_t{1} << 30;
  options.config.timeout = 20;
  return options;
}

/// Small integers that every dtype holds exactly: rank r's element i.
template <class T>
T element(std::uint32_t rank, std::size_t i) {
  return static_cast<T>(static_cast<float>((rank * 3 + i * 7) % 5));
}

template <class T>
double as_double(T value) {
  if constexpr (std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>)
    return static_cast<float>(value);
  else
    return static_cast<double>(value);
}

/// The sum of element(r, i) over all ranks.
inline double sum_of(std::size_t ranks, std::size_t i) {
  double sum = 0;
  for (std::uint32_t r = 0; r < ranks; ++r) sum += static_cast<double>((r * 3 + i * 7) % 5);
  return sum;
}

}  // namespace rlx::test
