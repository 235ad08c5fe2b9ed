// What a start takes, and which phase an error of the bootstrap names.

#include "lib/communicator/startup.hpp"

#include <gmock/gmock.h>

#include <cstring>
#include <thread>

#include "lib/communicator/communicator_state.hpp"
#include "tests/communicator/support.hpp"

namespace rlx::test {
namespace {

using detail::PhasedBootstrap;
using detail::StartupPhase;
using testing::ElementsAre;
using testing::HasSubstr;

/// Two ranks, of which the other says what this one says, or never comes.
class TwoRanks final : public Bootstrap {
 public:
  [[nodiscard]] Rank rank() const override { return Rank(0); }
  [[nodiscard]] std::size_t size() const override { return 2; }
  void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) override {
    barrier();
    std::memcpy(all.data(), mine.data(), mine.size());
    std::memcpy(all.data() + mine.size(), mine.data(), mine.size());
  }
  void barrier() override {
    if (gone) throw CollectiveError(ErrorKind::Launch, "bootstrap", "rank 1 is late", {Rank(1)});
  }

  bool gone = false;
};

void exchange(Bootstrap& bootstrap, std::size_t bytes) {
  const std::vector<std::byte> mine(bytes);
  std::vector<std::byte> all(2 * bytes);
  bootstrap.all_gather(mine, all);
}

TEST(PhasedBootstrap, counts_what_each_phase_receives) {
  TwoRanks ranks;
  PhasedBootstrap phased(ranks);
  exchange(phased, 3);  // before the first
  phased.enter("hello");
  exchange(phased, 10);
  exchange(phased, 20);
  phased.enter("world");
  const std::vector<StartupPhase> phases = phased.finish();
  ASSERT_EQ(phases.size(), 2U);
  EXPECT_EQ(phases[0].name, "hello");
  EXPECT_EQ(phases[0].exchanges, 2U);
  EXPECT_EQ(phases[0].bytes, 60U);
  EXPECT_GT(phases[0].us, 0);
  EXPECT_EQ(phases[1].exchanges, 0U);
}

TEST(PhasedBootstrap, names_the_phase_in_errors_and_keeps_what_they_say) {
  TwoRanks ranks;
  PhasedBootstrap phased(ranks);
  phased.enter("hello");
  phased.enter("signal region");
  ranks.gone = true;
  try {
    exchange(phased, 1);
    FAIL();
  } catch (const CollectiveError& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Launch);
    EXPECT_THAT(error.ranks(), ElementsAre(Rank(1)));
    EXPECT_THAT(error.what(), HasSubstr("in phase \"signal region\" of the start: rank 1 is late"));
  }
}

std::vector<StartupPhase> startup_of(std::size_t ranks) {
  std::vector<StartupPhase> phases;
  launch_threads(ranks, options_with(), [&](Communicator& comm) {
    if (comm.rank() == Rank(0)) phases = comm.state().context().startup();
  });
  return phases;
}

std::size_t bytes_of(const std::vector<StartupPhase>& phases) {
  std::size_t bytes = 0;
  for (const StartupPhase& phase : phases) bytes += phase.bytes;
  return bytes;
}

TEST(Startup, is_told_by_phase) {
  std::vector<std::string_view> names;
  for (const StartupPhase& phase : startup_of(3)) names.push_back(phase.name);
  EXPECT_THAT(names, ElementsAre("hello", "transport", "signal region", "agreement", "world"));
}

TEST(Startup, exchanges_less_than_a_kibibyte_for_each_further_rank) {
  const std::size_t four = bytes_of(startup_of(4));
  const std::size_t twelve = bytes_of(startup_of(12));
  EXPECT_GT(twelve, four);
  EXPECT_LT((twelve - four) / 8, 1024U);
}

/// Takes part in so many exchanges and then in none, until the others have given up.
class Stopping final : public Bootstrap {
 public:
  Stopping(Bootstrap& inner, std::size_t exchanges) : inner_(inner), left_(exchanges) {}
  [[nodiscard]] Rank rank() const override { return inner_.rank(); }
  [[nodiscard]] std::size_t size() const override { return inner_.size(); }
  void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) override {
    if (left_-- == 0) throw std::runtime_error("stopped");
    inner_.all_gather(mine, all);
  }
  void barrier() override { inner_.barrier(); }

 private:
  Bootstrap& inner_;
  std::size_t left_;
};

