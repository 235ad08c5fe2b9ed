#include "collectives/verifier/window.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace rlx::collectives::verifier {

namespace {

constexpr Event kComplete = std::numeric_limits<Event>::max();
constexpr std::uint32_t kNoEpoch = 0xffffffff;

// Up to this many components times epochs the clocks are worked out in full; beyond, all-dependent
// sequences are decided by what all-dependence means, which the full clocks agree with.
constexpr std::size_t kMaxExact = 2500;

class Window {
 public:
  Window(const Sequence& sequence, const WindowRule& rule, std::uint32_t lagging)
      : sequence_(sequence), rule_(rule), lagging_(lagging), ranks_(sequence[0]->ranks), row_(0) {
    for (const EpochFacts* facts : sequence_) {
      rows_.push_back(row_);
      row_ += facts->components();
    }
  }

  Findings run() {
    const bool exact = row_ <= kMaxExact;
    if (exact) work_out_starts();
    for (std::uint32_t later = 0; later < sequence_.size(); ++later)
      for (std::uint32_t earlier = later % rule_.depth; earlier < later; earlier += rule_.depth)
        if (exact) {
          compare(earlier, later);
        } else if (!everybody_done(earlier, later)) {
          findings_.add(Fault::reuse, fmt::format("epoch {} ({}) may start before epoch {} ({}) of "
                                                  "the same set is over everywhere",
                                                  later, sequence_[later]->name, earlier,
                                                  sequence_[earlier]->name));
        }
    return findings_;
  }

 private:
  // The epochs whose completion on the same rank is known to precede the start of `epoch`.
  bool waits_for(std::uint32_t epoch, std::uint32_t earlier) const {
    if (rule_.start == StartRule::windowed) return earlier + rule_.window <= epoch;
    // Counting: epoch - W + 1 epochs are complete. When the lagging one is old, the newer ones make
    // up the number without it, unless only one may be in flight at all.
    if (earlier >= epoch) return false;
    if (earlier == lagging_) return rule_.window == 1;
    const std::uint32_t behind = lagging_ + rule_.window <= epoch + 1 ? 1 : 0;
    return earlier + rule_.window <= epoch + behind;
  }

  // What the start of `epoch` on `rank` knows of each component of each earlier epoch.
  std::span<Event> start(std::uint32_t epoch, std::uint32_t rank) {
    return {starts_.data() + (std::size_t{epoch} * ranks_ + rank) * row_, rows_[epoch]};
  }
  // What its completion knows: of its own epoch, too.
  std::span<Event> completion(std::uint32_t epoch, std::uint32_t rank) {
    return {completions_.data() + (std::size_t{epoch} * ranks_ + rank) * row_,
            rows_[epoch] + sequence_[epoch]->components()};
  }

  // The shorter row knows nothing of what it leaves out.
  static void add(std::span<Event> row, std::span<const Event> shorter) {
    join(row.first(shorter.size()), shorter);
  }

  void work_out_starts() {
    starts_.assign(sequence_.size() * ranks_ * row_, 0);
    completions_.assign(sequence_.size() * ranks_ * row_, 0);
    for (std::uint32_t epoch = 0; epoch < sequence_.size(); ++epoch) {
      for (std::uint32_t rank = 0; rank < ranks_; ++rank) {
        // A start knows the epoch before's start only through what both wait for; under the window
        // those sets grow, so it is enough to add the newest.
        if (epoch > 0 && rule_.start == StartRule::windowed)
          add(start(epoch, rank), start(epoch - 1, rank));
        const bool windowed = rule_.start == StartRule::windowed;
        for (std::uint32_t e = 0; e < epoch; ++e)
          if (waits_for(epoch, e) && !(windowed && e + rule_.window < epoch))
            add(start(epoch, rank), completion(e, rank));
      }
      complete(epoch);
    }
  }

  void complete(std::uint32_t epoch) {
    const EpochFacts& facts = *sequence_[epoch];
    Clock everybody(rows_[epoch], 0);
    if (facts.all_dependent)
      for (std::uint32_t rank = 0; rank < ranks_; ++rank) join(everybody, start(epoch, rank));
    for (std::uint32_t rank = 0; rank < ranks_; ++rank) {
      const std::span<Event> known = completion(epoch, rank);
      const Clock& clock = facts.completion[rank];
      if (facts.all_dependent) {
        add(known, everybody);
      } else {
        for (std::uint32_t other = 0; other < ranks_; ++other)
          if (clock[other * facts.lanes] != 0) add(known, start(epoch, other));
      }
      join(known.subspan(rows_[epoch], clock.size()), clock);
      std::fill_n(known.begin() + rows_[epoch] + rank * facts.lanes, facts.lanes, kComplete);
    }
  }

