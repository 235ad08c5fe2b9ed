#include "transports/ofi/completion_data.hpp"

namespace rlx::ofi {

namespace {
constexpr std::uint32_t kPartMask = (1u << kPartBits) - 1;
}

void RemoteSignals::attach(SignalRegion region) {
  region_ = region;
  code_ = SignalCode::for_lines(region.lines());
  words_.assign(region.lines(), Word{});
}

bool RemoteSignals::receive(std::uint32_t data) noexcept {
  const std::uint32_t index = code_.word(data);
  const std::uint32_t part = code_.part(data);
  if (index >= words_.size()) return false;
  Word& word = words_[index];

  const std::uint64_t expected =
      region_.expected(index / kLinesPerGroup).load(std::memory_order_acquire);
  if (SignalValue::epoch(expected) != word.epoch) {
    // Every signal of the earlier epoch has been awaited, so nothing of it is still to come.
    word = Word{};
    word.epoch = SignalValue::epoch(expected);
  }

  const std::uint32_t ahead = (part - word.delivered - 1) & kPartMask;
  word.arrived |= std::uint64_t{1} << ahead;
  word.hash[part] = code_.hash(data);
  if ((word.arrived & 1u) == 0) return true;
  while ((word.arrived & 1u) != 0) {
    word.arrived >>= 1;
    ++word.delivered;
  }
  region_.word(index).store(
      SignalValue::make(word.epoch, word.delivered, word.hash[word.delivered & kPartMask]),
      std::memory_order_release);
  return true;
}

}  // namespace rlx::ofi
