#include "collectives/verifier/mutants.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "collectives/describe.hpp"
#include "collectives/spaces.hpp"

namespace rlx::collectives::verifier {

namespace {

bool is_signal(const Step& step) {
  return step.kind == StepKind::put || step.kind == StepKind::signal ||
         step.kind == StepKind::publish;
}

std::string name(const Schedules& schedules, std::uint32_t rank, std::size_t step) {
  return fmt::format("rank {} step {} ({})", rank, step,
                     describe(schedules[rank], schedules[rank].steps[step]));
}

template <class F>
void for_each_step(const Schedules& schedules, F f) {
  for (std::uint32_t rank = 0; rank < schedules.size(); ++rank)
    for (std::size_t step = 0; step < schedules[rank].steps.size(); ++step) f(rank, step);
}

// The signal of this writer to that word that has the highest part.
struct Feed {
  std::uint32_t target;
  std::uint16_t word;
  std::uint32_t writer;
  std::uint16_t lane;
  std::uint16_t parts;
  StepKind kind;  // that goes on with it
};

std::vector<Feed> feeds_of(const Schedules& schedules) {
  std::vector<Feed> feeds;
  for_each_step(schedules, [&](std::uint32_t rank, std::size_t number) {
    const Step& step = schedules[rank].steps[number];
    if (!is_signal(step)) return;
    const auto known = std::find_if(feeds.begin(), feeds.end(), [&](const Feed& feed) {
      return feed.target == step.peer && feed.word == step.word;
    });
    if (known == feeds.end()) {
      const bool publishes = step.kind == StepKind::publish;
      feeds.push_back({step.peer, step.word, rank, step.lane, step.part,
                       publishes ? StepKind::publish : StepKind::signal});
    } else {
      known->parts = std::max(known->parts, step.part);
    }
  });
  return feeds;
}

void append(Schedule& schedule, StepKind kind, std::uint32_t peer, const Feed& feed) {
  Step& step = schedule.steps.emplace_back();
  step.kind = kind;
  step.lane = feed.lane;
  step.peer = peer;
  step.word = feed.word;
  step.part = static_cast<std::uint16_t>(feed.parts + 1);
  schedule.words = std::max<std::uint16_t>(schedule.words, feed.word + 1);
}

// The waits for a message of `writer`, wherever they are.
void erase_waits(Schedules& schedules, std::uint32_t writer, const Step& message) {
  const bool published = message.kind == StepKind::publish;
  for (Schedule& schedule : schedules) {
    if (!published && schedule.rank != message.peer) continue;
    std::erase_if(schedule.steps, [&](const Step& step) {
      return step.kind == StepKind::wait && step.published == published && step.peer == writer &&
             step.word == message.word && step.part == message.part;
    });
  }
}

// Everything that a step could point at instead.
/// Whether a wait for another word that the same rank publishes, and that this one awaits nowhere
/// else, is no fault: what is published later says all that was said before.
bool says_as_much(const Schedules& schedules, std::uint32_t rank, const Step& wait,
                  std::uint16_t word) {
  if (wait.kind != StepKind::wait || !wait.published) return false;
  const auto awaits = [&](const Step& step) {
    return step.kind == StepKind::wait && step.peer == wait.peer && step.word == word;
  };
  if (std::ranges::any_of(schedules[rank].steps, awaits)) return false;
  bool said = false;
  for (const Step& step : schedules[wait.peer].steps) {
    if (step.kind != StepKind::publish) continue;
    if (step.word == word) return said;
    said = said || step.word == wait.word;
  }
  return false;
}

void retarget_step(const Schedules& schedules, std::uint32_t rank, std::size_t number,
                   const Visit& visit) {
  const Schedule& schedule = schedules[rank];
  const Step& step = schedule.steps[number];
  Schedules mutant = schedules;
  Step& changed = mutant[rank].steps[number];
  const auto show = [&](std::string_view what, std::uint32_t to) {
    visit(fmt::format("{}: {} {} instead", name(schedules, rank, number), what, to), mutant);
    changed = step;
  };
  if (step.kind == StepKind::copy || step.kind == StepKind::reduce) return;
  for (std::uint32_t peer = 0; peer < schedules.size(); ++peer) {
    if (peer == step.peer) continue;
    changed.peer = peer;
    show("rank", peer);
  }
  for (std::uint16_t word = 0; word <= schedule.words; ++word) {
    if (word == step.word || word >= kWordsPerSet) continue;
    if (says_as_much(schedules, rank, step, word)) continue;
    changed.word = word;
    show("word", word);
  }
  if (step.kind == StepKind::wait) {
    changed.part = static_cast<std::uint16_t>(step.part + 1);
    show("part", changed.part);
  }
  for (std::uint16_t word = 0; step.arrive != kNoWord && word <= schedule.words; ++word) {
    if (word == step.arrive) continue;
    changed.arrive = word;
    show("ARRIVE word", word);
  }
}

std::uint32_t next_peer(const Schedule& schedule, std::uint32_t peer) {
  do peer = (peer + 1) % schedule.ranks;
  while (peer == schedule.rank);
  return peer;
}

void retarget_operands(const Schedules& schedules, std::uint32_t rank, std::size_t number,
                       const Visit& visit) {
  const Schedule& schedule = schedules[rank];
  const Step& step = schedule.steps[number];
  Schedules mutant = schedules;
  for (std::uint32_t i = 0; i < std::uint32_t{step.destinations} + step.sources; ++i) {
    const Ref& ref = schedule.operands[step.operands + i];
    if (ref.space == Space::arrival) continue;
    Ref& changed = mutant[rank].operands[step.operands + i];
    const auto show = [&] {
      if (changed == ref) return;
      visit(fmt::format("{}: {} instead of {}", name(schedules, rank, number), describe(changed),
                        describe(ref)),
            mutant);
      changed = ref;
    };
    if (ref.space != Space::line) changed.chunk = (ref.chunk + 1) % chunks_of(schedule, ref.space);
    show();
    if (ref.peer == kMe) continue;
    changed.peer = next_peer(schedule, ref.peer);
    show();
  }
}

void drop_message(const Schedules& schedules, std::uint32_t rank, std::size_t number,
                  const Visit& visit) {
  const Step dropped = schedules[rank].steps[number];
  Schedules mutant = schedules;
  mutant[rank].steps.erase(mutant[rank].steps.begin() + static_cast<std::ptrdiff_t>(number));
  erase_waits(mutant, rank, dropped);
  visit(name(schedules, rank, number) + " and its wait left out", mutant);
}

}  // namespace

void delete_steps(const Schedules& schedules, const Visit& visit) {
  for_each_step(schedules, [&](std::uint32_t rank, std::size_t number) {
    Schedules mutant = schedules;
    mutant[rank].steps.erase(mutant[rank].steps.begin() + static_cast<std::ptrdiff_t>(number));
    visit(name(schedules, rank, number) + " left out", mutant);
  });
}

void double_steps(const Schedules& schedules, const Visit& visit) {
  for_each_step(schedules, [&](std::uint32_t rank, std::size_t number) {
    Schedules mutant = schedules;
    const Step again = schedules[rank].steps[number];
    mutant[rank].steps.insert(mutant[rank].steps.begin() + static_cast<std::ptrdiff_t>(number),
                              again);
    visit(name(schedules, rank, number) + " done twice", mutant);
  });
}

void retarget_steps(const Schedules& schedules, const Visit& visit) {
  for_each_step(schedules, [&](std::uint32_t rank, std::size_t number) {
    retarget_step(schedules, rank, number, visit);
    retarget_operands(schedules, rank, number, visit);
  });
}

void share_words(const Schedules& schedules, const Visit& visit) {
  for (const Feed& feed : feeds_of(schedules)) {
    for (std::uint32_t second = 0; second < schedules.size(); ++second) {
      if (second == feed.target || second == feed.writer) continue;
      Schedules mutant = schedules;
      append(mutant[second], StepKind::signal, feed.target, feed);
      append(mutant[feed.target], StepKind::wait, second, feed);
      visit(fmt::format("word {} of rank {} written by ranks {} and {}", feed.word, feed.target,
                        feed.writer, second),
            mutant);
    }
  }
}

void add_unawaited(const Schedules& schedules, const Visit& visit) {
  for (const Feed& feed : feeds_of(schedules)) {
    Schedules mutant = schedules;
    append(mutant[feed.writer], feed.kind, feed.target, feed);
    visit(fmt::format("word {} of rank {} signalled once more by rank {}", feed.word, feed.target,
                      feed.writer),
          mutant);
    Feed fresh = feed;
    fresh.word = schedules[feed.target].words;
    fresh.parts = 0;
    if (feed.word != 0 || fresh.word >= kWordsPerSet) continue;
    mutant = schedules;
    append(mutant[feed.writer], feed.kind, feed.target, fresh);
    visit(fmt::format("unused word {} of rank {} signalled by rank {}", fresh.word, feed.target,
                      feed.writer),
          mutant);
  }
}

void elide_empty(const Schedules& schedules, const std::vector<Payload>& payloads,
                 const Visit& visit) {
  std::uint32_t kinds = 0;
  for (const Payload& payload : payloads) kinds = std::max(kinds, payload.chunk + 1);
  for (std::uint32_t chunk = 0; chunk < kinds; ++chunk) {
    Schedules mutant = schedules;
    std::size_t elided = 0;
    for (auto payload = payloads.rbegin(); payload != payloads.rend(); ++payload) {
      if (payload->chunk != chunk) continue;
      mutant[payload->rank].steps[payload->step].part = 0;  // marked
      ++elided;
    }
    for (Schedule& schedule : mutant)
      std::erase_if(schedule.steps,
                    [](const Step& step) { return is_signal(step) && step.part == 0; });
    if (elided > 0) visit(fmt::format("{} puts of empty chunk {} elided", elided, chunk), mutant);
  }
  if (!payloads.empty()) return;
  for (std::uint16_t word = 0; word < schedules[0].words; ++word) {
    Schedules mutant = schedules;
    for (Schedule& schedule : mutant)
      std::erase_if(schedule.steps,
                    [&](const Step& step) { return is_signal(step) && step.word == word; });
    visit(fmt::format("all empty messages to word {} elided", word), mutant);
  }
}

void drop_arrivals(const Schedules& schedules, const Visit& visit) {
  for_each_step(schedules, [&](std::uint32_t rank, std::size_t number) {
    const Step& step = schedules[rank].steps[number];
    if (is_signal(step) && step.sources > 0 &&
        schedules[rank].sources(step)[0].space == Space::arrival)
      drop_message(schedules, rank, number, visit);
  });
}

void drop_exits(const Schedules& schedules, const Visit& visit) {
  for_each_step(schedules, [&](std::uint32_t rank, std::size_t number) {
    const Step& step = schedules[rank].steps[number];
    if (is_signal(step) && step.sources == 0) drop_message(schedules, rank, number, visit);
  });
}

}  // namespace rlx::collectives::verifier
