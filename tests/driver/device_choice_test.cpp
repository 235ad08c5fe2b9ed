#include "lib/driver/device_choice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "rlx/error.hpp"

namespace rlx {
namespace {

constexpr int kBoth[] = {0, 1};

std::vector<DeviceLocation> gpus(std::initializer_list<int> nodes) {
  std::vector<DeviceLocation> devices;
  for (const int node : nodes) devices.push_back({.processor = false, .numa_node = node});
  return devices;
}

TEST(DeviceChoice, ranks_that_are_not_bound_take_the_devices_in_order_and_begin_again) {
  const auto devices = gpus({0, 0, 1, 1});
  std::multiset<std::uint32_t> taken;
  for (std::uint32_t rank = 0; rank < 4; ++rank) {
    EXPECT_EQ(choose_device(devices, kBoth, rank), rank);
  }
  for (std::uint32_t rank = 0; rank < 12; ++rank) taken.insert(choose_device(devices, kBoth, rank));
  for (std::uint32_t device = 0; device < 4; ++device) EXPECT_EQ(taken.count(device), 3U);
}

// Every number of nodes and of devices on each, ranks bound to nodes in blocks or in turn.
TEST(DeviceChoice, bound_ranks_have_a_device_of_their_own_near_them) {
  for (std::uint32_t nodes = 1; nodes <= 4; ++nodes) {
    for (std::uint32_t each = 1; each <= 6; ++each) {
      std::vector<DeviceLocation> devices;
      for (std::uint32_t d = 0; d < nodes * each; ++d) {
        devices.push_back({.processor = false, .numa_node = static_cast<int>(d / each)});
      }
      for (const bool in_turn : {false, true}) {
        std::set<std::uint32_t> taken;
        for (std::uint32_t rank = 0; rank < nodes * each; ++rank) {
          const int node = static_cast<int>(in_turn ? rank % nodes : rank / each);
          const std::uint32_t device = choose_device(devices, {&node, 1}, rank);
          EXPECT_EQ(devices[device].numa_node, node);
          taken.insert(device);
        }
        EXPECT_EQ(taken.size(), nodes * each)
            << nodes << " nodes, " << each << " each, " << in_turn;
      }
    }
  }
}

TEST(DeviceChoice, a_rank_far_from_every_device_takes_any) {
  const int far = 7;
  EXPECT_EQ(choose_device(gpus({0, 0}), {&far, 1}, 1), 1U);
  EXPECT_EQ(choose_device(gpus({-1, -1}), kBoth, 1), 1U);
}

TEST(DeviceChoice, processors_are_taken_only_if_there_is_nothing_else) {
  auto devices = gpus({0, 1});
  devices.push_back({.processor = true, .numa_node = -1});
  for (std::uint32_t rank = 0; rank < 6; ++rank) EXPECT_LT(choose_device(devices, kBoth, rank), 2U);
  const DeviceLocation processor{.processor = true};
  EXPECT_EQ(choose_device({&processor, 1}, kBoth, 3), 0U);
}

TEST(DeviceChoice, a_rank_that_there_is_not_is_refused) {
  EXPECT_THROW((void)closest_device(DeviceKind::cpu, 2, 2), CollectiveError);
  EXPECT_EQ(closest_device(DeviceKind::cpu, 1, 2), Device::cpu());
}

}  // namespace
}  // namespace rlx
