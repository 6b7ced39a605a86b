#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --cpus 4 --nics 2 --driver igb_percore --percore --timeout 600
# here: no, it steers every NIC of the machine
#
#   cli: a process on core i, connect() --port p--> srv
#        core i <-- queue i <-- RSS of (srv, cli, port, p)
#
# Claim: with net.percore.connect_local what a connection out receives comes to
# the core that called connect(), for IPv4, IPv6 and on a VLAN; which port that
# may be is as it was: range, reserved ports, parity, bind(), the socket's own
# range, many peers, TIME_WAIT, the last free port. Nothing is left behind when
# it is turned off, or percore goes, while sockets connect.
lib=$(dirname "$0")/../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/net/percore/lib.sh
. "$(dirname "$0")/lib.sh"

need_root
need_programs
need_module
[ -n "$PERCORECTL" ] || skip_all "no percorectl"
tmp=$(mktemp -d)
defer rm -rf "$tmp"
program=$(dirname "$0")/connect.py
port=7100 range=/proc/sys/net/ipv4/ip_local_port_range

set_knob() { on_cli sysctl -qw "net.percore.connect_local=$1"; }
counted() { on_cli "$PERCORECTL" status --json | jq ".connects_$1"; }
connect() { on_cli python3 "$program" "$@"; }

no_knob() { ! set_knob "$1" 2>/dev/null && [ "$(on_cli sysctl -n net.percore.connect_local)" = 0 ]; }

check "connect_local is off by default" grep -qx 0 /proc/sys/net/percore/connect_local
check "link is up" net_up || finish
for value in 2 -1 x; do check "connect_local=$value is refused" no_knob $value; done

new_netns_has() {
	ip netns add percore-n &&
		[ "$(ip netns exec percore-n sysctl -n net.percore.connect_local)" = "$1" ]
	local status=$?

	ip netns del percore-n
	return "$status"
}

check "a new namespace has it off" new_netns_has 0
sysctl -qw net.percore.connect_local=1
check "or on, as the initial one has it" new_netns_has 1
sysctl -qw net.percore.connect_local=0
check "those that are there go their own way" \
	test "$(on_cli sysctl -n net.percore.connect_local)" = 0

for address in $SRV4 $SRV6; do
	on_srv python3 "$program" serve "$address" $port 7101 7102 7103 7104 >"$tmp/serve.${address//:/-}" &
	server=$!
	defer kill $server
	wait_until 10 grep -q listening "$tmp/serve.${address//:/-}"
done

steered() { [ "$(on_cli "$PERCORECTL" plan "$CLI_DEV" --json | jq .steered)" = true ]; }
sysctl -qw net.percore.steer=1
defer sysctl -qw net.percore.steer=0
check "the NIC is steered" wait_until 10 steered

## where answers come

# With four cores a quarter comes right by chance.
near() { # ADDRESS LEAST MOST
	local here

	here=$(connect local "$1" "$port" 100)
	echo "$here of 1000 on the core that connected"
	[ "$here" -ge "$2" ] && [ "$here" -le "$3" ]
}

for address in $SRV4 $SRV6; do
	set_knob 0
	check "$address: off, few come to the core that connected" near "$address" 0 600
	set_knob 1
	check "$address: on, all do" near "$address" 990 1000
done
check "it is counted" test "$(counted placed)" -ge 800
check "none was left to the kernel" test "$(counted left)" = 0

on_srv ip link add link "$SRV_DEV" name vlan7 type vlan id 7
on_cli ip link add link "$CLI_DEV" name vlan7 type vlan id 7
on_srv ip addr add 10.0.7.1/24 dev vlan7
on_cli ip addr add 10.0.7.2/24 dev vlan7
on_srv ip link set vlan7 up
on_cli ip link set vlan7 up
wait_until 10 on_cli ping -n -c 1 -W 1 10.0.7.1
on_srv python3 "$program" serve 10.0.7.1 $port >"$tmp/serve.vlan" &
defer kill $!
wait_until 10 grep -q listening "$tmp/serve.vlan"
check "on a VLAN too" near 10.0.7.1 990 1000

# Another table, another key: learnt within half a second
on_cli ethtool -X "$CLI_DEV" hkey "$(printf '%02x:' {1..39})fe"
sleep 1.2
check "with another RSS key" near $SRV4 990 1000

## which ports

for address in $SRV4 $SRV6; do
	for value in 0 1; do
		set_knob $value
		connect rules "$address" $port >"$tmp/rules"
		check "$address, connect_local=$value: the rules are tried" test $? = 0
		while read -r result text; do
			[ "$result" = ok ] && ok "$address, connect_local=$value: $text" ||
				not_ok "$address, connect_local=$value: ${text#ok }"
		done <"$tmp/rules"
	done
