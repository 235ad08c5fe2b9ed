#pragma once
// A page of memory that all ranks of one host map. Nothing in it belongs to rlx or MPI.

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace rlx::bench {

/// What a rank needs to map another's page; travels between ranks.
struct PageName {
  pid_t pid = 0;
  int fd = -1;
  std::uint64_t nonce = 0;  ///< the page's first 8 bytes: proves that it is the one meant
};

/// RAII: unmaps and closes. The memory has no name in any file system; it goes with the last of its
/// users.
class SharedPage {
 public:
  SharedPage() = default;
  /// A zeroed page of `bytes`, whose first 8 bytes hold a random nonce. Not valid() when the system
  /// refuses.
  [[nodiscard]] static SharedPage create(std::size_t bytes);
  /// Maps the page that another process (or this one) created, which still keeps it open. Not
  /// valid() when that process is not on this host, not visible or not ours.
  [[nodiscard]] static SharedPage open(const PageName& name, std::size_t bytes);
  ~SharedPage();
  SharedPage(SharedPage&& other) noexcept;
  SharedPage& operator=(SharedPage&& other) noexcept;

  [[nodiscard]] bool valid() const noexcept { return data_ != nullptr; }
  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] PageName name() const noexcept;
  /// Why it is not valid.
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

 private:
  void map(int fd, std::size_t bytes);

  int fd_ = -1;
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
  std::string reason_;
};

}  // namespace rlx::bench
