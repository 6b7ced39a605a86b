#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --long --cpus 4 --nics 2 --driver igb_percore --percore --timeout 500
# here: no, it loads and unloads modules
#
#   cli: eth1, wrk ==== wire ==== srv: eth0, nginx with 4 workers on one listener
#                                      percore, igb_percore: out and in again
#
# Claim: under wrk, with a connection for each request and with few that stay,
# (a) percore comes and goes, and no connection notices; (b) igb_percore goes and
# comes back, and the same nginx serves again; (c) MTU, rings, channels and features
# change to what was asked, wrk sees no error, and goes on; (d) so it does when the
# link goes down and up.
lib=$(dirname "$0")/../../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/net/percore/lib.sh
. "$lib/../net/percore/lib.sh"
# shellcheck source=selftests/drivers/net/igb_percore/lib.sh
. "$(dirname "$0")/lib.sh"

need_root
need_module
need ethtool jq nginx wrk
[ -n "$PERCORECTL" ] || skip_all "no percorectl"

tmp=$(mktemp -d)
chmod 755 "$tmp"
defer rm -rf "$tmp"

# As Debian has it, but for what must not be shared with a server that runs, and
# for the number of workers, which is that of the processors there.
write_config() {
	cat >"$tmp/nginx.conf" <<-END
		user www-data;
		worker_processes 4;
		pid $tmp/nginx.pid;
		error_log $tmp/error.log;
		events { worker_connections 768; }
		http {
			sendfile on;
			tcp_nopush on;
			types_hash_max_size 2048;
			access_log off;
			keepalive_requests 1000000;
			server {
				listen $SRV4:80;
				location / { return 200 "percore\n"; }
			}
		}
	END
}

start_nginx() {
	on_srv nginx -c "$tmp/nginx.conf" && wait_until 20 serving srv 80
}

nginx_gone() { ! serving srv 80 && [ ! -e "$tmp/nginx.pid" ]; }

stop_nginx() {
	on_srv nginx -c "$tmp/nginx.conf" -s quit && wait_until 20 nginx_gone
}

cores_with_syns() { [ "$(cores_used 80)" -ge "$1" ]; }

# Segments that nginx received, to see that traffic goes on.
segments() {
	on_srv cat /proc/net/snmp | awk '/^Tcp:/ && $11 ~ /[0-9]/ { print $11 }'
}

segments_past() { [ "$(segments)" -ge "$1" ]; }

# So much traffic, and wrk still runs: it outlasted what came before.
goes_on() { # SEGMENTS
	wait_until 60 segments_past $(($(segments) + $1)) && kill -0 "$wrk"
}

# The timeout is for an answer: a link that is down for some seconds is none.
start_wrk() { # [ARG...]
	(exec ip netns exec cli wrk -t 2 -c 16 -d 300 --timeout 30 "$@" \
		"http://$SRV4/") >"$tmp/wrk" 2>&1 &
	wrk=$!
	goes_on 500
}

requests() { awk '/ requests in / { print $1 }' "$tmp/wrk"; }

# On SIGINT wrk says what it has.
stop_wrk() {
	kill -INT "$wrk"
	wait "$wrk"
	cat "$tmp/wrk"
	[ "$(requests)" -gt 0 ]
}

no_errors() {
	local netns

	cat "$tmp/wrk" "$tmp/error.log"
	for netns in srv cli; do
		echo "$netns:"
		ip netns exec "$netns" nstat -as | grep -E 'Reset|Rst|Abort|Overflow|Drop|Failed|Errs'
	done
	[ "$(requests)" -gt 0 ] &&
		! grep -qE 'Socket errors|Non-2xx|unable' "$tmp/wrk" &&
		! grep -qE 'emerg|alert|crit|\[error\]' "$tmp/error.log"
}

## (a)

percore_out() { rmmod percore && ! loaded percore && goes_on 300; }
percore_in() { insmod "$PERCORE" && loaded percore && goes_on 300; }

# A listener is sharded from its listen() on: so a new nginx each time.
percore_rounds() { # LABEL WRK-ARG...
	local label=$1 i

	shift
	for i in 1 2; do
		check "$label, $i: nginx starts" start_nginx
		check "$label, $i: wrk starts" start_wrk "$@"
		check "$label, $i: its listener is sharded" wait_until 20 cores_with_syns 2
		check "$label, $i: rmmod percore" percore_out
		check "$label, $i: insmod percore" percore_in
		check "$label, $i: rmmod percore, of a listener that has been let go" percore_out
		check "$label, $i: insmod percore again" percore_in
		check "$label, $i: wrk ends" stop_wrk
		check "$label, $i: no error at either end" no_errors
		check "$label, $i: nginx ends" stop_nginx
	done
}

## (b)

driver_out() { rmmod igb_percore && ! loaded igb_percore && nics_gone; }
driver_in() { insmod "$IGB_PERCORE" && net_again; }

driver_round() { # NUMBER
	check "igb_percore $1: wrk starts" start_wrk -H 'Connection: close'
	check "igb_percore $1: rmmod igb_percore" driver_out
	check "igb_percore $1: insmod igb_percore, addresses" driver_in
	check "igb_percore $1: the wrk that lost its NIC ends" stop_wrk
	check "igb_percore $1: a new wrk is served" start_wrk -H 'Connection: close'
	check "igb_percore $1: it goes on" goes_on 2000
	check "igb_percore $1: it ends" stop_wrk
	check "igb_percore $1: no error at either end" no_errors
}

