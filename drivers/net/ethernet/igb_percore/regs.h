/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Register map and descriptor formats of the Intel 82576
 *
 * Everything that the hardware dictates stands here and nowhere else: offsets
 * into BAR 0, the bits within, and the two 16-byte descriptor formats. Nothing
 * in this file depends on the rest of the driver.
 *
 * Names are those of the 82576 datasheet (chapter 8, programming interface;
 * 7.1.5 and 7.2.2, descriptors) with a prefix. What QEMU's model has was tried
 * there; offsets and bits that it does not have (filters other than ETQF) come
 * from public headers and await a comparison with the datasheet. Units stand
 * beside the fields that have one.
 */
#ifndef _IGBP_REGS_H
#define _IGBP_REGS_H

#include <linux/bits.h>
#include <linux/types.h>

/* General */
#define IGBP_CTRL		0x0000
#define IGBP_CTRL_FD			BIT(0)
#define IGBP_CTRL_MASTER_DISABLE	BIT(2)
#define IGBP_CTRL_SLU			BIT(6)
#define IGBP_CTRL_SPD_100		BIT(8)
#define IGBP_CTRL_SPD_1000		BIT(9)
#define IGBP_CTRL_SPD_MASK		GENMASK(9, 8)
#define IGBP_CTRL_FRCSPD		BIT(11)
#define IGBP_CTRL_FRCDPX		BIT(12)
#define IGBP_CTRL_RST			BIT(26)
#define IGBP_CTRL_RFCE			BIT(27)
#define IGBP_CTRL_TFCE			BIT(28)
#define IGBP_CTRL_VME			BIT(30)
#define IGBP_STATUS		0x0008
#define IGBP_STATUS_FD			BIT(0)
#define IGBP_STATUS_LU			BIT(1)
#define IGBP_STATUS_FUNC		GENMASK(3, 2)
#define IGBP_STATUS_TXOFF		BIT(4)	/* the peer asked for a pause */
#define IGBP_STATUS_SPD_100		BIT(6)
#define IGBP_STATUS_SPD_1000		BIT(7)
#define IGBP_STATUS_MASTER_ENABLE	BIT(19)
#define IGBP_EECD		0x0010
#define IGBP_EECD_AUTO_RD		BIT(9)
#define IGBP_EECD_SIZE			GENMASK(14, 11)
#define IGBP_EERD		0x0014
#define IGBP_EERD_START			BIT(0)
#define IGBP_EERD_DONE			BIT(1)
#define IGBP_EERD_ADDR_SHIFT		2
#define IGBP_EERD_DATA_SHIFT		16
#define IGBP_CTRL_EXT		0x0018
#define IGBP_CTRL_EXT_PFRSTD		BIT(14)	/* tells VFs of a reset's end */
#define IGBP_CTRL_EXT_DRV_LOAD		BIT(28)
#define IGBP_MDIC		0x0020
#define IGBP_MDIC_REG_SHIFT		16
#define IGBP_MDIC_PHY_SHIFT		21
#define IGBP_MDIC_OP_WRITE		BIT(26)
#define IGBP_MDIC_OP_READ		BIT(27)
#define IGBP_MDIC_READY			BIT(28)
#define IGBP_MDIC_ERROR			BIT(30)
#define IGBP_FCAL		0x0028
#define IGBP_FCAH		0x002c
#define IGBP_FCT		0x0030
#define IGBP_VET		0x0038
#define IGBP_FCTTV		0x0170	/* pause time, 512 bit times */
#define IGBP_LEDCTL		0x0e00	/* a byte for each of four LEDs */
#define IGBP_LEDCTL_ON			0x0e0e0e0e
#define IGBP_LEDCTL_OFF			0x0f0f0f0f
#define IGBP_FCRTL		0x2160	/* bytes */
#define IGBP_FCRTL_XONE			BIT(31)
#define IGBP_FCRTH		0x2168	/* bytes */
#define IGBP_RXPBS		0x2404	/* KB */
#define IGBP_RXPBS_MASK			GENMASK(6, 0)
#define IGBP_WUC		0x5800
#define IGBP_WUC_PME_EN			BIT(1)
#define IGBP_WUFC		0x5808
#define IGBP_WUS		0x5810
#define IGBP_WUFC_LNKC			BIT(0)
#define IGBP_WUFC_MAG			BIT(1)
#define IGBP_WUFC_EX			BIT(2)
#define IGBP_WUFC_MC			BIT(3)
#define IGBP_WUFC_BC			BIT(4)
#define IGBP_MANC		0x5820
#define IGBP_MANC_BLK_PHY_RST		BIT(18)
#define IGBP_SW_FW_SYNC		0x5b5c
#define IGBP_SWFW_EEP			BIT(0)
#define IGBP_SWFW_PHY0			BIT(1)
#define IGBP_SWFW_PHY1			BIT(2)
#define IGBP_SWFW_PHY2			BIT(5)
#define IGBP_SWFW_PHY3			BIT(6)
#define IGBP_SWFW_FW_SHIFT		16
#define IGBP_SWSM		0x5b50
#define IGBP_SWSM_SMBI			BIT(0)
#define IGBP_SWSM_SWESMBI		BIT(1)

