# shellcheck shell=bash
# The debug kernels: Debian's 6.12 source, tinyconfig and debug.config, for kcsan
# with what kcsan.config changes of it; each built once for each version of either.
# Sourced by setup.sh.
#
#   linux-source-6.12 -> $cache/src/VERSION/            unpacked, left clean
#   *.config          -> $cache/kernels/NAME-VERSION-HASH/
#                          build/        objects; modules are built against it
#                          lib/modules/  vmlinuz  release
#                        $cache/kernels/NAME -> the newest
# An interrupted build goes on where it stopped.

# debug.config, for another kernel without the lines that its own file has others
# for, or that hang on what it turns off by the name; and that file.
fragment_of() { # NAME
	[ "$1" != debug ] || { cat "$here/debug.config" && return; }
	awk '
		function symbol() { return match($0, /CONFIG_[A-Z0-9_]+/) ? substr($0, RSTART, RLENGTH) : "" }
		!/^(CONFIG_|# CONFIG_.* is not set)/ { if (FILENAME != ARGV[1]) print; next }
		FILENAME == ARGV[1] { own[symbol()] = 1; if (/^#/) off[symbol() "_"] = 1; next }
		{ keep = !(symbol() in own) }
		{ for (prefix in off) if (index(symbol(), prefix) == 1) keep = 0 }
		keep' "$here/$1.config" "$here/debug.config" && cat "$here/$1.config"
}

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
configure_debug() { # NAME DIRECTORY
	local build=$2 line lost=()

	debug_make "$build" tinyconfig || return
	fragment_of "$1" >>"$build/.config"
	debug_make "$build" olddefconfig || return
	while read -r line; do
		grep -qxF "$line" "$build/.config" || lost+=("$line")
	done < <(fragment_of "$1" | grep -E '^(CONFIG_|# CONFIG_.* is not set)')
	[ ${#lost[@]} -eq 0 ] && return
	printf '%s\n' "${lost[@]/#/$1.config: does not hold: }"
	return 1
}

install_debug() {
	local dir=$1

	debug_make "$dir/build" modules_install INSTALL_MOD_PATH="$dir" || return
	mkdir -p "$dir/initrd-modules"
	cp "$dir/build/arch/x86/boot/bzImage" "$dir/vmlinuz"
	cp "$dir/build/include/config/kernel.release" "$dir/release"
}

setup_debug_kernel() { # NAME
	local name=$1 version hash dir

	version=$(dpkg-query -Wf '${Version}' linux-source-6.12 | tr '~' -)
	hash=$(fragment_of "$name" | sha256sum | cut -c 1-8)
	debug_source=$cache/src/linux-$version
	dir=$(kernel_dir "$name-$version-$hash")
	exec {debug_lock}>"$cache/lock.debug"
	flock -n "$debug_lock" || {
		say "waiting for another build of a debug kernel"
		flock "$debug_lock"
	}
	if [ ! -e "$dir/release" ]; then
		unpack_source
		mkdir -p "$dir/build"
		heartbeat "configuring the $name kernel" configure_debug "$name" "$dir/build" ||
			die "$name.config does not fit this source"
		heartbeat "building the $name kernel (20 CPU-minutes, once)" \
			debug_make "$dir/build" bzImage modules || die "the $name kernel does not build"
		heartbeat "installing the $name kernel in the cache" install_debug "$dir" ||
			die "cannot install the $name kernel"
	fi
	ln -sfn "$(basename "$dir")" "$(kernel_dir "$name")"
	exec {debug_lock}>&-
}
