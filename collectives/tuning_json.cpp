// TuningTable as JSON, for people too: one entry for each kind of call, lengths in bytes.
//
//   {"format": "rlx tuning", "version": 1, "entries": [
//     {"collective": "all_reduce", "ranks": 2, "topology": "mapped", "input": "heap",
//      "output": "heap", "in_place": false, "from": 0, "stream_from": 4194304, "measured": "...",
//      "choices": [{"up_to": 512, "algorithm": "lines"},
//                  {"up_to": null, "algorithm": "two_shot", "piece_bytes": 262144}]}]}
//
// Whatever is not understood is refused: a choice that is read wrongly shows as a slow job only.

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>

#include "collectives/algorithms.hpp"
#include "collectives/tuning_table.hpp"
#include "rlx/error.hpp"

namespace rlx::collectives {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kFormat = "rlx tuning";
constexpr std::uint64_t kVersion = 1;
constexpr std::uint64_t kMostRanks = 1 << 20;
constexpr std::string_view kRemedy =
    "measure again with rlx-bench --tune, name another file in RLX_TUNING, or set RLX_TUNING=off";

/// A value of the file, with the words for where it is.
class Field {
 public:
  Field(const Json& value, std::string path, std::string_view file)
      : value_(value), path_(std::move(path)), file_(file) {}

  [[noreturn]] void refuse(const std::string& what) const {
    throw CollectiveError(ErrorKind::InvalidArgument, "tuning",
                          fmt::format("{}: {}: {}; {}", file_, path_, what, kRemedy));
  }
  [[nodiscard]] Field at(const char* name) const {
    if (!value_.contains(name)) refuse(fmt::format("there is no \"{}\"", name));
    return {value_.at(name), path_ + '.' + name, file_};
  }
  [[nodiscard]] std::optional<Field> find(const char* name) const {
    if (!value_.contains(name)) return std::nullopt;
    return at(name);
  }
  void expect_object(std::initializer_list<std::string_view> names) const {
    if (!value_.is_object()) refuse("this is no object");
    for (const auto& [name, value] : value_.items())
      if (std::ranges::find(names, name) == names.end())
        refuse(fmt::format("\"{}\" means nothing here; there are: {}", name,
                           fmt::join(names.begin(), names.end(), ", ")));
  }
  [[nodiscard]] std::vector<Field> elements() const {
    if (!value_.is_array()) refuse("this is no list");
    std::vector<Field> all;
    for (std::size_t i = 0; i < value_.size(); ++i)
      all.emplace_back(value_[i], fmt::format("{}[{}]", path_, i), file_);
    return all;
  }
  [[nodiscard]] std::string text() const {
    if (!value_.is_string()) refuse(fmt::format("{} is no text", value_.dump()));
    return value_.get<std::string>();
  }
  [[nodiscard]] std::uint64_t number(std::uint64_t least, std::uint64_t most) const {
    if (!value_.is_number_unsigned() || value_.get<std::uint64_t>() < least ||
        value_.get<std::uint64_t>() > most)
      refuse(fmt::format("{} is no whole number from {} to {}", value_.dump(), least, most));
    return value_.get<std::uint64_t>();
  }
  [[nodiscard]] bool yes_or_no() const {
    if (!value_.is_boolean()) refuse(fmt::format("{} is neither true nor false", value_.dump()));
    return value_.get<bool>();
  }
  [[nodiscard]] bool is_null() const { return value_.is_null(); }
  [[nodiscard]] bool is_text() const { return value_.is_string(); }

 private:
  const Json& value_;
  std::string path_;
  std::string_view file_;
};

Json parsed(std::string_view text, std::string_view file) {
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    const std::size_t before = std::min<std::size_t>(error.byte, text.size());
    const auto line = 1 + std::ranges::count(text.substr(0, before), '\n');
    throw CollectiveError(
        ErrorKind::InvalidArgument, "tuning",
        fmt::format("{}: line {} is no JSON ({}); {}", file, line, error.what(), kRemedy));
  }
}

MemoryKind memory_of(const Field& field) {
  const std::string name = field.text();
  for (const MemoryKind kind : {MemoryKind::heap, MemoryKind::private_memory})
    if (name == to_string(kind)) return kind;
  field.refuse(fmt::format("\"{}\" is no memory; there are: heap, private", name));
}

Collective collective_of(const Field& field) {
  const std::string name = field.text();
  try {
    return parse_collective(name);
  } catch (const CollectiveError& error) {
    field.refuse(error.details().message);
  }
}

