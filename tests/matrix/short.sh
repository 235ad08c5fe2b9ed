# Sourced by tools/check: the jobs that every check runs, about four minutes on two cores.

run_short_matrix() {
  echo "jobs under mpirun, forked and on threads ..."
  short_benches
  short_nodes
  short_devices
  short_proofs
  short_stress
  short_deaths
  short_refusals
}

short_benches() {
  local collective algorithm provider memory ranks=2
  for collective in "${kCollectives[@]}"; do
    for algorithm in $(message_algorithms_of "$collective"); do
      for provider in "${kProviders[@]}"; do
        next_sample
        bench_case "$ranks" "$collective" "$algorithm" "$provider" \
          -b 0 -e 64K -f 32 -n 2 -w 1 -d "$type" -o "$operation"
        ranks=$((ranks % 5 + 1))
      done
    done
    for algorithm in $(load_store_algorithms_of "$collective"); do
      for memory in heap private; do
        next_sample
        bench_case "$ranks" "$collective" "$algorithm" - --buffers "$memory" \
          -b 0 -e 64K -f 32 -n 2 -w 1 -d "$type" -o "$operation"
        ranks=$((ranks % 5 + 1))
      done
    done
    for operation in "${kBitwise[@]}"; do
      next_integer
      bench_case 3 "$collective" - - -b 0 -e 64K -f 32 -n 1 -w 0 -d "$type" -o "$operation"
    done
    bench_case 8 "$collective" - - -b 4 -e 4100 -i 1024 -n 1 -w 0
    bench_case 8 "$collective" - shm -b 4 -e 4100 -i 1024 -n 1 -w 0
    bench_case 4 "$collective" - 'tcp;ofi_rxm' -b 1M -e 1M -n 1 -w 0
  done
}

# Memory of devices, and of some ranks' devices, over mapped memory, messages and pretended nodes.
short_devices() {
  local collective devices ranks=1
  if ! timeout 60 "$build/tools/rlx-bench" barrier --launch threads:1 --device vulkan:0 \
    >/dev/null 2>&1; then
    echo "no Vulkan device here: jobs with devices are skipped"
    return
  fi
  for collective in "${kCollectives[@]}"; do
    for devices in vulkan vulkan:0,cpu; do
      next_sample
      bench_case "$ranks" "$collective" - - --device "$devices" \
        -b 0 -e 2M -f 64 -n 2 -w 1 -d "$type" -o "$operation"
      ranks=$((ranks % 4 + 1))
      bench_case 3 "$collective" - net --device "$devices" -b 0 -e 512K -f 512 -n 1 -w 1
    done
    nodes_case 3 0,0,1 "$collective" --device vulkan:0,cpu -b 0 -e 512K -f 512 -n 1 -w 1
  done
}

# Several nodes, pretended on this machine.
short_nodes() {
  local collective algorithm kill nodes seed=5
  for collective in "${kCollectives[@]}"; do
    nodes_case 3 0,0,1 "$collective" -b 0 -e 1M -f 32 -n 2 -w 1
    nodes_case 4 0,1,0,1 "$collective" -b 0 -e 1M -f 32 -n 2 -w 1 --buffers private
    for algorithm in $(node_algorithms_of "$collective"); do
      next_sample
      nodes_case 5 0,0,1,1,0 "$collective" --algorithm "$algorithm" -b 0 -e 160K -f 9 -n 2 -w 1 \
        -d "$type" -o "$operation"
    done
  done
  run_case "stress under mpirun over nodes 0,0,1,1" 60 env RLX_NODES=0,0,1,1 \
    "$kRoot/tests/mpirun.sh" 4 "$build/tests/rlx-stress" --calls 200 --seed 15 --transport hybrid \
    --outstanding 4
  for nodes in 0,0,1 0,1; do
    for kill in SIGKILL mismatch:count; do
      run_case "death by $kill, seed $seed, nodes $nodes" 60 env "RLX_NODES=$nodes" \
        "$build/tests/rlx-death" --seed "$seed" --kill "$kill" --transport hybrid
      seed=$((seed + 1))
    done
  done
}

short_proofs() {
  local collective algorithm ranks
  for collective in "${kCollectives[@]}"; do
    for algorithm in $(flat_algorithms_of "$collective"); do
      for ranks in 3 8 16; do
        run_case "verify $collective $algorithm, $ranks ranks" 60 \
          "$build/tools/rlx-explain" "$collective" -n "$ranks" --algorithm "$algorithm" --verify
      done
      run_case "mutate $collective $algorithm, 4 ranks" 60 \
        "$build/tools/rlx-explain" "$collective" -n 4 --algorithm "$algorithm" --mutate
    done
  done
}

short_stress() {
  local transport
  for transport in local faulty; do
    run_case "stress on threads over $transport" 60 \
      "$build/tests/rlx-stress" --calls 300 --seed 11 --transport "$transport" --outstanding 4
  done
  for transport in "${kProcessTransports[@]}"; do
    run_case "stress under mpirun over $transport" 60 "$kRoot/tests/mpirun.sh" 4 \
      "$build/tests/rlx-stress" --calls 200 --seed 12 --transport $transport --outstanding 4
  done
  for transport in shm tcp; do
    run_case "stress forked over $transport" 60 \
      "$build/tests/rlx-stress" --calls 200 --seed 13 --transport "$transport" --launch fork:3
  done
  run_case "stress on threads over shm" 60 \
    "$build/tests/rlx-stress" --calls 200 --seed 14 --transport shm --launch threads:4
}

short_deaths() {
  local kill transport seed=1
  for kill in SIGKILL throw absent mismatch:{collective,dtype,op,count,in_place,memory}; do
    for transport in shm tcp; do
      run_case "death by $kill, seed $seed, $transport" 60 \
        "$build/tests/rlx-death" --seed "$seed" --kill "$kill" --transport "$transport"
    done
    seed=$((seed + 1))
  done
  run_case "death by SIGKILL, provider shm" 60 \
    "$build/tests/rlx-death" --seed "$seed" --kill SIGKILL --transport ofi --provider shm
  for transport in shm tcp; do
    short_ends "$transport"
  done
}

short_ends() {
  local ends=$kRoot/tests/matrix/ends.sh transport=$1
  run_case "SIGKILL of a rank ends a job of mpirun, $transport" 40 \
    "$ends" kill "$build" 1 "$transport"
  run_case "SIGINT ends a job of mpirun, $transport" 40 "$ends" interrupt "$build" 1 "$transport"
  run_case "SIGINT ends forked ranks, $transport" 40 \
    "$ends" interrupt-forked "$build" 1 "$transport"
}

short_refusals() {
  run_refused "a launcher that this MPI does not know is named" 20 'mpirun -n 4' \
    env OMPI_COMM_WORLD_SIZE=4 "$build/tools/rlx-bench" all_reduce
  run_refused "a provider is for libfabric alone" 20 'transport is shm' \
    "$build/tools/rlx-bench" all_reduce --launch fork:2 --transport shm --provider shm
  run_refused "an unknown provider is named" 20 'no_such_provider' \
    "$build/tools/rlx-bench" all_reduce --launch fork:2 --transport ofi --provider no_such_provider
  run_refused "an unknown algorithm is named" 20 'no_such_algorithm' \
    "$build/tools/rlx-bench" all_reduce --launch threads:2 --algorithm no_such_algorithm
}
