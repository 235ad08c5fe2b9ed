#include "tools/bench/memory_kernels.hpp"

#include <gtest/gtest.h>

#include <atomic>

#include "rlx/launch.hpp"
#include "tools/bench/memory_buffers.hpp"

namespace rlx::bench {
namespace {

constexpr float kUntouched = -1;

/// Three arrays of floats with a margin that no kernel may touch.
struct Operands {
  explicit Operands(std::size_t length) : bytes(length) {
    for (auto* array : {&out, &a, &b}) array->resize(bytes / sizeof(float) + kMargin, kUntouched);
    for (std::size_t i = 0; i < bytes / sizeof(float); ++i) {
      a[aligned(a) + i] = static_cast<float>(i);
      b[aligned(b) + i] = static_cast<float>(2 * i);
    }
  }
  static constexpr std::size_t kMargin = 64;

  /// The first element at a cache line.
  static std::size_t aligned(const std::vector<float>& array) {
    return (64 - reinterpret_cast<std::uintptr_t>(array.data()) % 64) % 64 / sizeof(float);
  }
  static std::byte* data(std::vector<float>& array) {
    return reinterpret_cast<std::byte*>(array.data() + aligned(array));
  }
  [[nodiscard]] MemoryArrays arrays() { return {data(out), data(a), data(b), bytes}; }
  [[nodiscard]] float result(std::size_t i) const { return out[aligned(out) + i]; }

  std::size_t bytes;
  std::vector<float> out, a, b;
};

float wanted(MemoryKernel kernel, std::size_t i) {
  switch (kernel) {
    case MemoryKernel::write:
      return kWritten;
    case MemoryKernel::copy:
      return static_cast<float>(i);
    case MemoryKernel::add:
      return static_cast<float>(3 * i);
    case MemoryKernel::read:
      break;
  }
  return kUntouched;
}

TEST(MemoryKernels, do_what_they_are_named_for_and_touch_nothing_else) {
  for (const MemoryKernel kernel : kMemoryKernels) {
    for (const Stores stores : {Stores::none, Stores::plain, Stores::stream}) {
      if ((kernel == MemoryKernel::read) != (stores == Stores::none)) continue;
      for (const std::size_t units : {0U, 1U, 2U, 7U, 64U}) {
        Operands operands(units * kMemoryUnit);
        memory_function(kernel, stores)(operands.arrays());
        const std::size_t count = operands.bytes / sizeof(float);
        for (std::size_t i = 0; i < count; ++i)
          ASSERT_EQ(operands.result(i), wanted(kernel, i)) << to_string(kernel) << ' ' << i;
        const std::size_t begin = Operands::aligned(operands.out);
        for (std::size_t i = 0; i < operands.out.size(); ++i) {
          const bool inside = i >= begin && i < begin + count;
          ASSERT_TRUE(inside || operands.out[i] == kUntouched) << i;
        }
      }
    }
  }
}

TEST(MemoryKernels, the_instruction_set_has_a_name) {
  EXPECT_FALSE(memory_instruction_set().empty());
  EXPECT_NE(memory_instruction_set(), "Unknown");
}

struct Bytes {
  const std::byte* begin;
  std::size_t length;
};

bool overlap(Bytes a, Bytes b) {
  return a.begin < b.begin + b.length && b.begin < a.begin + a.length;
}

TEST(MemoryBuffers, arrays_are_apart_and_of_the_size_that_was_asked_for) {
  launch_threads(2, {}, [](Communicator& comm) {
    const MemoryBuffers buffers(comm, 1 << 20);
    for (const MemoryKernel kernel : kMemoryKernels) {
      for (const std::size_t bytes : {1024U, 100'000U, 1U << 20}) {
        const MemoryArrays x = buffers.arrays(kernel, Reach::local, bytes);
        EXPECT_LE(x.bytes * arrays_of(kernel), bytes);
        EXPECT_GT((x.bytes + kMemoryUnit) * arrays_of(kernel), bytes);
        EXPECT_EQ(x.bytes % kMemoryUnit, 0U);
        for (const std::byte* p : {static_cast<const std::byte*>(x.out), x.a, x.b})
          EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p) % 64, 0U);
        EXPECT_EQ(x.a != nullptr, kernel != MemoryKernel::write);
        EXPECT_EQ(x.out != nullptr, kernel != MemoryKernel::read);
        if (kernel == MemoryKernel::add) {
          EXPECT_FALSE(overlap({x.a, x.bytes}, {x.b, x.bytes}));
          EXPECT_FALSE(overlap({x.b, x.bytes}, {x.out, x.bytes}));
        }
      }
    }
  });
}

// Every rank writes its number into what it may write; then everybody looks where it came to lie.
TEST(MemoryBuffers, the_next_ranks_memory_is_what_from_to_and_both_mean) {
  for (const std::size_t ranks : {1U, 2U, 3U}) {
    launch_threads(ranks, {}, [](Communicator& comm) {
      const MemoryBuffers buffers(comm, 1 << 16);
      const std::size_t me = comm.rank().index();
      const auto number = [](std::size_t rank) { return static_cast<std::byte>(10 + rank); };
      const auto own = buffers.arrays(MemoryKernel::copy, Reach::local, 1 << 16);
      const auto to = buffers.arrays(MemoryKernel::copy, Reach::to, 1 << 16);
      const auto from = buffers.arrays(MemoryKernel::copy, Reach::from, 1 << 16);
      const auto both = buffers.arrays(MemoryKernel::copy, Reach::both, 1 << 16);
      EXPECT_EQ(from.out, own.out);
      EXPECT_EQ(to.a, own.a);
      EXPECT_EQ(both.out, to.out);
      EXPECT_EQ(both.a, from.a);
      to.out[100] = number(me);
      const_cast<std::byte*>(own.a)[7] = number(me);
      comm.barrier();
      EXPECT_EQ(own.out[100], number((me + comm.size() - 1) % comm.size()));
      EXPECT_EQ(from.a[7], number((me + 1) % comm.size()));
      const auto sum = buffers.arrays(MemoryKernel::add, Reach::from, 1 << 16);
      EXPECT_EQ(sum.a, buffers.arrays(MemoryKernel::add, Reach::local, 1 << 16).a);
      EXPECT_EQ(sum.b, buffers.arrays(MemoryKernel::add, Reach::both, 1 << 16).b);
      comm.barrier();
    });
  }
}

TEST(MemoryBuffers, no_room_is_said_by_all_ranks) {
  std::atomic<int> told{0};
  launch_threads(2, {}, [&](Communicator& comm) {
    try {
      const MemoryBuffers buffers(comm, std::size_t{1} << 50);
    } catch (const CollectiveError& error) {
      EXPECT_EQ(error.kind(), ErrorKind::OutOfMemory) << error.what();
      EXPECT_EQ(error.ranks(), std::vector{Rank(0)});
      ++told;
    }
  });
  EXPECT_EQ(told, 2);
}

}  // namespace
}  // namespace rlx::bench
