#include "lib/driver/vulkan/address_map.hpp"

#include <gtest/gtest.h>

namespace rlx::vulkan {
namespace {

VkBuffer buffer(std::uintptr_t number) { return reinterpret_cast<VkBuffer>(number); }

TEST(AddressMap, finds_the_buffer_and_where_in_it) {
  AddressMap map;
  map.insert({.begin = 1000, .bytes = 100, .buffer = buffer(1), .address = 5000, .host = true});
  const auto location = map.find(1030);
  ASSERT_TRUE(location);
  EXPECT_EQ(location->buffer, buffer(1));
  EXPECT_EQ(location->offset, 30U);
  EXPECT_EQ(location->address, 5030U);
  EXPECT_EQ(location->left, 70U);
  EXPECT_TRUE(location->host);
  EXPECT_FALSE(map.find(999));
  EXPECT_FALSE(map.find(1100));
  map.erase(buffer(1));
  EXPECT_FALSE(map.find(1030));
}

TEST(AddressMap, of_several_the_one_that_goes_on_longest_is_found) {
  AddressMap map;
  map.insert({.begin = 0, .bytes = 1000, .buffer = buffer(1)});
  map.insert({.begin = 100, .bytes = 50, .buffer = buffer(2)});
  map.insert({.begin = 200, .bytes = 2000, .buffer = buffer(3)});
  map.insert({.begin = 250, .bytes = 10, .buffer = buffer(4)});
  EXPECT_EQ(map.find(120)->buffer, buffer(1));
  EXPECT_EQ(map.find(255)->buffer, buffer(3));
  map.erase(buffer(3));
  EXPECT_EQ(map.find(255)->buffer, buffer(1));
  EXPECT_TRUE(map.covers(0, 1000));
  EXPECT_FALSE(map.covers(0, 1001));
}

TEST(AddressMap, a_range_may_go_on_from_buffer_to_buffer_unless_an_element_lies_in_two) {
  AddressMap map;
  map.insert({.begin = 0, .bytes = 100, .buffer = buffer(1)});
  map.insert({.begin = 100, .bytes = 100, .buffer = buffer(2)});
  map.insert({.begin = 160, .bytes = 100, .buffer = buffer(3)});
  EXPECT_TRUE(map.covers(4, 196));    // 100 is 12 elements of 8 bytes from 4
  EXPECT_FALSE(map.covers(0, 200));   // and 12 and a half from 0
  EXPECT_TRUE(map.covers(101, 159));  // any element that ends after 200 begins after 160
  EXPECT_FALSE(map.covers(101, 160));
}

}  // namespace
}  // namespace rlx::vulkan
