#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --driver none --timeout 120
#
# Claim: the KUnit suites of igb_percore pass: descriptors, hash key and table,
# moderation, steering rules and what they write. They need a kernel with KUnit,
# which Debian's is not: selftests/run --kernel debug.
#
# Each case is a result here; the suites are named in the *_test.c files.
lib=$(dirname "$0")/../../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/lib/net.sh
. "$lib/net.sh"
# shellcheck source=selftests/drivers/net/igb_percore/lib.sh
. "$(dirname "$0")/lib.sh"

source=$tests/../../../../drivers/net/ethernet/igb_percore
module=$(dirname "$IGB_PERCORE")/igb_percore_kunit.ko
debugfs=/sys/kernel/debug
mountpoint -q $debugfs || mount -t debugfs none $debugfs
[ -d $debugfs/kunit ] || skip_all "the kernel has no KUnit: --kernel debug has"

mapfile -t suites < <(sed -nE 's/.*\.name = "([a-z_-]+)",/\1/p' "$source"/*_test.c)
mapfile -t cases < <(sed -nE 's/.*KUNIT_CASE\(([a-z0-9_]+)\).*/\1/p' "$source"/*_test.c)

results() { cat "$debugfs/kunit/$1/results"; }

# What KUnit says of the cases, as results of this test; what stands before a
# result is why.
report() { # SUITE
	local line reasons=''

	while IFS= read -r line; do
		case $line in
		*" not ok "[0-9]*" igbp_"*) not_ok "$1: ${line##* }" "$reasons" ;;
		*" ok "[0-9]*" igbp_"*) ok "$1: ${line##* }" ;;
		*) reasons+=$line$'\n' && continue ;;
		esac
		reasons=''
	done < <(results "$1")
}

all_ran() {
	echo "$tap_before results before, $tap_count now, ${#cases[@]} cases"
	[ $((tap_count - tap_before)) = ${#cases[@]} ] && [ ${#cases[@]} -gt 25 ]
}

check "the suites are built" [ -e "$module" ] || finish
check "they load, and run" insmod "$module" || finish
tap_before=$tap_count
for suite in "${suites[@]}"; do report "$suite"; done
check "every case in the sources has run" all_ran
check "they unload" rmmod igb_percore_kunit
finish
