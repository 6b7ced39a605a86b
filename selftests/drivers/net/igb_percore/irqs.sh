#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: host --long --timeout 520
#
#   this --vmbox--> irqs.sh in-the-guest:
#
#        cli: eth1 ==== wire ==== srv: eth0
#                                 rx 0, tx 0 --.
#                                 rx 2, tx 2 --+-- vector 1 -- core 0
#                                 rx 1, tx 1 --.
#                                 rx 3, tx 3 --+-- vector 2 -- core 1
#
# Claim: with fewer vectors than cores (devlink's msix_vec_per_pf_max, or as the
# machine has no more: vectors.c) there are as many queues as before; those that
# share a vector share its interrupt, its core and its moderation, and lose
# nothing, whatever is changed meanwhile. Without MSI-X there is a pair on MSI,
# without that on INTx: traffic, link, moderation and settings work there, too.
# An interrupt that is moved arrives where it was moved to.
lib=$(dirname "$0")/../../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/vm.sh
. "$lib/vm.sh"
# shellcheck source=selftests/drivers/net/igb_percore/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/drivers/net/igb_percore/life.lib.sh
. "$(dirname "$0")/life.lib.sh"

tmp=$(mktemp -d)
defer rm -rf "$tmp"

## in the guest

netlink() { on_srv python3 "$tests/netlink.py" "$1" "$SRV_DEV"; }

is() { # WANT GOT
	echo "$2, wanted: $1"
	[ "$1" = "$2" ]
}

# A word for each queue: which of the interrupts it has, in the order they appear
irq_pattern() {
	{ netlink napis | sed 's/^/napi /' && netlink queues; } | awk '
		$1 == "napi" { irq[$2] = $3; next }
		$1 == "rx" { rx[$2] = irq[$3]; n++ }
		$1 == "tx" && irq[$3] != rx[$2] { print "tx", $2, "is elsewhere"; exit }
		END { for (q = 0; q < n; q++) {
			if (!(rx[q] in seen)) seen[rx[q]] = k++ + 0
			printf "%s%d", q ? " " : "", seen[rx[q]] } print "" }'
}

irq_of() { awk -v name="$SRV_DEV-TxRx-$1" '$NF == name { sub(":", ""); print $1 }' /proc/interrupts; }

# How often core CORE took interrupt IRQ
taken() { # IRQ CORE
	awk -v irq="$1:" -v col="$(($2 + 2))" '$1 == irq { print $col }' /proc/interrupts
}

channels() { # the maximum, and what is
	on_srv ethtool -l "$SRV_DEV" | awk '/^Combined/ { printf "%s%s", n++ ? " " : "", $2 } END { print "" }'
}

table_names() { # which queues the table has, each how often
	on_srv ethtool -x "$SRV_DEV" | awk '/^ +[0-9]+:/ { for (i = 2; i <= NF; i++) n[$i]++ }
		END { for (q = 0; q < 16; q++) if (n[q]) printf "%s%d:%d", k++ ? " " : "", q, n[q]; print "" }'
}

every_queue_receives() {
	local q by

	on_srv ethtool -X "$SRV_DEV" equal "$cpus" || return
	snap
	on_cli python3 "$tests/flows.py" "$(on_srv ethtool -x "$SRV_DEV" |
		awk '/^RSS hash key/ { getline; print; exit }')" "$SRV4" 7001 64 >/dev/null || return
	for ((q = 0; q < cpus; q++)); do
		by=$(grown "pair${q}_rx_packets")
		echo "queue $q: $by"
		[ "$by" -gt 0 ] || return
	done
}

every_core_sends_on_its_own() {
	local q

	for ((q = 0; q < cpus; q++)); do
		snap
		on_srv taskset -c "$q" ping -n -q -c 10 -i 0.02 -s 500 "$CLI4" || return
		echo "queue $q: $(grown "pair${q}_tx_packets")"
		[ "$(grown "pair${q}_tx_packets")" -ge 10 ] || return
	done
}

usecs_of() { # QUEUE
	on_srv ethtool -Q "$SRV_DEV" queue_mask $((1 << $1)) --show-coalesce |
		awk '/^rx-usecs:/ { print $2 }'
}

