#include "rlx/node_memory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <random>

namespace rlx::detail {
namespace {

constexpr std::size_t kHead = 64;  // the token, and alignment

}  // namespace

NodeMemory::NodeMemory(std::size_t bytes) noexcept {
  const int file = ::memfd_create("rlx-start", MFD_CLOEXEC);
  if (file < 0) return;
  const std::size_t whole = kHead + bytes;
  void* const mapped = ::ftruncate(file, static_cast<off_t>(whole)) == 0
                           ? ::mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
                           : MAP_FAILED;
  if (mapped == MAP_FAILED) {
    ::close(file);
    return;
  }
  std::random_device entropy;
  name_ = {::getpid(), file, (std::uint64_t{entropy()} << 32) | entropy(), bytes};
  std::memcpy(mapped, &name_.token, sizeof name_.token);
  mapped_ = mapped;
  memory_ = {static_cast<std::byte*>(mapped) + kHead, bytes};
}

NodeMemory::~NodeMemory() {
  if (mapped_ == nullptr) return;
  ::munmap(mapped_, kHead + name_.bytes);
  ::close(static_cast<int>(name_.descriptor));
}

std::shared_ptr<const std::byte> open_node_memory(const NodeMemoryName& name) noexcept {
  if (name.process == 0) return nullptr;
  const std::string path = fmt::format("/proc/{}/fd/{}", name.process, name.descriptor);
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return nullptr;
  const std::size_t whole = kHead + name.bytes;
  const bool long_enough = ::lseek(file, 0, SEEK_END) >= static_cast<off_t>(whole);
  void* const mapped =
      long_enough ? ::mmap(nullptr, whole, PROT_READ, MAP_SHARED, file, 0) : MAP_FAILED;
  ::close(file);
  if (mapped == MAP_FAILED) return nullptr;
  const std::shared_ptr<const void> owner(mapped, [whole](void* at) { ::munmap(at, whole); });
  if (std::memcmp(mapped, &name.token, sizeof name.token) != 0) return nullptr;
  return {owner, static_cast<const std::byte*>(mapped) + kHead};
}

}  // namespace rlx::detail
