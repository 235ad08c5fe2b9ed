#pragma once
// What the ranks of a benchmark tell each other, outside of anything timed.

#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "rlx/collectives.hpp"
#include "tools/bench/usage_error.hpp"

namespace rlx::bench {

/// Every rank's `mine`, one after the other. Collective; the same length on all ranks.
template <Element T>
std::vector<T> gather(Communicator& comm, const std::vector<T>& mine) {
  std::vector<T> all(mine.size() * comm.size());
  all_gather(comm, mine, all);
  return all;
}

/// The same for one plain value.
template <class T>
requires(std::is_trivially_copyable_v<T> && !Element<T>) std::vector<T> gather(Communicator& comm,
                                                                               const T& mine) {
  std::vector<T> all(comm.size());
  const auto bytes_of = [](auto* values, std::size_t count) {
    using Byte = std::conditional_t<std::is_const_v<std::remove_pointer_t<decltype(values)>>,
                                    const std::uint8_t, std::uint8_t>;
    return std::span<Byte>(reinterpret_cast<Byte*>(values), count * sizeof(T));
  };
  all_gather(comm, bytes_of(&mine, 1), bytes_of(all.data(), all.size()));
  return all;
}

/// Runs `open` on rank 0 alone. Where it throws UsageError all ranks do, and rank 0's says why.
template <class Open>
void open_on_rank_0(Communicator& comm, Open&& open) {
  std::string refusal;
  try {
    if (comm.rank() == Rank(0)) open();
  } catch (const UsageError& error) {
    refusal = error.what();
  }
  const std::uint8_t refused = refusal.empty() ? 0 : 1;
  if (gather(comm, std::vector<std::uint8_t>{refused}).front() != 0) throw UsageError(refusal);
}

}  // namespace rlx::bench
