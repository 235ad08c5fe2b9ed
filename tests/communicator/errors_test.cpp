// What a rank does wrong is named, on every rank, and nothing hangs.

#include <atomic>
#include <barrier>
#include <thread>

#include "support.hpp"

namespace rlx::test {
namespace {

/// Runs `body`, which must end in a CollectiveError on every rank, and returns them by rank.
std::vector<ErrorDetails> errors_of(std::size_t ranks, CommunicatorOptions options,
                                    const std::function<void(Communicator&)>& body) {
  std::vector<ErrorDetails> errors(ranks);
  // Otherwise a slow rank could hear of the error while its communicator is still being made.
  std::barrier everybody_is_wired(static_cast<std::ptrdiff_t>(ranks));
  try {
    launch_threads(ranks, options, [&](Communicator& comm) {
      everybody_is_wired.arrive_and_wait();
      try {
        body(comm);
        ADD_FAILURE() << "no error on rank " << comm.rank().value();
      } catch (const CollectiveError& error) {
        errors[comm.rank().index()] = error.details();
      }
    });
  } catch (const CollectiveError&) {
    ADD_FAILURE() << "an error left launch_threads";
  }
  return errors;
}

void expect_kind(ErrorKind kind, const std::function<void(Communicator&)>& body) {
  const auto errors = errors_of(2, options_with(), body);
  for (const auto& error : errors) EXPECT_EQ(error.kind, kind) << error.message;
}

TEST(Arguments, lengths_that_do_not_fit_are_refused_with_values) {
  expect_kind(ErrorKind::LengthMismatch, [](Communicator& comm) {
    std::vector<int> in(10), out(11);
    all_reduce(comm, in, out, ReduceKind::Sum);
  });
  expect_kind(ErrorKind::LengthMismatch, [](Communicator& comm) {
    std::vector<int> in(10), out(10);
    reduce_scatter(comm, in, out, ReduceKind::Sum);
  });
  expect_kind(ErrorKind::LengthMismatch, [](Communicator& comm) {
    std::vector<int> x(11);
    all_gather(comm, x);
  });
}

TEST(Arguments, a_kind_that_the_dtype_does_not_have_is_refused_with_what_to_use) {
  const auto errors = errors_of(2, options_with(), [](Communicator& comm) {
    std::vector<float> x(5);
    all_reduce(comm, x, ReduceKind::Xor);
  });
  for (const auto& error : errors) {
    EXPECT_EQ(error.kind, ErrorKind::Unsupported);
    EXPECT_NE(error.message.find("xor is not defined for f32; use an integer"), std::string::npos)
        << error.message;
  }
  launch_threads(2, options_with(), [](Communicator& comm) {
    std::vector<std::uint16_t> x(5, comm.rank() == Rank(0) ? 0x0ff0 : 0x00ff);
    all_reduce(comm, x, ReduceKind::Xor);
    EXPECT_EQ(x, std::vector<std::uint16_t>(5, 0x0f0f));
  });
}

TEST(Arguments, an_argument_error_changes_nothing) {
  launch_threads(2, options_with(), [](Communicator& comm) {
    std::vector<int> in(10), out(11), x(5, 1);
    if (comm.rank() == Rank(0)) {
      EXPECT_THROW(all_reduce(comm, in, out, ReduceKind::Sum), CollectiveError);
    }
    all_reduce(comm, x, ReduceKind::Sum);
    EXPECT_EQ(x, std::vector<int>(5, 2));
  });
}

TEST(Arguments, overflow_and_foreign_memory_are_out_of_bounds) {
  expect_kind(ErrorKind::OutOfBounds, [](Communicator& comm) {
    int x = 0;
    all_reduce(comm, std::span<int>(&x, ~std::size_t{0} / 2), ReduceKind::Sum);
  });
  launch_threads(2, options_with(), [](Communicator& comm) {
    detail::CallArguments call{
        detail::Operation::all_reduce, DType::i32, ReduceKind::Sum, true, {}, {}};
    int x[4] = {};
    call.out = {reinterpret_cast<std::byte*>(x), 4, true, 12345};
    EXPECT_THROW(detail::run(comm, call), CollectiveError);
  });
}

void expect_mismatch(const std::function<void(Communicator&)>& body, const std::string& word) {
  const auto errors = errors_of(4, options_with(), body);
  bool both_named = false;
  for (const auto& error : errors) {
    EXPECT_EQ(error.kind, ErrorKind::Mismatch) << error.message;
    both_named |= error.ranks.size() == 2 && error.message.find(word) != std::string::npos;
  }
  EXPECT_TRUE(both_named) << errors[0].message;
}

TEST(Mismatch, another_count_is_named) {
  expect_mismatch(
      [](Communicator& comm) {
        std::vector<float> x(comm.rank() == Rank(2) ? 1001 : 1000);
        all_reduce(comm, x, ReduceKind::Sum);
      },
      "1001");
}

TEST(Mismatch, another_operation_is_named) {
  expect_mismatch(
      [](Communicator& comm) {
        std::vector<float> x(1000);
        all_reduce(comm, x, comm.rank() == Rank(1) ? ReduceKind::Max : ReduceKind::Sum);
      },
      "max");
}

TEST(Mismatch, another_collective_is_named) {
  expect_mismatch(
      [](Communicator& comm) {
        std::vector<float> x(1000);
        if (comm.rank() == Rank(3))
          reduce_scatter(comm, x, ReduceKind::Sum);
        else
          all_reduce(comm, x, ReduceKind::Sum);
      },
      "reduce_scatter");
}

TEST(Mismatch, heap_against_private_memory_is_named) {
  expect_mismatch(
      [](Communicator& comm) {
        auto heap = comm.allocate<float>(1000);
        std::vector<float> own(1000);
        if (comm.rank() == Rank(0))
          all_reduce(comm, heap, ReduceKind::Sum);
        else
          all_reduce(comm, own, ReduceKind::Sum);
      },
      "heap");
}

TEST(Mismatch, a_symmetric_vector_against_a_private_one_is_named) {
  expect_mismatch(
      [](Communicator& comm) {
        SymmetricVector<float> heap(1000, comm);
        std::vector<float> own(1000);
        if (comm.rank() == Rank(3))
          all_reduce(comm, own, ReduceKind::Sum);
        else
          all_reduce(comm, heap, ReduceKind::Sum);
      },
      "heap");
}

TEST(Mismatch, a_pmr_vector_of_another_resource_is_named_also_when_empty) {
  expect_mismatch(
      [](Communicator& comm) {
        std::pmr::vector<float> heap(comm.memory_resource());
        std::pmr::vector<float> own;
        all_reduce(comm, comm.rank() == Rank(1) ? own : heap, ReduceKind::Sum);
      },
      "heap");
}

TEST(Mismatch, a_vector_that_grows_alone_is_named) {
  expect_mismatch(
      [](Communicator& comm) {
        SymmetricVector<float> x(1000, comm);
        if (comm.rank() == Rank(2)) x.push_back(1);
        all_reduce(comm, x, ReduceKind::Sum);
      },
      "allocate");
}

TEST(Failure, releases_while_an_error_unwinds_neither_throw_nor_hang) {
  const auto errors = errors_of(3, options_with(), [](Communicator& comm) {
    std::vector<SymmetricVector<int>> many;
    for (int i = 0; i < 10; ++i) many.emplace_back(1000, comm);
    std::pmr::vector<int> pmr(1000, comm.memory_resource());
    SymmetricVector<int> x(comm.rank() == Rank(0) ? 10 : 20, comm);  // recoverable
    ADD_FAILURE() << "different lengths were accepted";
  });
  for (const auto& error : errors) EXPECT_EQ(error.kind, ErrorKind::LengthMismatch);
  expect_mismatch(
      [](Communicator& comm) {
        SymmetricVector<int> x(1000, comm);
        all_reduce(comm, x, comm.rank() == Rank(1) ? ReduceKind::Max : ReduceKind::Sum);
      },
      "max");
}

TEST(Failure, after_an_error_symmetric_containers_throw_the_first_cause_and_release) {
  errors_of(2, options_with(), [](Communicator& comm) {
    SymmetricVector<float> x(100, comm);
    try {
      all_reduce(comm, x, comm.rank() == Rank(0) ? ReduceKind::Max : ReduceKind::Sum);
    } catch (const CollectiveError& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Mismatch);
    }
    x.push_back(1);
  });
}

TEST(Failure, a_rank_that_leaves_by_an_exception_is_named_by_the_others) {
  std::atomic<int> told{0};
  try {
    launch_threads(4, options_with(), [&](Communicator& comm) {
      std::vector<int> x(100, 1);
      if (comm.rank() == Rank(2)) {
        all_reduce(comm, x, ReduceKind::Sum);
        throw std::runtime_error("the user's own");
      }
      try {  // the news may come while a slow rank is still in its first call
        for (;;) all_reduce(comm, x, ReduceKind::Sum);
      } catch (const CollectiveError& error) {
        EXPECT_EQ(error.kind(), ErrorKind::PeerFailed);
        ASSERT_FALSE(error.ranks().empty()) << error.what();
        EXPECT_EQ(error.ranks()[0], Rank(2));
        ++told;
      }
    });
    ADD_FAILURE() << "the exception was lost";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "the user's own");
  }
  EXPECT_EQ(told, 3);
}

