#pragma once
// What a chunk holds in an abstract run: which ranks' data, of which chunk, finalised or not.

#include <cstdint>
#include <optional>
#include <string>

namespace rlx::collectives::verifier {

/// Up to 128 ranks the contributions are an exact set of bits. Above, each (rank, chunk) has a
/// random 128-bit token and the value holds their exclusive or and their number: as many tokens as
/// ranks, whose exclusive or is that of all of them, are all of them, but for a chance of 2^-128.
struct Value {
  enum class Kind : std::uint8_t { undefined, data, arrival };

  Kind kind = Kind::undefined;
  bool finalised = false;
  std::uint32_t chunk = 0;  ///< which chunk of the collective; arrival: whose it is
  std::uint32_t count = 0;  ///< contributions
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::uint64_t tree = 0;  ///< hash of the expression that made the value
};

inline constexpr std::uint32_t kExactRanks = 128;

/// Rank `rank`'s own data of chunk `chunk`.
[[nodiscard]] Value contribution(std::uint32_t ranks, std::uint32_t rank, std::uint32_t chunk);
[[nodiscard]] Value arrival(std::uint32_t rank);

/// The sum of both; or why they may not be added.
[[nodiscard]] std::optional<std::string> combine(std::uint32_t ranks, Value& sum,
                                                 const Value& other);

/// Every rank's contribution to `chunk`, once each.
[[nodiscard]] Value total(std::uint32_t ranks, std::uint32_t chunk);

/// Whether both hold the same contributions to the same chunk.
[[nodiscard]] bool same_data(const Value& a, const Value& b);

/// "chunk 3 of ranks 0, 1, 4" (or how many of how many).
[[nodiscard]] std::string describe(std::uint32_t ranks, const Value& value);

}  // namespace rlx::collectives::verifier
