// Double binary tree all_reduce.
//
//   Two binary trees over all ranks, the second mirrored (p even) or shifted by one (p odd), so
//   that a leaf of one is an inner rank of the other. Each tree reduces one half of the vector to
//   its root and broadcasts it back down.
//
// Rounds and bytes: 2 ceil(log2 p) rounds; no rank sends more than 4 halves, so all ranks' links
// are used evenly once several pieces are in flight. Best for middling vectors on many ranks
// (Sanders, Speck and Traff, "Two-tree algorithms for full bandwidth broadcast, reduction and
// scan", 2009). Sums are taken in rank order among a rank and its children.
//
// No barrier: only scratch is put into, so no ARRIVE and no EXIT (rule 3).
// Scratch is used twice: a rank's chunk 0 of a tree holds its first child's sum, then its own
// partial sum, and then the finished half that its parent puts there. The parent awaited the
// partial sum (delivered) before it could pass the finished half down, and the child's put was
// awaited before the partial sum was written, so each use is over before the next (the chain of
// rule 5). The halves hold every rank's contribution, so the schedule is all-dependent and the
// set's next epoch finds the scratch free.

#include <algorithm>
#include <bit>
#include <vector>

#include "collectives/algorithms.hpp"
#include "collectives/builder.hpp"

namespace rlx::collectives::all_reduce::double_binary_tree {

namespace {

constexpr std::uint32_t kTrees = 2;
constexpr std::uint32_t kScratchPerTree = 2;
constexpr Word kFromParent = 2;  // words 0 and 1 of a tree are the children's
constexpr Word kWordsPerTree = 3;
constexpr std::uint32_t kNone = 0xffffffff;

// A rank's place in one tree. Children in rank order.
struct Place {
  std::uint32_t parent = kNone;
  std::vector<std::uint32_t> children;
};

// The in-order tree over nodes 0 .. p - 1: a node with z trailing zeros has its children 2^(z-1)
// below and above; the one above comes down until it exists. Node 0 is the root above node 2^k, the
// largest power of two below p.
Place in_order_place(std::uint32_t node, std::uint32_t p) {
  Place place;
  if (node == 0) {
    if (p > 1) place.children = {std::bit_floor(p - 1)};
    return place;
  }
  const std::uint32_t lowest = node & (~node + 1);
  const std::uint32_t above = (node ^ lowest) | (lowest << 1);
  place.parent = above < p ? above : node ^ lowest;
  std::uint32_t step = lowest / 2;
  if (step > 0) place.children.push_back(node - step);
  while (step > 0 && node + step >= p) step /= 2;
  if (step > 0) place.children.push_back(node + step);
  return place;
}

// Which node of the tree a rank is, and the way back.
std::uint32_t turn(std::uint32_t tree, std::uint32_t p, std::uint32_t rank) {
  if (tree == 0) return rank;
  return p % 2 == 0 ? p - 1 - rank : (rank + p - 1) % p;
}
std::uint32_t turn_back(std::uint32_t tree, std::uint32_t p, std::uint32_t node) {
  if (tree == 0) return node;
  return p % 2 == 0 ? p - 1 - node : (node + 1) % p;
}

Place place_of(std::uint32_t tree, std::uint32_t p, std::uint32_t rank) {
  Place place = in_order_place(turn(tree, p, rank), p);
  if (place.parent != kNone) place.parent = turn_back(tree, p, place.parent);
  for (std::uint32_t& child : place.children) child = turn_back(tree, p, child);
  std::sort(place.children.begin(), place.children.end());
  return place;
}

// One rank's part in one tree, which runs in a lane of its own.
class Tree {
 public:
  Tree(Builder& b, std::uint32_t tree)
      : b_(b), tree_(tree), place_(place_of(tree, b.size(), b.me())) {}

  void up() {
    for (std::uint32_t i = 0; i < place_.children.size(); ++i) b_.wait(word(i), place_.children[i]);
    if (is_root()) return b_.reduce(b_.output(tree_), operands(), Finalise::yes);
    const Ref sum = place_.children.empty() ? b_.input(tree_) : slot(0);
    if (!place_.children.empty()) b_.reduce(sum, operands());
    const std::uint32_t mine = my_number();
    b_.put(place_.parent, slot(mine), sum, word(mine));
  }

  void down() {
    const Ref finished = is_root() ? b_.output(tree_) : slot(0);
    if (!is_root()) b_.wait(word(kFromParent), place_.parent);
    for (const std::uint32_t child : place_.children)
      b_.put(child, slot(0), finished, word(kFromParent));
    if (!is_root()) b_.copy(b_.output(tree_), finished);
  }

 private:
  bool is_root() const { return place_.parent == kNone; }
  Ref slot(std::uint32_t number) const { return b_.scratch(tree_ * kScratchPerTree + number); }
  Word word(std::uint32_t number) const {
    return static_cast<Word>(tree_ * kWordsPerTree + number);
  }
  // Which of its parent's children this rank is.
  std::uint32_t my_number() const {
    const Place above = place_of(tree_, b_.size(), place_.parent);
    return above.children.front() == b_.me() ? 0 : 1;
  }
  // The children's sums and my input, in rank order.
  std::vector<Ref> operands() const {
    std::vector<Ref> sources;
    for (std::uint32_t i = 0; i < place_.children.size(); ++i) {
      if (place_.children[i] > b_.me() && sources.size() == i) sources.push_back(b_.input(tree_));
      sources.push_back(slot(i));
    }
    if (sources.size() == place_.children.size()) sources.push_back(b_.input(tree_));
    return sources;
  }

  Builder& b_;
  std::uint32_t tree_;
  Place place_;
};

}  // namespace

Schedule generate(const Group& group) {
  if (group.size == 1) {
    Builder b(Collective::all_reduce, group, 1);
    b.copy(b.output(0), b.input(0), Finalise::yes);
    return b.finish();
  }
  Builder b(Collective::all_reduce, group, kTrees, kTrees * kScratchPerTree);
  Tree trees[kTrees] = {Tree(b, 0), Tree(b, 1)};
  for (std::uint16_t tree = 0; tree < kTrees; ++tree) {
    b.lane(tree);
    trees[tree].up();
  }
  for (std::uint16_t tree = 0; tree < kTrees; ++tree) {
    b.lane(tree);
    trees[tree].down();
  }
  return b.finish();
}

// Rank 2 (from 4 ranks on) is an inner rank with two children in the first tree and a leaf in the
// second: 1 up, 2 down, 1 up.
Cost cost(std::uint32_t ranks) {
  if (ranks == 1) return {.copied_chunks = 1};
  const auto depth = static_cast<std::uint32_t>(std::bit_width(ranks - 1));
  const std::uint32_t sent = std::min(ranks, 4u);
  return {.rounds = 2 * depth,
          .sent_chunks = sent,
          .path_chunks = 2 * std::uint64_t{depth},
          .reduced_chunks = ranks == 2 ? 1u : 2u,
          .chunks = kTrees,
          .messages = sent,
          .copied_chunks = ranks == 2 ? 1u : 2u,
          .scratch_chunks = kTrees * kScratchPerTree};
}

bool supports(std::uint32_t ranks) { return ranks <= 1u << 30; }

}  // namespace rlx::collectives::all_reduce::double_binary_tree
