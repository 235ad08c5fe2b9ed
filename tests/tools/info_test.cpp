#include <gtest/gtest.h>

#include "rlx/config.hpp"
#include "rlx/local_transport.hpp"
#include "tools/info/document.hpp"
#include "tools/info/text.hpp"
#include "tools/info/transport.hpp"

namespace rlx::info {
namespace {

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(Aligned, columns_are_as_wide_as_their_widest_cell) {
  EXPECT_EQ(aligned({{"a", "b"}, {"long", "c"}}, 0), "a     b\nlong  c\n");
  EXPECT_EQ(aligned({{"a", ""}, {"b"}}, 2), "  a\n  b\n");
}

TEST(Ranges, neighbours_are_joined) {
  EXPECT_EQ(ranges({0, 1, 2, 3, 8, 10, 11}), "0-3,8,10-11");
  EXPECT_EQ(ranges({5}), "5");
  EXPECT_EQ(ranges({}), "none");
}

TEST(BytesText, uses_binary_units) {
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(1023), "1023 B");
  EXPECT_EQ(bytes_text(std::uint64_t{1} << 20), "1.0 MiB");
  EXPECT_EQ(bytes_text(~std::uint64_t{0}), "any size");
  EXPECT_EQ(bytes_text(~std::uint64_t{0} - 4096), "any size");
}

TEST(Info, the_config_section_lists_every_knob_with_its_help) {
  const std::string text = render({{"config", describe_config()}});
  for (const ConfigEntry& entry : config_entries()) {
    EXPECT_TRUE(contains(text, entry.name)) << entry.name;
    EXPECT_TRUE(contains(text, entry.help)) << entry.name;
  }
}

TEST(Info, a_wrong_variable_is_an_error_line_and_not_the_end) {
  ASSERT_EQ(setenv("RLX_WINDOW", "seventeen", 1), 0);
  ASSERT_EQ(setenv("RLX_TIMEOUT", "77", 1), 0);
  const std::string text = render({{"config", describe_config()}});
  unsetenv("RLX_WINDOW");
  unsetenv("RLX_TIMEOUT");
  EXPECT_TRUE(contains(text, "77  ")) << "the others are read nevertheless\n" << text;
  EXPECT_TRUE(contains(text, "error: ")) << text;
  EXPECT_TRUE(contains(text, "seventeen")) << text;
}

Json rank_row(const Json& shared_memory) {
  return {{"rank", 0},
          {"pid", 1},
          {"hostname", "a"},
          {"cores", 2},
          {"cpus", {0, 1}},
          {"numa_nodes", Json::array({0})},
          {"shared_memory", shared_memory}};
}

TEST(Info, each_rank_says_where_the_pages_lie_that_it_shares) {
  const Json memory = {{"node_local", true}, {"huge_pages", false}, {"huge_page_setting", "never"}};
  Json elsewhere = memory;
  elsewhere["node_local"] = false;
  elsewhere["huge_pages"] = true;
  elsewhere["huge_page_setting"] = "advise";
  Json unknown = memory;
  unknown["node_local"] = nullptr;
  const Json none = {{"error", "this system makes no memfd"}};
  const std::string text = render({{"ranks", Json::array({rank_row(memory), rank_row(elsewhere),
                                                          rank_row(unknown), rank_row(none)})}});
  for (const char* part :
       {"SHARED MEMORY", "  node-local, huge pages off (never)",
        "  NOT node-local, huge pages on (advise)", "  NUMA placement unknown, huge pages off",
        "  none: this system makes no memfd"}) {
    EXPECT_TRUE(contains(text, part)) << part << " in\n" << text;
  }
}

TEST(Info, shared_memory_of_this_machine_is_described) {
  const Json memory = describe_shared_memory();
  EXPECT_FALSE(memory.contains("error")) << memory.dump();
  EXPECT_NE(memory["node_local"], Json(false));
}

TEST(Info, providers_show_what_is_preferred_and_why) {
  const Json provider = {{"provider", "tcp;ofi_rxm"},
                         {"domain", "lo"},
                         {"address", ""},
                         {"usable", true},
                         {"preferred", true},
                         {"protocol", "ordered_write"},
                         {"reason", "promises WAW"},
                         {"order", {"WAW", "RMA_WAW"}},
                         {"ordered_bytes", 4096},
                         {"memory", Json::array()},
                         {"completion_data_bytes", 8},
                         {"progress", "manual"},
                         {"inject_bytes", 64}};
  const std::string text = render({{"providers", Json::array({provider})}});
  for (const char* part : {"*  tcp;ofi_rxm", "ordered_write", "4.0 KiB", "  -\n",
                           "tcp;ofi_rxm  promises WAW  orders: WAW RMA_WAW"}) {
    EXPECT_TRUE(contains(text, part)) << part << " in\n" << text;
  }
}

TEST(Info, the_addresses_of_an_interface_share_a_line) {
  Json provider = {
      {"provider", "net"},        {"domain", "eth0"},           {"address", "192.0.2.1"},
      {"usable", true},           {"preferred", false},         {"protocol", "ordered_write"},
      {"reason", "promises WAW"}, {"order", {"WAW"}},           {"ordered_bytes", 4096},
      {"memory", {"LOCAL"}},      {"completion_data_bytes", 8}, {"progress", "auto"},
      {"inject_bytes", 64}};
  Json list = Json::array({provider});
  provider["address"] = "192.0.2.2";
  list.push_back(provider);
  provider["domain"] = "lo";
  list.push_back(provider);
  const std::string text = render({{"providers", list}});
  EXPECT_TRUE(contains(text, "192.0.2.1 192.0.2.2\n")) << text;
  EXPECT_EQ(text.find("eth0"), text.rfind("eth0")) << text;
  EXPECT_TRUE(contains(text, "lo ")) << text;
}

TEST(Info, a_job_shows_how_each_rank_reaches_the_others) {
  const Json mixed = {{"rank", 0},        {"transport", "hybrid"}, {"signals", "ordered_write"},
                      {"mapped", {1, 2}}, {"network", {3}},        {"fabric", "tcp on eth0"}};
  const Json alone = {{"rank", 1},     {"transport", "shm"},       {"signals", "store"},
                      {"mapped", {0}}, {"network", Json::array()}, {"fabric", ""}};
  const Json failed = {{"rank", 2}, {"error", "there is no transport 'x'"}};
  const std::string text = render({{"transports", Json::array({mixed, alone, failed})}});
  for (const char* part :
       {"0     hybrid", "1-2", "tcp on eth0", "shm", "none", "error: rank 2: there is no"})
    EXPECT_TRUE(contains(text, part)) << part << " in\n" << text;
}

TEST(Info, ranks_that_are_threads_describe_what_they_have) {
  const auto ranks = LocalTransport::bare(2);
  const Json row = describe_transport(*ranks[1]);
  EXPECT_EQ(row["transport"], "local");
  EXPECT_EQ(row["mapped"], Json::array({0}));
  EXPECT_EQ(row["network"], Json::array());
  TransportSetup setup;
  setup.exchange = [](std::span<const std::byte> mine) {
    return std::vector<std::byte>(mine.begin(), mine.end());
  };
  ASSERT_EQ(setenv("RLX_TRANSPORT", "none", 1), 0);
  const Json refused = describe_transport(setup);
  ASSERT_EQ(setenv("RLX_TRANSPORT", "shm", 1), 0);
  const Json alone = describe_transport(setup);
  unsetenv("RLX_TRANSPORT");
  EXPECT_TRUE(contains(refused["error"].get<std::string>(), "hybrid")) << "the names are listed";
  EXPECT_EQ(alone["transport"], "shm");
}

TEST(Info, a_variable_that_rlx_does_not_read_is_an_error_line) {
  ASSERT_EQ(setenv("RLX_WINDOWS", "7", 1), 0);
  const std::string text = render({{"config", describe_config()}});
  unsetenv("RLX_WINDOWS");
  EXPECT_TRUE(contains(text, "error: RLX_WINDOWS is set")) << text;
}

TEST(Info, a_build_or_machine_without_providers_says_so) {
  EXPECT_TRUE(contains(render({{"providers", nullptr}}), "no libfabric"));
  EXPECT_TRUE(contains(render({{"providers", {{"error", "out of luck"}}}}), "out of luck"));
}

TEST(Info, this_machine_has_a_cpu_device_and_cpus) {
  const std::string text =
      render({{"devices", describe_devices()}, {"topology", describe_topology()}});
  EXPECT_TRUE(contains(text, "cpu")) << text;
  EXPECT_TRUE(contains(text, "NUMA")) << text;
}

TEST(Info, devices_are_shown_with_their_paths_and_missing_ones_with_the_reason) {
  Json gpu = {{"name", "vulkan:0"},           {"description", "Big GPU"},
              {"driver", "driver 1"},         {"memory_bytes", 1024},
              {"compute_units", 132},         {"host_addressable", false},
              {"host_import", true},          {"queues", "1 compute, 2 transfer"},
              {"not_reduced", {"f64", "i64"}}};
  const std::string text = render({{"devices", Json::array({gpu})}});
  EXPECT_TRUE(contains(text,
                       "vulkan:0: queues: 1 compute, 2 transfer; host memory is used where "
                       "it lies; reduced by the CPU instead: f64, i64"))
      << text;
  gpu["host_import"] = false;
  gpu["not_reduced"] = Json::array();
  EXPECT_TRUE(contains(render({{"devices", Json::array({gpu})}}),
                       "host memory is copied; reduces every dtype"));
  EXPECT_TRUE(
      contains(render({{"devices", Json::array({{{"name", "vulkan"}, {"error", "no loader"}}})}}),
               "vulkan: no loader"));
}

TEST(Info, every_device_of_this_machine_says_what_it_does_not_reduce) {
  for (const Json& device : describe_devices()) {
    if (device.contains("error")) continue;
    EXPECT_TRUE(device.contains("queues") && device.contains("host_import")) << device;
    EXPECT_TRUE(device["not_reduced"].is_array()) << device;
  }
}

}  // namespace
}  // namespace rlx::info
