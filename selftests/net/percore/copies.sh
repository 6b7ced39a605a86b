#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --cpus 4 --nics 0 --driver none --percore --timeout 200
# here: no, it loads and unloads modules
#
#   listener --shutdown--> setsockopt(TCP_ULP) --> tls.ko copies its operations
#       |\---disconnect--> IPV6_ADDRFORM --> IPv4's operations
#        \---portlist----> nfsd --> kernel_accept() copies them
#
# Claim: nobody copies a function of percore into what outlives the module, and
# nobody loses one that is still needed: a socket that listens no more has the
# kernel's operations. What is done with it before rmmod and after works.
lib=$(dirname "$0")/../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/net/percore/lib.sh
. "$(dirname "$0")/lib.sh"

need_root
need_programs
need_module
[ -e "$MODULE" ] || skip_all "no percore.ko to insert again"

put_back() { [ -e "$knobs" ] || insmod "$MODULE"; }
defer put_back

remove() { timeout 60 rmmod percore && [ ! -e "$knobs" ]; }
reload() { remove && insmod "$MODULE"; }

# 4: it was skipped
case_works() { timeout -k 5 90 "$here/parity" run -n "$@"; }

addrform() { reload && case_works -s 1 life_addrform; }
check "a v6 socket is the first v4 one to listen" addrform

# What tls.ko has copied it keeps.
tls_again() {
	rmmod tls
	modprobe tls && reload && case_works -s 1 life_tls && remove && case_works life_tls
}
if modprobe tls 2>/dev/null; then
	check "kernel TLS, first on a socket that listened, works after rmmod" tls_again
else
	skip "kernel TLS, first on a socket that listened, works after rmmod" "no tls.ko"
fi
check "and insmod" put_back

# The kernel gives a connection that nfsd accepts the operations of its listener.
nfsd() {
	local said ended

	coproc NFSD { "$here/nfsd.py" 2049 2>&1; }
	# shellcheck disable=SC2153
	local pid=$NFSD_PID to=${NFSD[1]}
	read -r said <&"${NFSD[0]}"
	echo "$said"
	"$PERCORECTL" listeners
	[ "$said" = "asked 8 of 8" ] &&
		[ "$("$PERCORECTL" listeners --json | jq length)" = 0 ] &&
		! rmmod percore
	ended=$?
	exec {to}>&-
	wait "$pid" && [ "$ended" = 0 ]
}

if modprobe nfsd 2>/dev/null && mount -t nfsd nfsd /proc/fs/nfsd 2>/dev/null; then
	defer umount /proc/fs/nfsd
	ip link set lo up
	check "nfsd takes a listener: it is a stock one, the module stays" nfsd
	check "until it is closed" reload
else
	skip "nfsd takes a listener: it is a stock one, the module stays" "no nfsd"
fi
finish
