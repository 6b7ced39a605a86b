# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Each case of a module's KUnit suites as a result; after tap.sh.
#
#   need_kunit                     or skip all: Debian's kernel has none
#   kunit SOURCES MODULE LEAST     loads MODULE, whose suites are in the files
#                                  *_test.c of SOURCES, at least LEAST cases
kunit_debugfs=/sys/kernel/debug

need_kunit() {
	mountpoint -q $kunit_debugfs || mount -t debugfs none $kunit_debugfs
	[ -d $kunit_debugfs/kunit ] ||
		skip_all "the kernel has no KUnit: --kernel debug has"
}

# What stands before a result is why.
kunit_report() { # SUITE
	local line reasons=''

	while IFS= read -r line; do
		if [[ $line =~ ^\ +(ok|not\ ok)\ [0-9]+\ ([a-z0-9_]+_test_[a-z0-9_]+) ]]; then
			if [ "${BASH_REMATCH[1]}" = ok ]; then
				ok "$1: ${BASH_REMATCH[2]}"
			else
				not_ok "$1: ${BASH_REMATCH[2]}" "$reasons"
			fi
			reasons=''
		else
			reasons+=$line$'\n'
		fi
	done <"$kunit_debugfs/kunit/$1/results"
}

kunit_all_ran() { # BEFORE WANTED LEAST
	echo "$1 results before, $tap_count now, $2 cases"
	[ $((tap_count - $1)) = "$2" ] && [ "$2" -ge "$3" ]
}

kunit() {
	local suites cases suite before

	mapfile -t suites < <(sed -nE 's/.*\.name = "([a-z_-]+)",/\1/p' "$1"/*_test.c)
	mapfile -t cases < <(sed -nE 's/.*KUNIT_CASE\(([a-z0-9_]+)\).*/\1/p' "$1"/*_test.c)
	check "the suites are built" [ -e "$2" ] || finish
	check "they load, and run" insmod "$2" || finish
	before=$tap_count
	for suite in "${suites[@]}"; do kunit_report "$suite"; done
	check "every case in the sources has run" \
		kunit_all_ran "$before" "${#cases[@]}" "$3"
	check "they unload" rmmod "$(basename "$2" .ko)"
}
