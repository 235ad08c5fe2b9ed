// Standard containers in symmetric memory.

#include <atomic>
#include <list>
#include <memory_resource>
#include <thread>

#include "lib/communicator/communicator_state.hpp"
#include "support.hpp"

namespace rlx::test {
namespace {

// What a call sees is decided by types and resources alone.
static_assert(!std::is_default_constructible_v<SymmetricAllocator<float>>);
static_assert(detail::MutableMemory<SymmetricVector<float>&>);
static_assert(!detail::MutableMemory<const SymmetricVector<float>&>);
static_assert(detail::MutableMemory<SymmetricSpan<float>>);
static_assert(!detail::MutableMemory<SymmetricSpan<const float>>);
static_assert(detail::Memory<SymmetricSpan<const float>>);
static_assert(!detail::Memory<std::list<float, SymmetricAllocator<float>>>);

template <class M>
bool symmetric(M&& memory) {
  return detail::memory_of(memory).symmetric;
}

std::size_t allocated(Communicator& comm) {
  return comm.state().context().heap().allocated_bytes();
}

/// Every element of `x` becomes element(rank, i).
template <class Range>
void fill(Range& x, Communicator& comm) {
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = element<float>(comm.rank().value(), i);
}

/// The three collectives, in and out of place, over containers that `make(count)` gives.
template <class Make>
void check_collectives(Communicator& comm, std::size_t count, Make&& make) {
  const std::size_t n = comm.size();
  const std::uint32_t me = comm.rank().value();
  auto in = make(count);
  auto out = make(count);
  auto whole = make(n * count);
  auto gathered = make(n * count);
  ASSERT_TRUE(symmetric(in) && symmetric(out) && symmetric(whole) && symmetric(gathered));
  fill(in, comm);
  fill(whole, comm);
  all_reduce(comm, in, out, ReduceKind::Sum);
  for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(out[i], sum_of(n, i));
  all_gather(comm, in, gathered);
  for (std::uint32_t r = 0; r < n; ++r)
    for (std::size_t i = 0; i < count; ++i)
      ASSERT_EQ(gathered[r * count + i], element<float>(r, i));
  reduce_scatter(comm, whole, out, ReduceKind::Sum);
  for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(out[i], sum_of(n, me * count + i));

  all_reduce(comm, in, ReduceKind::Sum);
  for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(in[i], sum_of(n, i));
  reduce_scatter(comm, whole, ReduceKind::Sum);
  for (std::size_t i = 0; i < count; ++i)
    ASSERT_EQ(whole[me * count + i], sum_of(n, me * count + i));
  all_gather(comm, whole);
  for (std::size_t i = 0; i < n * count; ++i) ASSERT_EQ(whole[i], sum_of(n, i));
}

TEST(SymmetricAllocator, vectors_are_communicated_in_every_form) {
  for (const std::size_t ranks : {1u, 2u, 3u, 4u})
    launch_threads(ranks, options_with(), [](Communicator& comm) {
      for (const std::size_t count : {0, 1, 17, 1000, 50001})
        check_collectives(comm, count,
                          [&](std::size_t n) { return SymmetricVector<float>(n, comm); });
    });
}

TEST(SymmetricAllocator, pmr_vectors_are_communicated_in_every_form) {
  for (const std::size_t ranks : {1u, 2u, 3u, 4u})
    launch_threads(ranks, options_with(), [](Communicator& comm) {
      for (const std::size_t count : {0, 1, 17, 1000, 50001})
        check_collectives(comm, count, [&](std::size_t n) {
          return std::pmr::vector<float>(n, comm.memory_resource());
        });
    });
}

TEST(SymmetricAllocator, memory_is_known_by_the_allocator_and_not_by_the_address) {
  launch_threads(2, options_with(), [](Communicator& comm) {
    SymmetricVector<float> vector(10, comm);
    std::pmr::vector<float> pmr(10, comm.memory_resource());
    std::pmr::vector<float> other(10);
    std::pmr::unsynchronized_pool_resource pool(comm.memory_resource());
    std::pmr::vector<float> pooled(10, &pool);
    EXPECT_TRUE(symmetric(vector));
    EXPECT_TRUE(symmetric(std::as_const(vector)));
    EXPECT_TRUE(symmetric(pmr));
    EXPECT_FALSE(symmetric(other));
    EXPECT_FALSE(symmetric(pooled));
    EXPECT_FALSE(symmetric(std::span(vector)));
    EXPECT_FALSE(symmetric(std::vector<float>(10)));
    EXPECT_EQ(detail::memory_of(vector).offset,
              static_cast<std::uint64_t>(reinterpret_cast<std::byte*>(vector.data()) -
                                         comm.state().context().heap().base()));
  });
}

TEST(SymmetricAllocator, an_empty_container_agrees_whether_it_has_memory_or_not) {
  launch_threads(3, options_with(), [](Communicator& comm) {
    SymmetricVector<int> x(comm);
    std::pmr::vector<int> y(comm.memory_resource());
    all_reduce(comm, x, ReduceKind::Sum);
    all_reduce(comm, y, x, ReduceKind::Sum);
    all_gather(comm, x);
    x.reserve(8);
    all_reduce(comm, x, y, ReduceKind::Sum);
    all_reduce(comm, SymmetricArray<int>(), ReduceKind::Sum);
  });
}

TEST(SymmetricAllocator, vectors_that_grow_alike_stay_usable) {
  launch_threads(4, options_with(), [](Communicator& comm) {
    SymmetricVector<int> x(comm);
    const std::size_t before = allocated(comm);
    for (int i = 0; i < 5000; ++i) {
      x.push_back(i + static_cast<int>(comm.rank().value()));
      if (i % 1000 == 17) {
        SymmetricVector<int> sum = x;
        all_reduce(comm, sum, ReduceKind::Sum);
        ASSERT_EQ(sum[17], 4 * 17 + 6);
        ASSERT_EQ(sum.back(), 4 * i + 6);
      }
    }
    EXPECT_EQ(x[4999], 4999 + static_cast<int>(comm.rank().value())) << "growth moved the contents";
    x.clear();
    x.shrink_to_fit();
    comm.barrier();
    comm.barrier();
    EXPECT_EQ(allocated(comm), before) << "every buffer on the way was released";
  });
}

TEST(SymmetricAllocator, memory_of_a_resource_is_zeroed_and_aligned_as_asked) {
  launch_threads(2, options_with(), [](Communicator& comm) {
    std::pmr::memory_resource* heap = comm.memory_resource();
    for (const std::size_t alignment : {1u, 8u, 64u, 128u, 4096u, 1u << 20, 2u << 20}) {
      auto* memory = static_cast<unsigned char*>(heap->allocate(100, alignment));
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % alignment, 0u) << alignment;
      for (int i = 0; i < 100; ++i) ASSERT_EQ(memory[i], 0);
      std::fill_n(memory, 100, 7);
      comm.barrier();
      heap->deallocate(memory, 100, alignment);
    }
  });
}

TEST(SymmetricAllocator, an_alignment_that_the_heap_does_not_offer_is_refused_by_all) {
  launch_threads(2, options_with(), [](Communicator& comm) {
    try {
      static_cast<void>(comm.memory_resource()->allocate(100, 4 << 20));
      ADD_FAILURE() << "4 MiB of alignment were given";
    } catch (const CollectiveError& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Unsupported) << error.what();
      EXPECT_NE(std::string(error.what()).find("4194304"), std::string::npos) << error.what();
    }
    comm.barrier();  // recoverable
  });
}

