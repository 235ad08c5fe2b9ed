#include "tools/bench/report.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace rlx::bench {
namespace {

Options options() {
  Options o;
  o.collective = &kAllReduceBench;
  o.sweep = {8, 1024, 1 << 20, 2};
  o.arguments = {"rlx-bench", "all_reduce"};
  return o;
}

RunInfo info(const Options& o) {
  return {.options = &o,
          .launch = "threads",
          .ranks = 2,
          .hosts = 1,
          .transport = "local",
          .transport_detail = "threads",
          .protocol = "store",
          .algorithm = "auto",
          .window = 4,
          .slot_bytes = 1024,
          .line_up = "shared flags",
          .rank_lines = {{0, 17, "node1", "cpu", "a CPU"}, {1, 17, "node1", "cpu", "a CPU"}}};
}

Row row() {
  Row r{.size = 1024, .count = 256, .type = "float", .redop = "sum", .iterations = 20};
  r.figures[0] = {.time = {12.345, 11, 14},
                  .back_to_back = 10,
                  .back_to_back_calls = 64,
                  .algorithm = "ring",
                  .pieces = 5,
                  .alg_bw = 0.083,
                  .bus_bw = 0.083,
                  .wrong = 0};
  r.figures[1] = r.figures[0];
  r.figures[1].time.median = 20;
  return r;
}

std::string print(std::unique_ptr<Report> (*make)(std::ostream&), const RunInfo& run,
                  const Row& one) {
  std::ostringstream out;
  const auto report = make(out);
  report->begin(run);
  report->row(one);
  Totals totals;
  totals.add(one);
  report->end(totals);
  return out.str();
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> result;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) result.push_back(line);
  return result;
}

std::vector<std::string> words(const std::string& line) {
  std::istringstream in(line);
  return {std::istream_iterator<std::string>(in), {}};
}

std::string data_line(const std::string& text) {
  for (const std::string& line : lines(text)) {
    if (!line.starts_with("#")) return line;
  }
  return {};
}

TEST(Fitted, keeps_as_many_decimals_as_fit) {
  EXPECT_EQ(fitted(0, 7), "   0.00");
  EXPECT_EQ(fitted(12.345, 7), "  12.35");
  EXPECT_EQ(fitted(9999.994, 7), "9999.99");
  EXPECT_EQ(fitted(12345.6, 7), "12345.6");
  EXPECT_EQ(fitted(1234567, 7), "1234567");
  EXPECT_EQ(fitted(123456789, 7), "1.2e+08");
  EXPECT_EQ(fitted(0.1, 6), "  0.10");
}

TEST(TableReport, a_row_starts_with_the_columns_of_nccl_tests) {
  const Options o = options();
  const std::string line = data_line(print(table_report, info(o), row()));
  EXPECT_EQ(line.substr(0, 12), "        1024");
  EXPECT_EQ(line.substr(14, 12), "         256");
  EXPECT_EQ(line.substr(28, 8), "   float");
  EXPECT_EQ(line.substr(38, 6), "   sum");
  EXPECT_EQ(line.substr(46, 6), "    -1");
  const auto fields = words(line);
  ASSERT_EQ(fields.size(), 15U);  // thirteen and two back-to-back times
  EXPECT_EQ(fields[5], "12.35");
  EXPECT_EQ(fields[8], "0");
  EXPECT_EQ(fields[9], "20.00");
}

TEST(TableReport, everything_but_rows_is_a_comment_and_the_end_says_the_sum) {
  const Options o = options();
  const std::string text = print(table_report, info(o), row());
  const auto all = lines(text);
  std::size_t rows = 0;
  for (const std::string& line : all) rows += line.starts_with("#") ? 0 : 1;
  EXPECT_EQ(rows, 1U);
  EXPECT_EQ(all.back(), "# Collective test concluded: all_reduce");
  EXPECT_NE(text.find("# Out of bounds values : 0 OK\n"), std::string::npos) << text;
  EXPECT_NE(text.find("# Avg bus bandwidth    : 0.083 \n"), std::string::npos) << text;
}

TEST(TableReport, headings_stand_over_their_columns) {
  Options o = options();
  o.per_iteration = true;
  RunInfo run = info(o);
  run.rival = "Some MPI";
  Row one = row();
  for (Figures& f : one.figures) f.rival = RivalFigures{Summary{24.69, 24, 25}, 20};
  const std::string text = print(table_report, run, one);
  const std::string data = data_line(text);
  for (const std::string& line : lines(text)) {
    if (line.find("busbw") != std::string::npos) {
      EXPECT_EQ(line.size(), data.size());
    }
  }
  EXPECT_EQ(words(data).size(), 23U);
  EXPECT_EQ(words(data)[17], "2.00");
}

