#include "lib/communicator/watchdog.hpp"

#include <fmt/format.h>

#include <cstring>

#include "lib/base/log.hpp"
#include "lib/communicator/context.hpp"
#include "lib/communicator/diagnosis.hpp"

namespace rlx::detail {
namespace {

constexpr std::chrono::milliseconds kLookInterval{5};
constexpr double kFetchSeconds = 0.05;          // a knock may hold up my own progress only so long
constexpr std::chrono::seconds kSearchTime{2};  // for the member that called something else
constexpr int kFailingLooks = 2;  // a dead peer's last signals are seen before its death is

double seconds(Watchdog::Clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

/// "rank 0", or where the communicator numbers its ranks otherwise than the transport, whose own
/// words may follow, "rank 0 (rank 2 of the job)".
std::string name_of(const CommunicatorState& communicator, std::uint32_t member) {
  const Rank rank = communicator.engine().setup().peers[member].rank;
  if (rank.value() == member) return fmt::format("rank {}", member);
  return fmt::format("rank {} (rank {} of the job)", member, rank.value());
}

RemoteRef control_block(const CommunicatorState& communicator, std::uint32_t member,
                        std::uint64_t line) {
  const auto& route = communicator.engine().setup().peers[member];
  return {route.rank, route.window, route.scratch_offset - kControlBytes + line * kLineBytes};
}

}  // namespace

void Watchdog::look() noexcept {
  const auto now = Clock::now();
  if (now - last_look_ < kLookInterval) return;
  last_look_ = now;
  if (device_failed()) return;
  for (CommunicatorState* communicator : context_.communicators()) {
    Blocked blocked = communicator->engine().undelivered();
    if (!blocked.call) blocked = communicator->engine().blocked();
    if (!blocked.call) continue;
    watch(*communicator, blocked);
    return;
  }
  watch_ = {};
}

void Watchdog::watch(CommunicatorState& communicator, const Blocked& blocked) noexcept {
  const bool same = watch_.communicator == &communicator && watch_.epoch == blocked.epoch &&
                    watch_.step == blocked.step;
  if (!same) {
    const auto now = last_look_;
    watch_ = {
        &communicator, blocked.epoch, blocked.step, now, now, now, blocked.step->peer, 0, {}, 0,
        false};
    communicator.engine().publish_progress(0);
    return;
  }
  if (dead(blocked)) return;
  const double waited = seconds(last_look_ - watch_.since);
  const double knock_after = context_.config().knock_after;
  if (waited < knock_after || seconds(last_look_ - watch_.knocked) < knock_after) return;
  communicator.engine().publish_progress(1 + blocked.step->peer);
  knock(blocked);
  watch_.knocked = Clock::now();
}

/// My own device does nothing any more: told in terms of the oldest call, which waits for it.
bool Watchdog::device_failed() noexcept {
  const DeviceSide* const side = context_.device_side();
  const std::string failure = side != nullptr ? side->failure() : std::string();
  if (failure.empty()) return false;
  for (CommunicatorState* communicator : context_.communicators()) {
    if (communicator->engine().idle()) continue;
    ErrorDetails details =
        details_of(*communicator, communicator->engine().oldest(), ErrorKind::Device,
                   fmt::format("rank {}: {}: {}; what was in its memory is lost",
                               communicator->rank().value(), side->device().name(), failure));
    details.ranks = {communicator->rank()};
    communicator->fail(std::move(details));
    return true;
  }
  return false;
}

/// The peer that I wait for is known to be gone, and what it sent before has been seen.
bool Watchdog::dead(const Blocked& blocked) noexcept {
  const CommunicatorState& communicator = *watch_.communicator;
  const Rank rank = communicator.engine().setup().peers[blocked.step->peer].rank;
  if (!context_.transport().peer_failed(rank)) return false;
  if (++watch_.failing_looks < kFailingLooks) return false;
  // The first failure may be another rank's, or memory that could not be had.
  const auto failure = context_.transport().failure();
  const bool tells = failure && (!failure->rank || *failure->rank == rank);
  give_up(blocked, ErrorKind::PeerFailed,
          fmt::format("{} failed: {}", name_of(communicator, blocked.step->peer),
                      tells ? failure->message : "its process or connection is gone"));
  return true;
}

void Watchdog::knock(const Blocked& blocked) noexcept {
  CommunicatorState& communicator = *watch_.communicator;
  const std::uint32_t suspect = watch_.suspect;
  if (!context_.health().fetch(control_block(communicator, suspect, 0), 1, kFetchSeconds)) {
    not_arrived(blocked);  // silence is not death
    return;
  }
  ProgressLine line;
  std::memcpy(&line, context_.health().fetched(), sizeof line);
  judge(blocked, line);
}

void Watchdog::judge(const Blocked& blocked, const ProgressLine& line) noexcept {
  if (line.started <= blocked.epoch && line.awaited == 0) return not_arrived(blocked);
  if (line.started > blocked.epoch && mismatched(blocked)) return;
  if (!watch_.last || watch_.last->steps != line.steps) watch_.progressed = last_look_;
  watch_.last = line;
  const auto members = static_cast<std::uint32_t>(watch_.communicator->size());
  const bool waits_too = line.awaited != 0 && line.awaited <= members && watch_.hops < members;
  if (waits_too && line.awaited - 1 != watch_.communicator->rank().value()) {
    watch_.suspect = static_cast<std::uint32_t>(line.awaited - 1);  // next time ask that one
    ++watch_.hops;
    watch_.last.reset();
    return;
  }
  if (seconds(last_look_ - watch_.progressed) < context_.config().stall_timeout) return;
  give_up(blocked, ErrorKind::Timeout,
          fmt::format("rank {} has entered the call but made no progress for {} s "
                      "(RLX_STALL_TIMEOUT)",
                      watch_.suspect, context_.config().stall_timeout));
}

/// Compares the suspect's arguments of this call with mine.
bool Watchdog::mismatched(const Blocked& blocked) noexcept {
  CommunicatorState& communicator = *watch_.communicator;
  const std::uint64_t number = blocked.call->call_number;
  const std::uint64_t line = 1 + number % kDescriptors;
  if (!context_.health().fetch(control_block(communicator, watch_.suspect, line), 1, kFetchSeconds))
    return false;
  CallDescriptor theirs;
  std::memcpy(&theirs, context_.health().fetched(), sizeof theirs);
  const CallDescriptor mine = communicator.engine().descriptor(number);
  if (!theirs.valid || theirs.sequence != number || theirs.same_call(mine)) return false;
  report_mismatch(blocked, watch_.suspect, theirs, mine);
  return true;
}

void Watchdog::report_mismatch(const Blocked& blocked, std::uint32_t member,
                               const CallDescriptor& theirs, const CallDescriptor& mine) noexcept {
  CommunicatorState& communicator = *watch_.communicator;
  ErrorDetails details = details_of(
      communicator, blocked, ErrorKind::Mismatch,
      fmt::format(
          "rank {} called {} where rank {} called {}; all ranks of a communicator must make "
          "the same calls in the same order",
          member, describe_call(theirs), communicator.rank().value(), describe_call(mine)));
  details.ranks = {Rank(member), communicator.rank()};
  details.sequence = mine.user_sequence;
  communicator.fail(std::move(details));
}

void Watchdog::not_arrived(const Blocked& blocked) noexcept {
  const double waited = seconds(last_look_ - watch_.since);
  const Config& config = context_.config();
  if (!watch_.warned && waited >= config.warn_after) {
    watch_.warned = true;
    log::warn("rank {} has waited {:.0f} s in {} (call {}) for rank {}, which has not entered it",
              watch_.communicator->rank().value(), waited, operation_name(*blocked.call),
              blocked.call->sequence, watch_.suspect);
  }
  if (waited < config.timeout) return;
  give_up(blocked, ErrorKind::Timeout,
          fmt::format("rank {} did not enter the call within {} s (RLX_TIMEOUT)", watch_.suspect,
                      config.timeout));
}

void Watchdog::give_up(const Blocked& blocked, ErrorKind kind,
                       const std::string& message) noexcept {
  CommunicatorState& communicator = *watch_.communicator;
  ErrorDetails details = details_of(communicator, blocked, kind, message);
  details.ranks = {Rank(kind == ErrorKind::PeerFailed ? blocked.step->peer : watch_.suspect)};
  communicator.fail(std::move(details));
}

void Watchdog::diagnose(CommunicatorState& communicator) noexcept {
  const Blocked blocked = communicator.engine().blocked();
  const std::uint32_t peer = blocked.step->peer;
  watch_ = {};
  watch_.communicator = &communicator;
  watch_.suspect = peer;
  if (communicator.engine().failure() == collectives::RunStatus::failed) {
    const auto failure = context_.transport().failure();
    const Rank rank = communicator.engine().setup().peers[peer].rank;
    const bool dead = context_.transport().peer_failed(rank);
    give_up(blocked, dead ? ErrorKind::PeerFailed : ErrorKind::Transport,
            fmt::format("{}: {}", name_of(communicator, peer),
                        failure ? failure->message : "the transport refused the operation"));
    return;
  }
  // The signal came from another call: of the peer that this wait is for, or of any member whose
  // call uses this word otherwise.
  const auto deadline = Clock::now() + kSearchTime;
  if (found_difference(blocked, peer)) return;
  for (std::uint32_t member = 0; member < communicator.size(); ++member) {
    if (member == peer || member == communicator.rank().value()) continue;
    if (Clock::now() > deadline || found_difference(blocked, member)) break;
  }
  if (context_.failed()) return;
  const CallDescriptor mine = communicator.engine().descriptor(blocked.call->call_number);
  ErrorDetails details = details_of(
      communicator, blocked, ErrorKind::Mismatch,
      fmt::format(
          "rank {} signalled for a different call than rank {}'s {}, and could not be asked "
          "which; all ranks of a communicator must make the same calls in the same order",
          peer, communicator.rank().value(), describe_call(mine)));
  details.ranks = {Rank(peer), communicator.rank()};
  communicator.fail(std::move(details));
}

/// Looks for the first call in which the member differs from me, and fails with it.
bool Watchdog::found_difference(const Blocked& blocked, std::uint32_t member) noexcept {
  CommunicatorState& communicator = *watch_.communicator;
  const std::uint64_t number = blocked.call->call_number;
  const std::uint64_t oldest = number < 8 ? 0 : number - 8;
  for (std::uint64_t call = oldest; call <= number; ++call) {
    const std::uint64_t line = 1 + call % kDescriptors;
    CallDescriptor theirs;
    const CallDescriptor mine = communicator.engine().descriptor(call);
    // Over mapped memory a call's first signal may be seen a moment before its descriptor.
    const auto patience = Clock::now() + std::chrono::milliseconds(1);
    do {
      if (!context_.health().fetch(control_block(communicator, member, line), 1, 0.3)) return false;
      std::memcpy(&theirs, context_.health().fetched(), sizeof theirs);
    } while ((!theirs.valid || theirs.sequence < call) && Clock::now() < patience);
    if (!theirs.valid || theirs.sequence != call || theirs.same_call(mine)) continue;
    report_mismatch(blocked, member, theirs, mine);
    return true;
  }
  return false;
}

}  // namespace rlx::detail
