#pragma once
// How the ranks agree on one provider, one protocol and their addresses, in two exchanges:
//   1. who and where each rank is, what it could use, and what rank 0 asks for;
//   2. what each rank opened: its endpoint's address, or why it can not follow.
// Everything in between is a pure function of what was exchanged, so every rank comes to the same
// answer, and an error is thrown on all of them.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rlx/error.hpp"
#include "transports/common/process_identity.hpp"
#include "transports/ofi/interfaces.hpp"
#include "transports/ofi/provider.hpp"
#include "transports/transports.hpp"

namespace rlx::ofi {

/// What a rank tells first. Bytes on the wire.
struct Card {
  detail::ProcessIdentity identity;
  Addresses addresses;
  std::uint32_t preferred = 0;        ///< preferred_mask() of what it has
  std::array<char, 64> provider{};    ///< RLX_PROVIDER; rank 0's counts
  std::array<char, 64> interface {};  ///< RLX_INTERFACE; rank 0's counts
};

/// What a rank tells next. Bytes on the wire.
struct Report {
  ErrorKind kind = ErrorKind::Internal;  ///< where `opened` is 0
  SignalProtocol protocol = SignalProtocol::ordered_write;
  std::uint8_t opened = 0;
  std::uint8_t address_length = 0;
  std::array<std::byte, 128> address{};
  std::array<char, 64> provider{};  ///< its full name
  std::array<char, 400> problem{};
};

/// What one rank is to do.
struct Plan {
  Wish wish;
  std::string reason;   ///< for the log: why this provider, why this address
  bool speaks = false;  ///< the lowest rank of its node: writes the log line
  std::size_t nodes = 1;
};

[[nodiscard]] Card make_card(Fabric& fabric, const TransportSetup& setup);

/// Throws CollectiveError(Unsupported) naming the ranks when no provider is common to all, and
/// InvalidArgument when the interface asked for is unknown here.
[[nodiscard]] Plan make_plan(std::span<const Card> cards, Rank me);

[[nodiscard]] Report make_report(const Candidate& candidate, std::span<const std::byte> address);
[[nodiscard]] Report make_report(const CollectiveError& error);

/// Throws the error that all ranks throw: naming those that could not open the provider, or whose
/// provider or protocol differs from rank 0's.
void check_reports(std::span<const Report> reports);

/// One record of each rank, in rank order. Collective.
template <class T>
[[nodiscard]] std::vector<T> exchange_records(const TransportSetup& setup, const T& mine) {
  const std::vector<std::byte> all = setup.exchange(std::as_bytes(std::span(&mine, 1)));
  std::vector<T> records(setup.size);
  std::memcpy(static_cast<void*>(records.data()), all.data(), setup.size * sizeof(T));
  return records;
}

}  // namespace rlx::ofi
