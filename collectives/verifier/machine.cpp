#include "collectives/verifier/machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "collectives/spaces.hpp"
#include "collectives/verifier/accesses.hpp"
#include "collectives/verifier/completion.hpp"
#include "collectives/verifier/structure.hpp"

namespace rlx::collectives::verifier {

namespace {

// What one rank has done so far.
struct Counts {
  std::uint64_t sent_chunks = 0;
  std::uint64_t reduced_chunks = 0;
  std::uint64_t copied_chunks = 0;
  std::uint64_t loaded_chunks = 0;
  std::uint64_t stored_chunks = 0;
  std::uint32_t messages = 0;
  std::uint32_t node_messages = 0;
};

bool is_users(Space space) { return space == Space::input || space == Space::output; }

class Machine {
 public:
  Machine(std::span<const Schedule> schedules, Placement placement, const Nodes* nodes)
      : schedules_(schedules),
        nodes_(nodes),
        ranks_(static_cast<std::uint32_t>(schedules.size())),
        lanes_(schedules[0].lanes),
        memory_(schedules, placement),
        sync_(ranks_, lanes_),
        touches_(sync_, memory_.count(Space::line)),
        programs_(sync_.components()),
        next_(sync_.components(), 0),
        counts_(ranks_),
        accesses_(schedules_, programs_, memory_, sync_, touches_) {
    for (std::uint32_t rank = 0; rank < ranks_; ++rank)
      for (const Step& step : schedules_[rank].steps)
        programs_[rank * lanes_ + step.lane].push_back(&step);
  }

  EpochFacts run() {
    for (Component c = 0; c < sync_.components(); ++c) ready_.push_back(c);
    while (!ready_.empty()) {
      const Component c = ready_.front();
      ready_.pop_front();
      advance(c);
    }
    report_deadlock();
    if (!accesses_.findings().has(Fault::deadlock))
      check_completion({schedules_, memory_, sync_, lanes_}, accesses_.findings());
    return facts();
  }

 private:
  const Schedule& schedule_of(Component c) const { return schedules_[sync_.rank_of(c)]; }

  Access here(Component c) const { return {c, next_[c], kNoMessage}; }

  // Runs a component until it waits for something that has not come.
  void advance(Component c) {
    for (; next_[c] < programs_[c].size(); ++next_[c]) {
      const Step& step = *programs_[c][next_[c]];
      if (step.kind == StepKind::wait) {
        if (!wait(c, step)) return;
        continue;
      }
      sync_.begin(c, next_[c]);
      if (step.kind == StepKind::copy || step.kind == StepKind::reduce) {
        compute(c, step);
      } else if (step.kind == StepKind::publish) {
        publish(c, step);
      } else {
        send(c, step);
      }
    }
  }

  bool wait(Component c, const Step& step) {
    const std::uint32_t owner = step.published ? step.peer : sync_.rank_of(c);
    for (std::uint16_t i = 0; i < step.span; ++i)
      if (sync_.arrived(owner, word_of(step, i), step.part) == kNoMessage) return false;
    sync_.begin(c, next_[c]);
    for (std::uint16_t i = 0; i < step.span; ++i) {
      const Message message = sync_.arrived(owner, word_of(step, i), step.part);
      sync_.deliver(message, c, next_[c]);
      if (step.published) {
        touches_.line_read(c, next_[c], owner, word_of(step, i));
      } else {
        touches_.delivered(message);
      }
    }
    if (step.arrive != kNoWord) accesses_.see_arrival(here(c), step);
    return true;
  }

  static std::uint16_t word_of(const Step& step, std::uint16_t i) {
    return static_cast<std::uint16_t>(step.word + i);
  }

  void publish(Component c, const Step& step) {
    const std::uint32_t rank = sync_.rank_of(c);
    for (std::uint16_t i = 0; i < step.span; ++i) {
      Sent sent{.issuer = c, .issue_step = next_[c], .target = rank, .word = word_of(step, i)};
      sent.published = true;
      sent.within_node = nodes_ != nullptr;
      touches_.published(c, next_[c], sent.word);
      if (step.sources > 0) publish_payload(c, step, i, sent);
      static_cast<void>(sync_.send(sent));
      for (Component other = 0; other < sync_.components(); ++other) wake(other, step.word);
    }
    ++(nodes_ != nullptr ? counts_[rank].node_messages : counts_[rank].messages);
  }

  // Line i of a publication: its part of the chunk, which is taken for the whole.
  void publish_payload(Component c, const Step& step, std::uint16_t i, Sent& sent) {
    const std::uint32_t rank = sync_.rank_of(c);
    const Ref& from = schedule_of(c).sources(step)[0];
    Chunk& line = memory_.at(rank, schedule_of(c).destinations(step)[0], i);
    if (from.space == Space::arrival) return accesses_.write(line, arrival(rank), here(c));
    const Value value = accesses_.read(memory_.at(rank, from), here(c));
    accesses_.write(line, value, here(c));
    if (i > 0) return;
    sent.chunks = from.count;
    if (!sent.within_node) counts_[rank].sent_chunks += from.count;
    payloads_.push_back({rank, number_of(c, step), value.chunk});
  }

