#pragma once
// What all ranks gave to a gather, in rank order, and who owns it: this process, or all of a node's
// together.

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace rlx {

/// Bytes to read, alive as long as any copy of this value.
class Gathered {
 public:
  Gathered() = default;
  /// Of this process alone.
  Gathered(std::vector<std::byte> own)
      : owner_(std::make_shared<std::vector<std::byte>>(std::move(own))) {
    bytes_ = *static_cast<const std::vector<std::byte>*>(owner_.get());
  }
  /// In memory that the ranks of a node share; `owner` keeps it.
  Gathered(std::shared_ptr<const void> owner, std::span<const std::byte> bytes)
      : owner_(std::move(owner)), bytes_(bytes), shared_(true) {}

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  [[nodiscard]] const std::byte* data() const { return bytes_.data(); }
  [[nodiscard]] bool shared() const { return shared_; }

 private:
  std::shared_ptr<const void> owner_;
  std::span<const std::byte> bytes_;
  bool shared_ = false;
};

/// One T of each rank. A T is plain bytes, aligned to 16 at most.
template <class T>
class Records {
 public:
  explicit Records(Gathered all) : all_(std::move(all)) {}

  [[nodiscard]] const T* data() const { return reinterpret_cast<const T*>(all_.data()); }
  [[nodiscard]] std::size_t size() const { return all_.bytes().size() / sizeof(T); }
  [[nodiscard]] const T* begin() const { return data(); }
  [[nodiscard]] const T* end() const { return data() + size(); }
  [[nodiscard]] const T& operator[](std::size_t rank) const { return data()[rank]; }

 private:
  Gathered all_;
};

}  // namespace rlx