TEST(SymmetricAllocator, ranks_release_in_any_order_and_on_any_thread) {
  launch_threads(3, options_with(), [](Communicator& comm) {
    const std::size_t before = allocated(comm);
    std::vector<SymmetricVector<int>> kept;
    for (std::size_t round = 0; round < 20; ++round)
      kept.emplace_back(100 + 50 * (round % 7), static_cast<int>(round), comm);
    while (!kept.empty()) {
      const std::size_t at = comm.rank().index() * 7 % kept.size();
      std::thread([gone = std::move(kept[at])] {}).join();
      kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(at));
    }
    comm.barrier();
    comm.barrier();
    EXPECT_EQ(allocated(comm), before);
    SymmetricVector<int> again(100, 1, comm);
    all_reduce(comm, again, ReduceKind::Sum);
    EXPECT_EQ(again[99], 3);
  });
}

TEST(SymmetricAllocator, release_waits_for_the_call_that_names_the_memory) {
  std::atomic<bool> released{false};
  launch_threads(2, options_with(), [&](Communicator& comm) {
    const std::size_t before = allocated(comm);
    std::optional<SymmetricVector<int>> in(std::in_place, 20000, 2, comm);
    SymmetricVector<int> out(20000, comm);
    const std::size_t both = allocated(comm);
    while (comm.rank() == Rank(1) && !released) std::this_thread::yield();
    Request request = all_reduce_async(comm, *in, out, ReduceKind::Sum);
    in.reset();
    if (comm.rank() == Rank(0)) {
      EXPECT_FALSE(request.test()) << "the other rank has not called yet";
      EXPECT_EQ(allocated(comm), both) << "given back while the call needs it";
      released = true;
    }
    request.wait();
    EXPECT_EQ(out, SymmetricVector<int>(20000, 4, comm));
    comm.barrier();
    comm.barrier();
    EXPECT_EQ(allocated(comm) - before, both - allocated(comm))
        << "one of two equal vectors is left";
  });
}

