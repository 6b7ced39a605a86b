#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --cpus 4 --nics 2 --driver igb_percore --percore --timeout 600
# here: no, it loads and unloads modules
#
#   cli: eth1, 8 threads ==== wire ==== srv: eth0, queue i on CPU i
#                                            |
#                                     a server that listens before the module
#                                     comes, workers asleep or busy
#
# Claim: insmod, net.percore.listen_shard and net.percore.listen_ports act on
# sockets that listen already, whatever way their workers wait: none of their
# connections fails, is lost or accepted twice, and from then on they are
# accepted on the core of their SYN, as if the socket had been sharded from its
# listen() on.
#
# usage: adopt.sh [N]     connections of each server (1000, with LONG 10000)
lib=$(dirname "$0")/../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/net/percore/lib.sh
. "$(dirname "$0")/lib.sh"

n=${1:-$(times 1000 10000)}
need_root
need_programs
need_module
[ -e "$MODULE" ] || skip_all "no percore.ko to insert again"

tmp=$(mktemp -d)
last=$(($(nproc) - 1))
cpus=$(seq -s, 0 $last)

put_back() {
	[ -e "$knobs" ] || insmod "$MODULE"
	rm -rf "$tmp"
}
defer put_back

check "link is up" net_up || finish
align srv "$SRV_DEV" 2>/dev/null
align cli "$CLI_DEV" 2>/dev/null
on_srv sysctl -qw net.core.somaxconn=4096
on_cli sysctl -qw net.ipv4.ip_local_port_range="1024 65535"

# See storm.sh for why.
stretch() {
	! grep -q TCG /proc/cpuinfo || set_knob listen_steal_us 1000000
}

# The sysctls of srv
set_knob() { # NAME VALUE
	# shellcheck disable=SC2016
	on_srv sh -c 'echo "$1" >"$2/$0"' "$1" "$2" "$knobs" 2>/dev/null
}
get_knob() { on_srv cat "$knobs/$1"; }

dial() { # N [PORT]
	on_cli "$here/conns" dial -a "$SRV4" -p "${2:-8000}" -n "$1" -t 8 \
		>"$tmp/client" 2>&1 && [ "$(value failed "$tmp/client")" = 0 ]
}

ports() { on_srv "$PERCORECTL" listeners --json | jq -c '[.[].port] | sort'; }

# Of connections accepted since the listener had its shards, in per cent
local_share() {
	on_srv "$PERCORECTL" listeners --json | jq '[.[] |
		select(.port == 8000) | .cores[]] |
		(map(.accepts_local) | add) as $here |
		100 * $here / ($here + (map(.accepts_stolen) | add)) | floor'
}

is_local() { # PERCENT
	local share

	share=$(local_share)
	echo "$share% were accepted on the core of their SYN"
	[ "$share" -ge "$1" ]
}

# Each of N was answered, so each was accepted once if N were accepted.
accounted() { # N
	served
	cat "$tmp/server"
	[ "$(value accepted "$tmp/server")" = "$1" ] &&
		[ "$(value unknown "$tmp/server")" = 0 ] &&
		[ "$(value broken "$tmp/server")" = 0 ]
}

old_server() { # ARG...
	serve "$tmp/server" -a "$SRV4" -w $((last + 1)) "$@" && dial 200
}

## insmod

inserted() { insmod "$MODULE" && [ "$(ports)" = "[8000]" ] && stretch; }

# NAME PERCENT ARG...
insert_under() {
	local name=$1 want=$2

	shift 2
	rmmod percore
	check "$name: a server without percore" old_server "$@"
	check "$name: insmod shards its listener" inserted
	check "$name: $n more connections" dial "$n"
	[ "$want" = - ] || check "$name: at least $want% of them were local" \
		is_local "$want"
	check "$name: none was lost or accepted twice" accounted $((n + 200))
}

insert_under "level-triggered" 90 -m lt -c "$cpus"
insert_under "exclusive" 90 -m excl -c "$cpus"
insert_under "processes" 90 -m excl -f -c "$cpus"
insert_under "accept in threads" 90 -m block -c "$cpus"
insert_under "edge-triggered" - -m et -c "$cpus"
insert_under "one epoll for all" - -m go -c "$cpus"
insert_under "poll" - -m poll -c "$cpus"
insert_under "not pinned" - -m excl

## listen_shard

turn_on() {
	[ "$(ports)" = "[]" ] && set_knob listen_shard 1 &&
		[ "$(ports)" = "[8000]" ]
}

