#pragma once
// The conformance suite of SymmetricTransport. A transport joins with a few lines:
//
//   #include "tests/transports/transport_suite.hpp"
//   INSTANTIATE_TEST_SUITE_P(Foo, TransportSuite,
//                            testing::Values(rlx::test::TransportCase{"plain", make_foo}),
//                            rlx::test::case_name);
//
// and by linking transport_suite.cpp, transport_completion_suite.cpp, transport_misuse_suite.cpp
// and transport_world.cpp into its test program. The ranks are threads, or forked processes; each
// makes its own transport from a TransportSetup, attaches a signal region and a heap window, and
// admits everybody's, as a Context does.
//
// The suite keeps to what every signal protocol can do: a target opens an epoch by writing
// `expected` of a group before anybody signals into it, parts of a word run 1, 2, 3, ..., and a
// target polls while it waits.

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "rlx/signal_region.hpp"
#include "rlx/symmetric_transport.hpp"
#include "transports/transports.hpp"

namespace rlx::test {

enum class RankKind : std::uint8_t { threads, processes };

/// One way to make a transport. `make` is called by `setup.size` ranks at once; setup.config is a
/// default Config, which `make` may replace by its own.
struct TransportCase {
  std::string name;  ///< letters, digits and _
  std::function<std::unique_ptr<SymmetricTransport>(const TransportSetup& setup)> make;
  RankKind ranks = RankKind::threads;
};

[[nodiscard]] inline std::string case_name(const testing::TestParamInfo<TransportCase>& info) {
  return info.param.name;
}

inline constexpr std::uint32_t kSuiteLines = 2 * kLinesPerGroup;
inline constexpr std::size_t kSuiteHeapBytes = std::size_t{4} << 20;
inline constexpr std::uint64_t kFirstEpoch = 1;

class World;

/// What one rank's thread works with.
class RankWorld {
 public:
  RankWorld(World& world, Rank rank) : world_(world), rank_(rank) {}

  [[nodiscard]] Rank rank() const { return rank_; }
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] SymmetricTransport& transport() const;
  [[nodiscard]] SignalRegion signals() const;
  [[nodiscard]] std::span<std::byte> heap() const;
  /// The number of the heap window, the same on every rank.
  [[nodiscard]] WindowNumber heap_window() const;
  /// Offset `offset` of a rank's heap.
  [[nodiscard]] RemoteRef on(Rank rank, std::uint64_t offset) const;
  /// My heap bytes as a source.
  [[nodiscard]] LocalRef mine(std::uint64_t offset, std::size_t length) const;

  /// Polls until the condition holds. Throws after 20 s, naming `what`, or when another rank threw.
  void poll_until(const std::function<bool()>& condition, const std::string& what) const;
  /// Polls until my word `index` has reached epoch and part.
  void wait_word(std::uint32_t index, std::uint32_t part, std::uint64_t epoch = kFirstEpoch) const;
  /// Issues until it is not busy, polling in between; the issue must not fail.
  void insist(const std::function<Issue()>& issue) const;
  void drain(const Completion& completion) const;
  /// Everybody polls until everybody is here; not made of the transport's own operations.
  void barrier() const;
  /// Everybody's bytes in rank order; without polling.
  [[nodiscard]] std::vector<std::byte> exchange(std::span<const std::byte> mine) const;
  /// Lets signals of `epoch` into all my groups.
  void open_epoch(std::uint64_t epoch) const;
  /// Attaches, exchanges keys and admits one more window of `memory` on every rank.
  [[nodiscard]] WindowNumber share(std::span<std::byte> memory, WindowRole role) const;

 private:
  World& world_;
  Rank rank_;
};

/// Runs `body` on `ranks` threads or processes over wired transports. A body that throws fails the
/// test and releases the other ranks. Ends with a barrier, then the transports go, then their
/// memory.
void run_ranks(const TransportCase& how, std::size_t ranks,
               const std::function<void(RankWorld&)>& body);

/// Byte `index` of the stream that `seed` names.
[[nodiscard]] std::byte pattern(std::uint64_t seed, std::uint64_t index);
void fill_pattern(std::span<std::byte> bytes, std::uint64_t seed);
/// The index of the first byte that is not the pattern's, or the length.
[[nodiscard]] std::size_t pattern_matches(std::span<const std::byte> bytes, std::uint64_t seed);

}  // namespace rlx::test

class TransportSuite : public testing::TestWithParam<rlx::test::TransportCase> {};
