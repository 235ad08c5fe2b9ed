#include "rlx/collectives.hpp"
#include "tools/bench/collective_bench.hpp"

namespace rlx::bench {
namespace {

void run(Communicator& comm, const Operands& /*operands*/) { comm.barrier(); }

// A barrier has neither elements nor a place: both columns time the same call.
Runner runner(DType /*dtype*/, BufferKind /*buffers*/, Placement /*placement*/) { return run; }

Plan plan(Communicator& comm, const Operands& /*operands*/) { return detail::plan(comm, {}); }
Planner planner(DType /*dtype*/, BufferKind /*buffers*/, Placement /*placement*/) { return plan; }

Shape shape(std::size_t /*whole*/, std::size_t /*ranks*/, Rank /*rank*/) { return {}; }

double bus_factor(std::size_t /*ranks*/) { return 0; }

}  // namespace

const CollectiveBench kBarrierBench = {.name = "barrier",
                                       .has_elements = false,
                                       .reduces = false,
                                       .by_blocks = false,
                                       .shape = shape,
                                       .bus_factor = bus_factor,
                                       .runner = runner,
                                       .planner = planner};

}  // namespace rlx::bench
