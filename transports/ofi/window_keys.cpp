#include "transports/ofi/window_keys.hpp"

#include <algorithm>
#include <bit>

namespace rlx::ofi {

namespace {

constexpr std::size_t kAddressBytes = 6;

void append(WindowKey& key, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i, value >>= 8)
    key.bytes[key.length++] = static_cast<std::byte>(value & 0xff);
}

std::uint64_t number_at(const WindowKey& key, std::size_t at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes; i-- > 0;)
    value = value << 8 | std::to_integer<std::uint64_t>(key.bytes[at + i]);
  return value;
}

std::size_t width_of(std::span<const std::uint64_t> keys) {
  const std::uint64_t largest = *std::max_element(keys.begin(), keys.end());
  return std::max<std::size_t>(1, (static_cast<std::size_t>(std::bit_width(largest)) + 7) / 8);
}

}  // namespace

std::size_t rails_that_fit(std::size_t key_bytes, std::size_t room) {
  return std::max<std::size_t>(1, (room - kWindowKeyHead) / std::max<std::size_t>(1, key_bytes));
}

std::optional<WindowKey> write_keys(const WindowKeys& keys) {
  const std::size_t width = width_of(keys.keys());
  WindowKey key;
  const bool fits = kWindowKeyHead + width * keys.rails <= key.bytes.size() &&
                    keys.base >> (8 * kAddressBytes) == 0 &&
                    keys.length >> (8 * kAddressBytes) == 0;
  if (!fits) return std::nullopt;
  append(key, (keys.rails - 1) | (width - 1) << 3, 1);
  append(key, keys.base, kAddressBytes);
  append(key, keys.length, kAddressBytes);
  for (const std::uint64_t one : keys.keys()) append(key, one, width);
  return key;
}

std::optional<WindowKeys> read_keys(const WindowKey& key, std::size_t rails) {
  if (key.length < kWindowKeyHead) return std::nullopt;
  const std::size_t head = number_at(key, 0, 1);
  const std::size_t width = (head >> 3 & 7) + 1;
  if ((head & 7) + 1 != rails || key.length != kWindowKeyHead + rails * width) return std::nullopt;
  WindowKeys keys{number_at(key, 1, kAddressBytes),
                  number_at(key, 1 + kAddressBytes, kAddressBytes)};
  for (std::size_t rail = 0; rail < rails; ++rail)
    keys.add(number_at(key, kWindowKeyHead + rail * width, width));
  return keys;
}

}  // namespace rlx::ofi
