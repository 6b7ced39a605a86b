// SPDX-License-Identifier: GPL-2.0
/*
 * known.c - does known numbers of things between the benchmark's marks
 *
 * A module, so that nothing but what is written here runs in between, save a
 * tick of the timer, of which the first two keep their CPU free. Samples, in
 * this order, on a VM with three CPUs of which the plugin counts two:
 *
 *	0 loop		1 copy		2 device	3 interrupt	4 memory
 *	5 switch	6 wake		7 bounce	8 elsewhere
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "mark.h"

/* As in bench.sh */
enum {
	ROUNDS = 100000, BYTES = 50000, READS = 300, WRITES = 200,
	INTERRUPTS = 60, OBJECTS = 500, PAGES = 100, MAPS = 70, TURNS = 1000
};

#define IGB_82576	0x10c9
#define IGB_STATUS	0x0008
#define IGB_LEDCTL	0x0e00
#define IGB_GPIE	0x1514	/* how interrupts work */
#define IGB_GPIE_MSIX	(BIT(0) | BIT(4) | BIT(30) | BIT(31))
#define IGB_EICS	0x1520	/* raise a vector's cause */
#define IGB_EIMS	0x1524	/* let it interrupt */
#define IGB_EIMC	0x1528	/* do not let it */
#define IGB_EIAC	0x152c	/* the cause ends with the message */

static void loop(void)
{
	unsigned long left = ROUNDS;

	asm volatile("1: dec %0; jnz 1b" : "+r" (left));
}

static void do_loop(void)
{
	unsigned long flags;

	local_irq_save(flags);
	mark(MARK_BEGIN);
	loop();
	mark(MARK_END);
	local_irq_restore(flags);
}

static int do_copy(void)
{
	void *to = kvmalloc(BYTES, GFP_KERNEL), *at = to;
	unsigned long left = BYTES, flags;

	if (!to)
		return -ENOMEM;
	local_irq_save(flags);
	mark(MARK_BEGIN);
	asm volatile("rep stosb" : "+D" (at), "+c" (left) : "a" (0) : "memory");
	mark(MARK_END);
	local_irq_restore(flags);
	kvfree(to);
	return 0;
}

static void touch_device(void __iomem *regs)
{
	int i;

	mark(MARK_BEGIN);
	for (i = 0; i < READS; i++)
		readl(regs + IGB_STATUS);
	for (i = 0; i < WRITES; i++)
		writel(i, regs + IGB_LEDCTL);
	mark(MARK_END);
}

static struct completion interrupted;

static irqreturn_t on_interrupt(int irq, void *regs)
{
	complete(&interrupted);
	return IRQ_HANDLED;
}

static int raise_interrupts(void __iomem *regs)
{
	unsigned long left = HZ;
	int i;

	mark(MARK_BEGIN);
	for (i = 0; i < INTERRUPTS && left; i++) {
		writel(BIT(0), regs + IGB_EICS);
		left = wait_for_completion_timeout(&interrupted, HZ);
	}
	mark(MARK_END);
	return left ? 0 : -ETIMEDOUT;
}

static int do_interrupt(struct pci_dev *pdev, void __iomem *regs)
{
	int err = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_MSIX);

	if (err < 0)
		return err;
	init_completion(&interrupted);
	writel(~0, regs + IGB_EIMC);
	writel(IGB_GPIE_MSIX, regs + IGB_GPIE);
	writel(BIT(0), regs + IGB_EIAC);
	err = request_irq(pci_irq_vector(pdev, 0), on_interrupt, 0, "known",
			  regs);
	if (!err) {
		irq_set_affinity(pci_irq_vector(pdev, 0), cpumask_of(1));
		writel(BIT(0), regs + IGB_EIMS);
		err = raise_interrupts(regs);
		writel(~0, regs + IGB_EIMC);
		free_irq(pci_irq_vector(pdev, 0), regs);
	}
	pci_free_irq_vectors(pdev);
	return err;
}

static void use_memory(struct device *dev, struct page **pages, void **objects)
{
	dma_addr_t dma[MAPS];
	int i;

	mark(MARK_BEGIN);
	for (i = 0; i < OBJECTS; i++)
		objects[i] = kmalloc(64, GFP_KERNEL);
	for (i = 0; i < PAGES; i++)
		pages[i] = alloc_page(GFP_KERNEL);
	for (i = 0; i < MAPS; i++)
		dma[i] = dma_map_page(dev, pages[0], 0, PAGE_SIZE,
				      DMA_TO_DEVICE);
	mark(MARK_END);
	for (i = 0; i < MAPS; i++)
		dma_unmap_page(dev, dma[i], PAGE_SIZE, DMA_TO_DEVICE);
	for (i = 0; i < PAGES; i++)
		__free_page(pages[i]);
	for (i = 0; i < OBJECTS; i++)
		kfree(objects[i]);
}

