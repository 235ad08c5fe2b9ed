#include <cstdio>
#include <exception>
#include <optional>
#include <string>

#include "tools/bench/engine.hpp"
#include "tools/bench/launch.hpp"
#include "tools/bench/usage_error.hpp"

namespace {

/// In one piece, because all ranks of a job may say the same at once.
void print(const std::string& text) { std::fputs(("rlx-bench: " + text + '\n').c_str(), stderr); }

}  // namespace

int main(int argc, char** argv) {
  using namespace rlx::bench;
  std::optional<Options> options;
  try {
    options = parse_options(std::vector<std::string>(argv, argv + argc));
  } catch (const std::exception& error) {
    print(error.what() + std::string("\nTry rlx-bench --help."));
    return kUsage;
  }
  if (!options) return kOk;
  try {
    return launch(*options);
  } catch (const UsageError& error) {
    print(error.what());
    return kUsage;
  } catch (const std::exception& error) {
    print(error.what());
    return kFailed;
  }
}
