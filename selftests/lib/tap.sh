# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# TAP for tests in shell: to be sourced first. The plan is printed by finish,
# so a test that ends in any other way has none, and the runner sees that.
#
#   ok DESC            not_ok DESC [WHY]      skip DESC REASON
#   check DESC COMMAND [ARG...]     ok if COMMAND succeeds, else its output too
#   diag TEXT          skip_all REASON        finish
#   defer COMMAND [ARG...]          run at exit, last deferred first
#   times FEW MANY     how often to do what is done again and again: MANY with LONG

# Results go where stdout went at the start, even from within check.
exec {tap_fd}>&1
tap_count=0
tap_failed=0
tap_skipped=0
tap_deferred=()

# Of this shell alone: a child that is ended as soon as it was forked may still
# have the traps.
tap_at_exit() {
	local status=$? i

	trap - EXIT
	[ "$BASHPID" = $$ ] || exit $status
	for ((i = ${#tap_deferred[@]} - 1; i >= 0; i--)); do
		eval "${tap_deferred[i]}"
	done
	exit $status
}
trap tap_at_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

defer() { tap_deferred+=("$(printf '%q ' "$@")"); }

times() { if [ -n "${LONG:-}" ]; then echo "$2"; else echo "$1"; fi; }

diag() { sed 's/^/# /' <<<"$*" >&$tap_fd; }

ok() { echo "ok $((++tap_count)) - $1" >&$tap_fd; }

not_ok() {
	echo "not ok $((++tap_count)) - $1" >&$tap_fd
	tap_failed=$((tap_failed + 1))
	[ -z "${2:-}" ] || diag "$2"
}

skip() {
	echo "ok $((++tap_count)) - $1 # SKIP ${2:-}" >&$tap_fd
	tap_skipped=$((tap_skipped + 1))
}

# COMMAND runs in this shell, so a function may set variables, and should not
# meet any of check's own.
check() {
	local tap_desc=$1 tap_log tap_status=0

	shift
	tap_log=$(mktemp)
	"$@" >"$tap_log" 2>&1 || tap_status=$?
	if [ $tap_status -eq 0 ]; then
		ok "$tap_desc"
	else
		not_ok "$tap_desc" "$(tail -n 30 "$tap_log")"
		diag "status $tap_status: $*"
	fi
	rm -f "$tap_log"
	return $tap_status
}

skip_all() {
	echo "1..0 # SKIP $1" >&$tap_fd
	exit 4
}

finish() {
	echo "1..$tap_count"
	[ $tap_failed -eq 0 ] || exit 1
	[ $tap_skipped -lt $tap_count ] || exit 4
	exit 0
}

echo "TAP version 13"