/* Interrupts */
#define IGBP_ICR		0x00c0
#define IGBP_ICS		0x00c8
#define IGBP_IMS		0x00d0
#define IGBP_IMC		0x00d8
#define IGBP_ICR_TXDW			BIT(0)
#define IGBP_ICR_LSC			BIT(2)
#define IGBP_ICR_RXDMT0			BIT(4)
#define IGBP_ICR_RXO			BIT(6)
#define IGBP_ICR_RXDW			BIT(7)
#define IGBP_ICR_VMMB			BIT(8)	/* of VFs' mailboxes */
#define IGBP_ICR_DOUTSYNC		BIT(28)
#define IGBP_ICR_DRSTA			BIT(30)
#define IGBP_ICR_INTA			BIT(31)
#define IGBP_GPIE		0x1514
#define IGBP_GPIE_NSICR			BIT(0)
#define IGBP_GPIE_MSIX			BIT(4)
#define IGBP_GPIE_EIAME			BIT(30)
#define IGBP_GPIE_PBA			BIT(31)
#define IGBP_EICS		0x1520
#define IGBP_EIMS		0x1524
#define IGBP_EIMC		0x1528
#define IGBP_EIAC		0x152c
#define IGBP_EIAM		0x1530
#define IGBP_EICR		0x1580
#define IGBP_EITR(n)		(0x1680 + 4 * (n))
#define IGBP_EITR_USECS_SHIFT		2	/* the interval is in us */
#define IGBP_EITR_INTERVAL		GENMASK(14, 2)
#define IGBP_EITR_CNT_IGNR		BIT(31)
/* Column-major on the 82576: queue q uses byte 2 * (q >> 3) of IVAR(q & 7) */
#define IGBP_IVAR(q)		(0x1700 + 4 * ((q) & 7))
#define IGBP_IVAR_RX_SHIFT(q)	((q) & 8 ? 16 : 0)
#define IGBP_IVAR_TX_SHIFT(q)	((q) & 8 ? 24 : 8)
#define IGBP_IVAR_VALID			BIT(7)
#define IGBP_IVAR_MISC		0x1740
#define IGBP_IVAR_MISC_OTHER_SHIFT	8

