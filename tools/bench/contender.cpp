#include "tools/bench/contender.hpp"

#include <chrono>
#include <cstdint>
#include <cstring>

namespace rlx::bench {
namespace {

/// Loads every byte. The result is used, so that the loads are made.
void read_all(std::span<const std::byte> bytes) {
  std::uint64_t sum = 0;
  std::size_t i = 0;
  for (; i + sizeof(sum) <= bytes.size(); i += sizeof(sum)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, sizeof(word));
    sum += word;
  }
  for (; i < bytes.size(); ++i) sum += static_cast<std::uint64_t>(bytes[i]);
  asm volatile("" : : "r"(sum));
}

/// Stores every byte, with the value it has: the lines become this core's own.
void rewrite(std::span<std::byte> bytes) {
  constexpr std::size_t kLine = 64;
  std::size_t i = 0;
  std::byte line[kLine];
  for (; i + kLine <= bytes.size(); i += kLine) {
    std::memcpy(line, bytes.data() + i, kLine);
    asm volatile("" : "+m"(line));  // the compiler no longer knows that the values are the same
    std::memcpy(bytes.data() + i, line, kLine);
  }
  for (; i < bytes.size(); ++i) {
    volatile std::byte* byte = bytes.data() + i;
    *byte = *byte;
  }
}

void prepare(const Contender& contender) {
  if (contender.renew) return contender.renew();
  read_all(contender.output);
  if (contender.pristine == nullptr) {
    rewrite(contender.input);
  } else if (!contender.input.empty()) {
    std::memcpy(contender.input.data(), contender.pristine, contender.input.size());
  }
}

using Clock = std::chrono::steady_clock;

double microseconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::micro>(to - from).count();
}

}  // namespace

double sample(LineUp& line_up, const Contender& contender) {
  prepare(contender);
  line_up.wait();
  const Clock::time_point begin = Clock::now();
  contender.call();
  const double us = microseconds(begin, Clock::now());
  line_up.leave_together();
  return us;
}

double back_to_back(LineUp& line_up, const Contender& contender, int calls) {
  prepare(contender);
  line_up.wait();
  const Clock::time_point begin = Clock::now();
  for (int i = 0; i < calls; ++i) contender.call();
  const double us = microseconds(begin, Clock::now()) / calls;
  line_up.leave_together();
  return us;
}

}  // namespace rlx::bench
