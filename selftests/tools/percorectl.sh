#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --cpus 2 --nics 2 --driver igb_percore --percore --timeout 600
#
#   srv: eth0 (listeners) ==== cli: eth1
#   percorectl --generic netlink--> percore.ko, and /proc and /sys beside it
#
# Claim: what percorectl shows is what ss, sysctl, procfs and sysfs show, and
# /proc/net/percore and nstat the same counters, exact, for each namespace; a
# moved interrupt, transmit map or receive map is found and named; it answers
# for its own network namespace, to anybody, while listeners come and go and
# while the module leaves.
lib=$(dirname "$0")/../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"

top=$(cd "$(dirname "$0")/../.." && pwd)
ctl=$top/tools/percorectl/percorectl
percore=${VMBOX_MODULES:-$top}/net/percore/percore.ko
sysctls=/proc/sys/net/percore
tmp=$(mktemp -d)
defer rm -rf "$tmp"

[ "$(id -u)" = 0 ] || skip_all "not root"
[ -e $sysctls ] || skip_all "percore is not loaded"
[ -x "$ctl" ] || skip_all "percorectl is not built"

# json FILTER WANTED COMMAND...: jq's FILTER on what COMMAND prints is WANTED
json() {
	local filter=$1 want=$2 got

	shift 2
	got=$("$@" | tee "$tmp/json" | jq -c "$filter") || return
	head -c 1000 "$tmp/json"
	echo "... want $want, got $got"
	[ "$got" = "$want" ]
}

