#include "tests/transports/ofi/rank_process.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <thread>

#include "rlx/signal_region.hpp"
#include "transports/ofi/ofi_transport.hpp"

namespace rlx::test {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience{10};
constexpr std::uint32_t kLines = kLinesPerGroup;
constexpr std::size_t kHeapBytes = 65536;

void write_all(int fd, const void* data, std::size_t length) {
  const auto* bytes = static_cast<const char*>(data);
  while (length > 0) {
    const ssize_t written = ::write(fd, bytes, length);
    if (written <= 0) throw std::runtime_error("the hub is gone");
    bytes += written;
    length -= static_cast<std::size_t>(written);
  }
}

void read_all(int fd, void* data, std::size_t length) {
  auto* bytes = static_cast<char*>(data);
  while (length > 0) {
    pollfd ready{fd, POLLIN, 0};
    if (::poll(&ready, 1, 10000) != 1) throw std::runtime_error("nothing from the other side");
    const ssize_t got = ::read(fd, bytes, length);
    if (got <= 0) throw std::runtime_error("the other side is gone");
    bytes += got;
    length -= static_cast<std::size_t>(got);
  }
}

// -- a rank ----------------------------------------------------------------------------------

class RankProcess {
 public:
  RankProcess(int hub, Rank rank, const DeathCase& how)
      : hub_(hub),
        rank_(rank),
        how_(how),
        words_(SignalRegion::bytes(kLines) / 8),
        heap_(kHeapBytes) {
    config_.provider = how.provider;
    const TransportSetup setup{rank, 2, &config_, [this](auto mine) { return exchange(mine); }};
    transport_ = make_ofi(setup, {.watch_processes = how.watches});
    share(std::as_writable_bytes(std::span(words_)), WindowRole::signals);
    share(heap_, WindowRole::heap);
  }

  void run() {
    connect();
    (void)exchange(std::array{std::byte{1}});  // the hub kills rank 1 after this
    if (rank_ == Rank(1)) {
      for (;;) {
        disturb();
        transport_->progress();
      }
    }
    const DeathReport report = survive();
    write_all(hub_, &report, sizeof report);
  }

 private:
  Rank peer() const { return Rank(1 - rank_.value()); }

  std::vector<std::byte> exchange(std::span<const std::byte> mine) {
    const std::uint64_t length = mine.size();
    write_all(hub_, &length, sizeof length);
    write_all(hub_, mine.data(), mine.size());
    std::vector<std::byte> all(2 * mine.size());
    read_all(hub_, all.data(), all.size());
    return all;
  }

  void share(std::span<std::byte> memory, WindowRole role) {
    const auto window = transport_->attach(memory, role);
    if (!window) throw std::runtime_error(transport_->failure()->message);
    const auto keys = exchange(std::as_bytes(std::span(&window->key, 1)));
    WindowKey key;
    std::memcpy(static_cast<void*>(&key), keys.data() + peer().index() * sizeof key, sizeof key);
    if (!transport_->admit(peer(), window->number, key)) throw std::runtime_error("admit");
  }

  void connect() {
    const SignalRegion region(reinterpret_cast<std::byte*>(words_.data()), kLines);
    Completion completion;
    Issue issue = Issue::busy;
    const auto deadline = Clock::now() + kPatience;
    while (issue != Issue::done || region.word(0).load() == 0 || !completion.drained()) {
      if (Clock::now() > deadline) throw std::runtime_error("no connection");
      if (issue == Issue::busy)
        issue = transport_->signal(0, {peer(), 0, SignalValue::make(0, 1, 0)}, completion);
      transport_->progress();
    }
  }

  void disturb() {
    const RemoteRef there{peer(), 1, 0};
    const LocalRef here{heap_.data(), 4096, 1};
    if (how_.survivor == Survivor::puts)
      transport_->put_signal(0, there, here, {peer(), 1, ++value_}, completion_);
    if (how_.survivor == Survivor::gets) transport_->get(0, here, there, completion_);
  }

  DeathReport survive() {
    const auto killed = Clock::now();
    while (!transport_->has_failed() && Clock::now() - killed < kPatience) {
      disturb();
      transport_->progress();
      std::this_thread::yield();
    }
    DeathReport report;
    const auto failure = transport_->failure();
    if (!failure) return report;
    report.milliseconds =
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - killed).count();
    report.peer_failed = failure->kind == ErrorKind::PeerFailed && failure->rank == peer() &&
                         transport_->peer_failed(peer());
    std::strncpy(report.message, failure->message.c_str(), sizeof report.message - 1);
    return report;
  }

  int hub_;
  Rank rank_;
  DeathCase how_;
  Config config_;
  std::vector<std::uint64_t> words_;
  std::vector<std::byte> heap_;
  Completion completion_;
  std::uint64_t value_ = 0;
  std::unique_ptr<SymmetricTransport> transport_;
};

// -- the hub ---------------------------------------------------------------------------------

class Child {
 public:
  Child(const DeathCase& how, int rank) {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) throw std::runtime_error("socketpair");
    const std::vector<std::string> arguments{
        "/proc/self/exe",        "--rank-process", std::to_string(rank),
        std::to_string(pair[1]), how.provider,     std::to_string(static_cast<int>(how.survivor)),
        how.watches ? "1" : "0"};
    std::vector<char*> raw;
    for (const std::string& argument : arguments)
      raw.push_back(const_cast<char*>(argument.c_str()));
    raw.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::close(pair[0]);
      ::execv(raw[0], raw.data());
      ::_exit(127);
    }
    ::close(pair[1]);
    socket_ = pair[0];
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    kill();
    ::close(socket_);
  }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  /// The signal that ended it; 0 where none did.
  int wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }
  int socket() const { return socket_; }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  int socket_ = -1;
};

// One exchange of both ranks; returns the length of a blob.
std::uint64_t serve_exchange(std::array<Child*, 2> children) {
  std::vector<std::byte> all;
  std::uint64_t length = 0;
  for (Child* child : children) {
    read_all(child->socket(), &length, sizeof length);
    all.resize(all.size() + length);
    read_all(child->socket(), all.data() + all.size() - length, length);
  }
  for (Child* child : children) write_all(child->socket(), all.data(), all.size());
  return length;
}

}  // namespace

DeathReport run_death(const DeathCase& how, pid_t& victim) {
  Child survivor(how, 0);
  Child dying(how, 1);
  victim = dying.pid();
  while (serve_exchange({&survivor, &dying}) != 1) {
  }
  dying.kill();
  DeathReport report;
  try {
    read_all(survivor.socket(), &report, sizeof report);
    survivor.wait();
  } catch (const std::runtime_error&) {
    report.crash = survivor.wait();
    if (report.crash == 0) throw;
  }
  return report;
}

bool run_rank_process(int argc, char** argv) {
  if (argc != 7 || std::strcmp(argv[1], "--rank-process") != 0) return false;
  DeathCase how;
  how.provider = argv[4];
  how.survivor = static_cast<Survivor>(std::atoi(argv[5]));
  how.watches = std::strcmp(argv[6], "1") == 0;
  try {
    RankProcess(std::atoi(argv[3]), Rank(static_cast<std::uint32_t>(std::atoi(argv[2]))), how)
        .run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "rank %s: %s\n", argv[2], error.what());
  }
  return true;
}

}  // namespace rlx::test