/* Receive */
#define IGBP_RCTL		0x0100
#define IGBP_RCTL_EN			BIT(1)
#define IGBP_RCTL_SBP			BIT(2)
#define IGBP_RCTL_UPE			BIT(3)
#define IGBP_RCTL_MPE			BIT(4)
#define IGBP_RCTL_LPE			BIT(5)
#define IGBP_RCTL_BAM			BIT(15)
#define IGBP_RCTL_VFE			BIT(18)
#define IGBP_RCTL_SECRC			BIT(26)
#define IGBP_RXCSUM		0x5000
#define IGBP_RXCSUM_IPOFL		BIT(8)
#define IGBP_RXCSUM_TUOFL		BIT(9)
#define IGBP_RXCSUM_CRCOFL		BIT(11)
#define IGBP_RXCSUM_PCSD		BIT(13)
#define IGBP_RLPML		0x5004	/* bytes, FCS included */
#define IGBP_RFCTL		0x5008
#define IGBP_RFCTL_IPV6_EX_DIS		BIT(16)
#define IGBP_MTA(n)		(0x5200 + 4 * (n))
#define IGBP_MTA_WORDS		128
#define IGBP_RAL(n)		(0x5400 + 8 * (n))	/* n below 16 */
#define IGBP_RAL2(n)		(0x5460 + 8 * (n))	/* n from 16 on */
#define IGBP_RAH_OFFSET		4
#define IGBP_RAH_POOL(n)		BIT(18 + (n))
#define IGBP_RAH_AV			BIT(31)
#define IGBP_RAR_ENTRIES	24
#define IGBP_VFTA(n)		(0x5600 + 4 * (n))
#define IGBP_VFTA_WORDS		128
#define IGBP_UTA(n)		(0xa000 + 4 * (n))
#define IGBP_UTA_WORDS		128
#define IGBP_MRQC		0x5818
#define IGBP_MRQC_RSS			0x2
#define IGBP_MRQC_VMDQ			0x3	/* pools, without hash */
#define IGBP_MRQC_TCP_IPV4		BIT(16)
#define IGBP_MRQC_IPV4			BIT(17)
#define IGBP_MRQC_TCP_IPV6_EX		BIT(18)
#define IGBP_MRQC_IPV6			BIT(20)
#define IGBP_MRQC_TCP_IPV6		BIT(21)
#define IGBP_MRQC_UDP_IPV4		BIT(22)
#define IGBP_MRQC_UDP_IPV6		BIT(23)
#define IGBP_RETA(n)		(0x5c00 + 4 * (n))
#define IGBP_RETA_ENTRIES	128
#define IGBP_RSSRK(n)		(0x5c80 + 4 * (n))
#define IGBP_RSS_KEY_BYTES	40

/* Steering filters, which come before the hash */
#define IGBP_ETQF(n)		(0x5cb0 + 4 * (n))
#define IGBP_ETQF_QUEUE_SHIFT		16
#define IGBP_ETQF_QUEUE			GENMASK(19, 16)
#define IGBP_ETQF_FILTER_EN		BIT(26)
#define IGBP_ETQF_1588			BIT(30)
#define IGBP_ETQF_QUEUE_EN		BIT(31)
#define IGBP_SYNQF		0x55fc
#define IGBP_SYNQF_EN			BIT(0)
#define IGBP_SYNQF_QUEUE_SHIFT		1
#define IGBP_SYNQF_QUEUE		GENMASK(4, 1)
#define IGBP_VLAPQF		0x55b0	/* four bits for each priority */
#define IGBP_VLAPQF_SHIFT(p)		(4 * (p))
#define IGBP_VLAPQF_QUEUE(p)		(0x7U << IGBP_VLAPQF_SHIFT(p))
#define IGBP_VLAPQF_VALID(p)		(0x8U << IGBP_VLAPQF_SHIFT(p))
/* A five-tuple filter is register n of each of these; addresses and ports
 * are big-endian
 */
#define IGBP_SAQF(n)		(0x5980 + 4 * (n))
#define IGBP_DAQF(n)		(0x59a0 + 4 * (n))
#define IGBP_SPQF(n)		(0x59c0 + 4 * (n))
#define IGBP_FTQF(n)		(0x59e0 + 4 * (n))
#define IGBP_FTQF_QUEUE_EN		BIT(8)
#define IGBP_FTQF_VF_BP			BIT(15)
#define IGBP_FTQF_QUEUE_SHIFT		16
#define IGBP_FTQF_QUEUE			GENMASK(19, 16)
#define IGBP_FTQF_1588			BIT(27)
#define IGBP_FTQF_PROTO_BP		BIT(28)	/* BP: is not compared */
#define IGBP_FTQF_SRC_BP		BIT(29)
#define IGBP_FTQF_DST_BP		BIT(30)
#define IGBP_FTQF_SPORT_BP		BIT(31)
#define IGBP_FTQF_OFF \
	(IGBP_FTQF_VF_BP | IGBP_FTQF_PROTO_BP | IGBP_FTQF_SRC_BP | \
	 IGBP_FTQF_DST_BP | IGBP_FTQF_SPORT_BP)
