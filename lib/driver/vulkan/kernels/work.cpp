#include "lib/driver/vulkan/kernels/work.hpp"

#include <bit>

namespace rlx::vulkan {
namespace {

bool is_bitwise(ReduceKind kind) { return kind >= ReduceKind::And; }

// NaNs of one sign, in units of the last bit.
std::uint64_t nans(DType dtype) {
  switch (dtype) {
    case DType::f8e4m3:
      return 1;
    case DType::f8e5m2:
      return 3;
    case DType::f16:
      return 0x3ff;
    case DType::bf16:
      return 0x7f;
    case DType::f32:
      return 0x7fffff;
    default:
      return (std::uint64_t{1} << 52) - 1;
  }
}

// The keys of shaders/elements.glsl: the greatest is the largest number, for Min the least.
void set_keys(PushConstants& constants, DType dtype, bool min) {
  const auto bits = static_cast<unsigned>(8 * size_of(dtype));
  if (is_floating(dtype)) {
    const unsigned width = bits == 64 ? 64 : 32;
    const std::uint64_t sign = std::uint64_t{1} << (width - 1);
    const std::uint64_t bias = nans(dtype) << (width - bits);
    constants.constant = min ? sign - 1 : sign;
    constants.bias = min ? bias : ~bias + 1;
  } else {
    const std::uint64_t all = ~std::uint64_t{0} >> (64 - bits);
    const std::uint64_t sign = is_signed(dtype) ? std::uint64_t{1} << (bits - 1) : 0;
    constants.constant = min ? all ^ sign : sign;
  }
}

// The divisor as a float, and the estimate of its reciprocal; shaders/real.glsl.
template <class Real, class Bits, int kMantissa>
void set_real_divisor(PushConstants& constants, std::uint64_t divisor) {
  constexpr Bits kHidden = Bits{1} << kMantissa;
  const auto bits = std::bit_cast<Bits>(static_cast<Real>(divisor));
  const Bits mantissa = (bits & (kHidden - 1)) | kHidden;
  constants.exponent = static_cast<std::uint32_t>(bits >> kMantissa);
  constants.divisor = mantissa;
  constants.constant =
      std::bit_cast<Bits>(static_cast<Real>(2 * kHidden) / static_cast<Real>(mantissa));
}

void set_divisor(PushConstants& constants, DType dtype, std::uint64_t divisor) {
  constants.flags |= PushConstants::kDivides;
  if (dtype == DType::f64) {
    set_real_divisor<double, std::uint64_t, 52>(constants, divisor);
  } else if (is_floating(dtype)) {
    set_real_divisor<float, std::uint32_t, 23>(constants, divisor);
  } else {
    constants.divisor = divisor;
    if (is_signed(dtype)) constants.flags |= PushConstants::kSigned;
  }
}

}  // namespace

ShaderType shader_type(DType dtype, ReduceKind kind) noexcept {
  if (is_bitwise(kind)) return ShaderType::u32;
  switch (dtype) {
    case DType::i8:
    case DType::u8:
      return ShaderType::u8;
    case DType::i16:
    case DType::u16:
      return ShaderType::u16;
    case DType::i32:
    case DType::u32:
      return ShaderType::u32;
    case DType::i64:
    case DType::u64:
      return ShaderType::u64;
    case DType::f16:
      return ShaderType::f16;
    case DType::bf16:
      return ShaderType::bf16;
    case DType::f32:
      return ShaderType::f32;
    case DType::f64:
      return ShaderType::f64;
    case DType::f8e4m3:
      return ShaderType::f8e4m3;
    case DType::f8e5m2:
      return ShaderType::f8e5m2;
  }
  return ShaderType::u32;
}

Operation operation_of(ReduceKind kind) noexcept {
  switch (kind) {
    case ReduceKind::Sum:
    case ReduceKind::Mean:
      return Operation::Sum;
    case ReduceKind::Max:
    case ReduceKind::Min:
      return Operation::Extreme;
    case ReduceKind::Product:
      return Operation::Product;
    case ReduceKind::And:
      return Operation::And;
    case ReduceKind::Or:
      return Operation::Or;
    case ReduceKind::Xor:
      return Operation::Xor;
  }
  return Operation::Xor;
}

Work work_of(const Pass& pass) {
  Work work;
  work.bytes = pass.count * size_of(pass.dtype);
  const bool copies = pass.sources.size() == 1 && pass.divisor == 0;
  // The bits of one source are their own Xor.
  const ReduceKind kind = copies ? ReduceKind::Xor : pass.kind;
  work.type = shader_type(pass.dtype, kind);
  work.operation = operation_of(kind);
  work.constants.flags = static_cast<std::uint32_t>(work.operation);
  if (!is_bitwise(kind)) work.granule = element_bytes(work.type);
  if (work.operation == Operation::Extreme) {
    set_keys(work.constants, pass.dtype, kind == ReduceKind::Min);
  }
  if (pass.divisor != 0) set_divisor(work.constants, pass.dtype, pass.divisor);
  return work;
}

}  // namespace rlx::vulkan
