#include "lib/communicator/plan_cache.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rlx::detail {
namespace {

constexpr std::size_t kMaxPlans = 512;

std::size_t align_line(std::size_t bytes) { return (bytes + kLineBytes - 1) / kLineBytes * kLineBytes; }

/// The piece that the tuner chose, cut so that one piece's whole message fits a staging slot.
std::size_t cap_piece(std::size_t piece, Operation operation, const PlanEnvironment& environment,
                      std::size_t element) {
  const std::size_t blocks = operation == Operation::all_reduce ? 1 : environment.ranks;
  const std::size_t most = environment.slot_bytes / (element * blocks);
  if (piece <= most) return std::max<std::size_t>(piece, 1);
  const std::size_t line = std::max<std::size_t>(1, kLineBytes / element);
  return std::max<std::size_t>(1, most >= line ? most / line * line : most);
}

void bind_pieces(PreparedCall& plan, const PlanEnvironment& environment) {
  const std::size_t whole = plan.count * plan.element_bytes;
  plan.stage_stride = align_line(plan.piece_count * plan.element_bytes);
  collectives::PieceLayout layout{plan.element_bytes, plan.piece_count,
                                  plan.stage_input ? plan.stage_stride : whole,
                                  plan.stage_output ? plan.stage_stride : whole};
  plan.full = collectives::bind(plan.schedule, layout);
  layout.count = plan.tail_count;
  plan.tail = collectives::bind(plan.schedule, layout);
  if (plan.full.scratch_bytes > environment.slot_bytes)
    throw CollectiveError(
        ErrorKind::Unsupported, std::string(to_string(plan.schedule.collective)),
        fmt::format("algorithm {} needs {} bytes of scratch for {} ranks, a slot has {}; set "
                    "RLX_SLOT to at least that on rank 0",
                    plan.algorithm, plan.full.scratch_bytes, plan.ranks, environment.slot_bytes));
}

}  // namespace

collectives::Collective collective_of(Operation operation) {
  return static_cast<collectives::Collective>(operation);
}

std::size_t call_count(const CallArguments& call, std::uint32_t ranks) {
  switch (call.operation) {
    case Operation::barrier:
      return 0;
    case Operation::all_reduce:
      return call.out.count;
    case Operation::all_gather:
      return call.in_place ? call.out.count / ranks : call.in.count;
    case Operation::reduce_scatter:
      return call.in_place ? call.out.count / ranks : call.out.count;
  }
  return 0;
}

std::shared_ptr<const PreparedCall> PlanCache::prepare(const CallArguments& call) {
  const Key key{call.operation,    call.dtype,         call.kind,
                call.in_place,     call.in.symmetric,  call.out.symmetric,
                call_count(call, environment_.ranks)};
  if (last_ && key == last_key_) return last_;
  auto& entry = plans_[key];
  if (!entry) entry = build(call);
  last_ = entry;
  last_key_ = key;
  if (plans_.size() > kMaxPlans) plans_.clear();
  return last_;
}

std::shared_ptr<const PreparedCall> PlanCache::build(const CallArguments& call) const {
  const collectives::Collective collective = collective_of(call.operation);
  const collectives::Choice choice = collectives::choose(
      {.collective = collective,
       .ranks = environment_.ranks,
       .count = call_count(call, environment_.ranks),
       .element_bytes = size_of(call.dtype),
       .slot_bytes = environment_.slot_bytes,
       .window = environment_.window,
       .latency_us = environment_.latency_us,
       .gigabytes_per_second = environment_.gigabytes_per_second,
       .forced = collectives::forced_algorithm(environment_.algorithm, collective)});
  auto plan = std::make_shared<PreparedCall>();
  plan->schedule = choice.algorithm->generate({environment_.ranks, environment_.rank});
  plan->algorithm = choice.algorithm->name;
  plan->piece_count = choice.piece_count;
  plan->depth = choice.depth;
  plan->dtype = call.dtype;
  plan->kind = call.kind;
  plan->ranks = environment_.ranks;
  plan->rank = environment_.rank;
  plan->element_bytes = size_of(call.dtype);
  plan->count = call_count(call, environment_.ranks);
  plan->divisor = call.kind == ReduceKind::Mean ? environment_.ranks : 0;
  const bool exposed = collectives::exposes_memory(plan->schedule);
  plan->stage_input = !(call.in_place ? call.out : call.in).symmetric && environment_.local_registration;
  plan->stage_output = !call.out.symmetric && (exposed || environment_.local_registration);
  plan->piece_count = cap_piece(plan->piece_count, call.operation, environment_, plan->element_bytes);
  plan->pieces = static_cast<std::uint32_t>(
      std::max<std::size_t>(1, (plan->count + plan->piece_count - 1) / plan->piece_count));
  plan->tail_count = plan->count - (plan->pieces - 1) * plan->piece_count;
  bind_pieces(*plan, environment_);
  return plan;
}

std::shared_ptr<const PreparedCall> PlanCache::prepare(const CallArguments& call,
                                                       collectives::Schedule schedule) const {
  auto plan = std::make_shared<PreparedCall>();
  plan->schedule = std::move(schedule);
  plan->algorithm = "given";
  plan->dtype = call.dtype;
  plan->kind = call.kind;
  plan->ranks = environment_.ranks;
  plan->rank = environment_.rank;
  plan->element_bytes = size_of(call.dtype);
  plan->count = plan->piece_count = plan->tail_count = call.out.count;
  bind_pieces(*plan, environment_);
  return plan;
}

}  // namespace rlx::detail
