// rlx-explain: shows what an algorithm does, and proves that it does it.

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "collectives/algorithms.hpp"
#include "collectives/collective.hpp"
#include "collectives/describe.hpp"
#include "lib/communicator/tuning_file.hpp"
#include "rlx/error.hpp"
#include "rlx/version.hpp"
#include "tools/explain/proofs.hpp"
#include "tools/explain/schedule_text.hpp"
#include "tools/explain/why.hpp"

namespace {

namespace collectives = rlx::collectives;
using rlx::CollectiveError;
using rlx::ErrorKind;
using rlx::collectives::Algorithm;
using rlx::collectives::CacheLayout;
using rlx::collectives::Collective;

constexpr std::uint32_t kDefaultRanks = 4;
constexpr std::uint32_t kMostMutatedRanks = 8;
constexpr int kFindings = 1;
constexpr int kUsage = 2;

struct Options {
  std::string collective;
  std::string algorithm;
  std::optional<std::uint32_t> ranks;
  std::uint32_t rank = 0;
  std::vector<std::uint32_t> node_of;       // as written
  std::optional<collectives::Nodes> nodes;  // of all ranks
  bool list = false;
  bool verify = false;
  bool mutate = false;
  bool verbose = false;
  bool markdown = false;
  bool why = false;
  std::size_t bytes = 0;
  bool is_private = false;
  bool in_place = false;
  std::uint32_t cores = 0;
  std::string transport = "shm";
  std::string caches;
  std::string tuning;

