#include "tools/bench/options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <initializer_list>
#include <span>

#include "collectives/algorithms.hpp"
#include "collectives/tuner.hpp"
#include "rlx/error.hpp"
#include "rlx/version.hpp"
#include "tools/bench/names.hpp"
#include "tools/bench/usage_error.hpp"
#include "transports/faulty/faulty_options.hpp"

namespace rlx::bench {
namespace {

/// What the command line says, before anything is checked.
struct Text {
  std::string collective, min_bytes, max_bytes, step_bytes;
  std::string dtype = "float", op = "sum", launch = "auto", buffers = "heap", format = "table";
  std::string algorithm, transport, provider, interface, faulty, against, tune, device;
  std::size_t factor = 0;
};

void declare_sweep(CLI::App& app, Text& text, Options& options) {
  app.add_option("-b,--minbytes", text.min_bytes,
                 "smallest size of the whole vector, bytes or with K, M, G (32M; memory: 16K; put: "
                 "8)");
  app.add_option("-e,--maxbytes", text.max_bytes, "largest size (32M; memory: 256M; put: 4M)");
  app.add_option("-i,--stepbytes", text.step_bytes, "increment between sizes (1M)");
  app.add_option("-f,--stepfactor", text.factor,
                 "factor between sizes, instead of -i (memory, put: 4)");
  app.add_option("-n,--iters", options.iterations, "timed calls per size (20)")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("-w,--warmup_iters", options.warmup, "untimed calls before them (1)")
      ->check(CLI::Range(0, 1'000'000));
  app.add_option("-c,--check", options.checks, "calls with data of their own to check; 0: none (1)")
      ->check(CLI::Range(0, 1'000'000));
  app.add_option("-d,--datatype", text.dtype, "float, half, int8, ... or all (float)");
  app.add_option("-o,--op", text.op, "sum, prod, min, max, avg or all (sum)");
}

void declare_run(CLI::App& app, Text& text, Options& options) {
  app.add_option("--buffers", text.buffers, "heap or private memory (heap)");
  app.add_option(
      "--device", text.device,
      "memory of devices instead: vulkan (each rank's own GPU of its node), vulkan:N, or "
      "several by rank, as vulkan:0,vulkan:1,cpu");
  app.add_option("--algorithm", text.algorithm,
                 "by name (rlx-explain --list) instead of the tuner's choice");
  app.add_option("--transport", text.transport, "auto, shm, hybrid, ofi or local");
  app.add_option("--provider", text.provider,
                 "libfabric provider, e.g. 'tcp;ofi_rxm' (rlx-info lists them)");
  app.add_option("--interface", text.interface, "interface name or local address");
  app.add_option("--launch", text.launch,
                 "mpi, threads:N, fork:N or rendezvous (auto: what started this process)");
  app.add_option("--faulty", text.faulty,
                 "around any transport: delay=T, jitter=T, reorder, late, busy=P, ... as far as is "
                 "permitted");
  app.add_option("--against", text.against, "mpi: time the MPI library's collective alternately");
  app.add_flag("--bidirectional", options.bidirectional, "put: both ranks of a pair send");
  app.add_flag("--all", options.all_pairs,
               "put: all ranks at once, i with i + n / 2, not only the first two of these");
  app.add_option("--outstanding", options.outstanding,
                 "put: messages that are not complete at their sender, at most (64)")
      ->check(CLI::Range(1, 1024));
  app.add_option("--format", text.format, "table, csv or json (table)");
  app.add_option("-J,--output_file", options.output_file,
                 "write JSON here too; never overwrites: FILE.0, FILE.1, ... if it exists");
  app.add_flag("--tune{rlx-tuning.json}", text.tune,
               "times the algorithms of all collectives, or of the one named, and adds to FILE "
               "(--tune=FILE; rlx-tuning.json) which is best for what; see RLX_TUNING");
  app.add_flag("-I,--per_iter_timing", options.per_iteration,
               "table columns for the 10th and 90th percentile");
}

void read_sweep(const Text& text, Sweep& sweep) {
  if (!text.min_bytes.empty()) sweep.min_bytes = parse_size(text.min_bytes);
  if (!text.max_bytes.empty()) sweep.max_bytes = parse_size(text.max_bytes);
  // One end alone moves the default of the other out of its way.
  if (text.max_bytes.empty()) sweep.max_bytes = std::max(sweep.max_bytes, sweep.min_bytes);
  if (text.min_bytes.empty()) sweep.min_bytes = std::min(sweep.min_bytes, sweep.max_bytes);
  if (!text.step_bytes.empty()) {
    sweep.step_bytes = parse_size(text.step_bytes);
    sweep.factor = 0;
  }
  if (text.factor > 0) sweep.factor = text.factor;
}

std::vector<DType> read_dtypes(const std::string& name) {
  if (name == "all") return {std::begin(kAllDTypes), std::end(kAllDTypes)};
  try {
    return {parse_dtype(name)};
  } catch (const CollectiveError& error) {
    throw UsageError(fmt::format("-d {}: {}, or all", name, error.details().message));
  }
}

std::vector<ReduceKind> read_kinds(const std::string& name) {
  if (name == "all") return {std::begin(kAllReduceKinds), std::end(kAllReduceKinds)};
  try {
    return {parse_reduce_kind(name)};
  } catch (const CollectiveError& error) {
    throw UsageError(fmt::format("-o {}: {}, or all", name, error.details().message));
  }
}

/// The position of `value` among the accepted ones.
std::size_t read_choice(std::string_view flag, std::string_view value,
                        std::span<const std::string_view> accepted) {
  const auto found = std::find(accepted.begin(), accepted.end(), value);
  if (found == accepted.end()) {
    throw UsageError(fmt::format("{} {}: there are {}", flag, value, fmt::join(accepted, ", ")));
  }
  return static_cast<std::size_t>(found - accepted.begin());
}

BufferKind read_buffers(const std::string& value) {
  constexpr std::string_view kNames[] = {"heap", "private"};
  return static_cast<BufferKind>(read_choice("--buffers", value, kNames));
}

Format read_format(const std::string& value) {
  constexpr std::string_view kNames[] = {"table", "csv", "json"};
  return static_cast<Format>(read_choice("--format", value, kNames));
}

void override_transport(const Text& text, Config& config) {
  constexpr std::string_view kTransports[] = {"auto", "shm", "hybrid", "ofi", "local"};
  if (!text.transport.empty()) {
    static_cast<void>(read_choice("--transport", text.transport, kTransports));
    config.set("RLX_TRANSPORT", text.transport);
  }
  const bool names_provider = !text.provider.empty();
  if (!names_provider && text.interface.empty()) return;
  if (config.transport == "local" || config.transport == "shm") {
    throw UsageError(fmt::format("{} is for the ofi transport, and the transport is {}",
                                 names_provider ? "--provider" : "--interface", config.transport));
  }
  if (names_provider) config.set("RLX_PROVIDER", text.provider);
  if (!text.interface.empty()) config.set("RLX_INTERFACE", text.interface);
}

void override_algorithm(const Text& text, std::string_view collective, Config& config) {
  if (text.algorithm.empty()) return;
  // Named for this collective only: the benchmark's own exchanges keep the tuner's choice.
  const bool is_table = text.algorithm.find('=') != std::string::npos;
  config.set("RLX_ALGORITHM",
             is_table ? text.algorithm : fmt::format("{}={}", collective, text.algorithm));
  const collectives::Collective which = collectives::parse_collective(collective);
  const std::string_view name = collectives::forced_algorithm(config.algorithm, which);
  if (name.empty() || collectives::find_algorithm(which, name) != nullptr) return;
  std::string known;
  for (const collectives::Algorithm& one : collectives::algorithms()) {
    if (one.collective == which) known += fmt::format("{}{}", known.empty() ? "" : ", ", one.name);
  }
  throw UsageError(fmt::format("--algorithm {}: {} has {}", name, collective, known));
}

using Flags = std::initializer_list<const char*>;

void refuse_flags(const CLI::App& app, Flags flags, std::string_view why) {
  for (const char* flag : flags)
    if (app.count(flag) > 0) throw UsageError(fmt::format("{} {}", flag, why));
}

/// No collective, so nothing of what is said about collectives.
void refuse_flags_of_collectives(const CLI::App& app) {
  refuse_flags(app,
               {"--check", "--datatype", "--op", "--buffers", "--algorithm", "--faulty",
                "--against", "--per_iter_timing", "--device"},
               "is for collectives; memory has -b, -e, -i, -f, -n, -w, -J, --format and --launch");
}

void refuse_flags_of_put(const CLI::App& app) {
  refuse_flags(app, {"--bidirectional", "--all", "--outstanding"}, "is for put");
}

void interpret_put(const CLI::App& app, const Text& text, Options& options) {
  refuse_flags(app,
               {"--datatype", "--op", "--buffers", "--algorithm", "--against", "--per_iter_timing",
                "--device"},
               "is for collectives; put has -b, -e, -i, -f, -n, -w, -c, -J, --format, --launch, "
               "--transport, --provider, --interface, --faulty, --bidirectional, --all and "
               "--outstanding");
  options.subject = Subject::put;
  options.sweep = {8, std::size_t{4} << 20, std::size_t{1} << 20, 4};
  read_sweep(text, options.sweep);
  static_cast<void>(sweep_sizes(options.sweep, 1));
  options.launch = parse_launch(text.launch);
  options.format = read_format(text.format);
  options.config = Config::from_environment();
  override_transport(text, options.config);
  if (options.faulty) static_cast<void>(parse_faulty_options(*options.faulty));
}

void interpret_memory(const Text& text, Options& options) {
  constexpr std::size_t kSmallest = 1024;  // a unit for each of three arrays
  options.subject = Subject::memory;
  options.sweep = {std::size_t{16} << 10, std::size_t{256} << 20, std::size_t{1} << 20, 4};
  read_sweep(text, options.sweep);
  if (options.sweep.min_bytes < kSmallest)
    throw UsageError(
        fmt::format("-b {}: memory starts at {} bytes", options.sweep.min_bytes, kSmallest));
  static_cast<void>(sweep_sizes(options.sweep, 1));
  options.launch = parse_launch(text.launch);
  options.format = read_format(text.format);
  options.config = Config::from_environment();
  override_transport(text, options.config);
}

/// One type and operation, the tuner's own algorithms, no checks: what is left is sizes.
void refuse_flags_of_one_benchmark(const CLI::App& app) {
  refuse_flags(app,
               {"--check", "--datatype", "--op", "--buffers", "--algorithm", "--faulty",
                "--against", "--per_iter_timing", "--device", "--stepbytes", "--format",
                "--output_file", "--warmup_iters"},
               "is not for --tune, which has -b, -e, -f, -n, --launch and --transport");
}

void interpret_tuning(const CLI::App& app, const Text& text, Options& options) {
  constexpr int kSamples = 2001;  // at most: they have a time, too
  options.subject = Subject::tuning;
  options.tune_file = text.tune;
  if (text.tune == "off") throw UsageError("--tune=off: name the file that is to be written");
  if (!text.collective.empty()) options.collective = &find_collective_bench(text.collective);
  options.sweep = {8, std::size_t{64} << 20, std::size_t{1} << 20, 4};
  read_sweep(text, options.sweep);
  static_cast<void>(sweep_sizes(options.sweep, 1));
  if (app.count("--iters") == 0) options.iterations = kSamples;
  options.launch = parse_launch(text.launch);
  options.config = Config::from_environment();
  override_transport(text, options.config);
  options.config.tuning = "off";  // the benchmark's own calls; the file may not be there yet
  options.config.algorithm.clear();
}

void read_devices(const Text& text, Options& options) {
  if (!text.against.empty())
    throw UsageError("--against compares memory of the host; leave out --device");
  options.devices = parse_devices(text.device);
  options.buffers = BufferKind::device;
}

void interpret(const Text& text, Options& options) {
  if (text.collective.empty()) {
    throw UsageError(
        "name a collective: all_reduce, all_gather, reduce_scatter or barrier; or memory, or put");
  }
  options.collective = &find_collective_bench(text.collective);
  read_sweep(text, options.sweep);
  options.dtypes = read_dtypes(text.dtype);
  options.kinds = read_kinds(text.op);
  if (options.dtypes.size() == 1 && options.kinds.size() == 1 &&
      !supports(options.kinds.front(), options.dtypes.front())) {
    throw UsageError(fmt::format("-o {} is for integers; -d {} is not one", text.op, text.dtype));
  }
  options.launch = parse_launch(text.launch);
  options.buffers = read_buffers(text.buffers);
  options.format = read_format(text.format);
  if (!text.device.empty()) read_devices(text, options);
  constexpr std::string_view kRivals[] = {"", "mpi"};
  options.against_mpi = read_choice("--against", text.against, kRivals) == 1;
  if (options.collective->has_elements) {
    static_cast<void>(sweep_sizes(options.sweep, size_of(options.dtypes.front())));
  } else {
    options.sweep.min_bytes = options.sweep.max_bytes = 0;
  }
  options.config = Config::from_environment();
  override_transport(text, options.config);
  override_algorithm(text, options.collective->name, options.config);
  if (options.faulty) static_cast<void>(parse_faulty_options(*options.faulty));
}

}  // namespace

std::optional<Options> parse_options(const std::vector<std::string>& arguments) {
  Text text;
  Options options;
  options.arguments = arguments;
  CLI::App app(
      "Times and checks a collective, in the layout of nccl-tests; or, with memory, what the "
      "memory\n"
      "system gives to all ranks at once, and the least time of a collective that follows from "
      "it;\n"
      "or, with put, what one-sided puts between pairs of ranks reach.\n"
      "docs/benchmarking.md says what a sample is and how bandwidths are defined.",
      "rlx-bench");
  app.set_version_flag("--version", std::string("rlx-bench ") + std::string(kVersion));
  app.add_option("COLLECTIVE", text.collective,
                 "all_reduce, all_gather, reduce_scatter, barrier, memory or put");
  declare_sweep(app, text, options);
  declare_run(app, text, options);

  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  if (!reversed.empty()) reversed.pop_back();  // the program's name
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) throw UsageError(error.what());
    app.exit(error);
    return std::nullopt;
  }
  if (app.count("--faulty") > 0) options.faulty = text.faulty;
  try {
    if (text.collective == "put" && app.count("--tune") == 0) {
      interpret_put(app, text, options);
      return options;
    }
    refuse_flags_of_put(app);
    if (app.count("--tune") > 0) {
      refuse_flags_of_one_benchmark(app);
      interpret_tuning(app, text, options);
      return options;
    }
    if (text.collective == "memory") {
      refuse_flags_of_collectives(app);
      interpret_memory(text, options);
      return options;
    }
    interpret(text, options);
  } catch (const CollectiveError& error) {
    throw UsageError(error.details().message);
  }
  return options;
}

}  // namespace rlx::bench
