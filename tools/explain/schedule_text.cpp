#include "tools/explain/schedule_text.hpp"

#include <fmt/format.h>

#include "collectives/describe.hpp"
#include "collectives/tuner.hpp"
#include "rlx/error.hpp"

namespace rlx::explain {

namespace {

using collectives::Algorithm;
using collectives::Collective;
using collectives::Cost;
using collectives::Schedule;

// What the predictions assume; the transport's own values are used when rlx runs.
constexpr collectives::LinkCost kLink{
    .latency_us = 2, .message_us = 0.2, .gigabytes_per_second = 10};
constexpr std::size_t kSlotBytes = std::size_t{512} << 10;
constexpr std::uint32_t kWindow = 4;

std::string predictions(const Algorithm& algorithm, const collectives::Group& group) {
  std::string text;
  for (const std::size_t bytes :
       {std::size_t{8}, std::size_t{4} << 10, std::size_t{256} << 10, std::size_t{16} << 20}) {
    collectives::TunerInput input;
    input.collective = algorithm.collective;
    input.ranks = group.size;
    input.nodes = group.nodes;
    input.count = bytes;
    input.slot_bytes = kSlotBytes;
    input.window = kWindow;
    input.link = kLink;
    input.forced = algorithm.name;
    collectives::Choice choice;
    try {
      choice = collectives::choose(input);
    } catch (const CollectiveError& error) {
      return text + fmt::format("    not with these slots: {}\n", error.details().message);
    }
    text += fmt::format("    n = {:>8} bytes: {:10.1f} us in {} piece{}\n", bytes,
                        choice.predicted_us, choice.pieces, choice.pieces == 1 ? "" : "s");
  }
  return text;
}

}  // namespace

std::string share(const Algorithm& algorithm, const Cost& cost, std::uint64_t chunks) {
  const std::uint32_t whole = algorithm.collective == Collective::all_reduce ? cost.chunks : 1;
  return fmt::format("{:.4g} n", static_cast<double>(chunks) / whole);
}

std::string describe_cost(const Algorithm& algorithm, const collectives::Group& group) {
  const Cost cost = algorithm.cost(group);
  std::string text =
      fmt::format("{} / {} on {}\n  {}\n  {}\n", to_string(algorithm.collective), algorithm.name,
                  describe(group), algorithm.summary, algorithm.reference);
  text += fmt::format("  rounds         {}", cost.rounds);
  if (cost.node_rounds > 0) text += fmt::format(" between nodes, {} within", cost.node_rounds);
  text += "\n";
  text += fmt::format("  sent           {} chunks, {}, by the busiest rank\n", cost.sent_chunks,
                      share(algorithm, cost, cost.sent_chunks));
  text += fmt::format("  along a chain  {} chunks, {}\n", cost.path_chunks,
                      share(algorithm, cost, cost.path_chunks));
  text += fmt::format("  messages       {} by the busiest rank\n", cost.messages);
  text += fmt::format("  reduced        {} chunks, copied {}\n", cost.reduced_chunks,
                      cost.copied_chunks);
  text += fmt::format("  memory         message in {} chunks, scratch of {}\n", cost.chunks,
                      cost.scratch_chunks);
  if (algorithm.collective == Collective::barrier) return text;
  text += fmt::format(
      "  predicted, at {} us, {} us a message and {} GB/s, slots of {} KiB, window {}:\n",
      kLink.latency_us, kLink.message_us, kLink.gigabytes_per_second, kSlotBytes >> 10, kWindow);
  return text + predictions(algorithm, group);
}

std::string describe_steps(const Schedule& schedule) {
  std::string text = fmt::format("rank {} of {}: {} steps, {} words, {} lane{}, {}\n",
                                 schedule.rank, schedule.ranks, schedule.steps.size(),
                                 schedule.words, schedule.lanes, schedule.lanes == 1 ? "" : "s",
                                 schedule.all_dependent ? "all-dependent" : "not all-dependent");
  for (std::size_t i = 0; i < schedule.steps.size(); ++i) {
    const collectives::Step& step = schedule.steps[i];
    const std::string lane = schedule.lanes == 1 ? "" : fmt::format("lane {}  ", step.lane);
    text += fmt::format("{:>5}  {}{}\n", i, lane, describe(schedule, step));
  }
  return text;
}

namespace {

std::string_view reach_text(collectives::Reach reach) {
  if (reach == collectives::Reach::load_store) return " [mapped memory]";
  return reach == collectives::Reach::nodes ? " [nodes]" : "";
}

}  // namespace

std::string list(Collective collective) {
  std::string text;
  for (const Algorithm& algorithm : collectives::algorithms())
    if (algorithm.collective == collective)
      text += fmt::format("{:<20}  {}{}\n", algorithm.name, algorithm.summary,
                          reach_text(algorithm.needs.reach));
  return text;
}

}  // namespace rlx::explain
