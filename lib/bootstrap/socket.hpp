#pragma once
// TCP for the rendezvous: descriptors that close themselves, addresses, listening and connecting.

#include <cstdint>
#include <string>
#include <utility>

#include "lib/bootstrap/deadline.hpp"

namespace rlx::bootstrap {

/// Owns one file descriptor.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() { reset(); }
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;

  void reset() noexcept;
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// "host:port" or "[ipv6]:port", taken apart.
struct Endpoint {
  std::string host;
  std::string port;
  [[nodiscard]] std::string text() const;
};

/// Throws CollectiveError(InvalidArgument) naming the text and the form that is accepted.
[[nodiscard]] Endpoint parse_endpoint(const std::string& address);

/// Listens there, non-blocking. A host that is not an address of this machine (a container behind a
/// forwarded port) makes it listen on all of the machine's addresses.
/// Throws CollectiveError(Launch) with the system's words.
[[nodiscard]] FileDescriptor listen_on(const Endpoint& endpoint);

/// The port a listener was given (for port 0).
[[nodiscard]] std::uint16_t port_of(const FileDescriptor& listener);

/// Connects, trying again until the deadline: the listener may start later than its peers. Invalid
/// at the deadline; `reason` then holds the last attempt's words.
[[nodiscard]] FileDescriptor connect_to(const Endpoint& endpoint, const Deadline& deadline,
                                        std::string& reason);

/// The next pending connection, non-blocking; invalid when there is none.
[[nodiscard]] FileDescriptor accept_from(const FileDescriptor& listener);

/// Waits for readability or writability (`events` as of poll). False at the deadline.
[[nodiscard]] bool wait_for(int fd, short events, const Deadline& deadline);

}  // namespace rlx::bootstrap
