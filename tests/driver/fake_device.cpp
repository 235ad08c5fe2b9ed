#include "tests/driver/fake_device.hpp"

#include <sys/mman.h>

#include <array>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <vector>

#include "rlx/error.hpp"

namespace rlx::test {
namespace {

constexpr std::uint32_t kDevices = 8;

FakeDeviceRules rules;
FakeDeviceCounts counts;
std::atomic<std::int64_t> steps_left{0};

/// Addresses that a device may name, and where the bytes are.
class Reach {
 public:
  void add(const std::byte* address, std::byte* bytes, std::size_t length, bool shared = false) {
    const std::lock_guard lock(mutex_);
    ranges_.emplace(address, Range{bytes, length, shared});
  }
  void remove(const std::byte* address, const std::byte* bytes) {
    const std::lock_guard lock(mutex_);
    for (auto it = ranges_.begin(); it != ranges_.end(); ++it) {
      if (it->first != address || it->second.bytes != bytes) continue;
      ranges_.erase(it);
      return;
    }
  }
  /// nullptr when not all of it is reached.
  std::byte* find(const std::byte* address, std::size_t length) {
    const std::lock_guard lock(mutex_);
    for (const auto& [start, range] : ranges_) {
      const auto offset = static_cast<std::size_t>(address - start);
      if (address < start || offset > range.length || length > range.length - offset) continue;
      counts.shared += range.shared;
      return range.bytes + offset;
    }
    return nullptr;
  }

 private:
  struct Range {
    std::byte* bytes;
    std::size_t length;
    bool shared;
  };
  std::mutex mutex_;
  std::multimap<const std::byte*, Range> ranges_;
};

class FakeCompute final : public Compute {
 public:
  Reach reach;

  bool supports(DType dtype) const noexcept override {
    return dtype != DType::f64 || rules.reduces_f64;
  }
  bool reaches(const std::byte* address, std::size_t bytes) const noexcept override {
    return const_cast<FakeCompute*>(this)->reach.find(address, bytes) != nullptr;
  }
  ComputeTicket submit(const ComputeStep& step) noexcept override {
    const std::lock_guard lock(mutex_);
    Work work;
    work.destinations.assign(step.destinations.begin(), step.destinations.end());
    work.sources.assign(step.sources.begin(), step.sources.end());
    work.step = step;
    work.polls = rules.polls_of_a_step;
    work_.push_back(std::move(work));
    (step.sources.size() == 1 && step.divisor == 0 ? counts.copies : counts.reductions)++;
    return ++submitted_;
  }
  bool done(ComputeTicket ticket) noexcept override {
    const std::lock_guard lock(mutex_);
    if (ticket <= finished_) return true;
    if (work_.empty() || lost_) return false;
    if (--work_.front().polls > 0) return false;
    if (rules.lost_after >= 0 && --steps_left < 0) {
      lost_ = true;
      return false;
    }
    run(work_.front());
    work_.pop_front();
    return ++finished_ >= ticket;
  }
  std::string failure() const override {
    const std::lock_guard lock(mutex_);
    return lost_ ? "the simulated device was lost" : "";
  }
  /// Everything that was submitted, as the owner of memory that goes away must.
  void finish() noexcept {
    const std::lock_guard lock(mutex_);
    for (; !work_.empty() && !lost_; work_.pop_front(), ++finished_) run(work_.front());
  }

 private:
  struct Work {
    std::vector<std::byte*> destinations;
    std::vector<const std::byte*> sources;
    ComputeStep step;
    int polls = 0;
  };

  void run(Work& work) noexcept {
    const std::size_t bytes = work.step.count * size_of(work.step.dtype);
    for (std::byte*& operand : work.destinations) {
      operand = reach.find(operand, bytes);
      if (operand == nullptr) return void(counts.unreached++);
    }
    for (const std::byte*& operand : work.sources) {
      operand = reach.find(operand, bytes);
      if (operand == nullptr) return void(counts.unreached++);
    }
    work.step.destinations = work.destinations;
    work.step.sources = work.sources;
    cpu_compute().submit(work.step);
  }

  mutable std::mutex mutex_;
  std::deque<Work> work_;
  ComputeTicket submitted_ = 0, finished_ = 0;
  bool lost_ = false;
};

std::array<std::unique_ptr<FakeCompute>, kDevices> computes;

/// Zeroed bytes, of a file where others may have them, too.
class MappedBytes {
 public:
  MappedBytes(std::size_t bytes, int file)
      : length_(bytes + 1),
        begin_(mmap(nullptr, length_, PROT_READ | PROT_WRITE,
                    file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, file, 0)) {
    if (begin_ == MAP_FAILED) throw CollectiveError(ErrorKind::OutOfMemory, "Buffer", "no memory");
  }
  ~MappedBytes() { munmap(begin_, length_); }
  MappedBytes(const MappedBytes&) = delete;
  MappedBytes& operator=(const MappedBytes&) = delete;

  [[nodiscard]] std::byte* data() const { return static_cast<std::byte*>(begin_); }
  [[nodiscard]] std::size_t size() const { return length_ - 1; }

