// Three steps: a reduce_scatter within each node, an all_reduce of each part across nodes, an
// all_gather within each node. Long vectors of ranks that share nodes.
//
//   The vector is cut into lanes, as many as the largest node has ranks. On each node one rank
//   stands for a lane: it adds up that part of its mates' inputs, runs an all_reduce with those who
//   stand for the lane elsewhere, round a ring or along a circulant graph, and its mates copy the
//   result from its output. On a smaller node a rank stands for several lanes, which go on side by
//   side.
//
// Rounds and bytes: those of the inner algorithm between nodes, on n / lanes, all ranks sending at
// once: 2 n (N - 1) / N bytes leave a node, the least possible; 3 rounds within nodes, each rank
// reads the inputs of its lanes and the results of the others (Traff and Hunold, "Decomposing MPI
// collectives for exploiting multi-lane communication", CLUSTER 2020).
//
// A lane's part of the sums lies in the output of the rank that stands for it. In place that is its
// own input, which nobody else reads: mates read those parts that they stand for. Their results go
// into an input only after those who read it have published that they are done with the lane. EXIT
// is one word of every mate: all have read my input and my results (rule 3).

#include <algorithm>
#include <numeric>
#include <set>

#include "collectives/algorithms.hpp"
#include "collectives/builder.hpp"
#include "collectives/mates.hpp"
#include "collectives/splice.hpp"
#include "rlx/signal_region.hpp"

namespace rlx::collectives::all_reduce {

namespace ring {
Schedule generate(const Group&);
Cost cost(std::uint32_t);
bool supports(std::uint32_t);
}  // namespace ring
namespace circulant {
Schedule generate(const Group&);
Cost cost(std::uint32_t);
bool supports(std::uint32_t);
}  // namespace circulant

namespace {

constexpr Word kNetwork = 3;  // and on: as many for each lane of a rank

/// The all_reduce between those who stand for a lane.
struct Inner {
  bool arrives;  ///< it sends an ARRIVE to the node before
  Schedule (*generate)(const Group&);
  Cost (*cost)(std::uint32_t);
  bool (*supports)(std::uint32_t);
};
constexpr Inner kRing{true, ring::generate, ring::cost, ring::supports};
constexpr Inner kCirculant{false, circulant::generate, circulant::cost, circulant::supports};

/// Which lanes there are, and who stands for them.
class Lanes {
 public:
  Lanes(const Nodes& nodes, const Inner& inner)
      : nodes_(nodes), chunks_(inner.cost(nodes.count()).chunks), count_(nodes.largest()) {
    // As many that every rank of a node has as many, where that does not take very many.
    std::uint32_t even = 1;
    for (std::uint32_t node = 0; node < nodes.count() && even <= kMostFold * count_; ++node)
      even = std::lcm(even, nodes.size_of(node));
    if (even <= kMostFold * count_) count_ = even;
  }

  [[nodiscard]] std::uint32_t count() const { return count_; }
  [[nodiscard]] std::uint32_t chunks_each() const { return chunks_; }
  [[nodiscard]] std::uint32_t first_chunk(std::uint32_t lane) const { return lane * chunks_; }
  /// The lanes that a rank stands for.
  [[nodiscard]] std::vector<std::uint32_t> of(std::uint32_t rank) const {
    std::vector<std::uint32_t> lanes;
    for (std::uint32_t lane = nodes_.place(rank); lane < count_; lane += size_with(rank))
      lanes.push_back(lane);
    return lanes;
  }
  /// The place of a lane among those of the rank that stands for it on a node.
  [[nodiscard]] std::uint32_t position(std::uint32_t node, std::uint32_t lane) const {
    return lane / nodes_.size_of(node);
  }
  /// How many ranks of the node before it a rank has to do with.
  [[nodiscard]] std::uint32_t partners_before(std::uint32_t rank) const {
    const std::uint32_t before = (nodes_.node_of(rank) + nodes_.count() - 1) % nodes_.count();
    std::set<std::uint32_t> partners;
    for (const std::uint32_t lane : of(rank)) partners.insert(nodes_.counterpart(before, lane));
    return static_cast<std::uint32_t>(partners.size());
  }
  /// The most lanes that any one rank stands for.
  [[nodiscard]] std::uint32_t most() const {
    return (count_ + nodes_.smallest() - 1) / nodes_.smallest();
  }

 private:
  static constexpr std::uint32_t kMostFold = 3;

  [[nodiscard]] std::uint32_t size_with(std::uint32_t rank) const {
    return nodes_.size_of(nodes_.node_of(rank));
  }

  const Nodes& nodes_;
  std::uint32_t chunks_;
  std::uint32_t count_;
};

/// The same on every node.
std::uint32_t words_of(const Inner& inner, std::uint32_t nodes) {
  return inner.generate({nodes, 0}).words;
}

// One rank's schedule.
class ByNodes {
 public:
  ByNodes(const Group& group, const Inner& inner)
      : nodes_(*group.nodes),
        inner_(inner),
        lanes_(nodes_, inner),
        cost_(inner.cost(nodes_.count())),
        words_(words_of(inner, nodes_.count())),
        mates_(nodes_, group.me),
        b_(Collective::all_reduce, group, lanes_.count() * lanes_.chunks_each(),
           lanes_.most() * cost_.scratch_chunks) {}

