#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --long --cpus 4 --nics 2 --driver igb_percore --percore --timeout 600
#
#   cli: eth1, connections without end ==== wire ==== srv: eth0, one server
#                                                        |
#              meanwhile: CPUs go offline           worker i bound to CPU i,
#              and come back                        connections in its shard
#
# Claim: a CPU that goes offline, with connections in its shard and its worker
# bound to it, and comes back, makes none fail, none be lost or accepted twice,
# and strands none.
#
# usage: hotplug.sh [ROUNDS]     times each CPU goes and comes (1, with LONG 20)
lib=$(dirname "$0")/../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/net/percore/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/net/percore/under_load.lib.sh
. "$(dirname "$0")/under_load.lib.sh"

rounds=${1:-$(times 1 20)}
need_root
need_programs
need_module
last=$(($(nproc) - 1))
cpus=/sys/devices/system/cpu
[ -w "$cpus/cpu$last/online" ] || skip_all "CPUs cannot go offline"

all_online() {
	local cpu

	for ((cpu = 1; cpu <= last; cpu++)); do
		[ "$(<"$cpus/cpu$cpu/online")" = 1 ] || echo 1 >"$cpus/cpu$cpu/online"
	done
}
defer all_online
under_load_setup

goes_and_comes() { # CPU
	echo 0 >"$cpus/cpu$1/online" && flows && echo 1 >"$cpus/cpu$1/online" && flows
}

each_cpu() { # MODE
	local cpu round

	start "$1" -c "$(seq -s, 0 "$last")" && flows 60 || return
	for ((round = 0; round < rounds; round++)); do
		for ((cpu = 1; cpu <= last; cpu++)); do
			goes_and_comes "$cpu" || return
		done
	done
}

# CPU 0 is alone for a while.
all_but_one() { # MODE
	local cpu

	start "$1" -c "$(seq -s, 0 "$last")" && flows 60 || return
	for ((cpu = 1; cpu <= last; cpu++)); do
		echo 0 >"$cpus/cpu$cpu/online" && flows || return
	done
	all_online
	flows
}

for mode in lt excl block et oneshot poll go; do
	check "$mode: each CPU goes offline and comes back" each_cpu "$mode"
	check "$mode: none failed, lost or accepted twice" stop
done
for mode in excl block; do
	check "$mode: CPU 0 alone, then all again" all_but_one "$mode"
	check "$mode: none failed, lost or accepted twice" stop
done

## connections that wait in the shard of a CPU that goes

waiting() { [ "$(on_srv ss -Hltn 'sport = :8000' | awk '{ print $2 }')" = "$1" ]; }

pending() { # MODE
	local cpu

	serve "$tmp/server" -a "$SRV4" -m "$1" -w 4 -c "$(seq -s, 0 "$last")" &&
		on_cli "$here/conns" dial -a "$SRV4" -n 200 &&
		kill -STOP "$server" || return
	start_client -n 300 -t 300
	wait_until 60 waiting 300 || return
	for ((cpu = 1; cpu <= last; cpu++)); do
		echo 0 >"$cpus/cpu$cpu/online" && waiting 300 || return
	done
	kill -CONT "$server"
	wait "$client"
}

for mode in lt block; do
	check "300 connections that wait for $mode live through it" pending "$mode"
	kill -CONT "$server"
	all_online
	served >/dev/null
done

check "the kernel's log is clean" log_clean
finish
