#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --cpus 4 --nics 2 --driver igb_percore --percore --timeout 400
#
#   cli: eth1 ==== wire ==== srv: eth0, rules of ethtool -N --> queue
#
# Claim: rules that the device has filters for are taken, listed, found in its
# registers, given back, and outlive down and up; what it cannot do is refused
# for a reason that the kernel's log gives, and changes nothing. A queue that a
# rule names cannot be taken away.
#
# QEMU's 82576 has Ethertype filters only, and they do not choose the queue. So
# nothing here says that frames are steered; what the other kinds write to the
# device is in flow_test.c.
lib=$(dirname "$0")/../../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/drivers/net/igb_percore/lib.sh
. "$(dirname "$0")/lib.sh"

need ethtool ping python3

ntuple_is() { # on|off
	on_srv ethtool -k "$SRV_DEV" | tee /dev/stderr | grep -q "^ntuple-filters: $1"
}

rules() { on_srv ethtool -n "$SRV_DEV" | sed -nE 's/^Filter: ([0-9]+)/\1/p' | sort -n | tr '\n' ' '; }
rules_are() { echo "rules: $(rules)"; [ "$(rules)" = "${*:+$* }" ]; }
add() { on_srv ethtool -N "$SRV_DEV" "$@"; }
del() { add delete "$1"; }

shown() { # LOCATION REGEX: in what ethtool says of that rule
	on_srv ethtool -n "$SRV_DEV" rule "$1" | tee /dev/stderr | grep -qE "$2"
}

# ethtool says on stderr that a rule is refused, and ends with 0.
last_reason() {
	dmesg | tac | sed -n '/steer.sh: /q; s/.*rule refused: location [-0-9]* queue [-0-9]*: //p'
}

# Refused, with REASON in the log.
refused() { # REASON RULE...
	local reason=$1 said

	shift
	echo "<6>steer.sh: $*" >/dev/kmsg
	said=$(add "$@" 2>&1)
	echo "$said; for: $(last_reason), wanted: $reason"
	[[ $said = *Cannot* ]] && [[ $(last_reason) = *"$reason"* ]]
}

# Ethertype filter INDEX in the device.
etqf() { register srv "$SRV_DEV" $((0x5cb0 + 4 * $1)); }
etqf_is() { # INDEX VALUE
	echo "ETQF[$1]: $(etqf "$1"), wanted: $2"
	[ "$(etqf "$1")" = "$2" ]
}

seven_more() {
	local i

	for i in 1 2 3 4 5 6; do
		add flow-type ether proto $((0x9100 + i)) queue 0 || return
	done
}

down_up() {
	ip -n srv link set "$SRV_DEV" down && ip -n srv link set "$SRV_DEV" up &&
		wait_until 30 has_link srv "$SRV_DEV" && wait_until 20 net_answers "$SRV4"
}

# A frame of Ethertype 0x88f8, which the filter labels, arrives as it was sent.
labelled_arrives() {
	on_srv python3 -c '
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88f8))
s.bind((sys.argv[1], 0x88f8))
s.settimeout(20)
print("ready", flush=True)
frame = s.recv(2000)
sys.exit(frame[14:] != bytes(range(200)))
' "$SRV_DEV" >"$tmp/ready" &
	wait_until 20 grep -q ready "$tmp/ready"
	on_cli python3 -c '
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], 0))
s.send(b"\xff" * 6 + s.getsockname()[4] + b"\x88\xf8" + bytes(range(200)))
' "$CLI_DEV" && wait $!
}

tmp=$(mktemp -d)
defer rm -rf "$tmp"
check "link is up" net_up || finish
check "ntuple is on" ntuple_is on
check "there is no rule" rules_are

