// Reads the source tree: include directions, what public headers include, and file lengths.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/layout/rooms.hpp"

namespace rlx::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxLines = 500;
const fs::path kRoot = RLX_SOURCE_ROOT;

bool is_build_or_hidden(const fs::path& directory) {
  const std::string name = directory.filename().string();
  return fs::exists(directory / "meson-private") || name == ".git" || name == "subprojects";
}

/// Paths of all files from the root, without build directories.
std::vector<std::string> all_files() {
  std::vector<std::string> paths;
  for (auto it = fs::recursive_directory_iterator(kRoot); it != fs::end(it); ++it) {
    if (it->is_directory() && is_build_or_hidden(it->path())) it.disable_recursion_pending();
    if (it->is_regular_file()) paths.push_back(fs::relative(it->path(), kRoot).string());
  }
  std::ranges::sort(paths);
  return paths;
}

bool is_cpp(const fs::path& path) {
  return path.extension() == ".hpp" || path.extension() == ".cpp" || path.extension() == ".h";
}

/// Sources, scripts and build files: by ending, or by what scripts begin with.
bool is_written_by_hand(const fs::path& path) {
  static const std::set<std::string> kEndings = {".hpp", ".cpp", ".h",     ".c",    ".sh",
                                                 ".py",  ".txt", ".build", ".comp", ".glsl"};
  if (kEndings.contains(path.extension().string()) || path.filename() == "meson.build") return true;
  std::ifstream file(kRoot / path);
  char start[2] = {};
  file.read(start, 2);
  return start[0] == '#' && start[1] == '!';
}

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(kRoot / path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

std::vector<Include> includes_of(const std::string& path) {
  std::vector<Include> includes;
  for (const std::string& line : lines_of(path))
    if (auto include = include_of(line)) includes.push_back(*include);
  return includes;
}

TEST(Layout, includes_only_point_down) {
  std::size_t read = 0;
  for (const std::string& path : all_files()) {
    if (!is_cpp(path)) continue;
    for (const Include& include : includes_of(path)) {
      ++read;
      const std::string why = objection(path, include);
      EXPECT_TRUE(why.empty()) << path << ": " << why;
    }
  }
  EXPECT_GT(read, 200u) << "the tree at " << kRoot << " was not read";
}

TEST(Layout, every_quoted_include_names_a_file_of_the_tree) {
  for (const std::string& path : all_files()) {
    if (!is_cpp(path)) continue;
    for (const Include& include : includes_of(path)) {
      if (!include.quoted) continue;
      EXPECT_TRUE(fs::exists(kRoot / path_of(path, include)))
          << path << " includes \"" << include.target << '"';
    }
  }
}

TEST(Layout, public_headers_include_no_foreign_library) {
  for (const auto& [header, room] : kPublicHeaders) {
    if (header == "mpi.hpp" || header == "mpi_bootstrap.hpp") continue;
    for (const Include& include : includes_of(std::string(kPublicFolder) + std::string(header)))
      EXPECT_FALSE(is_foreign_to_public_headers(include)) << header << ": " << include.target;
  }
}

TEST(Layout, every_public_header_has_a_room_and_is_compiled_alone) {
  std::set<std::string> present;
  for (const auto& entry : fs::directory_iterator(kRoot / kPublicFolder))
    if (entry.path().extension() == ".hpp") present.insert(entry.path().filename().string());
  std::set<std::string> listed;
  for (const auto& [header, room] : kPublicHeaders) listed.insert(std::string(header));
  EXPECT_EQ(present, listed) << "the table is in tests/layout/rooms.hpp";
  std::set<std::string> compiled;
  std::istringstream names(RLX_COMPILED_HEADERS);
  for (std::string name; names >> name;) compiled.insert(name);
  EXPECT_EQ(present, compiled) << "a header came or went since Meson configured; reconfigure";
}

TEST(Layout, public_headers_have_pragma_once) {
  for (const auto& [header, room] : kPublicHeaders)
    EXPECT_EQ(lines_of(std::string(kPublicFolder) + std::string(header)).at(0), "#pragma once")
        << header;
}

TEST(Layout, no_source_script_or_build_file_is_longer_than_500_lines) {
  std::size_t read = 0;
  for (const std::string& path : all_files()) {
    if (!is_written_by_hand(path)) continue;
    ++read;
    EXPECT_LE(lines_of(path).size(), kMaxLines) << path;
  }
  EXPECT_GT(read, 100u) << "the tree at " << kRoot << " was not read";
}

std::string text_of(const std::string& path, std::size_t first_line = 0) {
  std::string text;
  const std::vector<std::string> lines = lines_of(path);
  for (std::size_t i = first_line; i < lines.size(); ++i) text += lines[i] + '\n';
  return text;
}

TEST(Layout, the_first_program_of_the_readme_is_the_one_that_is_tested) {
  const std::string program = text_of("tests/programs/first_program.cpp", 1);
  EXPECT_NE(text_of("README.md").find("```cpp\n" + program + "```"), std::string::npos)
      << "README.md and tests/programs/first_program.cpp differ";
}

TEST(Layout, the_containers_of_the_readme_are_the_ones_that_are_tested) {
  const std::string program = text_of("tests/programs/symmetric_containers.cpp");
  const std::string readme = text_of("README.md");
  const std::string opening = "```cpp\n  // Vectors of";
  const std::size_t begin = readme.find(opening);
  ASSERT_NE(begin, std::string::npos);
  const std::size_t code = begin + std::string("```cpp\n").size();
  const std::string shown = readme.substr(code, readme.find("```", code) - code);
  EXPECT_NE(program.find(shown), std::string::npos)
      << "README.md and tests/programs/symmetric_containers.cpp differ";
}

TEST(Layout, links_between_pages_lead_to_files) {
  for (const std::string& path : all_files()) {
    if (fs::path(path).extension() != ".md") continue;
    const std::string text = text_of(path);
    for (std::size_t at = text.find("]("); at != std::string::npos; at = text.find("](", at + 2)) {
      const std::string target = text.substr(at + 2, text.find_first_of(")#", at) - at - 2);
      if (target.empty() || target.find("://") != std::string::npos) continue;
      EXPECT_TRUE(fs::exists(kRoot / fs::path(path).parent_path() / target))
          << path << " links to " << target;
    }
  }
}

// -- the rules themselves can fail ------------------------------------------------------------

std::string objection_to(const char* path, const char* line) {
  return objection(path, include_of(line).value());
}

TEST(LayoutRules, a_lower_room_may_not_see_a_higher_one) {
  EXPECT_NE(objection_to("lib/base/a.cpp", "#include \"lib/driver/compute.hpp\""), "");
  EXPECT_NE(objection_to("lib/driver/a.cpp", "#include \"rlx/symmetric_heap.hpp\""), "");
  EXPECT_NE(objection_to("lib/symmetric/a.cpp", "#  include <rlx/bootstrap.hpp>"), "");
  EXPECT_NE(objection_to("lib/bootstrap/a.cpp", "#include \"rlx/communicator.hpp\""), "");
  EXPECT_NE(objection_to("include/rlx/buffer.hpp", "#include \"rlx/communicator.hpp\""), "");
  EXPECT_NE(objection_to("lib/communicator/a.cpp", "#include \"tools/bench/x.hpp\""), "");
}

TEST(LayoutRules, collectives_transports_and_bootstrap_never_see_each_other) {
  const char* paths[] = {"collectives/a.cpp", "transports/ofi/a.cpp", "lib/bootstrap/a.cpp"};
  const char* lines[] = {"#include \"collectives/schedule.hpp\"",
                         "#include \"transports/transports.hpp\"",
                         "#include \"rlx/bootstrap.hpp\""};
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j) EXPECT_EQ(objection_to(paths[i], lines[j]).empty(), i == j);
}

