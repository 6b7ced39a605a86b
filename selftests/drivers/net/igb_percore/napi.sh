#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --long --own --cpus 4 --nics 2 --driver igb_percore --percore --timeout 500
#
#   cli: eth1 ==== wire ==== srv: eth0
#   asks                     queue q -- NAPI -- interrupt        by default
#                                         '---- reader, epoll    busy polling
#                                         '---- a thread         threaded
#                                         '---- timer            deferred
#                                         '---- netconsole       nothing received
#
# Claim: netlink says which NAPI and interrupt a queue has, and a socket which
# NAPI its data came by. Whoever polls, every byte is right; who prefers to poll
# by himself is not interrupted, and when he ends, interrupts come again. Threads
# poll while they are wanted. netpoll's polls with a budget of 0 receive nothing.
lib=$(dirname "$0")/../../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/drivers/net/igb_percore/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/drivers/net/igb_percore/life.lib.sh
. "$(dirname "$0")/life.lib.sh"

need ethtool jq ping python3 taskset
tmp=$(mktemp -d)
defer rm -rf "$tmp"
queues=$(nproc)
tracing=/sys/kernel/tracing
nobody=10.0.0.99

is() { # WANT GOT
	echo "$2, wanted: $1"
	[ "$1" = "$2" ]
}

## who polls what

netlink() { on_srv python3 "$tests/netlink.py" "$1" "$SRV_DEV"; }

# They have the same ones for as long as the driver has the device
napi_of() { awk -v q="$1" -v kind="${2:-rx}" '$1 == kind && $2 == q { print $3 }' "$tmp/queues"; }

irq_of() { awk -v name="$SRV_DEV-TxRx-$1" '$NF == name { sub(":", ""); print $1 }' /proc/interrupts; }

# Both queues of a pair have its NAPI, no other has it, and it has its interrupt.
linked() {
	local q napi

	netlink queues >"$tmp/queues" && netlink napis >"$tmp/napis" && cat "$tmp"/{queues,napis}
	is $((2 * queues)) "$(wc -l <"$tmp/queues")" &&
		is "$queues" "$(awk '{ print $3 }' "$tmp/queues" | sort -u | wc -l)" || return
	for ((q = 0; q < queues; q++)); do
		napi=$(napi_of "$q")
		is "$napi" "$(napi_of "$q" tx)" &&
			is "$(irq_of "$q")" "$(awk -v napi="$napi" '$1 == napi { print $2 }' "$tmp/napis")" || return
	done
}

linked_but_down() {
	ip -n srv link set "$SRV_DEV" down && is "" "$(netlink queues)" || return
	ip -n srv link set "$SRV_DEV" up && ip -n srv addr replace "$SRV6/64" dev "$SRV_DEV" nodad &&
		net_works && linked
}

to_queue() { on_srv ethtool -X "$SRV_DEV" equal 1 start "$1"; }

asking() { # HOW COUNT; then in $said: the NAPI, and how often it was read
	local server status

	on_srv python3 "$tests/napi.py" answer "$1" >"$tmp/said" &
	server=$!
	wait_until 30 serving srv 7004 && on_cli python3 "$tests/napi.py" ask "$SRV4" "$2"
	status=$?
	[ "$status" = 0 ] || kill "$server"
	wait "$server" && read -r said reads <"$tmp/said" && echo "NAPI $said, $reads reads" &&
		return "$status"
}

sockets_know() {
	local q

	for ((q = 0; q < queues; q++)); do
		to_queue "$q" && asking sleep 3 && is "$(napi_of "$q")" "$said" || return
	done
	to_queue 1
}

## busy polling, on queue 1

interrupts() { # of queue 1
	awk -v name="$SRV_DEV-TxRx-1" -v n="$queues" '$NF == name {
		for (i = 0; i < n; i++) k += $(2 + i) } END { print k + 0 }' /proc/interrupts
}

polled() {
	awk '/^TcpExt:/ { if (!n++) split($0, name); else for (i = 2; i <= NF; i++)
		if (name[i] == "BusyPollRxPackets") print $i }' <(on_srv cat /proc/net/netstat)
}

defer_irqs() { # TIMES NS
	on_srv bash -c "echo $1 >/sys/class/net/$SRV_DEV/napi_defer_hard_irqs &&
		echo $2 >/sys/class/net/$SRV_DEV/gro_flush_timeout"
}

questions=$(times 100 5000)

