#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "tools/explain/schedule_text.hpp"

namespace rlx::explain {
namespace {

TEST(Explain, has_made_the_page_about_algorithms_that_is_in_docs) {
  const std::ifstream file(RLX_SOURCE_ROOT "/docs/algorithms.md");
  ASSERT_TRUE(file.good());
  std::ostringstream page;
  page << file.rdbuf();
  EXPECT_EQ(page.str(), markdown())
      << "make it again: build/tools/rlx-explain --markdown > docs/algorithms.md";
}

TEST(Explain, lists_a_name_at_the_start_of_each_line) {
  std::istringstream lines(list(collectives::Collective::all_reduce));
  std::vector<std::string> names;
  for (std::string line; std::getline(lines, line);)
    names.push_back(line.substr(0, line.find(' ')));
  EXPECT_EQ(names, (std::vector<std::string>{"ring",
                                             "circulant",
                                             "double_binary_tree",
                                             "exchange",
                                             "bidirectional_ring",
                                             "multi_ring",
                                             "k_port",
                                             "doubling",
                                             "doubling_line",
                                             "k_ary",
                                             "k_ary_line",
                                             "lines",
                                             "slots",
                                             "slots_in_groups",
                                             "one_shot",
                                             "two_shot",
                                             "two_shot_slots",
                                             "nodes_ring",
                                             "nodes_circulant",
                                             "leaders",
                                             "leaders_line"}));
}

TEST(Explain, shows_the_steps_of_one_rank) {
  const auto* barrier =
      collectives::find_algorithm(collectives::Collective::barrier, "dissemination");
  EXPECT_EQ(describe_steps(barrier->generate({3, 1})),
            "rank 1 of 3: 4 steps, 2 words, 1 lane, all-dependent\n"
            "    0  signal rank 2, word 0 part 1\n"
            "    1  wait for word 0 part 1 from rank 0\n"
            "    2  signal rank 0, word 1 part 1\n"
            "    3  wait for word 1 part 1 from rank 2\n");
}

TEST(Explain, shows_what_an_algorithm_costs) {
  const auto* ring = collectives::find_algorithm(collectives::Collective::all_reduce, "ring");
  const std::string text = describe_cost(*ring, {8});
  EXPECT_NE(text.find("rounds         14"), std::string::npos) << text;
  EXPECT_NE(text.find("14 chunks, 1.75 n"), std::string::npos) << text;
}

}  // namespace
}  // namespace rlx::explain
