# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154
# What the tests of igb_percore share; after selftests/lib/tap.sh and net.sh.
#
#   MODULE_DIR, IGB_PERCORE, PERCORE   the tree with the modules, and the files
#   need NAME...              skip all if a program is missing
#   loaded NAME               is that module in
#   nics_gone                 has the driver no interface any more
#   net_again                 the network of net_up, after the driver came back
#   counter NETNS DEV REGEX   sum of all lines of ethtool -S that match
#   snap                      remembers srv's ethtool -S in a file of $tmp
#   grown REGEX, grew REGEX N by how much those that match grew since; is it N
#   register NETNS DEV OFFSET the register there, as 0x and eight digits
#   no_tx_timeout             neither NIC had one, and neither was reset
#   both COMMAND...           on_srv with SRV_DEV, then on_cli with CLI_DEV, in
#                             the place of DEV
#   bulk_up FILE              serves FILE in srv (bulk.py); sets bulk_file
#   bulk [ADDRESS STREAMS]... the file there and back, in so many streams

tests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
MODULE_DIR=${VMBOX_MODULES:-$(cd "$tests/../../../.." && pwd)}
IGB_PERCORE=$MODULE_DIR/drivers/net/ethernet/igb_percore/igb_percore.ko
PERCORE=$MODULE_DIR/net/percore/percore.ko

need() {
	local name

	for name; do
		command -v "$name" >/dev/null || skip_all "no $name"
	done
}

loaded() { [ -d "/sys/module/$1" ]; }

nics_gone() {
	! net_home "$SRV_DEV" && ! net_home "$CLI_DEV" &&
		! ip -n srv link show dev "$SRV_DEV" 2>/dev/null &&
		! ip -n cli link show dev "$CLI_DEV" 2>/dev/null
}

nic_again() { # NETNS DEV V4 V6
	wait_until 20 net_home "$2" &&
		ip link set "$2" netns "$1" &&
		ip -n "$1" addr add "$3/24" dev "$2" &&
		ip -n "$1" addr add "$4/64" dev "$2" nodad &&
		ip -n "$1" link set "$2" up
}

net_works() {
	wait_until 30 has_link srv "$SRV_DEV" &&
		wait_until 30 has_link cli "$CLI_DEV" &&
		wait_until 20 net_answers "$SRV4" && wait_until 20 net_answers "$SRV6"
}

net_again() {
	nic_again srv "$SRV_DEV" "$SRV4" "$SRV6" &&
		nic_again cli "$CLI_DEV" "$CLI4" "$CLI6" && net_works
}

counter() {
	ip netns exec "$1" ethtool -S "$2" |
		awk -v want="^$3\$" '{ sub(/:$/, "", $1) } $1 ~ want { n += $2 }
			END { printf "%d\n", n }'
}

snap() { on_srv ethtool -S "$SRV_DEV" >"$tmp/snap"; }

grown() { # REGEX
	on_srv ethtool -S "$SRV_DEV" | awk -v want="^$1\$" '
		{ sub(/:$/, "", $1) } $1 ~ want { n += $2 * (FILENAME == ARGV[1] ? -1 : 1) }
		END { printf "%d\n", n }' "$tmp/snap" -
}

grew() { # REGEX BY
	local by

	by=$(grown "$1")
	echo "$1 grew by $by, wanted: $2"
	[ "$by" = "$2" ]
}

# The dump is pairs of an offset and what is there.
register() {
	ip netns exec "$1" ethtool -d "$2" raw on | od -A n -v -t x4 -w8 |
		awk -v want="$(printf %08x $(($3)))" '$1 "" == want "" { print "0x" $2 }'
}

no_tx_timeout() {
	local srv cli

	srv=$(counter srv "$SRV_DEV" 'pair[0-9]+_tx_timeouts|resets')
	cli=$(counter cli "$CLI_DEV" 'pair[0-9]+_tx_timeouts|resets')
	echo "timeouts and resets: srv $srv, cli $cli"
	[ "$srv" = 0 ] && [ "$cli" = 0 ]
}

both() {
	on_srv "${@/#DEV/$SRV_DEV}" && on_cli "${@/#DEV/$CLI_DEV}"
}

serving() { ip netns exec "$1" ss -Hltn "sport = :$2" | grep -q .; }

bulk_up() {
	bulk_file=$1
	ip netns exec srv python3 "$tests/bulk.py" serve "$1" &
	wait_until 30 serving srv 7001
}

bulk() { on_cli python3 "$tests/bulk.py" move "$bulk_file" "$@"; }
