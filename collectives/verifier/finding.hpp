#pragma once
// What the verifier has against a schedule.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rlx::collectives::verifier {

enum class Fault : std::uint8_t {
  malformed,     ///< operands, chunks, counts or peers that no executor could bind
  word,          ///< rule 1: two writers, two lanes, or parts that are not 1, 2, 3, ...
  unawaited,     ///< rule 6: a signal that its target does not await exactly once
  deadlock,      ///< a wait whose signal never comes
  undefined,     ///< a step reads what nobody has written
  contribution,  ///< a rank's data missing, twice, or of another chunk
  finalise,      ///< an output not finalised exactly once
  dead_write,    ///< rule 5: a value that nobody has read is overwritten, or never used
  arrive,        ///< rule 3: a peer's input or output touched before its ARRIVE was seen
  race,          ///< two accesses, one of them a write, that no chain of waits orders
  completion,    ///< rule 3: the application may touch memory that a peer still uses (EXIT)
  order,         ///< ranks hold sums that were associated differently
  dependence,    ///< rule 5: declared all-dependent, but some rank may complete without another
  reuse,         ///< rule 5: a set used again while an older epoch may still use it
  cost           ///< rounds, bytes or messages differ from what is declared
};

[[nodiscard]] std::string_view to_string(Fault fault);

struct Finding {
  Fault fault;
  std::string text;
};

/// Collects findings: the first few in words, all of them by count.
class Findings {
 public:
  static constexpr std::size_t kKept = 16;

  void add(Fault fault, std::string text);
  void add(const Findings& others, std::string_view where);

  /// Whether further texts would be dropped: the caller need not make them.
  [[nodiscard]] bool full() const { return kept_.size() == kKept; }
  [[nodiscard]] bool empty() const { return total_ == 0; }
  [[nodiscard]] std::size_t total() const { return total_; }
  [[nodiscard]] const std::vector<Finding>& kept() const { return kept_; }
  [[nodiscard]] bool has(Fault fault) const;

 private:
  std::vector<Finding> kept_;
  std::size_t total_ = 0;
};

}  // namespace rlx::collectives::verifier
