/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The driver's structures, and what its files share
 *
 * A port (struct igbp_port) is one PCI function and one net_device. It owns up
 * to IGBP_MAX_PAIRS pairs; pair i is receive queue i, transmit queue i, one
 * interrupt vector (which it may have to share) and one NAPI instance, and
 * lives on one CPU. Pairs exist from probe to remove, so their counters outlive
 * `ip link set down`; the memory of their rings (struct igbp_rx_mem,
 * igbp_tx_mem) comes and goes.
 *
 * Locks, outermost first:
 *   devlink's		reload, and reports on the health of queues
 *   RTNL			configuration: open and stop, ring sizes,
 *				channels, MTU, RSS, moderation
 *   igbp_port.mdio_lock	PHY registers and what was negotiated
 *   igbp_port.stats_lock	hardware counters (they clear on read)
 *   netif_addr_lock		RCTL, MTA, receive addresses above 0
 *   igbp_flow.lock		steering rules and their registers
 *   __netif_tx_lock		producer side of a transmit ring; for XDP's own
 *				rings that of a queue the stack does not use
 *   igbp_pair.mask_lock	EIMC, EIMS and EITR of one vector
 *   igbp_port.ivar_lock	IVAR registers, each shared by two pairs
 *   igbp_sriov.lock	VFs, their mailboxes, and the registers of pools; in
 *			hard interrupts, too
 *   igbp_ptp.lock		the clock, and the registers of timestamps
 * The consumer side of a transmit ring and all of a receive ring belong to
 * the owner of the pair's NAPI; see tx.c for the one exception.
 */
#ifndef _IGB_PERCORE_H
#define _IGB_PERCORE_H

#include <linux/cpumask.h>
#include <linux/dim.h>
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/if_vlan.h>
#include <linux/io.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/pci.h>
#include <linux/ptp_clock_kernel.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/u64_stats_sync.h>
#include <linux/workqueue.h>
#include <net/xdp.h>

#include "regs.h"

#define IGBP_DRV_NAME		KBUILD_MODNAME

#define IGBP_MAX_PAIRS		16
#define IGBP_RING_MIN		64	/* descriptors, a power of two */
#define IGBP_RING_MAX		4096
#define IGBP_RING_DEFAULT	256
#define IGBP_MTU_MAX		9216
/* Room for a frame beyond the MTU: MAC header, two VLAN tags, FCS */
#define IGBP_FRAME_EXTRA	(ETH_HLEN + 2 * VLAN_HLEN + ETH_FCS_LEN)
#define IGBP_USECS_MAX		8191	/* EITR has 13 bits of 1 us */
#define IGBP_RX_REFILL		32	/* descriptors, at a time */
/* In front of received data, without and with XDP */
#define IGBP_RX_HEADROOM	(NET_SKB_PAD + NET_IP_ALIGN)
#define IGBP_XDP_HEADROOM	(XDP_PACKET_HEADROOM + NET_IP_ALIGN)
/* Bytes of a large receive buffer, and bytes of it for the device */
#define IGBP_RX_LARGE		4096
#define IGBP_RX_LARGE_DATA	3072
#define IGBP_RX_HDR_BYTES	256	/* of a buffer for headers */
/* Most descriptors of a frame of the stack: context, header, fragments, and
 * 64 KB cut at every IGBP_TXD_MAX_BYTES
 */
#define IGBP_TX_DESC_MAX	(MAX_SKB_FRAGS + 6)
#define IGBP_TX_WAKE		(IGBP_TX_DESC_MAX + 8)
#define IGBP_TX_MAX_BYTES	(IGBP_MTU_MAX + ETH_HLEN + 2 * VLAN_HLEN)
#define IGBP_TX_MIN_BYTES	17	/* shorter frames stop the device */
#define IGBP_DIM_PROFILES	5
#define IGBP_DIM_EVENTS		64	/* interrupts between two looks */

/* With VFs the PF has the last pool, and no VF can */
#define IGBP_PF_POOL		(IGBP_POOLS - 1)
#define IGBP_VFS_MAX		(IGBP_POOLS - 1)
#define IGBP_SRIOV_PAIRS	1	/* of the PF then */
/* Moderation of the interrupt that VFs can raise as often as they like */
#define IGBP_SRIOV_USECS	500

struct devlink;
struct ifla_vf_info;
struct ifla_vf_stats;
struct igbp_pair;
struct igbp_port;
struct igbp_sriov;
struct page_pool;
struct percore_nic;
struct xsk_buff_pool;

/**
 * enum igbp_irq_mode - how a vector is kept quiet while its NAPI polls
 * @IGBP_IRQ_AUTOMASK: the device masks it on assertion (EIAM); one register
 *	write unmasks it
 * @IGBP_IRQ_LAZY: the device has no EIAM. The vector stays open; only when it
 *	fires while the NAPI is already running is it masked, until the NAPI
 *	is done. No register is written at all while packets come one by one
 * @IGBP_IRQ_EAGER: the device has no EIAM, and pairs share vectors: the
 *	interrupt masks it, and each poll that completes unmasks it
 * @IGBP_IRQ_SHARED: a single MSI or INTx; causes are read from ICR
 */
enum igbp_irq_mode {
	IGBP_IRQ_AUTOMASK,
	IGBP_IRQ_LAZY,
	IGBP_IRQ_EAGER,
	IGBP_IRQ_SHARED,
};

/**
 * enum igbp_port_flag - bits of igbp_port.flags
 * @IGBP_PORT_GONE: reads return all ones, the device was unplugged
 * @IGBP_PORT_AWAY: the device is asleep, frozen or being reset by others;
 *	changed under RTNL
 * @IGBP_PORT_OPEN: rings have memory and interrupts; changed under RTNL
 * @IGBP_PORT_UP: rings run and interrupts are open
 * @IGBP_PORT_LIVE: igbp_port.life_work may be queued
 * @IGBP_PORT_LOOPBACK: the PHY sends back what it gets, for the self-test
 */
enum igbp_port_flag {
	IGBP_PORT_GONE,
	IGBP_PORT_AWAY,
	IGBP_PORT_OPEN,
	IGBP_PORT_UP,
	IGBP_PORT_LIVE,
	IGBP_PORT_LOOPBACK,
};

/**
 * enum igbp_stuck - bits of igbp_pair.stuck: what hangs, and is to be reported
 * @IGBP_STUCK_TX: the transmit queue, or that of XDP
 * @IGBP_STUCK_RX: the receive queue
 */
enum igbp_stuck {
	IGBP_STUCK_TX,
	IGBP_STUCK_RX,
};

/**
 * enum igbp_rx_kind - who polls a receive ring, and into what it receives
 * @IGBP_RX_STACK: rx.c; an sk_buff is built around the buffer
 * @IGBP_RX_SPLIT: rx.c with split.c; headers have buffers of their own
 * @IGBP_RX_XDP: xdp.c; buffers have XDP's headroom
 * @IGBP_RX_XSK: xsk.c; buffers are a socket's
 */
