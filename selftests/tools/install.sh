#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: host --long --timeout 900
#
#   scratch root, an overlay on /              VM, NICs without a driver
#     make install: packages, DKMS builds  -->   what was installed: modprobe,
#     make uninstall                             udev's way, percorectl, units
#
# Claim: make install builds the Debian packages and installs them, and DKMS
# builds both modules for Debian's 6.12 kernel; they load by name, no NIC leaves
# the stock driver before percorectl bind says so, the units' commands and the
# sysctl example do what they say; make uninstall leaves no file behind.
#
# It boots the VM itself. The scratch root is there because a VM without KVM
# takes many minutes to compile.
lib=$(dirname "$0")/../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/vm.sh
. "$lib/vm.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"

top=$(cd "$(dirname "$0")/../.." && pwd)
self=$top/selftests/tools/install.sh

## in the VM

nic_driver() { basename "$(readlink -f "/sys/class/net/$1/device/driver")"; }

# All that is installed, over what the VM has.
unpack() {
	local modules

	modules=/lib/modules/$(uname -r)
	mkdir -p /run/up /run/work &&
		mount -t overlay -o "lowerdir=$modules,upperdir=/run/up,workdir=/run/work" \
			overlay "$modules" &&
		tar -C / --keep-directory-symlink -xf "$VMBOX_SHARE/installed.tar"
}

