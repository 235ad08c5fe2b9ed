#include "lib/driver/vulkan/hooks.hpp"

#include "lib/base/fork_generation.hpp"

namespace rlx::vulkan {

Hooks& hooks() noexcept {
  static Hooks hooks;
  return hooks;
}

std::uint64_t generation() noexcept {
  return std::uint64_t{fork_generation()} << 32 | hooks().reopened.load();
}

}  // namespace rlx::vulkan
