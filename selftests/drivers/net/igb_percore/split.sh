#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --cpus 2 --nics 2 --driver igb_percore --percore --timeout 300
#
#   cli: eth1 ==== wire ==== eth0 :srv      tcp-data-split on
#                             |- headers -> head of the sk_buff
#                             `- payload -> fragments from the start of a page
#
# Claim: with header split the payload of TCP lies alone in pages, so that whole
# ones are mapped into the application and not copied; every frame arrives byte
# for byte all the same. It is turned on and off under traffic, outlives what
# has rings made anew, and excludes XDP and AF_XDP, which say so. By default it
# is off.
#
# With LONG=1 also IPv6, more lengths, and more of what makes rings anew.
lib=$(dirname "$0")/../../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/drivers/net/igb_percore/lib.sh
. "$(dirname "$0")/lib.sh"

need ethtool ip python3
tmp=$(mktemp -d)
defer rm -rf "$tmp"
srv=srv:$SRV_DEV cli=cli:$CLI_DEV
prog=$tests/xdp_prog.bpf.o

split() { on_srv python3 "$tests/netlink.py" split "$SRV_DEV" "$@"; }
split_is() { echo "$(split), wanted: $1"; [ "$(split)" = "$1" ]; }
tool() { on_srv "$tests/xdp_tool" "$@" "$SRV_DEV" "$prog" x_pass; }
detach() { on_srv "$tests/xdp_tool" detach "$SRV_DEV"; }

# Bits 27:25 of SRRCTL are 101 and bits 11:8 4 for 256 bytes, or 001 and 0
device_splits() { # QUEUE on|off
	local mode=$(($(register srv "$SRV_DEV" $((0xc00c + 0x40 * $1))) & 0x0e000f00))

	printf '%#x\n' "$mode"
	[ "$2 $mode" = "on $((0x0a000400))" ] || [ "$2 $mode" = "off $((0x02000000))" ]
}

everywhere() { split_is "$1" && device_splits 0 "$1"; }
set_to() { split "$1" && everywhere "${2:-$1}"; }

refused() { # REASON COMMAND...
	local reason=$1

	shift
	! "$@" >"$tmp/said" 2>&1 && cat "$tmp/said" && grep -q "$reason" "$tmp/said"
}

mtu() {
	ip -n srv link set "$SRV_DEV" mtu "$1" && ip -n cli link set "$CLI_DEV" mtu "$1" &&
		net_works
}

# A segment has 4096 bytes, with the headers of IP, of TCP and its timestamp
zerocopy() { # LEAST-PERCENT MOST ADDRESS
	local percent

	percent=$(python3 "$tests/zerocopy.py" cli srv "$3" 2) || return
	echo "$percent% mapped, wanted: $1 to $2"
	[ "$percent" -ge "$1" ] && [ "$percent" -le "$2" ]
}

frames() { python3 "$tests/frames.py" "$@"; }

vlans() {
	ip -n srv link add link "$SRV_DEV" name vlan5 type vlan id 5 && ip -n srv link set vlan5 up &&
		ip -n cli link add link "$CLI_DEV" name vlan5 type vlan id 5 && ip -n cli link set vlan5 up
}

# Frames of any kind: what fits a slot, what just does not, what takes many buffers
all_frames() {
	check "split: 14 to 320 bytes" frames sizes "$cli" "$srv" 14 320
	check "split: wrong checksums are found" frames sums "$cli" "$srv"
	check "split: MTU 9216" mtu 9216
	check "split: buffers of a page" page_buffers 4
	check "split: 4330 to 4370 bytes" frames sizes "$cli" "$srv" 4330 4370
	check "split: VLAN 5" vlans
	check "split: VLAN tags" frames sizes "$cli" "$srv" 250 270 vlan
}

long_frames() {
	check "split: skbs of any pieces" frames layouts "$cli" "$srv" "$SRV4" $RANDOM
	check "split: 9200 to 9230 bytes" frames sizes "$cli" "$srv" 9200 9230
}

of_ipv6() {
	check "MTU for IPv6" mtu 4168
	check "of IPv6 too" zerocopy 90 100 "$SRV6"
}

page_buffers() { # KB
	local kb=$(($(register srv "$SRV_DEV" 0xc00c) & 0x7f))

	echo "$kb KB, wanted: $1"
	[ "$kb" = "$1" ]
}

