#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --cpus 2 --driver igb_percore --timeout 400
# here: no, it unloads the driver
#
#   cli: eth1 ==== PTP over Ethernet ==== srv: eth0 <-- /dev/ptpN, SIOCSHWTSTAMP
#                                                       ptp.py
#
# Claim: the clock of the NIC moves, is set, shifted and slewed to what was asked;
# each frame gets its own timestamp or is counted as one that got none, sent alone,
# at once or from several CPUs; the configuration answers what it does, and refuses
# what it does not. Clock and configuration outlive rings, down and up, a reset and
# sleep; and the driver goes while an application asks for both.
#
# QEMU's 82576 has no filter for PTP over UDP, and of event messages stamps only
# the kind that TSYNCRXCFG names. What other devices are told is in ptp_test.c.
lib=$(dirname "$0")/../../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/drivers/net/igb_percore/lib.sh
. "$(dirname "$0")/lib.sh"

need ethtool python3 tc
tmp=$(mktemp -d)
defer rm -rf "$tmp"
srv=srv:$SRV_DEV
l2_sync=10 l2_delay_req=11

ptp() { # COMMAND [ARG...]: of srv's NIC
	local command=$1

	shift
	python3 "$tests/ptp.py" "$command" "$srv" "$@"
}

receives() { ptp receive "cli:$CLI_DEV" "$@"; }

config_is() { # TX RX
	echo "configuration: $(ptp get), wanted: $*"
	[ "$(ptp get)" = "$*" ]
}

capabilities() {
	on_srv ethtool -T "$SRV_DEV" | tee "$tmp/info" >&2
	grep -q hardware-transmit "$tmp/info" && grep -q hardware-receive "$tmp/info" &&
		grep -q "PTP Hardware Clock: [0-9]" "$tmp/info" &&
		grep -q ptpv2-l2-event "$tmp/info" && grep -q software-transmit "$tmp/info"
}

refusals_explained() {
	dmesg | grep "rx filter 1: only PTP" && dmesg | grep "rx filter 12: the device has none for UDP" &&
		dmesg | grep "tx type 2: only off and on"
}

## sending

