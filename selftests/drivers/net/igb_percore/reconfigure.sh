#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --cpus 4 --nics 2 --driver igb_percore --percore --timeout 300
#
#   cli: eth1, 2 x talk.py ==== wire ==== srv: eth0, talk.py echo
#                                              ^
#                                 reconfigure.py: -G -L -C -Q -K -X -N -A, MTU,
#                                 XDP programs come and go, sometimes eth0 does
#
# Claim: no change of rings leaves waiting what waits for them. Settings changed at
# random under traffic, valid ones and others, are what was asked for or what they
# were, and no other changes with them; every byte of two connections that live
# through all of it arrives; no queue gets stuck, and the MAC is never reset.
# The frames of who has chosen a queue once and for all are dropped while it is gone.
#
# usage: reconfigure.sh [SECONDS [SEED]]     (40, with LONG 1800)
lib=$(dirname "$0")/../../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/drivers/net/igb_percore/lib.sh
. "$(dirname "$0")/lib.sh"

seconds=${1:-$(times 40 1800)}
seed=${2:-$RANDOM}
need ethtool ip jq ping python3 taskset
tmp=$(mktemp -d)
defer rm -rf "$tmp"

check "link is up" net_up || finish
for ns in srv cli; do ip netns exec $ns sysctl -qw net.ipv4.tcp_retries2=30; done
on_srv python3 "$tests/talk.py" echo &
check "a server listens" wait_until 30 serving srv 7002

# Each on a CPU, and so a queue, of its own
shouted() {
	local cpu pids=() failed=0 n

	for ((cpu = 0; cpu < $(nproc); cpu++)); do
		ip netns exec srv taskset -c "$cpu" python3 "$tests/talk.py" shout "$CLI4" \
			>"$tmp/shout.$cpu" 2>&1 &
		pids+=($!)
	done
	sleep 2
	for ((n = 0; n < 10; n++)); do
		on_srv ethtool -G "$SRV_DEV" tx $((512 >> n % 2)) || failed=1
		sleep 0.5
	done
	sleep 6
	for n in "${pids[@]}"; do
		kill -TERM "$n"
		wait "$n" || failed=1
	done
	cat "$tmp"/shout.*
	return "$failed"
}

check "rings change, and what waits to be sent is sent" shouted
talkers=()
for address in $SRV4 $SRV6; do
	ip netns exec cli python3 "$tests/talk.py" talk "$address" >"$tmp/talk.${#talkers[@]}" 2>&1 &
	talkers+=($!)
done

# Beside the settings, at its own pace
programs() {
	local n

	for ((n = 0; ; n++)); do
		case $((n % 4)) in
		0) "$tests/xdp_tool" attach "$SRV_DEV" "$tests/xdp_prog.bpf.o" x_pass ;;
		1) "$tests/xdp_tool" detach "$SRV_DEV" ;;
		3) ip -n srv link set "$SRV_DEV" down && ip -n srv addr replace "$SRV6/64" dev "$SRV_DEV" nodad
			ip -n srv link set "$SRV_DEV" up
			ip -n srv addr replace "$SRV6/64" dev "$SRV_DEV" nodad ;;
		esac
		read -rt 1.7 _ <>"$tmp/never"
	done
}

reconfigured() {
	local status

	mkfifo "$tmp/never"
	export -f programs
	SRV_DEV=$SRV_DEV SRV6=$SRV6 tests=$tests tmp=$tmp on_srv bash -c programs >"$tmp/programs" 2>&1 &
	programs=$!
	on_srv python3 "$tests/reconfigure.py" "$SRV_DEV" cli "$CLI_DEV" "$seconds" "$seed" >"$tmp/changes"
	status=$?
	kill "$programs"
	wait "$programs" 2>/dev/null
	cat "$tmp/changes"
	return "$status"
}

went_on() {
	local i failed=0

	for i in "${!talkers[@]}"; do
		kill -TERM "${talkers[i]}"
		wait "${talkers[i]}" || failed=1
		cat "$tmp/talk.$i"
	done
	return "$failed"
}

## pktgen, which chooses a queue once for a million frames

pktgen() { # FILE COMMAND...
	local command

	for command in "${@:2}"; do
		on_srv bash -c "echo $command >/proc/net/pktgen/$1" || return
	done
}

sends_on_the_last() {
	pktgen kpktgend_0 rem_device_all "add_device $SRV_DEV" &&
		pktgen "$SRV_DEV" "count 0" "clone_skb 1000000" "delay 200000" "pkt_size 60" \
			"queue_map_min $last" "queue_map_max $last" "dst 10.0.0.99" \
			"dst_mac 52:54:00:00:09:09" || return
	on_srv bash -c 'echo start >/proc/net/pktgen/pgctrl' &
	sender=$!
	wait_until 20 sent_are 100
}

sent_on_last() { counter srv "$SRV_DEV" "pair${last}_tx_packets"; }
sent_are() { [ "$(sent_on_last)" -gt "$1" ]; }
dropped() { on_srv cat "/sys/class/net/$SRV_DEV/statistics/tx_dropped"; }
dropped_are() { [ "$(dropped)" -gt "$1" ]; }

# More than a ring holds
queue_goes() {
	local before

	before=$(dropped)
	on_srv ethtool -L "$SRV_DEV" combined 1 && wait_until 20 dropped_are $((before + 1000)) &&
		net_works
}

queue_comes() {
	on_srv ethtool -L "$SRV_DEV" combined $((last + 1)) && wait_until 20 sent_are $(($(sent_on_last) + 100))
}

stays_with_its_queue() {
	last=$(($(nproc) - 1))
	modprobe -q pktgen || { skip "a sender that stays with its queue" "the kernel has no pktgen" && return; }
	check "a sender stays with its queue" sends_on_the_last
	check "which goes: what it sends is dropped" queue_goes
	check "which comes: it is sent again" queue_comes
	pktgen pgctrl stop
	wait "$sender"
	modprobe -r pktgen
}

stays_with_its_queue
check "seed $seed: $seconds s of changes" reconfigured
diag "$(cat "$tmp/changes")"
on_srv "$tests/xdp_tool" detach "$SRV_DEV" 2>/dev/null
check "the network is there" net_works
check "every byte arrived" went_on
diag "$(cat "$tmp"/talk.*)"
check "no queue was stuck, and the MAC never reset" no_tx_timeout
finish
