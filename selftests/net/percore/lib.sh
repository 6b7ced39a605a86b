# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the tests of net/percore share; after selftests/lib/tap.sh.
#
#   need_programs           the C programs beside this file, built if they are not
#   need_module             skips all unless percore is loaded
#   PERCORECTL              the tool, built if it is not; empty if it cannot be
#   MODULE                  percore.ko, if it is there

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../../.." && pwd)
knobs=/proc/sys/net/percore

MODULE=${VMBOX_MODULES:-$top}/net/percore/percore.ko
PERCORECTL=${PERCORECTL:-$top/tools/percorectl/percorectl}
export PERCORECTL

need_programs() {
	make -s -C "$here" >&2 || {
		not_ok "the test programs build"
		finish
	}
}

need_module() {
	[ -e $knobs/listen_shard ] || skip_all "percore is not loaded"
	[ -x "$PERCORECTL" ] || make -s -C "${PERCORECTL%/*}" >&2 ||
		PERCORECTL=
}
