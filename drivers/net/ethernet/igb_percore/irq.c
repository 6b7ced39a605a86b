// SPDX-License-Identifier: GPL-2.0
/*
 * Vectors, their masking, and the NAPI poll
 *
 * First stage of the receive path and of transmit completion: device ->
 * [here] -> rx.c, tx.c. Vector 0 carries other causes (link), vector i + 1
 * belongs to pair i. With n vectors for pairs and more pairs than that, pair i
 * has the one of pair i % n, which leads: affinity and moderation of the vector
 * are its; each interrupt schedules the NAPIs of all. Without MSI-X there is
 * one pair, and one interrupt carries everything.
 *
 * Keeping a vector quiet while its NAPI polls (enum igbp_irq_mode):
 *
 *   AUTOMASK  assert: the device masks by EIAM -> poll -> EIMS write
 *
 *   LAZY      open ----- fires, NAPI idle ------> open, NAPI polls
 *             open ----- fires, NAPI is busy ---> EIMC write
 *             closed --- NAPI completes --------> EIMS write, open
 *
 *   EAGER     open ----- fires, a NAPI is idle -> EIMC write, NAPI polls
 *             any ------ any NAPI completes ----> EIMS write, open
 *
 *   EAGER is for vectors that pairs share, where LAZY would leave a vector
 *   closed for one pair as long as another one's NAPI is busy. There, as with
 *   AUTOMASK, whatever closed a vector also scheduled a NAPI, which opens it.
 *
 *   LAZY relies on napi_schedule_prep() marking a busy NAPI as missed, so
 *   that no event between the last look at the ring and the completion is
 *   lost. Which of the two a device gets is found out by writing EIAM and
 *   reading it back.
 *
 * Locking: the masked state and the mask register of a vector change together
 * under mask_lock (hard interrupt, and the poll with interrupts off). IVAR
 * registers hold two pairs each and are written under ivar_lock. Everything
 * else runs under RTNL or before registration, or belongs to the NAPI.
 */
#include <linux/interrupt.h>

#include "igb_percore.h"

#define IGBP_EIAM_PROBE		BIT(1)
#define IGBP_SHARED_CAUSES \
	(IGBP_ICR_RXDW | IGBP_ICR_TXDW | IGBP_ICR_RXDMT0 | IGBP_ICR_RXO)

/* Whether there are more pairs than vectors for them */
static bool igbp_irq_is_shared(const struct igbp_port *port)
{
	return port->vectors > 1 && port->max_pairs > port->vectors - 1;
}

static enum igbp_irq_mode igbp_irq_mode_choose(const struct igbp_port *port)
{
	if (port->vectors == 1)
		return IGBP_IRQ_SHARED;
	if (!port->no_eiam)
		return IGBP_IRQ_AUTOMASK;
	return igbp_irq_is_shared(port) ? IGBP_IRQ_EAGER : IGBP_IRQ_LAZY;
}

/**
 * igbp_irq_vectors_alloc - allocate one vector per CPU and one for the rest
 * @port: port; vectors, irq_mode and, at probe, max_pairs are filled in
 *
 * There may be fewer vectors than that, or port->vectors_max allows fewer.
 * Before igbp_irq_mode_probe() the device is thought to mask by itself.
 *
 * Context: process, probe or RTNL.
 * Return: 0 or an error of pci_alloc_irq_vectors().
 */
int igbp_irq_vectors_alloc(struct igbp_port *port)
{
	unsigned int pairs = port->max_pairs ?:
			     min(num_online_cpus(), IGBP_MAX_PAIRS);
	int n;

	n = pci_alloc_irq_vectors(port->pdev, 2,
				  min(pairs + 1, port->vectors_max),
				  PCI_IRQ_MSIX);
	if (n < 0 && !port->max_pairs) {
		pairs = 1;
		n = pci_alloc_irq_vectors(port->pdev, 1, 1,
					  PCI_IRQ_MSI | PCI_IRQ_INTX);
	}
	if (n < 0)
		return n;
	port->vectors = n;
	port->max_pairs = pairs;
	port->irq_mode = igbp_irq_mode_choose(port);
	return 0;
}

/**
 * igbp_irq_vectors_free - undo igbp_irq_vectors_alloc()
 * @port: port
 *
 * Context: process; no interrupt is requested any more.
 */
