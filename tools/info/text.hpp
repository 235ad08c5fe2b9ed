#pragma once
// Aligned text for people.

#include <cstdint>
#include <string>
#include <vector>

#include "tools/info/document.hpp"

namespace rlx::info {

/// Rows of cells, left-aligned columns two spaces apart, each line after `indent` spaces and
/// without trailing spaces. Short rows end early.
[[nodiscard]] std::string aligned(const std::vector<std::vector<std::string>>& rows,
                                  std::size_t indent);
/// "0-3,8,10-11"; "none" for no numbers. Ascending.
[[nodiscard]] std::string ranges(const std::vector<std::uint32_t>& numbers);
/// "512 B", "64.0 KiB", "62.8 GiB".
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);

/// The sections of a document by their keys; those that are absent are left out.
[[nodiscard]] std::string render(const Json& document);

}  // namespace rlx::info
