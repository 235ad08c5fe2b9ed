#include "collectives/splice.hpp"

#include <algorithm>

#include "rlx/error.hpp"

namespace rlx::collectives {

namespace {

[[noreturn]] void refuse(const char* why) {
  throw CollectiveError(ErrorKind::Internal, "splice", why);
}

/// Ranks to which my ARRIVE went, and those whose ARRIVE was awaited, in any part.
struct Arrivals {
  std::vector<std::uint32_t> told;
  std::vector<std::uint32_t> seen;

  /// Whether the rank is new.
  static bool add(std::vector<std::uint32_t>& ranks, std::uint32_t rank) {
    if (std::ranges::find(ranks, rank) != ranks.end()) return false;
    ranks.push_back(rank);
    return true;
  }
};

class Splicer {
 public:
  Splicer(Builder& b, const Part& part, Arrivals& arrivals)
      : b_(b), part_(part), me_(part.members[part.schedule.rank]), arrivals_(arrivals) {
    if (part.schedule.lanes != 1) refuse("a part of several lanes");
  }

  [[nodiscard]] std::size_t steps() const { return part_.schedule.steps.size(); }

  void append(std::size_t number) {
    const Step& step = part_.schedule.steps[number];
    switch (step.kind) {
      case StepKind::put:
        return put(step);
      case StepKind::signal:
        return b_.signal(peer(step).rank, word(peer(step), step));
      case StepKind::wait:
        return wait(step);
      case StepKind::copy:
        return copy(step);
      case StepKind::reduce:
        return b_.reduce(mine(part_.schedule.destinations(step)),
                         mine(part_.schedule.sources(step)), finalise(step));
      case StepKind::publish:
        break;
    }
    refuse("a part that publishes");
  }

 private:
  [[nodiscard]] const Member& peer(const Step& step) const { return part_.members[step.peer]; }

  static Word word(const Member& owner, const Step& step) {
    return static_cast<Word>(owner.first_word + step.word);
  }

  static Finalise finalise(const Step& step) {
    return step.finalise ? Finalise::yes : Finalise::no;
  }

  /// Memory of a rank of the part as it is called in the whole.
  [[nodiscard]] Ref memory(const Member& owner, Ref ref) const {
    switch (ref.space) {
      case Space::input:
        return part_.memory.input(ref.chunk);
      case Space::output:
        return part_.memory.output(ref.chunk);
      case Space::scratch:
        ref.chunk += owner.first_scratch;
        return ref;
      case Space::line:
        ref.chunk += owner.first_word;
        return ref;
      case Space::arrival:
        break;
    }
    return ref;
  }

  [[nodiscard]] std::vector<Ref> mine(std::span<const Ref> refs) const {
    std::vector<Ref> all;
    for (const Ref& ref : refs) all.push_back(memory(me_, ref));
    return all;
  }

  [[nodiscard]] bool exposes_output() const {
    return part_.memory.output(0).space == Space::output;
  }

  void put(const Step& step) {
    const Ref& from = part_.schedule.sources(step)[0];
    const Ref& to = part_.schedule.destinations(step)[0];
    const Word there = word(peer(step), step);
    if (from.space != Space::arrival)
      return b_.put(peer(step).rank, memory(peer(step), to), memory(me_, from), there);
    if (exposes_output() && Arrivals::add(arrivals_.told, peer(step).rank))
      b_.arrive(peer(step).rank, there);
  }

  void wait(const Step& step) {
    const Word here = word(me_, step);
    if (step.arrive == kNoWord) return b_.wait(here, peer(step).rank);
    if (exposes_output() && Arrivals::add(arrivals_.seen, peer(step).rank))
      b_.wait_arrival(here, peer(step).rank);
  }

  /// What is the same memory now need not be copied.
  void copy(const Step& step) {
    const std::vector<Ref> to = mine(part_.schedule.destinations(step));
    const Ref from = memory(me_, part_.schedule.sources(step)[0]);
    if (!step.finalise && to.size() == 1 && to[0] == from) return;
    b_.copy(to, from, finalise(step));
  }

  Builder& b_;
  const Part& part_;
  const Member& me_;
  Arrivals& arrivals_;
};

}  // namespace

void splice(Builder& b, std::span<const Part> parts) {
  Arrivals arrivals;
  std::vector<Splicer> splicers;
  std::size_t most = 0;
  for (const Part& part : parts) {
    splicers.emplace_back(b, part, arrivals);
    most = std::max(most, splicers.back().steps());
  }
  for (std::size_t number = 0; number < most; ++number)
    for (Splicer& one : splicers)
      if (number < one.steps()) one.append(number);
}

}  // namespace rlx::collectives