enum igbp_rx_kind {
	IGBP_RX_STACK,
	IGBP_RX_SPLIT,
	IGBP_RX_XDP,
	IGBP_RX_XSK,
};

/**
 * struct igbp_rx_mem - the memory of a receive ring
 * @desc: descriptors
 * @desc_dma: their DMA address
 * @hdr: buffers for headers, IGBP_RX_HDR_BYTES for each descriptor, or NULL
 * @hdr_dma: their DMA address
 * @buf: where the data of each descriptor goes
 * @pool: where buffers come from, unless they are a socket's
 * @xsk: pool of an AF_XDP socket whose buffers these are; then each of @buf is
 *	a struct xdp_buff
 * @size: number of descriptors, a power of two
 * @truesize: bytes of a buffer, headroom and skb_shared_info included
 * @data_bytes: bytes of a buffer that the device may write, whole KB
 * @headroom: bytes of a buffer in front of the data
 * @filled: descriptors posted from the first on, 0 once the ring has stopped
 * @xdp: buffers have the headroom that XDP wants, and the device may send them
 */
struct igbp_rx_mem {
	union igbp_rx_desc *desc;
	dma_addr_t desc_dma;
	u8 *hdr;
	dma_addr_t hdr_dma;
	void **buf;
	struct page_pool *pool;
	struct xsk_buff_pool *xsk;
	u16 size;
	u16 truesize;
	u16 data_bytes;
	u16 headroom;
	u16 filled;
	bool xdp;
};

/**
 * struct igbp_rx_stats - software counters of a receive ring
 * @packets: frames handed to the stack
 * @bytes: their bytes without FCS
 * @csum_err: frames whose checksum the device found wrong
 * @errors: frames that were dropped as the device called them bad, or said of
 *	them what cannot be
 * @alloc_fail: no page or no sk_buff
 * @polls: NAPI polls
 * @split: frames whose payload lies apart from their headers
 * @xdp_drop: frames that a program dropped
 * @xdp_tx: frames that a program sent back
 * @xdp_redirect: frames that a program redirected
 * @xdp_errors: frames that a program aborted, or could not have or send on
 * @xsk_starved: polls that found the fill ring of a socket as good as empty
 */
struct igbp_rx_stats {
	u64_stats_t packets;
	u64_stats_t bytes;
	u64_stats_t csum_err;
	u64_stats_t errors;
	u64_stats_t alloc_fail;
	u64_stats_t polls;
	u64_stats_t split;
	u64_stats_t xdp_drop;
	u64_stats_t xdp_tx;
	u64_stats_t xdp_redirect;
	u64_stats_t xdp_errors;
	u64_stats_t xsk_starved;
};

/**
 * struct igbp_xdp_buff - a received frame as a program sees it
 * @xdp: the frame; must come first. Its data is NULL while there is none
 * @desc: its last descriptor, for metadata
 * @stamp: timestamp of the device, or 0
 */
struct igbp_xdp_buff {
	struct xdp_buff xdp;
	const union igbp_rx_desc *desc;
	ktime_t stamp;
};

/**
 * struct igbp_xdp - what XDP keeps for a receive ring
 * @buff: frame at hand, or whose last descriptor has not come yet
 * @tx: frames to send back, not given to the ring yet
 * @tx_count: number of @tx
 * @redirected: frames wait for xdp_do_flush()
 * @rxq: the queue, as programs and the stack know it
 * @xsk: copy of igbp_rx_mem.xsk
 * @spoilt: a frame is being dropped, up to its last descriptor
 */
struct igbp_xdp {
	struct igbp_xdp_buff buff;
	struct xdp_frame *tx[XDP_BULK_QUEUE_SIZE];
	u8 tx_count;
	bool redirected;
	struct xdp_rxq_info rxq;
	struct xsk_buff_pool *xsk;
	bool spoilt;
};

/**
 * struct igbp_rx_ring - receive queue; belongs to the owner of the NAPI
 * @desc: copy of @mem.desc
 * @buf: copy of @mem.buf
 * @pool: copy of @mem.pool
 * @tail: RDT register
 * @dev: device for DMA
 * @skb: frame whose last descriptor has not come yet, or an error pointer while
 *	it is being dropped
 * @ntc: next descriptor to look at, free-running
 * @ntu: next descriptor to post, free-running
 * @mask: @mem.size - 1
 * @truesize: copy of @mem.truesize
 * @room: bytes of a buffer that may be a frame's
 * @kind: enum igbp_rx_kind
 * @queue: number of the device's queue; changes while the port is stopped
 * @syncp: guards @stats on 32-bit machines
 * @stats: counters; survive the rings
 * @mem: what to free
 * @xdp: of xdp.c
 */
struct igbp_rx_ring {
	union igbp_rx_desc *desc;
	void **buf;
	struct page_pool *pool;
	void __iomem *tail;
	struct device *dev;
	struct sk_buff *skb;
	u16 ntc;
	u16 ntu;
	u16 mask;
	u16 truesize;
	u16 room;
	u8 kind;
	u16 queue;
	struct u64_stats_sync syncp;
	struct igbp_rx_stats stats;
	struct igbp_rx_mem mem;
	struct igbp_xdp xdp;
};

/**
 * struct igbp_tx_buf - what a transmit descriptor stands for
 * @skb: on the last descriptor of a frame, the frame
 * @xdpf: the same in a batch of XDP
 * @dma: address that was mapped
 * @len: bytes mapped, 0 if nothing was
 * @page: mapped as a page and not as a single buffer
 * @xdp: on the first descriptor of a batch, it is one of XDP or of a socket
 * @xsk: on the first descriptor of a socket's batch, number of its frames
 * @batch_last: on the first descriptor of a batch, its last one
 * @batch_bytes: on the first descriptor of a batch, bytes told to BQL
 */
struct igbp_tx_buf {
	union {
		struct sk_buff *skb;
		struct xdp_frame *xdpf;
	};
	dma_addr_t dma;
	u32 len;
	bool page;
	bool xdp;
	u16 batch_last;
	u32 batch_bytes;
	u16 xsk;
};

/**
 * struct igbp_tx_mem - the memory of a transmit ring
 * @desc: descriptors
 * @desc_dma: their DMA address
 * @buf: a struct igbp_tx_buf for each
 * @slot: a mapped area of IGBP_TX_SLOT_BYTES for each; not in XDP's own rings
 * @slot_dma: its DMA address
 * @size: number of descriptors, a power of two
 */
struct igbp_tx_mem {
	union igbp_tx_desc *desc;
	dma_addr_t desc_dma;
	struct igbp_tx_buf *buf;
	u8 *slot;
	dma_addr_t slot_dma;
	u16 size;
};

/* Frames and headers up to this many bytes are copied and not mapped */
#define IGBP_TX_SLOT_BYTES	256

/**
 * struct igbp_tx_ctx - an offload context as the device holds it
 * @vlan_maclen_iplen: as in the descriptor
 * @type: as in the descriptor; 0 while the device holds none
 * @mss_l4len_idx: as in the descriptor
 */
