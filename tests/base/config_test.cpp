#include "rlx/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <stdlib.h>

#include <set>
#include <string>

#include "lib/base/config_values.hpp"
#include "rlx/error.hpp"

namespace rlx {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Sets a variable for one test.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  ~Variable() { ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

std::string error_of(std::string_view name, std::string_view value) {
  Config config;
  try {
    config.set(name, value);
  } catch (const CollectiveError& error) {
    EXPECT_EQ(error.kind(), ErrorKind::InvalidArgument);
    return error.what();
  }
  return "";
}

TEST(Config, every_knob_reads_back_as_text_that_sets_the_same) {
  const Config defaults;
  std::set<std::string_view> names;
  for (const ConfigEntry& entry : config_entries()) {
    names.insert(entry.name);
    EXPECT_TRUE(entry.name.starts_with("RLX_"));
    EXPECT_FALSE(entry.help.empty());
    Config copy;
    copy.set(entry.name, defaults.get(entry.name));
    EXPECT_EQ(copy.get(entry.name), defaults.get(entry.name)) << entry.name;
  }
  EXPECT_EQ(names.size(), config_entries().size());
  EXPECT_EQ(names.size(), 23U);
}

TEST(Config, defaults_print_as_written_in_the_header) {
  const Config config;
  EXPECT_EQ(config.get("RLX_HEAP_LIMIT"), "64G");
  EXPECT_EQ(config.get("RLX_SLOT"), "512K");
  EXPECT_EQ(config.get("RLX_RAILS"), "1");
  EXPECT_EQ(config.get("RLX_WINDOW"), "4");
  EXPECT_EQ(config.get("RLX_HELPER"), "on");
  EXPECT_EQ(config.get("RLX_KNOCK_AFTER"), "0.1");
  EXPECT_EQ(config.get("RLX_TIMEOUT"), "1800");
  EXPECT_EQ(config.get("RLX_RANK"), "-1");
}

TEST(Config, each_name_sets_its_own_member) {
  Config config;
  config.set("RLX_LOG", "debug");
  config.set("RLX_TRANSPORT", "local");
  config.set("RLX_PROVIDER", "tcp;ofi_rxm");
  config.set("RLX_INTERFACE", "eth0");
  config.set("RLX_REGISTER", "off");
  config.set("RLX_RAILS", "3");
  config.set("RLX_ALGORITHM", "all_reduce=ring");
  config.set("RLX_TUNING", "tuning.json");
  config.set("RLX_HEAP_LIMIT", "2G");
  config.set("RLX_SLOT", "64K");
  config.set("RLX_WINDOW", "16");
  config.set("RLX_HELPER", "off");
  config.set("RLX_KNOCK_AFTER", "0.25");
  config.set("RLX_WARN_AFTER", "2");
  config.set("RLX_TIMEOUT", "3");
  config.set("RLX_STALL_TIMEOUT", "4");
  config.set("RLX_STARTUP_TIMEOUT", "5.5");
  config.set("RLX_RENDEZVOUS", "host:1");
  config.set("RLX_RANK", "7");
  config.set("RLX_SIZE", "8");
  EXPECT_EQ(config.log, "debug");
  EXPECT_EQ(config.transport, "local");
  EXPECT_EQ(config.provider, "tcp;ofi_rxm");
  EXPECT_EQ(config.interface, "eth0");
  EXPECT_FALSE(config.register_private);
  EXPECT_EQ(config.rails, 3U);
  EXPECT_EQ(config.algorithm, "all_reduce=ring");
  EXPECT_EQ(config.tuning, "tuning.json");
  EXPECT_EQ(config.heap_limit, std::size_t{2} << 30);
  EXPECT_EQ(config.slot_bytes, std::size_t{64} << 10);
  EXPECT_EQ(config.window, 16U);
  EXPECT_FALSE(config.helper);
  EXPECT_EQ(config.knock_after, 0.25);
  EXPECT_EQ(config.warn_after, 2);
  EXPECT_EQ(config.timeout, 3);
  EXPECT_EQ(config.stall_timeout, 4);
  EXPECT_EQ(config.startup_timeout, 5.5);
  EXPECT_EQ(config.rendezvous, "host:1");
  EXPECT_EQ(config.rank, 7);
  EXPECT_EQ(config.size, 8);
}

TEST(Config, what_is_not_accepted_is_named_with_what_is) {
  EXPECT_THAT(error_of("RLX_WINDOW", "17"),
              AllOf(HasSubstr("RLX_WINDOW=\"17\""), HasSubstr("from 1 to 16")));
  EXPECT_THAT(error_of("RLX_WINDOW", "0"), HasSubstr("from 1 to 16"));
  EXPECT_THAT(error_of("RLX_WINDOW", "4x"), HasSubstr("from 1 to 16"));
  EXPECT_THAT(error_of("RLX_LOG", "loud"), HasSubstr("error, warn, info, debug"));
  EXPECT_THAT(error_of("RLX_HELPER", "maybe"), HasSubstr("on or off"));
  EXPECT_THAT(error_of("RLX_TIMEOUT", "-1"), HasSubstr("seconds"));
  EXPECT_THAT(error_of("RLX_TIMEOUT", "nan"), HasSubstr("seconds"));
  EXPECT_THAT(error_of("RLX_SLOT", "100"), HasSubstr("multiple of 64"));
  EXPECT_THAT(error_of("RLX_SLOT", "2G"), HasSubstr("64 to 1G"));
  EXPECT_THAT(error_of("RLX_HEAP_LIMIT", "99999999999G"), HasSubstr("1M to 64T"));
  EXPECT_THAT(error_of("RLX_HEAP_LIMIT", "1GX"), HasSubstr("units: K, M, G, T"));
  EXPECT_THAT(error_of("RLX_HEAP_LIMIT", ""), HasSubstr("RLX_HEAP_LIMIT=\"\""));
  EXPECT_THAT(error_of("RLX_RANK", "-2"), HasSubstr("from -1"));
  EXPECT_THAT(error_of("RLX_WINDOWS", "4"), HasSubstr("the nearest is RLX_WINDOW"));
}

TEST(Config, a_refused_value_changes_nothing) {
  Config config;
  EXPECT_THROW(config.set("RLX_WINDOW", "99"), CollectiveError);
  EXPECT_EQ(config.window, Config{}.window);
}

TEST(Config, sizes_take_units_of_1024) {
  const auto bytes = [](std::string_view text) {
    return detail::parse_bytes(text, 1, std::size_t{1} << 50, 1);
  };
  EXPECT_EQ(bytes("4096"), 4096U);
  EXPECT_EQ(bytes("4k"), 4096U);
  EXPECT_EQ(bytes("4 KiB"), 4096U);
  EXPECT_EQ(bytes("3MB"), std::size_t{3} << 20);
  EXPECT_EQ(bytes(" 2g "), std::size_t{2} << 30);
  EXPECT_EQ(bytes("1T"), std::size_t{1} << 40);
  EXPECT_EQ(bytes("17B"), 17U);
  for (const char* bad : {"", "K", "-1", "1.5G", "1KK", "1iB", "0", "18446744073709551616"}) {
    EXPECT_THROW((void)bytes(bad), detail::Rejected) << bad;
  }
}

RC_GTEST_PROP(Config, printed_sizes_read_back, ()) {
  const auto value = *rc::gen::inRange<std::size_t>(1, std::size_t{1} << 30);
  const auto shift = *rc::gen::inRange(0, 20);
  const std::size_t bytes = value << shift;
  RC_ASSERT(detail::parse_bytes(detail::print_bytes(bytes), 1, std::size_t{1} << 60, 1) == bytes);
}

RC_GTEST_PROP(Config, seconds_read_back, ()) {
  const double seconds = *rc::gen::inRange<std::int64_t>(1, std::int64_t{1} << 40) / 1024.0 / 3;
  RC_PRE(seconds >= 0.001 && seconds < 1e9);
  Config config;
  config.timeout = seconds;
  Config again;
  again.set("RLX_TIMEOUT", config.get("RLX_TIMEOUT"));
  RC_ASSERT(again.timeout == seconds);
}

TEST(Config, edit_distance_counts_insertions_deletions_and_replacements) {
  EXPECT_EQ(detail::edit_distance("", "abc"), 3U);
  EXPECT_EQ(detail::edit_distance("abc", "abc"), 0U);
  EXPECT_EQ(detail::edit_distance("kitten", "sitting"), 3U);
}

TEST(Config, the_environment_overrides_the_defaults) {
  const Variable window("RLX_WINDOW", "8");
  const Variable slot("RLX_SLOT", "1M");
  const Config config = Config::from_environment();
  EXPECT_EQ(config.window, 8U);
  EXPECT_EQ(config.slot_bytes, std::size_t{1} << 20);
  EXPECT_EQ(config.algorithm, "");
}

TEST(Config, a_bad_value_in_the_environment_throws) {
  const Variable window("RLX_WINDOW", "many");
  EXPECT_THROW((void)Config::from_environment(), CollectiveError);
}

TEST(Config, an_unknown_variable_is_warned_about_once_with_the_nearest_name) {
  const Variable variable("RLX_PROVIDERS", "tcp");
  testing::internal::CaptureStderr();
  (void)Config::from_environment();
  (void)Config::from_environment();
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, HasSubstr("RLX_PROVIDERS is unknown and ignored; did you mean RLX_PROVIDER?"));
  EXPECT_EQ(said.find("RLX_PROVIDERS"), said.rfind("RLX_PROVIDERS"));
}

TEST(Config, warnings_are_silent_when_only_errors_are_logged) {
  const Variable variable("RLX_WINDOWW", "1");
  const Variable log("RLX_LOG", "error");
  testing::internal::CaptureStderr();
  (void)Config::from_environment();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace rlx
