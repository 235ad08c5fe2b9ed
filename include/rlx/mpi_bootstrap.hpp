#pragma once
// The bootstrap over an MPI communicator. Part of rlx/mpi.hpp.

#ifndef OMPI_SKIP_MPICXX
#define OMPI_SKIP_MPICXX 1
#endif
#ifndef MPICH_SKIP_MPICXX
#define MPICH_SKIP_MPICXX 1
#endif
#include <mpi.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "rlx/bootstrap.hpp"
#include "rlx/error.hpp"
#include "rlx/node_memory.hpp"

namespace rlx::mpi::detail {

inline void check(int code, const char* phase) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw CollectiveError(ErrorKind::Launch, phase, std::string("MPI says: ") + text);
}

/// Who is on my node, and who speaks for the others. What is gathered from ranks of several nodes
/// goes through one rank of each.
struct CommNodes {
  MPI_Comm mine = MPI_COMM_NULL;
  MPI_Comm leaders = MPI_COMM_NULL;  ///< on the first rank of each node
  int count = 1;
  int mates = 1;  ///< of my node, with me
  // On leaders: by node in the order of `leaders`, its ranks, and all of them one after the other.
  std::vector<int> sizes;
  std::vector<int> ranks;
};

/// How a bootstrap groups ranks; for tests.
struct Grouping {
  std::optional<int> node;                         ///< instead of the one that MPI knows
  std::size_t shared_from = std::size_t{1} << 20;  ///< bytes of a node's copies that are worth one
};

/// The functions over a duplicate of a communicator. Rank 0 keeps the time: when somebody is
/// missing it asks who is there and tells everybody the names.
class CommBootstrap final : public Bootstrap {
 public:
  CommBootstrap(MPI_Comm comm, double timeout_seconds, Grouping grouping = {})
      : timeout_(timeout_seconds), grouping_(grouping) {
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
    find_nodes();
  }
  CommBootstrap(const CommBootstrap&) = delete;
  CommBootstrap& operator=(const CommBootstrap&) = delete;

  /// Frees the duplicate. Collective, and only after success: otherwise it stays until the process
  /// ends, because operations on it may be in flight.
  void release() {
    for (MPI_Comm* comm : {&nodes_.leaders, &nodes_.mine, &comm_})
      if (*comm != MPI_COMM_NULL) check(MPI_Comm_free(comm), "MPI_Comm_free");
  }

  [[nodiscard]] Rank rank() const override { return Rank(static_cast<std::uint32_t>(rank_)); }
  [[nodiscard]] std::size_t size() const override { return static_cast<std::size_t>(size_); }

