#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: host --long --timeout 900
#
#   this --vmbox--> host.sh in-the-guest:
#
#        bench-host --nic eth0 ==== wire ==== eth1 --peer-nic eth1
#                              ==== wire ==== eth1 :cli  --peer, by an ssh that
#                                                        is none
#
# Claim: tools/bench/bench-host measures stock and ours over a wire and writes
# what it says it does; afterwards, also if it was interrupted, or link or peer
# were lost, stock igb drives the NIC with the addresses, routes and settings
# from before, and nothing of it is left; what it cannot do it refuses in one
# line, with nothing touched.
lib=$(dirname "$0")/../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/vm.sh
. "$lib/vm.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"

top=$(cd "$(dirname "$0")/../.." && pwd)
bench=$top/tools/bench/bench-host
tmp=$(mktemp -d)
defer rm -rf "$tmp"

## in the guest

driver() { basename "$(readlink -f /sys/class/net/eth0/device/driver)"; }
driver_is() { [ "$(driver)" = "$1" ]; }

# All that somebody may have set, and that bench-host may have left. What comes
# with its module (a link's index, its name in the stack) is not of it.
state() {
	driver
	ip -j addr show dev eth0 | jq -cS '.[] | [.mtu, .address, .flags,
		(.addr_info[] | [.local, .prefixlen])]'
	ip -o addr show dev eth1 | grep -v 'scope link'
	ip route show table all dev eth0 | sed 's/ linkdown//' | LC_ALL=C sort
	ethtool -g eth0 && ethtool -c eth0 && ethtool -l eth0
	ethtool -k eth0 | grep -v fixed
	grep -H . /sys/class/net/eth0/queues/*/{x,r}ps_cpus /sys/bus/pci/devices/*/driver_override
	ip netns list
	ls /sys/kernel/tracing/instances
	cat /sys/kernel/tracing/kprobe_events
	grep -E '^(percore|igb_percore|igb) ' /proc/modules | cut -d ' ' -f 1
	pgrep -al 'nginx|wrk|iperf3|memcached|perf|ssh'
	ls -d /tmp/bench-host.* 2>/dev/null
}

is_as_before() { state >"$tmp/now" 2>/dev/null; cmp -s "$tmp/before" "$tmp/now"; }

as_before() {
	wait_until 10 is_as_before
	diff "$tmp/before" "$tmp/now"
}

furnish() {
	ip link set eth0 mtu 1600 up && ip link set eth1 up &&
		ip addr add 10.0.0.1/24 dev eth0 && ip addr add fd00::1/64 dev eth0 nodad &&
		ip route add 172.16.0.0/16 via 10.0.0.2 &&
		ethtool -G eth0 rx 512 && ethtool -C eth0 rx-usecs 77 &&
		ethtool -K eth0 tso off && wait_until 20 has_link_here || return
	echo 2 >/sys/class/net/eth0/queues/tx-0/xps_cpus
}

has_link_here() { [ "$(</sys/class/net/eth0/carrier)" = 1 ]; }

# STATUS PATTERN ARG...: that status, one line that says why, nothing touched
refuses() {
	local want=$1 pattern=$2 status=0 index

	index=$(</sys/class/net/eth0/ifindex)
	shift 2
	"$bench" "$@" --out "$tmp/none" >"$tmp/said" 2>&1 || status=$?
	cat "$tmp/said"
	[ "$status" = "$want" ] && grep -q "$pattern" "$tmp/said" &&
		[ "$index" = "$(</sys/class/net/eth0/ifindex)" ] && driver_is igb &&
		{ [ "$want" != 2 ] || [ "$(grep -c '^bench-host:' "$tmp/said")" = 1 ]; }
}

with() { # "UNDO" "DO" STATUS PATTERN ARG...
	local undo=$1

	eval "$2" || return
	shift 2
	refuses "$@"
	set -- $?
	eval "$undo"
	return "$1"
}

