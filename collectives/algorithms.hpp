#pragma once
// The table of algorithms. Adding one is a file and one line in algorithms.cpp.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "collectives/collective.hpp"
#include "collectives/group.hpp"
#include "collectives/schedule.hpp"

namespace rlx::collectives {

/// What an algorithm declares about itself for a group; the verifier counts the same from the
/// schedules and compares. In units of chunks of that schedule, so independent of length. Rounds,
/// messages, sent and path are those between nodes where the algorithm knows of nodes.
struct Cost {
  std::uint32_t rounds = 0;       ///< longest chain of messages, each depending on the one before
  std::uint64_t sent_chunks = 0;  ///< most chunks that any one rank puts
  std::uint64_t path_chunks = 0;  ///< most chunks put along one chain of messages
  std::uint64_t reduced_chunks = 0;  ///< most chunks that any one rank reads in reduce steps beyond
                                     ///< the first source of each (operations, not traffic)
  std::uint32_t chunks = 1;          ///< chunks that the whole message is cut into
  std::uint32_t messages = 0;        ///< most puts and signals that any one rank issues
  std::uint64_t copied_chunks = 0;   ///< most chunks that any one rank copies
  std::uint32_t scratch_chunks = 0;  ///< Schedule::scratch_chunks, the same on every rank
  std::uint64_t loaded_chunks = 0;   ///< most chunks of peers' memory that any one rank reads
  std::uint64_t stored_chunks = 0;   ///< most chunks that any one rank stores to peers' memory
  std::uint32_t node_rounds = 0;     ///< longest chain of signals within nodes
  std::uint32_t node_messages = 0;   ///< most of them that any one rank issues
  std::uint32_t senders = 1;         ///< most ranks of one node that send to others
  std::size_t most_bytes = 0;        ///< of a chunk, which travels in the lines of signals; 0: any
};

/// What an algorithm asks of the transport.
enum class Reach : std::uint8_t {
  messages,    ///< puts and signals
  load_store,  ///< every member's memory is mapped here
  nodes        ///< Group::nodes are known: that of mates is mapped, the others take messages
};

/// Which of a call's memory peers touch: it has to be symmetric, or staged in memory that is.
enum class Exposure : std::uint8_t { nothing = 0, input = 1, output = 2, both = 3 };
[[nodiscard]] constexpr bool has(Exposure all, Exposure one) {
  return (static_cast<unsigned>(all) & static_cast<unsigned>(one)) != 0;
}

/// What an algorithm needs besides the right number of ranks. The default is anything that is
/// there.
struct Needs {
  Reach reach = Reach::messages;
  Exposure exposes = Exposure::nothing;
  bool apart = false;   ///< input and output are different memory
  bool copies = false;  ///< what it does with peers' inputs is to copy them, to one place
  /// Made for networks: by name or measurement anywhere, but the cost model, whose figures of puts
  /// through mapped memory are those of other schedules, leaves it out there.
  bool network = false;
};

struct Algorithm {
  Collective collective;
  std::string_view name;       ///< "ring"
  std::string_view summary;    ///< one line: shape, when best
  std::string_view reference;  ///< paper or specification
  Schedule (*generate)(const Group& group);
  Cost (*cost)(const Group& group);      ///< the same for all of its ranks
  bool (*supports)(const Group& group);  ///< within the 64 words and 4095 parts, say
  Needs needs{};
};

/// Every algorithm, by collective; the first of a collective is its most general.
[[nodiscard]] std::span<const Algorithm> algorithms();
/// nullptr when there is none of that name.
[[nodiscard]] const Algorithm* find_algorithm(Collective collective, std::string_view name);

}  // namespace rlx::collectives
