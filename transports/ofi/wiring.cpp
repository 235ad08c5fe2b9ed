#include "transports/ofi/wiring.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <utility>

#include "lib/base/fnv.hpp"

namespace rlx::ofi {

namespace {

std::string number_list(std::span<const Rank> ranks) {
  constexpr std::size_t kShown = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(ranks.size(), kShown); ++i)
    text += fmt::format("{}{}", i == 0 ? "" : ", ", ranks[i].value());
  return ranks.size() > kShown ? text + ", ..." : text;
}

std::vector<std::uint32_t> networks_of(std::span<const Card> cards) {
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint32_t> known;
  std::vector<std::uint32_t> numbers;
  for (const Card& card : cards) {
    const std::pair key(card.machine, card.net_namespace);
    numbers.push_back(known.emplace(key, static_cast<std::uint32_t>(known.size())).first->second);
  }
  return numbers;
}

/// What Config asks for, as one text.
struct Asked {
  std::string provider;
  std::string interface;
  std::uint32_t rails = 1;

  [[nodiscard]] std::string text() const {
    return fmt::format("{}\n{}\n{}", provider, interface, rails);
  }
  [[nodiscard]] static Asked of(const Config& config) {
    return {config.provider, config.interface, config.rails};
  }
  [[nodiscard]] static Asked of(const std::string& text) {
    const std::size_t first = text.find('\n');
    const std::size_t second = text.find('\n', first + 1);
    return {text.substr(0, first), text.substr(first + 1, second - first - 1),
            static_cast<std::uint32_t>(std::stoul(text.substr(second + 1)))};
  }
};

Asked agree_on_wish(const TransportSetup& setup, std::span<const Card> cards) {
  const Asked mine = Asked::of(*setup.config);
  const bool alike =
      std::ranges::all_of(cards, [&](const Card& card) { return card.asked == cards[0].asked; });
  return alike ? mine : Asked::of(exchange_texts(setup, mine.text())[0]);
}

[[noreturn]] void throw_nothing_common(const TransportSetup& setup, std::span<const Card> cards) {
  const std::string_view first = preferred_name(cards[0].preferred);
  std::vector<Rank> without;
  for (std::size_t i = 0; i < cards.size(); ++i) {
    const bool has = (cards[i].preferred & cards[0].preferred) != 0 && !first.empty();
    if (!has) without.emplace_back(static_cast<std::uint32_t>(i));
  }
  const auto hosts = exchange_texts(setup, detail::ProcessIdentity::mine().host.data());
  throw CollectiveError(
      ErrorKind::Unsupported, "ofi",
      fmt::format("no libfabric provider is common to all ranks: rank 0 would take {}; rank(s) {} "
                  "({}) have nothing in common with it; install the provider there or name one by "
                  "RLX_PROVIDER",
                  first.empty() ? "none" : first, number_list(without),
                  without.empty() ? "" : hosts[without[0].index()]),
      without);
}

std::string agree_on_provider(const TransportSetup& setup, std::span<const Card> cards) {
  std::uint32_t common = ~std::uint32_t{0};
  for (const Card& card : cards) common &= card.preferred;
  const std::string_view best = preferred_name(common);
  if (best.empty()) throw_nothing_common(setup, cards);
  return std::string(best);
}

std::vector<std::string> interfaces_asked_for(const Asked& asked) {
  std::vector<std::string> names = names_in(asked.interface);
  if (names.size() <= kMostRails) return names;
  throw CollectiveError(
      ErrorKind::InvalidArgument, "ofi",
      fmt::format("RLX_INTERFACE={} names {} interfaces; a rank has at most {} rails",
                  asked.interface, names.size(), kMostRails));
}

/// Ranks of one network stack have the same addresses: one stands for all of them.
std::vector<AddressChoice> addresses_for(std::span<const Card> cards,
                                         std::span<const std::uint32_t> networks, Rank me,
                                         std::span<const std::string> names, std::size_t rails) {
  std::vector<Neighbour> neighbours;
  for (std::size_t i = 0; i < cards.size(); ++i)
    if (networks[i] == neighbours.size())
      neighbours.push_back({unpack(cards[i].addresses), networks[i]});
  const std::uint32_t mine = networks[me.index()];
  neighbours[mine].addresses = local_addresses();  // those with names
  return choose_addresses(neighbours, mine, names, rails);
}

}  // namespace

Card make_card(Fabric& fabric, const TransportSetup& setup) {
  const auto me = detail::ProcessIdentity::mine();
  Card card;
  card.machine = detail::fnv1a(std::string_view(me.boot.data()));
  card.pid_namespace = me.pid_namespace;
  card.net_namespace = me.net_namespace;
  card.start_time = me.start_time;
  card.pid = me.pid;
  card.asked = detail::fnv1a(Asked::of(*setup.config).text());
  card.addresses = pack(local_addresses());
  if (setup.config->provider.empty()) card.preferred = preferred_mask(find_candidates(fabric, {}));
  return card;
}

