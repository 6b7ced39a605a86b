#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --cpus 2 --nics 2 --driver igb_percore --percore --timeout 600
# here: no, it takes the NIC from its driver
#
#   srv: eth0 <-- alloc.py: N-th allocation fails, N = 1, 2, ...
#
# Claim: whichever allocation fails while a driver is bound, an interface opened
# or changed, percore put in or asked, a socket sharded, opened or accepted: it
# says so or does without, and can be undone; the next try works; nothing is
# leaked (vmbox looks with kmemleak). That is the debug kernel's to try.
#
# usage: alloc.sh [STEP]      every STEP-th allocation (23, with LONG every one)
lib=$(dirname "$0")/../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/net/percore/lib.sh
. "$lib/../net/percore/lib.sh"
# shellcheck source=selftests/drivers/net/igb_percore/lib.sh
. "$lib/../drivers/net/igb_percore/lib.sh"

step=${1:-$(times 23 1)}
faults=/sys/kernel/debug/failslab
[ -e $faults ] || skip_all "this kernel cannot make allocations fail"
need_root
need_module
alloc=$(readlink -f "$(dirname "$0")")/alloc.py
tmp=$(mktemp -d)
defer rm -rf "$tmp"

# Those that may sleep, too, and not a line in the log for each
for faults in /sys/kernel/debug/{failslab,fail_page_alloc}; do
	echo N >"$faults"/ignore-gfp-wait
	echo 0 >"$faults"/verbose
	defer sh -c "echo Y >$faults/ignore-gfp-wait"
done

# Only NICs of the first namespace can be steered by sysctl
tried() { # OPERATION [ARG]
	local where=on_srv

	[ "$1" != steer ] || where=''
	$where python3 "$alloc" "$1" "${step_of[$1]:-$step}" "${@:2}" >"$tmp/said" ||
		{ cat "$tmp/said"; return 1; }
}

try() {
	check "whichever allocation fails: $1" tried "$@"
	diag "$(cat "$tmp/said")"
}

# Few allocations, all of them tried
declare -A step_of=([show]=1 [listen]=1 [ask]=1 [mtu]=5 [channels]=3)

check "link is up" net_up || finish
pci=$(basename "$(on_srv readlink -f "/sys/class/net/$SRV_DEV/device")")

for operation in show rings mtu channels open; do
	try "$operation" "$SRV_DEV"
done
ip -n srv addr replace "$SRV6/64" dev "$SRV_DEV" nodad
check "traffic goes on" net_works
echo "$pci" >/sys/bus/pci/drivers/igb_percore/unbind
# Enabled already: when an allocation of ACPI's interpreter fails while the kernel
# looks for the interrupt's route, it uses memory that it has freed (6.12)
echo 1 >"/sys/bus/pci/devices/$pci/enable"
try probe "$pci"
echo 0 >"/sys/bus/pci/devices/$pci/enable"
check "the interface is there again" nic_again srv "$SRV_DEV" "$SRV4" "$SRV6"
check "traffic goes on" net_works

on_srv sysctl -qw net.percore.listen_shard=1
on_srv python3 -c '
import socket, time
socks = [socket.create_server(("", port)) for port in range(4711, 4717)]
time.sleep(36000)' &
defer kill $!
check "somebody listens" wait_until 60 serving srv 4716
try listen
try ask
try steer
try shard
rmmod percore
try percore "$PERCORE"
check "they are sharded again" wait_until 10 sh -c \
	"echo 1 >$knobs/listen_shard; ip netns exec srv sh -c 'echo 1 >$knobs/listen_shard' &&
	[ \"\$(ip netns exec srv '$PERCORECTL' listeners --json | jq length)\" = 6 ]"
check "traffic goes on" net_works
finish
