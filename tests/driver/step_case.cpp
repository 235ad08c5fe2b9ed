#include "tests/driver/step_case.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "tests/driver/operand.hpp"
#include "tests/driver/reference.hpp"

namespace rlx::test {
namespace {

// Any bits for integers; for floats also NaN, infinities, -0, denormals and ordinary numbers.
template <class T>
T random_value(std::mt19937_64& random) {
  const std::uint64_t bits = random();
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(bits % 3 == 0 ? static_cast<std::uint64_t>(bits >> 60) - 8 : bits >> 3);
  } else {
    const double ordinary = static_cast<double>(static_cast<std::int64_t>(bits >> 40) - (1 << 23));
    const float small = static_cast<float>(ordinary) / 4096;
    const std::uint64_t any = bits >> 7;
    T value{};
    switch (bits % 16) {
      case 0:
      case 1:
        std::memcpy(static_cast<void*>(&value), &any, sizeof(T));
        return value;
      case 2:
        return T(bits & 64 ? -0.0F : 0.0F);
      case 3:
        return T(bits & 64 ? HUGE_VALF : bits & 128 ? -small : small * 1e-38F);
      case 4:
        return T(small * 64);
      default:
        return T(small / (bits & 64 ? 1024 : 1));
    }
  }
}

template <class T>
class Trial {
 public:
  explicit Trial(const StepCase& c) : case_(c), expected_(c.count) {
    std::mt19937_64 random(c.seed);
    for (std::size_t s = 0; s < c.sources; ++s) in_.push_back(operand(random));
    for (std::size_t d = 0; d < c.destinations; ++d) out_.push_back(operand(random));
    original_.resize(c.sources * c.count);
    for (T& value : original_) value = random_value<T>(random);
    std::vector<T> values(c.sources);
    for (std::size_t i = 0; i < c.count; ++i) {
      for (std::size_t s = 0; s < c.sources; ++s) values[s] = original_[s * c.count + i];
      expected_[i] = expected_element<T>(c.kind, values, c.divisor);
    }
  }

  std::string run(const NamedKernel& kernel) {
    std::vector<const std::byte*> sources;
    std::vector<std::byte*> destinations;
    for (std::size_t s = 0; s < case_.sources; ++s) {
      if (bytes() != 0) std::memcpy(in_[s].data(), &original_[s * case_.count], bytes());
      sources.push_back(in_[s].data());
    }
    for (std::size_t d = 0; d < case_.destinations; ++d) {
      std::memset(out_[d].data(), 0x5a, bytes());
      destinations.push_back(in_place(d) ? in_[d].data() : out_[d].data());
    }
    kernel.run({.destinations = destinations,
                .sources = sources,
                .count = case_.count,
                .dtype = case_.dtype,
                .kind = case_.kind,
                .divisor = case_.divisor,
                .stream = case_.stream});
    const std::string wrong = complaint(destinations);
    return wrong.empty() ? "" : fmt::format("{}: {}: {}", kernel.name, wrong, describe(case_));
  }

 private:
  [[nodiscard]] std::size_t bytes() const { return case_.count * sizeof(T); }
  [[nodiscard]] bool in_place(std::size_t d) const {
    return d < case_.sources && d < 64 && (case_.in_place >> d & 1) != 0;
  }
  Operand operand(std::mt19937_64& random) const {
    return Operand(bytes(), case_.skewed ? random() % 64 : 0);
  }

  std::string complaint(const std::vector<std::byte*>& destinations) const {
    for (std::size_t d = 0; d < destinations.size(); ++d) {
      for (std::size_t i = 0; i < case_.count; ++i) {
        T got;
        std::memcpy(static_cast<void*>(&got), destinations[d] + i * sizeof(T), sizeof(T));
        if (!same(got, expected_[i])) return fmt::format("destination {} element {}", d, i);
      }
    }
    for (std::size_t s = 0; s < in_.size() && bytes() != 0; ++s) {
      const bool overwritten = s < case_.destinations && in_place(s);
      if (!overwritten && std::memcmp(in_[s].data(), &original_[s * case_.count], bytes()) != 0) {
        return fmt::format("source {} was written", s);
      }
    }
    for (const auto* operands : {&in_, &out_}) {
      for (const Operand& operand : *operands) {
        if (!operand.guards_hold()) return "wrote outside";
      }
    }
    return "";
  }

  StepCase case_;
  std::vector<Operand> in_;
  std::vector<Operand> out_;
  std::vector<T> original_;
  std::vector<T> expected_;
};

}  // namespace

std::string describe(const StepCase& c) {
  return fmt::format(
      "{} {} sources {} destinations {} count {} divisor {} in place {:b} stream {} skewed {} seed "
      "{}",
      to_string(c.dtype), to_string(c.kind), c.sources, c.destinations, c.count, c.divisor,
      c.in_place, c.stream, c.skewed, c.seed);
}

std::string mismatch(const StepCase& c, std::span<const NamedKernel> kernels) {
  std::string found;
  with_type(c.dtype, [&]<class T>(T) {
    Trial<T> trial(c);
    for (const NamedKernel& kernel : kernels) {
      if (found.empty()) found = trial.run(kernel);
    }
  });
  return found;
}

std::uint64_t divisor_for(ReduceKind kind, std::uint64_t divisor) {
  return kind == ReduceKind::Mean ? divisor : 0;
}

}  // namespace rlx::test
