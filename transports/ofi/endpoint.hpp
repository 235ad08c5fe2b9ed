#pragma once
// The libfabric objects of one rank: fabric, domain, completion queue, address vector,
// registrations and the endpoint over them.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "transports/ofi/fid.hpp"
#include "transports/ofi/provider.hpp"

namespace rlx::ofi {

class Endpoint {
 public:
  /// Opens and enables everything. Throws CollectiveError(Transport) with the failed call and the
  /// library's words. `expected_data` is how many pieces of completion data may wait in the queue.
  Endpoint(Fabric& fabric, Candidate candidate, std::size_t expected_data);

  /// The address that peers insert.
  [[nodiscard]] std::vector<std::byte> name() const;
  /// Makes a peer's address usable. Throws CollectiveError(Transport).
  [[nodiscard]] fi_addr_t insert(std::span<const std::byte> address);

  /// What a registration gives: for my own operations and for the peers'.
  struct Registered {
    int error = 0;  ///< a libfabric error number (positive); 0: the rest is valid
    void* descriptor = nullptr;
    std::uint64_t key = 0;
    std::uint64_t base = 0;  ///< what peers add their offset to
  };
  /// Registers memory as the domain's modes demand. It stays registered until this object goes, and
  /// is closed after the endpoint.
  [[nodiscard]] Registered add_region(std::span<std::byte> memory) noexcept;

  enum class Use : std::uint8_t {
    source,  ///< of my own puts
    target   ///< of the peers' puts, too
  };
  /// Registers memory until `region` goes. `wanted_key`: see add_region(); none is used twice at
  /// a time.
  [[nodiscard]] Registered make_region(std::span<std::byte> memory, Use use,
                                       std::uint64_t wanted_key, RegionPtr& region) noexcept;

  [[nodiscard]] const fi_info& info() const { return *candidate_.info; }
  [[nodiscard]] const Candidate& candidate() const { return candidate_; }
  [[nodiscard]] const ProtocolChoice& protocol() const { return candidate_.protocol; }
  [[nodiscard]] bool has_mode(int mode) const { return (info().domain_attr->mr_mode & mode) != 0; }
  [[nodiscard]] fid_ep* endpoint() const { return endpoint_.get(); }
  [[nodiscard]] fid_cq* queue() const { return queue_.get(); }
  /// Operations that may be outstanding.
  [[nodiscard]] std::size_t depth() const { return depth_; }

 private:
  void open_endpoint();
  Registered register_with(std::span<std::byte> memory, std::uint64_t access,
                           std::uint64_t wanted_key, RegionPtr& region) noexcept;

  Candidate candidate_;
  std::size_t depth_;
  FabricPtr fabric_;
  DomainPtr domain_;
  QueuePtr queue_;
  AddressVectorPtr addresses_;
  std::vector<RegionPtr> regions_;
  EndpointPtr endpoint_;  // last, so that it is closed first
};

}  // namespace rlx::ofi
