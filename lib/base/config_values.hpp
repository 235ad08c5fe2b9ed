#pragma once
// Text to values and back, for Config.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rlx::detail {

/// Thrown by the parsers below; Config adds the knob and the value.
struct Rejected {
  std::string accepted;  ///< "a whole number from 1 to 16"
};

/// Up to four choices; unused ones are empty, and without any choice every text is accepted.
using Words = std::array<std::string_view, 4>;

[[nodiscard]] std::string parse_word(std::string_view text, const Words& allowed);
[[nodiscard]] std::int64_t parse_integer(std::string_view text, std::int64_t least,
                                         std::int64_t most);
/// 512K, 64G, 1MiB, 4096: powers of 1024.
[[nodiscard]] std::size_t parse_bytes(std::string_view text, std::size_t least, std::size_t most,
                                      std::size_t multiple);
/// on, off and their synonyms.
[[nodiscard]] bool parse_switch(std::string_view text);
[[nodiscard]] double parse_seconds(std::string_view text, double least, double most);

/// The shortest text that parse_bytes() reads back as `bytes`.
[[nodiscard]] std::string print_bytes(std::size_t bytes);

/// Insertions, deletions and replacements between two names (Levenshtein 1966).
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace rlx::detail
