#include "collectives/collective.hpp"

#include <array>
#include <string>

#include "rlx/error.hpp"

namespace rlx::collectives {

namespace {

struct Name {
  Collective collective;
  std::string_view text;
};

constexpr std::array kNames{
    Name{Collective::barrier, "barrier"},
    Name{Collective::all_reduce, "all_reduce"},
    Name{Collective::all_gather, "all_gather"},
    Name{Collective::reduce_scatter, "reduce_scatter"},
};

}  // namespace

std::string_view to_string(Collective collective) {
  for (const Name& name : kNames)
    if (name.collective == collective) return name.text;
  return "unknown";
}

Collective parse_collective(std::string_view text) {
  std::string known;
  for (const Name& name : kNames) {
    if (name.text == text) return name.collective;
    known += known.empty() ? "" : ", ";
    known += name.text;
  }
  throw CollectiveError(
      ErrorKind::InvalidArgument, "parse_collective",
      "there is no collective \"" + std::string(text) + "\"; the names are " + known);
}

}  // namespace rlx::collectives