skipped=0
burst() { # FRAMES [HOW]: sets how many got a timestamp, and how many in all did not
	local got

	got=$(ptp "${2:-burst}" "$1") || return
	echo "${2:-burst} of $1: $got"
	stamped=${got% *}
	skipped=$((skipped + ${got#* }))
}

in_a_row() { burst 64 row && [ "$skipped" = 0 ]; }

# netem lets go of all of them together, for the driver to make batches of
at_once() {
	on_srv tc qdisc replace dev "$SRV_DEV" root netem delay 100ms slot 300ms 300ms &&
		burst 40 && [ "$stamped" -gt 0 ] && [ "$skipped" -gt 0 ]
	local status=$?
	on_srv tc qdisc del dev "$SRV_DEV" root
	return "$status"
}

skipped_counted() {
	echo "skipped: $(counter srv "$SRV_DEV" tx_hwtstamp_skipped), wanted: $skipped"
	[ "$(counter srv "$SRV_DEV" tx_hwtstamp_skipped)" = "$skipped" ] &&
		[[ $(ptp stats) = *" 0 $skipped" ]]
}

## receiving

cleared() { counter srv "$SRV_DEV" rx_hwtstamp_cleared; }
cleared_one() { [ "$(cleared)" = 1 ]; }

stray_cleared() {
	ptp stray "cli:$CLI_DEV" && wait_until 10 cleared_one
}

rule_keeps_mark() {
	on_srv ethtool -N "$SRV_DEV" flow-type ether proto 0x88f7 queue 1 &&
		[ "$(register srv "$SRV_DEV" 0x5cb0)" = 0xc40188f7 ] &&
		receives sync 1 &&
		on_srv ethtool -N "$SRV_DEV" delete 8 &&
		receives sync 1
}

program_sees() {
	on_srv "$tests/xdp_tool" attach "$SRV_DEV" "$tests/xdp_meta.bpf.o" x_info bound &&
		receives announce 0 && [ -z "$(on_srv "$tests/xdp_tool" map stamps)" ] &&
		receives sync 1 && on_srv "$tests/xdp_tool" map stamps &&
		[ -n "$(on_srv "$tests/xdp_tool" map stamps)" ] &&
		on_srv "$tests/xdp_tool" detach "$SRV_DEV"
}

## what it outlives

goes_on() { # TOLERANCE_MS
	# shellcheck disable=SC2046
	wait_until 30 has_link srv "$SRV_DEV" &&
		ptp goes_on "cli:$CLI_DEV" $(<"$tmp/mark") "$1"
}

outlives() { # TOLERANCE_MS NAME COMMAND...
	local tolerance=$1 name=$2

	shift 2
	ptp mark 0 >"$tmp/mark"
	check "$name" "$@"
	check "$name: clock and timestamps go on" goes_on "$tolerance"
}

down_up() {
	ip -n srv link set "$SRV_DEV" down && ip -n srv link set "$SRV_DEV" up &&
		wait_until 30 has_link srv "$SRV_DEV"
}

reset() { echo 1 >"$pci/reset" && wait_until 30 has_link srv "$SRV_DEV"; }

asleep() { [ "$(<"$pci/power/runtime_status")" = suspended ]; }
awake() { [ "$(<"$pci/power/runtime_status")" = active ]; }

sleeps() {
	ip -n srv link set "$SRV_DEV" down
	echo 200 >"$pci/power/autosuspend_delay_ms"
	echo auto >"$pci/power/control"
	! wait_until 2 asleep && ptp set 0 0 && wait_until 10 asleep
}

answers_asleep() {
	local srv

	srv=srv:$SRV_DEV:$(basename "$pci"/ptp/ptp*)
	# shellcheck disable=SC2046
	ptp since $(<"$tmp/mark") 50 && asleep && ptp settime 1000000 &&
		ptp is 1000000 && asleep
}

woken() {
	ptp set 1 "$l2_sync" && wait_until 5 awake && ptp is 1000000 &&
		ip -n srv link set "$SRV_DEV" up && wait_until 30 has_link srv "$SRV_DEV" &&
		ptp is 1000000 && ptp send 3 && receives sync 1
	local status=$?

	echo on >"$pci/power/control"
	return "$status"
}

## the driver goes

storm() {
	ptp storm >"$tmp/storm" 2>&1 &
	storm=$!
	ptp storm >"$tmp/storm2" 2>&1 &
	storm2=$!
	ip netns exec cli ping -f -q -s 1400 "$SRV4" >"$tmp/ping" 2>&1 &
	ping=$!
	wait_until 30 grep -q ready "$tmp/storm" && wait_until 30 grep -q ready "$tmp/storm2"
}

busy() {
	wait_until 60 grep -q busy "$tmp/storm" && wait_until 60 grep -q busy "$tmp/storm2"
}

applications_told() {
	wait "$storm" && wait "$storm2" && cat "$tmp/storm" "$tmp/storm2" && return
	cat "$tmp/storm" "$tmp/storm2"
	return 1
}

stamps_again() { ptp set 1 "$l2_sync" && ptp send 3 && receives sync 1; }

check "link is up" net_up || finish
pci=$(on_srv readlink -f "/sys/class/net/$SRV_DEV/device")
check "ethtool -T says what there is" capabilities
check "the clock moves, and is adjusted" ptp clock
check "at first nothing is stamped" config_is 0 0
check "nothing that is sent" ptp lose 1
check "nothing that is received" receives sync 0
check "each filter is widened, or refused" ptp filters
check "the kernel's log says why" refusals_explained

check "timestamps on" ptp set 1 $l2_sync
check "frames one after another get theirs" ptp send 50
check "frames in a row get theirs, none is skipped" in_a_row
check "of frames at once some do" at_once
check "the others are counted" skipped_counted
check "from two CPUs, each gets its own" ptp race 100
check "a sync that comes gets one" receives sync 1
check "an announce gets none" receives announce 0
check "a timestamp that nobody fetches is cleared" stray_cleared
check "and the next sync gets one" receives sync 1
check "a steering rule leaves the mark" rule_keeps_mark
if [ -e "$tests/xdp_meta.bpf.o" ] && [ -e /sys/kernel/btf/vmlinux ]; then
	check "XDP programs see it, and the stack" program_sees
else
	skip "XDP programs see it, and the stack" "no program, or a kernel without BTF"
fi
check "delay requests on" ptp set 1 $l2_delay_req
check "a delay request that comes gets one" receives delay_req 1
check "two clocks meet by messages between them" ptp meet "cli:$CLI_DEV"

check "syncs on" ptp set 1 $l2_sync
outlives 5 "ethtool -G" on_srv ethtool -G "$SRV_DEV" rx 512 tx 512
outlives 5 "link down and up" down_up
outlives 20 "a reset" reset
outlives 20 "a MAC reset, by the self-test" on_srv ethtool -t "$SRV_DEV" offline
ptp mark 200000 >"$tmp/mark"
check "the frequency, too" reset
check "the frequency, too: it is" ptp rate 200000
ptp mark 0 >"$tmp/mark"
check "closed it sleeps, but not with timestamps on" sleeps
check "asleep the clock answers, and is set" answers_asleep
check "timestamps on wake it" woken

check "applications ask, under traffic" storm
check "they get timestamps" busy
check "rmmod igb_percore" rmmod igb_percore
check "they are told" applications_told
kill "$ping" 2>/dev/null
check "insmod igb_percore" insmod "$IGB_PERCORE"
check "the network is there" net_again
check "the clock is new" config_is 0 0
check "timestamps, too" stamps_again
check "no transmit queue was stuck" no_tx_timeout
finish
