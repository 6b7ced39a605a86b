#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --long --cpus 4 --nics 2 --driver igb --timeout 200
# here: no, it loads and unloads modules
#
#                                 srv: eth0 (igb -> igb_percore -> igb)
#   cli: eth1 (igb) ==== wire ====/
#
# Claim: the commands that Documentation/install.rst gives for a box without
# percorectl take a NIC over from the stock driver and give it back; each time it
# works against a NIC that stays with the stock driver, and no other is touched.
#
# The commands are read from there: the two blocks that name unbind.
lib=$(dirname "$0")/../../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/lib/smoke.sh
. "$lib/smoke.sh"
# shellcheck source=selftests/drivers/net/igb_percore/lib.sh
. "$(dirname "$0")/lib.sh"

need ethtool python3
manual=$tests/../../../../Documentation/install.rst
[ -d /sys/bus/pci/drivers/igb ] || skip_all "the stock igb is not loaded"

tmp=$(mktemp -d)
defer rm -rf "$tmp"

# Block N of shell in the manual that names unbind.
recipe() {
	awk -v want="$1" '
		function end() { if (text ~ /\/unbind/ && ++n == want) printf "%s", text
				 inside = 0; text = "" }
		/^\.\. code-block:: sh$/ { end(); inside = 1; next }
		inside && /^[^\t]/ { end() }
		inside { text = text substr($0, 2) "\n" }
		END { end() }' "$manual"
}

recipes_found() {
	recipe 1 | tee "$tmp/take" | grep -q '/igb/unbind' &&
		recipe 2 | tee "$tmp/give" | grep -q '/igb_percore/unbind' &&
		[ -z "$(recipe 3)" ]
}

# As pasted: in one shell, in the tree whose modules fit the kernel.
paste() {
	cd "$MODULE_DIR" || return
	# shellcheck disable=SC1090
	. "$tmp/$1"
}

bound_to() { # ADDRESS DRIVER
	[ "$(basename "$(readlink -f "/sys/bus/pci/devices/$1/driver")")" = "$2" ]
}

address_of() { basename "$(readlink -f "/sys/class/net/$1/device")"; }

ours_only() {
	bound_to "$srv_pci" igb_percore && bound_to "$cli_pci" igb
}

stock_only() {
	bound_to "$srv_pci" igb && bound_to "$cli_pci" igb && ! loaded igb_percore
}

srv_again() { nic_again srv "$SRV_DEV" "$SRV4" "$SRV6" && net_works; }

wire_works() { # DRIVER
	check "$1: traffic passes in the namespace" srv_again
	check "$1: it says so itself" driver_is "$1"
	check "$1: 1 MB of TCP over IPv4 arrives intact" copy_across $SRV4
	check "$1: 1 MB of TCP over IPv6 arrives intact" copy_across $SRV6
}

# The recipe speaks of eth0 in the first namespace, so put it there.
srv_home() {
	ip -n srv link set "$SRV_DEV" netns 1 && wait_until 10 net_home "$SRV_DEV"
}

check "the manual has the commands, once" recipes_found || finish
srv_pci=$(address_of "$SRV_DEV")
cli_pci=$(address_of "$CLI_DEV")
check "link is up with the stock driver" net_up || finish
check "the stock driver has both NICs" stock_only

for round in 1 2; do
	check "round $round: eth0 is in the first namespace" srv_home
	check "round $round: take it over" paste take
	check "round $round: it is ours, the other is not" ours_only
	wire_works igb_percore
	check "round $round: give it back while its link is up" paste give
	check "round $round: both are the stock driver's, ours is gone" stock_only
	wire_works igb
done
finish
