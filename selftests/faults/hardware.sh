#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: host --long --timeout 1000
#
#   this --vmbox--> hardware.sh in-the-guest:
#
#        srv: eth0 ==== wire ==== eth1 :cli      both igb_percore, with percore
#              ^
#              descriptors spoilt behind the device (faulty.c), link, resets,
#              removal (QEMU's monitor)
#
# Claim: whatever the device writes into receive descriptors, with XDP and
# without: impossible lengths, frames without an end, anything, nothing at all;
# however often its link goes and comes, whenever it is reset: the driver drops,
# counts and recovers, every byte of a connection through all of it arrives (as
# long as no wrong checksum is called right), and the kernel has nothing to
# complain of. A device that is unplugged under traffic is let go of, and comes
# back. Registers of all ones, and queues that stop, are for life.sh and stuck.sh.
#
# usage: hardware.sh [SEED]
lib=$(dirname "$0")/../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/vm.sh
. "$lib/vm.sh"
# shellcheck source=selftests/drivers/net/igb_percore/lib.sh
. "$lib/../drivers/net/igb_percore/lib.sh"
# shellcheck source=selftests/drivers/net/igb_percore/life.lib.sh
. "$lib/../drivers/net/igb_percore/life.lib.sh"

tmp=$(mktemp -d)
defer rm -rf "$tmp"

## in the guest

left=/sys/module/faulty/parameters/left
errors() { counter srv "$SRV_DEV" 'pair[0-9]+_rx_errors'; }
restarts() { counter srv "$SRV_DEV" 'pair[0-9]+_restarts'; }
more_than() { [ "$("$1")" -gt "$2" ]; } # COUNTER VALUE

spoilt_all() { [ "$(<"$left")" = 0 ]; }
faulty() { insmod "$VMBOX_SHARE/faulty.ko" "dev=$SRV_DEV" "$@"; }

# Frames that nobody misses, beside those which TCP sends more rarely the more
# of them are lost
pings() { on_cli ping -q -f -W 1 -w 60 "$SRV4" >/dev/null; }

# Descriptors are spoilt while frames come, as many as asked for.
spoilt() { # PARAMETER...
	local pid status

	faulty "$@" || return
	pings &
	pid=$!
	wait_until 60 spoilt_all
	status=$?
	kill "$pid"
	wait "$pid"
	rmmod faulty && return "$status"
}

# "often" and "left" are such that some frames get through meanwhile
descriptors() { # LABEL
	local before

	before=$(errors)
	check "$1: lengths that cannot be" spoilt fault=0 left="$(times 100 20000)"
	check "$1: they are counted" more_than errors "$before"
	check "$1: frames without an end" spoilt fault=1 left="$(times 100 20000)"
	check "$1: anything" spoilt fault=2 left="$(times 100 20000)"
	check "$1: traffic goes on" wait_until 30 goes_on
}

# All that comes, so that a frame is in pieces when the pair stops
endless() { # LABEL
	local before

	before=$(errors)
	check "$1: no frame ends any more" spoilt fault=1 often=1 left=100
	faulty fault=1 often=1 left=1000000
	pings &
	sleep 1
	check "$1: stopped meanwhile" ip -n srv link set "$SRV_DEV" down
	check "$1: started" ip -n srv link set "$SRV_DEV" up
	rmmod faulty
	kill $!
	wait $!
	put_right
	check "$1: counted, and traffic goes on" eval 'net_works && more_than errors '"$before"
}

put_right() { ip -n srv addr replace "$SRV6/64" dev "$SRV_DEV" nodad; }

# The next one that comes shows that one was forgotten.
forgotten() {
	local before

	before=$(restarts)
	spoilt fault=3 often=1 left=1 || return
	pings &
	wait_until 60 more_than restarts "$before"
	set -- $?
	kill $!
	wait $!
	return "$1"
}

flapping() {
	local i

	for ((i = 0; i < $(times 3 100); i++)); do
		link_goes_and_comes || return
		sleep "0.$((RANDOM % 10))"
	done
}

