// What goes wrong: dead peers, refused memory, error entries in the queue, providers that can not
// be used. By the mock provider.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_errno.h>

#include <atomic>
#include <barrier>
#include <mutex>
#include <thread>

#include "tests/transports/ofi/mock_world.hpp"
#include "transports/ofi/ofi_transport.hpp"

namespace rlx::test {

namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

const MockPromises kOrdered{.msg_order = FI_ORDER_WAW, .ordered_bytes = ~std::size_t{0}};
const MockPromises kUnordered{.completion_data = 4};
const MockPromises kDelivery{};

TransportCase over(MockNetwork& network) {
  return {"mock", [&network](const TransportSetup& setup) {
            Config config;
            config.provider = "mock";
            TransportSetup named = setup;
            named.config = &config;
            return make_ofi(named, {.fabric = &network.fabric()});
          }};
}

std::uint64_t value(std::uint32_t part) { return SignalValue::make(kFirstEpoch, part, 7); }

// Gives each rank its own fabric and returns what each rank's make_ofi threw.
std::vector<CollectiveError> errors_of(std::vector<MockNetwork*> networks,
                                       const std::string& provider) {
  const std::size_t ranks = networks.size();
  std::barrier meeting(static_cast<std::ptrdiff_t>(ranks));
  std::vector<std::vector<std::byte>> blobs(ranks);
  std::vector<CollectiveError> errors(ranks, CollectiveError(ErrorKind::Internal, "", "none"));
  {
    std::vector<std::jthread> threads;
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      threads.emplace_back([&, rank] {
        Config config;
        config.provider = provider;
        const TransportSetup setup{Rank(static_cast<std::uint32_t>(rank)), ranks, &config,
                                   [&](std::span<const std::byte> mine) {
                                     blobs[rank].assign(mine.begin(), mine.end());
                                     meeting.arrive_and_wait();
                                     std::vector<std::byte> all;
                                     for (const auto& blob : blobs)
                                       all.insert(all.end(), blob.begin(), blob.end());
                                     meeting.arrive_and_wait();
                                     return all;
                                   }};
        try {
          [[maybe_unused]] const auto made = make_ofi(setup, {.fabric = &networks[rank]->fabric()});
        } catch (const CollectiveError& error) {
          errors[rank] = error;
        }
      });
    }
  }
  return errors;
}

class DeadPeer : public testing::TestWithParam<MockPromises> {};

