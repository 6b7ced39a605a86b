#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --long --own --cpus 2 --nics 2 --driver igb_percore --percore --timeout 300
#
#   srv: eth0, the PF ===== wire ===== eth1 :cli
#        |   \
#   vf0: VF  vf1: VF                stock igbvf; or none, and sriov.py instead,
#                                   which writes to the mailbox what it likes
#
# Claim: the PF's VFs work with the stock driver: bytes are the same between each
# two of VF, PF, other VF and wire; what the administrator sets holds at once, and
# does not cut a VF off; a VF that is not trusted gets no more than it may; VFs
# come and go under traffic; nothing that a VF does harms the PF, and VFs live
# through what happens to the PF. Without VFs all is as it was.
#
# QEMU's model drops no forged frames, limits no rate and shows every VF the port's
# link: of these only registers and what `ip link` says are looked at.
lib=$(dirname "$0")/../../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/drivers/net/igb_percore/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/drivers/net/igb_percore/vf.lib.sh
. "$(dirname "$0")/vf.lib.sh"

need ethtool devlink python3 jq
tmp=$(mktemp -d)
defer rm -rf "$tmp"
modinfo igbvf >/dev/null 2>&1 || skip_all "the kernel has no igbvf"

pf=$(readlink -f "/sys/class/net/$SRV_DEV/device")
[ -e "$pf/sriov_numvfs" ] || skip_all "$SRV_DEV has no SR-IOV"
mac0=52:54:00:00:10:00
mac1=52:54:00:00:10:01
blocks=$(times 300000 5000000)

tool() { python3 "$tests/sriov.py" "$@"; }
vf_set() { ip -n srv link set "$SRV_DEV" vf "$@"; }
vf_info() { ip -n srv -s -j -d link show "$SRV_DEV" | jq -r ".[0].vfinfo_list[$1] | $2"; }
reg() { register srv "$SRV_DEV" "$1"; }
reg_is() {
	local is

	is=$(reg "$1")
	echo "register $1 is $is, wanted: $2"
	[ $((is)) = $(($2)) ]
}

fails_with() { # TEXT COMMAND...
	local text=$1

	shift
	! "$@" >"$tmp/said" 2>&1 || { echo "succeeded: $*"; return 1; }
	cat "$tmp/said"
	grep -q "$text" "$tmp/said"
}

log_mark() { echo "sriov.sh: mark $1" >/dev/kmsg; }
log_says() { # MARK TEXT
	dmesg | sed -n "/sriov.sh: mark $1/,\$p" | grep -q -- "$2" ||
		{ dmesg | tail -n 5; return 1; }
}

refused() { # TEXT COMMAND...: and the log says why
	local text=$1

	shift
	log_mark "$((++marks))"
	! "$@" || return 1
	log_says "$marks" "$text"
}
marks=0

vf_mac() { ip -n "vf$1" -j link show port | jq -r '.[0].address'; }
has_no_link() { ! has_link "$@"; }
same_bytes() { in_ns "$1" python3 "$tests/sriov.py" move "$2" "$blocks"; } # NETNS ADDRESS

serve() { # NETNS
	in_ns "$1" python3 "$tests/sriov.py" echo &
	servers+=($!)
	wait_until 20 serving "$1" 7000
}
servers=()
stop_serving() { kill "${servers[@]}" 2>/dev/null; }
defer stop_serving

traffic_begins() {
	touch "$tmp/go"
	on_cli python3 "$tests/sriov.py" stream "$SRV4" "$tmp/go" >"$tmp/stream" 2>&1 &
	traffic=$!
	sleep 1
}

traffic_was_good() {
	rm "$tmp/go"
	wait "$traffic"
	local status=$?
	cat "$tmp/stream"
	return "$status"
}

two_vfs() { numvfs 2 && [ "$(<"$pf/sriov_numvfs")" = 2 ]; }
both_vfs() { vf_take 0 && vf_take 1; }
channels() { on_srv ethtool -l "$SRV_DEV" | awk '/^Combined/ { print $2 }' | tr '\n' ' '; }
channels_are() { channels; [ "$(channels)" = "$1 " ]; }
without_vfs() { on_srv ethtool -d "$SRV_DEV" raw on | od -A n -v -t x4 -w8 |
	grep -E '^ 0000(0c8c|0c90|3500|37|581|5ad|5ae|5d)'; }

check "link, and the peer answers" net_up || finish
vf_namespaces
for ns in srv cli vf0 vf1; do serve $ns; done

## numbers

