# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154
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
#   accounted N             of N connections of $tmp/client and $tmp/server none
#                           failed, was lost or accepted twice
#   counter NAME [COMMAND]  of /proc/net/percore, of the namespace of COMMAND
#   lo_up                   a namespace srv with loopback alone, which is cli too

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

accounted() { # N
	[ "$(value answered "$tmp/client")" = "$1" ] &&
		[ "$(value failed "$tmp/client")" = 0 ] &&
		[ "$(value accepted "$tmp/server")" = "$1" ] &&
		[ "$(value distinct "$tmp/server")" = "$1" ] &&
		[ "$(value twice "$tmp/server")" = 0 ] &&
		[ "$(value unknown "$tmp/server")" = 0 ] &&
		[ "$(value broken "$tmp/server")" = 0 ]
}

counter() { # NAME [COMMAND]
	local name=$1

	shift
	"$@" cat /proc/net/percore | awk -v name="$name" '
		NR == 1 { for (i = 2; i <= NF; i++) if ($i == name) at = i }
		NR == 2 && at { print $at }'
}

lo_down() { ip netns del srv; }

lo_up() {
	SRV4=127.0.0.1
	ip netns add srv && ip -n srv link set lo up && defer lo_down
	on_cli() { on_srv "$@"; }
	on_srv sysctl -qw net.core.somaxconn=4096 \
		net.ipv4.ip_local_port_range="1024 65535"
}
