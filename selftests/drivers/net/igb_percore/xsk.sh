#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --cpus 2 --driver igb_percore --timeout 400
# here: no, it unloads the driver
#
#   netns cli                                netns srv
#   eth1: packet socket ====== wire ====== eth0: queue 0: AF_XDP socket
#         talk.py                                queue 1: all that is hashed
#
# Claim: an AF_XDP socket has a queue without copies. Every frame arrives and is
# sent in order and byte for byte, with need_wakeup, without, and by busy polling;
# what the program passes, sends back, drops is passed, sent back, dropped. Rings
# that run dry or full stall nobody and are polled by nobody. What does not fit is
# refused, the socket survives what is done to the interface, also under a flood, and
# the other queue does not notice that sockets come and go. Nobody minds when it, the
# NIC or the driver goes under load. Suspend, resets, removal: life.sh.
lib=$(dirname "$0")/../../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/drivers/net/igb_percore/lib.sh
. "$(dirname "$0")/lib.sh"

need ethtool jq nstat ping python3 taskset
tmp=$(mktemp -d)
defer rm -rf "$tmp"
prog=$tests/xsk_prog.bpf.o
failslab=/sys/kernel/debug/failslab
count=480
# Slow, with sanitizers
[ ! -e $failslab ] || count=120

serves() {
	on_srv python3 "$tests/talk.py" echo &
	wait_until 30 serving srv 7002
}

built() { [ -x "$tests/xsk_tool" ] && [ -e "$prog" ]; }

xsk() { # CASE [NAME=NUMBER]...
	"$tests/xsk_tool" "$1" "$prog" "$SRV_DEV" "$CLI_DEV" count="$count" "${@:2}"
}

# In the background, so that its process is the one to kill
xsk_exec() {
	exec "$tests/xsk_tool" "$1" "$prog" "$SRV_DEV" "$CLI_DEV" "${@:2}"
}

lost='pair[0-9]+_(rx_errors|rx_alloc_fail|tx_dropped|tx_xdp_dropped|tx_timeouts)|resets'

## traffic

received() { snap && xsk rx "$@" && grew pair0_rx_xdp_redirect "$count" && grew "$lost|.*_xdp_errors" 0; }
sent() { snap && xsk tx "$@" && grew pair0_tx_xsk $((count + 12)) && grew "$lost" 0; }
echoed() {
	snap && xsk echo "$@" && grew pair0_rx_xdp_redirect "$count" && grew pair0_tx_xsk "$count" &&
		grew "$lost|.*_xdp_errors" 0
}

# 6 actions in turn
acted() {
	local each=$((count / 6))

	snap && xsk actions count=$((each * 6)) bufs=64 && grew pair0_rx_xdp_redirect "$each" &&
		grew pair0_rx_xdp_tx "$each" && grew pair0_tx_xdp "$each" &&
		grew pair0_rx_xdp_drop "$each" && grew pair0_rx_xdp_errors "$each" &&
		[ "$(grown pair0_rx_packets)" -ge $((each * 6)) ] && grew "$lost" 0
}

irqs() { awk -v name="$SRV_DEV-TxRx-0" '$NF == name { for (i = 2; i <= NF; i++) if ($i + 0 == $i) n += $i
	else break } END { print n + 0 }' /proc/interrupts; }

defer_irqs() { # POLLS NANOSECONDS
	on_srv bash -c "echo $1 >/sys/class/net/$SRV_DEV/napi_defer_hard_irqs
		echo $2 >/sys/class/net/$SRV_DEV/gro_flush_timeout"
}

# The application polls, and the device is not to interrupt it: against the same
# without. It has a second from poll to poll, so that a slow machine will do.
busy_polled() {
	local before plain busy status

	before=$(irqs)
	echoed || return
	plain=$(($(irqs) - before))
	defer_irqs 2 1000000000
	before=$(irqs)
	echoed busy=1
	status=$?
	busy=$(($(irqs) - before))
	defer_irqs 0 0
	echo "$busy interrupts, $plain without busy polling"
	[ "$status" = 0 ] && [ $((busy * 4)) -lt "$plain" ]
}

## while it is there

copied() { snap && xsk echo zc=0 && grew pair0_tx_xsk 0 && grew pair0_rx_xdp_redirect "$count"; }

start_load() { # [NAME=NUMBER]...
	xsk_exec load "$@" >"$tmp/load" 2>&1 &
	load=$!
	wait_until 20 grep -q ready "$tmp/load" || { cat "$tmp/load" && return 1; }
}

end_load() {
	kill -TERM "$load" && wait "$load"
	local status=$?
	cat "$tmp/load"
	return "$status"
}

answers() { snap && xsk peer count=200 && grew pair0_tx_xsk 200 && grew pair0_rx_xdp_redirect 200; }