struct igbp_tx_ctx {
	u32 vlan_maclen_iplen;
	u32 type;
	u32 mss_l4len_idx;
};

/**
 * struct igbp_tx_stats - software counters of a transmit ring
 * @packets: frames on the wire, that is after segmentation
 * @bytes: their bytes without FCS
 * @csum: frames whose checksum the device filled in
 * @tso: frames that the device segmented
 * @stops: times that the queue was full
 * @dropped: frames that could not be mapped or prepared
 * @doorbells: writes of the tail register
 * @timeouts: times that the stack reported the queue stuck
 * @xdp: frames of XDP, which @packets counts too
 * @xdp_dropped: frames of XDP that did not fit, could not be mapped, or came
 *	while the ring was down
 * @xsk: frames of AF_XDP sockets without copies, which @packets counts too
 */
struct igbp_tx_stats {
	u64_stats_t packets;
	u64_stats_t bytes;
	u64_stats_t csum;
	u64_stats_t tso;
	u64_stats_t stops;
	u64_stats_t dropped;
	u64_stats_t doorbells;
	u64_stats_t timeouts;
	u64_stats_t xdp;
	u64_stats_t xdp_dropped;
	u64_stats_t xsk;
};

/**
 * struct igbp_tx_ring - transmit queue
 * @desc: copy of @mem.desc
 * @buf: copy of @mem.buf
 * @tail: TDT register
 * @dev: device for DMA
 * @txq: the stack's queue; for XDP's own rings one that it does not use, for
 *	the sake of its lock
 * @pair: owner
 * @slot: copy of @mem.slot
 * @slot_dma: copy of @mem.slot_dma
 * @ntu: next descriptor to fill, free-running; written by the producer
 * @batch: first descriptor of the batch without doorbell; producer's
 * @mask: @mem.size - 1
 * @batch_bytes: bytes in the open batch; producer's
 * @ctx: offload contexts in the device: 0 plain checksum, 1 segmentation;
 *	producer's
 * @sync_hits: doorbells in a row that were done at once; producer's
 * @sync: the device finishes within the doorbell, so the producer reclaims
 *	and the interrupt is off; changed under the tx lock only
 * @xdp_open: XDP may send here; changed under the tx lock
 * @queue: number of the device's queue; changes while the port is stopped
 * @syncp: guards @stats on 32-bit machines
 * @stats: counters; survive the rings
 * @published: end of the batches that the device owns, free-running; written
 *	by the producer with release
 * @ntc: next descriptor to reclaim, free-running; written by the consumer
 * @stall: @ntc when the link work last looked
 * @mem: what to free
 */
struct igbp_tx_ring {
	union igbp_tx_desc *desc;
	struct igbp_tx_buf *buf;
	void __iomem *tail;
	struct device *dev;
	struct netdev_queue *txq;
	struct igbp_pair *pair;
	u8 *slot;
	dma_addr_t slot_dma;
	u16 ntu;
	u16 batch;
	u16 mask;
	u32 batch_bytes;
	struct igbp_tx_ctx ctx[2];
	u8 sync_hits;
	bool sync;
	bool xdp_open;
	u16 queue;
	struct u64_stats_sync syncp;
	struct igbp_tx_stats stats;

	u16 published ____cacheline_aligned_in_smp;
	u16 ntc;
	u16 stall;
	struct igbp_tx_mem mem;
};

/**
 * struct igbp_adapt - counters when moderation was last looked at
 * @time: when
 * @rx_packets: frames received
 * @tx_packets: frames sent
 * @events: interrupts
 */
struct igbp_adapt {
	ktime_t time;
	u64 rx_packets;
	u64 tx_packets;
	u16 events;
};

/**
 * struct igbp_pair - receive queue, transmit queue, vector and NAPI of a core
 * @napi: polls both rings
 * @port: owner
 * @eims: bit of the vector in EIMS, EIMC, EICS
 * @index: number of the pair and of its two queues
 * @irq_mode: copy of the port's
 * @masked: lazy masking has masked the vector; under @mask_lock
 * @adaptive: @dim chooses the moderation
 * @lockstep: traffic waits for answers, so none is used; of the NAPI's owner
 * @usecs: moderation in use, us; 0 is none; of a pair that leads
 * @dim_events: interrupts, for @dim
 * @masks: times that lazy masking masked the vector; under @mask_lock
 * @mask_lock: guards @masked and the mask register together, and @adaptive
 *	and the moderation register
 * @rx: receive queue
 * @tx: transmit queue
 * @xdp_tx: transmit queue of XDP, where the device has one for it
 * @dim: moderation state
 * @adapt: what @dim saw last; of the NAPI's owner
 * @xsk: pool of an AF_XDP socket, or NULL; written under RTNL
 * @xsk_timer: looks at a fill ring that was empty
 * @xsk_wait: what it waits for, jiffies; of the NAPI's owner
 * @irq: Linux interrupt number
 * @requested: it is requested; under RTNL
 * @lead: the first pair with the same vector, which may be this one; its are
 *	the moderation and the affinity of the vector
 * @next: another pair with the vector, or NULL
 * @cpu: CPU that the pair belongs to
 * @running: rings are in the device's hands; under RTNL
 * @stall_rx: @rx.ntc when the link work last looked
 * @stall_kicks: times in a row that frames waited in either queue then
 * @stuck: enum igbp_stuck, until it is recovered
 * @restarts: times that the pair was stopped and started as it was stuck;
 *	under RTNL
 * @restarted: when it was last, in jiffies
 * @affinity: mask with @cpu alone, as hint for the interrupt
 * @asleep_affinity: where the interrupt went before the system's sleep
 * @name: of the interrupt
 */
struct igbp_pair {
	struct napi_struct napi;
	struct igbp_port *port;
	u32 eims;
	u16 index;
	u8 irq_mode;
	bool masked;
	bool adaptive;
	bool lockstep;
	u16 usecs;
	u16 dim_events;
	unsigned long masks;
	spinlock_t mask_lock; /* @masked, @adaptive, and their registers */

	struct igbp_rx_ring rx ____cacheline_aligned_in_smp;
	struct igbp_tx_ring tx ____cacheline_aligned_in_smp;
	struct igbp_tx_ring xdp_tx ____cacheline_aligned_in_smp;

	struct dim dim ____cacheline_aligned_in_smp;
	struct igbp_adapt adapt;
	struct xsk_buff_pool *xsk;
	struct timer_list xsk_timer;
	unsigned int xsk_wait;
	int irq;
	bool requested;
	struct igbp_pair *lead;
	struct igbp_pair *next;
	unsigned int cpu;
	bool running;
	u16 stall_rx;
	u8 stall_kicks;
	unsigned long stuck;
	unsigned long restarts;
	unsigned long restarted;
	cpumask_t affinity;
	cpumask_t asleep_affinity;
	char name[IFNAMSIZ + 16];
};

