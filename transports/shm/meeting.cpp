#include "transports/shm/meeting.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <system_error>
#include <utility>

#include "lib/base/unix_socket.hpp"
#include "rlx/error.hpp"

namespace rlx::shm {

using detail::accept_from, detail::connect_to, detail::listen_at, detail::receive_packet;
using detail::Descriptor, detail::send_packet, detail::user_of;

namespace {

constexpr int kBacklog = 4096;  // the system takes less where it allows less

template <std::size_t N>
void copy_text(std::array<char, N>& to, std::string_view from) {
  std::copy_n(from.begin(), std::min(from.size(), N - 1), to.begin());
}

/// One row of `mine.size()` of each rank, in rank order. Collective.
template <class T>
std::vector<T> exchange_rows(const TransportSetup& setup, std::span<const T> mine) {
  const Gathered all = setup.exchange(std::as_bytes(mine));
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
    case Trouble::left_out:
      return "one of them shares with a rank that can not share with the other";
    case Trouble::closed:
    case Trouble::none:
      break;
  }
  return "it closed the connection";
}

/// Who closed a connection has said why in its own row, so that is looked for first.
std::optional<std::size_t> first_trouble(std::span<const Verdict> verdicts) {
  const auto says_why = [](const Verdict& verdict) {
    return verdict.trouble != Trouble::none && verdict.trouble != Trouble::closed &&
           verdict.trouble != Trouble::left_out;
  };
  auto found = std::ranges::find_if(verdicts, says_why);
  for (const Trouble trouble : {Trouble::closed, Trouble::left_out})
    if (found == verdicts.end()) found = std::ranges::find(verdicts, trouble, &Verdict::trouble);
  if (found == verdicts.end()) return std::nullopt;
  return static_cast<std::size_t>(found - verdicts.begin());
}

/// My file and the socket where I wait for the others, as far as this system has them.
struct Doorstep {
  Card card;
  std::unique_ptr<SharedFile> file;
  Descriptor listener;
};

Doorstep open_door(const TransportSetup& setup, std::function<std::size_t()> room) {
  Doorstep door;
  door.card.identity = detail::ProcessIdentity::mine();
  door.card.node = pretended_node(setup.config->nodes, setup.rank);
  door.card.user = ::geteuid();
  door.card.token = random_token();
  const Token name = random_token();
  copy_text(door.card.name, fmt::format("rlx-{:016x}{:016x}", name[0], name[1]));
  try {
    door.file = std::make_unique<SharedFile>(door.card.token, std::move(room));
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
  const auto refuse = [&](const Card& other, std::string why) {
    return Refusal{{Rank(first.rank), Rank(other.rank)}, std::move(why)};
  };
  for (const Card& card : cards) {
    if (!card.identity.same_machine(first.identity))
      return refuse(card, fmt::format("rank {} runs on host {}, rank {} on host {}", first.rank,
                                      host_of(first), card.rank, host_of(card)));
    if (card.node != first.node)
      return refuse(card, fmt::format("RLX_NODES puts rank {} on node {} and rank {} on node {}",
                                      first.rank, first.node, card.rank, card.node));
  }
  for (const Card& card : cards) {
    if (card.problem[0] != 0)
      return Refusal{{Rank(card.rank)}, fmt::format("rank {}: {}", card.rank, card.problem.data())};
  }
  for (const Card& card : cards) {
    if (card.user != first.user)
      return refuse(card, fmt::format("rank {} runs as user {}, rank {} as user {}", first.rank,
                                      first.user, card.rank, card.user));
    if (!card.identity.same_network(first.identity))
      return refuse(card, fmt::format("rank {} and rank {} have different network namespaces, as "
                                      "different containers have",
                                      first.rank, card.rank));
  }
  return std::nullopt;
}

std::optional<Refusal> find_refusal(std::span<const Card> cards,
                                    std::span<const Verdict> verdicts) {
  const auto found = first_trouble(verdicts);
  if (!found) return std::nullopt;
  const std::uint32_t who = cards[*found / cards.size()].rank;
  const std::uint32_t whom = cards[*found % cards.size()].rank;
  return Refusal{
      {Rank(std::min(who, whom)), Rank(std::max(who, whom))},
      fmt::format("rank {} can not share with rank {}: {}", who, whom, text_of(verdicts[*found]))};
}

std::size_t Meeting::nodes() const { return *std::ranges::max_element(node_of) + std::size_t{1}; }

std::size_t Meeting::ranks_with(Rank rank) const {
  return static_cast<std::size_t>(std::ranges::count(node_of, node_of[rank.index()]));
}

namespace {

std::vector<Card> cards_of(std::span<const Card> cards, const Party& ranks) {
  std::vector<Card> some;
  for (const Rank rank : ranks) some.push_back(cards[rank.index()]);
  return some;
}

Party party_with(std::span<const Party> parties, Rank rank) {
  return *std::ranges::find_if(parties, [rank](const Party& party) {
    return std::ranges::find(party, rank) != party.end();
  });
}

/// Between the members of my party; everybody takes part in the exchanges.
class HandingOver {
 public:
  HandingOver(const TransportSetup& setup, std::span<const Card> cards, const Party& mine,
              Doorstep& door)
      : setup_(setup),
        party_(mine),
        cards_(cards_of(cards, mine)),
        me_(static_cast<std::uint32_t>(std::ranges::find(mine, setup.rank) - mine.begin())),
        hand_over_(cards_, me_, std::move(door.listener),
                   door.file ? door.file->descriptor() : -1) {}

  void reach(Verdicts& verdicts) { tell(hand_over_.reach(), verdicts); }
  void exchange(Verdicts& verdicts, std::span<const std::uint32_t> nodes) {
    for (std::size_t place = 0; place < party_.size(); ++place)
      if (nodes[party_[place].index()] != nodes[setup_.rank.index()]) hand_over_.leave_out(place);
    tell(hand_over_.exchange(deadline_of(setup_)), verdicts);
  }
  /// By rank, of those on my node.
  [[nodiscard]] std::vector<Mate> take(std::span<const std::uint32_t> nodes) {
    std::vector<Mate> mates(nodes.size());
    std::vector<Mate> theirs = hand_over_.take();
    for (std::size_t place = 0; place < party_.size(); ++place) {
      const std::size_t rank = party_[place].index();
      if (nodes[rank] == nodes[setup_.rank.index()]) mates[rank] = std::move(theirs[place]);
    }
    return mates;
  }

 private:
  void tell(std::vector<Verdict> mine, Verdicts& verdicts) {
    mine.resize(verdicts.row_length());
    verdicts.add(exchange_rows<Verdict>(setup_, mine));
  }

  const TransportSetup& setup_;
  const Party& party_;
  std::vector<Card> cards_;  // of my party
  Rank me_;                  // my place in it
  HandOver hand_over_;
};

/// Why these ranks are not one node, if they are not; of one rank, why it could share with nobody.
std::optional<Refusal> refusal_among(const Meeting& meeting, const Party& ranks,
                                     std::span<const Party> parties, const Verdicts& verdicts) {
  const auto elsewhere = [&](Rank rank) {
    return meeting.node_of[rank.index()] != meeting.node_of[ranks[0].index()];
  };
  if (ranks.size() > 1 && std::ranges::none_of(ranks, elsewhere)) return std::nullopt;
  const std::vector<Card> cards = cards_of(meeting.cards, ranks);
  if (auto refusal = find_refusal(cards)) return refusal;
  const Party party = party_with(parties, ranks[0]);  // their cards agree: it is they
  return find_refusal(cards, verdicts.among(party));
}

Party machine_of(std::span<const Card> cards, Rank rank) {
  const Card& mine = cards[rank.index()];
  Party machine;
  for (const Card& card : cards)
    if (card.identity.same_machine(mine.identity) && card.node == mine.node)
      machine.emplace_back(card.rank);
  return machine;
}

Party everybody(std::size_t size) {
  Party ranks;
  for (std::size_t i = 0; i < size; ++i) ranks.emplace_back(static_cast<std::uint32_t>(i));
  return ranks;
}

}  // namespace

Meeting meet(const TransportSetup& setup, std::function<std::size_t()> room) {
  Meeting meeting;
  Doorstep door = open_door(setup, std::move(room));
  meeting.cards = exchange_rows<Card>(setup, {&door.card, 1});
  for (std::uint32_t rank = 0; rank < setup.size; ++rank) meeting.cards[rank].rank = rank;
  const std::vector<Party> parties = parties_of(meeting.cards);
  const Party mine = party_with(parties, setup.rank);
  Verdicts verdicts(parties);
  meeting.mates.resize(setup.size);
  meeting.node_of = nodes_of(parties, verdicts);
  if (verdicts.row_length() > 1) {
    HandingOver handing(setup, meeting.cards, mine, door);
    handing.reach(verdicts);
    meeting.node_of = nodes_of(parties, verdicts);
    handing.exchange(verdicts, meeting.node_of);
    meeting.node_of = nodes_of(parties, verdicts);
    meeting.mates = handing.take(meeting.node_of);
  }
  const Party machine = machine_of(meeting.cards, setup.rank);
  meeting.speaks = machine[0] == setup.rank;
  meeting.refusal = refusal_among(meeting, everybody(setup.size), parties, verdicts);
  if (machine.size() > 1) meeting.refusal_here = refusal_among(meeting, machine, parties, verdicts);
  meeting.mine = std::move(door.file);
  if (meeting.mine) meeting.mine->expect_sharers(meeting.ranks_with(setup.rank));
  return meeting;
}

}  // namespace rlx::shm
