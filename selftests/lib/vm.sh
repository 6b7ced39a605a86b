# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# For tests on the host that have a VM of their own; after tap.sh.
#
#   vm_run OUT ERR VMBOX-ARG...   vmbox with its output in these files; once more,
#                                 aloud, if the emulator failed
#   vm_relay OUT [PREFIX]         the results in OUT are results of this test

vm_vmbox=$(dirname "${BASH_SOURCE[0]}")/../../tools/vmbox/vmbox

vm_run() {
	local out=$1 err=$2 status

	shift 2
	"$vm_vmbox" "$@" >"$out" 2>"$err"
	status=$?
	[ $status = 96 ] || return $status
	diag "the emulator failed, so the VM runs once more: $(grep -v running "$err" | tail -n 3)"
	"$vm_vmbox" "$@" >"$out" 2>"$err"
}

vm_relay() {
	local line

	while IFS= read -r line; do
		case $line in
		"ok "*) ok "${2:-}${line#ok * - }" ;;
		"not ok "*) not_ok "${2:-}${line#not ok * - }" ;;
		"#"*) diag "${line#\# }" ;;
		esac
	done <"$1"
}
