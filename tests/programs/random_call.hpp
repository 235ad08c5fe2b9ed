#pragma once
// One random collective call with data whose result is exact in every type, and the check of it.

#include <cstdint>
#include <memory>
#include <string>

#include "rlx/rlx.hpp"

namespace programs {

/// splitmix64: the same stream on every rank from the same seed.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() { return mix(state_ += 0x9e3779b97f4a7c15ull); }
  /// 0 to bound - 1.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  bool chance(std::uint64_t percent) { return below(100) < percent; }

  static std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_;
};

enum class Collective { all_reduce, all_gather, reduce_scatter };

struct CallSpec {
  Collective collective = Collective::all_reduce;
  rlx::DType dtype = rlx::DType::f32;
  rlx::ReduceKind kind = rlx::ReduceKind::Sum;
  std::size_t count = 0;  ///< elements: the vector, or one rank's block
  bool in_place = false;
  bool symmetric = false;  ///< heap memory
  std::uint64_t salt = 0;  ///< of the data

  [[nodiscard]] std::string text() const;
};

/// Any collective, type, operation and memory; mostly small, at most about `largest` elements in
/// all. Draws the same number of values from `random` whatever comes out.
[[nodiscard]] CallSpec random_spec(Random& random, std::size_t ranks, std::size_t largest);

/// The buffers of one call. Making it is collective when the memory is symmetric.
class RandomCall {
 public:
  virtual ~RandomCall() = default;
  virtual rlx::Request start() = 0;
  virtual void run() = 0;
  /// Throws std::runtime_error naming the first element that is wrong. After completion.
  virtual void check() const = 0;
  /// Uses private memory although symmetric memory was allocated (the mismatch tests).
  virtual void pretend_private() = 0;
};

/// `comm` must outlive the call.
[[nodiscard]] std::unique_ptr<RandomCall> make_call(rlx::Communicator& comm, const CallSpec& spec);

}  // namespace programs
