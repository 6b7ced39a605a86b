# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154
# VFs of eth0 in srv, each with the stock igbvf in a namespace of its own; after
# net.sh. The device of the PF in sysfs is in pf.
#
#   numvfs N              so many VFs
#   vf_dir N              VF N's device in sysfs
#   vf_namespaces         vf0 and vf1
#   vf_take N             VF N's interface goes there as "port", 10.0.0.1N and
#                         fd00::1N, and has a link
#   answers NETNS ADDR    does it; silent: does it not
#   works NETNS ADDR [S]  does it, within S seconds (20)

in_ns() { ip netns exec "$@"; }
numvfs() { echo "$1" >"$pf/sriov_numvfs"; }
vf_dir() { readlink -f "$pf/virtfn$1"; }
vf_dev() { basename "$(vf_dir "$1")"/net/* | grep -v "^\*"; }
vf_has_dev() { [ -n "$(vf_dev "$1")" ]; }

vf_namespaces() {
	local ns

	for ns in vf0 vf1; do
		ip netns add $ns && ip -n $ns link set lo up || return
		defer ip netns del $ns
	done
}

vf_take() { # N
	local dev

	wait_until 10 vf_has_dev "$1" || return 1
	dev=$(vf_dev "$1")
	ip link set "$dev" netns "vf$1" name port &&
		in_ns "vf$1" sysctl -qw net.ipv4.conf.port.arp_notify=1 &&
		ip -n "vf$1" addr add "10.0.0.1$1/24" dev port &&
		ip -n "vf$1" addr add "fd00::1$1/64" dev port nodad &&
		ip -n "vf$1" link set port up && wait_until 20 has_link "vf$1" port
}

answers() { in_ns "$1" ping -n -c 1 -W 1 "$2"; }
silent() { ! in_ns "$1" ping -n -c 2 -i 0.3 -W 1 "$2"; }
works() { wait_until "${3:-20}" answers "$1" "$2"; }