void igbp_irq_vectors_free(struct igbp_port *port)
{
	pci_free_irq_vectors(port->pdev);
}

/**
 * igbp_irq_pair_assign - give a pair its vector
 * @pair: pair; those of lower numbers have theirs
 *
 * Context: process, probe, or RTNL with the interrupts not requested.
 */
void igbp_irq_pair_assign(struct igbp_pair *pair)
{
	struct igbp_port *port = pair->port;
	unsigned int lead = pair->index, vector = 0;
	bool led = pair->lead == pair;

	if (port->vectors > 1) {
		lead = pair->index % (port->vectors - 1);
		vector = lead + 1;
	}
	pair->next = NULL;
	if (lead == pair->index) {
		pair->lead = pair;
		if (!led) {
			pair->adaptive = port->adaptive;
			pair->usecs = port->usecs;
			pair->lockstep = true;
		}
	} else {
		pair->lead = port->pair[lead];
		pair->next = pair->lead->next;
		pair->lead->next = pair;
		pair->adaptive = false;
	}
	pair->eims = BIT(vector);
	pair->irq_mode = port->irq_mode;
	pair->irq = pci_irq_vector(port->pdev, vector);
	netif_napi_set_irq(&pair->napi, pair->irq);
}

/**
 * igbp_irq_mode_probe - find out whether the device masks by itself
 * @port: port
 *
 * EIAM keeps what is written to it on hardware; a model of the device that
 * lacks it shows something else. Such a model is known to segment UDP wrongly
 * too.
 *
 * Context: process, probe, after igbp_mac_reset().
 */
void igbp_irq_mode_probe(struct igbp_port *port)
{
	port->adaptive = true;
	port->usecs = 0;
	port->no_eiam = false;
	if (port->irq_mode == IGBP_IRQ_SHARED)
		return;

	igbp_wr32(port, IGBP_GPIE, IGBP_GPIE_MSIX | IGBP_GPIE_PBA |
		  IGBP_GPIE_EIAME | IGBP_GPIE_NSICR);
	igbp_wr32(port, IGBP_EIAM, IGBP_EIAM_PROBE);
	if (igbp_rd32(port, IGBP_EIAM) == IGBP_EIAM_PROBE) {
		igbp_wr32(port, IGBP_EIAM, 0);
		return;
	}
	port->no_eiam = true;
	port->irq_mode = igbp_irq_mode_choose(port);
	port->udp_gso_broken = true;
}

/* Route a queue, by its place in IVAR, to the pair's vector, or nowhere */
static void igbp_irq_ivar_set(struct igbp_pair *pair, unsigned int q,
			      unsigned int shift, bool on)
{
	u32 entry = (pair->lead->index + 1) | IGBP_IVAR_VALID;
	struct igbp_port *port = pair->port;
	unsigned long irqflags;
	u32 ivar;

	if (port->irq_mode == IGBP_IRQ_SHARED)
		entry = IGBP_IVAR_VALID;
	spin_lock_irqsave(&port->ivar_lock, irqflags);
	ivar = igbp_rd32(port, IGBP_IVAR(q));
	ivar &= ~(0xffU << shift);
	if (on)
		ivar |= entry << shift;
	igbp_wr32(port, IGBP_IVAR(q), ivar);
	spin_unlock_irqrestore(&port->ivar_lock, irqflags);
}

/**
 * igbp_irq_tx_route - turn the interrupt of a transmit queue on or off
 * @ring: its ring
 * @on: whether write-backs of the queue raise the pair's vector
 *
 * Context: any, with the transmit lock of the queue held, or before it starts.
 */
void igbp_irq_tx_route(struct igbp_tx_ring *ring, bool on)
{
	igbp_irq_ivar_set(ring->pair, ring->queue,
			  IGBP_IVAR_TX_SHIFT(ring->queue), on);
}

/* Of the pairs that there can be, and for other causes: the rest may be VFs' */
static unsigned int igbp_irq_last_vector(const struct igbp_port *port)
{
	return min(igbp_port_pairs_max(port), port->vectors - 1);
}

static u32 igbp_irq_own_vectors(const struct igbp_port *port)
{
	return GENMASK(igbp_irq_last_vector(port), 0);
}