done

before=$(on_cli cat $range)
# Ports that nobody has had: one that was bound stays so while in TIME_WAIT
on_cli sysctl -qw net.ipv4.ip_local_port_range="20000 20099"
for value in 0 1; do
	set_knob $value
	check "connect_local=$value: 100 ports are 100 connections" \
		test "$(connect full $SRV4 $((port + 2 + value)) 120)" = 100
	sleep 0.5
	# It closed first, so TIME_WAIT is on its side
	check "connect_local=$value: TIME_WAIT keeps them" \
		test "$(connect full $SRV4 $((port + 2 + value)) 120)" = 0
done
on_cli sysctl -qw net.ipv4.ip_local_reserved_ports="20000-20049"
check "reserved ports are not taken" test "$(connect full $SRV6 $((port + 4)) 120)" = 50
on_cli sysctl -qw net.ipv4.ip_local_reserved_ports= net.ipv4.ip_local_port_range="$before"

# Those that nobody has had; four at once want them all
compete() { # FIRST PORT
	local i pids=''

	on_cli sysctl -qw net.ipv4.ip_local_port_range="$1 $(($1 + 99))"
	for i in 0 1 2 3; do
		connect full "$SRV4" $((port + 4)) 120 >"$tmp/full.$i" & pids+=" $!"
	done
	# shellcheck disable=SC2086
	wait $pids
	cat "$tmp"/full.?
	cat "$tmp"/full.? | awk '{ sum += $1 } END { exit sum != 100 }'
}

for first in 21000 22000 23000; do
	check "four processes get 100 ports, from $first on" compete $first
done
check "none of which was lost" test "$(counted lost)" = 0
on_cli sysctl -qw net.ipv4.ip_local_port_range="$before"

check "ports are found while others bind" test "$(connect storm $SRV4 $port 1000)" = 0
check "none was lost" test "$(counted lost)" = 0

## nothing is left behind

# Sockets whose SYN nobody answers
on_cli ip neigh add 10.0.0.77 lladdr 02:00:00:00:00:77 dev "$CLI_DEV"
hang() { on_cli python3 -c '
import socket, sys, time
socks = []
for _ in range(200):
    s = socket.socket()
    s.setblocking(False)
    s.connect_ex(("10.0.0.77", 80))
    socks.append(s)
print("connecting", flush=True)
sys.stdin.readline()
print(sum(s.getsockopt(0, 51) != 0 for s in socks), flush=True)
print([(s.getsockname(), s.getsockopt(0, 51), s.getsockopt(1, 4)) for s in socks if s.getsockopt(0,51)==0], file=sys.stderr)'; }

# Prints how many of them have a range after COMMAND
ranges_after() { # COMMAND...
	local n

	coproc HANG { hang; }
	read -r -u "${HANG[0]}" _
	"$@" >/dev/null
	echo >&"${HANG[1]}"
	read -r -u "${HANG[0]}" n
	wait "$HANG_PID" 2>/dev/null
	echo "$n"
}

check "sockets that connect have a range of one port" test "$(ranges_after true)" = 200
check "none has when it is turned off" test "$(ranges_after set_knob 0)" = 0
set_knob 1
check "none has when percore goes" test "$(ranges_after rmmod percore)" = 0
check "percore comes back" insmod "$MODULE"
sysctl -qw net.percore.steer=1
set_knob 1
check "and steers" wait_until 10 steered
check "and places connections" near $SRV4 990 1000

# Both ends connect, and both have it on
storms() { # NETNS
	while [ ! -e "$tmp/enough" ]; do
		ip netns exec "$1" python3 "$program" storm $SRV4 $port 200
	done >"$tmp/storms.$1"
}

goes_and_comes() {
	rmmod percore && insmod "$MODULE" && set_knob 1 &&
		sysctl -qw net.percore.steer=1 &&
		on_srv sysctl -qw net.percore.connect_local=1 && sleep 0.5
}

no_failures() { # at least one storm in each namespace, and each had 0
	cat "$tmp/storms.cli" "$tmp/storms.srv"
	! grep -qvx 0 "$tmp/storms.cli" "$tmp/storms.srv" &&
		[ -s "$tmp/storms.cli" ] && [ -s "$tmp/storms.srv" ]
}

storms cli & storming="$!"
storms srv & storming+=" $!"
for round in 1 2 3 4; do
	check "percore goes and comes while two namespaces connect, $round" goes_and_comes
done
touch "$tmp/enough"
# shellcheck disable=SC2086
wait $storming
check "no connection failed meanwhile" no_failures
finish
