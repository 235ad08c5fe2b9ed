#include "transports/ofi/fabric.hpp"

namespace rlx::ofi {

namespace {

class SystemFabric final : public Fabric {
 public:
  int getinfo(const char* node, std::uint64_t flags, const fi_info* hints,
              fi_info** list) override {
    return fi_getinfo(kFabricVersion, node, nullptr, flags, hints, list);
  }
  int open(fi_fabric_attr* attributes, fid_fabric** fabric) override {
    return fi_fabric(attributes, fabric, nullptr);
  }
};

}  // namespace

Fabric& Fabric::system() {
  static SystemFabric fabric;  // holds no state
  return fabric;
}

}  // namespace rlx::ofi
