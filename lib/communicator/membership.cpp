// What members agree on: memory for the user, and communicators made from this one.

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "lib/communicator/communicator_state.hpp"

namespace rlx::detail {
namespace {

template <class T>
std::vector<T> gather_values(CommunicatorState& communicator, const T& mine, CallPurpose purpose) {
  const std::vector<std::byte> all =
      communicator.gather(std::as_bytes(std::span(&mine, 1)), purpose);
  std::vector<T> values(communicator.size());
  std::memcpy(values.data(), all.data(), all.size());
  return values;
}

/// One allocation of the user's. Shares the Context, so that the memory outlives its communicator.
class HeapAllocation final : public SymmetricAllocation {
 public:
  HeapAllocation(std::shared_ptr<Context> context, std::uint64_t offset)
      : context_(std::move(context)), offset_(offset) {}
  ~HeapAllocation() override {
    if (context_->owned_by_this_process()) context_->release_later(offset_);
  }

 private:
  std::shared_ptr<Context> context_;
  std::uint64_t offset_;
};

struct Request64 {
  std::uint64_t count;
  std::uint64_t element;
};

void check_same_request(CommunicatorState& communicator, const Request64& mine) {
  const auto all = gather_values(communicator, mine, CallPurpose::allocate);
  const auto differs = std::find_if(all.begin(), all.end(), [&](const Request64& other) {
    return other.count != all[0].count || other.element != all[0].element;
  });
  if (differs == all.end()) return;
  const Rank rank(static_cast<std::uint32_t>(differs - all.begin()));
  throw CollectiveError(
      ErrorKind::LengthMismatch, "allocate",
      fmt::format("rank {} asked for {} elements of {} bytes, rank 0 for {} of {}; every member must "
                  "ask for the same",
                  rank.value(), differs->count, differs->element, all[0].count, all[0].element),
      {Rank(0), rank});
}

struct Colour {
  std::int64_t colour;
  std::int64_t key;
  std::uint64_t next_id;
};

}  // namespace

std::unique_ptr<SymmetricAllocation> CommunicatorState::allocate(std::size_t count,
                                                                 std::size_t element) {
  check_same_request(*this, {count, element});
  std::uint64_t bytes = 0;
  if (__builtin_mul_overflow(std::uint64_t{count}, std::uint64_t{element}, &bytes))
    throw CollectiveError(ErrorKind::OutOfMemory, "allocate",
                          fmt::format("{} elements of {} bytes overflow an address", count, element));
  const std::uint64_t offset =
      context_->heap().allocate(bytes, kLineBytes, group_.id, agreement(CallPurpose::allocate).maximum);
  const ExtentRecord mine = context_->extent_of(offset);
  const std::vector<ExtentRecord> records = agreement(CallPurpose::allocate).exchange(mine);
  for (std::size_t member = 0; member < size(); ++member)
    context_->admit(group_.members[member], records[member]);
  const std::lock_guard lock(context_->mutex());
  ++sequence_;
  auto allocation = std::make_unique<HeapAllocation>(context_, offset);
  allocation->data = context_->heap().at(offset);
  allocation->view = {rank(), offset, bytes};
  return allocation;
}

std::shared_ptr<CommunicatorState> CommunicatorState::split(int colour, int key,
                                                            CallPurpose purpose) {
  const auto all = gather_values(*this, Colour{colour, key, context_->propose_id()}, purpose);
  GroupSetup group;
  for (const Colour& other : all) group.id = std::max(group.id, other.next_id);
  std::vector<std::uint32_t> mates;
  for (std::uint32_t member = 0; member < size(); ++member)
    if (colour >= 0 ? all[member].colour == colour : member == group_.me) mates.push_back(member);
  std::stable_sort(mates.begin(), mates.end(), [&](std::uint32_t a, std::uint32_t b) {
    return all[a].key < all[b].key;
  });
  for (const std::uint32_t mate : mates) {
    if (mate == group_.me) group.me = static_cast<std::uint32_t>(group.members.size());
    group.members.push_back(group_.members[mate]);
    group.positions.push_back(mate);
  }
  context_->adopt_id(group.id);
  auto state = make(context_, std::move(group), agreement(purpose));
  {
    const std::lock_guard lock(context_->mutex());
    ++sequence_;
  }
  if (colour >= 0) return state;
  state->close(context_->config().timeout);  // took part in the agreement only
  return nullptr;
}

}  // namespace rlx::detail
