#include "collectives/tuning_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "collectives/algorithms.hpp"
#include "rlx/error.hpp"
#include "rlx/symmetric_transport.hpp"

namespace rlx::collectives {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TuningKey key_of(std::uint32_t ranks) {
  return {.collective = Collective::all_reduce, .ranks = ranks, .topology = "mapped"};
}

TuningEntry entry_of(std::uint32_t ranks, std::vector<Crossover> crossovers) {
  return {.key = key_of(ranks), .crossovers = std::move(crossovers)};
}

std::string algorithm_for(const TuningTable& table, std::uint32_t ranks, std::uint64_t bytes) {
  const TuningAnswer answer = table.look_up(key_of(ranks), bytes);
  return answer.crossover == nullptr ? "" : answer.crossover->algorithm;
}

// An algorithm of the collective, and whatever else a table may hold.
rc::Gen<TuningEntry> arbitrary_entry() {
  return rc::gen::exec([] {
    const auto all = algorithms();
    const auto pick = [&] { return all[*rc::gen::inRange<std::size_t>(0, all.size())]; };
    TuningEntry entry;
    entry.key = {.collective = pick().collective,
                 .ranks = *rc::gen::inRange<std::uint32_t>(1, 9),
                 .topology = *rc::gen::element<std::string>("mapped", "ofi:tcp;ofi_rxm"),
                 .input = *rc::gen::element(MemoryKind::heap, MemoryKind::private_memory),
                 .output = *rc::gen::element(MemoryKind::heap, MemoryKind::private_memory),
                 .in_place = *rc::gen::arbitrary<bool>()};
    entry.from = *rc::gen::inRange<std::uint64_t>(0, 100);
    entry.measured = *rc::gen::element<std::string>("", "a host, \"quoted\"\n");
    const auto stream = *rc::gen::element<std::uint64_t>(0, 4096, kNoLimit);
    if (*rc::gen::arbitrary<bool>()) entry.stream_from = stream;
    std::uint64_t limit = 0;
    const auto count = *rc::gen::inRange(1, 5);
    for (int i = 0; i < count; ++i) {
      Algorithm one = pick();
      while (one.collective != entry.key.collective) one = pick();
      limit += *rc::gen::inRange<std::uint64_t>(1, 1 << 20);
      const bool ends = i + 1 < count || *rc::gen::arbitrary<bool>();
      entry.crossovers.push_back({ends ? limit : kNoLimit, std::string(one.name),
                                  *rc::gen::inRange<std::uint64_t>(0, 1 << 20)});
    }
    return entry;
  });
}

RC_GTEST_PROP(TuningTable, reads_back_what_it_prints, ()) {
  TuningTable table;
  for (const TuningEntry& entry : *rc::gen::container<std::vector<TuningEntry>>(arbitrary_entry()))
    table.put(entry);
  RC_ASSERT(TuningTable::parse(table.print(), "printed") == table);
}

RC_GTEST_PROP(TuningTable, answers_with_the_first_limit_that_is_not_below, ()) {
  const TuningEntry entry = *arbitrary_entry();
  TuningTable table;
  table.put(entry);
  const auto bytes = *rc::gen::inRange<std::uint64_t>(0, 5 << 20);
  const Crossover* expected = nullptr;
  for (const Crossover& one : entry.crossovers)
    if (expected == nullptr && bytes >= entry.from && bytes <= one.up_to) expected = &one;
  const TuningAnswer answer = table.look_up(entry.key, bytes);
  RC_ASSERT((answer.crossover == nullptr) == (expected == nullptr));
  if (expected != nullptr) RC_ASSERT(*answer.crossover == *expected);
  RC_ASSERT(answer.stream_from == entry.stream_from);
  RC_ASSERT(!answer.why.empty());
}

RC_GTEST_PROP(TuningTable, keeps_one_entry_of_each_key_the_last_in_any_order, ()) {
  const auto entries = *rc::gen::container<std::vector<TuningEntry>>(arbitrary_entry());
  TuningTable table;
  for (const TuningEntry& entry : entries) table.put(entry);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    std::size_t last = i;
    for (std::size_t j = i; j < entries.size(); ++j)
      if (entries[j].key == entries[i].key) last = j;
    RC_ASSERT(std::ranges::count(table.entries(), entries[last]) == 1);
    RC_ASSERT(std::ranges::count(table.entries(), entries[i].key, &TuningEntry::key) == 1);
  }
}

TEST(TuningTable, takes_what_both_measured_neighbours_say_and_nothing_else) {
  TuningTable table;
  table.put(entry_of(2, {{1000, "slots"}, {kNoLimit, "two_shot"}}));
  table.put(entry_of(8, {{400, "slots"}, {kNoLimit, "two_shot"}}));
  EXPECT_EQ(algorithm_for(table, 4, 400), "slots");
  EXPECT_EQ(algorithm_for(table, 4, 700), "") << "two_shot on 8, slots on 2";
  EXPECT_EQ(algorithm_for(table, 4, 1001), "two_shot");
  EXPECT_EQ(algorithm_for(table, 8, 401), "two_shot");
  EXPECT_EQ(algorithm_for(table, 1, 1), "") << "below what was measured";
  EXPECT_EQ(algorithm_for(table, 16, 1), "") << "above it";
  EXPECT_THAT(table.look_up(key_of(4), 700).why, HasSubstr("2 and 8 ranks differ"));
  EXPECT_THAT(table.look_up(key_of(16), 700).why, HasSubstr("(2, 8)"));
}