turn_off() { set_knob listen_shard 0 && [ "$(ports)" = "[]" ] && dial 100; }

set_knob listen_shard 0
check "off: a server" old_server -m excl -c "$cpus"
check "listen_shard=1 shards its listener" turn_on
check "$n more connections" dial "$n"
check "at least 90% of them were local" is_local 90
check "listen_shard=0 lets go of it" turn_off
check "none was lost or accepted twice" accounted $((n + 300))

## one socket otherwise than listen_shard says

wish() { on_srv "$PERCORECTL" shard "$@"; }

# WISH PORTS
wish_makes() { wish "$1" 8000 && [ "$(ports)" = "$2" ] && dial 50; }

wish_fails() { # STATUS TEXT COMMAND...
	local want=$1 text=$2 got

	shift 2
	"$@" >"$tmp/wish" 2>&1
	got=$?
	cat "$tmp/wish"
	[ "$got" = "$want" ] && [ "$(wc -l <"$tmp/wish")" = 1 ] &&
		grep -q "$text" "$tmp/wish"
}

unprivileged=(setpriv --reuid 65534 --clear-groups --inh-caps=-all)

# WISH PORTS: PORT in them is that of the application
own() {
	local port ok=

	coproc OWN { on_srv "$here/own_shard.py" "$1" 2>"$tmp/own"; }
	# shellcheck disable=SC2153
	local pid=$OWN_PID to=${OWN[1]}
	read -r port <&"${OWN[0]}"
	ports
	[ "$(ports)" != "${2/PORT/$port}" ] || ok=1
	exec {to}>&-
	wait "$pid" || ok=
	cat "$tmp/own"
	[ -n "$ok" ] && [ "$(ports)" = "${2/,PORT/}" ]
}

check "off: another server" old_server -m block -c "$cpus"
check "shard on 8000: it alone has shards" wish_makes on "[8000]"
check "shard default 8000: it has none" wish_makes default "[]"
wish on 8000
check "an application's own socket: default" own default "[8000]"
check "an application's own socket: on" own on "[8000,PORT]"
set_knob listen_shard 1
check "shard off 8000: it has none although listen_shard is 1" wish_makes off "[]"
check "an application's own socket: off" own off "[]"
check "shard on 8000: it has again" wish_makes on "[8000]"
check "nobody listens there: one line" wish_fails 1 "nobody listens at port 8009" \
	wish on 8009
check "not without privileges" wish_fails 4 shard \
	on_srv "${unprivileged[@]}" "$PERCORECTL" shard off 8000
check "and it has its shards" [ "$(ports)" = "[8000]" ]
wish off 8000
check "none was lost or accepted twice" accounted 400
check "a new socket there" old_server -m block -c "$cpus"
check "is not meant by the old wish" [ "$(ports)" = "[8000]" ]
served

toggle() {
	while [ ! -e "$tmp/enough" ]; do
		set_knob listen_shard 0
		set_knob listen_shard 1
	done
}

closed_at_once() {
	local toggler status

	toggle &
	toggler=$!
	on_srv "$here/relisten.py" 6 3
	status=$?
	touch "$tmp/enough"
	wait "$toggler"
	return "$status"
}
check "a port is free after close(), whoever adopts its listener" closed_at_once

## listen_ports

selects() { # LIST PORTS
	set_knob listen_ports "$1" && [ "$(get_knob listen_ports)" = "$1" ] &&
		[ "$(ports)" = "$2" ] && dial 50 && dial 50 8001
}

refuses() { # LIST
	! set_knob listen_ports "$1" && [ "$(get_knob listen_ports)" = 8001 ] &&
		[ "$(ports)" = "[8001]" ]
}

serve "$tmp/other" -a "$SRV4" -p 8001 -m block -w 4
other=$server
check "another server" old_server -m lt -c "$cpus"
check "no listen_ports: both are sharded" [ "$(ports)" = "[8000,8001]" ]
check "listen_ports=8000: the other is not" selects 8000 "[8000]"
check "a list and a range" selects "7000-7999,8001-8002" "[8001]"
check "one port" selects 8001 "[8001]"
check "65536 is refused, nothing changes" refuses 65536
check "a word is refused, nothing changes" refuses http
check "an empty list: both again" selects "" "[8000,8001]"
check "none was lost or accepted twice" accounted 400
server=$other
served
finish
