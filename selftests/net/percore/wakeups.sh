#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --cpus 4 --nics 0 --driver none --percore --timeout 900
# here: any
#
#   lo: one thread, bursts of 1 to 4 ==== srv ==== one sharded listener,
#        | connect, connect ...,       |            a worker on each CPU
#        '-- until all of these        '-- asleep, without a timeout, whenever
#            have been served              there is nothing to accept
#
#   RPS spreads the connections over all CPUs, and so over all shards.
#
# Claim: no wake-up is lost, in whatever way the workers wait. Nobody has a
# timeout, and a burst begins when the one before it is over, so that a worker
# that is not woken for the last connection of one is not woken by another: the
# client would stand still. With listen_steal_us at a second, the shard's
# timer comes to the rescue only after that time: nobody may have waited so long.
# Nor does anybody starve with fewer workers than CPUs, with more, or with one.
#
# usage: wakeups.sh [N]    connections of each way to wait (100; with LONG
#                          100,000), and as many again with listen_steal_us at a
#                          second
lib=$(dirname "$0")/../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/net/percore/lib.sh
. "$(dirname "$0")/lib.sh"

total=${1:-$(times 100 100000)}
need_root
need_programs
need_module
tmp=$(mktemp -d)
defer rm -rf "$tmp"
check "loopback is up" lo_up || finish
last=$(($(nproc) - 1))
default=$(knob listen_steal_us)
cpus=$(seq -s, 0 $last)

# Over loopback all would be of the client's CPU.
spread() {
	# shellcheck disable=SC2016
	on_srv sh -c 'printf "%x" $0 >/sys/class/net/lo/queues/rx-0/rps_cpus' \
		$(((2 << last) - 1))
}
check "connections are spread over $((last + 1)) CPUs" spread || finish

wave() { # N STEAL_US MODE [SERVE-ARG...]: a worker on each CPU if none
	local status spilled longest=1000000 pinned=1

	on_srv sysctl -qw net.percore.listen_steal_us="$2"
	[ $# = 3 ] || pinned='' longest=2250000
	[ -z "$pinned" ] || set -- "$@" -w $((last + 1)) -c "$cpus"
	serve "$tmp/server" -m "${@:3}" || return
	spilled=$(counter Spilled on_srv)
	on_srv "$here/conns" dial -n "$1" -t 1 -r >"$tmp/client" 2>&1
	status=$?
	cores=$(cores_used 8000)
	spilled=$(($(counter Spilled on_srv) - spilled))
	served
	cat "$tmp/client" "$tmp/server"
	diag "${*:3}, listen_steal_us $2: spilled=$spilled" \
		"$(grep -h = "$tmp/server" "$tmp/client" | xargs)"
	[ "$status" = 0 ] && accounted "$1" &&
		{ [ -z "$pinned" ] || [ "$cores" = $((last + 1)) ]; } &&
		[ "$(value wait_us_max "$tmp/server")" -lt "$longest" ]
}

for mode in block lt et oneshot excl poll go uring multi; do
	check "$mode: $total connections, all served" wave "$total" "$default" "$mode"
	check "$mode: the same without the timer" wave "$total" 1000000 "$mode"
done
# Two periods and a quarter are the most by which the timer is late.
for mode in lt block; do
	for workers in 1 2 $((3 * last + 3)); do
		check "$mode: $workers workers that nobody pinned" \
			wave "$total" 1000000 "$mode" -w "$workers"
	done
done
finish