TEST(Failure, a_rank_that_never_calls_is_a_timeout_that_names_it) {
  CommunicatorOptions options = options_with();
  options.config.timeout = 0.5;
  std::atomic<bool> over{false};
  const auto errors = errors_of(3, options, [&](Communicator& comm) {
    std::vector<int> x(100, 1);
    if (comm.rank() == Rank(1)) {
      while (!over) std::this_thread::yield();
    } else {
      try {
        all_reduce(comm, x, ReduceKind::Sum);
      } catch (...) {
        over = true;
        throw;
      }
    }
    all_reduce(comm, x, ReduceKind::Sum);
  });
  for (const auto& error : errors) {
    EXPECT_EQ(error.kind, ErrorKind::Timeout) << error.message;
    ASSERT_FALSE(error.ranks.empty()) << error.message;
    EXPECT_EQ(error.ranks[0], Rank(1)) << error.message;
  }
}

TEST(Failure, is_told_once_to_every_communicator_that_joined_the_context) {
  int first = 0;
  int second = 0;
  CommunicatorOptions options = options_with();
  options.on_failure = [&] { ++first; };
  CommunicatorOptions joining = options_with();
  joining.on_failure = [&] { ++second; };
  const auto alone = thread_bootstraps(1, 20);
  std::weak_ptr<detail::Context> shared;
  Communicator one(*alone[0], options, shared);
  try {
    Communicator other(*alone[0], joining, shared);
    EXPECT_EQ(first + second, 0);
    throw 1;
  } catch (int) {
  }
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 1);
  EXPECT_THROW(one.barrier(), CollectiveError);
}

TEST(Failure, after_an_error_every_call_throws_the_first_cause) {
  errors_of(2, options_with(), [](Communicator& comm) {
    std::vector<float> x(comm.rank() == Rank(0) ? 10 : 20);
    std::string first, second;
    try {
      all_reduce(comm, x, ReduceKind::Sum);
    } catch (const CollectiveError& error) {
      first = error.what();
    }
    try {
      comm.barrier();
    } catch (const CollectiveError& error) {
      second = error.what();
      EXPECT_EQ(first, second);
      throw;
    }
  });
}

TEST(Closed, calls_after_close_say_so) {
  expect_kind(ErrorKind::Closed, [](Communicator& comm) {
    comm.close();
    comm.close();
    comm.barrier();
  });
}

}  // namespace
}  // namespace rlx::test
