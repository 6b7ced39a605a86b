#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --long --cpus 4 --nics 2 --driver igb_percore --percore --append isolcpus=1 --append nohz_full=3 --timeout 300
# here: no, it steers every NIC of the machine
#
#   CPU 0             CPU 1      CPU 2                    CPU 3
#   works             isolcpus   works, or is isolated    nohz_full
#                                by a cpuset
#   queue, interrupt  transmits  queue, interrupt         transmits
#
# Claim: of CPUs that are isolated, at boot or by a cpuset later, a plan makes
# none the home of a queue; while it is in force no interrupt of the NIC comes
# to one and RPS hands none anything, though each has a queue to transmit on; a
# plan in force follows a partition that comes and goes; steer=0 puts back what
# was there.
lib=$(dirname "$0")/../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/net/percore/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/net/percore/steer.lib.sh
. "$(dirname "$0")/steer.lib.sh"

need_root
need_module
[ -n "$PERCORECTL" ] || skip_all "no percorectl"
sys=/sys/devices/system/cpu
grep -q isolcpus= /proc/cmdline || skip_all "not booted with isolcpus="
[ -n "$(<$sys/isolated)" ] || [ -e $sys/nohz_full ] ||
	skip_all "this kernel isolates no CPUs"
tmp=$(mktemp -d)
defer rm -rf "$tmp"
defer steer 0

in_ns() { on_srv "$@"; }
plan() { ctl plan "$SRV_DEV" --json; }

# HOMES: the only CPUs with queues that RSS sends something; their interrupts,
# and those of the others, go there alone; all transmit
plan_has() {
	json "[([.queues[] | select(.wanted.reta_entries > 0) | .cpu] | sort),
		[.queues[].cpu] - $1, [.queues[].wanted.rps_cpus // [] | .[]] - $1,
		([.queues[].wanted.xps_cpus // [] | .[]] | sort)]" \
		"[$1,[],[],[0,1,2,3]]" plan
}

# What the kernel has, not what percorectl says
is_set() { # HOMES
	local irq file

	for irq in $(irqs_of "$SRV_DEV"); do
		json "[.] - $1" '[]' cat "/proc/irq/$irq/smp_affinity_list" || return
	done
	for file in $(queue_files "$SRV_DEV"); do
		case $file in
		*rps_cpus) [ $((0x$(queue_file "$file") & isolated)) = 0 ] || return ;;
		esac
	done
	agree "$SRV_DEV"
}

# Interrupts of the NIC's on each CPU so far: four numbers
interrupts() {
	local irqs

	irqs=$(irqs_of "$SRV_DEV" | paste -sd '|')
	awk -v irqs="^($irqs):$" '$1 ~ irqs { for (i = 0; i < 4; i++) n[i] += $(i + 2) }
		END { print n[0], n[1], n[2], n[3] }' /proc/interrupts
}

# How many of its interrupts are yet on CPU: one moves when it comes next
yet_on() { # CPU
	local irq

	for irq in $(irqs_of "$SRV_DEV"); do cat "/proc/irq/$irq/effective_affinity_list"; done |
		grep -cx "$1"
}

# Many flows to the NIC; interrupts come to these CPUs alone, and there are many
traffic_at() { # CPU...
	local before after cpu yet n=0

	# In this order: one that moves meanwhile counts as one that may come
	for ((cpu = 0; cpu < 4; cpu++)); do yet[cpu]=$(yet_on "$cpu"); done
	read -ra before <<<"$(interrupts)"
	on_cli python3 - "$SRV4" <<-'END' || return
		import socket, sys
		for port in range(20000, 20400):
		    s = socket.socket()
		    s.bind(("", port))
		    try:
		        s.connect((sys.argv[1], 9))
		    except ConnectionRefusedError:
		        pass
	END
	read -ra after <<<"$(interrupts)"
	echo "interrupts: ${before[*]}, then ${after[*]}; yet to move: ${yet[*]}"
	for ((cpu = 0; cpu < 4; cpu++)); do
		if [[ " $* " = *" $cpu "* ]]; then
			n=$((n + after[cpu] - before[cpu]))
			[ "${after[cpu]}" -gt "${before[cpu]}" ] || return
		else
			[ "${after[cpu]}" -le $((before[cpu] + yet[cpu])) ] || return
		fi
	done
	[ "$n" -ge 100 ]
}

root=/sys/fs/cgroup partition=/sys/fs/cgroup/isolated

isolate() { # CPU
	echo +cpuset >"$root/cgroup.subtree_control" && mkdir "$partition" &&
		echo "$1" >"$partition/cpuset.cpus" &&
		echo isolated >"$partition/cpuset.cpus.partition" &&
		[ "$(<"$partition/cpuset.cpus.partition")" = isolated ]
}

check "CPU 1 is isolated" grep -qx 1 $sys/isolated
check "CPU 3 is left in peace" grep -qx 3 $sys/nohz_full
check "link is up" net_up || finish
wait_until 20 agree "$SRV_DEV"
check "each setting to a value of its own" scramble "$SRV_DEV"
state "$SRV_DEV" >"$tmp/was"
isolated=0xa
check "the plan leaves CPUs 1 and 3 alone" plan_has '[0,2]'
check "says how many transmit on a queue of others" sh -c \
	"ip netns exec srv '$PERCORECTL' plan $SRV_DEV | grep -q '1 isolated transmit on it'"
check "steer=1" steer 1
check "all of it is set" is_set '[0,2]'
check "interrupts come to CPUs 0 and 2 alone" traffic_at 0 2

if grep -qw cpuset "$root/cgroup.controllers"; then
	isolated=0xe
	check "a cpuset isolates CPU 2" isolate 2
	check "the plan leaves it" wait_until 3 plan_has '[0]'
	check "all of it is set within a second or two" wait_until 3 is_set '[0]'
	check "interrupts come to CPU 0 alone" traffic_at 0
	isolated=0xa
	check "the partition ends" rmdir "$partition"
	check "all of it is set as before" wait_until 3 is_set '[0,2]'
	check "interrupts come to both again" traffic_at 0 2
else
	skip "a cpuset isolates CPU 2" "this kernel has no cpusets"
fi
check "steer=0" steer 0
check "all is as it was" same_state "$tmp/was" "$SRV_DEV"
finish
