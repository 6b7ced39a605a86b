# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034
# What the tests of net/percore share; after selftests/lib/tap.sh, and net.sh
# for what needs a network.
#
#   need_root, need_programs, need_module   or skip or fail all
#   PERCORECTL              the tool, built if it is not; empty if it cannot be
#   MODULE                  percore.ko, if it is there
#   knob NAME [VALUE]       reads or writes net.percore.NAME of this namespace
#   value KEY FILE          of the last KEY=VALUE in it
#   serve LOG ARG...        starts "conns serve" in srv; sets server
#   served LOG              ends it, waits for its report
#   cores_used PORT         on how many cores the listener in srv had SYNs

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../../.." && pwd)
knobs=/proc/sys/net/percore

MODULE=${VMBOX_MODULES:-$top}/net/percore/percore.ko
PERCORECTL=${PERCORECTL:-$top/tools/percorectl/percorectl}
export PERCORECTL

need_root() { [ "$(id -u)" = 0 ] || skip_all "root is needed"; }

need_programs() {
	make -s -C "$here" >&2 || {
		not_ok "the test programs build"
		finish
	}
}

need_module() {
	[ -e $knobs/listen_shard ] || skip_all "percore is not loaded"
	[ -x "$PERCORECTL" ] || make -s -C "${PERCORECTL%/*}" >&2 ||
		PERCORECTL=
}

knob() {
	if [ $# = 2 ]; then
		echo "$2" 2>/dev/null >"$knobs/$1"
	else
		cat "$knobs/$1"
	fi
}

value() { grep -oE "(^| )$1=[^ ]*" "$2" | tail -n 1 | cut -d= -f2; }

# The subshell becomes the program, so that the pid is the program's.
serve() {
	local log=$1

	shift
	rm -f "$log"
	(exec ip netns exec srv "$here/conns" serve "$@") >"$log" 2>&1 &
	server=$!
	wait_until 20 grep -q '^listening' "$log"
}

served() {
	kill -TERM "$server" 2>/dev/null
	wait "$server"
}

cores_used() {
	on_srv "$PERCORECTL" listeners --json | jq "[.[] | select(.port == $1) |
		.cores[] | select(.syns > 0)] | length"
}
