#pragma once
// Which algorithms ran and in how many pieces, over a whole run: the footer of the table.

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tools/bench/report.hpp"

namespace rlx::bench {

class ChosenPlans {
 public:
  void add(const Row& row);

  /// "ring", or by size where it is not one for all: "circulant (8 to 65536 B), ring (262144 B)".
  [[nodiscard]] std::string algorithms() const;
  /// "8388608 B: 16 (ring)" for each size of more than one piece, ascending. Several answers, by
  /// type or placement, are joined by "or".
  [[nodiscard]] std::vector<std::string> pieces() const;

 private:
  std::map<std::size_t, std::set<std::string>> algorithms_;  // by size
  std::map<std::size_t, std::set<std::pair<std::uint32_t, std::string>>> pieces_;
};

}  // namespace rlx::bench
