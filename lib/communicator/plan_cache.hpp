#pragma once
// From arguments to a bound schedule, once per signature.

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "collectives/executor/binding.hpp"
#include "collectives/tuner.hpp"
#include "lib/driver/compute.hpp"
#include "rlx/collectives.hpp"

namespace rlx::detail {

/// What decides algorithm and pieces: agreed when the communicator was made.
struct PlanEnvironment {
  std::uint32_t ranks = 1;
  std::uint32_t rank = 0;
  std::size_t slot_bytes = 0;
  std::uint32_t window = 1;
  collectives::LinkCost link;
  bool load_store = false;  ///< all members' memory is mapped
  collectives::CacheLayout caches = collectives::CacheLayout::mesh;  ///< of the cores that share it
  /// How the members are spread over nodes; null where all are reached alike.
  std::shared_ptr<const collectives::Nodes> nodes;
  bool single_copy = false;      ///< their private memory can be read
  std::size_t stream_bytes = 0;  ///< outputs of an all_reduce this long are written past the caches
  std::string algorithm;         ///< Config::algorithm
  std::shared_ptr<const collectives::TuningTable> tuning;  ///< shared by communicators; null: none
  std::string topology;                                    ///< the key into `tuning`
  bool local_registration = false;  ///< sources of puts must lie in attached memory
  bool call_windows = false;        ///< memory of long calls is attached for them
  bool devices = false;  ///< some rank owns one: private memory may be out of the CPU's reach
  /// Devices reach everybody's scratch, and reduce these dtypes (bits by number).
  bool devices_reach_all = false;
  bool slots_on_device = false;  ///< all members own the same device, which holds slots of theirs
  std::size_t direct_bytes = 0;  ///< vectors or blocks from here on are reduced by the devices
  std::uint32_t device_dtypes = 0;
};

/// Whether results are written past the caches.
enum class Streaming : std::uint8_t { by_length, off, on };

/// Whether scratch moves on from member to member: see PreparedCall::rotates_scratch.
enum class Rotation : std::uint8_t { by_caches, off, on };

/// What is run whatever would be chosen. For measurements.
struct ForcedPlan {
  std::string algorithm;        ///< empty: chosen
  std::size_t piece_bytes = 0;  ///< of vector or block; 0: as the cost model cuts
  Streaming streaming = Streaming::by_length;
  Rotation rotation = Rotation::by_caches;
};

/// A call's signature bound to everything but addresses.
struct PreparedCall {
  collectives::Schedule schedule;
  collectives::BoundPlan full;  ///< pieces of `piece_count` elements
  collectives::BoundPlan tail;  ///< the last piece
  std::string algorithm;
  std::size_t element_bytes = 1;
  std::size_t count = 0;  ///< elements: vector, or block per rank
  std::size_t piece_count = 0;
  std::size_t tail_count = 0;
  std::uint32_t pieces = 1;
  std::uint32_t ranks = 1;
  std::uint32_t rank = 0;
  bool names_windows = false;       ///< a put or an ARRIVE says in which window memory lies
  bool reads_inputs_apart = false;  ///< peers read the input while the output is written
  bool stage_input = false;
  bool stage_output = false;
  bool by_device = false;        ///< this rank's device runs the steps
  bool on_device = false;        ///< in the slots that are there
  bool attach_input = false;     ///< as memory of the call
  bool attach_output = false;    ///< likewise
  std::size_t stage_stride = 0;  ///< from block to block in staging
  StepKernel kernel = nullptr;   ///< none where a device runs the steps
  bool stream = false;           ///< outputs are written past the caches
  /// All scratch is mapped, and each time its set comes round again each member's lies one member
  /// further on: who writes it then is one who has read it the last time.
  bool rotates_scratch = false;
  DType dtype = DType::u8;
  ReduceKind kind = ReduceKind::Sum;
  std::uint64_t divisor = 0;
};

/// Elements of the vector (all_reduce) or of one block (the others).
[[nodiscard]] std::size_t call_count(const CallArguments& call, std::uint32_t ranks);
[[nodiscard]] collectives::Collective collective_of(Operation operation);

class PlanCache {
 public:
  explicit PlanCache(PlanEnvironment environment) : environment_(std::move(environment)) {}

  /// Of plans that are made from now on. All members force the same between the same calls.
  void force(ForcedPlan forced);
  /// What the tuner is told about a call.
  [[nodiscard]] collectives::TunerInput tuner_input(const CallArguments& call) const;

  /// Throws what the tuner throws, and Unsupported naming RLX_SLOT when one element per chunk does
  /// not fit a slot.
  std::shared_ptr<const PreparedCall> prepare(const CallArguments& call);

  /// The barrier after which a communicator's words and scratch are given back: of messages, so
  /// that nobody reads a word of mine any more when I have completed it.
  [[nodiscard]] std::shared_ptr<const PreparedCall> prepare_closing() const;

  /// A call of a schedule that is in no table (tests of rule 5).
  [[nodiscard]] std::shared_ptr<const PreparedCall> prepare(const CallArguments& call,
                                                            collectives::Schedule schedule) const;

 private:
  struct Key {
    Operation operation;
    DType dtype;
    ReduceKind kind;
    bool in_place, symmetric_in, symmetric_out, device_in, device_out;
    std::size_t count;
    friend auto operator<=>(const Key&, const Key&) = default;
  };

  [[nodiscard]] std::shared_ptr<const PreparedCall> build(const CallArguments& call) const;
  [[nodiscard]] bool attaches(const CallArguments& call) const;
  [[nodiscard]] std::string_view direct_algorithm(const CallArguments& call) const;
  void go_direct(PreparedCall& plan, const CallArguments& call) const;
  void decide_attaching(PreparedCall& plan, const CallArguments& call,
                        const collectives::Algorithm& algorithm) const;

  PlanEnvironment environment_;
  ForcedPlan forced_;
  Key last_key_{};
  std::shared_ptr<const PreparedCall> last_;
  std::map<Key, std::shared_ptr<const PreparedCall>> plans_;
};

}  // namespace rlx::detail
