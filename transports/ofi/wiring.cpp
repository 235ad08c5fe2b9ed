#include "transports/ofi/wiring.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <utility>

namespace rlx::ofi {

namespace {

template <std::size_t N>
void copy_text(std::array<char, N>& to, std::string_view from) {
  std::copy_n(from.begin(), std::min(from.size(), N - 1), to.begin());
}

std::string number_list(std::span<const Rank> ranks) {
  constexpr std::size_t kShown = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(ranks.size(), kShown); ++i)
    text += fmt::format("{}{}", i == 0 ? "" : ", ", ranks[i].value());
  return ranks.size() > kShown ? text + ", ..." : text;
}

// By rank, a number that ranks of one network stack share.
std::vector<std::uint32_t> networks_of(std::span<const Card> cards) {
  std::map<std::pair<std::array<char, 40>, std::uint64_t>, std::uint32_t> known;
  std::vector<std::uint32_t> numbers;
  for (const Card& card : cards) {
    const std::pair key(card.identity.boot, card.identity.net_namespace);
    numbers.push_back(known.emplace(key, static_cast<std::uint32_t>(known.size())).first->second);
  }
  return numbers;
}

std::string agree_on_provider(std::span<const Card> cards) {
  std::uint32_t common = ~std::uint32_t{0};
  for (const Card& card : cards) common &= card.preferred;
  const std::string_view best = preferred_name(common);
  if (!best.empty()) return std::string(best);
  const std::string_view first = preferred_name(cards[0].preferred);
  std::vector<Rank> without;
  for (std::size_t i = 0; i < cards.size(); ++i) {
    const bool has = (cards[i].preferred & cards[0].preferred) != 0 && !first.empty();
    if (!has) without.emplace_back(static_cast<std::uint32_t>(i));
  }
  throw CollectiveError(
      ErrorKind::Unsupported, "ofi",
      fmt::format("no libfabric provider is common to all ranks: rank 0 would take {}; rank(s) {} "
                  "({}) have nothing in common with it; install the provider there or name one by "
                  "RLX_PROVIDER",
                  first.empty() ? "none" : first, number_list(without),
                  without.empty() ? "" : cards[without[0].index()].identity.host.data()),
      without);
}

}  // namespace

Card make_card(Fabric& fabric, const TransportSetup& setup) {
  Card card;
  card.identity = detail::ProcessIdentity::mine();
  card.addresses = local_addresses();
  copy_text(card.provider, setup.config->provider);
  copy_text(card.interface, setup.config->interface);
  if (setup.config->provider.empty()) card.preferred = preferred_mask(find_candidates(fabric, {}));
  return card;
}

Plan make_plan(std::span<const Card> cards, Rank me) {
  Plan plan;
  const std::string asked = cards[0].provider.data();
  plan.wish.provider = asked.empty() ? agree_on_provider(cards) : asked;
  plan.wish.interface = cards[0].interface.data();
  plan.reason = asked.empty() ? "the best provider that all ranks have"
                              : fmt::format("RLX_PROVIDER={}", asked);

  const auto networks = networks_of(cards);
  const std::uint32_t mine = networks[me.index()];
  plan.nodes = *std::max_element(networks.begin(), networks.end()) + std::size_t{1};
  const auto before = networks.begin() + me.value();
  plan.wish.local_rank = static_cast<std::size_t>(std::count(networks.begin(), before, mine));
  plan.speaks = plan.wish.local_rank == 0;

  std::vector<Neighbour> neighbours;
  for (std::size_t i = 0; i < cards.size(); ++i)
    neighbours.push_back({cards[i].addresses, networks[i]});
  const AddressChoice choice = choose_address(neighbours, me.index(), plan.wish.interface);
  (choice.address.valid() ? plan.wish.address : plan.wish.problem) =
      choice.address.valid() ? choice.address.text() : choice.reason;
  plan.reason += "; " + choice.reason;
  return plan;
}

Report make_report(const Candidate& candidate, std::span<const std::byte> address) {
  Report report;
  if (address.size() > report.address.size()) {
    throw CollectiveError(ErrorKind::Unsupported, "ofi",
                          fmt::format("addresses of provider {} have {} bytes, more than {}",
                                      candidate.name(), address.size(), report.address.size()));
  }
  report.opened = 1;
  report.protocol = candidate.protocol.protocol;
  copy_text(report.provider, candidate.name());
  report.address_length = static_cast<std::uint8_t>(address.size());
  std::copy(address.begin(), address.end(), report.address.begin());
  return report;
}

Report make_report(const CollectiveError& error) {
  Report report;
  report.kind = error.kind();
  copy_text(report.problem, error.what());
  return report;
}

void check_reports(std::span<const Report> reports) {
  std::vector<Rank> failed;
  std::vector<Rank> different;
  for (std::size_t i = 0; i < reports.size(); ++i) {
    const Rank rank(static_cast<std::uint32_t>(i));
    const Report& report = reports[i];
    if (report.opened == 0) {
      failed.push_back(rank);
    } else if (report.provider != reports[0].provider || report.protocol != reports[0].protocol) {
      different.push_back(rank);
    }
  }
  if (!failed.empty()) {
    const Report& first = reports[failed[0].index()];
    const std::string who = failed.size() == reports.size()
                                ? std::string("no rank")
                                : fmt::format("rank(s) {}", number_list(failed));
    throw CollectiveError(
        first.kind, "ofi",
        fmt::format("{} {} use the provider that rank 0 chose: {}", who,
                    failed.size() == reports.size() ? "can" : "can not", first.problem.data()),
        failed);
  }
  if (different.empty()) return;
  const Report& other = reports[different[0].index()];
  throw CollectiveError(
      ErrorKind::Unsupported, "ofi",
      fmt::format("rank 0 opened provider {} with {}, rank(s) {} opened {} with {}: use the same "
                  "libfabric version everywhere or name a provider by RLX_PROVIDER",
                  reports[0].provider.data(), to_string(reports[0].protocol),
                  number_list(different), other.provider.data(), to_string(other.protocol)),
      different);
}

}  // namespace rlx::ofi
