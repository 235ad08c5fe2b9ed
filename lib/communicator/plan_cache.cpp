#include "lib/communicator/plan_cache.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "collectives/chunks.hpp"

namespace rlx::detail {
namespace {

constexpr std::size_t kMaxPlans = 512;
/// Private outputs from here on are attached for the call: shorter ones are copied sooner.
constexpr std::size_t kAttachedBytes = std::size_t{64} << 10;
/// Shorter calls of one piece keep to the fastest lane: they wait for latency, not for bandwidth.
constexpr std::size_t kLongPieceBytes = std::size_t{64} << 10;
/// Shorter pieces cost a device more in submissions than they gain by overlapping.
constexpr std::size_t kDirectPieceBytes = std::size_t{1} << 20;

std::size_t align_line(std::size_t bytes) {
  return (bytes + kLineBytes - 1) / kLineBytes * kLineBytes;
}

/// What a step of a full piece writes.
std::size_t chunk_bytes(const PreparedCall& plan) {
  const std::size_t piece = plan.piece_count * plan.element_bytes;
  const bool cut = plan.schedule.collective == collectives::Collective::all_reduce;
  return cut ? piece / std::max<std::uint32_t>(plan.schedule.chunks, 1) : piece;
}

bool names_windows(const collectives::Schedule& schedule, const PlanEnvironment& environment) {
  const auto puts = [](const collectives::Step& step) {
    return step.kind == collectives::StepKind::put;
  };
  return collectives::exposes_memory(schedule) ||
         (!environment.load_store && std::ranges::any_of(schedule.steps, puts));
}

/// Whether the memory of a call is so long that what is written is in no cache when it is read:
/// as it was measured, or by the size of a cache. An all_reduce writes as much as it reads; the
/// others touch p blocks and write or read one.
bool is_long(const PreparedCall& plan, const PlanEnvironment& environment,
             std::optional<std::uint64_t> measured) {
  const bool reduces_all = plan.schedule.collective == collectives::Collective::all_reduce;
  const std::size_t bytes = plan.count * plan.element_bytes;
  if (measured) return bytes >= *measured;
  return reduces_all ? bytes >= environment.stream_bytes
                     : bytes * plan.ranks >= 2 * environment.stream_bytes;
}

bool streams(const PreparedCall& plan, const CallArguments& call,
             const PlanEnvironment& environment, std::optional<std::uint64_t> measured) {
  if (!environment.load_store) return false;
  // In place the sums go where the sources were read a moment ago, which the caches still hold.
  const bool reduces = plan.schedule.collective != collectives::Collective::all_gather;
  if (call.in_place && reduces) return false;
  return is_long(plan, environment, measured);
}

/// By values that are equal on all ranks. When a set of epochs that all depend on each other comes
/// round again, everybody has let go of all slots of it (rule 5), whoever they belong to.
bool rotates(const PreparedCall& plan, const collectives::Cost& cost,
             const PlanEnvironment& environment, Rotation wanted) {
  if (!environment.load_store || environment.devices || !plan.schedule.all_dependent) return false;
  if (wanted != Rotation::by_caches) return wanted == Rotation::on;
  const collectives::MemoryCost& memory = collectives::memory_cost(environment.caches);
  const std::uint32_t chunks = plan.schedule.collective == collectives::Collective::all_reduce
                                   ? std::max<std::uint32_t>(cost.chunks, 1)
                                   : 1;
  const std::size_t bytes =
      cost.scratch_chunks *
      collectives::chunk_capacity(plan.piece_count, chunks, plan.element_bytes) *
      plan.element_bytes;
  return environment.ranks <= memory.rotates_most_ranks && bytes >= memory.rotates_from &&
         bytes <= memory.rotates_to;
}

void bind_pieces(PreparedCall& plan, const PlanEnvironment& environment) {
  plan.names_windows = names_windows(plan.schedule, environment);
  const std::size_t whole = plan.count * plan.element_bytes;
  plan.stage_stride = align_line(plan.piece_count * plan.element_bytes);
  collectives::PieceLayout layout{plan.element_bytes, plan.piece_count,
                                  plan.stage_input ? plan.stage_stride : whole,
                                  plan.stage_output ? plan.stage_stride : whole};
  plan.full = collectives::bind(plan.schedule, layout);
  layout.count = plan.tail_count;
  plan.tail = collectives::bind(plan.schedule, layout);
  const bool takes_turns =
      plan.pieces > 1 || plan.piece_count * plan.element_bytes >= kLongPieceBytes;
  plan.full.rotates_lanes = plan.tail.rotates_lanes = takes_turns;
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
  const Key key{call.operation,
                call.dtype,
                call.kind,
                call.in_place,
                call.in.symmetric,
                call.out.symmetric,
                call.in.device != nullptr,
                call.out.device != nullptr,
                call_count(call, environment_.ranks)};
  if (last_ && key == last_key_) return last_;
  auto& entry = plans_[key];
  if (!entry) entry = build(call);
  last_ = entry;
  last_key_ = key;
  if (plans_.size() > kMaxPlans) plans_.clear();
  return last_;
}

void PlanCache::force(ForcedPlan forced) {
  forced_ = std::move(forced);
  plans_.clear();
  last_.reset();
}

/// Decided by the length of the vector or block, which is the same on all ranks.
bool PlanCache::attaches(const CallArguments& call) const {
  const std::size_t bytes = call_count(call, environment_.ranks) * size_of(call.dtype);
  return environment_.call_windows && bytes >= kAttachedBytes;
}

void PlanCache::decide_attaching(PreparedCall& plan, const CallArguments& call,
                                 const collectives::Algorithm& algorithm) const {
  if (!attaches(call)) return;
  const bool reached = has(algorithm.needs.exposes, collectives::Exposure::output);
  plan.attach_output =
      !call.out.symmetric && !plan.stage_output && (reached || environment_.local_registration);
  plan.attach_input =
      !call.in_place && !call.in.symmetric && !plan.stage_input && environment_.local_registration;
}

collectives::TunerInput PlanCache::tuner_input(const CallArguments& call) const {
  const collectives::Collective collective = collective_of(call.operation);
  const bool private_input = !(call.in_place ? call.out : call.in).symmetric;
  const bool private_output = !call.out.symmetric;
  const bool attached = attaches(call);
  const bool staged = (environment_.local_registration && !attached) || environment_.devices;
  return {.collective = collective,
          .ranks = environment_.ranks,
          .nodes = environment_.nodes.get(),
          .count = call_count(call, environment_.ranks),
          .element_bytes = size_of(call.dtype),
          .slot_bytes = environment_.slot_bytes,
          .window = environment_.window,
          .link = environment_.link,
          .load_store = environment_.load_store,
          .memory = &collectives::memory_cost(environment_.caches),
          .single_copy = environment_.single_copy,
          .in_place = call.in_place,
          .stages_input = private_input && staged,
          .stages_output = private_output && staged,
          .private_input = private_input,
          .private_output = private_output,
          .attaches = attached,
          .forced = forced_.algorithm.empty()
                        ? collectives::forced_algorithm(environment_.algorithm, collective)
                        : std::string_view(forced_.algorithm),
          .forced_piece_bytes = forced_.piece_bytes,
          .tuning = environment_.tuning.get(),
          .topology = environment_.topology};
}

/// The algorithm by which devices run a call on their memory, over mapped scratch: of each
/// collective one that touches inputs and outputs by nothing but copies and reductions of their
/// owner. Empty where the call is not for devices. By values that are equal on all ranks.
/// Shorter vectors and blocks come to the heap and go back by one copy each way, and the CPUs
/// reduce them.
std::string_view PlanCache::direct_algorithm(const CallArguments& call) const {
  const bool reduces = call.operation != Operation::all_gather;
  const std::size_t bytes = call_count(call, environment_.ranks) * size_of(call.dtype);
  const bool known = (environment_.device_dtypes >> static_cast<unsigned>(call.dtype) & 1) != 0;
  if (!environment_.devices_reach_all || bytes < environment_.direct_bytes || (reduces && !known))
    return {};
  if (call.operation == Operation::barrier || call.in.symmetric || call.out.symmetric) return {};
  std::string_view name = "slots";
  if (call.operation == Operation::all_reduce) name = "two_shot_slots";
  if (call.operation == Operation::reduce_scatter) name = "exchange";
  const std::string_view forced = tuner_input(call).forced;
  return forced.empty() || forced == name ? name : std::string_view();
}

/// Memory is used where it lies by whoever reaches it: by the device if any of it is the device's.
/// Pieces were cut as if everybody staged, because ranks may differ in that.
void PlanCache::go_direct(PreparedCall& plan, const CallArguments& call) const {
  plan.on_device = environment_.slots_on_device;
  plan.by_device = plan.on_device || call.in.device != nullptr || call.out.device != nullptr;
  const DeviceMemory* const input = call.in_place ? call.out.device : call.in.device;
  plan.stage_input = plan.by_device && input == nullptr;
  plan.stage_output = plan.by_device && call.out.device == nullptr;
}

std::shared_ptr<const PreparedCall> PlanCache::build(const CallArguments& call) const {
  collectives::TunerInput input = tuner_input(call);
  const std::string_view direct = direct_algorithm(call);
  if (!direct.empty()) {
    input.forced = direct;
    const std::size_t share = input.count * input.element_bytes / environment_.window;
    if (input.forced_piece_bytes == 0)
      input.forced_piece_bytes = std::max(kDirectPieceBytes, share);
  }
  const collectives::Choice choice = collectives::choose(input);
  auto plan = std::make_shared<PreparedCall>();
  plan->schedule =
      choice.algorithm->generate({environment_.ranks, environment_.rank, environment_.nodes.get()});
  plan->algorithm = choice.algorithm->name;
  plan->count = call_count(call, environment_.ranks);
  plan->piece_count = choice.piece_count;
  plan->pieces = choice.pieces;
  plan->stage_input = choice.stages_input;
  plan->stage_output = choice.stages_output;
  if (!direct.empty()) go_direct(*plan, call);
  decide_attaching(*plan, call, *choice.algorithm);
  plan->reads_inputs_apart = choice.algorithm->needs.apart && !plan->stage_input;
  plan->dtype = call.dtype;
  plan->kind = call.kind;
  plan->ranks = environment_.ranks;
  plan->rank = environment_.rank;
  plan->element_bytes = size_of(call.dtype);
  plan->divisor = call.kind == ReduceKind::Mean ? environment_.ranks : 0;
  if (!plan->by_device) plan->kernel = step_kernel(call.dtype, call.kind, chunk_bytes(*plan));
  plan->stream = forced_.streaming == Streaming::by_length
                     ? streams(*plan, call, environment_, choice.stream_from)
                     : forced_.streaming == Streaming::on;
  plan->tail_count = plan->count - (plan->pieces - 1) * plan->piece_count;
  const collectives::Cost cost =
      choice.algorithm->cost({environment_.ranks, 0, environment_.nodes.get()});
  plan->rotates_scratch = rotates(*plan, cost, environment_, forced_.rotation);
  bind_pieces(*plan, environment_);
  return plan;
}

std::shared_ptr<const PreparedCall> PlanCache::prepare_closing() const {
  const auto* barrier =
      collectives::find_algorithm(collectives::Collective::barrier, "dissemination");
  return prepare(CallArguments{}, barrier->generate({environment_.ranks, environment_.rank}));
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
  plan->kernel = step_kernel(call.dtype, call.kind, chunk_bytes(*plan));
  bind_pieces(*plan, environment_);
  return plan;
}

}  // namespace rlx::detail
