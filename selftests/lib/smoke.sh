# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Does a NIC's driver carry packets at all? After tap.sh and net.sh.

same_sum() { [ "$(sha256sum <"$1")" = "$(sha256sum <"$2")" ]; }

listening() { on_srv ss -Hltn "sport = :$1" | grep -q .; }

# One megabyte through TCP; what arrives has to be what was sent.
copy_across() { # ADDRESS
	local dir server

	dir=$(mktemp -d)
	head -c 1000000 /dev/urandom >"$dir/sent"
	on_srv python3 -c '
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
with socket.create_server((sys.argv[1], 7000), family=family) as server:
    peer = server.accept()[0]
    with open(sys.argv[2], "wb") as out:
        while data := peer.recv(65536):
            out.write(data)
' "$1" "$dir/got" &
	server=$!
	wait_until 20 listening 7000
	on_cli python3 -c '
import socket, sys
with socket.create_connection((sys.argv[1], 7000), 20) as peer:
    peer.sendall(open(sys.argv[2], "rb").read())
' "$1" "$dir/sent" && wait $server && same_sum "$dir/sent" "$dir/got"
	server=$?
	rm -rf "$dir"
	return $server
}

driver_is() { [ "$(on_srv ethtool -i "$SRV_DEV" | awk '/^driver:/ { print $2 }')" = "$1" ]; }

nic_smoke() { # DRIVER
	check "link comes up on both ends" net_up || finish
	check "the driver is $1" driver_is "$1"
	check "ping over IPv4" on_cli ping -n -q -c 5 -i 0.2 "$SRV4"
	check "ping over IPv6" on_cli ping -n -q -c 5 -i 0.2 "$SRV6"
	check "ping with 1400 bytes" on_cli ping -n -q -c 3 -i 0.2 -s 1400 "$SRV4"
	check "1 MB of TCP over IPv4 arrives intact" copy_across "$SRV4"
	check "1 MB of TCP over IPv6 arrives intact" copy_across "$SRV6"
}