  Schedule run() {
    arrive_on_node(b_, mates_, kArrive);
    if (mates_.any()) add_up();
    run_lanes();
    if (mates_.any()) collect();
    return b_.finish();
  }

 private:
  static constexpr Word kArrive = 0;
  static constexpr Word kDone = 1;
  static constexpr Word kExit = 2;

  /// My lanes of my node's inputs, into my output.
  void add_up() {
    for (const std::uint32_t lane : lanes_.of(b_.me())) {
      for (std::uint32_t i = 0; i < lanes_.chunks_each(); ++i) {
        const std::uint32_t chunk = lanes_.first_chunk(lane) + i;
        b_.reduce(b_.output(chunk), mates_.of_all(b_.input(chunk), [&](std::uint32_t mate) {
          return b_.input_of(mate, chunk);
        }));
      }
    }
  }

  [[nodiscard]] Part part_of(std::uint32_t lane) const {
    Part part;
    part.schedule = inner_.generate({nodes_.count(), mates_.node()});
    for (std::uint32_t node = 0; node < nodes_.count(); ++node) {
      const std::uint32_t position = lanes_.position(node, lane);
      part.members.push_back({nodes_.counterpart(node, lane),
                              static_cast<Word>(kNetwork + position * words_),
                              position * cost_.scratch_chunks});
    }
    const std::uint32_t first = lanes_.first_chunk(lane);
    part.memory.output = [first](std::uint32_t i) { return Builder::output(first + i); };
    part.memory.input = part.memory.output;
    if (!mates_.any())
      part.memory.input = [first](std::uint32_t i) { return Builder::input(first + i); };
    return part;
  }

  void run_lanes() {
    std::vector<Part> parts;
    for (const std::uint32_t lane : lanes_.of(b_.me())) parts.push_back(part_of(lane));
    splice(b_, parts);
  }

  /// The results of my mates' lanes.
  void collect() {
    b_.publish(kDone);
    mates_.for_each([&](std::uint32_t mate) {
      b_.await_published(kDone, mate);
      for (const std::uint32_t lane : lanes_.of(mate)) {
        for (std::uint32_t i = 0; i < lanes_.chunks_each(); ++i) {
          const std::uint32_t chunk = lanes_.first_chunk(lane) + i;
          b_.copy(b_.output(chunk), b_.output_of(mate, chunk));
        }
      }
    });
    meet_on_node(b_, mates_, kExit);
  }

  const Nodes& nodes_;
  const Inner& inner_;
  Lanes lanes_;
  Cost cost_;  // of the inner algorithm
  std::uint32_t words_;
  Mates mates_;
  Builder b_;
};

Cost cost_with(const Group& group, const Inner& inner) {
  const Nodes& nodes = *group.nodes;
  const Lanes lanes(nodes, inner);
  const Cost across = inner.cost(nodes.count());
  const std::uint64_t chunks = lanes.chunks_each();
  Cost cost{.rounds = across.rounds,
            .path_chunks = across.path_chunks,
            .chunks = lanes.count() * lanes.chunks_each(),
            .scratch_chunks = lanes.most() * across.scratch_chunks,
            .node_rounds = 3,
            .senders = nodes.largest()};
  for (std::uint32_t rank = 0; rank < nodes.ranks(); ++rank) {
    const auto mine = static_cast<std::uint32_t>(lanes.of(rank).size());
    const std::uint32_t mates = nodes.size_of(nodes.node_of(rank)) - 1;
    const std::uint64_t others = lanes.count() - mine;
    raise(cost.sent_chunks, mine * across.sent_chunks);
    const std::uint32_t repeated = inner.arrives ? mine - lanes.partners_before(rank) : 0;
    raise(cost.messages, mine * across.messages - repeated);
    raise(cost.reduced_chunks, mine * (across.reduced_chunks + chunks * mates));
    raise(cost.copied_chunks, mine * across.copied_chunks + others * chunks);
    raise(cost.loaded_chunks, chunks * (std::uint64_t{mine} * mates + others));
    raise(cost.node_messages, mates > 0 ? 3 : 0);
  }
  return cost;
}

bool supports_with(const Group& group, const Inner& inner) {
  if (group.nodes == nullptr || !group.nodes->mixed()) return false;
  const Nodes& nodes = *group.nodes;
  if (nodes.largest() > kMaxOperands || !inner.supports(nodes.count())) return false;
  const Lanes lanes(nodes, inner);
  return kNetwork + lanes.most() * words_of(inner, nodes.count()) <= kWordsPerSet;
}

}  // namespace

namespace nodes_ring {
Schedule generate(const Group& group) { return ByNodes(group, kRing).run(); }
Cost cost(const Group& group) { return cost_with(group, kRing); }
bool supports(const Group& group) { return supports_with(group, kRing); }
}  // namespace nodes_ring

namespace nodes_circulant {
Schedule generate(const Group& group) { return ByNodes(group, kCirculant).run(); }
Cost cost(const Group& group) { return cost_with(group, kCirculant); }
bool supports(const Group& group) { return supports_with(group, kCirculant); }
}  // namespace nodes_circulant

}  // namespace rlx::collectives::all_reduce
