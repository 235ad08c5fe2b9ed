#pragma once
// The memory of one rank as its peers may map it: one file that has no name (memfd), in which every
// window has a place. Peers get the file once, when they meet; a window that is attached later
// needs no more than its place to be told. Nothing of it outlives the processes that have it.
//
//   0            ControlPage
//   2 MiB ...    windows, each at an offset that equals its address modulo 2 MiB, so that huge
//   pages
//                fit on both sides; what lies between takes no memory
//
// The file can not shrink (it is sealed), so nobody can take pages from under a peer.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "lib/base/descriptor.hpp"

namespace rlx::shm {

using Token = std::array<std::uint64_t, 2>;

/// Random, so that what belongs to another job or another rank is not taken for it.
[[nodiscard]] Token random_token();

/// At the beginning of the file. Written by its owner alone.
struct ControlPage {
  Token token{};
  std::atomic<std::uint32_t> has_left{0};  ///< the owner went of its own accord: that is no death
};

/// A part of a file in this process's memory. Move-only; unmaps.
class FileMapping {
 public:
  FileMapping() = default;
  /// Every page is there and mapped when this returns, so that no access takes a fault. Throws
  /// CollectiveError(Transport) with the system's words.
  FileMapping(int file, std::uint64_t offset, std::size_t length);
  ~FileMapping();
  FileMapping(FileMapping&& other) noexcept : memory_(std::exchange(other.memory_, {})) {}
  FileMapping& operator=(FileMapping&& other) noexcept {
    std::swap(memory_, other.memory_);
    return *this;
  }

  [[nodiscard]] std::span<std::byte> memory() const noexcept { return memory_; }

 private:
  std::span<std::byte> memory_;
};

class SharedFile {
 public:
  /// `room` says how many bytes of memory can be had, by all sharers together. Throws
  /// CollectiveError(Unsupported) when the system has no such files, OutOfMemory when it has no
  /// page.
  SharedFile(const Token& token, std::function<std::size_t()> room);

  /// How many processes share, this one among them: they take their memory at the same time, and
  /// each maps what the others take. One until it is told.
  void expect_sharers(std::size_t sharers) noexcept { sharers_ = sharers; }

  /// Puts the caller's pages into the file: the same addresses with the same contents are shared
  /// memory from now on, until they are unmapped. All of them are touched by the calling thread,
  /// hence lie on its NUMA node. Gives their offset in the file. Nobody may write to them
  /// meanwhile.
  ///
  /// Pages that were shared before lose their place in the file: what peers map of it is no longer
  /// this memory.
  ///
  /// Throws CollectiveError(OutOfMemory) naming the bytes, and Transport for what does not begin at
  /// a page or is not whole pages long; the memory is as before then.
  std::uint64_t share(std::span<std::byte> memory);

  /// Tells whoever has the file that its owner leaves of its own accord.
  void leave() noexcept { control().has_left.store(1, std::memory_order_release); }

  [[nodiscard]] int descriptor() const noexcept { return file_.get(); }

 private:
  struct Place {
    std::span<std::byte> memory;
    std::uint64_t offset;
  };

  [[nodiscard]] ControlPage& control() const noexcept {
    return *reinterpret_cast<ControlPage*>(control_.memory().data());
  }
  void grow(std::uint64_t offset, std::size_t length);
  void fill(std::uint64_t offset, std::span<std::byte> pages);
  void drop_former_places(std::span<std::byte> memory);

  std::size_t sharers_ = 1;
  std::function<std::size_t()> room_;
  detail::Descriptor file_;
  FileMapping control_;
  std::vector<Place> places_;
  std::uint64_t end_ = 0;
};

}  // namespace rlx::shm