# Of at least nine in ten the reader himself took the frames; with LIMIT, there were
# no more interrupts than that.
by_polling() { # HOW [LIMIT]
	local before was irqs by

	before=$(polled)
	was=$(interrupts)
	asking "$1" "$questions" || return
	by=$(($(polled) - before))
	irqs=$(($(interrupts) - was))
	echo "$questions questions, $by frames by polling, $irqs interrupts"
	[ "$by" -ge $((questions * 9 / 10)) ] && [ "$irqs" -le "${2:-1000000}" ]
}

by_interrupts() {
	local was irqs before

	was=$(interrupts)
	before=$(polled)
	asking sleep "$questions" || return
	irqs=$(($(interrupts) - was))
	echo "$irqs interrupts for $questions questions, $(($(polled) - before)) frames by polling"
	[ "$irqs" -ge $((questions / 2)) ] && is "$before" "$(polled)"
}

busy_polling() {
	check "without busy polling, interrupts bring it" by_interrupts
	check "SO_BUSY_POLL: the reader takes the frames himself" by_polling busy
	check "interrupts are deferred" defer_irqs 100 200000000
	check "SO_PREFER_BUSY_POLL: and is not interrupted" by_polling prefer $((questions / 20))
	check "EPIOCSPARAMS: nor is who waits in epoll" by_polling epoll $((questions / 20))
	check "interrupts are not deferred any more" defer_irqs 0 0
	check "and bring it again" by_interrupts
}

## deferred interrupts, without anybody who polls

interrupts_of_a_file() {
	local was

	was=$(interrupts)
	bulk "$SRV4" 2 || return
	took=$(($(interrupts) - was))
	echo "$took interrupts"
}

deferred() {
	local plain

	interrupts_of_a_file && plain=$took && defer_irqs 20 1000000 && interrupts_of_a_file || return
	[ $((2 * took)) -lt "$plain" ]
}

## threads

threads() { pgrep "^napi/$SRV_DEV-"; }

# How often they were given a core
switches() {
	local pid

	for pid in $(threads); do cat "/proc/$pid/status"; done | awk '/ctxt_switches/ { n += $2 } END { print n + 0 }'
}

threaded() { on_srv bash -c "echo $1 >/sys/class/net/$SRV_DEV/threaded"; }

threads_are_known() {
	is "$queues" "$(threads | wc -l)" &&
		is "$(threads | sort -n | xargs)" "$(netlink napis | awk '{ print $3 }' | sort -n | xargs)"
}

threads_run() { # GREATER-THAN
	local before

	before=$(switches)
	bulk "$SRV4" 2 "$SRV6" 2 || return
	echo "$(switches) times after $before"
	[ $(($(switches) - before)) -gt 20 ]
}

threads_rest() {
	local before

	before=$(switches)
	bulk "$SRV4" 2 || return
	echo "$(switches) times after $before"
	[ $(($(switches) - before)) -le 2 ]
}

reconfigured() {
	on_srv ethtool -X "$SRV_DEV" default && on_srv ethtool -L "$SRV_DEV" combined 2 &&
		on_srv ethtool -L "$SRV_DEV" combined "$queues" && on_srv ethtool -G "$SRV_DEV" rx 512 tx 128 &&
		ip -n srv link set "$SRV_DEV" down && ip -n srv link set "$SRV_DEV" up &&
		ip -n srv addr replace "$SRV6/64" dev "$SRV_DEV" nodad && net_works
}

outlives() { # NAME COMMAND...
	check "$1, under traffic" start_talk
	check "$1" "${@:2}"
	check "$1: which goes on" end_talk
}

threading() {
	outlives "threads take over" threaded 1
	check "there is one for each NAPI, and netlink knows it" threads_are_known
	check "they poll, and files arrive" threads_run
	outlives "queues, rings, down and up, with threads" reconfigured
	outlives "threads give way" threaded 0
	check "they poll no more, and a file arrives" threads_rest
}

## netpoll

config=$tmp/config
messages=$(times 200 3000)

netconsole_on() {
	local key

	modprobe netconsole && mkdir "$config" && mount -t configfs none "$config" || return
	defer umount "$config"
	mkdir "$config/netconsole/srv" || return
	for key in "dev_name $SRV_DEV" "local_ip $SRV4" "remote_ip $CLI4" "remote_port 6666" \
		"remote_mac $(ip -n cli -j link show dev "$CLI_DEV" | jq -r '.[0].address')"; do
		echo "${key#* }" >"$config/netconsole/srv/${key% *}" || return
	done
	# Its interface is looked for where we are
	on_srv bash -c "echo 1 >$config/netconsole/srv/enabled"
}

