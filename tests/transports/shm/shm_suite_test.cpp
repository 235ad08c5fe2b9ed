// The shared-memory transport in the conformance suite: among processes, among threads of one, and
// under the decorator that does whatever is permitted.

#include "tests/transports/transport_suite.hpp"
#include "transports/faulty/faulty_transport.hpp"
#include "transports/shm/shm_transport.hpp"

namespace rlx {

namespace {

std::unique_ptr<SymmetricTransport> make_faulty_shm(const TransportSetup& setup) {
  return make_faulty(make_shm(setup), "reorder,jitter=200us,busy=0.1,late,seed=5");
}

INSTANTIATE_TEST_SUITE_P(
    Shm, TransportSuite,
    testing::Values(test::TransportCase{"processes", make_shm, test::RankKind::processes},
                    test::TransportCase{"threads", make_shm},
                    test::TransportCase{"faulty", make_faulty_shm, test::RankKind::processes}),
    test::case_name);

}  // namespace

}  // namespace rlx
