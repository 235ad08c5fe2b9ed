#pragma once
// Reads and writes of chunks during a run, and what is wrong with them.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectives/verifier/finding.hpp"
#include "collectives/verifier/memory.hpp"
#include "collectives/verifier/sync.hpp"
#include "collectives/verifier/touches.hpp"

namespace rlx::collectives::verifier {

/// The steps of each component, in order.
using Programs = std::vector<std::vector<const Step*>>;

/// Views of one run; the run owns them all.
class Accesses {
 public:
  Accesses(std::span<const Schedule> schedules, const Programs& programs, Memory& memory,
           const Sync& sync, Touches& touches)
      : schedules_(schedules),
        programs_(programs),
        memory_(memory),
        sync_(sync),
        touches_(touches),
        seen_(sync.components(), std::vector<bool>(schedules.size(), false)) {}

  /// Finds reads of nothing, and of what may still be written.
  Value read(Chunk& chunk, const Access& access);
  /// Finds writes over what may still be written or read, and over what nobody has read.
  void write(Chunk& chunk, const Value& value, const Access& access);
  /// The step touches the input or output of `peer`, whose ARRIVE lies in the line `word`.
  void check_arrival(const Access& access, std::uint32_t peer, std::uint16_t word);
  /// A wait that an ARRIVE comes with: from here on its rank may name `peer`'s input and output.
  void see_arrival(const Access& access, const Step& wait);
  /// A copy or reduce names the input or output of `peer`.
  void check_seen(const Access& access, std::uint32_t peer);

  void add(Fault fault, const Access& access, const std::string& why);
  [[nodiscard]] Findings& findings() { return findings_; }

 private:
  [[nodiscard]] std::string where(const Access& access) const;
  void conflict(const Access& access, std::string_view verb, const Access& other);

  std::span<const Schedule> schedules_;
  const Programs& programs_;
  Memory& memory_;
  const Sync& sync_;
  Touches& touches_;
  std::vector<std::vector<bool>> seen_;  // [component][peer]: its ARRIVE was awaited
  Findings findings_;
};

}  // namespace rlx::collectives::verifier
