#!/usr/bin/env bash
# budget.sh RLX-INFO: what each further rank adds to a start stays within its bounds.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export RLX_LOG=error

# number KEY: of the document.
number() { sed -n "s/^ *\"$1\": \([0-9.]*\).*/\1/p" <<<"$document" | head -n 1; }

# is_within TRANSPORT HEAP EXCHANGED: bytes. The MPI library's own memory, which it takes at times of
# its own, is part of it: the least of three.
is_within() {
  local heap exchanged tries
  for ((tries = 0; tries < 3; ++tries)); do
    document=$(RLX_TRANSPORT=$1 "$here/mpirun.sh" 8 "$rlx_info" --budget=1000 --json)
    heap=$(number heap_per_rank) exchanged=$(number exchanged_per_rank)
    echo "$1: each further rank adds $heap bytes of C heap (at most $2), $exchanged exchanged ($3)"
    awk -v a="$heap" -v b="$2" -v c="$exchanged" -v d="$3" \
      'BEGIN { exit !(a != "" && c > 0 && a <= b && c <= d) }' && return 0
  done
  return 1
}

rlx_info=$1
is_within shm 16384 2048
# libfabric's connections are part of it.
is_within ofi 131072 4096
