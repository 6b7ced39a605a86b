// SPDX-License-Identifier: GPL-2.0
/*
 * vectors - has a device get fewer MSI-X vectors than it asks for, for irqs.sh
 *
 *   driver --pci_alloc_irq_vectors()--> [here: fewer, or none] --> PCI core
 *
 * As on a machine that has no more. A probe at the entry of the PCI core's
 * function changes what it was asked for; on x86 alone, as it needs registers.
 *
 * Parameter: most, how many a device gets; 0 for a machine without MSI-X.
 */
#include <linux/kprobes.h>
#include <linux/module.h>

static uint most;
module_param(most, uint, 0644);

/* (dev, entries, minvec, maxvec, affd, flags): more than the most is refused */
static int vectors_asked(struct kprobe *probe, struct pt_regs *regs)
{
	if ((uint)regs->cx > most)
		regs->cx = most;
	return 0;
}

static struct kprobe vectors_probe = {
	.symbol_name = "__pci_enable_msix_range",
	.pre_handler = vectors_asked,
};

static int __init vectors_init(void)
{
	return register_kprobe(&vectors_probe);
}
module_init(vectors_init);

static void __exit vectors_exit(void)
{
	unregister_kprobe(&vectors_probe);
}
module_exit(vectors_exit);

MODULE_DESCRIPTION("Fewer MSI-X vectors, for tests");
MODULE_LICENSE("GPL");
