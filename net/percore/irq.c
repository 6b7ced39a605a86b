// SPDX-License-Identifier: GPL-2.0
/*
 * irq.c - the interrupts of an interface's queues
 *
 * Which they are, the kernel does not say for most drivers. The sources, best
 * first:
 *
 *	1. the driver's auxiliary device (include/net/percore_nic.h)
 *	2. napi->irq, which some drivers set with netif_napi_set_irq()
 *	3. the names under which the vectors of the PCI function were requested,
 *	   as in /proc/interrupts: eth0-TxRx-3, virtio2-input.1. irqbalance and
 *	   the scripts that come with drivers go by them too
 *
 * A name must hold that of the interface, or of its virtio device, so that two
 * interfaces of a function do not take each other's. What is not understood is
 * left alone.
 *
 * Locking: a descriptor is looked up and used under RCU, by which the kernel
 * frees it, and read under its own lock. Drivers request and free vectors under
 * RTNL, which callers hold, or before the interface is registered and after. A
 * driver that frees them at another time and gives the number away leaves us to
 * move a stranger's interrupt once; it cannot make us touch freed memory.
 */
#include <linux/ctype.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdesc.h>
#include <linux/pci.h>
#include <linux/rtnetlink.h>
#include <net/netdev_rx_queue.h>
#include <net/percore_nic.h>

#include "percore.h"
#include "setting.h"

static int percore_irq_may_move(struct irq_data *data)
{
	struct irq_chip *chip = irq_data_get_irq_chip(data);

	if (irqd_affinity_is_managed(data) || !irqd_can_balance(data))
		return -EPERM;
	return chip && chip->irq_set_affinity ? 0 : -EOPNOTSUPP;
}

/* What /proc shows: where it is to go, though it may not have gone yet */
static const struct cpumask *percore_irq_cpus(struct irq_desc *desc)
{
	struct irq_data *data = irq_desc_get_irq_data(desc);

#ifdef CONFIG_GENERIC_PENDING_IRQ
	if (irqd_is_setaffinity_pending(data))
		return desc->pending_mask;
#endif
	return irq_data_get_affinity_mask(data);
}

/**
 * percore_irq_read - where an interrupt may go
 * @irq: its number
 * @cpus: gets the CPUs; or NULL
 * @name: gets the name it was requested by, empty if it is not or if it is
 *	shared, PERCORE_IRQ_NAME_MAX bytes; or NULL
 * Context: any but hardirq.
 * Return: 0, -ENOENT if there is no such interrupt, -EPERM if its place is the
 * kernel's choice, -EOPNOTSUPP if it has only one.
 */
int percore_irq_read(unsigned int irq, struct cpumask *cpus, char *name)
{
	struct irq_data *data;
	struct irq_desc *desc;
	unsigned long flags;
	int err = -ENOENT;

	rcu_read_lock();
	data = irq_get_irq_data(irq);
	if (!data)
		goto unlock;
	desc = irq_data_to_desc(data);
	raw_spin_lock_irqsave(&desc->lock, flags);
	err = percore_irq_may_move(data);
	if (cpus)
		cpumask_copy(cpus, percore_irq_cpus(desc));
	if (name && desc->action && !desc->action->next && desc->action->name)
		strscpy(name, desc->action->name, PERCORE_IRQ_NAME_MAX);
	else if (name)
		name[0] = '\0';
	raw_spin_unlock_irqrestore(&desc->lock, flags);
unlock:
	rcu_read_unlock();
	return err;
}

/**
 * percore_irq_write - say where an interrupt may go
 * @irq: its number
 * @cpus: the CPUs; all that are online, if none of these is, which is what the
 *	kernel does when the last of them goes
 * Context: process.
 * Return: 0, or as percore_irq_read(), or an errno of irq_set_affinity().
 */
int percore_irq_write(unsigned int irq, const struct cpumask *cpus)
{
	struct irq_data *data;
	int err = -ENOENT;

	if (!cpumask_intersects(cpus, cpu_online_mask))
		cpus = cpu_online_mask;
	rcu_read_lock();
	data = irq_get_irq_data(irq);
	if (data)
		err = percore_irq_may_move(data);
	if (!err)
		err = irq_set_affinity(irq, cpus);
	rcu_read_unlock();
	return err;
}

/* Vectors of a function are few and their numbers dense, but not always */
static int percore_irq_vectors(struct pci_dev *pdev)
{
	int n = pdev->msix_enabled ? pci_msix_vec_count(pdev) : 0;

	return n > 0 ? n : 32;
}

/**
 * percore_irq_is_of - does an interrupt belong to a PCI function
 * @pdev: the function
 * @irq: number of the interrupt
 * Context: process, may sleep.
 * Return: whether it does.
 */
