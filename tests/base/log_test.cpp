#include "lib/base/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "rlx/error.hpp"

namespace rlx::log {
namespace {

using ::testing::HasSubstr;

class Log : public testing::Test {
 protected:
  ~Log() override { set_level(Level::warn); }
};

template <class F>
std::string said_by(F&& speak) {
  testing::internal::CaptureStderr();
  speak();
  return testing::internal::GetCapturedStderr();
}

TEST_F(Log, shows_what_is_at_or_above_its_level) {
  set_level("info");
  const std::string said = said_by([] {
    debug("too {}", "small");
    info("value {}", 42);
    error("{} and {}", 1, 2);
  });
  EXPECT_THAT(said, HasSubstr("info: value 42"));
  EXPECT_THAT(said, HasSubstr("error: 1 and 2"));
  EXPECT_EQ(said.find("small"), std::string::npos);
  EXPECT_THAT(said, ::testing::StartsWith("rlx ["));
}

TEST_F(Log, does_not_format_what_it_does_not_show) {
  set_level(Level::off);
  EXPECT_FALSE(enabled(Level::error));
  EXPECT_EQ(said_by([] { error("nothing"); }), "");
  set_level(Level::debug);
  EXPECT_TRUE(enabled(Level::debug));
}

TEST_F(Log, braces_in_a_line_are_not_a_format) {
  EXPECT_THAT(said_by([] { write(Level::warn, "{} {0"); }), HasSubstr("{} {0"));
}

TEST_F(Log, an_unknown_level_is_an_error_that_lists_them) {
  try {
    set_level("verbose");
    FAIL();
  } catch (const CollectiveError& error) {
    EXPECT_EQ(error.kind(), ErrorKind::InvalidArgument);
    EXPECT_THAT(error.what(), HasSubstr("error, warn, info, debug, off"));
  }
}

}  // namespace
}  // namespace rlx::log
