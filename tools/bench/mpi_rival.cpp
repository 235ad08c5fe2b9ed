#include <climits>
#include <cstring>

#include "rlx/mpi.hpp"
#include "tools/bench/buffers.hpp"
#include "tools/bench/rival.hpp"

namespace rlx::bench {
namespace {

/// MPI_DATATYPE_NULL where MPI has no such type.
MPI_Datatype mpi_type(DType dtype) {
  switch (dtype) {
    case DType::i8:
      return MPI_INT8_T;
    case DType::i16:
      return MPI_INT16_T;
    case DType::i32:
      return MPI_INT32_T;
    case DType::i64:
      return MPI_INT64_T;
    case DType::u8:
      return MPI_UINT8_T;
    case DType::u16:
      return MPI_UINT16_T;
    case DType::u32:
      return MPI_UINT32_T;
    case DType::u64:
      return MPI_UINT64_T;
    case DType::f32:
      return MPI_FLOAT;
    case DType::f64:
      return MPI_DOUBLE;
    case DType::f16:
    case DType::bf16:
    case DType::f8e4m3:
    case DType::f8e5m2:
      break;
  }
  return MPI_DATATYPE_NULL;
}

/// MPI_OP_NULL where MPI has no such operation.
MPI_Op mpi_op(ReduceKind kind) {
  switch (kind) {
    case ReduceKind::Sum:
      return MPI_SUM;
    case ReduceKind::Max:
      return MPI_MAX;
    case ReduceKind::Min:
      return MPI_MIN;
    case ReduceKind::Product:
      return MPI_PROD;
    case ReduceKind::And:
      return MPI_BAND;
    case ReduceKind::Or:
      return MPI_BOR;
    case ReduceKind::Xor:
      return MPI_BXOR;
    case ReduceKind::Mean:
      break;
  }
  return MPI_OP_NULL;
}

/// Arguments in MPI's terms.
struct MpiCall {
  void* send = nullptr;  // MPI_IN_PLACE in place
  void* recv = nullptr;
  int count = 0;
  MPI_Datatype type = MPI_DATATYPE_NULL;
  MPI_Op op = MPI_OP_NULL;
};

std::function<void()> call_of(const CollectiveBench& collective, MpiCall c) {
  if (&collective == &kAllReduceBench) {
    return [c] { MPI_Allreduce(c.send, c.recv, c.count, c.type, c.op, MPI_COMM_WORLD); };
  }
  if (&collective == &kReduceScatterBench) {
    return [c] { MPI_Reduce_scatter_block(c.send, c.recv, c.count, c.type, c.op, MPI_COMM_WORLD); };
  }
  if (&collective == &kAllGatherBench) {
    return [c] { MPI_Allgather(c.send, c.count, c.type, c.recv, c.count, c.type, MPI_COMM_WORLD); };
  }
  return [] { MPI_Barrier(MPI_COMM_WORLD); };
}

class MpiRival final : public Rival {
 public:
  [[nodiscard]] std::string library() const override {
    char text[MPI_MAX_LIBRARY_VERSION_STRING] = {};
    int length = 0;
    MPI_Get_library_version(text, &length);
    const std::string name(text);
    return name.substr(0, name.find_first_of(",\n"));
  }

  void reserve(std::size_t bytes) override {
    send_ = PrivateBuffer(bytes);
    recv_ = PrivateBuffer(bytes);
  }

  [[nodiscard]] std::optional<Contender> contender(const Task& task,
                                                   std::span<const std::byte> data) override {
    if (!task.collective->has_elements) return Contender{.call = call_of(*task.collective, {})};
    const std::size_t count =
        task.collective->reduces ? task.shape.recv : task.shape.send;  // of a block, where blocks
    const MpiCall call = arguments(task, count);
    const bool has_op = !task.collective->reduces || call.op != MPI_OP_NULL;
    if (call.type == MPI_DATATYPE_NULL || !has_op || count > INT_MAX) return std::nullopt;
    if (!data.empty()) std::memcpy(send_.data(), data.data(), data.size());
    return arrays(task, data.size(), call_of(*task.collective, call));
  }

  void poll() override {
    int arrived = 0;
    MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &arrived, MPI_STATUS_IGNORE);
  }

 private:
  [[nodiscard]] MpiCall arguments(const Task& task, std::size_t count) const {
    const bool in_place = task.placement == Placement::in_place;
    return {.send = in_place ? MPI_IN_PLACE : send_.data(),
            .recv = recv_.data(),
            .count = static_cast<int>(count),
            .type = mpi_type(task.dtype),
            .op = mpi_op(task.kind)};
  }

  [[nodiscard]] Contender arrays(const Task& task, std::size_t input_bytes,
                                 std::function<void()> call) const {
    const std::size_t element = size_of(task.dtype);
    // MPI_Reduce_scatter_block leaves its in-place result at the start, not at the rank's block.
    const std::span<const std::byte> output(recv_.data(), task.shape.recv * element);
    if (task.placement == Placement::out_of_place) {
      return {.call = std::move(call), .input = {send_.data(), input_bytes}, .output = output};
    }
    return {.call = std::move(call),
            .input = {recv_.data() + task.shape.send_first * element, input_bytes},
            .pristine = send_.data(),
            .output = output};
  }

  PrivateBuffer send_;
  PrivateBuffer recv_;
};

}  // namespace

std::unique_ptr<Rival> mpi_rival() { return std::make_unique<MpiRival>(); }

}  // namespace rlx::bench
