#include "tools/bench/options.hpp"

#include <gtest/gtest.h>

#include "tools/bench/usage_error.hpp"

namespace rlx::bench {
namespace {

Options parse(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "rlx-bench");
  return parse_options(arguments).value();
}

std::string refusal(std::vector<std::string> arguments) {
  try {
    static_cast<void>(parse(std::move(arguments)));
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

bool mentions(const std::string& text, const std::string& word) {
  return text.find(word) != std::string::npos;
}

TEST(Options, defaults_are_those_of_nccl_tests) {
  const Options o = parse({"all_reduce"});
  EXPECT_EQ(o.collective, &kAllReduceBench);
  EXPECT_EQ(o.sweep.min_bytes, std::size_t{32} << 20);
  EXPECT_EQ(o.sweep.max_bytes, std::size_t{32} << 20);
  EXPECT_EQ(o.iterations, 20);
  EXPECT_EQ(o.warmup, 1);
  EXPECT_EQ(o.checks, 1);
  EXPECT_EQ(o.dtypes, std::vector{DType::f32});
  EXPECT_EQ(o.kinds, std::vector{ReduceKind::Sum});
  EXPECT_EQ(o.launch.kind, LaunchKind::automatic);
}

TEST(Options, short_and_long_flags_mean_the_same) {
  const Options a = parse({"all_gather", "-b", "8", "-e", "1M", "-f", "4", "-n", "3", "-w", "2",
                           "-c", "0", "-d", "half", "-o", "avg"});
  const Options b =
      parse({"all_gather", "--minbytes=8", "--maxbytes=1M", "--stepfactor=4", "--iters=3",
             "--warmup_iters=2", "--check=0", "--datatype=half", "--op=avg"});
  for (const Options& o : {a, b}) {
    EXPECT_EQ(o.sweep.min_bytes, 8U);
    EXPECT_EQ(o.sweep.max_bytes, std::size_t{1} << 20);
    EXPECT_EQ(o.sweep.factor, 4U);
    EXPECT_EQ(o.iterations, 3);
    EXPECT_EQ(o.warmup, 2);
    EXPECT_EQ(o.checks, 0);
    EXPECT_EQ(o.dtypes, std::vector{DType::f16});
    EXPECT_EQ(o.kinds, std::vector{ReduceKind::Mean});
  }
}

TEST(Options, all_means_every_type_and_operation) {
  const Options o = parse({"all_reduce", "-d", "all", "-o", "all"});
  EXPECT_EQ(o.dtypes.size(), std::size(kAllDTypes));
  EXPECT_EQ(o.kinds.size(), std::size(kAllReduceKinds));
}

TEST(Options, one_end_of_the_sweep_alone_moves_the_other_out_of_its_way) {
  EXPECT_EQ(parse({"all_reduce", "-e", "4K"}).sweep.min_bytes, 4096U);
  EXPECT_EQ(parse({"all_reduce", "-b", "1G"}).sweep.max_bytes, std::size_t{1} << 30);
  EXPECT_TRUE(mentions(refusal({"all_reduce", "-b", "8", "-e", "4"}), "-e 4"));
}

TEST(Options, the_algorithm_is_set_for_this_collective_only) {
  EXPECT_EQ(parse({"all_gather", "--algorithm", "ring"}).config.algorithm, "all_gather=ring");
  EXPECT_EQ(parse({"all_gather", "--algorithm", "all_reduce=ring"}).config.algorithm,
            "all_reduce=ring");
}

TEST(Options, an_unknown_algorithm_is_refused_with_those_of_the_collective) {
  const std::string text = refusal({"all_gather", "--algorithm", "double_binary_tree"});
  EXPECT_TRUE(mentions(text, "double_binary_tree")) << text;
  EXPECT_TRUE(mentions(text, "bruck")) << text;
}

TEST(Options, a_provider_or_an_interface_is_for_whoever_uses_the_network) {
  EXPECT_EQ(parse({"barrier", "--provider", "shm"}).config.provider, "shm");
  EXPECT_EQ(parse({"barrier", "--provider", "shm"}).config.transport, "auto");
  EXPECT_EQ(parse({"barrier", "--interface", "lo"}).config.interface, "lo");
  EXPECT_TRUE(
      mentions(refusal({"barrier", "--transport", "local", "--provider", "shm"}), "--provider"));
}

TEST(Options, the_shm_transport_is_not_the_provider_of_that_name) {
  EXPECT_EQ(parse({"barrier", "--transport", "shm"}).config.transport, "shm");
  EXPECT_EQ(parse({"barrier", "--transport", "shm"}).config.provider, "");
  const std::string text = refusal({"barrier", "--transport", "shm", "--provider", "shm"});
  EXPECT_TRUE(mentions(text, "the transport is shm")) << text;
}

TEST(Options, transport_provider_and_interface_reach_the_config) {
  const Options o =
      parse({"barrier", "--transport", "ofi", "--provider", "tcp;ofi_rxm", "--interface", "lo"});
  EXPECT_EQ(o.config.transport, "ofi");
  EXPECT_EQ(o.config.provider, "tcp;ofi_rxm");
  EXPECT_EQ(o.config.interface, "lo");
}

TEST(Options, devices_go_round_by_rank) {
  const Options options = parse({"all_reduce", "--device", "vulkan:1,cpu"});
  EXPECT_EQ(options.buffers, BufferKind::device);
  EXPECT_EQ(options.devices, (DeviceNames{"vulkan:1", "cpu"}));
  EXPECT_EQ(device_of(options.devices, {.rank = 0}), Device::vulkan(1));
  EXPECT_EQ(device_of(options.devices, {.rank = 3}), Device::cpu());
  EXPECT_EQ(device_of({}, {.rank = 3}), Device::cpu());
}

TEST(Options, devices_that_have_no_such_name_are_refused) {
  EXPECT_TRUE(mentions(refusal({"all_reduce", "--device", "cuda"}), "vulkan:N"));
  EXPECT_TRUE(mentions(refusal({"all_reduce", "--device", "cpu,"}), "vulkan:N"));
  EXPECT_TRUE(mentions(refusal({"all_reduce", "--device", "cpu", "--against", "mpi"}),
                       "leave out --device"));
  EXPECT_TRUE(mentions(refusal({"put", "--device", "cpu"}), "is for collectives"));
}

TEST(Options, memory_sweeps_from_cache_to_main_memory) {
  const Options o = parse({"memory"});
  EXPECT_EQ(o.subject, Subject::memory);
  EXPECT_EQ(o.sweep.min_bytes, std::size_t{16} << 10);
  EXPECT_EQ(o.sweep.max_bytes, std::size_t{256} << 20);
  EXPECT_EQ(o.sweep.factor, 4U);
  const Options steps = parse({"memory", "-b", "1M", "-e", "2M", "-i", "512K", "-n", "3"});
  EXPECT_EQ(steps.sweep.factor, 0U);
  EXPECT_EQ(steps.sweep.step_bytes, std::size_t{512} << 10);
  EXPECT_EQ(steps.iterations, 3);
  EXPECT_EQ(parse({"memory", "-f", "2"}).sweep.factor, 2U);
  EXPECT_EQ(parse({"all_reduce"}).subject, Subject::collective);
}

TEST(Options, memory_refuses_what_is_said_about_collectives) {
  EXPECT_TRUE(mentions(refusal({"memory", "-o", "sum"}), "--op"));
  EXPECT_TRUE(mentions(refusal({"memory", "--against", "mpi"}), "--against"));
  EXPECT_TRUE(mentions(refusal({"memory", "-c", "0"}), "--check"));
  EXPECT_TRUE(mentions(refusal({"memory", "--algorithm", "ring"}), "--algorithm"));
  EXPECT_TRUE(mentions(refusal({"memory", "-b", "512"}), "1024"));
  EXPECT_TRUE(mentions(refusal({"memory", "-b", "1M", "-e", "4K"}), "-e"));
  EXPECT_EQ(refusal({"memory", "--transport", "ofi"}), "accepted");
}

TEST(Options, put_sweeps_from_a_few_bytes_and_has_flags_of_its_own) {
  const Options o = parse({"put"});
  EXPECT_EQ(o.subject, Subject::put);
  EXPECT_EQ(o.sweep.min_bytes, 8U);
  EXPECT_EQ(o.sweep.max_bytes, std::size_t{4} << 20);
  EXPECT_EQ(o.sweep.factor, 4U);
  EXPECT_FALSE(o.bidirectional || o.all_pairs);
  EXPECT_EQ(o.outstanding, 64U);
  const Options all = parse({"put", "--bidirectional", "--all", "--outstanding", "16", "-c", "0"});
  EXPECT_TRUE(all.bidirectional && all.all_pairs);
  EXPECT_EQ(all.outstanding, 16U);
  EXPECT_EQ(all.checks, 0);
  EXPECT_EQ(parse({"put", "--provider", "tcp;ofi_rxm"}).config.provider, "tcp;ofi_rxm");
}

TEST(Options, put_refuses_what_is_said_about_collectives_and_they_refuse_its_own) {
  EXPECT_TRUE(mentions(refusal({"put", "-o", "sum"}), "--op is for collectives"));
  EXPECT_TRUE(mentions(refusal({"put", "--against", "mpi"}), "--against"));
  EXPECT_TRUE(mentions(refusal({"put", "--faulty", "slow"}), "delay=T"));
  EXPECT_TRUE(mentions(refusal({"put", "--outstanding", "0"}), "outstanding"));
  EXPECT_TRUE(mentions(refusal({"all_reduce", "--bidirectional"}), "--bidirectional is for put"));
  EXPECT_TRUE(mentions(refusal({"memory", "--all"}), "--all is for put"));
  EXPECT_TRUE(mentions(refusal({"--tune", "--outstanding", "4"}), "--outstanding is for put"));
}

TEST(Options, launches_have_a_positive_number_of_ranks) {
  EXPECT_EQ(parse_launch("threads:4").ranks, 4U);
  EXPECT_EQ(parse_launch("fork:12").kind, LaunchKind::fork);
  EXPECT_EQ(parse_launch("mpi").kind, LaunchKind::mpi);
  for (const char* text :
       {"threads", "threads:", "threads:0", "fork:x", "mpi:2", "ssh", "fork:2x"}) {
    EXPECT_THROW(static_cast<void>(parse_launch(text)), UsageError) << text;
  }
}

TEST(Options, unknown_values_are_refused_with_those_there_are) {
  EXPECT_TRUE(mentions(refusal({"all_to_all"}), "reduce_scatter"));
  EXPECT_TRUE(mentions(refusal({"all_reduce", "-d", "float8"}), "bf16"));
  EXPECT_TRUE(mentions(refusal({"all_reduce", "-o", "nand"}), "sum"));
  EXPECT_TRUE(mentions(refusal({"all_reduce", "-o", "band", "-d", "half"}), "-d half"));
  EXPECT_EQ(parse({"all_reduce", "-o", "band", "-d", "int32"}).kinds.front(), ReduceKind::And);
  EXPECT_TRUE(mentions(refusal({"all_reduce", "--format", "xml"}), "csv"));
  EXPECT_TRUE(mentions(refusal({"all_reduce", "--buffers", "gpu"}), "private"));
  EXPECT_TRUE(mentions(refusal({"all_reduce", "--transport", "pigeon"}), "ofi"));
  EXPECT_TRUE(mentions(refusal({"all_reduce", "--against", "nccl"}), "mpi"));
  EXPECT_TRUE(mentions(refusal({"all_reduce", "--launch", "ssh"}), "fork:N"));
  EXPECT_TRUE(mentions(refusal({"all_reduce", "-b", "8X"}), "8X"));
}

TEST(Options, unknown_flags_and_a_missing_collective_are_refused) {
  EXPECT_TRUE(mentions(refusal({"all_reduce", "--frobnicate"}), "--frobnicate"));
  EXPECT_TRUE(mentions(refusal({}), "collective"));
  EXPECT_TRUE(mentions(refusal({"all_reduce", "-n", "0"}), "iters"));
}

TEST(Options, faulty_without_words_differs_from_no_faulty) {
  EXPECT_FALSE(parse({"all_reduce"}).faulty);
  EXPECT_EQ(parse({"all_reduce", "--faulty", "delay=1ms,reorder"}).faulty, "delay=1ms,reorder");
  EXPECT_EQ(parse({"all_reduce", "--faulty", ""}).faulty, "");
  EXPECT_TRUE(mentions(refusal({"all_reduce", "--faulty", "slow"}), "delay=T"));
}

TEST(Options, tuning_is_of_all_collectives_or_of_one_and_has_a_file) {
  const Options all = parse({"--tune"});
  EXPECT_EQ(all.subject, Subject::tuning);
  EXPECT_EQ(all.collective, nullptr);
  EXPECT_EQ(all.tune_file, "rlx-tuning.json");
  EXPECT_EQ(all.sweep.min_bytes, 8U);
  EXPECT_EQ(all.sweep.max_bytes, std::size_t{64} << 20);
  EXPECT_EQ(all.config.tuning, "off");
  const Options one = parse({"--tune=x.json", "all_gather", "-e", "1M"});
  EXPECT_EQ(one.collective, &kAllGatherBench);
  EXPECT_EQ(one.tune_file, "x.json");
  EXPECT_EQ(one.sweep.max_bytes, std::size_t{1} << 20);
}

TEST(Options, tuning_refuses_what_belongs_to_one_benchmark) {
  EXPECT_TRUE(mentions(refusal({"--tune", "-d", "half"}), "--datatype is not for --tune"));
  EXPECT_TRUE(mentions(refusal({"--tune", "--algorithm", "ring"}), "--algorithm is not"));
  EXPECT_TRUE(mentions(refusal({"--tune", "memory"}), "unknown collective 'memory'"));
  EXPECT_TRUE(mentions(refusal({"--tune=off"}), "name the file"));
}

}  // namespace
}  // namespace rlx::bench
