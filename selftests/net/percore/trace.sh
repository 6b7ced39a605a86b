#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --cpus 4 --nics 2 --driver igb_percore --percore --timeout 120
# here: no, it traces the whole machine
#
#   trace.py: client on CPU 0 --loopback--> shard of CPU 0 --> worker on CPU 0,
#                                                  or late --> worker on CPU 1
#
# Claim: each decision that percore takes rarely is an event, and counted once
# for each, with the fields that Documentation/admin-guide/tracepoints.rst says:
# a listener gets shards and loses them, a core's connections become anybody's,
# another core takes them, a setting of a steered NIC is set again.
lib=$(dirname "$0")/../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/net/percore/lib.sh
. "$(dirname "$0")/lib.sh"

need_root
need_module
tracing=/sys/kernel/tracing/instances/percore
tmp=$(mktemp -d)
defer rm -rf "$tmp"
mkdir $tracing || skip_all "no tracing"
defer rmdir $tracing

check "the events are there" test -e $tracing/events/percore/percore_attach || finish
echo 1 >$tracing/events/percore/enable
defer eval "echo 0 >$tracing/events/percore/enable"

# A line of the trace: its words NAME=VALUE in this order, others between
traced() { # EVENT [NAME=VALUE]...
	local pattern="$1:"

	shift
	for word; do pattern+=".* $word\\b"; done
	grep -E "$pattern" "$tracing/trace"
}

# As many as there were events, or as the events' words NAME= add up to
counted() { # COUNTER WAS EVENT [NAME]
	local events

	events=$(grep "$3:" "$tracing/trace" | sed "s/.* ${4:-}=\([0-9]*\).*/\1/" |
		awk -v sum="${4:-}" '{ n += sum == "" ? 1 : $1 } END { print n + 0 }')
	echo "$1 from $2 to $(counter "$1"), events: $events"
	[ "$events" -gt 0 ] && [ $(($(counter "$1") - $2)) = "$events" ]
}

sysctl -qw net.percore.listen_shard=1
attached=$(counter Attached) detached=$(counter Detached)
spilled=$(counter Spilled) stolen=$(counter AcceptsStolen) healed=$(counter Healed)
check "a worker is late, another takes its connections" \
	python3 "$(dirname "$0")/trace.py" 7200
check "attach" traced percore_attach family=2 port=7200
check "spill" traced percore_spill port=7200 cpu=0 'connections=[1-9]'
check "steal" traced percore_steal port=7200 cpu=1 from=0
check "detach" traced percore_detach family=2 port=7200
check "attach is counted" counted Attached "$attached" percore_attach
check "spill is counted, each connection" counted Spilled "$spilled" percore_spill connections
check "steal is counted" counted AcceptsStolen "$stolen" percore_steal
check "detach is counted" counted Detached "$detached" percore_detach
check "a listener of stock has no event" \
	test "$(grep -c port=7201 $tracing/trace)" = 0

ip link set "$SRV_DEV" up
sysctl -qw net.percore.steer=1
defer sysctl -qw net.percore.steer=0
steered() { [ "$("$PERCORECTL" plan "$SRV_DEV" --json | jq .steered)" = true ]; }
check "the NIC is steered" wait_until 10 steered
check "nothing drifts" test "$(grep -c percore_drift $tracing/trace)" = 0
echo 0 >"/sys/class/net/$SRV_DEV/queues/tx-0/xps_cpus"
check "drift" wait_until 5 traced percore_drift "dev=$SRV_DEV" setting=xps index=0
check "drift is counted" counted Healed "$healed" percore_drift
finish
