#pragma once
// A communicator from MPI: the one header of rlx, with what belongs to it, that includes MPI. It is
// header-only over the Bootstrap interface, so librlx links no MPI and works with any. MPI is used
// while wiring and never again: it may be finalised while the communicator lives on.
// MPI_THREAD_SINGLE is enough.

#ifndef OMPI_SKIP_MPICXX
#define OMPI_SKIP_MPICXX 1
#endif
#ifndef MPICH_SKIP_MPICXX
#define MPICH_SKIP_MPICXX 1
#endif
#include <mpi.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "rlx/communicator.hpp"
#include "rlx/error.hpp"
#include "rlx/mpi_bootstrap.hpp"
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

/// A rank of an MPI communicator, and its place among those that share its node.
struct Place {
  std::uint32_t rank = 0;
  std::uint32_t local_rank = 0;
  std::uint32_t local_ranks = 1;
};

/// Collective over `comm`; for choosing a device: closest_device(DeviceKind::vulkan,
/// place.local_rank, place.local_ranks). MPI is initialised as by communicator(), which says what
/// is thrown.
[[nodiscard]] inline Place place_of(MPI_Comm comm = MPI_COMM_WORLD) {
  detail::Library::instance().ensure_initialised();
  detail::check_usable(comm);
  MPI_Comm node = MPI_COMM_NULL;
  MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
  int rank = 0, local_rank = 0, local_ranks = 1;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_rank(node, &local_rank);
  MPI_Comm_size(node, &local_ranks);
  MPI_Comm_free(&node);
  return {static_cast<std::uint32_t>(rank), static_cast<std::uint32_t>(local_rank),
          static_cast<std::uint32_t>(local_ranks)};
}

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
