#include "tools/bench/buffers.hpp"

#include <cstring>
#include <new>

namespace rlx::bench {
namespace {

constexpr std::size_t kPage = 4096;

}  // namespace

PrivateBuffer::PrivateBuffer(std::size_t bytes) {
  const std::size_t rounded = (bytes / kPage + 1) * kPage;
  memory_.reset(static_cast<std::byte*>(std::aligned_alloc(kPage, rounded)));
  if (!memory_) throw std::bad_alloc();
  std::memset(memory_.get(), 0, rounded);
}

Buffers::Buffers(Communicator& comm, BufferKind kind, std::size_t bytes) : kind_(kind) {
  const std::size_t words = bytes / sizeof(std::uint64_t) + 1;
  if (kind == BufferKind::heap) {
    heap_send_ = comm.allocate<std::uint64_t>(words);
    heap_recv_ = comm.allocate<std::uint64_t>(words);
  } else {
    private_send_ = PrivateBuffer(bytes);
    private_recv_ = PrivateBuffer(bytes);
  }
  if (kind == BufferKind::device && comm.device() != Device::cpu()) {
    device_send_.emplace(comm.device(), DType::u8, rlx::Shape{bytes + 1});
    device_recv_.emplace(comm.device(), DType::u8, rlx::Shape{bytes + 1});
  }
}

Operands Buffers::operands() const {
  if (kind_ != BufferKind::heap) {
    return {.send = private_send_.data(),
            .recv = private_recv_.data(),
            .send_memory = device_send_ ? &device_send_->memory() : nullptr,
            .recv_memory = device_recv_ ? &device_recv_->memory() : nullptr};
  }
  const detail::MemoryRef send = heap_send_.memory();
  const detail::MemoryRef recv = heap_recv_.memory();
  return {
      .send = send.data, .recv = recv.data, .send_offset = send.offset, .recv_offset = recv.offset};
}

}  // namespace rlx::bench
