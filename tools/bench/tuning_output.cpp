#include "tools/bench/tuning_output.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "rlx/error.hpp"
#include "tools/bench/usage_error.hpp"

namespace rlx::bench {
namespace {

using collectives::Crossover;
using collectives::kNoLimit;

std::vector<std::string> algorithms_of(const std::vector<MeasuredSize>& sizes) {
  std::vector<std::string> names;
  for (const MeasuredSize& size : sizes)
    for (const TimedCandidate& one : size.times)
      if (std::ranges::find(names, one.candidate.algorithm) == names.end())
        names.push_back(one.candidate.algorithm);
  std::ranges::sort(names);
  return names;
}

/// The best of an algorithm's times, or "-".
std::string cell(const MeasuredSize& size, const std::string& algorithm) {
  const TimedCandidate* best = nullptr;
  for (const TimedCandidate& one : size.times)
    if (one.candidate.algorithm == algorithm && (best == nullptr || one.us < best->us)) best = &one;
  if (best == nullptr) return "-   ";
  return fmt::format("{:.2f}{}{}{}", best->us, best->candidate.streams ? 's' : ' ',
                     best->candidate.piece_bytes > 0 ? 'p' : ' ',
                     best == &fastest(size) ? '*' : ' ');
}

std::string choice_text(const Crossover& choice) {
  std::string text = choice.algorithm;
  if (choice.piece_bytes > 0) text += fmt::format(" in pieces of {} bytes", choice.piece_bytes);
  if (choice.up_to != kNoLimit) text += fmt::format(" up to {}", choice.up_to);
  return text;
}

[[noreturn]] void refuse_write(const std::string& path) {
  throw UsageError(
      fmt::format("--tune={}: it can not be written ({})", path, std::strerror(errno)));
}

}  // namespace

collectives::TuningTable load_tuning(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return {};
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open())
    throw UsageError(fmt::format("--tune={}: it can not be read ({})", path, std::strerror(errno)));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  try {
    return collectives::TuningTable::parse(text, path);
  } catch (const CollectiveError& refused) {
    throw UsageError(fmt::format(
        "what is measured is added to the file of --tune, and that has to be one: {}; or remove it",
        refused.details().message));
  }
}

void save_tuning(const std::string& path, const collectives::TuningTable& table) {
  const std::string beside = fmt::format("{}.{}.tmp", path, getpid());
  {
    errno = 0;
    std::ofstream file(beside, std::ios::binary | std::ios::trunc);
    file << table.print();
    file.close();
    if (file.fail()) refuse_write(beside);
  }
  if (std::rename(beside.c_str(), path.c_str()) == 0) return;
  const int why = errno;
  std::remove(beside.c_str());
  errno = why;
  refuse_write(path);
}

std::string tuning_text(const collectives::TuningEntry& entry,
                        const std::vector<MeasuredSize>& sizes) {
  const std::vector<std::string> names = algorithms_of(sizes);
  const auto width = [](const std::string& name) { return std::max<std::size_t>(name.size(), 13); };
  std::string text = fmt::format("# {}: us\n#{:>11}", to_string(entry.key), "bytes");
  for (const std::string& name : names) text += fmt::format("  {:>{}}", name, width(name));
  text += '\n';
  for (const MeasuredSize& size : sizes) {
    text += fmt::format("{:>12}", size.bytes);
    for (const std::string& name : names)
      text += fmt::format("  {:>{}}", cell(size, name), width(name));
    text += '\n';
  }
  std::string choices;
  for (const Crossover& choice : entry.crossovers)
    choices += fmt::format("{}{}", choices.empty() ? "" : ", ", choice_text(choice));
  text += fmt::format("# Choices: {}\n", choices);
  if (entry.stream_from)
    text += *entry.stream_from == kNoLimit
                ? std::string("# Past the caches: never\n")
                : fmt::format("# Past the caches: from {}\n", *entry.stream_from);
  return text + "#\n";
}

}  // namespace rlx::bench
