#include "rlx/request.hpp"

#include <exception>
#include <utility>

#include "lib/communicator/call.hpp"
#include "lib/communicator/communicator_state.hpp"

namespace rlx {
namespace {

bool finished(const detail::CallState& call) { return call.done.load(std::memory_order_acquire); }

bool test_call(const detail::CallState& call) {
  detail::Context& context = call.communicator->context();
  context.refuse_forked_child();
  if (finished(call)) return true;
  context.try_advance();
  if (finished(call)) return true;
  context.throw_if_failed();
  return false;
}

/// An unfinished call whose owner goes away: waited for when all is well.
void abandon(const std::shared_ptr<detail::CallState>& call) noexcept {
  if (!call || finished(*call) || std::uncaught_exceptions() > 0) return;
  if (!call->communicator->context().owned_by_this_process()) return;
  try {
    call->communicator->complete(*call);
  } catch (const CollectiveError&) {
    return;  // the Context keeps the cause; the next call throws it
  }
}

void check_startable(const detail::PlanState* plan, const char* operation) {
  if (plan == nullptr)
    throw CollectiveError(ErrorKind::InvalidArgument, operation,
                          "an empty plan can not be started");
  if (plan->running && !finished(*plan->running))
    throw CollectiveError(ErrorKind::InvalidArgument, operation,
                          "the run before is unfinished; wait() for it first");
}

}  // namespace

Request::Request() = default;
Request::Request(std::shared_ptr<detail::CallState> state) : state_(std::move(state)) {}
Request::~Request() { abandon(state_); }
Request::Request(Request&& other) noexcept = default;
Request& Request::operator=(Request&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

bool Request::test() { return !state_ || test_call(*state_); }

void Request::wait() {
  if (state_) state_->communicator->complete(*state_);
}

Plan::Plan() = default;
Plan::Plan(std::shared_ptr<detail::PlanState> state) : state_(std::move(state)) {}
Plan::~Plan() {
  if (state_) abandon(state_->running);
}
Plan::Plan(Plan&& other) noexcept = default;
Plan& Plan::operator=(Plan&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

void Plan::start() {
  check_startable(state_.get(), "start");
  detail::CommunicatorState& communicator = *state_->communicator;
  state_->running = communicator.submit(state_->call.arguments, state_->call.prepared,
                                        detail::CallPurpose::user, false);
  communicator.context().helper().call_in_flight();
}

void Plan::run() {
  check_startable(state_.get(), "run");
  if (!state_->overlaps) return state_->communicator->run(state_->call);
  start();
  wait();
}

bool Plan::test() { return !state_ || !state_->running || test_call(*state_->running); }

void Plan::wait() {
  if (state_ && state_->running) state_->communicator->complete(*state_->running);
}

std::string Plan::algorithm() const {
  return state_ ? state_->call.prepared->algorithm : std::string();
}

std::uint32_t Plan::pieces() const { return state_ ? state_->call.prepared->pieces : 0; }

}  // namespace rlx
