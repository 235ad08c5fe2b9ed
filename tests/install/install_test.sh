#!/usr/bin/env bash
# install_test.sh BUILD_DIRECTORY SOURCE_DIRECTORY WITH_MPI(true|false): installs into a scratch
# prefix, then builds and runs programs that know nothing but that prefix.
set -euo pipefail
build=$1 source=$2 with_mpi=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

meson install -C "$build" --no-rebuild --quiet --destdir "$scratch/root"
pc=$(find "$scratch/root" -name rlx.pc)
library=$(dirname "$(find "$scratch/root" -name 'librlx.so' | head -1)")
[[ -n $pc ]] || { echo "rlx.pc was not installed"; exit 1; }

# The prefix is /usr/local as far as rlx.pc knows; sysroot puts the scratch folder before it, for
# rlx alone: its dependencies are the system's.
prefix=$scratch/root$(sed -n 's/^prefix=//p' "$pc")
export PKG_CONFIG_PATH=$scratch/pc LD_LIBRARY_PATH=$library
mkdir "$PKG_CONFIG_PATH"
sed "s|^prefix=.*|prefix=$prefix|" "$pc" >"$PKG_CONFIG_PATH/rlx.pc"

# What rlx itself was built with (a sanitizer, say) the consumer needs as well.
flags=(-std=c++20 -Wall -Wextra -Wpedantic -Werror ${CONSUMER_FLAGS:-})
read -ra rlx_flags <<<"$(pkg-config --cflags --libs rlx)"

echo "== a program over threads"
g++ "${flags[@]}" "$source/consumer.cpp" -o "$scratch/consumer" "${rlx_flags[@]}"
"$scratch/consumer"

if [[ $with_mpi == true ]]; then
  echo "== a program under mpirun"
  read -ra mpi_flags <<<"$(pkg-config --cflags --libs ompi-c)"
  g++ "${flags[@]}" "$source/mpi_consumer.cpp" -o "$scratch/mpi_consumer" "${rlx_flags[@]}" \
    "${mpi_flags[@]}"
  "$source/../mpirun.sh" 2 "$scratch/mpi_consumer"
fi

echo "== what was installed"
for tool in "$prefix"/bin/rlx-*; do
  "$tool" --help >"$scratch/help" || { cat "$scratch/help"; echo "$tool --help failed"; exit 1; }
  echo "$(basename "$tool") runs"
done
missing=$(diff <(ls "$source/../../include/rlx") <(ls "$prefix/include/rlx")) ||
  { echo "headers differ: $missing"; exit 1; }