/* Counters of the device; igbp_hw_stat_regs says what each one is */
enum igbp_hw_stat {
	IGBP_HW_CRCERRS, IGBP_HW_ALGNERRC, IGBP_HW_SYMERRS, IGBP_HW_RXERRC,
	IGBP_HW_MPC, IGBP_HW_SCC, IGBP_HW_ECOL, IGBP_HW_MCC, IGBP_HW_LATECOL,
	IGBP_HW_COLC, IGBP_HW_DC, IGBP_HW_RLEC, IGBP_HW_XONRXC,
	IGBP_HW_XONTXC, IGBP_HW_XOFFRXC, IGBP_HW_XOFFTXC, IGBP_HW_FCRUC,
	IGBP_HW_PRC64, IGBP_HW_PRC127, IGBP_HW_PRC255, IGBP_HW_PRC511,
	IGBP_HW_PRC1023, IGBP_HW_PRC1522, IGBP_HW_GPRC, IGBP_HW_BPRC,
	IGBP_HW_MPRC, IGBP_HW_GPTC, IGBP_HW_GORC, IGBP_HW_GOTC, IGBP_HW_RNBC,
	IGBP_HW_RUC, IGBP_HW_RFC, IGBP_HW_ROC, IGBP_HW_RJC, IGBP_HW_TPR,
	IGBP_HW_TPT, IGBP_HW_PTC64, IGBP_HW_PTC127, IGBP_HW_PTC255,
	IGBP_HW_PTC511, IGBP_HW_PTC1023, IGBP_HW_PTC1522, IGBP_HW_MPTC,
	IGBP_HW_BPTC, IGBP_HW_TSCTC,
	IGBP_HW_STATS,
};

/**
 * enum igbp_flow_kind - kinds of steering filters
 * @IGBP_FLOW_TUPLE: IPv4 addresses, ports, protocol (FTQF)
 * @IGBP_FLOW_ETHER: Ethertype (ETQF)
 * @IGBP_FLOW_SYN: first segment of a TCP connection (SYNQF)
 * @IGBP_FLOW_PRIO: priority of a VLAN tag (VLAPQF)
 * @IGBP_FLOW_KINDS: their number
 */
enum igbp_flow_kind {
	IGBP_FLOW_TUPLE,
	IGBP_FLOW_ETHER,
	IGBP_FLOW_SYN,
	IGBP_FLOW_PRIO,
	IGBP_FLOW_KINDS,
};

/**
 * enum igbp_flow_owner - whose filter it is
 * @IGBP_FLOW_FREE: nobody's
 * @IGBP_FLOW_USER: the administrator's
 * @IGBP_FLOW_ARFS: the stack's, which may lose it
 */
enum igbp_flow_owner {
	IGBP_FLOW_FREE,
	IGBP_FLOW_USER,
	IGBP_FLOW_ARFS,
};

/* What a five-tuple filter compares */
#define IGBP_FLOW_PROTO		BIT(0)
#define IGBP_FLOW_SRC		BIT(1)
#define IGBP_FLOW_DST		BIT(2)
#define IGBP_FLOW_SPORT		BIT(3)
#define IGBP_FLOW_DPORT		BIT(4)

#define IGBP_FLOW_SLOTS		32	/* locations; see flow.c */

/**
 * struct igbp_flow_match - what a filter compares; the rest is 0
 * @kind: enum igbp_flow_kind
 * @fields: of a five-tuple: IGBP_FLOW_*
 * @proto: IP protocol
 * @prio: VLAN priority
 * @ethertype: Ethertype
 * @src: source address
 * @dst: destination address
 * @sport: source port
 * @dport: destination port
 */
struct igbp_flow_match {
	u8 kind;
	u8 fields;
	u8 proto;
	u8 prio;
	u16 ethertype;
	__be32 src;
	__be32 dst;
	__be16 sport;
	__be16 dport;
};

/**
 * struct igbp_flow_rule - a filter in use
 * @owner: enum igbp_flow_owner
 * @match: what it compares
 * @queue: where matching frames go
 * @flow_id: aRFS: the stack's number of the flow
 * @spec: rule: as it was asked for
 */
struct igbp_flow_rule {
	u8 owner;
	struct igbp_flow_match match;
	u16 queue;
	u32 flow_id;
	struct ethtool_rx_flow_spec spec;
};

/**
 * struct igbp_flow - the steering filters of a port
 * @lock: guards @rule and the filters' registers
 * @queues: for each kind, how many queues it can name; 0 if the device has
 *	no such filter
 * @rule: by location
 */
struct igbp_flow {
	spinlock_t lock; /* @rule, and the filters' registers */
	u16 queues[IGBP_FLOW_KINDS];
	struct igbp_flow_rule rule[IGBP_FLOW_SLOTS];
};

/**
 * struct igbp_ptp_time - where the clock stood, and how fast it goes
 * @ns: time
 * @cycles: the device's counter then
 * @frac: what @ns lacks, in 2^-31 ns
 * @mult: 2^-31 ns for each cycle
 */
struct igbp_ptp_time {
	u64 ns;
	u64 cycles;
	u32 frac;
	u32 mult;
};

/**
 * struct igbp_ptp - the PTP hardware clock
 * @lock: guards the registers of time and timestamps, and who waits for one
 * @running: the device's counter counts, and the clock goes by it
 * @time: the clock
 * @boot_ns: the system's clock at @time
 * @info: operations
 * @clock: as the world sees it, or NULL
 */
struct igbp_ptp {
	spinlock_t lock; /* registers of time and timestamps, igbp_stamp */
	bool running;
	struct igbp_ptp_time time;
	u64 boot_ns;
	struct ptp_clock_info info;
	struct ptp_clock *clock;
};

/**
 * struct igbp_stamp - timestamps of frames
 * @tx_on: frames that ask get one; written under RTNL
 * @rx_on: frames that match get one; written under RTNL
 * @rx_ether: PTP over Ethernet matches; under RTNL
 * @rx_udp: PTP over UDP matches; under RTNL
 * @rx_filter: HWTSTAMP_FILTER_* that this amounts to; under RTNL
 * @rx_type: TYPE of TSYNCRXCTL; under RTNL
 * @rx_message: TSYNCRXCFG; under RTNL
 * @tx_skb: frame that holds the transmit register, or NULL; this and what
 *	follows under igbp_ptp.lock
 * @tx_since: jiffies when something could still be expected of the ring
 * @rx_since: jiffies when the receive register was last read or empty
 * @tx_packets: timestamps given
 * @tx_lost: timestamps that never came
 * @tx_skipped: frames that found the register taken
 * @rx_cleared: timestamps that nobody fetched
 */
struct igbp_stamp {
	bool tx_on;
	bool rx_on;
	bool rx_ether;
	bool rx_udp;
	int rx_filter;
	u32 rx_type;
	u32 rx_message;

	struct sk_buff *tx_skb;
	unsigned long tx_since;
	unsigned long rx_since;
	u64 tx_packets;
	u64 tx_lost;
	u64 tx_skipped;
	u64 rx_cleared;
};