static int do_memory(struct device *dev)
{
	void **objects = kcalloc(OBJECTS, sizeof(*objects), GFP_KERNEL);
	struct page **pages = kcalloc(PAGES, sizeof(*pages), GFP_KERNEL);

	if (objects && pages)
		use_memory(dev, pages, objects);
	kfree(pages);
	kfree(objects);
	return objects && pages ? 0 : -ENOMEM;
}

static int do_device(void)
{
	struct pci_dev *pdev;
	void __iomem *regs;
	int err;

	pdev = pci_get_device(PCI_VENDOR_ID_INTEL, IGB_82576, NULL);
	if (!pdev)
		return -ENODEV;
	err = pci_enable_device(pdev);
	if (err)
		goto put;
	pci_set_master(pdev);
	err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	regs = pci_iomap(pdev, 0, 0);
	if (!err && regs) {
		touch_device(regs);
		err = do_interrupt(pdev, regs);
		if (!err)
			err = do_memory(&pdev->dev);
	} else if (!err) {
		err = -ENOMEM;
	}
	if (regs)
		pci_iounmap(pdev, regs);
	pci_disable_device(pdev);
put:
	pci_dev_put(pdev);
	return err;
}

/* ---- two threads ---- */

static struct completion ping, pong, done;
static int turn ____cacheline_aligned;	/* whose, in a line by itself */
static int pad ____cacheline_aligned __used;

static int wait_first(void *unused)
{
	int i;

	mark(MARK_BEGIN);
	for (i = 0; i < TURNS; i++) {
		complete(&ping);
		wait_for_completion(&pong);
	}
	mark(MARK_END);
	complete(&done);
	return 0;
}

static int wait_second(void *unused)
{
	int i;

	for (i = 0; i < TURNS; i++) {
		wait_for_completion(&ping);
		complete(&pong);
	}
	complete(&done);
	return 0;
}

static void spin(int mine)
{
	int i;

	for (i = 0; i < TURNS; i++) {
		while (READ_ONCE(turn) != mine)
			cpu_relax();
		WRITE_ONCE(turn, !mine);
	}
}

static int spin_first(void *unused)
{
	mark(MARK_BEGIN);
	spin(0);
	mark(MARK_END);
	complete(&done);
	return 0;
}

static int spin_second(void *unused)
{
	spin(1);
	complete(&done);
	return 0;
}

static int loop_elsewhere(void *unused)
{
	do_loop();
	complete(&done);
	return 0;
}

static int run_on(int (*body)(void *), unsigned int cpu)
{
	struct task_struct *task = kthread_create_on_cpu(body, NULL, cpu,
							 "known/%u");

	if (IS_ERR(task))
		return PTR_ERR(task);
	wake_up_process(task);
	return 0;
}

/* The second first, so that it waits when the first begins */
static int run_two(int (*first)(void *), int (*second)(void *),
		   unsigned int second_cpu)
{
	int err;

	err = run_on(second, second_cpu);
	if (err)
		return err;
	schedule_timeout_uninterruptible(HZ / 10);
	err = run_on(first, 0);
	if (err)
		return err;
	wait_for_completion(&done);
	wait_for_completion(&done);
	return 0;
}

static int known_init(void)
{
	int err;

	if (num_online_cpus() != 3)
		return -EINVAL;
	init_completion(&ping);
	init_completion(&pong);
	init_completion(&done);
	set_cpus_allowed_ptr(current, cpumask_of(0));
	do_loop();
	err = do_copy();
	if (!err)
		err = do_device();
	set_cpus_allowed_ptr(current, cpumask_of(2));
	if (!err)
		err = run_two(wait_first, wait_second, 0);
	if (!err)
		err = run_two(wait_first, wait_second, 1);
	if (!err)
		err = run_two(spin_first, spin_second, 1);
	if (!err)
		err = run_on(loop_elsewhere, 2);
	if (!err)
		wait_for_completion(&done);
	return err;
}
module_init(known_init);

MODULE_DESCRIPTION("known numbers of things for the benchmark's counters");
MODULE_LICENSE("GPL");
