// A rank that is killed is found by the survivor, whatever it is doing, within a second.

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "tests/transports/ofi/rank_process.hpp"
#include "transports/common/peer_watch.hpp"
#include "transports/ofi/shm_guard.hpp"
#include "transports/ofi/shm_leftovers.hpp"

namespace rlx::test {

namespace {

constexpr std::int64_t kWithin = 2000;  // milliseconds; about 1000 on a machine with nothing else

class Death : public testing::TestWithParam<DeathCase> {};

bool has_shm_files(pid_t pid) {
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm")) {
    if (entry.path().filename().string().starts_with(std::to_string(pid) + ":")) return true;
  }
  return false;
}

TEST_P(Death, is_found_and_names_the_rank) {
  pid_t victim = -1;
  DeathReport report = run_death(GetParam(), victim);
  // libfabric's shm reads what the dead rank had not finished writing, and ends with a fault of its
  // own where that was an address: seldom, and more often on a busy machine.
  const bool may_crash = GetParam().provider == "shm";
  for (int again = 0; may_crash && report.crash == SIGSEGV && again < 3; ++again)
    report = run_death(GetParam(), victim);
  EXPECT_EQ(report.crash, 0);
  EXPECT_GE(report.milliseconds, 0) << "the death was never found";
  EXPECT_LT(report.milliseconds, kWithin);
  EXPECT_TRUE(report.peer_failed) << report.message;
  EXPECT_NE(std::string(report.message).find("rank 1"), std::string::npos) << report.message;
  EXPECT_FALSE(has_shm_files(victim));
}

INSTANTIATE_TEST_SUITE_P(
    Ofi, Death,
    testing::Values(DeathCase{"tcp_rxm_idle", "tcp;ofi_rxm", Survivor::polls, true},
                    DeathCase{"tcp_rxm_puts", "tcp;ofi_rxm", Survivor::puts, true},
                    DeathCase{"tcp_rxm_puts_unwatched", "tcp;ofi_rxm", Survivor::puts, false},
                    DeathCase{"tcp_rxm_gets_unwatched", "tcp;ofi_rxm", Survivor::gets, false},
                    DeathCase{"net_idle", "net", Survivor::polls, true},
                    DeathCase{"net_puts_unwatched", "net", Survivor::puts, false},
                    DeathCase{"net_gets_unwatched", "net", Survivor::gets, false},
                    DeathCase{"shm_idle", "shm", Survivor::polls, true},
                    DeathCase{"shm_puts", "shm", Survivor::puts, true}),
    [](const auto& death) { return death.param.name; });

// A child that does nothing until it is told to end, by the end of a pipe.
class Sleeper {
 public:
  Sleeper() {
    int ends[2] = {};
    if (::pipe(ends) != 0) throw std::runtime_error("pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(ends[1]);
      char byte = 0;
      [[maybe_unused]] const ssize_t closed = ::read(ends[0], &byte, 1);
      ::_exit(0);
    }
    ::close(ends[0]);
    end_ = ends[1];
  }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;
  ~Sleeper() { end(); }
  void end() {
    if (pid_ < 0) return;
    ::close(end_);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  detail::ProcessIdentity identity() const {
    detail::ProcessIdentity identity = detail::ProcessIdentity::mine();
    identity.pid = pid_;
    identity.start_time = detail::start_time_of(pid_);
    return identity;
  }

 private:
  pid_t pid_ = -1;
  int end_ = -1;
};

TEST(PeerWatch, tells_a_death_once_and_after_its_grace) {
  const auto me = detail::ProcessIdentity::mine();
  detail::PeerWatch watch(me);
  Sleeper first;
  Sleeper second;
  watch.add(Rank(0), me);
  watch.add(Rank(1), first.identity());
  watch.add(Rank(2), second.identity());
  EXPECT_EQ(watch.watched(), 2U);
  auto now = detail::PeerWatch::Clock::now();
  EXPECT_TRUE(watch.poll(now).empty());
  second.end();
  now += detail::PeerWatch::kInterval;
  EXPECT_TRUE(watch.poll(now).empty()) << "seen, but within its grace";
  now += detail::PeerWatch::kGrace;
  const auto told = watch.poll(now);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].rank, Rank(2));
  EXPECT_TRUE(watch.poll(now + detail::PeerWatch::kGrace).empty());
  EXPECT_EQ(watch.watched(), 1U);
}

