#include "transports/shm/shared_file.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <random>
#include <system_error>
#include <utility>

#include "rlx/error.hpp"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

namespace rlx::shm {

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::uint64_t kHugePage = std::uint64_t{2} << 20;
/// Taken between two looks at how much memory is left.
constexpr std::size_t kStep = std::size_t{8} << 20;
constexpr std::size_t kBytesPerTableByte = 512;  // a page table has 8 bytes for 4096

std::string words_of(int error) { return std::generic_category().message(error); }

[[noreturn]] void throw_out_of_memory(std::size_t bytes, const std::string& why) {
  throw CollectiveError(
      ErrorKind::OutOfMemory, "shm",
      fmt::format(
          "{} bytes of shared memory can not be had: {}. Use less symmetric memory or fewer "
          "ranks on this node",
          bytes, why));
}

/// Kernels may insist that it can not be executed (6.3 and later), or not know how to say so.
int open_memory_file() {
  const int file = ::memfd_create("rlx", MFD_CLOEXEC | MFD_NOEXEC_SEAL);
  if (file >= 0 || errno != EINVAL) return file;
  return ::memfd_create("rlx", MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

/// Maps the part of the file at the same place within a huge page as it has in the file. nullptr,
/// with errno set, when the system refuses.
std::byte* map_part(int file, std::uint64_t offset, std::size_t length) {
  length = (length + kPage - 1) / kPage * kPage;
  const std::size_t reserved = length + kHugePage;
  void* const range =
      ::mmap(nullptr, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (range == MAP_FAILED) return nullptr;
  auto* const begin = static_cast<std::byte*>(range);
  const std::size_t before = (offset - reinterpret_cast<std::uintptr_t>(begin)) % kHugePage;
  void* const mapped = ::mmap(begin + before, length, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_FIXED, file, static_cast<off_t>(offset));
  const int error = errno;
  if (mapped == MAP_FAILED) {
    ::munmap(begin, reserved);
    errno = error;
    return nullptr;
  }
  if (before > 0) ::munmap(begin, before);
  ::munmap(begin + before + length, reserved - before - length);
  static_cast<void>(::madvise(mapped, length, MADV_HUGEPAGE));  // advice only
  return static_cast<std::byte*>(mapped);
}

int advise(std::span<std::byte> pages, int advice) {
  int result = 0;
  do {
    result = ::madvise(pages.data(), pages.size(), advice);
  } while (result != 0 && (errno == EINTR || errno == EAGAIN));
  return result == 0 ? 0 : errno;
}

/// For kernels before 5.14. The pages are in the file.
void touch(std::span<std::byte> pages) {
  for (std::size_t at = 0; at < pages.size(); at += kPage)
    static_cast<void>(*const_cast<volatile std::byte*>(pages.data() + at));
}

/// Puts a part of the file, whose pages are made, where the memory is. Not by mremap, whose fifth
/// argument is lost in processes that UCX before 1.14 hooks (openucx/ucx#8820), as MPI libraries
/// do.
bool map_in_place(int file, std::uint64_t offset, std::span<std::byte> memory) {
  if (::mmap(memory.data(), memory.size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file,
             static_cast<off_t>(offset)) != memory.data())
    return false;
  static_cast<void>(::madvise(memory.data(), memory.size(), MADV_HUGEPAGE));  // advice only
  if (advise(memory, MADV_POPULATE_WRITE) != 0) touch(memory);
  return true;
}

bool is_zero(const std::byte* page) {
  std::uint64_t first = 0;
  std::memcpy(&first, page, sizeof first);
  return first == 0 && std::memcmp(page, page + sizeof first, kPage - sizeof first) == 0;
}

/// Fresh memory has nothing to copy, and where it was never touched reading it takes none.
void copy_contents(std::span<std::byte> to, std::span<const std::byte> from) {
  for (std::size_t at = 0; at < from.size(); at += kPage)
    if (!is_zero(from.data() + at)) std::memcpy(to.data() + at, from.data() + at, kPage);
}

void check_pages(std::span<std::byte> memory) {
  const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
  if (address % kPage == 0 && memory.size() % kPage == 0) return;
  throw CollectiveError(
      ErrorKind::Transport, "shm",
      fmt::format("{} bytes at {} can not be shared: memory for the shm transport begins at a page "
                  "and is whole pages of {} bytes",
                  memory.size(), static_cast<const void*>(memory.data()), kPage));
}

void drop_pages(int file, std::uint64_t offset, std::size_t length) noexcept {
  ::fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
              static_cast<off_t>(length));
}

}  // namespace

Token random_token() {
  std::random_device entropy;
  Token token;
  for (std::uint64_t& word : token) word = (std::uint64_t{entropy()} << 32) | entropy();
  return token;
}

FileMapping::FileMapping(int file, std::uint64_t offset, std::size_t length) {
  if (length == 0) return;
  std::byte* const mapped = map_part(file, offset, length);
  if (mapped == nullptr)
    throw CollectiveError(
        ErrorKind::Transport, "shm",
        fmt::format(
            "{} bytes of a rank of this node can not be mapped: {}; the address space may be "
            "limited (ulimit -v)",
            length, words_of(errno)));
  memory_ = {mapped, length};
  // The owner has touched every page, so that this only maps them.
  if (advise(memory_, MADV_POPULATE_READ) != 0) touch(memory_);
}

FileMapping::~FileMapping() {
  if (!memory_.empty()) ::munmap(memory_.data(), memory_.size());
}

SharedFile::SharedFile(const Token& token, std::function<std::size_t()> room)
    : room_(std::move(room)), file_(open_memory_file()) {
  if (!file_.valid())
    throw CollectiveError(ErrorKind::Unsupported, "shm",
                          fmt::format("this system makes no memfd: {}", words_of(errno)));
  grow(0, kPage);
  if (::fallocate(file_.get(), 0, 0, kPage) != 0) throw_out_of_memory(kPage, words_of(errno));
  control_ = FileMapping(file_.get(), 0, kPage);
  new (control_.memory().data()) ControlPage{token};
  ::fcntl(file_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL);
  end_ = kPage;
}

// The pages are made and filled elsewhere, so that nothing has happened when they can not be had.
std::uint64_t SharedFile::share(std::span<std::byte> memory) {
  check_pages(memory);
  if (memory.empty()) return end_;
  const std::uint64_t within = reinterpret_cast<std::uintptr_t>(memory.data()) % kHugePage;
  const std::uint64_t offset = (end_ + kHugePage - 1) / kHugePage * kHugePage + within;
  grow(offset, memory.size());
  std::byte* const made = map_part(file_.get(), offset, memory.size());
  if (made == nullptr) throw_out_of_memory(memory.size(), words_of(errno));
  try {
    fill(offset, {made, memory.size()});
  } catch (...) {
    ::munmap(made, memory.size());
    drop_pages(file_.get(), offset, memory.size());
    throw;
  }
  copy_contents({made, memory.size()}, memory);
  ::munmap(made, memory.size());
  if (!map_in_place(file_.get(), offset, memory))
    throw CollectiveError(
        ErrorKind::Transport, "shm",
        fmt::format("{} bytes at {} can not be mapped as shared memory: {}", memory.size(),
                    static_cast<void*>(memory.data()), words_of(errno)));
  drop_former_places(memory);
  places_.push_back({memory, offset});
  end_ = offset + memory.size();
  return offset;
}

// Who exceeds the limit gets a signal that ends the process, so it is looked at before.
void SharedFile::grow(std::uint64_t offset, std::size_t length) {
  const std::uint64_t end = offset + length;
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  if (limit.rlim_cur != RLIM_INFINITY && end > limit.rlim_cur)
    throw_out_of_memory(length, fmt::format("files are limited to {} bytes, and that counts for "
                                            "shared memory too (ulimit -f)",
                                            limit.rlim_cur));
  struct stat status {};
  ::fstat(file_.get(), &status);
  if (static_cast<std::uint64_t>(status.st_size) >= end) return;  // a failure left it larger
  if (::ftruncate(file_.get(), static_cast<off_t>(end)) != 0)
    throw_out_of_memory(length, words_of(errno));
}

// Others may be about to take a step of theirs, so there must be room for one of each.
void SharedFile::fill(std::uint64_t offset, std::span<std::byte> pages) {
  for (std::size_t at = 0; at < pages.size(); at += kStep) {
    const auto step = pages.subspan(at, std::min(kStep, pages.size() - at));
    const std::size_t left = room_();
    if (left < sharers_ * (step.size() + pages.size() / kBytesPerTableByte))
      throw_out_of_memory(
          pages.size(), fmt::format("{} bytes are left on this machine, or to this control group, "
                                    "after {} of them",
                                    left, at));
    int error = advise(step, MADV_POPULATE_WRITE);
    if (error == EINVAL) {
      const bool made = ::fallocate(file_.get(), 0, static_cast<off_t>(offset + at),
                                    static_cast<off_t>(step.size())) == 0;
      error = made ? 0 : errno;
      if (made) touch(step);
    }
    // A fault that would end in SIGBUS is told as EFAULT.
    if (error != 0) throw_out_of_memory(pages.size(), words_of(error == EFAULT ? ENOMEM : error));
  }
}

void SharedFile::drop_former_places(std::span<std::byte> memory) {
  for (const Place& place : places_) {
    std::byte* const begin = std::max(place.memory.data(), memory.data());
    std::byte* const end =
        std::min(place.memory.data() + place.memory.size(), memory.data() + memory.size());
    if (begin >= end) continue;
    drop_pages(file_.get(), place.offset + static_cast<std::size_t>(begin - place.memory.data()),
               static_cast<std::size_t>(end - begin));
  }
  std::erase_if(places_, [memory](const Place& place) {
    return place.memory.data() >= memory.data() &&
           place.memory.data() + place.memory.size() <= memory.data() + memory.size();
  });
}

}  // namespace rlx::shm
