#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --long --own --cpus 4 --nics 2 --driver igb_percore --percore --timeout 900
# here: igb_percore
#
#   cli: eth1, 32 threads ==== wire ==== srv: eth0, queue i on CPU i
#                                             |
#        N connections, each             one listener, 4 workers, worker i
#        with an id of its own           pinned to CPU i, no SO_REUSEPORT
#
# Claim: of many short connections through an ordinary server none fails, none
# is lost, none is accepted twice, and nobody sleeps while one waits, whatever
# way the workers wait; most are accepted on the core that handled their SYN;
# and one worker alone serves the shards of all cores.
#
# usage: storm.sh [--lo] [--stock] [N]
#   --lo      over loopback in one namespace, without NICs
#   --stock   without percore, to see what the unmodified kernel does
#   N         connections of the first storm (40000, with LONG a million), the
#             others have fewer
#
# An emulated processor runs some fifty times slower than the clock that
# net.percore.listen_steal_us is measured by, so that a worker that is about to
# come looks like one that does not: there, the share of local connections is
# asserted with that bound stretched, and shown for the default.
lib=$(dirname "$0")/../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/net/percore/lib.sh
. "$(dirname "$0")/lib.sh"

lo='' stock='' total=$(times 40000 1000000)
for arg; do
	case $arg in
	--lo) lo=1 ;;
	--stock) stock=1 ;;
	[1-9]*) total=$arg ;;
	*) skip_all "usage: storm.sh [--lo] [--stock] [N]" ;;
	esac
done

need_root
need_programs
[ -n "$stock" ] || need_module

tmp=$(mktemp -d)
defer rm -rf "$tmp"

if [ -n "$lo" ]; then
	check "loopback is up" lo_up || finish
else
	check "link is up" net_up || finish
	align srv "$SRV_DEV" 2>/dev/null
	align cli "$CLI_DEV" 2>/dev/null
fi
on_srv sysctl -qw net.core.somaxconn=4096
on_cli sysctl -qw net.ipv4.ip_local_port_range="1024 65535"

last=$(($(nproc) - 1))
[ $last -lt 3 ] || last=3
cpus=$(seq -s, 0 $last)
all=$((last + 1))

# A connection that nobody takes shows here, and where it waits.
show_state() {
	on_srv ss -ltnm
	[ -n "$stock" ] || on_srv "$PERCORECTL" listeners
	cat "$tmp/server"
}

storm() { # N CONNS-SERVE-ARG...
	local n=$1 status

	shift
	serve "$tmp/server" -a "$SRV4" "$@" || return
	on_cli "$here/conns" dial -a "$SRV4" -n "$n" >"$tmp/client" 2>&1
	status=$?
	cat "$tmp/client"
	[ "$status" -eq 0 ] || show_state
	[ -n "$stock" ] || cores=$(cores_used 8000)
	served
	cat "$tmp/server"
	[ "$status" -eq 0 ] && accounted "$n"
}

# NAME N LOCAL ARG...: LOCAL is the percentage that has to be local, or -
try() {
	local name=$1 n=$2 want=$3 got

	shift 3
	cores=0
	check "$name: $n connections, none failed, lost or accepted twice" \
		storm "$n" "$@" &&
		diag "$(grep '=' "$tmp/server") $(cat "$tmp/client")"
	[ -z "$stock" ] || return
	if [ "$cores" = "$all" ]; then
		ok "$name: SYNs on all $all cores of one sharded listener"
	else
		not_ok "$name: SYNs on $cores of $all cores of a sharded listener"
	fi
	[ -z "$lo" ] && [ "$want" != - ] || return
	got=$(value local "$tmp/server")
	if [ "${got%.*}" -ge "$want" ]; then
		ok "$name: at least $want% accepted on the core of their SYN"
	else
		not_ok "$name: $got% accepted on the core of their SYN, not $want%"
	fi
}

steal_us() { # MICROSECONDS
	# shellcheck disable=SC2016
	[ -n "$stock" ] || on_srv sh -c 'echo $0 >$1/listen_steal_us' "$1" $knobs
}

few=$((total / 20))
# So that the first ones, which those workers take that are there, count little
some=$((total / 8))
default=$([ -n "$stock" ] || knob listen_steal_us)
stretched=$default
! grep -q TCG /proc/cpuinfo || stretched=200000
[ "$stretched" = "$default" ] ||
	diag "the processor is emulated: listen_steal_us $stretched, not $default"

steal_us "$stretched"
try "level-triggered" "$total" 90 -m lt -w $all -c "$cpus"
try "exclusive" $some 90 -m excl -w $all -c "$cpus"
try "accept in threads" $some 90 -m block -w $all -c "$cpus"
try "edge-triggered" $few - -m et -w $all -c "$cpus"
try "level-triggered, processes" $some 90 -m lt -f -w $all -c "$cpus"
try "exclusive, processes" $some 90 -m excl -f -w $all -c "$cpus"
try "accept in processes" $some 90 -m block -f -w $all -c "$cpus"

steal_us "$default"
for mode in lt excl block poll et oneshot go; do
	try "by default, $mode" $few - -m $mode -w $all -c "$cpus"
done
try "not pinned" $few - -m lt -w $all
try "more workers than cores" $few - -m excl -w $((3 * all)) -c "$cpus"
for mode in lt excl et oneshot block poll; do
	try "one worker alone, $mode" $((total / 100)) - -m $mode -w 1 -c $last
done
finish
