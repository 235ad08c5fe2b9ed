#pragma once
// Zeroed pages of one's own, for a signal region.

#include <sys/mman.h>

#include <cstddef>
#include <span>
#include <string>

#include "rlx/error.hpp"

namespace rlx::detail {

class OwnedPages {
 public:
  /// Throws CollectiveError(OutOfMemory) naming the bytes.
  explicit OwnedPages(std::size_t bytes) {
    void* pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
      throw CollectiveError(ErrorKind::OutOfMemory, "wiring",
                            "no " + std::to_string(bytes) + " bytes for the signal region");
    memory_ = {static_cast<std::byte*>(pages), bytes};
  }
  ~OwnedPages() { munmap(memory_.data(), memory_.size()); }
  OwnedPages(const OwnedPages&) = delete;
  OwnedPages& operator=(const OwnedPages&) = delete;

  [[nodiscard]] std::span<std::byte> memory() const noexcept { return memory_; }

 private:
  std::span<std::byte> memory_;
};

}  // namespace rlx::detail
