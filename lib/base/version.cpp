#include "rlx/version.hpp"

#define RLX_TEXT_OF(x) #x
#define RLX_TEXT(x) RLX_TEXT_OF(x)

namespace rlx {
namespace {

#if defined(RLX_TEST_WIRE_VERSION)
constexpr std::uint32_t kBuiltWireVersion = RLX_TEST_WIRE_VERSION;
#define RLX_WIRE_NOTE " (test wire version " RLX_TEXT(RLX_TEST_WIRE_VERSION) ")"
#else
constexpr std::uint32_t kBuiltWireVersion = kWireVersion;
#define RLX_WIRE_NOTE ""
#endif

#if defined(__clang__)
#define RLX_COMPILER "clang " __clang_version__
#else
#define RLX_COMPILER "g++ " __VERSION__
#endif

#if defined(NDEBUG)
#define RLX_CHECKS "release"
#else
#define RLX_CHECKS "with assertions"
#endif

#if defined(RLX_HAVE_OFI)
#define RLX_OFI "ofi"
#else
#define RLX_OFI "no ofi"
#endif

static_assert(kVersion == RLX_PROJECT_VERSION, "rlx/version.hpp and the build disagree");

constexpr std::string_view kBuild =
    "rlx " RLX_PROJECT_VERSION RLX_WIRE_NOTE ", " RLX_COMPILER ", " RLX_CHECKS ", " RLX_OFI;

}  // namespace

std::uint32_t wire_version() noexcept { return kBuiltWireVersion; }

std::string_view build_string() noexcept { return kBuild; }

}  // namespace rlx
