// Nodes from what each rank says it has mapped: equal on all ranks, and never more than is true.

#include "lib/communicator/nodes.hpp"

#include <gmock/gmock.h>

#include <random>

#include "rlx/local_transport.hpp"
#include "tests/communicator/support.hpp"

namespace rlx::detail {
namespace {

using testing::ElementsAre;

/// A transport that has mapped these ranks, and moves nothing.
class Mapping final : public SymmetricTransport {
 public:
  Mapping(std::uint32_t rank, const std::vector<bool>& mapped)
      : SymmetricTransport(Rank(rank), mapped.size()) {
    for (std::uint32_t peer = 0; peer < mapped.size(); ++peer)
      record_window(Rank(peer), kSignalWindow, 64, mapped[peer] ? &byte_ : nullptr);
  }
  Issue put(Lane, RemoteRef, LocalRef, Completion&) noexcept override { return Issue::failed; }
  Issue put_signal(Lane, RemoteRef, LocalRef, Signal, Completion&) noexcept override {
    return Issue::failed;
  }
  Issue get(Lane, LocalRef, RemoteRef, Completion&) noexcept override { return Issue::failed; }
  Issue signal(Lane, Signal, Completion&) noexcept override { return Issue::failed; }
  bool progress() noexcept override { return false; }
  std::optional<Window> attach(std::span<std::byte>, WindowRole) noexcept override { return {}; }
  bool admit(Rank, WindowNumber, const WindowKey&) noexcept override { return false; }
  const TransportCapabilities& capabilities() const noexcept override { return offered_; }

 private:
  TransportCapabilities offered_;
  std::byte byte_{};
};

using Matrix = std::vector<std::vector<bool>>;

std::vector<MappedSet> sets_of(const Matrix& maps) {
  std::vector<MappedSet> sets;
  for (std::uint32_t rank = 0; rank < maps.size(); ++rank)
    sets.push_back(mapped_set(Mapping(rank, maps[rank])));
  return sets;
}

std::vector<std::uint32_t> nodes_from(const Matrix& maps) { return agree_on_nodes(sets_of(maps)); }

TEST(AgreedNodes, are_the_sets_that_map_each_other) {
  EXPECT_THAT(nodes_from({{1, 1}, {1, 1}}), ElementsAre(0, 0));
  EXPECT_THAT(nodes_from({{1, 0}, {0, 1}}), ElementsAre(0, 1));
  EXPECT_THAT(nodes_from({{1, 0, 1}, {0, 1, 0}, {1, 0, 1}}), ElementsAre(0, 1, 0));
}

TEST(AgreedNodes, of_ranks_that_map_nothing_are_all_different) {
  EXPECT_THAT(nodes_from({{0, 0}, {0, 0}}), ElementsAre(0, 1));
  EXPECT_FALSE(everybody_maps_all(sets_of({{0}})));
}

TEST(AgreedNodes, need_both_sides) {
  EXPECT_THAT(nodes_from({{1, 1}, {0, 1}}), ElementsAre(0, 1));
  EXPECT_THAT(nodes_from({{1, 1, 1}, {1, 1, 1}, {0, 1, 1}}), ElementsAre(0, 1, 2));
}

TEST(AgreedNodes, need_everybody_of_a_set) {
  EXPECT_THAT(nodes_from({{1, 1, 0}, {1, 1, 1}, {0, 1, 1}}), ElementsAre(0, 1, 2)) << "a chain";
}

TEST(AgreedNodes, of_random_maps_hold_only_pairs_that_map_each_other) {
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    const std::size_t size = 1 + random() % 6;
    Matrix maps(size, std::vector<bool>(size));
    for (std::size_t a = 0; a < size; ++a)
      for (std::size_t b = 0; b < size; ++b) maps[a][b] = a == b || random() % 4 != 0;
    const auto nodes = nodes_from(maps);
    for (std::size_t a = 0; a < size; ++a)
      for (std::size_t b = 0; b < size; ++b)
        if (nodes[a] == nodes[b]) {
          EXPECT_TRUE(maps[a][b]) << a << " " << b;
        }
  }
}

TEST(AgreedNodes, are_one_where_everybody_maps_all) {
  EXPECT_TRUE(everybody_maps_all(sets_of({{1, 1}, {1, 1}})));
  EXPECT_FALSE(everybody_maps_all(sets_of({{1, 1}, {0, 1}})));
  const std::vector<std::uint32_t> nodes{0, 1, 0};
  EXPECT_TRUE(on_one_node(nodes, std::vector<Rank>{Rank(2), Rank(0)}));
  EXPECT_FALSE(on_one_node(nodes, std::vector<Rank>{Rank(1), Rank(0)}));
}

TEST(AgreedNodes, without_agreement_are_one_or_everybodys_own) {
  EXPECT_THAT(nodes_alone(Mapping(0, {1, 1, 1})), ElementsAre(0, 0, 0));
  EXPECT_THAT(nodes_alone(Mapping(1, {1, 1, 0})), ElementsAre(0, 1, 2));
}

}  // namespace
}  // namespace rlx::detail
