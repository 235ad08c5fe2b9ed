#include "lib/communicator/communicator_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <exception>

#include "lib/base/log.hpp"
#include "lib/communicator/diagnosis.hpp"

namespace rlx::detail {
namespace {

constexpr std::size_t kPage = 4096;
static_assert(kPage == kLinesPerGroup * kLineBytes);

PlanEnvironment plan_environment(Context& context, const GroupSetup& group) {
  const Config& config = context.config();
  PlanEnvironment environment;
  environment.ranks = static_cast<std::uint32_t>(group.members.size());
  environment.rank = group.me;
  environment.slot_bytes = config.slot_bytes;
  environment.window = config.window;
  environment.link = context.agreed().link;
  environment.algorithm = config.algorithm;
  environment.local_registration = context.transport().capabilities().local_registration;
  return environment;
}

std::pair<WindowNumber, std::byte*> find_window(void* context, const std::byte* address) {
  return static_cast<Context*>(context)->find_window(address);
}

}  // namespace

CommunicatorState::CommunicatorState(std::shared_ptr<Context> context, GroupSetup group)
    : context_(std::move(context)), group_(std::move(group)) {
  exceptions_ = std::uncaught_exceptions();
}

std::shared_ptr<CommunicatorState> CommunicatorState::make(std::shared_ptr<Context> context,
                                                           GroupSetup group,
                                                           const Agreement& agreement) {
  std::shared_ptr<CommunicatorState> state(
      new CommunicatorState(std::move(context), std::move(group)));
  state->reserve(agreement);
  state->memory_resource_ = std::make_shared<SymmetricResource>(state);
  const std::lock_guard lock(state->context_->mutex());
  state->context_->enter(*state);
  state->entered_ = true;
  return state;
}

/// Words and scratch, agreed; then everybody's routes. Peers may signal as soon as the exchange is
/// over, so the expected epochs are set before it.
void CommunicatorState::reserve(const Agreement& agreement) {
  Context& context = *context_;
  const Config& config = context.config();
  EngineSetup setup;
  setup.window = config.window;
  setup.sets = 2 * config.window;
  setup.slot_bytes = config.slot_bytes;
  setup.stage_bytes = EngineSetup::stage_half(config.slot_bytes, size());
  const std::size_t bytes = EngineSetup::bytes(setup.window, setup.sets, setup.slot_bytes, size());
  memory_offset_ = context.heap().allocate(bytes, kPage, group_.id, agreement.maximum);
  words_offset_ =
      context.signal_heap().allocate(setup.sets * kPage, kPage, group_.id, agreement.maximum);
  setup.first_line = static_cast<std::uint32_t>(words_offset_ / kLineBytes);
  setup.memory = context.heap().at(memory_offset_);
  for (std::uint32_t set = 0; set < setup.sets; ++set)
    context.signals().expected(setup.first_line / kLinesPerGroup + set)
        .store(SignalValue::make(set, 0, 0), std::memory_order_release);
  const ExtentRecord mine = context.extent_of(memory_offset_);
  setup.memory_window = mine.window;
  setup.memory_offset = mine.window_offset + memory_offset_ - mine.start;
  const std::vector<ExtentRecord> records = agreement.exchange(mine);
  for (std::size_t member = 0; member < size(); ++member) {
    const ExtentRecord& record = records[group_.positions[member]];
    context.admit(group_.members[member], record);
    setup.peers.push_back({group_.members[member], record.window,
                           record.window_offset + memory_offset_ - record.start + kControlBytes});
  }
  plans_ = std::make_unique<PlanCache>(plan_environment(context, group_));
  setup.guard = plans_->prepare(CallArguments{});
  collectives::RunEnvironment environment;
  environment.transport = &context.transport();
  environment.compute = &cpu_compute();
  environment.signals = context.signals();
  environment.hash_mask = (1u << context.transport().capabilities().hash_bits) - 1;
  engine_ = std::make_unique<Engine>(std::move(setup), environment, find_window, &context);
}

CommunicatorState::~CommunicatorState() {
  if (!entered_) return;
  const std::lock_guard lock(context_->mutex());
  context_->leave(*this);
  context_->keep(std::move(engine_));
}

std::shared_ptr<CallState> CommunicatorState::submit(const CallArguments& arguments,
                                                     std::shared_ptr<const PreparedCall> prepared,
                                                     CallPurpose purpose, bool held) {
  context_->refuse_forked_child();
  auto call = std::make_shared<CallState>();
  call->arguments = arguments;
  call->prepared = std::move(prepared);
  call->purpose = purpose;
  call->held = held;
  call->communicator = shared_from_this();
  prepare_memory(*call);
  const std::lock_guard lock(context_->mutex());
  context_->throw_if_failed();
  if (closed_)
    throw CollectiveError(ErrorKind::Closed, operation_name(*call),
                          "the communicator was closed; make calls before close()");
  call->sequence = purpose == CallPurpose::user ? sequence_++ : sequence_;
  call->id = context_->next_call_id();
  engine_->assign(call);
  context_->advance();
  return call;
}

void CommunicatorState::release_start(CallState& call) {
  const std::lock_guard lock(context_->mutex());
  call.held = false;
}

void CommunicatorState::complete(const CallState& call) {
  context_->wait([&] { return call.done.load(std::memory_order_acquire); });
}

void CommunicatorState::run_internal(const CallArguments& arguments, CallPurpose purpose) {
  complete(*submit(arguments, plans_->prepare(arguments), purpose, false));
}

std::uint64_t CommunicatorState::maximum(std::uint64_t mine, CallPurpose purpose) {
  CallArguments arguments{Operation::all_reduce, DType::u64, ReduceKind::Max, true, {}, {}};
  arguments.out = {reinterpret_cast<std::byte*>(&mine), 1, false, 0};
  run_internal(arguments, purpose);
  return mine;
}

std::vector<std::byte> CommunicatorState::gather(std::span<const std::byte> mine,
                                                 CallPurpose purpose) {
  std::vector<std::byte> all(mine.size() * size());
  CallArguments arguments{Operation::all_gather, DType::u8, ReduceKind::Sum, false, {}, {}};
  arguments.in = {const_cast<std::byte*>(mine.data()), mine.size(), false, 0};
  arguments.out = {all.data(), all.size(), false, 0};
  run_internal(arguments, purpose);
  return all;
}

void CommunicatorState::barrier(CallPurpose purpose) { run_internal(CallArguments{}, purpose); }

Agreement CommunicatorState::agreement(CallPurpose purpose) {
  Agreement agreement;
  agreement.maximum = [this, purpose](std::uint64_t mine) { return maximum(mine, purpose); };
  agreement.exchange = [this, purpose](const ExtentRecord& mine) {
    const std::vector<std::byte> all = gather(std::as_bytes(std::span(&mine, 1)), purpose);
    std::vector<ExtentRecord> records(size());
    std::memcpy(records.data(), all.data(), all.size());
    return records;
  };
  return agreement;
}

void CommunicatorState::fail(ErrorDetails details) noexcept {
  std::vector<Rank> ranks;
  for (const Rank member : details.ranks)
    if (member.index() < size()) ranks.push_back(group_.members[member.index()]);
  context_->fail(std::move(details), std::move(ranks));
}

std::vector<Rank> CommunicatorState::members_of(const std::vector<Rank>& ranks) const {
  std::vector<Rank> members;
  for (const Rank rank : ranks) {
    const auto found = std::find(group_.members.begin(), group_.members.end(), rank);
    if (found != group_.members.end())
      members.emplace_back(static_cast<std::uint32_t>(found - group_.members.begin()));
  }
  return members;
}

bool CommunicatorState::quiet() {
  const std::lock_guard lock(context_->mutex());
  return engine_->idle();
}

void CommunicatorState::close(double timeout_seconds) {
  if (closed_) return;
  const auto deadline = Watchdog::Clock::now() + std::chrono::duration<double>(timeout_seconds);
  const auto check = [&] {
    if (Watchdog::Clock::now() < deadline) return;
    throw CollectiveError(ErrorKind::Timeout, "close",
                          fmt::format("rank {} waited {} s for the other members to close; close() "
                                      "is collective",
                                      group_.me, timeout_seconds),
                          {rank()});
  };
  const auto call = submit(CallArguments{}, plans_->prepare(CallArguments{}), CallPurpose::close, false);
  context_->wait([&] {
    if (call->done.load(std::memory_order_acquire) && quiet()) return true;
    check();
    return false;
  });
  ++sequence_;
  closed_ = true;
  give_back();
}

/// After the closing barrier nothing of this communicator can reach the words and the scratch.
void CommunicatorState::give_back() noexcept {
  const std::lock_guard lock(context_->mutex());
  const EngineSetup& setup = engine_->setup();
  for (std::uint32_t line = 0; line < setup.sets * kLinesPerGroup; ++line)
    context_->signals().word(setup.first_line + line).store(0, std::memory_order_relaxed);
  context_->signal_heap().release(words_offset_);
  context_->heap().release(memory_offset_);
  context_->leave(*this);
  entered_ = false;
}

void CommunicatorState::leave() noexcept {
  constexpr double kDestructorSeconds = 10;
  if (closed_ || !context_->owned_by_this_process()) return;
  const bool unwinding = std::uncaught_exceptions() > exceptions_;
  if (!context_->failed() && !unwinding) {
    try {
      close(std::min(kDestructorSeconds, context_->config().timeout));
      return;
    } catch (const std::exception& error) {
      log::warn("communicator {} was not closed cleanly: {}", group_.id, error.what());
    }
  }
  abandon();
}

/// Tells the others, and lets go of the calls in flight; their completions stay until the transport
/// is gone (rule 13).
void CommunicatorState::abandon() noexcept {
  const std::lock_guard lock(context_->mutex());
  if (!context_->failed()) {
    ErrorDetails details;
    details.kind = ErrorKind::PeerFailed;
    details.ranks = {rank()};
    details.operation = "communicator";
    details.sequence = sequence_;
    details.message = fmt::format("rank {} left without closing the communicator", group_.me);
    fail(std::move(details));
  }
  engine_->abandon();
  context_->leave(*this);
  entered_ = false;
  context_->keep(std::move(engine_));
}

}  // namespace rlx::detail
