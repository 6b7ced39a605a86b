# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# One server in srv, one client in cli, connections without end, and what is to
# be said of them at the end; after lib.sh.
#
#   under_load_setup        the network; sets tmp, a directory
#   start MODE ARG...       a server that waits in MODE, and its client
#   start_client ARG...     a client alone
#   flows [N]               N (20) more connections are made, within a minute
#   stop                    none failed, was lost or accepted twice
#   nap SECONDS             without another program
#   log_clean               the kernel had nothing to complain of since setup

under_load_setup() {
	tmp=$(mktemp -d)
	defer rm -rf "$tmp"
	mkfifo "$tmp/never"
	check "link is up" net_up || finish
	align srv "$SRV_DEV" 2>/dev/null
	align cli "$CLI_DEV" 2>/dev/null
	on_srv sysctl -qw net.core.somaxconn=4096
	on_cli sysctl -qw net.ipv4.ip_local_port_range="1024 65535"
	echo "under_load_setup" >/dev/kmsg
}

complaints='WARNING|BUG:|Oops|Call Trace|refcount|leaked|lockdep|blocked for'

log_clean() {
	! dmesg | sed -n '/under_load_setup/,$p' | grep -E "$complaints"
}

nap() { read -rt "$1" _ <>"$tmp/never"; }

# The file may be empty for a moment.
so_far() {
	until read -r now <"$tmp/progress" && [ -n "$now" ]; do
		nap 0.01
	done
}

flows() {
	local now=0 goal=0 end=$((SECONDS + 60))

	so_far && goal=$((now + ${1:-20}))
	while [ "$now" -lt "$goal" ]; do
		[ "$SECONDS" -lt "$end" ] || return 1
		nap 0.1
		so_far
	done
}

start_client() { # DIAL-ARG...
	echo 0 >"$tmp/progress"
	(exec ip netns exec cli "$here/conns" dial -a "$SRV4" -P "$tmp/progress" \
		"$@") >"$tmp/client" 2>&1 &
	client=$!
}

start() { # MODE ARG...
	local mode=$1

	shift
	serve "$tmp/server" -a "$SRV4" -m "$mode" -w 4 "$@" &&
		start_client -s 600 -t 4
}

# The client's answers are the server's ids, each once.
stop() {
	local status answered

	kill -TERM "$client"
	wait "$client"
	status=$?
	served
	cat "$tmp/client" "$tmp/server"
	answered=$(value answered "$tmp/client")
	[ "$status" -eq 0 ] && [ "${answered:-0}" -gt 0 ] &&
		[ "$(value failed "$tmp/client")" = 0 ] &&
		[ "$(value distinct "$tmp/server")" = "$answered" ] &&
		[ "$(value accepted "$tmp/server")" = "$answered" ] &&
		[ "$(value twice "$tmp/server")" = 0 ]
}
