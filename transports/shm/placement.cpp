#include "transports/shm/placement.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "lib/symmetric/address_range.hpp"
#include "rlx/error.hpp"
#include "rlx/topology.hpp"
#include "transports/shm/memory_limits.hpp"
#include "transports/shm/shared_file.hpp"

namespace rlx::shm {

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kSample = 64;
constexpr std::size_t kTrialBytes = std::size_t{2} << 20;

}  // namespace

std::optional<bool> pages_are_local(std::span<const std::byte> memory) {
  const std::size_t pages = memory.size() / kPage;
  const std::size_t count = std::min(pages, kSample);
  std::array<const void*, kSample> sample{};
  std::array<int, kSample> nodes{};
  for (std::size_t i = 0; i < count; ++i) sample[i] = memory.data() + i * pages / count * kPage;
  // Without nodes to move to it only asks; a negative number is an error number.
  if (::syscall(SYS_move_pages, 0, count, sample.data(), nullptr, nodes.data(), 0) != 0)
    return std::nullopt;
  const Topology topology = Topology::discover();
  for (std::size_t i = 0; i < count; ++i) {
    if (nodes[i] < 0) return std::nullopt;
    const auto is_there = [&](const NumaNode& node) {
      return node.index == static_cast<std::uint32_t>(nodes[i]);
    };
    if (std::ranges::none_of(topology.numa_nodes, is_there)) return false;
  }
  return true;
}

SharedMemoryReport describe_shared_memory() {
  SharedMemoryReport report;
  const HugePages huge = huge_pages_of_shared_memory();
  report.huge_pages = huge.allowed;
  report.huge_page_setting = huge.setting;
  try {
    SharedFile file(random_token(), [] { return available_memory(); });
    detail::AddressRange range = detail::AddressRange::reserve(kTrialBytes, kTrialBytes);
    if (range.data() == nullptr || !range.commit(0, kTrialBytes)) {
      report.problem = "no addresses are left";
      return report;
    }
    const std::span<std::byte> memory(range.data(), kTrialBytes);
    file.share(memory);
    report.node_local = pages_are_local(memory);
  } catch (const CollectiveError& error) {
    report.problem = error.details().message;
  }
  return report;
}

}  // namespace rlx::shm
