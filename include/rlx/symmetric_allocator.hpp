#pragma once
// Symmetric memory for standard containers: a container that is given a SymmetricAllocator, or a
// std::pmr container over a SymmetricResource, lies in the communicator's heap and is communicated
// where it lies, like a SymmetricArray.
//
//   rlx::SymmetricVector<float> gradient(n, comm);
//   std::pmr::vector<float> weights(n, comm.memory_resource());
//   rlx::all_reduce(comm, gradient, rlx::ReduceKind::Sum);
//
// Allocating is a blocking collective (rule 10), so every member lets its containers allocate the
// same bytes in the same order. A vector allocates when it is made with a size, copied, or grown
// past its capacity: vectors of the same sizes, filled by the same calls, grow at the same moment
// on all members. Members that ask for different bytes throw LengthMismatch; one that grows while
// the others do something else is a Mismatch that names both.
//
// Releasing is local, in any order, on any thread, also while an exception unwinds; it takes effect
// when the last call already issued that names the memory has completed on this rank. So a vector
// may be destroyed or grown while such a call runs, but what the call then delivers is gone with
// the old memory.
//
// A copy of a SymmetricVector is symmetric as well (an allocation: pass by reference); a copy of a
// pmr container is private, as the standard has it. Move, swap and copy assignment of
// SymmetricVectors hand the allocator on with the contents, so move and swap never allocate. Move
// assignment between pmr containers of unequal resources allocates and copies element by element.
//
// Whether memory is symmetric is known from the container's allocator, never from its address: a
// span over such memory, or a container that a pool over the resource serves, counts as private.
// SymmetricResource::view() names them as symmetric.

#include <cstddef>
#include <memory>
#include <memory_resource>
#include <new>
#include <ranges>
#include <span>
#include <type_traits>
#include <vector>

#include "rlx/communicator.hpp"
#include "rlx/rank.hpp"

namespace rlx {

/// Part of symmetric memory, to communicate where it lies. A view, never an owner. Made by
/// SymmetricResource::view().
template <class T>
requires Element<std::remove_const_t<T>>
class SymmetricSpan {
 public:
  using element_type = T;
  using value_type = std::remove_const_t<T>;

  [[nodiscard]] T* data() const noexcept { return elements_.data(); }
  [[nodiscard]] std::size_t size() const noexcept { return elements_.size(); }
  [[nodiscard]] bool empty() const noexcept { return elements_.empty(); }
  [[nodiscard]] std::span<T> span() const noexcept { return elements_; }
  [[nodiscard]] T& operator[](std::size_t index) const noexcept { return elements_[index]; }
  [[nodiscard]] T* begin() const noexcept { return data(); }
  [[nodiscard]] T* end() const noexcept { return data() + size(); }

  /// What collectives take; see detail::MemoryRef.
  [[nodiscard]] detail::MemoryRef memory() const noexcept {
    auto* bytes = reinterpret_cast<std::byte*>(const_cast<value_type*>(data()));
    return {bytes, size(), true, offset_};
  }

 private:
  friend class SymmetricResource;
  SymmetricSpan(std::span<T> elements, std::uint64_t offset)
      : elements_(elements), offset_(offset) {}

  std::span<T> elements_;
  std::uint64_t offset_ = 0;
};

/// The communicator's heap as a std::pmr::memory_resource; see the head of this file for the rules.
/// Got from Communicator::memory_resource(). It lives as long as the communicator or any
/// SymmetricAllocator of it; containers that name it by a pointer must not outlive it. Memory that
/// it gave may outlive the communicator.
///
/// allocate(bytes, alignment): zeroed, a multiple of 64 bytes at alignments up to 2 MiB. Collective
/// and blocking. Throws on all members OutOfMemory naming requested, available and RLX_HEAP_LIMIT;
/// LengthMismatch naming ranks that ask for different bytes or alignments; Unsupported for an
/// alignment that the heap does not offer; Closed after the communicator; and as every collective.
/// deallocate: never throws and never waits for a peer, also after a failure (rule 13: the memory
/// then stays).
///
/// Each allocation is an agreement of all members, some messages each: for many small containers
/// let a std::pmr::unsynchronized_pool_resource take large blocks from it.
class SymmetricResource final : public std::pmr::memory_resource {
 public:
  explicit SymmetricResource(std::weak_ptr<detail::CommunicatorState> communicator);
  ~SymmetricResource() override;
  SymmetricResource(const SymmetricResource&) = delete;
  SymmetricResource& operator=(const SymmetricResource&) = delete;

