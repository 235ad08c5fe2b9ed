#pragma once
// One endpoint at work: posts operations, reads the completion queue, and keeps each put's signal
// behind its bytes by the protocol that the provider's promises allow.
//
//   ordered_write      the data in chunks, then the 8-byte word: the provider keeps their order.
//                      Over a byte stream the word is the last part of the last chunk's message
//   completion_data    the last chunk carries the signal as completion data. Chunks before it are
//                      sent with delivery-complete and awaited first (only puts above the
//                      provider's largest message have any). A signal alone is a write of no bytes
//   delivery_complete  the data with delivery-complete; then, in order per word, the word itself
//                      with delivery-complete, because nothing else orders two words' writes
//
// One mutex covers everything here, so that the provider needs no lock of its own: issue() takes
// it, progress() only tries to. Nothing spins: what the provider does not take at once is `busy` if
// nothing of it was posted, and otherwise waits in the backlog for the next progress().
//
// Signals are posted with a completion of their own, although injected: "locally complete" promises
// that they need no more help, and a provider may have queued them.

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "rlx/symmetric_transport.hpp"
#include "transports/ofi/completion_data.hpp"
#include "transports/ofi/endpoint.hpp"
#include "transports/ofi/operation.hpp"

namespace rlx::ofi {

/// Windows of single calls have numbers from here on.
inline constexpr WindowNumber kFirstCallWindow = 0x8000;
inline constexpr WindowNumber kMostCallWindows = 0x4000;

/// A peer's window: what offsets are added to, and its key.
struct RemoteWindow {
  std::uint64_t base = 0;
  std::uint64_t key = 0;
  std::uint64_t length = 0;
};

struct Peer {
  Rank rank;
  fi_addr_t address = FI_ADDR_UNSPEC;
  std::vector<RemoteWindow> windows;
  std::vector<RemoteWindow> call_windows;  // by number from kFirstCallWindow on
  SignalCode code;
  std::atomic<bool> failed{false};
  bool reached = false;                      // something to it has completed
  std::atomic<std::uint64_t> operations{0};  // accepted; counted under the rail's lock
  std::atomic<std::uint64_t> bytes{0};
  std::uint32_t posts = 0;               // outstanding calls
  std::uint32_t waiting = 0;             // operations in the backlog
  std::uint32_t next_signal_number = 0;  // of operations with a signal
  std::uint32_t oldest_signal = 0;       // the first of them that is not complete
  std::uint64_t finished_signals = 0;    // bit i: oldest + i is complete
  Operation* first_signal = nullptr;     // delivery_complete: undelivered signals in issue order
  Operation* last_signal = nullptr;
  std::chrono::steady_clock::time_point refused_since{};  // first "try again" in a row
};

struct Request {
  OperationKind kind = OperationKind::put;
  RemoteRef remote;
  LocalRef local;
  Signal signal;
};

class Rail {
 public:
  /// Called once per lost peer and for failures of no peer, under the rail's lock.
  using OnFailure = std::function<void(TransportFailure)>;

  /// A peer that was reached before, has nothing outstanding and yet refuses everything for this
  /// long has closed its connection: tcp providers then try to connect again for ever.
  static constexpr std::chrono::milliseconds kRefusalLimit{700};

  /// `addresses` by rank; FI_ADDR_NOTAVAIL for ranks that are never to be reached.
  Rail(Endpoint endpoint, std::span<const fi_addr_t> addresses, OnFailure on_failure);

  /// Thread safe. Does not spin.
  Issue issue(const Request& request, Completion& completion) noexcept;
  /// False if nothing happened or another thread is at work.
  bool progress() noexcept;
  /// Gives a peer up: its operations end, later ones fail.
  void give_up(Rank rank, std::string message) noexcept;

