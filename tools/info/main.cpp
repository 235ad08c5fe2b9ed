#include <CLI/CLI.hpp>
#include <iostream>
#include <string>

#include "rlx/version.hpp"
#include "tools/info/budget.hpp"
#include "tools/info/document.hpp"
#include "tools/info/ranks.hpp"
#include "tools/info/text.hpp"

namespace {

using rlx::info::Json;

/// Collective over the job.
Json collect(const rlx::info::Job& job) {
  Json document = rlx::info::describe_library();
  document["config"] = rlx::info::describe_config();
  document["devices"] = rlx::info::describe_devices();
  document["topology"] = rlx::info::describe_topology();
  document["ranks"] = job.describe_ranks();
  if (Json transports = job.describe_transports(); !transports.is_null())
    document["transports"] = std::move(transports);
  if (job.rank() == 0) document["providers"] = rlx::info::describe_fabrics();
  return document;
}

}  // namespace

int main(int argc, char** argv) {
  bool config_only = false;
  bool json = false;
  std::size_t budget = 0;
  CLI::App app("What this rlx is, what it finds on this machine and what it would use.",
               "rlx-info");
  app.set_version_flag("--version", "rlx-info " + std::string(rlx::kVersion));
  app.add_flag("--config", config_only, "only the table of RLX_* variables");
  app.add_flag("--json", json, "as JSON");
  app.add_flag(
      "--budget{100000}", budget,
      "under a launcher: what this job's start takes in time and memory, by phase, and what "
      "it would with so many ranks (--budget=N; 100000)");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::cerr << "rlx-info: " << error.what() << "\nTry rlx-info --help.\n";
    return 1;
  }
  try {
    const rlx::info::Job job;
    if (budget > 0) {
      const Json measured = rlx::info::describe_budget(budget);
      if (job.rank() == 0)
        std::cout << (json ? measured.dump(2) + "\n" : rlx::info::render_budget(measured))
                  << std::flush;
      return 0;
    }
    const Json document =
        config_only ? Json{{"config", rlx::info::describe_config()}} : collect(job);
    if (job.rank() != 0) return 0;
    std::cout << (json ? document.dump(2) + "\n" : rlx::info::render(document)) << std::flush;
  } catch (const std::exception& error) {
    std::cerr << "rlx-info: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
