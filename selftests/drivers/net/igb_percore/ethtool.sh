#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --cpus 4 --nics 2 --driver igb_percore --percore --timeout 400
#
#   cli: eth1 ==== wire ==== srv: eth0 <-- ethtool -d -e -I -K -p -s -S -t -T
#
# Claim: what ethtool shows of the device is what is in it; the self-test finds
# it in order, takes a running interface down and up again by itself, and can
# fail; standard statistics count each frame once; ip -s link reads no register;
# frames come with their FCS, and bad ones too, when asked for.
lib=$(dirname "$0")/../../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/drivers/net/igb_percore/lib.sh
. "$(dirname "$0")/lib.sh"

need ethtool jq ping python3
tmp=$(mktemp -d)
defer rm -rf "$tmp"
tracing=/sys/kernel/tracing

is() { # WANT GOT
	echo "$2, wanted: $1"
	[ "$1" = "$2" ]
}

reg() { register srv "$SRV_DEV" "$1"; }
bits_are() { # OFFSET MASK WANT
	is "$3" "$(printf '0x%x' $(($(reg "$1") & $2)))"
}

## registers

mac_in_registers() {
	local low high mac

	low=$(reg 0x5400) high=$(reg 0x5404)
	mac=$(printf '%02x:%02x:%02x:%02x:%02x:%02x' $((low & 255)) $((low >> 8 & 255)) \
		$((low >> 16 & 255)) $((low >> 24)) $((high & 255)) $((high >> 8 & 255)))
	is "$(on_srv cat "/sys/class/net/$SRV_DEV/address")" "$mac"
}

rings_in_registers() {
	local q

	for ((q = 0; q < $(nproc); q++)); do
		is 0x00001000 "$(reg $((0xc008 + 0x40 * q)))" &&
			is 0x00001000 "$(reg $((0xe008 + 0x40 * q)))" || return
	done
}

# None that clears when it is read: the counters must go on as if nothing was.
dump_disturbs_nothing() {
	! on_srv ethtool -d "$SRV_DEV" raw on >"$tmp/dump" && return 1
	od -A n -v -t x4 -w8 "$tmp/dump" | awk '
		$1 == "000000c0" || $1 == "00001580" || ($1 >= "00004000" && $1 < "00005000") { print; bad = 1 }
		END { exit bad || NR < 600 }'
}

## NVM

nvm_has_mac() {
	is "$(on_srv cat "/sys/class/net/$SRV_DEV/address")" "$(on_srv ethtool -e "$SRV_DEV" \
		offset 0 length 6 raw on | od -A n -t x1 | sed 's/^ //; s/ /:/g')"
}

# Words 0 to 0x3f add up to 0xbaba.
nvm_sum() {
	is baba "$(on_srv ethtool -e "$SRV_DEV" offset 0 length 128 raw on | od -A n -v -t u2 -w2 |
		awk '{ n += $1 } END { printf "%x\n", n % 65536 }')"
}

nvm_odd() {
	is "$(on_srv ethtool -e "$SRV_DEV" offset 0 length 16 raw on | od -A n -v -t x1 -w1 | sed -n '4,8p')" \
		"$(on_srv ethtool -e "$SRV_DEV" offset 3 length 5 raw on | od -A n -v -t x1 -w1)"
}

## LEDs

leds() { reg 0xe00; }
leds_are() { [ "$(leds)" = "$1" ]; }

identify() {
	local before pid

	before=$(leds)
	on_srv ethtool -p "$SRV_DEV" 100 &
	pid=$!
	wait_until 30 leds_are 0x0e0e0e0e && wait_until 30 leds_are 0x0f0f0f0f &&
		wait_until 30 leds_are 0x0e0e0e0e || return
	pkill -INT -P "$pid" -x ethtool || kill -INT "$pid"
	wait_until 10 leds_are "$before"
}

## self-test

results() { on_srv ethtool -t "$SRV_DEV" "$1" >"$tmp/test"; }

test_passes() { # online|offline
	results "$1"
	local status=$?

	cat "$tmp/test"
	[ "$status" = 0 ] && grep -q 'result is PASS' "$tmp/test" &&
		is 4 "$(grep -cE '^(registers|interrupts|loopback|link).*[[:space:]]0$' "$tmp/test")"
}

# Frames of the loopback that never come back.
test_can_fail() {
	on_srv tc qdisc add dev "$SRV_DEV" clsact &&
		on_srv tc filter add dev "$SRV_DEV" ingress protocol 0x9000 flower action drop || return
	results offline
	cat "$tmp/test"
	on_srv tc qdisc del dev "$SRV_DEV" clsact
	grep -q 'result is FAIL' "$tmp/test" && grep -qE '^loopback.*[[:space:]]1$' "$tmp/test"
}

## the feature