TEST(SymmetricAllocator, move_swap_and_assignment_hand_the_allocator_on) {
  launch_threads(2, options_with(), [](Communicator& comm) {
    Communicator twin = comm.duplicate();
    SymmetricVector<int> a(1000, 1, comm);
    SymmetricVector<int> b(2000, 2, twin);
    EXPECT_EQ(a.get_allocator(), b.get_allocator()) << "the same ranks of the same heap";
    const int* at = a.data();
    SymmetricVector<int> c = std::move(a);
    EXPECT_EQ(c.data(), at);
    a.push_back(3);  // what was moved from still has its heap
    EXPECT_TRUE(symmetric(a));
    swap(b, c);
    EXPECT_EQ(b.data(), at);
    EXPECT_EQ(&c.get_allocator().resource(), twin.memory_resource());
    c = b;
    EXPECT_EQ(&c.get_allocator().resource(), comm.memory_resource());
    all_reduce(comm, c, ReduceKind::Sum);
    EXPECT_EQ(c, SymmetricVector<int>(1000, 2, comm));
  });
}

TEST(SymmetricAllocator, memory_changes_hands_only_among_the_same_ranks) {
  launch_threads(4, options_with(), [](Communicator& comm) {
    auto half = comm.split(static_cast<int>(comm.rank().value()) / 2, 0);
    Communicator turned = *comm.split(0, -static_cast<int>(comm.rank().value()));
    EXPECT_FALSE(comm.memory_resource()->is_equal(*half->memory_resource()))
        << "the other half does not reach it";
    EXPECT_TRUE(comm.memory_resource()->is_equal(*turned.memory_resource()));
    EXPECT_FALSE(comm.memory_resource()->is_equal(*std::pmr::new_delete_resource()));
    // A pmr move between unequal resources copies into memory that everybody reaches.
    std::pmr::vector<int> mine(500, 1, half->memory_resource());
    std::pmr::vector<int> all(comm.memory_resource());
    all = std::move(mine);
    all_reduce(comm, all, ReduceKind::Sum);
    EXPECT_EQ(all[499], 4);
    SymmetricVector<int> part(500, 1, *half);
    const SymmetricVector<int> whole(100, 1, comm);
    const int* at = part.data();
    part = whole;
    EXPECT_NE(part.data(), at) << "part's memory is not reached by all, so it can not be kept";
    all_reduce(comm, part, ReduceKind::Sum);
    EXPECT_EQ(part[99], 4);
  });
}

