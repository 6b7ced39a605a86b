#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: host --timeout 600
#
# Claim: on the debug kernel, a module that leaks, one that touches freed
# memory, and one that sleeps under a spinlock are all noticed, on the KCSAN kernel
# one with a data race, and the VM fails although the command succeeds.
lib=$(dirname "$0")/../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"

top=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tools/vmbox/lib.sh
. "$top/tools/vmbox/lib.sh"
kernel=$(kernel_dir "${KERNEL:-}")
[[ ${KERNEL:-} = @(debug|kcsan) ]] || skip_all "only with --kernel debug or kcsan"
[ -e "$kernel/release" ] || skip_all "the $KERNEL kernel is not built"

dir=$(mktemp -d)
defer rm -rf "$dir"
# A race is looked for under the name of a module of ours, as others do not count.
cat >"$dir/percore.c" <<-'END'
	#include <linux/delay.h>
	#include <linux/kthread.h>
	#include <linux/module.h>

	static unsigned long counter;

	static int plant_run(void *data)
	{
		while (!kthread_should_stop()) {
			counter++;
			barrier();
			cond_resched();
		}
		return 0;
	}

	static int __init plant_init(void)
	{
		struct task_struct *task = kthread_run(plant_run, NULL, "plant");
		unsigned long end = jiffies + 20 * HZ;

		if (IS_ERR(task))
			return PTR_ERR(task);
		while (time_before(jiffies, end)) {
			counter++;
			barrier();
			cond_resched();
		}
		kthread_stop(task);
		return 0;
	}
	module_init(plant_init);
	static void __exit plant_exit(void)
	{
	}
	module_exit(plant_exit);
	MODULE_DESCRIPTION("a planted race");
	MODULE_LICENSE("GPL");
	END
cat >"$dir/Kbuild" <<-'END'
	obj-m := leak.o freed.o atomic.o percore.o
	CFLAGS_leak.o := -DPLANT=1
	CFLAGS_freed.o := -DPLANT=2
	CFLAGS_atomic.o := -DPLANT=3
END
cat >"$dir/leak.c" <<-'END'
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
cp "$dir/leak.c" "$dir/freed.c"
cp "$dir/leak.c" "$dir/atomic.c"

noticed() { grep -E "$1" "$dir/log"; }
fails() { [ "$status" = 99 ] || { cat "$dir/err" && false; }; }

# In the share, since the guest covers /tmp.
planted() { # MODULE...
	# shellcheck disable=SC2016
	"$top/tools/vmbox/vmbox" --kernel "$KERNEL" --nics 0 --driver none \
		--share "$dir" --keep-log "$dir/log" --timeout 500 -- bash -c '
			cd /run/vmbox
			for name; do insmod $name.ko && rmmod $name; done' sh "$@" \
		2>"$dir/err"
	status=$?
	check "the VM fails" fails
}

check "the planted modules build" make -C "$kernel/build" M="$dir" modules || finish
if [ "$KERNEL" = kcsan ]; then
	planted percore
	check "a data race is noticed" noticed 'BUG: KCSAN: data-race in plant_'
	finish
fi
planted leak freed atomic
check "a leak is noticed" noticed 'unreferenced object'
check "a use after free is noticed" noticed 'KASAN: slab-use-after-free'
check "sleeping under a spinlock is noticed" noticed 'BUG: (scheduling while atomic|sleeping function)'
finish
