#include "collectives/builder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>

#include "collectives/spaces.hpp"
#include "rlx/error.hpp"
#include "rlx/signal_region.hpp"

namespace rlx::collectives {

Builder::Builder(Collective collective, const Group& group, std::uint32_t chunks,
                 std::uint32_t scratch_chunks)
    : group_(group) {
  schedule_.collective = collective;
  schedule_.ranks = group.size;
  schedule_.rank = group.me;
  schedule_.chunks = chunks;
  schedule_.scratch_chunks = scratch_chunks;
  if (group.size == 0 || group.me >= group.size) refuse("it is not a member of the group");
  if (collective != Collective::all_reduce && chunks != group.size)
    refuse(fmt::format("{} chunks, but this collective has one per rank", chunks));
}

std::uint32_t Builder::plus(std::uint32_t distance) const {
  return (group_.me + distance) % group_.size;
}

std::uint32_t Builder::minus(std::uint32_t distance) const {
  return (group_.me + group_.size - distance % group_.size) % group_.size;
}

void Builder::put(std::uint32_t peer, Ref to, Ref from, Word word) {
  check_peer(peer);
  if (to.count != from.count)
    refuse(fmt::format("a put of {} chunks into {} chunks", from.count, to.count));
  const bool users = to.space == Space::input || to.space == Space::output;
  const Word arrive = users ? arrival_word(peer) : kNoWord;
  Step& step = append(StepKind::put);
  step.peer = peer;
  step.word = word;
  step.arrive = arrive;
  step.part = next_sent_part(peer, word);
  operands(step, {&to, 1}, {&from, 1});
}

void Builder::signal(std::uint32_t peer, Word word) {
  check_peer(peer);
  Step& step = append(StepKind::signal);
  step.peer = peer;
  step.word = word;
  step.part = next_sent_part(peer, word);
}

void Builder::arrive(std::uint32_t peer, Word word) {
  put(peer, line(word), {Space::arrival, 0}, word);
}

void Builder::wait(Word word, std::uint32_t peer) {
  check_peer(peer);
  Step& step = append(StepKind::wait);
  step.peer = peer;
  step.word = word;
  step.part = next_awaited_part(word);
}

void Builder::wait_arrival(Word word, std::uint32_t peer) {
  wait(word, peer);
  schedule_.steps.back().arrive = word;
  arrivals_.push_back({peer, word});
}

void Builder::publish(Word word) {
  Step& step = append(StepKind::publish);
  step.peer = group_.me;
  step.word = word;
  step.part = next_sent_part(group_.me, word);
}

void Builder::publish(Word word, Ref from, Word span) {
  publish(word);
  Step& step = schedule_.steps.back();
  step.span = span;
  for (Word i = 1; i < span; ++i)
    if (next_sent_part(group_.me, static_cast<Word>(word + i)) != step.part)
      refuse(fmt::format("words {} to {} are not at the same part", word, word + span - 1));
  const Ref to{Space::line, word, span};
  operands(step, {&to, 1}, {&from, 1});
}

void Builder::publish_arrival(Word word) { publish(word, {Space::arrival, 0}); }

void Builder::await_published(Word word, std::uint32_t peer, Word span) {
  append_published_wait(word, peer, kNoWord, span);
}

void Builder::await_published_arrival(Word word, std::uint32_t peer) {
  append_published_wait(word, peer, word, 1);
  arrivals_.push_back({peer, word});
}

void Builder::append_published_wait(Word word, std::uint32_t peer, Word arrive, Word span) {
  check_mate(peer);
  Step& step = append(StepKind::wait);
  step.published = true;
  step.peer = peer;
  step.word = word;
  step.span = span;
  step.arrive = arrive;
  for (Word i = 0; i < span; ++i) step.part = next_seen_part(static_cast<Word>(word + i), peer);
}

std::uint16_t Builder::next_seen_part(Word word, std::uint32_t peer) {
  check_word(word);
  schedule_.words = std::max<std::uint16_t>(schedule_.words, word + 1);
  auto seen = std::find_if(seen_.rbegin(), seen_.rend(),
                           [&](const Sent& s) { return s.peer == peer && s.word == word; });
  if (seen == seen_.rend()) {
    seen_.push_back({peer, word, 0, lane_});
    seen = seen_.rbegin();
  }
  if (seen->part == kMaxPart)
    refuse(fmt::format("word {} of rank {} has no part after {}", word, peer, kMaxPart));
  return ++seen->part;
}

void Builder::copy(Ref to, Ref from, Finalise finalise) {
  copy(std::span<const Ref>(&to, 1), from, finalise);
}

void Builder::copy(std::span<const Ref> to, Ref from, Finalise finalise) {
  Step& step = append(StepKind::copy);
  step.finalise = finalise == Finalise::yes;
  if (from.peer != kMe) step.peer = from.peer;
  operands(step, to, {&from, 1});
}

void Builder::reduce(std::initializer_list<Ref> destinations, std::initializer_list<Ref> sources,
                     Finalise finalise) {
  reduce(std::span<const Ref>(destinations.begin(), destinations.size()),
         std::span<const Ref>(sources.begin(), sources.size()), finalise);
}

void Builder::reduce(std::span<const Ref> destinations, std::span<const Ref> sources,
                     Finalise finalise) {
  Step& step = append(StepKind::reduce);
  step.finalise = finalise == Finalise::yes;
  operands(step, destinations, sources);
}

void Builder::lane(std::uint16_t lane) {
  lane_ = lane;
  schedule_.lanes = std::max<std::uint16_t>(schedule_.lanes, lane + 1);
}

Schedule Builder::finish() { return std::move(schedule_); }

Step& Builder::append(StepKind kind) {
  Step& step = schedule_.steps.emplace_back();
  step.kind = kind;
  step.lane = lane_;
  return step;
}

void Builder::operands(Step& step, std::span<const Ref> destinations,
                       std::span<const Ref> sources) {
  if (destinations.empty()) refuse("a step without a destination");
  if (sources.empty() || sources.size() > kMaxOperands || destinations.size() > kMaxOperands)
    refuse(fmt::format("{} sources and {} destinations, where 1 to {} are possible", sources.size(),
                       destinations.size(), kMaxOperands));
  const std::uint32_t count = chunks_in(destinations.front());
  for (const auto& refs : {destinations, sources}) {
    for (const Ref& ref : refs) {
      check_ref(ref);
      if (chunks_in(ref) != count) refuse("operands of one step with different counts");
    }
  }
  step.destinations = static_cast<std::uint16_t>(destinations.size());
  step.sources = static_cast<std::uint16_t>(sources.size());
  step.operands = static_cast<std::uint32_t>(schedule_.operands.size());
  schedule_.operands.insert(schedule_.operands.end(), destinations.begin(), destinations.end());
  schedule_.operands.insert(schedule_.operands.end(), sources.begin(), sources.end());
}

void Builder::check_ref(const Ref& ref) const {
  if (ref.count == 0) refuse("a reference to no chunk");
  if (ref.space != Space::scratch && ref.space != Space::line && ref.count != 1)
    refuse(fmt::format("a range of {} chunks outside scratch, where chunks need not be neighbours",
                       ref.count));
  if (std::uint64_t{ref.chunk} + ref.count > chunks_of(schedule_, ref.space))
    refuse(fmt::format("chunks {} to {} of a space that has {}", ref.chunk,
                       ref.chunk + ref.count - 1, chunks_of(schedule_, ref.space)));
  if (ref.peer == kMe) return;
  check_mate(ref.peer);
  if (ref.space == Space::input || ref.space == Space::output)
    static_cast<void>(arrival_word(ref.peer));
}

void Builder::check_peer(std::uint32_t peer) const {
  if (peer >= group_.size) refuse(fmt::format("there is no rank {}", peer));
  if (peer == group_.me) refuse("a message to itself");
}

void Builder::check_mate(std::uint32_t peer) const {
  check_peer(peer);
  if (group_.nodes != nullptr && !group_.nodes->mates(group_.me, peer))
    refuse(fmt::format("rank {} is on another node: its memory is not mapped", peer));
}

void Builder::check_word(Word word) const {
  if (word >= kWordsPerSet)
    refuse(fmt::format("word {}, but a set has {} words", word, kWordsPerSet));
}

std::uint16_t Builder::next_sent_part(std::uint32_t peer, Word word) {
  check_word(word);
  schedule_.words = std::max<std::uint16_t>(schedule_.words, word + 1);
  const auto sent = std::find_if(sent_.rbegin(), sent_.rend(),
                                 [&](const Sent& s) { return s.peer == peer && s.word == word; });
  if (sent == sent_.rend()) {
    sent_.push_back({peer, word, 1, lane_});
    return 1;
  }
  if (sent->lane != lane_)
    refuse(
        fmt::format("word {} of rank {} is fed by lanes {} and {}", word, peer, sent->lane, lane_));
  if (sent->part == kMaxPart)
    refuse(fmt::format("word {} of rank {} has no part after {}", word, peer, kMaxPart));
  return ++sent->part;
}

std::uint16_t Builder::next_awaited_part(Word word) {
  check_word(word);
  schedule_.words = std::max<std::uint16_t>(schedule_.words, word + 1);
  if (awaited_[word] == kMaxPart)
    refuse(fmt::format("its word {} has no part after {}", word, kMaxPart));
  return ++awaited_[word];
}

Word Builder::arrival_word(std::uint32_t peer) const {
  const auto found = std::find_if(arrivals_.begin(), arrivals_.end(),
                                  [&](const Arrival& a) { return a.peer == peer; });
  if (found == arrivals_.end())
    refuse(fmt::format("memory of rank {} is named before its ARRIVE was awaited", peer));
  return found->word;
}

void Builder::refuse(const std::string& why) const {
  throw CollectiveError(ErrorKind::Internal, std::string(to_string(schedule_.collective)),
                        fmt::format("the schedule of rank {} of {} is malformed at step {}: {}",
                                    group_.me, group_.size, schedule_.steps.size(), why));
}

}  // namespace rlx::collectives
