#include "lib/driver/vulkan/pipeline_cache.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

#include "lib/driver/vulkan/kernels/kernel_device.hpp"

namespace rlx::vulkan {
namespace {

std::string file_name(const VkPhysicalDeviceProperties& properties) {
  std::string name = fmt::format("vulkan-{:04x}-{:04x}-", properties.vendorID, properties.deviceID);
  for (const std::uint8_t byte : properties.pipelineCacheUUID) name += fmt::format("{:02x}", byte);
  return name + ".cache";
}

std::vector<char> contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Drivers should look themselves, but not all do.
bool belongs_to(const std::vector<char>& data, const VkPhysicalDeviceProperties& properties) {
  VkPipelineCacheHeaderVersionOne header{};
  if (data.size() < sizeof header) return false;
  std::memcpy(&header, data.data(), sizeof header);
  return header.headerVersion == VK_PIPELINE_CACHE_HEADER_VERSION_ONE &&
         header.vendorID == properties.vendorID && header.deviceID == properties.deviceID &&
         std::memcmp(header.pipelineCacheUUID, properties.pipelineCacheUUID, VK_UUID_SIZE) == 0;
}

}  // namespace

std::filesystem::path cache_folder() {
  const char* const cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache == '/') return std::filesystem::path(cache) / "rlx";
  const char* const home = std::getenv("HOME");
  if (home != nullptr && *home == '/') return std::filesystem::path(home) / ".cache" / "rlx";
  return {};
}

PipelineCache::PipelineCache(VkDevice device, const DeviceFunctions& functions,
                             const VkPhysicalDeviceProperties& properties)
    : device_(device), functions_(functions), file_(cache_folder()) {
  std::vector<char> kept;
  if (!file_.empty()) {
    file_ /= file_name(properties);
    kept = contents(file_);
    if (!belongs_to(kept, properties)) kept.clear();
  }
  VkPipelineCacheCreateInfo info{.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO,
                                 .initialDataSize = kept.size(),
                                 .pInitialData = kept.data()};
  check(functions_.vkCreatePipelineCache(device_, &info, nullptr, &handle_),
        "vkCreatePipelineCache");
  saved_ = kept.size();
}

PipelineCache::~PipelineCache() { functions_.vkDestroyPipelineCache(device_, handle_, nullptr); }

void PipelineCache::save() noexcept {
  if (file_.empty()) return;
  std::size_t bytes = 0;
  if (functions_.vkGetPipelineCacheData(device_, handle_, &bytes, nullptr) != VK_SUCCESS) return;
  if (bytes <= saved_) return;
  saved_ = bytes;
  try {
    write(bytes);
  } catch (const std::exception&) {
    file_.clear();  // what failed once is not tried for every kernel
  }
}

// Readers see the old file or the new one, also when several processes write at once.
void PipelineCache::write(std::size_t bytes) const {
  std::vector<char> data(bytes);
  check(functions_.vkGetPipelineCacheData(device_, handle_, &bytes, data.data()),
        "vkGetPipelineCacheData");
  std::filesystem::create_directories(file_.parent_path());
  const std::filesystem::path temporary = fmt::format("{}.{}", file_.string(), getpid());
  std::ofstream file(temporary, std::ios::binary);
  file.write(data.data(), static_cast<std::streamsize>(bytes));
  file.close();
  if (file) {
    std::filesystem::rename(temporary, file_);
    return;
  }
  std::filesystem::remove(temporary);
  throw std::filesystem::filesystem_error("write", temporary,
                                          std::make_error_code(std::errc::io_error));
}

}  // namespace rlx::vulkan