netconsole_off() {
	on_srv bash -c "echo 0 >$config/netconsole/srv/enabled" && rmdir "$config/netconsole/srv" &&
		umount "$config" && rmmod netconsole
}

tell() { # FIRST PAST-THE-LAST
	local i x

	for ((i = $1; i < $2; i++)); do
		printf -v x '%*s' $((i % 50 + 1)) ''
		echo "<4>napi.sh message $i ${x// /x} of netconsole" >/dev/kmsg
	done
}

polls() { grep -c "for device $SRV_DEV work 0 budget 0" "$tracing/trace"; }

# With one queue for all cores, it is sometimes taken when a message wants to go
# out, and netpoll polls until it is free. What takes it is for an address that
# nobody has, so that the NIC at the other end does not overrun.
messages_arrive() {
	local listener core loads=() told=0

	on_cli python3 "$tests/napi.py" listen >"$tmp/listen" 2>&1 &
	listener=$!
	wait_until 30 grep -q ready "$tmp/listen" || return
	ip -n srv neigh replace "$nobody" lladdr 52:54:00:00:00:99 dev "$SRV_DEV" || return
	for ((core = 1; core < queues; core++)); do
		ip netns exec srv taskset -c "$core" python3 "$tests/talk.py" shout "$nobody" >/dev/null &
		loads+=($!)
	done
	start_talk
	while [ "$told" -lt "$messages" ] || { [ "$told" -lt 10000 ] && [ "$(polls)" = 0 ]; }; do
		tell "$told" $((told + 100))
		told=$((told + 100))
	done
	echo "<4>napi.sh had $told messages" >/dev/kmsg
	wait "$listener"
	listener=$?
	kill "${loads[@]}"
	wait "${loads[@]}"
	cat "$tmp/listen"
	on_cli ethtool -S "$CLI_DEV" | grep rx_overruns
	end_talk && [ "$listener" = 0 ]
}

budget_0() {
	echo "$(polls) polls with a budget of 0"
	[ "$(polls)" -gt 0 ] &&
		! grep "for device $SRV_DEV .* budget 0" "$tracing/trace" | grep -v 'work 0 budget 0'
}

netpoll() {
	check "one queue for all cores" on_srv ethtool -L "$SRV_DEV" combined 1
	check "netconsole" netconsole_on || return
	echo 'budget == 0' >"$tracing/events/napi/napi_poll/filter"
	echo 1 >"$tracing/events/napi/napi_poll/enable"
	echo >"$tracing/trace"
	check "every message arrives, beside what else is sent" messages_arrive
	echo 0 >"$tracing/events/napi/napi_poll/enable"
	echo 0 >"$tracing/events/napi/napi_poll/filter"
	check "it did poll, and received nothing thereby" budget_0
	check "a file arrives after it" bulk "$SRV4" 2
	check "netconsole goes" netconsole_off
	on_srv ethtool -L "$SRV_DEV" combined "$queues"
}

threads_go() {
	local pci

	pci=$(basename "$(on_srv readlink -f "/sys/class/net/$SRV_DEV/device")")
	echo "$pci" >/sys/bus/pci/drivers/igb_percore/unbind && is "" "$(threads)" &&
		echo "$pci" >/sys/bus/pci/drivers/igb_percore/bind &&
		nic_again srv "$SRV_DEV" "$SRV4" "$SRV6" && net_works
}

check "link is up" net_up || finish
head -c "$(times 500000 3000000)" /dev/urandom >"$tmp/file"
check "a file is served" bulk_up "$tmp/file"
ip netns exec srv python3 "$tests/talk.py" echo &
check "and so is an echo" wait_until 30 serving srv 7002
[ $# -eq 0 ] || { "$@"; finish; }
check "queues have their NAPI, NAPIs their interrupt" linked
check "none while the interface is down, and again afterwards" linked_but_down
check "a socket says by which NAPI its data came" sockets_know
busy_polling
check "deferred interrupts are fewer, and a file arrives" deferred
defer_irqs 0 0
threading
netpoll
check "threads go with the driver" threads_go
check "nothing hung" is 0 "$(counter srv "$SRV_DEV" 'pair[0-9]+_restarts|pair[0-9]+_tx_timeouts|resets')"
finish
