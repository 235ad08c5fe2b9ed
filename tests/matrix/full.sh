# Sourced by tools/check --full: every algorithm over every provider at many sizes and rank counts,
# proofs to 1024 ranks, many seeds, and the sanitizers.

kRankCounts=(1 2 3 4 5 7 8)

run_full_matrix() {
  full_benches
  full_proofs
  full_stress
  full_deaths
  full_sanitizers
}

full_benches() {
  local collective algorithm provider ranks
  for collective in "${kCollectives[@]}"; do
    for algorithm in $(message_algorithms_of "$collective"); do
      for provider in "${kProviders[@]}"; do
        for ranks in "${kRankCounts[@]}"; do
          next_sample
          bench_case "$ranks" "$collective" "$algorithm" "$provider" \
            -b 0 -e 1M -f 4 -n 3 -w 1 -d "$type" -o "$operation"
          next_sample
          bench_case "$ranks" "$collective" "$algorithm" "$provider" \
            -b 4 -e 4100 -i 4 -n 1 -w 0 -d "$type" -o "$operation"
        done
      done
    done
    full_load_store_benches "$collective"
    full_node_benches "$collective"
  done
}

full_node_benches() {
  local collective=$1 algorithm provider shape
  for algorithm in $(node_algorithms_of "$collective"); do
    for provider in 'tcp;ofi_rxm' net; do
      for shape in 3:0,0,1 4:0,0,1,1 5:0,1,2,0,1 7:0,0,0,1,1,2,2 8:0,1,0,1,1,1,0,0; do
        next_sample
        nodes_case "${shape%:*}" "${shape#*:}" "$collective" --provider "$provider" \
          --algorithm "$algorithm" -b 0 -e 1M -f 4 -n 3 -w 1 -d "$type" -o "$operation"
      done
    done
  done
}

full_load_store_benches() {
  local collective=$1 algorithm memory ranks
  for algorithm in $(load_store_algorithms_of "$collective"); do
    for memory in heap private; do
      for ranks in "${kRankCounts[@]}"; do
        next_sample
        bench_case "$ranks" "$collective" "$algorithm" - --buffers "$memory" \
          -b 0 -e 1M -f 4 -n 3 -w 1 -d "$type" -o "$operation"
        bench_case "$ranks" "$collective" "$algorithm" - --buffers "$memory" \
          -b 4 -e 4100 -i 4 -n 1 -w 0 -d all -o "$operation"
      done
    done
  done
}

full_proofs() {
  local collective algorithm ranks
  for collective in "${kCollectives[@]}"; do
    for algorithm in $(flat_algorithms_of "$collective"); do
      for ranks in $(seq 1 128) 192 255 256 257 500 512 777 1000 1024; do
        run_case "verify $collective $algorithm, $ranks ranks" 600 \
          "$build/tools/rlx-explain" "$collective" -n "$ranks" --algorithm "$algorithm" --verify
      done
      for ranks in 2 3 4 5 6 7 8; do
        run_case "mutate $collective $algorithm, $ranks ranks" 600 \
          "$build/tools/rlx-explain" "$collective" -n "$ranks" --algorithm "$algorithm" --mutate
      done
    done
  done
}

full_stress() {
  local seed transport
  for seed in $(seq 100 119); do
    for transport in local faulty; do
      run_case "stress on threads over $transport, seed $seed" 300 \
        "$build/tests/rlx-stress" --calls 1000 --seed "$seed" --transport "$transport" \
        --outstanding 8
    done
    for transport in "${kProcessTransports[@]}"; do
      run_case "stress under mpirun over $transport, seed $seed" 300 "$kRoot/tests/mpirun.sh" 4 \
        "$build/tests/rlx-stress" --calls 1000 --seed "$seed" --transport $transport \
        --outstanding 8
    done
  done
}

full_deaths() {
  local kill seed transport
  for seed in $(seq 1 50); do
    for kill in SIGKILL throw absent mismatch:{collective,dtype,op,count,in_place,memory}; do
      for transport in shm tcp 'ofi --provider shm'; do
        run_case "death by $kill, seed $seed, $transport" 60 \
          "$build/tests/rlx-death" --seed "$seed" --kill "$kill" --transport $transport
      done
    done
    for transport in shm tcp; do
      run_case "death by SIGKILL under mpirun --enable-recovery, seed $seed, $transport" 60 \
        "$kRoot/tests/matrix/ends.sh" recover "$build" "$seed" "$transport"
    done
  done
}

# sanitized NAME DIRECTORY MESON-OPTION: a build of its own beside build/.
full_sanitizers() {
  local tsan=$kRoot/build-tsan asan=$kRoot/build-asan transport test collective algorithm ranks
  build_into "$tsan" --buildtype=debugoptimized -Db_sanitize=thread -Db_lundef=false
  build_into "$asan" --buildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false
  export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:allocator_may_return_null=1
  for transport in local faulty 'shm --launch threads:4'; do
    run_case "ThreadSanitizer, stress over $transport" 600 "$tsan/tests/rlx-stress" --calls 1000 \
      --seed 21 --transport $transport --outstanding 4
  done
  # Calls that do not match write the same scratch, and are told so: that race is their mistake.
  for test in symmetric transports shm driver communicator bootstrap; do
    run_case "ThreadSanitizer, tests of $test" 900 env GTEST_FILTER='-Mismatch.*' \
      meson test -C "$tsan" --no-rebuild --timeout-multiplier 10 "$test"
  done
  for collective in "${kCollectives[@]}"; do
    for algorithm in $(flat_algorithms_of "$collective"); do
      for ranks in 2 3 5; do
        run_case "ThreadSanitizer, $collective by $algorithm on $ranks threads" 300 \
          "$tsan/tools/rlx-bench" "$collective" --launch "threads:$ranks" --transport local \
          --algorithm "$algorithm" -b 40 -e 160K -f 9 -n 8 -w 2 -c 2
      done
    done
  done
  # libfabric and Open MPI keep memory to the end; what they never free is not ours to report.
  export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
  run_case "AddressSanitizer and UBSan, all tests" 3600 meson test -C "$asan" --no-rebuild \
    --timeout-multiplier 10
  for transport in "${kProcessTransports[@]}"; do
    run_case "AddressSanitizer and UBSan, stress over $transport" 600 "$asan/tests/rlx-stress" \
      --calls 500 --seed 22 --transport $transport --launch fork:4 --outstanding 4
  done
}
