# Sourced by tools/quickstart, tools/check and tests/mpirun.sh: packages, building, and what Open MPI
# wants to be told. Sourcing it changes nothing; the functions do.

kRoot=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
kExitPackages=3

missing_packages() {
  local package
  while read -r package; do
    [[ -z $package || $package == \#* ]] && continue
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
      printf '%s ' "$package"
  done <"$kRoot/tools/packages.txt"
}

# Installs what is missing as root on Debian; otherwise prints the one line that would, and exits 3.
# Systems without dpkg are taken to have everything: Meson says what it does not find.
ensure_packages() {
  command -v dpkg-query >/dev/null || return 0
  local missing
  missing=$(missing_packages)
  [[ -z $missing ]] && return 0
  if [[ $EUID -ne 0 ]]; then
    echo "apt-get install -y --no-install-recommends ${missing% }"
    exit $kExitPackages
  fi
  export DEBIAN_FRONTEND=noninteractive
  echo "installing: ${missing% }" >&2
  # Unquoted on purpose: one word per package.
  { apt-get update -q && apt-get install -y -q --no-install-recommends $missing; } >&2 || {
    echo "apt-get install -y --no-install-recommends ${missing% }"
    exit $kExitPackages
  }
}

# configure DIRECTORY [MESON OPTIONS...]: for the first time or again.
configure() {
  local directory=$1
  shift
  local setup=(meson setup "$directory" "$kRoot" "$@")
  [[ -f $directory/build.ninja ]] && setup+=(--reconfigure)
  if [[ -z ${CXX:-} ]] && command -v ccache >/dev/null; then
    local -x CXX="ccache g++" CC="ccache gcc"
  fi
  local words
  words=$("${setup[@]}" 2>&1) || { echo "$words" >&2; return 1; }
}

# build_into DIRECTORY [MESON OPTIONS...]: configures and builds everything.
build_into() {
  configure "$@" && ninja -C "$1"
}

# Open MPI refuses root unless told twice. Its psm2 component changes the environment while another
# thread of Open MPI's reads it, of which one start in thousands dies. (Debian leaves ofi out itself.)
prepare_mpi() {
  export OMPI_MCA_mtl=^ofi,psm2
  [[ $EUID -ne 0 ]] && return 0
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
}

# The options that mpirun needs for N ranks here: more ranks than cores must be asked for, and two
# jobs that each believe they own core 0 must not bind to it.
mpirun_options() {
  mpirun --version 2>/dev/null | grep -q 'Open MPI' || return 0
  printf -- '--bind-to none '
  [[ $1 -gt $(nproc) ]] && printf -- '--oversubscribe '
  return 0
}
