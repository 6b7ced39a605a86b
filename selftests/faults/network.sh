#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --long --cpus 4 --nics 2 --driver igb_percore --percore --timeout 900
# here: no, it floods the wire
#
#   cli: eth1, MTU 9216: network.py,  ==== wire ====  srv: eth0, MTU 1500
#        conns dial, talk.py                               conns serve, echo
#
# The queue of the listener is short, so that an emulated machine can fill it.
#
# Claim: under floods of SYNs with and without cookies, of malformed frames,
# fragments, stacks of tags, frames too long, and frames that ask the device
# which sends them for offloads that cannot be, a server with a sharded listener
# goes on: no connection fails, none is lost or accepted twice, every byte of
# one that lives through all of it arrives. No queue gets stuck, nothing that was
# received in part is kept, and the kernel has nothing to complain of.
#
# usage: network.sh [SECONDS [SEED [KIND]]]     of each flood (2, with LONG 60), or
#                                               of those of KIND (network.py) alone
lib=$(dirname "$0")/../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/net/percore/lib.sh
. "$lib/../net/percore/lib.sh"
# shellcheck source=selftests/net/percore/under_load.lib.sh
. "$lib/../net/percore/under_load.lib.sh"
# shellcheck source=selftests/drivers/net/igb_percore/lib.sh
. "$lib/../drivers/net/igb_percore/lib.sh"

seconds=${1:-$(times 2 60)}
seed=${2:-$RANDOM}
only=${3:-}
need ethtool ip nstat python3
need_root
need_programs
need_module
flood=$(readlink -f "$(dirname "$0")")/network.py
diag "to repeat: network.sh $seconds $seed"

# Nobody answers for the addresses that SYNs come from. Neighbours are fixed, as
# whoever can lie about these needs no flood.
prepare() {
	ip -n cli link set "$CLI_DEV" mtu 9216 && net_works || return
	defer ip -n cli link set "$CLI_DEV" mtu 1500
	ip -n srv route add 198.51.100.0/24 via "$CLI4" &&
		ip -n srv route add 2001:db8::/32 via "$CLI6" &&
		ip -n srv neigh replace "$CLI4" lladdr "$(mac_of cli "$CLI_DEV")" dev "$SRV_DEV" &&
		ip -n srv neigh replace "$CLI6" lladdr "$(mac_of cli "$CLI_DEV")" dev "$SRV_DEV" &&
		ip -n cli neigh replace "$SRV4" lladdr "$(mac_of srv "$SRV_DEV")" dev "$CLI_DEV" &&
		on_srv sysctl -qw net.ipv4.tcp_synack_retries=1 net.ipv4.ipfrag_time=2 \
			net.ipv6.ip6frag_time=2 &&
		both sysctl -qw net.ipv4.tcp_retries2=30
}

mac_of() { ip -n "$1" -j link show dev "$2" | jq -r '.[].address'; }

connections() {
	serve "$tmp/server" -a "$SRV4" -b 128 -m lt -w 4 -c "$(seq -s, 0 $(($(nproc) - 1)))" &&
		start_client -s $((20 * seconds + 900)) -t 2 && flows 60
}

start_talk() {
	(exec ip netns exec cli python3 "$tests/talk.py" talk "$SRV4") >"$tmp/talk" 2>&1 &
	talk=$!
}

talk_ends() { kill -TERM "$talk" && wait "$talk" || { cat "$tmp/talk"; return 1; }; }

count() { on_srv nstat -asz "$@" | awk '!/^#/ { n += $2 } END { print n + 0 }'; }

# A flood of KIND has come to something: sum of what NAMEs count has grown.
flooded() { # KIND NAME...
	local kind=$1 before

	shift
	before=$(count "$@")
	python3 "$flood" "$kind" "cli:$CLI_DEV" "srv:$SRV_DEV" "$seconds" "$seed" >"$tmp/said" ||
		{ cat "$tmp/said"; return 1; }
	flows 10 || { echo "connections come no more"; return 1; }
	echo "$* grew by $(($(count "$@") - before))" >>"$tmp/said"
	cat "$tmp/said"
	[ "$(count "$@")" -gt "$before" ]
}

try() { # TEXT KIND NAME...
	[ -z "$only" ] || [ "$only" = "$2" ] || return 0
	check "connections go on under $1" flooded "${@:2}"
	diag "$(cat "$tmp/said")"
}

cookies() { on_srv sysctl -qw "net.ipv4.tcp_syncookies=$1"; }

counters() { on_srv ethtool -S "$SRV_DEV"; on_cli ethtool -S "$CLI_DEV"; }

none_shrank() {
	counters >"$tmp/after"
	paste -d ' ' "$tmp/before" "$tmp/after" |
		awk '/:/ && $4 < $2 { print; bad = 1 } END { exit bad }'
}

too_long_dropped() {
	local dropped

	dropped=$(counter cli "$CLI_DEV" 'pair[0-9]+_tx_dropped')
	echo "$dropped dropped"
	[ "$dropped" -gt 0 ]
}

none_kept() {
	on_srv grep -h FRAG /proc/net/sockstat /proc/net/sockstat6
	! on_srv grep -h FRAG /proc/net/sockstat /proc/net/sockstat6 | grep -v 'inuse 0'
}

half_open() { on_srv ss -Htn state syn-recv | wc -l; }
none_half_open() { [ "$(half_open)" -lt 10 ]; }

under_load_setup
check "addresses that do not answer, and a larger MTU at one end" prepare
on_srv python3 "$tests/talk.py" echo &
defer kill $!
check "a server listens" wait_until 60 serving srv 7002
start_talk
check "connections come" connections
counters >"$tmp/before"
cookies 1
try "SYNs, with cookies" syn TcpExtSyncookiesSent TcpExtTCPReqQFullDoCookies
cookies 0
try "SYNs, without cookies" syn TcpPassiveOpens TcpExtListenDrops
cookies 1
try "malformed frames" malformed IpInHdrErrors TcpInErrs
try "fragments" fragments IpReasmReqds
try "stacks of tags" vlan IpExtInCsumErrors IpInHdrErrors IpInReceives
try "frames too long" jumbo IpInReceives
try "hostile offloads" offload TcpInSegs IpInHdrErrors
[ "${only:-offload}" != offload ] ||
	check "what would be too long on the wire was dropped" too_long_dropped
check "SYNs were taken on all cores" [ "$(cores_used 8000)" = "$(nproc)" ]
check "nothing of them is left: half-open connections" wait_until 60 none_half_open
check "nothing of them is left: fragments" wait_until 60 none_kept
check "none of the connections failed, was lost or accepted twice" stop
check "every byte of one through all of it arrived" talk_ends
check "no counter of the NICs has shrunk" none_shrank
check "no queue was stuck" no_tx_timeout
check "the kernel's log is clean" log_clean
finish
