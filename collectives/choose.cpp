// What decides, in this order: a name (RLX_ALGORITHM), what was measured here (TuningTable), the
// cost model. All of it from values that are equal on all ranks, so that all ranks choose alike
// (rule 8).

#include <fmt/format.h>

#include <algorithm>

#include "collectives/cost_model.hpp"
#include "collectives/describe.hpp"
#include "collectives/tuner.hpp"
#include "rlx/error.hpp"

namespace rlx::collectives {

namespace {

constexpr std::size_t kLine = 64;

bool reaches(const Algorithm& algorithm, const TunerInput& input) {
  switch (algorithm.needs.reach) {
    case Reach::messages:
      return true;
    case Reach::load_store:
      return input.load_store;
    case Reach::nodes:
      return input.nodes != nullptr && input.nodes->mixed();
  }
  return false;
}

// Whether a line of every scratch chunk fits a slot.
bool fits(const Algorithm& algorithm, const TunerInput& input) {
  const std::size_t line = std::max(kLine, input.element_bytes);
  return algorithm.cost(group_of(input)).scratch_chunks * line <= input.slot_bytes;
}

bool can_run(const Algorithm& algorithm, const TunerInput& input) {
  return reaches(algorithm, input) && algorithm.supports(group_of(input)) && fits(algorithm, input);
}

// Why not; for an algorithm that can not run.
std::string obstacle(const Algorithm& algorithm, const TunerInput& input) {
  if (!reaches(algorithm, input) && algorithm.needs.reach == Reach::nodes)
    return fmt::format(
        "{} is for several nodes, on some of which ranks map each other's memory; it runs over the "
        "hybrid transport",
        algorithm.name);
  if (!reaches(algorithm, input))
    return fmt::format(
        "{} loads and stores peers' memory, which this transport does not map; it runs among "
        "threads and over the shm transport",
        algorithm.name);
  if (!algorithm.supports(group_of(input)))
    return fmt::format(
        "{} does not support {}: its schedule would need more than 64 words or 4095 parts of one",
        algorithm.name, describe(group_of(input)));
  return fmt::format(
      "{} on {} ranks needs {} scratch chunks, and a slot of {} bytes does not hold a line of "
      "each; "
      "raise RLX_SLOT",
      algorithm.name, input.ranks, algorithm.cost(group_of(input)).scratch_chunks,
      input.slot_bytes);
}

[[noreturn]] void refuse(ErrorKind kind, Collective collective, std::string message) {
  throw CollectiveError(kind, std::string(to_string(collective)), std::move(message));
}

const Algorithm& forced(const TunerInput& input) {
  const Algorithm* algorithm = find_algorithm(input.collective, input.forced);
  if (algorithm == nullptr) {
    std::string known;
    for (const Algorithm& one : algorithms())
      if (one.collective == input.collective) known += fmt::format(" {}", one.name);
    refuse(ErrorKind::InvalidArgument, input.collective,
           fmt::format("there is no algorithm \"{}\" for {}; there are:{} (RLX_ALGORITHM)",
                       input.forced, to_string(input.collective), known));
  }
  if (!can_run(*algorithm, input))
    refuse(ErrorKind::Unsupported, input.collective, obstacle(*algorithm, input));
  return *algorithm;
}

// The one that the cost model takes for the fastest.
Choice fastest(const TunerInput& input) {
  Choice best;
  for (const Algorithm& algorithm : algorithms()) {
    if (algorithm.collective != input.collective || !can_run(algorithm, input)) continue;
    if (algorithm.needs.network && input.load_store) continue;
    const Choice choice = predict(input, algorithm);
    if (best.algorithm == nullptr || choice.predicted_us < best.predicted_us) best = choice;
  }
  if (best.algorithm == nullptr)
    refuse(ErrorKind::Unsupported, input.collective,
           fmt::format("no algorithm runs on {} ranks with slots of {} bytes; raise RLX_SLOT",
                       input.ranks, input.slot_bytes));
  return best;
}

Choice decided_by(Rule rule, Choice choice, TuningAnswer answer) {
  choice.rule = rule;
  choice.why = std::move(answer.why);
  choice.stream_from = answer.stream_from;
  return choice;
}

TuningAnswer ask_table(const TunerInput& input) {
  if (input.tuning == nullptr) return {};
  return input.tuning->look_up(tuning_key(input), input.count * input.element_bytes);
}

}  // namespace

std::string_view to_string(Rule rule) {
  switch (rule) {
    case Rule::forced:
      return "forced";
    case Rule::table:
      return "table";
    case Rule::cost_model:
      break;
  }
  return "cost model";
}

TuningKey tuning_key(const TunerInput& input) {
  const auto kind = [&](bool is_private) {
    return is_private ? MemoryKind::private_memory : MemoryKind::heap;
  };
  TuningKey key{.collective = input.collective,
                .ranks = input.ranks,
                .topology = std::string(input.topology)};
  if (input.collective == Collective::barrier) return key;
  key.input = kind(input.private_input);
  key.output = kind(input.private_output);
  key.in_place = input.in_place;
  return key;
}

Choice choose(const TunerInput& input) {
  TuningAnswer answer = ask_table(input);
  if (!input.forced.empty())
    return decided_by(Rule::forced, predict(input, forced(input)), std::move(answer));
  TunerInput free = input;
  free.forced_piece_bytes = 0;
  if (answer.crossover == nullptr)
    return decided_by(Rule::cost_model, fastest(free), std::move(answer));
  // parse() knows all names, put() takes any.
  const Algorithm* measured = find_algorithm(input.collective, answer.crossover->algorithm);
  if (measured == nullptr || !can_run(*measured, input)) {
    answer.why += fmt::format(", but {}", measured == nullptr ? "there is no such algorithm"
                                                              : obstacle(*measured, input));
    return decided_by(Rule::cost_model, fastest(free), std::move(answer));
  }
  free.forced_piece_bytes = answer.crossover->piece_bytes;
  return decided_by(Rule::table, predict(free, *measured), std::move(answer));
}

std::vector<Alternative> alternatives(const TunerInput& input) {
  TunerInput free = input;
  free.forced_piece_bytes = 0;
  std::vector<Alternative> all;
  for (const Algorithm& algorithm : algorithms()) {
    if (algorithm.collective != input.collective) continue;
    Alternative one{.algorithm = &algorithm};
    if (can_run(algorithm, input))
      one.choice = predict(free, algorithm);
    else
      one.obstacle = obstacle(algorithm, input);
    all.push_back(std::move(one));
  }
  return all;
}

std::string_view forced_algorithm(std::string_view config, Collective collective) {
  std::string_view general;
  while (!config.empty()) {
    const std::size_t comma = config.find(',');
    const std::string_view item = config.substr(0, comma);
    config.remove_prefix(comma == std::string_view::npos ? config.size() : comma + 1);
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos) {
      general = item;
    } else if (item.substr(0, equals) == to_string(collective)) {
      return item.substr(equals + 1);
    }
  }
  // A bare name holds for the collectives that have it. One that nobody has is a mistake, which
  // choose() reports.
  const auto known = [&](const Algorithm& one) { return one.name == general; };
  const bool somewhere = std::any_of(algorithms().begin(), algorithms().end(), known);
  if (somewhere && find_algorithm(collective, general) == nullptr) return {};
  return general;
}

}  // namespace rlx::collectives