bool percore_irq_is_of(struct pci_dev *pdev, unsigned int irq)
{
	int i, n = percore_irq_vectors(pdev);

	for (i = 0; i < n; i++)
		if (pci_irq_vector(pdev, i) == irq)
			return true;
	return false;
}

/* The part of @name after @word, which must stand by itself; or NULL */
static const char *percore_irq_name_after(const char *name, const char *word)
{
	const char *at = strstr(name, word);

	if (!at || !*word || (at > name && isalnum(at[-1])))
		return NULL;
	at += strlen(word);
	return isalnum(*at) ? NULL : at;
}

/* "-TxRx-3", ".input.1"; 0 and the queue, or -ENOENT */
static int percore_irq_name_parse(const char *text, bool *rx, bool *tx,
				  unsigned int *queue)
{
	char word[PERCORE_IRQ_NAME_MAX];
	size_t i, len = strcspn(text, "@");

	for (i = 0; i < len && i < sizeof(word) - 1; i++)
		word[i] = tolower(text[i]);
	word[i] = '\0';
	while (i && isdigit(word[i - 1]))
		i--;
	if (kstrtouint(word + i, 10, queue))
		return -ENOENT;
	*rx = strstr(word, "rx") || strstr(word, "input") ||
	      strstr(word, "fp");
	*tx = strstr(word, "tx") || strstr(word, "output") ||
	      strstr(word, "fp");
	return *rx || *tx ? 0 : -ENOENT;
}

static void percore_irq_find_named(struct net_device *dev, struct pci_dev *pdev,
				   unsigned int queues, unsigned int *rx,
				   unsigned int *tx)
{
	const char *virtio = dev->dev.parent == &pdev->dev ? "" :
			     dev_name(dev->dev.parent);
	int i, irq, n = percore_irq_vectors(pdev);
	char name[PERCORE_IRQ_NAME_MAX];
	bool is_rx, is_tx;
	const char *rest;
	unsigned int q;

	for (i = 0; i < n; i++) {
		irq = pci_irq_vector(pdev, i);
		if (irq <= 0 || percore_irq_read(irq, NULL, name))
			continue;
		rest = percore_irq_name_after(name, dev->name) ?:
		       percore_irq_name_after(name, virtio);
		if (!rest)
			continue;
		/* The only vector of an interface with one queue */
		if (!*rest && queues == 1 && !i &&
		    pci_irq_vector(pdev, 1) < 0) {
			rx[0] = irq;
			tx[0] = irq;
			continue;
		}
		if (percore_irq_name_parse(rest, &is_rx, &is_tx, &q) ||
		    q >= queues)
			continue;
		if (is_rx)
			rx[q] = irq;
		if (is_tx)
			tx[q] = irq;
	}
}

static void percore_irq_find_napi(struct net_device *dev, unsigned int queues,
				  unsigned int *rx, unsigned int *tx)
{
	const struct napi_struct *napi;
	unsigned int q;

	for (q = 0; q < queues; q++) {
		napi = __netif_get_rx_queue(dev, q)->napi;
		if (napi && napi->irq > 0)
			rx[q] = napi->irq;
		napi = q < dev->real_num_tx_queues ?
		       netdev_get_tx_queue(dev, q)->napi : NULL;
		if (napi && napi->irq > 0)
			tx[q] = napi->irq;
	}
}

/**
 * percore_irq_find - find the interrupts of queues
 * @dev: an interface with a PCI function
 * @queues: how many receive queues it has
 * @rx: gets the number of each queue's interrupt for what is received, 0 if it
 *	is not known
 * @tx: the same for what was sent; may be the same interrupt
 * Context: process, RTNL, may sleep.
 * Return: NULL, or why none was found.
 */
const char *percore_irq_find(struct net_device *dev, unsigned int queues,
			     unsigned int *rx, unsigned int *tx)
{
	struct pci_dev *pdev = percore_setting_pci(dev);
	struct percore_nic_queue info;
	unsigned int q, found = 0;

	for (q = 0; q < queues; q++) {
		rx[q] = 0;
		tx[q] = 0;
	}
	if (netif_running(dev)) {
		percore_irq_find_named(dev, pdev, queues, rx, tx);
		percore_irq_find_napi(dev, queues, rx, tx);
	}
	for (q = 0; q < queues; q++) {
		if (!percore_port_queue_get(dev, q, &info)) {
			rx[q] = info.irq;
			tx[q] = info.irq;
		}
		/* Such as one that the kernel keeps where it is */
		if (rx[q] && percore_irq_read(rx[q], NULL, NULL))
			rx[q] = 0;
		if (tx[q] && percore_irq_read(tx[q], NULL, NULL))
			tx[q] = 0;
		found += rx[q] || tx[q];
	}
	if (found)
		return NULL;
	return netif_running(dev) ? "no interrupt of it may be moved" :
				    "the interface is down";
}
