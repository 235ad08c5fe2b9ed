#include "transports/ofi/shm_guard.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <utility>

#include "lib/base/log.hpp"

namespace rlx::ofi {

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::chrono::milliseconds kWake{20};

// How files of the shm provider begin in libfabric 1.16 to 1.19, versions 3 to 5.
struct Head {
  std::uint8_t version;
  std::uint8_t reserved;
  std::uint16_t flags;
  std::int32_t pid;
  std::uint8_t copies[2];
  std::uint32_t largest_batch;
  void* base;
  pthread_spinlock_t lock;
};
constexpr std::uint8_t kFirstVersion = 3;
constexpr std::uint8_t kLastVersion = 5;
static_assert(sizeof(void*) != 8 || offsetof(Head, lock) == 24);

void* map_head(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return nullptr;
  struct stat status {};
  const bool large = ::fstat(fd, &status) == 0 && status.st_size >= static_cast<off_t>(kPage);
  void* page =
      large ? ::mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
  ::close(fd);
  return page == MAP_FAILED ? nullptr : page;
}

}  // namespace

std::optional<ShmLock> ShmLock::open(std::string_view address, std::int32_t pid) {
  const auto scheme = address.find("://");
  if (scheme == address.npos) return std::nullopt;
  void* page = map_head("/dev/shm/" + std::string(address.substr(scheme + 3)));
  if (page == nullptr) return std::nullopt;
  ShmLock lock(page);
  const Head& head = *static_cast<const Head*>(page);
  const bool known = head.version >= kFirstVersion && head.version <= kLastVersion;
  if (!known || head.pid != pid) return std::nullopt;
  return lock;
}

ShmLock::ShmLock(ShmLock&& other) noexcept : page_(std::exchange(other.page_, nullptr)) {}

ShmLock::~ShmLock() {
  if (page_ != nullptr) ::munmap(page_, kPage);
}

bool ShmLock::open_if_held_for(std::chrono::milliseconds patience) noexcept {
  pthread_spinlock_t* lock = &static_cast<Head*>(page_)->lock;
  for (auto waited = patience.zero(); waited < patience; ++waited) {
    if (::pthread_spin_trylock(lock) == 0) {
      ::pthread_spin_unlock(lock);
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ::pthread_spin_unlock(lock);
  return true;
}

ShmGuard::ShmGuard(std::span<const Member> members, std::size_t me)
    : me_(me), watch_(members[me].identity) {
  for (const Member& member : members) {
    watch_.add(member.rank, member.identity);
    locks_.push_back(ShmLock::open(member.address, member.identity.pid));
  }
  if (watch_.watched() == 0) return;
  // The thread takes none of the program's signals.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

ShmGuard::~ShmGuard() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void ShmGuard::run() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kWake, [this] { return ends_; })) {
    lock.unlock();
    for (const auto& death : watch_.poll(detail::PeerWatch::Clock::now())) open_locks(death.rank);
    lock.lock();
  }
}

void ShmGuard::open_locks(Rank dead) {
  auto& theirs = locks_[dead.index()];
  auto& mine = locks_[me_];
  if (theirs && theirs->open_if_held_for(kDeadPatience))
    log::debug("rank {} died in the shm provider: opened the lock of its queues", dead.value());
  if (mine && mine->open_if_held_for(kOwnPatience))
    log::debug("rank {} died in the shm provider: opened the lock of my queues", dead.value());
}

}  // namespace rlx::ofi
