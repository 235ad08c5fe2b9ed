#include "lib/communicator/device_side.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "lib/communicator/owned_pages.hpp"

namespace rlx::detail {
namespace {

constexpr std::size_t kPage = 4096;

bool imports_pages(const DeviceDriver& driver, const Device& device) {
  const OwnedPages page(kPage);
  return driver.import_host(device.index(), page.memory()) != nullptr;
}

}  // namespace

DeviceRecord::DeviceRecord(bool imports, const DeviceLocation& location, const Compute& compute)
    : bits_(kPresent | (imports ? kImports : 0) | (location.processor ? kProcessor : 0)),
      identity_(location.identity) {
  for (const DType dtype : kAllDTypes)
    if (compute.supports(dtype)) bits_ |= 1u << static_cast<unsigned>(dtype);
}

void DeviceUse::add(DeviceRecord record) {
  if (!record.present()) return;
  any = true;
  imports = imports && record.imports();
  gpus = gpus || !record.processor();
  dtypes &= record.dtypes();
}

// Two ranks on one H200, all_reduce of 64 and 256 MiB: 6.2 and 23.1 ms with 6 MiB, 5.4 and 19.9
// with 24.
std::size_t DeviceUse::slot_bytes() const {
  return gpus ? std::size_t{24} << 20 : std::size_t{6} << 20;
}

bool DeviceUse::same(std::span<const Rank> ranks) const {
  const auto of = [this](Rank rank) { return identity[rank.index()]; };
  return !identity.empty() && of(ranks[0]) != 0 &&
         std::ranges::all_of(ranks, [&](Rank rank) { return of(rank) == of(ranks[0]); });
}

// A GPU takes turns between processes, and a turn takes its time. Ranks on one H200, us of an
// all_reduce by the CPUs, by the device over the heap, and over slots of its own:
//   2 ranks, 1 MiB: 300, 342, 1034; 4 MiB: 760, 770, 905; 16 MiB: 3049, 1647, 964
//   4 ranks, 4 MiB: 1231, 2055, 2284; 16 MiB: 4474, 4202, 2384
std::size_t DeviceUse::direct_bytes(std::span<const Rank> ranks, bool slots_on_device) const {
  std::size_t most = 1;
  for (const Rank rank : ranks) {
    const std::uint64_t mine = identity.empty() ? 0 : identity[rank.index()];
    const auto same = [&](Rank other) { return identity[other.index()] == mine; };
    if (mine != 0) most = std::max<std::size_t>(most, std::ranges::count_if(ranks, same));
  }
  if (!gpus || most == 1) return std::size_t{256} << 10;
  return (slots_on_device ? 3 * most : most * most) << 20;
}

DeviceSide::DeviceSide(const Device& device)
    : device_(device), driver_(driver_of(device)), compute_(driver_.compute(device.index())) {
  imports_ = imports_pages(driver_, device);
}

DeviceRecord DeviceSide::record() const {
  return {imports_, driver_.location(device_.index()), compute_};
}

std::unique_ptr<HostImport> DeviceSide::import_host(std::span<std::byte> memory) const {
  if (!imports_) return nullptr;
  const std::size_t pages = (memory.size() + kPage - 1) / kPage * kPage;
  return driver_.import_host(device_.index(), {memory.data(), pages});
}

SharedDeviceMemory DeviceSide::allocate_shared(std::size_t bytes) const {
  if (driver_.allocate_shared == nullptr) return {};
  return driver_.allocate_shared(device_.index(), bytes);
}

std::unique_ptr<DeviceMemory> DeviceSide::open_shared(Descriptor handle, std::size_t bytes) const {
  return driver_.open_shared(device_.index(), std::move(handle), bytes);
}

void DeviceSide::read(DeviceMemory& memory, const std::byte* from,
                      std::span<std::byte> into) noexcept {
  try {
    memory.read(static_cast<std::size_t>(from - memory.address()), into);
  } catch (const std::exception& error) {
    keep(error);
  }
}

void DeviceSide::write(DeviceMemory& memory, std::byte* to,
                       std::span<const std::byte> from) noexcept {
  try {
    memory.write(static_cast<std::size_t>(to - memory.address()), from);
  } catch (const std::exception& error) {
    keep(error);
  }
}

void DeviceSide::keep(const std::exception& error) noexcept {
  if (transfer_failure_.empty()) transfer_failure_ = error.what();
}

std::string DeviceSide::failure() const {
  return transfer_failure_.empty() ? compute_.failure() : transfer_failure_;
}

}  // namespace rlx::detail
