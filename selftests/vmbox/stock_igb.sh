#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --driver igb --timeout 120
#
#   srv: eth0 (igb) ==== cli: eth1 (igb)
#
# Claim: the VM's wire works with the stock driver, so that a failure with
# ours is ours.
lib=$(dirname "$0")/../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/lib/smoke.sh
. "$lib/smoke.sh"

nic_smoke igb
finish
