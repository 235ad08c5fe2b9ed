# inside.sh NODE DIRECTORY...: process 1 of a node. Gives it a host name and a private /tmp and
# /dev/shm, in which the directories that lie there can still be seen, and stays.
set -euo pipefail
node=$1
shift
hostname "$node"
mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs tmpfs /dev/shm
aside=$(mktemp -d -p /run)
mount --bind /tmp "$aside"
mount -t tmpfs tmpfs /tmp
for directory in "$@"; do
  [[ $directory == /tmp/* ]] || continue
  mkdir -p "$directory"
  mount --bind "$aside${directory#/tmp}" "$directory"
done
umount "$aside"
rmdir "$aside"
echo ready
while true; do sleep 3600 & wait $!; done
