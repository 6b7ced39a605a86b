#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --cpus 2 --nics 4 --driver igb_percore --timeout 800
#
#   netns cli            netns srv                          netns far
#   eth1 ====== wire ==== eth0   programs   eth2 ==== wire ==== eth3
#   xdp.py                          veth0 ---------------------- veth1
#
# Claim: a program gets every frame as it was on the wire, up to MTU 9000, and
# what it does with it happens, byte for byte: pass, drop, send back, abort,
# redirect from and to the device, to another CPU; edited at both ends; with
# metadata. Programs come, go and take each other's place under TCP load without
# a connection or the link going, and what cannot be is refused and changes
# nothing. Counters count all of it.
lib=$(dirname "$0")/../../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/drivers/net/igb_percore/lib.sh
. "$(dirname "$0")/lib.sh"

need ethtool jq ping python3 taskset tc
tmp=$(mktemp -d)
defer rm -rf "$tmp"
prog=$tests/xdp_prog.bpf.o
meta=$tests/xdp_meta.bpf.o
cpus=$(nproc)
tracing=/sys/kernel/tracing
mtu_one=3046 # the largest of one buffer

built() { [ -x "$tests/xdp_tool" ] && [ -e "$prog" ] && [ -e "$meta" ]; }

tool() { on_srv "$tests/xdp_tool" "$@"; }
attach() { tool attach "$SRV_DEV" "$prog" "$@"; }
detach() { tool detach "$SRV_DEV"; }

has_prog() { # DEV NAME
	ip -n srv -j -d link show dev "$1" | jq -e --arg name "$2" \
		'.[0].xdp | .mode == 1 and .prog.name == $name'
}

has_none() { ip -n srv -j -d link show dev "$1" | jq -e '.[0].xdp == null'; }

mac() { ip -n "$1" -j link show dev "$2" | jq -r '.[0].address'; }

far_up() {
	ip netns add far && ip link set eth2 netns srv && ip link set eth3 netns far &&
		ip -n srv link add veth0 type veth peer name veth1 netns far &&
		ip netns exec far ethtool -K veth1 gro on &&
		ip netns exec srv ethtool -K veth0 gro on || return
	ip -n srv link set eth2 up && ip -n srv link set veth0 up &&
		ip -n far link set eth3 up && ip -n far link set veth1 up &&
		wait_until 30 has_link srv eth2 && wait_until 30 has_link far eth3 &&
		wait_until 30 has_link far veth1
}

far_down() {
	ip netns del far 2>/dev/null
	ip -n srv link del veth0 2>/dev/null
	ip -n srv link set eth2 netns 1 2>/dev/null
	wait_until 10 net_home eth3
}

set_mtu() {
	local dev

	ip -n cli link set "$CLI_DEV" mtu "$1" || return
	for dev in "$SRV_DEV" eth2 veth0; do ip -n srv link set "$dev" mtu "$1" || return; done
	for dev in eth3 veth1; do ip -n far link set "$dev" mtu "$1" || return; done
}

## frames

exchange() { # HOW NETNS DEV DEST NETNS DEV SIZE...
	python3 "$tests/xdp.py" exchange "$@"
}

# From cli to srv, and back to cli or whatever is said
frames() { # HOW NETNS DEV SIZE...
	exchange "$1" cli "$CLI_DEV" "$srv_mac" "${@:2}"
}

back() { frames "$1" cli "$CLI_DEV" "${@:2}"; }

send() { # SIZE COUNT
	python3 "$tests/xdp.py" send cli "$CLI_DEV" "$srv_mac" "$@"
}

grew_by() { wait_until 20 grew "$@" || grew "$@"; }

# Each action is counted as what it is, and as nothing else.
counted() { # ACTION COUNT
	local action

	grew_by "pair[0-9]+_rx_xdp_$1" "$2" || return
	for action in drop tx redirect errors; do
		[ "$action" = "$1" ] || grew "pair[0-9]+_rx_xdp_$action" 0 || return
	done
}

no_drops() { grew 'pair[0-9]+_(tx_xdp_dropped|rx_xdp_errors|rx_errors|tx_dropped|rx_alloc_fail)' 0; }

all_queues() { # COUNTER
	local q

	for ((q = 0; q < cpus; q++)); do
		[ "$(grown "pair${q}_$1")" -gt 0 ] || { echo "nothing on queue $q"; return 1; }
	done
}

dropped() { # PROGRAM ACTION
	attach "$1" && snap && send 200 300 && counted "$2" 300 &&
		[ "$(grown 'pair[0-9]+_rx_packets')" -ge 300 ] &&
		[ "$(grown 'pair[0-9]+_rx_bytes')" -ge 60000 ]
}

