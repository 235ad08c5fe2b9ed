#pragma once
// What a CommandStream works on: the whole of a Buffer, on any device, or host memory such as a
// span, an arena's slot or a slice of the symmetric heap. A view never owns; what it names must
// stay until the stream has waited for the work that uses it.

#include <concepts>
#include <cstddef>
#include <span>
#include <type_traits>

#include "rlx/buffer.hpp"

namespace rlx {

template <class Byte>
class BasicBufferView {
  static constexpr bool kReadOnly = std::is_const_v<Byte>;
  using BufferType = std::conditional_t<kReadOnly, const Buffer, Buffer>;

 public:
  BasicBufferView(BufferType& buffer)  // NOLINT: a buffer is what it shows
      : BasicBufferView(buffer.memory(), 0, buffer.dtype(), buffer.count()) {}
  /// `count` elements at byte `offset` of a driver's memory.
  BasicBufferView(detail::DeviceMemory& memory, std::size_t offset, DType dtype, std::size_t count)
      : memory_(&memory), data_(memory.host_data()), offset_(offset), dtype_(dtype), count_(count) {
    if (data_ != nullptr) data_ += offset;
  }
  /// Host memory.
  template <Element T, std::size_t kExtent>
  requires(kReadOnly || !std::is_const_v<T>)
      BasicBufferView(std::span<T, kExtent> host)  // NOLINT: a span is what it shows
      : data_(reinterpret_cast<Byte*>(host.data())), dtype_(dtype_of<T>), count_(host.size()) {}
  /// Untyped host memory of `count` elements.
  BasicBufferView(Byte* host, DType dtype, std::size_t count) noexcept
      : data_(host), dtype_(dtype), count_(count) {}
  /// What may be written may be read.
  template <class Writable>
  requires(kReadOnly&& std::same_as<Writable, std::remove_const_t<Byte>>)
      BasicBufferView(const BasicBufferView<Writable>& other)  // NOLINT
      : memory_(other.memory()),
        data_(other.host_data()),
        offset_(other.offset()),
        dtype_(other.dtype()),
        count_(other.count()) {}

  [[nodiscard]] DType dtype() const noexcept { return dtype_; }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return count_ * size_of(dtype_); }
  /// Where the CPU reaches the bytes; nullptr for device memory that it can not reach.
  [[nodiscard]] Byte* host_data() const noexcept { return data_; }
  /// The driver's memory behind a Buffer; nullptr for plain host memory.
  [[nodiscard]] detail::DeviceMemory* memory() const noexcept { return memory_; }
  /// Where the view starts in memory(), in bytes.
  [[nodiscard]] std::size_t offset() const noexcept { return offset_; }

 private:
  detail::DeviceMemory* memory_ = nullptr;
  Byte* data_ = nullptr;
  std::size_t offset_ = 0;
  DType dtype_;
  std::size_t count_;
};

using BufferView = BasicBufferView<std::byte>;
using ConstBufferView = BasicBufferView<const std::byte>;

}  // namespace rlx
