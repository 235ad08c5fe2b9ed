#include "lib/bootstrap/rendezvous.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <poll.h>

#include <algorithm>

namespace rlx {
namespace bootstrap {
namespace {

constexpr double kSlack = 3;  // seconds that rank 0 is given to name who is missing

std::vector<Rank> as_ranks(const std::vector<std::size_t>& indices) {
  std::vector<Rank> ranks;
  for (const std::size_t index : indices) ranks.emplace_back(static_cast<std::uint32_t>(index));
  return ranks;
}

[[noreturn]] void throw_error_frame(const Link& link, const char* phase) {
  ErrorDetails details = decode_error(link.reader.payload());
  details.operation = phase;
  throw CollectiveError(std::move(details));
}

}  // namespace

void check_lengths(const char* phase, std::span<const std::byte> mine,
                   std::span<const std::byte> all, std::size_t size) {
  if (all.size() == mine.size() * size) return;
  throw CollectiveError(ErrorKind::LengthMismatch, phase,
                        fmt::format("{} bytes for the result of {} ranks with {} bytes each",
                                    all.size(), size, mine.size()));
}

void await_root(Link& root, FrameKind expected, const char* phase, double timeout_seconds) {
  const Deadline deadline = Deadline::after(timeout_seconds + kSlack);
  ReadState state = root.reader.advance(root.fd.get());
  while (state == ReadState::incomplete && wait_for(root.fd.get(), POLLIN, deadline))
    state = root.reader.advance(root.fd.get());
  if (state == ReadState::complete && root.reader.kind() == FrameKind::error)
    throw_error_frame(root, phase);
  if (state == ReadState::complete && root.reader.kind() == expected) return;
  const char* what = state == ReadState::incomplete ? "did not answer"
                     : state == ReadState::closed   ? "hung up"
                                                    : "sent what is not a frame of this phase";
  throw CollectiveError(ErrorKind::Launch, phase,
                        fmt::format("rank 0 {} (waited up to {} s, RLX_STARTUP_TIMEOUT)", what,
                                    timeout_seconds + kSlack),
                        {Rank(0)});
}

// -- rank 0 -----------------------------------------------------------------------------------

void RootBootstrap::all_gather(std::span<const std::byte> mine, std::span<std::byte> all) {
  exchange("bootstrap all_gather", mine, all);
}

void RootBootstrap::exchange(const char* phase, std::span<const std::byte> mine,
                             std::span<std::byte> all) {
  check_lengths(phase, mine, all, size());
  if (failure_) throw CollectiveError(*failure_);
  std::ranges::copy(mine, all.begin());
  collect(phase, all, mine.size());
  distribute(phase, all);
}

void RootBootstrap::collect(const char* phase, std::span<std::byte> all, std::size_t length) {
  const Deadline deadline = Deadline::after(timeout_seconds_);
  std::vector<std::size_t> missing;
  for (std::size_t rank = 1; rank < size(); ++rank) missing.push_back(rank);
  while (!missing.empty()) {
    std::erase_if(missing, [&](std::size_t rank) {
      const ReadState state = links_[rank].reader.advance(links_[rank].fd.get());
      if (state == ReadState::incomplete) return false;
      if (state != ReadState::complete)
        fail({ErrorKind::Launch, phase, fmt::format("rank {} hung up", rank), as_ranks({rank})});
      take(phase, rank, all, length);
      return true;
    });
    std::vector<pollfd> entries;
    for (const std::size_t rank : missing) entries.push_back({links_[rank].fd.get(), POLLIN, 0});
    if (missing.empty() || poll(entries.data(), entries.size(), deadline.poll_ms()) > 0) continue;
    if (deadline.passed())
      fail({ErrorKind::Launch, phase,
            fmt::format("rank(s) {} did not arrive within {} s (RLX_STARTUP_TIMEOUT)",
                        fmt::join(missing, ", "), timeout_seconds_),
            as_ranks(missing)});
  }
}

void RootBootstrap::take(const char* phase, std::size_t rank, std::span<std::byte> all,
                         std::size_t length) {
  FrameReader& reader = links_[rank].reader;
  if (reader.kind() != FrameKind::data || reader.payload().size() != length)
    fail({ErrorKind::Launch, phase,
          fmt::format("rank {} gave {} bytes where rank 0 gave {}", rank, reader.payload().size(),
                      length),
          as_ranks({0, rank})});
  std::ranges::copy(reader.payload(), all.subspan(rank * length).begin());
  reader.next();
}

void RootBootstrap::distribute(const char* phase, std::span<const std::byte> all) {
  const Deadline deadline = Deadline::after(timeout_seconds_);
  for (std::size_t rank = 1; rank < size(); ++rank)
    if (!send_frame(links_[rank].fd.get(), FrameKind::result, all, deadline))
      fail({ErrorKind::Launch, phase,
            fmt::format("rank {} hung up before it took the result", rank), as_ranks({rank})});
}

void RootBootstrap::fail(const CollectiveError& error) {
  failure_ = error;
  tell_all(links_, error);
  throw CollectiveError(error);
}

// -- the others -------------------------------------------------------------------------------

void MemberBootstrap::all_gather(std::span<const std::byte> mine, std::span<std::byte> all) {
  exchange("bootstrap all_gather", mine, all);
}

void MemberBootstrap::exchange(const char* phase, std::span<const std::byte> mine,
                               std::span<std::byte> all) {
  check_lengths(phase, mine, all, size());
  if (failure_) throw CollectiveError(*failure_);
  try {
    // A refused send is not judged here: rank 0 may have sent its reason before it hung up.
    static_cast<void>(
        send_frame(root_.fd.get(), FrameKind::data, mine, Deadline::after(timeout_seconds_)));
    await_root(root_, FrameKind::result, phase, timeout_seconds_);
    if (root_.reader.payload().size() != all.size())
      throw CollectiveError(ErrorKind::Launch, phase,
                            fmt::format("rank 0 sent {} bytes instead of {}",
                                        root_.reader.payload().size(), all.size()),
                            {Rank(0)});
  } catch (const CollectiveError& error) {
    fail(error);
  }
  std::ranges::copy(root_.reader.payload(), all.begin());
  root_.reader.next();
}

void MemberBootstrap::fail(const CollectiveError& error) {
  failure_ = error;
  throw CollectiveError(error);
}

std::unique_ptr<Bootstrap> rendezvous_over(FileDescriptor listener, std::size_t size,
                                           double timeout_seconds) {
  return std::make_unique<RootBootstrap>(meet_as_root(listener, size, timeout_seconds),
                                         timeout_seconds);
}

}  // namespace bootstrap

std::unique_ptr<Bootstrap> rendezvous_bootstrap(const std::string& address, Rank rank,
                                                std::size_t size, double timeout_seconds) {
  const bootstrap::Endpoint endpoint = bootstrap::parse_endpoint(address);
  if (rank.index() >= size)
    throw CollectiveError(
        ErrorKind::Launch, "rendezvous",
        fmt::format("rank {} of {} ranks: ranks count from 0 (RLX_RANK, RLX_SIZE)", rank.value(),
                    size),
        {rank});
  if (rank == Rank(0))
    return bootstrap::rendezvous_over(bootstrap::listen_on(endpoint), size, timeout_seconds);
  return std::make_unique<bootstrap::MemberBootstrap>(
      bootstrap::meet_as_member(endpoint, rank, size, timeout_seconds), rank, size,
      timeout_seconds);
}

}  // namespace rlx
