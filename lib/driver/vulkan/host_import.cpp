#include "lib/driver/vulkan/host_import.hpp"

#include <algorithm>

#include "lib/base/log.hpp"
#include "lib/driver/vulkan/hooks.hpp"

namespace rlx::vulkan {
namespace {

constexpr std::uint64_t kMostPiece = std::uint64_t{1} << 30;

class VulkanHostImport final : public HostImport {
 public:
  explicit VulkanHostImport(std::shared_ptr<ImportedPages> pages) : pages_(std::move(pages)) {}

 private:
  std::shared_ptr<ImportedPages> pages_;
};

}  // namespace

ImportedPages::ImportedPages(Gpu& gpu, VulkanCompute& compute, std::span<std::byte> pages)
    : gpu_(gpu), compute_(compute), pages_(pages) {
  const std::uint64_t page = gpu.physical().import_alignment;
  const std::uint64_t most = std::min(kMostPiece, most_buffer_bytes(gpu));
  // Room for the page that is shared.
  const std::uint64_t step = std::max((most - 1) / page, std::uint64_t{1}) * page;
  for (std::size_t at = 0; at < pages.size(); at += step) {
    const std::size_t length = std::min<std::size_t>(pages.size() - at, step + page);
    DeviceBuffer buffer;
    result_ = DeviceBuffer::import(gpu, pages.subspan(at, length), buffer);
    if (result_ != VK_SUCCESS) {
      buffers_.clear();
      return;
    }
    buffers_.push_back(std::move(buffer));
    if (at + length == pages.size()) break;
  }
  for (std::size_t b = 0; b < buffers_.size(); ++b) buffers_[b].map_at(pages.data() + b * step);
}

ImportedPages::~ImportedPages() {
  if (!gpu_.usable()) return;
  for (DeviceBuffer& buffer : buffers_) buffer.unmap();
  if (!buffers_.empty()) compute_.wait_idle();
}

bool ImportedPages::holds(std::span<std::byte> pages) const noexcept {
  return pages_.data() <= pages.data() &&
         pages.data() + pages.size() <= pages_.data() + pages_.size();
}

std::unique_ptr<HostImport> ImportedRanges::import(Gpu& gpu, VulkanCompute& compute,
                                                   std::span<std::byte> pages) {
  const std::uint64_t page = gpu.physical().import_alignment;
  if (!gpu.physical().host_import || hooks().no_host_import || page == 0) return nullptr;
  if (gpu.functions().vkGetMemoryHostPointerPropertiesEXT == nullptr || pages.empty() ||
      reinterpret_cast<std::uintptr_t>(pages.data()) % page != 0 || pages.size() % page != 0) {
    return nullptr;
  }
  const std::lock_guard lock(mutex_);
  std::erase_if(live_, [](const auto& imported) { return imported.expired(); });
  for (const auto& imported : live_) {
    if (auto same = imported.lock(); same != nullptr && same->holds(pages)) {
      return std::make_unique<VulkanHostImport>(std::move(same));
    }
  }
  auto imported = std::make_shared<ImportedPages>(gpu, compute, pages);
  if (imported->result() != VK_SUCCESS) {
    log::info("{} does not import {} bytes of host memory ({}); they are copied", gpu.name(),
              pages.size(), name_of(imported->result()));
    return nullptr;
  }
  live_.push_back(imported);
  return std::make_unique<VulkanHostImport>(std::move(imported));
}

}  // namespace rlx::vulkan
