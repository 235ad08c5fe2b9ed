#include "collectives/verifier/structure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "collectives/describe.hpp"
#include "collectives/spaces.hpp"
#include "rlx/signal_region.hpp"

namespace rlx::collectives::verifier {

namespace {

constexpr std::uint32_t kNobody = 0xffffffff;

class Structure {
 public:
  Structure(std::span<const Schedule> schedules, const Nodes* nodes)
      : schedules_(schedules), nodes_(nodes), words_(schedules.size() * kWordsPerSet) {}

  Findings run() {
    for (std::uint32_t rank = 0; rank < schedules_.size(); ++rank) check_declarations(rank);
    if (!findings_.empty()) return findings_;
    for (std::uint32_t rank = 0; rank < schedules_.size(); ++rank)
      for (const Step& step : schedules_[rank].steps) check_step(rank, step);
    for (std::uint32_t rank = 0; rank < schedules_.size(); ++rank) check_words(rank);
    return findings_;
  }

 private:
  struct WordUse {
    std::uint32_t writer = kNobody;
    std::uint16_t lane = 0;
    std::uint16_t sent = 0;
    std::uint16_t awaited = 0;
    bool published = false;
    std::vector<std::uint16_t> seen;  // published: how far each rank has awaited it
  };

  void add(Fault fault, std::uint32_t rank, const Step& step, const std::string& why) {
    findings_.add(fault,
                  fmt::format("rank {}, {}: {}", rank, describe(schedules_[rank], step), why));
  }

  void check_declarations(std::uint32_t rank) {
    const Schedule& mine = schedules_[rank];
    const Schedule& first = schedules_[0];
    if (mine.rank != rank || mine.ranks != schedules_.size())
      findings_.add(Fault::malformed, fmt::format("schedule {} says it is rank {} of {}", rank,
                                                  mine.rank, mine.ranks));
    if (mine.collective != first.collective || mine.chunks != first.chunks ||
        mine.scratch_chunks != first.scratch_chunks || mine.all_dependent != first.all_dependent ||
        mine.lanes != first.lanes)
      findings_.add(Fault::malformed,
                    fmt::format("ranks 0 and {} declare different schedules", rank));
    if (mine.words > kWordsPerSet)
      findings_.add(Fault::malformed,
                    fmt::format("rank {} uses {} words of {}", rank, mine.words, kWordsPerSet));
  }

  void check_step(std::uint32_t rank, const Step& step) {
    if (step.lane >= schedules_[rank].lanes) add(Fault::malformed, rank, step, "no such lane");
    if (step.kind == StepKind::copy || step.kind == StepKind::reduce)
      return check_compute(rank, step);
    if (step.kind == StepKind::publish) return check_publish(rank, step);
    if (step.peer >= schedules_.size() || step.peer == rank)
      return add(Fault::malformed, rank, step, "the peer is this rank or does not exist");
    if (step.word >= kWordsPerSet || step.word + step.span > kWordsPerSet)
      return add(Fault::malformed, rank, step, "no such word");
    if (step.kind == StepKind::wait) return check_wait(rank, step);
    if (step.kind == StepKind::put) check_put(rank, step);
    check_signal(rank, step);
  }

  void check_compute(std::uint32_t rank, const Step& step) {
    const bool reduction = step.kind == StepKind::reduce;
    if (step.destinations == 0 || step.sources == 0 || step.sources > kMaxOperands ||
        step.destinations > kMaxOperands || (!reduction && step.sources != 1))
      return add(Fault::malformed, rank, step, "operands missing or too many");
    check_operands(rank, step);
    const Collective collective = schedules_[rank].collective;
    const bool gathers = collective == Collective::all_gather || collective == Collective::barrier;
    if (gathers && (step.finalise || reduction))
      add(Fault::finalise, rank, step, "this collective has nothing to reduce or finalise");
  }

  void check_put(std::uint32_t rank, const Step& step) {
    if (step.destinations != 1 || step.sources != 1)
      return add(Fault::malformed, rank, step, "a put has one destination and one source");
    check_operands(rank, step);
    const Ref& from = schedules_[rank].sources(step)[0];
    const Ref& to = schedules_[rank].destinations(step)[0];
    if (from.peer != kMe || to.peer != kMe)
      add(Fault::malformed, rank, step, "a put names its peer once, in the step");
    if (to.space == Space::line && to.chunk != step.word)
      add(Fault::malformed, rank, step, "bytes for one line with the signal of another");
  }

  void check_publish(std::uint32_t rank, const Step& step) {
    if (step.peer != rank || step.word + step.span > kWordsPerSet)
      return add(Fault::malformed, rank, step, "a rank publishes words of its own");
    if (step.destinations != step.sources || step.sources > 1)
      return add(Fault::malformed, rank, step, "published is one chunk or none");
    if (step.sources == 1) {
      check_operands(rank, step);
      const Ref& from = schedules_[rank].sources(step)[0];
      const Ref& to = schedules_[rank].destinations(step)[0];
      if (from.peer != kMe || to.peer != kMe || to.space != Space::line || to.chunk != step.word ||
          to.count != step.span)
        add(Fault::malformed, rank, step, "a rank publishes its own data in the word's own line");
    }
    for (std::uint16_t i = 0; i < step.span; ++i) {
      Step one = step;
      one.word += i;
      check_signal(rank, one);
      words_[rank * kWordsPerSet + one.word].published = true;
    }
  }

