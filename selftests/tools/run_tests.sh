#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --long --cpus 4 --nics 2 --driver igb_percore --percore --timeout 600
#
# Claim: make -C selftests run_tests runs what makes sense on a machine as it is,
# over a veth pair or two NICs, and says SKIP and why of the rest; its exit status
# is that of a kselftest; a failure is a failure; afterwards the modules, sysctls,
# interfaces and namespaces are what they were.
lib=$(dirname "$0")/../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"

selftests=$(cd "$(dirname "$0")/.." && pwd)
tmp=$(mktemp -d)
defer rm -rf "$tmp"
[ "$(id -u)" = 0 ] || skip_all "not root"
[ -e /proc/sys/net/percore ] || skip_all "percore is not loaded"

machine() {
	lsmod | awk '/percore/ { print $1 }' | sort
	grep -r . /proc/sys/net/percore
	ip -br link | awk '{ print $1, $3 }'
	ip netns list
}

# STATUS NICS TEST...: that exit status, and the machine is as it was
runs() {
	local want=$1 nics=$2 status before

	shift 2
	before=$(machine)
	make -s -C "$selftests" run_tests NICS="$nics" TESTS="$*" >"$tmp/out" 2>&1
	status=$?
	cat "$tmp/out"
	# make has a status of its own for any but 0.
	[ "$want" = 0 ] || want=2
	[ "$status" = "$want" ] && [ "$before" = "$(machine)" ]
}

# Without make: its very status.
status_is() { # STATUS NICS TEST...
	local want=$1 nics=$2

	shift 2
	"$selftests/run" --here "$nics" "$@" >"$tmp/out" 2>&1
	set -- $?
	cat "$tmp/out"
	[ "$1" = "$want" ]
}

says() { tee /dev/stderr <"$tmp/out" | grep -qE "$1"; }

check "without NICs" runs 0 "" net/percore/sysctl net/percore/load
check "sysctl ran" says '^ok .* net/percore/sysctl: listen_shard refuses'
check "load did not, and it says why" says '^ok .* net/percore/load # SKIP it loads and unloads modules'
check "a plan, and a sum" says '^[0-9]+ passed, 0 failed, [1-9][0-9]* skipped$'
check "over two NICs" runs 0 "eth0 eth1" drivers/net/igb_percore/smoke
check "smoke ran" says '^ok .*igb_percore/smoke: 1 MB of TCP over IPv6'
check "nothing can run: status 4" status_is 4 "" drivers/net/igb_percore/smoke net/percore/load
check "smoke says that it needs NICs" says 'smoke # SKIP it needs NICS'
check "one NIC: status 2" status_is 2 "eth0" sysctl
check "no such NIC: status 2" status_is 2 "eth0 nope" sysctl
ip addr add 10.7.7.7/24 dev eth0
check "a NIC in use: status 2" status_is 2 "eth0 eth1" sysctl
ip addr flush dev eth0

# In the VM the tree is an overlay.
cat >"$selftests/net/percore/fails.sh" <<'END'
#!/bin/bash
# here: any
. "$(dirname "$0")/../../lib/tap.sh"
. "$(dirname "$0")/../../lib/net.sh"
check "a network" net_up
check "what fails" false
finish
END
chmod +x "$selftests/net/percore/fails.sh"
defer rm -f "$selftests/net/percore/fails.sh"
check "a test that fails" runs 1 "" net/percore/fails
check "over veth" says '^ok .* net/percore/fails: a network'
check "is told" says '^not ok .* net/percore/fails: what fails'
check "status 1" status_is 1 "" net/percore/fails net/percore/load
finish
