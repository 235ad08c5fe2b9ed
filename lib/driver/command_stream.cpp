#include "rlx/command_stream.hpp"

#include <fmt/format.h>

#include "lib/driver/devices.hpp"
#include "rlx/error.hpp"

namespace rlx {
namespace {

constexpr std::size_t kMostSources = 8;

void check_pair(const BufferView& destination, const ConstBufferView& source,
                const char* operation) {
  if (destination.dtype() != source.dtype()) {
    throw CollectiveError(ErrorKind::InvalidArgument, operation,
                          fmt::format("the destination holds {}, a source {}",
                                      to_string(destination.dtype()), to_string(source.dtype())));
  }
  if (destination.count() != source.count()) {
    throw CollectiveError(ErrorKind::LengthMismatch, operation,
                          fmt::format("the destination has {} elements, a source {}",
                                      destination.count(), source.count()));
  }
}

void check_kind(ReduceKind kind, DType dtype, const char* operation) {
  if (supports(kind, dtype)) return;
  throw CollectiveError(ErrorKind::Unsupported, operation,
                        fmt::format("{} is not defined for {}; use an integer dtype",
                                    to_string(kind), to_string(dtype)));
}

}  // namespace

void CommandStream::enqueue_copy(BufferView destination, ConstBufferView source) {
  check_pair(destination, source, "enqueue_copy");
  do_copy(destination, source);
}

void CommandStream::enqueue_reduce(BufferView destination, std::span<const ConstBufferView> sources,
                                   ReduceKind kind) {
  constexpr const char* kOperation = "enqueue_reduce";
  if (sources.empty() || sources.size() > kMostSources) {
    throw CollectiveError(
        ErrorKind::InvalidArgument, kOperation,
        fmt::format("{} sources were given; use 1 to {}", sources.size(), kMostSources));
  }
  check_kind(kind, destination.dtype(), kOperation);
  for (const ConstBufferView& source : sources) check_pair(destination, source, kOperation);
  do_reduce(destination, sources, kind);
}

std::unique_ptr<CommandStream> make_stream(const Device& device) {
  return driver_of(device).stream(device.index());
}

}  // namespace rlx
