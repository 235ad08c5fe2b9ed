#pragma once
// A schedule: what one rank does in one epoch, as data. No pointers, no lengths, no loops.
//
// Memory is named by (space, chunk, count): `count` neighbouring chunks from `chunk`. What a chunk
// is depends on the collective and is decided when a call is bound to memory:
//   all_reduce      the vector is cut into `Schedule::chunks` chunks (the algorithm chooses)
//   all_gather      chunk i of the output is rank i's block; the input has one chunk
//   reduce_scatter  chunk i of the input is rank i's block; the output has one chunk
//   scratch         chunks of the same capacity, contiguous, zeroed never, one set per epoch mod D
// Chunks have any length including zero, and the same length on every rank. In scratch a chunk
// keeps its full stride, so a reference with count > 1 is contiguous there; in input and output,
// references of put, copy and reduce have count 1.
//
// Signals: word numbers are local to the schedule (0 .. words - 1); word w of a rank has one writer
// within an epoch, whose signals to it carry part 1, 2, 3, ... without gaps. A wait names the word
// and the part it waits for.
//
// Where the transport maps peers' memory, a rank may also publish: write its own word once, with or
// without a payload in the line, for every peer to wait for there. References of copy and reduce
// may then name a peer's memory: its scratch and the payload of its lines at any time (the set
// belongs to the epoch), its input and output once its ARRIVE has been awaited.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "collectives/collective.hpp"

namespace rlx::collectives {

enum class Space : std::uint8_t {
  input,
  output,
  scratch,
  line,    ///< the 56-byte payload of a signal line; `chunk` is the word. Small puts go there.
  arrival  ///< source of a put into a line: my ARRIVE (windows and offsets of my input and output)
};

/// A line reference of count n is n neighbouring lines with one chunk spread over them; as many as
/// its length needs are used, which every rank works out alike.

/// Ref::peer of memory that is my own, or that Step::peer names (the destination of a put).
inline constexpr std::uint32_t kMe = 0xffffffff;

struct Ref {
  Space space = Space::scratch;
  std::uint32_t chunk = 0;
  std::uint32_t count = 1;
  /// Copy and reduce only: whose memory, where it is mapped. A group index.
  std::uint32_t peer = kMe;

  friend bool operator==(const Ref&, const Ref&) = default;
};

enum class StepKind : std::uint8_t {
  put,      ///< operands[0] = destination on `peer`, operands[1] = my source; then the signal
  signal,   ///< a put of nothing
  publish,  ///< my own word `word`, for all to see, and in its line operands[1]; or several
            ///< words, in whose lines it is spread out
  wait,     ///< until my word `word` has reached `part` in this epoch; `peer` is its writer
  copy,     ///< destinations <- one source
  reduce    ///< destinations <- source op source ..., in that order (rank order where it matters)
};

inline constexpr std::uint16_t kNoWord = 0xffff;

/// Most sources, and most destinations, of a copy or reduce. However many there are, low-precision
/// sums are rounded once a step.
inline constexpr std::size_t kMaxOperands = 255;

/// Most bytes of the line operands of one copy or reduce together, each rounded up to whole lines,
/// where they are spread over several lines.
inline constexpr std::size_t kMaxGathered = 16384;

struct Step {
  StepKind kind = StepKind::wait;
  bool finalise = false;   ///< copy, reduce: this writes final values (Mean divides here, once)
  bool published = false;  ///< wait: the word is `peer`'s own, which it publishes
  std::uint16_t lane = 0;  ///< steps of a lane run in order; lanes are independent
  std::uint32_t peer = 0;  ///< put, signal: target; wait: the word's writer; copy: whose memory the
                           ///< source is, if not mine. Group index.
  std::uint16_t word = 0;  ///< put, signal: word at the target; wait: my word
  std::uint16_t part = 0;  ///< 1, 2, 3, ...
  std::uint16_t span = 1;  ///< publish, and the wait for it: `word` and how many words in all
  std::uint16_t arrive = kNoWord;  ///< put to a peer's input or output: my word that holds its
                                   ///< ARRIVE; wait: the word itself, when an ARRIVE comes with it
  std::uint16_t destinations = 0;  ///< the first operands ...
  std::uint16_t sources = 0;       ///< ... then these
  std::uint32_t operands = 0;      ///< index into Schedule::operands
};

struct Schedule {
  Collective collective = Collective::barrier;
  std::uint32_t ranks = 1;
  std::uint32_t rank = 0;    ///< me, as a group index
  std::uint32_t chunks = 1;  ///< all_reduce: how many chunks the vector has; otherwise ranks
  std::uint32_t scratch_chunks = 0;  ///< capacity needed in scratch, in chunks
  std::uint16_t words = 0;           ///< words used, at most kWordsPerSet
  std::uint16_t lanes = 1;
  bool all_dependent = true;  ///< declared; the verifier proves it (rule 5)
  std::vector<Step> steps;    ///< in program order; each lane is the subsequence of its steps
  std::vector<Ref> operands;

  [[nodiscard]] std::span<const Ref> destinations(const Step& step) const {
    return {operands.data() + step.operands, step.destinations};
  }
  [[nodiscard]] std::span<const Ref> sources(const Step& step) const {
    return {operands.data() + step.operands + step.destinations, step.sources};
  }
};

}  // namespace rlx::collectives
