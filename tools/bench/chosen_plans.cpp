#include "tools/bench/chosen_plans.hpp"

#include <fmt/format.h>

#include <iterator>

namespace rlx::bench {

void ChosenPlans::add(const Row& row) {
  for (const Figures& one : row.figures) {
    algorithms_[row.size].insert(one.algorithm);
    if (one.pieces > 1) pieces_[row.size].emplace(one.pieces, one.algorithm);
  }
}

std::string ChosenPlans::algorithms() const {
  std::string text;
  for (auto first = algorithms_.begin(); first != algorithms_.end();) {
    auto last = first;
    auto next = std::next(first);
    while (next != algorithms_.end() && next->second == first->second) last = next++;
    const std::string names = fmt::format("{}", fmt::join(first->second, " or "));
    if (first == algorithms_.begin() && next == algorithms_.end()) return names;
    const std::string sizes = first == last ? fmt::format("{} B", first->first)
                                            : fmt::format("{} to {} B", first->first, last->first);
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", names, sizes);
    first = next;
  }
  return text;
}

std::vector<std::string> ChosenPlans::pieces() const {
  std::vector<std::string> entries;
  for (const auto& [size, answers] : pieces_) {
    std::string text;
    for (const auto& [pieces, algorithm] : answers) {
      text += fmt::format("{}{} ({})", text.empty() ? "" : " or ", pieces, algorithm);
    }
    entries.push_back(fmt::format("{} B: {}", size, text));
  }
  return entries;
}

}  // namespace rlx::bench
