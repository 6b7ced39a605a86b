#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --cpus 4 --nics 2 --driver igb_percore --percore --timeout 240
#
#                            srv: eth0
#   cli: eth1 ==== wire ====  rx 0 -- irq -- core 0 -- tx 0
#        many flows           rx 1 -- irq -- core 1 -- tx 1   ...
#
# Claim: queue i belongs to core i: its interrupt arrives there and nowhere else,
# and what core i sends leaves through it. Flows spread over all queues by the
# Toeplitz hash of the key that ethtool shows, which reaches the stack with each
# frame and is said to be of ports where it is. Counters count each byte once, at
# both ends and in both ways to ask. ethtool answers sensibly.
lib=$(dirname "$0")/../../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/drivers/net/igb_percore/lib.sh
. "$(dirname "$0")/lib.sh"

need ethtool jq ping python3 taskset
tmp=$(mktemp -d)
defer rm -rf "$tmp"
queues=$(nproc)
last=$((queues - 1))
tracing=/sys/kernel/tracing

## what ethtool says

fields() { # OPTION REGEX: the values of those lines
	on_srv ethtool ${1:+"$1"} "$SRV_DEV" | sed -E "s/^[[:space:]]*$2:[[:space:]]*//; t; d"
}

field() { fields "$@" | tail -n 1; }
first_field() { fields "$@" | sed -n 1p; }

is() { # WANT GOT
	echo "$2, wanted: $1"
	[ "$1" = "$2" ]
}

info_answers() {
	is igb_percore "$(field -i driver)" && is "$pci" "$(field -i bus-info)" &&
		is yes "$(field -i supports-statistics)" &&
		[[ $(field -i firmware-version) =~ ^[0-9a-f]+\.[0-9a-f]+$ ]]
}

channels_answer() {
	is "$queues" "$(first_field -l Combined)" && is "$queues" "$(field -l Combined)" &&
		is 1 "$(field -l Other)" && is n/a "$(field -l RX)"
}

rings_answer() {
	is 4096 "$(first_field -g RX)" && is 4096 "$(first_field -g TX)" &&
		is 256 "$(field -g RX)" && is 256 "$(field -g TX)"
}

coalesce_answers() {
	is "on  TX: n/a" "$(field -c 'Adaptive RX')" && [[ $(field -c rx-usecs) =~ ^[0-9]+$ ]]
}

pause_answers() {
	is on "$(field -a Autonegotiate)" && is on "$(field -a RX)" && is off "$(field -a TX)"
}

link_answers() {
	is 1000Mb/s "$(field '' Speed)" && is Full "$(field '' Duplex)" &&
		is on "$(field '' Auto-negotiation)" && is yes "$(field '' 'Link detected')"
}

table() {
	on_srv ethtool -x "$SRV_DEV" | awk '/^ +[0-9]+:/ { for (i = 2; i <= NF; i++) print $i }'
}

table_is_even() {
	table | sort -n | uniq -c | tee /dev/stderr |
		awk -v n="$queues" '$1 != int(128 / n) && $1 != int(128 / n) + 1 { bad = 1 }
			{ sum += $1 } END { exit bad || NR != n || sum != 128 }'
}

key() { on_srv ethtool -x "$SRV_DEV" | awk '/^RSS hash key/ { getline; print; exit }'; }

# Random: neither all alike, nor that of Microsoft's specification.
key_is_real() {
	local key

	key=$(key)
	echo "$key"
	[ ${#key} = 119 ] && [[ $key != 6d:5a:56:da:25:5b:0e:c2* ]] &&
		[ "$(tr : '\n' <<<"$key" | sort -u | wc -l)" -gt 8 ]
}

wrong_is_refused() {
	! on_srv ethtool -L "$SRV_DEV" combined $((queues + 1)) &&
		! on_srv ethtool -L "$SRV_DEV" combined 0 &&
		! on_srv ethtool -G "$SRV_DEV" rx 8192 && ! on_srv ethtool -G "$SRV_DEV" rx 1 &&
		! on_srv ethtool -C "$SRV_DEV" rx-usecs 100000 &&
		! on_srv ethtool -X "$SRV_DEV" equal $((queues + 1)) &&
		! ip -n srv link set dev "$SRV_DEV" mtu 65000 &&
		channels_answer && rings_answer && coalesce_answers && table_is_even
}

## interrupts and cores

irq_of() { awk -v name="$SRV_DEV-TxRx-$1" '$NF == name { sub(":", ""); print $1 }' /proc/interrupts; }

# Column c of line q: how often core c took the interrupt of queue q.
irq_counts() {
	awk -v dev="$SRV_DEV-TxRx-" -v n="$queues" 'index($NF, dev) {
		printf "%s", $NF; for (i = 0; i < n; i++) printf " %d", $(2 + i); print "" }' /proc/interrupts
}

affinity_is_own() {
	local q irq

	for ((q = 0; q < queues; q++)); do
		irq=$(irq_of "$q")
		is "$q" "$(<"/proc/irq/$irq/smp_affinity_list")" &&
			is "$q" "$(<"/proc/irq/$irq/effective_affinity_list")" || return
	done
}

xps_is_own() {
	local q

	for ((q = 0; q < queues; q++)); do
		is $((1 << q)) "$((0x$(on_srv cat "/sys/class/net/$SRV_DEV/queues/tx-$q/xps_cpus")))" || return
	done
}

grew_on_own_core_only() {
	paste -d ' ' "$tmp/irqs" <(irq_counts) | tee /dev/stderr | awk -v n="$queues" '{
		for (i = 0; i < n; i++) {
			grown = $(n + 3 + i) - $(2 + i)
			if ((i == NR - 1) != (grown > 0)) bad = 1
		} } END { exit bad || NR != n }'
}