/**
 * igbp_irq_setup - program the interrupt unit after a reset
 * @port: port
 *
 * Leaves every vector masked. Pairs enter IVAR when they are enabled.
 *
 * Context: process, RTNL or before registration.
 */
void igbp_irq_setup(struct igbp_port *port)
{
	u32 vectors = igbp_irq_own_vectors(port);
	unsigned int i;

	if (port->irq_mode == IGBP_IRQ_SHARED) {
		igbp_wr32(port, IGBP_GPIE, 0);
		igbp_wr32(port, IGBP_EITR(0), 0);
		return;
	}
	igbp_wr32(port, IGBP_GPIE, IGBP_GPIE_MSIX | IGBP_GPIE_PBA |
		  IGBP_GPIE_EIAME | IGBP_GPIE_NSICR);
	igbp_wr32(port, IGBP_IVAR_MISC,
		  IGBP_IVAR_VALID << IGBP_IVAR_MISC_OTHER_SHIFT);
	/* A reset does not clear the moderation of every device */
	for (i = 0; i <= igbp_irq_last_vector(port); i++)
		igbp_wr32(port, IGBP_EITR(i), 0);
	if (port->sriov)
		igbp_wr32(port, IGBP_EITR(0),
			  IGBP_SRIOV_USECS << IGBP_EITR_USECS_SHIFT);
	igbp_wr32(port, IGBP_EIAC, vectors);
	if (port->irq_mode == IGBP_IRQ_AUTOMASK)
		igbp_wr32(port, IGBP_EIAM, vectors & ~BIT(0));
}

static void igbp_irq_causes_handle(struct igbp_port *port, u32 icr)
{
	if (icr & IGBP_ICR_LSC)
		igbp_link_check_soon(port);
	if (icr & IGBP_ICR_VMMB)
		igbp_sriov_event(port);
	if (icr & IGBP_ICR_RXO)
		WRITE_ONCE(port->rx_overruns, port->rx_overruns + 1);
}

static irqreturn_t igbp_irq_other(int irq, void *data)
{
	struct igbp_port *port = data;
	u32 icr = igbp_rd32(port, IGBP_ICR);

	if (igbp_port_is_absent(port))
		return IRQ_NONE;
	igbp_irq_causes_handle(port, icr);
	return IRQ_HANDLED;
}

static irqreturn_t igbp_irq_automask(int irq, void *data)
{
	struct igbp_pair *pair = data;

	pair->dim_events++;
	napi_schedule_irqoff(&pair->napi);
	return IRQ_HANDLED;
}

static void igbp_irq_lazy_mask(struct igbp_pair *pair)
{
	unsigned long irqflags;

	spin_lock_irqsave(&pair->mask_lock, irqflags);
	if (!pair->masked) {
		igbp_wr32(pair->port, IGBP_EIMC, pair->eims);
		pair->masked = true;
		WRITE_ONCE(pair->masks, pair->masks + 1);
	}
	spin_unlock_irqrestore(&pair->mask_lock, irqflags);
}

static void igbp_irq_lazy_unmask(struct igbp_pair *pair)
{
	unsigned long irqflags;

	spin_lock_irqsave(&pair->mask_lock, irqflags);
	if (pair->masked) {
		pair->masked = false;
		igbp_wr32(pair->port, IGBP_EIMS, pair->eims);
	}
	spin_unlock_irqrestore(&pair->mask_lock, irqflags);
}

static irqreturn_t igbp_irq_lazy(int irq, void *data)
{
	struct igbp_pair *pair = data;

	pair->dim_events++;
	if (likely(napi_schedule_prep(&pair->napi))) {
		__napi_schedule_irqoff(&pair->napi);
		return IRQ_HANDLED;
	}
	/* The poll in progress may end, on another CPU, before it sees the
	 * mask. So ask for one more: whichever poll that is, it completes
	 * after the mask was set and takes it away again.
	 */
	igbp_irq_lazy_mask(pair);
	napi_schedule_irqoff(&pair->napi);
	return IRQ_HANDLED;
}

/* Of a vector with several pairs. A NAPI that is busy looks once more by
 * itself; one that is disabled, as its pair has stopped, would not open what
 * was closed.
 */