# EITR holds us from bit 2 on
eitr_is() { # VECTOR US
	is "$2" $(($(register srv "$SRV_DEV" $((0x1680 + 4 * $1))) >> 2 & 0x1fff))
}

set_usecs() { # QUEUE US
	on_srv ethtool -Q "$SRV_DEV" queue_mask $((1 << $1)) --coalesce adaptive-rx off rx-usecs "$2"
}

shared_moderation() {
	set_usecs 1 0 && set_usecs 2 40 && is 40 "$(usecs_of 0)" && is 40 "$(usecs_of 2)" &&
		is 0 "$(usecs_of 1)" && eitr_is 1 40 && eitr_is 2 0 &&
		set_usecs 0 0 && is 0 "$(usecs_of 2)" && eitr_is 1 0 &&
		on_srv ethtool -C "$SRV_DEV" adaptive-rx off rx-usecs 25 && eitr_is 1 25 && eitr_is 2 25 && is 25 "$(usecs_of 3)"
}

# percore has queues 2 and 3 on cores of their own; their interrupts are others'.
stays_when_steered() {
	local i

	sysctl -q net.percore.steer=1 || return
	for i in {1..8}; do
		is "0 1" "$(<"/proc/irq/$(irq_of 0)/smp_affinity_list") $(<"/proc/irq/$(irq_of 1)/smp_affinity_list")" ||
			return
		sleep 0.2
	done
	wait_until 10 net_answers "$SRV4" && sysctl -q net.percore.steer=0
}

# Vector 1 serves queues 0 and 2: both go where it goes
follows_affinity() { # QUEUE CORE
	local irq before

	irq=$(irq_of 0)
	echo "$2" >"/proc/irq/$irq/smp_affinity_list" && on_srv ethtool -X "$SRV_DEV" equal 1 start "$1" || return
	before=$(taken "$irq" "$2")
	on_cli ping -n -q -c 20 -i 0.02 "$SRV4" &&
		is "$2" "$(<"/proc/irq/$irq/effective_affinity_list")" || return
	echo "core $2 took $before, then $(taken "$irq" "$2")"
	[ "$(taken "$irq" "$2")" -ge $((before + 15)) ]
}

outlives() { # NAME COMMAND...
	check "$1, under traffic" start_talk
	check "$1" "${@:2}"
	check "$1: which goes on" end_talk
}

# Their vectors stay open for the others
pairs_go() {
	on_srv ethtool -L "$SRV_DEV" combined 2 && bulk "$SRV4" 4 && on_srv ethtool -L "$SRV_DEV" combined 4
}

down_and_up() {
	ip -n srv link set "$SRV_DEV" down && ip -n srv link set "$SRV_DEV" up &&
		ip -n srv addr replace "$SRV6/64" dev "$SRV_DEV" nodad && net_works
}

one_changes() {
	on_srv ethtool -G "$SRV_DEV" rx 512 tx 128 && down_and_up && devlink dev reload "$dev" && wait_until 30 net_works
}

changes() {
	local i

	for i in 3 1 2 4; do on_srv ethtool -L "$SRV_DEV" combined "$i" || return; done
	one_changes
}

# The link work looks every ten seconds by itself: an interrupt is faster
link_is_noticed() {
	monitor "set_link nic0 off" && wait_until 4 no_link && monitor "set_link nic0 on" &&
		wait_until 4 has_link srv "$SRV_DEV" && monitor "set_link nic0 off" &&
		wait_until 4 no_link && monitor "set_link nic0 on" && wait_until 30 net_works
}

self_test() { on_srv ethtool -t "$SRV_DEV" "$1" && wait_until 30 net_works; }

nothing_hung() { is 0 "$(counter srv "$SRV_DEV" 'pair[0-9]+_restarts|pair[0-9]+_tx_timeouts|resets')"; }

vectors_set() { # NUMBER
	devlink dev param set "$dev" name msix_vec_per_pf_max value "$1" cmode driverinit &&
		devlink dev reload "$dev"
}