TEST_P(DeadPeer, fails_what_goes_to_it_and_nothing_else) {
  MockPromises promises = GetParam();
  promises.refuse_one_in = 3;
  MockNetwork network(promises);
  run_ranks(over(network), 3, [&](RankWorld& self) {
    SymmetricTransport& transport = self.transport();
    if (self.rank() == Rank(2)) network.kill_owner_of(self.heap().data());
    self.barrier();
    if (self.rank() == Rank(0)) {
      Completion lost;
      for (std::uint32_t part = 1; part <= 20 && !transport.peer_failed(Rank(2)); ++part) {
        transport.put_signal(0, self.on(Rank(2), 0), self.mine(0, 5000), {Rank(2), 0, value(part)},
                             lost);
        transport.progress();
      }
      self.poll_until([&] { return transport.peer_failed(Rank(2)); }, "the death");
      self.drain(lost);
      Completion refused;
      EXPECT_EQ(transport.put(0, self.on(Rank(2), 0), self.mine(0, 8), refused), Issue::failed);
      EXPECT_EQ(refused.issued.load(), 0U);
      const auto failure = transport.failure();
      ASSERT_TRUE(failure);
      EXPECT_EQ(failure->kind, ErrorKind::PeerFailed);
      EXPECT_EQ(failure->rank, Rank(2));
      EXPECT_THAT(failure->message, AllOf(HasSubstr("rank 2"), HasSubstr("the mock's words")));
      EXPECT_FALSE(transport.peer_failed(Rank(1)));
      Completion good;
      self.insist([&] { return transport.signal(0, {Rank(1), 0, value(1)}, good); });
      self.drain(good);
    }
    if (self.rank() == Rank(1)) self.wait_word(0, 1);
  });
  EXPECT_THAT(network.breaches(), testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Protocols, DeadPeer, testing::Values(kOrdered, kUnordered, kDelivery));

// Operations on their way, and those that wait for them, end when their peer dies.
void cut_off(MockPromises promises) {
  promises.largest = 1000;
  MockNetwork network(promises);
  std::atomic<bool> issued{false};
  std::atomic<bool> killed{false};
  run_ranks(over(network), 2, [&](RankWorld& self) {
    if (self.rank() == Rank(1)) {
      while (!issued.load()) std::this_thread::yield();  // without polling: nothing arrives
      network.kill_owner_of(self.heap().data());
      killed.store(true);
      return;
    }
    Completion completion;
    const auto issue = [&](std::uint32_t part) {
      return self.transport().put_signal(0, self.on(Rank(1), 0), self.mine(0, 3000),
                                         {Rank(1), part % 2, value(part)}, completion);
    };
    self.insist([&] { return issue(1); });
    for (std::uint32_t part = 2; part <= 4; ++part) issue(part);  // some may be refused
    EXPECT_GT(completion.issued.load(), 0U);
    issued.store(true);
    while (!killed.load()) std::this_thread::yield();
    // What completes ahead of its delivery may all have done so: then the next one meets the death.
    self.poll_until(
        [&] {
          if (completion.drained())
            self.transport().put(0, self.on(Rank(1), 0), self.mine(0, 8), completion);
          return self.transport().peer_failed(Rank(1));
        },
        "the death");
    self.drain(completion);
  });
  EXPECT_THAT(network.breaches(), testing::IsEmpty());
}

TEST(OfiFailure, a_death_ends_everything_that_is_on_the_way) {
  for (MockPromises promises : {kOrdered, kUnordered, kDelivery}) {
    for (promises.seed = 1; promises.seed <= 10; ++promises.seed) {
      promises.refuse_one_in = 2 + promises.seed % 4;  // leaves operations half posted
      cut_off(promises);
    }
  }
}

TEST(OfiFailure, an_error_of_misuse_is_a_transport_error_with_the_providers_words) {
  MockNetwork network(kOrdered);
  run_ranks(over(network), 2, [&](RankWorld& self) {
    if (self.rank() != Rank(0)) return;
    network.fail_next(FI_EACCES);
    Completion completion;
    self.insist([&] {
      return self.transport().put(0, self.on(Rank(1), 0), self.mine(0, 100), completion);
    });
    self.drain(completion);
    const auto failure = self.transport().failure();
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->kind, ErrorKind::Transport);
    EXPECT_THAT(failure->message, AllOf(HasSubstr("the mock's words"), HasSubstr("77")));
  });
}

TEST(OfiFailure, an_error_of_no_operation_counts_only_as_misuse) {
  MockNetwork network(kOrdered);
  run_ranks(over(network), 1, [&](RankWorld& self) {
    network.queue_error(self.heap().data(), FI_ECANCELED);
    while (!self.transport().progress()) {
    }
    EXPECT_FALSE(self.transport().has_failed());
    network.queue_error(self.heap().data(), FI_EINVAL);
    while (!self.transport().progress()) {
    }
    EXPECT_TRUE(self.transport().has_failed());
  });
}

TEST(OfiFailure, memory_that_can_not_be_locked_names_the_limit_and_the_bytes) {
  MockPromises promises = kOrdered;
  promises.lockable = std::size_t{9} << 20;
  MockNetwork network(promises);
  run_ranks(over(network), 1, [&](RankWorld& self) {
    std::vector<std::byte> memory(std::size_t{8} << 20);
    EXPECT_EQ(self.transport().attach(memory, WindowRole::user), std::nullopt);
    const auto failure = self.transport().failure();
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->kind, ErrorKind::OutOfMemory);
    EXPECT_THAT(failure->message,
                AllOf(HasSubstr("ulimit -l"), HasSubstr("8192 KiB"), HasSubstr("8388608")));
  });
}