links() { wait_until 30 has_link srv "$SRV_DEV" && wait_until 30 has_link cli "$CLI_DEV"; }

survives() { # COMMAND...
	"$@" && links && answers && kill -0 "$load"
}

refused() { # WANT COMMAND...
	local want=$1 before

	shift
	before=$(dmesg | wc -l)
	! "$@" >"$tmp/why" 2>&1 && dmesg | tail -n +$((before + 1)) >>"$tmp/why" && cat "$tmp/why" &&
		grep -qE "$want" "$tmp/why"
}

mtu() { ip -n srv link set "$SRV_DEV" mtu "$1"; }
rings() { on_srv ethtool -G "$SRV_DEV" rx "$1" tx "$1"; }
channels() { on_srv ethtool -L "$SRV_DEV" combined "$1"; }
down_and_up() { ip -n srv link set "$SRV_DEV" down && ip -n srv link set "$SRV_DEV" up; }
mtu_of_buffers() { mtu 1766 && refused 'MTU 1767.* queue 0 .*at most 1766' mtu 1767 && mtu 1500; }
# The core goes on to want what was refused
no_rx_all() {
	refused 'MTU 1500.* queue 0 .*at most 998 with rx-all' on_srv ethtool -K "$SRV_DEV" rx-all on &&
		on_srv ethtool -K "$SRV_DEV" rx-all off
}
programs_change() {
	ip -n srv link set "$SRV_DEV" xdpdrv off &&
		on_srv "$tests/xdp_tool" attach "$SRV_DEV" "$tests/xdp_prog.bpf.o" x_pass &&
		ip -n srv link set "$SRV_DEV" xdpdrv off && kill -USR1 "$load" &&
		wait_until 20 grep -q attached "$tmp/load"
}
pci=$(basename "$(readlink -f "/sys/class/net/$SRV_DEV/device")")

keeps_its_queue() {
	local pid status

	on_srv ethtool -X "$SRV_DEV" default
	xsk_exec bind queue=1 >"$tmp/bound" &
	pid=$!
	wait_until 20 grep -q bound "$tmp/bound" && refused 'too low .*AF_XDP' channels 1
	status=$?
	kill "$pid"
	wait "$pid"
	on_srv ethtool -X "$SRV_DEV" weight 0 1
	return "$status"
}

# Bad frames are let in, so that some come that the MTU would keep out.
several_buffers() {
	local status

	start_load chunk=4096 && snap && on_srv ethtool -K "$SRV_DEV" rx-all on &&
		ip -n cli link set "$CLI_DEV" mtu 9000 && on_cli python3 -c '
import socket, sys
sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
sock.bind((sys.argv[1], 0))
for i in range(20):
    sock.send(bytes.fromhex(sys.argv[2]) + sock.getsockname()[4] + b"\x88\xb5S" + bytes(4000))
' "$CLI_DEV" "$(ip -n srv -j link show dev "$SRV_DEV" | jq -r '.[0].address' | tr -d :)" &&
		wait_until 10 grew pair0_rx_errors 20 && grew pair0_rx_errors 20 &&
		grew pair0_rx_xdp_redirect 0 && answers
	status=$?
	ip -n cli link set "$CLI_DEV" mtu 1500
	on_srv ethtool -K "$SRV_DEV" rx-all off
	end_load && return "$status"
}

too_small() {
	mtu 1767 && refused 'bind: Invalid argument' xsk bind chunk=2048 && mtu 1500
}

# Whichever allocation fails, the socket knows, and the queue is there for the next.
no_memory() {
	local said

	# Not only allocations that may not sleep
	echo N >"$failslab"/ignore-gfp-wait
	echo 0 >"$failslab"/verbose
	said=$(xsk nomem)
	echo Y >"$failslab"/ignore-gfp-wait
	diag "$said"
	# The map of the socket's memory is among them
	[[ $said =~ ^([0-9]+)\ allocations,\ ([0-9]+)\ errors ]] && [ "${BASH_REMATCH[2]}" -gt 0 ] &&
		echoed
}

## under load

start_flood() {
	xsk_exec flood >/dev/null 2>&1 &
	flood=$!
	disown "$flood"
}

end_flood() { kill "$flood" && wait_until 10 quiet; }

quiet() {
	local before

	before=$(counter srv "$SRV_DEV" pair0_rx_packets)
	sleep 0.2
	[ "$(counter srv "$SRV_DEV" pair0_rx_packets)" = "$before" ]
}

flooded() { # COMMAND [ARG...]
	local status

	start_flood
	"$@"
	status=$?
	end_flood && return "$status"
}

all_of_it() {
	down_and_up && rings 64 && on_srv ethtool -X "$SRV_DEV" default && channels 1 &&
		down_and_up && channels 2 && rings 256 &&
		on_srv ethtool -X "$SRV_DEV" weight 0 1 && programs_change && down_and_up
}

