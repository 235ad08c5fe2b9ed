#include "tools/info/ranks.hpp"

#include <unistd.h>

#include <cstdlib>

#include "rlx/topology.hpp"
#include "tools/info/transport.hpp"
#ifdef RLX_HAVE_MPI
#include "rlx/mpi.hpp"
#endif

namespace rlx::info {
namespace {

Json my_row(int rank) {
  const Topology topology = Topology::discover();
  Json nodes = Json::array();
  for (const NumaNode& node : topology.numa_nodes) nodes.push_back(node.index);
  return {{"rank", rank},
          {"pid", getpid()},
          {"hostname", topology.hostname},
          {"cores", topology.cores},
          {"cpus", topology.cpus},
          {"numa_nodes", nodes},
          {"shared_memory", describe_shared_memory()}};
}

#ifdef RLX_HAVE_MPI
/// Rows as text, because MPI knows no JSON; every rank's in rank order on rank 0.
Json gather_rows(const std::string& mine, int rank, int size) {
  const int length = static_cast<int>(mine.size());
  std::vector<int> lengths(static_cast<std::size_t>(size));
  MPI_Gather(&length, 1, MPI_INT, lengths.data(), 1, MPI_INT, 0, MPI_COMM_WORLD);
  std::vector<int> starts(lengths.size());
  int total = 0;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    starts[i] = total;
    total += lengths[i];
  }
  std::string all(static_cast<std::size_t>(rank == 0 ? total : 0), ' ');
  MPI_Gatherv(mine.data(), length, MPI_CHAR, all.data(), lengths.data(), starts.data(), MPI_CHAR, 0,
              MPI_COMM_WORLD);
  Json rows = Json::array();
  for (std::size_t i = 0; rank == 0 && i < lengths.size(); ++i) {
    rows.push_back(Json::parse(
        all.substr(static_cast<std::size_t>(starts[i]), static_cast<std::size_t>(lengths[i]))));
  }
  return rows;
}

TransportSetup setup_over_mpi(int rank, int size) {
  TransportSetup setup;
  setup.rank = Rank(static_cast<std::uint32_t>(rank));
  setup.size = static_cast<std::size_t>(size);
  setup.exchange = [size](std::span<const std::byte> mine) {
    std::vector<std::byte> all(mine.size() * static_cast<std::size_t>(size));
    const int length = static_cast<int>(mine.size());
    MPI_Allgather(mine.data(), length, MPI_BYTE, all.data(), length, MPI_BYTE, MPI_COMM_WORLD);
    return all;
  };
  return setup;
}
#endif

}  // namespace

#ifdef RLX_HAVE_MPI
Job::Job() {
  const bool launched = std::getenv("PMIX_RANK") != nullptr || std::getenv("PMI_RANK") != nullptr;
  if (!launched) return;
  MPI_Init(nullptr, nullptr);
  is_mpi_ = true;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
  MPI_Comm_size(MPI_COMM_WORLD, &size_);
}

Job::~Job() {
  if (is_mpi_) MPI_Finalize();
}

Json Job::describe_ranks() const {
  if (is_mpi_) return gather_rows(my_row(rank_).dump(), rank_, size_);
  return Json::array({my_row(0)});
}

Json Job::describe_transports() const {
  if (size_ == 1) return nullptr;
  return gather_rows(describe_transport(setup_over_mpi(rank_, size_)).dump(), rank_, size_);
}
#else
Job::Job() = default;
Job::~Job() = default;
Json Job::describe_ranks() const { return Json::array({my_row(0)}); }
Json Job::describe_transports() const { return nullptr; }
#endif

}  // namespace rlx::info