static irqreturn_t igbp_irq_group(int irq, void *data)
{
	struct igbp_pair *lead = data, *pair;
	bool mask = lead->irq_mode == IGBP_IRQ_EAGER;

	for (pair = lead; pair; pair = pair->next) {
		pair->dim_events++;
		if (!napi_schedule_prep(&pair->napi))
			continue;
		if (mask)
			igbp_wr32(lead->port, IGBP_EIMC, lead->eims);
		mask = false;
		__napi_schedule_irqoff(&pair->napi);
	}
	return IRQ_HANDLED;
}

static irqreturn_t igbp_irq_shared(int irq, void *data)
{
	struct igbp_port *port = data;
	struct igbp_pair *pair = port->pair[0];
	u32 icr = igbp_rd32(port, IGBP_ICR);

	/* An MSI is nobody else's */
	if ((!(icr & IGBP_ICR_INTA) && !port->pdev->msi_enabled) ||
	    igbp_port_is_absent(port))
		return IRQ_NONE;
	igbp_irq_causes_handle(port, icr);
	if (icr & IGBP_SHARED_CAUSES) {
		pair->dim_events++;
		if (napi_schedule_prep(&pair->napi)) {
			igbp_wr32(port, IGBP_IMC, IGBP_SHARED_CAUSES);
			__napi_schedule_irqoff(&pair->napi);
		}
	}
	return IRQ_HANDLED;
}

/**
 * igbp_irq_request - request the interrupt for other causes, or for all
 * @port: port
 *
 * Context: process, may sleep, RTNL.
 * Return: 0 or an error of request_irq().
 */
int igbp_irq_request(struct igbp_port *port)
{
	bool shared = port->irq_mode == IGBP_IRQ_SHARED;
	int err;

	port->other_irq = pci_irq_vector(port->pdev, 0);
	snprintf(port->other_name, sizeof(port->other_name), "%s%s",
		 port->netdev->name, shared ? "" : "-other");
	err = request_irq(port->other_irq,
			  shared ? igbp_irq_shared : igbp_irq_other,
			  shared ? IRQF_SHARED : 0, port->other_name, port);
	port->requested = !err;
	return err;
}

/**
 * igbp_irq_free - undo igbp_irq_request()
 * @port: port
 *
 * Context: process, may sleep, RTNL.
 */
void igbp_irq_free(struct igbp_port *port)
{
	if (!port->requested)
		return;
	free_irq(port->other_irq, port);
	port->requested = false;
}

/**
 * igbp_irq_pair_request - request the interrupt of a pair
 * @pair: pair; one that does not lead has none of its own, and those that lead
 *	are opened before and closed after it
 *
 * The interrupt goes to the pair's CPU; the administrator may move it.
 *
 * Context: process, may sleep, RTNL.
 * Return: 0 or an error of request_irq().
 */
int igbp_irq_pair_request(struct igbp_pair *pair)
{
	struct igbp_port *port = pair->port;
	irq_handler_t handler = igbp_irq_automask;
	int err;

	if (port->irq_mode == IGBP_IRQ_SHARED || pair->lead != pair)
		return 0;
	if (port->irq_mode == IGBP_IRQ_LAZY)
		handler = igbp_irq_lazy;
	else if (pair->next || port->irq_mode == IGBP_IRQ_EAGER)
		handler = igbp_irq_group;
	snprintf(pair->name, sizeof(pair->name), "%s-TxRx-%u",
		 port->netdev->name, pair->index);
	err = request_irq(pair->irq, handler, 0, pair->name, pair);
	if (err)
		return err;
	pair->requested = true;
	err = igbp_steer_rmap_add(pair);
	if (err) {
		free_irq(pair->irq, pair);
		pair->requested = false;
		return err;
	}
	irq_set_affinity_and_hint(pair->irq, &pair->affinity);
	return 0;
}

/**
 * igbp_irq_pair_free - undo igbp_irq_pair_request()
 * @pair: pair
 *
 * Context: process, may sleep, RTNL.
 */
void igbp_irq_pair_free(struct igbp_pair *pair)
{
	if (!pair->requested)
		return;
	irq_update_affinity_hint(pair->irq, NULL);
	igbp_steer_rmap_del(pair);
	free_irq(pair->irq, pair);
	pair->requested = false;
}

