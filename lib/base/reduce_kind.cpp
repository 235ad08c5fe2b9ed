#include "rlx/reduce_kind.hpp"

#include <fmt/format.h>

#include "rlx/error.hpp"

namespace rlx {
namespace {

struct KindName {
  std::string_view name;
  ReduceKind kind;
};

// The first name of a kind is rlx's own; the others are what benchmarks call it.
constexpr KindName kKindNames[] = {
    {"sum", ReduceKind::Sum},      {"mean", ReduceKind::Mean},       {"max", ReduceKind::Max},
    {"min", ReduceKind::Min},      {"product", ReduceKind::Product}, {"avg", ReduceKind::Mean},
    {"prod", ReduceKind::Product}, {"and", ReduceKind::And},         {"or", ReduceKind::Or},
    {"xor", ReduceKind::Xor},      {"band", ReduceKind::And},        {"bor", ReduceKind::Or},
    {"bxor", ReduceKind::Xor},
};

}  // namespace

std::string_view to_string(ReduceKind kind) {
  for (const KindName& entry : kKindNames) {
    if (entry.kind == kind) return entry.name;
  }
  return "unknown";
}

ReduceKind parse_reduce_kind(std::string_view name) {
  for (const KindName& entry : kKindNames) {
    if (entry.name == name) return entry.kind;
  }
  std::string known;
  for (const KindName& entry : kKindNames) {
    known += known.empty() ? "" : ", ";
    known += entry.name;
  }
  throw CollectiveError(ErrorKind::InvalidArgument, "parse_reduce_kind",
                        fmt::format("unknown reduction \"{}\"; use one of {}", name, known));
}

bool supports(ReduceKind kind, DType dtype) {
  const bool bitwise = kind == ReduceKind::And || kind == ReduceKind::Or || kind == ReduceKind::Xor;
  return kind <= ReduceKind::Xor && dtype <= DType::f8e5m2 && !(bitwise && is_floating(dtype));
}

}  // namespace rlx