check "a rule by Ethertype" add flow-type ether proto 0x88f7 queue 1
check "it is in the first place of its kind" rules_are 8
check "it is shown as it was given" shown 8 'Ethertype: 0x88F7 mask: 0x0$'
check "it is in the device" etqf_is 0 0x840188f7
check "another, where it is wanted" add flow-type ether proto 0x88f8 queue 3 loc 10
check "both are listed" rules_are 8 10
check "it is in the device, too" etqf_is 2 0x840388f8
check "a frame that matches arrives" labelled_arrives
check "the rule in a place is replaced" add flow-type ether proto 0x88f9 queue 2 loc 8
check "in the device, too" etqf_is 0 0x840288f9

check "the same rule twice is refused" \
	refused "such a rule already" flow-type ether proto 0x88f8 queue 1
check "a queue too far is refused" \
	refused "no such queue" flow-type ether proto 0x9000 queue 4
check "dropping is refused" \
	refused "cannot drop" flow-type ether proto 0x9000 action -1
check "a place of another kind is refused" \
	refused "locations are" flow-type ether proto 0x9000 queue 1 loc 3
check "a place beyond the last is refused" \
	refused "locations are" flow-type ether proto 0x9000 queue 1 loc 32
check "IPv4 by Ethertype is refused" \
	refused "belongs to the hash" flow-type ether proto 0x800 queue 1
check "IPv6 by Ethertype is refused" \
	refused "belongs to the hash" flow-type ether proto 0x86dd queue 1
check "a length for an Ethertype is refused" \
	refused "0x600 or more" flow-type ether proto 0x100 queue 1
check "MAC addresses are refused" \
	refused "MAC addresses" flow-type ether dst 02:00:00:00:00:01 queue 1
check "half an Ethertype is refused" \
	refused "part of a field" flow-type ether proto 0x9000 m 0xff queue 1
check "IPv6 flows are refused" \
	refused "flow types are" flow-type tcp6 dst-port 80 queue 1
check "half a port is refused" \
	refused "part of a field" flow-type tcp4 dst-port 80 m 0xff queue 1
check "TOS is refused" \
	refused "TOS" flow-type tcp4 dst-port 80 tos 4 queue 1
check "TCP flags other than SYN are refused" \
	refused "only 0x2" flow-type tcp4 user-def 0x10 queue 1
for rule in "tcp4 dst-port 80" "udp4 src-ip 10.0.0.2" "sctp4 src-port 9" \
	"ip4 src-ip 10.0.0.2" "tcp4 user-def 0x2" "ether vlan 0xa000 m 0x1fff"; do
	# shellcheck disable=SC2086
	check "$rule is refused, as this device has no such filter" \
		refused "no such filter" flow-type $rule queue 1
done

check "what was refused has changed nothing" rules_are 8 10
check "more rules" seven_more
check "the filters of a kind are numbered" rules_are 8 9 10 11 12 13 14
check "when none is left, that is the reason" \
	refused "in use" flow-type ether proto 0x9200 queue 1
stays() { ! on_srv ethtool -L "$SRV_DEV" combined 3; }
check "queue 3 cannot go while a rule names it" stays
check "down and up" down_up
check "the rules are still there" rules_are 8 9 10 11 12 13 14
check "and in the device" etqf_is 2 0x840388f8
check "a rule is deleted" del 10
check "it is no longer listed" rules_are 8 9 11 12 13 14
check "in the device, too" etqf_is 2 0x00000000
not_there() { [[ $(del 10 2>&1) = *Cannot* ]] && [[ $(del 99 2>&1) = *Cannot* ]]; }
check "it cannot be deleted twice" not_there
check "queue 3 can go now" on_srv ethtool -L "$SRV_DEV" combined 3
check "and come back" on_srv ethtool -L "$SRV_DEV" combined 4
check "ntuple off" on_srv ethtool -K "$SRV_DEV" ntuple off
check "takes all rules away" rules_are
check "in the device, too" etqf_is 0 0x00000000
check "without ntuple a rule is refused" \
	refused "ntuple is off" flow-type ether proto 0x9000 queue 1
check "ntuple on" on_srv ethtool -K "$SRV_DEV" ntuple on
answers() { wait_until 20 net_answers "$SRV4"; }
check "the wire works" answers
finish
