#pragma once
// A communicator from MPI: the one header of rlx that includes MPI. It is header-only over the
// Bootstrap interface, so librlx links no MPI and works with any. MPI is used while wiring and
// never again: it may be finalised while the communicator lives on. MPI_THREAD_SINGLE is enough.

#ifndef OMPI_SKIP_MPICXX
#define OMPI_SKIP_MPICXX 1
#endif
#ifndef MPICH_SKIP_MPICXX
#define MPICH_SKIP_MPICXX 1
#endif
#include <mpi.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <climits>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "rlx/communicator.hpp"
#include "rlx/error.hpp"
#include "rlx/mpi_launcher.hpp"

namespace rlx::mpi {

namespace detail {

#if defined(OPEN_MPI)
inline constexpr Family kFamily = Family::open_mpi;
#else
inline constexpr Family kFamily = Family::other;
#endif

inline std::string library_name() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING] = {};
  int length = 0;
  MPI_Get_library_version(text, &length);
  const std::string name(text);
  return name.substr(0, name.find_first_of(",\n"));
}

/// MPI as far as rlx started it. One per process, made on first use, so that it is destroyed, and
/// MPI finalised, after everything that was made later.
class Library {
 public:
  static Library& instance() {
    static Library library;
    return library;
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  /// Initialises MPI unless somebody did.
  void ensure_initialised() {
    int finalised = 0;
    MPI_Finalized(&finalised);
    if (finalised != 0)
      throw CollectiveError(ErrorKind::Launch, "rlx::mpi::communicator",
                            "MPI has been finalised; make communicators before MPI_Finalize");
    int initialised = 0;
    MPI_Initialized(&initialised);
    const auto claim = launcher_claim(process_environment);
    if (initialised == 0) {
      if (!launcher_reachable(kFamily, process_environment))
        refuse_mismatch(claim, 1, library_name());
      MPI_Init(nullptr, nullptr);
      owner_ = getpid();
    }
    int world = 0;
    MPI_Comm_size(MPI_COMM_WORLD, &world);
    refuse_mismatch(claim, world, library_name());
  }

  /// The Context of the communicators made so far, for the next one to join.
  std::weak_ptr<rlx::detail::Context>& context() { return context_; }

  /// After a failure peers may be gone, and MPI_Finalize would wait for them for ever.
  void note_failure() noexcept { failed_.store(true, std::memory_order_relaxed); }

 private:
  Library() = default;
  ~Library() {
    if (owner_ != getpid() || failed_.load(std::memory_order_relaxed)) return;
    int finalised = 0;
    MPI_Finalized(&finalised);
    if (finalised == 0) MPI_Finalize();
  }

  pid_t owner_ = -1;  // the process that called MPI_Init; a forked child is another one
  std::atomic<bool> failed_{false};
  std::weak_ptr<rlx::detail::Context> context_;
};

inline void check(int code, const char* phase) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw CollectiveError(ErrorKind::Launch, phase, std::string("MPI says: ") + text);
}