sent_on() { counter srv "$SRV_DEV" "pair$1_tx_packets"; }

core_sends_on_own_queue() { # CORE
	local before

	before=$(sent_on "$1")
	on_srv taskset -c "$1" ping -n -q -c 20 -i 0.01 -s 500 "$CLI4" || return
	echo "$(sent_on "$1") after $before"
	[ "$(sent_on "$1")" -ge $((before + 20)) ]
}

## hashes, as they reach the stack

trace_on() {
	local event

	for event in napi_gro_receive_entry netif_receive_skb_entry; do
		echo "name == \"$SRV_DEV\"" >"$tracing/events/net/$event/filter" &&
			echo 1 >"$tracing/events/net/$event/enable" || return
	done
	echo >"$tracing/trace"
	echo 1 >"$tracing/tracing_on"
}

trace_off() {
	local event

	for event in napi_gro_receive_entry netif_receive_skb_entry; do
		echo 0 >"$tracing/events/net/$event/enable"
		echo 0 >"$tracing/events/net/$event/filter"
	done
}

# Lines "hash l4 queue ip_summed" of what was received since trace_on; the stack
# counts queues from 1, 0 is none.
traced() {
	trace_off
	sed -nE 's/.*queue_mapping=([0-9]+).*ip_summed=([0-9]+) hash=0x([0-9a-f]+) l4_hash=([0-9]+).*/\3 \4 \1 \2/p' \
		"$tracing/trace" | sort -u
}

flows() { # ADDRESS
	rm -f "$tmp/traced"
	trace_on && on_cli python3 "$tests/flows.py" "$(key)" "$1" 7001 64 >"$tmp/want"
	traced >"$tmp/traced"
	[ -s "$tmp/want" ] && [ -s "$tmp/traced" ]
}

# Each flow's hash was seen, as one of ports, on the queue that the table has for
# it, with a checksum that the device has looked at.
hashes_fit() {
	table >"$tmp/table"
	awk 'FILENAME == ARGV[1] { table[n++] = $1; next }
		FILENAME == ARGV[2] { want[$1] = 1; next }
		$1 in want {
			low = index("0123456789abcdef", substr($1, 8, 1)) - 1
			low += 16 * ((index("0123456789abcdef", substr($1, 7, 1)) - 1) % 8)
			if ($2 != 1 || $3 != table[low] + 1 || $4 != 1) { print "wrong: " $0; bad = 1 }
			seen[$1] = 1
		}
		END { for (hash in want) { wanted++; if (!(hash in seen)) { print "not seen: " hash; bad = 1 } }
			exit bad || wanted < 60 }' "$tmp/table" "$tmp/want" "$tmp/traced"
}

all_queues_used() {
	awk -v n="$queues" '$2 == 1 { used[$3] } END { for (q in used) k++; exit k != n }' "$tmp/traced"
}

# ICMP has no ports: a hash of the addresses, and said to be no more.
icmp_hash() {
	trace_on && on_cli ping -n -q -c 3 -i 0.1 "$SRV4"
	traced | tee /dev/stderr | awk '$2 == 0 && $1 != "00000000" { addresses = 1 } END { exit !addresses }'
}

## counters

received() { counter srv "$SRV_DEV" "pair$1_rx_packets"; }

every_queue_received() {
	local q

	for ((q = 0; q < queues; q++)); do
		echo "queue $q: $(received "$q") after ${before[q]}"
		[ "$(received "$q")" -gt "${before[q]}" ] || return
	done
}