TEST(LayoutRules, downwards_sideways_within_a_room_and_foreign_is_fine) {
  EXPECT_EQ(objection_to("lib/communicator/a.cpp", "#include \"collectives/schedule.hpp\""), "");
  EXPECT_EQ(objection_to("lib/base/a.cpp", "#include \"lib/base/log.hpp\""), "");
  EXPECT_EQ(objection_to("lib/base/a.cpp", "#include <vector>"), "");
  EXPECT_EQ(objection_to("tests/base/a.cpp", "#include \"lib/communicator/engine.hpp\""), "");
}

TEST(LayoutRules, an_include_that_is_not_from_the_root_is_refused) {
  EXPECT_NE(objection_to("lib/base/a.cpp", "#include \"base/log.hpp\""), "");
  EXPECT_EQ(objection_to("lib/base/a.cpp", "#include \"log.hpp\""), "") << "a neighbour";
}

TEST(LayoutRules, foreign_headers_are_recognised) {
  for (const char* line : {"#include <mpi.h>", "#include <rdma/fabric.h>", "#include <hwloc.h>",
                           "#include <vulkan/vulkan.h>", "# include \"fmt/core.h\""})
    EXPECT_TRUE(is_foreign_to_public_headers(include_of(line).value())) << line;
  EXPECT_FALSE(is_foreign_to_public_headers(include_of("#include <map>").value()));
  EXPECT_FALSE(include_of("int include = 3;").has_value());
  EXPECT_FALSE(include_of("// #include <mpi.h>").has_value());
}

}  // namespace
}  // namespace rlx::testing
