#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --long --own --cpus 2 --nics 2 --driver igb --percore --timeout 600
#
#   netns srv: flows load - qdisc - eth0 ==== wire ==== eth1 - flows sink :cli
#                one transmit queue, percore                      tsq=0
#                measures it and sets its sockets; ethtool -C: the delay
#
# Claim: with the stock driver the delay is seen in its BQL, and sockets of a NIC
# that reclaims late get a smaller pacing shift, as percorectl tsq and the
# tracepoint tell and as TCP sees it; those of a namespace with tsq=0 keep the
# kernel's; tsq=0 and rmmod put it back while they send; NIC, namespace and
# module may go while they send; wrong values are refused. tsq_port.sh has what
# a shaper does.
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

## values

for word in 2 -1 256 4294967296 x; do
	check "tsq refuses $word" refuses tsq "$word"
done
for word in 0 49 -1 16001 4294967346 x; do
	check "tsq_min_us refuses $word" refuses tsq_min_us "$word"
done
for word in 199 32001 -1 4294983296 x; do
	check "tsq_max_us refuses $word" refuses tsq_max_us "$word"
done
check "tsq_min_us takes its least" takes tsq_min_us 50
check "and its most, the other bound" takes tsq_min_us 16000
check "tsq_max_us takes its most" takes tsq_max_us 32000
set_bounds 300 9000
knob tsq 1
ip netns add percore-t
check "a new namespace starts with init_net's values" copied percore-t
ip netns del percore-t
set_bounds 200 16000
knob tsq 0

## without a shaper

trace_on
check "traffic" start_load 4
check "its queue is measured" wait_until 20 tsq_is '.samples > 64 and .delay_ewma_ns > 0' srv
check "in the byte queue limits" tsq_is '.source == "bql"' srv
check "a NIC that reclaims after 4 ms" on_srv ethtool -C "$SRV_DEV" rx-usecs 4000
check "is seen, and given more" wait_until 20 tsq_is '.delay_p95_ns > 2000000 and .shift < 10' srv
check "the tracepoint told" traced 'stands=0 old_shift=10 shift=[5-9]'
check "TCP sees it" wait_until 20 shifts_are '< 10'
on_srv ethtool -C "$SRV_DEV" rx-usecs 0
check "fixed bounds" set_bounds 3906 3906
check "are the shift" wait_until 20 tsq_is '.shift == 8' srv
check "TCP sees it" wait_until 20 shifts_are '== 8'
check "percorectl tsq has it as a table" table_has 8
check "four sockets are ours" wait_until 20 sockets_are ">= 4" srv
on_srv sysctl -qw net.percore.tsq=0
check "tsq=0: no socket is ours on return" sockets_are "== 0" srv
check "TCP sees it" shifts_are '== 10'
on_srv sysctl -qw net.percore.tsq=1
check "tsq=1: they are again" wait_until 20 sockets_are ">= 4" srv

# A namespace starts anew with the module, with the defaults
again() {
	insmod "$MODULE" && turn_on && set_bounds 3906 3906
}

## what goes while they send

set_bounds 3906 3906
for round in 1 2; do
	check "they are ours" wait_until 30 sockets_are ">= 4" srv
	check "rmmod, round $round" rmmod percore
	check "TCP sees the kernel's shift" shifts_are '== 10'
	check "insmod" again
done
check "they are ours" wait_until 30 sockets_are ">= 4" srv
check "flows go on" moves
check "the interface goes down and up" bounce
check "flows go on" wait_until 60 moves
check "the namespace goes while they send" net_down
check "no socket is left" wait_until 20 sockets_are "== 0"
finish
