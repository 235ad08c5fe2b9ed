// Memory that processes of one machine map to read.

#include "rlx/node_memory.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace rlx::detail {
namespace {

TEST(NodeMemory, is_read_by_another_process_as_long_as_that_has_it_open) {
  auto memory = std::make_unique<NodeMemory>(100000);
  ASSERT_EQ(memory->memory().size(), 100000U);
  std::ranges::fill(memory->memory(), std::byte{42});
  const NodeMemoryName name = memory->name();
  int opened[2], gone[2];
  ASSERT_EQ(::pipe(opened), 0);
  ASSERT_EQ(::pipe(gone), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto mapped = open_node_memory(name);
    char byte = mapped ? 1 : 0;
    (void)!::write(opened[1], &byte, 1);
    (void)!::read(gone[0], &byte, 1);
    const bool right = mapped && std::all_of(mapped.get(), mapped.get() + 100000,
                                             [](std::byte one) { return one == std::byte{42}; });
    ::_exit(right ? 0 : 1);
  }
  char byte = 0;
  ASSERT_EQ(::read(opened[0], &byte, 1), 1);
  EXPECT_EQ(byte, 1);
  memory.reset();
  ASSERT_EQ(::write(gone[1], &byte, 1), 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  for (const int end : {opened[0], opened[1], gone[0], gone[1]}) ::close(end);
}

TEST(NodeMemory, of_a_process_that_is_another_by_now_is_none) {
  const NodeMemory memory(100);
  NodeMemoryName name = memory.name();
  EXPECT_NE(open_node_memory(name), nullptr);
  ++name.token;
  EXPECT_EQ(open_node_memory(name), nullptr);
  name = memory.name();
  name.bytes = 1 << 20;  // more than there is
  EXPECT_EQ(open_node_memory(name), nullptr);
  name = memory.name();
  name.descriptor = 999;
  EXPECT_EQ(open_node_memory(name), nullptr);
  EXPECT_EQ(open_node_memory(NodeMemoryName{}), nullptr);
}

}  // namespace
}  // namespace rlx::detail
