#include "transports/shm/parties.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>

#include "rlx/error.hpp"

namespace rlx::shm {

namespace {

Rank rank_of(std::size_t index) { return Rank(static_cast<std::uint32_t>(index)); }

bool suits(std::span<const Verdict> verdicts, std::size_t members, std::size_t one,
           const std::vector<std::size_t>& others) {
  return std::ranges::all_of(others, [&](std::size_t other) {
    return verdicts[one * members + other].trouble == Trouble::none &&
           verdicts[other * members + one].trouble == Trouble::none;
  });
}

/// Places in a party, divided.
std::vector<std::vector<std::size_t>> divide(std::span<const Verdict> verdicts,
                                             std::size_t members) {
  std::vector<std::vector<std::size_t>> sets;
  for (std::size_t one = 0; one < members; ++one) {
    const auto found = std::ranges::find_if(
        sets, [&](const auto& others) { return suits(verdicts, members, one, others); });
    if (found == sets.end()) {
      sets.push_back({one});
    } else {
      found->push_back(one);
    }
  }
  return sets;
}

/// Numbers from 0 in the order in which they are first met.
std::vector<std::uint32_t> renumbered(std::span<const std::uint32_t> numbers) {
  std::map<std::uint32_t, std::uint32_t> known;
  std::vector<std::uint32_t> result;
  for (const std::uint32_t number : numbers)
    result.push_back(known.emplace(number, static_cast<std::uint32_t>(known.size())).first->second);
  return result;
}

}  // namespace

std::vector<Party> parties_of(std::span<const Card> cards) {
  using Key = std::tuple<std::array<char, 40>, std::uint64_t, std::uint32_t, std::uint32_t>;
  std::map<Key, std::size_t> known;
  std::vector<Party> parties;
  for (std::size_t i = 0; i < cards.size(); ++i) {
    const Card& card = cards[i];
    const Key key{card.identity.boot, card.identity.net_namespace, card.user, card.node};
    const bool can_share = card.problem[0] == 0;
    const auto [found, is_new] =
        can_share ? known.emplace(key, parties.size()) : std::pair(known.end(), true);
    if (is_new) parties.emplace_back();
    (is_new ? parties.back() : parties[found->second]).push_back(rank_of(i));
  }
  return parties;
}

Verdicts::Verdicts(std::span<const Party> parties) {
  std::size_t ranks = 0;
  for (const Party& party : parties) {
    row_ = std::max(row_, party.size());
    ranks += party.size();
  }
  rows_.resize(ranks * row_);
}

void Verdicts::add(std::span<const Verdict> rows) {
  for (std::size_t i = 0; i < rows_.size(); ++i)
    if (rows_[i].trouble == Trouble::none) rows_[i] = rows[i];
}

std::vector<Verdict> Verdicts::among(const Party& party) const {
  std::vector<Verdict> square;
  for (const Rank member : party) {
    const auto row = rows_.begin() + static_cast<std::ptrdiff_t>(member.index() * row_);
    square.insert(square.end(), row, row + static_cast<std::ptrdiff_t>(party.size()));
  }
  return square;
}

std::vector<std::uint32_t> nodes_of(std::span<const Party> parties, const Verdicts& verdicts) {
  std::size_t ranks = 0;
  for (const Party& party : parties) ranks += party.size();
  std::vector<std::uint32_t> nodes(ranks);
  std::uint32_t next = 0;
  for (const Party& party : parties) {
    for (const auto& set : divide(verdicts.among(party), party.size())) {
      for (const std::size_t place : set) nodes[party[place].index()] = next;
      ++next;
    }
  }
  return renumbered(nodes);
}

std::uint32_t pretended_node(std::string_view nodes, Rank rank) {
  std::vector<std::uint32_t> numbers;
  while (!nodes.empty()) {
    const std::string_view word = nodes.substr(0, nodes.find(','));
    std::uint32_t number = 0;
    const auto parsed = std::from_chars(word.data(), word.data() + word.size(), number);
    if (parsed.ec != std::errc{} || parsed.ptr != word.data() + word.size())
      throw CollectiveError(ErrorKind::InvalidArgument, "make_transport",
                            fmt::format("RLX_NODES names the node of each rank by numbers with "
                                        "commas, as 0,0,1: \"{}\" is none",
                                        word));
    numbers.push_back(number);
    nodes.remove_prefix(std::min(nodes.size(), word.size() + 1));
  }
  return numbers.empty() ? 0 : numbers[rank.index() % numbers.size()];
}

}  // namespace rlx::shm
