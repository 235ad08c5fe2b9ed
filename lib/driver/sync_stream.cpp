#include <fmt/format.h>

#include <array>
#include <thread>

#include "lib/driver/compute.hpp"
#include "rlx/command_stream.hpp"
#include "rlx/error.hpp"

namespace rlx {
namespace {

constexpr int kBarePolls = 256;  // then the core is offered to whoever else needs it

template <class Byte>
Byte* reachable(const BasicBufferView<Byte>& view, const char* operation) {
  if (view.host_data() != nullptr || view.count() == 0) return view.host_data();
  throw CollectiveError(
      ErrorKind::Unsupported, operation,
      fmt::format("a stream of the CPU can not reach {} {} elements of device memory; copy them "
                  "with to_host()",
                  view.count(), to_string(view.dtype())));
}

}  // namespace

void SyncStream::enqueue(std::function<bool()> poll) {
  for (int polls = 0; !poll(); ++polls) {
    if (polls >= kBarePolls) std::this_thread::yield();
  }
}

void SyncStream::do_copy(BufferView destination, ConstBufferView source) {
  do_reduce(destination, {&source, 1}, ReduceKind::Sum);
}

void SyncStream::do_reduce(BufferView destination, std::span<const ConstBufferView> sources,
                           ReduceKind kind) {
  std::array<const std::byte*, 8> from{};
  for (std::size_t s = 0; s < sources.size(); ++s) from[s] = reachable(sources[s], "enqueue");
  std::byte* const into = reachable(destination, "enqueue");
  const bool mean = kind == ReduceKind::Mean && sources.size() > 1;
  cpu_compute().submit({.destinations = {&into, 1},
                        .sources = {from.data(), sources.size()},
                        .count = destination.count(),
                        .dtype = destination.dtype(),
                        .kind = kind,
                        .divisor = mean ? sources.size() : 0});
}

}  // namespace rlx
