#include <exception>
#include <iostream>
#include <optional>

#include "tools/bench/engine.hpp"
#include "tools/bench/launch.hpp"
#include "tools/bench/usage_error.hpp"

int main(int argc, char** argv) {
  using namespace rlx::bench;
  std::optional<Options> options;
  try {
    options = parse_options(std::vector<std::string>(argv, argv + argc));
  } catch (const std::exception& error) {
    std::cerr << "rlx-bench: " << error.what() << "\nTry rlx-bench --help.\n";
    return kUsage;
  }
  if (!options) return kOk;
  try {
    return launch(*options);
  } catch (const UsageError& error) {
    std::cerr << "rlx-bench: " << error.what() << '\n';
    return kUsage;
  } catch (const std::exception& error) {
    std::cerr << "rlx-bench: " << error.what() << '\n';
    return kFailed;
  }
}
