# shellcheck shell=bash
# Shared by vmbox, setup.sh and debug-kernel.sh: where things are, and how to
# speak. All talk goes to stderr; stdout belongs to the command in the guest.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repo=$(cd "$here/../.." && pwd)
cache=${PERCORE_CACHE:-$HOME/.cache/percore}

say() { printf 'vmbox: %s\n' "$*" >&2; }
die() { say "$*"; exit 2; }

# heartbeat LABEL COMMAND...: runs COMMAND, its output to a log file; a line
# every half minute shows that it lives. Shows the log's end if it fails.
heartbeat() {
	local label=$1 log start=$SECONDS pid status=0
	shift
	log=$(mktemp "${TMPDIR:-/tmp}/vmbox-step.XXXXXX")
	say "$label ..."
	"$@" >"$log" 2>&1 &
	pid=$!
	while kill -0 $pid 2>/dev/null; do
		sleep 1
		(((SECONDS - start) % 30)) ||
			say "$label: $((SECONDS - start)) s: $(tail -qn 1 "$log" | cut -c 1-100)"
	done
	wait $pid || status=$?
	if [ $status -ne 0 ]; then
		tail -n 30 "$log" >&2
		say "$label: failed after $((SECONDS - start)) s"
	else
		say "$label: done in $((SECONDS - start)) s"
	fi
	rm -f "$log"
	return $status
}

# kernel_dir NAME: the cache's directory of a kernel, as --kernel names it:
#   vmlinuz release lib/modules/RELEASE  initrd-modules/ (in order of insertion)
kernel_dir() { echo "$cache/kernels/$1"; }

# module_dir NAME: where the modules of this tree, built for that kernel, lie.
# The Debian kernel's are built in place, any other's in a copy of the sources.
module_dir() {
	if [ "$1" = debian-6.12 ]; then
		echo "$repo"
	else
		echo "$cache/obj/$1-$(cksum <<<"$repo" | cut -d ' ' -f 1)"
	fi
}

# What a kernel's log has only if something is wrong.
# shellcheck disable=SC2034
complaints='BUG:|WARNING:|Oops|Kernel panic|general protection fault|INFO: task .* blocked'
complaints+='|rcu: INFO:|INFO: rcu_|INFO: possible|INFO: trying to register|INFO: lockdep'
complaints+='|lockup|possible (circular|recursive|irq lock)|inconsistent lock state'
complaints+='|suspicious RCU|KASAN:|UBSAN:|KCSAN:|KFENCE:|ODEBUG:|refcount_t:'
complaints+='|unreferenced object|kmemleak: [0-9]+ new|Bad page|list_(add|del) corruption'
complaints+='|NETDEV WATCHDOG|transmit queue .* timed out|[Tt]x timeout|Unit Hang'
complaints+='|DMAR: .*fault|pagealloc: memory corruption'
complaints+='|unregister_netdevice: waiting|scheduling while atomic'