  std::uint32_t number_of(Component c, const Step& step) const {
    return static_cast<std::uint32_t>(&step - schedule_of(c).steps.data());
  }

  void send(Component c, const Step& step) {
    const std::uint32_t rank = sync_.rank_of(c);
    const Schedule& schedule = schedule_of(c);
    Sent sent{.issuer = c, .issue_step = next_[c], .target = step.peer, .word = step.word};
    sent.within_node = nodes_ != nullptr && nodes_->mates(rank, step.peer);
    if (step.kind == StepKind::put) {
      sent.from_scratch = schedule.sources(step)[0].space == Space::scratch;
      sent.to_scratch = schedule.destinations(step)[0].space == Space::scratch;
      const Ref& from = schedule.sources(step)[0];
      if (from.space != Space::arrival) sent.chunks = from.count;
    }
    const Message message = sync_.send(sent);
    touches_.issued(message);
    if (step.kind == StepKind::put) move(c, step, {c, next_[c], message});
    ++(sent.within_node ? counts_[rank].node_messages : counts_[rank].messages);
    for (std::uint32_t lane = 0; lane < lanes_; ++lane) wake(step.peer * lanes_ + lane, step.word);
  }

  void wake(Component c, std::uint16_t word) {
    if (next_[c] >= programs_[c].size()) return;
    const Step& step = *programs_[c][next_[c]];
    if (step.kind == StepKind::wait && step.word == word) ready_.push_back(c);
  }

  // The bytes of a put.
  void move(Component c, const Step& step, const Access& access) {
    const std::uint32_t rank = sync_.rank_of(c);
    const Ref& from = schedule_of(c).sources(step)[0];
    const Ref& to = schedule_of(c).destinations(step)[0];
    if (is_users(to.space)) accesses_.check_arrival(access, step.peer, step.arrive);
    if (from.space == Space::arrival) {
      accesses_.write(memory_.at(step.peer, to), arrival(rank), access);
      return;
    }
    if (nodes_ == nullptr || !nodes_->mates(rank, step.peer))
      counts_[rank].sent_chunks += from.count;
    if (from.count == 1)
      payloads_.push_back({rank, number_of(c, step), memory_.at(rank, from).value.chunk});
    for (std::uint32_t i = 0; i < from.count; ++i) {
      const Value value = accesses_.read(memory_.at(rank, from, i), access);
      accesses_.write(memory_.at(step.peer, to, i), value, access);
    }
  }

  void compute(Component c, const Step& step) {
    const Schedule& schedule = schedule_of(c);
    const std::uint32_t rank = sync_.rank_of(c);
    const Access access = here(c);
    const auto sources = schedule.sources(step);
    for (const Ref& ref : sources) touch(c, ref, counts_[rank].loaded_chunks);
    for (const Ref& ref : schedule.destinations(step)) touch(c, ref, counts_[rank].stored_chunks);
    if (step.kind == StepKind::reduce)
      counts_[rank].reduced_chunks += std::uint64_t{sources.size() - 1} * chunks_in(sources[0]);
    if (step.kind == StepKind::copy) counts_[rank].copied_chunks += chunks_in(sources[0]);
    for (std::uint32_t i = 0; i < chunks_in(sources[0]); ++i) compute_chunk(c, step, i, access);
  }

  // An operand of a copy or reduce; `remote` counts those that are a peer's.
  void touch(Component c, const Ref& ref, std::uint64_t& remote) {
    const std::uint32_t owner = ref.peer == kMe ? sync_.rank_of(c) : ref.peer;
    if (ref.peer != kMe) {
      remote += chunks_in(ref);
      if (is_users(ref.space)) accesses_.check_seen(here(c), ref.peer);
    }
    if (ref.space == Space::scratch) touches_.scratch_used(c, next_[c], owner);
    if (ref.space != Space::line) return;
    for (std::uint32_t i = 0; i < ref.count; ++i) {
      touches_.line_read(c, next_[c], owner, static_cast<std::uint16_t>(ref.chunk + i));
      // The first is read as the operand that it is.
      if (i > 0) static_cast<void>(accesses_.read(memory_.at(owner, ref, i), here(c)));
    }
  }

  Chunk& operand(std::uint32_t rank, const Ref& ref, std::uint32_t i) {
    return memory_.at(ref.peer == kMe ? rank : ref.peer, ref, i);
  }

