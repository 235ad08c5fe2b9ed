#include "tools/bench/put_series.hpp"

#include <algorithm>
#include <chrono>

namespace rlx::bench {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kRoundTrips = 64;
constexpr std::uint32_t kCrowdedRoundTrips = 8;
constexpr std::uint32_t kMostMessages = 1024;  // parts of a word end at 4095
constexpr std::uint32_t kFewestMessages = 4;
constexpr std::size_t kBytesPerSample = std::size_t{16} << 20;
constexpr std::size_t kBytesOfSlots = std::size_t{8} << 20;
constexpr std::size_t kLineBytesApart = 64;
constexpr std::uint32_t kCheckedRoundTrips = 4;
constexpr std::chrono::seconds kPatience{5};

/// How many of `size` bytes make `bytes`, between two limits.
std::uint32_t count_for(std::size_t bytes, std::size_t size, std::uint32_t least,
                        std::uint32_t most) {
  return static_cast<std::uint32_t>(
      std::clamp<std::size_t>(bytes / std::max<std::size_t>(size, 1), least, most));
}

std::byte pattern(std::size_t at, std::uint32_t rank, std::uint32_t seed) {
  return static_cast<std::byte>(at * 31 + (at >> 8) * 7 + rank * 59 + seed * 101);
}

}  // namespace

std::string_view to_string(PutKind kind) {
  constexpr std::string_view kNames[] = {"latency", "put", "put_signal"};
  return kNames[static_cast<std::size_t>(kind)];
}

PutRole::PutRole(const Communicator& comm, const Options& options)
    : both_ways(options.bidirectional) {
  const auto half = static_cast<std::uint32_t>(comm.size() / 2);
  const std::uint32_t me = comm.rank().value();
  const std::uint32_t pairs = options.all_pairs ? half : 1;
  senders = std::size_t{pairs} * (both_ways ? 2 : 1);
  leads = me < half;
  takes_part = me < 2 * half && (leads ? me : me - half) < pairs;
  partner = Rank(leads ? me + half : me - half);
  sends = takes_part && (leads || both_ways);
  receives = takes_part && (!leads || both_ways);
}

PutShape shape_of(std::size_t size, PutKind kind, std::uint64_t outstanding, Cores cores) {
  PutShape shape{.size = size, .kind = kind, .outstanding = outstanding};
  shape.stride = (size + kLineBytesApart - 1) / kLineBytesApart * kLineBytesApart;
  const bool answered = kind == PutKind::latency;
  const std::uint32_t round_trips = cores == Cores::shared ? kCrowdedRoundTrips : kRoundTrips;
  shape.messages =
      count_for(kBytesPerSample, size, kFewestMessages, answered ? round_trips : kMostMessages);
  if (answered) return shape;
  const auto most =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(outstanding, shape.messages));
  shape.slots = count_for(kBytesOfSlots, shape.stride, 1, most);
  return shape;
}

double PutSeries::sample() {
  link_.open();
  line_up_.wait();
  const auto begin = Clock::now();
  if (role_.takes_part) shape_.kind == PutKind::latency ? ping_pong() : run_series();
  const std::chrono::duration<double, std::micro> took = Clock::now() - begin;
  link_.quiet();
  line_up_.wait();  // before anybody opens the next epoch
  if (!role_.sends) return 0;
  const double each = took.count() / shape_.messages;
  return shape_.kind == PutKind::latency && !role_.both_ways ? each / 2 : each;
}

void PutSeries::ping_pong() {
  for (std::uint32_t part = 1; part <= shape_.messages; ++part) {
    if (role_.sends) link_.put_signal(role_.partner, 0, shape_.size, LinkWord::data(0));
    link_.await(LinkWord::data(0), part, role_.partner);
    if (!role_.sends) link_.put_signal(role_.partner, 0, shape_.size, LinkWord::data(0));
  }
}