#define IGBP_IMIR(n)		(0x5a80 + 4 * (n))	/* destination port */
#define IGBP_IMIR_PORT_BP		BIT(17)
#define IGBP_IMIREXT(n)		(0x5aa0 + 4 * (n))
#define IGBP_IMIREXT_SIZE_BP		BIT(12)
#define IGBP_IMIREXT_CTRL_BP		BIT(19)

/* Time: the counter, and a timestamp for each direction */
#define IGBP_TSYNCRXCFG		0x5f50
#define IGBP_TSYNCRXCFG_V1_DELAY_REQ	0x0001
#define IGBP_TSYNCRXCFG_V2_DELAY_REQ	0x0100
#define IGBP_SYSTIML		0xb600
#define IGBP_SYSTIMH		0xb604
#define IGBP_TIMINCA		0xb608
#define IGBP_TIMINCA_NS			(BIT(24) | 16)	/* 16 each 16 ns */
#define IGBP_TSYNCTXCTL		0xb614
#define IGBP_TSYNC_VALID		BIT(0)	/* of either direction */
#define IGBP_TSYNC_EN			BIT(4)
#define IGBP_TXSTMPL		0xb618
#define IGBP_TXSTMPH		0xb61c
#define IGBP_TSYNCRXCTL		0xb620
#define IGBP_TSYNCRXCTL_L4_V1		0x02
#define IGBP_TSYNCRXCTL_EVENT_V2	0x0a
#define IGBP_RXSTMPL		0xb624
#define IGBP_RXSTMPH		0xb628
#define IGBP_RXSATRH		0xb630

#define IGBP_RDBAL(q)		(0xc000 + 0x40 * (q))
#define IGBP_RDBAH(q)		(0xc004 + 0x40 * (q))
#define IGBP_RDLEN(q)		(0xc008 + 0x40 * (q))
#define IGBP_SRRCTL(q)		(0xc00c + 0x40 * (q))
#define IGBP_SRRCTL_BSIZEPKT_SHIFT	10	/* the field is in KB */
#define IGBP_SRRCTL_BSIZEHDR_SHIFT	2	/* bytes, whole 64 */
#define IGBP_SRRCTL_ADV_ONEBUF		BIT(25)
#define IGBP_SRRCTL_ADV_SPLIT_ALWAYS	(BIT(27) | BIT(25))
#define IGBP_SRRCTL_DROP_EN		BIT(31)
#define IGBP_RDH(q)		(0xc010 + 0x40 * (q))
#define IGBP_RDT(q)		(0xc018 + 0x40 * (q))
#define IGBP_RXDCTL(q)		(0xc028 + 0x40 * (q))
#define IGBP_XDCTL_PTHRESH_SHIFT	0	/* all in descriptors */
#define IGBP_XDCTL_HTHRESH_SHIFT	8
#define IGBP_XDCTL_WTHRESH_SHIFT	16
#define IGBP_XDCTL_ENABLE		BIT(25)

