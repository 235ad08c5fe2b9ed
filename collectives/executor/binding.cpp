#include "collectives/executor/binding.hpp"

#include <algorithm>

#include "collectives/chunks.hpp"
#include "rlx/error.hpp"
#include "rlx/signal_region.hpp"

namespace rlx::collectives {
namespace {

[[noreturn]] void broken(const char* what) {
  throw CollectiveError(ErrorKind::Internal, "bind", std::string("broken schedule: ") + what);
}

class Binder {
 public:
  Binder(const Schedule& schedule, const PieceLayout& layout)
      : schedule_(schedule), layout_(layout), capacity_(capacity()) {}

  BoundPlan run() {
    plan_.scratch_bytes = capacity_ * schedule_.scratch_chunks;
    plan_.steps.reserve(schedule_.steps.size());
    for (std::uint16_t lane = 0; lane < schedule_.lanes; ++lane) {
      for (const Step& step : schedule_.steps)
        if (step.lane == lane) plan_.steps.push_back(bind_step(step));
      plan_.lane_end.push_back(static_cast<std::uint32_t>(plan_.steps.size()));
    }
    return std::move(plan_);
  }

 private:
  std::size_t capacity() const {
    const std::uint32_t cuts =
        schedule_.collective == Collective::all_reduce ? schedule_.chunks : 1;
    return chunk_capacity(layout_.count, std::max(cuts, 1u), layout_.element_bytes) *
           layout_.element_bytes;
  }

  bool is_user(Space space) const { return space == Space::input || space == Space::output; }

  /// Offset and length of one reference of user memory.
  std::pair<std::uint64_t, std::uint64_t> user_extent(const Ref& ref) const {
    if (ref.count != 1) broken("several chunks of user memory in one reference");
    const std::size_t element = layout_.element_bytes;
    if (schedule_.collective == Collective::all_reduce) {
      const ChunkRange range = chunk_range(layout_.count, schedule_.chunks, ref.chunk, element);
      return {range.begin * element, range.count * element};
    }
    const bool blocks =
        (schedule_.collective == Collective::all_gather) == (ref.space == Space::output);
    const std::size_t stride =
        ref.space == Space::output ? layout_.output_stride : layout_.input_stride;
    return {blocks ? ref.chunk * stride : 0, layout_.count * element};
  }

  BoundRef locate(const Ref& ref) const { return {offset(ref), ref.peer, ref.space}; }

  std::uint64_t offset(const Ref& ref) const {
    switch (ref.space) {
      case Space::input:
      case Space::output:
        return user_extent(ref).first;
      case Space::scratch:
        if (ref.chunk + ref.count > schedule_.scratch_chunks) broken("scratch beyond its capacity");
        return ref.chunk * capacity_;
      case Space::line:
        return ref.chunk * kLineBytes + sizeof(std::uint64_t);
      case Space::arrival:
        return 0;
    }
    broken("unknown space");
  }

  /// How many lines one chunk of data takes, at least one.
  std::size_t lines_of_chunk() const {
    const std::size_t bytes = user_extent({Space::input, 0, 1}).second;
    return std::max<std::size_t>(1, (bytes + kLinePayload - 1) / kLinePayload);
  }

  /// The bytes that a step moves: what its user memory says, or the one chunk that a line holds,
  /// else whole scratch chunks.
  std::uint64_t length(const Step& step) const {
    std::uint64_t bytes = 0;
    bool in_line = false;
    for (std::uint32_t i = 0; i < std::uint32_t{step.destinations} + step.sources; ++i) {
      const Ref& ref = schedule_.operands[step.operands + i];
      if (is_user(ref.space)) return user_extent(ref).second;
      if (ref.space == Space::arrival) return kLinePayload;
      if (ref.space == Space::scratch) bytes = ref.count * capacity_;
      in_line = in_line || ref.space == Space::line;
    }
    return in_line ? user_extent({Space::input, 0, 1}).second : bytes;
  }

  static std::size_t lines(std::size_t bytes) { return (bytes + kLineBytes - 1) / kLineBytes; }

  void share(std::uint32_t peer, Space space, std::uint64_t line, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      if (plan_.shared_lines.size() == BoundPlan::kMostSharedLines) return;
      plan_.shared_lines.push_back({(line + i) * kLineBytes, peer, space});
    }
  }

  BoundStep bind_step(const Step& step) {
    BoundStep bound;
    bound.kind = step.kind;
    bound.finalise = step.finalise;
    bound.published = step.published;
    bound.lines = static_cast<std::uint8_t>(std::min<std::size_t>(step.span, lines_of_chunk()));
    bound.word = step.word;
    bound.part = step.part;
    bound.arrive = step.arrive;
    bound.lane = step.lane;
    bound.peer = step.peer;
    if (step.kind == StepKind::publish) share(kMe, Space::line, bound.word, bound.lines);
    if (step.kind == StepKind::signal || step.kind == StepKind::put)
      share(step.peer, Space::line, bound.word, 1);
    if (step.kind == StepKind::wait || step.kind == StepKind::signal) return bound;
    bound.destinations = static_cast<std::uint8_t>(step.destinations);
    bound.sources = static_cast<std::uint8_t>(step.sources);
    if (step.sources == 0) return bound;
    bound.bytes = length(step);
    for (std::uint32_t i = 0; i < std::uint32_t{step.destinations} + step.sources; ++i) {
      const Ref& ref = schedule_.operands[step.operands + i];
      if (ref.space != Space::line) continue;
      if (bound.bytes > ref.count * kLinePayload) broken("more than its lines hold");
      bound.lines = static_cast<std::uint8_t>(std::min<std::size_t>(ref.count, lines_of_chunk()));
    }
    if (step.kind == StepKind::put || step.kind == StepKind::publish) {
      bound.destination = locate(schedule_.destinations(step)[0]);
      bound.source = locate(schedule_.sources(step)[0]);
      if (bound.destination.space == Space::scratch)
        share(step.peer, Space::scratch, bound.destination.offset / kLineBytes, lines(bound.bytes));
      return bound;
    }
    for (const Ref& ref : schedule_.destinations(step))
      if (ref.space == Space::scratch)
        share(ref.peer, ref.space, offset(ref) / kLineBytes, lines(bound.bytes));
    bound.operands = static_cast<std::uint32_t>(plan_.operands.size());
    bound.outputs = std::ranges::all_of(schedule_.destinations(step),
                                        [](const Ref& ref) { return ref.space == Space::output; });
    for (const Ref& ref : schedule_.destinations(step)) plan_.operands.push_back(locate(ref));
    for (const Ref& ref : schedule_.sources(step)) plan_.operands.push_back(locate(ref));
    return bound;
  }

  const Schedule& schedule_;
  const PieceLayout& layout_;
  std::size_t capacity_;
  BoundPlan plan_;
};

}  // namespace

BoundPlan bind(const Schedule& schedule, const PieceLayout& layout) {
  return Binder(schedule, layout).run();
}

bool exposes_memory(const Schedule& schedule) {
  return std::any_of(schedule.operands.begin(), schedule.operands.end(),
                     [](const Ref& ref) { return ref.space == Space::arrival; });
}

}  // namespace rlx::collectives