exceptions() { grep -c "xdp_exception:.*action=$1" "$tracing/trace"; }
excepted() { # PROGRAM ACTION
	echo >"$tracing/trace"
	echo 1 >"$tracing/events/xdp/xdp_exception/enable"
	dropped "$1" errors
	local status=$?
	echo 0 >"$tracing/events/xdp/xdp_exception/enable"
	[ "$status" = 0 ] && [ "$(exceptions "$2")" = 300 ]
}

sent_back() { # HOW SIZE...
	local how=$1 program count

	shift
	case $how in swap) program=x_tx ;; *) program=x_$how ;; esac
	attach "$program" && has_prog "$SRV_DEV" "$program" && snap && back "$how" "$@" || return
	count=$(python3 -c 'import sys; print(sum(int((a + "x1").split("x")[1]) for a in sys.argv[1:]))' "$@")
	counted tx "$count" && grew_by 'pair[0-9]+_tx_xdp' "$count" && no_drops
}

passed() { # SIZE...
	attach x_pass && snap && frames same srv "$SRV_DEV" "$@" && no_drops
}

redirected() { # TO NETNS DEV SIZE...
	local to=$1

	shift
	attach x_redirect to "$to" && snap && frames same "$@" &&
		[ "$(grown 'pair[0-9]+_rx_xdp_redirect')" -ge 16 ] && no_drops
}

# From DEV in srv out of eth0
redirected_here() { # DEV NETNS DEV SIZE...
	local dev=$1 from=("$2" "$3") status

	shift 3
	tool attach "$dev" "$prog" x_redirect to "$SRV_DEV" || return
	snap
	exchange same "${from[@]}" "$(mac srv "$dev")" cli "$CLI_DEV" "$@" &&
		[ "$(grown 'pair[0-9]+_tx_xdp')" -ge 16 ] && no_drops
	status=$?
	tool detach "$dev"
	return "$status"
}

# veth runs where the sender does
sent_by_cpus() {
	local cpu

	tool attach veth0 "$prog" x_redirect to "$SRV_DEV" || return
	for ((cpu = 0; cpu < cpus; cpu++)); do
		snap
		taskset -c "$cpu" python3 "$tests/xdp.py" exchange same far veth1 \
			"$(mac srv veth0)" cli "$CLI_DEV" 100x64 || return
		grew "pair${cpu}_tx_xdp" 64 || return
	done
	tool detach veth0
}

all_cpus_pass() { # SIZE...
	local cpu

	for ((cpu = 0; cpu < cpus; cpu++)); do
		attach x_cpu cpu "$cpu" && snap && frames same srv "$SRV_DEV" "$@" || return
		no_drops || return
	done
}

nowhere() {
	attach x_nowhere && snap && send 100 50 && counted errors 50
}

## metadata

