#include "tools/bench/memory_buffers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "rlx/error.hpp"
#include "tools/bench/exchange.hpp"

namespace rlx::bench {
namespace {

constexpr std::size_t kHead = 4096;  // the nonce, and the line of word_of()
constexpr std::size_t kWordAt = 2048;
constexpr std::size_t kMostArrays = 3;
// Between arrays, so that their elements of equal index do not fall on the same sets of a cache,
// nor on addresses that a core takes for the same until it has looked twice (4 KiB apart).
constexpr std::size_t kSkew = 5 * 4096 + 17 * 64;

std::size_t array_bytes(MemoryKernel kernel, std::size_t bytes) {
  return bytes / arrays_of(kernel) / kMemoryUnit * kMemoryUnit;
}

/// How a rank's set-up went, as it travels.
struct SetupWord {
  char reason[200] = {};
};

/// Throws on all ranks when one has a reason.
void agree_that_it_worked(Communicator& comm, ErrorKind kind, std::string_view advice,
                          const std::string& reason) {
  SetupWord mine;
  std::memcpy(mine.reason, reason.data(), std::min(reason.size(), sizeof(mine.reason) - 1));
  std::uint32_t rank = 0;
  for (const SetupWord& word : gather(comm, mine)) {
    if (word.reason[0] != '\0')
      throw CollectiveError(
          kind, "memory", fmt::format("rank {}: {}; {}", rank, word.reason, advice), {Rank(rank)});
    ++rank;
  }
}

}  // namespace

std::string_view to_string(Reach reach) {
  constexpr std::string_view kNames[] = {"local", "from", "to", "both"};
  return kNames[static_cast<std::size_t>(reach)];
}

MemoryBuffers::MemoryBuffers(Communicator& comm, std::size_t bytes) {
  const std::size_t whole = kHead + bytes + kMostArrays * kSkew;
  mine_ = SharedMemory::create(whole);
  const bool room = mine_.valid() && mine_.populate();
  agree_that_it_worked(comm, ErrorKind::OutOfMemory,
                       "give a smaller -e: every rank needs so much memory",
                       room ? std::string() : mine_.reason());

  const std::vector<SharedName> names = gather(comm, mine_.name());
  const std::size_t next = (comm.rank().index() + 1) % comm.size();
  theirs_ = SharedMemory::open(names[next], whole);
  std::string reason = theirs_.valid() && theirs_.populate() ? "" : theirs_.reason();
  for (const SharedName& name : names) {
    heads_.push_back(SharedMemory::open(name, kHead));
    if (!heads_.back().valid()) reason = heads_.back().reason();
  }
  agree_that_it_worked(comm, ErrorKind::Unsupported,
                       "the floor of the memory system is that of one host, whose ranks see each "
                       "other's processes",
                       reason);
}

std::size_t MemoryBuffers::array_start(std::size_t index, std::size_t array_bytes) const {
  return kHead + index * (array_bytes + kSkew);
}

/// Sources first, the destination last; where each lies is the same in everybody's memory.
MemoryArrays MemoryBuffers::arrays(MemoryKernel kernel, Reach reach, std::size_t bytes) const {
  const std::size_t length = array_bytes(kernel, bytes);
  const std::size_t last = arrays_of(kernel) - 1;
  const bool from = reach == Reach::from || reach == Reach::both;
  const bool to = reach == Reach::to || reach == Reach::both;
  const auto source = [&](std::size_t index, bool remote) {
    return (remote ? theirs_ : mine_).data() + array_start(index, length);
  };
  MemoryArrays arrays;
  arrays.bytes = length;
  if (kernel == MemoryKernel::read) {
    arrays.a = source(0, from);
    return arrays;
  }
  arrays.out = (to ? theirs_ : mine_).data() + array_start(last, length);
  if (kernel == MemoryKernel::write) return arrays;
  arrays.a = source(0, from && kernel == MemoryKernel::copy);
  arrays.b = source(1, from);  // of add: a is its own, as a rank's own part of a sum
  return arrays;
}

void MemoryBuffers::rewrite(MemoryKernel kernel, std::size_t bytes) const {
  const std::size_t length = array_bytes(kernel, bytes);
  const MemoryFunction write = memory_function(MemoryKernel::write, Stores::plain);
  for (std::size_t index = 0; index < arrays_of(kernel); ++index)
    write({.out = mine_.data() + array_start(index, length), .bytes = length});
}

std::atomic<std::uint64_t>& MemoryBuffers::word_of(Rank rank) const {
  return *reinterpret_cast<std::atomic<std::uint64_t>*>(heads_[rank.index()].data() + kWordAt);
}

}  // namespace rlx::bench
