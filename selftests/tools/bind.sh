#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --cpus 2 --nics 4 --driver igb --timeout 500
#
#   here: eth0 (igb -> igb_percore -> igb)        ==== wire ==== eth1  netns cli
#          10.0.0.1, fd00::1, VLANs 100 and 100.7                10.0.0.2, fd00::2
#         eth2 (igb) 10.0.2.1                    ==== wire ==== eth3
#
# Claim: percorectl bind and release move a NIC between the two drivers, and its
# links, addresses, routes, rules, neighbours and sysctls are afterwards what
# they were before, to the letter; connections over another NIC notice nothing.
# If a peer does not answer afterwards the NIC goes back by itself, also if who
# asked was killed or lost the terminal. What cannot be moved is refused in one
# line, and nothing is touched.
lib=$(dirname "$0")/../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"

top=$(cd "$(dirname "$0")/../.." && pwd)
ctl=$top/tools/percorectl/percorectl
module=${VMBOX_MODULES:-$top}/drivers/net/ethernet/igb_percore/igb_percore.ko
tmp=$(mktemp -d)
defer rm -rf "$tmp"

[ "$(id -u)" = 0 ] || skip_all "not root"
[ -x "$ctl" ] || skip_all "percorectl is not built"
[ -e /sys/class/net/eth3 ] || skip_all "four NICs are needed"
pci=$(basename "$(readlink -f /sys/class/net/eth0/device)")

driver() { basename "$(readlink -f "/sys/bus/pci/devices/$pci/driver")"; }
driver_is() { [ "$(driver)" = "$1" ]; }
not_igb() { ! driver_is igb; }

## the network, and all that is known of it

wire() { # HERE THERE V4
	ip link set "$2" netns cli &&
		ip addr add "$3.1/24" dev "$1" && ip -n cli addr add "$3.2/24" dev "$2" &&
		ip link set "$1" up && ip -n cli link set "$2" up &&
		wait_until 20 ping -n -c 1 -W 1 "$3.2"
}

set_up() {
	ip netns add cli && ip -n cli link set lo up &&
		wire eth0 eth1 10.0.0 && wire eth2 eth3 10.0.2 &&
		ip -n cli addr add fd00::2/64 dev eth1 nodad &&
		ip -n cli addr add 10.66.0.1/32 dev lo
}

# A bit of everything
furnish() {
	ip link set eth0 mtu 1600 txqueuelen 777 alias "to the left" group 7
	ip link property add dev eth0 altname lan0 altname a-rather-long-other-name
	ip addr add 10.0.0.9/24 dev eth0 label eth0:nine
	ip addr add 10.9.0.1 peer 10.9.0.2 dev eth0 metric 50
	ip addr add fd00::1/64 dev eth0 nodad
	ip addr add fd00:5::1/64 dev eth0 valid_lft 9000 preferred_lft 8000
	ip link add link eth0 name eth0.100 type vlan id 100 egress-qos-map 1:3 4:5
	ip link set eth0.100 mtu 1400 address 52:54:00:00:00:99 up
	ip link add link eth0.100 name inner type vlan protocol 802.1ad id 7
	ip link property add dev inner altname within
	ip addr add 10.100.0.1/24 dev eth0.100
	ip addr add fd00:100::1/64 dev eth0.100 nodad
	ip link set inner up
	ip addr add 10.107.0.1/24 dev inner
	ip link add link eth0 name idle type vlan id 200
	ip addr add 10.200.0.1/24 dev idle

	ip route add 172.16.0.0/16 via 10.0.0.2
	ip route add 172.17.0.0/16 dev eth0 src 10.0.0.9 metric 7 mtu 1300
	ip route add 172.18.0.0/16 via 172.17.0.1 dev eth0
	ip route add 172.19.0.0/16 via 10.255.0.1 dev eth0 onlink
	ip route add 172.20.0.0/16 nexthop via 10.0.0.2 weight 3 nexthop via 10.0.2.2
	ip route add 172.21.0.0/16 dev eth2 src 10.0.0.9
	ip route add default via 10.0.0.2 table 100
	ip route add 172.22.0.0/16 via 10.100.0.2 table 100
	ip route add default via 10.0.0.2 metric 300
	ip route add unreachable 10.66.0.0/16
	ip -6 route add fd01::/64 via fd00::2
	ip -6 route add fd02::/64 nexthop via fd00::2 nexthop via fd00:100::2
	ip -6 route add fd03::/64 dev eth0.100 metric 9
	ip rule add iif eth0 lookup 100 priority 500
	ip rule add oif eth0.100 lookup 100 priority 501
	ip -6 rule add iif eth0 lookup 100 priority 502
	ip neigh add 10.0.0.77 lladdr 52:54:00:00:00:77 dev eth0 nud permanent
	ip neigh add proxy 10.0.0.78 dev eth0.100
	ip -6 neigh add fd00::77 lladdr 52:54:00:00:00:77 dev eth0 nud permanent
	sysctl -qw net.ipv4.conf.eth0.rp_filter=2 net.ipv4.conf.eth0.proxy_arp=1 \
		net.ipv6.conf.eth0.accept_ra=0 net.ipv4.neigh.eth0.gc_stale_time=61 \
		net.ipv6.conf.inner.disable_ipv6=1
	sysctl -qw net.ipv4.conf.eth0/100.arp_ignore=1
}