# ADDRESS PORT BACKLOG ...: listens on all of them, says so, accepts nothing
# but what it is told to, a line "PORT NUMBER CPU" each.
cat >"$tmp/listen.py" <<'END'
import os, socket, sys
sockets = {}
for word in sys.argv[1:]:
    address, port, backlog = word.rsplit(",", 2)
    v6only = address.startswith("only:")
    address = address.removeprefix("only:")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    s = socket.socket(family, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
    s.bind((address, int(port)))
    s.listen(int(backlog))
    sockets[int(port)] = s
print("up", flush=True)
for line in sys.stdin:
    port, number, cpu = map(int, line.split())
    os.sched_setaffinity(0, {cpu})
    for _ in range(number):
        sockets[port].accept()[0].close()
    print("accepted", flush=True)
END

listen_in() { # NETNS WORD...: sets to and from, pipes to and from listen.py
	local netns=$1 line

	shift
	coproc LISTEN { exec ip netns exec "$netns" python3 "$tmp/listen.py" "$@"; }
	# shellcheck disable=SC2153
	listen_pid=$LISTEN_PID to=${LISTEN[1]} from=${LISTEN[0]}
	read -r -t 60 line <&"$from"
	[ "$line" = up ]
}

accept_some() { # PORT NUMBER CPU
	local line

	echo "$*" >&"$to"
	read -r -t 60 line <&"$from"
	[ "$line" = accepted ]
}

connect_some() { # ADDRESS PORT NUMBER
	on_cli python3 -c '
import socket, sys
address, port, number = sys.argv[1:]
for _ in range(int(number)):
    socket.create_connection((address, int(port)), 20).close()
' "$@"
}

end() { # PID: of a child, which may have ended
	kill "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

of_port() { echo ".[] | select(.port == $1) | $2"; }

inode_of() { on_srv ss -Hltne "sport = :$1" 2>/dev/null | grep -o 'ino:[0-9]*' | cut -d : -f 2; }

srv_listeners() { on_srv "$ctl" listeners --json; }

## counters

counter() { # NAME, in srv
	on_srv cat /proc/net/percore | awk -v name="$1" '
		NR == 1 { for (i = 2; i <= NF; i++) if ($i == name) at = i }
		NR == 2 && at { print $at }'
}

counters_are() { # "NAME VALUE..."
	local words

	read -ra words <<<"$1"
	set -- "${words[@]}"
	while [ $# -gt 1 ]; do
		echo "$1: want $2, got $(counter "$1")"
		[ "$(counter "$1")" = "$2" ] || return
		shift 2
	done
}

# Every counter, under every name
same_counters() {
	on_srv cat /proc/net/percore >"$tmp/proc"
	on_srv "$ctl" status --json >"$tmp/json"
	on_srv env PROC_NET_NETSTAT=/proc/net/percore nstat -asz 'Percore*' >"$tmp/nstat"
	python3 - "$tmp/proc" "$tmp/json" "$tmp/nstat" <<-'END'
		import json, re, sys
		names, values = [line.split() for line in open(sys.argv[1])]
		assert names.pop(0) == values.pop(0) == "Percore:" and len(names) == 11
		proc = dict(zip(names, map(int, values), strict=True))
		status = json.load(open(sys.argv[2]))
		nstat = dict(line.split()[:2] for line in open(sys.argv[3]) if line[0] != "#")
		for name, value in proc.items():
		    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
		    print(name, value, status.get(snake), nstat.get("Percore" + name))
		    assert value == status[snake] == int(nstat["Percore" + name])
	END
}

in_new_netns() { # all there, and 0
	unshare -n cat /proc/net/percore | tee "$tmp/proc"
	[ "$(wc -l <"$tmp/proc")" = 2 ] && sed 1d "$tmp/proc" | grep -qE '^Percore:( 0){11}$'
}

## status

same_sysctls() {
	local name

	for name in "$sysctls"/*; do
		json ".sysctl.${name##*/} | tostring" "\"$(<"$name")\"" \
			"$ctl" status --json || return
	done
}

follows_sysctl() { # NAME VALUE, put back after
	local old status

	old=$(<"$sysctls/$1")
	echo "$2" >"$sysctls/$1"
	json ".sysctl.$1" "$2" "$ctl" --json status
	status=$?
	echo "$old" >"$sysctls/$1"
	return "$status"
}

check "status has the module's version" \
	json .version "\"$("$ctl" --version | cut -d ' ' -f 2)\"" "$ctl" status --json
check "status has the number of CPUs" json .cpus "$(nproc)" "$ctl" status --json
check "status has every sysctl" same_sysctls
check "status follows listen_steal_us" follows_sysctl listen_steal_us 4321
check "status follows listen_shard" follows_sysctl listen_shard 0
check "status prints a table" sh -c "'$ctl' status | grep -q '^net.percore.listen_shard  *[01]$'"

## ports, before the NICs move to their namespaces

queues() { find "/sys/class/net/$1/queues" -name 'rx-*' | wc -l; }

all_agree() { json '[.[].queues[].agrees] | all' true "$ctl" ports --json; }

queue_of() { echo ".[] | select(.ifname == \"$1\") | .queues[] | select(.queue == $2) | $3"; }

# DEV QUEUE FILE VALUE WANTED: with VALUE in FILE the last columns are WANTED;
# then FILE is put back
judged() {
	local dev=$1 queue=$2 file=$3 value=$4 want=$5 old status

	old=$(<"$file")
	echo "$value" >"$file" || return
	json "$(queue_of "$dev" "$queue" '[.agrees, .why]')" "$want" "$ctl" ports --json
	status=$?
	echo "$old" >"$file"
	return "$status"
}

drifts() { judged "$1" "$2" "$3" "$4" "[false,[\"$5\"]]"; }
agrees_with() { judged "$@" '[true,[]]'; }

rss_drifts() {
	local status

	ethtool -X eth0 weight 1 0 &&
		json "$(queue_of eth0 1 '[.reta_entries, .agrees, .why]')" \
			'[0,false,["rss sends it nothing"]]' "$ctl" ports --json
	status=$?
	ethtool -X eth0 default
	return "$status"
}

irq_of() { "$ctl" ports --json | jq "$(queue_of "$1" "$2" .irq)"; }

if [ "$("$ctl" ports --json | jq length)" -gt 0 ]; then
	ip link set "$SRV_DEV" up
	ip link set "$CLI_DEV" up
	check "status has the number of ports" json .ports 2 "$ctl" status --json
	check "ports has both" json '[.[].ifname] | sort' '["eth0","eth1"]' "$ctl" ports --json
	check "ports has the interface's index" \
		json '.[] | select(.ifname == "eth1") | .ifindex' \
		"$(</sys/class/net/eth1/ifindex)" "$ctl" ports --json
	check "ports has every queue" \
		json '.[] | select(.ifname == "eth0") | .queues | length' \
		"$(queues eth0)" "$ctl" ports --json
	check "queue 1 belongs to CPU 1" \
		json "$(queue_of eth0 1 .cpu)" 1 "$ctl" ports --json
	check "its interrupt is one of the interface's" \
		grep -qE "^ *$(irq_of eth0 1):.* eth0" /proc/interrupts
	check "the RSS entries of all queues make up the table" \
		json '.[] | select(.ifname == "eth0") | ([.queues[].reta_entries] | add) == .reta_size' \
		true "$ctl" ports --json
	check "all queues come to agree" wait_until 30 all_agree ||
		"$ctl" ports >&$tap_fd
	check "a moved interrupt is named" \
		drifts eth0 1 "/proc/irq/$(irq_of eth0 1)/smp_affinity_list" 0-1 \
		"irq may go to CPU 0-1"
	check "a stolen transmit map is named" \
		drifts eth0 1 /sys/class/net/eth0/queues/tx-1/xps_cpus 3 \
		"xps takes CPU 0 of queue 0"
	check "a missing transmit map is named" \
		drifts eth1 0 /sys/class/net/eth1/queues/tx-0/xps_cpus 0 "xps is off"
	check "RPS is named" \
		drifts eth0 0 /sys/class/net/eth0/queues/rx-0/rps_cpus 2 \
		"rps moves packets to CPU 1"
	check "RPS to the queue's own CPU agrees" agrees_with eth1 1 \
		/sys/class/net/eth1/queues/rx-1/rps_cpus 2
	if ethtool -X eth0 default 2>/dev/null; then
		check "a queue without RSS entry is named" rss_drifts
	else
		skip "a queue without RSS entry is named" "the driver has no ethtool -X"
	fi
	check "all queues agree again" wait_until 30 all_agree ||
		"$ctl" ports >&$tap_fd
	check "ports prints a row for each queue" \
		sh -c "test \$('$ctl' ports | grep -c '^eth0 ') -eq $(queues eth0)"
	have_ports=1
else
	skip "ports" "no NIC port is attached to percore"
	have_ports=
fi

check "both NICs move to their namespaces" net_up || finish

sysfs_differs() {
	json '[.[].queues[].why[]] | unique' '["the interface is not in /sys/class/net"]' \
		nsenter --net=/run/netns/srv "$ctl" ports --json
}

if [ -n "$have_ports" ]; then
	check "ports shows those of its own namespace" \
		json '[.[].ifname]' "[\"$SRV_DEV\"]" on_srv "$ctl" ports --json
	check "and none of another" json length 0 "$ctl" ports --json
	check "queues agree there too" \
		wait_until 30 json '[.[].queues[].agrees] | all' true on_srv "$ctl" ports --json
	check "/sys of another namespace is not believed" sysfs_differs
fi

## listeners

check "listeners is empty at first" json . '[]' on_srv "$ctl" listeners --json
check "five listeners start" listen_in srv 0.0.0.0,7001,10 127.0.0.1,7002,1 \
	::,7003,511 only:::,7004,7 ::1,7005,9 || finish
defer end "$listen_pid"
check "all are there, in order" \
	json '[.[].port]' '[7001,7002,7003,7004,7005]' srv_listeners
check "with family, address, v6only and limit" \
	json '[.[] | [.family, .address, .v6only, .backlog_max]]' \
	'[["inet","0.0.0.0",false,10],["inet","127.0.0.1",false,1],["inet6","::",false,511],["inet6","::",true,7],["inet6","::1",true,9]]' \
	srv_listeners
check "the inode is the one of ss" \
	json "$(of_port 7004 .inode)" "$(inode_of 7004)" srv_listeners
check "status counts them" json .listeners 5 on_srv "$ctl" status --json
check "another namespace has none" json length 0 on_cli "$ctl" listeners --json

check "eight connections come" connect_some "$SRV4" 7001 8
check "they are in the backlog" json "$(of_port 7001 .backlog)" 8 srv_listeners
check "their SYNs are counted" \
	json "$(of_port 7001 '[.cores[].syns] | add')" 8 srv_listeners
check "CPU 0 accepts four" accept_some 7001 4 0
check "CPU 1 accepts the others" accept_some 7001 4 1
check "eight accepts are counted" \
	json "$(of_port 7001 '[.cores[] | .accepts_local + .accepts_stolen] | add')" 8 srv_listeners
check "none waits" \
	json "$(of_port 7001 '[.backlog, ([.cores[].depth] | add)]')" '[0,0]' srv_listeners
check "so says the namespace's count" counters_are "Attached 5 Detached 0 Syns 8" &&
	test $(($(counter AcceptsLocal) + $(counter AcceptsStolen))) = 8
check "each core is there once" \
	json "$(of_port 7001 '[.cores[].cpu] | (unique | length) == length')" true srv_listeners

on_srv "$ctl" top 8 --json >"$tmp/top" &
top_pid=$!
sleep 1
check "six more come while top looks" connect_some "$SRV4" 7001 6
check "and are accepted" accept_some 7001 6 1
wait $top_pid
check "top has them first, and the others without any" \
	json '[.listeners[] | [.port, .syns, .accepts_local + .accepts_stolen, .cores]]' \
	'[[7001,6,6,1],[7002,0,0,0],[7003,0,0,0],[7004,0,0,0],[7005,0,0,0]]' cat "$tmp/top"
check "and its time is the clock's" json '.seconds | . >= 8 and . < 20' true cat "$tmp/top"
check "top prints a row for each" \
	test "$(on_srv "$ctl" top 0.1 | grep -c ':700[1-5] ')" = 5
screens() {
	on_srv timeout -s INT 3 script -qec "$ctl top 0.2" /dev/null </dev/null >"$tmp/screens"
	grep -c LISTENER "$tmp/screens"
}
check "on a terminal it goes on" test "$(screens)" -ge 3

# shellcheck disable=SC2016
check "the table has their address, number and share" \
	sh -c 'ip netns exec srv "$0" listeners |
		grep -qE "^0\.0\.0\.0:7001 +[0-9]+ +0 +10 +all +14 +[0-9]+ +[0-9]+ +[0-9.]+% +0$"' "$ctl"
srv_listeners >"$tmp/last"
check "anybody may ask" json length 5 \
	on_srv setpriv --reuid 65534 --regid 65534 --clear-groups "$ctl" listeners --json
end "$listen_pid"
check "they are gone with their process" wait_until 20 json . '[]' on_srv "$ctl" listeners --json
local_was=$(jq "[$(of_port 7001 '.cores[].accepts_local')] | add" "$tmp/last")
check "their counts are not" counters_are "Attached 5 Detached 5 Syns 14 AcceptsLocal $local_was AcceptsStolen $((14 - local_was))"
check "procfs, percorectl and nstat have the same counters" same_counters
check "a new namespace begins at 0" in_new_netns

## monitor

# What is done again and again until monitor, which may not listen yet, tells
tells() { # PATTERN COMMAND...
	local pattern=$1

	shift
	"$@" && sleep 0.2 && grep -q "$pattern" "$tmp/monitor" || {
		cat "$tmp/monitor"
		return 1
	}
}

listen_once() { on_srv python3 -c 'import socket; socket.create_server(("127.0.0.1", 7010))'; }
steer_once() { echo 1 >"$sysctls/steer" && echo 0 >"$sysctls/steer"; }

drift_once() {
	echo 1 >"$sysctls/steer"
	on_srv sh -c "echo 0 >/sys/class/net/$SRV_DEV/queues/tx-1/xps_cpus"
	sleep 1
	echo 0 >"$sysctls/steer"
}

on_srv "$ctl" monitor >"$tmp/monitor" 2>"$tmp/monitor.err" &
monitor=$!
on_srv "$ctl" monitor --json >"$tmp/monitor.json" &
monitor_json=$!
on_cli "$ctl" monitor >"$tmp/monitor.cli" &
monitor_cli=$!
defer end $monitor
defer end $monitor_json
defer end $monitor_cli
check "monitor tells of a listener" wait_until 20 tells ' attach  127.0.0.1:7010$' listen_once
check "and when it goes" tells ' detach  127.0.0.1:7010$' true
if [ -n "$have_ports" ]; then
	check "of a NIC that is steered" tells " steer   $SRV_DEV\$" steer_once
	check "and no longer" tells " revert  $SRV_DEV\$" true
	check "of drift" wait_until 20 tells " drift   $SRV_DEV xps 1\$" drift_once
fi
check "monitor's JSON is an object a line" json \
	'[.[] | select(.listener.port == 7010 and .time > 1e9) | .event] | unique' \
	'["attach","detach"]' jq -s . "$tmp/monitor.json"
check "it says nothing of other namespaces" sh -c \
	"! grep -q '7010\|$SRV_DEV' '$tmp/monitor.cli'"
# shellcheck disable=SC2016
check "anybody may listen" sh -c 'timeout 1 setpriv --reuid 65534 --clear-groups "$0" monitor; [ $? = 124 ]' "$ctl"

## many

words=()
for ((i = 0; i < 500; i++)); do words+=("127.0.0.1,$((10000 + i)),5"); done
check "500 listeners start" listen_in srv "${words[@]}" || finish
defer end "$listen_pid"
check "a dump of many datagrams has each once" \
	json '[length, ([.[].port] | unique | length)]' '[500,500]' srv_listeners

# Listeners that come and go, beside the 500 that stay
on_srv python3 -c '
import socket
while True:
    many = [socket.create_server(("127.0.0.1", 0)) for _ in range(20)]
    for s in many:
        s.close()
' &
churn=$!
defer end "$churn"

stay() {
	local i

	for ((i = 0; i < 10; i++)); do
		json '[.[] | select(.port >= 10000 and .port < 10500) | .port] | unique | length' \
			500 on_srv timeout 60 "$ctl" listeners --json || return
	done
}
check "those that stay are there while others come and go" stay
end "$churn"

## without the module

# shellcheck disable=SC2016
on_srv bash -c 'while "$0" listeners --json >/dev/null 2>"$1"; do :; done; exit $?' \
	"$ctl" "$tmp/err" &
reader=$!
reader_ends() { # with what the last one said, and how many lines
	wait "$reader"
	cat "$tmp/err"
	[ "$(wc -l <"$tmp/err")" -eq 1 ]
}
reload() { [ -e "$sysctls" ] || insmod "$percore"; }
defer reload
exec {counters}</proc/net/percore
# A dump that is under way keeps it
check "the module leaves while it is asked" wait_until 30 rmmod percore
check "so do its counters, in all namespaces" sh -c \
	'! test -e /proc/net/percore && ! ip netns exec srv test -e /proc/net/percore'
check "who has the file open reads no more of it" sh -c '! cat 2>&1' <&"$counters"
exec {counters}<&-
# With 3 and one line, and whatever was lost of 500 listeners that go at once
monitor_ends() {
	wait "$monitor"
	[ $? = 3 ] && cat "$tmp/monitor.err" &&
		[ "$(grep -vcx 'percorectl: events were lost' "$tmp/monitor.err")" = 1 ] &&
		tail -n 1 "$tmp/monitor.err" | grep -q 'percore is not loaded'
}
check "monitor ends with it" monitor_ends
check "who asked gets one line" reader_ends
end "$listen_pid"

gone() {
	"$ctl" "$@" >"$tmp/out" 2>"$tmp/err"
	[ $? -eq 3 ] && [ ! -s "$tmp/out" ] && [ "$(wc -l <"$tmp/err")" -eq 1 ]
}
for verb in status listeners ports top monitor; do
	check "$verb without the module: one line, status 3" gone $verb --json
done
check "nobody loads the module by asking" test ! -e $sysctls
check "the module comes back" insmod "$percore"
check "and answers" json .listeners 0 "$ctl" status --json
finish
