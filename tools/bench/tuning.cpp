#include "tools/bench/tuning.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <optional>

#include "lib/communicator/communicator_state.hpp"
#include "lib/communicator/context.hpp"
#include "lib/communicator/tuning_file.hpp"
#include "tools/bench/engine.hpp"
#include "tools/bench/exchange.hpp"
#include "tools/bench/measurement.hpp"
#include "tools/bench/pattern.hpp"
#include "tools/bench/progress.hpp"
#include "tools/bench/run_info.hpp"
#include "tools/bench/tuning_output.hpp"
#include "tools/bench/tuning_timer.hpp"

namespace rlx::bench {
namespace {

using collectives::Alternative;
using collectives::TunerInput;

constexpr std::size_t kElement = 4;
/// Of one length of one kind of call, before what can not be saved: five samples of each candidate.
constexpr std::chrono::milliseconds kBudget{800};
/// Algorithms that the cost model takes for slower than this times the best are not timed, unless
/// they are among the first two.
constexpr double kWorthTiming = 3;
/// Lengths (of the whole vector) from which results past the caches may pay, and pieces of another
/// size than the model's.
constexpr std::size_t kStreams = std::size_t{512} << 10;
constexpr std::size_t kCuts = std::size_t{256} << 10;
/// What pieces of another size have to gain.
constexpr double kGain = 0.95;

/// Everything that is measured under one key.
struct Kind {
  const CollectiveBench* collective = nullptr;
  BufferKind buffers = BufferKind::heap;
  Placement placement = Placement::out_of_place;
};

std::vector<Kind> kinds_of(const Options& options, BufferKind buffers) {
  std::vector<Kind> kinds;
  for (const CollectiveBench* collective : collective_benches()) {
    if (options.collective != nullptr && options.collective != collective) continue;
    if (!collective->has_elements && buffers != BufferKind::heap) continue;
    for (const Placement placement : kPlacements)
      if (collective->has_elements || placement == Placement::out_of_place)
        kinds.push_back({collective, buffers, placement});
  }
  return kinds;
}

/// Of alternatives that can run, those that are worth their time, the best first.
std::vector<std::string> shortlist(const TunerInput& input) {
  std::vector<Alternative> all = alternatives(input);
  std::erase_if(all, [](const Alternative& one) { return !one.obstacle.empty(); });
  std::ranges::stable_sort(all, {}, [](const Alternative& one) { return one.choice.predicted_us; });
  std::vector<std::string> names;
  for (const Alternative& one : all)
    if (names.size() < 2 ||
        one.choice.predicted_us <= kWorthTiming * all.front().choice.predicted_us)
      names.emplace_back(one.algorithm->name);
  return names;
}

class Tuner {
 public:
  Tuner(Communicator& comm, const Options& options, LineUp& line_up, Progress* progress)
      : comm_(comm),
        options_(options),
        timer_(comm, line_up, options.iterations),
        progress_(progress) {}

  /// Collective; equal on all ranks.
  std::vector<MeasuredSize> measure(const Kind& kind, const Buffers& buffers);
  [[nodiscard]] collectives::TuningKey key() const { return key_; }

 private:
  [[nodiscard]] std::vector<std::size_t> lengths(const Kind& kind) const;
  MeasuredSize measure(const Kind& kind, const Buffers& buffers, std::size_t whole_bytes);
  void refine(const Kind& kind, const Buffers& buffers, std::map<std::size_t, MeasuredSize>& sizes);
  void try_pieces(const TuningCall& call, const TunerInput& input, MeasuredSize& size);