/**
 * struct igbp_link - what the link agreed on
 * @speed: Mbit/s, or SPEED_UNKNOWN
 * @full_duplex: both directions at once
 * @rx_pause: pause frames from the partner are obeyed
 * @tx_pause: pause frames are sent
 */
struct igbp_link {
	int speed;
	bool full_duplex;
	bool rx_pause;
	bool tx_pause;
};

/**
 * struct igbp_port - a PCI function and its net_device
 * @regs: BAR 0
 * @netdev: the interface
 * @pdev: the function
 * @pair: all pairs, those in use first
 * @pairs: number in use; under RTNL
 * @max_pairs: number of @pair
 * @irq_mode: see enum igbp_irq_mode
 * @udp_gso_broken: the device segments UDP wrongly
 * @flags: enum igbp_port_flag
 * @rx_size: descriptors of a receive ring; under RTNL
 * @tx_size: descriptors of a transmit ring; under RTNL
 * @no_eiam: the device does not mask vectors by itself
 * @vectors: interrupt vectors that were allocated
 * @vectors_max: how many may be; 0 if there are none, as they could not be had
 *	again; under RTNL
 * @requested: @other_irq is requested; under RTNL
 * @other_irq: Linux interrupt number of link changes, or of everything
 * @other_name: name of that interrupt
 * @usecs: moderation to use when it is not adaptive, us; under RTNL
 * @adaptive: whether moderation adapts; under RTNL
 * @rss_key: Toeplitz key; under RTNL
 * @rss_table: queue of each hash bucket; under RTNL
 * @rss_udp4: ports are hashed for UDP over IPv4; under RTNL
 * @rss_udp6: the same for IPv6; under RTNL
 * @flow: steering filters
 * @steer_work: takes back what aRFS no longer needs
 * @vfta: shadow of the VLAN filter; under RTNL
 * @vlan_filter: frames with other tags are dropped; written under RTNL
 * @rx_all: bad frames are received; written under RTNL
 * @rx_large: receive buffers are large whatever the MTU; under RTNL
 * @rx_fcs: frames come with their FCS; written under RTNL
 * @xdp: receive buffers are to be XDP's; under RTNL
 * @split: headers are to be received apart; not with @xdp; under RTNL
 * @xdp_prog: program that runs on received frames, or NULL; written under RTNL
 * @func: number of the PCI function in the package
 * @mdio_lock: guards the PHY and the fields below to @link
 * @phy_id: identifier of the PHY
 * @autoneg: autonegotiation is on
 * @advertising: what is advertised (ethtool link modes, first 32)
 * @forced_speed: Mbit/s without autonegotiation
 * @forced_full: duplex without autonegotiation
 * @pause_autoneg: pause follows autonegotiation
 * @pause_rx: pause wanted in receive
 * @pause_tx: pause wanted in transmit
 * @loopback: the PHY sends back what it gets (NETIF_F_LOOPBACK)
 * @link: what was agreed
 * @link_work: looks after the link, the counters and stalled rings
 * @life_work: resets the MAC, wakes it, or parts with one that is gone
 * @config: configuration space at probe, for a device that lost it
 * @ivar_lock: guards IVAR
 * @stats_lock: guards @hw_stats' writer side
 * @hw_syncp: guards @hw_stats on 32-bit machines
 * @hw_stats: counters of the device, accumulated
 * @resets: MAC resets as a pair was stuck again after its restart
 * @rx_overruns: reports of the device that it dropped frames for want of
 *	descriptors; written by the interrupt for other causes
 * @msg_enable: NETIF_MSG_*
 * @ledctl: LEDCTL before the LEDs were told to blink; under RTNL
 * @wol: WAKE_* wanted; under RTNL
 * @nic: what percore sees of this port, or NULL
 * @devlink: what devlink sees of it
 * @ptp: the clock
 * @stamp: timestamps
 * @sriov: VFs, or NULL; changes under RTNL and netif_addr_lock while the port
 *	is stopped
 */
struct igbp_port {
	void __iomem *regs;
	struct net_device *netdev;
	struct pci_dev *pdev;
	struct igbp_pair *pair[IGBP_MAX_PAIRS];
	u16 pairs;
	u16 max_pairs;
	enum igbp_irq_mode irq_mode;
	bool udp_gso_broken;
	unsigned long flags;

	u16 rx_size;
	u16 tx_size;
	unsigned int vectors;
	unsigned int vectors_max;
	bool no_eiam;
	bool requested;
	int other_irq;
	char other_name[IFNAMSIZ + 16];
	u16 usecs;
	bool adaptive;
	u8 rss_key[IGBP_RSS_KEY_BYTES];
	u8 rss_table[IGBP_RETA_ENTRIES];
	bool rss_udp4;
	bool rss_udp6;
	struct igbp_flow flow;
	struct delayed_work steer_work;
	u32 vfta[IGBP_VFTA_WORDS];
	bool vlan_filter;
	bool rx_all;
	bool rx_large;
	bool rx_fcs;
	bool xdp;
	bool split;
	u8 func;
	struct bpf_prog __rcu *xdp_prog;

	struct mutex mdio_lock; /* the PHY, and the fields down to @link */
	u32 phy_id;
	bool autoneg;
	u32 advertising;
	int forced_speed;
	bool forced_full;
	bool pause_autoneg;
	bool pause_rx;
	bool pause_tx;
	bool loopback;
	struct igbp_link link;

	struct delayed_work link_work;
	struct work_struct life_work;
	struct pci_saved_state *config;
	spinlock_t ivar_lock; /* IVAR registers, shared by two pairs each */
	struct mutex stats_lock; /* reading the device's counters */
	struct u64_stats_sync hw_syncp;
	u64_stats_t hw_stats[IGBP_HW_STATS];
	u64 resets;
	unsigned long rx_overruns;
	u32 msg_enable;
	u32 ledctl;
	u32 wol;
	struct percore_nic *nic;
	struct devlink *devlink;
	struct igbp_ptp ptp;
	struct igbp_stamp stamp;
	struct igbp_sriov *sriov;
};

/* Pairs that there can be: with VFs the PF has those of its pool */
static inline unsigned int igbp_port_pairs_max(const struct igbp_port *port)
{
	return port->sriov ? IGBP_SRIOV_PAIRS : port->max_pairs;
}

/* Whether registers are out of reach: nothing is written, and read as ones */
static inline bool igbp_port_is_absent(const struct igbp_port *port)
{
	return READ_ONCE(port->flags) &
	       (BIT(IGBP_PORT_GONE) | BIT(IGBP_PORT_AWAY));
}

/* Read @reg into @val until @cond; at an end at once when it is out of reach.
 * Return: 0, or -ETIMEDOUT.
 */
#define igbp_poll32(port, reg, val, cond, sleep_us, timeout_us) ({ \
	struct igbp_port *__port = (port); \
	read_poll_timeout(igbp_rd32, val, \
			  (cond) || igbp_port_is_absent(__port), sleep_us, \
			  timeout_us, false, __port, reg); })

