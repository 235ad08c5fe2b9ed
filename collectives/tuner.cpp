// The cost model: what a call takes, from what algorithms declare. choose.cpp decides by it where
// neither a name nor a measurement does.
//
// One piece, alone, takes its rounds of latency, its chunks along the wire, its messages' handling
// and its memory traffic:
//   alone = (rounds + 1) L + max(sent, path) c / B + messages O + memory
//   memory = c (copied / C + reduced / R + loaded / F + stored / T)
// (L, or O where that is less, for the fetch of what does not come in a signal's line: over a
// network the signal follows its bytes at most like a message of its own. Through mapped memory
// less where the place is known, and a little more for each round of messages after the first) with
// c the bytes of a chunk, path the chunks along the longest chain of messages, and chunks of peers
// that are loaded or stored directly. m pieces, of which W are in flight, follow each other at the
// pace of the work in each, or of the window:
//   busy = sent c / B + messages O + memory
//   total = alone + (m - 1) max(busy + P, alone / W)
// Where a rank has several links, pieces take them in turn: alone, a piece has one of them.
// Where several ranks of a node send at once they share its link and what serves it: each has the
// s-th part of B, and waits for the O of all s. Signals within a node take a core's look each.
// Copies into and out of staging count as copies. Wire and memory add up because the providers of
// today move bytes with the same core that reduces them: pieces hide latency, not work.
// L, O and B are the transport's declared latency, overhead and bandwidth; they are rank 0's, as is
// everything else here, so that all ranks choose alike (rule 8).

#include "collectives/tuner.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "collectives/chunks.hpp"
#include "collectives/cost_model.hpp"

