#pragma once
// What is timed on a link: ping-pongs, and series of messages with some outstanding at a time. And
// the same with contents that are looked at.

#include <cstdint>
#include <string_view>

#include "tools/bench/put_link.hpp"

namespace rlx::bench {

/// latency: a put with its signal goes to the partner and one comes back. put: many puts, the last
/// one with a signal. put_signal: each with a signal.
enum class PutKind : std::uint8_t { latency, put, put_signal };
[[nodiscard]] std::string_view to_string(PutKind kind);
inline constexpr PutKind kPutKinds[] = {PutKind::latency, PutKind::put, PutKind::put_signal};

/// Which ranks work together, seen from one of them: i and i + p / 2, all such pairs or the first.
/// The lower rank sends to the other; both ways, both do.
struct PutRole {
  PutRole(const Communicator& comm, const Options& options);

  Rank partner{0};
  bool takes_part = false;
  bool leads = false;
  bool sends = false;
  bool receives = false;
  bool both_ways = false;
  std::size_t senders = 0;  ///< of all ranks
};

/// One row's messages. They go to `slots` places in turn, `stride` bytes apart.
struct PutShape {
  std::size_t size = 0;
  PutKind kind = PutKind::latency;
  std::uint64_t outstanding = 1;  ///< not complete at the sender, at most
  std::uint32_t messages = 1;     ///< of a sample, each way
  std::size_t slots = 1;
  std::size_t stride = 0;

  [[nodiscard]] std::size_t bytes() const { return slots * stride; }
};

/// As many messages as make a sample of a few milliseconds, and room for those that are
/// outstanding. Where ranks share cores there are fewer round trips.
enum class Cores : std::uint8_t { one_each, shared };
[[nodiscard]] PutShape shape_of(std::size_t size, PutKind kind, std::uint64_t outstanding,
                                Cores cores);

class PutSeries {
 public:
  PutSeries(Link& link, LineUp& line_up, const PutRole& role, const PutShape& shape)
      : link_(link), line_up_(line_up), role_(role), shape_(shape) {}

  /// Collective. Microseconds for a message: half a round trip (a whole exchange, both ways), or
  /// the time until the last of a series was acknowledged divided by their number. 0 where this
  /// rank has no clock running.
  [[nodiscard]] double sample();
  /// Collective. The same with data of their own in every message (of a series: in every slot).
  /// Gives the bytes that were wrong when the signal said that they are there; for puts without
  /// signal of their own, which nothing orders before the last one's, those that are still wrong
  /// when no more come.
  [[nodiscard]] std::uint64_t check(std::uint32_t seed);

 private:
  void ping_pong();
  void run_series();
  std::uint64_t check_ping_pong(std::uint32_t seed);
  std::uint64_t check_series(std::uint32_t seed);
  void fill(std::span<std::byte> memory, std::uint32_t of_rank, std::uint32_t seed) const;
  [[nodiscard]] std::uint64_t wrong_bytes(std::uint32_t seed) const;

  Link& link_;
  LineUp& line_up_;
  const PutRole& role_;
  const PutShape& shape_;
};

}  // namespace rlx::bench
