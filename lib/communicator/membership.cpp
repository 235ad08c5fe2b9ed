// What members agree on: memory for the user, and communicators made from this one.

#include <fmt/format.h>

#include <algorithm>
#include <bit>
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

/// What one member asks for, and the largest alignment that its heap offers.
struct Wish {
  MemoryRequest request;
  std::uint64_t offered;
};

std::string in_words(const MemoryRequest& request) {
  const std::string aligned =
      request.alignment > kLineBytes ? fmt::format(" aligned to {}", request.alignment) : "";
  if (request.element == 1) return fmt::format("{} bytes{}", request.count, aligned);
  return fmt::format("{} elements of {} bytes{}", request.count, request.element, aligned);
}

/// A heap over somebody's memory offers what that memory is aligned to, which may differ by rank.
std::uint64_t offered_alignment(Context& context) {
  constexpr std::uint64_t kLargest = 2 << 20;
  const auto base = reinterpret_cast<std::uintptr_t>(context.heap().base());
  return std::min(kLargest, std::uint64_t{1} << std::countr_zero(base | kLargest));
}

void check_same_request(CommunicatorState& communicator, const MemoryRequest& mine) {
  const Wish wish{mine, offered_alignment(communicator.context())};
  const auto all = gather_values(communicator, wish, CallPurpose::allocate);
  const auto differs =
      std::ranges::find_if(all, [&](const Wish& other) { return other.request != all[0].request; });
  const auto least = std::ranges::min_element(all, {}, &Wish::offered);
  if (differs != all.end()) {
    const Rank rank(static_cast<std::uint32_t>(differs - all.begin()));
    throw CollectiveError(
        ErrorKind::LengthMismatch, "allocate",
        fmt::format("rank {} asked for {}, rank 0 for {}; every member must ask "
                    "for the same",
                    rank.value(), in_words(differs->request), in_words(all[0].request)),
        {Rank(0), rank});
  }
  // Cache lines are what the heap counts in, wherever it begins.
  if (mine.alignment <= std::max<std::uint64_t>(least->offered, kLineBytes)) return;
  const Rank rank(static_cast<std::uint32_t>(least - all.begin()));
  throw CollectiveError(ErrorKind::Unsupported, "allocate",
                        fmt::format("{}: the heap of rank {} offers alignments up to {}",
                                    in_words(mine), rank.value(), least->offered),
                        {rank});
}

struct Colour {
  std::int64_t colour;
  std::int64_t key;
  std::uint64_t next_id;
};

}  // namespace

HeapBlock CommunicatorState::allocate(const MemoryRequest& request) {
  check_same_request(*this, request);
  std::uint64_t bytes = 0;
  if (__builtin_mul_overflow(request.count, request.element, &bytes))
    throw CollectiveError(ErrorKind::OutOfMemory, "allocate",
                          fmt::format("{} overflow an address", in_words(request)));
  const std::uint64_t offset = context_->heap().allocate(bytes, request.alignment, group_.id,
                                                         agreement(CallPurpose::allocate).maximum);
  const ExtentRecord mine = context_->extent_of(offset);
  const std::vector<ExtentRecord> records = agreement(CallPurpose::allocate).exchange(mine);
  for (std::size_t member = 0; member < size(); ++member)
    context_->admit(group_.members[member], records[member]);
  const std::lock_guard lock(context_->mutex());
  ++sequence_;
  return {context_->heap().at(offset), offset, bytes};
}

std::unique_ptr<SymmetricAllocation> CommunicatorState::allocate_owned(
    const MemoryRequest& request) {
  const HeapBlock block = allocate(request);
  auto allocation = std::make_unique<HeapAllocation>(context_, block.offset);
  allocation->data = block.data;
  allocation->view = {rank(), block.offset, block.bytes};
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
  std::stable_sort(mates.begin(), mates.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return all[a].key < all[b].key; });
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
