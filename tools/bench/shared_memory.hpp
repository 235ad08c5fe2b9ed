#pragma once
// Memory that all ranks of one host map. Nothing in it belongs to rlx or MPI.

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace rlx::bench {

/// What a rank needs to map another's memory; travels between ranks.
struct SharedName {
  pid_t pid = 0;
  int fd = -1;
  std::uint64_t nonce = 0;  ///< the first 8 bytes: proves that it is the memory meant
};

/// RAII: unmaps and closes. The memory has no name in any file system; it goes with the last of its
/// users.
class SharedMemory {
 public:
  SharedMemory() = default;
  /// Zeroed memory of `bytes`, whose first 8 bytes hold a random nonce. Not valid() when the system
  /// refuses.
  [[nodiscard]] static SharedMemory create(std::size_t bytes);
  /// Maps the first `bytes` of what another process (or this one) created and still keeps open. Not
  /// valid() when that process is not on this host, not visible or not ours.
  [[nodiscard]] static SharedMemory open(const SharedName& name, std::size_t bytes);
  ~SharedMemory();
  SharedMemory(SharedMemory&& other) noexcept;
  SharedMemory& operator=(SharedMemory&& other) noexcept;

  /// Brings all pages in, so that nothing timed faults: the owner's first, for they come to lie
  /// near whoever touches them first. False, with a reason, when there is no room for them.
  [[nodiscard]] bool populate();

  [[nodiscard]] bool valid() const noexcept { return data_ != nullptr; }
  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] SharedName name() const noexcept;
  /// Why it is not valid, or could not be populated.
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

 private:
  void map(int fd, std::size_t bytes);

  int fd_ = -1;
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
  std::string reason_;
};

}  // namespace rlx::bench