count_requests() { # on_srv|on_cli DEV
	"$1" tc qdisc add dev "$2" clsact &&
		"$1" tc filter add dev "$2" ingress protocol arp flower arp_op request \
			arp_tip 192.0.2.9 action drop
}

requests() { # on_srv|on_cli DEV: how many came, which ends the counting
	"$1" tc -s -j filter show dev "$2" ingress |
		jq '[.[] | .options.actions[0].stats.packets? // empty] | add'
	"$1" tc qdisc del dev "$2" clsact
}

# Requests for an address that nobody has come back, or arrive at the peer.
loops() { # on|off
	local here there

	features loopback "$1" && wait_until 30 has_link srv "$SRV_DEV" || return
	count_requests on_srv "$SRV_DEV" && count_requests on_cli "$CLI_DEV" || return
	on_srv arping -q -c 3 -w 3 -I "$SRV_DEV" 192.0.2.9
	here=$(requests on_srv "$SRV_DEV") there=$(requests on_cli "$CLI_DEV")
	echo "here $here, there $there"
	if [ "$1" = on ]; then
		[ "$here" -gt 0 ] && [ "$there" = 0 ]
	else
		[ "$here" = 0 ] && [ "$there" -gt 0 ]
	fi
}

## statistics

group() { # GROUP NAME
	on_srv ethtool --json -S "$SRV_DEV" --groups "$1" | tee "$tmp/group" |
		jq -e ".[0][\"$1\"][\"$2\"]"
}

groups_present() {
	group eth-mac FramesReceivedOK && group eth-phy SymbolErrorDuringCarrier &&
		group eth-ctrl MACControlFramesReceived && group rmon etherStatsUndersizePkts
}

pauses_present() {
	on_srv ethtool -I --json -a "$SRV_DEV" | jq -e '.[0].statistics | has("rx_pause_frames")'
}

# 40 frames of 1042 bytes and their FCS, at both ends.
frames_exact() {
	local rx tx rx_bytes hist

	rx=$(group eth-mac FramesReceivedOK) tx=$(group eth-mac FramesTransmittedOK)
	rx_bytes=$(group eth-mac OctetsReceivedOK)
	hist=$(rmon_1024)
	on_cli ping -n -q -c 40 -i 0.01 -s 1000 "$SRV4" || return
	echo "rx $rx $(group eth-mac FramesReceivedOK) tx $tx $(group eth-mac FramesTransmittedOK)"
	is $((rx + 40)) "$(group eth-mac FramesReceivedOK)" &&
		is $((tx + 40)) "$(group eth-mac FramesTransmittedOK)" &&
		is $((rx_bytes + 40 * 1046)) "$(group eth-mac OctetsReceivedOK)" &&
		is $((hist + 40)) "$(rmon_1024)"
}

rmon_1024() {
	on_srv ethtool --json -S "$SRV_DEV" --groups rmon |
		jq '[.[0].rmon["rx-pktsNtoM"][] | select(.low == 1024) | .val] | add'
}

# Through the function that all register reads go through.
reads_of() { # COMMAND...
	echo >"$tracing/trace"
	"$@" >/dev/null || return
	grep -c "$(basename "$1")-[0-9].*igbp_reg_read:" "$tracing/trace"
}

ip_reads_nothing() {
	is 0 "$(reads_of ip -s -n srv link show dev "$SRV_DEV")"
}

ethtool_reads() {
	[ "$(on_srv true; reads_of ip netns exec srv ethtool -S "$SRV_DEV")" = 0 ] || return 0
	grep -q igbp_reg_read "$tracing/trace"
}

trace_reads() {
	echo 'p:igbp_reg_read igb_percore:igbp_rd32' >>"$tracing/kprobe_events" &&
		echo 1 >"$tracing/events/kprobes/igbp_reg_read/enable"
}

trace_ends() {
	echo 0 >"$tracing/events/kprobes/igbp_reg_read/enable"
	echo '-:igbp_reg_read' >>"$tracing/kprobe_events"
}

## features

# Length of an echo request of 200 bytes as AF_PACKET sees it arrive.
frame_length() {
	on_srv python3 -c '
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x800))
s.bind((sys.argv[1], 0x800))
s.settimeout(20)
print("ready", flush=True)
while True:
    frame, where = s.recvfrom(2000)
    if where[2] != 4 and frame[23] == 1:
        print(len(frame))
        break
' "$SRV_DEV" >"$tmp/length" &
	local pid=$!

	wait_until 20 grep -q ready "$tmp/length"
	on_cli ping -n -q -c 2 -i 0.2 -s 200 "$SRV4" >"$tmp/ping" || return
	wait "$pid" && tail -n 1 "$tmp/length"
}

features() { on_srv ethtool -K "$SRV_DEV" "$@"; }

