#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: host --long --timeout 700
#
#   this --vmbox--> life.sh in-the-guest:
#
#        srv: eth0 ==== wire ==== eth1 :cli      both igb_percore, with percore
#              ^
#              suspend, function-level reset, PCI errors (QEMU's monitor, on a
#              port of virtio-serial), registers of all ones (life.py), removal
#
# An IOMMU watches: DMA to memory that is not mapped for the device, or no more, is
# a complaint of the kernel's.
#
# Claim: after each suspend, reset and recovered error the interface is what it
# was, in the registers too, and traffic goes on; a closed one sleeps
# and answers; what is gone is noticed, lets go of everything at once, and can
# come back; removal leaves nothing, also during a reset, with an AF_XDP socket
# and with VFs, which outlive the rest of it as the interface does.
lib=$(dirname "$0")/../../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/vm.sh
. "$lib/vm.sh"
# shellcheck source=selftests/drivers/net/igb_percore/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/drivers/net/igb_percore/life.lib.sh
. "$(dirname "$0")/life.lib.sh"
# shellcheck source=selftests/drivers/net/igb_percore/vf.lib.sh
. "$(dirname "$0")/vf.lib.sh"

tmp=$(mktemp -d)
defer rm -rf "$tmp"

## in the guest

life() { python3 "$tests/life.py" "$@"; }

# Everything that can be set, but for the tail of /proc/interrupts that moves.
settings() {
	local irq

	ip -n srv -d addr show dev "$SRV_DEV" | grep -v 'valid_lft\|scope link' |
		sed 's/ state [A-Z]*//'
	ip -n srv -d link show dev vlan5
	on_srv bash -c "
		for what in -g -l -c -k -a -x -n; do ethtool \$what $SRV_DEV; done
		ethtool -Q $SRV_DEV --show-coalesce
		ethtool -n $SRV_DEV rx-flow-hash udp4
		ethtool $SRV_DEV" 2>&1
	for irq in $(irqs); do echo "irq $(</proc/irq/"$irq"/smp_affinity)"; done
}

# And what of it is in registers: not where rings are and how far, nor those of
# pairs that are not in use, what is masked at the moment (EIMS), IVAR, in which
# a queue may be off, and EIAM, which the model makes something else of.
registers() {
	on_srv ethtool -d "$SRV_DEV" raw on | od -A n -v -t x4 -w8 | awk '
		{ at = 0 }
		{ for (i = 1; i <= 8; i++) at = 16 * at + index("123456789abcdef", substr($1, i, 1)) }
		at >= 49152 && (at % 64 ~ /^(0|4|16|24)$/ || at % 4096 / 64 % 8 >= 2) { next }
		$1 !~ /^0000(0008|152[4-9a-f]|1530|168c|17..)$/'
}

irqs() { awk -v dev="$SRV_DEV-" '$NF ~ "^" dev "TxRx" { sub(/:/, "", $1); print $1 }' /proc/interrupts; }

# Nothing of it is what the driver begins with.
configure() {
	on_srv ethtool -L "$SRV_DEV" combined 2 &&
		on_srv ethtool -G "$SRV_DEV" rx 512 tx 128 &&
		on_srv ethtool -C "$SRV_DEV" adaptive-rx off rx-usecs 20 &&
		on_srv ethtool -Q "$SRV_DEV" queue_mask 2 --coalesce rx-usecs 30 &&
		on_srv ethtool -X "$SRV_DEV" weight 3 1 &&
		on_srv ethtool -N "$SRV_DEV" rx-flow-hash udp4 sdfn &&
		on_srv ethtool -K "$SRV_DEV" ntuple on rx off tso off rx-fcs on &&
		on_srv ethtool -N "$SRV_DEV" flow-type ether proto 0x88f7 action 1 &&
		on_srv ethtool -A "$SRV_DEV" autoneg off rx on tx on &&
		ip -n srv link set "$SRV_DEV" mtu 2000 &&
		ip -n srv link set "$SRV_DEV" address 52:54:00:00:00:77 &&
		ip -n srv maddr add 01:00:5e:01:02:03 dev "$SRV_DEV" &&
		ip -n srv link add link "$SRV_DEV" name vlan5 type vlan id 5 &&
		ip -n cli link add link "$CLI_DEV" name vlan5 type vlan id 5 &&
		ip -n srv addr add 10.0.5.1/24 dev vlan5 && ip -n srv link set vlan5 up &&
		ip -n cli addr add 10.0.5.2/24 dev vlan5 && ip -n cli link set vlan5 up &&
		attach_program && interrupt_to_2 && ip -n cli neigh flush all
}

