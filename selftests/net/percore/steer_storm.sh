#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --long --cpus 4 --nics 2 --driver igb_percore --percore --timeout 600
# here: no, it steers every NIC of the machine
#
#   cli: eth1 ==== wire ==== srv: eth0       net.percore.steer: 1, 0, 1, 0 ...
#        connections       interrupts, XPS, RPS
#        without end         ^
#                            '--- somebody else, who writes to all of it
#
# Claim: on and off again and again under traffic and somebody else's writes
# breaks no connection, what he writes is set again while it is on, and nothing
# of the plan is left when it is off.
#
# usage: steer_storm.sh [ROUNDS]     times on and off (50, with LONG 1000)
lib=$(dirname "$0")/../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/net/percore/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/net/percore/steer.lib.sh
. "$(dirname "$0")/steer.lib.sh"

rounds=${1:-$(times 50 1000)}
need_root
need_programs
need_module
[ -n "$PERCORECTL" ] || skip_all "no percorectl"
tmp=$(mktemp -d)
defer rm -rf "$tmp"
in_ns() { on_srv "$@"; }
check "link is up" net_up || finish

# Values that no plan has; each setting is written at least once
somebody() { # FILE
	local irq file all=e n

	for ((n = 0; ; n++)); do
		for irq in $irqs; do echo "$all" >"/proc/irq/$irq/smp_affinity"; done
		for file in $files; do
			case $file in
			*flow_cnt) ;;
			*) echo "$all" >"$file" ;;
			esac
		done
		[ "$n" -gt 0 ] || touch "$1"
		case $all in e) all=7 ;; *) all=e ;; esac
	done
}

# What is left is one of the values of somebody
nothing_of_ours() {
	state "$SRV_DEV" | grep -E 'irq|rps_cpus|xps_cpus' >"$tmp/left" &&
		! grep -vE ' 0*[e7]$' "$tmp/left"
}

under_fire() {
	local n

	irqs=$(irqs_of "$SRV_DEV")
	files=$(queue_files "$SRV_DEV")
	export -f somebody
	# shellcheck disable=SC2016
	irqs=$irqs files=$files ip netns exec srv bash -c 'somebody "$0"' "$tmp/wrote" 2>/dev/null &
	writer=$!
	wait_until 20 test -e "$tmp/wrote" || return
	serve "$tmp/server" -a "$SRV4" -m lt -w 4 || return
	(exec ip netns exec cli "$here/conns" dial -a "$SRV4" -s 3600 -t 4) >"$tmp/client" 2>&1 &
	client=$!
	for ((n = 0; n < rounds; n++)); do
		steer 1 && steer 0 || return
		[ $((n % 100)) != 99 ] || diag "$((n + 1)) times"
	done
}

no_connection_lost() {
	local status

	kill -TERM "$client"
	wait "$client"
	status=$?
	served
	cat "$tmp/client" "$tmp/server"
	[ "$status" = 0 ] && [ "$(value answered "$tmp/client")" -gt 0 ] &&
		[ "$(value failed "$tmp/client")" = 0 ]
}

has_healed() { [ "$(healed "$SRV_DEV")" -gt 0 ]; }

writer_ends() {
	kill "$writer"
	wait "$writer" 2>/dev/null
	true
}

check "steer on and off $rounds times" under_fire
check "no connection failed" no_connection_lost
check "steer=1 while somebody writes" steer 1
check "what he writes is set again" wait_until 5 has_healed
check "somebody stops" writer_ends
check "it heals at last" agree_soon "$SRV_DEV"
steer 0
check "steer=0 leaves what he had written" nothing_of_ours
finish
