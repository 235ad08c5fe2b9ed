#include "collectives/describe.hpp"

#include <fmt/format.h>

#include <string_view>

namespace rlx::collectives {

namespace {

std::string_view name(Space space) {
  switch (space) {
    case Space::input:
      return "input";
    case Space::output:
      return "output";
    case Space::scratch:
      return "scratch";
    case Space::line:
      return "line";
    case Space::arrival:
      return "ARRIVE";
  }
  return "?";
}

std::string list(std::span<const Ref> refs, std::string_view separator) {
  std::string text;
  for (const Ref& ref : refs) {
    if (!text.empty()) text += separator;
    text += describe(ref);
  }
  return text;
}

std::string words(const Step& step) {
  if (step.span == 1) return fmt::format("word {}", step.word);
  return fmt::format("words {}..{}", step.word, step.word + step.span - 1);
}

std::string describe_put(const Schedule& schedule, const Step& step) {
  std::string text =
      fmt::format("put {} into {} of rank {}, word {} part {}", list(schedule.sources(step), ", "),
                  list(schedule.destinations(step), ", "), step.peer, step.word, step.part);
  if (step.arrive != kNoWord) text += fmt::format(" (its ARRIVE is in word {})", step.arrive);
  return text;
}

}  // namespace

std::string describe(const Group& group) {
  return fmt::format("{} rank{}{}", group.size, group.size == 1 ? "" : "s",
                     group.nodes == nullptr ? "" : " on nodes " + group.nodes->shape());
}

std::string describe(const Ref& ref) {
  if (ref.space == Space::arrival) return std::string(name(ref.space));
  const std::string owner = ref.peer == kMe ? "" : fmt::format("rank {}'s ", ref.peer);
  if (ref.count == 1) return fmt::format("{}{} {}", owner, name(ref.space), ref.chunk);
  return fmt::format("{}{} {}..{}", owner, name(ref.space), ref.chunk, ref.chunk + ref.count - 1);
}

std::string describe(const Schedule& schedule, const Step& step) {
  const std::string_view final = step.finalise ? ", finalised" : "";
  switch (step.kind) {
    case StepKind::put:
      return describe_put(schedule, step);
    case StepKind::signal:
      return fmt::format("signal rank {}, word {} part {}", step.peer, step.word, step.part);
    case StepKind::publish:
      return fmt::format("publish {}{}{} part {}", list(schedule.sources(step), ", "),
                         step.sources > 0 ? ", " : "", words(step), step.part);
    case StepKind::wait:
      return fmt::format("wait for {}{} part {} {} rank {}", step.published ? "published " : "",
                         words(step), step.part, step.published ? "of" : "from", step.peer);
    case StepKind::copy:
      return fmt::format("copy {} to {}{}", list(schedule.sources(step), ", "),
                         list(schedule.destinations(step), ", "), final);
    case StepKind::reduce:
      return fmt::format("reduce {} to {}{}", list(schedule.sources(step), " + "),
                         list(schedule.destinations(step), ", "), final);
  }
  return "?";
}

}  // namespace rlx::collectives
