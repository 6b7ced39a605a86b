#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: host --long --timeout 600
#
#   known.ko, in a VM --plugin--> samples --samples.py--> figures == known
#   bench, one small scenario --> bench.json == bench.html
#
# Claim: the benchmark counts what happens, and that only on the CPUs it is told
# to; its page shows the figures of its JSON and needs nothing else; it refuses
# what it does not know, and interrupted, leaves nothing behind.
lib=$(dirname "$0")/../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
bench=$top/tools/bench/bench
headers=$(printf '%s\n' /usr/src/linux-headers-6.12*-amd64 | sort -V | tail -n 1)
dir=$(mktemp -d)
defer rm -rf "$dir"

[ "$(id -u)" = 0 ] || skip_all "root is needed"
[ "${KERNEL:-debian-6.12}" = debian-6.12 ] || skip_all "only on the Debian kernel"

# ---- counters ----

build_known() {
	mkdir "$dir/known"
	cp "$here/known.c" "$top/tools/bench/mark.h" "$dir/known/"
	echo 'obj-m := known.o' >"$dir/known/Kbuild"
	make -C "$headers" M="$dir/known" modules
}

run_known() {
	cp "$top/tools/bench/count.so" "$dir/known/"
	# shellcheck disable=SC2016
	"$top/tools/vmbox/vmbox" --cpus 3 --icount --driver none \
		--append "nokaslr" --share "$dir/known" \
		--qemu "-plugin $dir/known/count.so,dir=$dir/known,cpus=2,lines=on" \
		-- bash -c 'insmod $VMBOX_SHARE/known.ko && cat /proc/kallsyms >$VMBOX_SHARE/symbols'
}

# A tick of the timer may fall into a sample, so a little more is let pass: into the
# first two only that of the other CPU.
counted() { # SAMPLE FIGURE LOW HIGH
	"$top/tools/bench/samples.py" "$dir/known/symbols" "$dir/known/sample.$1" |
		awk -v name="$2" -v low="$3" -v high="$4" '
			{ print }
			index($0, name "  ") == 1 { value = $NF; found = 1 }
			END { exit !(found && value >= low && value <= high) }'
}

check "the module that does known things builds" build_known || finish
check "it runs under the plugin" run_known || finish
check "a loop of 200000 instructions" counted 0 instructions 200000 206000
check "it has no iterations of rep" counted 0 "rep iterations" 0 100
check "it moves no cache lines" counted 0 "cache-line moves" 0 30
check "50000 iterations of rep stos" counted 1 "rep iterations" 50000 50300
check "they are no instructions" counted 1 instructions 0 6000
check "300 reads of a device" counted 2 "MMIO reads" 300 300
check "200 writes to a device" counted 2 "MMIO writes" 200 200
check "60 interrupts of a device" counted 3 "hard interrupts" 60 60
check "500 slab allocations" counted 4 "slab allocations" 500 503
check "100 page allocations, and those for slabs" counted 4 "page allocations" 100 120
check "70 DMA maps" counted 4 "DMA maps" 70 70
check "reads of memory are none of a device" counted 4 "MMIO reads" 0 0
check "2000 context switches between two threads" counted 5 "context switches" 2000 2020
check "no remote wake-ups on one CPU" counted 5 "remote wake-ups" 0 10
check "2000 wake-ups between two CPUs" counted 6 "wake-ups" 2000 2020
check "all of them remote" counted 6 "remote wake-ups" 1980 2020
check "as many interrupts between CPUs" counted 6 "interrupts between CPUs" 1980 2020
check "4000 context switches, from idle and to idle" counted 6 "context switches" 3980 4020
check "a line that changes hands 2000 times moves twice for each" \
	counted 7 "cache-line moves" 3980 4060
check "what other CPUs do is not counted" counted 8 instructions 0 20000

# ---- report ----

small=(--scenarios crr --configs "stock,both" --cpus 1 --rounds 1 --scale 0.1 --no-repeat)

run_small() {
	"$bench" "${small[@]}" --out "$dir/out" >"$dir/tables"
}

agree() {
	/usr/bin/python3 - "$dir/out" "$dir/tables" "$top/tools/bench" <<-'END'
	import html, json, re, statistics, sys

	sys.path.insert(0, sys.argv[3])
	sys.dont_write_bytecode = True
	from bench_report import form

	data = json.load(open(sys.argv[1] + "/bench.json"))
	page = open(sys.argv[1] + "/bench.html").read()
	tables = open(sys.argv[2]).read()
	rows = {html.unescape(name): re.findall(r"<td[^>]*>([\d.,]+)[ <]", rest)
	        for name, rest in
	        re.findall(r'<tr><td title="[^"]*">([^<]+)</td>(.*)</tr>', page)}
	compared = 0
	for figure in data["figures"]:
	    means = [form(statistics.mean(
	        entry["figures"][figure] for entry in data["samples"]
	        if entry["config"] == config)) for config in ("stock", "both")]
	    if figure in rows:
	        assert rows[figure][:2] == means, (figure, rows[figure], means)
	        compared += 1
	    else:
	        assert set(means) == {form(0)}, (figure, means)
	assert compared >= 8, compared
	cost = rows["instructions"][0]
	assert re.search(rf"instructions +{cost} ", tables), tables
	for text in (data["facts"]["commit"], data["facts"]["command"],
	             data["machine"]["kernel"], data["facts"]["qemu"]):
	    assert html.escape(text) in page, text
	assert not re.search(r"<(script|link|img|iframe)|src=|@import|url\(http", page)
	END
}

check "one small scenario is measured" run_small || finish
check "page, tables and JSON agree, and the page needs nothing else" agree

# ---- refusals, and an end before the end ----

refuses() { # WHAT ARG...
	local what=$1 status=0

	shift
	"$bench" "$@" >"$dir/said" 2>&1 || status=$?
	[ "$status" = 2 ] && grep -qF -- "$what" "$dir/said" || {
		cat "$dir/said"
		return 1
	}
}

explains() { "$bench" --help | grep -q -- --quick && "$bench" --list | grep -q conns-excl; }

has_vm() { pgrep -f "^qemu.*$dir/tmp/bench" >/dev/null; }
stopped() { ! pgrep -f "$dir/tmp/" >/dev/null; }
wait_for() { # SECONDS COMMAND...
	local end=$((SECONDS + $1))

	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.2
	done
}

interrupted() { # SIGNAL
	local pid status=0

	mkdir -p "$dir/tmp"
	TMPDIR=$dir/tmp "$bench" "${small[@]}" --out "$dir/none" 2>/dev/null &
	pid=$!
	wait_for 60 has_vm || return 1
	kill -"$1" "$pid"
	wait "$pid" || status=$?
	[ "$status" = $((128 + $(kill -l "$1"))) ] || { echo "status $status"; return 1; }
	wait_for 10 stopped || { echo "still running:"; pgrep -af "$dir/tmp/"; return 1; }
	[ -z "$(ls -A "$dir/tmp")" ] || { ls -R "$dir/tmp"; return 1; }
	[ ! -e "$dir/none" ]
}

check "--help and --list explain" explains
check "an unknown scenario is refused" refuses "nonsense" --scenarios nonsense
check "an unknown configuration is refused" refuses "nonsense" --configs stock,nonsense
check "nine CPUs are refused, and the limit is named" refuses "at most 8" --cpus 9
check "no rounds are refused" refuses "from 1 to 99" --rounds 0
check "an unknown option is refused" refuses "--nonsense" --nonsense
check "interrupted, it leaves nothing behind" interrupted INT
check "told to end, it leaves nothing behind" interrupted TERM
finish
