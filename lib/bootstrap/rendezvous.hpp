#pragma once
// A star: rank 0 holds a connection to every other rank, gathers and sends back. Every operation
// has the whole start-up time; the first error is kept and thrown by every later call.

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/bootstrap/bootstraps.hpp"
#include "lib/bootstrap/rendezvous_wire.hpp"

namespace rlx::bootstrap {

/// One established connection.
struct Link {
  FileDescriptor fd;
  FrameReader reader;
};

/// Rank 0's part of the meeting: one link per rank (index 0 stays empty), everybody welcomed.
/// Throws Launch naming the missing ranks, or WireVersion naming both versions; whoever is
/// connected is told first.
[[nodiscard]] std::vector<Link> meet_as_root(const FileDescriptor& listener, std::size_t size,
                                             double timeout_seconds);

/// Another rank's part: connected to rank 0 and welcomed.
[[nodiscard]] Link meet_as_member(const Endpoint& root, Rank rank, std::size_t size,
                                  double timeout_seconds);

/// Tells every connected rank, as far as they listen.
void tell_all(std::span<Link> links, const CollectiveError& error);

class RootBootstrap final : public Bootstrap {
 public:
  RootBootstrap(std::vector<Link> links, double timeout_seconds)
      : links_(std::move(links)), timeout_seconds_(timeout_seconds) {}

  [[nodiscard]] Rank rank() const override { return Rank(0); }
  [[nodiscard]] std::size_t size() const override { return links_.size(); }
  void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) override;
  void barrier() override { exchange("bootstrap barrier", {}, {}); }

 private:
  void exchange(const char* phase, std::span<const std::byte> mine, std::span<std::byte> all);
  void collect(const char* phase, std::span<std::byte> all, std::size_t length);
  void take(const char* phase, std::size_t rank, std::span<std::byte> all, std::size_t length);
  void distribute(const char* phase, std::span<const std::byte> all);
  /// Keeps the cause, tells everybody, throws.
  [[noreturn]] void fail(const CollectiveError& error);

  std::vector<Link> links_;
  double timeout_seconds_;
  std::optional<CollectiveError> failure_;
};

class MemberBootstrap final : public Bootstrap {
 public:
  MemberBootstrap(Link root, Rank rank, std::size_t size, double timeout_seconds)
      : root_(std::move(root)), rank_(rank), size_(size), timeout_seconds_(timeout_seconds) {}

  [[nodiscard]] Rank rank() const override { return rank_; }
  [[nodiscard]] std::size_t size() const override { return size_; }
  void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) override;
  void barrier() override { exchange("bootstrap barrier", {}, {}); }

 private:
  void exchange(const char* phase, std::span<const std::byte> mine, std::span<std::byte> all);
  [[noreturn]] void fail(const CollectiveError& error);

  Link root_;
  Rank rank_;
  std::size_t size_;
  double timeout_seconds_;
  std::optional<CollectiveError> failure_;
};

/// Waits for one frame of rank 0. Throws what an error frame says, or Launch naming rank 0 when it
/// is gone or silent until `timeout_seconds` and a little more (rank 0 speaks first when others are
/// missing) have passed.
void await_root(Link& root, FrameKind expected, const char* phase, double timeout_seconds);

/// Throws LengthMismatch unless `all` holds `size` times `mine`.
void check_lengths(const char* phase, std::span<const std::byte> mine,
                   std::span<const std::byte> all, std::size_t size);

}  // namespace rlx::bootstrap
