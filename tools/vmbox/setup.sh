# shellcheck shell=bash
# vmbox --setup: makes this machine (Debian 12, root, apt) able to build, boot
# and test. Sourced by vmbox. Idempotent, and quick when nothing is missing.
#
#   packages -> apt        QEMU from bookworm-backports, the rest from bookworm
#   linux-image -> cache   unpacked beside the system, not installed on it
#   debug kernels -> cache only with --kernel debug or kcsan; see debug-kernel.sh

export DEBIAN_FRONTEND=noninteractive
apt_updated=

apt_get() { apt-get -q -y -o DPkg::Lock::Timeout=300 "$@"; }

apt_update_once() {
	[ -n "$apt_updated" ] && return
	heartbeat "apt-get update" apt_get update || die "apt-get update failed"
	apt_updated=yes
}

qemu_has_igb() {
	qemu-system-x86_64 -device help 2>/dev/null | grep -q '"igb"'
}

# The mirror that this machine already takes its bookworm from.
debian_mirror() {
	apt-get indextargets --format '$(SITE) $(CODENAME) $(ORIGIN)' \
		'Created-By: Packages' |
		awk '$2 == "bookworm" && $3 == "Debian" { print $1; exit }'
}

add_backports() {
	local mirror

	apt_update_once
	apt-get indextargets --format '$(CODENAME)' 'Created-By: Packages' |
		grep -qx bookworm-backports && return
	mirror=$(debian_mirror)
	[ -n "$mirror" ] || die "no bookworm mirror among apt's sources, so no backports"
	say "adding bookworm-backports from this machine's mirror, for QEMU with igb"
	echo "deb $mirror bookworm-backports main" \
		>/etc/apt/sources.list.d/percore-backports.list
	apt_updated=
}

# No daemon (nginx) may start because we installed it. A policy of the
# machine's own that forbids it already is left alone.
install_quietly() (
	policy=/usr/sbin/policy-rc.d

	if [ ! -e $policy ]; then
		trap 'rm -f $policy' EXIT
		printf '#!/bin/sh\nexit 101\n' >$policy
		chmod +x $policy
	fi
	apt_get install --no-install-recommends "$@"
)

# QEMU comes last: asked to prefer backports, apt would take from there every
# library that is still missing, and the -dev packages of bookworm want theirs.
setup_packages() {
	local package missing=() had_nginx=

	while read -r package; do
		[ "$package" != qemu-system-x86 ] || continue
		[ "$(dpkg-query -Wf '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
			missing+=("$package")
	done < <(grep -E '^[a-z]' "$here/packages")

	if [ ${#missing[@]} -gt 0 ]; then
		[ ! -x /usr/sbin/nginx ] || had_nginx=yes
		apt_update_once
		say "missing: ${missing[*]}"
		heartbeat "installing ${#missing[@]} packages" install_quietly "${missing[@]}" ||
			die "cannot install what is missing"
		[ -n "$had_nginx" ] || [ ! -d /run/systemd/system ] ||
			systemctl disable -q nginx || say "could not disable nginx"
	fi
	qemu_has_igb && return
	add_backports
	apt_update_once
	heartbeat "installing qemu-system-x86 from bookworm-backports" \
		install_quietly -t bookworm-backports qemu-system-x86 ||
		die "cannot install QEMU 8 or newer"
	qemu_has_igb || die "this QEMU has no igb device: 8 or newer is needed"
}

# The modules without which a guest cannot reach its root, in order.
pack_initrd_modules() {
	local dir=$1 release=$2 file base

	mkdir -p "$dir/initrd-modules"
	for module in 9pnet_virtio 9p overlay; do
		modprobe -d "$dir" -S "$release" --show-depends $module
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' |
		while read -r file; do
			base=$(basename "${file%.xz}")
			xz -dc "$file" >"$dir/initrd-modules/$base"
			echo "$base" >>"$dir/initrd-modules/order"
		done
}

# The image has to be the one that the installed headers belong to, or the
# modules built against them would not load.
setup_debian_kernel() {
	local headers release dir new

	headers=$(printf '%s\n' /usr/src/linux-headers-6.12*-amd64 | sort -V | tail -n 1)
	[ -d "$headers" ] || die "no headers of Debian's 6.12 kernel installed"
	release=${headers##*/linux-headers-}
	dir=$(kernel_dir "$release")
	if [ ! -e "$dir/release" ]; then
		new=$(mktemp -d "$cache/kernels/new.XXXXXX")
		apt-cache show "linux-image-$release" >/dev/null 2>&1 || apt_update_once
		(cd "$new" && heartbeat "downloading linux-image-$release" \
			apt_get download "linux-image-$release") ||
			die "cannot download linux-image-$release"
		heartbeat "unpacking linux-image-$release" \
			dpkg -x "$new/linux-image-$release"_*.deb "$new"
		rm "$new"/*.deb
		[ -d "$new/lib" ] || ln -s usr/lib "$new/lib"
		depmod -b "$new" "$release"
		ln -s "boot/vmlinuz-$release" "$new/vmlinuz"
		pack_initrd_modules "$new" "$release"
		echo "$release" >"$new/release"
		chmod 755 "$new"
		rm -rf "$dir"
		mv "$new" "$dir"
	fi
	ln -sfn "$release" "$(kernel_dir debian-6.12)"
}

# checkpatch and kernel-doc, of the same version as the kernel.
setup_scripts() {
	local version new

	version=$(dpkg-query -Wf '${Version}' linux-source-6.12)
	[ "$(cat "$cache/src/scripts/version" 2>/dev/null)" = "$version" ] && return
	mkdir -p "$cache/src"
	new=$(mktemp -d "$cache/src/new.XXXXXX")
	heartbeat "unpacking the kernel's scripts" tar -C "$new" \
		--strip-components 2 -xf /usr/src/linux-source-6.12.tar.xz \
		linux-source-6.12/scripts || die "cannot unpack the kernel's scripts"
	echo "$version" >"$new/version"
	rm -rf "$cache/src/scripts"
	mv "$new" "$cache/src/scripts"
}

setup() {
	local kernel=$1

	[ "$(id -u)" = 0 ] || die "--setup needs root, to install packages"
	mkdir -p "$cache/kernels"
	exec {lock}>"$cache/lock"
	flock -n "$lock" || {
		say "waiting for another --setup"
		flock "$lock"
	}
	setup_packages
	setup_debian_kernel
	setup_scripts
	exec {lock}>&-
	if [ "$kernel" != debian-6.12 ]; then
		# shellcheck source=tools/vmbox/debug-kernel.sh
		. "$here/debug-kernel.sh"
		setup_debug_kernel "$kernel"
	fi
	say "ready: kernel $(<"$(kernel_dir "$kernel")/release"), $(qemu-system-x86_64 --version | head -n 1)"
}
