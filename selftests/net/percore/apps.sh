#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --cpus 4 --nics 2 --driver igb_percore --percore --timeout 600
# here: igb_percore
#
#   cli: eth1, wrk and others ==== wire ==== srv: eth0, nginx and others as they
#                                                 are, their listeners sharded
#
# Claim: servers that know nothing of percore serve through sharded listeners
# without an error, and every byte of their answers is right: nginx as Debian
# ships it, with accept_mutex, with reuseport, reloaded under load; Python's
# http.server, and what else is installed.
lib=$(dirname "$0")/../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/net/percore/lib.sh
. "$(dirname "$0")/lib.sh"

need_root
need_module

tmp=$(mktemp -d)
all=$(nproc)
server=
chmod 755 "$tmp"
defer rm -rf "$tmp"

stop() {
	[ -z "$server" ] || {
		kill -TERM "$server"
		wait "$server"
	} 2>/dev/null
	server=
}
defer stop

check "link is up" net_up || finish
align srv "$SRV_DEV" 2>/dev/null
align cli "$CLI_DEV" 2>/dev/null
on_srv sysctl -qw net.core.somaxconn=4096

mkdir "$tmp/www"
head -c 20000 /dev/urandom | base64 -w 0 | head -c 20000 >"$tmp/www/page.html"

listens() { on_srv ss -Hltn "sport = :$1" | grep -q .; }

# PORT COMMAND...: starts it in srv; it stays in the foreground
start() {
	local port=$1

	shift
	(exec ip netns exec srv "$@") >"$tmp/server" 2>&1 &
	server=$!
	wait_until 60 listens "$port" || {
		cat "$tmp/server"
		return 1
	}
}

# Several listeners of one port: cores that any of them had SYNs on.
sharded() { # PORT
	local used

	used=$(on_srv "$PERCORECTL" listeners --json | jq "[.[] |
		select(.port == $1) | .cores[] | select(.syns > 0) | .cpu] |
		unique | length")
	echo "SYNs on $used of $all cores"
	[ "$used" = "$all" ]
}

## wrk, which looks at every body

cat >"$tmp/exact.lua" <<'END'
local threads, want = {}, nil

function setup(thread) table.insert(threads, thread) end

function init(args)
	local file = io.open(args[1], "rb")
	want = file:read("*a")
	file:close()
	right, wrong = 0, 0
end

function response(status, headers, body)
	if status == 200 and body == want then
		right = right + 1
	else
		wrong = wrong + 1
	end
end

function done(summary, latency, requests)
	local r, w, e = 0, 0, summary.errors
	for _, thread in ipairs(threads) do
		r = r + thread:get("right")
		w = w + thread:get("wrong")
	end
	print(string.format("right=%d wrong=%d errors=%d timeouts=%d", r, w,
		e.connect + e.read + e.write + e.status, e.timeout))
end
END

# wrk's own timeout is for a stalled server, not for an emulated one.
wrk_exact() { # PORT CONNECTIONS SECONDS
	on_cli wrk -t 2 -c "$2" -d "$3" --timeout 30 -s "$tmp/exact.lua" \
		-H 'Connection: close' "http://$SRV4:$1/page.html" \
		"$tmp/www/page.html" >"$tmp/wrk" 2>&1
	cat "$tmp/wrk"
	[ "$(value right "$tmp/wrk")" -gt 20 ] &&
		[ "$(value wrong "$tmp/wrk")" = 0 ] &&
		[ "$(value errors "$tmp/wrk")" = 0 ] &&
		[ "$(value timeouts "$tmp/wrk")" = 0 ]
}

## nginx

# Debian's own files, with other places for pid and logs and our page.
nginx_conf() { # LISTEN-OPTION EVENTS-DIRECTIVE
	sed -e "s|^pid .*|pid $tmp/nginx.pid;|" \
		-e "s|/var/log/nginx|$tmp|" \
		-e "s|worker_processes .*|worker_processes 4;|" \
		-e "s|^events {|events { $2|" \
		-e "s|/etc/nginx/sites-enabled/\*|$tmp/site|" \
		/etc/nginx/nginx.conf >"$tmp/nginx.conf"
	sed -e "s|root /var/www/html|root $tmp/www|" \
		-e "s|^\(\s*listen .*default_server\);|\1 $1;|" \
		/etc/nginx/sites-available/default >"$tmp/site"
}

nginx_up() {
	nginx_conf "$@"
	start 80 nginx -c "$tmp/nginx.conf" -g 'daemon off;'
}

