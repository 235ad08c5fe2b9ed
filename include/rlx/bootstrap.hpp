#pragma once
// How ranks find each other while a Context is wired. Used then and never again.

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "rlx/gathered.hpp"
#include "rlx/rank.hpp"

namespace rlx {

/// Four functions, and two more for those who can do with less than them. Implementations:
/// rlx/mpi.hpp, threads, TCP rendezvous. All are blocking and collective over the ranks of this
/// bootstrap, and throw CollectiveError(Launch) naming phase and peer when a rank does not arrive
/// before the start-up deadline.
class Bootstrap {
 public:
  virtual ~Bootstrap() = default;
  [[nodiscard]] virtual Rank rank() const = 0;
  [[nodiscard]] virtual std::size_t size() const = 0;
  /// Every rank gives `mine` (the same length everywhere); `all` (size() times that) receives them
  /// in rank order.
  virtual void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) = 0;
  virtual void barrier() = 0;
  /// As all_gather(), into memory that the ranks of a node may share. By default it is one's own.
  [[nodiscard]] virtual Gathered gather_shared(std::span<const std::byte> mine) {
    std::vector<std::byte> all(mine.size() * size());
    all_gather(mine, all);
    return Gathered(std::move(all));
  }
  /// Rank 0's bytes to everybody, in place; the same length everywhere. By default every rank
  /// receives as much from each.
  virtual void broadcast(std::span<std::byte> data) {
    std::vector<std::byte> all(data.size() * size());
    all_gather(data, all);
    std::copy_n(all.begin(), data.size(), data.begin());
  }
};

}  // namespace rlx