link_count() { ip -n "$1" -s -j link show dev "$2" | jq ".[0].stats64.$3.$4"; }

# PACKETS BYTES sent by cli and received by srv, as "ip" has it and as the sum
# over the queues, in one line.
counts() {
	echo "$(link_count cli "$CLI_DEV" tx packets) $(link_count cli "$CLI_DEV" tx bytes)" \
		"$(link_count srv "$SRV_DEV" rx packets) $(link_count srv "$SRV_DEV" rx bytes)" \
		"$(counter cli "$CLI_DEV" 'pair[0-9]+_tx_packets') $(counter cli "$CLI_DEV" 'pair[0-9]+_tx_bytes')" \
		"$(counter srv "$SRV_DEV" 'pair[0-9]+_rx_packets') $(counter srv "$SRV_DEV" 'pair[0-9]+_rx_bytes')"
}

# 50 frames of 14 + 20 + 8 + 1000 bytes, at both ends, both ways to ask. The
# stack speaks too at times (neighbours, routers): then once more.
counts_exact() {
	local before after i

	read -ra before <<<"$(counts)"
	on_cli ping -n -q -c 50 -i 0.01 -s 1000 "$SRV4" >/dev/null || return
	read -ra after <<<"$(counts)"
	for i in 0 2 4 6; do
		echo "$((after[i] - before[i])) frames, $((after[i + 1] - before[i + 1])) bytes"
		[ $((after[i] - before[i])) = 50 ] &&
			[ $((after[i + 1] - before[i + 1])) = $((50 * 1042)) ] || return
	done
}

# Frames that the device cut out of large ones count as what was on the wire.
counts_agree() {
	local c

	read -ra c <<<"$(counts)"
	echo "${c[*]}"
	[ "${c[0]} ${c[1]}" = "${c[4]} ${c[5]}" ] && [ "${c[2]} ${c[3]}" = "${c[6]} ${c[7]}" ]
}

tso_counts() {
	local before after

	read -ra before <<<"$(counts)"
	bulk "$SRV4" 1 || return
	read -ra after <<<"$(counts)"
	echo "${before[*]}" && echo "${after[*]}"
	[ $((after[0] - before[0])) = $((after[2] - before[2])) ] &&
		[ $((after[1] - before[1])) = $((after[3] - before[3])) ]
}

no_errors() {
	is 0 "$(counter srv "$SRV_DEV" 'pair[0-9]+_(rx_errors|rx_csum_errors|rx_alloc_fail|tx_dropped)')"
}

# Says why not, if it never is.
eventually() { wait_until 60 "$@" || "$@"; }

pci=$(basename "$(readlink -f "/sys/class/net/$SRV_DEV/device")")
check "link is up" net_up || finish

check "ethtool -i" info_answers
check "ethtool -l: a pair of queues for each core" channels_answer
check "ethtool -g" rings_answer
check "ethtool -c" coalesce_answers
check "ethtool -a" pause_answers
check "ethtool, the link" link_answers
check "ethtool -x: 128 entries, evenly over all queues" table_is_even
check "ethtool -x: a random key" key_is_real
check "what the device cannot is refused and changes nothing" wrong_is_refused

head -c 100003 /dev/urandom >"$tmp/file"
check "a server in srv" bulk_up "$tmp/file"
for ((q = 0; q < queues; q++)); do before[q]=$(received $q); done
flows_spread() { # ADDRESS
	check "$1: 64 flows" flows "$1"
	check "$1: each has the Toeplitz hash of its ports, on the queue of the table" hashes_fit
	check "$1: all queues get some" all_queues_used
}

# A new interrupt goes to its core from the second time on: so look after the
# first flows.
flows_spread $SRV4
check "the interrupt of queue i goes to core i" affinity_is_own
irq_counts >"$tmp/irqs"
flows_spread $SRV6
check "it comes to core i, and to no other" grew_on_own_core_only
check "frames without ports have a hash of addresses" icmp_hash
check "ethtool -S: every queue has received" every_queue_received
check "XPS of queue i is core i" xps_is_own
for ((q = 0; q <= last; q++)); do
	check "core $q sends on queue $q" core_sends_on_own_queue $q
done

check "50 frames are 50, and their bytes, at both ends" eventually counts_exact
check "what leaves by TSO counts as what arrives" eventually tso_counts
check "ip -s link is the sum over the queues" eventually counts_agree
check "no frame was in error" no_errors
check "no transmit queue was stuck" no_tx_timeout
finish