/* SR-IOV: pool n is queues n and n + 8, and VF n if there is one */
#define IGBP_POOLS		8
#define IGBP_VMBMEM(n, word)	(0x0800 + 64 * (n) + 4 * (word))
#define IGBP_MBX_WORDS		16
#define IGBP_P2VMAILBOX(n)	(0x0c00 + 4 * (n))
#define IGBP_P2V_STS			BIT(0)	/* there is a message */
#define IGBP_P2V_ACK			BIT(1)	/* yours was read */
#define IGBP_P2V_VFU			BIT(2)	/* the VF has the memory */
#define IGBP_P2V_PFU			BIT(3)	/* we have it */
#define IGBP_P2V_RVFU			BIT(4)	/* take it from the VF */
#define IGBP_MBVFICR		0x0c80
#define IGBP_MBVFICR_REQ(n)		BIT(n)
#define IGBP_MBVFICR_ACK(n)		BIT(16 + (n))
#define IGBP_MBVFIMR		0x0c84
#define IGBP_VFLRE		0x0c88	/* VFs that were reset */
#define IGBP_VFRE		0x0c8c	/* pools that receive */
#define IGBP_VFTE		0x0c90	/* pools that send */
#define IGBP_QDE		0x2408	/* queues that drop when full */
#define IGBP_DTXSWC		0x3500
#define IGBP_DTXSWC_MAC_SPOOF(n)	BIT(n)
#define IGBP_DTXSWC_VLAN_SPOOF(n)	BIT(8 + (n))
#define IGBP_DTXSWC_LOOPBACK		BIT(31)	/* from pool to pool */
#define IGBP_WVBR		0x3554	/* queues whose frames were forged */
#define IGBP_DTXCTL		0x3590
#define IGBP_DTXCTL_VLAN_ADDED		BIT(3)
#define IGBP_RTTDQSEL		0x3604
#define IGBP_RTTBCNRM		0x3690
#define IGBP_RTTBCNRM_JUMBO		0x14
#define IGBP_RTTBCNRC		0x36b0
#define IGBP_RTTBCNRC_FRAC_BITS		14
#define IGBP_RTTBCNRC_EN		BIT(31)
#define IGBP_VMVIR(n)		(0x3700 + 4 * (n))
#define IGBP_VMVIR_PRIO_SHIFT		13
#define IGBP_VMVIR_ALWAYS		BIT(30)
#define IGBP_VT_CTL		0x581c
#define IGBP_VT_CTL_DEF_POOL_SHIFT	7
#define IGBP_VT_CTL_NO_DEF_POOL		BIT(29)
#define IGBP_VT_CTL_REPLICATE		BIT(30)
#define IGBP_VMOLR(n)		(0x5ad0 + 4 * (n))
#define IGBP_VMOLR_LPE			BIT(16)
#define IGBP_VMOLR_AUPE			BIT(24)	/* frames without a tag */
#define IGBP_VMOLR_ROMPE		BIT(25)	/* multicast by hash */
#define IGBP_VMOLR_BAM			BIT(27)
#define IGBP_VMOLR_MPME			BIT(28)	/* any multicast */
#define IGBP_VMOLR_STRVLAN		BIT(30)
#define IGBP_VMOLR_STRCRC		BIT(31)
#define IGBP_RPLOLR		0x5af0	/* the last two, for copies */
#define IGBP_IOVCTL		0x5bbc
#define IGBP_IOVCTL_REUSE_VFQ		BIT(0)
#define IGBP_VLVF(n)		(0x5d00 + 4 * (n))
#define IGBP_VLVF_ENTRIES	32
#define IGBP_VLVF_POOLS_SHIFT		12
#define IGBP_VLVF_EN			BIT(31)
/* Of pool n; these do not clear, they wrap at 32 bits */
#define IGBP_PVFGPRC(n)		(0x10010 + 0x100 * (n))
#define IGBP_PVFGPTC(n)		(0x10014 + 0x100 * (n))
#define IGBP_PVFGORC(n)		(0x10018 + 0x100 * (n))
#define IGBP_PVFGOTC(n)		(0x10034 + 0x100 * (n))
#define IGBP_PVFMPRC(n)		(0x1003c + 0x100 * (n))

/* Messages between PF and VF: words; the first has the kind in bits 15:0 */
#define IGBP_MSG_KIND			GENMASK(15, 0)
#define IGBP_MSG_INFO			GENMASK(23, 16)
#define IGBP_MSG_CTS			BIT(29)	/* go on asking */
#define IGBP_MSG_NACK			BIT(30)
#define IGBP_MSG_ACK			BIT(31)
#define IGBP_MSG_VF_RESET		0x01
#define IGBP_MSG_VF_MAC			0x02
#define IGBP_MSG_VF_MAC_CLEAR			1	/* these two in info */
#define IGBP_MSG_VF_MAC_ADD			2
#define IGBP_MSG_VF_MULTICAST		0x03
#define IGBP_MSG_VF_VLAN		0x04
#define IGBP_MSG_VF_FRAME_MAX		0x05
#define IGBP_MSG_VF_PROMISC		0x06
#define IGBP_MSG_VF_PROMISC_MULTICAST		2	/* in info */
#define IGBP_MSG_PF_CONTROL		0x0100

/* Transmit */
#define IGBP_TCTL		0x0400
#define IGBP_TCTL_EN			BIT(1)
#define IGBP_TCTL_PSP			BIT(3)
#define IGBP_TCTL_CT_SHIFT		4
#define IGBP_TCTL_COLD_SHIFT		12
#define IGBP_TCTL_RTLC			BIT(24)
#define IGBP_TDBAL(q)		(0xe000 + 0x40 * (q))
#define IGBP_TDBAH(q)		(0xe004 + 0x40 * (q))
#define IGBP_TDLEN(q)		(0xe008 + 0x40 * (q))
#define IGBP_TDH(q)		(0xe010 + 0x40 * (q))
#define IGBP_TDT(q)		(0xe018 + 0x40 * (q))
#define IGBP_TXDCTL(q)		(0xe028 + 0x40 * (q))

