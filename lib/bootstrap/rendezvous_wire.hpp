#pragma once
// Frames between rank 0 and the others: a 16-byte header {magic, kind, length}, then the payload,
// in the sender's byte order (a peer of the other order shows itself by its magic). The header and
// the hello are the same in every wire version, so that two versions can refuse each other by name.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "lib/bootstrap/deadline.hpp"
#include "rlx/error.hpp"

namespace rlx::bootstrap {

inline constexpr std::uint32_t kMagic = 0x42584c52;  // "RLXB" read as little-endian
inline constexpr std::uint64_t kMaxFrame = std::uint64_t{1} << 32;

enum class FrameKind : std::uint32_t {
  hello = 1,    ///< other rank to rank 0: Hello
  welcome = 2,  ///< rank 0 to all, once everybody is there
  data = 3,     ///< one rank's contribution
  result = 4,   ///< all contributions in rank order
  error = 5     ///< rank 0 to all: what went wrong, see encode_error
};

struct FrameHeader {
  std::uint32_t magic = kMagic;
  FrameKind kind = FrameKind::hello;
  std::uint64_t length = 0;  ///< payload bytes
};
static_assert(sizeof(FrameHeader) == 16);

struct Hello {
  std::uint32_t wire_version = 0;
  std::uint32_t rank = 0;
  std::uint64_t size = 0;
};
static_assert(sizeof(Hello) == 16);

enum class ReadState { incomplete, complete, closed, garbage };

/// Takes one frame off a non-blocking socket, in as many pieces as it comes.
class FrameReader {
 public:
  /// Reads what is there and never past the frame's end. `complete` stays until next().
  ReadState advance(int fd);
  /// Forgets the frame, ready for the one after it.
  void next();

  [[nodiscard]] FrameKind kind() const { return header_.kind; }
  [[nodiscard]] std::span<const std::byte> payload() const { return payload_; }

 private:
  ReadState fill(int fd, std::span<std::byte> target, std::size_t& have);

  FrameHeader header_;
  std::size_t header_bytes_ = 0;
  std::vector<std::byte> payload_;
  std::size_t payload_bytes_ = 0;
};

/// Sends a whole frame. False when the peer is gone or takes nothing until the deadline.
[[nodiscard]] bool send_frame(int fd, FrameKind kind, std::span<const std::byte> payload,
                              const Deadline& deadline);

/// An error as bytes and back: kind, message and ranks travel.
[[nodiscard]] std::vector<std::byte> encode_error(const CollectiveError& error);
[[nodiscard]] ErrorDetails decode_error(std::span<const std::byte> payload);

}  // namespace rlx::bootstrap
