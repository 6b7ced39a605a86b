#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: host --timeout 600
#
#   recorded and damaged netlink messages --> decoders of percorectl
#   command line --> percorectl --> status, stdout, stderr
#
# Claim: percorectl decodes what it should and survives the rest, under ASan,
# UBSan and valgrind; says in one line what is wrong with a command line; and
# installs its program, manual page and completion.
lib=$(dirname "$0")/../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"

dir=$(cd "$(dirname "$0")/../../tools/percorectl" && pwd)
tmp=$(mktemp -d)
defer rm -rf "$tmp"

if [ -e /proc/sys/net/percore ]; then
	skip_all "percore is loaded on this machine"
fi

# runs percorectl; leaves status, $tmp/out and $tmp/err
ctl() {
	"$dir/percorectl" "$@" >"$tmp/out" 2>"$tmp/err"
	status=$?
}

# STATUS PATTERN [ARG...]: that status, nothing on stdout, one line on stderr
fails_with() {
	local want=$1 pattern=$2

	shift 2
	ctl "$@"
	cat "$tmp/out" "$tmp/err"
	[ "$status" -eq "$want" ] && [ ! -s "$tmp/out" ] &&
		[ "$(wc -l <"$tmp/err")" -eq 1 ] &&
		grep -q "^percorectl: .*$pattern" "$tmp/err"
}

# PATTERN [ARG...]: status 0, something on stdout, nothing on stderr
prints() {
	local pattern=$1

	shift
	ctl "$@"
	cat "$tmp/out" "$tmp/err"
	[ "$status" -eq 0 ] && [ ! -s "$tmp/err" ] && grep -q "$pattern" "$tmp/out"
}

full_disk() {
	"$dir/percorectl" --help >/dev/full 2>"$tmp/err"
	[ $? -eq 1 ] && [ "$(wc -l <"$tmp/err")" -eq 1 ]
}

no_netlink() { # what is not there before the verb is known must not matter
	ctl frobnicate --json
	[ "$status" -eq 2 ]
}

installs() {
	make -C "$dir" install DESTDIR="$tmp/root" PREFIX=/usr &&
		[ -x "$tmp/root/usr/sbin/percorectl" ] &&
		[ -s "$tmp/root/usr/share/man/man8/percorectl.8" ] &&
		[ -s "$tmp/root/usr/share/bash-completion/completions/percorectl" ]
}

# LINE WANTED: what completion makes of the last word of LINE
completes() {
	# shellcheck disable=SC2034
	local COMP_WORDS COMP_CWORD COMPREPLY=()

	# shellcheck source=tools/percorectl/percorectl.bash
	. "$dir/percorectl.bash"
	read -ra COMP_WORDS <<<"$1"
	[[ $1 != *' ' ]] || COMP_WORDS+=('')
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	_percorectl
	echo "completions: ${COMPREPLY[*]}"
	[ "${COMPREPLY[*]}" = "$2" ]
}

# Every command that percorectl knows has its section in the manual page, and
# is completed.
documented() {
	local verb

	for verb in $("$dir/percorectl" --help | sed -n '/^Commands/,/^$/s/^  \([a-z]*\).*/\1/p'); do
		grep -q "^\.Ss $verb" "$dir/percorectl.8" || return
		grep -qw "$verb" "$dir/percorectl.bash" || return
		echo "$verb"
	done | grep -q status
}

# The table in nic.c against the one in the driver.
same_devices() {
	grep -oE '0x[0-9a-f]{4}\) }' "$dir/../../drivers/net/ethernet/igb_percore/pci.c" |
		cut -c 3-6 | sort >"$tmp/driver"
	grep -oE '"8086:[0-9a-f]{4}"' "$dir/nic.c" | cut -c 7-10 | sort | tee "$tmp/tool"
	[ -s "$tmp/tool" ] && diff "$tmp/driver" "$tmp/tool"
}

check "percorectl builds" make -C "$dir" || finish
check "unit test under ASan and UBSan" make -C "$dir" check
if command -v valgrind >/dev/null; then
	check "unit test under valgrind" make -C "$dir" check-valgrind
else
	skip "unit test under valgrind" "not installed"
fi

for verb in status listeners ports; do
	check "$verb without the module: one line, status 3" \
		fails_with 3 "not loaded" $verb
	check "--json $verb without the module: the same" \
		fails_with 3 "not loaded" --json $verb
	check "$verb --json without the module: the same" \
		fails_with 3 "not loaded" $verb --json
	check "$verb with an argument: one line, status 2" \
		fails_with 2 "unexpected argument 'eth0'" $verb eth0
done
for verb in plan apply revert; do
	check "$verb without the module: one line, status 3" \
		fails_with 3 "not loaded" $verb eth0
	check "$verb without a device: one line, status 2" \
		fails_with 2 "a device is needed" $verb --json
	check "$verb with two devices: one line, status 2" \
		fails_with 2 "unexpected argument 'eth1'" $verb eth0 eth1
