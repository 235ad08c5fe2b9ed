#include "transports/ofi/protocol.hpp"

#include <fmt/core.h>
#include <rdma/fi_domain.h>

#include <algorithm>

namespace rlx::ofi {

namespace {

constexpr int kUnderstoodModes =
    FI_MR_LOCAL | FI_MR_VIRT_ADDR | FI_MR_ALLOCATED | FI_MR_PROV_KEY | FI_MR_ENDPOINT;

struct Promises {
  std::string_view core;
  std::size_t ordered_bytes = 0;  // 0: no order between writes
  std::size_t data_bytes = 0;
  bool delivery = false;
};

Promises promises_of(const fi_info& info) {
  Promises p;
  p.core = core_name(info.fabric_attr->prov_name);
  const bool ordered = (info.tx_attr->msg_order & (FI_ORDER_WAW | FI_ORDER_RMA_WAW)) != 0;
  // opx says 0 in one place and everything in another: taken as no order.
  if (ordered && p.core != "opx") p.ordered_bytes = info.ep_attr->max_order_waw_size;
  p.data_bytes = info.domain_attr->cq_data_size;
  // verbs takes the flag and completes on transmission all the same.
  p.delivery = p.core != "verbs";
  return p;
}

bool offers(const Promises& p, SignalProtocol protocol) {
  switch (protocol) {
    case SignalProtocol::ordered_write:
      return p.ordered_bytes >= sizeof(std::uint64_t);
    case SignalProtocol::completion_data:
      return p.data_bytes >= sizeof(std::uint32_t);
    case SignalProtocol::delivery_complete:
      return p.delivery;
    case SignalProtocol::store:
      return false;
  }
  return false;
}

std::string why(const Promises& p, SignalProtocol protocol) {
  switch (protocol) {
    case SignalProtocol::ordered_write:
      return p.ordered_bytes > (std::size_t{1} << 40)
                 ? std::string("writes of any size are ordered after each other")
                 : fmt::format("writes up to {} bytes are ordered after each other",
                               p.ordered_bytes);
    case SignalProtocol::completion_data:
      return fmt::format("no order of writes to rely on; {} bytes of completion data",
                         p.data_bytes);
    default:
      return "neither ordered writes nor completion data: delivery is awaited";
  }
}

std::optional<SignalProtocol> best_of(const Promises& p) {
  if (p.ordered_bytes >= kLeastOrderedBytes) return SignalProtocol::ordered_write;
  for (auto next : {SignalProtocol::completion_data, SignalProtocol::ordered_write,
                    SignalProtocol::delivery_complete}) {
    if (offers(p, next)) return next;
  }
  return std::nullopt;
}

// Whether a write that is complete for its sender has been acknowledged by the target's adapter.
// Elsewhere a completion may run ahead of the target without limit.
bool acknowledges(std::string_view core) {
  return core == "verbs" || core == "efa" || core == "cxi";
}

// libfabric promises no order among the parts of one write. A byte stream has one: the target takes
// the parts off it first to last, with its own calls.
bool keeps_parts_in_order(const fi_info& info, std::string_view core) {
  const fi_tx_attr& sender = *info.tx_attr;
  return (core == "tcp" || core == "net") && sender.iov_limit >= 2 && sender.rma_iov_limit >= 2 &&
         (info.domain_attr->mr_mode & FI_MR_LOCAL) == 0;
}

std::size_t inject_bytes(const fi_info& info, const Promises& p, const ProtocolChoice& choice) {
  // Injection together with delivery-complete is promised nowhere; efa injects messages only.
  const bool awaits = choice.protocol == SignalProtocol::delivery_complete ||
                      (choice.protocol == SignalProtocol::completion_data && !choice.acknowledged);
  if (awaits || p.core == "efa") return 0;
  const std::size_t most = std::min(info.tx_attr->inject_size, choice.chunk_bytes);
  if (!choice.word_with_data) return most;
  return most - std::min(most, sizeof(std::uint64_t));  // the word goes with the bytes
}

}  // namespace

std::string_view core_name(std::string_view provider) {
  return provider.substr(0, provider.find(';'));
}

ProtocolChoice choose_protocol(const fi_info& info, std::optional<SignalProtocol> wanted) {
  ProtocolChoice choice;
  const int mode = info.domain_attr->mr_mode;
  if ((mode & FI_MR_RAW) != 0 || info.domain_attr->mr_key_size > sizeof(std::uint64_t)) {
    choice.reason = "it needs raw memory keys longer than 8 bytes, which rlx does not exchange";
    return choice;
  }
  if ((mode & ~kUnderstoodModes) != 0) {
    choice.reason = fmt::format("it needs memory registration modes {:#x} that rlx does not know",
                                mode & ~kUnderstoodModes);
    return choice;
  }
  const Promises p = promises_of(info);
  const auto protocol = wanted ? wanted : best_of(p);
  if (!protocol || !offers(p, *protocol)) {
    choice.reason = protocol ? fmt::format("it does not offer {}", to_string(*protocol))
                             : "it promises neither order, completion data nor delivery";
    return choice;
  }
  choice.possible = true;
  choice.protocol = *protocol;
  choice.chunk_bytes = info.ep_attr->max_msg_size;
  if (*protocol == SignalProtocol::ordered_write)
    choice.chunk_bytes = std::min(choice.chunk_bytes, p.ordered_bytes);
  choice.acknowledged = acknowledges(p.core) || p.ordered_bytes >= kLeastOrderedBytes;
  choice.word_with_data =
      *protocol == SignalProtocol::ordered_write && keeps_parts_in_order(info, p.core);
  choice.inject_bytes = inject_bytes(info, p, choice);
  choice.reason = wanted ? "as asked for" : why(p, *protocol);
  return choice;
}

}  // namespace rlx::ofi
