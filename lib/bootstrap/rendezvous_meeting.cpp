// The first phase of a rendezvous: who is there, and does everybody speak the same wire version?

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <poll.h>

#include <algorithm>

#include "lib/bootstrap/rendezvous.hpp"
#include "rlx/version.hpp"

namespace rlx::bootstrap {
namespace {

constexpr const char* kMeeting = "rendezvous";
constexpr double kLastWords = 1;  // seconds for telling the others what went wrong
constexpr std::size_t kMaxHello = 4096;

Rank rank_of(std::size_t index) { return Rank(static_cast<std::uint32_t>(index)); }

class Meeting {
 public:
  Meeting(const FileDescriptor& listener, std::size_t size, double timeout_seconds)
      : listener_(listener), timeout_seconds_(timeout_seconds), links_(size) {}

  std::vector<Link> run() {
    const Deadline deadline = Deadline::after(timeout_seconds_);
    while (met_ + 1 < links_.size()) {
      if (!poll_once(deadline)) report_missing();
      accept_new();
      hear_strangers();
      check_members();
    }
    welcome(deadline);
    return std::move(links_);
  }

 private:
  /// False at the deadline.
  bool poll_once(const Deadline& deadline) {
    std::vector<pollfd> entries{{listener_.get(), POLLIN, 0}};
    for (const Link& stranger : strangers_) entries.push_back({stranger.fd.get(), POLLIN, 0});
    for (const Link& link : links_)
      if (link.fd.valid()) entries.push_back({link.fd.get(), POLLIN, 0});
    const int ready = poll(entries.data(), entries.size(), deadline.poll_ms());
    return ready > 0 || !deadline.passed();
  }

  void accept_new() {
    for (FileDescriptor fd = accept_from(listener_); fd.valid(); fd = accept_from(listener_))
      strangers_.push_back({std::move(fd), {}});
  }

  /// A connection that does not say hello in our words is somebody else's; it is dropped.
  void hear_strangers() {
    for (Link& stranger : strangers_) {
      const ReadState state = stranger.reader.advance(stranger.fd.get());
      if (state == ReadState::incomplete) continue;
      if (state == ReadState::complete && stranger.reader.kind() == FrameKind::hello &&
          stranger.reader.payload().size() >= sizeof(Hello))
        admit(std::move(stranger));
      stranger.fd.reset();
    }
    std::erase_if(strangers_, [](const Link& stranger) { return !stranger.fd.valid(); });
  }

  void admit(Link member) {
    Hello hello;
    std::memcpy(&hello, member.reader.payload().data(), sizeof hello);
    member.reader.next();
    const std::string objection = objection_to(hello);
    if (objection.empty()) {
      links_[hello.rank] = std::move(member);
      ++met_;
      return;
    }
    const ErrorKind kind =
        hello.wire_version == wire_version() ? ErrorKind::Launch : ErrorKind::WireVersion;
    std::vector<Link> uninvited;
    uninvited.push_back(std::move(member));
    const CollectiveError error(kind, kMeeting, objection, {Rank(0), Rank(hello.rank)});
    tell_all(uninvited, error);
    fail(error);
  }

  [[nodiscard]] std::string objection_to(const Hello& hello) const {
    if (hello.wire_version != wire_version())
      return fmt::format(
          "rank {} speaks wire version {}, rank 0 wire version {}; run the same rlx on every rank",
          hello.rank, hello.wire_version, wire_version());
    if (hello.size != links_.size())
      return fmt::format(
          "rank {} was told of {} ranks, rank 0 of {}; RLX_SIZE must be the same "
          "everywhere",
          hello.rank, hello.size, links_.size());
    if (hello.rank == 0 || hello.rank >= links_.size() || links_[hello.rank].fd.valid())
      return fmt::format(
          "a second process calls itself rank {} of {}; RLX_RANK must be different "
          "everywhere and below RLX_SIZE",
          hello.rank, links_.size());
    return {};
  }

  /// Members say nothing before they are welcomed, so whatever can be read is a hang-up.
  void check_members() {
    for (std::size_t i = 1; i < links_.size(); ++i) {
      if (!links_[i].fd.valid()) continue;
      const ReadState state = links_[i].reader.advance(links_[i].fd.get());
      if (state == ReadState::incomplete) continue;
      links_[i].fd.reset();
      fail({ErrorKind::Launch,
            kMeeting,
            fmt::format("rank {} hung up before all {} ranks had arrived", i, links_.size()),
            {rank_of(i)}});
    }
  }

  void welcome(const Deadline& deadline) {
    for (std::size_t i = 1; i < links_.size(); ++i)
      if (!send_frame(links_[i].fd.get(), FrameKind::welcome, {}, deadline))
        fail({ErrorKind::Launch,
              kMeeting,
              fmt::format("rank {} hung up when all had arrived", i),
              {rank_of(i)}});
  }

  [[noreturn]] void report_missing() {
    std::vector<Rank> ranks;
    std::vector<std::size_t> missing;
    for (std::size_t i = 1; i < links_.size(); ++i) {
      if (links_[i].fd.valid()) continue;
      ranks.push_back(rank_of(i));
      missing.push_back(i);
    }
    fail(
        {ErrorKind::Launch, kMeeting,
         fmt::format("rank(s) {} of {} did not come to port {} of rank 0 within {} s; start them "
                     "with the same RLX_RENDEZVOUS, or raise RLX_STARTUP_TIMEOUT",
                     fmt::join(missing, ", "), links_.size(), port_of(listener_), timeout_seconds_),
         ranks});
  }

  [[noreturn]] void fail(const CollectiveError& error) {
    tell_all(links_, error);
    throw error;
  }

  const FileDescriptor& listener_;
  double timeout_seconds_;
  std::vector<Link> links_;      // by rank; index 0 stays empty
  std::vector<Link> strangers_;  // connected, hello not complete
  std::size_t met_ = 0;
};

}  // namespace

std::vector<Link> meet_as_root(const FileDescriptor& listener, std::size_t size,
                               double timeout_seconds) {
  return Meeting(listener, size, timeout_seconds).run();
}

Link meet_as_member(const Endpoint& root, Rank rank, std::size_t size, double timeout_seconds) {
  const Deadline deadline = Deadline::after(timeout_seconds);
  std::string reason;
  Link link{connect_to(root, deadline, reason), {}};
  if (!link.fd.valid())
    throw CollectiveError(
        ErrorKind::Launch, kMeeting,
        fmt::format(
            "rank {} could not reach rank 0 at {} within {} s: {}. Is rank 0 running there, "
            "and is RLX_RENDEZVOUS the same on every rank?",
            rank.value(), root.text(), timeout_seconds, reason),
        {Rank(0)});
  const Hello hello{wire_version(), rank.value(), size};
  if (!send_frame(link.fd.get(), FrameKind::hello, std::as_bytes(std::span(&hello, 1)), deadline))
    throw CollectiveError(ErrorKind::Launch, kMeeting,
                          fmt::format("rank 0 at {} hung up on rank {}", root.text(), rank.value()),
                          {Rank(0)});
  await_root(link, FrameKind::welcome, kMeeting, timeout_seconds);
  link.reader.next();
  return link;
}

void tell_all(std::span<Link> links, const CollectiveError& error) {
  const std::vector<std::byte> words = encode_error(error);
  const Deadline deadline = Deadline::after(kLastWords);
  for (Link& link : links)
    if (link.fd.valid())
      static_cast<void>(send_frame(link.fd.get(), FrameKind::error, words, deadline));
}

}  // namespace rlx::bootstrap
