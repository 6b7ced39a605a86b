#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --own --cpus 4 --nics 2 --driver igb_percore --percore --timeout 600
# here: any
#
#   netns A, listen_shard 0             netns B, listen_shard 1
#   lo: client on CPU 0, 1, 2, 3        lo: client on CPU 0, 1, 2, 3
#       |                                   |  |  |  |
#       listener (stock)                    listener (one queue per core)
#       |                                   |
#       what an application sees  <-- = --> what an application sees
#
# Claim: an application cannot tell a sharded listener from a stock one. Each
# case of the program parity runs in a fresh namespace of either kind and prints
# what it observed; the output has to be the same, line by line. A case that
# says so must really have had a sharded listener, with SYNs on several cores.
#
# usage: parity.sh [--stock] [CASE...]
#   --stock   both times on the stock kernel: are the cases deterministic?
#   CASE      names of cases, or shell patterns of them
lib=$(dirname "$0")/../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/net/percore/lib.sh
. "$(dirname "$0")/lib.sh"

stock=
[ "${1:-}" != --stock ] || {
	stock=1
	shift
}
[ "$(id -u)" = 0 ] || skip_all "root is needed"
need_programs
[ -n "$stock" ] || need_module

tmp=$(mktemp -d)
defer rm -rf "$tmp"
cd "$here" || exit 1

is_wanted() { # CASE PATTERN...
	local name=$1 pattern

	shift
	[ $# -gt 0 ] || return 0
	for pattern; do
		# shellcheck disable=SC2053
		[[ $name = $pattern ]] && return 0
	done
	return 1
}

run_case() { # CASE RUN
	local shard=()

	[ -n "$stock" ] || shard=(-s "$2")
	timeout -k 5 90 ./parity run -n "${shard[@]}" "$1" \
		>"$tmp/$2" 2>"$tmp/$2.err"
}

compare() { # CASE CLAIM
	local status0 status1

	run_case "$1" 0
	status0=$?
	run_case "$1" 1
	status1=$?
	if ! cmp -s "$tmp/0" "$tmp/1"; then
		not_ok "$1: $2" "$(diff -U 1 --label listen_shard=0 \
			--label listen_shard=1 "$tmp/0" "$tmp/1" | head -n 40)"
	elif [ $status0 = 4 ] && [ $status1 = 4 ]; then
		skip "$1: $2" "$(sed -n 's/^SKIP //p' "$tmp/0")"
	elif [ $status0 != 0 ] || [ $status1 != 0 ]; then
		not_ok "$1: $2" "status $status0 and $status1: $(tail -n 5 \
			"$tmp/0" "$tmp/0.err" "$tmp/1.err")"
	else
		ok "$1: $2"
	fi
}

while read -r name _ claim; do
	is_wanted "$name" "$@" && compare "$name" "$claim"
done < <(./parity list)
finish
