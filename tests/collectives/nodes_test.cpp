#include "collectives/nodes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "collectives/algorithms.hpp"
#include "collectives/splice.hpp"
#include "collectives/verifier/verifier.hpp"
#include "rlx/error.hpp"

namespace rlx::collectives {
namespace {

using NodeOf = std::vector<std::uint32_t>;

std::string texts(const verifier::Findings& findings) {
  std::string text;
  for (const verifier::Finding& finding : findings.kept())
    text += std::string(to_string(finding.fault)) + ": " + finding.text + "\n";
  return text;
}

std::string text_of(const NodeOf& node_of) {
  std::string text = "nodes";
  for (const std::uint32_t node : node_of) text += " " + std::to_string(node);
  return text;
}

TEST(Nodes, are_numbered_by_their_first_ranks_and_know_places_and_sizes) {
  const Nodes nodes(NodeOf{7, 3, 7, 7, 3, 9});
  EXPECT_EQ(nodes.count(), 3u);
  EXPECT_EQ(nodes.node_of(0), 0u);
  EXPECT_EQ(nodes.node_of(4), 1u);
  EXPECT_EQ(nodes.place(3), 2u);
  EXPECT_EQ(nodes.largest(), 3u);
  EXPECT_EQ(nodes.smallest(), 1u);
  EXPECT_EQ(nodes.leader(1), 1u);
  EXPECT_EQ(nodes.counterpart(1, 2), 1u);  // places 0 and 1 are there, 2 is 0 again
  EXPECT_EQ(nodes.shape(), "1x3+1x2+1x1");
  EXPECT_TRUE(nodes.mixed());
  EXPECT_FALSE(Nodes(NodeOf{0, 1, 2}).mixed());
  EXPECT_FALSE(Nodes(NodeOf{4, 4}).mixed());
}

TEST(Nodes, know_for_how_many_ranks_of_other_nodes_each_stands) {
  const Nodes nodes(NodeOf{0, 0, 0, 1, 1, 2});
  EXPECT_EQ(nodes.stands_for(0), 2u);  // places 0 of nodes 1 and 2
  EXPECT_EQ(nodes.stands_for(1), 1u);
  EXPECT_EQ(nodes.stands_for(2), 0u);
  EXPECT_EQ(nodes.stands_for(3), 3u);  // places 0 and 2 of node 0, and 0 of node 2
  EXPECT_EQ(nodes.stands_for(5), 5u);
  EXPECT_EQ(nodes.standing(0), 2u);
  EXPECT_EQ(nodes.standing(1), 2u);
  EXPECT_EQ(nodes.standing(2), 1u);
}

// The sizes of nodes of so many ranks, largest first.
void partitions(std::uint32_t left, std::uint32_t most, NodeOf& sizes, std::vector<NodeOf>& found) {
  if (left == 0) found.push_back(sizes);
  for (std::uint32_t size = std::min(left, most); size > 0; --size) {
    sizes.push_back(size);
    partitions(left - size, size, sizes, found);
    sizes.pop_back();
  }
}

// Every way to spread so many ranks over nodes, with ranks placed by core (smallest nodes first and
// last), by node, and at random.
std::vector<NodeOf> placements(std::uint32_t ranks) {
  std::vector<NodeOf> shapes;
  NodeOf sizes;
  partitions(ranks, ranks, sizes, shapes);
  std::vector<NodeOf> all;
  std::mt19937 random(ranks);
  for (const NodeOf& shape : shapes) {
    NodeOf by_core;
    for (std::uint32_t node = 0; node < shape.size(); ++node)
      by_core.insert(by_core.end(), shape[node], node);
    all.push_back(by_core);
    all.emplace_back(by_core.rbegin(), by_core.rend());
    NodeOf by_node;
    for (std::uint32_t place = 0; place < shape[0]; ++place)
      for (std::uint32_t node = 0; node < shape.size(); ++node)
        if (place < shape[node]) by_node.push_back(node);
    all.push_back(by_node);
    std::shuffle(by_core.begin(), by_core.end(), random);
    all.push_back(by_core);
  }
  return all;
}

class EveryAlgorithmOfNodes : public testing::TestWithParam<const Algorithm*> {};

TEST_P(EveryAlgorithmOfNodes, is_right_and_costs_what_it_declares_however_3_to_8_ranks_are_spread) {
  for (std::uint32_t ranks = 3; ranks <= 8; ++ranks) {
    for (const NodeOf& node_of : placements(ranks)) {
      const Nodes nodes(node_of);
      const Group group{ranks, 0, &nodes};
      EXPECT_EQ(GetParam()->supports(group), nodes.mixed()) << text_of(node_of);
      if (!nodes.mixed()) continue;
      const auto facts = verifier::check_family(verifier::family_of(*GetParam(), group));
      EXPECT_TRUE(facts.findings.empty()) << text_of(node_of) << "\n" << texts(facts.findings);
      EXPECT_TRUE(facts.all_dependent) << text_of(node_of);
    }
  }
}

TEST_P(EveryAlgorithmOfNodes, is_verified_among_the_others) {
  for (const NodeOf& node_of : {NodeOf{0, 0, 1}, NodeOf{0, 1, 1, 0}, NodeOf{0, 1, 2, 0, 1, 0},
                                NodeOf{0, 0, 0, 0, 1, 1, 1, 1}}) {
    const Nodes nodes(node_of);
    const verifier::Verdict verdict = verifier::verify(*GetParam(), {nodes.ranks(), 0, &nodes});
    EXPECT_TRUE(verdict.findings.empty()) << text_of(node_of) << "\n" << texts(verdict.findings);
    EXPECT_GT(verdict.partners, 20u);
  }
}

TEST_P(EveryAlgorithmOfNodes, is_right_on_larger_machines) {
  for (const auto& [count, size] : {std::pair{2u, 16u}, {3u, 8u}, {8u, 8u}, {16u, 3u}}) {
    NodeOf node_of;
    for (std::uint32_t node = 0; node < count; ++node) node_of.insert(node_of.end(), size, node);
    node_of.pop_back();
    const Nodes nodes(node_of);
    const Group group{nodes.ranks(), 0, &nodes};
    if (!GetParam()->supports(group)) continue;
    const auto facts = verifier::check_family(verifier::family_of(*GetParam(), group));
    EXPECT_TRUE(facts.findings.empty()) << nodes.shape() << "\n" << texts(facts.findings);
  }
}

TEST_P(EveryAlgorithmOfNodes, sends_nothing_to_a_mate) {
  const Nodes nodes(NodeOf{0, 1, 0, 1, 2, 2, 0});
  for (std::uint32_t rank = 0; rank < nodes.ranks(); ++rank) {
    for (const Step& step : GetParam()->generate({nodes.ranks(), rank, &nodes}).steps) {
      const bool sends = step.kind == StepKind::put || step.kind == StepKind::signal;
      EXPECT_FALSE(sends && nodes.mates(rank, step.peer));
    }
  }
}

std::vector<const Algorithm*> of_nodes() {
  std::vector<const Algorithm*> all;
  for (const Algorithm& algorithm : algorithms())
    if (algorithm.needs.reach == Reach::nodes) all.push_back(&algorithm);
  return all;
}
INSTANTIATE_TEST_SUITE_P(Table, EveryAlgorithmOfNodes, testing::ValuesIn(of_nodes()),
                         [](const auto& test) {
                           return std::string(to_string(test.param->collective)) + "_" +
                                  std::string(test.param->name);
                         });

// What all ranks of a node put, as a share of the message.
double leaves_node(const Algorithm& algorithm, const Nodes& nodes, std::uint32_t node) {
  double chunks = 0;
  std::uint32_t whole = 1;
  for (const std::uint32_t rank : nodes.ranks_on(node)) {
    const Schedule schedule = algorithm.generate({nodes.ranks(), rank, &nodes});
    if (algorithm.collective == Collective::all_reduce) whole = schedule.chunks;
    for (const Step& step : schedule.steps)
      if (step.kind == StepKind::put && schedule.sources(step)[0].space != Space::arrival)
        chunks += schedule.sources(step)[0].count;
  }
  return chunks / whole;
}

TEST(LongVectorsOfNodes, leave_a_node_no_more_than_they_have_to) {
  for (const NodeOf& node_of : {NodeOf{0, 0, 1, 1}, NodeOf{0, 0, 1}, NodeOf{0, 1, 2, 0, 1, 2},
                                NodeOf{0, 0, 0, 1, 1}, NodeOf{0, 0, 0, 0, 1, 1, 1, 2, 2, 3}}) {
    const Nodes nodes(node_of);
    const double others = nodes.count() - 1;
    for (std::uint32_t node = 0; node < nodes.count(); ++node) {
      for (const char* name : {"nodes_ring", "nodes_circulant"})
        EXPECT_NEAR(leaves_node(*find_algorithm(Collective::all_reduce, name), nodes, node),
                    2 * others / nodes.count(), 1e-9)
            << name << " " << text_of(node_of);
      EXPECT_EQ(leaves_node(*find_algorithm(Collective::all_gather, "by_nodes"), nodes, node),
                others * nodes.size_of(node));
      EXPECT_EQ(leaves_node(*find_algorithm(Collective::reduce_scatter, "by_nodes"), nodes, node),
                nodes.ranks() - nodes.size_of(node));
    }
  }
}

TEST(Builder, refuses_memory_of_a_rank_on_another_node) {
  const Nodes nodes(NodeOf{0, 0, 1});
  Builder b(Collective::all_reduce, {3, 0, &nodes}, 1, 1);
  b.copy(b.scratch(0), b.scratch_of(1, 0));
  EXPECT_THROW(b.copy(b.scratch(0), b.scratch_of(2, 0)), CollectiveError);
  EXPECT_THROW(b.await_published(0, 2), CollectiveError);
}

TEST(Splice, refuses_schedules_with_lanes_or_published_words) {
  const auto part_of = [](std::string_view name) {
    Part part;
    part.schedule = find_algorithm(Collective::all_reduce, name)->generate({2, 0});
    part.members = {{0, 0, 0}, {1, 0, 0}};
    part.memory.input = [](std::uint32_t chunk) { return Builder::input(chunk); };
    part.memory.output = [](std::uint32_t chunk) { return Builder::output(chunk); };
    return part;
  };
  for (const char* name : {"double_binary_tree", "lines"}) {
    Builder b(Collective::all_reduce, {2, 0}, 2, 8);
    const Part part = part_of(name);
    EXPECT_THROW(splice(b, {&part, 1}), CollectiveError) << name;
  }
  Builder b(Collective::all_reduce, {2, 0}, 2, 8);
  const Part ring = part_of("ring");
  splice(b, {&ring, 1});
  EXPECT_EQ(b.finish().steps.size(), ring.schedule.steps.size());
}

}  // namespace
}  // namespace rlx::collectives