TEST(PeerWatch, takes_a_later_process_of_the_same_number_for_dead) {
  detail::PeerWatch watch(detail::ProcessIdentity::mine());
  Sleeper sleeper;
  auto identity = sleeper.identity();
  identity.start_time -= 1;
  watch.add(Rank(4), identity);
  const auto told = watch.poll(detail::PeerWatch::Clock::now() + detail::PeerWatch::kGrace * 2);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].rank, Rank(4));
}

TEST(PeerWatch, leaves_out_what_this_kernel_does_not_show) {
  detail::PeerWatch watch(detail::ProcessIdentity::mine());
  Sleeper sleeper;
  auto elsewhere = sleeper.identity();
  elsewhere.boot[0] ^= 1;
  auto contained = sleeper.identity();
  contained.pid_namespace += 1;
  watch.add(Rank(1), elsewhere);
  watch.add(Rank(2), contained);
  EXPECT_EQ(watch.watched(), 0U);
}

// A file as the shm provider makes it, with its lock at byte 24.
class ShmFile {
 public:
  explicit ShmFile(std::uint8_t version) {
    std::vector<char> bytes(4096);
    const pid_t pid = ::getpid();
    bytes[0] = static_cast<char>(version);
    std::memcpy(&bytes[4], &pid, sizeof pid);
    ::pthread_spin_init(reinterpret_cast<pthread_spinlock_t*>(&bytes[24]), 1);
    ::pthread_spin_lock(reinterpret_cast<pthread_spinlock_t*>(&bytes[24]));
    std::ofstream(path_).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  ShmFile(const ShmFile&) = delete;
  ShmFile& operator=(const ShmFile&) = delete;
  ~ShmFile() { std::filesystem::remove(path_); }
  std::string address() const { return "fi_shm://" + path_.substr(std::strlen("/dev/shm/")); }

 private:
  std::string path_ = "/dev/shm/" + std::to_string(::getpid()) + ":88:0";
};

TEST(ShmLock, is_opened_when_it_stays_held_and_left_alone_otherwise) {
  const ShmFile file(4);
  auto lock = ofi::ShmLock::open(file.address(), ::getpid());
  ASSERT_TRUE(lock);
  EXPECT_TRUE(lock->open_if_held_for(std::chrono::milliseconds(3)));
  EXPECT_FALSE(lock->open_if_held_for(std::chrono::milliseconds(3))) << "it is open now";
}

TEST(ShmLock, of_an_unknown_version_or_another_process_is_not_touched) {
  const ShmFile file(9);
  EXPECT_FALSE(ofi::ShmLock::open(file.address(), ::getpid()));
  const ShmFile known(4);
  EXPECT_FALSE(ofi::ShmLock::open(known.address(), ::getpid() + 1));
  EXPECT_FALSE(ofi::ShmLock::open("fi_shm://1:99:99", 1));
}

TEST(ShmLeftovers, of_dead_processes_go_and_those_of_the_living_stay) {
  pid_t dead = -1;
  {
    Sleeper sleeper;
    dead = sleeper.identity().pid;
  }
  const std::string prefix = "/dev/shm/";
  const std::string stale = prefix + std::to_string(dead) + ":0:0";
  const std::string living = prefix + std::to_string(::getpid()) + ":77:0";
  const std::string foreign = prefix + std::to_string(dead) + ":0:0.keep";
  for (const std::string& path : {stale, living, foreign}) std::ofstream(path) << "x";
  ofi::remove_stale_shm_files();
  EXPECT_FALSE(std::filesystem::exists(stale));
  EXPECT_TRUE(std::filesystem::exists(living));
  EXPECT_TRUE(std::filesystem::exists(foreign));
  EXPECT_EQ(ofi::remove_shm_files_of(::getpid()), 1U);
  std::filesystem::remove(foreign);
}

}  // namespace

}  // namespace rlx::test