 private:
  std::size_t length_;
  void* begin_;
};

class FakeDeviceMemory final : public detail::DeviceMemory {
 public:
  FakeDeviceMemory(FakeCompute& compute, std::size_t bytes, int file = -1)
      : compute_(compute), bytes_(bytes, file), length_(bytes + 1) {
    void* const range =
        mmap(nullptr, length_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    address_ = static_cast<std::byte*>(range);
    compute_.reach.add(address_, bytes_.data(), bytes_.size(), file >= 0);
  }
  ~FakeDeviceMemory() override {
    compute_.finish();
    compute_.reach.remove(address_, bytes_.data());
    munmap(address_, length_);
  }
  std::byte* host_data() noexcept override { return nullptr; }
  std::byte* address() noexcept override { return address_; }
  void write(std::size_t offset, std::span<const std::byte> from) override {
    transfer();
    if (!from.empty()) std::memcpy(bytes_.data() + offset, from.data(), from.size());
  }
  void read(std::size_t offset, std::span<std::byte> into) const override {
    transfer();
    if (!into.empty()) std::memcpy(into.data(), bytes_.data() + offset, into.size());
  }

 private:
  void transfer() const {
    counts.transfers++;
    if (!compute_.failure().empty())
      throw CollectiveError(ErrorKind::Device, "Buffer", compute_.failure());
  }

  FakeCompute& compute_;
  MappedBytes bytes_;
  std::size_t length_;
  std::byte* address_;
};

class FakeImport final : public HostImport {
 public:
  FakeImport(FakeCompute& compute, std::span<std::byte> pages) : compute_(compute), pages_(pages) {
    compute_.reach.add(pages.data(), pages.data(), pages.size());
    counts.imports++;
  }
  ~FakeImport() override {
    compute_.finish();
    compute_.reach.remove(pages_.data(), pages_.data());
  }

 private:
  FakeCompute& compute_;
  std::span<std::byte> pages_;
};

constexpr DeviceDriver kFakeDriver{
    DeviceKind::vulkan,
    "simulated",
    [] { return kDevices; },
    [] { return std::string(); },
    [](std::uint32_t index) {
      return DeviceLocation{.processor = rules.processor, .identity = rules.shares ? index + 1 : 0};
    },
    [](std::uint32_t) { return DeviceProperties{.description = "simulated"}; },
    [](std::uint32_t index, std::size_t bytes) -> std::unique_ptr<detail::DeviceMemory> {
      if (bytes > rules.most_bytes)
        throw CollectiveError(ErrorKind::OutOfMemory, "Buffer", "no room on the simulated device");
      return std::make_unique<FakeDeviceMemory>(*computes.at(index), bytes);
    },
    [](std::uint32_t index) -> Compute& {
      if (computes.at(index) == nullptr)
        throw CollectiveError(ErrorKind::Device, "Device", "the simulated devices are gone");
      return *computes.at(index);
    },
    [](std::uint32_t index, std::span<std::byte> pages) -> std::unique_ptr<HostImport> {
      if (!rules.imports) return nullptr;
      return std::make_unique<FakeImport>(*computes.at(index), pages);
    },
    [](std::uint32_t) -> std::unique_ptr<CommandStream> {
      throw CollectiveError(ErrorKind::Unsupported, "make_stream",
                            "simulated devices have no streams");
    },
    [](std::uint32_t index, std::size_t bytes) -> SharedDeviceMemory {
      if (bytes > rules.most_shared_bytes)
        throw CollectiveError(ErrorKind::OutOfMemory, "Buffer", "no room on the simulated device");
      detail::Descriptor file(memfd_create("rlx-test", MFD_CLOEXEC));
      if (ftruncate(file.get(), static_cast<off_t>(bytes + 1)) != 0) return {};
      auto memory = std::make_unique<FakeDeviceMemory>(*computes.at(index), bytes, file.get());
      return {std::move(memory), std::move(file)};
    },
    [](std::uint32_t index, detail::Descriptor file,
       std::size_t bytes) -> std::unique_ptr<detail::DeviceMemory> {
      if (!rules.opens_shared)
        throw CollectiveError(ErrorKind::Device, "Buffer", "the simulated device opens nothing");
      counts.opened++;
      return std::make_unique<FakeDeviceMemory>(*computes.at(index), bytes, file.get());
    }};

}  // namespace

FakeDevices::FakeDevices(const FakeDeviceRules& given) {
  rules = given;
  steps_left = given.lost_after;
  for (auto* count :
       {&test::counts.copies, &test::counts.reductions, &test::counts.imports, &test::counts.opened,
        &test::counts.shared, &test::counts.transfers, &test::counts.unreached})
    *count = 0;
  for (auto& compute : computes) compute = std::make_unique<FakeCompute>();
  stand_in(&kFakeDriver);
}

FakeDevices::~FakeDevices() {
  stand_in(nullptr);
  for (auto& compute : computes) compute.reset();
}

const FakeDeviceCounts& FakeDevices::counts() const { return test::counts; }

}  // namespace rlx::test
