// The hybrid transport among processes, as jobs have it.

#include "tests/transports/hybrid/shapes.hpp"
#include "tests/transports/transport_suite.hpp"

namespace rlx::test {

namespace {

TransportCase on(std::string name, std::string nodes) {
  return {std::move(name),
          [nodes](const TransportSetup& setup) { return make_on_nodes(setup, nodes); },
          RankKind::processes};
}

INSTANTIATE_TEST_SUITE_P(HybridProcesses, TransportSuite,
                         testing::Values(on("two_and_two_crosswise", "0,1,1,0")), case_name);

}  // namespace

}  // namespace rlx::test
