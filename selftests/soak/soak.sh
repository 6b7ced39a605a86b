#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --long --own --cpus 4 --nics 2 --driver igb_percore --percore --timeout 500
# here: no, it changes all that can be changed
#
#   cli: eth1, conns dial, talk.py ==== wire ==== srv: eth0, conns serve, echo
#                                                    ^
#             one after the other, at random: NIC's settings, devlink's reload,
#             XDP programs, percore's sysctls, rmmod and insmod, CPUs
#
# Claim: over any length of time, connections go on after each of these within a
# minute, none fails, none is lost or accepted twice, every byte of one that
# lives through all of it arrives, and the kernel has nothing to complain of.
#
# usage: soak.sh [SECONDS [SEED]]     (10, with LONG 3600: make soak)
lib=$(dirname "$0")/../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/net/percore/lib.sh
. "$lib/../net/percore/lib.sh"
# shellcheck source=selftests/net/percore/under_load.lib.sh
. "$lib/../net/percore/under_load.lib.sh"
# shellcheck source=selftests/drivers/net/igb_percore/lib.sh
. "$lib/../drivers/net/igb_percore/lib.sh"

seconds=${1:-$(times 10 3600)}
seed=${2:-$RANDOM}
RANDOM=$seed
need devlink ethtool ip python3
need_root
need_programs
need_module
diag "to repeat: soak.sh $seconds $seed"
cpus=/sys/devices/system/cpu
last=$(($(nproc) - 1))

one_of() { shift $((RANDOM % $#)) && echo "$1"; }
srv_ethtool() { on_srv ethtool "$@"; }
knob_of_srv() { on_srv sysctl -qw "net.percore.$1=$2"; }

## what may happen; each succeeds, or has failed

rings() { srv_ethtool -G "$SRV_DEV" rx "$(one_of 64 256 4096)" tx "$(one_of 64 256 4096)"; }
pairs() { srv_ethtool -L "$SRV_DEV" combined $((RANDOM % (last + 1) + 1)) || [ $? = 80 ]; }
mtu() { ip -n srv link set "$SRV_DEV" mtu "$(one_of 1280 1500 1700 9000)"; }
moderation() { srv_ethtool -C "$SRV_DEV" adaptive-rx "$(one_of on off)" || [ $? = 80 ]; }
offloads() { srv_ethtool -K "$SRV_DEV" "$(one_of tso gro sg rx tx)" "$(one_of on off)"; }
hash() { srv_ethtool -X "$SRV_DEV" default; }
reload() { devlink dev reload "pci/$pci" && wait_until 60 has_link srv "$SRV_DEV"; }
renegotiate() { srv_ethtool -r "$SRV_DEV" && wait_until 60 has_link srv "$SRV_DEV"; }
xdp_in() { "${xdp[@]}" attach "$SRV_DEV" "$tests/xdp_prog.bpf.o" x_pass; }
xdp_out() { "${xdp[@]}" detach "$SRV_DEV" 2>/dev/null || true; }
shards() { knob_of_srv listen_shard "$(one_of 0 1)"; }
steal() { knob_of_srv listen_steal_us "$(one_of 100 1000 10000)"; }
tsq() { knob_of_srv tsq "$(one_of 0 1)"; }
steered() { sysctl -qw "net.percore.steer=$(one_of 0 1)"; }
percore_anew() { rmmod percore && insmod "$PERCORE"; }
cpu_away() {
	local cpu=$((RANDOM % last + 1))

	echo 0 >"$cpus/cpu$cpu/online" || return
	nap 1
	echo 1 >"$cpus/cpu$cpu/online"
}

happenings=(rings pairs mtu moderation offloads hash reload renegotiate xdp_in xdp_out
	shards steal tsq steered percore_anew cpu_away)

soak() {
	local what end=$((SECONDS + seconds)) n=0

	declare -gA count=()
	while [ "$SECONDS" -lt "$end" ] || [ "$n" -lt 10 ]; do
		what=$(one_of "${happenings[@]}")
		echo "$what"
		"$what" || { echo "$what failed"; return 1; }
		flows 5 || { echo "after $what connections come no more"; return 1; }
		count[$what]=$((${count[$what]:-0} + 1))
		n=$((n + 1))
	done
}

report() {
	local what

	for what in "${!count[@]}"; do
		printf '%s %s, ' "${count[$what]}" "$what"
	done
	echo "$(<"$tmp/progress") connections"
}

connections() {
	serve "$tmp/server" -a "$SRV4" -m lt -w 4 -c "$(seq -s, 0 "$last")" &&
		start_client -s $((seconds + 900)) -t 4 && flows 60
}

talker_ends() { kill -TERM "$talker" && wait "$talker"; }

under_load_setup
xdp=(ip netns exec srv "$tests/xdp_tool")
pci=$(basename "$(on_srv readlink -f "/sys/class/net/$SRV_DEV/device")")
for ns in srv cli; do ip netns exec $ns sysctl -qw net.ipv4.tcp_retries2=30; done
on_srv python3 "$tests/talk.py" echo &
defer kill $!
check "a server listens" wait_until 60 serving srv 7002
(exec ip netns exec cli python3 "$tests/talk.py" talk "$SRV4") >"$tmp/talk" 2>&1 &
talker=$!
check "connections come" connections
check "$seconds s of it" soak
diag "$(report)"
check "none failed, lost or accepted twice" stop
check "every byte of one through all of it arrived" talker_ends || cat "$tmp/talk"
check "the kernel's log is clean" log_clean
finish
