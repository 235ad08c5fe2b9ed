// Several rails: what ranks tell each other while they are made, and what is refused.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rdma/fi_domain.h>

#include <atomic>
#include <functional>

#include "tests/transports/ofi/rails.hpp"

namespace rlx::test {

namespace {

using testing::AllOf;
using testing::HasSubstr;

const MockPromises kOrdered{.msg_order = FI_ORDER_WAW, .ordered_bytes = ~std::size_t{0}};

/// What each rank's make threw, ranks on one mock network asking for what `rails_of` says.
std::vector<CollectiveError> errors_on(MockNetwork& network, std::size_t ranks,
                                       const std::function<Rails(Rank)>& rails_of) {
  std::vector<CollectiveError> errors(ranks, CollectiveError(ErrorKind::Internal, "", "none"));
  const TransportCase how{
      "mock", [&](const TransportSetup& setup) -> std::unique_ptr<SymmetricTransport> {
        try {
          return make_with(setup, "mock", rails_of(setup.rank), {.fabric = &network.fabric()});
        } catch (const CollectiveError& error) {
          errors[setup.rank.index()] = error;
        }
        MockPromises other;
        return make_with(setup, other.provider, {1}, {.fabric = &network.fabric()});
      }};
  run_ranks(how, ranks, [](RankWorld&) {});
  return errors;
}

TEST(Rails, of_an_unknown_domain_are_refused_everywhere_with_those_that_exist) {
  MockNetwork network(on_domains({}, 2));
  for (const CollectiveError& error : errors_on(network, 2, [](Rank) {
         return Rails{2, "mock1,mock7"};
       })) {
    EXPECT_EQ(error.kind(), ErrorKind::InvalidArgument);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("mock7"), HasSubstr("mock0, mock1")));
  }
}

TEST(Rails, of_more_interfaces_than_there_can_be_are_refused) {
  MockNetwork network(on_domains({}, 9));
  for (const CollectiveError& error : errors_on(network, 2, [](Rank) {
         return Rails{1, "a,b,c,d,e,f,g,h,i"};
       })) {
    EXPECT_EQ(error.kind(), ErrorKind::InvalidArgument);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("9 interfaces"), HasSubstr("at most 8")));
  }
}

TEST(Rails, are_those_that_rank_0_was_asked_for) {
  MockNetwork network(on_domains({}, 2));
  const TransportCase how{
      "mock", [&](const TransportSetup& setup) {
        const Rails rails = setup.rank == Rank(0) ? Rails{3, "mock1"} : Rails{2, "mock0,mock9"};
        return make_with(setup, "mock", rails, {.fabric = &network.fabric()});
      }};
  run_ranks(how, 3, [](RankWorld& self) {
    EXPECT_EQ(self.transport().capabilities().lanes, 48U);
    EXPECT_THAT(self.transport().capabilities().detail,
                AllOf(HasSubstr("mock1"), HasSubstr("3 rails"), testing::Not(HasSubstr("mock0"))));
  });
}

TEST(Rails, are_fewer_where_the_providers_keys_leave_no_room) {
  const MockPromises keys{.mr_mode = FI_MR_PROV_KEY};
  for (const auto& [room, rails] : {std::pair{63, 6U}, std::pair{38, 3U}}) {
    MockNetwork network(keys);
    const TransportCase how{"mock", [&](const TransportSetup& setup) {
                              return make_with(setup, "mock", {8},
                                               {.key_room = static_cast<std::size_t>(room),
                                                .fabric = &network.fabric()});
                            }};
    run_ranks(how, 2, [&](RankWorld& self) {
      EXPECT_EQ(self.transport().capabilities().lanes, 16 * rails);
    });
  }
}

TEST(Rails, of_the_shm_provider_are_one) {
  const TransportCase how{
      "shm", [](const TransportSetup& setup) { return make_with(setup, "shm", {4}, {}); }};
  run_ranks(how, 2, [](RankWorld& self) { EXPECT_EQ(self.transport().capabilities().lanes, 1U); });
}

TEST(Rails, of_several_interfaces_raise_the_bandwidth_of_adapters_but_not_of_the_core) {
  for (const char* provider : {"verbs;ofi_rxm", "tcp;ofi_rxm"}) {
    MockPromises promises = on_domains(kOrdered, 2);
    promises.provider = provider;
    MockNetwork network(promises);
    run_ranks(plain(network, {2, "mock0,mock1"}, provider), 2, [&](RankWorld& self) {
      const TransportCapabilities& offered = self.transport().capabilities();
      const bool adapter = std::string_view(provider) == "verbs;ofi_rxm";
      EXPECT_EQ(offered.links, adapter ? 2U : 1U);
      if (adapter) {
        EXPECT_GT(offered.gigabytes_per_second, 12);
      } else {
        EXPECT_EQ(offered.gigabytes_per_second, 4.5);
      }
    });
  }
}

TEST(Start, tells_every_rank_a_few_bytes_of_every_other) {
  std::atomic<std::size_t> bytes{0};
  std::atomic<std::size_t> exchanges{0};
  const TransportCase how{"net", [&](const TransportSetup& setup) {
                            TransportSetup counted = setup;
                            counted.exchange = [&](std::span<const std::byte> mine) {
                              bytes += mine.size();
                              ++exchanges;
                              return setup.exchange(mine);
                            };
                            return make_with(counted, "tcp;ofi_rxm", {1}, {});
                          }};
  run_ranks(how, 3, [](RankWorld&) {});
  EXPECT_EQ(exchanges.load(), 3 * 2U);
  EXPECT_LE(bytes.load(), 3 * 250U);
}

}  // namespace

}  // namespace rlx::test