static void igbp_irq_all_free(struct igbp_port *port)
{
	unsigned int i = port->pairs;

	while (i--)
		igbp_irq_pair_free(port->pair[i]);
	igbp_irq_free(port);
}

static int igbp_irq_all_request(struct igbp_port *port)
{
	unsigned int i;
	int err;

	err = igbp_irq_request(port);
	for (i = 0; i < port->pairs && !err; i++)
		err = igbp_irq_pair_request(port->pair[i]);
	return err;
}

/**
 * igbp_irq_vectors_change - allow the port another number of vectors
 * @port: port with MSI-X, not running, open or not
 * @max: vectors, at least 2
 *
 * Affinities that the administrator has set are lost, as the vectors are new.
 * So is a table of queues that nobody has set.
 *
 * Context: process, may sleep, RTNL.
 * Return: 0, or an error of igbp_irq_vectors_alloc() or request_irq(); then the
 * port is closed, and without vectors it cannot be opened.
 */
int igbp_irq_vectors_change(struct igbp_port *port, unsigned int max)
{
	bool open = test_bit(IGBP_PORT_OPEN, &port->flags);
	unsigned int i;
	int err;

	ASSERT_RTNL();
	if (open)
		igbp_irq_all_free(port);
	igbp_irq_vectors_free(port);
	port->vectors_max = max;
	err = igbp_irq_vectors_alloc(port);
	if (!err) {
		for (i = 0; i < port->max_pairs; i++)
			igbp_irq_pair_assign(port->pair[i]);
		if (!netif_is_rxfh_configured(port->netdev))
			igbp_rss_table_default(port, port->pairs);
		if (open)
			err = igbp_irq_all_request(port);
	}
	if (!err)
		return 0;
	port->vectors_max = 0;
	if (open)
		dev_close(port->netdev);
	return err;
}

/* Whether a pair beside this one has its vector, and runs */
static bool igbp_irq_is_used(const struct igbp_pair *pair)
{
	const struct igbp_pair *other;

	for (other = pair->lead; other; other = other->next)
		if (other != pair && other->running)
			return true;
	return false;
}

/**
 * igbp_irq_pair_enable - route a pair's queues to its vector and open it
 * @pair: pair whose NAPI is enabled
 *
 * Raises the vector once, for what came before.
 *
 * Context: process, RTNL.
 */
void igbp_irq_pair_enable(struct igbp_pair *pair)
{
	struct igbp_port *port = pair->port;
	unsigned long irqflags;

	igbp_irq_ivar_set(pair, pair->rx.queue,
			  IGBP_IVAR_RX_SHIFT(pair->rx.queue), true);
	igbp_irq_tx_route(&pair->tx, true);
	if (igbp_xdp_has_queues(port))
		igbp_irq_tx_route(&pair->xdp_tx, true);
	if (pair->lead == pair)
		igbp_moderation_set(pair, pair->usecs);
	if (port->irq_mode == IGBP_IRQ_SHARED) {
		igbp_wr32(port, IGBP_IMS, IGBP_SHARED_CAUSES);
	} else {
		spin_lock_irqsave(&pair->mask_lock, irqflags);
		pair->masked = false;
		igbp_wr32(port, IGBP_EIMS, pair->eims);
		spin_unlock_irqrestore(&pair->mask_lock, irqflags);
	}
	igbp_irq_kick(pair);
}

/**
 * igbp_irq_pair_disable - close a pair's vector and wait for its handler
 * @pair: pair whose NAPI is still enabled
 *
 * A poll in progress may open the vector again; the caller disables the NAPI
 * next and closes it for good by calling a second time. One that is others',
 * too, stays open: without the NAPI it does nothing for this pair.
 *
 * Context: process, may sleep, RTNL.
 */
void igbp_irq_pair_disable(struct igbp_pair *pair)
{
	struct igbp_port *port = pair->port;

	if (port->irq_mode == IGBP_IRQ_SHARED) {
		igbp_wr32(port, IGBP_IMC, IGBP_SHARED_CAUSES);
		synchronize_irq(port->other_irq);
		return;
	}
	/* The NAPI may be disabled while a poll was about to open it */
	igbp_wr32(port, igbp_irq_is_used(pair) ? IGBP_EIMS : IGBP_EIMC,
		  pair->eims);
	igbp_rd32(port, IGBP_STATUS);
	synchronize_irq(pair->irq);
}

