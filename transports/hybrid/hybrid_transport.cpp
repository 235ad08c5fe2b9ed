#include "transports/hybrid/hybrid_transport.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace rlx::hybrid {

namespace {

enum Way : std::uint8_t { kMapped, kFabric };

/// A WindowKey of the length of the first key, the first key, and the second.
bool append_key(WindowKey& whole, const WindowKey& part) {
  if (whole.length + std::size_t{part.length} > whole.bytes.size()) return false;
  std::copy_n(part.bytes.begin(), part.length, whole.bytes.begin() + whole.length);
  whole.length = static_cast<std::uint8_t>(whole.length + part.length);
  return true;
}

/// The key of one way; empty where the key has none, or is no such key.
WindowKey key_of(Way way, const WindowKey& whole) {
  if (whole.length == 0) return {};
  const auto mapped = static_cast<std::size_t>(whole.bytes[0]);
  if (mapped + 1 > whole.length) return {};
  const std::size_t begin = way == kMapped ? 1 : 1 + mapped;
  const std::size_t end = way == kMapped ? 1 + mapped : whole.length;
  WindowKey key;
  key.length = static_cast<std::uint8_t>(end - begin);
  std::copy_n(whole.bytes.begin() + static_cast<std::ptrdiff_t>(begin), key.length,
              key.bytes.begin());
  return key;
}

}  // namespace

HybridTransport::HybridTransport(Rank rank, std::vector<std::uint32_t> node_of, Ways ways)
    : SymmetricTransport(rank, node_of.size()),
      node_of_(std::move(node_of)),
      ways_(std::move(ways)),
      each_{ways_.mapped.get(), ways_.fabric.get()},
      own_(1),  // number 0 is the signal region's
      capabilities_(combined_capabilities(ways_, rank, node_of_)) {
  for (const std::uint32_t node : node_of_)
    way_.push_back(ways_.mapped && node == node_of_[rank.index()] ? kMapped : kFabric);
}

// The network first, as long as all memory is there.
HybridTransport::~HybridTransport() { ways_.fabric.reset(); }

/// Ranks that do not exist are refused by either.
SymmetricTransport& HybridTransport::way_to(Rank rank) const noexcept {
  const std::size_t index = std::min<std::size_t>(rank.index(), size() - 1);
  return *each_[way_[index]];
}

Issue HybridTransport::told(const SymmetricTransport& way, Issue issue) noexcept {
  if (issue == Issue::failed) adopt(way);
  return issue;
}

void HybridTransport::adopt(const SymmetricTransport& way) noexcept {
  if (has_failed() || !way.has_failed()) return;
  fail(way.failure().value_or(TransportFailure{}));
}

Issue HybridTransport::put(Lane lane, RemoteRef to, LocalRef from,
                           Completion& completion) noexcept {
  SymmetricTransport& way = way_to(to.rank);
  return told(way, way.put(lane, to, from, completion));
}

Issue HybridTransport::put_signal(Lane lane, RemoteRef to, LocalRef from, Signal signal,
                                  Completion& completion) noexcept {
  SymmetricTransport& way = way_to(to.rank);
  return told(way, way.put_signal(lane, to, from, signal, completion));
}

Issue HybridTransport::get(Lane lane, LocalRef to, RemoteRef from,
                           Completion& completion) noexcept {
  SymmetricTransport& way = way_to(from.rank);
  return told(way, way.get(lane, to, from, completion));
}

Issue HybridTransport::signal(Lane lane, Signal signal, Completion& completion) noexcept {
  SymmetricTransport& way = way_to(signal.rank);
  return told(way, way.signal(lane, signal, completion));
}

bool HybridTransport::progress() noexcept {
  bool moved = false;
  for (SymmetricTransport* const way : each_) {
    if (way == nullptr) continue;
    moved |= way->progress();
    if (way->has_failed()) adopt(*way);
  }
  return moved;
}

std::optional<Window> HybridTransport::attach(std::span<std::byte> memory,
                                              WindowRole role) noexcept {
  Window window;
  window.key.length = 1;  // the first byte is the length of the mapped way's key
  std::optional<WindowNumber> number;
  for (SymmetricTransport* const way : each_) {
    if (way == nullptr) continue;
    const std::optional<Window> made = way->attach(memory, role);
    if (!made) {
      adopt(*way);
      return std::nullopt;
    }
    if (number.value_or(made->number) != made->number || !append_key(window.key, made->key)) {
      fail({ErrorKind::Transport, rank(),
            fmt::format("window {} of the two transports can not be one: it is window {} of the "
                        "other, and the key has {} bytes already",
                        made->number, number.value_or(made->number), window.key.length)});
      return std::nullopt;
    }
    number = made->number;
    if (way == ways_.mapped.get()) window.key.bytes[0] = std::byte{made->key.length};
  }
  window.number = *number;
  note_memory(window.number, memory);
  // How many lines there are decides how much of a hash a fabric carries.
  if (role == WindowRole::signals)
    capabilities_.hash_bits = combined_capabilities(ways_, rank(), node_of_).hash_bits;
  return window;
}

void HybridTransport::note_memory(WindowNumber number, std::span<std::byte> memory) {
  if (own_.size() <= number) own_.resize(number + std::size_t{1});
  own_[number] = memory;
}

bool HybridTransport::admit(Rank rank, WindowNumber number, const WindowKey& key) noexcept {
  SymmetricTransport& way = way_to(rank);
  const Way kind = &way == ways_.mapped.get() ? kMapped : kFabric;
  if (!way.admit(rank, number, key_of(kind, key))) {
    adopt(way);
    return false;
  }
  const bool mine = rank == this->rank() && number < own_.size();
  std::byte* const mapped = mine ? own_[number].data() : way.mapped(rank, number);
  record_window(rank, number, way.window_bytes(rank, number), mapped);
  return true;
}

bool HybridTransport::peer_failed(Rank rank) const noexcept {
  return rank.index() >= size() || way_to(rank).peer_failed(rank);
}

NetworkTraffic HybridTransport::network_traffic(Rank rank) const noexcept {
  return rank.index() < size() ? way_to(rank).network_traffic(rank) : NetworkTraffic{};
}

}  // namespace rlx::hybrid