# Segments that TCP took for lost. What it sends again lest the last of all was
# lost (loss probes) is not among them: these depend on the time things take.
lost_segments() {
	{ on_srv nstat -asz && on_cli nstat -asz; } |
		awk '/^TcpExtTCP(FastRetrans|Timeouts|LostRetransmit) / { n += $2 } END { print n + 0 }'
}

now_ms() { date +%s%3N; }

# TCP with less on its way than a ring takes, as a ring that overruns loses, too:
# while sockets come and go under a flood, and under the flood alone.
other_queue() {
	local before with without start talk status

	ip netns exec cli python3 "$tests/talk.py" talk "$SRV4" >"$tmp/talk" 2>&1 &
	talk=$!
	wait_until 20 net_answers "$SRV4"
	start=$(now_ms)
	before=$(lost_segments)
	xsk cycle count=8 | tail -n 1
	with=$(($(lost_segments) - before))
	before=$(lost_segments)
	timeout --foreground -s TERM $((($(now_ms) - start) / 1000 + 1)) "$tests/xsk_tool" flood "$prog" "$SRV_DEV" "$CLI_DEV"
	without=$(($(lost_segments) - before))
	kill -TERM "$talk" && wait "$talk"
	status=$?
	cat "$tmp/talk"
	echo "lost: $with segments, by the flood alone $without"
	[ "$status" = 0 ] && [ "$with" -le $((2 * without + 3)) ]
}

has_sent() { [ "$(grown pair0_tx_xsk)" -gt 0 ]; }

killed() {
	snap && start_load && wait_until 10 has_sent && kill -KILL "$load"
	wait "$load"
	[ "$(grown pair0_tx_xsk)" -gt 0 ]
}

unbound() {
	start_load && echo "$pci" >/sys/bus/pci/drivers/igb_percore/unbind &&
		echo "$pci" >/sys/bus/pci/drivers/igb_percore/bind &&
		wait_until 20 net_home "$SRV_DEV" && kill "$load"
	wait "$load"
	ip link set "$SRV_DEV" netns srv && ip -n srv link set "$SRV_DEV" up && links
}

rmmod_under_flood() {
	start_load && rmmod igb_percore && insmod "$IGB_PERCORE" && wait_until 20 net_home "$SRV_DEV" &&
		kill "$load"
}

check "the programs are built" built || finish
check "link is up" net_up || finish
# What has no hash takes queue 0
check "what is hashed takes queue 1" on_srv ethtool -X "$SRV_DEV" weight 0 1
check "netlink: zero-copy" \
	[ "$(on_srv python3 "$tests/xdp.py" features "$SRV_DEV")" = "6f 7" ]

# From CPU 1, and from CPU 0, which is the queue's: that polls at once.
for wakeup in 1 0; do
	taskset -pc "$wakeup" $$ >/dev/null
	check "need_wakeup $wakeup: received" received wakeup=$wakeup
	check "need_wakeup $wakeup: sent" sent wakeup=$wakeup bufs=64
	check "need_wakeup $wakeup: both" echoed wakeup=$wakeup
	check "need_wakeup $wakeup: the fill ring runs dry" xsk starve wakeup=$wakeup
done
taskset -pc 0-1 $$ >/dev/null
check "in small buffers with headroom, fewer than the ring takes" echoed chunk=2048 bufs=128 head=192
check "by busy polling" busy_polled
check "nobody looks at the completion ring" xsk full ring=64 bufs=128
check "the program decides" acted
check "and in copy mode, too" copied
check "buffers too small for the MTU are refused" too_small
check "a queue is not taken from its socket" keeps_its_queue

check "a socket that sends back" start_load chunk=2048
check "it survives: down and up" survives down_and_up
check "it survives: rings of 4096" survives rings 4096
check "it survives: an MTU, and one that is refused" survives mtu_of_buffers
check "it survives: rx-all, which is refused" survives no_rx_all
check "it survives: programs that go and come" survives programs_change
check "and is zero-copy to the end" end_load
check "a frame that takes several buffers is dropped" several_buffers

check "a server of the stack" serves
check "sockets come and go, and the other queue loses nothing" other_queue
check "a socket, for a flood" start_load
check "it survives all of it under a flood" survives flooded all_of_it
check "and is zero-copy to the end of that" end_load
check "a socket is killed under a flood" flooded killed
check "no transmit queue was stuck" no_tx_timeout
check "the NIC goes from under a socket" flooded unbound
check "a socket works after that" echoed
# It fails the sanitizers' allocations, too, and dma-debug gives up then.
[ ! -e $failslab ] || check "an allocation that fails is no disaster" no_memory
start_flood
check "the driver goes from under a socket" rmmod_under_flood
kill "$flood" 2>/dev/null
finish
