#!/usr/bin/env bash
# tests/mpirun.sh RANKS PROGRAM [ARGUMENTS...]: mpirun with what root and few cores need.
# TEST_MPIRUN_ARGS adds options for mpirun.
set -euo pipefail
source "$(dirname "$0")/../tools/setup.sh"
ranks=$1
shift
prepare_mpi
# Unquoted on purpose: options are words.
exec mpirun -n "$ranks" $(mpirun_options "$ranks") ${TEST_MPIRUN_ARGS:-} "$@"