# Received frames that the device, or nobody, has checked.
checked() { # 0|1: ip_summed that ping over TCP shows
	echo "name == \"$SRV_DEV\"" >"$tracing/events/net/netif_receive_skb/filter"
	echo 1 >"$tracing/events/net/netif_receive_skb_entry/enable"
	echo >"$tracing/trace"
	bulk "$SRV4" 1
	echo 0 >"$tracing/events/net/netif_receive_skb_entry/enable"
	is "$1" "$(sed -nE "s/.*dev=$SRV_DEV .*protocol=0x0800 ip_summed=([0-9]).*/\\1/p" "$tracing/trace" |
		sort -u | tr -d '\n')"
}

eee_refused() { ! on_srv ethtool --show-eee "$SRV_DEV"; }

wol_is() { is "$1" "$(on_srv ethtool "$SRV_DEV" | sed -nE 's/^[[:space:]]*Wake-on: //p')"; }
wol_kept() { on_srv ethtool -s "$SRV_DEV" wol ug && wol_is ug; }
wol_refused() { ! on_srv ethtool -s "$SRV_DEV" wol s && wol_is ug; }

msglevel() {
	on_srv ethtool -s "$SRV_DEV" msglvl 0x3 &&
		on_srv ethtool "$SRV_DEV" | grep -q 'Current message level: 0x00000003'
}

timestamps() {
	on_srv ethtool -T "$SRV_DEV" | tee /dev/stderr | grep -q software-transmit
}

check "link is up" net_up || finish

check "ethtool -d: the MAC address" mac_in_registers
check "ethtool -d: the length of the rings" rings_in_registers
check "ethtool -d: nothing that clears when it is read" dump_disturbs_nothing
check "ethtool -e: the MAC address" nvm_has_mac
check "ethtool -e: the sum of the words is right" nvm_sum
check "ethtool -e: from any byte on" nvm_odd
check "ethtool -p: LEDs go on, off, on, and are left as they were" identify
check "ethtool -s msglvl" msglevel
check "ethtool -T: software timestamps" timestamps
check "ethtool --show-eee: there is none" eee_refused
check "wake-on-LAN: off" wol_is d
check "wake-on-LAN: what is asked for is kept" wol_kept
check "wake-on-LAN: a password is refused" wol_refused
check "wake-on-LAN: off again" on_srv ethtool -s "$SRV_DEV" wol d

check "ethtool -S: standard groups" groups_present
check "ethtool -I -a: pause frames" pauses_present
exact() { wait_until 30 frames_exact || frames_exact; }
check "40 frames are 40 in all groups" exact
check "reads of registers can be traced" trace_reads
check "ip -s link reads no register" ip_reads_nothing
check "ethtool -S does" ethtool_reads
trace_ends

head -c 100003 /dev/urandom >"$tmp/file"
check "a server in srv" bulk_up "$tmp/file"
frames_have() { is "$1" "$(frame_length)"; }
check "frames come without FCS" frames_have 242
check "rx-fcs on" features rx-fcs on
check "frames come with FCS" frames_have 246
check "rx-fcs off" features rx-fcs off
check "frames come without FCS again" frames_have 242
check "rx-all on" features rx-all on
check "the device takes bad frames" bits_are 0x100 0x4 0x4
check "its buffers are of 3 KB then" bits_are 0xc00c 0x7f 0x3
check "files come intact" bulk $SRV4 1 $SRV6 4
check "rx-all off" features rx-all off
check "the device takes good frames only" bits_are 0x100 0x4 0x0
check "its buffers are of 2 KB" bits_are 0xc00c 0x7f 0x2
check "rx on: the device has checked what comes" checked 1
check "rx off" features rx off
check "rx off: nobody has checked it" checked 0
check "rx on" features rx on

check "ethtool -t online" test_passes online
check "ethtool -t offline" test_passes offline
works() { wait_until 30 net_works; }
check "the wire works after that" works
check "files come intact after that" bulk $SRV4 1 $SRV6 4
check "rings are as before" rings_in_registers
check "loopback on: frames come back, and only here" loops on
check "ethtool -t offline during that" test_passes offline
check "they come back after that, too" loops on
check "loopback off: they go to the peer" loops off
check "ethtool -t offline, a second time" test_passes offline
check "ethtool -t fails when nothing comes back" test_can_fail
check "interface down" ip -n srv link set "$SRV_DEV" down
check "ethtool -t offline of an interface that is down" test_passes offline
down_still() { [ "$(on_srv cat "/sys/class/net/$SRV_DEV/flags")" = 0x1002 ]; }
check "it stays down" down_still
# The IPv6 address went when it was taken down.
answers() { wait_until 30 has_link srv "$SRV_DEV" && wait_until 20 net_answers "$SRV4"; }
comes_up() { ip -n srv link set "$SRV_DEV" up && answers; }
check "and comes up" comes_up
check "no transmit queue was stuck" no_tx_timeout
finish
