#pragma once
// Handing the files over: between each two ranks of a node one connection, over which each gets the
// other's file. The higher rank connects to the lower. The connections stay open: that one hangs up
// tells of the end of the process behind it.
//
// A rank never waits for one peer: all connections are moved along together, so the order in which
// ranks come does not matter. How many files may be on the way at once is limited by the system.

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "lib/base/descriptor.hpp"
#include "rlx/rank.hpp"
#include "transports/common/process_identity.hpp"
#include "transports/shm/shared_file.hpp"

namespace rlx::shm {

/// What a rank tells all others first. Bytes on the wire.
struct Card {
  detail::ProcessIdentity identity;
  std::uint32_t rank = 0;  ///< whose it is: filled in by those who got it
  std::uint32_t node = 0;  ///< that tests pretend (RLX_NODES)
  std::uint32_t user = 0;
  Token token{};                    ///< of its file; whoever knows it is of this job
  std::array<char, 40> name{};      ///< where it listens: an abstract socket name
  std::array<char, 256> problem{};  ///< why it can not share memory; empty: it can
};

/// What went wrong between two ranks, as one of them saw it.
enum class Trouble : std::uint8_t {
  none,
  unreachable,     ///< the system refused the connection
  silent,          ///< it did not answer in time
  closed,          ///< it closed the connection; it knows why
  other_user,      ///< its process is another user's, though it says otherwise
  unmapped,        ///< its file can not be mapped here
  no_descriptors,  ///< this process may open no more files
  left_out,        ///< one of the two shares with somebody who can not share with the other
};

/// Bytes on the wire.
struct Verdict {
  Trouble trouble = Trouble::none;
  std::int32_t error = 0;  ///< of the system
};

/// What a rank has of another in the end.
struct Mate {
  detail::Descriptor socket;
  detail::Descriptor file;
  FileMapping control;  ///< its ControlPage
};

class HandOver {
 public:
  using Clock = std::chrono::steady_clock;

  /// All of `cards` belong to this machine. Ranks are places among them, here and in what follows.
  /// `file` is mine.
  HandOver(std::span<const Card> cards, Rank me, detail::Descriptor listener, int file);

  /// Connects to the lower ranks. Waits for nobody.
  [[nodiscard]] std::vector<Verdict> reach();
  /// Hands nothing over between this rank and me: the other one does the same.
  void leave_out(std::size_t rank) { give_up(rank, Trouble::left_out, 0); }
  /// When everybody has reached whom it could: gets everybody's file and gives mine.
  [[nodiscard]] std::vector<Verdict> exchange(Clock::time_point deadline);
  /// By rank; mine is empty.
  [[nodiscard]] std::vector<Mate> take() { return std::move(mates_); }

 private:
  struct Packet {
    Token to{};
    Token from{};
    std::uint64_t rank = 0;
  };

  [[nodiscard]] bool is_lower(std::size_t rank) const noexcept { return rank < me_.index(); }
  [[nodiscard]] bool finished(std::size_t rank) const noexcept;
  [[nodiscard]] bool all_finished() const noexcept;
  void step();
  void accept_strangers();
  [[nodiscard]] bool identify(detail::Descriptor& stranger);
  void connect(std::size_t rank);
  void send(std::size_t rank);
  void receive(std::size_t rank);
  void keep(std::size_t rank, detail::Descriptor file);
  void give_up(std::size_t rank, Trouble trouble, int error);
  void pause() const;

  std::span<const Card> cards_;
  Rank me_;
  detail::Descriptor listener_;
  int file_;
  std::vector<Mate> mates_;
  std::vector<bool> sent_;
  std::vector<Verdict> verdicts_;
  std::vector<detail::Descriptor> strangers_;  // connected, and have not said who they are
};

}  // namespace rlx::shm
