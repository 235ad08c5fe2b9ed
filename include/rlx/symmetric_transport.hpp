#pragma once
// The one-sided interface that everything above runs on: nine virtual functions, all noexcept.
// A transport knows no dtype, no reduction and no collective.
//
// Memory is known by windows. A rank attaches its own memory and gets a window: a small number plus
// an opaque key of at most 64 bytes. The key travels to the peers by whatever means the caller has,
// and each peer admits it under (rank, number). Window 0 is the signal region by convention;
// later windows are heap extents, user memory, and memory of single calls, which is detached when
// the call is complete. No put crosses a window.
//
// Ordering (what every transport promises, and nothing more):
//  - Signals of one writer to one word become visible in issue order, each after the bytes of its
//    own put and of all earlier put_signals that named that word.
//  - Puts without a signal, and signals to different words, are unordered among each other.
//  - A word is read by an acquire load of SignalRegion::word; whoever sees the value sees the
//  bytes.
// A writer keeps to one lane for a word until all its signals to it have been awaited: within an
// epoch. The next epoch of the same word may take another lane.
//
// Threads: put, put_signal, get and signal on one lane are serialised by the transport; only
// progress() reads completions, and a second thread that finds it busy returns at once.
// attach and admit may not run beside them, unless they are about memory of a call.
//
// Failure is sticky: after `failed` (or a peer failure seen by progress) failure() gives the first
// cause, which never changes. A transport goes on serving the other peers as well as it can.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rlx/error.hpp"
#include "rlx/rank.hpp"
#include "rlx/signal_region.hpp"
#include "rlx/symmetric_buffer.hpp"

