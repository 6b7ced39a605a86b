#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --long --cpus 4 --nics 2 --driver igb --percore --timeout 300
# here: no, it steers every NIC of the machine
#
#   eth0, eth1: the stock driver, which knows nothing of percore
#
# Claim: that of steer.sh, with nothing but what any driver has.
lib=$(dirname "$0")/../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/net/percore/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/net/percore/steer.lib.sh
. "$(dirname "$0")/steer.lib.sh"

need_root
need_module
[ -n "$PERCORECTL" ] || skip_all "no percorectl"
tmp=$(mktemp -d)
defer rm -rf "$tmp"

ip link set "$SRV_DEV" up
ip link set "$CLI_DEV" up
check "the interrupts of all queues are known" wait_until 20 \
	json '[.[] | .queues[] | .irq] | map(select(. > 0)) | length' 8 ctl ports --json
steer_tests "$SRV_DEV" "$CLI_DEV"
channel_tests "$SRV_DEV"
finish