# Everything but indices, counts and what time is left; sorted, as the kernel
# lists by index. A link that is down has the queueing of its last time up.
state() {
	ip -j -d link | jq -cS '.[] |
		select(.ifname | IN("eth0", "eth0.100", "inner", "idle")) |
		del(.ifindex, .operstate, .num_tx_queues, .num_rx_queues, .gso_max_segs,
			.parentdev, .link_index, .max_mtu, .inet6_addr_gen_mode,
			.promiscuity, .vfinfo_list, .gso_ipv4_max_size,
			.gro_ipv4_max_size, .tso_max_segs) |
		if .flags | index("UP") then . else del(.qdisc) end |
		.altnames = (.altnames // [] | sort)' | LC_ALL=C sort
	ip -j addr | jq -cS '.[] |
		select(.ifname | IN("eth0", "eth0.100", "inner", "idle")) |
		.ifname as $dev | .addr_info[] | .dev = $dev |
		if .valid_life_time < 4294967295 then
			.valid_life_time = 1 | .preferred_life_time = 1
		else . end' | LC_ALL=C sort
	grep -r . /proc/sys/net/ipv[46]/{conf,neigh}/{eth0,eth0.100,inner,idle} 2>/dev/null |
		LC_ALL=C sort
	ip -d route show table all | sed 's/ expires [0-9]*sec//' | LC_ALL=C sort
	ip rule
	ip -6 rule
	ip neigh show nud permanent | LC_ALL=C sort
	ip neigh show proxy
	ip -6 neigh show nud permanent | LC_ALL=C sort
}

# Addresses of IPv6 take a second until nobody else has them.
is_as_before() {
	state >"$tmp/now"
	cmp -s "$tmp/before" "$tmp/now"
}

as_before() { # DRIVER
	wait_until 15 is_as_before
	driver
	diff "$tmp/before" "$tmp/now" && driver_is "$1"
}

settled() { ! ip -6 addr | grep -q tentative; }

## running percorectl

# STATUS PATTERN ARG...: that status, one line on stderr, none on stdout
says() {
	local want=$1 pattern=$2 status

	shift 2
	"$ctl" "$@" >"$tmp/out" 2>"$tmp/err"
	status=$?
	cat "$tmp/out" "$tmp/err"
	[ "$status" -eq "$want" ] && [ ! -s "$tmp/out" ] &&
		[ "$(wc -l <"$tmp/err")" -eq 1 ] && grep -q "^percorectl: .*$pattern" "$tmp/err"
}

# ... and the NIC is not touched: its interface has the same index.
refused() {
	local index

	index=$(</sys/class/net/eth0/ifindex)
	says "$@" && [ "$index" = "$(</sys/class/net/eth0/ifindex)" ] && driver_is igb
}

refused_to() { # HOW STATUS PATTERN
	local how=$1 want=$2 dev=eth0

	[ "$how" = as_nobody ] || dev=eth1
	"$how" "$ctl" bind "$dev" 2>"$tmp/err"
	[ $? -eq "$want" ] && grep "$3" "$tmp/err" && driver_is igb
}

moves() { # ARG...
	"$ctl" "$@" --json >"$tmp/json" 2>"$tmp/err" || {
		cat "$tmp/err"
		return 1
	}
	cat "$tmp/json"
	jq -e '.moved and .vlans == 3 and .addresses > 5 and .routes > 8 and .down_ms > 0' \
		"$tmp/json" >/dev/null
}

there_already() {
	[ "$("$ctl" "$@" --json | jq -c '[.moved, .driver]')" = '[false,"igb_percore"]' ]
}

as_nobody() { setpriv --reuid 65534 --clear-groups "$@"; }

## connections over the other NIC

# A line each 20 ms there and back, in order, until it is told to end.
cat >"$tmp/talk.py" <<'END'
import signal, socket, sys, time
ended = []
signal.signal(signal.SIGTERM, lambda *_: ended.append(1))
if sys.argv[1] == "serve":
    with socket.create_server(("10.0.2.2", 7000)) as server:
        peer = server.accept()[0]
        while data := peer.recv(4096):
            peer.sendall(data)
    sys.exit()
count = worst = 0
with socket.create_connection(("10.0.2.2", 7000), 10) as peer:
    stream = peer.makefile("rwb")
    while not ended:
        count += 1
        start = time.monotonic()
        stream.write(b"%d\n" % count)
        stream.flush()
        assert stream.readline() == b"%d\n" % count
        worst = max(worst, time.monotonic() - start)
        time.sleep(0.02)
print(f"{count} lines, the slowest took {worst:.3f} s", flush=True)
sys.exit(count < 20)
END

served() { on_cli ss -Hltn "sport = :7000" | grep -q .; }

talk() {
	on_cli python3 "$tmp/talk.py" serve &
	wait_until 10 served || return
	python3 "$tmp/talk.py" talk >"$tmp/talk" 2>&1 &
	talker=$!
}

talked() {
	kill -TERM "$talker"
	wait "$talker"
	set -- $?
	cat "$tmp/talk"
	return "$1"
}

## a peer that goes when the NIC does

# The route to it is one that only a router brings back; else nobody is there.
lose_peer() { ip route add 10.66.0.1 via 10.0.0.2 dev eth0 proto ra; }

rolls_back() {
	lose_peer
	says 1 "peer 10.66.0.1 did not answer in time; igb has it again" \
		bind eth0 --peer 10.66.0.1 --timeout 3
}

# What bind does when only its worker is left
caller_killed() { # ARG...
	(exec "$ctl" bind eth0 "$@") >/dev/null 2>&1 &
	set -- $!
	wait_until 30 not_igb && kill -KILL "$1"
	wait "$1"
	[ $? -eq 137 ]
}

cat >"$tmp/hangup.py" <<'END'
import os, pty, sys, time
pid, fd = pty.fork()
if not pid:
    os.execv(sys.argv[1], sys.argv[1:])
def driver():
    try:
        return os.path.basename(os.readlink(f"/sys/bus/pci/devices/{os.environ['pci']}/driver"))
    except FileNotFoundError:
        return ""
while driver() == "igb":
    time.sleep(0.01)
os.close(fd)
sys.exit(os.WTERMSIG(os.waitpid(pid, 0)[1]) != 1)
END

terminal_lost() {
	pci=$pci timeout 60 python3 "$tmp/hangup.py" "$ctl" bind eth0 "$@"
}

has_link_again() { not_igb && [ "$(cat "/sys/bus/pci/devices/$pci/net/eth0/carrier")" = 1 ]; }

workers() { pgrep -x percorectl; }
no_worker() { ! workers; }

check "two wires" set_up || finish
check "a NIC with a bit of everything" furnish
wait_until 15 settled
state >"$tmp/before"
diag "$(wc -l <"$tmp/before") lines to compare"

## what is refused

check "no such interface" refused 1 "no interface 'nope'" bind nope
check "no NIC" refused 1 "lo is not a PCI device" bind lo
check "release of what is igb's does nothing" "$ctl" release eth0
check "igb_percore is not loaded: status 3" refused 3 "igb_percore is not loaded" bind eth0
check "the module comes" insmod "$module"
check "and takes no NIC" driver_is igb
check "not permitted: status 4" refused_to as_nobody 4 "not permitted"
check "another network namespace" refused_to on_cli 1 "first network namespace"

with() { # "UNDO" PATTERN COMMAND...
	local undo=$1 pattern=$2

	shift 2
	"$@" || return
	refused 1 "$pattern" bind eth0
	set -- $?
	eval "$undo"
	return "$1"
}

bridge_port() { ip link add br0 type bridge && ip link set eth0.100 master br0; }
functions() { echo "$1" >"/sys/bus/pci/devices/$pci/sriov_numvfs"; }

check "a port of a bridge" with "ip link del br0" "eth0.100 is a port of br0" \
	bridge_port
check "macvlan on it" with "ip link del mv0" "mv0 lies on eth0.*no macvlan" \
	ip link add link eth0 name mv0 type macvlan
check "vxlan on it" with "ip link del vx0" "vx0 lies on eth0" \
	ip link add vx0 type vxlan id 1 remote 10.0.0.2 dstport 4789 dev eth0
check "a queueing discipline" with "tc qdisc del dev eth0 clsact" "eth0 has qdisc clsact" \
	tc qdisc add dev eth0 clsact
check "a nexthop object" with "ip nexthop del id 9" "nexthop object 9 is on eth0" \
	ip nexthop add id 9 via 10.0.0.2 dev eth0
check "virtual functions" with "functions 0" "has virtual functions (sriov_numvfs is 1)" \
	functions 1
check "a peer that does not answer" refused 1 "peer 10.0.0.66 does not answer" \
	bind eth0 --peer 10.0.0.66
check "a peer elsewhere" refused 1 "the way to peer 10.0.2.2 is not over eth0 but eth2" \
	bind eth0 --peer 10.0.2.2
check "nothing of all that left a mark" as_before igb

## there and back

check "somebody talks over eth2" talk
check "bind, with peers of both families" moves bind eth0 --peer 10.0.0.2 --peer fd00::2
diag "$(jq -c . "$tmp/json")"
check "all is as before" as_before igb_percore
check "bind again does nothing" there_already bind lan0
check "release" moves release eth0 --peer 10.0.0.2
diag "$(jq -c . "$tmp/json")"
check "all is as before, with igb" as_before igb
check "eth2 had no trouble" talked
diag "$(<"$tmp/talk")"

down_is_refused() {
	ip link set eth0 down
	refused 1 "eth0 is down, and a route over it has other hops, too" bind eth0
}

down_and_back() {
	ip route del 172.20.0.0/16
	state >"$tmp/down"
	mv "$tmp/before" "$tmp/up"
	cp "$tmp/down" "$tmp/before"
	"$ctl" bind eth0 && as_before igb_percore && "$ctl" release eth0 && as_before igb
	set -- $?
	mv "$tmp/up" "$tmp/before"
	return "$1"
}

## what does not work out

check "a peer is lost: it goes back by itself" rolls_back
check "all is as before" as_before igb
check "no connection is lost elsewhere" ping -n -q -c 1 -W 5 10.0.2.2

check "who asked is killed" caller_killed --peer 10.0.0.2
check "the move ends well" eval 'wait_until 60 no_worker && as_before igb_percore'
check "release" moves release eth0
lose_peer
check "who asked is killed, and a peer is lost" caller_killed --peer 10.66.0.1 --timeout 3
check "it goes back" wait_until 60 no_worker
check "all is as before" as_before igb
lose_peer
check "the terminal goes, and a peer" terminal_lost --peer 10.66.0.1 --timeout 10
check "it is with igb_percore meanwhile" wait_until 30 has_link_again
check "only one may move it" says 1 "another percorectl is moving eth0" release eth0
check "it goes back" wait_until 60 no_worker
check "all is as before" as_before igb

# The last thing that is put back before peers are asked
proxy_again() { not_igb && ip neigh show proxy | grep -q '10.0.0.78 dev eth0.100'; }

# Nobody is left to roll back, and that is said; the NIC can be released.
worker_killed() {
	lose_peer
	("$ctl" bind eth0 --peer 10.66.0.1 --timeout 60 2>"$tmp/err"; echo $? >"$tmp/status") &
	wait_until 30 proxy_again && pkill -KILL -o -P "$(pgrep -o -x percorectl)"
	wait $!
	cat "$tmp/status" "$tmp/err"
	grep -qx 5 "$tmp/status" && [ "$(wc -l <"$tmp/err")" -eq 1 ] && grep -q "was killed" "$tmp/err"
}

check "its worker is killed: one line, status 5" worker_killed
check "release" moves release eth0
check "all is as before" as_before igb
check "a NIC that is down, with a route that needs it up" down_is_refused
check "a NIC that is down" down_and_back
ip link set eth0 up

# It is taken out while a lost peer is waited for; its next life is igb's.
pulled() {
	lose_peer
	("$ctl" bind eth0 --peer 10.66.0.1 --timeout 60 2>"$tmp/err"; echo $? >"$tmp/status") &
	wait_until 30 has_link_again &&
		echo 1 >"/sys/bus/pci/devices/$pci/remove" && wait_until 60 no_worker
	set -- $?
	wait_until 5 test -s "$tmp/status"
	cat "$tmp/status" "$tmp/err"
	echo 1 >/sys/bus/pci/rescan
	[ "$1" -eq 0 ] && grep -qx 5 "$tmp/status" && [ "$(wc -l <"$tmp/err")" -eq 1 ] &&
		grep -q "has gone" "$tmp/err" && wait_until 20 driver_is igb
}

check "a NIC that is taken out meanwhile: one line, status 5" pulled
finish
