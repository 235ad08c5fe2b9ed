#include "lib/communicator/context.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "lib/base/fork_generation.hpp"
#include "lib/base/log.hpp"
#include "lib/communicator/communicator_state.hpp"
#include "lib/communicator/diagnosis.hpp"
#include "lib/communicator/nodes.hpp"

namespace rlx::detail {
namespace {

constexpr std::uint32_t kPollsPerLook = 64;

}  // namespace

std::uint64_t stream_bytes_here() noexcept {
  constexpr long kUsual = 2 << 20;
  const long cache = sysconf(_SC_LEVEL2_CACHE_SIZE);
  return 2 * static_cast<std::uint64_t>(cache > 0 ? cache : kUsual);
}

Context::Context(const CommunicatorOptions& options, std::unique_ptr<SymmetricTransport> owned,
                 SymmetricTransport& transport)
    : options_(options),
      process_(getpid()),
      generation_(fork_generation()),
      health_(transport),
      owned_transport_(std::move(owned)),
      transport_(&transport),
      watchdog_(*this),
      helper_(*this) {}

Context::~Context() {
  helper_.stop();
  // Members go in reverse order: nothing below may be polled once the transport is gone.
}

bool Context::owned_by_this_process() const noexcept { return fork_generation() == generation_; }

void Context::refuse_forked_child() const {
  if (owned_by_this_process()) return;
  throw CollectiveError(
      ErrorKind::Unsupported, "rlx",
      fmt::format("rank {} is process {}, and process {} is a child that it forked: a child has no "
                  "connections; let it exec or _exit, and make communicators after the fork",
                  transport_->rank().value(), process_, getpid()),
      {transport_->rank()});
}

bool Context::suits(const CommunicatorOptions& options) const noexcept {
  return !failed() && owned_by_this_process() && !options.decorate && !options_.decorate &&
         options.device == options_.device && options.config == given_;
}

void Context::also_on_failure(std::function<void()> told) {
  if (!told) return;
  const std::lock_guard lock(mutex_);
  told_of_failure_.push_back(std::move(told));
}

void Context::adopt_id(std::uint64_t id) noexcept {
  std::uint64_t last = last_id_.load(std::memory_order_relaxed);
  while (last < id && !last_id_.compare_exchange_weak(last, id)) {
  }
}

/// Group 0 of the region is the Context's own: health, detail and fetch lines.
void Context::prepare_signals(std::span<std::byte> memory) {
  signals_ = SignalRegion(memory.data(), SignalRegion::lines_of(memory.size()));
  signal_heap_ = std::make_unique<SymmetricHeap>(memory.first(signals_.lines() * kLineBytes));
  const auto alone = [](std::uint64_t mine) { return mine; };
  const std::size_t group = kLinesPerGroup * kLineBytes;
  if (signal_heap_->allocate(group, kLineBytes, 0, alone) != 0)
    throw CollectiveError(ErrorKind::Internal, "wiring", "the signal region is not empty");
  health_.open(signals_);
}

void Context::add_extent(HeapExtent extent, std::span<std::byte> memory) {
  const std::lock_guard lock(mutex_);
  const std::optional<Window> window = transport_->attach(memory, WindowRole::heap);
  if (!window) {
    const auto failure = transport_->failure();
    throw CollectiveError(failure ? failure->kind : ErrorKind::Transport, "allocate",
                          failure ? failure->message : "the transport refused the memory");
  }
  ExtentRecord record;
  record.start = extent.offset;
  record.length = extent.length;
  record.window = window->number;
  record.key = window->key;
  extents_.push_back(record);
}

ExtentRecord Context::extent_of(std::uint64_t offset) {
  const std::lock_guard lock(mutex_);
  for (const ExtentRecord& record : extents_)
    if (offset >= record.start && offset - record.start < record.length) return record;
  throw CollectiveError(ErrorKind::Internal, "allocate",
                        fmt::format("offset {} lies in no extent", offset));
}

std::pair<WindowNumber, std::byte*> Context::find_window(const std::byte* address) const noexcept {
  const auto [offset, inside] = heap_->offset_of(address);
  if (!inside) return {0, nullptr};
  for (const ExtentRecord& record : extents_)
    if (offset >= record.start && offset - record.start < record.length)
      return {record.window, heap_->at(record.start) - record.window_offset};
  return {0, nullptr};
}

void Context::admit(Rank rank, const ExtentRecord& record) {
  if (record.key.length == 0) return;  // admitted by whoever made the transport
  const std::lock_guard lock(mutex_);
  if (transport_->admit(rank, record.window, record.key)) return;
  const auto failure = transport_->failure();
  throw CollectiveError(ErrorKind::Transport, "allocate",
                        failure ? failure->message : "a peer's memory can not be reached", {rank});
}

void Context::enter(CommunicatorState& communicator) { communicators_.push_back(&communicator); }

void Context::leave(CommunicatorState& communicator) noexcept {
  std::erase(communicators_, &communicator);
}

bool Context::try_advance() noexcept {
  bool moved = false;
  {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    moved = lock.owns_lock() && advance();
  }
  return streams_->drive() || moved;
}

/// The members of the largest communicator stand for all ranks of the host.
void Context::spread_out() {
  std::vector<int> cores;
  std::size_t me = 0;
  {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock()) return;
    for (CommunicatorState* communicator : communicators_) {
      if (communicator->size() <= cores.size()) continue;
      cores = communicator->engine().cores();
      me = communicator->rank().index();
    }
  }
  cpu_set_t allowed;
  if (cores.empty() || sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  cores[me] = sched_getcpu();
  const std::optional<int> core = better_core(cores, me, allowed);
  if (!core) return;
  move_to(*core);
  spreading_.moved();
}

bool Context::advance() noexcept {
  polls_.fetch_add(1, std::memory_order_relaxed);
  const bool moved = transport_->progress();
  return advance_calls() || moved;
}

bool Context::advance_calls() noexcept {
  bool moved = false;
  bool busy = false;
  if (!failed()) {
    for (CommunicatorState* communicator : communicators_) {
      Engine& engine = communicator->engine();
      moved |= engine.advance();
      if (engine.failure() != collectives::RunStatus::idle) {
        watchdog_.diagnose(*communicator);
        break;
      }
      busy |= !engine.idle();
    }
    if (const std::uint64_t word = health_.word(); word != 0 && !failed()) {
      hear(word);
    } else if (!moved && busy && ++idle_polls_ % kPollsPerLook == 0) {
      watchdog_.look();
    }
  }
  in_flight_.store(busy, std::memory_order_relaxed);
  if (!releases_.empty()) finish_releases();
  return moved;
}

/// Somebody else's failure: passed on at once, then told in terms of what this rank was doing.
void Context::hear(std::uint64_t word) noexcept {
  health_.forward(word);
  ErrorDetails details = health_.explain(word);
  std::vector<Rank> ranks = details.ranks;
  for (CommunicatorState* communicator : communicators_) {
    const Blocked blocked = communicator->engine().blocked();
    if (!blocked.call) continue;
    const ErrorDetails mine = details_of(*communicator, blocked, details.kind, {});
    details.operation = mine.operation;
    details.sequence = mine.sequence;
    details.step = mine.step;
    details.ranks = communicator->members_of(ranks);
    break;
  }
  fail(std::move(details), std::move(ranks));
}

void Context::release_later(std::uint64_t offset) {
  const std::lock_guard lock(mutex_);
  if (failed()) return;  // rule 13: after an error no memory is used again
  releases_.emplace_back(call_ids_, offset);
  finish_releases();
}

void Context::finish_releases() noexcept {
  std::uint64_t oldest = ~std::uint64_t{0};
  for (const CommunicatorState* communicator : communicators_)
    oldest = std::min(oldest, communicator->engine().oldest_call());
  std::erase_if(releases_, [&](const auto& release) {
    if (release.first >= oldest) return false;
    heap_->release(release.second);
    return true;
  });
}

void Context::fail(ErrorDetails cause, std::vector<Rank> ranks) noexcept {
  if (failed()) return;
  cause_ = std::make_unique<const CollectiveError>(cause);
  failed_.store(true, std::memory_order_release);
  cause.ranks = std::move(ranks);
  health_.announce(cause);
  if (options_.on_failure) options_.on_failure();
  for (const auto& tell : told_of_failure_) tell();
}

void Context::throw_if_failed() const {
  if (failed()) throw CollectiveError(*cause_);
}

std::shared_ptr<Context> Context::over(SymmetricTransport& transport, SignalRegion signals,
                                       std::span<std::byte> memory, SymmetricBuffer scratch,
                                       const CommunicatorOptions& options) {
  if (options.device != Device::cpu())
    throw CollectiveError(
        ErrorKind::Unsupported, "communicator",
        fmt::format("rank {} owns {}: over a transport of one's own ranks do not agree about "
                    "devices; use the CPU, or a bootstrap",
                    transport.rank().value(), options.device.name()),
        {transport.rank()});
  if (memory.size() != scratch.length)
    throw CollectiveError(
        ErrorKind::LengthMismatch, "communicator",
        fmt::format("scratch names {} bytes, the memory has {}", scratch.length, memory.size()),
        {transport.rank()});
  std::shared_ptr<Context> context(new Context(options, nullptr, transport));
  context->prepare_signals({signals.line(0), SignalRegion::bytes(signals.lines())});
  context->heap_ = std::make_shared<SymmetricHeap>(memory);
  ExtentRecord record;
  record.length = memory.size();
  record.window_offset = scratch.offset;
  record.window = 1;
  context->extents_.push_back(record);
  context->agreed_.link = collectives::link_cost(transport.capabilities());
  context->agreed_.node_of = nodes_alone(transport);
  context->agreed_.load_store = mapped_set(transport).count == transport.size();
  context->agreed_.stream_bytes = stream_bytes_here();
  context->agreed_.caches = collectives::cache_layout_here();
  context->agreed_.ranks_fit_cores =
      transport.size() <= static_cast<std::size_t>(sysconf(_SC_NPROCESSORS_ONLN));
  if (!context->agreed_.ranks_fit_cores)
    context->agreed_.link = collectives::in_turns(context->agreed_.link);
  return context;
}

}  // namespace rlx::detail