  void compute_chunk(Component c, const Step& step, std::uint32_t i, const Access& access) {
    const Schedule& schedule = schedule_of(c);
    const std::uint32_t rank = sync_.rank_of(c);
    const auto sources = schedule.sources(step);
    Chunk& first = operand(rank, sources[0], i);
    const auto destinations = schedule.destinations(step);
    // Binding drops a copy of bytes onto themselves, which is what some copies are in place.
    const bool moves = step.kind == StepKind::reduce || step.finalise ||
                       std::any_of(destinations.begin(), destinations.end(), [&](const Ref& ref) {
                         return &operand(rank, ref, i) != &first;
                       });
    if (!moves) return;
    Value value = accesses_.read(first, access);
    for (std::size_t s = 1; s < sources.size(); ++s) {
      const Value next = accesses_.read(operand(rank, sources[s], i), access);
      if (const auto why = combine(ranks_, value, next))
        accesses_.add(Fault::contribution, here(c), *why);
    }
    if (step.finalise) finalise(c, value);
    for (const Ref& ref : destinations) accesses_.write(operand(rank, ref, i), value, access);
  }

  void finalise(Component c, Value& value) {
    if (value.finalised) accesses_.add(Fault::finalise, here(c), "the value is final already");
    value.finalised = true;
  }

  void report_deadlock() {
    for (Component c = 0; c < sync_.components(); ++c) {
      if (next_[c] == programs_[c].size()) continue;
      const Step& step = *programs_[c][next_[c]];
      accesses_.add(Fault::deadlock, here(c),
                    fmt::format("step {} of {}; rank {} never gets as far as writing that part",
                                next_[c], programs_[c].size(), step.peer));
    }
  }

  // The most that any one rank does.
  Cost counted() const {
    Cost most{.chunks = schedules_[0].chunks, .scratch_chunks = schedules_[0].scratch_chunks};
    for (const Counts& counts : counts_) {
      most.sent_chunks = std::max(most.sent_chunks, counts.sent_chunks);
      most.reduced_chunks = std::max(most.reduced_chunks, counts.reduced_chunks);
      most.copied_chunks = std::max(most.copied_chunks, counts.copied_chunks);
      most.loaded_chunks = std::max(most.loaded_chunks, counts.loaded_chunks);
      most.stored_chunks = std::max(most.stored_chunks, counts.stored_chunks);
      most.messages = std::max(most.messages, counts.messages);
      most.node_messages = std::max(most.node_messages, counts.node_messages);
    }
    if (nodes_ != nullptr) most.senders = most_senders();
    for (Component c = 0; c < sync_.components(); ++c) {
      most.rounds = std::max(most.rounds, sync_.chain(c).messages);
      most.path_chunks = std::max(most.path_chunks, sync_.chain(c).chunks);
      most.node_rounds = std::max(most.node_rounds, sync_.chain(c).within_node);
    }
    return most;
  }

  std::uint32_t most_senders() const {
    std::uint32_t most = 0;
    for (std::uint32_t node = 0; node < nodes_->count(); ++node) {
      const auto ranks = nodes_->ranks_on(node);
      const auto sends = [&](std::uint32_t rank) { return counts_[rank].messages > 0; };
      most = std::max(most, static_cast<std::uint32_t>(std::ranges::count_if(ranks, sends)));
    }
    return most;
  }

  EpochFacts facts() {
    EpochFacts facts;
    facts.name = std::string(to_string(schedules_[0].collective));
    facts.ranks = ranks_;
    facts.lanes = lanes_;
    facts.lines = memory_.count(Space::line);
    facts.findings = accesses_.findings();
    facts.regions = touches_.take();
    facts.payloads = std::move(payloads_);
    facts.counted = counted();
    facts.completion = completion_clocks(sync_, ranks_, lanes_);
    facts.all_dependent =
        std::all_of(facts.completion.begin(), facts.completion.end(), [](const Clock& clock) {
          return std::none_of(clock.begin(), clock.end(), [](Event event) { return event == 0; });
        });
    return facts;
  }

  std::span<const Schedule> schedules_;
  const Nodes* nodes_;
  std::uint32_t ranks_;
  std::uint32_t lanes_;
  Memory memory_;
  Sync sync_;
  Touches touches_;
  Programs programs_;
  std::vector<std::uint32_t> next_;
  std::deque<Component> ready_;
  std::vector<Counts> counts_;  // per rank
  std::vector<Payload> payloads_;
  Accesses accesses_;
};

}  // namespace

EpochFacts run_epoch(std::span<const Schedule> schedules, Placement placement, const Nodes* nodes) {
  EpochFacts facts;
  facts.findings = check_structure(schedules, nodes);
  if (!facts.findings.empty()) return facts;
  facts = Machine(schedules, placement, nodes).run();
  if (schedules[0].all_dependent && !facts.all_dependent && !facts.findings.has(Fault::deadlock))
    facts.findings.add(Fault::dependence,
                       "declared all-dependent, but " + missing_dependence(facts));
  return facts;
}

}  // namespace rlx::collectives::verifier
