#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --driver none --timeout 120
# here: no, it loads and unloads modules
#
# Claim: percore and igb_percore load and unload in any order, and what they
# made goes away with them.
lib=$(dirname "$0")/../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"

modules=${VMBOX_MODULES:-$(dirname "$0")/../../..}
percore=$modules/net/percore/percore.ko
igb_percore=$modules/drivers/net/ethernet/igb_percore/igb_percore.ko

insert() {
	local dependency

	for dependency in $(modinfo -F depends "$1" | tr , ' '); do
		modprobe "$dependency" || return
	done
	insmod "$1"
}

in_order() { # FIRST SECOND, then the removals
	local name

	insert "$1" && insert "$2" || return
	shift 2
	for name; do rmmod "$name" || return; done
}

have_sysctl() { [ -e /proc/sys/net/percore/listen_shard ]; }
no_sysctl() { ! have_sysctl; }

unload() { rmmod igb_percore percore 2>/dev/null; }
defer unload
check "percore loads" insert "$percore"
check "net.percore.listen_shard is there" have_sysctl
check "percore unloads" rmmod percore
check "net.percore is gone" no_sysctl
check "igb_percore loads" insert "$igb_percore"
check "it takes both NICs" wait_until 10 test -e /sys/class/net/eth1
check "igb_percore unloads" rmmod igb_percore
check "both NICs are gone" test ! -e /sys/class/net/eth0
check "percore first, percore out first" in_order "$percore" "$igb_percore" percore igb_percore
check "percore first, igb_percore out first" in_order "$percore" "$igb_percore" igb_percore percore
check "igb_percore first, percore out first" in_order "$igb_percore" "$percore" percore igb_percore
check "igb_percore first, igb_percore out first" in_order "$igb_percore" "$percore" igb_percore percore
finish
