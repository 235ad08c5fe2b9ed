#pragma once
// What this library is, and which wire format it speaks.

#include <cstdint>
#include <string_view>

namespace rlx {

/// The version of these headers, "major.minor.patch".
inline constexpr std::string_view kVersion = "0.1.0";

/// Signal values, call descriptors and handshakes of this release. Ranks of different wire versions
/// refuse each other with CollectiveError(WireVersion).
inline constexpr std::uint32_t kWireVersion = 3;

/// The wire version that the library was built with: kWireVersion, or what the build option
/// test_wire_version says (tests of the refusal).
[[nodiscard]] std::uint32_t wire_version() noexcept;

/// The library's own version, compiler, build type and features in one line; part of the handshake,
/// so that an error can name both builds.
[[nodiscard]] std::string_view build_string() noexcept;

}  // namespace rlx