before=$(channels)
without_vfs >"$tmp/without"
check "seven is the most" [ "$(<"$pf/sriov_totalvfs")" = 7 ]
check "eight are refused" fails_with 'Numerical result out of range' numvfs 8
check "with a steering rule, too, and the log names it" bash -c '
	ethtool() { ip netns exec srv ethtool "$@"; }
	ethtool -K '"$SRV_DEV"' ntuple on && ethtool -N '"$SRV_DEV"' flow-type ether proto 0x88f7 action 1 loc 8 || exit 0
	! echo 2 >'"$pf"'/sriov_numvfs && dmesg | tail -n 3 | grep "steering rules" &&
	ethtool -N '"$SRV_DEV"' delete 8'
check "without a VF there is none to set" refused 'VF 0: there are 0' vf_set 0 mac "$mac0"
modprobe igbvf
traffic_begins
check "two VFs, while data goes through the PF" two_vfs
check "their interfaces come, and have links" both_vfs
check "the data arrived as it was" traffic_was_good
check "the PF has one pair" channels_are "1 1"
check "more are refused" fails_with 'exceeds maximum' on_srv ethtool -L "$SRV_DEV" combined 2
check "another number needs 0 first" fails_with 'busy' numvfs 3

## bytes

check "VF to wire" same_bytes vf0 "$CLI4"
check "wire to VF, IPv6" same_bytes cli fd00::10
check "VF to PF" same_bytes vf0 "$SRV4"
check "PF to VF, IPv6" same_bytes srv fd00::11
check "VF to VF" same_bytes vf0 10.0.0.11
check "VF to VF, IPv6" same_bytes vf1 fd00::10
check "PF to wire, still" same_bytes srv "$CLI4"
# VF 0's RX and TX: bytes and packets, on the lines behind the headings
counted() {
	ip -n srv -s link show "$SRV_DEV" | awk -v bytes="$blocks" '
		/^ *vf / { vf = $2 } { print }
		want && vf == "0" { good += $1 > bytes && $2 > 50 }
		{ want = /^ *(RX|TX): bytes/ && vf != "" }
		END { exit good != 2 }'
}
check "what VFs sent and received is counted" counted

## what VFs may choose

own_mac() {
	ip -n vf0 link set port address 52:54:00:00:20:00 && works vf0 "$CLI4" &&
		[ "$(vf_info 0 .address)" = 52:54:00:00:20:00 ]
}
check "a VF chooses its address" own_mac
check "not the PF's" fails_with 'Cannot assign' ip -n vf0 link set port address 52:54:00:00:00:01
check "nor the other VF's" fails_with 'Cannot assign' \
	ip -n vf0 link set port address "$(vf_mac 1)"
log_mark mac
set_mac() { vf_set 0 mac "$mac0" && [ "$(vf_info 0 .address)" = "$mac0" ]; }
check "the administrator chooses one" set_mac
# The last receive address, of pool 0
in_the_filter() {
	local low high

	low=$(register srv "$SRV_DEV" 0x5518) high=$(register srv "$SRV_DEV" 0x551c)
	printf '%02x:%02x:%02x:%02x:%02x:%02x, 0x%x\n' $((low & 255)) $((low >> 8 & 255)) \
		$((low >> 16 & 255)) $((low >> 24)) $((high & 255)) $((high >> 8 & 255)) \
		$((high >> 16)) | tee /dev/stderr | grep -qx "$mac0, 0x8004"
}
check "and the device knows it at once" in_the_filter
check "and is told what the VF's driver needs" log_says mac 'takes it on when reloaded'
still_there() { has_link vf0 port && in_ns vf0 ip link set port mtu 1400 && ip -n vf0 link set port mtu 1500; }
check "the VF keeps its link and is answered" still_there
down_and_up() { ip -n "vf$1" link set port down && ip -n "vf$1" link set port up &&
	wait_until 20 has_link "vf$1" port; }
takes_mac() { down_and_up 0 && [ "$(vf_mac 0)" = "$mac0" ] && works vf0 "$CLI4"; }
check "down and up, and it has that address" takes_mac
check "another is refused then" fails_with 'Cannot assign' \
	ip -n vf0 link set port address 52:54:00:00:20:00
mine_again() { ip -n vf0 link set port address 52:54:00:00:20:01 && works vf0 "$CLI4"; }
vf_set 0 trust on
check "but not when it is trusted" mine_again
vf_set 0 trust off
check "an address of a group is refused" refused 'no address of a station' \
	vf_set 0 mac 01:00:5e:00:00:01