namespace rlx {

/// What became of an operation at issue. `busy`: nothing was issued, poll and try again.
enum class Issue : std::uint8_t { done, busy, failed };

/// Counts of the operations of one request. The transport adds; the owner compares. The owner keeps
/// it alive until drained(), or until the transport is destroyed.
struct Completion {
  std::atomic<std::uint64_t> issued{0};  ///< accepted by the transport (operations, not bytes)
  std::atomic<std::uint64_t> local{0};   ///< source reusable and no help of mine needed any more
  std::atomic<std::uint64_t> remote{0};  ///< visible at the target; counted only where
                                         ///< capabilities().delivery_complete
  [[nodiscard]] bool drained() const {
    return local.load(std::memory_order_acquire) == issued.load(std::memory_order_relaxed);
  }
};

using WindowNumber = std::uint16_t;
inline constexpr WindowNumber kSignalWindow = 0;

/// Which of a transport's ways an operation takes, modulo capabilities().lanes. What goes over one
/// lane goes over one endpoint.
using Lane = std::uint16_t;

/// The opaque key of a window: bytes whose meaning only the transport knows.
struct WindowKey {
  std::uint8_t length = 0;
  std::array<std::byte, 63> bytes{};
};
static_assert(sizeof(WindowKey) == 64);

/// What a key of memory of a call may take: it travels with the call.
inline constexpr std::size_t kCallKeyBytes = 27;

enum class WindowRole : std::uint8_t {
  signals,
  heap,
  user,
  call,   ///< memory of one call, where capabilities().call_windows: peers write to it
  source  ///< likewise, only read, and only for operations of my own: peers do not admit it
};

struct Window {
  WindowNumber number = 0;
  WindowKey key;
};

/// Bytes of a peer: at `offset` within its window.
struct RemoteRef {
  Rank rank;
  WindowNumber window = 0;
  std::uint64_t offset = 0;
};

/// Bytes of my own. `window` is the window that holds them, for providers that want a descriptor of
/// the source (a transport whose capabilities().local_registration is false ignores it).
struct LocalRef {
  std::byte* data = nullptr;
  std::size_t length = 0;
  WindowNumber window = 0;
};

/// One signal: store `value` in word `index` of `rank`'s signal region.
struct Signal {
  Rank rank;
  std::uint32_t index = 0;
  std::uint64_t value = 0;
};

/// How a provider tells the target that bytes have landed.
enum class SignalProtocol : std::uint8_t {
  store,             ///< a release store by the writer itself (load/store reach)
  ordered_write,     ///< data, then an 8-byte write that the provider promises to order after it
  completion_data,   ///< 32 bits of remote completion data; the target's progress() stores the word
  delivery_complete  ///< data with delivery-complete, and only then the 8-byte write
};
[[nodiscard]] std::string_view to_string(SignalProtocol protocol);

struct TransportCapabilities {
  std::string name;    ///< "local", "shm", "ofi", "faulty(local)"
  std::string detail;  ///< provider and address, for the banner
  std::string medium;  ///< what times depend on besides the name: the provider, and how ranks are
                       ///< spread over nodes; empty: nothing
  std::string fabric;  ///< provider, interface and address that lead to peers whose memory is not
                       ///< mapped; empty: there is no network
  SignalProtocol protocol = SignalProtocol::store;
  std::size_t inline_bytes = 0;                 ///< puts up to this size are copied at issue
  std::size_t max_put_bytes = ~std::size_t{0};  ///< larger puts are split by the transport
  std::uint32_t lanes = 1;  ///< that differ; over several rails each has its part of them, evenly
                            ///< spread, so that work that takes turns over the lanes is shared as
                            ///< the rails are fast. Lane 0 is of the fastest
  std::uint32_t links = 1;  ///< interfaces that the lanes lead over, where each adds to
                            ///< gigabytes_per_second; one lane has one of them
  bool passive_target = false;      ///< puts land although the target does not poll
  bool delivery_complete = false;   ///< Completion::remote is counted
  bool local_registration = false;  ///< sources must lie in attached memory
  bool call_windows = false;        ///< memory of single calls can be attached (WindowRole::call),
                                    ///< with keys of at most kCallKeyBytes
  std::uint32_t hash_bits = 12;     ///< low bits of a signal value's hash that surely arrive; the
                                    ///< others may be zero and must not be compared
  double latency_us = 1.0;  ///< declared for the tuner, as LogGP has them: of a small put with
                            ///< signal, besides what its ends do for it;
  double message_us = 0.1;  ///< what the ends of one message do for it, whatever its length;
  double gigabytes_per_second = 10.0;  ///< and of long ones while both directions are used
  std::vector<bool> load_store;        ///< per peer: its windows can be loaded and stored directly
};

/// The first cause of a transport's failure.
struct TransportFailure {
  ErrorKind kind = ErrorKind::Transport;  ///< Transport or PeerFailed
  std::optional<Rank> rank;               ///< the peer concerned, if it is one
  std::string message;                    ///< with the provider's own words
};

/// What went over a network between two ranks, as far as one of them asked for it.
struct NetworkTraffic {
  std::uint64_t operations = 0;  ///< puts, signals and gets
  std::uint64_t bytes = 0;       ///< that they moved, without words of signals
};

class SymmetricTransport {
 public:
  SymmetricTransport(Rank rank, std::size_t size);
  virtual ~SymmetricTransport() = default;
  SymmetricTransport(const SymmetricTransport&) = delete;
  SymmetricTransport& operator=(const SymmetricTransport&) = delete;

  // -- the nine -------------------------------------------------------------------------------

  /// Writes `from` into the peer's window. The source stays unchanged until completion.local counts
  /// it (at once for lengths up to inline_bytes).
  virtual Issue put(Lane lane, RemoteRef to, LocalRef from, Completion& completion) noexcept = 0;
  /// put, then the signal, as one operation of `completion`. A length of zero signals alone.
  virtual Issue put_signal(Lane lane, RemoteRef to, LocalRef from, Signal signal,
                           Completion& completion) noexcept = 0;
  /// Reads from the peer's window; the bytes are there when completion.local counts it.
  virtual Issue get(Lane lane, LocalRef to, RemoteRef from, Completion& completion) noexcept = 0;
  virtual Issue signal(Lane lane, Signal signal, Completion& completion) noexcept = 0;
  /// Moves everything along: completions, connections, incoming data. True if anything happened.
  virtual bool progress() noexcept = 0;
  /// Makes own memory reachable. Local: sends nothing. nullopt: see failure(), which is then
  /// OutOfMemory or Transport and names what to do (`ulimit -l` and the bytes needed). Over shm it
  /// begins at a page and is whole pages long, and is shared memory from then on.
  virtual std::optional<Window> attach(std::span<std::byte> memory, WindowRole role) noexcept = 0;
  /// Makes a peer's window reachable for my operations. A window of that number that was there
  /// before is forgotten. False: see failure().
  virtual bool admit(Rank rank, WindowNumber number, const WindowKey& key) noexcept = 0;
  /// Gives back memory of a call that no operation, mine or a peer's, is about any more. Its number
  /// is used again. Windows of other roles stay attached.
  virtual void detach(WindowNumber number) noexcept;
  [[nodiscard]] virtual const TransportCapabilities& capabilities() const noexcept = 0;