  [[nodiscard]] Endpoint::Registered add_region(std::span<std::byte> memory) noexcept;
  /// For operations out of or into window `number`.
  void set_descriptor(WindowNumber number, void* descriptor);
  void set_signals(SignalRegion region) { remote_signals_.attach(region); }
  void admit(Rank rank, WindowNumber number, const RemoteWindow& window);
  /// Makes memory of a call a window, from which the fabric may read or to which it may write.
  [[nodiscard]] Endpoint::Registered attach_call(WindowNumber number, std::span<std::byte> memory,
                                                 Endpoint::Use use) noexcept;
  void detach_call(WindowNumber number) noexcept;
  /// As if nothing of this peer had been admitted and nothing sent to it. Nothing is on its way.
  void forget(Rank rank);
  [[nodiscard]] bool has_failed(Rank rank) const noexcept {
    return peers_[rank.index()].failed.load(std::memory_order_acquire);
  }
  [[nodiscard]] NetworkTraffic traffic(Rank rank) const noexcept {
    const Peer& peer = peers_[rank.index()];
    return {peer.operations.load(std::memory_order_relaxed),
            peer.bytes.load(std::memory_order_relaxed)};
  }
  /// How many peers something has reached: it changes when connections were made.
  [[nodiscard]] std::size_t reached() const noexcept {
    return reached_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] const Endpoint& endpoint() const { return endpoint_; }

 private:
  enum class Advance : std::uint8_t { posted, waits, refused, failed };
  struct Piece;

  // Posting (rail.cpp).
  bool is_admitted(const Request& request) noexcept;
  static const RemoteWindow* find_window(const Peer& peer, WindowNumber number) noexcept;
  void* descriptor_of(WindowNumber number) const noexcept;
  bool has_room(const Peer& peer, OperationKind kind) const noexcept;
  Operation* make_operation(const Request& request, Peer& peer, Completion& completion) noexcept;
  Advance advance(Operation& operation) noexcept;
  Advance post_data(Operation& operation) noexcept;
  Advance post_signal(Operation& operation) noexcept;
  Advance post_with_data(Operation& operation) noexcept;
  Advance post_with_word(Operation& operation) noexcept;
  Advance post(Operation& operation, const Piece& piece) noexcept;
  ssize_t call(Operation& operation, const Piece& piece, void* context) const noexcept;
  Advance refused(Peer& peer) noexcept;
  bool is_first_of_word(const Operation& operation) const noexcept;

  // Completing (rail_completion.cpp).
  bool read_queue() noexcept;
  void handle(const fi_cq_data_entry& entry) noexcept;
  void handle_error() noexcept;
  void complete(Post* post) noexcept;
  void finish(Operation& operation) noexcept;
  void count_signal(Peer& peer, std::uint32_t number) noexcept;
  void wake_signals(Peer& peer) noexcept;
  void forget_signal(Operation& operation) noexcept;
  void enqueue(Operation& operation) noexcept;
  bool run_backlog() noexcept;
  void lose(Peer& peer, TransportFailure failure) noexcept;
  void fail(ErrorKind kind, std::string message) noexcept;

  SignalProtocol protocol_;
  std::size_t chunk_;
  std::size_t inject_;
  bool together_;  // bytes and word in one message
  // All writes ask for delivery-complete: by the protocol, or because with unordered writes whose
  // completions run ahead the number of signals on the way would not be known.
  bool awaits_delivery_;
  bool connected_;  // by tcp connections: kRefusalLimit applies
  OnFailure on_failure_;
  std::mutex mutex_;
  std::unique_ptr<Peer[]> peers_;
  std::size_t size_;
  std::atomic<std::size_t> reached_{0};
  std::size_t share_;               // outstanding calls of one peer
  std::vector<void*> descriptors_;  // by window; only for providers that want them
  struct CallRegion {
    RegionPtr region;
    void* descriptor = nullptr;
  };
  RemoteSignals remote_signals_;
  Pool<Operation> operations_;
  Pool<Post> posts_;
  Operation* backlog_ = nullptr;
  Operation* backlog_last_ = nullptr;
  void* value_descriptor_ = nullptr;  // of Operation::value
  // After all memory that the fabric works on: it is closed first, and its regions before it.
  Endpoint endpoint_;
  std::vector<CallRegion> call_regions_;  // by number from kFirstCallWindow on
};

}  // namespace rlx::ofi
