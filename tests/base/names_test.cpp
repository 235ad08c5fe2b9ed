// dtypes, reductions, versions: names and numbers.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "rlx/dtype.hpp"
#include "rlx/error.hpp"
#include "rlx/reduce_kind.hpp"
#include "rlx/version.hpp"

namespace rlx {
namespace {

using ::testing::HasSubstr;

TEST(DType, names_are_distinct_and_parse_back) {
  std::set<std::string_view> names;
  for (const DType dtype : kAllDTypes) {
    names.insert(to_string(dtype));
    EXPECT_EQ(parse_dtype(to_string(dtype)), dtype);
  }
  EXPECT_EQ(names.size(), std::size(kAllDTypes));
}

TEST(DType, benchmark_names_are_understood) {
  EXPECT_EQ(parse_dtype("float"), DType::f32);
  EXPECT_EQ(parse_dtype("double"), DType::f64);
  EXPECT_EQ(parse_dtype("half"), DType::f16);
  EXPECT_EQ(parse_dtype("bfloat16"), DType::bf16);
  EXPECT_EQ(parse_dtype("int32"), DType::i32);
  EXPECT_EQ(parse_dtype("uint8"), DType::u8);
  for (const char* name : {"fp8_e4m3", "float8_e4m3"}) EXPECT_EQ(parse_dtype(name), DType::f8e4m3);
  for (const char* name : {"fp8_e5m2", "float8_e5m2"}) EXPECT_EQ(parse_dtype(name), DType::f8e5m2);
}

TEST(DType, an_unknown_name_is_an_error_that_lists_the_known_ones) {
  try {
    (void)parse_dtype("f23");
    FAIL();
  } catch (const CollectiveError& error) {
    EXPECT_EQ(error.kind(), ErrorKind::InvalidArgument);
    EXPECT_THAT(error.what(), HasSubstr("\"f23\""));
    EXPECT_THAT(error.what(), HasSubstr("bfloat16"));
  }
  EXPECT_THROW((void)parse_dtype(""), CollectiveError);
  EXPECT_THROW((void)size_of(static_cast<DType>(14)), CollectiveError);
}

template <class T>
void expect_dtype(DType dtype, std::string_view name) {
  EXPECT_EQ(dtype_of<T>, dtype);
  EXPECT_EQ(dtype_of<const T>, dtype);
  EXPECT_EQ(size_of(dtype), sizeof(T));
  EXPECT_EQ(to_string(dtype), name);
}

TEST(DType, every_element_type_has_its_dtype_and_size) {
  expect_dtype<std::int8_t>(DType::i8, "i8");
  expect_dtype<std::int16_t>(DType::i16, "i16");
  expect_dtype<std::int32_t>(DType::i32, "i32");
  expect_dtype<long>(DType::i64, "i64");
  expect_dtype<long long>(DType::i64, "i64");
  expect_dtype<unsigned char>(DType::u8, "u8");
  expect_dtype<std::uint16_t>(DType::u16, "u16");
  expect_dtype<std::uint32_t>(DType::u32, "u32");
  expect_dtype<std::size_t>(DType::u64, "u64");
  expect_dtype<float16>(DType::f16, "f16");
  expect_dtype<bfloat16>(DType::bf16, "bf16");
  expect_dtype<float>(DType::f32, "f32");
  expect_dtype<double>(DType::f64, "f64");
  expect_dtype<float8_e4m3>(DType::f8e4m3, "f8e4m3");
  expect_dtype<float8_e5m2>(DType::f8e5m2, "f8e5m2");
  static_assert(!Element<bool> && !Element<long double> && !Element<void*>);
}

TEST(DType, knows_floating_and_signed) {
  for (const DType dtype : kAllDTypes) {
    const char letter = to_string(dtype).front();
    EXPECT_EQ(is_floating(dtype), letter == 'f' || letter == 'b') << to_string(dtype);
    EXPECT_EQ(is_signed(dtype), letter != 'u') << to_string(dtype);
  }
}

TEST(ReduceKind, names_parse_back_and_benchmark_names_are_understood) {
  for (const ReduceKind kind : kAllReduceKinds) {
    EXPECT_EQ(parse_reduce_kind(to_string(kind)), kind);
    const bool bitwise =
        kind == ReduceKind::And || kind == ReduceKind::Or || kind == ReduceKind::Xor;
    for (const DType dtype : kAllDTypes) {
      EXPECT_EQ(supports(kind, dtype), !bitwise || !is_floating(dtype));
    }
  }
  EXPECT_EQ(parse_reduce_kind("avg"), ReduceKind::Mean);
  EXPECT_EQ(parse_reduce_kind("prod"), ReduceKind::Product);
  EXPECT_EQ(parse_reduce_kind("band"), ReduceKind::And);
  EXPECT_EQ(parse_reduce_kind("bor"), ReduceKind::Or);
  EXPECT_EQ(parse_reduce_kind("bxor"), ReduceKind::Xor);
  EXPECT_FALSE(supports(static_cast<ReduceKind>(8), DType::i32));
  EXPECT_FALSE(supports(ReduceKind::Sum, static_cast<DType>(14)));
}

TEST(ReduceKind, an_unknown_name_is_an_error_that_lists_the_known_ones) {
  try {
    (void)parse_reduce_kind("nand");
    FAIL();
  } catch (const CollectiveError& error) {
    EXPECT_EQ(error.kind(), ErrorKind::InvalidArgument);
    EXPECT_THAT(error.what(), HasSubstr("sum, mean, max, min, product, avg, prod, and, or, xor"));
  }
}

TEST(Version, the_build_names_its_version_and_the_wire_version_is_the_built_one) {
  EXPECT_THAT(std::string(build_string()), HasSubstr(std::string(kVersion)));
#if defined(RLX_TEST_WIRE_VERSION)
  EXPECT_EQ(wire_version(), RLX_TEST_WIRE_VERSION);
#else
  EXPECT_EQ(wire_version(), kWireVersion);
#endif
}

}  // namespace
}  // namespace rlx