check "and one that the other VF has" refused 'somebody else' vf_set 0 mac "$(vf_mac 1)"
check "a VF that is not there is refused, and the log says how many are" \
	refused 'VF 2: there are 2' vf_set 2 mac "$mac0"

## VLANs

# NETNS DEV VID HOST
vlan_add() {
	ip -n "$1" link add link "$2" name "v$3" type vlan id "$3" &&
		ip -n "$1" addr add "10.0.$3.$4/24" dev "v$3" && ip -n "$1" link set "v$3" up
}
tagged() {
	vlan_add cli "$CLI_DEV" 200 2 && vlan_add srv "$SRV_DEV" 200 1 &&
		vlan_add vf1 port 200 11 && works vf1 10.0.200.2 &&
		same_bytes vf1 10.0.200.2 && same_bytes vf1 10.0.200.1
}
check "a VF's own VLAN, to wire and PF" tagged
port_vlan() {
	vlan_add cli "$CLI_DEV" 100 2 && vf_set 0 vlan 100 qos 3 &&
		[ "$(vf_info 0 '.vlan_list[0] | "\(.vlan) \(.qos)"')" = "100 3" ] &&
		ip -n vf0 addr add 10.0.100.10/24 dev port && works vf0 10.0.100.2 && has_link vf0 port
}
check "a VLAN of the administrator's, at once and with the link kept" port_vlan
check "bytes, without a tag on the VF's side" same_bytes vf0 10.0.100.2
check "out of it nothing gets" silent vf0 10.0.0.11
check "and into it nothing" silent cli 10.0.0.10
check "tags of the VF's own are refused in it" refused "or the administrator's" vlan_add vf0 port 200 10
ip -n vf0 link del v200 2>/dev/null
no_port_vlan() { vf_set 0 vlan 0 && ip -n vf0 addr del 10.0.100.10/24 dev port && works vf0 10.0.0.11; }
check "out of the VLAN again" no_port_vlan
check "VLAN 4095 is refused" refused 'VLAN 4095 of at most 4094' vf_set 0 vlan 4095
check "802.1ad is refused" refused 'only 802.1Q' vf_set 0 vlan 100 proto 802.1ad

## spoof check, rate, trust

spoof_bits() { # WANTED
	[ "$(vf_info 0 .spoofchk)" = "$2" ] && reg_is 0x3500 "$1"
}
check "spoof check is on" spoof_bits 0x80000303 true
vf_set 0 spoofchk off
check "and off for one" spoof_bits 0x80000202 false
vf_set 0 spoofchk on
check "and on again" spoof_bits 0x80000303 true
skip "forged frames are dropped and reported" "the model of the device lets them through"
rate() { vf_set 0 max_tx_rate 100 && [ "$(vf_info 0 .rate.max_tx)" = 100 ] && works vf0 "$CLI4"; }
check "a rate is taken" rate
vf_set 0 max_tx_rate 0
check "1001 Mbit/s are refused" refused 'max_tx_rate 1001, at most 1000' vf_set 0 max_tx_rate 1001
check "a guaranteed rate, too" refused 'guarantees none' vf_set 0 min_tx_rate 5 max_tx_rate 10
skip "and it is kept" "the model of the device has no limiter"

## link state

disabled() { vf_set 0 state disable && wait_until 8 has_no_link vf0 port && sleep 3 &&
	has_no_link vf0 port && has_link vf1 port; }
state() { vf_set 0 state "$1" && wait_until 8 has_link vf0 port && works vf0 "$CLI4"; }
check "a link that is taken away is gone for the VF" disabled
check "its pool is shut" reg_is 0xc8c 0x82
check "it comes back" state enable
check "and is automatic again" state auto
pf_down() {
	ip -n srv link set "$SRV_DEV" down && wait_until 8 has_no_link vf0 port &&
		wait_until 8 has_no_link vf1 port
}
pf_up() {
	ip -n srv link set "$SRV_DEV" up && wait_until 20 has_link srv "$SRV_DEV" &&
		wait_until 8 has_link vf0 port && works vf0 "$CLI4" && works vf1 10.0.0.10
}
check "without the PF's link VFs have none" pf_down
check "with it they have, and need no reset" pf_up

## resets

