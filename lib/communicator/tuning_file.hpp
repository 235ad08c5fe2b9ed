#pragma once
// Where measured choices come from. Rank 0 reads its file; every rank uses rank 0's bytes.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "collectives/tuning_table.hpp"
#include "rlx/bootstrap.hpp"
#include "rlx/config.hpp"

namespace rlx::detail {

/// DATADIR/rlx/tuning.json of the prefix that rlx was configured for.
[[nodiscard]] std::string_view installed_tuning_path() noexcept;

/// The file that Config::tuning means: the one named, none for "off", the installed one if it is
/// there. nullopt: none.
[[nodiscard]] std::optional<std::string> tuning_path(const Config& config);

/// Throws CollectiveError(InvalidArgument) naming the file when it can not be read.
[[nodiscard]] std::string read_tuning(const std::string& path);

/// Rank 0's `mine` on every rank. Collective.
[[nodiscard]] std::string broadcast_text(Bootstrap& bootstrap, std::string_view mine);

/// The table that rank 0's Config means, on every rank; null where it means none. Collective. What
/// is wrong with rank 0's file is thrown by all, as CollectiveError(InvalidArgument).
[[nodiscard]] std::shared_ptr<const collectives::TuningTable> agree_on_tuning(Bootstrap& bootstrap,
                                                                              const Config& config);

}  // namespace rlx::detail
