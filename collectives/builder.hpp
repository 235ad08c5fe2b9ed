#pragma once
// What an algorithm writes its schedule with: the only thing, besides Group, that algorithm files
// see. Each call appends one step for this rank; the builder numbers the parts of every word, keeps
// the operands and refuses what a schedule may not hold, so that an algorithm reads like prose:
//
//   b.put(b.right(), b.scratch(0), b.input(b.minus(1)), kData);
//   b.wait(kData, b.left());
//   b.reduce({b.output(c)}, {b.scratch(0), b.input(c)}, Finalise::yes);
//
// A schedule means the same whether input and output are different memory or the same (in place);
// algorithms are correct under both, and the verifier checks both.

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

#include "collectives/group.hpp"
#include "collectives/schedule.hpp"

namespace rlx::collectives {

/// Whether a copy or reduce writes final values (Mean divides there, once).
enum class Finalise : std::uint8_t { no, yes };

/// A word of a schedule, 0 to kWordsPerSet - 1.
using Word = std::uint16_t;

/// One rank's schedule in the making. Every member that appends a step throws
/// CollectiveError(Internal), naming collective, rank and values, for a schedule that would be
/// malformed: more than 64 words or 4095 parts, a chunk outside its space, a range of input or
/// output chunks, no or too many operands, a peer that is this rank or does not exist, one of
/// another node whose memory or words are named as if they were mapped, or a peer's input or
/// output whose ARRIVE was not awaited. A builder that threw is of no further
/// use.
class Builder {
 public:
  /// `chunks` is what the vector of an all_reduce is cut into; the group's size for the others.
  /// `scratch_chunks` is the scratch that the algorithm uses, the same on every rank.
  Builder(Collective collective, const Group& group, std::uint32_t chunks,
          std::uint32_t scratch_chunks = 0);

  // -- who -------------------------------------------------------------------------------------
  [[nodiscard]] std::uint32_t size() const { return group_.size; }
  [[nodiscard]] std::uint32_t me() const { return group_.me; }
  /// How the group is spread over nodes; null where that is not known.
  [[nodiscard]] const Nodes* nodes() const { return group_.nodes; }
  /// The rank `distance` places after me, cyclically; also the block that it owns.
  [[nodiscard]] std::uint32_t plus(std::uint32_t distance) const;
  [[nodiscard]] std::uint32_t minus(std::uint32_t distance) const;
  [[nodiscard]] std::uint32_t right() const { return plus(1); }
  [[nodiscard]] std::uint32_t left() const { return minus(1); }

  // -- memory: mine as a source, the peer's as the destination of a put ------------------------
  [[nodiscard]] static Ref input(std::uint32_t chunk) { return {Space::input, chunk}; }
  [[nodiscard]] static Ref output(std::uint32_t chunk) { return {Space::output, chunk}; }
  [[nodiscard]] static Ref scratch(std::uint32_t chunk, std::uint32_t count = 1) {
    return {Space::scratch, chunk, count};
  }
  /// The payload of my line `word`.
  [[nodiscard]] static Ref line(Word word) { return {Space::line, word}; }
  // -- a peer's memory, where it is mapped: for copy and reduce ----------------------------------
  /// Sources once its ARRIVE was awaited; output_of may be a destination, too.
  [[nodiscard]] static Ref input_of(std::uint32_t peer, std::uint32_t chunk) {
    return {Space::input, chunk, 1, peer};
  }
  [[nodiscard]] static Ref output_of(std::uint32_t peer, std::uint32_t chunk) {
    return {Space::output, chunk, 1, peer};
  }
  /// Source or destination.
  [[nodiscard]] static Ref scratch_of(std::uint32_t peer, std::uint32_t chunk,
                                      std::uint32_t count = 1) {
    return {Space::scratch, chunk, count, peer};
  }
  /// The payload of a peer's line, or of several neighbouring ones: a source.
  [[nodiscard]] static Ref line_of(std::uint32_t peer, Word word, Word span = 1) {
    return {Space::line, word, span, peer};
  }

  // -- steps -----------------------------------------------------------------------------------
  /// My `from` into the peer's `to`, then the next part of the peer's `word`.
  void put(std::uint32_t peer, Ref to, Ref from, Word word);
  /// The next part of the peer's `word`, with nothing.
  void signal(std::uint32_t peer, Word word);
  /// My ARRIVE into the peer's line `word`: it may now touch my input and output.
  void arrive(std::uint32_t peer, Word word);
  /// Until `peer` has written the next part of my `word`.
  void wait(Word word, std::uint32_t peer);
  /// A wait for the peer's ARRIVE; from here on its input and output may be named.
  void wait_arrival(Word word, std::uint32_t peer);
  /// The next part of my own `word`, for every peer to await where it is: mapped memory only.
  void publish(Word word);
  /// The same, with one chunk of at most 56 bytes in its line; or spread over the lines of `span`
  /// words, each of which then gets its next part.
  void publish(Word word, Ref from, Word span = 1);
  /// The same, with my ARRIVE: whoever has awaited it may touch my input and output.
  void publish_arrival(Word word);
  /// Until `peer` has published the next part of its `word`.
  void await_published(Word word, std::uint32_t peer, Word span = 1);
  void await_published_arrival(Word word, std::uint32_t peer);
  void copy(Ref to, Ref from, Finalise finalise = Finalise::no);
  void copy(std::span<const Ref> to, Ref from, Finalise finalise = Finalise::no);
  /// Every destination receives sources[0] op sources[1] op ..., in that order. A destination may
  /// be one of the sources.
  void reduce(std::initializer_list<Ref> destinations, std::initializer_list<Ref> sources,
              Finalise finalise = Finalise::no);
  void reduce(std::span<const Ref> destinations, std::span<const Ref> sources,
              Finalise finalise = Finalise::no);
  void reduce(const Ref& destination, std::span<const Ref> sources,
              Finalise finalise = Finalise::no) {
    reduce(std::span<const Ref>(&destination, 1), sources, finalise);
  }

  /// The following steps belong to this lane: in order among themselves, independent of the others.
  void lane(std::uint16_t lane);
  /// Declares that a rank may complete although some other has not arrived (rule 5).
  void not_all_dependent() { schedule_.all_dependent = false; }

  [[nodiscard]] Schedule finish();

 private:
  [[noreturn]] void refuse(const std::string& why) const;
  void check_peer(std::uint32_t peer) const;
  void check_mate(std::uint32_t peer) const;
  void check_word(Word word) const;
  void check_ref(const Ref& ref) const;
  std::uint16_t next_sent_part(std::uint32_t peer, Word word);
  std::uint16_t next_awaited_part(Word word);
  void append_published_wait(Word word, std::uint32_t peer, Word arrive, Word span);
  std::uint16_t next_seen_part(Word word, std::uint32_t peer);
  Step& append(StepKind kind);
  void operands(Step& step, std::span<const Ref> destinations, std::span<const Ref> sources);
  Word arrival_word(std::uint32_t peer) const;

  struct Sent {  // how far a word of a peer has been written
    std::uint32_t peer;
    Word word;
    std::uint16_t part;
    std::uint16_t lane;
  };
  struct Arrival {
    std::uint32_t peer;
    Word word;
  };

  Group group_;
  Schedule schedule_;
  std::uint16_t lane_ = 0;
  std::vector<Sent> sent_;  // one entry per (peer, word): searched from the back, few and recent
  std::vector<Arrival> arrivals_;
  std::vector<Sent> seen_;  // how far words that peers publish have been awaited
  std::array<std::uint16_t, 64> awaited_{};
};

}  // namespace rlx::collectives