/* hw_mac.c */
u32 igbp_rd32(struct igbp_port *port, u32 reg);
void igbp_wr32(struct igbp_port *port, u32 reg, u32 val);
int igbp_mac_reset(struct igbp_port *port);
void igbp_mac_init(struct igbp_port *port);
void igbp_mac_addr_read(struct igbp_port *port, u8 *addr);
void igbp_mac_rar_set(struct igbp_port *port, unsigned int index,
		      const u8 *addr);
void igbp_mac_rar_pool_set(struct igbp_port *port, unsigned int index,
			   const u8 *addr, unsigned int pool);
void igbp_mac_filter_apply(struct igbp_port *port);
void igbp_mac_vlan_apply(struct igbp_port *port);
void igbp_mac_frame_max_set(struct igbp_port *port, unsigned int mtu);
void igbp_mac_features_apply(struct igbp_port *port,
			     netdev_features_t features);
void igbp_mac_link_apply(struct igbp_port *port);
void igbp_mac_loopback_apply(struct igbp_port *port);
void igbp_mac_leave(struct igbp_port *port);
void igbp_mac_wake_apply(struct igbp_port *port, u32 wake);
bool igbp_mac_link_read(struct igbp_port *port, struct igbp_link *link);
int igbp_swfw_acquire(struct igbp_port *port, u32 mask);
void igbp_swfw_release(struct igbp_port *port, u32 mask);

/* hw_phy.c */
int igbp_phy_read(struct igbp_port *port, u8 reg, u16 *val);
int igbp_phy_write(struct igbp_port *port, u8 reg, u16 val);
int igbp_phy_init(struct igbp_port *port);
int igbp_phy_link_setup(struct igbp_port *port);
void igbp_phy_power_up(struct igbp_port *port);
void igbp_phy_power_down(struct igbp_port *port);
void igbp_phy_pause_resolve(struct igbp_port *port, struct igbp_link *link);
void igbp_link_work(struct work_struct *work);
void igbp_link_check_soon(struct igbp_port *port);

/* hw_nvm.c */
int igbp_nvm_read(struct igbp_port *port, u16 word, u16 *val);
int igbp_nvm_validate(struct igbp_port *port);
int igbp_nvm_version_get(struct igbp_port *port, char *text, size_t size);

/* irq.c */
int igbp_irq_vectors_alloc(struct igbp_port *port);
void igbp_irq_vectors_free(struct igbp_port *port);
void igbp_irq_pair_assign(struct igbp_pair *pair);
int igbp_irq_vectors_change(struct igbp_port *port, unsigned int max);
void igbp_irq_mode_probe(struct igbp_port *port);
void igbp_irq_setup(struct igbp_port *port);
int igbp_irq_request(struct igbp_port *port);
void igbp_irq_free(struct igbp_port *port);
int igbp_irq_pair_request(struct igbp_pair *pair);
void igbp_irq_pair_free(struct igbp_pair *pair);
void igbp_irq_pair_enable(struct igbp_pair *pair);
void igbp_irq_pair_disable(struct igbp_pair *pair);
void igbp_irq_other_enable(struct igbp_port *port);
void igbp_irq_disable_all(struct igbp_port *port);
void igbp_irq_kick(struct igbp_pair *pair);
void igbp_irq_tx_route(struct igbp_tx_ring *ring, bool on);
int igbp_napi_poll(struct napi_struct *napi, int budget);

/* moderation.c */
void igbp_moderation_set(struct igbp_pair *pair, u16 usecs);
void igbp_moderation_apply(struct igbp_pair *pair, bool adaptive, u16 usecs);
void igbp_moderation_work(struct work_struct *work);
void igbp_moderation_adapt(struct igbp_pair *pair);

/* rx.c */
int igbp_rx_clean(struct igbp_pair *pair, int budget);
int igbp_rx_fill(struct igbp_rx_mem *mem, u16 index, u16 count);
bool igbp_rx_refill(struct igbp_rx_ring *ring);
void igbp_rx_csum_error(struct igbp_rx_ring *ring);
void igbp_rx_drop_partial(struct igbp_rx_ring *ring);

int igbp_rx_clean_split(struct igbp_pair *pair, int budget);

/* split.c */
void igbp_split_post(struct igbp_rx_mem *mem, u16 index, u16 count);
struct sk_buff *igbp_split_skb_build(struct igbp_pair *pair, u16 index);
bool igbp_split_skb_end(struct igbp_rx_ring *ring, struct sk_buff *skb);
int igbp_split_rings_set(struct igbp_port *port, bool split, u16 rx_size,
			 u16 tx_size, struct netlink_ext_ack *extack);

/* stamp.c, for the inline function below */
void igbp_stamp_rx_skb(struct igbp_pair *pair, struct sk_buff *skb);

/* Fill in what the last descriptor of a frame tells about it. With RXCSUM off
 * the device checks nothing; with RXHASH off it hashes still, and @rss_mask
 * hides it.
 */
static inline void igbp_rx_metadata(struct igbp_pair *pair,
				    struct sk_buff *skb,
				    const union igbp_rx_desc *desc, u32 status,
				    u32 rss_mask)
{
	u32 type = le16_to_cpu(desc->wb.pkt_info) & rss_mask;
	u32 csum = status & (IGBP_RXD_L4CS | IGBP_RXD_UDPCS | IGBP_RXD_L4E |
			     IGBP_RXD_IPE);

	/* Errors are bits above those that say what was checked. It was
	 * CHECKSUM_NONE, and is a bit field.
	 */
	if (likely(csum && csum < IGBP_RXD_L4E))
		skb->ip_summed |= CHECKSUM_UNNECESSARY;
	else if (csum)
		igbp_rx_csum_error(&pair->rx);
	if (type)
		__skb_set_hash(skb, le32_to_cpu(desc->wb.rss), false,
			       BIT(type) & IGBP_RXD_RSS_L4);
	if (likely(!(status & (IGBP_RXD_VP | IGBP_RXD_TS))))
		return;
	if (status & IGBP_RXD_TS)
		igbp_stamp_rx_skb(pair, skb);
	if (status & IGBP_RXD_VP &&
	    pair->napi.dev->features & NETIF_F_HW_VLAN_CTAG_RX)
		__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q),
				       le16_to_cpu(desc->wb.vlan));
}

/* rss.c */
void igbp_rss_init(struct igbp_port *port);
void igbp_rss_table_default(struct igbp_port *port, unsigned int pairs);
void igbp_rss_apply(struct igbp_port *port);
u32 igbp_rss_key_size_get(struct net_device *netdev);
u32 igbp_rss_table_size_get(struct net_device *netdev);
int igbp_rss_get(struct net_device *netdev, struct ethtool_rxfh_param *param);
int igbp_rss_set(struct net_device *netdev, struct ethtool_rxfh_param *param,
		 struct netlink_ext_ack *extack);
int igbp_rss_fields_get(struct igbp_port *port, struct ethtool_rxnfc *nfc);
int igbp_rss_fields_set(struct igbp_port *port,
			const struct ethtool_rxnfc *nfc);

