#include "tools/explain/why.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rlx::explain {

namespace {

using collectives::Alternative;
using collectives::Choice;
using collectives::Collective;
using collectives::MemoryKind;
using collectives::TunerInput;

// What the transports declare: memory that is mapped, and TCP.
constexpr collectives::LinkCost kMapped{
    .latency_us = 0.15, .message_us = 0.02, .gigabytes_per_second = 10};
constexpr collectives::LinkCost kTcp{.latency_us = 2, .message_us = 3, .gigabytes_per_second = 4.5};
constexpr std::string_view kUsualProvider = "tcp;ofi_rxm";
constexpr std::size_t kFloat = 4;

bool is_mapped(const Question& question) {
  return question.nodes == nullptr ? question.over == Over::shm : question.nodes->count() == 1;
}

// As communicators: those of mapped memory tell each other.
collectives::CacheLayout caches_of(const Question& question) {
  return is_mapped(question) ? question.caches : collectives::CacheLayout::mesh;
}

std::string topology(const Question& question) {
  if (is_mapped(question)) return std::string(collectives::kMappedTopology);
  const std::string provider =
      question.config.provider.empty() ? std::string(kUsualProvider) : question.config.provider;
  if (question.nodes != nullptr && question.nodes->mixed())
    return fmt::format("hybrid:{}, {}", provider, question.nodes->shape());
  return fmt::format("ofi:{}", provider);
}

TunerInput input_of(const Question& question, const std::string& topology) {
  const bool mapped = is_mapped(question);
  const bool is_private = question.memory == MemoryKind::private_memory;
  const std::size_t element = question.bytes % kFloat == 0 ? kFloat : 1;
  const bool crowded = question.cores > 0 && question.cores < question.ranks;
  const collectives::LinkCost link = mapped ? kMapped : kTcp;
  return {.collective = question.collective,
          .ranks = question.ranks,
          .nodes = mapped ? nullptr : question.nodes,
          .count = question.bytes / element,
          .element_bytes = element,
          .slot_bytes = question.config.slot_bytes,
          .window = question.config.window,
          .link = crowded ? collectives::in_turns(link) : link,
          .load_store = mapped,
          .memory = &collectives::memory_cost(caches_of(question)),
          .single_copy = mapped && question.config.single_copy,
          .in_place = question.in_place,
          .private_input = is_private,
          .private_output = is_private,
          .forced = collectives::forced_algorithm(question.config.algorithm, question.collective),
          .tuning = question.tuning,
          .topology = topology};
}

std::string pieces_text(std::uint32_t pieces) {
  return fmt::format("{} piece{}", pieces, pieces == 1 ? "" : "s");
}

std::string rule_text(const Question& question, const Choice& choice) {
  std::string text = fmt::format("chosen: {} in {}, by the rule: {}\n", choice.algorithm->name,
                                 pieces_text(choice.pieces), to_string(choice.rule));
  if (choice.rule == collectives::Rule::forced)
    text += fmt::format("  RLX_ALGORITHM={}\n", question.config.algorithm);
  if (question.tuning == nullptr) return text + "  there is no table (RLX_TUNING)\n";
  text += fmt::format("  {} ({} entries)\n  {}\n", question.file, question.tuning->entries().size(),
                      choice.why);
  if (!choice.stream_from) return text;
  if (*choice.stream_from == collectives::kNoLimit)
    return text + "  results are never written past the caches\n";
  return text +
         fmt::format("  results are written past the caches from {} bytes\n", *choice.stream_from);
}

std::string line_of(const Alternative& one, const Choice& choice) {
  const bool chosen = one.algorithm == choice.algorithm;
  if (!one.obstacle.empty())
    return fmt::format("  {:<20}  not considered: {}\n", one.algorithm->name, one.obstacle);
  const Choice& shown = chosen ? choice : one.choice;
  return fmt::format("{} {:<20} {:12.2f}  {}{}\n", chosen ? '*' : ' ', one.algorithm->name,
                     shown.predicted_us, pieces_text(shown.pieces),
                     shown.stages_input || shown.stages_output ? ", staged" : "");
}

}  // namespace

std::string why(const Question& question) {
  const std::string where = topology(question);
  const TunerInput input = input_of(question, where);
  const Choice choice = choose(input);
  std::string text = fmt::format(
      "{}: {} bytes of {}\n", to_string(tuning_key(input)), question.bytes,
      question.collective == Collective::all_reduce ? "the vector" : "one rank's block");
  text += rule_text(question, choice);
  text += fmt::format(
      "\npredicted, at {:.3g} us, {:.3g} us a message and {:.3g} GB/s, slots of {} bytes, window "
      "{}, caches: {}:\n"
      "  {:<20} {:>12}  cut into\n",
      input.link.latency_us, input.link.message_us, input.link.gigabytes_per_second,
      input.slot_bytes, input.window, to_string(caches_of(question)), "algorithm", "us");
  std::vector<Alternative> all = alternatives(input);
  std::ranges::stable_sort(all, {}, [](const Alternative& one) {
    return std::pair(!one.obstacle.empty(), one.choice.predicted_us);
  });
  for (const Alternative& one : all)
    if (input.nodes != nullptr || one.algorithm->needs.reach != collectives::Reach::nodes)
      text += line_of(one, choice);
  return text;
}

}  // namespace rlx::explain
