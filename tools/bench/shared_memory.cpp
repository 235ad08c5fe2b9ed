#include "tools/bench/shared_memory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <random>
#include <utility>

namespace rlx::bench {

SharedMemory SharedMemory::create(std::size_t bytes) {
  SharedMemory page;
  const int fd = memfd_create("rlx-bench", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, static_cast<off_t>(bytes)) != 0) {
    page.reason_ = fmt::format("memfd_create: {}", std::strerror(errno));
    if (fd >= 0) close(fd);
    return page;
  }
  page.map(fd, bytes);
  if (!page.valid()) return page;
  std::random_device random;
  const std::uint64_t nonce = (std::uint64_t{random()} << 32 | random()) | 1;
  std::memcpy(page.data_, &nonce, sizeof(nonce));
  return page;
}

SharedMemory SharedMemory::open(const SharedName& name, std::size_t bytes) {
  SharedMemory page;
  const std::string path = fmt::format("/proc/{}/fd/{}", name.pid, name.fd);
  const int fd = name.fd < 0 ? -1 : ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) {
    page.reason_ = fmt::format("{}: {}", path, std::strerror(name.fd < 0 ? ENOENT : errno));
    return page;
  }
  page.map(fd, bytes);
  if (page.valid() && page.name().nonce != name.nonce) {
    page = SharedMemory{};
    page.reason_ = path + " is not the memory meant";
  }
  return page;
}

bool SharedMemory::populate() {
#ifdef MADV_POPULATE_WRITE
  if (madvise(data_, bytes_, MADV_POPULATE_WRITE) == 0) return true;
  if (errno != EINVAL) {
    reason_ = fmt::format("no room for {} bytes: {}", bytes_, std::strerror(errno));
    return false;
  }
#endif
  // A kernel before 5.14. Others may use the memory already, so what is there stays.
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  for (std::size_t at = 0; at < bytes_; at += page)
    std::atomic_ref(reinterpret_cast<std::uint8_t&>(data_[at])).fetch_or(0);
  return true;
}

void SharedMemory::map(int fd, std::size_t bytes) {
  fd_ = fd;
  const off_t length = lseek(fd, 0, SEEK_END);
  if (length < 0 || static_cast<std::size_t>(length) < bytes) {
    reason_ = "the file is too short";
    return;
  }
  void* address = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (address == MAP_FAILED) {
    reason_ = fmt::format("mmap: {}", std::strerror(errno));
    return;
  }
  data_ = static_cast<std::byte*>(address);
  bytes_ = bytes;
}

SharedName SharedMemory::name() const noexcept {
  SharedName name{.pid = getpid(), .fd = fd_};
  if (valid()) std::memcpy(&name.nonce, data_, sizeof(name.nonce));
  return name;
}

SharedMemory::~SharedMemory() {
  if (data_ != nullptr) munmap(data_, bytes_);
  if (fd_ >= 0) close(fd_);
}

SharedMemory::SharedMemory(SharedMemory&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      data_(std::exchange(other.data_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)),
      reason_(std::move(other.reason_)) {}

SharedMemory& SharedMemory::operator=(SharedMemory&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  std::swap(reason_, other.reason_);
  return *this;
}

}  // namespace rlx::bench