vectors_refused() { # NUMBER
	! devlink dev param set "$dev" name msix_vec_per_pf_max value "$1" cmode driverinit 2>"$tmp/why" &&
		cat "$tmp/why" && grep -q "$1 vectors, must be 2 to 10" "$tmp/why"
}

vectors_while_down() {
	ip -n srv link set "$SRV_DEV" down && vectors_set 2 && ip -n srv link set "$SRV_DEV" up &&
		ip -n srv addr replace "$SRV6/64" dev "$SRV_DEV" nodad && wait_until 30 net_works &&
		is "0 0 0 0" "$(irq_pattern)" && is "0:128" "$(table_names)"
}

# Changed again and again while everything is under way
vectors_under_traffic() {
	local n

	for n in $(times "5 3" "5 3 4 2 10 3 5 4 3 2 3"); do vectors_set "$n" && wait_until 30 has_link srv "$SRV_DEV" || return; done
}

busy_on_shared() {
	on_srv ethtool -X "$SRV_DEV" equal "$cpus" && bulk "$SRV4" 8 "$SRV6" 2
}

shared() {
	check "a queue has an interrupt of its own" is "0 1 2 3" "$(irq_pattern)"
	check "less than 2 vectors are refused, and why" vectors_refused 1
	check "and more than the device has" vectors_refused 11
	check "3 vectors" vectors_set 3
	check "3 vectors: the network is there" wait_until 30 net_works
	check "3 vectors: all queues are" is "$cpus $cpus" "$(channels)"
	check "3 vectors: queues share two interrupts" is "0 1 0 1" "$(irq_pattern)"
	check "3 vectors: received is by the first of each" is "0:64 1:64" "$(table_names)"
	check "3 vectors: what all queues receive arrives" busy_on_shared
	check "3 vectors: each queue can receive" every_queue_receives
	check "3 vectors: each core sends on a queue of its own" every_core_sends_on_its_own
	check "3 vectors: a vector has one moderation" shared_moderation
	on_srv ethtool -C "$SRV_DEV" adaptive-rx on
	check "3 vectors: steered by percore, interrupts stay where they are" stays_when_steered
	check "3 vectors: both queues follow it to core 3" follows_affinity 0 3
	check "3 vectors: the second one, to core 2" follows_affinity 2 2
	on_srv ethtool -X "$SRV_DEV" default
	check "3 vectors: a file arrives after the second pair of each has gone" pairs_go
	outlives "3 vectors: everything changes and begins anew" changes
	check "3 vectors: self-test" self_test offline
	on_srv ethtool -X "$SRV_DEV" default
	check "vectors change while it is down" vectors_while_down
	check "2 vectors: what all queues receive arrives" busy_on_shared
	on_srv ethtool -X "$SRV_DEV" default
	outlives "vectors change again and again" vectors_under_traffic
	check "3 vectors again" is "0 1 0 1" "$(irq_pattern)"
	check "nothing hung" nothing_hung
}

bind_to() { echo "$1" >"$drivers/igb_percore/bind"; }

again_with() { # COMMAND...: between drivers
	echo "$address" >"$drivers/igb_percore/unbind" && "$@" && bind_to "$address" &&
		nic_again srv "$SRV_DEV" "$SRV4" "$SRV6" && ip -n cli neigh flush all && wait_until 30 net_works
}

most_vectors() { echo "$1" >/sys/module/vectors/parameters/most; }

