# shellcheck shell=bash
# The debug kernel: Debian's 6.12 source, tinyconfig and debug.config, built
# once for each version of either. Sourced by setup.sh.
#
#   linux-source-6.12 -> $cache/src/VERSION/            unpacked, left clean
#   debug.config      -> $cache/kernels/debug-VERSION-HASH/
#                          build/        objects; modules are built against it
#                          lib/modules/  vmlinuz  release
#                        $cache/kernels/debug -> the newest
# An interrupted build goes on where it stopped.

fragment=$here/debug.config

debug_make() { # DIRECTORY ARGUMENT...
	nice -n 19 make -C "$debug_source" O="$@" -j"$(nproc)" ARCH=x86_64
}

unpack_source() {
	local new

	[ -d "$debug_source" ] && return
	mkdir -p "$cache/src"
	new=$(mktemp -d "$cache/src/new.XXXXXX")
	heartbeat "unpacking $(basename "$debug_source")" \
		tar -C "$new" --strip-components 1 -xf /usr/src/linux-source-6.12.tar.xz ||
		die "cannot unpack the kernel's source"
	chmod 755 "$new"
	mv "$new" "$debug_source"
}

# A line of the fragment that Kconfig dropped would be a check that silently
# does not happen.
configure_debug() {
	local build=$1 line lost=()

	debug_make "$build" tinyconfig || return
	cat "$fragment" >>"$build/.config"
	debug_make "$build" olddefconfig || return
	while read -r line; do
		grep -qxF "$line" "$build/.config" || lost+=("$line")
	done < <(grep -E '^(CONFIG_|# CONFIG_.* is not set)' "$fragment")
	[ ${#lost[@]} -eq 0 ] && return
	printf 'debug.config: does not hold: %s\n' "${lost[@]}"
	return 1
}

install_debug() {
	local dir=$1

	debug_make "$dir/build" modules_install INSTALL_MOD_PATH="$dir" || return
	mkdir -p "$dir/initrd-modules"
	cp "$dir/build/arch/x86/boot/bzImage" "$dir/vmlinuz"
	cp "$dir/build/include/config/kernel.release" "$dir/release"
}

setup_debug_kernel() {
	local version hash dir

	version=$(dpkg-query -Wf '${Version}' linux-source-6.12 | tr '~' -)
	hash=$(sha256sum <"$fragment" | cut -c 1-8)
	debug_source=$cache/src/linux-$version
	dir=$(kernel_dir "debug-$version-$hash")
	exec {debug_lock}>"$cache/lock.debug"
	flock -n "$debug_lock" || {
		say "waiting for another build of the debug kernel"
		flock "$debug_lock"
	}
	if [ ! -e "$dir/release" ]; then
		unpack_source
		mkdir -p "$dir/build"
		heartbeat "configuring the debug kernel" configure_debug "$dir/build" ||
			die "debug.config does not fit this source"
		heartbeat "building the debug kernel (20 CPU-minutes, once)" \
			debug_make "$dir/build" bzImage modules || die "the debug kernel does not build"
		heartbeat "installing the debug kernel in the cache" install_debug "$dir" ||
			die "cannot install the debug kernel"
	fi
	ln -sfn "$(basename "$dir")" "$(kernel_dir debug)"
	exec {debug_lock}>&-
}
