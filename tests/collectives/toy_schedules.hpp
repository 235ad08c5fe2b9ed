#pragma once
// Small schedules made by hand, right and wrong, for the tests of the verifier.

#include <functional>
#include <vector>

#include "collectives/builder.hpp"
#include "collectives/verifier/verifier.hpp"

namespace rlx::collectives::toys {

using Write = std::function<void(Builder&)>;

/// All ranks' schedules, each written by `write`.
inline verifier::Family family(Collective collective, std::uint32_t ranks, std::uint32_t chunks,
                               std::uint32_t scratch, const Write& write) {
  verifier::Family family{"toy", {}, {}};
  for (std::uint32_t rank = 0; rank < ranks; ++rank) {
    Builder b(collective, {ranks, rank}, chunks, scratch);
    write(b);
    family.schedules.push_back(b.finish());
  }
  return family;
}

/// A rooted schedule: word goes down a chain from rank 0, which waits for nobody.
inline verifier::Family chain(std::uint32_t ranks) {
  return family(Collective::barrier, ranks, ranks, 0, [](Builder& b) {
    b.not_all_dependent();
    if (b.me() > 0) b.wait(0, b.left());
    if (b.me() + 1 < b.size()) b.signal(b.right(), 0);
  });
}

}  // namespace rlx::collectives::toys
