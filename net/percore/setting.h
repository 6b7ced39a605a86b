/* SPDX-License-Identifier: GPL-2.0 */
/*
 * setting.h - one setting of a queue, of whatever kind
 */
#ifndef _NET_PERCORE_SETTING_H
#define _NET_PERCORE_SETTING_H

#include <linux/cpumask.h>
#include <linux/netdevice.h>

/**
 * enum percore_setting_kind - what a setting is
 * @PERCORE_SETTING_IRQ: CPUs that interrupt number index may go to
 * @PERCORE_SETTING_XPS: CPUs that transmit on queue index
 * @PERCORE_SETTING_RPS: CPUs that packets of queue index are handed to
 * @PERCORE_SETTING_FLOWS: entries of the flow table of queue index (RFS)
 */
enum percore_setting_kind {
	PERCORE_SETTING_IRQ,
	PERCORE_SETTING_XPS,
	PERCORE_SETTING_RPS,
	PERCORE_SETTING_FLOWS,
};

/**
 * struct percore_value - value of a setting
 * @cpus: of all but FLOWS, for which it is empty
 * @flows: of FLOWS, otherwise 0
 */
struct percore_value {
	cpumask_var_t cpus;
	u32 flows;
};

bool percore_value_alloc(struct percore_value *value);
void percore_value_free(struct percore_value *value);
void percore_value_copy(struct percore_value *to,
			const struct percore_value *from);
bool percore_value_equal(const struct percore_value *a,
			 const struct percore_value *b);

int percore_setting_init(void);
void percore_setting_exit(void);
struct pci_dev *percore_setting_pci(const struct net_device *dev);
const char *percore_setting_name(enum percore_setting_kind kind);
int percore_setting_read(struct net_device *dev,
			 enum percore_setting_kind kind, u32 index,
			 struct percore_value *value);
int percore_setting_write(struct net_device *dev,
			  enum percore_setting_kind kind, u32 index,
			  const struct percore_value *value);

/* irq.c */
#define PERCORE_IRQ_NAME_MAX	64

int percore_irq_read(unsigned int irq, struct cpumask *cpus, char *name);
int percore_irq_write(unsigned int irq, const struct cpumask *cpus);
bool percore_irq_is_of(struct pci_dev *pdev, unsigned int irq);
const char *percore_irq_find(struct net_device *dev, unsigned int queues,
			     unsigned int *rx, unsigned int *tx);

/* reta.c */
u32 percore_reta_size(struct net_device *dev);
int percore_reta_read(struct net_device *dev, u32 *reta, u32 size);
int percore_reta_write(struct net_device *dev, u32 *reta, u32 size);
int percore_reta_hash(struct net_device *dev, u8 *key, u32 room);

#endif /* _NET_PERCORE_SETTING_H */