ours() {
	[[ $(modinfo -n percore) = */updates/dkms/* && $(modinfo -n igb_percore) = */updates/dkms/* ]]
}

# What udev does for a device: the blacklist counts, unlike for names.
like_udev() {
	local file

	for file in /sys/bus/pci/devices/*/modalias; do
		modprobe -b "$(<"$file")" 2>/dev/null
	done
	wait_until 20 test -e /sys/class/net/eth1 && [ "$(nic_driver eth0)" = igb ] &&
		[ ! -e /sys/module/igb_percore ]
}

by_name() {
	modprobe igb_percore && [ -e /sys/module/igb_percore ] &&
		[ "$(nic_driver eth0)" = igb ] && [ "$(nic_driver eth1)" = igb ]
}

igb_first() {
	modprobe -r igb_percore && modprobe -r igb && modprobe igb_percore &&
		wait_until 20 test -e /sys/class/net/eth1 &&
		[ "$(nic_driver eth0)" = igb ] && [ "$(nic_driver eth1)" = igb ]
}

# UNIT DIRECTIVE: runs its commands
unit_runs() {
	local line

	while read -r line; do
		echo "$line"
		eval "${line//%I/eth0}" || return
	done < <(sed -n "s/^$2=//p" "/lib/systemd/system/$1")
}

service_starts() {
	sed 's/^#\(net.percore.steer\)/\1/' /usr/share/doc/percore-tools/examples/90-percore.conf \
		>/etc/sysctl.d/90-percore.conf
	unit_runs percore.service ExecStart && [ "$(</proc/sys/net/percore/steer)" = 1 ]
}

nic_starts() {
	unit_runs percore-nic@.service ExecStart && [ "$(nic_driver eth0)" = igb_percore ] &&
		[ "$(nic_driver eth1)" = igb ]
}

if [ -n "${VMBOX:-}" ]; then
	check "what is installed is here" unpack || finish
	check "the modules are DKMS's" ours
	check "a device that appears gets the stock driver" like_udev
	check "percore comes by name" modprobe percore
	check "igb_percore comes by name, and takes no NIC" by_name
	check "nor if it comes first" igb_first
	check "percorectl status" percorectl status
	check "version: module and tool agree" \
		test "$(cat /sys/module/percore/version)" = "$(percorectl --version | cut -d ' ' -f 2)"
	check "the manual page is found" man -w percorectl
	check "its unit is sound" systemd-analyze verify --man=no percore.service percore-nic@eth0.service
	modprobe -r percore
	check "percore.service starts, with the example for sysctl.d" service_starts
	check "percore-nic@eth0 starts" nic_starts
	check "percore-nic@eth0 stops" unit_runs percore-nic@.service ExecStop
	check "the NIC is igb's again" test "$(nic_driver eth0)" = igb
	check "percore.service stops" unit_runs percore.service ExecStop
	check "percore is gone" test ! -e /sys/module/percore
	finish
fi

## on the host

# shellcheck source=tools/vmbox/lib.sh
. "$top/tools/vmbox/lib.sh"
[ "$(id -u)" = 0 ] || skip_all "root is needed"
[ "${KERNEL:-debian-6.12}" = debian-6.12 ] || skip_all "packages are for Debian's kernel"
command -v dkms >/dev/null && command -v dh_dkms >/dev/null ||
	skip_all "tools/vmbox/vmbox --setup gets dkms and dh-dkms"

if [ -z "${IN_SCRATCH:-}" ]; then
	trap - EXIT
	IN_SCRATCH=1 exec unshare -m --propagation private "$self"
fi

tmp=$(mktemp -d)
root=$tmp/root
release=$(<"$(kernel_dir debian-6.12)/release")
clear_up() { umount -R "$root" "$tmp" 2>/dev/null; rm -rf "$tmp"; }
defer clear_up

overlay() { # NAME LOWER WHERE
	mkdir -p "$tmp/$1.up" "$tmp/$1.work" "$3" &&
		mount -t overlay -o "lowerdir=$2,upperdir=$tmp/$1.up,workdir=$tmp/$1.work" overlay "$3"
}

# With the modules of the VM's kernel, so that depmod sees what it will see there.
scratch() {
	mount -t tmpfs -o mode=755 tmpfs "$tmp" && overlay root / "$root" &&
		overlay modules "/lib/modules/$release:$(readlink -f "$(kernel_dir debian-6.12)")/lib/modules/$release" \
			"$root/lib/modules/$release" &&
		mount --bind /proc "$root/proc" && mount --rbind /dev "$root/dev" &&
		mount -t tmpfs tmpfs "$root/tmp" && mount -t tmpfs tmpfs "$root/run" &&
		mkdir "$root/tmp/percore" &&
		rsync -a --exclude-from="$top/.gitignore" --exclude=.git "$top/" "$root/tmp/percore/"
}

inside() { chroot "$root" env -i PATH="$PATH" HOME=/root DEBIAN_FRONTEND=noninteractive "$@"; }

# What package managers write about themselves does not count, nor depmod's list,
# nor the key that DKMS signs with: it is the machine's, and may be enrolled.
files() {
	(cd "$root" && find etc usr var lib/modules boot opt srv -xdev \
		\( -path var/lib/dpkg -o -path var/lib/apt -o -path var/log -o -path var/cache -o \
		-path 'var/lib/dkms/mok.*' \) -prune \
		-o -print | LC_ALL=C sort)
	(cd "$root/lib/modules/$release" && find . ! -name 'modules.*' | LC_ALL=C sort)
}

same_files() {
	files >"$tmp/after"
	diff "$tmp/before" "$tmp/after"
}

dkms_installed() {
	inside dkms status percore | tee /dev/stderr | grep -q "^percore/.*$release.*: installed$"
}

dkms_empty() { ! inside dkms status | grep percore; }
no_file() { ! find "$@" | grep .; }

# Both builds of the version: the package's and the module's.
versions_agree() {
	local version

	version=$(make -s -C "$top/tools/install" version)
	[ "$(cd "$top" && dpkg-parsechangelog -S Version)" = "$version" ]
}

pack() {
	mkdir "$tmp/share"
	inside dpkg -L percore-tools percore-dkms | sed 's|^/||' | grep . |
		while read -r file; do [ -d "$root/$file" ] || echo "$file"; done >"$tmp/list"
	(cd "$root/lib/modules/$release" && find updates modules.* -type f -newer "$tmp/before" |
		sed "s|^|lib/modules/$release/|") >>"$tmp/list"
	grep -q updates/dkms/igb_percore.ko "$tmp/list" &&
		tar -C "$root" -T "$tmp/list" -cf "$tmp/share/installed.tar"
}

# Its results are results of this test.
in_vm() {
	vm_run "$tmp/vm" "$tmp/vm.err" --nics 2 --driver none --timeout 150 \
		--share "$tmp/share" -- "$self"
	set -- $?
	vm_relay "$tmp/vm" "in the VM: "
	cat "$tmp/vm" "$tmp/vm.err"
	return "$1"
}

check "changelog and module have the same version" versions_agree
check "a scratch root" scratch || finish
files >"$tmp/before"
check "make install" inside make -C /tmp/percore install || finish
check "DKMS has built and installed both modules" dkms_installed
check "no service is enabled" no_file "$root/etc/systemd" -name 'percore*'
check "what is installed goes to a VM" pack
check "the VM ends well" in_vm
check "make uninstall" inside make -C /tmp/percore uninstall
check "nothing is left" same_files
check "nor in DKMS" dkms_empty

## by hand, as on other systems

by_hand() { # TARGET
	make -C "$top" "$1" DESTDIR="$tmp/dest" PREFIX=/usr/local
}

hand_files() {
	local file

	for file in usr/local/sbin/percorectl usr/local/share/man/man8/percorectl.8 \
		usr/local/share/bash-completion/completions/percorectl \
		lib/systemd/system/percore.service lib/modprobe.d/percore.conf \
		usr/src/percore-"$(make -s -C "$top/tools/install" version)"/dkms.conf; do
		[ -s "$tmp/dest/$file" ] || { echo "no $file"; return 1; }
	done
	grep -q ExecStart=/usr/local/sbin/percorectl "$tmp/dest/lib/systemd/system/percore-nic@.service"
}

check "make install DESTDIR= PREFIX=" by_hand install
check "all is there" hand_files
check "make uninstall DESTDIR= PREFIX=" by_hand uninstall
check "no file is left" no_file "$tmp/dest" ! -type d
finish
