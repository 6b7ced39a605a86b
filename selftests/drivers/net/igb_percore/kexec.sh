#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: host --long --timeout 400
#
#   this --vmbox--> kexec.sh in-the-guest:  eth0 of srv ==== wire ==== eth1 of cli
#                       | kexec, under traffic
#                       v
#                   the same kernel, from the start: kexec.sh in-the-guest, again
#
# An IOMMU watches until the first kernel lets go of it.
#
# Claim: a kernel that is left by kexec leaves NICs that do nothing, and the next
# one finds them as good as new.
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

kexec() { python3 "$tests/kexec.py" "$@"; }

insert() {
	local dependency

	for dependency in $(modinfo -F depends "$IGB_PERCORE" | tr , ' '); do modprobe "$dependency"; done
	insmod "$IGB_PERCORE"
}

nics() { lspci -D -d 8086:10c9 | awk '{ print $1 }'; }

all_quiet() {
	local nic n=0

	for nic in $(nics); do
		kexec quiet "$nic" || return
		n=$((n + 1))
	done
	[ "$n" = 2 ]
}

not_all_quiet() { ! all_quiet; }

traffic() {
	check "$1: the driver is inserted" insert
	check "$1: link is up" net_up || finish
	head -c 1000000 /dev/urandom >"$tmp/file"
	check "$1: a file is served" bulk_up "$tmp/file"
	check "$1: and arrives both ways" bulk "$SRV4" 2 "$SRV6" 2
}

# Below /tmp of the machine, over which the guest has one of its own
the_initrd() { # DIR
	mkdir -p /run/plain && mount --bind / /run/plain && ls "/run/plain/$1"/vmbox.*/initrd.img
}

first() { # KERNEL DIR
	local initrd

	traffic "first kernel"
	check "first kernel: the NICs are at work" not_all_quiet
	ip netns exec srv python3 "$tests/talk.py" echo &
	wait_until 30 serving srv 7002
	check "first kernel: traffic" start_talk
	on_cli python3 "$tests/talk.py" shout "$SRV4" >/dev/null 2>&1 &
	on_srv python3 "$tests/talk.py" shout "$CLI4" >/dev/null 2>&1 &
	initrd=$(the_initrd "$2")
	check "the next kernel is loaded" kexec load "$1" "$initrd" "$(</proc/cmdline) the_next_kernel"
	[ $tap_failed = 0 ] || finish
	# What was printed is on its way to the host
	sleep 2
	kexec go
	not_ok "the next kernel" "it did not start"
	finish
}

in_the_guest() {
	# shellcheck source=selftests/lib/net.sh
	. "$lib/net.sh"
	grep -q the_next_kernel /proc/cmdline || first "$@"
	check "next kernel: the NICs do nothing" all_quiet
	traffic "next kernel"
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
limit=280
[ "$kernel" = debian-6.12 ] || limit=900
export TMPDIR=$tmp
vm_test "$tmp" --kernel "$kernel" --cpus 2 --driver none --timeout $limit \
	--append intel_iommu=on --append iommu.strict=1 --qemu "-device intel-iommu" \
	--keep-log "$tmp/log" -- "$(readlink -f "$0")" in-the-guest \
	"$(readlink -f "$(kernel_dir "$kernel")")/vmlinuz" "$tmp"
finish
