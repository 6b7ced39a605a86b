#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --cpus 4 --nics 2 --driver igb_percore --percore --timeout 400
#
#   cli: eth1 ==== wire ==== srv: eth0 <-- devlink dev info, dev reload, health
#
# Claim: devlink says what ethtool says of the device; a reload resets it under
# load, and afterwards interface, addresses and every setting are as before, and a
# file on its way arrives; the state of each queue can be seen. stuck.sh has what
# happens to queues that hang.
lib=$(dirname "$0")/../../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/drivers/net/igb_percore/lib.sh
. "$(dirname "$0")/lib.sh"

need devlink ethtool jq python3
tmp=$(mktemp -d)
defer rm -rf "$tmp"

info() { devlink -j dev info "$dev" | jq -r ".info[] | $1"; }

is_as_ethtool_says() {
	local says

	says=$(on_srv ethtool -i "$SRV_DEV" | sed -n 's/^firmware-version: //p')
	echo "ethtool: $says"
	info .
	[ -n "$says" ] && [ "$(info .versions.running.nvm)" = "$says" ] &&
		[ "$(info .driver)" = igb_percore ]
}

# The numbers that the PCI capability has, most significant first
serial_is_the_devices() {
	local dsn

	dsn=$(lspci -s "${dev#pci/}" -vv | sed -n 's/.*Device Serial Number //p')
	echo "device: $dsn"
	[ "$(info '.serial_number // ""')" = "${dsn//-/}" ]
}

diagnosed() { # REPORTER FILTER
	devlink -j health diagnose "$dev" reporter "$1" >"$tmp/queues" &&
		jq -e ".queues | length == $(nproc) and all($2)" "$tmp/queues" ||
		{ jq -c . "$tmp/queues"; return 1; }
}

healthy() { # REPORTER
	devlink -j health show "$dev" reporter "$1" |
		jq -e '.health[][] | .state == "healthy" and .error == 0 and
			.auto_recover and .auto_dump'
}

# All that a user can set and see, but for counters and addresses' lifetimes
settings() {
	local what

	ip -n srv -j addr show dev "$SRV_DEV" | jq '.[0] | .ifindex, .flags - ["LOWER_UP", "NO-CARRIER"], .mtu, .address,
		[.addr_info[] | .local]'
	for what in -a -c -g -k -l -x "-n" "-T"; do
		on_srv ethtool "$what" "$SRV_DEV"
	done
}

settings_of_its_own() {
	on_srv ethtool -G "$SRV_DEV" rx 512 tx 1024 &&
		on_srv ethtool -C "$SRV_DEV" adaptive-rx off rx-usecs 20 &&
		on_srv ethtool -X "$SRV_DEV" weight 2 1 1 1 &&
		on_srv ethtool -N "$SRV_DEV" flow-type ether proto 0x88f7 action 1 &&
		on_srv ethtool -n "$SRV_DEV" | grep -q 'Filter: ' &&
		on_srv ethtool -K "$SRV_DEV" tso off &&
		ip -n srv link set "$SRV_DEV" mtu 1400
}

settings_back() {
	on_srv ethtool -G "$SRV_DEV" rx 256 tx 256
	on_srv ethtool -C "$SRV_DEV" adaptive-rx on
	on_srv ethtool -X "$SRV_DEV" default
	on_srv ethtool -N "$SRV_DEV" delete "$(on_srv ethtool -n "$SRV_DEV" |
		sed -n 's/^Filter: //p')"
	on_srv ethtool -K "$SRV_DEV" tso on
	ip -n srv link set "$SRV_DEV" mtu 1500
}

reload() { devlink dev reload "$dev"; }

reload_keeps_settings() {
	settings >"$tmp/before" && reload &&
		wait_until 30 has_link srv "$SRV_DEV" && settings >"$tmp/after" &&
		diff "$tmp/before" "$tmp/after"
}

reloads() {
	devlink -j -s dev show "$dev" |
		jq '.dev[].stats.reload.driver_reinit.unspecified // 0'
}

reload_under_load() {
	local before rounds=0 load

	before=$(reloads)
	while [ "$rounds" -lt 3 ]; do
		bulk "$SRV4" 1 &
		load=$!
		while kill -0 "$load" 2>/dev/null; do
			reload || return
			rounds=$((rounds + 1))
			sleep 2
		done
		wait "$load" || return
	done
	echo "$rounds reloads"
	[ "$(reloads)" = $((before + rounds)) ]
}

refuses_netns() {
	! devlink dev reload "$dev" netns srv 2>"$tmp/why" && cat "$tmp/why" &&
		grep -q 'by ip link set DEV netns' "$tmp/why"
}

reload_while_down() {
	ip -n srv link set "$SRV_DEV" down && reload &&
		ip -n srv link set "$SRV_DEV" up &&
		ip -n srv addr replace "$SRV6/64" dev "$SRV_DEV" nodad
}

check "link is up" net_up || finish
pci=$(basename "$(on_srv readlink -f "/sys/class/net/$SRV_DEV/device")")
dev=pci/$pci
head -c 3000000 /dev/urandom >"$tmp/file"
check "a file arrives" bulk_up "$tmp/file"
bulk "$SRV4" 1 || not_ok "before: the file there and back"

check "info: driver and NVM's version as ethtool has them" is_as_ethtool_says
check "info: the device's serial number" serial_is_the_devices
check "the interface has its name alone" \
	[ ! -s <(on_srv cat "/sys/class/net/$SRV_DEV/phys_port_name" 2>/dev/null) ]
for reporter in tx rx; do
	check "$reporter: healthy" healthy "$reporter"
done
check "tx: each queue is there, runs, is on a CPU of its own, and has nothing waiting" \
	diagnosed tx '.running and (.stuck | not) and .cpu == .queue and
		.descriptors == 256 and .waiting == 0 and .restarts == 0'
check "rx: each queue is there, runs, and has buffers" \
	diagnosed rx '.running and (.stuck | not) and .posted > 200'

check "settings of its own" settings_of_its_own
check "a reload keeps them" reload_keeps_settings
check "the link comes back" wait_until 30 net_answers "$SRV4"
check "a file arrives while it is reloaded" reload_under_load
check "and settings are as they were" diff "$tmp/before" <(settings)
settings_back
check "another namespace is refused, and why" refuses_netns
check "traffic goes on" net_works
check "reload while it is down" reload_while_down
check "traffic as before" wait_until 30 net_works
check "nothing was to recover" [ "$(counter srv "$SRV_DEV" 'pair[0-9]+_restarts|resets')" = 0 ]
finish
