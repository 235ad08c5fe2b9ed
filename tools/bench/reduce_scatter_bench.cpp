#include "tools/bench/runner.hpp"

namespace rlx::bench {
namespace {

struct Calls {
  static void out_of_place(Communicator& comm, auto in, auto out, ReduceKind kind) {
    reduce_scatter(comm, in, out, kind);
  }
  static void in_place(Communicator& comm, auto x, ReduceKind kind) {
    reduce_scatter(comm, x, kind);
  }
};

struct Plans {
  static Plan out_of_place(Communicator& comm, auto in, auto out, ReduceKind kind) {
    return plan_reduce_scatter(comm, in, out, kind);
  }
  static Plan in_place(Communicator& comm, auto x, ReduceKind kind) {
    return plan_reduce_scatter(comm, x, kind);
  }
};

Shape shape(std::size_t whole, std::size_t ranks, Rank rank) {
  const std::size_t block = whole / ranks;
  return {.whole = whole, .send = whole, .recv_first = rank.index() * block, .recv = block};
}

}  // namespace

const CollectiveBench kReduceScatterBench = {.name = "reduce_scatter",
                                             .has_elements = true,
                                             .reduces = true,
                                             .by_blocks = true,
                                             .shape = shape,
                                             .bus_factor = share_of_others,
                                             .runner = select_function<Runner, Calls>,
                                             .planner = select_function<Planner, Plans>};

}  // namespace rlx::bench