TEST(OfiFailure, a_window_used_before_it_was_admitted_is_named) {
  MockNetwork network(kOrdered);
  run_ranks(over(network), 2, [&](RankWorld& self) {
    Completion completion;
    const Rank peer(1 - self.rank().value());
    EXPECT_EQ(self.transport().put(0, {peer, 40, 0}, self.mine(0, 8), completion), Issue::failed);
    EXPECT_THAT(self.transport().failure()->message, HasSubstr("window 40"));
  });
}

TEST(OfiFailure, an_unknown_provider_is_refused_everywhere_with_those_that_exist) {
  MockNetwork network(kOrdered);
  for (const CollectiveError& error : errors_of({&network, &network}, "carrier_pigeon")) {
    EXPECT_EQ(error.kind(), ErrorKind::InvalidArgument);
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr("carrier_pigeon"), HasSubstr("mock"), HasSubstr("RLX_PROVIDER")));
  }
}

TEST(OfiFailure, a_provider_without_one_sided_writes_says_so) {
  MockPromises promises = kOrdered;
  promises.one_sided = false;
  MockNetwork network(promises);
  for (const CollectiveError& error : errors_of({&network, &network}, "mock")) {
    EXPECT_EQ(error.kind(), ErrorKind::Unsupported);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("mock"), HasSubstr("FI_RMA")));
  }
}

TEST(OfiFailure, raw_keys_are_refused_with_the_reason) {
  MockPromises promises = kOrdered;
  promises.key_bytes = 32;
  MockNetwork network(promises);
  for (const CollectiveError& error : errors_of({&network, &network}, "mock")) {
    EXPECT_EQ(error.kind(), ErrorKind::Unsupported);
    EXPECT_THAT(error.what(), HasSubstr("raw memory keys"));
  }
}

TEST(OfiFailure, a_rank_that_can_not_follow_is_named_on_all_ranks) {
  MockPromises other = kOrdered;
  other.provider = "another";
  MockNetwork network(kOrdered);
  MockNetwork without(other);
  for (const CollectiveError& error : errors_of({&network, &without, &network}, "mock")) {
    EXPECT_EQ(error.kind(), ErrorKind::InvalidArgument);
    EXPECT_THAT(error.ranks(), ElementsAre(Rank(1)));
    EXPECT_THAT(error.what(), AllOf(HasSubstr("rank(s) 1"), HasSubstr("another")));
  }
}

TEST(OfiFailure, ranks_that_would_use_different_protocols_are_named) {
  MockNetwork network(kOrdered);
  MockNetwork unordered(kUnordered);
  for (const CollectiveError& error : errors_of({&network, &network, &unordered}, "mock")) {
    EXPECT_EQ(error.kind(), ErrorKind::Unsupported);
    EXPECT_THAT(error.ranks(), ElementsAre(Rank(2)));
    EXPECT_THAT(error.what(), AllOf(HasSubstr("ordered_write"), HasSubstr("completion_data")));
  }
}

TEST(OfiFailure, without_a_common_provider_the_ranks_that_lack_it_are_named) {
  MockPromises tcp = kOrdered;
  tcp.provider = "tcp";
  MockNetwork has(tcp);
  MockNetwork without(kOrdered);
  for (const CollectiveError& error : errors_of({&has, &without}, "")) {
    EXPECT_EQ(error.kind(), ErrorKind::Unsupported);
    EXPECT_THAT(error.ranks(), ElementsAre(Rank(1)));
    EXPECT_THAT(error.what(), HasSubstr("tcp"));
  }
}

}  // namespace

}  // namespace rlx::test
