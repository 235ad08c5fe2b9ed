#include "collectives/algorithms.hpp"

#include <algorithm>
#include <array>

namespace rlx::collectives {

// What the file of each algorithm defines.
// clang-format off
namespace all_reduce::ring { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace all_reduce::circulant { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace all_reduce::double_binary_tree { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace all_gather::ring { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace all_gather::bruck { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace reduce_scatter::ring { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace reduce_scatter::circulant { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace barrier::dissemination { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
// clang-format on

namespace {

constexpr bool kExposes = true;

constexpr std::array kAlgorithms{
    Algorithm{Collective::all_reduce, "ring",
              "reduce_scatter and all_gather round a ring; long vectors, few ranks",
              "Patarasu and Yuan, Bandwidth optimal all-reduce algorithms, JPDC 2009",
              all_reduce::ring::generate, all_reduce::ring::cost, all_reduce::ring::supports,
              kExposes},
    Algorithm{Collective::all_reduce, "circulant",
              "fewest bytes in 2 ceil(log2 p) rounds for any p; short and middling vectors",
              "Traff, Optimal, Non-pipelined Reduce-scatter and Allreduce, arXiv 2410.14234",
              all_reduce::circulant::generate, all_reduce::circulant::cost,
              all_reduce::circulant::supports},
    Algorithm{Collective::all_reduce, "double_binary_tree",
              "two trees, each over half the vector, pieces in flight; many ranks",
              "Sanders, Speck and Traff, Two-tree algorithms, Parallel Computing 2009",
              all_reduce::double_binary_tree::generate, all_reduce::double_binary_tree::cost,
              all_reduce::double_binary_tree::supports},
    Algorithm{Collective::all_gather, "ring",
              "from output to output round a ring, no scratch; long blocks, few ranks",
              "Chan, Heimlich, Purkayastha and van de Geijn, Collective communication, 2007",
              all_gather::ring::generate, all_gather::ring::cost, all_gather::ring::supports,
              kExposes},
    Algorithm{Collective::all_gather, "bruck",
              "ceil(log2 p) rounds for any p, through scratch; short blocks",
              "Bruck et al., Efficient algorithms for all-to-all communications, TPDS 1997",
              all_gather::bruck::generate, all_gather::bruck::cost, all_gather::bruck::supports},
    Algorithm{
        Collective::reduce_scatter, "ring", "sums travel round a ring; long blocks, few ranks",
        "Patarasu and Yuan, Bandwidth optimal all-reduce algorithms, JPDC 2009",
        reduce_scatter::ring::generate, reduce_scatter::ring::cost, reduce_scatter::ring::supports},
    Algorithm{Collective::reduce_scatter, "circulant",
              "fewest bytes in ceil(log2 p) rounds for any p; short and middling blocks",
              "Traff, Optimal, Non-pipelined Reduce-scatter and Allreduce, arXiv 2410.14234",
              reduce_scatter::circulant::generate, reduce_scatter::circulant::cost,
              reduce_scatter::circulant::supports},
    Algorithm{Collective::barrier, "dissemination", "ceil(log2 p) rounds of signals for any p",
              "Hensgen, Finkel and Manber, Two algorithms for barrier synchronization, 1988",
              barrier::dissemination::generate, barrier::dissemination::cost,
              barrier::dissemination::supports},
};

}  // namespace

std::span<const Algorithm> algorithms() { return kAlgorithms; }

const Algorithm* find_algorithm(Collective collective, std::string_view name) {
  const auto found =
      std::find_if(kAlgorithms.begin(), kAlgorithms.end(), [&](const Algorithm& algorithm) {
        return algorithm.collective == collective && algorithm.name == name;
      });
  return found == kAlgorithms.end() ? nullptr : &*found;
}

}  // namespace rlx::collectives
