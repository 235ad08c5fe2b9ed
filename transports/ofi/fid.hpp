#pragma once
// Owners of libfabric objects. Every fid is closed by exactly one of these; the structures that
// hold them declare an endpoint after all that it uses, so that no registration, queue or address
// vector is closed before its endpoint.

#include <rdma/fabric.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_eq.h>

#include <memory>

namespace rlx::ofi {

struct FidCloser {
  template <class F>
  void operator()(F* object) const noexcept {
    fi_close(&object->fid);
  }
};

using FabricPtr = std::unique_ptr<fid_fabric, FidCloser>;
using DomainPtr = std::unique_ptr<fid_domain, FidCloser>;
using EndpointPtr = std::unique_ptr<fid_ep, FidCloser>;
using QueuePtr = std::unique_ptr<fid_cq, FidCloser>;
using AddressVectorPtr = std::unique_ptr<fid_av, FidCloser>;
using RegionPtr = std::unique_ptr<fid_mr, FidCloser>;

struct InfoFree {
  void operator()(fi_info* info) const noexcept { fi_freeinfo(info); }
};
/// One fi_info or a whole list; the whole list is freed.
using InfoPtr = std::unique_ptr<fi_info, InfoFree>;

}  // namespace rlx::ofi