namespace rlx::collectives {

namespace {

constexpr double kBytesPerUsOfGigabyte = 1000;
/// Pieces smaller than this are not worth their messages.
constexpr std::size_t kSmallestPieceBytes = 16 << 10;
constexpr std::size_t kLine = 64;

bool cuts_vector(const Algorithm& algorithm) {
  return algorithm.collective == Collective::all_reduce;
}

double chunk_bytes(const TunerInput& input, const Algorithm& algorithm, const Cost& cost,
                   std::size_t piece) {
  const std::size_t elements =
      cuts_vector(algorithm) ? chunk_capacity(piece, cost.chunks, input.element_bytes) : piece;
  // Short vectors do not fill the lines that their chunks are rounded up to.
  return static_cast<double>(std::min(elements, piece) * input.element_bytes);
}

/// Microseconds of one piece.
struct PieceTime {
  double alone = 0;  ///< from start to completion with nothing else in flight
  double busy = 0;   ///< of work for the rank that has most of it
};

/// The first line of each chunk that comes from a peer, and each further one with a signal.
double first_lines_us(const TunerInput& input, const Algorithm& algorithm, const Cost& cost,
                      double chunk) {
  const bool puts = input.load_store && algorithm.needs.reach == Reach::messages;
  const double more_lines = cost.most_bytes > 0 ? std::ceil(chunk / kLinePayload) - 1 : 0;
  return static_cast<double>(cost.loaded_chunks) *
             (input.memory->load_us + std::max(0.0, more_lines) * input.memory->line_us) +
         (puts ? static_cast<double>(cost.sent_chunks) * input.memory->put_us : 0);
}

/// What a copy to scratch that peers have read, and so hold, takes more than another.
double shared_scratch_us(const TunerInput& input, const Algorithm& algorithm, const Cost& cost,
                         double chunk) {
  const bool shared = algorithm.needs.reach == Reach::load_store && cost.scratch_chunks > 0;
  return shared ? chunk / input.memory->stored_per_us - chunk / input.memory->copied_per_us : 0;
}

/// Copies out of private memory go through the system, chunk by chunk.
double single_copies_us(const TunerInput& input, const Algorithm& algorithm, const Cost& cost,
                        const Choice& choice, double chunk) {
  const bool fetched = input.private_input && algorithm.needs.copies && !choice.stages_input;
  const double each = input.memory->single_copy_us + chunk / input.memory->single_copied_per_us;
  return fetched ? each * static_cast<double>(cost.loaded_chunks) : 0;
}

/// Storing one chunk to a peer's memory.
double stored_us(const TunerInput& input, double chunk, bool copied) {
  if (!copied) {
    const double rate =
        input.in_place ? input.memory->stored_per_us : input.memory->stored_apart_per_us;
    return input.memory->store_us + chunk / rate;
  }
  const double cached = std::min(chunk, input.memory->cached_bytes);
  return input.memory->copy_to_peer_us + cached / input.memory->copied_to_peers_per_us +
         (chunk - cached) / input.memory->copied_per_us;
}

/// What does not travel in the line of its signal is fetched when the signal has been seen. Where
/// it lies in mapped scratch, whose place is known, the fetch is under way before.
double fetch_us(const TunerInput& input, const Algorithm& algorithm, const Cost& cost) {
  if (cost.most_bytes > 0) return 0;
  if (!input.load_store) return std::min(input.link.latency_us, input.link.message_us);
  return algorithm.needs.exposes == Exposure::nothing ? input.memory->known_fetch_us
                                                      : input.memory->fetch_us;
}

/// A chain of messages through mapped memory: who has got one looks at it before it sends the next.
double relayed_us(const TunerInput& input, const Algorithm& algorithm, const Cost& cost) {
  const bool puts = input.load_store && algorithm.needs.reach == Reach::messages;
  return puts && cost.rounds > 1 ? input.memory->relay_us * (cost.rounds - 1) : 0;
}

/// Ranks of a node that send at the same time: all of them, where the algorithm knows of no nodes.
std::uint32_t senders_of(const TunerInput& input, const Algorithm& algorithm, const Cost& cost) {
  if (input.nodes == nullptr || algorithm.needs.reach == Reach::nodes) return cost.senders;
  return input.nodes->largest();
}

PieceTime piece_time(const TunerInput& input, const Algorithm& algorithm, const Cost& cost,
                     const Choice& choice) {
  const double chunk = chunk_bytes(input, algorithm, cost, choice.piece_count);
  const std::uint32_t senders = senders_of(input, algorithm, cost);
  // What is put into mapped memory is stored there and then read by another core.
  const double bandwidth =
      input.load_store ? 1 / (1 / input.memory->stored_per_us + 1 / input.memory->loaded_per_us)
                       : input.link.gigabytes_per_second * kBytesPerUsOfGigabyte / senders;
  const double one_link = input.load_store ? bandwidth : bandwidth / input.link.links;
  const double sent = static_cast<double>(cost.sent_chunks);
  const double path = std::max(sent, static_cast<double>(cost.path_chunks));
  const double handling = cost.messages * input.link.message_us * senders;
  const double piece = static_cast<double>(choice.piece_count * input.element_bytes);
  const bool scatters = algorithm.collective == Collective::reduce_scatter;
  const bool gathers = algorithm.collective == Collective::all_gather;
  const double staged_in = choice.stages_input ? piece * (scatters ? input.ranks : 1) : 0;
  const double staged_out = choice.stages_output ? piece * (gathers ? input.ranks : 1) : 0;
  const double staged =
      staged_in / (input.load_store ? input.memory->stored_per_us : input.memory->copied_per_us) +
      staged_out / input.memory->copied_per_us;
  const auto traffic = [&](std::uint64_t chunks, double rate) {
    return static_cast<double>(chunks) * chunk / rate;
  };
  const double memory = staged + traffic(cost.copied_chunks, input.memory->copied_per_us) +
                        traffic(cost.reduced_chunks, input.memory->reduced_per_us) +
                        traffic(cost.loaded_chunks, input.memory->loaded_per_us) +
                        static_cast<double>(cost.stored_chunks) * stored_us(input, chunk, gathers) +
                        shared_scratch_us(input, algorithm, cost, chunk) +
                        first_lines_us(input, algorithm, cost, chunk) +
                        single_copies_us(input, algorithm, cost, choice, chunk);
  const double fetch = fetch_us(input, algorithm, cost);
  const double alone = fetch + cost.node_rounds * input.memory->node_round_us +
                       cost.rounds * input.link.latency_us + relayed_us(input, algorithm, cost) +
                       path * chunk / one_link + handling + memory;
  return {alone, sent * chunk / bandwidth + handling + memory};
}

bool stages_input(const Algorithm& algorithm, const TunerInput& input) {
  const bool fetched = input.single_copy && algorithm.needs.copies;
  const bool exposed = has(algorithm.needs.exposes, Exposure::input) && !fetched;
  return input.stages_input || (input.private_input && exposed) ||
         (input.in_place && algorithm.needs.apart);  // a copy of it is apart
}

bool stages_output(const Algorithm& algorithm, const TunerInput& input) {
  const bool private_output = input.private_output && !input.attaches;
  return input.stages_output || (private_output && has(algorithm.needs.exposes, Exposure::output));
}

std::uint32_t pieces_of(std::size_t count, std::size_t piece) {
  return static_cast<std::uint32_t>(std::max<std::size_t>(1, (count + piece - 1) / piece));
}

// A piece of about `count / pieces`, in whole lines for each chunk so that all but the last are
// equal.
std::size_t even_piece(const TunerInput& input, const Algorithm& algorithm, const Cost& cost,
                       std::size_t count, std::uint32_t pieces) {
  const std::uint32_t chunks = cuts_vector(algorithm) ? cost.chunks : 1;
  const std::size_t part = (count + pieces - 1) / pieces;
  return chunk_capacity(part, chunks, input.element_bytes) * chunks;
}

Choice cut(const TunerInput& input, const Algorithm& algorithm, std::size_t piece) {
  Choice cut{.algorithm = &algorithm,
             .piece_count = piece,
             .pieces = pieces_of(std::max<std::size_t>(input.count, 1), piece),
             .stages_input = stages_input(algorithm, input),
             .stages_output = stages_output(algorithm, input)};
  const PieceTime time = piece_time(input, algorithm, algorithm.cost(group_of(input)), cut);
  cut.predicted_us = time.alone + (cut.pieces - 1) * std::max(time.busy + input.memory->piece_us,
                                                              time.alone / input.window);
  return cut;
}

// The best of: as few pieces as fit the slots, and more of them until the window is filled twice
// over. A handful of candidates whatever the length.
Choice best_pieces(const TunerInput& input, const Algorithm& algorithm) {
  const Cost cost = algorithm.cost(group_of(input));
  const std::size_t count = std::max<std::size_t>(input.count, 1);
  const std::size_t largest = largest_piece(algorithm, input);
  const std::uint32_t fewest = pieces_of(count, largest);
  Choice best{.algorithm = &algorithm, .predicted_us = std::numeric_limits<double>::max()};
  for (std::uint32_t times = 1; times == 1 || std::uint64_t{fewest} * times <= 2 * input.window;
       times *= 2) {
    const std::size_t piece = std::clamp<std::size_t>(
        even_piece(input, algorithm, cost, count, fewest * times), 1, std::min(largest, count));
    if (times > 1 && piece * input.element_bytes < kSmallestPieceBytes) break;
    const Choice next = cut(input, algorithm, piece);
    if (next.predicted_us < best.predicted_us) best = next;
  }
  return best;
}

// Even pieces of about so many bytes, or the largest that fit.
Choice given_pieces(const TunerInput& input, const Algorithm& algorithm) {
  const Cost cost = algorithm.cost(group_of(input));
  const std::size_t count = std::max<std::size_t>(input.count, 1);
  const std::size_t wanted =
      std::max<std::size_t>(1, input.forced_piece_bytes / input.element_bytes);
  const std::size_t fitting = std::min(largest_piece(algorithm, input), count);
  const std::uint32_t pieces = pieces_of(count, std::min(wanted, fitting));
  const std::size_t even = even_piece(input, algorithm, cost, count, pieces);
  return cut(input, algorithm, std::clamp<std::size_t>(even, 1, fitting));
}

}  // namespace

Choice predict(const TunerInput& input, const Algorithm& algorithm) {
  return input.forced_piece_bytes > 0 ? given_pieces(input, algorithm)
                                      : best_pieces(input, algorithm);
}

std::size_t largest_piece(const Algorithm& algorithm, const TunerInput& input) {
  const Cost cost = algorithm.cost(group_of(input));
  const std::uint32_t chunks = cuts_vector(algorithm) ? cost.chunks : 1;
  const std::size_t line = std::max<std::size_t>(1, kLine / input.element_bytes);
  const std::size_t line_bytes = line * input.element_bytes;
  std::size_t largest = std::numeric_limits<std::size_t>::max() / input.element_bytes / 2;
  if (cost.scratch_chunks > 0)
    largest = input.slot_bytes / cost.scratch_chunks / line_bytes * line * chunks;
  if (cost.most_bytes > 0) largest = std::min(largest, cost.most_bytes / input.element_bytes);
  if (stages_input(algorithm, input) || stages_output(algorithm, input)) {
    // The whole message of a piece, of all blocks where there are several, in one staging slot.
    const std::size_t blocks = cuts_vector(algorithm) ? 1 : input.ranks;
    const std::size_t most = input.slot_bytes / (input.element_bytes * blocks);
    largest = std::min(largest, most >= line ? most / line * line : most);
  }
  return std::max<std::size_t>(1, largest);
}

LinkCost link_cost(const TransportCapabilities& capabilities) {
  return {capabilities.latency_us, capabilities.message_us, capabilities.gigabytes_per_second,
          static_cast<double>(capabilities.links)};
}

LinkCost in_turns(LinkCost link) {
  constexpr double kTurnUs = 0.8;
  link.latency_us += kTurnUs;
  return link;
}

}  // namespace rlx::collectives
