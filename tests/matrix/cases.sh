# Sourced by tools/check: runs one command as one case, with a time limit, and notes the verdict in
# $results/cases.tsv. A failing case shows its command line and the last lines of its output.

kLastLines=25

note_case() { printf '%s\t%s\n' "$1" "$2" >>"$results/cases.tsv"; }

show_failure() {
  local name=$1 code=$2
  shift 2
  printf '\nFAILED (exit code %s): %s\n  %s\n' "$code" "$name" "$*"
  tail -n "$kLastLines" "$results/case.log" | sed 's/^/  | /'
}

# run_case NAME SECONDS COMMAND...: passes when the command ends with 0 in time.
run_case() {
  local name=$1 limit=$2 code=0
  shift 2
  timeout --kill-after=5 "$limit" "$@" >"$results/case.log" 2>&1 </dev/null || code=$?
  if [[ $code -eq 0 ]]; then
    note_case PASS "$name"
  else
    note_case FAIL "$name"
    [[ $code -eq 124 || $code -eq 137 ]] && code="$code, over $limit s"
    show_failure "$name" "$code" "$@"
  fi
}

# run_refused NAME SECONDS WORDS COMMAND...: passes when the command ends with an error that says
# WORDS (an extended regular expression), in time.
run_refused() {
  local name=$1 limit=$2 words=$3 code=0
  shift 3
  timeout --kill-after=5 "$limit" "$@" >"$results/case.log" 2>&1 </dev/null || code=$?
  if [[ $code -ne 0 && $code -ne 124 && $code -ne 137 ]] && grep -Eq "$words" "$results/case.log"; then
    note_case PASS "$name"
  else
    note_case FAIL "$name"
    show_failure "$name" "$code; wanted an error with: $words" "$@"
  fi
}

# bench_case RANKS COLLECTIVE ALGORITHM PROVIDER OPTIONS...: a job over that provider of libfabric, or
# where it is - over mapped memory; ALGORITHM - is the tuner's choice.
bench_case() {
  local ranks=$1 collective=$2 algorithm=$3 provider=$4
  local over="provider $provider" transport=(--transport ofi --provider "$provider")
  [[ $provider == - ]] && over='mapped memory' transport=(--transport shm)
  shift 4
  [[ $algorithm == - ]] || set -- --algorithm "$algorithm" "$@"
  run_case "bench $collective over $over, $ranks ranks: $*" 60 \
    "$kRoot/tests/mpirun.sh" "$ranks" "$build/tools/rlx-bench" "$collective" "${transport[@]}" "$@"
}

# nodes_case RANKS NODES COLLECTIVE OPTIONS...: a job that pretends these nodes (RLX_NODES).
nodes_case() {
  local ranks=$1 nodes=$2 collective=$3
  shift 3
  run_case "bench $collective over nodes $nodes: $*" 60 env "RLX_NODES=$nodes" \
    "$kRoot/tests/mpirun.sh" "$ranks" "$build/tools/rlx-bench" "$collective" --transport hybrid "$@"
}

kCollectives=(all_reduce all_gather reduce_scatter)
kProviders=(- 'tcp;ofi_rxm' net shm)
# For rlx-stress and rlx-death: words after --transport, so they are used unquoted.
kProcessTransports=(shm tcp net 'ofi --provider shm')
kTypes=(int8 uint8 int16 uint16 int32 uint32 int64 uint64 half bfloat16 float double fp8_e4m3
  fp8_e5m2)
kOperations=(sum prod min max avg)
kBitwise=(band bor bxor)

# Those that run on any number of ranks, wherever they are.
flat_algorithms_of() {
  "$build/tools/rlx-explain" "$1" --list | awk '!/\[nodes\]/ { print $1 }'
}

# Those of them that do not need memory that is mapped.
message_algorithms_of() {
  "$build/tools/rlx-explain" "$1" --list | awk '!/\[mapped memory\]|\[nodes\]/ { print $1 }'
}

# Those that do.
load_store_algorithms_of() {
  "$build/tools/rlx-explain" "$1" --list | awk '/\[mapped memory\]/ { print $1 }'
}

# Those for several nodes.
node_algorithms_of() {
  "$build/tools/rlx-explain" "$1" --list | awk '/\[nodes\]/ { print $1 }'
}

# The next integer type: the first eight.
integer=0
next_integer() {
  type=${kTypes[integer % 8]}
  integer=$((integer + 1))
}

# Walks through types and operations, one more for each case, so that all pairs are met: their numbers
# have no common divisor.
sample=0
next_sample() {
  type=${kTypes[sample % ${#kTypes[@]}]}
  operation=${kOperations[sample % ${#kOperations[@]}]}
  sample=$((sample + 1))
  return 0
}
