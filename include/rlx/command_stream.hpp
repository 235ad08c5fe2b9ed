#pragma once
// Ordered work on one device: what is enqueued later sees the results of what was enqueued before.
// One thread at a time per stream. Memory named by enqueued work must stay, and must not be touched
// by others, until wait() has returned.

#include <functional>
#include <memory>
#include <span>

#include "rlx/buffer_view.hpp"
#include "rlx/device.hpp"
#include "rlx/reduce_kind.hpp"

namespace rlx {

class CommandStream {
 public:
  virtual ~CommandStream() = default;
  CommandStream(const CommandStream&) = delete;
  CommandStream& operator=(const CommandStream&) = delete;

  [[nodiscard]] virtual const Device& device() const noexcept = 0;

  /// destination = source. They may be the same memory but may not overlap otherwise. Throws
  /// CollectiveError: LengthMismatch naming both lengths, InvalidArgument naming both dtypes,
  /// Unsupported naming a view that this device can not reach.
  void enqueue_copy(BufferView destination, ConstBufferView source);

  /// destination = sources[0] op sources[1] op ..., 1 to 8 sources, in that order, with the numeric
  /// rules of rlx/reduce_kind.hpp; Mean divides by the number of sources. destination may be one of
  /// the sources. Throws as enqueue_copy, and InvalidArgument naming the number of sources.
  void enqueue_reduce(BufferView destination, std::span<const ConstBufferView> sources,
                      ReduceKind kind);

  /// Work that runs by being polled, such as a collective: from its turn on, `poll` is called from
  /// inside this stream's calls until it returns true; later work waits for it. What it throws
  /// comes out of the call that polled, and ends it.
  virtual void enqueue(std::function<bool()> poll) = 0;

  /// Hands everything enqueued to the device. Does not wait.
  virtual void submit() = 0;
  /// Moves along what was submitted, as far as that takes no waiting; rlx calls it, on any thread,
  /// while a collective is in the stream. True if anything moved. Errors come out of wait().
  virtual bool progress() noexcept { return false; }
  /// Returns when everything submitted is done. Throws what the work failed with.
  virtual void wait() = 0;
  void submit_and_wait() {
    submit();
    wait();
  }

 protected:
  CommandStream() = default;
  /// Arguments have been checked.
  virtual void do_copy(BufferView destination, ConstBufferView source) = 0;
  virtual void do_reduce(BufferView destination, std::span<const ConstBufferView> sources,
                         ReduceKind kind) = 0;
};

/// The synchronous stream of the CPU: everything is done when the call that enqueued it returns, so
/// errors of polled work come out of enqueue(); submit() and wait() return at once.
class SyncStream final : public CommandStream {
 public:
  SyncStream() = default;

  [[nodiscard]] const Device& device() const noexcept override { return device_; }
  void enqueue(std::function<bool()> poll) override;
  void submit() override {}
  void wait() override {}

 private:
  void do_copy(BufferView destination, ConstBufferView source) override;
  void do_reduce(BufferView destination, std::span<const ConstBufferView> sources,
                 ReduceKind kind) override;

  Device device_ = Device::cpu();
};

/// A stream of any device. Its views may name memory of that device and, unless the device is the
/// CPU, host memory too, which is copied by way of the device where it can not be reached. Throws
/// CollectiveError: Unsupported for a device that is not there, Device with the driver's words.
[[nodiscard]] std::unique_ptr<CommandStream> make_stream(const Device& device);

}  // namespace rlx
