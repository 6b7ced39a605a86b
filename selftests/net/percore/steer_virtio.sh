#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: host --long --timeout 400
# here: no, it steers every NIC of the machine
#
#   host, own netns: taps      guest: eth0, virtio_net with four queue pairs and
#                                     RSS; eth1, e1000e with one queue
#
# Claim: that of steer.sh, for a driver that sets its maps anew whenever a CPU
# comes or goes, and for one with a single queue, where RPS and RFS do the work.
# It boots the VM itself, as only a tap gives virtio_net several queues.
lib=$(dirname "$0")/../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"

here=$(cd "$(dirname "$0")" && pwd)
vmbox=$here/../../../tools/vmbox/vmbox

if [ -z "${VMBOX:-}" ]; then
	[ "$(id -u)" = 0 ] || skip_all "root is needed"
	unshare -n ip tuntap add name probe mode tap multi_queue 2>/dev/null ||
		skip_all "no tap with several queues"
	trap - EXIT
	exec unshare -n "$vmbox" --kernel "${KERNEL:-debian-6.12}" --cpus 4 --nics 0 \
		--driver none --percore --timeout 380 --qemu "
		-netdev tap,id=v0,ifname=v0,queues=4,vhost=off,script=no,downscript=no
		-device virtio-net-pci,netdev=v0,mq=on,vectors=10,rss=on,hash=on
		-netdev tap,id=e0,ifname=e0,script=no,downscript=no
		-device e1000e,netdev=e0" -- "$here/steer_virtio.sh"
fi

# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/net/percore/lib.sh
. "$here/lib.sh"
# shellcheck source=selftests/net/percore/steer.lib.sh
. "$here/steer.lib.sh"

need_module
[ -n "$PERCORECTL" ] || skip_all "no percorectl"
tmp=$(mktemp -d)
defer rm -rf "$tmp"

modprobe virtio_net
wait_until 20 net_home eth0
modprobe e1000e
wait_until 20 net_home eth1
ethtool -L eth0 combined 4
ip link set eth0 up
ip link set eth1 up

check "virtio_net: two interrupts for each queue are known" \
	json '[.queues[] | .irq, .tx_irq] | map(select(. > 0)) | unique | length' 8 \
	ctl plan eth0 --json
check "e1000e: both of its queue's are" \
	json '[.queues[] | .irq, .tx_irq] | map(select(. > 0)) | unique | length' 2 \
	ctl plan eth1 --json
steer_tests eth0 eth1
channel_tests eth0

## one queue for four cores

flows_are() { json '.queues[0] | [.wanted.rps_flow_cnt, .rps_flow_cnt]' "$1" ctl plan eth1 --json; }

queue_file /sys/class/net/eth1/queues/rx-0/rps_flow_cnt 64
check "steer=1" steer 1
check "one queue hands to all cores" json '.queues[0].rps_cpus' '[0,1,2,3]' ctl plan eth1 --json
check "RFS is off, and left alone" flows_are '[null,64]'
sysctl -qw net.core.rps_sock_flow_entries=4096
check "rps_sock_flow_entries=4096: the queue gets all of it" wait_until 3 flows_are '[4096,4096]'
sysctl -qw net.core.rps_sock_flow_entries=0
check "back to 0: it has what it had" wait_until 3 flows_are '[null,64]'
check "steer=0" steer 0
finish
