# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# A network of two NICs back to back, for tests in shell; after tap.sh.
#
#   netns srv                                netns cli
#   eth0 10.0.0.1/24 fd00::1/64 ==== wire ==== eth1 10.0.0.2/24 fd00::2/64
#
# NETDEV_SRV and NETDEV_CLI name other devices than eth0 and eth1, on a real
# box. All is put back at exit, but a veth pair dies with its namespaces.
#
#   patience                              what limits of time are multiplied by
#   wait_until SECONDS COMMAND [ARG...]   until COMMAND succeeds; 1 if it never does
#   within MILLISECONDS COMMAND [ARG...]  it succeeds, and takes no longer
#   net_up                                the network above, with the link up
#   on_srv COMMAND..., on_cli COMMAND...  in that namespace
#   align NETNS DEV [FIRST]               interrupt and tx queue q to CPU FIRST + q

SRV_DEV=${NETDEV_SRV:-eth0}
CLI_DEV=${NETDEV_CLI:-eth1}
SRV4=10.0.0.1
CLI4=10.0.0.2
SRV6=fd00::1
CLI6=fd00::2

# A VM with a kernel of its own is one with sanitizers.
patience=1
[ "${VMBOX_KERNEL:-debian-6.12}" = debian-6.12 ] || patience=4

on_srv() { ip netns exec srv "$@"; }
on_cli() { ip netns exec cli "$@"; }

wait_until() {
	local end=$((SECONDS + $1 * patience))

	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

# SECONDS as a shell has them are too coarse
within() { # MILLISECONDS COMMAND...
	local limit=$1 start end status

	shift
	start=$(date +%s%3N)
	"$@"
	status=$?
	end=$(date +%s%3N)
	echo "$((end - start)) ms"
	[ $((end - start)) -le $((limit * patience)) ] && return "$status"
}

has_link() { ip -n "$1" -o link show dev "$2" | grep -q LOWER_UP; }

net_answers() { on_cli ping -n -c 1 -W 1 "$1"; }

# A NIC comes home when its namespace dies, but not at once.
net_home() { [ -e "/sys/class/net/$1" ]; }

net_down() {
	local pid

	for pid in $(ip netns pids srv 2>/dev/null) $(ip netns pids cli 2>/dev/null); do
		kill -KILL "$pid" 2>/dev/null
	done
	ip netns del srv 2>/dev/null
	ip netns del cli 2>/dev/null
	[ -n "$virtual" ] || {
		wait_until 10 net_home "$SRV_DEV" && wait_until 10 net_home "$CLI_DEV"
	}
}

net_attach() { # NETNS DEV V4 V6
	ip netns add "$1" &&
		ip link set "$2" netns "$1" &&
		ip -n "$1" addr add "$3/24" dev "$2" &&
		ip -n "$1" addr add "$4/64" dev "$2" nodad &&
		ip -n "$1" link set lo up &&
		ip -n "$1" link set "$2" up
}

net_up() {
	local dev

	for dev in "$SRV_DEV" "$CLI_DEV"; do
		wait_until 10 net_home "$dev" || skip_all "no NIC $dev"
	done
	virtual=
	[ -e "/sys/class/net/$SRV_DEV/device" ] || virtual=1
	defer net_down
	net_attach srv "$SRV_DEV" $SRV4 $SRV6 &&
		net_attach cli "$CLI_DEV" $CLI4 $CLI6 &&
		wait_until 30 has_link srv "$SRV_DEV" &&
		wait_until 30 has_link cli "$CLI_DEV" &&
		wait_until 10 net_answers $SRV4 && wait_until 10 net_answers $SRV6
}

align() {
	local ns=$1 dev=$2 first=${3:-0} cpus line irq queue

	cpus=$(nproc)
	while read -r line; do
		irq=${line%%:*}
		queue=$(grep -oE '[0-9]+$' <<<"$line") || continue
		echo $(((queue + first) % cpus)) >"/proc/irq/${irq// /}/smp_affinity_list"
	done < <(grep -E " $dev-" /proc/interrupts)
	# shellcheck disable=SC2016
	ip netns exec "$ns" bash -c '
		for queue in /sys/class/net/'"$dev"'/queues/tx-*; do
			printf %x $((1 << (${queue##*-} + '"$first"') % '"$cpus"')) >$queue/xps_cpus
		done'
}