/* Statistics: every one of them clears when it is read */
#define IGBP_CRCERRS		0x4000
#define IGBP_ALGNERRC		0x4004
#define IGBP_SYMERRS		0x4008
#define IGBP_RXERRC		0x400c
#define IGBP_MPC		0x4010
#define IGBP_SCC		0x4014
#define IGBP_ECOL		0x4018
#define IGBP_MCC		0x401c
#define IGBP_LATECOL		0x4020
#define IGBP_COLC		0x4028
#define IGBP_DC			0x4030
#define IGBP_RLEC		0x4040
#define IGBP_XONRXC		0x4048
#define IGBP_XONTXC		0x404c
#define IGBP_XOFFRXC		0x4050
#define IGBP_XOFFTXC		0x4054
#define IGBP_FCRUC		0x4058
#define IGBP_PRC64		0x405c
#define IGBP_PRC127		0x4060
#define IGBP_PRC255		0x4064
#define IGBP_PRC511		0x4068
#define IGBP_PRC1023		0x406c
#define IGBP_PRC1522		0x4070
#define IGBP_GPRC		0x4074
#define IGBP_BPRC		0x4078
#define IGBP_MPRC		0x407c
#define IGBP_GPTC		0x4080
#define IGBP_GORCL		0x4088
#define IGBP_GORCH		0x408c
#define IGBP_GOTCL		0x4090
#define IGBP_GOTCH		0x4094
#define IGBP_RNBC		0x40a0
#define IGBP_RUC		0x40a4
#define IGBP_RFC		0x40a8
#define IGBP_ROC		0x40ac
#define IGBP_RJC		0x40b0
#define IGBP_TPR		0x40d0
#define IGBP_TPT		0x40d4
#define IGBP_PTC64		0x40d8
#define IGBP_PTC127		0x40dc
#define IGBP_PTC255		0x40e0
#define IGBP_PTC511		0x40e4
#define IGBP_PTC1023		0x40e8
#define IGBP_PTC1522		0x40ec
#define IGBP_MPTC		0x40f0
#define IGBP_BPTC		0x40f4
#define IGBP_TSCTC		0x40f8

/* The internal PHY of the 82576 beyond the registers of clause 22 */
#define IGBP_PHY_ADDR		1
#define IGBP_PHY_ID_IGP3	0x02a80390	/* the low 4 bits: revision */
#define IGBP_PHY_PORT_CTRL	0x12
#define IGBP_PHY_PORT_CTRL_AUTO_MDIX	BIT(12)
#define IGBP_PHY_POWER_MGMT	0x19
#define IGBP_PHY_POWER_MGMT_D0_LPLU	BIT(1)

/* NVM words */
#define IGBP_NVM_LOG_MIN	6U	/* EECD_SIZE 0 is 64 words */
#define IGBP_NVM_LOG_MAX	15U
#define IGBP_NVM_VERSION	0x05
#define IGBP_NVM_CHECKSUM	0x3f
#define IGBP_NVM_CHECKSUM_SUM	0xbaba

/**
 * union igbp_rx_desc - advanced receive descriptor, one buffer or two
 * @read: as the driver posts it
 * @read.pkt_addr: DMA address of the buffer
 * @read.hdr_addr: that of the buffer for headers, or 0; lies over the status,
 *	and as it is even clears DD
 * @wb: as the device writes it back
 * @wb.pkt_info: RSS type in bits 3:0, packet type above
 * @wb.hdr_info: of a frame's first descriptor: IGBP_RXD_HDR_*
 * @wb.rss: RSS hash
 * @wb.status: IGBP_RXD_*; the device writes DD last
 * @wb.len: bytes in this buffer
 * @wb.vlan: tag that was stripped
 */
union igbp_rx_desc {
	struct {
		__le64 pkt_addr;
		__le64 hdr_addr;
	} read;
	struct {
		__le16 pkt_info;
		__le16 hdr_info;
		__le32 rss;
		__le32 status;
		__le16 len;
		__le16 vlan;
	} wb;
};