// Messages take the lanes in turn. The word of each lane is signalled with every message of it, or
// with its last.
void PutSeries::run_series() {
  const bool each_signals = shape_.kind == PutKind::put_signal;
  const std::uint32_t lanes = std::min(link_.lanes(), shape_.messages);
  for (std::uint32_t i = 0; role_.sends && i < shape_.messages; ++i) {
    const std::size_t offset = i % shape_.slots * shape_.stride;
    const LinkWord word = LinkWord::data(i % lanes);
    link_.wait_for_room(shape_.outstanding);
    if (each_signals || i + lanes >= shape_.messages) {
      link_.put_signal(role_.partner, offset, shape_.size, word);
    } else {
      link_.put(word.lane, role_.partner, offset, shape_.size);
    }
  }
  link_.quiet();
  for (std::uint32_t lane = 0; role_.receives && lane < lanes; ++lane) {
    const std::uint32_t messages = (shape_.messages - lane + lanes - 1) / lanes;
    link_.await(LinkWord::data(lane), each_signals ? messages : 1, role_.partner);
  }
  if (role_.receives) link_.put_signal(role_.partner, 0, 0, LinkWord::acknowledgement());
  if (role_.sends) link_.await(LinkWord::acknowledgement(), 1, role_.partner);
}

std::uint64_t PutSeries::check(std::uint32_t seed) {
  return shape_.kind == PutKind::latency ? check_ping_pong(seed) : check_series(seed);
}

// Every message has other bytes than the one before.
std::uint64_t PutSeries::check_ping_pong(std::uint32_t seed) {
  std::uint64_t wrong = 0;
  const std::span<std::byte> mine = link_.outgoing().first(shape_.size);
  const std::uint32_t me = role_.leads ? 0 : 1;
  link_.open();
  line_up_.wait();
  for (std::uint32_t part = 1; role_.takes_part && part <= kCheckedRoundTrips; ++part) {
    const auto answer = [&] {
      link_.quiet();  // the last message has left the bytes that are filled now
      fill(mine, me, seed + part);
      link_.put_signal(role_.partner, 0, shape_.size, LinkWord::data(0));
    };
    if (role_.leads) answer();
    link_.await(LinkWord::data(0), part, role_.partner);
    wrong += wrong_bytes(seed + part);
    if (!role_.leads) answer();
  }
  link_.quiet();
  line_up_.wait();
  return wrong;
}

std::uint64_t PutSeries::check_series(std::uint32_t seed) {
  const std::uint32_t me = role_.leads ? 0 : 1;
  if (role_.sends) fill(link_.outgoing().first(shape_.bytes()), me, seed);
  std::fill_n(link_.incoming().data(), shape_.bytes(), std::byte{0xcc});
  link_.open();
  line_up_.wait();
  if (role_.takes_part) run_series();
  std::uint64_t wrong = role_.receives ? wrong_bytes(seed) : 0;
  const auto begin = Clock::now();
  while (wrong > 0 && shape_.kind == PutKind::put && Clock::now() - begin < kPatience) {
    link_.poll();
    wrong = wrong_bytes(seed);
  }
  link_.quiet();
  line_up_.wait();
  return wrong;
}

// Slot after slot; what lies between them is left alone.
void PutSeries::fill(std::span<std::byte> memory, std::uint32_t of_rank, std::uint32_t seed) const {
  for (std::size_t at = 0; at < memory.size(); ++at) memory[at] = pattern(at, of_rank, seed);
}

std::uint64_t PutSeries::wrong_bytes(std::uint32_t seed) const {
  const std::span<const std::byte> memory = link_.incoming();
  const std::uint32_t theirs = role_.leads ? 1 : 0;
  std::uint64_t wrong = 0;
  for (std::size_t slot = 0; slot < shape_.slots; ++slot) {
    const std::size_t begin = slot * shape_.stride;
    for (std::size_t at = begin; at < begin + shape_.size; ++at)
      wrong += memory[at] == pattern(at, theirs, seed) ? 0 : 1;
  }
  return wrong;
}

}  // namespace rlx::bench