done
for args in "" 0.1 3600; do
	# shellcheck disable=SC2086
	check "top $args without the module: one line, status 3" \
		fails_with 3 "not loaded" top $args
done
for value in 0 0.09 3600.1 -1 1x x nan inf 1e99 ""; do
	check "top '$value': one line, status 2" \
		fails_with 2 "top takes 0.1 to 3600 seconds, not '$value'" top -- "$value"
done
check "top with two arguments: one line, status 2" \
	fails_with 2 "unexpected argument '2'" top 1 2
for args in "on 80" "off 65535" "default 1"; do
	# shellcheck disable=SC2086
	check "shard $args without the module: one line, status 3" \
		fails_with 3 "not loaded" shard $args
done
check "shard without a port: one line, status 2" \
	fails_with 2 "a wish and a port are needed" shard on
check "shard with two ports: one line, status 2" \
	fails_with 2 "unexpected argument '81'" shard on 80 81
check "shard with another wish: one line, status 2" \
	fails_with 2 "'maybe' is not one of on, off, default" shard maybe 80
for port in 0 65536 -1 80x 99999999999999999999 ''; do
	check "shard on '$port': one line, status 2" \
		fails_with 2 "'$port' is not a port" -- shard on "$port"
done
for verb in bind release; do
	check "$verb without a device: one line, status 2" fails_with 2 "a device is needed" $verb
	check "$verb of what is no NIC: one line, status 1" \
		fails_with 1 "lo is not a PCI device" $verb lo
	check "$verb of what is not there: one line, status 1" \
		fails_with 1 "no interface 'nope'" $verb nope --json
	for value in 0 -1 3601 1x '' ' 1' 99999999999999999999; do
		check "$verb --timeout '$value': one line, status 2" \
			fails_with 2 "takes 1 to 3600 seconds, not '$value'" $verb lo --timeout "$value"
	done
	for value in '' x 1.2.3 1.2.3.4.5 1.2.3.4%lo fe80::1 2001:db8::1%lo fe80::1% ::g \
		"$(head -c 9000 /dev/zero | tr '\0' 1)" $'1\n2'; do
		check "$verb --peer $(printf %q "${value:0:20}"): one line, status 2" \
			fails_with 2 "no IP address" $verb lo --peer "$value"
	done
	check "$verb --peer without a value: one line, status 2" \
		fails_with 2 "no value for '--peer'" $verb lo --peer
done
check "--peer nine times: one line, status 2" fails_with 2 "more than 8 peers" \
	bind lo --peer ::1 --peer ::1 --peer ::1 --peer ::1 --peer ::1 --peer ::1 \
	--peer ::1 --peer ::1 --peer ::1
check "--peer is not for status: one line, status 2" \
	fails_with 2 "unknown option '--peer'" status --peer ::1
check "percorectl knows the devices that igb_percore knows" same_devices
check "no command: one line, status 2" fails_with 2 "no command"
check "only --json: one line, status 2" fails_with 2 "no command" --json
check "unknown command: one line, status 2" fails_with 2 "'frobnicate'" frobnicate
check "empty command: one line, status 2" fails_with 2 "unknown command" ''
check "unknown option: one line, status 2" fails_with 2 "'--yaml'" --yaml status
check "unknown option after the verb: the same" fails_with 2 "'-x'" status -x
check "a lone dash: one line, status 2" fails_with 2 "unknown command" -
check "-- ends the options" fails_with 2 "unknown command '--json'" -- --json
check "control characters: one line, status 2" \
	fails_with 2 "unknown command" $'a\nb\033[2J'
check "an argument of 100 kB: one line, status 2" \
	fails_with 2 "unknown command" "$(head -c 100000 /dev/zero | tr '\0' x)"
check "an unknown command is wrong usage without the module too" no_netlink
check "--help" prints "^Usage: percorectl" --help
check "status --help" prints "^Usage: percorectl" status --help
check "--version" prints "^percorectl [0-9]" --version
check "a full disk is noticed" full_disk

check "make install DESTDIR= PREFIX=" installs
check "every command is documented and completed" documented
check "completion of a command" completes "percorectl li" listeners
check "completion of all commands" completes "percorectl --json " "status listeners shard ports plan apply revert bind release tsq top monitor"
check "completion of an option" completes "percorectl status --j" --json
check "nothing to complete after a command" completes "percorectl status " ""
check "completion of a device" completes "percorectl plan l" lo
check "completion of a device to move" completes "percorectl bind --peer ::1 l" lo
check "completion of options of bind" completes "percorectl bind --ti" --timeout
check "nothing to complete for an address" completes "percorectl bind --peer " ""
check "nothing to complete after a device" completes "percorectl plan lo " ""
if command -v mandoc >/dev/null; then
	check "mandoc finds nothing" mandoc -Tlint -Wwarning "$dir/percorectl.8"
else
	skip "mandoc finds nothing" "not installed"
fi
finish
