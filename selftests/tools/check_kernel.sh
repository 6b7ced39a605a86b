#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: host --timeout 120
#
#   what tests wrote --> results.py --> cases --> table, exit status
#   VMs that are none ---> check-kernel --^
#
# Claim: make check-kernel reads what the kernel's selftests say; ends with 1 if
# a case passes on stock and not on ours, be it failed, skipped, slow or never
# heard of; gives it another try, and says so; goes on if a test takes its VM
# down; and refuses wrong arguments.
lib=$(dirname "$0")/../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
tool=$top/tools/check-kernel
dir=$(mktemp -d)
defer rm -rf "$dir"

# STATUS OUTPUT CASE...: the cases, as "name=status"
reads() {
	local status=$1 output=$2

	shift 2
	printf '%b' "$output" | PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$tool \
		/usr/bin/python3 -c '
import sys
import results

status = int(sys.argv[1]) if sys.argv[1].isdigit() else sys.argv[1]
found = [f"{case.name}={case.status}"
         for case in results.parse(sys.stdin.read(), status)]
print(found, sys.argv[2:])
sys.exit(found != sys.argv[2:])' "$status" "$@"
}

ends() { # STATUS SCENARIO [ARG...]
	rm -f "$dir"/table.*
	goes_on "$@"
}

goes_on() { # STATUS SCENARIO [ARG...]: after what ran before
	local want=$1 status=0

	shift
	/usr/bin/python3 "$here/check_kernel.py" "$dir" "$tool/check-kernel" "$@" \
		>"$dir/said" 2>&1 || status=$?
	cat "$dir/said"
	[ "$status" = "$want" ] && ! grep -q Traceback "$dir/said"
}

row() { tee /dev/stderr <"$dir/table.rst" | grep -qE "$1"; }

lacks() { # WORDS
	! tee /dev/stderr <"$dir/table.rst" | grep -qe "$1"
}

refuses() { # WHAT ARG...
	local what=$1 status=0

	shift
	"$tool/check-kernel" "$@" >"$dir/said" 2>&1 || status=$?
	cat "$dir/said"
	[ "$status" = 2 ] && grep -qF -- "$what" "$dir/said"
}

# ---- what tests say ----

check "KTAP: passed, failed, skipped, not to be had" reads 1 \
	'1..4\nok 1 a.b\nnot ok 2 c\nok 3 d # SKIP no\nok 4 - e # XFAIL no\n' \
	a.b=pass c=fail d=skip e=xfail
check "what the shell's tests say" reads 1 \
	'TEST: ping with speed 10   [ OK ]\nTEST: other   [FAIL]\n\\treason\nTEST: x [XFAIL]\n' \
	"ping with speed 10=pass" other=fail x=xfail
check "a test without cases: its status" reads 0 'all well\n' =pass
check "its status again" reads 3 'not well\n' =fail
check "its status, skipped" reads 4 'SKIP: no such tool\n' =skip
check "a plan of nothing is skipped" reads 0 '1..0 # SKIP no\n' =skip
check "one that says SKIP as a test that is OK" reads 4 \
	'TEST: SKIP: dev eth0 has no loopback  [ OK ]\n' =skip
check "out of time: what it said, and the rest" reads "time" 'ok 1 a\n' a=pass "(the rest)=timeout"
check "out of time without a word" reads "time" '' =timeout
check "a status that no case explains" reads 1 'ok 1 a\n' a=pass "(exit status)=fail"
check "names of namespaces do not differ from run to run" reads 0 \
	'ok 1 ping ns1-Ab3dEf works\n' "ping ns1 works=pass"
check "equal names are kept apart" reads 0 'ok 1 a\nok 2 a\n' a=pass "a (2)=pass"
check "colours are no part of it" reads 0 'TEST: a  [ \033[0;32mOK\033[0m ]\n' a=pass

# ---- what follows from it ----

check "no difference: status 0" ends 0 good
# Of a table, in which `` is not the shell's.
# shellcheck disable=SC2016

check "both rows" row '^``drivers/net/ping.py: two`` +pass +pass +1'
check "a gain: status 0" ends 0 gain
check "it stands out" row 'two`` +skip +\*\*pass\*\* +1 +no such thing'
check "what neither passes is no regression" ends 0 neither
check "but it is in the table" row 'two`` +fail +fail +1 +Check failed'
check "a regression: status 1, after two more tries" ends 1 worse
check "it stands out too" row 'two`` +pass +\*\*fail\*\*'
check "as many tries as are asked for" ends 1 once --retries 0
check "skipped on ours: status 1" ends 1 skipped
check "out of time on ours: status 1" ends 1 slow
check "a case that ours does not know: status 1" ends 1 fewer
check "that passes at the second try: status 0" ends 0 late
check "the table says so" row 'two`` +pass +pass +1 +at try 2'
check "stock gets as many: no gain by chance" ends 0 luck
check "the table says that too" row 'two`` +pass +pass +1 +at try 2'
check "stock is too slow for its second case: no gain either" ends 0 slow-stock
check "nothing is left of that" row 'two`` +pass +pass +1 +at try 2'
check "not the time that was over" lacks "(the rest)"
check "a gain that lasts" ends 0 real-gain
check "it is one" row 'two`` +fail +\*\*pass\*\* +1 +Check failed'
check "a test takes its VM down: the next one runs" ends 1 dies
check "it did" row 'stats.py: two`` +pass +pass'
check "the emulator fails: once more, status 0" ends 0 emulator
check "no VM: status 1" ends 1 no-vm
check "the kernel complains: status 1" ends 1 complains
check "the table says of what" row "kernel's log\)\`\` +pass +\*\*fail\*\* +1 +WARNING: at x"
check "the kernel complains at the end: status 1" ends 1 complains-later

# ---- a table from runs of parts ----

check "a first part" ends 0 good
check "a second one is added" goes_on 0 more --add --kernel debug
check "the first one is still there" row 'ping.py: two`` +pass +pass +1$'
check "the second one too, and of which run it is" row 'stats.py: two`` +pass +pass +2$'
check "both runs are told: the first" row '^1\. .*kernel debian-6.12,'
check "and the second" row '^2\. .*kernel debug,'
check "ours runs again, stock does not" goes_on 0 ours-only --add --side ours --kernel debug
check "the table says that, too" row 'ping.py: two`` +pass +pass +1/2$'
check "what ran is not said not to have" lacks "Not run this time.*ping.py"
check "what did not run is" row "Not run this time.*drivers/net/queues.py"
check "without --add, nothing of it is left" goes_on 0 more
check "nothing" lacks "ping.py: two"

# ---- refusals ----

check "an unknown test" refuses "no such test" nonsense
check "an unknown part" refuses "nonsense" --part nonsense
check "an unknown kernel" refuses "nonsense" --kernel nonsense
check "too many tries, and the limit is named" refuses "from 0 to 9" --retries 10
check "an unknown option" refuses "--nonsense" --nonsense
check "a file that is not there" refuses "nowhere" --show "$dir/nowhere"
finish