  /// Names memory of this heap that does not say so by its type: a part of a symmetric array or
  /// container, or what a pool took from this resource. Local; an empty span needs no memory.
  /// Throws InvalidArgument when the bytes do not all lie in allocated extents of this heap.
  template <class T>
  [[nodiscard]] SymmetricSpan<T> view(std::span<T> elements) const {
    return {elements, checked_offset(elements.data(), elements.size_bytes())};
  }
  /// The same for a contiguous range.
  template <std::ranges::contiguous_range R>
  [[nodiscard]] auto view(R& range) const {
    return view(std::span(std::ranges::data(range), std::ranges::size(range)));
  }

  /// What collectives take of memory that this resource gave.
  [[nodiscard]] detail::MemoryRef memory(const void* data, std::size_t count) const noexcept;

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override;
  void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) noexcept override;
  /// Equal when memory may change hands: one heap, and the same members that reach it.
  [[nodiscard]] bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override;
  [[nodiscard]] std::uint64_t checked_offset(const void* data, std::size_t bytes) const;

  std::weak_ptr<detail::CommunicatorState> communicator_;  // which owns this
  std::shared_ptr<detail::Context> context_;               // memory may outlive its communicator
  std::vector<Rank> members_;                              // of the Context, ascending
};

/// A standard allocator over a SymmetricResource, whose life it shares. Not default-constructible:
/// there is no heap without a communicator.
template <class T>
class SymmetricAllocator {
 public:
  using value_type = T;
  using propagate_on_container_copy_assignment = std::true_type;
  using propagate_on_container_move_assignment = std::true_type;
  using propagate_on_container_swap = std::true_type;
  using is_always_equal = std::false_type;

  SymmetricAllocator(const Communicator& communicator)  // as a pmr allocator from its resource
      : resource_(communicator.shared_memory_resource()) {}
  template <class U>
  SymmetricAllocator(const SymmetricAllocator<U>& other) noexcept
      : resource_(other.shared_resource()) {}
  // A container that was moved from allocates again: moving an allocator copies it.
  SymmetricAllocator(const SymmetricAllocator&) noexcept = default;
  SymmetricAllocator& operator=(const SymmetricAllocator&) noexcept = default;
  ~SymmetricAllocator() = default;

  /// Throws as SymmetricResource's allocate, and std::bad_array_new_length as std::allocator.
  [[nodiscard]] T* allocate(std::size_t n) {
    if (n > ~std::size_t{0} / sizeof(T)) throw std::bad_array_new_length();
    return static_cast<T*>(resource_->allocate(n * sizeof(T), alignof(T)));
  }
  void deallocate(T* memory, std::size_t n) noexcept {
    resource_->deallocate(memory, n * sizeof(T), alignof(T));
  }

  [[nodiscard]] SymmetricResource& resource() const noexcept { return *resource_; }
  [[nodiscard]] const std::shared_ptr<SymmetricResource>& shared_resource() const noexcept {
    return resource_;
  }

  template <class U>
  [[nodiscard]] bool operator==(const SymmetricAllocator<U>& other) const noexcept {
    return resource() == other.resource();
  }

 private:
  std::shared_ptr<SymmetricResource> resource_;
};

template <class T>
using SymmetricVector = std::vector<T, SymmetricAllocator<T>>;

namespace detail {

template <class T>
inline constexpr bool kIsSymmetricAllocator = false;
template <class T>
inline constexpr bool kIsSymmetricAllocator<SymmetricAllocator<T>> = true;
template <class T>
inline constexpr bool kIsPolymorphicAllocator = false;
template <class T>
inline constexpr bool kIsPolymorphicAllocator<std::pmr::polymorphic_allocator<T>> = true;

template <class M>
using AllocatorOf = std::remove_cvref_t<decltype(std::declval<const M&>().get_allocator())>;

/// The resource that a container's memory is of by construction; nullptr: its memory is private.
template <class M>
[[nodiscard]] const SymmetricResource* resource_of(const M& memory) {
  if constexpr (requires { typename AllocatorOf<M>; }) {
    if constexpr (kIsSymmetricAllocator<AllocatorOf<M>>) return &memory.get_allocator().resource();
    if constexpr (kIsPolymorphicAllocator<AllocatorOf<M>>)
      return dynamic_cast<const SymmetricResource*>(memory.get_allocator().resource());
  }
  return nullptr;
}

}  // namespace detail
}  // namespace rlx
