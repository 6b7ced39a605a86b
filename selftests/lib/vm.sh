# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# For tests on the host that have a VM of their own; after tap.sh.
#
#   vm_run OUT ERR VMBOX-ARG...   vmbox with its output in these files; once more,
#                                 aloud, if the emulator failed
#   vm_relay OUT [PREFIX]         the results in OUT are results of this test
#   vm_test DIR VMBOX-ARG...      both, with what it leaves in DIR; and that it ended well
#   vm_module SOURCE DIR [LINE]...   builds a module for the VM's kernel in DIR, with
#                                 these lines in its Kbuild; after tools/vmbox/lib.sh
#   monitor_args DIR              QEMU's, for a VM in which monitor works
#   monitor COMMAND               tells QEMU, from the guest

vm_vmbox=$(dirname "${BASH_SOURCE[0]}")/../../tools/vmbox/vmbox

vm_run() {
	local out=$1 err=$2 status

	shift 2
	"$vm_vmbox" "$@" >"$out" 2>"$err"
	status=$?
	[ $status = 96 ] || return $status
	diag "the emulator failed, so the VM runs once more: $(grep -v running "$err" | tail -n 3)"
	"$vm_vmbox" "$@" >"$out" 2>"$err"
}

vm_relay() {
	local line

	while IFS= read -r line; do
		case $line in
		"ok "*) ok "${2:-}${line#ok * - }" ;;
		"not ok "*) not_ok "${2:-}${line#not ok * - }" ;;
		"#"*) diag "${line#\# }" ;;
		esac
	done <"$1"
}

vm_ended_well() { # DIR STATUS
	cat "$1/err"
	tail -n 5 "$1/out"
	[ "$2" = 0 ] && grep -q '^1\.\.' "$1/out"
}

vm_test() {
	local dir=$1 status=0

	shift
	vm_run "$dir/out" "$dir/err" "$@" || status=$?
	vm_relay "$dir/out"
	check "the VM ended well, and its kernel had nothing to complain of" \
		vm_ended_well "$dir" "$status"
}

vm_module() {
	local source=$1 dir=$2 kernel=${KERNEL:-debian-6.12} build

	shift 2
	build=$(kernel_dir "$kernel")/build
	[ "$kernel" != debian-6.12 ] ||
		build=/usr/src/linux-headers-$(<"$(kernel_dir "$kernel")/release")
	cp "$source" "$dir/" &&
		printf '%s\n' "obj-m := $(basename "$source" .c).o" "$@" >"$dir/Kbuild" &&
		make -C "$build" M="$dir" modules
}

# On the host: its monitor is on a port of virtio-serial.
monitor_args() { # DIR
	echo "-chardev socket,id=mon,path=$1/monitor,server=on,wait=off" \
		"-mon chardev=mon,mode=readline" \
		"-chardev socket,id=guest,path=$1/monitor" \
		"-device virtserialport,chardev=guest,name=monitor"
}

monitor() { # COMMAND
	local port

	for port in /sys/class/virtio-ports/*; do
		[ "$(<"$port/name")" = monitor ] && echo "$1" >"/dev/${port##*/}" && return
	done
	return 1
}
