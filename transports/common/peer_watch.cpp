#include "transports/common/peer_watch.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lib/base/log.hpp"

namespace rlx::detail {

PeerWatch::~PeerWatch() {
  for (const pollfd& entry : fds_) {
    if (entry.fd >= 0) ::close(entry.fd);
  }
}

void PeerWatch::add(Rank rank, const ProcessIdentity& peer) {
  if (!me_.same_pids(peer) || peer.pid == me_.pid) return;
  int fd = static_cast<int>(::syscall(SYS_pidfd_open, peer.pid, 0));
  const int error = errno;
  if (fd < 0 && error != ESRCH) {
    log::debug("rank {}: process {} of rank {} can not be watched: {}", rank.value(), peer.pid,
               rank.value(), std::strerror(error));
    return;
  }
  // A later process of the same number is not the peer: that one is dead.
  if (fd >= 0 && start_time_of(peer.pid) != peer.start_time) {
    ::close(fd);
    fd = -1;
  }
  watch({rank, peer.pid}, fd);
}

void PeerWatch::add(Rank rank, std::int32_t pid, Descriptor socket) {
  watch({rank, pid}, socket.release());
}

void PeerWatch::watch(Death death, int fd) {
  const auto seen = fd < 0 ? Clock::now() : Clock::time_point{};
  fds_.push_back({fd, POLLIN, 0});
  peers_.push_back({death, seen});
  told_.reserve(peers_.size());
}

std::span<const PeerWatch::Death> PeerWatch::poll(Clock::time_point now) noexcept {
  if (now < next_ || fds_.empty()) return {};
  next_ = now + kInterval;
  told_.clear();
  ::poll(fds_.data(), fds_.size(), 0);  // negative descriptors are skipped by the kernel
  for (std::size_t i = fds_.size(); i-- > 0;) {
    if (fds_[i].fd >= 0 && (fds_[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
      ::close(fds_[i].fd);
      fds_[i] = {-1, 0, 0};
      peers_[i].seen = now;
    }
    if (fds_[i].fd < 0 && now - peers_[i].seen >= grace_) {
      told_.push_back(peers_[i].death);
      forget(i);
    }
  }
  return told_;
}

void PeerWatch::forget(std::size_t index) noexcept {
  fds_[index] = fds_.back();
  peers_[index] = peers_.back();
  fds_.pop_back();
  peers_.pop_back();
}

}  // namespace rlx::detail
