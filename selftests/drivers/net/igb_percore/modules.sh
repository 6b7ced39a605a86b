#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --cpus 4 --nics 2 --driver igb_percore --percore --timeout 300
# here: no, it loads and unloads modules
#
#   cli: eth1 ==== wire ==== srv: eth0      percore <-- auxiliary --> igb_percore
#                                                         bus
#                                           percorectl ports
#
# Claim: with links up and frames on the way, the two modules come and go in any
# order. percore sees every port of the driver while both are in; the wire works
# without percore, too; and of what has gone nothing is left: no interface, no
# port, no auxiliary device, no interrupt, no memory region.
#
# Loading without links, and the sysctl: selftests/build.sh.
lib=$(dirname "$0")/../../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/net/percore/lib.sh
. "$lib/../net/percore/lib.sh"
# shellcheck source=selftests/drivers/net/igb_percore/lib.sh
. "$(dirname "$0")/lib.sh"

need_root
need_module
need ethtool jq ping
[ -n "$PERCORECTL" ] || skip_all "no percorectl"

ports() { ip netns exec "$1" "$PERCORECTL" ports --json; }

# One port of that name, with a queue for each core, each where it belongs.
port_seen() { # NETNS DEV
	ports "$1" | tee /dev/stderr | jq -e --arg dev "$2" --argjson n "$(nproc)" '
		length == 1 and .[0].ifname == $dev and
		[.[0].queues[] | select(.agrees) | .cpu] == [range($n)]' >/dev/null
}

none_here() { [ "$("$PERCORECTL" ports --json | jq length)" = 0 ]; }
no_ports() { [ "$(ports "$1" | jq length)" = 0 ]; }

# A queue agrees once its interrupt has come to its core.
ports_seen() {
	wait_until 20 port_seen srv "$SRV_DEV" && wait_until 20 port_seen cli "$CLI_DEV" &&
		return
	port_seen srv "$SRV_DEV"
	port_seen cli "$CLI_DEV"
	return 1
}

# The device has its interface after insmod returned, or soon after it.
all_works() { net_again && ports_seen; }

driver_left() {
	compgen -G "/sys/bus/auxiliary/devices/igb_percore.*" ||
		grep -E " ($SRV_DEV|$CLI_DEV)(-|$)" /proc/interrupts ||
		grep igb_percore /proc/iomem ||
		loaded igb_percore
}

nothing_left() {
	! driver_left && nics_gone
}

take_percore() {
	rmmod percore && ! loaded percore && [ ! -e /proc/sys/net/percore ]
}

take_driver() { rmmod igb_percore && nothing_left; }

flood_ends() { kill "$flood" 2>/dev/null; wait "$flood" 2>/dev/null; }

# Frames on the way while a module goes; they need not arrive.
flood() {
	(exec ip netns exec cli ping -n -q -i 0.002 -s 1400 "$SRV4") >/dev/null 2>&1 &
	flood=$!
	wait_until 10 busy
}

busy() {
	local was

	was=$(counter srv "$SRV_DEV" 'pair[0-9]+_rx_packets')
	sleep 0.2
	[ "$(counter srv "$SRV_DEV" 'pair[0-9]+_rx_packets')" -ge $((was + 5)) ]
}

without_percore() {
	take_percore && busy && net_works
}

without_driver() {
	take_driver && no_ports srv && no_ports cli
}

put_percore() { insmod "$PERCORE"; }
put_driver() { insmod "$IGB_PERCORE"; }

reloaded() {
	take_driver && put_driver && all_works
}

check "link is up" net_up || finish
check "percore sees both ports, each queue on its core" ports_seen
check "a namespace without a NIC has no port" \
	none_here

check "frames are on the way" flood
check "percore goes first, the wire works on" without_percore
check "then the driver goes, and leaves nothing" take_driver
flood_ends

check "in: percore, driver" eval 'put_percore && put_driver && all_works'
check "frames are on the way again" flood
check "the driver goes first, percore has no port left" without_driver
check "then percore goes" take_percore
flood_ends

check "in: driver, percore" eval 'put_driver && put_percore && all_works'
check "frames are on the way once more" flood
check "out: driver, percore" eval 'without_driver && take_percore'
flood_ends

check "in: driver, with links up before percore" eval 'put_driver && net_again'
check "percore comes while frames are on the way" eval 'flood && put_percore && ports_seen'
check "out: percore, driver" eval 'without_percore && take_driver'
flood_ends

check "both in for good" eval 'put_percore && put_driver && all_works'
for ((i = 1; i <= 5; i++)); do
	check "reload $i of 5 of the driver under percore" reloaded
done
check "no transmit queue was stuck" no_tx_timeout
finish
