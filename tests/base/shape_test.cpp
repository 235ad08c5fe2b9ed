#include "rlx/shape.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "rlx/error.hpp"

namespace rlx {
namespace {

constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();

TEST(Shape, a_scalar_has_one_element_and_no_dimension) {
  const Shape scalar;
  EXPECT_EQ(scalar.count(), 1U);
  EXPECT_TRUE(scalar.dims().empty());
  EXPECT_EQ(to_string(scalar), "[]");
}

TEST(Shape, counts_elements_and_bytes) {
  const Shape shape{2, 3, 5};
  EXPECT_EQ(shape.count(), 30U);
  EXPECT_EQ(shape.bytes(DType::f64), 240U);
  EXPECT_EQ(shape.bytes(DType::bf16), 60U);
  EXPECT_EQ(to_string(shape), "[2, 3, 5]");
  EXPECT_EQ(shape, Shape(std::vector<std::size_t>{2, 3, 5}));
  EXPECT_NE(shape, (Shape{30}));
}

TEST(Shape, a_zero_dimension_gives_zero_elements_whatever_the_others_are) {
  EXPECT_EQ((Shape{kMost, kMost, 0}).count(), 0U);
  EXPECT_EQ((Shape{0, kMost, kMost}).bytes(DType::f64), 0U);
}

TEST(Shape, a_count_that_does_not_fit_is_an_error_that_names_the_dimensions) {
  try {
    const Shape shape{std::size_t{1} << 33, std::size_t{1} << 31};
    FAIL() << to_string(shape);
  } catch (const CollectiveError& error) {
    EXPECT_EQ(error.kind(), ErrorKind::InvalidArgument);
    EXPECT_NE(std::string(error.what()).find("[8589934592, 2147483648]"), std::string::npos)
        << error.what();
  }
  // The product wraps to something plausible here, and back to nothing above.
  EXPECT_THROW((Shape{kMost, 3}), CollectiveError);
  EXPECT_EQ((Shape{kMost}).count(), kMost);
}

TEST(Shape, bytes_that_do_not_fit_are_an_error_that_names_count_and_dtype) {
  const Shape shape{kMost / 4 + 1};
  EXPECT_EQ(shape.bytes(DType::i16), (kMost / 4 + 1) * 2);
  try {
    (void)shape.bytes(DType::f32);
    FAIL();
  } catch (const CollectiveError& error) {
    EXPECT_EQ(error.kind(), ErrorKind::InvalidArgument);
    EXPECT_NE(std::string(error.what()).find("f32"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace rlx
