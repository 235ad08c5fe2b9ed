#include "collectives/algorithms.hpp"

#include <algorithm>
#include <array>

namespace rlx::collectives {

// What the file of each algorithm defines.
// clang-format off
namespace all_reduce::ring { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace all_reduce::circulant { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace all_reduce::double_binary_tree { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace all_reduce::exchange { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace all_reduce::bidirectional_ring { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace all_reduce::multi_ring { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace all_reduce::k_port { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace all_reduce::doubling { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace all_reduce::doubling_line { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace all_reduce::k_ary { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace all_reduce::k_ary_line { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace all_reduce::lines { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace all_reduce::slots { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace all_reduce::slots_in_groups { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace all_reduce::one_shot { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace all_reduce::two_shot { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace all_reduce::two_shot_slots { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace all_gather::ring { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace all_gather::bruck { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace all_gather::bidirectional_ring { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace all_gather::k_port { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace all_gather::lines { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace all_gather::slots { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace all_gather::pull { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace all_gather::push { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace all_gather::spread { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace reduce_scatter::ring { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace reduce_scatter::circulant { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace reduce_scatter::exchange { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace reduce_scatter::bidirectional_ring { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace reduce_scatter::k_port { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace reduce_scatter::lines { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace reduce_scatter::line { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace reduce_scatter::one_shot { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace barrier::dissemination { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace barrier::flags { Schedule generate(const Group&); Cost cost(std::uint32_t); bool supports(std::uint32_t); }
namespace all_reduce::nodes_ring { Schedule generate(const Group&); Cost cost(const Group&); bool supports(const Group&); }
namespace all_reduce::nodes_circulant { Schedule generate(const Group&); Cost cost(const Group&); bool supports(const Group&); }
namespace all_reduce::leaders { Schedule generate(const Group&); Cost cost(const Group&); bool supports(const Group&); }
namespace all_reduce::leaders_line { Schedule generate(const Group&); Cost cost(const Group&); bool supports(const Group&); }
namespace all_gather::by_nodes { Schedule generate(const Group&); Cost cost(const Group&); bool supports(const Group&); }
namespace all_gather::leaders { Schedule generate(const Group&); Cost cost(const Group&); bool supports(const Group&); }
namespace reduce_scatter::by_nodes { Schedule generate(const Group&); Cost cost(const Group&); bool supports(const Group&); }
namespace reduce_scatter::leaders { Schedule generate(const Group&); Cost cost(const Group&); bool supports(const Group&); }
namespace barrier::leaders { Schedule generate(const Group&); Cost cost(const Group&); bool supports(const Group&); }
// clang-format on

namespace {

// Of algorithms to which only the number of ranks matters.
template <Cost (*kCost)(std::uint32_t)>
Cost of_size(const Group& group) {
  return kCost(group.size);
}
template <bool (*kSupports)(std::uint32_t)>
bool on_size(const Group& group) {
  return kSupports(group.size);
}

constexpr Needs kExposesOutput{.exposes = Exposure::output};
constexpr Needs kNetwork{.network = true};
constexpr Needs kNetworkExposesOutput{.exposes = Exposure::output, .network = true};
constexpr Needs kMapped{.reach = Reach::load_store};
constexpr Needs kReadsInputs{.reach = Reach::load_store, .exposes = Exposure::input};
constexpr Needs kCopiesInputs{
    .reach = Reach::load_store, .exposes = Exposure::input, .copies = true};
constexpr Needs kReadsInputsApart{
    .reach = Reach::load_store, .exposes = Exposure::input, .apart = true};
constexpr Needs kStoresOutputs{.reach = Reach::load_store, .exposes = Exposure::output};
constexpr Needs kMappedBoth{.reach = Reach::load_store, .exposes = Exposure::both};

constexpr Needs kNodes{.reach = Reach::nodes};
constexpr Needs kNodesReadInputs{.reach = Reach::nodes, .exposes = Exposure::input};
constexpr Needs kNodesBoth{.reach = Reach::nodes, .exposes = Exposure::both};

constexpr std::array kAlgorithms{
    Algorithm{Collective::all_reduce, "ring",
              "reduce_scatter and all_gather round a ring; long vectors, few ranks",
              "Patarasu and Yuan, Bandwidth optimal all-reduce algorithms, JPDC 2009",
              all_reduce::ring::generate, of_size<all_reduce::ring::cost>,
              on_size<all_reduce::ring::supports>, kExposesOutput},
    Algorithm{Collective::all_reduce, "circulant",
              "fewest bytes in 2 ceil(log2 p) rounds for any p; short and middling vectors",
              "Traff, Optimal, Non-pipelined Reduce-scatter and Allreduce, arXiv 2410.14234",
              all_reduce::circulant::generate, of_size<all_reduce::circulant::cost>,
              on_size<all_reduce::circulant::supports>},
    Algorithm{Collective::all_reduce, "double_binary_tree",
              "two trees, each over half the vector, pieces in flight; many ranks",
              "Sanders, Speck and Traff, Two-tree algorithms, Parallel Computing 2009",
              all_reduce::double_binary_tree::generate,
              of_size<all_reduce::double_binary_tree::cost>,
              on_size<all_reduce::double_binary_tree::supports>},
    Algorithm{Collective::all_reduce, "exchange",
              "everybody sends everybody everything; the shortest vectors of few ranks",
              "Chan, Heimlich, Purkayastha and van de Geijn, Collective communication, 2007",
              all_reduce::exchange::generate, of_size<all_reduce::exchange::cost>,
              on_size<all_reduce::exchange::supports>},
    Algorithm{Collective::all_reduce, "bidirectional_ring",
              "half way round a ring from either side; long vectors, any number of ranks",
              "Jain and Sabharwal, Optimal bucket algorithms for large MPI collectives, ICS 2010",
              all_reduce::bidirectional_ring::generate,
              of_size<all_reduce::bidirectional_ring::cost>,
              on_size<all_reduce::bidirectional_ring::supports>, kNetworkExposesOutput},
    Algorithm{Collective::all_reduce, "multi_ring",
              "rings of several strides, a lane each; by name, for ranks with several links",
              "Jain and Sabharwal, Optimal bucket algorithms for large MPI collectives, ICS 2010",
              all_reduce::multi_ring::generate, of_size<all_reduce::multi_ring::cost>,
              on_size<all_reduce::multi_ring::supports>, kNetworkExposesOutput},
    Algorithm{Collective::all_reduce, "k_port",
              "the circulant in ceil(log8 p) rounds each way, where messages cost less than rounds",
              "Traff, Optimal, Non-pipelined Reduce-scatter and Allreduce, arXiv 2410.14234",
              all_reduce::k_port::generate, of_size<all_reduce::k_port::cost>,
              on_size<all_reduce::k_port::supports>, kNetwork},
    Algorithm{
        Collective::all_reduce, "doubling",
        "recursive doubling, and tripling; short vectors, where messages cost as much as rounds",
        "Ruefenacht, Bull and Booth, Generalisation of recursive doubling, Parallel Computing 2017",
        all_reduce::doubling::generate, of_size<all_reduce::doubling::cost>,
        on_size<all_reduce::doubling::supports>, kNetwork},
    Algorithm{
        Collective::all_reduce, "doubling_line", "the same in the lines of signals; up to 56 bytes",
        "Ruefenacht, Bull and Booth, Generalisation of recursive doubling, Parallel Computing 2017",
        all_reduce::doubling_line::generate, of_size<all_reduce::doubling_line::cost>,
        on_size<all_reduce::doubling_line::supports>, kNetwork},
    Algorithm{
        Collective::all_reduce, "k_ary",
        "recursive exchange, radices to 8; short vectors, where messages cost less than rounds",
        "Ruefenacht, Bull and Booth, Generalisation of recursive doubling, Parallel Computing 2017",
        all_reduce::k_ary::generate, of_size<all_reduce::k_ary::cost>,
        on_size<all_reduce::k_ary::supports>, kNetwork},
    Algorithm{
        Collective::all_reduce, "k_ary_line", "the same in the lines of signals; up to 56 bytes",
        "Ruefenacht, Bull and Booth, Generalisation of recursive doubling, Parallel Computing 2017",
        all_reduce::k_ary_line::generate, of_size<all_reduce::k_ary_line::cost>,
        on_size<all_reduce::k_ary_line::supports>, kNetwork},
    Algorithm{Collective::all_reduce, "lines",
              "data and signals in lines that all read; some hundred bytes on a node",
              "the LL protocol of NCCL: data and flag are stored together",
              all_reduce::lines::generate, of_size<all_reduce::lines::cost>,
              on_size<all_reduce::lines::supports>, kMapped},
    Algorithm{Collective::all_reduce, "slots",
              "a slot of each rank that all read; to some KiB on a node",
              "Graham and Shipman, MPI Support for Multi-core Architectures, EuroPVM/MPI 2008",
              all_reduce::slots::generate, of_size<all_reduce::slots::cost>,
              on_size<all_reduce::slots::supports>, kMapped},
    Algorithm{Collective::all_reduce, "slots_in_groups",
              "the same in two levels; to some KiB, many ranks of a node",
              "Li, Hoefler and Snir, NUMA-aware Shared-memory Collective Communication, HPDC 2013",
              all_reduce::slots_in_groups::generate, of_size<all_reduce::slots_in_groups::cost>,
              on_size<all_reduce::slots_in_groups::supports>, kMapped},
    Algorithm{Collective::all_reduce, "one_shot",
              "every rank reads all inputs in place; middling vectors, few ranks of a node",
              "the all-pairs kernels of MSCCL++", all_reduce::one_shot::generate,
              of_size<all_reduce::one_shot::cost>, on_size<all_reduce::one_shot::supports>,
              kReadsInputsApart},
    Algorithm{Collective::all_reduce, "two_shot",
              "each adds up one part and stores it to all; long vectors on a node",
              "the all-pairs kernels of MSCCL++", all_reduce::two_shot::generate,
              of_size<all_reduce::two_shot::cost>, on_size<all_reduce::two_shot::supports>,
              kMappedBoth},
    Algorithm{Collective::all_reduce, "two_shot_slots",
              "the same through scratch; long private vectors on a node",
              "Jain et al., Framework for Scalable Intra-node Collective Operations, SC 2018",
              all_reduce::two_shot_slots::generate, of_size<all_reduce::two_shot_slots::cost>,
              on_size<all_reduce::two_shot_slots::supports>, kMapped},
    Algorithm{
        Collective::all_reduce, "nodes_ring",
        "each rank a part on its node, rings of nodes for each part; long vectors, several nodes",
        "Traff and Hunold, Decomposing MPI collectives for multi-lane communication, CLUSTER 2020",
        all_reduce::nodes_ring::generate, all_reduce::nodes_ring::cost,
        all_reduce::nodes_ring::supports, kNodesBoth},
    Algorithm{
        Collective::all_reduce, "nodes_circulant",
        "the same with 2 ceil(log2 N) rounds between nodes; middling vectors, many nodes",
        "Traff and Hunold, Decomposing MPI collectives for multi-lane communication, CLUSTER 2020",
        all_reduce::nodes_circulant::generate, all_reduce::nodes_circulant::cost,
        all_reduce::nodes_circulant::supports, kNodesBoth},
    Algorithm{Collective::all_reduce, "leaders",
              "one rank of each node speaks for it; short vectors, several nodes",
              "Luo et al., HAN: a hierarchical autotuned collective communication framework, "
              "CLUSTER 2020",
              all_reduce::leaders::generate, all_reduce::leaders::cost,
              all_reduce::leaders::supports, kNodes},
    Algorithm{Collective::all_reduce, "leaders_line",
              "the same in the lines of signals; up to 56 bytes",
              "Luo et al., HAN: a hierarchical autotuned collective communication framework, "
              "CLUSTER 2020",
              all_reduce::leaders_line::generate, all_reduce::leaders_line::cost,
              all_reduce::leaders_line::supports, kNodes},
    Algorithm{Collective::all_gather, "ring",
              "from output to output round a ring, no scratch; long blocks, few ranks",
              "Chan, Heimlich, Purkayastha and van de Geijn, Collective communication, 2007",
              all_gather::ring::generate, of_size<all_gather::ring::cost>,
              on_size<all_gather::ring::supports>, kExposesOutput},
    Algorithm{Collective::all_gather, "bruck",
              "ceil(log2 p) rounds for any p, through scratch; short blocks",
              "Bruck et al., Efficient algorithms for all-to-all communications, TPDS 1997",
              all_gather::bruck::generate, of_size<all_gather::bruck::cost>,
              on_size<all_gather::bruck::supports>},
    Algorithm{Collective::all_gather, "bidirectional_ring",
              "half way round a ring from either side; long blocks, any number of ranks",
              "Jain and Sabharwal, Optimal bucket algorithms for large MPI collectives, ICS 2010",
              all_gather::bidirectional_ring::generate,
              of_size<all_gather::bidirectional_ring::cost>,
              on_size<all_gather::bidirectional_ring::supports>, kNetworkExposesOutput},
    Algorithm{Collective::all_gather, "k_port",
              "bruck in ceil(log8 p) rounds, where messages cost less than rounds; short blocks",
              "Bruck et al., Efficient algorithms for all-to-all communications, TPDS 1997",
              all_gather::k_port::generate, of_size<all_gather::k_port::cost>,
              on_size<all_gather::k_port::supports>, kNetwork},
    Algorithm{Collective::all_gather, "lines",
              "data and signals in lines that all read; some hundred bytes on a node",
              "the LL protocol of NCCL: data and flag are stored together",
              all_gather::lines::generate, of_size<all_gather::lines::cost>,
              on_size<all_gather::lines::supports>, kMapped},
    Algorithm{Collective::all_gather, "slots",
              "a slot of each rank that all read; short blocks on a node",
              "Graham and Shipman, MPI Support for Multi-core Architectures, EuroPVM/MPI 2008",
              all_gather::slots::generate, of_size<all_gather::slots::cost>,
              on_size<all_gather::slots::supports>, kMapped},
    Algorithm{Collective::all_gather, "pull",
              "every rank reads all blocks in place; middling blocks on a node",
              "the all-pairs kernels of MSCCL++", all_gather::pull::generate,
              of_size<all_gather::pull::cost>, on_size<all_gather::pull::supports>, kCopiesInputs},
    Algorithm{Collective::all_gather, "push",
              "every rank stores its block to all outputs; long blocks on a node",
              "the all-pairs kernels of MSCCL++", all_gather::push::generate,
              of_size<all_gather::push::cost>, on_size<all_gather::push::supports>, kStoresOutputs},
    Algorithm{Collective::all_gather, "spread",
              "the same in one pass over the block; the longest blocks on a node",
              "the all-pairs kernels of MSCCL++", all_gather::spread::generate,
              of_size<all_gather::spread::cost>, on_size<all_gather::spread::supports>,
              kStoresOutputs},
    Algorithm{
        Collective::all_gather, "by_nodes",
        "each block to each node once, and from there to its ranks; long blocks, several nodes",
        "Traff and Hunold, Decomposing MPI collectives for multi-lane communication, CLUSTER 2020",
        all_gather::by_nodes::generate, all_gather::by_nodes::cost, all_gather::by_nodes::supports,
        kNodesBoth},
    Algorithm{Collective::all_gather, "leaders",
              "one rank of each node speaks for it; short blocks, several nodes",
              "Luo et al., HAN: a hierarchical autotuned collective communication framework, "
              "CLUSTER 2020",
              all_gather::leaders::generate, all_gather::leaders::cost,
              all_gather::leaders::supports, kNodes},
    Algorithm{Collective::reduce_scatter, "ring",
              "sums travel round a ring; long blocks, few ranks",
              "Patarasu and Yuan, Bandwidth optimal all-reduce algorithms, JPDC 2009",
              reduce_scatter::ring::generate, of_size<reduce_scatter::ring::cost>,
              on_size<reduce_scatter::ring::supports>},
    Algorithm{Collective::reduce_scatter, "circulant",
              "fewest bytes in ceil(log2 p) rounds for any p; short and middling blocks",
              "Traff, Optimal, Non-pipelined Reduce-scatter and Allreduce, arXiv 2410.14234",
              reduce_scatter::circulant::generate, of_size<reduce_scatter::circulant::cost>,
              on_size<reduce_scatter::circulant::supports>},
    Algorithm{Collective::reduce_scatter, "exchange",
              "everybody sends each its block; short blocks of few ranks",
              "Chan, Heimlich, Purkayastha and van de Geijn, Collective communication, 2007",
              reduce_scatter::exchange::generate, of_size<reduce_scatter::exchange::cost>,
              on_size<reduce_scatter::exchange::supports>},
    Algorithm{Collective::reduce_scatter, "bidirectional_ring",
              "half way round a ring from either side; long blocks, any number of ranks",
              "Jain and Sabharwal, Optimal bucket algorithms for large MPI collectives, ICS 2010",
              reduce_scatter::bidirectional_ring::generate,
              of_size<reduce_scatter::bidirectional_ring::cost>,
              on_size<reduce_scatter::bidirectional_ring::supports>, kNetwork},
    Algorithm{Collective::reduce_scatter, "k_port",
              "the circulant in ceil(log8 p) rounds, where messages cost less than rounds",
              "Traff, Optimal, Non-pipelined Reduce-scatter and Allreduce, arXiv 2410.14234",
              reduce_scatter::k_port::generate, of_size<reduce_scatter::k_port::cost>,
              on_size<reduce_scatter::k_port::supports>, kNetwork},
    Algorithm{Collective::reduce_scatter, "line",
              "a block in the line of its signal; up to 56 bytes",
              "the LL protocol of NCCL: data and flag are stored together",
              reduce_scatter::line::generate, of_size<reduce_scatter::line::cost>,
              on_size<reduce_scatter::line::supports>},
    Algorithm{Collective::reduce_scatter, "lines",
              "data and signals in lines that are fetched; some hundred bytes on a node",
              "the LL protocol of NCCL: data and flag are stored together",
              reduce_scatter::lines::generate, of_size<reduce_scatter::lines::cost>,
              on_size<reduce_scatter::lines::supports>, kMapped},
    Algorithm{Collective::reduce_scatter, "one_shot",
              "every rank reads its block of all inputs in place; long blocks on a node",
              "the all-pairs kernels of MSCCL++", reduce_scatter::one_shot::generate,
              of_size<reduce_scatter::one_shot::cost>, on_size<reduce_scatter::one_shot::supports>,
              kReadsInputs},
    Algorithm{
        Collective::reduce_scatter, "by_nodes",
        "sums of nodes straight to their ranks; long blocks, several nodes",
        "Traff and Hunold, Decomposing MPI collectives for multi-lane communication, CLUSTER 2020",
        reduce_scatter::by_nodes::generate, reduce_scatter::by_nodes::cost,
        reduce_scatter::by_nodes::supports, kNodesReadInputs},
    Algorithm{Collective::reduce_scatter, "leaders",
              "one rank of each node speaks for it; short blocks, several nodes",
              "Luo et al., HAN: a hierarchical autotuned collective communication framework, "
              "CLUSTER 2020",
              reduce_scatter::leaders::generate, reduce_scatter::leaders::cost,
              reduce_scatter::leaders::supports, kNodesReadInputs},
    Algorithm{Collective::barrier, "dissemination", "ceil(log2 p) rounds of signals for any p",
              "Hensgen, Finkel and Manber, Two algorithms for barrier synchronization, 1988",
              barrier::dissemination::generate, of_size<barrier::dissemination::cost>,
              on_size<barrier::dissemination::supports>},
    Algorithm{Collective::barrier, "flags",
              "every rank publishes one word and awaits all others; on a node",
              "Graham and Shipman, MPI Support for Multi-core Architectures, EuroPVM/MPI 2008",
              barrier::flags::generate, of_size<barrier::flags::cost>,
              on_size<barrier::flags::supports>, kMapped},
    Algorithm{Collective::barrier, "leaders", "one rank of each node speaks for it; several nodes",
              "Luo et al., HAN: a hierarchical autotuned collective communication framework, "
              "CLUSTER 2020",
              barrier::leaders::generate, barrier::leaders::cost, barrier::leaders::supports,
              kNodes},
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
