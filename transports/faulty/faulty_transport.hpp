#pragma once
// A decorator that does what the contract of SymmetricTransport permits and providers rarely show.
// For tests and benchmarks: it slows everything down and offers no load/store reach.

#include <memory>
#include <string_view>

#include "rlx/symmetric_transport.hpp"

namespace rlx {

/// Wraps `inner`. `options` are words of transports/faulty/faulty_options.hpp, separated by commas;
/// without any, operations are merely deferred to the next progress() of their issuer. All ranks
/// must give the same options.
///
/// An accepted operation waits in a queue and reads its source when it is delivered (lengths up to
/// capabilities().inline_bytes: when it is issued). Only its issuer's progress() delivers it.
/// Destroying the transport drops what was not delivered.
///
/// Throws CollectiveError(InvalidArgument) for a word or value that it does not know, listing the
/// words; Unsupported for `progress` or `cqdata` around anything but the local transport.
[[nodiscard]] std::unique_ptr<SymmetricTransport> make_faulty(
    std::unique_ptr<SymmetricTransport> inner, std::string_view options);

}  // namespace rlx
