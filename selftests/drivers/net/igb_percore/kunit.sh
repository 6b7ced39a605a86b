#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --driver none --timeout 120
#
# Claim: the KUnit suites of igb_percore pass: descriptors, those that no device
# should write, hash key and table, moderation, steering rules and what they
# write, the clock, timestamps. They need a kernel with KUnit, which Debian's is
# not: selftests/run --kernel debug.
lib=$(dirname "$0")/../../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/kunit.sh
. "$lib/kunit.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/drivers/net/igb_percore/lib.sh
. "$(dirname "$0")/lib.sh"

need_kunit
kunit "$tests/../../../../drivers/net/ethernet/igb_percore" \
	"$(dirname "$IGB_PERCORE")/igb_percore_kunit.ko" 71
finish
