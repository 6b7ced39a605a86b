#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: host --timeout 400
#
#   this --vmbox--> stuck.sh in-the-guest: srv: eth0 ==== wire ==== cli: eth1
#                   a transmit queue of eth0 is disabled behind the driver's back
#
# Claim: when the transmit queues stop sending, whether few frames wait or so
# many that the stack stops its queue, the driver notices, by itself or by the
# kernel's watchdog, recovers without help and counts it, and what was on its way
# arrives. As the watchdog's report makes vmbox fail, only that one is let pass.
lib=$(dirname "$0")/../../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/vm.sh
. "$lib/vm.sh"
# shellcheck source=selftests/drivers/net/igb_percore/lib.sh
. "$(dirname "$0")/lib.sh"

tmp=$(mktemp -d)
defer rm -rf "$tmp"

## in the guest

disable_queues() { # PCI-ADDRESS: TXDCTL of every queue loses its enable bit
	python3 - "/sys/bus/pci/devices/$1/resource0" <<-'END'
		import ctypes, mmap, os, sys
		file = os.open(sys.argv[1], os.O_RDWR | os.O_SYNC)
		bar = mmap.mmap(file, 0x20000)
		registers = (ctypes.c_uint32 * (0x20000 // 4)).from_buffer(bar)
		for queue in range(16):
		    at = (0xe028 + 0x40 * queue) // 4
		    registers[at] &= ~(1 << 25)
		    if registers[at] & 1 << 25:
		        sys.exit(f"TXDCTL of queue {queue} is as it was")
	END
}

resets() { counter srv "$SRV_DEV" resets; }
some_reset() {
	[ "$(resets)" -gt 0 ] &&
		[ "$(counter srv "$SRV_DEV" 'pair[0-9]+_tx_timeouts')" -gt 0 ]
}

in_the_guest() {
	local pci pid before

	# shellcheck source=selftests/lib/net.sh
	. "$lib/net.sh"
	check "link is up" net_up || finish
	pci=$(basename "$(on_srv readlink -f "/sys/class/net/$SRV_DEV/device")")
	head -c 3000000 /dev/urandom >"$tmp/file"
	check "a file arrives" bulk_up "$tmp/file"
	bulk "$SRV4" 1 || not_ok "before: the file there and back"
	check "its transmit queues are disabled, few frames wait" \
		disable_queues "$pci"
	on_srv ping -c 3 -W 1 "$CLI4" >/dev/null
	check "the driver notices" wait_until 60 some_reset
	check "and traffic goes on" net_works

	before=$(resets)
	bulk "$SRV4" 4 >"$tmp/bulk" 2>&1 &
	pid=$!
	check "disabled again while a file is on its way" disable_queues "$pci"
	check "the file arrives all the same" wait "$pid" || cat "$tmp/bulk"
	check "the driver counts it again" [ "$(resets)" -gt "$before" ]
	check "and traffic goes on" net_works
	check "and a file arrives as before" bulk "$SRV4" 1
	finish
}

if [ "${1:-}" = in-the-guest ]; then
	in_the_guest
fi

## on the host

vm_run "$tmp/out" "$tmp/err" --driver igb_percore --timeout 300 \
	--append iomem=relaxed --keep-log "$tmp/log" -- \
	"$(readlink -f "$0")" in-the-guest
status=$?

only_the_watchdog() {
	cat "$tmp/err"
	[ "$status" = 0 ] || [ "$status" = 99 ] || return 1
	[ "$status" = 0 ] || grep -q '(command: 0 status)' "$tmp/err" &&
		! grep '^vmbox:   ' "$tmp/err" |
			grep -vE 'NETDEV WATCHDOG.*transmit queue .* timed out'
}

vm_relay "$tmp/out"
check "the kernel reports nothing but its watchdog" only_the_watchdog
finish
