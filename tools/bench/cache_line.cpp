#include "tools/bench/cache_line.hpp"

#include <sched.h>
#include <unistd.h>

#include <chrono>

#include "rlx/collectives.hpp"
#include "tools/bench/statistics.hpp"

namespace rlx::bench {
namespace {

constexpr std::uint32_t kSpins = 1000;
constexpr std::uint32_t kPollsPerCheck = 256;

double now_ns() {
  return static_cast<double>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                 std::chrono::steady_clock::now().time_since_epoch())
                                 .count());
}

/// One rank's side of a pair. Each writes a line of its own and polls the other's, as signals do:
/// what has been read is shared, and each store takes it back first. (One line that goes back and
/// forth takes less than half of that, because it comes as the reader's own.)
class Player {
 public:
  using Word = std::atomic<std::uint64_t>;
  Player(LineUp& line_up, Word& mine, const Word& theirs, bool crowded)
      : line_up_(line_up), mine_(mine), theirs_(theirs), crowded_(crowded) {}

  void lead(int round_trips) {
    for (int i = 0; i < round_trips; ++i) {
      mine_.store(++value_, std::memory_order_release);
      await(value_);
    }
  }
  void follow(int round_trips) {
    for (int i = 0; i < round_trips; ++i) {
      await(++value_);
      mine_.store(value_, std::memory_order_release);
    }
  }

 private:
  void await(std::uint64_t value) {
    for (std::uint32_t polls = 1; theirs_.load(std::memory_order_acquire) != value; ++polls) {
      if (crowded_ || polls > kSpins) sched_yield();
      if (polls % kPollsPerCheck == 0) line_up_.check_peers();
    }
  }

  LineUp& line_up_;
  Word& mine_;
  const Word& theirs_;
  bool crowded_;
  std::uint64_t value_ = 0;
};

bool more_ranks_than_cores(const Communicator& comm) {
  const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
  return cpus > 0 && comm.size() > static_cast<std::size_t>(cpus);
}

}  // namespace

CacheLineTimes time_cache_lines(Communicator& comm, LineUp& line_up, const MemoryBuffers& buffers,
                                int samples) {
  CacheLineTimes times;
  if (comm.size() == 1) return times;
  const bool crowded = more_ranks_than_cores(comm);
  times.samples = samples;
  times.round_trips = crowded ? 8 : 64;
  std::vector<double> all;  // those that I led; zero elsewhere
  for (std::uint32_t a = 0; a < comm.size(); ++a) {
    for (std::uint32_t b = a + 1; b < comm.size(); ++b) {
      times.pairs.push_back({a, b, 0});
      const std::size_t first = all.size();
      all.resize(first + static_cast<std::size_t>(samples));
      const bool plays = comm.rank() == Rank(a) || comm.rank() == Rank(b);
      if (plays) buffers.word_of(comm.rank()).store(0, std::memory_order_relaxed);
      line_up.wait();
      const Rank other = comm.rank() == Rank(a) ? Rank(b) : Rank(a);
      Player player(line_up, buffers.word_of(comm.rank()), buffers.word_of(other), crowded);
      if (comm.rank() == Rank(b)) player.follow((samples + 1) * times.round_trips);
      if (comm.rank() != Rank(a)) continue;
      player.lead(times.round_trips);  // the line and its page become known to both
      for (int i = 0; i < samples; ++i) {
        const double begin = now_ns();
        player.lead(times.round_trips);
        all[first + static_cast<std::size_t>(i)] = (now_ns() - begin) / 2 / times.round_trips;
      }
    }
  }
  all_reduce(comm, all, ReduceKind::Sum);
  times.median_ns = quantile(all, 0.5);
  times.p5_ns = quantile(all, 0.05);
  times.p95_ns = quantile(all, 0.95);
  auto begin = all.begin();
  for (PairTime& pair : times.pairs) {
    pair.median_ns = quantile({begin, begin + samples}, 0.5);
    begin += samples;
  }
  return times;
}

}  // namespace rlx::bench
