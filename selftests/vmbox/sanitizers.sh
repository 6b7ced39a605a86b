#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: host --timeout 600
#
# Claim: on the debug kernel, a module that leaks, one that touches freed
# memory, and one that sleeps under a spinlock each fail the VM, although the
# command succeeds; and a clean one passes.
lib=$(dirname "$0")/../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"

top=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tools/vmbox/lib.sh
. "$top/tools/vmbox/lib.sh"
kernel=$(kernel_dir debug)
[ "${KERNEL:-}" = debug ] || skip_all "only with --kernel debug"
[ -e "$kernel/release" ] || skip_all "the debug kernel is not built"

dir=$(mktemp -d)
defer rm -rf "$dir"
cat >"$dir/Kbuild" <<-'END'
	obj-m := clean.o leak.o freed.o atomic.o
	CFLAGS_clean.o := -DPLANT=0
	CFLAGS_leak.o := -DPLANT=1
	CFLAGS_freed.o := -DPLANT=2
	CFLAGS_atomic.o := -DPLANT=3
END
cat >"$dir/clean.c" <<-'END'
	#include <linux/delay.h>
	#include <linux/module.h>
	#include <linux/slab.h>

	static DEFINE_SPINLOCK(lock);

	static int __init plant_init(void)
	{
		char *p = kzalloc(100, GFP_KERNEL);

		if (!p)
			return -ENOMEM;
		if (PLANT == 3) {
			spin_lock(&lock);
			msleep(1);
			spin_unlock(&lock);
		}
		if (PLANT != 1)
			kfree(p);
		if (PLANT == 2) {
			OPTIMIZER_HIDE_VAR(p);
			WRITE_ONCE(p[10], 1);
		}
		return 0;
	}
	module_init(plant_init);
	static void __exit plant_exit(void)
	{
	}
	module_exit(plant_exit);
	MODULE_DESCRIPTION("a planted fault");
	MODULE_LICENSE("GPL");
END
for name in leak freed atomic; do cp "$dir/clean.c" "$dir/$name.c"; done

box() { # MODULE; in the share, since the guest covers /tmp
	"$top/tools/vmbox/vmbox" --kernel debug --nics 0 --driver none \
		--share "$dir" --timeout 300 -- bash -c \
		"insmod /run/vmbox/$1.ko && rmmod $1" 2>"$dir/err"
	box_status=$?
}

caught() { # PATTERN
	[ "$box_status" = 99 ] && grep -q "$1" "$dir/err" && return
	echo "vmbox ended with $box_status"
	cat "$dir/err"
	return 1
}

clean() { [ "$box_status" = 0 ] || { cat "$dir/err" && false; }; }

check "the planted modules build" make -C "$kernel/build" M="$dir" modules
box clean
check "a clean module passes" clean
box leak
check "a leak is caught" caught 'unreferenced object'
box freed
check "a use after free is caught" caught 'KASAN: slab-use-after-free'
box atomic
check "sleeping in atomic context is caught" caught 'BUG: scheduling while atomic\|BUG: sleeping'
finish
