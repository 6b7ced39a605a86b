#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: --cpus 4 --nics 2 --driver igb_percore --percore --timeout 600
# here: any
#
#   init_net: net.percore.*  --copied when it is made--> netns A, netns B
#
# Claim: a wrong value of net.percore.* is refused with EINVAL and changes
# nothing; a new namespace starts with the values of init_net and then goes its
# own way; only the namespace's root may write; and percorectl says in one line
# what is wrong with its arguments, or that there is no module.
lib=$(dirname "$0")/../../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"
# shellcheck source=selftests/net/percore/lib.sh
. "$(dirname "$0")/lib.sh"

need_root
need_module

tmp=$(mktemp -d)
shard=$(knob listen_shard)
steal=$(knob listen_steal_us)

put_back() {
	[ -e "$knobs" ] || insmod "$MODULE"
	knob listen_shard "$shard"
	knob listen_steal_us "$steal"
	ip netns del percore-a 2>/dev/null
	ip netns del percore-b 2>/dev/null
	rm -rf "$tmp"
}
defer put_back

in_a() { ip netns exec percore-a "$@"; }
in_b() { ip netns exec percore-b "$@"; }

# Writes VALUE to the file; EINVAL, and all knobs are as they were.
refuses() { # FILE VALUE
	local before after

	before=$(cat "$knobs"/*)
	# shellcheck disable=SC2016
	LC_ALL=C bash -c 'printf "%s" "$2" >"$1"' - "$1" "$2" 2>"$tmp/err" &&
		echo "$2 was taken" && return 1
	after=$(cat "$knobs"/*)
	cat "$tmp/err"
	grep -q 'Invalid argument' "$tmp/err" && [ "$before" = "$after" ]
}

takes() { # FILE VALUE
	echo "$2" >"$1" && [ "$(cat "$1")" = "$2" ]
}

## values

for word in 2 -1 255 256 257 4294967296 99999999999999999999 x 1x 0.5 "one" "1,1"; do
	check "listen_shard refuses $word" refuses $knobs/listen_shard "$word"
done
for word in 0 1 99 -1 -5000 1000001 4294967295 4294968296 99999999999999999999 \
	x 500x 1e4 0.5; do
	check "listen_steal_us refuses $word" refuses $knobs/listen_steal_us "$word"
done
for name in "$knobs"/*; do
	check "${name##*/} refuses what is no number" refuses "$name" "abc"
done
for word in 0 1; do
	check "listen_shard takes $word" takes $knobs/listen_shard $word
done
for word in 100 5000 1000000; do
	check "listen_steal_us takes $word" takes $knobs/listen_steal_us $word
done
check "sysctl(8) knows the names" sysctl -n net.percore.listen_shard \
	net.percore.listen_steal_us

## namespaces

has() { # SHARD STEAL_US COMMAND...
	local want="$1 $2" got

	shift 2
	got=$("$@" cat "$knobs/listen_shard" "$knobs/listen_steal_us" | xargs)
	echo "want $want, got $got"
	[ "$got" = "$want" ]
}

knob listen_shard 0
knob listen_steal_us 7777
check "a namespace is made" ip netns add percore-a
check "it starts with init_net's values" has 0 7777 in_a
knob listen_shard 1
knob listen_steal_us 8888
check "it keeps them when init_net's change" has 0 7777 in_a
check "a later one starts with the later ones" ip netns add percore-b
check "as it shows" has 1 8888 in_b
# shellcheck disable=SC2016
in_a sh -c 'echo 1 >$0/listen_shard; echo 999 >$0/listen_steal_us' $knobs
check "a namespace changes its own" has 1 999 in_a
check "and not init_net's" has 1 8888 env
check "nor another one's" has 1 8888 in_b
# shellcheck disable=SC2016
check "a wrong value is refused there too" bash -c \
	'! ip netns exec percore-a sh -c "echo 7 >$0/listen_shard" 2>/dev/null' $knobs
check "and changes nothing" has 1 999 in_a

## who may write

as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }

nobody_may_not() {
	# shellcheck disable=SC2016
	! as_nobody bash -c 'echo 0 >$0/listen_shard' "$knobs" 2>/dev/null &&
		as_nobody cat "$knobs/listen_shard"
}
check "others may read but not write" nobody_may_not

## percorectl

if [ -x "${PERCORECTL:-}" ]; then
	# STATUS ARG...: that exit status, one line on stderr, none on stdout
	one_line() {
		local want=$1 status

		shift
		"$PERCORECTL" "$@" >"$tmp/out" 2>"$tmp/err"
		status=$?
		cat "$tmp/out" "$tmp/err"
		[ "$status" = "$want" ] && [ ! -s "$tmp/out" ] &&
			[ "$(wc -l <"$tmp/err")" = 1 ]
	}

	check "percorectl status" "$PERCORECTL" status
	check "percorectl listeners --json" "$PERCORECTL" listeners --json
	check "percorectl without a command" one_line 2
	check "percorectl with an unknown command" one_line 2 nosuch
	check "percorectl with an unknown option" one_line 2 status --nosuch
	check "percorectl with an argument too many" one_line 2 listeners more
	if [ -n "${PERCORE_HERE:-}" ]; then
		skip "percorectl without the module" "on this machine it stays"
	elif [ -e "$MODULE" ]; then
		check "rmmod" rmmod percore
		check "no knobs without the module" test ! -e $knobs
		for verb in status listeners ports "listeners --json"; do
			# shellcheck disable=SC2086
			check "percorectl $verb without the module" one_line 3 $verb
		done
		check "insmod" insmod "$MODULE"
		check "the knobs are back, with their defaults" has 1 5000 env
		check "in a namespace that was there before too" has 1 5000 in_a
	else
		skip "percorectl without the module" "no percore.ko to insert again"
	fi
else
	skip "percorectl" "it cannot be built here"
fi
finish