# All that it needs here but nginx
without_nginx() {
	local name

	mkdir -p "$tmp/few"
	for name in ip ss ethtool taskset ping modinfo rmmod iperf3 wrk sh timeout cat grep \
		basename readlink; do
		ln -sf "$(command -v "$name")" "$tmp/few/$name"
	done
	# shellcheck disable=SC2123
	PATH=$tmp/few
}

short=(--nic eth0 --peer-nic eth1 --rounds 1 --seconds 1 --connections 4)

# The JSON goes to the host, where the page is made of it much faster.
measures() { # NAME ARG...
	local name=$1

	shift
	"$bench" "$@" --no-page --out "$VMBOX_SHARE/$name"
}

# The shape of the JSON, and that the page has its figures and needs nothing else.
agree() { # NAME SCENARIOS CONFIGS
	local out=$tmp/share/$1

	shift
	"$top/tools/bench/bench_report.py" "$out/bench-host.json" "$out" || return
	/usr/bin/python3 - "$out" "$top/tools/bench" "$@" <<-'PY'
	import html, json, re, sys

	sys.dont_write_bytecode = True
	sys.path.insert(0, sys.argv[2])
	from bench_report import form

	data = json.load(open(sys.argv[1] + "/bench-host.json"))
	page = open(sys.argv[1] + "/bench-host.html").read()
	scenarios, configs = (words.split(",") for words in sys.argv[3:])
	assert data["kind"] == "bench-host"
	assert list(data["scenarios"]) == scenarios and list(data["configs"]) == configs
	got = sorted((entry["scenario"], entry["config"]) for entry in data["samples"])
	assert got == sorted((s, c) for s in scenarios for c in configs), got
	for entry in data["samples"]:
	    figures = entry["figures"]
	    bulk = entry["scenario"] == "tx"
	    assert entry["errors"] == 0 and entry["ops"] > 0, entry
	    assert figures["Gbit/s" if bulk else "operations/s"] > 0, figures
	    assert 0 < figures["% of the CPUs busy"] <= 100, figures
	    assert figures["CPU time (us)"] > 0 < figures["interrupts of the NIC"]
	    if bulk:
	        continue
	    times = [us for _, us in entry["latency"]]
	    assert len(times) > 8 and times == sorted(times) and times[0] > 0, times
	    assert figures["latency, 99% (us)"] == dict(entry["latency"])[99]
	    if "traced" in entry:
	        assert entry["traced"]["connections"] > 0, entry["traced"]
	        share = figures["% of connections with their whole life on one CPU"]
	        assert 0 <= share <= 100, share
	for text in (data["facts"]["command"], data["facts"]["commit"],
	             data["machine"]["kernel"], data["machine"]["NIC"], "82576"):
	    assert html.escape(text) in page, text
	for entry in data["summary"]:
	    for config, summary in entry["configs"].items():
	        assert form(summary["mean"]) in page, (entry["figure"], config)
	assert "Latency" in page and page.count("<svg") >= 4
	assert not re.search(r"<(script|link|img|iframe)|src=|@import|url\(http", page)
	PY
}

loads() { driver_is igb_percore && pgrep -x wrk; }

# While wrk runs over ours, HAPPENS; the run ends with STATUS, saying PATTERN.
ends() { # STATUS PATTERN HAPPENS...
	local want=$1 pattern=$2 pid status=0

	shift 2
	"$bench" "${short[@]}" --seconds 30 --scenarios nginx --configs both \
		--out "$tmp/none" >"$tmp/said" 2>&1 &
	pid=$!
	wait_until 60 loads && "$@" "$pid" || kill "$pid"
	wait "$pid" || status=$?
	cat "$tmp/said"
	[ "$status" = "$want" ] && grep -q "$pattern" "$tmp/said" && [ ! -e "$tmp/none" ]
}

signal() { kill -"$1" "$2"; }
lose_link() { monitor "set_link nic0 off"; }

