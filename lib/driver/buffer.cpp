#include "rlx/buffer.hpp"

#include <fmt/format.h>

#include <utility>

#include "lib/driver/devices.hpp"
#include "rlx/error.hpp"

namespace rlx {
namespace {

std::byte* host_data(const Buffer& buffer) {
  if (std::byte* data = buffer.memory().host_data()) return data;
  throw CollectiveError(
      ErrorKind::Unsupported, "Buffer",
      fmt::format("the CPU can not reach the {} bytes of a buffer on {}; copy them with to_host() "
                  "or download()",
                  buffer.bytes(), buffer.device().name()));
}

void check_length(const Buffer& buffer, std::size_t given, const char* operation) {
  if (given == buffer.bytes()) return;
  throw CollectiveError(
      ErrorKind::LengthMismatch, operation,
      fmt::format("{} bytes for a buffer of {} bytes ({} {} on {})", given, buffer.bytes(),
                  to_string(buffer.shape()), to_string(buffer.dtype()), buffer.device().name()));
}

}  // namespace

Buffer::Buffer(Device device, DType dtype, Shape shape)
    : device_(device), dtype_(dtype), shape_(std::move(shape)), bytes_(shape_.bytes(dtype)) {
  memory_ = driver_of(device).allocate(device.index(), bytes_);
}

Buffer::Buffer(Device device, DType dtype, Shape shape,
               std::unique_ptr<detail::DeviceMemory> memory)
    : device_(device),
      dtype_(dtype),
      shape_(std::move(shape)),
      bytes_(shape_.bytes(dtype)),
      memory_(std::move(memory)) {}

std::span<std::byte> Buffer::host_bytes() { return {host_data(*this), bytes_}; }

std::span<const std::byte> Buffer::host_bytes() const { return {host_data(*this), bytes_}; }

Buffer Buffer::to_device(const Device& device) const {
  Buffer copy(device, dtype_, shape_);
  if (std::byte* from = memory_->host_data()) {
    copy.upload({from, bytes_});
  } else if (std::byte* into = copy.memory_->host_data()) {
    download({into, bytes_});
  } else {
    Buffer between = to_host();
    copy.upload(between.host_bytes());
  }
  return copy;
}

Buffer Buffer::to_host() const { return to_device(Device::cpu()); }

void Buffer::upload(std::span<const std::byte> from) {
  check_length(*this, from.size(), "Buffer::upload");
  memory_->write(0, from);
}

void Buffer::download(std::span<std::byte> into) const {
  check_length(*this, into.size(), "Buffer::download");
  memory_->read(0, into);
}

void Buffer::check_element(DType wanted) const {
  if (wanted == dtype_) return;
  throw CollectiveError(
      ErrorKind::InvalidArgument, "Buffer::span",
      fmt::format("the buffer holds {}, not {}", to_string(dtype_), to_string(wanted)));
}

}  // namespace rlx