meta_seen() { "$tests/xdp_tool" map counts | awk -v key="$1" '$1 == key { n += $2 }
	END { exit n != '"$2"' }'; }

meta_reaches_stack() { # SIZE COUNT
	on_srv tc qdisc add dev "$SRV_DEV" clsact &&
		on_srv tc filter add dev "$SRV_DEV" ingress bpf da obj "$prog" \
			program x_meta_seen && attach x_meta || return
	frames same srv "$SRV_DEV" "$1x$2" &&
		meta_seen 00000000 "$(printf %x "$2")" && meta_seen 00000001 0
	local status=$?
	"$tests/xdp_tool" map counts
	on_srv tc qdisc del dev "$SRV_DEV" clsact
	return "$status"
}

key() { on_srv ethtool -x "$SRV_DEV" | grep -E '^([0-9a-f]{2}:){39}'; }

# Every flow's hash is there, and of the type that it must be
hashes_known() { # ADDRESS TYPES
	on_cli python3 "$tests/flows.py" "$(key)" "$1" 7001 32 >"$tmp/want" || return
	tool map hashes >"$tmp/hashes"
	awk -v types=" $2 " 'FILENAME == ARGV[1] { type[$1] = $2; next }
		!index(types, " " type[$1] " ") { print $1 ": type " type[$1]; bad = 1 }
		END { exit bad || FNR < 30 }' "$tmp/hashes" "$tmp/want"
}

tag_known() {
	on_cli ip link add link "$CLI_DEV" name tagged type vlan id 291 egress 0:5 &&
		on_srv ip link add link "$SRV_DEV" name tagged type vlan id 291 &&
		on_cli ip addr add 10.0.3.2/24 dev tagged && on_cli ip link set tagged up &&
		on_srv ip addr add 10.0.3.1/24 dev tagged && on_srv ip link set tagged up || return
	on_cli ping -n -q -c 3 -i 0.1 -W 5 10.0.3.1
	on_cli ip link del tagged
	on_srv ip link del tagged
	tool map tags
	tool map tags | grep -q '^8100a123 '
}

## coming and going

flaps() { on_srv cat "/sys/class/net/$SRV_DEV/carrier_changes"; }

# LOAD, again and again, until it has met STEP three times
meets() { # STEP LOAD...
	local step=$1 rounds=0 load

	shift
	while [ "$rounds" -lt 3 ]; do
		"$@" &
		load=$!
		while kill -0 "$load" 2>/dev/null; do
			"$step" || return
			rounds=$((rounds + 1))
		done
		wait "$load" || return
	done
	echo "$rounds times"
}

come_change_go() { attach x_pass && attach x_drop && attach x_tx && detach; }

under_load() {
	local before

	before=$(flaps)
	meets come_change_go bulk "$SRV4" 3 "$SRV6" 2 && [ "$(flaps)" = "$before" ]
}

again() { attach x_tx; }

# A queue that starts anew would lose some
replaced() {
	again && meets again back swap "60x$many" "400x$many" "1514x$many"
}

refused() { # WANT COMMAND...
	local want=$1

	shift
	! "$@" 2>"$tmp/why" && cat "$tmp/why" && grep -qE "$want" "$tmp/why"
}

attach_by_ip() { # PROGRAM
	ip -n srv link set dev "$SRV_DEV" xdpdrv off
	ip -force -n srv link set dev "$SRV_DEV" xdpdrv obj "$prog" program "$1"
}

has_mtu() { [ "$(ip -n srv -j link show dev "$SRV_DEV" | jq '.[0].mtu')" = "$1" ]; }

mtu_is_guarded() {
	attach_by_ip x_plain && has_prog "$SRV_DEV" x_plain || return
	ip -n srv link set "$SRV_DEV" mtu "$mtu_one" && has_mtu "$mtu_one" &&
		! ip -n srv link set "$SRV_DEV" mtu $((mtu_one + 1)) && has_mtu "$mtu_one" &&
		has_prog "$SRV_DEV" x_plain || return
	dmesg | tail -n 20 | grep "MTU $((mtu_one + 1)): .*at most $mtu_one" || return
	attach x_tx && ip -n srv link set "$SRV_DEV" mtu 9000 && has_mtu 9000 &&
		! attach x_plain && has_prog "$SRV_DEV" x_tx && back swap 500x20 &&
		detach && has_none "$SRV_DEV" &&
		refused "MTU 9000.* at most $mtu_one" attach_by_ip x_plain &&
		has_none "$SRV_DEV"
}

survives() { # COMMAND...
	attach x_tx && "$@" && wait_until 30 has_link srv "$SRV_DEV" &&
		wait_until 20 net_answers "$SRV4" && has_prog "$SRV_DEV" x_tx && back swap 60x32 1514x32
}

down_and_up() { ip -n srv link set "$SRV_DEV" down && ip -n srv link set "$SRV_DEV" up; }
rings() { on_srv ethtool -G "$SRV_DEV" rx "$1" tx "$1"; }
channels() { on_srv ethtool -L "$SRV_DEV" combined "$1"; }
attached_while_down() {
	detach && ip -n srv link set "$SRV_DEV" down && attach x_tx &&
		ip -n srv link set "$SRV_DEV" up
}

# Whichever allocation fails, the old configuration goes on; and what goes, goes.
no_memory() {
	local said

	channels 2 && detach || return
	# Not only allocations that may not sleep
	echo N >/sys/kernel/debug/failslab/ignore-gfp-wait
	echo 0 >/sys/kernel/debug/failslab/verbose
	said=$(tool fail "$SRV_DEV" "$prog" x_tx)
	echo Y >/sys/kernel/debug/failslab/ignore-gfp-wait
	diag "$said"
	# The rings' own are among them
	[[ $said =~ ^attach:\ [0-9]+\ allocations,\ ([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -gt 5 ] &&
		channels "$cpus" && net_works && attach x_tx && back swap 100x32
}

start_floods() {
	local from

	floods=()
	for from in "cli $CLI_DEV $srv_mac" "far veth1 $(mac srv veth0)" "far eth3 $(mac srv eth2)"; do
		# shellcheck disable=SC2086
		(exec python3 "$tests/xdp.py" flood $from 300) &
		floods+=($!)
	done
	disown -a
}

stop_floods() { kill "${floods[@]}"; }

# Everything at once: frames are sent back and redirected here from two devices,
# while what they pass is taken away and put back.
under_floods() {
	local round

	tool attach veth0 "$prog" x_redirect to "$SRV_DEV" &&
		tool attach eth2 "$prog" x_redirect to "$SRV_DEV" || return
	for round in 1 2 3; do
		echo "round $round"
		attach x_tx && rings 64 && channels 1 && attach x_redirect to eth2 &&
			channels "$cpus" && rings 256 && attach x_redirect to veth0 &&
			down_and_up && attach x_cpu cpu 1 && sleep 0.5 && detach || return
	done
	attach x_tx
}

unbound_under_floods() {
	local pci

	pci=$(basename "$(on_srv readlink -f "/sys/class/net/$SRV_DEV/device")")
	echo "$pci" >/sys/bus/pci/drivers/igb_percore/unbind &&
		echo "$pci" >/sys/bus/pci/drivers/igb_percore/bind &&
		wait_until 20 net_home "$SRV_DEV"
}

rmmod_under_floods() { rmmod igb_percore && insmod "$IGB_PERCORE" && wait_until 20 net_home eth3; }

check "the programs are built" built || finish
check "link is up" net_up || finish
defer far_down
check "the others, too" far_up || finish
srv_mac=$(mac srv "$SRV_DEV")
before=$(flaps)

check "netlink: basic, redirect, both ways, with fragments, zero-copy; time, hash, tag" \
	[ "$(on_srv python3 "$tests/xdp.py" features "$SRV_DEV")" = "6f 7" ]
check "ip link set xdpdrv" attach_by_ip x_pass
check "it is there" has_prog "$SRV_DEV" x_pass

small="60x40 61x40 255x40 257x40 777x40 1513x40 1514x40"
large="60x20 3071x10 3072x10 3073x10 6143x10 6144x10 6145x10 9013x20 9014x20"
many=600
if [ -e /sys/kernel/debug/failslab ]; then
	# Slow, with sanitizers
	small=${small//x40/x6} large=${large//x[12]0/x3} many=100
fi
for mtu in 1500 9000; do
	check "MTU $mtu" set_mtu $mtu
	sizes=$small last=1514
	[ $mtu = 1500 ] || sizes=$large last=9014
	# shellcheck disable=SC2086
	for how in swap edit cut short; do
		check "MTU $mtu: sent back: $how" sent_back $how $sizes
	done
	check "MTU $mtu: every queue has sent some" all_queues tx_xdp
	# shellcheck disable=SC2086
	{
		check "MTU $mtu: passed" passed $sizes
		check "MTU $mtu: to every CPU" all_cpus_pass $sizes
		check "MTU $mtu: redirected to another NIC" redirected eth2 far eth3 $sizes
		check "MTU $mtu: redirected to a veth" redirected veth0 far veth1 $sizes
		check "MTU $mtu: redirected from another NIC" redirected_here eth2 far eth3 $sizes
		check "MTU $mtu: redirected from a veth" redirected_here veth0 far veth1 $sizes
	}
	check "MTU $mtu: metadata reaches the stack" meta_reaches_stack $last 64
done
check "MTU 1500 again" set_mtu 1500
check "redirected here by every CPU, on its queue" sent_by_cpus
check "dropped" dropped x_drop drop
check "aborted, and traced" excepted x_aborted ABORTED
check "an action that is none, and traced" excepted x_invalid 0x4d
check "redirected to nobody" nowhere
check "all of it without losing the link" [ "$(flaps)" = "$before" ]

head -c 3000003 /dev/urandom >"$tmp/file"
check "a server in srv" bulk_up "$tmp/file"
if [ -e /sys/kernel/btf/vmlinux ]; then
	check "a program bound to the device" tool attach "$SRV_DEV" "$meta" x_info bound
	check "metadata: the hash of IPv4, and its type" hashes_known $SRV4 19
	check "metadata: the hash of IPv6, and its type" hashes_known $SRV6 "1a 1e"
	check "metadata: the VLAN tag" tag_known
else
	skip "metadata: hash and tag" "the kernel has no BTF"
fi

check "detached" detach
check "nothing is there" has_none "$SRV_DEV"
check "a file arrives under programs that come, change and go" under_load
check "no frame is lost while a program takes another's place" replaced
check "a program without fragments guards the MTU" mtu_is_guarded
check "MTU 1500 again" ip -n srv link set "$SRV_DEV" mtu 1500
check "it survives: down and up" survives down_and_up
check "it survives: rings of 64" survives rings 64
check "it survives: rings of 4096" survives rings 4096
check "it survives: one channel" survives channels 1
check "it survives: all channels" survives channels "$cpus"
check "it survives: large buffers" survives on_srv ethtool -K "$SRV_DEV" rx-all on
check "it survives: and not" survives on_srv ethtool -K "$SRV_DEV" rx-all off
check "it survives: attached while down" survives attached_while_down
[ ! -e /sys/kernel/debug/failslab ] ||
	check "an allocation that fails leaves all as it was" no_memory
check "no transmit queue was stuck" no_tx_timeout

start_floods
check "all of it under floods" under_floods
check "the NIC goes and comes back under floods" unbound_under_floods
check "the driver goes and comes back under floods" rmmod_under_floods
stop_floods
finish
