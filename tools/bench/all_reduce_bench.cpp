#include "tools/bench/runner.hpp"

namespace rlx::bench {
namespace {

struct Calls {
  static void out_of_place(Communicator& comm, auto in, auto out, ReduceKind kind) {
    all_reduce(comm, in, out, kind);
  }
  static void in_place(Communicator& comm, auto x, ReduceKind kind) { all_reduce(comm, x, kind); }
};

struct Plans {
  static Plan out_of_place(Communicator& comm, auto in, auto out, ReduceKind kind) {
    return plan_all_reduce(comm, in, out, kind);
  }
  static Plan in_place(Communicator& comm, auto x, ReduceKind kind) {
    return plan_all_reduce(comm, x, kind);
  }
};

Shape shape(std::size_t whole, std::size_t /*ranks*/, Rank /*rank*/) {
  return {.whole = whole, .send = whole, .recv = whole};
}

// Every rank sends and receives at least (n-1)/n of the vector twice: once reduced, once gathered.
double bus_factor(std::size_t ranks) {
  const auto n = static_cast<double>(ranks);
  return 2 * (n - 1) / n;
}

}  // namespace

const CollectiveBench kAllReduceBench = {.name = "all_reduce",
                                         .has_elements = true,
                                         .reduces = true,
                                         .by_blocks = false,
                                         .shape = shape,
                                         .bus_factor = bus_factor,
                                         .runner = select_function<Runner, Calls>,
                                         .planner = select_function<Planner, Plans>};

}  // namespace rlx::bench