# Not so those of a ping, which fit a slot
counted() {
	snap && bulk "$SRV4" 1 && [ "$(grown 'pair[0-9]+_rx_split')" -gt 100 ] &&
		snap && on_cli ping -q -n -c 5 -i 0.1 "$SRV4" && grew 'pair[0-9]+_rx_split' 0
}

outlives() { # WHAT COMMAND...
	local what=$1

	shift
	check "$what" "$@" && check "$what: headers are apart still" device_splits 1 on
}

rings() { on_srv ethtool -G "$SRV_DEV" rx 512 tx 512 && on_srv ethtool -G "$SRV_DEV" rx 256 tx 256; }
channels() { on_srv ethtool -L "$SRV_DEV" combined 1 && on_srv ethtool -L "$SRV_DEV" combined 2; }
features() { on_srv ethtool -K "$SRV_DEV" rx-all "$1" rx-fcs "$1"; }
selftested() { on_srv ethtool -t "$SRV_DEV" offline && wait_until 30 net_works; }

down_and_up() {
	ip -n srv link set "$SRV_DEV" down && ip -n srv link set "$SRV_DEV" up &&
		ip -n srv addr replace "$SRV6/64" dev "$SRV_DEV" nodad && net_works
}

# A connection that lives through all of it
under_traffic() {
	ip netns exec cli python3 "$tests/talk.py" talk "$SRV4" >"$tmp/talk" 2>&1 &
	talk=$!
	for ((i = $(times 1 10); i > 0; i--)); do
		split on && sleep 0.4 && split off && sleep 0.4 || return
	done
	kill -TERM "$talk" && wait "$talk"
}

check "link is up" net_up || finish
check "off by default" everywhere off
check "no bytes can be mapped then, of IPv4" mtu 4148
check "none is" zerocopy 0 0 "$SRV4"

check "on" set_to on
check "4096 bytes of a segment are mapped" zerocopy 90 100 "$SRV4"
[ -z "${LONG:-}" ] || of_ipv6
check "MTU 1500" mtu 1500
check "buffers of half a page" page_buffers 2
all_frames
[ -z "${LONG:-}" ] || long_frames
check "MTU 1500 again" mtu 1500
head -c 300007 /dev/urandom >"$tmp/file"
check "a server in srv" bulk_up "$tmp/file"
check "frames that were split are counted" counted

outlives "rings change" rings
outlives "down and up" down_and_up
if [ -n "${LONG:-}" ]; then
	outlives "channels change" channels
	outlives "rx-all and rx-fcs" features on
	outlives "rx-all and rx-fcs off" features off
	outlives "a reset in the self-test" selftested
fi
check "files come intact" bulk "$SRV4" 1 "$SRV6" 1

if [ -x "$tests/xdp_tool" ] && [ -e "$prog" ]; then
	check "an XDP program is refused, with the reason" refused tcp-data-split tool attach
	check "which has changed nothing" device_splits 0 on
	check "off" split off
	check "then the program is taken" tool attach
	check "on is refused, with the reason" refused "XDP program" split on
	check "detached" detach
else
	skip "XDP" "xdp_tool is not built"
fi
check "auto is off" set_to auto off
if [ -x "$tests/xsk_tool" ]; then
	"$tests/xsk_tool" bind "$tests/xsk_prog.bpf.o" "$SRV_DEV" "$CLI_DEV" zc=1 >"$tmp/xsk" 2>&1 &
	xsk=$!
	check "a socket has a queue" wait_until 20 refused "AF_XDP socket" split on
	kill "$xsk"
	wait "$xsk"
	check "it has none any more" wait_until 20 split on
	xsk_refused() {
		! timeout 5 "$tests/xsk_tool" bind "$tests/xsk_prog.bpf.o" "$SRV_DEV" "$CLI_DEV" zc=1 &&
			dmesg | grep -q "no AF_XDP socket on queue 0: headers are received apart"
	}
	check "a socket is refused, with the reason" xsk_refused
else
	skip "AF_XDP" "xsk_tool is not built"
fi
on_srv python3 "$tests/talk.py" echo &
check "a server listens" wait_until 30 serving srv 7002
check "on and off under traffic" under_traffic
check "off at the end" everywhere off
check "no queue was stuck" no_tx_timeout
finish