# igbvf resets itself ten seconds after its last reset at the earliest, so this first
pf_reset() { echo 1 >"$pf/reset" && wait_until 20 has_link srv "$SRV_DEV" && works cli "$SRV4"; }
back() { works vf0 "$CLI4" 30 && works vf1 10.0.0.10 30; }
check "a function-level reset of the PF" pf_reset
check "and VFs come back by themselves" back
check "bytes, after that" same_bytes vf0 "$CLI4"
devlink_reload() { devlink dev reload "pci/${pf##*/}" && works cli "$SRV4"; }
check "the PF is reloaded by devlink" devlink_reload
check "and VFs come back by themselves" back
reload() {
	modprobe -r igbvf && modprobe igbvf && both_vfs && works vf0 "$CLI4" && works vf1 "$SRV4"
}
check "igbvf is reloaded" reload
flr() { echo 1 >"$(vf_dir 1)/reset" && down_and_up 1 && works vf1 "$CLI4" && works vf1 10.0.0.10; }
check "a function-level reset of a VF" flr

## VFs without a driver

unbind() { basename "$(vf_dir 1)" >"$(vf_dir 1)/driver/unbind"; }
unbind
vf1=$(vf_dir 1)
ask_is() { # WANTED MESSAGE...
	local wanted=$1 is

	shift
	is=$(tool ask "$vf1" "$@" | tr '\n' ' ')
	echo "answers $is, wanted $wanted"
	[ "$is" = "$wanted " ]
}
vf_set 1 mac "$mac1"
says_hello() { tool hello "$vf1" | tee "$tmp/hello" && grep -q "0x80000001 $mac1" "$tmp/hello"; }
check "VF_RESET is answered with the address" says_hello
check "multicast for all, not trusted" ask_is 0x60020006 0x20006
vf_set 1 trust on
allmulti() { ask_is 0xa0020006 0x20006 && [ $(($(reg 0x5ad4) & 0x12000000)) = $((0x12000000)) ]; }
check "and trusted" allmulti
vf_set 1 trust off
check "which ends with the trust" bash -c "[ $(($(reg 0x5ad4) & 0x10000000)) = 0 ]"
check "requests that mean nothing are refused" ask_is \
	"0x60000007 0x60000004 0x60000005 0x60000005 0x60030002 0x60000002" \
	7 4,4096 5,9729 5,63 0x30002 2
check "as is a frame's length that is too much by one" ask_is "0xa0000005 0x60000005" 5,9728 5,9729
vf_set 1 state disable
check "and stay refusals when they come one upon the other, without a link" ask_is \
	"0x40000005 0x40000005 0x40000005 0x40000005" 5,9729 5,63 5,9729 5,63
vf_set 1 state auto
check "any content" tool fuzz "$vf1" "$(times 200 20000)" 1
check "the PF and the other VF are none the worse" same_bytes vf0 "$SRV4"
hold() {
	touch "$tmp/hold"
	tool hold "$vf1" "$tmp/hold" &
	local holder=$! start=$SECONDS status=0
	sleep 1
	for state in disable enable disable auto; do vf_set 1 state "$state" || status=1; done
	down_and_up 0 && works vf0 "$CLI4" || status=1
	rm "$tmp/hold"
	wait "$holder" || status=1
	echo "$((SECONDS - start)) s"
	[ "$status" = 0 ] && [ $((SECONDS - start)) -lt 12 ]
}
check "a VF that keeps its mailbox holds nobody up" hold
flood() {
	tool flood "$vf1" 3 &
	same_bytes cli "$SRV4" && wait $! && works vf0 "$CLI4"
}
check "nor one that rings all the time" flood

## the end

traffic_begins
gone() { numvfs 0 && [ ! -e "$pf/virtfn0" ] && works cli "$SRV4"; }
check "no VFs any more, while data goes through the PF" gone
check "the data arrived as it was" traffic_was_good
check "the PF has its pairs again" channels_are "${before% }"
as_without() { [ -s "$tmp/without" ] && without_vfs >"$tmp/now" && diff "$tmp/without" "$tmp/now"; }
check "and the registers of pools are as without VFs" as_without
removed() {
	numvfs 2 && both_vfs && works vf0 "$CLI4" && rmmod igb_percore && [ ! -e "$pf/virtfn0" ]
}
check "the PF's driver goes away, VFs and all" removed
reloaded() { insmod "$IGB_PERCORE" && net_again && numvfs 1 && vf_take 0 && works vf0 "$CLI4" && numvfs 0; }
check "and comes again, with a VF" reloaded
modprobe -r igbvf
seven() { numvfs 7 && [ -e "$pf/virtfn6" ] && tool hello "$(vf_dir 6)" && works cli "$SRV4" && numvfs 0; }
check "seven VFs" seven
check "no queue was found stuck" no_tx_timeout
finish
