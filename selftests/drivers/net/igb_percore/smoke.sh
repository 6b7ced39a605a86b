#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --driver igb_percore --timeout 120
# here: igb_percore
#
#   srv: eth0 (igb_percore) ==== cli: eth1 (igb_percore)
#
# Claim: igb_percore brings its link up and carries packets both ways intact.
lib=$(dirname "$0")/../../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/lib/smoke.sh
. "$lib/smoke.sh"

nic_smoke igb_percore
finish
