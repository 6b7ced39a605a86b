#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --own --cpus 2 --nics 2 --driver igb_percore --percore --timeout 600
#
#   netns srv: flows load - tbf - eth0 ==== wire ==== eth1 - flows sink :cli
#                                igb_percore, which tells percore that it
#                                reclaims within the doorbell
#
# Claim: where the driver says that there is no delay, none is measured, and
# behind a shaper its sockets get the least, as TCP sees it; one with a pacing
# rate of its own keeps the kernel's; the end of the shaper, tsq=0 and rmmod put
# it back while they send; NIC and module may go while they send.
lib=$(dirname "$0")/../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/net/percore/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/net/percore/tsq.lib.sh
. "$(dirname "$0")/tsq.lib.sh"

need_root
need_module
need_flows
tsq_network
pci=$(basename "$(on_srv readlink -f "/sys/class/net/$SRV_DEV/device")")
driver=/sys/bus/pci/drivers/igb_percore

unbind() { echo "$pci" >"$driver/unbind"; }
bind() { echo "$pci" >"$driver/bind" && wait_until 20 net_home "$SRV_DEV"; }
gone() { [ "$(on_srv "$PERCORECTL" tsq --json | jq length)" = 0 ]; }

trace_on
shape 20mbit
check "traffic behind a shaper" start_load 4
check "the driver tells, and sockets get the least" wait_until 60 \
	tsq_is '.source == "driver" and .delay_p95_ns == 0 and .stands and .shift == 12' srv
check "the tracepoint told" traced 'stands=1 old_shift=[0-9]+ shift=12'
check "they are ours" wait_until 20 sockets_are ">= 4" srv
check "TCP sees it" wait_until 20 shifts_are '> 10'
check "percorectl tsq has it as a table" wait_until 20 table_has 12
check "flows go on" wait_until 20 moves
on_srv sysctl -qw net.percore.tsq=0
check "tsq=0: no socket is ours on return" sockets_are "== 0" srv
check "TCP sees it" shifts_are '== 10'
on_srv sysctl -qw net.percore.tsq=1
check "tsq=1: they are again" wait_until 60 sockets_are ">= 4" srv
check "without the shaper" unshape
check "they are given back" wait_until 60 sockets_are "== 0" srv
check "TCP sees it" shifts_are '== 10'
stop_load

shape 20mbit
check "flows with a pacing rate of their own" start_load 4 2000000
check "and one without" start_more 1
check "frames wait" wait_until 60 tsq_is '.stands and .shift == 12' srv
check "those are not ours" stays_at "<= 3"
stop_load

check "traffic" start_load 4
check "they are ours" wait_until 60 sockets_are ">= 4" srv
check "rmmod" rmmod percore
check "TCP sees the kernel's shift" shifts_are '== 10'
check "insmod" insmod "$MODULE"
turn_on
check "the driver tells again" wait_until 60 \
	tsq_is '.source == "driver" and .shift == 12' srv
check "flows go on" wait_until 20 moves
check "the NIC goes while they send" unbind
check "it is no longer shown" gone
check "flows end" stop_load
check "it comes back" bind
finish