/**
 * igbp_irq_other_enable - let the device report link changes
 * @port: port
 *
 * Receive overrun is on because some models show drops in no other way.
 * Queue causes stay off under MSI-X: they have vectors of their own.
 *
 * Context: process, RTNL.
 */
void igbp_irq_other_enable(struct igbp_port *port)
{
	igbp_rd32(port, IGBP_ICR);
	if (port->irq_mode != IGBP_IRQ_SHARED)
		igbp_wr32(port, IGBP_EIMS, BIT(0));
	igbp_wr32(port, IGBP_IMS, IGBP_ICR_LSC | IGBP_ICR_RXO |
		  (port->sriov ? IGBP_ICR_VMMB : 0));
}

/**
 * igbp_irq_disable_all - mask everything
 * @port: port; vectors of its VFs stay as they are
 *
 * Context: any.
 */
void igbp_irq_disable_all(struct igbp_port *port)
{
	igbp_wr32(port, IGBP_IMC, U32_MAX);
	if (port->irq_mode != IGBP_IRQ_SHARED)
		igbp_wr32(port, IGBP_EIMC, port->sriov ?
			  igbp_irq_own_vectors(port) : U32_MAX);
	igbp_rd32(port, IGBP_STATUS);
}

/**
 * igbp_irq_kick - raise the interrupt of a pair
 * @pair: pair
 *
 * Context: any.
 */
void igbp_irq_kick(struct igbp_pair *pair)
{
	if (pair->irq_mode == IGBP_IRQ_SHARED)
		igbp_wr32(pair->port, IGBP_ICS, IGBP_ICR_RXDMT0);
	else
		igbp_wr32(pair->port, IGBP_EICS, pair->eims);
}

static void igbp_irq_poll_done(struct igbp_pair *pair)
{
	if (unlikely((u16)(pair->dim_events - pair->adapt.events) >=
		     IGBP_DIM_EVENTS) && READ_ONCE(pair->adaptive))
		igbp_moderation_adapt(pair);

	if (pair->irq_mode == IGBP_IRQ_LAZY) {
		if (unlikely(READ_ONCE(pair->masked)))
			igbp_irq_lazy_unmask(pair);
	} else if (pair->irq_mode != IGBP_IRQ_SHARED) {
		igbp_wr32(pair->port, IGBP_EIMS, pair->eims);
	} else {
		igbp_wr32(pair->port, IGBP_IMS, IGBP_SHARED_CAUSES);
	}
}

static int igbp_irq_rx_clean_other(struct igbp_pair *pair, int budget)
{
	switch (pair->rx.kind) {
	case IGBP_RX_XDP:
		return igbp_xdp_clean(pair, budget);
	case IGBP_RX_XSK:
		return igbp_xsk_poll(pair, budget);
	default:
		return igbp_rx_clean_split(pair, budget);
	}
}

/**
 * igbp_napi_poll - reclaim sent frames, receive up to @budget new ones
 * @napi: of a pair
 * @budget: frames to receive at most; 0 only reclaims (netpoll)
 *
 * Context: softirq, or a NAPI thread.
 * Return: frames received; @budget asks to be called again.
 */
int igbp_napi_poll(struct napi_struct *napi, int budget)
{
	struct igbp_pair *pair = container_of(napi, struct igbp_pair, napi);
	int work;

	igbp_tx_clean(&pair->tx, budget);
	if (unlikely(!budget))
		return 0;
	if (unlikely(igbp_xdp_tx_pending(pair)))
		igbp_tx_clean(&pair->xdp_tx, budget);

	if (unlikely(pair->rx.kind != IGBP_RX_STACK))
		work = igbp_irq_rx_clean_other(pair, budget);
	else
		work = igbp_rx_clean(pair, budget);
	if (work >= budget)
		return budget;

	/* An administrator who defers interrupts wants none in between, so
	 * here the open vector must close before the NAPI goes idle.
	 */
	if (pair->irq_mode == IGBP_IRQ_LAZY &&
	    unlikely(READ_ONCE(napi->dev->napi_defer_hard_irqs)))
		igbp_irq_lazy_mask(pair);

	if (likely(napi_complete_done(napi, work)))
		igbp_irq_poll_done(pair);
	return work;
}
