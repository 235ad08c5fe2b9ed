#include "lib/bootstrap/rendezvous.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "rlx/version.hpp"
#include "tests/bootstrap/ranks.hpp"

namespace rlx {
namespace {

using bootstrap::Deadline;
using bootstrap::Endpoint;
using bootstrap::FileDescriptor;
using bootstrap::FrameKind;
using bootstrap::Hello;
using testing::gathers_in_rank_order;
using testing::names;
using testing::on_threads;
using testing::says;

/// A meeting on a port of its own; every thread gets its bootstrap.
struct Star {
  FileDescriptor listener = bootstrap::listen_on({"127.0.0.1", "0"});
  std::string address = "127.0.0.1:" + std::to_string(bootstrap::port_of(listener));

  std::unique_ptr<Bootstrap> join(std::size_t rank, std::size_t size, double timeout) {
    if (rank == 0) return bootstrap::rendezvous_over(std::move(listener), size, timeout);
    return rendezvous_bootstrap(address, Rank(static_cast<std::uint32_t>(rank)), size, timeout);
  }
  /// A connection that speaks for itself.
  [[nodiscard]] FileDescriptor stranger() const {
    std::string reason;
    return bootstrap::connect_to(bootstrap::parse_endpoint(address), Deadline::after(5), reason);
  }
};

void say_hello(const FileDescriptor& fd, const Hello& hello) {
  EXPECT_TRUE(bootstrap::send_frame(fd.get(), FrameKind::hello, std::as_bytes(std::span(&hello, 1)),
                                    Deadline::after(5)));
}

ErrorDetails hear_error(const FileDescriptor& fd) {
  bootstrap::FrameReader reader;
  while (reader.advance(fd.get()) == bootstrap::ReadState::incomplete)
    if (!bootstrap::wait_for(fd.get(), POLLIN, Deadline::after(10))) break;
  EXPECT_EQ(reader.kind(), FrameKind::error);
  return bootstrap::decode_error(reader.payload());
}

class RendezvousTest : public ::testing::TestWithParam<std::size_t> {};

TEST_P(RendezvousTest, gathers_in_rank_order_round_after_round) {
  const std::size_t n = GetParam();
  Star star;
  const auto errors = on_threads(n, [&](std::size_t i) {
    const auto mine = star.join(i, n, 30);
    EXPECT_EQ(mine->rank().index(), i);
    EXPECT_EQ(mine->size(), n);
    for (std::size_t round = 0; round < 40; ++round) {
      ASSERT_TRUE(gathers_in_rank_order(*mine, round * 7, round));
      if (round % 3 == 0) mine->barrier();
    }
    ASSERT_TRUE(gathers_in_rank_order(*mine, 3 << 20, 5)) << "more than sockets hold";
  });
  for (const auto& error : errors) EXPECT_FALSE(error.has_value()) << error->what();
}

INSTANTIATE_TEST_SUITE_P(ranks, RendezvousTest, ::testing::Values(1, 2, 3, 5, 8));

TEST(Rendezvous, rank_0_may_start_last) {
  Star star;
  const std::string address = star.address;
  star.listener.reset();
  const auto errors = on_threads(2, [&](std::size_t i) {
    if (i == 0) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    const auto mine = rendezvous_bootstrap(address, Rank(static_cast<std::uint32_t>(i)), 2, 20);
    mine->barrier();
  });
  for (const auto& error : errors) EXPECT_FALSE(error.has_value()) << error->what();
}

TEST(Rendezvous, missing_ranks_are_named_to_everybody_who_came) {
  Star star;
  const auto errors = on_threads(5, [&](std::size_t i) {
    if (i != 2 && i != 4) static_cast<void>(star.join(i, 5, 0.3));
  });
  for (const std::size_t i : {0, 1, 3}) {
    ASSERT_TRUE(errors[i].has_value());
    EXPECT_EQ(errors[i]->kind(), ErrorKind::Launch);
    EXPECT_EQ(errors[i]->ranks(), (std::vector<Rank>{Rank(2), Rank(4)})) << errors[i]->what();
    EXPECT_TRUE(says(*errors[i], "2, 4"));
  }
}

TEST(Rendezvous, a_rank_0_that_never_listens_is_named_with_its_address) {
  Star star;
  star.listener.reset();
  try {
    static_cast<void>(rendezvous_bootstrap(star.address, Rank(1), 2, 0.1));
    FAIL();
  } catch (const CollectiveError& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Launch);
    EXPECT_TRUE(names(error, 0));
    EXPECT_TRUE(says(error, star.address)) << error.what();
  }
}

TEST(Rendezvous, a_silent_rank_is_named_at_the_deadline_and_told_so) {
  Star star;
  std::atomic<bool> heard{false};
  const auto errors = on_threads(3, [&](std::size_t i) {
    const auto mine = star.join(i, 3, 0.3);
    if (i == 2) heard.wait(false);
    try {
      mine->barrier();
    } catch (...) {
      if (i == 0) heard = true;
      if (i == 0) heard.notify_all();
      throw;
    }
  });
  for (const auto& error : errors) {
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->kind(), ErrorKind::Launch);
    EXPECT_EQ(error->operation(), "bootstrap barrier");
    EXPECT_EQ(error->ranks(), std::vector<Rank>{Rank(2)}) << error->what();
  }
}

