#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --cpus 4 --nics 2 --driver igb_percore --percore --timeout 600
# here: no, it steers every NIC of the machine
#
#   cli: eth1 ==== wire ==== srv: eth0       percorectl plan, apply, revert, ports
#          interrupts, XPS, RPS, RSS table   net.percore.steer
#                    ^
#                    '--- somebody else, who writes to all of it
#
# Claim: what a plan sets is set as a whole, seen to be, and set again within
# about a second after somebody else, ethtool -L, a CPU or the link changed it;
# revert, steer=0 and rmmod put back exactly what was there; bad input is refused
# in one line. Under a kernel with fault injection also: whichever allocation
# fails, all is as it was. steer_storm.sh has it under traffic.
lib=$(dirname "$0")/../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/net/percore/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/net/percore/steer.lib.sh
. "$(dirname "$0")/steer.lib.sh"

need_root
need_module
[ -n "$PERCORECTL" ] || skip_all "no percorectl"
tmp=$(mktemp -d)
defer rm -rf "$tmp"

## bad input

as_nobody() { setpriv --reuid 65534 --clear-groups "$@"; }

no_knob() { sysctl -qw "net.percore.steer=$1"; grep -qx 0 "$steer_knob"; }

check "steer is off by default" grep -qx 0 $steer_knob
for value in 2 -1 x 256; do
	check "steer=$value is refused" no_knob $value 2>/dev/null
done
check "apply of what is no NIC" refused 1 "lo is not a NIC" ctl apply lo
check "plan of what is no NIC" refused 1 "lo is not a NIC" ctl plan lo
check "apply of what is not there" refused 1 "no interface 'nope'" ctl apply nope
check "apply of what is down" refused 1 "$SRV_DEV is down" ctl apply "$SRV_DEV"
check "revert of what was not applied" refused 1 "is not steered" ctl revert "$SRV_DEV"
check "plan is for anybody" as_nobody "$PERCORECTL" plan "$SRV_DEV"
check "apply is not" refused 4 "not permitted" as_nobody "$PERCORECTL" apply "$SRV_DEV"
check "revert is not" refused 4 "not permitted" as_nobody "$PERCORECTL" revert "$SRV_DEV"

## in the initial namespace

ip link set "$SRV_DEV" up
ip link set "$CLI_DEV" up
wait_until 20 agree "$SRV_DEV" "$CLI_DEV"
steer_tests "$SRV_DEV" "$CLI_DEV"
channel_tests "$SRV_DEV"

## out of memory

no_memory() {
	local paths irq status

	# Not only allocations that may not sleep
	echo N >/sys/kernel/debug/failslab/ignore-gfp-wait
	mapfile -t paths < <(queue_files "$SRV_DEV")
	for irq in $(irqs_of "$SRV_DEV"); do paths+=("/proc/irq/$irq/smp_affinity"); done
	scramble "$SRV_DEV" && python3 "$here/steer_fail.py" "$SRV_DEV" "${paths[@]}" >"$tmp/fail"
	status=$?
	cat "$tmp/fail"
	echo Y >/sys/kernel/debug/failslab/ignore-gfp-wait
	ethtool -X "$SRV_DEV" default
	return "$status"
}

if [ -e /sys/kernel/debug/failslab ]; then
	check "an allocation that fails: all or nothing" no_memory &&
		diag "$(<"$tmp/fail")"
fi

## in others

comes_home() {
	ip -n srv link set "$SRV_DEV" netns 1 && ip link set "$SRV_DEV" up
}

check "both NICs move to their namespaces" net_up || finish
check "which have no such knob" on_srv test ! -e $steer_knob
in_ns() { on_srv "$@"; }
check "steer=1 reaches a NIC there" on
in_ns() { "$@"; }
check "one that comes home is steered there" then_agree comes_home
check "steer=0" steer 0
finish