/// The four functions over a duplicate of a communicator. Rank 0 keeps the time: when somebody is
/// missing it asks who is there and tells everybody the names.
class CommBootstrap final : public Bootstrap {
 public:
  CommBootstrap(MPI_Comm comm, double timeout_seconds) : timeout_(timeout_seconds) {
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Comm_idup(comm, &comm_, &request), "MPI_Comm_idup");
    if (!finishes(request, timeout_))
      throw CollectiveError(ErrorKind::Launch, "MPI_Comm_idup",
                            "not every rank of the MPI communicator called "
                            "rlx::mpi::communicator within " +
                                std::to_string(timeout_) + " s (RLX_STARTUP_TIMEOUT)");
    MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN);
    MPI_Comm_rank(comm_, &rank_);
    MPI_Comm_size(comm_, &size_);
  }
  CommBootstrap(const CommBootstrap&) = delete;
  CommBootstrap& operator=(const CommBootstrap&) = delete;

  /// Frees the duplicate. Collective, and only after success: otherwise it stays until the process
  /// ends, because operations on it may be in flight.
  void release() { check(MPI_Comm_free(&comm_), "MPI_Comm_free"); }

  [[nodiscard]] Rank rank() const override { return Rank(static_cast<std::uint32_t>(rank_)); }
  [[nodiscard]] std::size_t size() const override { return static_cast<std::size_t>(size_); }

  void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) override {
    constexpr const char* kPhase = "bootstrap all_gather";
    if (all.size() != mine.size() * size() || mine.size() > INT_MAX)
      throw CollectiveError(ErrorKind::LengthMismatch, kPhase,
                            std::to_string(all.size()) + " bytes for the result of " +
                                std::to_string(size()) + " ranks with " +
                                std::to_string(mine.size()) + " bytes each (at most 2^31 - 1)");
    const int count = static_cast<int>(mine.size());
    MPI_Request request = MPI_REQUEST_NULL;
    check(
        MPI_Iallgather(mine.data(), count, MPI_BYTE, all.data(), count, MPI_BYTE, comm_, &request),
        kPhase);
    await(request, kPhase);
  }

  void barrier() override {
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Ibarrier(comm_, &request), "bootstrap barrier");
    await(request, "bootstrap barrier");
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr double kPatience = 3;  // seconds for answers to rank 0's question
  enum Tag { kQuestion = 1, kAnswer = 2, kVerdict = 3 };

  static bool elapsed(Clock::time_point start, double seconds) {
    return std::chrono::duration<double>(Clock::now() - start).count() > seconds;
  }

  bool finishes(MPI_Request& request, double seconds) {
    for (const auto start = Clock::now(); !elapsed(start, seconds); std::this_thread::yield()) {
      int done = 0;
      check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
      if (done != 0) return true;
      if (rank_ > 0) answer();  // not while the duplicate itself is being made
    }
    return false;
  }

  void await(MPI_Request& request, const char* phase) {
    phase_ = phase;
    if (finishes(request, rank_ == 0 ? timeout_ : timeout_ + 2 * kPatience)) return;
    if (rank_ != 0) throw_missing({0});
    throw_missing(ask_around());
  }

  [[nodiscard]] bool pending(int source, Tag tag) const {
    int there = 0;
    check(MPI_Iprobe(source, tag, comm_, &there, MPI_STATUS_IGNORE), "MPI_Iprobe");
    return there != 0;
  }

  /// Another rank's part of the roll-call. Throws rank 0's verdict when it comes.
  void answer() {
    if (pending(0, kQuestion)) {
      MPI_Recv(nullptr, 0, MPI_BYTE, 0, kQuestion, comm_, MPI_STATUS_IGNORE);
      MPI_Send(nullptr, 0, MPI_BYTE, 0, kAnswer, comm_);
    }
    if (!pending(0, kVerdict)) return;
    std::vector<int> missing(size());
    MPI_Status status;
    int count = 0;
    MPI_Recv(missing.data(), size_, MPI_INT, 0, kVerdict, comm_, &status);
    MPI_Get_count(&status, MPI_INT, &count);
    missing.resize(static_cast<std::size_t>(count));
    throw_missing(missing);
  }

  /// Rank 0's part: who does not answer, and telling those who do. Empty messages to absent ranks
  /// are buffered by MPI; their requests are never waited for.
  std::vector<int> ask_around() {
    std::vector<bool> present(size(), false);
    present[0] = true;
    MPI_Request ignored = MPI_REQUEST_NULL;
    for (int r = 1; r < size_; ++r) MPI_Isend(nullptr, 0, MPI_BYTE, r, kQuestion, comm_, &ignored);
    for (const auto start = Clock::now(); !elapsed(start, kPatience); std::this_thread::yield()) {
      if (!pending(MPI_ANY_SOURCE, kAnswer)) continue;
      MPI_Status status;
      MPI_Recv(nullptr, 0, MPI_BYTE, MPI_ANY_SOURCE, kAnswer, comm_, &status);
      present[static_cast<std::size_t>(status.MPI_SOURCE)] = true;
    }
    std::vector<int> missing;
    for (int r = 0; r < size_; ++r)
      if (!present[static_cast<std::size_t>(r)]) missing.push_back(r);
    for (int r = 1; r < size_; ++r)
      if (present[static_cast<std::size_t>(r)])
        MPI_Send(missing.data(), static_cast<int>(missing.size()), MPI_INT, r, kVerdict, comm_);
    return missing;
  }

  [[noreturn]] void throw_missing(const std::vector<int>& missing) const {
    std::vector<Rank> ranks;
    std::string names;
    for (const int r : missing) {
      ranks.emplace_back(static_cast<std::uint32_t>(r));
      names += (names.empty() ? "" : ", ") + std::to_string(r);
    }
    throw CollectiveError(ErrorKind::Launch, phase_,
                          "rank(s) " + names + " did not arrive within " +
                              std::to_string(timeout_) + " s (RLX_STARTUP_TIMEOUT)",
                          ranks);
  }

  double timeout_;
  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = -1;
  int size_ = 0;
  const char* phase_ = "bootstrap";
};

inline void check_usable(MPI_Comm comm) {
  int inter = 0;
  if (comm != MPI_COMM_NULL) MPI_Comm_test_inter(comm, &inter);
  if (comm == MPI_COMM_NULL || inter != 0)
    throw CollectiveError(ErrorKind::InvalidArgument, "rlx::mpi::communicator",
                          comm == MPI_COMM_NULL
                              ? "MPI_COMM_NULL has no ranks; give a communicator of this process"
                              : "an inter-communicator has two groups; give an intra-communicator");
}

}  // namespace detail

/// The ranks of an MPI communicator, with the same numbers. Collective over it. MPI is initialised
/// when nobody has (and is then finalised when the process exits, unless a failure may have taken
/// peers away); a duplicate of `comm` is used while wiring and freed before this returns. A further
/// communicator of ranks that are all in one with each other already shares its connections and its
/// heap, so that a wait on either advances both, unless `options` ask for another device or Config.
/// Throws CollectiveError: Launch when the program was not started by this MPI's launcher, when MPI
/// has been finalised, or naming the phase and the ranks that did not arrive in time;
/// InvalidArgument for MPI_COMM_NULL and inter-communicators; and what wiring throws.
[[nodiscard]] inline Communicator communicator(MPI_Comm comm = MPI_COMM_WORLD,
                                               CommunicatorOptions options = {}) {
  detail::Library& library = detail::Library::instance();
  library.ensure_initialised();
  detail::check_usable(comm);
  options.on_failure = [theirs = std::move(options.on_failure), &library] {
    library.note_failure();
    if (theirs) theirs();
  };
  try {
    detail::CommBootstrap bootstrap(comm, options.config.startup_timeout);
    Communicator wired(bootstrap, std::move(options), library.context());
    bootstrap.release();
    return wired;
  } catch (...) {
    library.note_failure();
    throw;
  }
}

}  // namespace rlx::mpi
