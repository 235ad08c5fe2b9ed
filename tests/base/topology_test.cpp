#include "rlx/topology.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>

namespace rlx {
namespace {

std::vector<std::uint32_t> affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  EXPECT_EQ(::sched_getaffinity(0, sizeof set, &set), 0);
  std::vector<std::uint32_t> cpus;
  for (std::uint32_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

TEST(Topology, has_the_cpus_of_the_affinity_mask) {
  const Topology topology = Topology::discover();
  EXPECT_EQ(topology.cpus, affinity());
  EXPECT_GE(topology.cores, 1U);
  EXPECT_LE(topology.cores, topology.cpus.size());
  EXPECT_GE(topology.packages, 1U);
  EXPECT_GT(topology.memory_bytes, std::size_t{1} << 20);
}

TEST(Topology, its_numa_nodes_partition_the_cpus) {
  const Topology topology = Topology::discover();
  ASSERT_FALSE(topology.numa_nodes.empty());
  std::vector<std::uint32_t> all;
  for (const NumaNode& node : topology.numa_nodes) {
    EXPECT_FALSE(node.cpus.empty());
    all.insert(all.end(), node.cpus.begin(), node.cpus.end());
  }
  std::ranges::sort(all);
  EXPECT_EQ(all, topology.cpus);
}

TEST(Topology, a_process_bound_to_one_cpu_has_one_core) {
  const std::vector<std::uint32_t> before = affinity();
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(before.back(), &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  const Topology bound = Topology::discover();
  cpu_set_t all;
  CPU_ZERO(&all);
  for (const std::uint32_t cpu : before) CPU_SET(cpu, &all);
  ASSERT_EQ(::sched_setaffinity(0, sizeof all, &all), 0);
  EXPECT_EQ(bound.cpus, std::vector<std::uint32_t>{before.back()});
  EXPECT_EQ(bound.cores, 1U);
  EXPECT_EQ(bound.packages, 1U);
  EXPECT_EQ(bound.numa_nodes.size(), 1U);
}

TEST(Topology, says_which_machine_it_is) {
  const Topology topology = Topology::discover();
  char name[256] = {};
  ASSERT_EQ(::gethostname(name, sizeof name - 1), 0);
  EXPECT_EQ(topology.hostname, name);
  EXPECT_EQ(topology.boot_id, Topology::discover().boot_id);
  EXPECT_THAT(to_string(topology), ::testing::HasSubstr(topology.hostname));
  Topology small;
  small.hostname = "node1";
  small.cpus = {0, 1};
  small.cores = 1;
  small.packages = 1;
  small.numa_nodes = {NumaNode{}};
  small.memory_bytes = std::size_t{3} << 29;
  EXPECT_EQ(to_string(small), "node1: 1 core (2 CPUs), 1 package, 1 NUMA node, 1.5 GiB");
}

}  // namespace
}  // namespace rlx
