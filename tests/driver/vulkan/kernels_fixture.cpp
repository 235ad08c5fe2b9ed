#include "tests/driver/vulkan/kernels_fixture.hpp"

#include <cstdio>
#include <cstring>
#include <map>
#include <stdexcept>
#include <vector>

namespace rlx::vulkan::test {
namespace {

constexpr std::size_t kMemory = std::size_t{64} << 20;
constexpr std::size_t kGuard = 40;  // as Operand guards

struct Shared {
  std::string absence;
  std::unique_ptr<OpenDevice> device = OpenDevice::open(true, absence);
  std::unique_ptr<Kernels> kernels;
  Memory memory;

  Shared() {
    if (!device) return;
    kernels = std::make_unique<Kernels>(device->kernel_device());
    memory = device->allocate(
        kMemory, VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT);
    printf("%s, %s\n", device->name().c_str(),
           device->validated() ? "validated" : "without the validation layer");
  }
  ~Shared() {
    if (!device) return;
    device->free(memory);
    kernels.reset();
  }
};

Shared& shared() {
  static Shared instance;
  return instance;
}

// Host memory's places in the device's.
class Mirror {
 public:
  Mirror(const Memory& memory, std::size_t bytes, std::size_t shift)
      : memory_(memory), bytes_(bytes + 2 * kGuard), shift_(shift) {}

  VkDeviceAddress place(std::byte* host) {
    auto [place, added] = places_.try_emplace(host - kGuard, 0);
    if (added) {
      const auto wanted = reinterpret_cast<std::uintptr_t>(host - kGuard) + shift_;
      next_ += (wanted - memory_.address - next_) % 64;
      place->second = next_;
      next_ += bytes_;
      if (next_ > memory_.bytes) throw std::runtime_error("the operands exceed the test's memory");
      std::memcpy(memory_.data + place->second, place->first, bytes_);
    }
    return memory_.address + place->second + kGuard;
  }
  void take_back() const {
    for (const auto& [host, offset] : places_) std::memcpy(host, memory_.data + offset, bytes_);
  }

 private:
  const Memory& memory_;
  std::size_t bytes_;
  std::size_t shift_;
  std::size_t next_ = 0;
  std::map<std::byte*, std::size_t> places_;
};

}  // namespace

const OpenDevice* shared_device() { return shared().device.get(); }

void OnDevice::SetUp() {
  if (shared_device() == nullptr) GTEST_SKIP() << shared().absence;
  messages_ = device().messages().size();
}

void OnDevice::TearDown() {
  if (shared_device() == nullptr) return;
  for (std::size_t i = messages_; i < device().messages().size(); ++i) {
    ADD_FAILURE() << device().messages()[i];
  }
}

Kernels& OnDevice::kernels() { return *shared().kernels; }

void OnDevice::run(const ComputeStep& step, Kernels& kernels, std::size_t shift) {
  Mirror mirror(shared().memory, step.count * size_of(step.dtype), shift);
  std::vector<VkDeviceAddress> sources;
  std::vector<VkDeviceAddress> destinations;
  for (const std::byte* source : step.sources) {
    sources.push_back(mirror.place(const_cast<std::byte*>(source)));
  }
  for (std::byte* destination : step.destinations) {
    destinations.push_back(mirror.place(destination));
  }
  device().run([&](VkCommandBuffer commands) {
    kernels.record(commands, {.destinations = destinations,
                              .sources = sources,
                              .count = step.count,
                              .dtype = step.dtype,
                              .kind = step.kind,
                              .divisor = step.divisor});
  });
  mirror.take_back();
}

}  // namespace rlx::vulkan::test
