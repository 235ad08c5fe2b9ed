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

using Word = std::atomic<std::uint64_t>;

/// One rank's side of a pair. The first player writes odd values, the second even ones.
class Player {
 public:
  Player(LineUp& line_up, Word& mine, Word& theirs, bool crowded)
      : line_up_(line_up), mine_(mine), theirs_(theirs), crowded_(crowded) {}

  void lead(int round_trips) {
    for (int i = 0; i < round_trips; ++i) {
      mine_.store(++value_, std::memory_order_release);
      await(++value_);
    }
  }
  void follow(int round_trips) {
    for (int i = 0; i < round_trips; ++i) {
      await(++value_);
      mine_.store(++value_, std::memory_order_release);
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
  Word& theirs_;
  bool crowded_;
  std::uint64_t value_ = 0;
};

bool more_ranks_than_cores(const Communicator& comm) {
  const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
  return cpus > 0 && comm.size() > static_cast<std::size_t>(cpus);
}

struct Game {
  Rank first;
  Rank second;
  bool one_line;
};

class Table {
 public:
  Table(Communicator& comm, LineUp& line_up, const MemoryBuffers& buffers, int samples)
      : comm_(comm),
        line_up_(line_up),
        buffers_(buffers),
        samples_(samples),
        crowded_(more_ranks_than_cores(comm)),
        round_trips_(crowded_ ? 8 : 64) {}

  [[nodiscard]] int round_trips() const { return round_trips_; }

  /// Collective. One-way times in nanoseconds, on the first player; zeros elsewhere.
  std::vector<double> play(const Game& game) {
    std::vector<double> times(static_cast<std::size_t>(samples_));
    const bool leads = comm_.rank() == game.first;
    buffers_.word_of(comm_.rank()).store(0, std::memory_order_relaxed);
    line_up_.wait();
    if (leads || comm_.rank() == game.second) {
      Word& first = buffers_.word_of(game.first);
      Word& second = game.one_line ? first : buffers_.word_of(game.second);
      Player player(line_up_, leads ? first : second, leads ? second : first, crowded_);
      if (leads) {
        lead(player, times);
      } else {
        player.follow((samples_ + 1) * round_trips_);
      }
    }
    line_up_.wait();  // before anybody clears a word for the next game
    return times;
  }

 private:
  void lead(Player& player, std::vector<double>& times) const {
    player.lead(round_trips_);  // the lines and their pages become known to both
    for (double& time : times) {
      const double begin = now_ns();
      player.lead(round_trips_);
      time = (now_ns() - begin) / 2 / round_trips_;
    }
  }

  Communicator& comm_;
  LineUp& line_up_;
  const MemoryBuffers& buffers_;
  int samples_;
  bool crowded_;
  int round_trips_;
};

/// Everybody's samples, one pair after the other.
struct Samples {
  std::vector<double> all;

  void add(const std::vector<double>& pair) { all.insert(all.end(), pair.begin(), pair.end()); }
  [[nodiscard]] HopTime hop() const {
    return {quantile(all, 0.5), quantile(all, 0.05), quantile(all, 0.95)};
  }
  [[nodiscard]] double median_of(std::size_t pair, std::size_t samples) const {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(pair * samples);
    return quantile({begin, begin + static_cast<std::ptrdiff_t>(samples)}, 0.5);
  }
};

}  // namespace

CacheLineTimes time_cache_lines(Communicator& comm, LineUp& line_up, const MemoryBuffers& buffers,
                                int samples) {
  CacheLineTimes times;
  if (comm.size() == 1) return times;
  Table table(comm, line_up, buffers, samples);
  times.samples = samples;
  times.round_trips = table.round_trips();
  Samples own_lines;
  Samples one_line;
  for (std::uint32_t a = 0; a < comm.size(); ++a) {
    for (std::uint32_t b = a + 1; b < comm.size(); ++b) {
      times.pairs.push_back({.first = a, .second = b});
      own_lines.add(table.play({Rank(a), Rank(b), false}));
      one_line.add(table.play({Rank(a), Rank(b), true}));
    }
  }
  all_reduce(comm, own_lines.all, ReduceKind::Sum);
  all_reduce(comm, one_line.all, ReduceKind::Sum);
  times.own_lines = own_lines.hop();
  times.one_line = one_line.hop();
  for (std::size_t i = 0; i < times.pairs.size(); ++i) {
    times.pairs[i].own_lines_ns = own_lines.median_of(i, static_cast<std::size_t>(samples));
    times.pairs[i].one_line_ns = one_line.median_of(i, static_cast<std::size_t>(samples));
  }
  return times;
}

}  // namespace rlx::bench