# What kind of interrupt it is, as the PCI core has it: msix, msi or none of both
kind() { [ -d "$pci/msi_irqs" ] && sort -u "$pci"/msi_irqs/* || echo INTx; }

one_moderation() {
	set_usecs 0 30 && eitr_is 0 30 && net_answers "$SRV4" && set_usecs 0 0 && eitr_is 0 0 &&
		on_srv ethtool -C "$SRV_DEV" adaptive-rx on
}

no_second_pair() {
	is "1 1" "$(channels)" && ! on_srv ethtool -L "$SRV_DEV" combined 2
}

interrupts() { awk -v dev="$SRV_DEV" '{ for (i = NF; i > 4; i--) { sub(",", "", $i); if ($i == dev) {
	for (c = 2; c < 6; c++) n += $c } } } END { print n + 0 }' /proc/interrupts; }

# One for each, where they come one by one: no other look at the ring
interrupts_come() {
	local before

	before=$(interrupts)
	on_cli ping -n -q -c 20 -i 0.02 "$SRV4" || return
	echo "$before, then $(interrupts)"
	[ "$(interrupts)" -ge $((before + 20)) ]
}

one_vector() { # KIND
	check "$1: it is" is "$1" "$(kind)"
	check "$1: there is one pair" no_second_pair
	check "$1: a file each way" bulk "$SRV4" 4 "$SRV6" 1
	check "$1: frames interrupt" interrupts_come
	check "$1: moderation" one_moderation
	check "$1: the link goes and comes" link_is_noticed
	outlives "$1: everything changes and begins anew" one_changes
	check "$1: there is no number of vectors to choose" fails devlink dev param show "$dev" name msix_vec_per_pf_max
	check "$1: self-test" self_test online
	check "$1: nothing hung" nothing_hung
}

fails() { ! "$@"; }

# It asked for one more than it had, and now there is none
vectors_gone() {
	most_vectors 0 && fails vectors_set 4 2>"$tmp/why" && cat "$tmp/why" &&
		grep -q "no vectors: closed and detached" "$tmp/why" &&
		fails ip -n srv link set "$SRV_DEV" up
}

vectors_back() {
	most_vectors 10 && devlink dev reload "$dev" && ip -n srv link set "$SRV_DEV" up &&
		ip -n srv addr replace "$SRV6/64" dev "$SRV_DEV" nodad && wait_until 30 net_works &&
		is "0 1 2 0" "$(irq_pattern)"
}

few_at_probe() {
	is msix "$(kind)" && is "$cpus $cpus" "$(channels)" && is "0 1 0 1" "$(irq_pattern)"
}

servers_up() {
	ip netns exec srv python3 "$tests/talk.py" echo &
	bulk_up "$tmp/file" && wait_until 30 serving srv 7002
}

taken_away() {
	check "what takes vectors away" insmod "$VMBOX_SHARE/vectors.ko" most=3 || return
	check "a machine with 3 vectors to give" again_with true
	check "3 at probe: all queues are there, and share them" few_at_probe
	check "3 at probe: a file each way" busy_on_shared
	check "vectors that cannot be had any more" vectors_gone
	check "once they can, a reload has it as it was" vectors_back
	check "and a file arrives each way" busy_on_shared
	check "a machine without MSI-X" again_with most_vectors 0
	one_vector msi
	check "a machine without MSI" again_with eval "echo 0 >$pci/msi_bus"
	one_vector INTx
	check "with both again" again_with eval "most_vectors 10; echo 1 >$pci/msi_bus"
	check "with both again: MSI-X" is msix "$(kind)"
}

in_the_guest() {
	# shellcheck source=selftests/lib/net.sh
	. "$lib/net.sh"
	need devlink ethtool ping python3 taskset
	drivers=/sys/bus/pci/drivers
	cpus=$(nproc)
	head -c "$(times 300000 3000000)" /dev/urandom >"$tmp/file"
	check "link is up" net_up || finish
	pci=$(on_srv readlink -f "/sys/class/net/$SRV_DEV/device")
	address=$(basename "$pci")
	dev=pci/$address
	check "servers listen" servers_up || finish

	[ $# -eq 0 ] || { "$@"; finish; }
	shared
	taken_away
	finish
}

if [ "${1:-}" = in-the-guest ]; then
	shift
	in_the_guest "$@"
fi

## on the host

# shellcheck source=tools/vmbox/lib.sh
. "$lib/../../tools/vmbox/lib.sh"
kernel=${KERNEL:-debian-6.12}
check "what takes vectors away builds" vm_module "$(dirname "$0")/vectors.c" "$tmp" || finish

limit=420
[ "$kernel" = debian-6.12 ] || limit=900
vm_test "$tmp" --kernel "$kernel" --cpus 4 --driver igb_percore --percore \
	--timeout $limit --share "$tmp" --keep-log "$tmp/log" --qemu "$(monitor_args "$tmp")" \
	-- env "LONG=${LONG:-}" "$(readlink -f "$0")" in-the-guest "$@"
finish
