# Sourced by the scripts beside it: "nodes" on one machine, made of namespaces. Each has a network of
# its own (an interface, eth0, on a bridge), a host name, processes, and a private /tmp and
# /dev/shm, so that nothing passes between nodes but what goes through the bridge. With
# NODE_INTERFACES=2 each has a second interface, eth1, on a bridge and a subnet of its own, and with
# SLOW_ETH1=RATE (100mbit) what nodes send over that is held to the rate.
#
#   nodes_up COUNT       makes node1 .. nodeCOUNT and takes them down when the shell ends
#   in_node NODE COMMAND...
#   nodes_down
#   ranks_of SHAPE, kept_for PROGRAM

kInterfaces=${NODE_INTERFACES:-1}
kClusterRoot=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
kExitSkipped=77

# Why there can be no nodes here; nothing when there can.
nodes_obstacle() {
  [[ $EUID -eq 0 ]] || { echo "nodes are made of namespaces, for which one must be root"; return; }
  local tool
  for tool in ip unshare nsenter; do
    command -v "$tool" >/dev/null || { echo "nodes need the command $tool"; return; }
  done
  unshare --net --mount --pid --fork true 2>/dev/null || echo "no namespaces may be made here"
}

# skip_without_nodes: ends the script as skipped, with the reason.
skip_without_nodes() {
  local obstacle
  obstacle=$(nodes_obstacle)
  [[ -z $obstacle ]] && return 0
  echo "skipped: $obstacle"
  exit $kExitSkipped
}

# ranks_of SHAPE: sets `ranks`, how many each node has: 2x3 is 3 3, 2+1 is 2 1.
ranks_of() {
  local node
  ranks=()
  case $1 in
    *x*) for ((node = 0; node < ${1%x*}; ++node)); do ranks+=("${1#*x}"); done ;;
    *) IFS=+ read -ra ranks <<<"$1" ;;
  esac
}

# kept_for PROGRAM: what its node keeps of /tmp: the build that the program is of, or else the folder
# around its own.
kept_for() {
  local around folder
  around=$(cd "$(dirname "$1")/.." && pwd)
  for folder in "$around" "$(dirname "$around")"; do
    [[ -d $folder/meson-info ]] && { echo "$folder"; return; }
  done
  echo "$around"
}

node_address() { echo "10.$kSubnet.${1#node}"; }
# The other end of an interface (0, 1) of a node; and the bridge that these are on.
wire_of() { echo "rlx$kTag-${1#node}$([[ $2 -eq 0 ]] || echo "i$2")"; }
bridge_of() { echo "$kBridge$([[ $1 -eq 0 ]] || echo "i$1")"; }
node_process() { cat "$kNodes/$1"; }

# Interface names have at most 15 characters; the process number makes them, and the subnet, unlike
# those of another run.
nodes_up() {
  local count=$1 node
  kTag=$(($$ % 60000))
  kSubnet="$((64 + kTag / 250 % 128)).$((kTag % 250))"
  kBridge=rlxb$kTag
  kNodes=$(mktemp -d)
  trap nodes_down EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  local i
  for ((i = 0; i < kInterfaces; ++i)); do
    ip link add "$(bridge_of "$i")" type bridge
    ip link set "$(bridge_of "$i")" up
  done
  ip addr add "10.$kSubnet.254/24" dev "$kBridge"
  for ((node = 1; node <= count; ++node)); do node_up "$node"; done
}

# The holder is process 1 of the node: with it goes everything that runs there, and with the last
# process its interface and its mounts.
node_up() {
  local number=$1 node=node$1 holder i
  unshare --net --uts --ipc --mount --pid --fork --kill-child=SIGKILL \
    "$BASH" "$kClusterRoot/tests/cluster/inside.sh" "$node" "$kClusterRoot" "${kKeep[@]}" \
    >"$kNodes/$node.log" 2>&1 &
  echo $! >>"$kNodes/holders"
  disown
  until holder=$(pgrep -P $! -f inside.sh) && grep -q ready "$kNodes/$node.log"; do
    kill -0 $! 2>/dev/null || { cat "$kNodes/$node.log" >&2; return 1; }
    sleep 0.02
  done
  echo "$holder" >"$kNodes/$node"
  for ((i = 0; i < kInterfaces; ++i)); do
    ip link add "$(wire_of "$node" "$i")" type veth peer name "eth$i" netns "$holder"
    ip link set "$(wire_of "$node" "$i")" master "$(bridge_of "$i")" up
    # The subnet of eth1 is none of eth0's: those are 10.64.0 to 10.191.249.
    in_node "$node" ip addr add "$([[ $i -eq 0 ]] && node_address "$node" ||
      echo "10.$((191 + i)).0.$number")/24" dev "eth$i"
    in_node "$node" ip link set "eth$i" up
  done
  in_node "$node" ip link set lo up
  [[ -z ${SLOW_ETH1:-} ]] || slow_down "$node" eth1 "$SLOW_ETH1"
}

# slow_down NODE INTERFACE RATE: what the node sends there. Fails where the kernel has no such queue.
slow_down() {
  in_node "$1" tc qdisc add dev "$2" root tbf rate "$3" burst 32kb latency 50ms
}

# Why nothing can be slowed down here; nothing when it can.
slowness_obstacle() {
  command -v tc >/dev/null || { echo "there is no command tc"; return; }
  unshare --net tc qdisc add dev lo root tbf rate 1mbit burst 32kb latency 50ms 2>/dev/null ||
    echo "this kernel has no token bucket filter"
}

in_node() {
  local node=$1
  shift
  nsenter --target "$(node_process "$node")" --net --uts --ipc --mount --pid -- "$@"
}

# bytes_left NODE [INTERFACE]: that a node has sent since it is up, as the bridge's end of its wire
# counts them.
bytes_left() { cat "/sys/class/net/$(wire_of "$1" "${2:-0}")/statistics/rx_bytes"; }

nodes_down() {
  trap - EXIT
  local holder wire i
  # Wires go at once; with their node they would go when the system finds time.
  for wire in /sys/class/net/rlx"$kTag"-*; do
    [[ -e $wire ]] && ip link del "${wire##*/}"
  done
  for holder in $(cat "$kNodes/holders" 2>/dev/null); do kill -KILL "$holder" 2>/dev/null; done
  for ((i = 0; i < kInterfaces; ++i)); do ip link del "$(bridge_of "$i")" 2>/dev/null; done
  rm -rf "$kNodes"
}
