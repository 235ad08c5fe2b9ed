#include "tests/programs/random_call.hpp"

#include <algorithm>
#include <cstring>
#include <span>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "tests/programs/values.hpp"

namespace programs {
namespace {

constexpr std::size_t kGuard = 5;  // elements beyond private outputs that must not change
constexpr const char* kNames[] = {"all_reduce", "all_gather", "reduce_scatter"};

template <class T>
class TypedCall final : public RandomCall {
 public:
  TypedCall(rlx::Communicator& comm, const CallSpec& spec)
      : comm_(comm), spec_(spec), use_heap_(spec.symmetric) {
    if (!spec.in_place) in_.assign(in_size(), T{});
    out_.assign(out_size() + kGuard, guard());
    if (spec.symmetric) heap_out_ = comm.allocate<T>(out_size());
    if (spec.symmetric && !spec.in_place) heap_in_ = comm.allocate<T>(in_size());
    fill();
  }

  rlx::Request start() override {
    if (use_heap_ && spec_.in_place) return start_in_place(heap_out_);
    if (use_heap_) return start(heap_in_, heap_out_);
    if (spec_.in_place) return start_in_place(private_out());
    return start(std::span<const T>(in_), private_out());
  }
  void run() override {
    if (use_heap_ && spec_.in_place) return run_in_place(heap_out_);
    if (use_heap_) return run(heap_in_, heap_out_);
    if (spec_.in_place) return run_in_place(private_out());
    run(std::span<const T>(in_), private_out());
  }

  void check() const override {
    const std::span<const T> result = output();
    const std::size_t first = result_first();
    const std::size_t length = result_length();
    for (std::size_t i = 0; i < length; ++i) require(result[first + i], expected(i), "result", i);
    for (std::size_t i = 0; i < (spec_.in_place ? 0 : in_size()); ++i)
      require(input()[i], mine(i), "input", i);
    for (std::size_t i = 0; i < kGuard; ++i)
      require(out_[out_size() + i], guard(), "byte after the output", i);
  }

  void pretend_private() override { use_heap_ = false; }

 private:
  [[nodiscard]] std::size_t ranks() const { return comm_.size(); }
  [[nodiscard]] std::size_t me() const { return comm_.rank().index(); }
  [[nodiscard]] std::size_t in_size() const {
    return spec_.collective == Collective::reduce_scatter ? spec_.count * ranks() : spec_.count;
  }
  [[nodiscard]] std::size_t out_size() const {
    const bool blocks = spec_.collective == Collective::all_gather ||
                        (spec_.collective == Collective::reduce_scatter && spec_.in_place);
    return blocks ? spec_.count * ranks() : spec_.count;
  }
  /// Where the result lies in the output.
  [[nodiscard]] std::size_t result_first() const {
    return spec_.collective == Collective::reduce_scatter && spec_.in_place ? me() * spec_.count
                                                                            : 0;
  }
  [[nodiscard]] std::size_t result_length() const {
    return spec_.collective == Collective::all_gather ? spec_.count * ranks() : spec_.count;
  }
  static T guard() {
    T value{};
    std::memset(static_cast<void*>(&value), 0x3c, sizeof value);
    return value;
  }
  [[nodiscard]] T mine(std::size_t i) const { return contribution<T>(spec_, ranks(), me(), i); }
  [[nodiscard]] T expected(std::size_t i) const {
    if (spec_.collective == Collective::all_gather)
      return contribution<T>(spec_, ranks(), i / spec_.count, i % spec_.count);
    const bool scattered = spec_.collective == Collective::reduce_scatter;
    return reduced<T>(spec_, ranks(), scattered ? me() * spec_.count + i : i);
  }

  std::span<T> private_out() { return std::span<T>(out_).first(out_size()); }
  [[nodiscard]] std::span<const T> output() const {
    return use_heap_ ? std::span<const T>(heap_out_.span()) : std::span<const T>(out_);
  }
  [[nodiscard]] std::span<const T> input() const {
    return use_heap_ ? std::span<const T>(heap_in_.span()) : std::span<const T>(in_);
  }

  /// Both kinds of memory are filled, so that pretend_private() has data as well.
  void fill() {
    fill(in_, private_out());
    if (spec_.symmetric) fill(heap_in_.span(), heap_out_.span());
  }
  void fill(std::span<T> in, std::span<T> out) {
    std::span<T> target = in;
    if (spec_.in_place && spec_.collective == Collective::all_gather)
      target = out.subspan(me() * spec_.count, spec_.count);
    else if (spec_.in_place)
      target = out;
    for (std::size_t i = 0; i < target.size(); ++i) target[i] = mine(i);
  }