  void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) override {
    constexpr const char* kPhase = "bootstrap all_gather";
    if (all.size() != mine.size() * size() || mine.size() > INT_MAX)
      throw CollectiveError(ErrorKind::LengthMismatch, kPhase,
                            std::to_string(all.size()) + " bytes for the result of " +
                                std::to_string(size()) + " ranks with " +
                                std::to_string(mine.size()) + " bytes each (at most 2^31 - 1)");
    if (goes_by_nodes(mine.size())) {
      gather_at_leader(mine, all);
      return send_to_mates(all);
    }
    const int count = static_cast<int>(mine.size());
    MPI_Request request = MPI_REQUEST_NULL;
    check(
        MPI_Iallgather(mine.data(), count, MPI_BYTE, all.data(), count, MPI_BYTE, comm_, &request),
        kPhase);
    await(request, kPhase);
  }

  /// One copy for all ranks of a node, where their own would be long together.
  [[nodiscard]] Gathered gather_shared(std::span<const std::byte> mine) override {
    const std::size_t bytes = mine.size() * size();
    if (!goes_by_nodes(mine.size()) ||
        bytes * static_cast<std::size_t>(nodes_.mates) < grouping_.shared_from)
      return Bootstrap::gather_shared(mine);
    std::optional<rlx::detail::NodeMemory> ours;
    if (leads()) ours.emplace(bytes);
    const bool has_memory = ours && ours->name().process != 0;
    std::vector<std::byte> aside(leads() && !has_memory ? bytes : 0);
    gather_at_leader(mine, has_memory ? ours->memory() : std::span(aside));
    if (auto shared = share(has_memory ? ours->name() : rlx::detail::NodeMemoryName{}))
      return {shared, std::span(shared.get(), bytes)};
    if (has_memory) aside.assign(ours->memory().begin(), ours->memory().end());
    aside.resize(bytes);
    send_to_mates(aside);
    return Gathered(std::move(aside));
  }

  void broadcast(std::span<std::byte> data) override {
    constexpr const char* kPhase = "bootstrap broadcast";
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Ibcast(data.data(), static_cast<int>(data.size()), MPI_BYTE, 0, comm_, &request),
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

  [[nodiscard]] bool leads() const { return nodes_.leaders != MPI_COMM_NULL; }
  [[nodiscard]] bool goes_by_nodes(std::size_t length) const {
    return nodes_.count > 1 && nodes_.count < size_ && length > 0 &&
           length * size() <= static_cast<std::size_t>(INT_MAX);
  }

  /// The splits block, but everybody has made the duplicate and passes a barrier here.
  void find_nodes() {
    constexpr const char* kPhase = "bootstrap nodes";
    if (size_ < 3) return;  // nothing to save
    barrier();
    check(grouping_.node ? MPI_Comm_split(comm_, *grouping_.node, rank_, &nodes_.mine)
                         : MPI_Comm_split_type(comm_, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL,
                                               &nodes_.mine),
          kPhase);
    int place = 0;
    MPI_Comm_rank(nodes_.mine, &place);
    MPI_Comm_size(nodes_.mine, &nodes_.mates);
    check(MPI_Comm_split(comm_, place == 0 ? 0 : MPI_UNDEFINED, rank_, &nodes_.leaders), kPhase);
    for (const MPI_Comm comm : {nodes_.mine, nodes_.leaders})
      if (comm != MPI_COMM_NULL) MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    std::vector<int> mates(static_cast<std::size_t>(leads() ? nodes_.mates : 0));
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Igather(&rank_, 1, MPI_INT, mates.data(), 1, MPI_INT, 0, nodes_.mine, &request),
          kPhase);
    await(request, kPhase);
    if (leads()) meet_leaders(mates);
    check(MPI_Ibcast(&nodes_.count, 1, MPI_INT, 0, nodes_.mine, &request), kPhase);
    await(request, kPhase);
  }

  void meet_leaders(const std::vector<int>& mates) {
    constexpr const char* kPhase = "bootstrap nodes";
    MPI_Comm_size(nodes_.leaders, &nodes_.count);
    nodes_.sizes.resize(static_cast<std::size_t>(nodes_.count));
    nodes_.ranks.resize(size());
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Iallgather(&nodes_.mates, 1, MPI_INT, nodes_.sizes.data(), 1, MPI_INT, nodes_.leaders,
                         &request),
          kPhase);
    await(request, kPhase);
    gather_among_leaders(mates.data(), nodes_.ranks.data(), 1, MPI_INT, kPhase);
  }

  /// `each` elements of every rank, those of a node together, in the order of `leaders`.
  void gather_among_leaders(const void* mine, void* all, int each, MPI_Datatype type,
                            const char* phase) {
    std::vector<int> counts;
    std::vector<int> places;
    int place = 0;
    for (const int ranks : nodes_.sizes) {
      counts.push_back(ranks * each);
      places.push_back(place);
      place += ranks * each;
    }
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Iallgatherv(mine, nodes_.mates * each, type, all, counts.data(), places.data(), type,
                          nodes_.leaders, &request),
          phase);
    await(request, phase);
  }

  /// Everybody's bytes in rank order, on each node's leader.
  void gather_at_leader(std::span<const std::byte> mine, std::span<std::byte> all) {
    constexpr const char* kPhase = "bootstrap all_gather";
    const int each = static_cast<int>(mine.size());
    std::vector<std::byte> node(leads() ? mine.size() * static_cast<std::size_t>(nodes_.mates) : 0);
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Igather(mine.data(), each, MPI_BYTE, node.data(), each, MPI_BYTE, 0, nodes_.mine,
                      &request),
          kPhase);
    await(request, kPhase);
    if (!leads()) return;
    std::vector<std::byte> by_node(mine.size() * size());
    gather_among_leaders(node.data(), by_node.data(), each, MPI_BYTE, kPhase);
    for (std::size_t i = 0; i < size(); ++i)
      std::memcpy(all.data() + static_cast<std::size_t>(nodes_.ranks[i]) * mine.size(),
                  by_node.data() + i * mine.size(), mine.size());
  }

  /// The leader's memory, where every rank of the node can map it; else nobody's.
  std::shared_ptr<const std::byte> share(rlx::detail::NodeMemoryName name) {
    constexpr const char* kPhase = "bootstrap all_gather";
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Ibcast(&name, sizeof name, MPI_BYTE, 0, nodes_.mine, &request), kPhase);
    await(request, kPhase);
    auto mapped = rlx::detail::open_node_memory(name);
    int here = mapped != nullptr ? 1 : 0;
    int everywhere = 0;
    check(MPI_Iallreduce(&here, &everywhere, 1, MPI_INT, MPI_MIN, nodes_.mine, &request), kPhase);
    await(request, kPhase);
    return everywhere != 0 ? mapped : nullptr;
  }

  void send_to_mates(std::span<std::byte> all) {
    constexpr const char* kPhase = "bootstrap all_gather";
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Ibcast(all.data(), static_cast<int>(all.size()), MPI_BYTE, 0, nodes_.mine, &request),
          kPhase);
    await(request, kPhase);
  }

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
  Grouping grouping_;
  CommNodes nodes_;
  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = -1;
  int size_ = 0;
  const char* phase_ = "bootstrap";
};

}  // namespace rlx::mpi::detail
