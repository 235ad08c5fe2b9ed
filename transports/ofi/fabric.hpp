#pragma once
// The two libfabric entry points that are not reached through an object. Everything else (write,
// read, cq_read, mr_reg, ...) is dispatched by libfabric through tables in the objects that open()
// gives, so a provider made for tests needs no more than these two functions and its own tables,
// and the transport under test is the very code that runs.

#include <rdma/fabric.h>

#include <cstdint>

namespace rlx::ofi {

/// The interface version asked for: semantics of newer libraries stay those of 1.17.
inline constexpr std::uint32_t kFabricVersion = FI_VERSION(1, 17);

class Fabric {
 public:
  virtual ~Fabric() = default;
  /// As fi_getinfo with kFabricVersion; `node` may be null. The list is freed by fi_freeinfo.
  virtual int getinfo(const char* node, std::uint64_t flags, const fi_info* hints,
                      fi_info** list) = 0;
  /// As fi_fabric.
  virtual int open(fi_fabric_attr* attributes, fid_fabric** fabric) = 0;

  /// The library itself.
  [[nodiscard]] static Fabric& system();
};

}  // namespace rlx::ofi
