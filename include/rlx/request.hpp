#pragma once
// A collective in flight, and a collective that is started again and again.

#include <cstdint>
#include <memory>
#include <string>

namespace rlx {

namespace detail {
class CallState;
class PlanState;
}  // namespace detail

/// Move-only. The memory of the call belongs to rlx until test() has returned true or wait() has
/// returned. Destroying an unfinished request waits for it (after an error, or while unwinding, it
/// does not: the Context keeps the call's state alive until it is torn down).
class Request {
 public:
  Request();
  explicit Request(std::shared_ptr<detail::CallState> state);  // shared with the Context's queue
  ~Request();
  Request(Request&&) noexcept;
  Request& operator=(Request&&) noexcept;

  /// Advances everything of the Context once; true when this call is complete (and for an empty
  /// request). Throws the Context's first failure as CollectiveError.
  bool test();
  /// Advances until complete. Throws as test(), and Timeout as configured.
  void wait();

 private:
  std::shared_ptr<detail::CallState> state_;
};

/// Move-only. A collective whose arguments, algorithm and addresses were bound once. Every start is
/// a collective call in program order. The memory must outlive the plan.
class Plan {
 public:
  Plan();
  explicit Plan(std::shared_ptr<detail::PlanState> state);
  ~Plan();
  Plan(Plan&&) noexcept;
  Plan& operator=(Plan&&) noexcept;

  /// Queues one more run; never blocks. Throws CollectiveError(InvalidArgument) while the run before
  /// is unfinished.
  void start();
  bool test();
  void wait();
  /// start() and wait() in one, and the fastest way there is to make a call: nothing is queued where
  /// nothing else is in flight. Errors are those of both.
  void run();

  /// The algorithm that was chosen; empty for an empty plan.
  [[nodiscard]] std::string algorithm() const;
  /// How many pieces the message travels in, Config::window of them at a time; 0 for an empty plan.
  [[nodiscard]] std::uint32_t pieces() const;

 private:
  std::shared_ptr<detail::PlanState> state_;
};

}  // namespace rlx
