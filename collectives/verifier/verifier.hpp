#pragma once
// The verifier: is a schedule right on every rank, for both placements, alone and among others?
// A test, and `rlx-explain --verify`.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "collectives/algorithms.hpp"
#include "collectives/verifier/window.hpp"

namespace rlx::collectives::verifier {

/// The schedules of all ranks, and what is declared about them.
struct Family {
  std::string name;
  std::vector<Schedule> schedules;
  std::optional<Cost> declared;
  bool apart = false;  ///< input and output are different memory: not to be checked in place
  const Nodes* nodes = nullptr;  ///< see Group
};

/// Every rank's schedule of an algorithm of the table. It supports the group, whose `me` does not
/// matter; its nodes outlive the family.
[[nodiscard]] Family family_of(const Algorithm& algorithm, const Group& group);

/// One epoch, out of place and in place, and the declared cost against the counted one.
[[nodiscard]] EpochFacts check_family(const Family& family);

/// Windows that are looked at.
inline constexpr std::uint32_t kWindows[] = {1, 2, 3, 8};

/// How one communicator's epochs are put in a row. The defaults are what rule 5 demands; tests take
/// them away one by one.
struct MixOptions {
  StartRule start = StartRule::windowed;
  std::uint32_t depth_missing = 0;  ///< D is that much too small
  enum class Guard : std::uint8_t { on, off } guard = Guard::on;
  std::span<const std::uint32_t> windows = kWindows;
};

struct MixReport {
  Findings findings;
  std::uint32_t sequences = 0;  ///< sequences of epochs that were worked out
};

/// Runs `focus` and each of `others` (which may include it) in every order over D + W epochs, and
/// random mixes of all, for W in kWindows. D is 2W, or 2W + 1 and 4W with rule 5's guard when a
/// kind is not all-dependent; `barrier` is what the guard inserts.
[[nodiscard]] MixReport check_mixes(const EpochFacts& focus,
                                    std::span<const EpochFacts* const> others,
                                    const EpochFacts& barrier, const MixOptions& options = {});

/// The facts of the table's other algorithms: what a communicator mixes an algorithm with. One
/// that spans nodes has no algorithms that map everybody.
struct Partners {
  std::vector<EpochFacts> facts;
  std::size_t barrier = ~std::size_t{0};  ///< which of them is the barrier

  [[nodiscard]] std::vector<const EpochFacts*> views() const;
  [[nodiscard]] const EpochFacts& barrier_or(const EpochFacts& other) const {
    return barrier < facts.size() ? facts[barrier] : other;
  }
};
[[nodiscard]] Partners partners_of(const Algorithm& algorithm, const Group& group);

struct Verdict {
  Findings findings;
  Cost counted;
  bool all_dependent = false;
  std::uint32_t partners = 0;   ///< algorithms it was mixed with
  std::uint32_t sequences = 0;  ///< sequences of epochs
};

/// Everything, for one algorithm of the table among all others.
[[nodiscard]] Verdict verify(const Algorithm& algorithm, const Group& group);

}  // namespace rlx::collectives::verifier