std::string algorithm_of(const Field& field, Collective collective) {
  std::string name = field.text();
  if (find_algorithm(collective, name) != nullptr) return name;
  std::string known;
  for (const Algorithm& one : algorithms())
    if (one.collective == collective) known += fmt::format(" {}", one.name);
  field.refuse(fmt::format("there is no algorithm \"{}\" for {}; there are:{}", name,
                           to_string(collective), known));
}

TuningKey key_of(const Field& entry) {
  return {.collective = collective_of(entry.at("collective")),
          .ranks = static_cast<std::uint32_t>(entry.at("ranks").number(1, kMostRanks)),
          .topology = entry.at("topology").text(),
          .input = memory_of(entry.at("input")),
          .output = memory_of(entry.at("output")),
          .in_place = entry.at("in_place").yes_or_no()};
}

Crossover crossover_of(const Field& choice, Collective collective) {
  choice.expect_object({"up_to", "algorithm", "piece_bytes"});
  const Field limit = choice.at("up_to");
  Crossover crossover;
  crossover.up_to = limit.is_null() ? kNoLimit : limit.number(0, kNoLimit - 1);
  crossover.algorithm = algorithm_of(choice.at("algorithm"), collective);
  if (const auto piece = choice.find("piece_bytes"))
    crossover.piece_bytes = piece->number(1, kNoLimit - 1);
  return crossover;
}

std::uint64_t stream_from_of(const Field& field) {
  if (!field.is_text()) return field.number(0, kNoLimit - 1);
  if (field.text() != "never") field.refuse("it is a number of bytes, or \"never\"");
  return kNoLimit;
}

TuningEntry entry_of(const Field& field) {
  field.expect_object({"collective", "ranks", "topology", "input", "output", "in_place", "from",
                       "stream_from", "measured", "choices"});
  TuningEntry entry{.key = key_of(field), .from = field.at("from").number(0, kNoLimit - 1)};
  if (const auto stream = field.find("stream_from")) entry.stream_from = stream_from_of(*stream);
  if (const auto measured = field.find("measured")) entry.measured = measured->text();
  const Field choices = field.at("choices");
  for (const Field& choice : choices.elements()) {
    const Crossover next = crossover_of(choice, entry.key.collective);
    if (!entry.crossovers.empty() && next.up_to <= entry.crossovers.back().up_to)
      choice.refuse("its up_to is not above the one before");
    entry.crossovers.push_back(next);
  }
  if (entry.crossovers.empty()) choices.refuse("this is empty");
  return entry;
}

Json json_of(const TuningEntry& entry) {
  Json json;
  json["collective"] = to_string(entry.key.collective);
  json["ranks"] = entry.key.ranks;
  json["topology"] = entry.key.topology;
  json["input"] = to_string(entry.key.input);
  json["output"] = to_string(entry.key.output);
  json["in_place"] = entry.key.in_place;
  if (!entry.measured.empty()) json["measured"] = entry.measured;
  json["from"] = entry.from;
  if (entry.stream_from)
    json["stream_from"] = *entry.stream_from == kNoLimit ? Json("never") : Json(*entry.stream_from);
  for (const Crossover& crossover : entry.crossovers) {
    Json choice;
    choice["up_to"] = crossover.up_to == kNoLimit ? Json() : Json(crossover.up_to);
    choice["algorithm"] = crossover.algorithm;
    if (crossover.piece_bytes > 0) choice["piece_bytes"] = crossover.piece_bytes;
    json["choices"].push_back(std::move(choice));
  }
  return json;
}

}  // namespace

TuningTable TuningTable::parse(std::string_view text, std::string_view file) {
  const Json document = parsed(text, file);
  const Field root(document, "the file", file);
  root.expect_object({"format", "version", "entries"});
  const Field format = root.at("format");
  if (format.text() != kFormat) format.refuse(fmt::format("this is not \"{}\"", kFormat));
  const Field version = root.at("version");
  if (const auto theirs = version.number(0, kNoLimit - 1); theirs != kVersion)
    version.refuse(fmt::format("version {} is not {}, which this rlx reads", theirs, kVersion));
  TuningTable table;
  for (const Field& field : root.at("entries").elements()) {
    TuningEntry entry = entry_of(field);
    if (table.find(entry.key) != nullptr)
      field.refuse(fmt::format("{} is there twice", to_string(entry.key)));
    table.put(std::move(entry));
  }
  return table;
}

std::string TuningTable::print() const {
  Json document;
  document["format"] = kFormat;
  document["version"] = kVersion;
  document["entries"] = Json::array();
  for (const TuningEntry& entry : entries_) document["entries"].push_back(json_of(entry));
  return document.dump(1) + '\n';
}

}  // namespace rlx::collectives
