#pragma once
// What the ranks of a benchmark tell each other, outside of anything timed.

#include <cstddef>
#include <span>
#include <type_traits>
#include <vector>

#include "rlx/collectives.hpp"

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

}  // namespace rlx::bench
