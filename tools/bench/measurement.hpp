#pragma once
// One cell of the result: one collective, type, operation, size and placement, timed and checked.

#include <cstdint>
#include <optional>

#include "tools/bench/buffers.hpp"
#include "tools/bench/pattern.hpp"
#include "tools/bench/report.hpp"
#include "tools/bench/rival.hpp"

namespace rlx::bench {

/// What every measurement of a run uses. All outlive it.
struct Bench {
  Communicator& comm;
  const Options& options;
  LineUp& line_up;
  const Buffers& buffers;
  Rival* rival = nullptr;  ///< null: none
};

class Measurement {
 public:
  /// The pattern is of the task's type and operation.
  Measurement(const Bench& bench, const Task& task, const Pattern& pattern);

  /// Collective. Everything in it but the elements that this rank found wrong, which `wrong()` has,
  /// is equal on all ranks.
  [[nodiscard]] Figures run();
  [[nodiscard]] std::uint64_t wrong() const noexcept { return wrong_; }

 private:
  [[nodiscard]] Contender contender();
  void name_plan(Figures& figures);
  void fill_input(std::uint64_t seed);
  void write_input();
  void poison_output();
  void check_result(std::uint64_t seed);
  void warm_up();
  [[nodiscard]] RivalFigures time_samples(Figures& figures);
  void time_back_to_back(Figures& figures, RivalFigures& theirs);
  void run_checks();

  const Bench& bench_;
  const Task& task_;
  const Pattern& pattern_;
  Operands operands_;
  std::byte* input_ = nullptr;   // where the call reads
  std::byte* output_ = nullptr;  // where it leaves its result
  std::size_t element_ = 1;
  Contender ours_;
  std::optional<Contender> theirs_;
  std::uint64_t wrong_ = 0;
};

}  // namespace rlx::bench