  Communicator& comm_;
  const Options& options_;
  TuningTimer timer_;
  Progress* progress_;  // null: not rank 0
  collectives::TuningKey key_;
};

/// Whole vectors, with the longest also where the factor misses it.
std::vector<std::size_t> Tuner::lengths(const Kind& kind) const {
  if (!kind.collective->has_elements) return {0};
  const std::size_t unit = kind.collective->unit(comm_.size()) * kElement;
  std::vector<std::size_t> sizes = sweep_sizes(options_.sweep, unit);
  const std::size_t longest = options_.sweep.max_bytes / unit * unit;
  if (longest > sizes.back()) sizes.push_back(longest);
  return sizes;
}

std::vector<MeasuredSize> Tuner::measure(const Kind& kind, const Buffers& buffers) {
  std::map<std::size_t, MeasuredSize> sizes;
  for (const std::size_t whole : lengths(kind)) sizes[whole] = measure(kind, buffers, whole);
  refine(kind, buffers, sizes);
  std::vector<MeasuredSize> all;
  for (auto& [whole, size] : sizes) all.push_back(std::move(size));
  return all;
}

/// Measures halfway between lengths that are won by different algorithms.
void Tuner::refine(const Kind& kind, const Buffers& buffers,
                   std::map<std::size_t, MeasuredSize>& sizes) {
  const std::size_t unit = kind.collective->unit(comm_.size()) * kElement;
  std::vector<std::size_t> between;
  for (auto next = sizes.begin(), one = next++; next != sizes.end(); one = next++) {
    if (fastest(one->second).candidate.algorithm == fastest(next->second).candidate.algorithm)
      continue;
    const std::size_t middle = std::min(2 * one->first, next->first) / unit * unit;
    if (middle > one->first && middle < next->first) between.push_back(middle);
  }
  for (const std::size_t whole : between) sizes[whole] = measure(kind, buffers, whole);
}

MeasuredSize Tuner::measure(const Kind& kind, const Buffers& buffers, std::size_t whole_bytes) {
  TuningCall call{kind.collective, kind.buffers, kind.placement, buffers.operands()};
  call.operands.shape = kind.collective->shape(whole_bytes / kElement, comm_.size(), comm_.rank());
  const TunerInput input = tuner_input(comm_, call);
  key_ = tuning_key(input);
  if (progress_ != nullptr)
    progress_->show(fmt::format("{}: {} bytes", to_string(key_), input.count * kElement));
  // Sums in place go where their sources are: never past the caches (PlanCache).
  const bool may_stream = input.load_store && whole_bytes >= kStreams &&
                          !(kind.placement == Placement::in_place && kind.collective->reduces);
  std::vector<Candidate> candidates;
  for (const std::string& name : shortlist(input)) {
    candidates.push_back({.algorithm = name});
    if (may_stream) candidates.push_back({.algorithm = name, .streams = true});
  }
  MeasuredSize size{input.count * input.element_bytes, timer_.time(call, candidates, kBudget)};
  if (whole_bytes >= kCuts) try_pieces(call, input, size);
  return size;
}

/// The fastest once more, beside other cuts of it.
void Tuner::try_pieces(const TuningCall& call, const TunerInput& input, MeasuredSize& size) {
  const TimedCandidate best = fastest(size);
  const auto* algorithm = collectives::find_algorithm(input.collective, best.candidate.algorithm);
  const std::size_t largest =
      std::min(collectives::largest_piece(*algorithm, input), input.count) * kElement;
  std::vector<Candidate> cuts = {best.candidate};
  std::vector<std::uint32_t> pieces = {timer_.pieces(call, best.candidate)};
  for (const std::size_t part : {1, 2, 4}) {
    Candidate cut = best.candidate;
    cut.piece_bytes = std::max<std::size_t>(largest / part, kElement);
    const std::uint32_t count = timer_.pieces(call, cut);
    if (std::ranges::find(pieces, count) != pieces.end()) continue;
    pieces.push_back(count);
    cuts.push_back(cut);
  }
  if (cuts.size() == 1) return;
  const std::vector<TimedCandidate> timed = timer_.time(call, cuts, kBudget / 2);
  for (const TimedCandidate& one : std::span(timed).subspan(1)) {
    const double share = one.us / timed.front().us;
    if (share < kGain) size.times.push_back({one.candidate, best.us * share});
  }
}

std::string measured_text(Communicator& comm, const RunInfo& info) {
  const Config& config = comm.config();
  return fmt::format("{}; {} host{} of {} cores; {} ({}); slots of {} bytes, window {}",
                     time_stamp(), info.hosts, info.hosts == 1 ? "" : "s", info.cores,
                     info.transport, info.transport_detail, config.slot_bytes, config.window);
}

void fill(const Buffers& buffers, std::size_t bytes, Communicator& comm) {
  const Pattern pattern(DType::f32, ReduceKind::Sum, comm.size());
  const Operands operands = buffers.operands();
  pattern.fill({operands.send, 0, bytes / kElement}, comm.rank(), 0);
  pattern.fill({operands.recv, 0, bytes / kElement}, comm.rank(), 0);
}

/// A whole run: what is measured goes to the file and to the terminal of rank 0.
class Session {
 public:
  Session(Communicator& comm, const Options& options, const RunInfo& info)
      : comm_(comm), path_(*options.tune_file), measured_(measured_text(comm, info)) {
    open_on_rank_0(comm_, [&] {
      table_ = load_tuning(path_);
      save_tuning(path_, table_);  // what can not be written is better known now
    });
    if (comm_.rank() != Rank(0)) return;
    progress_.emplace();
    std::cout << fmt::format(
        "# rlx-bench --tune: {} ranks; {}\n# s: past the caches, p: pieces of their own, *: the "
        "fastest\n#\n",
        comm_.size(), measured_);
  }
  /// Collective.
  void add(collectives::TuningEntry entry, const std::vector<MeasuredSize>& sizes) {
    entry.measured = measured_;
    if (progress_) {
      progress_->clear();
      std::cout << tuning_text(entry, sizes) << std::flush;
    }
    table_.put(std::move(entry));
    open_on_rank_0(comm_, [&] { save_tuning(path_, table_); });
  }
  void end() const {
    if (!progress_) return;
    std::cout << fmt::format(
        "# {} has {} entries. RLX_TUNING={} uses it; as {} it is used by itself.\n", path_,
        table_.entries().size(), path_, detail::installed_tuning_path());
  }
  /// Null where nothing is printed.
  [[nodiscard]] Progress* progress() { return progress_ ? &*progress_ : nullptr; }

 private:
  Communicator& comm_;
  std::string path_;
  std::string measured_;
  collectives::TuningTable table_;
  std::optional<Progress> progress_;
};

}  // namespace

int run_tuning(Communicator& comm, const Options& options, std::string_view launch) {
  LineUp line_up(comm);
  const RunInfo info = collect_host_info(comm, options, launch, line_up.description());
  Session session(comm, options, info);
  let_start_up_pass(comm);
  Tuner tuner(comm, options, line_up, session.progress());
  for (const BufferKind memory : {BufferKind::heap, BufferKind::private_memory}) {
    const Buffers buffers(comm, memory, options.sweep.max_bytes);
    fill(buffers, options.sweep.max_bytes, comm);
    for (const Kind& kind : kinds_of(options, memory)) {
      const std::vector<MeasuredSize> sizes = tuner.measure(kind, buffers);
      session.add(entry_of(tuner.key(), sizes), sizes);
    }
  }
  session.end();
  return kOk;
}

}  // namespace rlx::bench
