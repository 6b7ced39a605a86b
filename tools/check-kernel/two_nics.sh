# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# In the guest in place of the kernel's setup_loopback.sh, which wants a NIC that
# loops back: gro.sh and toeplitz.sh over two NICs that are wired together.
#
#   netns server: macvlan server           netns client: macvlan client
#                  | on eth0 ====== wire ====== eth1 |

# shellcheck source=/dev/null
. ./setup_loopback.orig.sh

eval "one_nic_$(declare -f setup_macvlan_ns)"

setup_loopback_environment() {
	local nic

	for nic in eth0 eth1; do
		ip link set "$nic" up
	done
	# toeplitz divides by the number of queues, where a NIC has a table.
	ethtool -L eth0 combined 4 2>/dev/null
	# toeplitz takes ports to be a part of the hash of UDP, igb does not.
	ethtool -N eth0 rx-flow-hash udp4 sdfn
	ethtool -N eth0 rx-flow-hash udp6 sdfn
	for nic in eth0 eth1; do
		[ "$(netdev_check_for_carrier "$nic")" = 1 ] || {
			echo "no link on $nic"
			exit 1
		}
	done
}

setup_macvlan_ns() { # LINK NETNS DEV MAC [ADDRESS]
	local link=$1

	shift
	[ "$2" = server ] || link=eth1
	one_nic_setup_macvlan_ns "$link" "$@"
}

cleanup_loopback() { :; }