# No worker may have had anything to complain of.
nginx_quiet() { ! grep -E 'alert|crit|emerg' "$tmp/error.log"; }

nginx_round() { # NAME LISTEN-OPTION EVENTS-DIRECTIVE
	check "nginx, $1: starts" nginx_up "$2" "$3" || return
	check "nginx, $1: every answer under wrk is right" wrk_exact 80 32 8
	diag "$(grep right= "$tmp/wrk")"
	check "nginx, $1: its listeners are sharded" sharded 80
	if [ "$1" = "as Debian ships it" ]; then
		check "nginx, $1: reloaded five times under wrk" nginx_reloads
	fi
	stop
	check "nginx, $1: logs no alert" nginx_quiet
}

nginx_reloads() {
	local status

	wrk_exact 80 16 15 >"$tmp/reload" &
	status=$!
	for _ in 1 2 3 4 5; do
		sleep 2
		kill -HUP "$server"
	done
	wait "$status"
	status=$?
	cat "$tmp/reload"
	return "$status"
}

if ! command -v nginx >/dev/null || ! command -v wrk >/dev/null; then
	skip "nginx under wrk" "nginx or wrk is not installed"
else
	nginx_round "as Debian ships it" "" ""
	nginx_round "accept_mutex on" "" "accept_mutex on;"
	nginx_round "multi_accept on" "" "multi_accept on;"
	nginx_round "reuseport" "reuseport" ""
fi

## Python

if command -v wrk >/dev/null && command -v python3 >/dev/null; then
	if check "http.server starts" start 8080 python3 -m http.server 8080 \
		--directory "$tmp/www"; then
		check "http.server: every answer under wrk is right" wrk_exact 8080 4 8
		diag "$(grep right= "$tmp/wrk")"
		check "http.server: its listener is sharded" sharded 8080
		stop
	fi
else
	skip "Python's http.server under wrk" "wrk or python3 is not installed"
fi

## Node, with a cluster of workers

cat >"$tmp/server.js" <<'END'
const cluster = require('cluster'), http = require('http'), fs = require('fs');
cluster.schedulingPolicy = cluster.SCHED_NONE;
if (cluster.isMaster) {
	for (let i = 0; i < 4; i++) cluster.fork();
	process.on('SIGTERM', () => process.exit(0));
} else {
	const page = fs.readFileSync(process.argv[2]);
	http.createServer((q, a) => a.end(page)).listen(8081, '0.0.0.0');
}
END

if command -v wrk >/dev/null && command -v node >/dev/null; then
	if check "node starts, four workers on one listener" start 8081 node \
		"$tmp/server.js" "$tmp/www/page.html"; then
		check "node: every answer under wrk is right" wrk_exact 8081 16 8
		diag "$(grep right= "$tmp/wrk")"
		check "node: its listener is sharded" sharded 8081
		stop
	fi
else
	skip "node under wrk" "wrk or node is not installed"
fi

## memcached and Redis

cat >"$tmp/keys.py" <<'END'
import socket, sys
host, kind = sys.argv[1], sys.argv[2]
for i in range(300):
    port = 11211 if kind == "memcached" else 6379
    with socket.create_connection((host, port), 60) as s:
        value = b"v%d" % (i * 7919)
        if kind == "memcached":
            s.sendall(b"set k%d 0 0 %d\r\n%s\r\nget k%d\r\nquit\r\n"
                      % (i, len(value), value, i))
            want = (b"STORED\r\nVALUE k%d 0 %d\r\n%s\r\nEND\r\n"
                    % (i, len(value), value))
        else:
            s.sendall(b"SET k%d %s\r\nGET k%d\r\nQUIT\r\n" % (i, value, i))
            want = b"+OK\r\n$%d\r\n%s\r\n+OK\r\n" % (len(value), value)
        got = b""
        while data := s.recv(4096):
            got += data
        if got != want:
            sys.exit("%r instead of %r" % (got, want))
print("300 connections")
END

keys() { on_cli python3 "$tmp/keys.py" "$SRV4" "$1"; }

key_store() { # NAME PORT COMMAND...
	local name=$1 port=$2

	shift 2
	if ! command -v "$1" >/dev/null; then
		skip "$name" "$1 is not installed"
		return
	fi
	check "$name starts" start "$port" "$@" || return
	check "$name: 300 connections get what they put" keys "$name"
	check "$name: its listener is sharded" sharded "$port"
	stop
}

key_store memcached 11211 memcached -u nobody -t 4 -l "$SRV4"
key_store redis 6379 redis-server --bind "$SRV4" --protected-mode no --save ''
finish