  template <class M>
  rlx::Request start_in_place(M&& x) {
    switch (spec_.collective) {
      case Collective::all_reduce:
        return rlx::all_reduce_async(comm_, x, spec_.kind);
      case Collective::all_gather:
        return rlx::all_gather_async(comm_, x);
      default:
        return rlx::reduce_scatter_async(comm_, x, spec_.kind);
    }
  }
  template <class In, class Out>
  rlx::Request start(In&& in, Out&& out) {
    switch (spec_.collective) {
      case Collective::all_reduce:
        return rlx::all_reduce_async(comm_, in, out, spec_.kind);
      case Collective::all_gather:
        return rlx::all_gather_async(comm_, in, out);
      default:
        return rlx::reduce_scatter_async(comm_, in, out, spec_.kind);
    }
  }
  template <class M>
  void run_in_place(M&& x) {
    switch (spec_.collective) {
      case Collective::all_reduce:
        return rlx::all_reduce(comm_, x, spec_.kind);
      case Collective::all_gather:
        return rlx::all_gather(comm_, x);
      default:
        return rlx::reduce_scatter(comm_, x, spec_.kind);
    }
  }
  template <class In, class Out>
  void run(In&& in, Out&& out) {
    switch (spec_.collective) {
      case Collective::all_reduce:
        return rlx::all_reduce(comm_, in, out, spec_.kind);
      case Collective::all_gather:
        return rlx::all_gather(comm_, in, out);
      default:
        return rlx::reduce_scatter(comm_, in, out, spec_.kind);
    }
  }

  void require(T got, T wanted, const char* what, std::size_t index) const {
    if (std::memcmp(&got, &wanted, sizeof(T)) == 0 || got == wanted) return;
    std::ostringstream words;
    words << spec_.text() << ": rank " << me() << " of " << ranks() << ", " << what << ' ' << index
          << ": " << as_number(got) << " instead of " << as_number(wanted);
    throw std::runtime_error(words.str());
  }
  static auto as_number(T value) {
    if constexpr (std::is_integral_v<T>)
      return +value;
    else
      return static_cast<float>(value);
  }

  rlx::Communicator& comm_;
  CallSpec spec_;
  bool use_heap_;
  std::vector<T> in_;
  std::vector<T> out_;  // with guard elements at its end
  rlx::SymmetricArray<T> heap_in_;
  rlx::SymmetricArray<T> heap_out_;
};

}  // namespace

std::string CallSpec::text() const {
  std::ostringstream words;
  words << kNames[static_cast<int>(collective)] << ' ' << rlx::to_string(dtype) << ' '
        << rlx::to_string(kind) << " of " << count << ' ' << (symmetric ? "heap" : "private")
        << (in_place ? " in place" : "");
  return words.str();
}

CallSpec random_spec(Random& random, std::size_t ranks, std::size_t largest) {
  CallSpec spec;
  spec.collective = static_cast<Collective>(random.below(3));
  spec.dtype = rlx::kAllDTypes[random.below(std::size(rlx::kAllDTypes))];
  spec.kind = rlx::kAllReduceKinds[random.below(std::size(rlx::kAllReduceKinds))];
  if (!rlx::supports(spec.kind, spec.dtype)) spec.kind = rlx::ReduceKind::Sum;
  const std::uint64_t weight = random.below(100);
  const std::size_t limit = weight < 15   ? ranks + 2  // zero, fewer than ranks, about as many
                            : weight < 65 ? 100
                            : weight < 90 ? 4100
                            : weight < 98 ? 50'000
                                          : largest;
  spec.count = random.below(std::min(limit, largest) + 1);
  if (spec.collective != Collective::all_reduce && limit > ranks + 2) spec.count /= ranks;
  spec.in_place = random.chance(50);
  spec.symmetric = random.chance(40);
  spec.salt = random.next();
  return spec;
}

std::unique_ptr<RandomCall> make_call(rlx::Communicator& comm, const CallSpec& spec) {
  using rlx::DType;
  switch (spec.dtype) {
    case DType::i8:
      return std::make_unique<TypedCall<std::int8_t>>(comm, spec);
    case DType::i16:
      return std::make_unique<TypedCall<std::int16_t>>(comm, spec);
    case DType::i32:
      return std::make_unique<TypedCall<std::int32_t>>(comm, spec);
    case DType::i64:
      return std::make_unique<TypedCall<std::int64_t>>(comm, spec);
    case DType::u8:
      return std::make_unique<TypedCall<std::uint8_t>>(comm, spec);
    case DType::u16:
      return std::make_unique<TypedCall<std::uint16_t>>(comm, spec);
    case DType::u32:
      return std::make_unique<TypedCall<std::uint32_t>>(comm, spec);
    case DType::u64:
      return std::make_unique<TypedCall<std::uint64_t>>(comm, spec);
    case DType::f16:
      return std::make_unique<TypedCall<rlx::float16>>(comm, spec);
    case DType::bf16:
      return std::make_unique<TypedCall<rlx::bfloat16>>(comm, spec);
    case DType::f32:
      return std::make_unique<TypedCall<float>>(comm, spec);
    case DType::f64:
      return std::make_unique<TypedCall<double>>(comm, spec);
    case DType::f8e4m3:
      return std::make_unique<TypedCall<rlx::float8_e4m3>>(comm, spec);
    case DType::f8e5m2:
      return std::make_unique<TypedCall<rlx::float8_e5m2>>(comm, spec);
  }
  throw std::invalid_argument("a dtype without a C++ type");
}

}  // namespace programs
