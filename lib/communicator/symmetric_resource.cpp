#include <fmt/format.h>

#include <algorithm>

#include "lib/base/log.hpp"
#include "lib/communicator/communicator_state.hpp"
#include "rlx/symmetric_allocator.hpp"

namespace rlx {
namespace {

using detail::CommunicatorState;
using detail::Context;

std::vector<Rank> ascending(std::vector<Rank> members) {
  std::ranges::sort(members);
  return members;
}

}  // namespace

SymmetricResource::SymmetricResource(std::weak_ptr<CommunicatorState> communicator)
    : communicator_(std::move(communicator)) {
  const auto state = communicator_.lock();
  context_ = state->shared_context();
  members_ = ascending(state->group().members);
}

SymmetricResource::~SymmetricResource() = default;

void* SymmetricResource::do_allocate(std::size_t bytes, std::size_t alignment) {
  const auto communicator = communicator_.lock();
  if (!communicator)
    throw CollectiveError(ErrorKind::Closed, "allocate",
                          fmt::format("{} bytes of a communicator that is gone; it must outlive "
                                      "the containers that still allocate",
                                      bytes));
  return communicator->allocate({bytes, 1, std::max<std::size_t>(alignment, kLineBytes)}).data;
}

/// Called by destructors, so nothing leaves; what can not be released stays allocated.
void SymmetricResource::do_deallocate(void* memory, std::size_t bytes, std::size_t) noexcept {
  if (!context_->owned_by_this_process()) return;
  const auto [offset, inside] = context_->heap().offset_of(memory);
  if (!inside) {
    log::error("deallocate: {} bytes at {} are not of this symmetric heap", bytes, memory);
    return;
  }
  try {
    context_->release_later(offset);
  } catch (const std::exception& error) {
    log::error("{} bytes at heap offset {} stay allocated: {}", bytes, offset, error.what());
  }
}

bool SymmetricResource::do_is_equal(const std::pmr::memory_resource& other) const noexcept {
  if (this == &other) return true;
  const auto* resource = dynamic_cast<const SymmetricResource*>(&other);
  return resource != nullptr && resource->context_ == context_ && resource->members_ == members_;
}

detail::MemoryRef SymmetricResource::memory(const void* data, std::size_t count) const noexcept {
  auto* bytes = static_cast<std::byte*>(const_cast<void*>(data));
  return {bytes, count, true, context_->heap().offset_of(data).first};
}

std::uint64_t SymmetricResource::checked_offset(const void* data, std::size_t bytes) const {
  if (bytes == 0) return 0;
  const auto [offset, inside] = context_->heap().offset_of(data);
  const HeapExtent extent = inside ? context_->heap().extent_at(offset) : HeapExtent{};
  if (inside && offset - extent.offset < extent.length &&
      bytes <= extent.length - (offset - extent.offset))
    return offset;
  const Rank rank = context_->transport().rank();
  throw CollectiveError(
      ErrorKind::InvalidArgument, "view",
      fmt::format("rank {}: {} bytes at {} do not lie in this communicator's symmetric heap; name "
                  "memory of its arrays, of containers over its memory_resource(), or pass the "
                  "range itself as private memory",
                  rank.value(), bytes, data),
      {rank});
}

}  // namespace rlx