interrupt_to_2() { echo 4 >"/proc/irq/$(irqs | head -n 1)/smp_affinity"; }

# Open again, with what is lost when an interface is closed
open_again() {
	ip -n srv link set "$SRV_DEV" up
	ip -n srv link set vlan5 up
	ip -n srv addr replace "$SRV6/64" dev "$SRV_DEV" nodad
	interrupt_to_2
	ip -n cli neigh flush all
}

attach_program() {
	[ ! -x "$tests/xdp_tool" ] ||
		on_srv "$tests/xdp_tool" attach "$SRV_DEV" "$tests/xdp_prog.bpf.o" x_pass
}

all_works() { net_works && wait_until 20 net_answers 10.0.5.1; }

as_before() {
	settings >"$tmp/settings.now"
	registers >"$tmp/registers.now"
	diff "$tmp/settings" "$tmp/settings.now" && diff "$tmp/registers" "$tmp/registers.now"
}

## what happens to it

sleep_with_system() { # TEST STATE
	echo "$1" >/sys/power/pm_test && echo "$2" >/sys/power/state
}

# How often errors were recovered from. It is the port above eth0's device that
# reports one: the model of the device itself never does.
recovered() { dmesg | grep -c "device recovery successful"; }
recovered_past() { [ "$(recovered)" -gt "$1" ]; }

fatal_error() {
	local before

	before=$(recovered)
	monitor "pcie_aer_inject_error port0 DLP" &&
		wait_until 20 recovered_past "$before"
}

outlives() { # NAME COMMAND...
	local name=$1

	shift
	check "$name: under traffic" start_talk
	check "$name" "$@"
	check "$name: which goes on" end_talk
	check "$name: the network is there" all_works
	check "$name: all is as before" as_before
}

## parts

asleep() { [ "$(<"$pci/power/runtime_status")" = suspended ]; }
awake() { [ "$(<"$pci/power/runtime_status")" = active ]; }
falls_asleep() { wait_until 20 asleep && cat "$pci/power_state" && [ "$(<"$pci/power_state")" = D3hot ]; }

every_question() {
	on_srv bash -c "
		ethtool $SRV_DEV && ethtool -i $SRV_DEV && ethtool -S $SRV_DEV &&
		ethtool -d $SRV_DEV && ethtool -e $SRV_DEV && ethtool -g $SRV_DEV &&
		ethtool -x $SRV_DEV && ethtool -I -a $SRV_DEV && ethtool -n $SRV_DEV"
}

# What ethtool shows of the PHY's partner comes from the PHY: a PHY that is read
# in D3 would not answer.
runtime() {
	check "a closed interface may sleep" ip -n srv link set "$SRV_DEV" down
	echo 300 >"$pci/power/autosuspend_delay_ms"
	echo auto >"$pci/power/control"
	check "runtime: it does" falls_asleep
	check "runtime: every question is answered" every_question
	check "runtime: it sleeps again" falls_asleep
	check "runtime: what is set meanwhile wakes nobody" set_asleep
	check "runtime: opened, it is awake" ip -n srv link set "$SRV_DEV" up
	check "runtime: and has what was set" has_link_and_mtu 1400
	check "runtime: with a link it stays awake" stays_awake
	undo_asleep
	check "runtime: the network is there" all_works
	check "runtime: all is as before" as_before
	ip -n srv link set "$SRV_DEV" down
	check "runtime: closed again, it sleeps" falls_asleep
	check "runtime: the system's sleep while it is asleep" sleep_with_system platform freeze
	check "runtime: and again" falls_asleep
	check "runtime: a reset while it is asleep" reset
	echo on >"$pci/power/control"
	open_again
	check "runtime: open again, the network is there" all_works
	check "runtime: open again, all is as before" as_before
}