Plan make_plan(const TransportSetup& setup, std::span<const Card> cards) {
  Plan plan;
  const Asked asked = agree_on_wish(setup, cards);
  const std::string provider =
      asked.provider.empty() ? agree_on_provider(setup, cards) : asked.provider;
  const std::vector<std::string> names = interfaces_asked_for(asked);
  plan.reason = asked.provider.empty() ? "the best provider that all ranks have"
                                       : fmt::format("RLX_PROVIDER={}", provider);
  plan.networks = networks_of(cards);
  const Rank me = setup.rank;
  const std::uint32_t mine = plan.networks[me.index()];
  plan.nodes = *std::max_element(plan.networks.begin(), plan.networks.end()) + std::size_t{1};
  const auto before = plan.networks.begin() + me.value();
  const auto local_rank = static_cast<std::size_t>(std::count(plan.networks.begin(), before, mine));
  plan.speaks = local_rank == 0;

  const std::size_t rails =
      std::clamp<std::size_t>(asked.rails, std::max<std::size_t>(names.size(), 1), kMostRails);
  const auto choices = addresses_for(cards, plan.networks, me, names, rails);
  for (std::size_t rail = 0; rail < rails; ++rail) {
    const AddressChoice& choice = choices[rail];
    Wish wish{.provider = provider, .place = local_rank * rails + rail};
    (choice.address.valid() ? wish.address : wish.problem) =
        choice.address.valid() ? choice.address.text() : choice.reason;
    if (!names.empty()) wish.interface = names[rail % names.size()];
    plan.rails.push_back(std::move(wish));
  }
  plan.reason += "; " + choices[0].reason;
  return plan;
}

Report make_report(const Candidate& candidate, const RailNames& names, std::uint32_t interfaces) {
  Report report;
  report.provider = detail::fnv1a(candidate.name());
  report.opened = 1;
  report.protocol = candidate.protocol.protocol;
  report.rails = static_cast<std::uint8_t>(names.size());
  report.interfaces = interfaces;
  const auto& address = names[0];
  const bool alike =
      std::ranges::all_of(names, [&](const auto& name) { return name.size() == address.size(); });
  if (!alike || address.size() > 0xffff)
    throw CollectiveError(ErrorKind::Unsupported, "ofi",
                          fmt::format("the rails of provider {} have addresses of different kinds; "
                                      "name interfaces by RLX_INTERFACE",
                                      candidate.name()));
  report.address_bytes = static_cast<std::uint16_t>(address.size());
  if (names.size() == 1 && address.size() <= report.address.size())
    std::copy(address.begin(), address.end(), report.address.begin());
  return report;
}

Report make_report(const CollectiveError& error) {
  Report report;
  report.kind = error.kind();
  return report;
}

void check_reports(const TransportSetup& setup, std::span<const Report> reports,
                   std::string_view mine) {
  std::vector<Rank> failed;
  std::vector<Rank> different;
  const Report& first = reports[0];
  for (std::size_t i = 0; i < reports.size(); ++i) {
    const Rank rank(static_cast<std::uint32_t>(i));
    const Report& report = reports[i];
    const bool same = report.provider == first.provider && report.protocol == first.protocol &&
                      report.rails == first.rails;
    if (report.opened == 0) {
      failed.push_back(rank);
    } else if (!same) {
      different.push_back(rank);
    }
  }
  if (failed.empty() && different.empty()) return;
  const auto texts = exchange_texts(setup, mine);
  if (!failed.empty()) {
    const bool everybody = failed.size() == reports.size();
    throw CollectiveError(
        reports[failed[0].index()].kind, "ofi",
        fmt::format("{} {} use the provider that rank 0 chose: {}",
                    everybody ? "no rank" : fmt::format("rank(s) {}", number_list(failed)),
                    everybody ? "can" : "can not", texts[failed[0].index()]),
        failed);
  }
  const std::size_t other = different[0].index();
  const auto opened = [&](std::size_t rank) {
    return fmt::format("{} with {}{}", texts[rank], to_string(reports[rank].protocol),
                       reports[rank].rails == first.rails && first.rails == 1
                           ? ""
                           : fmt::format(" by {} rail(s)", reports[rank].rails));
  };
  throw CollectiveError(
      ErrorKind::Unsupported, "ofi",
      fmt::format("rank 0 opened provider {}, rank(s) {} opened {}: use the same libfabric version "
                  "everywhere or name a provider by RLX_PROVIDER",
                  opened(0), number_list(different), opened(other)),
      different);
}

}  // namespace rlx::ofi