TEST(TableReport, what_was_not_checked_or_does_not_exist_says_so) {
  const Options o = options();
  RunInfo run = info(o);
  run.rival = "Some MPI";
  Row one = row();
  for (Figures& f : one.figures) {
    f.wrong = std::nullopt;
    f.rival = RivalFigures{};
  }
  const auto fields = words(data_line(print(table_report, run, one)));
  EXPECT_EQ(fields[8], "N/A");
  EXPECT_EQ(fields.back(), "n/a");
}

TEST(TableReport, the_footer_names_algorithm_window_and_pieces) {
  const Options o = options();
  const std::string text = print(table_report, info(o), row());
  EXPECT_NE(text.find("# Algorithm            : ring\n"), std::string::npos) << text;
  EXPECT_NE(text.find("# Window 4, pieces per size: 1024 B: 5 (ring)\n"), std::string::npos)
      << text;

  Row whole = row();
  for (Figures& f : whole.figures) f.pieces = 1;
  EXPECT_NE(print(table_report, info(o), whole).find("# Window 4, pieces per size: 1\n"),
            std::string::npos);
}

TEST(TableReport, wrong_elements_fail_the_run) {
  const Options o = options();
  Row one = row();
  one.figures[1].wrong = 3;
  EXPECT_NE(print(table_report, info(o), one).find("# Out of bounds values : 3 FAILED\n"),
            std::string::npos);
}

TEST(CsvReport, every_line_has_as_many_fields_as_the_heading) {
  const Options o = options();
  RunInfo run = info(o);
  for (const char* rival : {"", "Some MPI"}) {
    run.rival = rival;
    Row one = row();
    if (!run.rival.empty()) one.figures[0].rival = RivalFigures{Summary{24.69, 24, 25}, 20};
    const auto all = lines(print(csv_report, run, one));
    ASSERT_EQ(all.size(), 3U);
    const auto commas = std::count(all[0].begin(), all[0].end(), ',');
    for (const std::string& line : all)
      EXPECT_EQ(std::count(line.begin(), line.end(), ','), commas);
    EXPECT_TRUE(all[0].find(",nwrong,algorithm,pieces,window,ranks") != std::string::npos);
    EXPECT_TRUE(all[1].starts_with("all_reduce,1024,256,float,sum,-1,out-of-place,12.345,"));
    EXPECT_TRUE(all[1].find(",0,ring,5,4,2") != std::string::npos) << all[1];
  }
}

TEST(JsonReport, has_the_keys_of_nccl_tests_and_real_booleans) {
  const Options o = options();
  const auto document = nlohmann::json::parse(print(json_report, info(o), row()));
  for (const char* key : {"version", "start_time", "args", "env", "config", "results",
                          "out_of_bounds", "average_bus_bandwidth", "errors", "end_time"}) {
    EXPECT_TRUE(document.contains(key)) << key;
  }
  EXPECT_EQ(document["tool"], "rlx-bench");
  EXPECT_EQ(document["ranks"], 2);
  EXPECT_EQ(document["config"]["step_factor"], 2);
  EXPECT_EQ(document["config"]["devices"][1]["hostname"], "node1");
  EXPECT_EQ(document["out_of_bounds"]["okay"], true);
  const auto& result = document["results"][0];
  EXPECT_EQ(result["size"], 1024);
  EXPECT_EQ(result["root"], -1);
  EXPECT_DOUBLE_EQ(result["out_of_place"]["time"].get<double>(), 12.345);
  EXPECT_DOUBLE_EQ(result["in_place"]["time_p90"].get<double>(), 14);
  EXPECT_EQ(result["in_place"]["nwrong"], 0);
  EXPECT_EQ(result["in_place"]["algorithm"], "ring");
  EXPECT_EQ(result["out_of_place"]["pieces"], 5);
  EXPECT_EQ(document["config"]["window"], 4);
  EXPECT_TRUE(document["config"]["faulty"].is_null());
  EXPECT_FALSE(result["in_place"].contains("against"));
}

TEST(JsonReport, the_ratio_is_their_time_over_ours_and_null_where_they_have_none) {
  const Options o = options();
  RunInfo run = info(o);
  run.rival = "Some MPI";
  Row one = row();
  one.figures[0].rival = RivalFigures{Summary{24.69, 24, 25}, 20};
  one.figures[1].rival = RivalFigures{};
  const auto document = nlohmann::json::parse(print(json_report, run, one));
  const auto& result = document["results"][0];
  EXPECT_EQ(result["out_of_place"]["against"]["library"], "Some MPI");
  EXPECT_DOUBLE_EQ(result["out_of_place"]["against"]["ratio"].get<double>(), 2.0);
  EXPECT_TRUE(result["in_place"]["against"]["time"].is_null());
  EXPECT_TRUE(result["in_place"]["against"]["ratio"].is_null());
}

}  // namespace
}  // namespace rlx::bench