TEST(Rendezvous, a_rank_that_hangs_up_is_named_at_once_to_everybody) {
  Star star;
  const auto errors = on_threads(4, [&](std::size_t i) {
    const auto mine = star.join(i, 4, 600);
    mine->barrier();
    if (i != 3) mine->barrier();
  });
  for (const std::size_t i : {0, 1, 2}) {
    ASSERT_TRUE(errors[i].has_value());
    EXPECT_TRUE(names(*errors[i], 3)) << errors[i]->what();
  }
}

TEST(Rendezvous, rank_0_hanging_up_is_named_at_once) {
  Star star;
  const auto errors = on_threads(3, [&](std::size_t i) {
    const auto mine = star.join(i, 3, 600);
    mine->barrier();
    if (i != 0) mine->barrier();
  });
  for (const std::size_t i : {1, 2}) {
    ASSERT_TRUE(errors[i].has_value());
    EXPECT_TRUE(names(*errors[i], 0)) << errors[i]->what();
  }
}

TEST(Rendezvous, the_first_error_stays) {
  Star star;
  const auto errors = on_threads(2, [&](std::size_t i) {
    const auto mine = star.join(i, 2, 600);
    if (i == 1) return;
    EXPECT_THROW(mine->barrier(), CollectiveError);
    mine->barrier();
  });
  ASSERT_TRUE(errors[0].has_value());
  EXPECT_TRUE(names(*errors[0], 1));
}

TEST(Rendezvous, different_lengths_name_both_ranks) {
  Star star;
  const auto errors =
      on_threads(2, [&](std::size_t i) { gathers_in_rank_order(*star.join(i, 2, 30), 4 + i, 0); });
  for (const auto& error : errors) {
    ASSERT_TRUE(error.has_value());
    EXPECT_TRUE(names(*error, 0) && names(*error, 1)) << error->what();
  }
}

TEST(Rendezvous, another_wire_version_is_refused_on_both_sides) {
  Star star;
  const std::uint32_t other = wire_version() + 41;
  const auto errors = on_threads(2, [&](std::size_t i) {
    if (i == 0) static_cast<void>(star.join(0, 2, 30));
    const FileDescriptor fd = star.stranger();
    say_hello(fd, {other, 1, 2});
    const ErrorDetails told = hear_error(fd);
    EXPECT_EQ(told.kind, ErrorKind::WireVersion);
    EXPECT_NE(told.message.find(std::to_string(other)), std::string::npos);
  });
  ASSERT_TRUE(errors[0].has_value());
  EXPECT_EQ(errors[0]->kind(), ErrorKind::WireVersion);
  EXPECT_TRUE(names(*errors[0], 1));
  EXPECT_TRUE(says(*errors[0], std::to_string(other)));
  EXPECT_TRUE(says(*errors[0], std::to_string(wire_version())));
}

TEST(Rendezvous, a_different_size_a_doubled_rank_and_a_rank_out_of_range_are_refused) {
  for (const Hello hello :
       {Hello{wire_version(), 1, 5}, Hello{wire_version(), 0, 2}, Hello{wire_version(), 9, 2}}) {
    Star star;
    const auto errors = on_threads(2, [&](std::size_t i) {
      if (i == 0) static_cast<void>(star.join(0, 2, 30));
      const FileDescriptor fd = star.stranger();
      say_hello(fd, hello);
      EXPECT_EQ(hear_error(fd).kind, ErrorKind::Launch);
    });
    ASSERT_TRUE(errors[0].has_value());
    EXPECT_TRUE(says(*errors[0], std::to_string(hello.rank))) << errors[0]->what();
  }
}

TEST(Rendezvous, connections_that_speak_otherwise_are_ignored) {
  Star star;
  const FileDescriptor silent = star.stranger();
  const FileDescriptor web = star.stranger();
  const std::string words = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
  ASSERT_EQ(send(web.get(), words.data(), words.size(), 0), static_cast<ssize_t>(words.size()));
  star.stranger().reset();
  const auto errors = on_threads(
      2, [&](std::size_t i) { EXPECT_TRUE(gathers_in_rank_order(*star.join(i, 2, 30), 16, 3)); });
  for (const auto& error : errors) EXPECT_FALSE(error.has_value()) << error->what();
}

TEST(Rendezvous, a_rank_beyond_the_size_is_refused_before_anything_is_sent) {
  EXPECT_THROW(static_cast<void>(rendezvous_bootstrap("127.0.0.1:1", Rank(2), 2, 1)),
               CollectiveError);
  EXPECT_THROW(static_cast<void>(rendezvous_bootstrap("nowhere", Rank(1), 2, 1)), CollectiveError);
}

}  // namespace
}  // namespace rlx