## (c)

ring_is() { # RX TX
	on_srv ethtool -g "$SRV_DEV" | tee /dev/stderr | awk -v rx="$1" -v tx="$2" '
		/^Current/ { now = 1 }
		now && /^RX:/ { got_rx = $2 }
		now && /^TX:/ { got_tx = $2 }
		END { exit !(got_rx == rx && got_tx == tx) }'
}

set_ring() {
	on_srv ethtool -G "$SRV_DEV" rx "$1" tx "$2" && ring_is "$1" "$2" && goes_on 300
}

# Queues in use: what ethtool says, what the stack has, where RSS sends to.
channels_are() { # N
	on_srv ethtool -l "$SRV_DEV" | tail -n 2 | grep -qE "^Combined:[[:space:]]+$1$" &&
		[ "$(on_srv find "/sys/class/net/$SRV_DEV/queues/" -name 'tx-*' | wc -l)" = "$1" ] &&
		[ "$(on_srv ethtool -x "$SRV_DEV" |
			awk '/^ +[0-9]+:/ { for (i = 2; i <= NF; i++) seen[$i] }
				END { for (i in seen) n++; print n }')" = "$1" ]
}

set_channels() {
	on_srv ethtool -L "$SRV_DEV" combined "$1" && channels_are "$1" && goes_on 300
}

mtu_is() { [ "$(ip -n srv -j link show dev "$SRV_DEV" | jq '.[0].mtu')" = "$1" ]; }

set_mtu() {
	ip -n srv link set dev "$SRV_DEV" mtu "$1" && mtu_is "$1" && goes_on 300
}

link_down() { ip -n srv link set dev "$SRV_DEV" down && ! has_link srv "$SRV_DEV"; }

link_up() {
	ip -n srv link set dev "$SRV_DEV" up && wait_until 30 has_link srv "$SRV_DEV" &&
		goes_on 300
}

renegotiate() {
	on_srv ethtool -r "$SRV_DEV" && wait_until 30 has_link srv "$SRV_DEV" && goes_on 300
}

set_coalesce() { # USECS
	on_srv ethtool -C "$SRV_DEV" adaptive-rx off rx-usecs "$1" &&
		on_srv ethtool -c "$SRV_DEV" | grep -qx "rx-usecs:[[:space:]]*$1" && goes_on 300
}

adaptive() {
	on_srv ethtool -C "$SRV_DEV" adaptive-rx on &&
		on_srv ethtool -c "$SRV_DEV" | grep -q "^Adaptive RX: on" && goes_on 300
}

feature_is() { on_srv ethtool -k "$SRV_DEV" | grep -qx "$1: $2"; }

set_feature() { # FEATURE NAME-IN-LIST on|off
	on_srv ethtool -K "$SRV_DEV" "$1" "$3" && feature_is "$2" "$3" && goes_on 300
}

configure() {
	local n

	for n in 64 4096 512 256; do
		check "rings of $n descriptors" set_ring "$n" "$n"
	done
	for n in 1 3 2 4; do
		check "$n channels" set_channels "$n"
	done
	for n in 9000 600 1500; do
		check "MTU $n" set_mtu "$n"
	done
	for n in 8000 0; do
		check "rx-usecs $n" set_coalesce "$n"
	done
	check "interrupt moderation is left to the driver again" adaptive
	for n in off on; do
		check "receive checksums $n" set_feature rx rx-checksumming $n
		check "receive hashes $n" set_feature rxhash receive-hashing $n
		check "TSO $n" set_feature tso tcp-segmentation-offload $n
	done
	check "transmit checksums off" set_feature tx tx-checksumming off
	check "no TSO without them" feature_is tcp-segmentation-offload off
	check "transmit checksums on" set_feature tx tx-checksumming on
	check "TSO is back with them" feature_is tcp-segmentation-offload on
	check "link negotiates anew" renegotiate
}

## (d)

# With connections that stay: a handshake does not outlive "link down" on any
# driver. The kernel drops it when it has no route for another SYN-ACK
# (reqsk_timer_handler()), and resets the client when that is back.
link_rounds() {
	local n

	for n in 1 2 3; do
		check "link down $n" link_down
		check "link up $n" link_up
	done
}

stop_all() {
	kill -0 "${wrk:-none}" && kill "$wrk"
	nginx_gone || on_srv nginx -c "$tmp/nginx.conf" -s stop
}

write_config
check "link is up" net_up || finish
defer stop_all 2>/dev/null

percore_rounds "a connection a request" -H 'Connection: close'
percore_rounds "connections that stay"

check "nginx starts, for all that follows" start_nginx
driver_round 1
driver_round 2

check "wrk starts" start_wrk -H 'Connection: close'
configure
check "wrk ends" stop_wrk
check "no error at either end" no_errors
check "wrk starts, with connections that stay" start_wrk
link_rounds
check "wrk ends, with connections that stay" stop_wrk
check "no error at either end, with connections that stay" no_errors
check "no transmit queue was stuck" no_tx_timeout
check "nginx ends" stop_nginx
finish