#define IGBP_RXD_DD			BIT(0)
#define IGBP_RXD_EOP			BIT(1)
#define IGBP_RXD_VP			BIT(3)
#define IGBP_RXD_UDPCS			BIT(4)
#define IGBP_RXD_L4CS			BIT(5)
#define IGBP_RXD_TS			BIT(16)	/* its timestamp was taken */
#define IGBP_RXD_L4E			BIT(29)
#define IGBP_RXD_IPE			BIT(30)
#define IGBP_RXD_RXE			BIT(31)
#define IGBP_RXD_RSS_TYPE		0xf
#define IGBP_RXD_PKT_TCP		BIT(8)	/* these four in pkt_info */
#define IGBP_RXD_PKT_UDP		BIT(9)
#define IGBP_RXD_PKT_IPV4		BIT(4)
#define IGBP_RXD_PKT_L2			BIT(15)	/* the others mean nothing */
#define IGBP_RXD_HDR_LEN		GENMASK(14, 5)	/* in hdr_info, bytes */
/* RSS types in which ports were hashed: TCPv4, TCPv6, TCPv6ex, UDPv4, UDPv6,
 * UDPv6ex; one bit for each type.
 */
#define IGBP_RXD_RSS_L4	(BIT(1) | BIT(3) | BIT(6) | BIT(7) | BIT(8) | BIT(9))

/**
 * union igbp_tx_desc - advanced transmit descriptor, data or context
 * @read: data descriptor as the driver posts it
 * @read.addr: DMA address of the data
 * @read.cmd: IGBP_TXD_* and the length of the data in bits 15:0
 * @read.olinfo: length of the frame's payload, checksum options, context
 * @ctx: context descriptor
 * @ctx.vlan_maclen_iplen: tag, length of the MAC header, of the IP header
 * @ctx.seed: 0
 * @ctx.type: IGBP_TXC_*
 * @ctx.mss_l4len_idx: MSS, length of the L4 header, which context
 * @wb: as the device writes it back
 * @wb.rsvd: nothing
 * @wb.seed: nothing
 * @wb.status: IGBP_TXD_STAT_DD
 */
union igbp_tx_desc {
	struct {
		__le64 addr;
		__le32 cmd;
		__le32 olinfo;
	} read;
	struct {
		__le32 vlan_maclen_iplen;
		__le32 seed;
		__le32 type;
		__le32 mss_l4len_idx;
	} ctx;
	struct {
		__le64 rsvd;
		__le32 seed;
		__le32 status;
	} wb;
};

#define IGBP_TXD_TSTAMP			BIT(19)
#define IGBP_TXD_DATA			(BIT(21) | BIT(20))
#define IGBP_TXD_EOP			BIT(24)
#define IGBP_TXD_IFCS			BIT(25)
#define IGBP_TXD_RS			BIT(27)
#define IGBP_TXD_DEXT			BIT(29)
#define IGBP_TXD_VLE			BIT(30)
#define IGBP_TXD_TSE			BIT(31)
#define IGBP_TXD_CTX_IDX_SHIFT		4
#define IGBP_TXD_IXSM			BIT(8)
#define IGBP_TXD_TXSM			BIT(9)
#define IGBP_TXD_PAYLEN_SHIFT		14
#define IGBP_TXD_STAT_DD		BIT(0)
#define IGBP_TXD_MAX_BYTES		(32 * 1024)	/* in one descriptor */

#define IGBP_TXC_CTX			BIT(21)
#define IGBP_TXC_IPV4			BIT(10)
#define IGBP_TXC_L4_UDP			0
#define IGBP_TXC_L4_TCP			BIT(11)
#define IGBP_TXC_L4_SCTP		BIT(12)
#define IGBP_TXC_MACLEN_SHIFT		9
#define IGBP_TXC_MACLEN_MAX		127
#define IGBP_TXC_IPLEN_MAX		511
#define IGBP_TXC_VLAN_SHIFT		16
#define IGBP_TXC_L4LEN_SHIFT		8
#define IGBP_TXC_MSS_SHIFT		16

#endif /* _IGBP_REGS_H */