/* flow.c */
int igbp_flow_parse(const struct ethtool_rx_flow_spec *fs,
		    struct igbp_flow_match *match, const char **why);
unsigned int igbp_flow_kind_at(u32 slot);
unsigned int igbp_flow_index(u32 slot);
int igbp_flow_place(const struct igbp_flow *flow,
		    const struct igbp_flow_match *match, u32 location,
		    const char **why);
int igbp_flow_place_arfs(const struct igbp_flow *flow,
			 const struct igbp_flow_match *match);

/* steer.c */
void igbp_steer_probe(struct igbp_port *port);
bool igbp_steer_exists(const struct igbp_port *port);
bool igbp_steer_has_rules(struct igbp_port *port);
void igbp_steer_apply(struct igbp_port *port);
void igbp_steer_clear(struct igbp_port *port, unsigned int queues);
int igbp_steer_rule_set(struct igbp_port *port, struct ethtool_rxnfc *nfc);
int igbp_steer_rule_get(struct igbp_port *port, struct ethtool_rxnfc *nfc,
			u32 *locations);
#ifdef CONFIG_RFS_ACCEL
int igbp_steer_flow(struct net_device *netdev, const struct sk_buff *skb,
		    u16 queue, u32 flow_id);
void igbp_steer_work(struct work_struct *work);
int igbp_steer_rmap_alloc(struct igbp_port *port);
void igbp_steer_rmap_free(struct igbp_port *port);
int igbp_steer_rmap_add(struct igbp_pair *pair);
void igbp_steer_rmap_del(struct igbp_pair *pair);
#else
static inline void igbp_steer_work(struct work_struct *work) {}
static inline int igbp_steer_rmap_alloc(struct igbp_port *port)
{
	return 0;
}

static inline void igbp_steer_rmap_free(struct igbp_port *port) {}
static inline int igbp_steer_rmap_add(struct igbp_pair *pair)
{
	return 0;
}

static inline void igbp_steer_rmap_del(struct igbp_pair *pair) {}
#endif

/* tx.c */
netdev_tx_t igbp_tx_xmit(struct sk_buff *skb, struct net_device *netdev);
void igbp_tx_clean(struct igbp_tx_ring *ring, int budget);
void igbp_tx_drain(struct igbp_tx_ring *ring);
void igbp_tx_unmap(struct igbp_tx_ring *ring, struct igbp_tx_buf *buf);
void igbp_tx_doorbell(struct igbp_tx_ring *ring);

/* Free descriptors, as the producer sees it */
static inline u16 igbp_tx_avail(const struct igbp_tx_ring *ring)
{
	return ring->mask - (u16)(ring->ntu - READ_ONCE(ring->ntc));
}

/* xdp.c */
extern const struct xdp_metadata_ops igbp_xdp_metadata_ops;
int igbp_xdp_clean(struct igbp_pair *pair, int budget);
void igbp_xdp_drop_partial(struct igbp_rx_ring *ring);
u32 igbp_xdp_frame_end(struct igbp_pair *pair, struct igbp_xdp_buff *frame,
		       const union igbp_rx_desc *desc, u32 status);
void igbp_xdp_flush(struct igbp_pair *pair);
void igbp_xdp_batch_send(struct igbp_tx_ring *ring, u16 first,
			 unsigned int count, u32 bytes, u64_stats_t *counter);
u16 igbp_xdp_reclaim(struct igbp_tx_ring *ring, u16 ntc);
int igbp_xdp_xmit(struct net_device *netdev, int n, struct xdp_frame **frames,
		  u32 flags);
void igbp_xdp_open(struct igbp_pair *pair, bool open);
int igbp_xdp_mtu_check(struct igbp_port *port, unsigned int mtu);
int igbp_xdp_bpf(struct net_device *netdev, struct netdev_bpf *bpf);

/* Half of the queues are XDP's, where the other half is enough for the stack */
#define IGBP_XDP_QUEUE		(IGBP_MAX_PAIRS / 2)

static inline bool igbp_xdp_has_queues(const struct igbp_port *port)
{
	return port->max_pairs <= IGBP_XDP_QUEUE;
}

/* Whether XDP's own ring has something to reclaim */
static inline bool igbp_xdp_tx_pending(const struct igbp_pair *pair)
{
	return pair->xdp_tx.ntc != READ_ONCE(pair->xdp_tx.published);
}

/* ptp.c */
u64 igbp_ptp_ns(const struct igbp_ptp_time *time, u64 cycles);
void igbp_ptp_hold(struct igbp_port *port);
void igbp_ptp_start(struct igbp_port *port);
void igbp_ptp_init(struct igbp_port *port);
void igbp_ptp_register(struct igbp_port *port);
void igbp_ptp_unregister(struct igbp_port *port);

/* stamp.c */
bool igbp_stamp_tx_claim(struct igbp_port *port, struct sk_buff *skb);
void igbp_stamp_tx_flush(struct igbp_port *port);
void igbp_stamp_tx_clear(struct igbp_port *port);
ktime_t igbp_stamp_rx_read(struct igbp_port *port);
long igbp_stamp_work(struct ptp_clock_info *info);
void igbp_stamp_apply(struct igbp_port *port);
int igbp_stamp_set(struct net_device *netdev,
		   struct kernel_hwtstamp_config *config,
		   struct netlink_ext_ack *extack);
int igbp_stamp_get(struct net_device *netdev,
		   struct kernel_hwtstamp_config *config);
int igbp_stamp_info_get(struct net_device *netdev,
			struct kernel_ethtool_ts_info *info);
void igbp_stamp_stats_get(struct net_device *netdev,
			  struct ethtool_ts_stats *stats);

/* The ring that XDP sends on */
static inline struct igbp_tx_ring *igbp_xdp_ring(struct igbp_pair *pair)
{
	return igbp_xdp_has_queues(pair->port) ? &pair->xdp_tx : &pair->tx;
}

static inline bool igbp_xdp_is_shared(const struct igbp_tx_ring *ring)
{
	return ring == &ring->pair->tx;
}

/* xsk.c */
u16 igbp_xsk_data_bytes(const struct igbp_port *port,
			struct xsk_buff_pool *pool);
int igbp_xsk_mtu_check(struct igbp_port *port, unsigned int mtu);
u16 igbp_xsk_fill(struct igbp_rx_mem *mem, u16 index, u16 count);
void igbp_xsk_unpost(struct igbp_rx_mem *mem, u16 from, u16 to);
struct sk_buff *igbp_xsk_skb_build(struct igbp_pair *pair,
				   struct xdp_buff *buff);
int igbp_xsk_poll(struct igbp_pair *pair, int budget);
u16 igbp_xsk_reclaim(struct igbp_tx_ring *ring, u16 ntc);
int igbp_xsk_wakeup(struct net_device *netdev, u32 queue, u32 flags);
void igbp_xsk_link_up(struct igbp_port *port);
void igbp_xsk_timer(struct timer_list *timer);
void igbp_xsk_stop(struct igbp_pair *pair);
int igbp_xsk_pool_set(struct igbp_port *port, struct xsk_buff_pool *pool,
		      u16 queue);

