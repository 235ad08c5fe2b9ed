#include "lib/communicator/driven_streams.hpp"

#include <algorithm>
#include <utility>

namespace rlx::detail {

DrivenStreams::Entry::Entry(std::shared_ptr<DrivenStreams> list, CommandStream& stream)
    : list_(std::move(list)), stream_(stream) {
  const std::lock_guard lock(list_->mutex_);
  list_->streams_.push_back(&stream_);
  list_->count_ = list_->streams_.size();
}

DrivenStreams::Entry::~Entry() {
  const std::lock_guard lock(list_->mutex_);
  list_->streams_.erase(std::ranges::find(list_->streams_, &stream_));
  list_->count_ = list_->streams_.size();
}

bool DrivenStreams::drive() {
  if (empty() || driving_.test_and_set(std::memory_order_acquire)) return false;
  bool moved = false;
  {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < streams_.size(); ++i) moved |= streams_[i]->progress();
  }
  driving_.clear(std::memory_order_release);
  return moved;
}

}  // namespace rlx::detail
