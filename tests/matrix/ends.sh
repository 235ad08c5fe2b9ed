#!/usr/bin/env bash
# ends.sh kill|interrupt|interrupt-forked|recover BUILD [SEED [TRANSPORT]]: starts a job that would
# run for long, does that to it, and checks that everything ends within 10 seconds and leaves nothing
# behind.
set -uo pipefail
source "$(dirname "$0")/../../tools/setup.sh"
what=$1 build=$2 seed=${3:-1} transport=${4:-tcp}
prepare_mpi

fail() { echo "$*"; exit 1; }

# What ranks of rlx may have made there: the provider's files begin with the number of their process,
# ours with rlx. What belongs to a living process is somebody else's.
shared_memory() {
  local file
  for file in /dev/shm/[0-9]* /dev/shm/rlx*; do
    [[ -e $file ]] || continue
    file=${file##*/}
    [[ $file == [0-9]* && -d /proc/${file%%[!0-9]*} ]] || echo "$file"
  done | sort
}

# Processes of this job: they carry its mark in their environment.
mark=rlx-ends-$$-$RANDOM
job_pids() {
  grep -lsz "ENDS_TEST_MARK=$mark" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3
}
rank_pids() {
  local pid
  for pid in $(job_pids); do
    [[ $(cat "/proc/$pid/comm" 2>/dev/null) == rlx-stress ]] && echo "$pid"
  done
}

wait_until_gone() {
  local tenth
  for tenth in $(seq 100); do
    [[ -z $(job_pids) ]] && return 0
    sleep 0.1
  done
  fail "still there after 10 s: $(ps -o pid,args -p "$(job_pids | paste -sd,)" | tail -n +2)"
}

wait_for_ranks() {
  local tenth
  for tenth in $(seq 100); do
    [[ $(rank_pids | wc -l) -ge $1 ]] && { sleep 1; return 0; }
    sleep 0.1
  done
  fail "the job did not start"
}

before=$(shared_memory)
# The mark is given to the job alone. A shell without job control starts what it puts in the
# background with SIGINT ignored; a job in a terminal is not.
marked=(env --default-signal=INT "ENDS_TEST_MARK=$mark")
stress=("$build/tests/rlx-stress" --calls 100000000 --seed "$seed" --transport "$transport")
case $what in
  kill)
    "${marked[@]}" "$kRoot/tests/mpirun.sh" 3 "${stress[@]}" &
    wait_for_ranks 3
    kill -KILL "$(rank_pids | tail -1)"
    ;;
  interrupt)
    "${marked[@]}" "$kRoot/tests/mpirun.sh" 3 "${stress[@]}" &
    wait_for_ranks 3
    kill -INT $!
    ;;
  interrupt-forked)
    "${marked[@]}" "${stress[@]}" --launch fork:3 &
    wait_for_ranks 4
    kill -INT $!
    ;;
  recover)
    output=$("${marked[@]}" TEST_MPIRUN_ARGS=--enable-recovery "$kRoot/tests/mpirun.sh" 4 \
      "$build/tests/rlx-death" --seed "$seed" --kill SIGKILL --transport "$transport" --launch mpi 2>&1)
    echo "$output"
    [[ $(grep -c '^survivor .*PeerFailed' <<<"$output") -eq 3 ]] || fail "three survivors should speak"
    ! grep -Eq 'TOO LATE|WRONG KIND|BEFORE' <<<"$output" || fail "a survivor was told wrongly"
    ;;
  *) fail "unknown: $what" ;;
esac
wait_until_gone
wait
left=$(comm -13 <(echo "$before") <(shared_memory))
[[ -z $left ]] || fail "left behind in /dev/shm: $left"
