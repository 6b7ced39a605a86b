#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --cpus 4 --nics 2 --driver igb_percore --percore --timeout 900
# here: no, it loads and unloads modules
#
#   cli: eth1, connections without end ==== wire ==== srv: eth0, one server
#                                                        |
#              meanwhile: rmmod, insmod            its listener: sharded, stock,
#              listen_shard 0, 1, 0, 1             sharded, stock
#              other listeners come and go
#
# Claim: nothing of that fails, loses or doubles a connection, whatever way the
# server waits; connections that wait, and workers that sleep, live through it;
# a listener older than the module goes on working; the kernel has nothing to
# complain of.
#
# usage: reload.sh [ROUNDS]     times the module goes and comes under load (15,
#                               with LONG 200); listen_shard is switched 10 times as often
lib=$(dirname "$0")/../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/net/percore/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/net/percore/under_load.lib.sh
. "$(dirname "$0")/under_load.lib.sh"

rounds=${1:-$(times 15 200)}
need_root
need_programs
need_module
[ -e "$MODULE" ] || skip_all "no percore.ko to insert again"

all=$(nproc)

put_back() { [ -e "$knobs" ] || insmod "$MODULE"; }
defer put_back
under_load_setup

remove() { timeout 120 rmmod percore && [ ! -e "$knobs" ]; }

insert() { insmod "$MODULE" && [ -e "$knobs" ]; }

is_sharded() {
	flows 60
	[ "$(cores_used 8000)" = "$all" ]
}

## the module goes and comes

one_round() { # MODE
	start "$1" -c "$(seq -s, 0 $((all - 1)))" && is_sharded &&
		remove && flows && insert && flows
}

modes=(lt excl block et oneshot poll go)
for mode in "${modes[@]}"; do
	check "$mode: rmmod and insmod under load" one_round "$mode"
	check "$mode: none failed, lost or accepted twice" stop
done

## the same again and again, while other listeners come and go

churn() {
	while [ ! -e "$tmp/enough" ]; do
		on_srv "$here/parity" run close_churn || echo "status $?"
	done >"$tmp/churn" 2>&1
}

churn_start() {
	rm -f "$tmp/enough"
	churn &
	churner=$!
}

churned() {
	touch "$tmp/enough"
	wait "$churner"
	sort "$tmp/churn" | uniq -c
	grep -q 'dual.accepted' "$tmp/churn" &&
		! grep -E 'status|DIED|HUNG' "$tmp/churn"
}

# Whether the module is there or not
switch_all_along() {
	while [ ! -e "$tmp/enough" ]; do
		echo 0 >"$knobs/listen_shard"
		echo 1 >"$knobs/listen_shard"
		read -rt 0.01 _ <>"$tmp/never"
	done 2>/dev/null
}

many_rounds() {
	local n status=0

	start lt || return
	churn_start
	ip netns exec srv bash -c "$(declare -f switch_all_along)
		tmp=$tmp knobs=$knobs switch_all_along" &
	switcher=$!
	for ((n = 0; n < rounds - ${#modes[@]} && !status; n++)); do
		remove && flows && insert && flows || status=1
	done
	touch "$tmp/enough"
	wait "$switcher"
	return "$status"
}

check "rmmod and insmod again and again, listeners come and go, listen_shard changes" \
	many_rounds
check "none failed, lost or accepted twice" stop
check "and none of the others had an error" churned

## nobody comes, workers sleep

asleep() { # MODE
	serve "$tmp/server" -a "$SRV4" -m "$1" -w 4 &&
		on_cli "$here/conns" dial -a "$SRV4" -n 100 &&
		remove &&
		on_cli "$here/conns" dial -a "$SRV4" -n 100 &&
		insert &&
		on_cli "$here/conns" dial -a "$SRV4" -n 100
}

for mode in lt block poll go; do
	check "workers asleep in $mode live through rmmod and insmod" asleep "$mode"
	served >/dev/null
done

## connections wait, nobody accepts

waiting() { [ "$(on_srv ss -Hltn 'sport = :8000' | awk '{ print $2 }')" = "$1" ]; }

pending() { # MODE
	serve "$tmp/server" -a "$SRV4" -m "$1" -w 4 &&
		on_cli "$here/conns" dial -a "$SRV4" -n 100 &&
		kill -STOP "$server" || return
	start_client -n 300 -t 300
	wait_until 60 waiting 300 && remove && waiting 300 && insert &&
		waiting 300 && kill -CONT "$server" &&
		wait "$client"
}

for mode in lt block; do
	check "300 connections that wait for $mode live through it" pending "$mode"
	kill -CONT "$server"
	served >/dev/null
done

## the knob, under load

toggle() { # MODE
	start "$1" && is_sharded || return
	churn_start
	# shellcheck disable=SC2016
	on_srv bash -c 'for ((n = 0; n < $2; n++)); do
		echo $((n % 2)) >$0/listen_shard || exit 1
		read -rt 0.0$((RANDOM % 10)) _ <>$1
	done
	exit 0' "$knobs" "$tmp/never" $((10 * rounds)) && flows
}

for mode in lt block et; do
	check "$mode: listen_shard switched $((10 * rounds)) times under load" toggle "$mode"
	check "$mode: none failed, lost or accepted twice" stop
	check "$mode: listeners that came and went had no error" churned
done

## thousands of listeners

many_listen() {
	on_srv bash -c 'ulimit -n 4096 && exec python3 -c "
import socket, time
held = [socket.create_server((\"127.0.0.1\", port)) for port in range(10000, 12000)]
print(\"ready\", flush=True)
time.sleep(900)"' >"$tmp/many" &
	many=$!
	wait_until 60 grep -q ready "$tmp/many"
}

all_sharded() { [ "$(on_srv "$PERCORECTL" listeners --json | jq length)" -ge 2000 ]; }

# A grace period for each would be many times that.
check "2000 listeners" many_listen
check "all of them are sharded" all_sharded
check "listen_shard=0 lets go of them in one go" within 4000 on_srv sysctl -qw net.percore.listen_shard=0
on_srv sysctl -qw net.percore.listen_shard=1
check "they are adopted again" all_sharded
check "rmmod lets go of them in one go" within 4000 remove
check "the module comes again" insert
kill "$many"

## at last

last() {
	on_srv sysctl -qw net.percore.listen_shard=1
	start lt && is_sharded
}
check "a new listener is sharded again" last
check "and works" stop
check "the kernel's log is clean" log_clean
finish