set_asleep() {
	ip -n srv link set "$SRV_DEV" mtu 1400 &&
		ip -n srv link set "$SRV_DEV" address 52:54:00:00:00:66 &&
		ip -n srv link add link "$SRV_DEV" name vlan9 type vlan id 9 && asleep
}

undo_asleep() {
	ip -n srv link set "$SRV_DEV" down
	ip -n srv link set "$SRV_DEV" mtu 2000
	ip -n srv link set "$SRV_DEV" address 52:54:00:00:00:77
	ip -n srv link del vlan9
	ip -n srv link set vlan5 mtu 2000
	open_again
}

# RLPML holds the MTU and 26 bytes; VFTA the VLANs; RAL the address
has_link_and_mtu() {
	wait_until 20 has_link srv "$SRV_DEV" &&
		[ "$(register srv "$SRV_DEV" 0x5004)" = "$(printf '0x%08x' $(($1 + 26)))" ] &&
		[ $(($(register srv "$SRV_DEV" 0x5600) >> 9 & 1)) = 1 ] &&
		[ $(($(register srv "$SRV_DEV" 0x5404) & 0xffff)) = $((0x6600)) ]
}

stays_awake() { ! wait_until 2 asleep; }

# Resets, and everything else that holds RTNL, at the same time.
crowd() {
	local i pids=() pid failed=0

	(for i in {1..8}; do echo 1 >"$pci/reset" || exit 1; done) &
	pids+=($!)
	(for i in {1..20}; do on_srv ethtool -S "$SRV_DEV"; on_srv ethtool -d "$SRV_DEV"; done; true) >/dev/null 2>&1 &
	pids+=($!)
	(for i in {1..10}; do
		on_srv ethtool -G "$SRV_DEV" rx $((64 << i % 3))
		on_srv ethtool -L "$SRV_DEV" combined $((2 + i % 2))
	done
	true) >/dev/null 2>&1 &
	pids+=($!)
	(for i in {1..8}; do
		ip -n srv link set "$SRV_DEV" down
		ip -n srv link set "$SRV_DEV" up
		ip -n srv link set "$SRV_DEV" mtu $((1500 + i % 2 * 1000))
	done
	true) >/dev/null 2>&1 &
	pids+=($!)
	for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
	return "$failed"
}

again_as_configured() {
	on_srv ethtool -L "$SRV_DEV" combined 2
	on_srv ethtool -G "$SRV_DEV" rx 512
	ip -n srv link set "$SRV_DEV" mtu 2000
	ip -n srv link set vlan5 mtu 2000
	on_srv ethtool -X "$SRV_DEV" weight 3 1
	open_again
	all_works
}

gone() { dmesg | grep -c "device is gone"; }
gone_past() { [ "$(gone)" -gt "$1" ]; }
detached() { ! on_srv ethtool -g "$SRV_DEV"; }

sniff() {
	ip netns exec srv python3 "$tests/life.py" sniff "$SRV_DEV" >"$tmp/sniff" &
	sniffer=$!
	wait_until 30 grep -q ready "$tmp/sniff"
}

surprise() {
	local before

	check "gone: a packet socket" sniff
	check "gone: under traffic" start_talk
	before=$(gone)
	life ones on "$address"
	check "gone: it is noticed" wait_until 30 gone_past "$before"
	check "gone: the interface is detached" wait_until 5 detached
	check "gone: closing it takes no time" within 1000 ip -n srv link set "$SRV_DEV" down
	check "gone: it cannot be opened" fails ip -n srv link set "$SRV_DEV" up
	check "gone: a reset does not help" within 3000 reset
	check "gone: while it is gone" detached
	life ones off "$address"
	check "gone: once it is back, a reset does" reset
	open_again
	check "gone: and traffic goes on" end_talk
	check "gone: the network is there" all_works
	check "gone: all is as before" as_before
	kill "$sniffer"
}

fails() { ! "$@"; }

nothing_left() {
	[ ! -e "$pci" ] && ! ip -n srv link show dev "$SRV_DEV" && [ -z "$(irqs)" ] &&
		[ ! -e "/sys/bus/auxiliary/devices/igb_percore.percore.$((0x${address:5:2} << 8))" ]
}

take_out() { echo 1 >"$pci/remove"; }

