#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --cpus 4 --nics 2 --driver igb_percore --percore --timeout 600
# here: igb_percore
#
#   cli: eth1 10.0.0.2, fd00::2 ==== wire ==== srv: eth0 10.0.0.1, fd00::1
#        ping, bulk.py move                     bulk.py serve
#        iperf3 -c -R, and -s                   iperf3 -s, and -c -R
#
# Claim: with TSO and GRO on and off, MTU 1500 and 9000, IPv4 and IPv6, one
# stream and four, both ways: every byte arrives, none is wrong, and no transmit
# queue gets stuck.
#
# Sizes: in each of the eight combinations 2 MB in one stream each way at the
# same time over IPv4, and four times that over IPv6, 20 MB together (of no
# round size, so that ends fall anywhere in a frame); iperf3 8 MiB in one
# stream, 2 MiB in each of four.
#
# iperf3 does not count what comes in after its sender has finished. Exact is
# only a client that receives, as it ends when it has all; so iperf3 goes with
# -R, and once with client and server changed over.
lib=$(dirname "$0")/../../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/drivers/net/igb_percore/lib.sh
. "$(dirname "$0")/lib.sh"

need ethtool iperf3 jq ping python3
tmp=$(mktemp -d)
defer rm -rf "$tmp"

# iperf3 sends whole blocks of 128 KiB, and may send one more than asked for.
block=131072

pings() { # ADDRESS SIZE [ARG...]
	local address=$1 size=$2

	shift 2
	on_cli ping -n -q -c 5 -i 0.1 -W 5 -s "$size" "$@" "$address"
}

ping_sizes() { # MTU
	local size

	# -M do: the frame must be as large as that
	for size in 56 $(($1 - 28)); do
		check "MTU $1: ping with $size bytes, IPv4" pings $SRV4 "$size" -M 'do'
	done
	check "MTU $1: ping with $(($1 - 48)) bytes, IPv6" pings $SRV6 $(($1 - 48)) -M 'do'
	check "MTU $1: ping with 56 bytes, IPv6" pings $SRV6 56
	check "MTU $1: ping with 8000 bytes, IPv4" pings $SRV4 8000
	check "MTU $1: ping with 8000 bytes, IPv6" pings $SRV6 8000
}

feature_is() { # NETNS DEV FEATURE on|off
	ip netns exec "$1" ethtool -k "$2" | grep -qx "$3: $4"
}

offloads() { # TSO GRO
	both ethtool -K DEV tso "$1" gro "$2" || return
	feature_is srv "$SRV_DEV" tcp-segmentation-offload "$1" &&
		feature_is cli "$CLI_DEV" tcp-segmentation-offload "$1" &&
		feature_is srv "$SRV_DEV" generic-receive-offload "$2" &&
		feature_is cli "$CLI_DEV" generic-receive-offload "$2"
}

has_mtu() { [ "$(ip -n "$1" -j link show dev "$2" | jq '.[0].mtu')" = "$3" ]; }

set_mtu() {
	ip -n srv link set dev "$SRV_DEV" mtu "$1" &&
		ip -n cli link set dev "$CLI_DEV" mtu "$1" &&
		has_mtu srv "$SRV_DEV" "$1" && has_mtu cli "$CLI_DEV" "$1"
}

tso_count() { echo $(($(counter srv "$SRV_DEV" 'pair[0-9]+_tx_tso') +
	$(counter cli "$CLI_DEV" 'pair[0-9]+_tx_tso'))); }

# The device must have segmented, or not.
tso_counted() { # on|off BEFORE
	local grown

	grown=$(($(tso_count) - $2))
	echo "$grown frames were segmented by the device"
	if [ "$1" = on ]; then [ "$grown" -gt 0 ]; else [ "$grown" = 0 ]; fi
}

serve_iperf() { # NETNS
	local port

	for port in 5201 5202 5203 5204; do
		ip netns exec "$1" iperf3 -s -p "$port" >"$tmp/$1.$port" 2>&1 &
	done
	for port in 5201 5202 5203 5204; do
		wait_until 30 serving "$1" "$port" || return
	done
}

# Received is what was asked for; if the sender began one block too many, what
# it sent of that may be in it or not.
iperf_exact() { # JSON BYTES
	jq -e --argjson n "$2" --argjson block "$block" '.end |
		.sum_sent.bytes as $sent | .sum_received.bytes as $got |
		$got >= $n and $got <= $sent and $sent <= $n + $block' "$1" >/dev/null && return
	jq '.error, .end.sum_sent, .end.sum_received' "$1"
	return 1
}

# The receiver is the client, in NETNS; the streams are processes.
iperf() { # NETNS ADDRESS STREAMS BYTES
	local i pids=() status=0

	for ((i = 1; i <= $3; i++)); do
		ip netns exec "$1" iperf3 -c "$2" -p $((5200 + i)) -n "$4" -R -J \
			--connect-timeout 10000 >"$tmp/json.$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || status=1; done
	for ((i = 1; i <= $3; i++)); do
		iperf_exact "$tmp/json.$i" "$4" || status=1
	done
	return "$status"
}

iperf_all() { # LABEL
	local bytes streams

	for streams in 1 4; do
		bytes=$((streams == 1 ? 64 * block : 16 * block))
		check "$1: iperf3, $streams of $bytes bytes, srv to cli, IPv4" \
			iperf cli $SRV4 $streams $bytes
		check "$1: iperf3, $streams of $bytes bytes, srv to cli, IPv6" \
			iperf cli $SRV6 $streams $bytes
		check "$1: iperf3, $streams of $bytes bytes, cli to srv, IPv4" \
			iperf srv $CLI4 $streams $bytes
		check "$1: iperf3, $streams of $bytes bytes, cli to srv, IPv6" \
			iperf srv $CLI6 $streams $bytes
	done
}

check "link is up" net_up || finish
head -c 2000003 /dev/urandom >"$tmp/2M"
check "iperf3 serves at both ends" eval 'serve_iperf srv && serve_iperf cli'
check "bulk.py serves" bulk_up "$tmp/2M"

for mtu in 1500 9000; do
	check "MTU $mtu" set_mtu $mtu
	ping_sizes $mtu
	for tso in on off; do
		for gro in on off; do
			label="MTU $mtu, TSO $tso, GRO $gro"
			check "$label: set" offloads $tso $gro
			was=$(tso_count)
			check "$label: the file there and back, IPv4, and in four streams, IPv6" \
				bulk $SRV4 1 $SRV6 4
			[ $mtu != 1500 ] || iperf_all "$label"
			check "$label: the device segments or does not, as asked" \
				tso_counted $tso "$was"
		done
	done
done

check "MTU and offloads as they were" eval 'set_mtu 1500 && offloads on on'

# The address of a macvlan gets a filter of its own. Without arp_ignore the NIC
# would answer for it with its own.
second_address() {
	on_srv sysctl -qw net.ipv4.conf.all.arp_ignore=1
	ip -n srv link add mv0 link "$SRV_DEV" type macvlan mode private &&
		ip -n srv addr add 10.0.1.1/24 dev mv0 &&
		ip -n srv link set mv0 up &&
		ip -n cli addr add 10.0.1.2/24 dev "$CLI_DEV" || return
	wait_until 10 on_cli ping -n -c 1 -W 1 10.0.1.1 || return
	on_cli ip neigh show 10.0.1.1
	ip -n srv -d -j link show dev "$SRV_DEV" | jq '.[0].promiscuity' | grep -x 0
}
check "a second address is received, without promiscuous mode" second_address
ip -n srv link del mv0
check "no transmit queue was stuck" no_tx_timeout
finish
