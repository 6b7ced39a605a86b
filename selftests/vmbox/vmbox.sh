#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: host --long --timeout 600
#
# Claim: vmbox passes on what the command says and how it ends, and fails if
# the guest's kernel complains, dies or hangs, whatever the command says. If the
# emulator fails instead, vmbox says so, and the runner runs the test once more.
lib=$(dirname "$0")/../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"

top=$(cd "$(dirname "$0")/../.." && pwd)
dir=$(mktemp -d)
defer rm -rf "$dir"

# Sets status; leaves stdout in $dir/out, stderr in $dir/err.
box() {
	"$top/tools/vmbox/vmbox" --nics 0 --driver none "$@" >"$dir/out" 2>"$dir/err"
	status=$?
}

ended() { # STATUS
	[ "$status" = "$1" ] && return
	echo "vmbox ended with $status instead of $1"
	cat "$dir/err"
	return 1
}

says() { grep -qE -- "$1" "$dir/err" || { cat "$dir/err" && false; }; }
prints() { [ "$(<"$dir/out")" = "$1" ] || { cat "$dir/out" && false; }; }
one_line() { [ "$(wc -l <"$dir/err")" = 1 ]; }

mkdir "$dir/share"
cd "$top/selftests" || exit 1
# shellcheck disable=SC2016
box --share "$dir/share" -- bash -c 'echo out; echo err >&2; echo dev >/dev/stderr; pwd
	echo "args: $1|$2"; echo kept >$VMBOX_SHARE/file; sleep 1000 & exit 3' - 'a b' '$c"'
check "the exit status is passed on" ended 3
check "the output is passed on, and nothing else" \
	prints $'out\nerr\ndev\n'"$top/selftests"$'\nargs: a b|$c"'
check "a file in the share appears on the host" grep -qx kept "$dir/share/file"

box -- bash -c 'echo "<4>WARNING: planted" >/dev/kmsg; dmesg --clear'
check "a WARNING fails a command that succeeded" ended 99
check "the offending line is shown" says 'WARNING: planted'

# One CPU: a panic stops the others first, and prints then, if it comes to that.
box --cpus 1 --keep-log "$dir/log" -- bash -c 'echo c >/proc/sysrq-trigger'
check "a panic fails" ended 99
check "the panic is shown" says 'Kernel panic'
check "the log is kept" grep -q 'Kernel panic' "$dir/log"

box -- bash -c 'echo o >/proc/sysrq-trigger; sleep 100'
check "a VM that dies without a status fails" ended 98

box --timeout 12 -- sleep 1000
check "a VM that hangs is killed and fails" ended 124

# A QEMU that dies N times, each time before its guest has begun
mkdir "$dir/bin"
cat >"$dir/bin/qemu-system-x86_64" <<EOF
#!/bin/bash
echo x >>$dir/deaths
[ \$(wc -l <$dir/deaths) -gt \$DEATHS ] || kill -ABRT \$\$
exec $(command -v qemu-system-x86_64) "\$@"
EOF
chmod +x "$dir/bin/qemu-system-x86_64"

rm -f "$dir/deaths"
DEATHS=2 PATH=$dir/bin:$PATH box -- echo "done"
check "QEMU's own death is no result" ended 0
check "and it is said" says 'QEMU ended by signal 6 before the guest began'
check "the command ran once" prints "done"
rm -f "$dir/deaths"
DEATHS=9 PATH=$dir/bin:$PATH box -- echo "done"
check "unless it dies every time" ended 96

oops='<1>Oops: int3: 0000 [#1] PREEMPT SMP'
box -- bash -c "echo '$oops' >/dev/kmsg; echo '<1>Code: 0f 1f 44 <00> 00' >/dev/kmsg"
check "a breakpoint that is not in memory is the emulator's" ended 96
check "it is shown" says 'Code: 0f 1f 44 <00>'
box -- bash -c "echo '$oops' >/dev/kmsg; echo '<1>Code: 0f 1f cc <00> 00' >/dev/kmsg"
check "one that is there is the guest's" ended 99
box -- bash -c "echo '<4>WARNING: planted' >/dev/kmsg; echo '$oops' >/dev/kmsg
	echo '<1>Code: 0f 1f 44 <00> 00' >/dev/kmsg"
check "and so is what comes after another complaint" ended 99

# A QEMU that dies N times, when its guest has begun or has said $WORD
cat >"$dir/bin/qemu-system-x86_64" <<EOF
#!/bin/bash
echo x >>$dir/deaths
[ \$(wc -l <$dir/deaths) -le \$DEATHS ] || exec $(command -v qemu-system-x86_64) "\$@"
$(command -v qemu-system-x86_64) "\$@" &
ctl=\$(grep -o 'id=ctl,path=[^ ]*' <<<"\$*")
ctl=\${ctl#*path=}
while [ ! -s "\$ctl" ]; do sleep 0.1; done
while ! grep -qas "\$WORD" "\${ctl%/*}/serial" && [ -n "\$WORD" ]; do sleep 0.1; done
kill -KILL \$!
kill -ABRT \$\$
EOF

rm -f "$dir/deaths"
DEATHS=1 WORD='' PATH=$dir/bin:$PATH box -- sleep 5
check "a QEMU that died is the emulator's failure" ended 96
rm -f "$dir/deaths"
DEATHS=1 WORD=planted PATH=$dir/bin:$PATH box -- \
	bash -c "echo '<4>WARNING: planted' >/dev/kmsg; sleep 30"
check "unless its guest had complained" ended 99
check "of which it tells" says 'WARNING: planted'

run() { # DEATHS RESULT WORDS
	rm -f "$dir/deaths"
	DEATHS=$1 WORD='' PATH=$dir/bin:$PATH "$top/selftests/run" vmbox/stock_igb >"$dir/run" 2>&1
	[ $? = "$2" ] && grep -q "$3" "$dir/run" && return
	cat "$dir/run"
	return 1
}

check "the runner runs a test again when QEMU died" run 1 0 'emulator failed, so vmbox/stock_igb runs once more'
check "once only" run 2 1 '^not ok .*vmbox ended with 96'

box --driver nonsense -- true
check "a wrong value is refused" ended 2
check "in one line" one_line
box --cpus 2
check "no command is refused" ended 2
box --nics 3 -- true
check "an odd number of NICs is refused" ended 2
finish