  void check_operands(std::uint32_t rank, const Step& step) {
    const Schedule& schedule = schedules_[rank];
    const std::uint32_t count = chunks_in(schedule.destinations(step)[0]);
    for (const Ref& ref : schedule.destinations(step)) {
      check_ref(rank, step, ref, count);
      const bool computes = step.kind == StepKind::copy || step.kind == StepKind::reduce;
      if (ref.space == Space::input || ref.space == Space::arrival ||
          (ref.space == Space::line && computes))
        add(Fault::malformed, rank, step, fmt::format("{} is no destination", describe(ref)));
    }
    for (const Ref& ref : schedule.sources(step)) {
      check_ref(rank, step, ref, count);
      if (ref.peer != kMe && ref.space == Space::arrival)
        add(Fault::malformed, rank, step, "an ARRIVE is no operand");
    }
  }

  void check_ref(std::uint32_t rank, const Step& step, const Ref& ref, std::uint32_t count) {
    if (ref.count == 0 || chunks_in(ref) != count)
      add(Fault::malformed, rank, step, "operands of different counts");
    if (ref.count != 1 && ref.space != Space::scratch && ref.space != Space::line)
      add(Fault::malformed, rank, step, "a range outside scratch");
    if (ref.peer != kMe && (ref.peer >= schedules_.size() || ref.peer == rank))
      add(Fault::malformed, rank, step, "memory of this rank or nobody named as a peer's");
    if (ref.peer != kMe) check_mate(rank, step, ref.peer);
    const std::uint32_t chunks = chunks_of(schedules_[rank], ref.space);
    if (std::uint64_t{ref.chunk} + ref.count > chunks)
      add(Fault::malformed, rank, step,
          fmt::format("{} lies outside its {} chunks", describe(ref), chunks));
  }

  void check_mate(std::uint32_t rank, const Step& step, std::uint32_t peer) {
    if (nodes_ != nullptr && peer < nodes_->ranks() && !nodes_->mates(rank, peer))
      add(Fault::malformed, rank, step, fmt::format("rank {} is on another node", peer));
  }

  void check_signal(std::uint32_t rank, const Step& step) {
    WordUse& use = words_[step.peer * kWordsPerSet + step.word];
    if (use.writer == kNobody) {
      use.writer = rank;
      use.lane = step.lane;
    }
    if (use.writer != rank)
      return add(Fault::word, rank, step,
                 fmt::format("the word has a second writer, rank {} writes it too", use.writer));
    if (use.lane != step.lane) add(Fault::word, rank, step, "the word is fed by two lanes");
    if (step.part == 0 || step.part > kMaxPart || step.part != use.sent + 1)
      add(Fault::word, rank, step,
          fmt::format("its parts are not gapless, {} came before", use.sent));
    use.sent = step.part;
  }

  void check_wait(std::uint32_t rank, const Step& step) {
    if (step.published) check_mate(rank, step, step.peer);
    if (step.arrive != kNoWord && step.arrive != step.word)
      add(Fault::arrive, rank, step, "the ARRIVE is looked for in another word");
    for (std::uint16_t i = 0; i < step.span; ++i) {
      const std::uint32_t owner = step.published ? step.peer : rank;
      WordUse& use = words_[owner * kWordsPerSet + step.word + i];
      use.seen.resize(schedules_.size(), 0);
      std::uint16_t& before = step.published ? use.seen[rank] : use.awaited;
      if (step.part != before + 1)
        add(Fault::unawaited, rank, step,
            fmt::format("parts are awaited once each and in order, {} was before", before));
      before = step.part;
      if (step.published) use.awaited = std::max(use.awaited, step.part);
    }
  }

  void check_words(std::uint32_t rank) {
    for (std::uint32_t word = 0; word < kWordsPerSet; ++word) {
      const WordUse& use = words_[rank * kWordsPerSet + word];
      if (use.awaited > use.sent)
        findings_.add(Fault::deadlock, fmt::format("rank {} waits for word {} part {}, of which {} "
                                                   "parts are ever written",
                                                   rank, word, use.awaited, use.sent));
      if (use.sent > use.awaited)
        findings_.add(Fault::unawaited,
                      fmt::format("rank {} awaits word {} to part {}, but rank {} writes part {}",
                                  rank, word, use.awaited, use.writer, use.sent));
    }
    for (const Step& step : schedules_[rank].steps) {
      if (step.kind != StepKind::wait || step.word >= kWordsPerSet) continue;
      const std::uint32_t owner = step.published ? step.peer : rank;
      const WordUse& use = words_[owner * kWordsPerSet + step.word];
      if (use.writer != kNobody && use.writer != step.peer)
        add(Fault::word, rank, step, fmt::format("the word's writer is rank {}", use.writer));
      if (use.writer != kNobody && use.published != step.published)
        add(Fault::word, rank, step,
            "a published word is awaited where it is, and only such a word");
    }
  }

  std::span<const Schedule> schedules_;
  const Nodes* nodes_;
  std::vector<WordUse> words_;  // [rank][word]
  Findings findings_;
};

}  // namespace

Findings check_structure(std::span<const Schedule> schedules, const Nodes* nodes) {
  return Structure(schedules, nodes).run();
}

}  // namespace rlx::collectives::verifier