TEST(SymmetricAllocator, pmr_copies_are_private_and_symmetric_copies_are_not) {
  launch_threads(2, options_with(), [](Communicator& comm) {
    const std::pmr::vector<int> pmr(10, comm.memory_resource());
    const SymmetricVector<int> vector(10, comm);
    EXPECT_FALSE(symmetric(std::pmr::vector<int>(pmr)));
    EXPECT_TRUE(symmetric(SymmetricVector<int>(vector)));
  });
}

TEST(SymmetricAllocator, containers_outlive_their_communicator) {
  launch_threads(2, options_with(), [](Communicator& comm) {
    std::optional<Communicator> child = comm.duplicate();
    SymmetricVector<int> x(100, 3, *child);
    child.reset();
    all_reduce(comm, x, ReduceKind::Sum);
    EXPECT_EQ(x[99], 6);
    try {
      x.resize(100000);
      ADD_FAILURE() << "a communicator that is gone gave memory";
    } catch (const CollectiveError& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Closed) << error.what();
    }
    EXPECT_EQ(x[99], 6);
    Communicator closed = comm.duplicate();
    closed.close();
    EXPECT_THROW(SymmetricVector<int>(10, closed), CollectiveError);
  });
}

TEST(SymmetricAllocator, different_sizes_are_named) {
  launch_threads(3, options_with(), [](Communicator& comm) {
    try {
      SymmetricVector<int> x(comm.rank() == Rank(2) ? 11 : 10, comm);
      ADD_FAILURE() << "different lengths were accepted";
    } catch (const CollectiveError& error) {
      EXPECT_EQ(error.kind(), ErrorKind::LengthMismatch);
      EXPECT_EQ(error.ranks(), (std::vector<Rank>{Rank(0), Rank(2)}));
      EXPECT_NE(std::string(error.what()).find("44 bytes"), std::string::npos) << error.what();
    }
  });
}

TEST(SymmetricAllocator, running_out_leaves_the_vector_as_it_was) {
  launch_threads(2, options_with(), [](Communicator& comm) {
    SymmetricVector<double> x(10, 1.5, comm);
    try {
      x.resize(std::size_t{1} << 40);
      ADD_FAILURE() << "8 TiB were given";
    } catch (const CollectiveError& error) {
      EXPECT_EQ(error.kind(), ErrorKind::OutOfMemory);
      EXPECT_NE(std::string(error.what()).find("RLX_HEAP_LIMIT"), std::string::npos);
    }
    all_reduce(comm, x, ReduceKind::Sum);
    EXPECT_EQ(x, SymmetricVector<double>(10, 3.0, comm));
    EXPECT_THROW(static_cast<void>(x.get_allocator().allocate(~std::size_t{0} / 4)),
                 std::bad_array_new_length);
  });
}

TEST(SymmetricAllocator, memory_of_another_context_is_named_as_such) {
  // Two contexts on each thread: the memory is symmetric by its type, but not for this
  // communicator.
  const auto outer = thread_bootstraps(2, 20);
  launch_threads(2, options_with(), [&](Communicator& comm) {
    Communicator other(*outer[comm.rank().index()], options_with());
    SymmetricVector<int> foreign(100, 1, other);
    try {
      all_reduce(comm, foreign, ReduceKind::Sum);
      ADD_FAILURE() << "memory of another heap was accepted";
    } catch (const CollectiveError& error) {
      EXPECT_EQ(error.kind(), ErrorKind::OutOfBounds);
      EXPECT_NE(std::string(error.what()).find("of another heap"), std::string::npos)
          << error.what();
    }
    EXPECT_FALSE(other.memory_resource()->is_equal(*comm.memory_resource()));
    EXPECT_THROW(static_cast<void>(comm.memory_resource()->view(foreign)), CollectiveError);
    all_reduce(comm, std::span(foreign), ReduceKind::Sum);  // recoverable; private it may be
    EXPECT_EQ(foreign[99], 2);
  });
}

}  // namespace
}  // namespace rlx::test
