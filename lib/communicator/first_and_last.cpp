// How a communicator begins and ends: the barrier in which all ranks meet, and the one after which
// nobody reaches its memory any more.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>

#include "lib/base/log.hpp"
#include "lib/communicator/communicator_state.hpp"
#include "lib/communicator/diagnosis.hpp"

namespace rlx::detail {

namespace {

const std::string& way_to_others(const TransportCapabilities& offered) {
  return offered.fabric.empty() ? offered.detail : offered.fabric;
}

}  // namespace

void CommunicatorState::meet(double seconds) {
  const auto deadline = Watchdog::Clock::now() + std::chrono::duration<double>(seconds);
  const auto call =
      submit(CallArguments{}, plans_->prepare(CallArguments{}), CallPurpose::wire, false);
  context_->wait([&] {
    if (call->done.load(std::memory_order_acquire)) return true;
    if (Watchdog::Clock::now() > deadline) throw_not_met(seconds);
    return false;
  });
}

void CommunicatorState::throw_not_met(double seconds) {
  const std::lock_guard lock(context_->mutex());
  const Blocked blocked = engine_->blocked();
  ErrorDetails details = details_of(*this, blocked, ErrorKind::Timeout, {});
  std::string what = "its own puts to be taken";
  if (blocked.step != nullptr && blocked.step->peer < size()) {
    const std::uint32_t peer = blocked.step->peer;
    details.ranks = {Rank(peer)};
    what = engine_->setup().peers[peer].signals != nullptr
               ? fmt::format("rank {} of its node, which waits itself or has stopped", peer)
               : fmt::format(
                     "rank {} over {}: it is there, but nothing of it arrives; another "
                     "interface can be named by RLX_INTERFACE",
                     peer, way_to_others(context_->transport().capabilities()));
  }
  details.message = fmt::format(
      "in phase \"world\" of the start: rank {} waited {} s (RLX_STARTUP_TIMEOUT) for {}",
      group_.me, seconds, what);
  fail(details);
  throw CollectiveError(std::move(details));
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
  const auto wait_until = [&](auto&& done) {
    context_->wait([&] {
      if (done()) return true;
      check();
      return false;
    });
  };
  // Nothing in flight before the barrier, and a barrier of messages: published words and scratch
  // are read where they are, so who gives them back must know that everybody has read them.
  wait_until([&] { return quiet(); });
  const auto call = submit(CallArguments{}, plans_->prepare_closing(), CallPurpose::close, false);
  wait_until([&] { return call->done.load(std::memory_order_acquire) && quiet(); });
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
