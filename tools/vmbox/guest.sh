#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Second program of the guest, as PID 1 on the host's root file system: mounts
# the rest, brings the NICs, runs the command, says how it ended.
#
# It speaks to vmbox over three virtio-serial ports:
#   out   output of the command, nothing else
#   ctl   lines: begun | up SECONDS | error TEXT | status N | tainted N
#   log   the whole kernel log at the end, and what kmemleak found
#
# /run/.vmbox/config holds: repo share_tag cache release kernel driver percore
# module_dir nics cwd, and the array command.
#
# shellcheck disable=SC1091,SC2154
private=/run/.vmbox
. $private/config

# nap SECONDS: without a program, since the root may be gone by then
nap() { read -rt "$1" _ <>$private/never; }

port() {
	local name

	for ((i = 0; i < 100; i++)); do
		for name in /sys/class/virtio-ports/*/name; do
			[ "$(<"$name")" = "vmbox.$1" ] && {
				name=${name%/name}
				echo "/dev/${name##*/}"
				return
			}
		done 2>/dev/null
		nap 0.05
	done
}

off() {
	exec {ctl}>&-
	echo o >/proc/sysrq-trigger
	nap 600
}

give_up() {
	echo "error $*" >&$ctl
	finish_log
	off
}

mount_9p() { # TAG DIR OPTIONS
	mkdir -p "$2"
	mount -t 9p -o "trans=virtio,version=9p2000.L,msize=262144,$3" "$1" "$2" ||
		give_up "cannot mount $1 on $2"
}

mount_overlay() { # LOWER DIR
	mkdir -p "$private/up$2" "$private/work$2" "$2"
	mount -t overlay -o "lowerdir=$1,upperdir=$private/up$2,workdir=$private/work$2" \
		overlay "$2" || give_up "cannot mount an overlay on $2"
}

mount_all() {
	mkdir -p /dev/pts /dev/shm /run/lock
	mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
	mount -t tmpfs -o mode=1777 tmpfs /dev/shm
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	mount -t bpf bpf /sys/fs/bpf
	mount -t debugfs debugfs /sys/kernel/debug
	mount -t tracefs tracefs /sys/kernel/tracing
	ln -sfn /proc/self/fd /dev/fd
	ln -sfn /proc/self/fd/0 /dev/stdin
	ln -sfn /proc/self/fd/1 /dev/stdout
	ln -sfn /proc/self/fd/2 /dev/stderr

	mount_9p cache "$private/cache" cache=loose,ro
	mount_9p repo "$private/repo" cache=loose,ro
	mount_9p share /run/vmbox cache=none
	mkdir -p "$cache"
	mount --bind $private/cache "$cache"
	mount_overlay $private/repo "$repo"
	mkdir -p "/lib/modules/$release"
	mount --bind "$cache/kernels/$kernel/lib/modules/$release" "/lib/modules/$release" ||
		give_up "no modules of $release in the cache"
}

tune() {
	hostname vmbox
	ip link set lo up
	ulimit -n 65536
	# Under emulation on a busy machine, seconds pass without progress.
	sysctl -qw kernel.panic_on_oops=0 kernel.sysrq=1
	sysctl -eqw kernel.hung_task_timeout_secs=240 kernel.watchdog_thresh=60
}

# A module file, after the modules that it depends on.
insert() {
	local file=$1 dependency

	[ -e "$file" ] || give_up "$file is not built: make modules KERNEL=$kernel"
	for dependency in $(modinfo -F depends "$file" | tr , ' '); do
		modprobe "$dependency" || give_up "cannot load $dependency for $file"
	done
	insmod "$file" 2>$private/insmod || give_up "$(<$private/insmod)"
}

bring_nics() {
	local n mac

	case $driver in
	igb) modprobe igb || give_up "cannot load the stock igb" ;;
	igb_percore) insert "$module_dir/drivers/net/ethernet/igb_percore/igb_percore.ko" ;;
	none) return ;;
	esac
	for ((n = 0; n < nics; n++)); do
		printf -v mac '52:54:00:00:00:%02x' $((n + 1))
		for ((i = 0; i < 100; i++)); do
			[ "$(cat /sys/class/net/eth$n/address 2>/dev/null)" = "$mac" ] && continue 2
			nap 0.1
		done
		give_up "$driver gave no eth$n with address $mac"
	done
}

# What the command left running must not keep the guest, nor hide a leak.
run_command() {
	local status pid reader

	mkfifo $private/out
	cat $private/out >"$(port out)" &
	reader=$!
	cd "$cwd" || give_up "no directory $cwd in the guest"
	export VMBOX=1 VMBOX_SHARE=/run/vmbox VMBOX_KERNEL="$kernel" \
		VMBOX_DRIVER="$driver" VMBOX_NICS="$nics" VMBOX_MODULES="$module_dir"
	setsid "${command[@]}" >$private/out 2>&1 </dev/null {ctl}>&- &
	pid=$!
	wait $pid
	status=$?
	for ((i = 0; i < 20; i++)); do
		kill -0 $reader 2>/dev/null || break
		nap 0.1
	done
	echo "status $status" >&$ctl
}

# kmemleak reports no object younger than five seconds, and an object that
# moved while it scanned may look lost once: so two scans, and what both saw.
scan_leaks() {
	local leaks=/sys/kernel/debug/kmemleak

	[ -w $leaks ] || return
	rmmod percore 2>/dev/null
	rmmod igb_percore 2>/dev/null
	nap 6
	echo scan >$leaks
	echo scan >$leaks
	cat $leaks >$private/leaks
}

finish_log() {
	{
		dmesg
		[ ! -s $private/leaks ] || cat $private/leaks
	} >"$(port log)"
}

mkfifo $private/never
exec {ctl}>"$(port ctl)"
echo begun >&$ctl
mount_all
tune
bring_nics
[ "$percore" = 0 ] || insert "$module_dir/net/percore/percore.ko"
read -r uptime _ </proc/uptime
echo "up $uptime" >&$ctl
run_command
cd /
kill -TERM -1
nap 0.2
kill -KILL -1
scan_leaks
echo "tainted $(</proc/sys/kernel/tainted)" >&$ctl
finish_log
off
