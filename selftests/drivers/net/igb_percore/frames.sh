#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --cpus 4 --nics 2 --driver igb_percore --percore --timeout 300
# here: igb_percore
#
#   cli: eth1, vlan5 <==== frames.py ====> srv: eth0, vlan5
#
# Claim: frames of every size up to the device's limit, both ways, with no tag,
# one and two, put in and taken out by the device or not, arrive as they were
# sent, byte for byte; longer ones than the MTU do not; wrong
# checksums are found, and right ones are not; TCP's skbs of any pieces arrive.
lib=$(dirname "$0")/../../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/drivers/net/igb_percore/lib.sh
. "$(dirname "$0")/lib.sh"

need ethtool ip python3
srv=srv:$SRV_DEV cli=cli:$CLI_DEV

frames() { python3 "$tests/frames.py" "$@"; }

vlan_up() { # NETNS DEV
	ip -n "$1" link add link "$2" name vlan5 type vlan id 5 && ip -n "$1" link set vlan5 up
}

vlans_up() { vlan_up srv "$SRV_DEV" && vlan_up cli "$CLI_DEV"; }

mtu() {
	ip -n srv link set "$SRV_DEV" mtu "$1" && ip -n cli link set "$CLI_DEV" mtu "$1" &&
		ip -n srv link set vlan5 mtu "$1" && ip -n cli link set vlan5 mtu "$1" &&
		net_works
}

check "link is up" net_up || finish
check "VLAN 5" vlans_up
for most in 1500 9216; do
	least=14
	[ $most = 1500 ] || least=1500
	check "MTU $most" mtu $most
	check "$least to $((most + 14)) bytes, cli to srv" \
		frames sizes "$cli" "$srv" $least $((most + 14))
	check "$least to $((most + 14)) bytes, srv to cli" \
		frames sizes "$srv" "$cli" $least $((most + 14))
done
for rxvlan in on off; do
	check "VLAN offloads $rxvlan" both ethtool -K DEV rxvlan $rxvlan txvlan $rxvlan
	for tags in vlan qinq hardware; do
		most=$((9216 + 14))
		[ $tags = hardware ] || most=$((9216 + 18))
		[ $tags != qinq ] || most=$((9216 + 14))
		for range in "14 200" "1490 1540" "9100 $most"; do
			# shellcheck disable=SC2086
			check "tag: $tags, $range bytes, cli to srv" \
				frames sizes "$cli" "$srv" $range $tags
		done
	done
done
check "VLAN offloads on" both ethtool -K DEV rxvlan on txvlan on
for rx in on off; do
	check "rx checksums $rx" on_srv ethtool -K "$SRV_DEV" rx $rx
	check "rx checksums $rx: wrong ones are found" frames sums "$cli" "$srv"
done
check "rx checksums on" on_srv ethtool -K "$SRV_DEV" rx on
for address in $SRV4 $SRV6; do
	seed=$RANDOM
	check "skbs of any pieces, $address, seed $seed" frames layouts "$cli" "$srv" "$address" $seed
done
check "an MTU of its own for srv" ip -n srv link set "$SRV_DEV" mtu 1500
# Two tags more are no excess. The device counts them, but not its model.
check "1523 to 9230 bytes do not arrive" frames over "$cli" "$srv" 1523 9230
ip -n srv link del vlan5
ip -n cli link del vlan5
mtu_back() { ip -n cli link set "$CLI_DEV" mtu 1500 && net_works; }
check "MTU as it was" mtu_back
check "no queue was stuck" no_tx_timeout
finish