one_of() { shift $((RANDOM % $#)) && echo "$1"; }

renegotiate() { on_srv ethtool -r "$SRV_DEV"; }
reload() { devlink dev reload "pci/${pci##*/}"; }
rings() { on_srv ethtool -G "$SRV_DEV" rx "$(one_of 64 256 1024)"; }
down_and_up() { ip -n srv link set "$SRV_DEV" down && ip -n srv link set "$SRV_DEV" up; }
flap() { monitor "set_link nic0 off" && sleep "0.$((RANDOM % 10))" && monitor "set_link nic0 on"; }

# With descriptors that are anything now and then
any_time() {
	local i what

	faulty fault=2 often=50 left=1000000 || return
	for ((i = 0; i < $(times 5 200); i++)); do
		what=$(one_of reset reset reload rings down_and_up renegotiate flap)
		echo "$what"
		"$what" || return
		sleep "0.$((RANDOM % 10))"
	done
	rmmod faulty
	put_right
}

taken_out() {
	[ ! -e "$pci" ] && ! net_home "$SRV_DEV" && ! ip -n srv link show dev "$SRV_DEV" &&
		! grep -q " $SRV_DEV-" /proc/interrupts
}

unplug() { monitor "device_del nic0" && wait_until 60 taken_out; }

plug_in() {
	monitor "device_add igb,id=nic0,bus=port0,netdev=net0,mac=52:54:00:00:00:01" &&
		nic_again srv "$SRV_DEV" "$SRV4" "$SRV6" && ip -n cli neigh flush all && net_works
}

with_xdp() {
	local xdp=("$tests/xdp_tool")

	[ -x "${xdp[0]}" ] || { skip "with XDP" "xdp_tool is not built" && return; }
	check "with XDP" on_srv "${xdp[@]}" attach "$SRV_DEV" "$tests/xdp_prog.bpf.o" x_pass
	descriptors "with XDP"
	endless "with XDP"
	check "without XDP" on_srv "${xdp[@]}" detach "$SRV_DEV"
}

in_the_guest() {
	# shellcheck source=selftests/lib/net.sh
	. "$lib/net.sh"
	RANDOM=$1
	check "link is up" net_up || finish
	pci=$(on_srv readlink -f "/sys/class/net/$SRV_DEV/device")
	both sysctl -qw net.ipv4.tcp_retries2=30
	ip netns exec srv python3 "$tests/talk.py" echo &
	check "a server listens" wait_until 30 serving srv 7002
	check "traffic" start_talk
	descriptors "descriptors"
	endless "descriptors"
	with_xdp
	check "a descriptor is forgotten: the pair starts anew" forgotten
	check "the link goes and comes" flapping
	check "whatever happens to it, at any time" any_time
	check "the network is there" net_works
	check "every byte through all of it arrived" end_talk
	check "traffic" start_talk
	check "unplugged under traffic, it is let go of" unplug
	drop_talk
	check "plugged in, it comes back" plug_in
	finish
}

if [ "${1:-}" = in-the-guest ]; then
	in_the_guest "$2"
fi

## on the host

# shellcheck source=tools/vmbox/lib.sh
. "$lib/../../tools/vmbox/lib.sh"
kernel=${KERNEL:-debian-6.12}
check "what spoils descriptors builds" vm_module "$(dirname "$0")/faulty.c" "$tmp" \
	"NOSTDINC_FLAGS += -I$repo/include/compat" \
	"ccflags-y := -I$repo/include -I$repo/include/uapi -I$repo/drivers/net/ethernet/igb_percore" ||
	finish

seed=${1:-$RANDOM}
diag "to repeat: hardware.sh $seed"
limit=400
[ "$kernel" = debian-6.12 ] || limit=1500
[ -z "${LONG:-}" ] || limit=$((10 * limit))
# One thread: see life.sh
vm_test "$tmp" --kernel "$kernel" --cpus 3 --round-robin --driver igb_percore \
	--percore --timeout $limit --share "$tmp" --keep-log "$tmp/log" \
	--qemu "$(monitor_args "$tmp") -global pcie-root-port.x-speed=5" \
	-- env "LONG=${LONG:-}" "$(readlink -f "$0")" in-the-guest "$seed"
finish