/* ring.c */
int igbp_ring_rx_alloc(struct igbp_pair *pair, u16 size, unsigned int mtu,
		       struct igbp_rx_mem *mem);
void igbp_ring_rx_free(struct igbp_pair *pair, struct igbp_rx_mem *mem);
int igbp_ring_tx_alloc(struct igbp_pair *pair, u16 size, bool slots,
		       struct igbp_tx_mem *mem);
void igbp_ring_tx_free(struct igbp_pair *pair, struct igbp_tx_mem *mem);
void igbp_ring_queues_number(struct igbp_port *port);
bool igbp_ring_rx_is_large(const struct igbp_port *port, unsigned int mtu);
void igbp_ring_drop_apply(struct igbp_port *port);
bool igbp_ring_pair_is_stalled(const struct igbp_pair *pair);
void igbp_ring_pair_start(struct igbp_pair *pair);
void igbp_ring_pair_stop(struct igbp_pair *pair);
void igbp_ring_pair_restart(struct igbp_pair *pair);
void igbp_ring_pair_xsk_set(struct igbp_pair *pair, struct xsk_buff_pool *pool);
void igbp_ring_pair_close(struct igbp_pair *pair);
int igbp_ring_pairs_open(struct igbp_port *port, unsigned int first,
			 unsigned int last);
void igbp_ring_pairs_close(struct igbp_port *port, unsigned int first,
			   unsigned int last);
int igbp_ring_reconfigure(struct igbp_port *port, u16 rx_size, u16 tx_size,
			  unsigned int mtu);

/* netdev.c */
void igbp_netdev_init(struct igbp_port *port);
int igbp_netdev_channels_set(struct igbp_port *port, unsigned int pairs,
			     struct netlink_ext_ack *extack);
void igbp_netdev_queues_assign(struct igbp_port *port);
void igbp_netdev_down(struct igbp_port *port);
int igbp_netdev_restart(struct igbp_port *port);
void igbp_netdev_tx_stuck(struct igbp_tx_ring *ring);
void igbp_netdev_rx_stuck(struct igbp_pair *pair);

/* life.c */
extern const struct dev_pm_ops igbp_life_pm_ops;
extern const struct pci_error_handlers igbp_life_error_handlers;
void igbp_life_work_queue(struct igbp_port *port);
void igbp_life_work(struct work_struct *work);
int igbp_life_get(struct igbp_port *port);
void igbp_life_put(struct igbp_port *port);
int igbp_life_wake(struct igbp_port *port);
void igbp_life_idle(struct igbp_port *port);
void igbp_life_sleep(struct igbp_port *port, u32 wake);
void igbp_life_reset_begin(struct igbp_port *port);
int igbp_life_reset_end(struct igbp_port *port);
void igbp_life_begin(struct igbp_port *port);
void igbp_life_end(struct igbp_port *port);

/* diag.c */
int igbp_diag_regs_size(struct net_device *netdev);
void igbp_diag_regs_get(struct net_device *netdev, struct ethtool_regs *info,
			void *data);
int igbp_diag_nvm_size(struct net_device *netdev);
int igbp_diag_nvm_get(struct net_device *netdev,
		      struct ethtool_eeprom *eeprom, u8 *data);
int igbp_diag_led_set(struct net_device *netdev,
		      enum ethtool_phys_id_state state);
int igbp_diag_count(void);
void igbp_diag_strings(u8 *data);
void igbp_diag_test(struct net_device *netdev, struct ethtool_test *test,
		    u64 *data);

/* ethtool.c */
extern const struct ethtool_ops igbp_ethtool_ops;

/* stats.c */
extern const struct netdev_stat_ops igbp_stat_ops;
void igbp_stats_harvest(struct igbp_port *port);
void igbp_stats_get64(struct net_device *netdev,
		      struct rtnl_link_stats64 *stats);
int igbp_stats_count(struct net_device *netdev);
void igbp_stats_strings(struct net_device *netdev, u8 *data);
void igbp_stats_get(struct net_device *netdev, struct ethtool_stats *stats,
		    u64 *data);
void igbp_stats_pause_get(struct net_device *netdev,
			  struct ethtool_pause_stats *stats);
void igbp_stats_mac_get(struct net_device *netdev,
			struct ethtool_eth_mac_stats *stats);
void igbp_stats_phy_get(struct net_device *netdev,
			struct ethtool_eth_phy_stats *stats);
void igbp_stats_ctrl_get(struct net_device *netdev,
			 struct ethtool_eth_ctrl_stats *stats);
void igbp_stats_rmon_get(struct net_device *netdev,
			 struct ethtool_rmon_stats *stats,
			 const struct ethtool_rmon_hist_range **ranges);

/* port.c */
int igbp_port_nic_add(struct igbp_port *port);
void igbp_port_nic_del(struct igbp_port *port);

/* sriov.c */
void igbp_sriov_harvest(struct igbp_port *port);
void igbp_sriov_apply(struct igbp_port *port);
void igbp_sriov_frame_max_set(struct igbp_port *port, unsigned int bytes);
int igbp_sriov_mac_set(struct igbp_port *port, const u8 *addr);
int igbp_sriov_vlan_set(struct igbp_port *port, u16 vid, bool on);
void igbp_sriov_filter_apply(struct igbp_port *port, const u32 *table);
void igbp_sriov_event(struct igbp_port *port);
void igbp_sriov_up(struct igbp_port *port);
void igbp_sriov_down(struct igbp_port *port);
void igbp_sriov_link_changed(struct igbp_port *port, unsigned int speed);
netdev_features_t igbp_sriov_features_fix(struct igbp_port *port,
					  netdev_features_t features);
int igbp_sriov_configure(struct pci_dev *pdev, int count);
void igbp_sriov_init(struct igbp_port *port);
void igbp_sriov_exit(struct igbp_port *port);
void igbp_sriov_functions_restore(struct igbp_port *port);

/* admin.c */
int igbp_admin_mac_set(struct net_device *netdev, int index, u8 *addr);
int igbp_admin_vlan_set(struct net_device *netdev, int index, u16 vlan,
			u8 qos, __be16 proto);
int igbp_admin_rate_set(struct net_device *netdev, int index, int min,
			int max);
int igbp_admin_spoofchk_set(struct net_device *netdev, int index, bool on);
int igbp_admin_trust_set(struct net_device *netdev, int index, bool on);
int igbp_admin_link_state_set(struct net_device *netdev, int index,
			      int state);
int igbp_admin_config_get(struct net_device *netdev, int index,
			  struct ifla_vf_info *info);
int igbp_admin_stats_get(struct net_device *netdev, int index,
			 struct ifla_vf_stats *stats);

/* devlink.c */
void igbp_devlink_report(struct igbp_port *port);
void igbp_devlink_recovered(struct igbp_port *port);
int igbp_devlink_add(struct igbp_port *port);
void igbp_devlink_del(struct igbp_port *port);

#endif /* _IGB_PERCORE_H */