TEST(TuningTable, streams_between_neighbours_from_the_longer_of_their_lengths) {
  TuningTable table;
  TuningEntry few = entry_of(2, {{kNoLimit, "ring"}});
  TuningEntry many = entry_of(8, {{kNoLimit, "ring"}});
  few.stream_from = 100;
  many.stream_from = 300;
  table.put(few);
  table.put(many);
  EXPECT_EQ(table.look_up(key_of(4), 0).stream_from, 300U);
  many.stream_from.reset();
  table.put(many);
  EXPECT_FALSE(table.look_up(key_of(4), 0).stream_from.has_value());
}

TEST(TuningTable, does_not_speak_for_other_topologies_memory_or_places) {
  TuningTable table;
  table.put(entry_of(2, {{kNoLimit, "ring"}}));
  for (auto change : std::vector<void (*)(TuningKey&)>{
           [](TuningKey& key) { key.topology = "ofi:tcp;ofi_rxm"; },
           [](TuningKey& key) { key.input = MemoryKind::private_memory; },
           [](TuningKey& key) { key.output = MemoryKind::private_memory; },
           [](TuningKey& key) { key.in_place = true; },
           [](TuningKey& key) { key.collective = Collective::all_gather; }}) {
    TuningKey key = key_of(2);
    change(key);
    const TuningAnswer answer = table.look_up(key, 8);
    EXPECT_EQ(answer.crossover, nullptr);
    EXPECT_THAT(answer.why, HasSubstr("not measured: " + to_string(key)));
  }
}

TEST(TuningTable, names_topologies_by_what_times_depend_on) {
  EXPECT_EQ(topology_of({.name = "shm"}, true), "mapped");
  EXPECT_EQ(topology_of({.name = "ofi", .medium = "tcp;ofi_rxm"}, false), "ofi:tcp;ofi_rxm");
  EXPECT_EQ(topology_of({.name = "faulty(local)"}, false), "faulty(local)");
}

std::string refusal_of(const std::string& text) {
  try {
    static_cast<void>(TuningTable::parse(text, "t.json"));
  } catch (const CollectiveError& error) {
    EXPECT_EQ(error.kind(), ErrorKind::InvalidArgument);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("t.json: "), HasSubstr("RLX_TUNING=off")));
    return error.what();
  }
  return "accepted";
}

/// A good file with one part of it replaced.
std::string file_with(const std::string& part, const std::string& other) {
  std::string text = R"({"format": "rlx tuning", "version": 1, "entries": [
    {"collective": "all_reduce", "ranks": 2, "topology": "mapped", "input": "heap",
     "output": "heap", "in_place": false, "from": 0, "stream_from": "never",
     "choices": [{"up_to": 512, "algorithm": "lines"}, {"up_to": null, "algorithm": "ring"}]}]})";
  const std::size_t at = text.find(part);
  EXPECT_NE(at, std::string::npos) << part;
  return text.replace(at, part.size(), other);
}

TEST(TuningTable, names_file_and_field_of_whatever_it_does_not_understand) {
  EXPECT_EQ(refusal_of(file_with("512", "513")), "accepted");
  const std::pair<std::string, std::pair<std::string, std::string>> cases[] = {
      {"the file.version: version 2 is not 1", {"\"version\": 1", "\"version\": 2"}},
      {"the file.format: this is not \"rlx tuning\"", {"rlx tuning", "tuning"}},
      {"the file: \"entires\" means nothing here; there are: format", {"entries", "entires"}},
      {"entries[0].collective: ", {"all_reduce", "all_produce"}},
      {"entries[0].ranks: 0 is no whole number", {"\"ranks\": 2", "\"ranks\": 0"}},
      {"entries[0].input: \"stack\" is no memory", {"\"heap\"", "\"stack\""}},
      {"entries[0].in_place: 0 is neither true nor false", {"false", "0"}},
      {"entries[0]: there is no \"from\"", {"\"from\": 0, ", ""}},
      {"entries[0].stream_from: it is a number of bytes, or \"never\"", {"never", "always"}},
      {"entries[0].choices[1].algorithm: there is no algorithm \"rign\" for all_reduce; there are: "
       "ring",
       {"\"ring\"", "\"rign\""}},
      {"entries[0].choices[0].up_to: -1 is no whole number", {"512", "-1"}},
      {"entries[0].choices[1]: its up_to is not above", {"null", "512"}},
  };
  for (const auto& [expected, change] : cases)
    EXPECT_THAT(refusal_of(file_with(change.first, change.second)), HasSubstr(expected));
  EXPECT_THAT(refusal_of("{\n\"format\": ]\n}"), HasSubstr("line 2 is no JSON"));
  EXPECT_THAT(refusal_of(""), HasSubstr("line 1 is no JSON"));
  EXPECT_THAT(refusal_of("[]"), HasSubstr("the file: this is no object"));
}

TEST(TuningTable, refuses_two_entries_of_one_key) {
  TuningTable table;
  table.put(entry_of(2, {{kNoLimit, "ring"}}));
  std::string text = table.print();
  const std::size_t first = text.find('{', 1), last = text.rfind(']');
  const std::string entry = text.substr(first, last - first);
  text.insert(last, "," + entry);
  EXPECT_THAT(refusal_of(text), HasSubstr("entries[1]: all_reduce, 2 ranks"));
}

}  // namespace
}  // namespace rlx::collectives
