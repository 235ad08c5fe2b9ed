// Collectives of memory on devices, which are simulated: every path, mixed ranks, failures.

#include "tests/communicator/device_ranks.hpp"
#include "tests/driver/fake_device.hpp"

namespace rlx::test {
namespace {

/// Each a simulated device of its own.
void run_ranks(std::size_t ranks, Owners owners, const CommunicatorOptions& options,
               const std::function<void(Communicator&)>& body) {
  run_ranks(
      ranks, owners, options, [](Rank rank) { return Device::vulkan(rank.value()); }, body);
}

class Devices : public testing::TestWithParam<std::size_t> {};

TEST_P(Devices, run_the_collectives_at_every_length) {
  const FakeDevices devices;
  for (const Owners owners : {Owners::all, Owners::even, Owners::first}) {
    run_ranks(GetParam(), owners, options_with(), [](Communicator& comm) {
      for (const std::size_t count : {0UL, 1UL, 13UL, 1000UL, 65536UL, 70001UL, 300007UL})
        check_all<float>(comm, ReduceKind::Sum, count);
    });
  }
  EXPECT_EQ(devices.counts().reductions > 0, GetParam() > 1);
  EXPECT_GT(devices.counts().imports, 0);
  EXPECT_EQ(devices.counts().unreached, 0);
}

TEST_P(Devices, take_every_dtype_and_kind) {
  const FakeDevices devices;
  run_ranks(GetParam(), Owners::even, options_with(), [](Communicator& comm) {
    for (const DType dtype : kAllDTypes) {
      with_type(dtype, [&]<class T>(T) {
        for (const ReduceKind kind : kAllReduceKinds) {
          if (!supports(kind, dtype)) continue;
          check_all<T>(comm, kind, 33);
          if (kind == ReduceKind::Max) check_all<T>(comm, kind, 300000 / sizeof(T));
        }
      });
    }
  });
  EXPECT_EQ(devices.counts().unreached, 0);
}

INSTANTIATE_TEST_SUITE_P(Ranks, Devices, testing::Values(1, 2, 3, 4, 7));

void run_ranks_on_one_device(std::size_t ranks, const std::function<void(Communicator&)>& body) {
  run_ranks(
      ranks, Owners::all, options_with(), [](Rank) { return Device::vulkan(2); }, body);
}

TEST_P(Devices, exchange_within_the_one_that_all_own) {
  const FakeDevices devices({.processor = true});  // from short lengths on
  run_ranks_on_one_device(GetParam(), [](Communicator& comm) {
    for (const std::size_t count : {0UL, 13UL, 70001UL, 300007UL})
      check_all<float>(comm, ReduceKind::Mean, count);
    // Memory of the CPU, too: ranks do not know what others have.
    Buffer buffer = upload(comm, std::vector<float>(100003, 2));
    std::vector<float> values(100003, 2);
    if (comm.rank() == Rank(0)) {
      all_reduce(comm, values, ReduceKind::Sum);
    } else {
      all_reduce(comm, buffer, ReduceKind::Sum);
      values = download<float>(buffer);
    }
    const auto twice = static_cast<float>(2 * comm.size());
    EXPECT_EQ(std::count(values.begin(), values.end(), twice), 100003);
  });
  const auto ranks = static_cast<std::int64_t>(GetParam());
  EXPECT_EQ(devices.counts().opened, ranks * (ranks - 1));
  EXPECT_EQ(devices.counts().shared > 0, ranks > 1);
  EXPECT_EQ(devices.counts().unreached, 0);
}

TEST(Devices, share_slots_in_communicators_of_ranks_on_one_device) {
  const FakeDevices devices({.processor = true});
  run_ranks(
      4, Owners::all, options_with(), [](Rank rank) { return Device::vulkan(rank.value() / 2); },
      [&](Communicator& comm) {
        check_all<float>(comm, ReduceKind::Sum, 90001);
        comm.barrier();
        EXPECT_EQ(devices.counts().shared, 0);
        comm.barrier();
        auto mates = comm.split(comm.rank().value() / 2, 0);
        check_all<float>(*mates, ReduceKind::Sum, 90001);
        mates->close();
        auto others = comm.split(comm.rank().value() < 3 ? 0 : 1, 0);
        check_all<float>(*others, ReduceKind::Sum, 90001);
        others->close();
      });
  EXPECT_EQ(devices.counts().opened, 4);
  EXPECT_GT(devices.counts().shared, 0);
  EXPECT_EQ(devices.counts().unreached, 0);
}

TEST(Devices, exchange_by_the_heap_where_memory_is_not_shared) {
  for (FakeDeviceRules rules :
       {FakeDeviceRules{.shares = false}, FakeDeviceRules{.opens_shared = false},
        FakeDeviceRules{.most_shared_bytes = 1000}}) {
    rules.processor = true;
    const FakeDevices devices(rules);
    run_ranks_on_one_device(
        3, [](Communicator& comm) { check_all<float>(comm, ReduceKind::Sum, 90001); });
    EXPECT_EQ(devices.counts().shared, 0);
    EXPECT_GT(devices.counts().reductions, 0);
    EXPECT_EQ(devices.counts().unreached, 0);
  }
}

TEST(Devices, without_imports_copy_by_transfers) {
  const FakeDevices devices({.imports = false});
  run_ranks(3, Owners::even, options_with(), [](Communicator& comm) {
    for (const std::size_t count : {0UL, 5UL, 4099UL, 200003UL})
      check_all<float>(comm, ReduceKind::Mean, count);
  });
  EXPECT_EQ(devices.counts().imports, 0);
  EXPECT_EQ(devices.counts().reductions, 0);
  EXPECT_GT(devices.counts().transfers, 0);
}

TEST(Devices, leave_a_dtype_that_they_lack_to_the_cpu) {
  const FakeDevices devices({.reduces_f64 = false});
  run_ranks(2, Owners::all, options_with(), [](Communicator& comm) {
    Buffer buffer = upload(comm, contribution<double>(comm.rank().value(), 100000));
    all_reduce(comm, buffer, ReduceKind::Sum);
    expect_same<double>(
        download<double>(buffer),
        [](std::size_t i) { return reduced<double>(ReduceKind::Sum, 2, i % 4); }, "f64");
  });
  EXPECT_EQ(devices.counts().reductions, 0);
  EXPECT_GT(devices.counts().copies, 0);
}

TEST(Devices, run_every_algorithm_of_messages) {
  const FakeDevices devices;
  for (const char* algorithm : {"ring", "circulant", "double_binary_tree", "exchange"}) {
    run_ranks(3, Owners::even, options_with(fmt::format("all_reduce={}", algorithm)),
              [](Communicator& comm) {
                Buffer buffer = upload(comm, contribution<float>(comm.rank().value(), 90001));
                all_reduce(comm, buffer, ReduceKind::Sum);
                expect_same<float>(
                    download<float>(buffer),
                    [](std::size_t i) { return reduced<float>(ReduceKind::Sum, 3, i % 4); },
                    "forced");
              });
  }
  EXPECT_EQ(devices.counts().unreached, 0);
}

TEST(Devices, keep_many_calls_in_flight_apart) {
  const FakeDevices devices({.polls_of_a_step = 9});
  run_ranks(3, Owners::even, options_with(), [](Communicator& comm) {
    constexpr std::size_t kCalls = 12;
    std::vector<Buffer> buffers;
    std::vector<Request> requests;
    for (std::size_t call = 0; call < kCalls; ++call)
      buffers.push_back(
          upload(comm, std::vector<float>(call % 2 == 0 ? 100 : 120011,
                                          static_cast<float>(call + comm.rank().value()))));
    for (Buffer& buffer : buffers)
      requests.push_back(all_reduce_async(comm, buffer, ReduceKind::Sum));
    for (Request& request : requests) request.wait();
    for (std::size_t call = 0; call < kCalls; ++call)
      expect_same<float>(
          download<float>(buffers[call]),
          [&](std::size_t) { return static_cast<float>(3 * call + 3); }, "in flight");
  });
}

TEST(Devices, work_in_plans_and_in_communicators_that_were_split_off) {
  const FakeDevices devices;
  run_ranks(4, Owners::even, options_with(), [](Communicator& comm) {
    auto half = comm.split(comm.rank().value() < 2 ? 0 : 1, 0);
    check_all<float>(*half, ReduceKind::Sum, 90001);
    Buffer buffer = upload(comm, std::vector<float>(90001, 1));
    Plan plan = plan_all_reduce(comm, buffer, ReduceKind::Sum);
    for (int i = 0; i < 3; ++i) plan.run();
    expect_same<float>(
        download<float>(buffer), [](std::size_t) { return 64.0F; }, "planned");
    half->close();
  });
}

TEST(Devices, communicate_heap_memory_and_spans_too) {
  const FakeDevices devices;
  run_ranks(2, Owners::first, options_with(), [](Communicator& comm) {
    std::vector<float> values(100003, 2);
    all_reduce(comm, values, ReduceKind::Sum);
    EXPECT_EQ(std::count(values.begin(), values.end(), 4.0F), 100003);
    auto heap = comm.allocate<float>(100003);
    std::fill_n(heap.data(), heap.size(), 3.0F);
    all_reduce(comm, heap, ReduceKind::Sum);
    EXPECT_EQ(std::count(heap.data(), heap.data() + heap.size(), 6.0F), 100003);
  });
}

TEST(Devices, that_are_lost_are_told_to_all_ranks) {
  for (const std::int64_t steps : {0, 1, 5, 20}) {
    const FakeDevices devices({.lost_after = steps});
    std::atomic<int> told{0}, named{0};
    run_ranks(3, Owners::first, options_with(), [&](Communicator& comm) {
      try {
        Buffer buffer = upload(comm, std::vector<float>(400000, 1));
        for (int call = 0; call < 100; ++call) all_reduce(comm, buffer, ReduceKind::Sum);
      } catch (const CollectiveError& error) {
        ++told;
        const bool device = error.kind() == ErrorKind::Device;
        named += device && error.ranks() == std::vector{Rank(0)} &&
                 std::string(error.what()).find("lost") != std::string::npos;
      }
    });
    EXPECT_EQ(told, 3) << steps;
    EXPECT_EQ(named, 3) << steps;
  }
}

TEST(Devices, that_can_not_be_opened_are_told_to_all_ranks) {
  const FakeDevices devices;
  std::atomic<int> told{0};
  const auto options_of = [](Rank rank) {
    CommunicatorOptions options = options_with();
    if (rank == Rank(1)) options.device = Device::vulkan(99);
    return options;
  };
  try {
    launch_threads_each(2, options_of, [](Communicator&) {});
  } catch (const CollectiveError& error) {
    ++told;
    EXPECT_NE(std::string(error.what()).find("vulkan:99"), std::string::npos) << error.what();
  }
  EXPECT_EQ(told, 1);
}

std::string refusal(const std::function<void()>& call, ErrorKind kind) {
  try {
    call();
  } catch (const CollectiveError& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Devices, refuse_memory_that_they_do_not_own) {
  const FakeDevices devices;
  run_ranks(2, Owners::first, options_with(), [](Communicator& comm) {
    Buffer other(Device::vulkan(5), DType::f32, Shape{4});
    const bool owner = comm.rank() == Rank(0);
    const std::string said = refusal([&] { all_reduce(comm, other, ReduceKind::Sum); },
                                     owner ? ErrorKind::InvalidArgument : ErrorKind::Unsupported);
    EXPECT_NE(said.find(owner ? "another device than vulkan:0" : "CommunicatorOptions::device"),
              std::string::npos)
        << said;
    Buffer mine(comm.device(), DType::f32, Shape{4});
    Buffer integers(comm.device(), DType::i32, Shape{4});
    EXPECT_NE(refusal([&] { all_reduce(comm, mine, integers, ReduceKind::Sum); },
                      ErrorKind::InvalidArgument)
                  .find("the input holds f32, the output i32"),
              std::string::npos);
    comm.barrier();
  });
}

TEST(Devices, need_a_bootstrap) {
  const FakeDevices devices;
  auto transports = LocalTransport::fan_out(1, std::size_t{64} << 20);
  CommunicatorOptions options = options_with();
  options.device = Device::vulkan(0);
  EXPECT_NE(refusal([&] { Communicator(*transports.at(0), options); }, ErrorKind::Unsupported)
                .find("vulkan:0"),
            std::string::npos);
}

}  // namespace
}  // namespace rlx::test
