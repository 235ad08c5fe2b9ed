// The parts of SymmetricTransport that all transports share.

#include "rlx/symmetric_transport.hpp"

#include <gmock/gmock.h>

#include <thread>

namespace rlx {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Answers as it is told to; completes operations when it is polled.
class ScriptedTransport final : public SymmetricTransport {
 public:
  ScriptedTransport() : SymmetricTransport(Rank(0), 3) {
    record_window(Rank(1), 0, SignalRegion::bytes(kLinesPerGroup));
    record_window(Rank(1), 2, 1000);
  }
  using SymmetricTransport::fail;

  Issue put(Lane, RemoteRef, LocalRef, Completion& completion) noexcept override {
    return issue(completion);
  }
  Issue put_signal(Lane, RemoteRef, LocalRef, Signal, Completion& completion) noexcept override {
    return issue(completion);
  }
  Issue get(Lane, LocalRef, RemoteRef, Completion& completion) noexcept override {
    return issue(completion);
  }
  Issue signal(Lane, Signal, Completion& completion) noexcept override { return issue(completion); }
  bool progress() noexcept override {
    ++polls;
    if (pending != nullptr && polls >= completes_at) pending->local = pending->issued.load();
    if (polls == fails_at) fail({ErrorKind::PeerFailed, Rank(2), "it hung up"});
    return false;
  }
  std::optional<Window> attach(std::span<std::byte>, WindowRole) noexcept override {
    return std::nullopt;
  }
  bool admit(Rank, WindowNumber, const WindowKey&) noexcept override { return false; }
  const TransportCapabilities& capabilities() const noexcept override { return offered; }

  TransportCapabilities offered;
  int busy = 0;
  int polls = 0;
  int completes_at = 0;
  int fails_at = -1;
  Issue last = Issue::done;
  Completion* pending = nullptr;

 private:
  Issue issue(Completion& completion) {
    if (busy > 0) {
      --busy;
      return Issue::busy;
    }
    if (last == Issue::done) {
      completion.issued.fetch_add(1);
      pending = &completion;
    }
    return last;
  }
};

std::byte byte{1};
constexpr RemoteRef kPlace{Rank(1), 2, 999};
const LocalRef kByte{&byte, 1, 0};

CollectiveError thrown_by(const std::function<void()>& call) {
  try {
    call();
  } catch (const CollectiveError& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return CollectiveError(ErrorKind::Internal, "", "");
}

TEST(SymmetricTransport, the_first_cause_of_failure_stays) {
  ScriptedTransport transport;
  EXPECT_FALSE(transport.failure().has_value());
  EXPECT_FALSE(transport.peer_failed(Rank(2)));
  transport.fail({ErrorKind::PeerFailed, Rank(2), "first"});
  transport.fail({ErrorKind::Transport, std::nullopt, "second"});
  ASSERT_TRUE(transport.has_failed());
  EXPECT_EQ(transport.failure()->message, "first");
  EXPECT_EQ(transport.failure()->rank, Rank(2));
  EXPECT_TRUE(transport.peer_failed(Rank(2)));
  EXPECT_FALSE(transport.peer_failed(Rank(1)));
}

TEST(SymmetricTransport, one_of_many_causes_at_once_is_the_first_for_everybody) {
  ScriptedTransport transport;
  std::vector<std::jthread> threads;
  for (std::uint32_t i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      transport.fail({ErrorKind::PeerFailed, Rank(i), std::to_string(i)});
      EXPECT_EQ(std::to_string(transport.failure()->rank->value()), transport.failure()->message);
    });
  }
}

TEST(SymmetricTransport, a_failure_of_no_peer_concerns_all) {
  ScriptedTransport transport;
  transport.fail({ErrorKind::Transport, std::nullopt, "the card is gone"});
  EXPECT_TRUE(transport.peer_failed(Rank(0)));
  EXPECT_TRUE(transport.peer_failed(Rank(2)));
}

TEST(SymmetricTransport, checked_forms_poll_while_busy) {
  ScriptedTransport transport;
  transport.busy = 5;
  Completion completion;
  transport.checked_put(0, kPlace, kByte, completion);
  EXPECT_EQ(transport.polls, 5);
  EXPECT_EQ(completion.issued.load(), 1U);
}

