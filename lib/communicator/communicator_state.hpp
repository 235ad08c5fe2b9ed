#pragma once
// What a Communicator is made of: a group, its memory, its engine. Shared by the public object and
// the requests in flight.

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "lib/communicator/context.hpp"
#include "lib/communicator/device_slots.hpp"
#include "lib/communicator/engine.hpp"
#include "lib/communicator/plan_cache.hpp"
#include "rlx/symmetric_allocator.hpp"

namespace rlx::detail {

/// How the members of a communicator that is being made agree and tell each other.
struct Agreement {
  Agree maximum;  ///< of one number each gives
  /// One record of each member, in member order.
  std::function<std::vector<ExtentRecord>(const ExtentRecord& mine)> exchange;
};

/// Who the members are. `routes` index the transport's ranks.
struct GroupSetup {
  std::uint64_t id = 0;
  std::vector<Rank> members;  ///< transport ranks, by member
  std::uint32_t me = 0;
  std::vector<std::uint32_t> positions;  ///< where each member's record is in the exchange
};

/// Symmetric memory that every member asks for alike.
struct MemoryRequest {
  std::uint64_t count = 0;
  std::uint64_t element = 1;  ///< bytes
  std::uint64_t alignment = kLineBytes;

  friend constexpr bool operator==(const MemoryRequest&, const MemoryRequest&) = default;
};

/// What it got: allocated until somebody releases the offset.
struct HeapBlock {
  std::byte* data = nullptr;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

class CommunicatorState : public std::enable_shared_from_this<CommunicatorState> {
 public:
  /// Agrees on words and scratch for the group (rule 10). Collective over the agreement's ranks.
  static std::shared_ptr<CommunicatorState> make(std::shared_ptr<Context> context, GroupSetup group,
                                                 const Agreement& agreement);
  ~CommunicatorState();

  [[nodiscard]] Rank rank() const noexcept { return Rank(group_.me); }
  [[nodiscard]] std::size_t size() const noexcept { return group_.members.size(); }
  [[nodiscard]] std::uint64_t id() const noexcept { return group_.id; }
  [[nodiscard]] Context& context() const noexcept { return *context_; }
  [[nodiscard]] const std::shared_ptr<Context>& shared_context() const noexcept { return context_; }
  [[nodiscard]] const Engine& engine() const noexcept { return *engine_; }
  [[nodiscard]] Engine& engine() noexcept { return *engine_; }
  [[nodiscard]] PlanCache& plans() noexcept { return *plans_; }
  /// PlanCache::force(), for the calls that were made before as well.
  void force(ForcedPlan forced) {
    for (RepeatedCall& known : known_) known.prepared = nullptr;
    plans_->force(std::move(forced));
  }
  [[nodiscard]] const GroupSetup& group() const noexcept { return group_; }

  /// A blocking call, again or for the first time. Throws the Context's failure, or Closed.
  void run(RepeatedCall& call);
  /// Makes `call` one with these arguments, which were checked and which `prepared` fits.
  void prepare(RepeatedCall& call, const CallArguments& arguments,
               std::shared_ptr<const PreparedCall> prepared) const;
  /// One of the last calls, with just these arguments, or nullptr.
  [[nodiscard]] RepeatedCall* recall(const CallArguments& arguments) noexcept;
  RepeatedCall& remember(const CallArguments& arguments,
                         std::shared_ptr<const PreparedCall> prepared);

  /// Assigns epochs. Throws the Context's failure, or Closed.
  std::shared_ptr<CallState> submit(const CallArguments& arguments,
                                    std::shared_ptr<const PreparedCall> prepared,
                                    CallPurpose purpose, bool held);
  /// Waits for a call; throws the failure.
  void complete(const CallState& call);
  void release_start(CallState& call);

  /// rlx's own collectives, counted as part of the user's call that needs them.
  std::uint64_t maximum(std::uint64_t mine, CallPurpose purpose);
  std::vector<std::byte> gather(std::span<const std::byte> mine, CallPurpose purpose);
  void barrier(CallPurpose purpose);
  /// The first barrier of a new communicator of all ranks, which makes the connections to schedule
  /// neighbours. Throws Timeout naming the peer that is awaited, and what leads to it, after
  /// `seconds`.
  void meet(double seconds);
  [[nodiscard]] Agreement agreement(CallPurpose purpose);

  HeapBlock allocate(const MemoryRequest& request);
  /// The same, owned.
  std::unique_ptr<SymmetricAllocation> allocate_owned(const MemoryRequest& request);
  [[nodiscard]] const std::shared_ptr<SymmetricResource>& memory_resource() const noexcept {
    return memory_resource_;
  }
  std::shared_ptr<CommunicatorState> split(int colour, int key, CallPurpose purpose);
  void close(double timeout_seconds);
  /// For destructors: never throws; waits only when all is well.
  void leave() noexcept;
  [[nodiscard]] bool closed() const noexcept { return closed_; }

  /// Transport ranks as members of this communicator; those that are none are left out.
  [[nodiscard]] std::vector<Rank> members_of(const std::vector<Rank>& ranks) const;
  /// Fails the Context; ranks are members of this communicator.
  void fail(ErrorDetails details) noexcept;

 private:
  CommunicatorState(std::shared_ptr<Context> context, GroupSetup group);
  void abandon() noexcept;
  void reserve(const Agreement& agreement);
  bool import_members(EngineSetup& setup, std::size_t bytes, const Agreement& agreement);
  void share_device(EngineSetup& setup, const Agreement& agreement);
  [[nodiscard]] collectives::PeerRoute route_to(std::size_t member,
                                                const ExtentRecord& record) const;
  bool run_alone(RepeatedCall& call);
  CallState& blocking_call(const RepeatedCall& call);
  void run_internal(const CallArguments& arguments, CallPurpose purpose);
  [[noreturn]] void throw_refused(const CallState& call);
  [[noreturn]] void throw_not_met(double seconds);
  [[nodiscard]] bool quiet();
  void give_back() noexcept;

  std::shared_ptr<Context> context_;  // shared: the last communicator or array tears it down
  GroupSetup group_;
  bool maps_all_;  // everybody's memory is mapped by every member
  std::uint64_t memory_offset_ = 0;
  std::uint64_t words_offset_ = 0;
  std::vector<std::unique_ptr<HostImport>> imports_;  // members' memory, by my device
  DeviceSlots device_slots_;                          // of members on the same one
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<PlanCache> plans_;
  std::shared_ptr<SymmetricResource> memory_resource_;  // shared with allocators, may outlive this
  std::array<RepeatedCall, 8> known_;
  std::shared_ptr<CallState> blocking_;  // of the last blocking call, used again
  int exceptions_ = 0;                   // in flight when this was made
  std::uint64_t sequence_ = 1;           // of the user's calls
  bool entered_ = false;
  bool closed_ = false;
};

}  // namespace rlx::detail
