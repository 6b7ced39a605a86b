# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154
# What the tests of TCP small queues share; after tap.sh, net.sh and lib.sh.
#
#   need_flows               the traffic program, or fail
#   tsq_network              net_up with one transmit queue
#   set_bounds MIN MAX       in srv, or in init_net while there is no srv
#   start_load FLOWS [RATE]  flows, each paced to RATE bytes/s, from srv to cli, for minutes
#   start_more FLOWS         the same, beside
#   stop_load
#   shape RATE, unshape      tbf on srv's device
#   tsq_is JQ NETNS          of its queue; sockets_are JQ [NETNS]
#   shifts_are JQ            all frames of TCP in a moment had such a shift, and
#                            there were some; as jq has it after the dot

flows=$top/tools/bench/flows
loads=()

need_flows() {
	make -s -C "${flows%/*}" flows >&2 || {
		not_ok "the traffic program builds"
		finish
	}
	tmp=$(mktemp -d)
	defer rm -rf "$tmp"
	defer stop_load
}

tsq_network() {
	check "link is up" net_up || finish
	on_srv ethtool -L "$SRV_DEV" combined 1
	on_cli ethtool -L "$CLI_DEV" combined 1
	on_srv ethtool -C "$SRV_DEV" rx-usecs 0
	wait_until 20 has_link srv "$SRV_DEV"
	wait_until 20 net_answers "$SRV4"
	on_srv sysctl -qw net.ipv4.tcp_no_metrics_save=1
	turn_on
	on_cli "$flows" sink 7000 >"$tmp/sink" &
	loads+=($!)
	wait_until 10 grep -q listening "$tmp/sink"
}

# For srv alone
turn_on() {
	on_cli sysctl -qw net.percore.tsq=0 && on_srv sysctl -qw net.percore.tsq=1
}

# Writes VALUE to net.percore.NAME; EINVAL, and all knobs are as they were.
refuses() { # NAME VALUE
	local before after

	before=$(cat "$knobs"/*)
	# shellcheck disable=SC2016
	LC_ALL=C bash -c 'printf "%s" "$2" >"$1"' - "$knobs/$1" "$2" 2>"$tmp/err" &&
		echo "$2 was taken" && return 1
	after=$(cat "$knobs"/*)
	cat "$tmp/err"
	grep -q 'Invalid argument' "$tmp/err" && [ "$before" = "$after" ]
}

takes() { knob "$1" "$2" && [ "$(knob "$1")" = "$2" ]; }

# One bound is the limit of the other: the lower first to its least.
# shellcheck disable=SC2016
set_bounds() {
	local netns

	for netns in '' srv; do
		${netns:+ip netns exec $netns} sh -c 'cd "$1" &&
			echo 50 >tsq_min_us && echo "$3" >tsq_max_us &&
			echo "$2" >tsq_min_us' - "$knobs" "$1" "$2" || return
	done
}

copied() {
	local name

	for name in tsq tsq_min_us tsq_max_us; do
		[ "$(knob $name)" = "$(ip netns exec "$1" cat "$knobs/$name")" ] || return
	done
}

start_more() {
	on_srv "$flows" load "$CLI4" 7000 "$1" cubic 0 600000 ${2:+$2} \
		>/dev/null 2>"$tmp/load" &
	loads+=($!)
	wait_until 20 established "$1"
}

start_load() { start_more "$@"; }

established() { [ "$(on_srv ss -tnH state established dport = :7000 | wc -l)" -ge "$1" ]; }

no_sockets() { [ -z "$(on_srv ss -tnH dport = :7000)" ]; }

# All but the sink, which is the first
stop_load() {
	local pid

	for pid in "${loads[@]:1}"; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	loads=("${loads[@]:0:1}")
	on_srv ss -K dport = :7000 >/dev/null 2>&1
	wait_until 20 no_sockets
}

shape() { on_srv tc qdisc replace dev "$SRV_DEV" root tbf rate "$1" burst 128kb limit 8mb; }

unshape() { on_srv tc qdisc del dev "$SRV_DEV" root; }

queue_of() { ip netns exec "$1" "$PERCORECTL" tsq --json | jq ".[] | select(.queue == 0)"; }

tsq_is() {
	local queue

	queue=$(queue_of "$2")
	echo "$queue"
	jq -e "$1" <<<"$queue" >/dev/null
}

table_has() { on_srv "$PERCORECTL" tsq | tee /dev/stderr | grep -qE "^$SRV_DEV +0 .* $1 +[0-9]+ *$"; }

sockets_are() {
	local got

	got=$(${2:+ip netns exec $2} "$PERCORECTL" status --json | jq .tsq_sockets)
	echo "want $1, got $got"
	jq -en "$got $1" >/dev/null
}

# For a while
stays_at() {
	wait_until 20 sockets_are "$1" srv || return
	for _ in 1 2 3 4; do
		sleep 0.5
		sockets_are "$1" srv || return
	done
}

if "$here/shift.py" --can; then
	shifts_are() {
		"$here/shift.py" 0.5 | tee /dev/stderr | awk -v all=1 "{ n++; if (!(\$1 $1)) all = 0 }
			END { exit !(n && all) }"
	}
else
	diag "this kernel has no BTF: what TCP itself sees is not looked at"
	shifts_are() { true; }
fi

acked() {
	on_srv ss -tinH dport = :7000 | grep -oE 'bytes_acked:[0-9]+' | cut -d: -f2 |
		awk '{ sum += $1 } END { print sum + 0 }'
}

moves() {
	local was now

	was=$(acked)
	sleep 1
	now=$(acked)
	echo "$was, then $now"
	[ "$now" -gt "$was" ]
}

bounce() {
	on_srv ip link set "$SRV_DEV" down && on_srv ip link set "$SRV_DEV" up &&
		wait_until 30 has_link srv "$SRV_DEV"
}

tracing=/sys/kernel/tracing

trace_on() {
	mount -t tracefs tracefs $tracing 2>/dev/null
	echo >$tracing/trace
	echo 1 >$tracing/events/percore/percore_tsq/enable
}

# PATTERN: a change of our queue that ends so
traced() {
	echo 0 >$tracing/events/percore/percore_tsq/enable
	grep percore_tsq: $tracing/trace
	grep -qE "percore_tsq: dev=$SRV_DEV ifindex=[0-9]+ queue=0 delay_ewma_ns=[0-9]+ delay_p95_ns=[0-9]+ target_us=[0-9]+ $1$" \
		$tracing/trace
}