TEST(SymmetricTransport, checked_forms_throw_the_failure_that_polling_finds) {
  ScriptedTransport transport;
  transport.busy = 1000;
  transport.fails_at = 3;
  Completion completion;
  const CollectiveError error =
      thrown_by([&] { transport.checked_get(0, kByte, kPlace, completion); });
  EXPECT_EQ(error.kind(), ErrorKind::PeerFailed);
  EXPECT_EQ(error.operation(), "get");
  EXPECT_THAT(error.ranks(), ElementsAre(Rank(2)));
  EXPECT_THAT(error.what(), HasSubstr("it hung up"));
  EXPECT_EQ(transport.polls, 3);
}

TEST(SymmetricTransport, a_failed_issue_throws_even_without_a_cause) {
  ScriptedTransport transport;
  transport.last = Issue::failed;
  Completion completion;
  EXPECT_EQ(thrown_by([&] { transport.checked_put(0, kPlace, kByte, completion); }).kind(),
            ErrorKind::Transport);
}

TEST(SymmetricTransport, the_last_byte_of_a_window_is_inside_and_the_next_is_not) {
  ScriptedTransport transport;
  Completion completion;
  transport.checked_put(0, kPlace, kByte, completion);
  EXPECT_EQ(completion.issued.load(), 1U);
  for (const RemoteRef outside : {RemoteRef{Rank(1), 2, 1000}, RemoteRef{Rank(1), 2, 1001},
                                  RemoteRef{Rank(1), 2, ~std::uint64_t{0}},
                                  RemoteRef{Rank(1), 1, 0}, RemoteRef{Rank(2), 2, 0}}) {
    EXPECT_EQ(thrown_by([&] { transport.checked_put(0, outside, kByte, completion); }).kind(),
              ErrorKind::OutOfBounds);
  }
  EXPECT_EQ(thrown_by([&] {
              transport.checked_put(0, {Rank(3), 2, 0}, kByte, completion);
            }).kind(),
            ErrorKind::UnknownRank);
  EXPECT_EQ(completion.issued.load(), 1U);
}

TEST(SymmetricTransport, a_signal_to_another_rank_than_its_bytes_is_refused) {
  ScriptedTransport transport;
  Completion completion;
  transport.checked_put_signal(0, kPlace, kByte, {Rank(1), kLinesPerGroup - 1, 1}, completion);
  EXPECT_EQ(
      thrown_by([&] {
        transport.checked_put_signal(0, kPlace, kByte, {Rank(1), kLinesPerGroup, 1}, completion);
      }).kind(),
      ErrorKind::OutOfBounds);
  EXPECT_EQ(thrown_by([&] {
              transport.checked_put_signal(0, {Rank(1), 2, 0}, kByte, {Rank(3), 0, 1}, completion);
            }).kind(),
            ErrorKind::UnknownRank);
  EXPECT_EQ(completion.issued.load(), 1U);
}

TEST(SymmetricTransport, quiet_polls_until_everything_is_locally_complete) {
  ScriptedTransport transport;
  transport.completes_at = 7;
  Completion completion;
  transport.checked_put(0, kPlace, kByte, completion);
  transport.quiet(completion);
  EXPECT_EQ(transport.polls, 7);
}

TEST(SymmetricTransport, quiet_throws_instead_of_waiting_for_a_failed_transport) {
  ScriptedTransport transport;
  transport.completes_at = 1000;
  transport.fails_at = 4;
  Completion completion;
  transport.checked_put(0, kPlace, kByte, completion);
  EXPECT_EQ(thrown_by([&] { transport.quiet(completion); }).kind(), ErrorKind::PeerFailed);
  EXPECT_EQ(transport.polls, 4);
}

TEST(SymmetricTransport, protocols_have_names) {
  EXPECT_EQ(to_string(SignalProtocol::store), "store");
  EXPECT_EQ(to_string(SignalProtocol::ordered_write), "ordered_write");
  EXPECT_EQ(to_string(SignalProtocol::completion_data), "completion_data");
  EXPECT_EQ(to_string(SignalProtocol::delivery_complete), "delivery_complete");
}

}  // namespace

}  // namespace rlx