# With its own address on the wire again
put_back() {
	echo 1 >/sys/bus/pci/rescan && nic_again srv "$SRV_DEV" "$SRV4" "$SRV6" &&
		ip -n cli neigh flush all && net_works
}

removals() {
	local i resets

	resets=$(times 2 20)

	check "removal: a packet socket" sniff
	check "removal: under traffic" start_talk
	check "removal under traffic takes no time" within 3000 take_out
	check "removal under traffic leaves nothing" nothing_left
	kill "$sniffer"
	drop_talk
	check "removal: it comes back" put_back

	check "removal while gone: a packet socket" sniff
	check "removal while gone: under traffic" start_talk
	life ones on "$address"
	check "removal while gone takes no time" within 1500 take_out
	check "removal while gone leaves nothing" nothing_left
	kill "$sniffer"
	drop_talk
	life ones off "$address"
	check "removal while gone: it comes back" put_back

	for ((i = 0; i < resets; i++)); do
		check "removal during a reset: under traffic" start_talk
		reset 2>/dev/null &
		check "removal during a reset" take_out
		check "removal during a reset leaves nothing" nothing_left
		drop_talk
		check "removal during a reset: it comes back" put_back
	done
}

## with an AF_XDP socket

xsk() { # CASE [NAME=NUMBER]...
	"$tests/xsk_tool" "$1" "$tests/xsk_prog.bpf.o" "$SRV_DEV" "$CLI_DEV" "${@:2}"
}

# In the background, so that its process is the one to kill
xsk_exec() {
	exec "$tests/xsk_tool" "$1" "$tests/xsk_prog.bpf.o" "$SRV_DEV" "$CLI_DEV" "${@:2}"
}

start_socket() {
	xsk_exec load >"$tmp/socket" 2>&1 &
	socket=$!
	wait_until 30 grep -q ready "$tmp/socket" && socket_answers && return
	cat "$tmp/socket"
	return 1
}

socket_answers() {
	wait_until 30 has_link srv "$SRV_DEV" && wait_until 30 has_link cli "$CLI_DEV" && xsk peer count=100
}

# That it ends is one thing, that its queue is free the other: see start_socket.
drop_socket() {
	kill -KILL "$socket"
	wait "$socket" 2>/dev/null
	kill -KILL "$flood" 2>/dev/null
	true
}

start_flood() {
	xsk_exec flood >/dev/null 2>&1 &
	flood=$!
	disown "$flood"
}

with_a_socket() {
	local before

	flood=
	[ -x "$tests/xsk_tool" ] || { skip "an AF_XDP socket" "xsk_tool is not built" && return; }
	on_srv ethtool -K "$SRV_DEV" rx-fcs off
	check "a socket" start_socket
	check "a socket: the link goes and comes" link_goes_and_comes
	check "a socket: which goes on with it" socket_answers
	check "a socket: suspend to idle" sleep_with_system platform freeze
	check "a socket: which goes on" socket_answers
	check "a socket: function-level reset" reset
	check "a socket: which goes on after it" socket_answers
	start_flood
	before=$(gone)
	life ones on "$address"
	check "a socket: the device is gone" wait_until 30 gone_past "$before"
	check "a socket: it is detached" wait_until 5 detached
	drop_socket
	life ones off "$address"
	check "a socket: once the device is back, a reset helps" reset
	ip -n srv link set "$SRV_DEV" up
	check "a socket: and there is a new one" start_socket
	start_flood
	check "a socket: removal takes no time" within 3000 take_out
	check "a socket: it leaves nothing" nothing_left
	drop_socket
	check "a socket: the device comes back" put_back
	check "a socket: and there is one more" start_socket
	start_flood
	life ones on "$address"
	check "a socket: removal while gone takes no time" within 1500 take_out
	check "a socket: that leaves nothing" nothing_left
	drop_socket
	life ones off "$address"
	check "a socket: the device comes back again" put_back
}

## with VFs

vfs_work() { works vf0 "$CLI4" 40 && works vf1 10.0.0.10 40 && net_works; }