  [[nodiscard]] std::uint32_t size() const {
    const auto named = static_cast<std::uint32_t>(node_of.size());
    return ranks.value_or(named > 0 ? named : kDefaultRanks);
  }
  [[nodiscard]] collectives::Group group() const {
    return {size(), rank, nodes ? &*nodes : nullptr};
  }
};

// The nodes of all ranks; a list that is shorter begins again.
void spread(Options& options) {
  if (options.node_of.empty()) return;
  std::vector<std::uint32_t> node_of;
  for (std::uint32_t rank = 0; rank < options.size(); ++rank)
    node_of.push_back(options.node_of[rank % options.node_of.size()]);
  options.nodes.emplace(node_of);
}

// The algorithms that the options name: one, or all of the collective.
std::vector<const Algorithm*> chosen(const Options& options, Collective collective) {
  std::vector<const Algorithm*> found;
  std::string known;
  for (const Algorithm& algorithm : rlx::collectives::algorithms()) {
    if (algorithm.collective != collective) continue;
    known += fmt::format(" {}", algorithm.name);
    if (options.algorithm.empty() || options.algorithm == algorithm.name)
      found.push_back(&algorithm);
  }
  if (found.empty())
    throw CollectiveError(ErrorKind::InvalidArgument, "rlx-explain",
                          fmt::format("{} has no algorithm \"{}\"; it has:{}",
                                      to_string(collective), options.algorithm, known));
  return found;
}

void check_rank(const Options& options) {
  const std::uint32_t ranks = options.size();
  if (options.rank < ranks) return;
  throw CollectiveError(ErrorKind::UnknownRank, "rlx-explain",
                        fmt::format("there is no rank {} among {}: ranks are 0 to {} (-n, -r)",
                                    options.rank, ranks, ranks - 1));
}

// False, with a line that says so, where it is one of several; an error where it was named.
bool supports_group(const Options& options, const Algorithm& algorithm) {
  const bool for_nodes = algorithm.needs.reach == collectives::Reach::nodes;
  const bool has_nodes = options.nodes && options.nodes->mixed();
  if ((has_nodes || !for_nodes) && algorithm.supports(options.group())) return true;
  const std::string why =
      for_nodes && !has_nodes
          ? fmt::format(
                "{} / {} is for several nodes with several ranks on some: name them, as "
                "--nodes 0,0,1,1",
                to_string(algorithm.collective), algorithm.name)
          : fmt::format(
                "{} / {} does not support {}: its schedule would need more than 64 words "
                "or 4095 parts of one",
                to_string(algorithm.collective), algorithm.name, describe(options.group()));
  if (!options.algorithm.empty()) throw CollectiveError(ErrorKind::Unsupported, "rlx-explain", why);
  fmt::print("{}\n\n", why);
  return false;
}

Collective named_collective(const std::string& name) {
  try {
    return rlx::collectives::parse_collective(name);
  } catch (const CollectiveError& error) {
    throw CollectiveError(ErrorKind::InvalidArgument, "rlx-explain", error.details().message);
  }
}

void list_everything() {
  for (const Collective collective : {Collective::all_reduce, Collective::all_gather,
                                      Collective::reduce_scatter, Collective::barrier})
    fmt::print("{}\n{}\n", to_string(collective), rlx::explain::list(collective));
}

bool prove(const Options& options, const Algorithm& algorithm) {
  bool passed = true;
  if (options.verify) passed = rlx::explain::verify(algorithm, options.group());
  if (!options.mutate) return passed;
  const auto detail =
      options.verbose ? rlx::explain::Detail::everything : rlx::explain::Detail::summary;
  if (options.nodes) return rlx::explain::mutate(algorithm, options.group(), detail) && passed;
  const std::uint32_t most = std::min(options.ranks.value_or(kMostMutatedRanks), kMostMutatedRanks);
  for (std::uint32_t ranks = 2; ranks <= std::max(most, 2u); ++ranks)
    passed = rlx::explain::mutate(algorithm, {ranks}, detail) && passed;
  return passed;
}

void show(const Options& options, const Algorithm& algorithm) {
  fmt::print("{}", rlx::explain::describe_cost(algorithm, options.group()));
  fmt::print("{}\n", rlx::explain::describe_steps(algorithm.generate(options.group())));
}

// What the tuner would do under this environment.
void explain_choice(const Options& options, Collective collective) {
  rlx::explain::Question question{
      .collective = collective,
      .ranks = options.size(),
      .nodes = options.nodes ? &*options.nodes : nullptr,
      .bytes = options.bytes,
      .memory = options.is_private ? rlx::collectives::MemoryKind::private_memory
                                   : rlx::collectives::MemoryKind::heap,
      .in_place = options.in_place,
      .cores = options.cores,
      .over = options.transport == "shm" ? rlx::explain::Over::shm : rlx::explain::Over::ofi,
      .caches = options.caches == to_string(CacheLayout::mesh) ? CacheLayout::mesh
                : options.caches == to_string(CacheLayout::complexes)
                    ? CacheLayout::complexes
                    : collectives::cache_layout_here(),
      .config = rlx::Config::from_environment()};
  if (!options.tuning.empty()) question.config.tuning = options.tuning;
  if (!options.algorithm.empty()) question.config.algorithm = options.algorithm;
  std::optional<rlx::collectives::TuningTable> table;
  if (const auto path = rlx::detail::tuning_path(question.config)) {
    question.file = *path;
    table = rlx::collectives::TuningTable::parse(rlx::detail::read_tuning(*path), *path);
    question.tuning = &*table;
  }
  fmt::print("{}", rlx::explain::why(question));
}

int run(Options& options) {
  spread(options);
  if (options.markdown) {
    fmt::print("{}", rlx::explain::markdown());
    return 0;
  }
  if (options.collective.empty() && options.list) {
    list_everything();
    return 0;
  }
  if (options.collective.empty())
    throw CollectiveError(ErrorKind::InvalidArgument, "rlx-explain",
                          "name a collective: all_reduce, all_gather, reduce_scatter or barrier");
  const Collective collective = named_collective(options.collective);
  check_rank(options);
  if (options.list) {
    fmt::print("{}", rlx::explain::list(collective));
    return 0;
  }
  if (options.why) {
    explain_choice(options, collective);
    return 0;
  }
  bool passed = true;
  for (const Algorithm* algorithm : chosen(options, collective)) {
    if (!supports_group(options, *algorithm)) continue;
    if (options.verify || options.mutate) {
      passed = prove(options, *algorithm) && passed;
      std::fflush(stdout);
    } else {
      show(options, *algorithm);
    }
  }
  return passed ? 0 : kFindings;
}

void declare(CLI::App& app, Options& options) {
  app.set_version_flag("--version", "rlx-explain " + std::string(rlx::kVersion));
  app.footer(
      "The words of a schedule (word, part, line, ARRIVE, EXIT) are those of docs/contract.md.\n"
      "Exit code: 0, 1 when a proof fails, 2 for a command line that can not work.");
  app.add_option("COLLECTIVE", options.collective,
                 "all_reduce, all_gather, reduce_scatter, barrier");
  app.add_option("-n,--ranks", options.ranks, "number of ranks (4)")->check(CLI::Range(1, 1 << 20));
  app.add_option("-r,--rank", options.rank, "whose schedule to print (0)");
  app.add_option("--nodes", options.node_of,
                 "the node of each rank, with commas and repeated, as 0,0,1,1 (no nodes)")
      ->delimiter(',');
  app.add_option("--algorithm", options.algorithm, "one algorithm; else all of the collective");
  app.add_flag("--list", options.list,
               "the algorithms, a name a line: of the collective, or of all");
  app.add_flag("--verify", options.verify,
               "prove the schedules: data, races, deadlock, reuse of sets, declared cost");
  app.add_flag("--mutate", options.mutate,
               "prove that the proof can fail: seeded faults on 2 to min(n, 8) ranks (8)");
  app.add_flag("-v,--verbose", options.verbose, "--mutate: each mutant and why it was rejected");
  app.add_flag("--markdown", options.markdown, "print docs/algorithms.md");
  app.add_flag("--why", options.why, "which algorithm such a call gets, by which rule, and why");
  app.add_option("--bytes", options.bytes,
                 "--why: bytes of the vector (all_reduce) or of one rank's block (0)");
  app.add_flag("--private", options.is_private, "--why: memory that is not symmetric");
  app.add_flag("--in-place", options.in_place, "--why: a call in place");
  app.add_option("--cores", options.cores, "--why: cores that the ranks share (one each)");
  app.add_option("--transport", options.transport,
                 "--why: shm or ofi, which is taken for TCP (shm; with --nodes hybrid)")
      ->check(CLI::IsMember({"shm", "ofi"}));
  app.add_option("--caches", options.caches,
                 "--why: how cores share caches: mesh or complexes (as on this machine)")
      ->check(CLI::IsMember({to_string(CacheLayout::mesh), to_string(CacheLayout::complexes)}));
  app.add_option("--tuning", options.tuning, "--why: a table of rlx-bench --tune (RLX_TUNING)");
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Shows the schedules that rlx runs, what they cost, and proves them.",
               "rlx-explain");
  declare(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    fmt::print(stderr, "rlx-explain: {}\nTry rlx-explain --help.\n", error.what());
    return kUsage;
  }
  try {
    return run(options);
  } catch (const CollectiveError& error) {
    fmt::print(stderr, "{}\n", error.what());
    return kUsage;
  }
}
