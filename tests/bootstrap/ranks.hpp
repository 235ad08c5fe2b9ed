#pragma once
// Runs one function per bootstrap, each on its own thread, and keeps what it threw.

#include <algorithm>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "rlx/bootstrap.hpp"
#include "rlx/error.hpp"

namespace rlx::testing {

/// The error of each of `n` threads; empty where it returned.
inline std::vector<std::optional<CollectiveError>> on_threads(
    std::size_t n, const std::function<void(std::size_t)>& body) {
  std::vector<std::optional<CollectiveError>> errors(n);
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < n; ++i)
    threads.emplace_back([&, i] {
      try {
        body(i);
      } catch (const CollectiveError& error) {
        errors[i] = error;
      }
    });
  threads.clear();
  return errors;
}

inline std::vector<std::byte> bytes_of(std::size_t value, std::size_t length) {
  return std::vector<std::byte>(length, static_cast<std::byte>(value));
}

/// Whether a gather of `length` bytes gives every rank's bytes in rank order.
inline bool gathers_in_rank_order(Bootstrap& bootstrap, std::size_t length, std::size_t salt) {
  std::vector<std::byte> all(length * bootstrap.size());
  bootstrap.all_gather(bytes_of(bootstrap.rank().value() + salt, length), all);
  std::vector<std::byte> expected;
  for (std::size_t r = 0; r < bootstrap.size(); ++r) {
    const auto part = bytes_of(r + salt, length);
    expected.insert(expected.end(), part.begin(), part.end());
  }
  return all == expected;
}

inline bool names(const CollectiveError& error, std::size_t rank) {
  return std::ranges::count(error.ranks(), Rank(static_cast<std::uint32_t>(rank))) == 1;
}

inline bool says(const CollectiveError& error, const std::string& words) {
  return std::string(error.what()).find(words) != std::string::npos;
}

}  // namespace rlx::testing
