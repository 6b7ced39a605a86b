#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --long --own --icount --cpus 4 --nics 4 --driver igb_percore --percore --timeout 600
# here: no, it steers every NIC of the machine
#
#   cli: eth1 ==== srv: eth0  nginx, 4 workers  eth2 ==== ups: eth3, nginx
#                            core i: queue i, worker i, queue i
#
# Claim: with percore steering, sharding and connect_local, a proxy has both of
# its connections, that to its client and that to its upstream, on the core of
# one worker; a stock proxy has neither. Each change of a TCP state says on which
# core it was: softirq's is the queue's, connect()'s and close()'s the worker's.
lib=$(dirname "$0")/../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/net/percore/lib.sh
. "$(dirname "$0")/lib.sh"

need_root
need_module
[ -n "$PERCORECTL" ] || skip_all "no percorectl"
tmp=$(mktemp -d)
chmod 755 "$tmp"
defer rm -rf "$tmp"
tracing=/sys/kernel/tracing/instances/percore
events=/sys/kernel/tracing/dynamic_events

on_ups() { ip netns exec ups "$@"; }

ups_down() {
	local pid

	for pid in $(ip netns pids ups); do kill -KILL "$pid"; done
	ip netns del ups
}

ups_up() {
	net_attach ups eth3 10.0.1.2 fd01::2 && defer ups_down
	ip link set eth2 netns srv
	ip -n srv addr add 10.0.1.1/24 dev eth2
	ip -n srv link set eth2 up
	wait_until 30 on_srv ping -n -c 1 -W 1 10.0.1.2
}

check "links are up" net_up || finish
check "upstream's link is up" ups_up || finish
ethtool_all() { on_srv ethtool -L "$SRV_DEV" combined 4; on_srv ethtool -L eth2 combined 4; }
ethtool_all 2>/dev/null

conf() { # NAME WORKERS-LINES SERVER-LINES
	cat >"$tmp/$1.conf" <<-END
		daemon off;
		pid $tmp/$1.pid;
		error_log $tmp/$1.log;
		$2
		events { worker_connections 1024; }
		http { access_log off; server { $3 } }
	END
}
conf proxy "worker_processes 4; worker_cpu_affinity auto;" \
	"listen 80; location / { proxy_pass http://10.0.1.2:8080; }"
conf upstream "worker_processes 2;" "listen 8080; location / { return 200 percore; }"

serves() { on_cli python3 -c "
import urllib.request
assert urllib.request.urlopen('http://$SRV4/').read() == b'percore'"; }

# A worker's listening socket is sharded when it begins to listen
proxy=
proxy_up() {
	[ -z "$proxy" ] || { kill -QUIT "$(<"$tmp/proxy.pid")" && wait "$proxy"; }
	on_srv nginx -c "$tmp/proxy.conf" 2>/dev/null &
	proxy=$!
	wait_until 20 serves
}

set_all() { # 0|1
	sysctl -qw "net.percore.steer=$1"
	on_srv sysctl -qw "net.percore.listen_shard=$1" "net.percore.connect_local=$1"
	sleep 1
}
defer sysctl -qw net.percore.steer=0

mkdir -p $tracing
defer rmdir $tracing
# shellcheck disable=SC2016
echo 'e:percore/tcp sock.inet_sock_set_state sk=$skaddr:x64 old=$oldstate:s32 new=$newstate:s32 sport=$sport:u16 dport=$dport:u16' >>$events
defer eval "echo '-:percore/tcp' >>$events"
echo 65536 >$tracing/buffer_size_kb

ask() { on_cli python3 "$(dirname "$0")/proxy.py" ask $SRV4 "$1"; }

# Prints, of 1000, how many had worker and queue on one core: those to clients,
# those to upstream; and how many there were.
measure() { # REQUESTS
	ask 200 || return	# which worker is whose
	echo >$tracing/trace
	echo 1 >$tracing/events/percore/tcp/enable
	ask "$1"
	answered=$?
	echo 0 >$tracing/events/percore/tcp/enable
	python3 "$(dirname "$0")/proxy.py" where 80 8080 <$tracing/trace
}

on_ups nginx -c "$tmp/upstream.conf" 2>/dev/null &
declare -A down up
answered=1
for value in 0 1; do
	set_all $value
	check "percore=$value: nginx proxies" proxy_up || finish
	measure 800 >"$tmp/measured"
	check "percore=$value: every answer comes" test $answered = 0
	read -r down[$value] up[$value] count <"$tmp/measured"
	diag "percore=$value: of $count, in 1000 on the worker's core: ${down[$value]} to clients, ${up[$value]} to upstream"
	check "percore=$value: there is something to say" test "$count" -ge 700
done
check "stock: not both on the worker's core" test $((down[0] + up[0])) -le 1200
# What is on both is at least what is left when the misses never meet
check "percore: both are, of 95% at least" test $((down[1] + up[1] - 1000)) -ge 950
check "no connection was lost" test "$(on_srv "$PERCORECTL" status --json | jq .connects_lost)" = 0
finish