  void compare(std::uint32_t earlier, std::uint32_t later) {
    const EpochFacts& old = *sequence_[earlier];
    const EpochFacts& fresh = *sequence_[later];
    for (std::uint32_t rank = 0; rank < ranks_; ++rank) {
      for (std::uint32_t number = 0; number <= std::min(old.lines, fresh.lines); ++number) {
        for (const Region::First& first : fresh.region(rank, number).firsts)
          for (const Region::Last& last : old.region(rank, number).lasts)
            if (!known(earlier, later, first, last, rank))
              report(earlier, later, rank, number, first, last);
      }
    }
  }

  bool known(std::uint32_t earlier, std::uint32_t later, const Region::First& first,
             const Region::Last& last, std::uint32_t owner) {
    const std::uint32_t lanes = sequence_[earlier]->lanes;
    for (std::uint32_t rank = 0; rank < ranks_; ++rank) {
      if ((first.started[rank / 64] >> (rank % 64) & 1) == 0) continue;
      const std::span<const Event> row = start(later, rank);
      if (row[rows_[earlier] + last.component] >= last.event) return true;
      if (last.own_source && row[rows_[earlier] + owner * lanes] == kComplete) return true;
    }
    return false;
  }

  void report(std::uint32_t earlier, std::uint32_t later, std::uint32_t rank, std::uint32_t number,
              const Region::First& first, const Region::Last& last) {
    if (findings_.full()) return findings_.add(Fault::reuse, "");
    const EpochFacts& old = *sequence_[earlier];
    const EpochFacts& fresh = *sequence_[later];
    const std::string what = number == 0 ? "the scratch" : fmt::format("line {}", number - 1);
    findings_.add(
        Fault::reuse,
        fmt::format("W = {}, D = {}: rank {} touches {} of rank {} in epoch {} ({}) while "
                    "epoch {} ({}) may still use it, until rank {} has gone on",
                    rule_.window, rule_.depth, first.component / fresh.lanes, what, rank, later,
                    fresh.name, earlier, old.name, last.component / old.lanes));
  }

  // Completing an all-dependent epoch e means that every rank had started it, and so had completed
  // all epochs up to e - W.
  bool everybody_done(std::uint32_t earlier, std::uint32_t later) const {
    if (rule_.start == StartRule::counted) return false;
    for (std::uint32_t e = earlier + rule_.window; e + rule_.window <= later; ++e)
      if (sequence_[e]->all_dependent) return true;
    return false;
  }

  const Sequence& sequence_;
  const WindowRule& rule_;
  std::uint32_t lagging_;
  std::uint32_t ranks_;
  std::size_t row_;                // components of all epochs
  std::vector<std::size_t> rows_;  // where an epoch's components begin in a row
  Clock starts_;                   // [epoch][rank][row]
  Clock completions_;              // the same
  Findings findings_;
};

}  // namespace

Findings check_window(const Sequence& sequence, const WindowRule& rule) {
  if (sequence.empty()) return {};
  if (rule.start == StartRule::windowed) return Window(sequence, rule, kNoEpoch).run();
  for (std::uint32_t lagging = 0; lagging < sequence.size(); ++lagging) {
    Findings findings = Window(sequence, rule, lagging).run();
    if (!findings.empty()) return findings;
  }
  return {};
}

Sequence guarded(const Sequence& sequence, const WindowRule& rule, const EpochFacts& barrier) {
  Sequence result;
  const std::size_t reach = rule.depth - std::min(rule.depth, 2 * rule.window);
  std::size_t rooted = 0;  // epochs that are not all-dependent, at the end of the result
  for (const EpochFacts* facts : sequence) {
    if (!facts->all_dependent && rooted >= reach) {
      result.push_back(&barrier);
      rooted = 0;
    }
    result.push_back(facts);
    rooted = facts->all_dependent ? 0 : rooted + 1;
  }
  return result;
}

}  // namespace rlx::collectives::verifier
