#include "tools/info/budget.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "lib/communicator/communicator_state.hpp"
#include "rlx/error.hpp"
#include "tools/info/text.hpp"
#ifdef RLX_HAVE_MPI
#include "rlx/mpi.hpp"
#endif

namespace rlx::info {

#ifdef RLX_HAVE_MPI
namespace {

using detail::StartupPhase;

constexpr double kUsOfSecond = 1e6;

/// Of one start, the most of any rank.
struct Start {
  std::vector<StartupPhase> phases;
  double ranks = 0;

  [[nodiscard]] double us() const {
    return sum([](const auto& p) { return p.us; });
  }
  [[nodiscard]] double heap() const {
    return sum([](const auto& p) { return static_cast<double>(p.heap); });
  }
  [[nodiscard]] double exchanged() const {
    return sum([](const auto& p) { return static_cast<double>(p.bytes); });
  }

 private:
  template <class F>
  [[nodiscard]] double sum(F of) const {
    double all = 0;
    for (const StartupPhase& phase : phases) all += of(phase);
    return all;
  }
};

double most_of_all(double mine, MPI_Comm comm) {
  double most = 0;
  MPI_Allreduce(&mine, &most, 1, MPI_DOUBLE, MPI_MAX, comm);
  return most;
}

/// A communicator of its own context, for as long as it takes.
Start start_over(MPI_Comm comm) {
  Start start;
  int size = 0;
  MPI_Comm_size(comm, &size);
  start.ranks = size;
  {
    Communicator ranks = mpi::communicator(comm);
    start.phases = ranks.state().context().startup();
  }
  for (StartupPhase& phase : start.phases) {
    phase.us = most_of_all(phase.us, comm);
    phase.heap = static_cast<std::ptrdiff_t>(most_of_all(static_cast<double>(phase.heap), comm));
  }
  return start;
}

/// Bytes that only this process has.
double private_memory() {
  std::ifstream rollup("/proc/self/smaps_rollup");
  double kibibytes = 0;
  for (std::string key; rollup >> key;) {
    double value = 0;
    if (key.starts_with("Private_") && rollup >> value) kibibytes += value;
  }
  return kibibytes * 1024;
}

Json phases_of(const Start& start) {
  Json rows = Json::array();
  for (const StartupPhase& phase : start.phases)
    rows.push_back({{"name", phase.name},
                    {"us", phase.us},
                    {"exchanges", phase.exchanges},
                    {"bytes", phase.bytes},
                    {"shared", phase.shared},
                    {"heap", phase.heap}});
  return rows;
}

/// What one more rank adds: the slope between two starts.
double slope(double few, double many, const Start& half, const Start& all) {
  return std::max(0.0, (many - few) / (all.ranks - half.ranks));
}

}  // namespace

Json describe_budget(std::size_t ranks) {
  int rank = 0;
  int size = 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (size < 4)
    throw CollectiveError(ErrorKind::InvalidArgument, "rlx-info --budget",
                          fmt::format("{} rank(s) are too few to tell what each further one adds; "
                                      "start at least 4: mpirun -n 4 rlx-info --budget",
                                      size));
  MPI_Comm half = MPI_COMM_NULL;
  MPI_Comm_split(MPI_COMM_WORLD, rank < size / 2 ? 0 : 1, rank, &half);
  Start few;
  Start many;
  for (int time = 0; time < 2; ++time) {  // the first pays for libraries that load
    few = start_over(half);
    MPI_Barrier(MPI_COMM_WORLD);
    many = start_over(MPI_COMM_WORLD);
  }
  MPI_Comm_free(&half);
  const double heap_each = slope(few.heap(), many.heap(), few, many);
  const double exchanged_each = slope(few.exchanged(), many.exchanged(), few, many);
  const double us_each = slope(few.us(), many.us(), few, many);
  const double more = static_cast<double>(ranks) - many.ranks;
  return {{"ranks", size},
          {"phases", phases_of(many)},
          {"us", many.us()},
          {"heap", many.heap()},
          {"private_memory", most_of_all(private_memory(), MPI_COMM_WORLD)},
          {"heap_per_rank", heap_each},
          {"exchanged_per_rank", exchanged_each},
          {"us_per_rank", us_each},
          {"at",
           {{"ranks", ranks},
            {"heap", many.heap() + more * heap_each},
            {"exchanged", many.exchanged() + more * exchanged_each},
            {"seconds", (many.us() + more * us_each) / kUsOfSecond}}}};
}
#else
Json describe_budget(std::size_t) {
  throw CollectiveError(ErrorKind::Unsupported, "rlx-info --budget",
                        "this rlx-info was built without MPI, whose ranks it would start");
}
#endif

std::string render_budget(const Json& budget) {
  const auto bytes = [](const Json& value) {
    return bytes_text(static_cast<std::uint64_t>(std::max(0.0, value.get<double>())));
  };
  std::vector<std::vector<std::string>> rows = {
      {"PHASE", "US (SLOWEST)", "EXCHANGES", "RECEIVED", "ONCE A NODE", "C HEAP"}};
  for (const Json& phase : budget["phases"])
    rows.push_back({phase["name"].get<std::string>(),
                    fmt::format("{:.0f}", phase["us"].get<double>()), phase["exchanges"].dump(),
                    bytes(phase["bytes"]), bytes(phase["shared"]), bytes(phase["heap"])});
  const Json& at = budget["at"];
  return fmt::format(
      "start of {} ranks: {:.0f} us; each rank has {} of memory of its own\n{}"
      "each further rank, on every rank: {:.0f} bytes of C heap, {:.0f} bytes exchanged, {:.0f} "
      "us\n"
      "with {} ranks: {} of C heap and {} exchanged on each, {:.1f} s, if all of it grows evenly\n",
      budget["ranks"].dump(), budget["us"].get<double>(), bytes(budget["private_memory"]),
      aligned(rows, 2), budget["heap_per_rank"].get<double>(),
      budget["exchanged_per_rank"].get<double>(), budget["us_per_rank"].get<double>(),
      at["ranks"].dump(), bytes(at["heap"]), bytes(at["exchanged"]), at["seconds"].get<double>());
}

}  // namespace rlx::info
