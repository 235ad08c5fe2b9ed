#include "transports/shm/meeting.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <system_error>
#include <utility>

#include "rlx/error.hpp"
#include "transports/shm/unix_socket.hpp"

namespace rlx::shm {

namespace {

constexpr int kBacklog = 4096;  // the system takes less where it allows less

template <std::size_t N>
void copy_text(std::array<char, N>& to, std::string_view from) {
  std::copy_n(from.begin(), std::min(from.size(), N - 1), to.begin());
}

Rank rank_of(std::size_t index) { return Rank(static_cast<std::uint32_t>(index)); }

/// One row of `mine.size()` of each rank, in rank order. Collective.
template <class T>
std::vector<T> exchange_rows(const TransportSetup& setup, std::span<const T> mine) {
  const std::vector<std::byte> all = setup.exchange(std::as_bytes(mine));
  std::vector<T> rows(setup.size * mine.size());
  std::memcpy(static_cast<void*>(rows.data()), all.data(), rows.size() * sizeof(T));
  return rows;
}

std::string host_of(const Card& card) { return card.identity.host.data(); }

std::string text_of(const Verdict& verdict) {
  const std::string words = std::generic_category().message(verdict.error);
  switch (verdict.trouble) {
    case Trouble::unreachable:
      return fmt::format("it can not be reached ({}), as between containers", words);
    case Trouble::silent:
      return "it did not answer within RLX_STARTUP_TIMEOUT";
    case Trouble::other_user:
      return "its process belongs to another user";
    case Trouble::unmapped:
      return fmt::format("its memory can not be mapped ({})", words);
    case Trouble::no_descriptors:
      return fmt::format("no more files may be opened ({}; raise ulimit -n)", words);
    case Trouble::closed:
    case Trouble::none:
      break;
  }
  return "it closed the connection";
}

/// Who closed a connection has said why in its own row, so that is looked for first.
std::optional<std::size_t> first_trouble(std::span<const Verdict> verdicts) {
  const auto says_why = [](const Verdict& verdict) {
    return verdict.trouble != Trouble::none && verdict.trouble != Trouble::closed;
  };
  auto found = std::ranges::find_if(verdicts, says_why);
  if (found == verdicts.end())
    found = std::ranges::find(verdicts, Trouble::closed, &Verdict::trouble);
  if (found == verdicts.end()) return std::nullopt;
  return static_cast<std::size_t>(found - verdicts.begin());
}

/// My file and the socket where I wait for the others, as far as this system has them.
struct Doorstep {
  Card card;
  std::unique_ptr<SharedFile> file;
  Descriptor listener;
};

Doorstep open_door(std::size_t ranks, std::function<std::size_t()> room) {
  Doorstep door;
  door.card.identity = detail::ProcessIdentity::mine();
  door.card.user = ::geteuid();
  door.card.token = random_token();
  const Token name = random_token();
  copy_text(door.card.name, fmt::format("rlx-{:016x}{:016x}", name[0], name[1]));
  try {
    door.file = std::make_unique<SharedFile>(door.card.token, ranks, std::move(room));
    door.listener = listen_at(door.card.name.data(), kBacklog);
  } catch (const CollectiveError& error) {
    copy_text(door.card.problem, error.details().message);
  }
  return door;
}

HandOver::Clock::time_point deadline_of(const TransportSetup& setup) {
  constexpr double kYear = 365.0 * 24 * 3600;  // keeps the clock's arithmetic from overflowing
  const std::chrono::duration<double> span(std::min(setup.config->startup_timeout, kYear));
  return HandOver::Clock::now() + std::chrono::duration_cast<HandOver::Clock::duration>(span);
}

}  // namespace

std::optional<Refusal> find_refusal(std::span<const Card> cards) {
  const Card& first = cards[0];
  const auto refuse = [&](std::size_t rank, std::string why) {
    return Refusal{{Rank(0), rank_of(rank)}, std::move(why)};
  };
  for (std::size_t rank = 1; rank < cards.size(); ++rank) {
    if (cards[rank].identity.same_machine(first.identity)) continue;
    Refusal refusal = refuse(rank, fmt::format("rank 0 runs on host {}, rank {} on host {}",
                                               host_of(first), rank, host_of(cards[rank])));
    refusal.same_host = false;
    return refusal;
  }
  for (std::size_t rank = 0; rank < cards.size(); ++rank) {
    if (cards[rank].problem[0] != 0)
      return Refusal{{rank_of(rank)}, fmt::format("rank {}: {}", rank, cards[rank].problem.data())};
  }
  for (std::size_t rank = 1; rank < cards.size(); ++rank) {
    if (cards[rank].user != first.user)
      return refuse(rank, fmt::format("rank 0 runs as user {}, rank {} as user {}", first.user,
                                      rank, cards[rank].user));
    if (!cards[rank].identity.same_network(first.identity))
      return refuse(rank, fmt::format("rank 0 and rank {} have different network namespaces, as "
                                      "different containers have",
                                      rank));
  }
  return std::nullopt;
}

std::optional<Refusal> find_refusal(std::span<const Card> cards,
                                    std::span<const Verdict> verdicts) {
  const auto found = first_trouble(verdicts);
  if (!found) return std::nullopt;
  const std::size_t who = *found / cards.size();
  const std::size_t whom = *found % cards.size();
  return Refusal{
      {rank_of(std::min(who, whom)), rank_of(std::max(who, whom))},
      fmt::format("rank {} can not share with rank {}: {}", who, whom, text_of(verdicts[*found]))};
}

Meeting meet(const TransportSetup& setup, std::function<std::size_t()> room) {
  Meeting meeting;
  Doorstep door = open_door(setup.size, std::move(room));
  meeting.cards = exchange_rows<Card>(setup, {&door.card, 1});
  meeting.refusal = find_refusal(meeting.cards);
  if (meeting.refusal) return meeting;

  HandOver hand_over(meeting.cards, setup.rank, std::move(door.listener), door.file->descriptor());
  const auto reached = exchange_rows<Verdict>(setup, hand_over.reach());
  meeting.refusal = find_refusal(meeting.cards, reached);
  if (meeting.refusal) return meeting;

  const auto mapped = exchange_rows<Verdict>(setup, hand_over.exchange(deadline_of(setup)));
  meeting.refusal = find_refusal(meeting.cards, mapped);
  if (meeting.refusal) return meeting;

  meeting.mates = hand_over.take();
  meeting.mine = std::move(door.file);
  return meeting;
}

}  // namespace rlx::shm
