// Collectives of memory on the first Vulkan device: all dtypes, operations and forms, ranks with
// and without devices, streams, failures. The validation layer is on and has nothing to say.

#include <thread>

#include "lib/driver/vulkan/hooks.hpp"
#include "tests/communicator/device_ranks.hpp"

namespace rlx::test {
namespace {

class VulkanRanks : public testing::Test {
 protected:
  void SetUp() override {
    if (available_devices().size() < 2) GTEST_SKIP() << "no Vulkan device on this machine";
  }
  void TearDown() override { EXPECT_EQ(vulkan::hooks().validation_messages.load(), 0U); }
};

/// All on one device, as it is where there are fewer GPUs than ranks.
void run_vulkan_ranks(std::size_t ranks, Owners owners,
                      const std::function<void(Communicator&)>& body) {
  run_ranks(
      ranks, owners, options_with(), [](Rank) { return Device::vulkan(0); }, body);
}

TEST_F(VulkanRanks, take_every_dtype_and_operation) {
  for (const std::size_t ranks : {1, 2, 3, 4}) {
    for (const Owners owners : {Owners::all, Owners::even}) {
      run_vulkan_ranks(ranks, owners, [](Communicator& comm) {
        for (const DType dtype : kAllDTypes) {
          with_type(dtype, [&]<class T>(T) {
            for (const ReduceKind kind : kAllReduceKinds) {
              if (!supports(kind, dtype)) continue;
              check_all<T>(comm, kind, 33);
              check_all<T>(comm, kind, 262144 / sizeof(T) + 5);
            }
          });
        }
      });
    }
  }
}

TEST_F(VulkanRanks, run_the_collectives_at_every_length) {
  for (const Owners owners : {Owners::all, Owners::first}) {
    run_vulkan_ranks(3, owners, [](Communicator& comm) {
      for (const std::size_t count : {0UL, 1UL, 13UL, 1000UL, 65536UL, 70001UL, 300007UL})
        check_all<float>(comm, ReduceKind::Sum, count);
    });
  }
}

TEST_F(VulkanRanks, reduce_long_vectors_themselves) {
  run_vulkan_ranks(2, Owners::even, [](Communicator& comm) {
    Buffer buffer(comm.device(), DType::f32, Shape{262144});
    EXPECT_EQ(plan_all_reduce(comm, buffer, ReduceKind::Sum).algorithm(), "two_shot_slots");
    EXPECT_EQ(plan_reduce_scatter(comm, buffer, ReduceKind::Sum).algorithm(), "exchange");
    EXPECT_EQ(plan_all_gather(comm, buffer).algorithm(), "slots");
  });
}

TEST_F(VulkanRanks, order_collectives_on_streams) {
  run_vulkan_ranks(3, Owners::even, [](Communicator& comm) {
    constexpr std::size_t kCount = 100003;
    const auto stream = make_stream(comm.device());
    std::vector<float> ones(kCount, 1), result(kCount);
    Buffer buffer(comm.device(), DType::f32, Shape{kCount});
    stream->enqueue_copy(buffer, std::span<const float>(ones));
    all_reduce(comm, buffer, ReduceKind::Sum, *stream);
    all_reduce(comm, buffer, ReduceKind::Sum, *stream);
    stream->enqueue_copy(std::span<float>(result), buffer);
    stream->submit_and_wait();
    EXPECT_EQ(std::count(result.begin(), result.end(), 9.0F), kCount);
  });
}

TEST_F(VulkanRanks, move_streams_along_in_any_call) {
  run_vulkan_ranks(2, Owners::all, [](Communicator& comm) {
    constexpr std::size_t kCount = 100003;
    const auto stream = make_stream(comm.device());
    Communicator other = comm.duplicate();
    Buffer buffer(comm.device(), DType::f32, Shape{kCount});
    std::vector<float> ones(kCount, 1);
    stream->enqueue_copy(buffer, std::span<const float>(ones));
    all_reduce(comm, buffer, ReduceKind::Sum, *stream);
    std::atomic<bool> reached{false};
    stream->enqueue([&] { return reached.exchange(true), true; });
    stream->submit();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!reached && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));  // the helper thread does it
    EXPECT_TRUE(reached);
    stream->wait();
    EXPECT_EQ(download<float>(buffer), std::vector<float>(kCount, 2));
    other.close();
  });
}

/// A hook for one test.
template <class T>
class Hooked {
 public:
  Hooked(std::atomic<T>& hook, T value) : hook_(hook), before_(hook.exchange(value)) {}
  ~Hooked() { hook_ = before_; }

 private:
  std::atomic<T>& hook_;
  T before_;
};

TEST_F(VulkanRanks, without_imports_copy_by_transfers) {
  const Hooked hooked(vulkan::hooks().no_host_import, true);
  run_vulkan_ranks(3, Owners::even, [](Communicator& comm) {
    for (const std::size_t count : {0UL, 5UL, 4099UL, 200003UL})
      check_all<float>(comm, ReduceKind::Mean, count);
  });
}

TEST_F(VulkanRanks, tell_all_ranks_of_a_device_that_is_lost) {
  for (const std::int64_t submissions : {2, 10}) {
    std::atomic<int> named{0};
    run_vulkan_ranks(3, Owners::first, [&](Communicator& comm) {
      Buffer buffer(comm.device(), DType::f32, Shape{400000});
      comm.barrier();
      if (comm.rank() == Rank(0)) vulkan::hooks().submissions_until_lost = submissions;
      try {
        for (int call = 0; call < 100; ++call) all_reduce(comm, buffer, ReduceKind::Sum);
      } catch (const CollectiveError& error) {
        named += error.kind() == ErrorKind::Device && error.ranks() == std::vector{Rank(0)} &&
                 std::string(error.what()).find("VK_ERROR_DEVICE_LOST") != std::string::npos;
      }
    });
    EXPECT_EQ(named, 3) << submissions;
    vulkan::hooks().submissions_until_lost = -1;
    ++vulkan::hooks().reopened;
  }
}

}  // namespace
}  // namespace rlx::test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  rlx::vulkan::hooks().validation = true;
  return RUN_ALL_TESTS();
}