with_vfs() {
	local before

	modinfo igbvf >/dev/null 2>&1 || { skip "with VFs" "the kernel has no igbvf" && return; }
	pf=$pci
	modprobe igbvf
	check "VFs: two" numvfs 2
	check "VFs: namespaces" vf_namespaces
	check "VFs: the first one has a link" vf_take 0
	check "VFs: and the second one" vf_take 1
	check "VFs: they answer" vfs_work
	check "VFs: suspend to idle" sleep_with_system platform freeze
	check "VFs: which they outlive" vfs_work
	check "VFs: fatal PCI error" fatal_error
	check "VFs: which they outlive, too" vfs_work
	before=$(gone)
	life ones on "$address"
	check "VFs: the device is gone" wait_until 30 gone_past "$before"
	life ones off "$address"
	check "VFs: it is back" reset
	ip -n srv link set "$SRV_DEV" up
	check "VFs: and so are they" vfs_work
	check "VFs: removal takes no time" within 5000 take_out
	check "VFs: it leaves nothing" nothing_left
	check "VFs: no VF either" fails vf_left
	check "VFs: the device comes back" put_back
	check "VFs: and makes new ones" numvfs 2
	check "VFs: which have a link" vf_take 0
	check "VFs: the device is gone again" life ones on "$address"
	check "VFs: removal while gone takes no time" within 3000 take_out
	check "VFs: that leaves nothing" nothing_left
	life ones off "$address"
	check "VFs: the device comes back again" put_back
}

vf_left() { lspci -n | grep 8086:10ca; }

driver_out() {
	reset &
	rmmod igb_percore && ! loaded igb_percore && [ -z "$(irqs)" ]
}

in_the_guest() {
	# shellcheck source=selftests/lib/net.sh
	. "$lib/net.sh"
	check "link is up" net_up || finish
	pci=$(on_srv readlink -f "/sys/class/net/$SRV_DEV/device")
	address=$(basename "$pci")
	ip netns exec srv python3 "$tests/talk.py" echo &
	check "a server listens" wait_until 30 serving srv 7002
	check "configured otherwise than at first" configure || finish
	check "the network is there" all_works
	settings >"$tmp/settings"
	registers >"$tmp/registers"
	check "settings and registers are read" [ "$(wc -l <"$tmp/registers")" -gt 400 ]
	echo 1 >/sys/module/suspend/parameters/pm_test_delay

	[ $# -eq 0 ] || { "$@" ; finish; }
	outlives "suspend to idle" sleep_with_system platform freeze
	outlives "suspend to memory, without other CPUs" sleep_with_system processors mem
	outlives "function-level reset" reset
	outlives "fatal PCI error" fatal_error
	check "no transmit queue was stuck" no_tx_timeout
	runtime
	check "resets, settings, open and close at once" crowd
	check "after all that, the network is there" again_as_configured
	check "after all that, all is as before" as_before
	surprise
	removals
	with_a_socket
	with_vfs
	check "the driver goes during a reset" driver_out
	finish
}

if [ "${1:-}" = in-the-guest ]; then
	shift
	in_the_guest "$@"
fi

## on the host

python3 -c 'import sys; sys.stdout.buffer.write(b"\xff" * (1 << 20))' >"$tmp/ones"
qemu=$(monitor_args "$tmp")
qemu+=" -object memory-backend-file,id=ones,size=1M,mem-path=$tmp/ones,share=on,readonly=on,rom=on"
qemu+=" -device ivshmem-plain,memdev=ones"
# Sleep, reset and removal change the memory map, and an access of another
# processor at that moment may get lost in QEMU, or end it: so none at a time.
# A faster port would have to say when its link is up again after a reset, and
# QEMU's does not.
qemu+=" -global pcie-root-port.x-speed=5"
qemu+=" -device intel-iommu"
limit=480
[ "${KERNEL:-debian-6.12}" = debian-6.12 ] || limit=1900
[ -z "${LONG:-}" ] || limit=$((3 * limit))
vm_test "$tmp" --kernel "${KERNEL:-debian-6.12}" --cpus 3 --suspend --round-robin \
	--append intel_iommu=on --append iommu.strict=1 --driver igb_percore --percore \
	--timeout $limit --keep-log "$tmp/log" --qemu "$qemu" \
	-- env "LONG=${LONG:-}" "$(readlink -f "$0")" in-the-guest "$@"
finish
