#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: host --long --timeout 700
#
#   this --vmbox--> stuck.sh in-the-guest: srv: eth0 ==== wire ==== cli: eth1
#                   transmit queues, interrupts and timestamps of eth0 are
#                   disabled behind the driver's back
#
# Claim: when the transmit queues stop sending, whether few frames wait or so
# many that the stack stops its queue, and when interrupts come no more, the
# driver notices, by itself or by the kernel's watchdog, tells devlink, which keeps
# a dump, and recovers without help: by a new start of the pair alone, the link
# stays up; when it hangs again soon, by a reset. What was on its way arrives.
# Told not to recover by itself, it waits to be told to. A timestamp that never
# comes is counted as lost, and does not keep later frames from theirs. As the
# watchdog's report makes vmbox fail, only that one is let pass.
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

mask_interrupts() { # PCI-ADDRESS: EIMC of every vector of a pair
	python3 - "/sys/bus/pci/devices/$1/resource0" <<-'END'
		import ctypes, mmap, os, sys
		file = os.open(sys.argv[1], os.O_RDWR | os.O_SYNC)
		bar = mmap.mmap(file, 0x20000)
		registers = (ctypes.c_uint32 * (0x20000 // 4)).from_buffer(bar)
		registers[0x1528 // 4] = 0x1fffffe
	END
}

timestamps() { # PCI-ADDRESS VALUE: TSYNCTXCTL
	python3 - "/sys/bus/pci/devices/$1/resource0" "$2" <<-'END'
		import ctypes, mmap, os, sys
		file = os.open(sys.argv[1], os.O_RDWR | os.O_SYNC)
		bar = mmap.mmap(file, 0x20000)
		registers = (ctypes.c_uint32 * (0x20000 // 4)).from_buffer(bar)
		registers[0xb614 // 4] = int(sys.argv[2])
	END
}

ptp() { # COMMAND [ARG...]
	local command=$1

	shift
	python3 "$tests/ptp.py" "$command" "srv:$SRV_DEV" "$@"
}

two_lost() { # GIVEN
	local stats

	stats=$(ptp stats)
	echo "given, lost, skipped: $stats"
	[ "$stats" = "$1 2 0" ] && [ "$(counter srv "$SRV_DEV" tx_hwtstamp_timeouts)" = 2 ]
}

resets() { counter srv "$SRV_DEV" resets; }
restarts() { counter srv "$SRV_DEV" 'pair[0-9]+_restarts'; }
timeouts() { counter srv "$SRV_DEV" 'pair[0-9]+_tx_timeouts'; }
flaps() { on_srv cat "/sys/class/net/$SRV_DEV/carrier_changes"; }

more_than() { [ "$("$1")" -gt "$2" ]; } # COUNTER VALUE

health() { # REPORTER FIELD
	devlink -j health show "pci/$pci" reporter "$1" | jq ".health[][].$2"
}

auto_recover() { devlink health set "pci/$pci" reporter tx auto_recover "$1"; }

# Of the queue that hung alone: its registers, and what it was to send
dumped() { # REPORTER FILTER
	devlink -j health dump show "pci/$pci" reporter "$1" >"$tmp/dump" &&
		jq -e ".queues | length == 1 and all(.stuck and $2)" "$tmp/dump" ||
		{ jq -c . "$tmp/dump"; return 1; }
}

link_stayed() { # FLAPS
	echo "restarts $(restarts), timeouts $(timeouts), resets $(resets)"
	[ "$(flaps)" = "$1" ] && [ "$(resets)" = 0 ]
}

few_frames() { on_srv ping -c 3 -W 1 "$CLI4" >/dev/null; }

rx_recovered() { health rx recover; }

recovered_each() {
	echo "$(health tx error) found, $(health tx recover) recovered"
	[ "$(health tx error)" -gt 0 ] && [ "$(health tx error)" = "$(health tx recover)" ]
}

# One that hangs again after a minute only gets another start
reset_at_last() {
	local before i

	for ((i = 0; i < 5; i++)); do
		before=$(($(restarts) + $(resets)))
		disable_queues "$pci" || return
		few_frames
		wait_until 60 hung_since "$before" || return
		[ "$(resets)" -gt 0 ] && return
	done
	return 1
}

hung_since() { [ $(($(restarts) + $(resets))) -gt "$1" ]; } # RESTARTS

waits_to_be_told() {
	local before

	before=$(restarts)
	few_frames
	wait_until 60 sh -c "devlink -j health show pci/$pci reporter tx |
		jq -e '.health[][].state == \"error\"'" || return
	sleep 3
	[ "$(restarts)" = "$before" ] && ! net_answers "$SRV4" &&
		devlink -j health diagnose "pci/$pci" reporter tx |
		jq -e '.queues | any(.stuck)'
}

told_to_recover() {
	devlink health recover "pci/$pci" reporter tx &&
		[ "$(health tx state)" = '"healthy"' ] &&
		devlink -j health diagnose "pci/$pci" reporter tx |
		jq -e '.queues | all(.stuck | not)'
}

in_the_guest() {
	local pid before

	# shellcheck source=selftests/lib/net.sh
	. "$lib/net.sh"
	check "link is up" net_up || finish
	pci=$(basename "$(on_srv readlink -f "/sys/class/net/$SRV_DEV/device")")
	head -c 3000000 /dev/urandom >"$tmp/file"
	check "a file arrives" bulk_up "$tmp/file"
	bulk "$SRV4" 1 || not_ok "before: the file there and back"
	check "its transmit queues are disabled, few frames wait" \
		disable_queues "$pci"
	before=$(flaps)
	few_frames
	check "the driver notices" wait_until 60 more_than restarts 0
	check "traffic goes on" wait_until 10 net_works
	check "the link stayed up" link_stayed "$before"
	check "devlink knows" recovered_each
	check "and keeps what it looked like" dumped tx \
		'.waiting > 0 and .TDH != .TDT and (."next descriptors" | length) == 4'

	bulk "$SRV4" 2 >"$tmp/bulk" 2>&1 &
	pid=$!
	check "again and again while a file is on its way: a reset" reset_at_last
	check "the file arrives all the same" wait "$pid" || cat "$tmp/bulk"
	check "traffic goes on" wait_until 30 net_works
	check "and a file arrives as before" bulk "$SRV4" 1

	check "interrupts are masked" mask_interrupts "$pci"
	on_cli ping -c 3 -W 1 "$SRV4" >/dev/null
	check "the driver notices" wait_until 60 more_than rx_recovered 0
	check "traffic goes on" wait_until 60 net_works
	check "and it keeps what it looked like" dumped rx '.RDH != .next'

	check "not to recover by itself" auto_recover false
	check "disabled once more" disable_queues "$pci"
	check "it waits to be told" waits_to_be_told
	check "told, all of it recovers" told_to_recover
	check "as before" auto_recover true
	check "traffic goes on" wait_until 30 net_works

	check "timestamps on" ptp set 1 0
	check "frames get theirs" ptp send 3
	check "timestamps are disabled" timestamps "$pci" 0
	check "frames get none" ptp lose 2
	check "they are counted as lost" wait_until 10 two_lost 3
	check "timestamps are enabled" timestamps "$pci" 16
	check "frames get theirs again" ptp send 3
	check "and none is lost any more" two_lost 6
	finish
}

if [ "${1:-}" = in-the-guest ]; then
	in_the_guest
fi

## on the host

vm_run "$tmp/out" "$tmp/err" --driver igb_percore --timeout 600 \
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
