#pragma once
// Private memory of one call, made reachable for as long as the call runs: peers then write to it
// directly, and a provider that wants its sources registered reads from it, without a copy through
// staging. The registration ends with the call, so memory may be freed and mapped anew at will.
// Providers for which registering is dear (those that pin pages) keep registrations themselves and
// watch for memory that goes; for the others it is an entry in a table.

#include <cstddef>

#include "rlx/symmetric_transport.hpp"

namespace rlx::detail {

class CallState;

/// A window that ends with a call; none where `base` is null.
struct Attached {
  std::byte* base = nullptr;
  Window window;
};

/// Makes windows of the memory that the call's plan wants attached. False: the transport refused;
/// see its failure().
[[nodiscard]] bool attach_memory(CallState& call, SymmetricTransport& transport) noexcept;
/// Gives them back. Every operation about them is complete, peers' too.
void detach_memory(CallState& call, SymmetricTransport& transport) noexcept;

}  // namespace rlx::detail
