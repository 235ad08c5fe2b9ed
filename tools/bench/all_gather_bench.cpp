#include "tools/bench/runner.hpp"

namespace rlx::bench {
namespace {

struct Calls {
  static void out_of_place(Communicator& comm, auto in, auto out, ReduceKind /*kind*/) {
    all_gather(comm, in, out);
  }
  static void in_place(Communicator& comm, auto x, ReduceKind /*kind*/) { all_gather(comm, x); }
};

struct Plans {
  static Plan out_of_place(Communicator& comm, auto in, auto out, ReduceKind /*kind*/) {
    return plan_all_gather(comm, in, out);
  }
  static Plan in_place(Communicator& comm, auto x, ReduceKind /*kind*/) {
    return plan_all_gather(comm, x);
  }
};

Shape shape(std::size_t whole, std::size_t ranks, Rank rank) {
  const std::size_t block = whole / ranks;
  return {.whole = whole, .send_first = rank.index() * block, .send = block, .recv = whole};
}

}  // namespace

const CollectiveBench kAllGatherBench = {.name = "all_gather",
                                         .has_elements = true,
                                         .reduces = false,
                                         .by_blocks = true,
                                         .shape = shape,
                                         .bus_factor = share_of_others,
                                         .runner = select_function<Runner, Calls>,
                                         .planner = select_function<Planner, Plans>};

}  // namespace rlx::bench
