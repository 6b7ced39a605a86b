# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154
# What happens to eth0 of srv from outside, and traffic through it; after lib.sh
# and lib/vm.sh.
#
#   reset                   function-level reset; sysfs of the device is in pci
#   start_talk, end_talk    talk.py to srv, which goes on, and every byte came
#   drop_talk               ends it, whatever came
#   link_goes_and_comes     by QEMU

reset() { echo 1 >"$pci/reset"; }

no_link() { ! has_link srv "$SRV_DEV"; }

link_goes_and_comes() {
	monitor "set_link nic0 off" && wait_until 20 no_link && monitor "set_link nic0 on"
}

start_talk() {
	ip netns exec cli python3 "$tests/talk.py" talk "$SRV4" >"$tmp/talk" 2>&1 &
	talk=$!
	wait_until 30 goes_on
}

packets() { on_srv cat "/sys/class/net/$SRV_DEV/statistics/rx_packets"; }

goes_on() {
	local before

	before=$(packets) && sleep 0.5 && [ "$(packets)" -gt $((before + 4)) ]
}

end_talk() {
	wait_until 30 goes_on && kill -TERM "$talk" && wait "$talk" && return
	cat "$tmp/talk"
	return 1
}

drop_talk() {
	kill -KILL "$talk"
	wait "$talk" 2>/dev/null
}
