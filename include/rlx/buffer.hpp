#pragma once
// Owned, typed memory on one device. Nothing is copied between host and device unless a call below
// says so: to_device, to_host, upload, download.

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "rlx/device.hpp"
#include "rlx/dtype.hpp"
#include "rlx/shape.hpp"

namespace rlx {

namespace detail {

/// Bytes that a device's driver allocated, 64-byte aligned, given back when destroyed. Transfers
/// are complete when they return; ranges are checked by the caller.
class DeviceMemory {
 public:
  virtual ~DeviceMemory() = default;
  /// Where the CPU can load and store these bytes, or nullptr when it can not.
  [[nodiscard]] virtual std::byte* host_data() noexcept = 0;
  /// What names the first byte: host_data(), or addresses of this process that nothing else has and
  /// that must not be touched.
  [[nodiscard]] virtual std::byte* address() noexcept = 0;
  virtual void write(std::size_t offset, std::span<const std::byte> from) = 0;
  virtual void read(std::size_t offset, std::span<std::byte> into) const = 0;
};

}  // namespace detail

/// Move-only owner of dtype + shape + bytes. Not synchronised: one thread at a time, and not while
/// a CommandStream works on it.
class Buffer {
 public:
  /// `shape` elements of `dtype`, all zero, 64-byte aligned. Throws CollectiveError: Unsupported
  /// for a device that is not there, OutOfMemory naming the bytes, InvalidArgument on overflow.
  Buffer(Device device, DType dtype, Shape shape);
  /// Over memory that a driver made; it holds at least shape.bytes(dtype).
  Buffer(Device device, DType dtype, Shape shape, std::unique_ptr<detail::DeviceMemory> memory);

  [[nodiscard]] const Device& device() const noexcept { return device_; }
  [[nodiscard]] DType dtype() const noexcept { return dtype_; }
  [[nodiscard]] const Shape& shape() const noexcept { return shape_; }
  [[nodiscard]] std::size_t count() const noexcept { return shape_.count(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  /// The bytes where the CPU can reach them. Throws CollectiveError(Unsupported) naming the device
  /// and to_host() when it can not: never a silent copy.
  [[nodiscard]] std::span<std::byte> host_bytes();
  [[nodiscard]] std::span<const std::byte> host_bytes() const;
  /// The same, typed. Also throws CollectiveError(InvalidArgument) when T is not dtype().
  template <Element T>
  [[nodiscard]] std::span<T> span() {
    check_element(dtype_of<T>);
    return {reinterpret_cast<T*>(host_bytes().data()), count()};
  }
  template <Element T>
  [[nodiscard]] std::span<const T> span() const {
    check_element(dtype_of<T>);
    return {reinterpret_cast<const T*>(host_bytes().data()), count()};
  }

  /// A copy of this buffer on `device` (also the way to clone). Throws as the constructor.
  [[nodiscard]] Buffer to_device(const Device& device) const;
  /// A copy of this buffer in CPU memory.
  [[nodiscard]] Buffer to_host() const;
  /// Overwrites all bytes. Throws CollectiveError(LengthMismatch) unless bytes() are given.
  void upload(std::span<const std::byte> from);
  /// Copies all bytes out. Throws as upload().
  void download(std::span<std::byte> into) const;

  /// What streams and kernels work on. Valid as long as the buffer, also when it is moved.
  [[nodiscard]] detail::DeviceMemory& memory() const noexcept { return *memory_; }

 private:
  void check_element(DType wanted) const;

  Device device_;
  DType dtype_;
  Shape shape_;
  std::size_t bytes_;
  std::unique_ptr<detail::DeviceMemory> memory_;
};

/// Names state that outlives an arena: a persistent symmetric allocation is found again by name,
/// and only if dtype and shape are the same.
struct BufferHandle {
  std::string name;
  DType dtype = DType::u8;
  Shape shape;

  /// Throws CollectiveError(InvalidArgument) on overflow.
  [[nodiscard]] std::size_t bytes() const { return shape.bytes(dtype); }
  friend bool operator==(const BufferHandle&, const BufferHandle&) = default;
};

}  // namespace rlx
