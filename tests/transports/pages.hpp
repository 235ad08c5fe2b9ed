#pragma once
// Zeroed memory that begins at a page and is whole pages long, as a Context attaches it.

#include <sys/mman.h>

#include <cstddef>
#include <new>
#include <span>
#include <utility>

namespace rlx::test {

class Pages {
 public:
  static constexpr std::size_t kPage = 4096;

  explicit Pages(std::size_t bytes) : bytes_((bytes + kPage - 1) / kPage * kPage) {
    void* const memory =
        ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    memory_ = static_cast<std::byte*>(memory);
  }
  ~Pages() {
    if (memory_ != nullptr) ::munmap(memory_, bytes_);
  }
  Pages(Pages&& other) noexcept
      : memory_(std::exchange(other.memory_, nullptr)), bytes_(other.bytes_) {}
  Pages& operator=(Pages&&) = delete;

  [[nodiscard]] std::byte* data() const { return memory_; }
  [[nodiscard]] std::span<std::byte> all() const { return {memory_, bytes_}; }

 private:
  std::byte* memory_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace rlx::test