TEST(Startup, ends_with_the_phase_and_the_rank_wherever_one_stops) {
  std::size_t before = 0;  // exchanges of the phases before
  for (const StartupPhase& phase : startup_of(3)) {
    const auto bootstraps = thread_bootstraps(3, 0.3);
    std::string told;
    std::vector<std::jthread> threads;
    for (std::uint32_t rank = 0; rank < 3; ++rank) {
      threads.emplace_back([&, rank] {
        Stopping stopping(*bootstraps[rank], rank == 1 ? before : ~std::size_t{0});
        try {
          Communicator comm(stopping, options_with());
        } catch (const std::exception& error) {
          if (rank == 0) told = error.what();
        }
      });
    }
    threads.clear();
    EXPECT_THAT(told, HasSubstr("in phase \"" + std::string(phase.name) + "\" of the start"));
    EXPECT_THAT(told, HasSubstr("rank(s) 1 did not arrive"));
    before += phase.exchanges;
  }
}

/// Says that its signals are on their way, and they are not.
class Silent final : public SymmetricTransport {
 public:
  explicit Silent(std::unique_ptr<SymmetricTransport> inner)
      : SymmetricTransport(inner->rank(), inner->size()), inner_(std::move(inner)) {
    share_kept(*inner_);
    offered_ = inner_->capabilities();
    offered_.load_store.assign(size(), false);
    offered_.detail = "a wire that leads nowhere";
  }
  Issue put(Lane lane, RemoteRef to, LocalRef from, Completion& done) noexcept override {
    return inner_->put(lane, to, from, done);
  }
  Issue put_signal(Lane, RemoteRef, LocalRef, Signal, Completion& done) noexcept override {
    return lose(done);
  }
  Issue get(Lane lane, LocalRef to, RemoteRef from, Completion& done) noexcept override {
    return inner_->get(lane, to, from, done);
  }
  Issue signal(Lane, Signal, Completion& done) noexcept override { return lose(done); }
  bool progress() noexcept override { return inner_->progress(); }
  std::optional<Window> attach(std::span<std::byte> memory, WindowRole role) noexcept override {
    return inner_->attach(memory, role);
  }
  bool admit(Rank rank, WindowNumber number, const WindowKey& key) noexcept override {
    return inner_->admit(rank, number, key);
  }
  const TransportCapabilities& capabilities() const noexcept override { return offered_; }

 private:
  static Issue lose(Completion& done) noexcept {
    done.issued.fetch_add(1);
    done.local.fetch_add(1);
    return Issue::done;
  }
  std::unique_ptr<SymmetricTransport> inner_;
  TransportCapabilities offered_;
};

TEST(Startup, ends_with_the_peer_and_the_way_to_it_where_nothing_arrives) {
  CommunicatorOptions options = options_with();
  options.config.startup_timeout = 0.3;
  options.decorate = [](std::unique_ptr<SymmetricTransport> inner) {
    return std::make_unique<Silent>(std::move(inner));
  };
  const auto bootstraps = thread_bootstraps(2, 10);
  std::array<std::string, 2> told;
  std::vector<std::jthread> threads;
  for (std::uint32_t rank = 0; rank < 2; ++rank) {
    threads.emplace_back([&, rank] {
      try {
        Communicator comm(*bootstraps[rank], options);
      } catch (const CollectiveError& error) {
        EXPECT_EQ(error.kind(), ErrorKind::Timeout);
        EXPECT_EQ(error.ranks().size(), 1U);
        told[rank] = error.what();
      }
    });
  }
  threads.clear();
  for (std::uint32_t rank = 0; rank < 2; ++rank) {
    // Whoever is later may hear of it from the other.
    EXPECT_THAT(told[rank], HasSubstr("in phase \"world\" of the start"));
    EXPECT_THAT(told[rank], testing::AnyOf(HasSubstr("for rank 0 over a wire that leads nowhere"),
                                           HasSubstr("for rank 1 over a wire that leads nowhere")));
  }
}

}  // namespace
}  // namespace rlx::test