# A namespace in place of another machine, and a shell in place of sshd's
other_machine() {
	ip netns add cli && ip link set eth1 netns cli && ip -n cli link set lo up &&
		ip -n cli addr add 10.0.0.2/24 dev eth1 && ip -n cli link set eth1 up &&
		wait_until 20 ping -n -c 1 -W 1 10.0.0.2 || return
	mkdir "$tmp/bin"
	cat >"$tmp/bin/ssh" <<-'SSH'
	#!/bin/sh
	for last; do :; done
	exec ip netns exec cli sh -c "$last"
	SSH
	chmod +x "$tmp/bin/ssh"
	PATH=$tmp/bin:$PATH
	is_as_before
	mv "$tmp/now" "$tmp/before"
}

lose_peer() { ip -n cli link set eth1 down; }
lose_peer_ends() {
	short=(--nic eth0 --peer user@10.0.0.2 --rounds 1 --connections 4)
	ends 1 "user@10.0.0.2 answers no more" lose_peer
}

in_the_guest() {
	check "a NIC with settings of its own" furnish || finish
	is_as_before
	mv "$tmp/now" "$tmp/before"
	check "stock, stock again and ours" measures wire "${short[@]}" \
		--scenarios nginx --configs stock,both --no-profile
	check "all is as before" as_before

	check "interrupted" ends 130 "putting eth0 back" signal INT
	check "all is as before" as_before
	check "the link is lost" ends 1 "eth0 has lost its link" lose_link
	monitor "set_link nic0 on"
	wait_until 20 has_link_here
	check "all is as before" as_before

	check "a NIC with the default route" with "ip route del default" \
		"ip route add default via 10.0.0.2" 2 "default route: --yes" "${short[@]}"
	check "a peer NIC that is in use" with "ip addr del 10.9.0.1/24 dev eth1" \
		"ip addr add 10.9.0.1/24 dev eth1" 2 "eth1 is in use" "${short[@]}"
	check "programs that are missing, all in one line" with "PATH=$PATH" \
		without_nginx 2 "nginx.*missing here (apt-get install.*nginx-light" "${short[@]}"
	check "a peer that is not over it" refuses 2 "is not over eth0" --nic eth0 --peer 127.0.0.1
	check "nothing of all that left a mark" as_before

	[ -z "${LONG:-}" ] || with_another_machine
	finish
}

with_another_machine() {
	check "another machine" other_machine || return
	check "a proxy, with the other machine behind it" measures ssh --nic eth0 \
		--peer user@10.0.0.2 --rounds 1 --seconds 1 --connections 4 \
		--scenarios proxy,tx --configs both --no-profile
	check "all is as before" as_before
	check "the peer is lost" lose_peer_ends
	check "all is as before" as_before
}

if [ "${1:-}" = in-the-guest ]; then
	in_the_guest
fi

## on the host

explains() { "$bench" --help | grep -q peer-nic && "$bench" --list | grep -q memcached; }

says() { # PATTERN ARG...: refused in a line with that
	local status=0 pattern=$1

	shift
	"$bench" "$@" >"$tmp/said" 2>&1 || status=$?
	cat "$tmp/said"
	[ "$status" = 2 ] && grep -q "^bench-host: .*$pattern" "$tmp/said"
}

[ "$(id -u)" = 0 ] || skip_all "root is needed"
[ "${KERNEL:-debian-6.12}" = debian-6.12 ] || skip_all "only on the Debian kernel"
check "--help and --list explain" explains
check "no NIC: refused" says "no interface nope" --nic nope --peer-nic eth1
check "what is no NIC" says "lo is no NIC" --nic lo --peer-nic eth1
check "no peer" says "one of --peer and --peer-nic" --nic eth0
check "an unknown scenario" says "nonsense" "${short[@]}" --scenarios nonsense
check "no time" says "from 1 to 3600" "${short[@]}" --seconds 0

mkdir "$tmp/share"
vm_test "$tmp" --timeout "$(times 700 1500)" --share "$tmp/share" --qemu "$(monitor_args "$tmp")" \
	-- env "LONG=${LONG:-}" "$(readlink -f "$0")" in-the-guest
check "page and JSON have what was measured" agree wire nginx stock,stock-again,both
[ -z "${LONG:-}" ] || check "page and JSON have the proxy" agree ssh proxy,tx both
finish
