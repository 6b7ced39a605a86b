#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --long --own --cpus 2 --nics 2 --driver igb_percore --percore --timeout 300
# here: no, it leaves the NIC's settings at random
#
#   srv: eth0, fuzz.py as root, a server      cli: eth1 ==== wire ==== eth0
#   another network namespace: fuzz.py as somebody who is root there alone
#
# Claim: whatever is asked of the modules through netlink, ethtool, devlink,
# rtnetlink, sysctl and sysfs, the kernel has nothing to complain of, and with
# the modules put in anew all is as ever. What somebody asks for in a namespace
# of his own changes nothing in the others.
#
# usage: fuzz.sh [SECONDS [SEED]]     (12, with LONG 1200; half for each claim)
lib=$(dirname "$0")/../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/net/percore/lib.sh
. "$lib/../net/percore/lib.sh"
# shellcheck source=selftests/drivers/net/igb_percore/lib.sh
. "$lib/../drivers/net/igb_percore/lib.sh"

seconds=${1:-$(times 12 1200)}
seed=${2:-$RANDOM}
need devlink ip python3 setpriv unshare
need_root
need_module
fuzz=$(readlink -f "$(dirname "$0")")/fuzz.py
tmp=$(mktemp -d)
defer rm -rf "$tmp"
diag "to repeat: fuzz.sh $seconds $seed"

# What others have, as far as the modules and the interface can change it
others() {
	local ns

	grep -H . "$knobs"/*
	for ns in srv cli; do
		ip netns exec "$ns" sh -c "grep -H . $knobs/*"
		ip -n "$ns" -j addr show |
			jq '.[] | .ifname, .flags, .mtu, .address, [.addr_info[].local]'
		ip netns exec "$ns" "$PERCORECTL" tsq --json | jq '[.[] | .ifname, .queue]'
	done
	on_srv "$PERCORECTL" listeners --json | jq '.[] | .addr, .port'
	on_srv ethtool "$SRV_DEV"
	on_srv ethtool -g "$SRV_DEV"
	on_srv ethtool -x "$SRV_DEV"
}

# A user namespace owns the network's that is made with it. The program comes as
# an open file, as he may not get to where it is.
in_his_own() {
	setpriv --reuid 65534 --regid 65534 --clear-groups unshare -Urn \
		sh -c 'ip link set lo up && exec python3 - "$@"' sh lo \
		$((seconds / 2)) "$seed" percore netdev ethtool sysctl \
		<"$fuzz" >"$tmp/said"
}

others_as_before() { others >"$tmp/after" && diff "$tmp/before" "$tmp/after"; }

as_root() {
	on_srv python3 "$fuzz" "$SRV_DEV" $((seconds / 2)) "$seed" >"$tmp/said"
}

modules_anew() {
	rmmod percore && rmmod igb_percore && nics_gone &&
		insmod "$PERCORE" && insmod "$IGB_PERCORE" && net_again
}

check "link is up" net_up || finish
on_srv sysctl -qw net.percore.listen_shard=1
on_srv python3 -c '
import socket, time
sock = socket.create_server(("", 4711))
time.sleep(3600)' &
defer kill $!
check "a server listens" wait_until 60 serving srv 4711
others >"$tmp/before"
check "at random, as somebody in a namespace of his own" in_his_own
diag "$(cat "$tmp/said")"
check "nothing has changed for others" others_as_before
check "at random, as root" as_root
diag "$(cat "$tmp/said")"
check "the modules go and come, and traffic goes on" modules_anew
finish
