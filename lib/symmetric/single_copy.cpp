#include "lib/symmetric/single_copy.hpp"

#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace rlx::detail {

bool read_process(std::int32_t process, std::byte* to, std::uint64_t from,
                  std::size_t bytes) noexcept {
  if (process == ::getpid()) {
    std::memcpy(to, reinterpret_cast<const void*>(from), bytes);
    return true;
  }
  while (bytes > 0) {
    const iovec mine{to, bytes};
    const iovec theirs{reinterpret_cast<void*>(from), bytes};
    const ssize_t copied = ::process_vm_readv(process, &mine, 1, &theirs, 1, 0);
    if (copied < 0 && errno == EINTR) continue;
    if (copied <= 0) return false;
    to += copied;
    from += static_cast<std::uint64_t>(copied);
    bytes -= static_cast<std::size_t>(copied);
  }
  return true;
}

}  // namespace rlx::detail