  // -------------------------------------------------------------------------------------------

  [[nodiscard]] Rank rank() const noexcept { return rank_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// The first cause of failure, or nullopt. Any thread.
  [[nodiscard]] std::optional<TransportFailure> failure() const;
  [[nodiscard]] bool has_failed() const noexcept { return failed_.load(std::memory_order_acquire); }
  /// Whether operations to this one peer are known to fail. Any thread.
  [[nodiscard]] virtual bool peer_failed(Rank rank) const noexcept;

  /// What I have put to this peer, signalled to it and got from it over a network: nothing where
  /// its memory is mapped. Any thread.
  [[nodiscard]] virtual NetworkTraffic network_traffic(Rank rank) const noexcept;

  /// The byte length of an admitted window of a peer; 0 when it was not admitted.
  [[nodiscard]] std::size_t window_bytes(Rank rank, WindowNumber number) const noexcept;
  /// Where an admitted window of a peer lies in this process, for plain loads and stores; nullptr
  /// where it can only be reached by the operations above. Stays as it is while the transport
  /// lives. Not to be used past window_bytes(); a word there is stored with release, loaded with
  /// acquire.
  [[nodiscard]] std::byte* mapped(Rank rank, WindowNumber number) const noexcept;

  /// The checked forms for users: as put, put_signal and get, but they check rank and length
  /// against the admitted window first and throw CollectiveError(UnknownRank | OutOfBounds) before
  /// anything is sent, poll while busy, and throw the transport's failure.
  void checked_put(Lane lane, RemoteRef to, LocalRef from, Completion& completion);
  void checked_put_signal(Lane lane, RemoteRef to, LocalRef from, Signal signal,
                          Completion& completion);
  void checked_get(Lane lane, LocalRef to, RemoteRef from, Completion& completion);
  /// Polls until everything issued under `completion` is locally complete; throws on failure.
  void quiet(Completion& completion);

  /// Keeps attached memory alive as long as peers may reach it: until this transport is destroyed,
  /// or where ranks share a process, until the transports of all of them are. Any thread.
  void keep(std::shared_ptr<void> memory);  // shared: with peers that load and store there

 protected:
  /// Makes this transport's kept memory one with another's (ranks of one process, decorators).
  void share_kept(const SymmetricTransport& other) { kept_ = other.kept_; }
  /// Keeps the first cause; later ones are dropped. Any thread.
  void fail(TransportFailure failure) noexcept;
  /// The byte length of an admitted window of a peer, for the checked forms; derived classes record
  /// it in admit() (the key carries it), with where it is mapped, if it is.
  void record_window(Rank rank, WindowNumber number, std::size_t bytes,
                     std::byte* mapped = nullptr);

 private:
  struct Kept;
  void check(const char* operation, RemoteRef to, std::size_t length) const;

  struct Admitted {
    std::size_t bytes = 0;
    std::byte* mapped = nullptr;
  };
  [[nodiscard]] Admitted admitted(Rank rank, WindowNumber number) const noexcept;

  std::shared_ptr<Kept> kept_;  // destroyed last
  Rank rank_;
  std::size_t size_;
  std::atomic<bool> failed_{false};
  mutable std::mutex mutex_;  // guards failure_
  std::optional<TransportFailure> failure_;
  std::vector<std::vector<Admitted>> admitted_;  // [rank][number]; written by admit only
};

}  // namespace rlx
