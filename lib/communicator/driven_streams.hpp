#pragma once
// Streams in which collectives are enqueued: whoever calls rlx moves them along, so that a program
// need not come back to the stream.

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "rlx/command_stream.hpp"

namespace rlx::detail {

class DrivenStreams {
 public:
  /// Keeps a stream in the list, until it is destroyed. On any thread.
  class Entry {
   public:
    Entry(std::shared_ptr<DrivenStreams> list, CommandStream& stream);
    ~Entry();
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    std::shared_ptr<DrivenStreams> list_;
    CommandStream& stream_;
  };

  /// Moves all of them along, unless somebody does already. No lock of the Context is held. True if
  /// anything moved.
  bool drive();
  [[nodiscard]] bool empty() const noexcept { return count_.load(std::memory_order_relaxed) == 0; }

 private:
  std::recursive_mutex mutex_;  // work that ends while it is driven removes its own entry
  std::vector<CommandStream*> streams_;
  std::atomic<std::size_t> count_{0};
  std::atomic_flag driving_;
};

}  // namespace rlx::detail
