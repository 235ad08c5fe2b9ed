#pragma once
// A call that is made again and again with the same arguments: checked and prepared once. Where one
// epoch of mapped memory is all there is to it, the run is kept as well, and only what differs from
// epoch to epoch is filled in (Engine::repeat).

#include <cstdint>
#include <memory>

#include "collectives/executor/epoch_run.hpp"
#include "lib/communicator/plan_cache.hpp"
#include "rlx/collectives.hpp"

namespace rlx::detail {

struct RepeatedCall {
  CallArguments arguments;
  std::shared_ptr<const PreparedCall> prepared;  ///< nullptr: no call yet

  // The engine's, from Engine::bind() on.
  bool bound = false;            ///< repeat() may have it
  std::uint64_t flags = 0;       ///< as in its descriptor
  collectives::EpochRun run;     ///< of the last time
  std::uint64_t chain_from = 0;  ///< if the hash chain is here when the call is made ...
  std::uint64_t chain_to = 0;    ///< ... it goes there: reckoned while the call before waited
};

}  // namespace rlx::detail
