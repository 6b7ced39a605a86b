// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: what a VF is answered, and what comes of it in the registers
 *
 * Registers are memory, and so is the mailbox: a message is written as a VF
 * would, and the answer read where the VF would find it.
 */
#include "mbx.c"
#include "vf.c"

#include "igb_percore_test.h"

#define IGBP_VF_TEST_VFS	3

static struct igbp_port *igbp_vf_test_port(struct kunit *test)
{
	struct igbp_port *port = igbp_test_port_alloc(test);
	struct igbp_sriov *sriov;
	unsigned int i;

	sriov = kunit_kzalloc(test, struct_size(sriov, vf, IGBP_VF_TEST_VFS),
			      GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, sriov);
	sriov->count = IGBP_VF_TEST_VFS;
	sriov->port = port;
	sriov->up = true;
	spin_lock_init(&sriov->lock);
	for (i = 0; i < IGBP_VF_TEST_VFS; i++)
		igbp_vf_init(&sriov->vf[i]);
	igbp_rar_init(sriov->rar, IGBP_VF_TEST_VFS);
	port->sriov = sriov;
	return port;
}

/* Return: the first word of what a VF finds after it has said @msg */
static u32 igbp_vf_test_say(struct igbp_port *port, unsigned int vf, u32 msg,
			    u32 arg1, u32 arg2)
{
	igbp_wr32(port, IGBP_VMBMEM(vf, 0), msg);
	igbp_wr32(port, IGBP_VMBMEM(vf, 1), arg1);
	igbp_wr32(port, IGBP_VMBMEM(vf, 2), arg2);
	spin_lock_irq(&port->sriov->lock);
	igbp_vf_message(port, vf);
	spin_unlock_irq(&port->sriov->lock);
	return igbp_rd32(port, IGBP_VMBMEM(vf, 0));
}

static u32 igbp_vf_test_info(u32 kind, u32 info)
{
	return kind | info << 16;
}

#define IGBP_VF_TEST_YES	(IGBP_MSG_ACK | IGBP_MSG_CTS)
#define IGBP_VF_TEST_NO		(IGBP_MSG_NACK | IGBP_MSG_CTS)

static void igbp_vf_test_registers(struct kunit *test)
{
	struct igbp_vf vf = {};

	igbp_vf_init(&vf);
	KUNIT_EXPECT_EQ(test, 0xc90105f2, igbp_vf_vmolr(&vf));
	KUNIT_EXPECT_EQ(test, 0, igbp_vf_vmvir(&vf));
	vf.vlan = 100;
	vf.qos = 3;
	vf.hash_count = 1;
	vf.frame_max = IGBP_VF_FRAME_MAX;
	KUNIT_EXPECT_EQ(test, 0xca012604, igbp_vf_vmolr(&vf));
	KUNIT_EXPECT_EQ(test, 0x40006064, igbp_vf_vmvir(&vf));
	vf.vlan = 0;
	vf.hash_count = 0;
	vf.allmulti = true;
	KUNIT_EXPECT_EQ(test, 0xda012604, igbp_vf_vmolr(&vf));
	KUNIT_EXPECT_EQ(test, 0x40006000, igbp_vf_vmvir(&vf));
}

static void igbp_vf_test_rate(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, igbp_vf_rate_factor(1000, 0));
	KUNIT_EXPECT_EQ(test, 0, igbp_vf_rate_factor(0, 100));
	KUNIT_EXPECT_EQ(test, 0, igbp_vf_rate_factor(1000, 1000));
	KUNIT_EXPECT_EQ(test, 0, igbp_vf_rate_factor(100, 500));
	/* Ten times, and three and a third */
	KUNIT_EXPECT_EQ(test, BIT(31) | 10 << 14,
			igbp_vf_rate_factor(1000, 100));
	KUNIT_EXPECT_EQ(test, BIT(31) | 3 << 14 | 0x1555,
			igbp_vf_rate_factor(1000, 300));
	KUNIT_EXPECT_EQ(test, BIT(31) | 1000 << 14,
			igbp_vf_rate_factor(1000, 1));
}

static void igbp_vf_test_hello(struct kunit *test)
{
	struct igbp_port *port = igbp_vf_test_port(test);
	struct igbp_vf *vf = &port->sriov->vf[1];

	/* Nothing before VF_RESET, and without CTS, so that it begins */
	KUNIT_EXPECT_EQ(test, IGBP_MSG_NACK | IGBP_MSG_VF_FRAME_MAX,
			igbp_vf_test_say(port, 1, IGBP_MSG_VF_FRAME_MAX, 1518,
					 0));
	KUNIT_EXPECT_EQ(test, IGBP_MSG_NACK | IGBP_MSG_VF_RESET,
			igbp_vf_test_say(port, 1, IGBP_MSG_VF_RESET, ~0, ~0));
	KUNIT_EXPECT_EQ(test, 0, igbp_rd32(port, IGBP_VMBMEM(1, 1)));
	KUNIT_EXPECT_TRUE(test, vf->ready);
	KUNIT_EXPECT_EQ(test, BIT(IGBP_PF_POOL) | BIT(1),
			igbp_rd32(port, IGBP_VFRE));

	vf->mac_set = true;
	memcpy(vf->mac, "\x02\x01\x02\x03\x04\x05", ETH_ALEN);
	KUNIT_EXPECT_EQ(test, IGBP_MSG_ACK | IGBP_MSG_VF_RESET,
			igbp_vf_test_say(port, 1, IGBP_MSG_VF_RESET, 0, 0));
	KUNIT_EXPECT_EQ(test, 0x03020102,
			igbp_rd32(port, IGBP_VMBMEM(1, 1)));
	KUNIT_EXPECT_EQ(test, 0x0504, igbp_rd32(port, IGBP_VMBMEM(1, 2)));

	/* Of the others nothing has changed */
	KUNIT_EXPECT_FALSE(test, port->sriov->vf[0].ready);
	KUNIT_EXPECT_FALSE(test, port->sriov->vf[2].ready);
}

static void igbp_vf_test_mac(struct kunit *test)
{
	struct igbp_port *port = igbp_vf_test_port(test);
	struct igbp_vf *vf = port->sriov->vf;
	u32 kind = IGBP_MSG_VF_MAC;

	igbp_vf_test_say(port, 0, IGBP_MSG_VF_RESET, 0, 0);
	igbp_vf_test_say(port, 1, IGBP_MSG_VF_RESET, 0, 0);
	KUNIT_EXPECT_EQ(test, kind | IGBP_VF_TEST_YES,
			igbp_vf_test_say(port, 0, kind, 0x02, 1));
	/* That of another, of a group, and none */
	KUNIT_EXPECT_EQ(test, kind | IGBP_VF_TEST_NO,
			igbp_vf_test_say(port, 1, kind, 0x02, 1));
	KUNIT_EXPECT_EQ(test, kind | IGBP_VF_TEST_NO,
			igbp_vf_test_say(port, 1, kind, 0x03, 1));
	KUNIT_EXPECT_EQ(test, kind | IGBP_VF_TEST_NO,
			igbp_vf_test_say(port, 1, kind, 0, 0));

	/* The administrator's is kept, and may be asked for */
	vf[0].mac_set = true;
	KUNIT_EXPECT_EQ(test, kind | IGBP_VF_TEST_YES,
			igbp_vf_test_say(port, 0, kind, 0x02, 1));
	KUNIT_EXPECT_EQ(test, kind | IGBP_VF_TEST_NO,
			igbp_vf_test_say(port, 0, kind, 0x02, 2));
	vf[0].trusted = true;
	KUNIT_EXPECT_EQ(test, kind | IGBP_VF_TEST_YES,
			igbp_vf_test_say(port, 0, kind, 0x02, 2));
	/* The upper half of the last word is none of it */
	KUNIT_EXPECT_EQ(test, kind | IGBP_VF_TEST_YES,
			igbp_vf_test_say(port, 0, kind, 0x02, 0xffff0002));
}

static void igbp_vf_test_filters(struct kunit *test)
{
	u32 add = igbp_vf_test_info(IGBP_MSG_VF_MAC, IGBP_MSG_VF_MAC_ADD);
	u32 clear = igbp_vf_test_info(IGBP_MSG_VF_MAC, IGBP_MSG_VF_MAC_CLEAR);
	struct igbp_port *port = igbp_vf_test_port(test);
	struct igbp_rar *rar = port->sriov->rar;
	u32 i;

	igbp_vf_test_say(port, 2, IGBP_MSG_VF_RESET, 0, 0);
	for (i = 0; i < IGBP_VF_FILTERS; i++)
		KUNIT_EXPECT_EQ(test, add | IGBP_VF_TEST_YES,
				igbp_vf_test_say(port, 2, add, 2, i));
	KUNIT_EXPECT_EQ(test, add | IGBP_VF_TEST_NO,
			igbp_vf_test_say(port, 2, add, 2, i));
	/* One that it has already is no other one */
	KUNIT_EXPECT_EQ(test, add | IGBP_VF_TEST_YES,
			igbp_vf_test_say(port, 2, add, 2, 0));
	KUNIT_EXPECT_EQ(test, IGBP_VF_FILTERS, igbp_rar_count(rar, 2));
	KUNIT_EXPECT_EQ(test, clear | IGBP_VF_TEST_YES,
			igbp_vf_test_say(port, 2, clear, 0, 0));
	KUNIT_EXPECT_EQ(test, 0, igbp_rar_count(rar, 2));
	port->sriov->vf[2].mac_set = true;
	KUNIT_EXPECT_EQ(test, add | IGBP_VF_TEST_NO,
			igbp_vf_test_say(port, 2, add, 2, 0));
}

static void igbp_vf_test_multicast(struct kunit *test)
{
	struct igbp_port *port = igbp_vf_test_port(test);
	u32 msg = igbp_vf_test_info(IGBP_MSG_VF_MULTICAST, 3);

	igbp_vf_test_say(port, 0, IGBP_MSG_VF_RESET, 0, 0);
	KUNIT_EXPECT_EQ(test, msg | IGBP_VF_TEST_YES,
			igbp_vf_test_say(port, 0, msg, 0x0fff0021, 0xf000));
	KUNIT_EXPECT_EQ(test, 1, igbp_rd32(port, IGBP_MTA(0)));
	KUNIT_EXPECT_EQ(test, 2, igbp_rd32(port, IGBP_MTA(1)));
	KUNIT_EXPECT_EQ(test, BIT(31), igbp_rd32(port, IGBP_MTA(127)));
	/* More than there can be in a message */
	msg = igbp_vf_test_info(IGBP_MSG_VF_MULTICAST, 255);
	KUNIT_EXPECT_EQ(test, msg | IGBP_VF_TEST_YES,
			igbp_vf_test_say(port, 0, msg, 0, 0));
	KUNIT_EXPECT_EQ(test, IGBP_VF_HASHES, port->sriov->vf[0].hash_count);
	/* And none */
	msg = IGBP_MSG_VF_MULTICAST;
	igbp_vf_test_say(port, 0, msg, 0, 0);
	KUNIT_EXPECT_EQ(test, 0, igbp_rd32(port, IGBP_MTA(0)));
	KUNIT_EXPECT_EQ(test, 0, igbp_rd32(port, IGBP_MTA(127)));
}

static void igbp_vf_test_promisc(struct kunit *test)
{
	struct igbp_port *port = igbp_vf_test_port(test);
	struct igbp_vf *vf = &port->sriov->vf[0];
	u32 on = igbp_vf_test_info(IGBP_MSG_VF_PROMISC,
				   IGBP_MSG_VF_PROMISC_MULTICAST);
	u32 other = igbp_vf_test_info(IGBP_MSG_VF_PROMISC, 3);

	igbp_vf_test_say(port, 0, IGBP_MSG_VF_RESET, 0, 0);
	KUNIT_EXPECT_EQ(test, on | IGBP_VF_TEST_NO,
			igbp_vf_test_say(port, 0, on, 0, 0));
	vf->trusted = true;
	KUNIT_EXPECT_EQ(test, other | IGBP_VF_TEST_NO,
			igbp_vf_test_say(port, 0, other, 0, 0));
	KUNIT_EXPECT_EQ(test, on | IGBP_VF_TEST_YES,
			igbp_vf_test_say(port, 0, on, 0, 0));
	KUNIT_EXPECT_EQ(test, U32_MAX, igbp_rd32(port, IGBP_MTA(64)));
	KUNIT_EXPECT_TRUE(test, igbp_rd32(port, IGBP_VMOLR(0)) &
			  IGBP_VMOLR_MPME);
	igbp_vf_test_say(port, 0, IGBP_MSG_VF_PROMISC, 0, 0);
	KUNIT_EXPECT_EQ(test, 0, igbp_rd32(port, IGBP_MTA(64)));
}

static void igbp_vf_test_vlan(struct kunit *test)
{
	struct igbp_port *port = igbp_vf_test_port(test);
	u32 add = igbp_vf_test_info(IGBP_MSG_VF_VLAN, 1);
	struct igbp_vf *vf = &port->sriov->vf[1];

	igbp_vf_test_say(port, 1, IGBP_MSG_VF_RESET, 0, 0);
	KUNIT_EXPECT_EQ(test, add | IGBP_VF_TEST_YES,
			igbp_vf_test_say(port, 1, add, 200, 0));
	KUNIT_EXPECT_EQ(test, IGBP_VLVF_EN | BIT(13) | 200,
			igbp_rd32(port, IGBP_VLVF(0)));
	KUNIT_EXPECT_EQ(test, IGBP_MSG_VF_VLAN | IGBP_VF_TEST_NO,
			igbp_vf_test_say(port, 1, add, 4096, 0));
	igbp_vf_test_say(port, 1, IGBP_MSG_VF_VLAN, 200, 0);
	KUNIT_EXPECT_EQ(test, 0, igbp_rd32(port, IGBP_VLVF(0)));

	vf->vlan = 100;
	KUNIT_EXPECT_EQ(test, IGBP_MSG_VF_VLAN | IGBP_VF_TEST_NO,
			igbp_vf_test_say(port, 1, add, 200, 0));
	KUNIT_EXPECT_EQ(test, add | IGBP_VF_TEST_YES,
			igbp_vf_test_say(port, 1, add, 0, 0));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			igbp_vlan_find(port->sriov->vlan, 0));
	/* It survives the VF's reset */
	igbp_vf_test_say(port, 1, IGBP_MSG_VF_RESET, 0, 0);
	KUNIT_EXPECT_EQ(test, 0, igbp_vlan_find(port->sriov->vlan, 100));
}

static void igbp_vf_test_frame(struct kunit *test)
{
	struct igbp_port *port = igbp_vf_test_port(test);
	u32 msg = IGBP_MSG_VF_FRAME_MAX;
	static const struct {
		u32 bytes;
		u32 answer;
	} cases[] = {
		{ 63, IGBP_VF_TEST_NO }, { 64, IGBP_VF_TEST_YES },
		{ 9728, IGBP_VF_TEST_YES }, { 9729, IGBP_VF_TEST_NO },
		{ U32_MAX, IGBP_VF_TEST_NO }, { 0, IGBP_VF_TEST_NO },
	};
	unsigned int i;

	igbp_vf_test_say(port, 0, IGBP_MSG_VF_RESET, 0, 0);
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ(test, msg | cases[i].answer,
				igbp_vf_test_say(port, 0, msg, cases[i].bytes,
						 0));
	KUNIT_EXPECT_EQ(test, 9728, port->sriov->vf[0].frame_max);
}

static void igbp_vf_test_nonsense(struct kunit *test)
{
	struct igbp_port *port = igbp_vf_test_port(test);
	u32 msg;

	igbp_vf_test_say(port, 0, IGBP_MSG_VF_RESET, 0, 0);
	KUNIT_EXPECT_EQ(test, 7 | IGBP_VF_TEST_NO,
			igbp_vf_test_say(port, 0, 7, 0, 0));
	KUNIT_EXPECT_EQ(test, IGBP_VF_TEST_NO,
			igbp_vf_test_say(port, 0, 0, 0, 0));
	/* What reads like an answer gets none, and the memory is released */
	msg = 7 | IGBP_MSG_ACK;
	KUNIT_EXPECT_EQ(test, msg, igbp_vf_test_say(port, 0, msg, 0, 0));
	KUNIT_EXPECT_EQ(test, 0, igbp_rd32(port, IGBP_P2VMAILBOX(0)));
	/* VF_RESET with something more is none */
	msg = igbp_vf_test_info(IGBP_MSG_VF_RESET, 1);
	KUNIT_EXPECT_EQ(test, msg | IGBP_VF_TEST_NO,
			igbp_vf_test_say(port, 0, msg, 0, 0));
}

static void igbp_vf_test_link(struct kunit *test)
{
	struct igbp_port *port = igbp_vf_test_port(test);
	struct igbp_sriov *sriov = port->sriov;
	struct igbp_vf *vf = &sriov->vf[0];
	u32 msg = IGBP_MSG_VF_FRAME_MAX;

	KUNIT_EXPECT_EQ(test, IGBP_MSG_NACK, igbp_vf_ping_word(sriov, vf));
	igbp_vf_test_say(port, 0, IGBP_MSG_VF_RESET, 0, 0);
	KUNIT_EXPECT_EQ(test, IGBP_MSG_PF_CONTROL | IGBP_MSG_CTS,
			igbp_vf_ping_word(sriov, vf));
	vf->link_state = IFLA_VF_LINK_STATE_DISABLE;
	KUNIT_EXPECT_EQ(test, IGBP_MSG_PF_CONTROL,
			igbp_vf_ping_word(sriov, vf));
	KUNIT_EXPECT_EQ(test, msg | IGBP_MSG_ACK,
			igbp_vf_test_say(port, 0, msg, 1518, 0));
	/* A refusal without CTS would have its driver reset it */
	KUNIT_EXPECT_EQ(test, msg | IGBP_MSG_NACK,
			igbp_vf_test_say(port, 0, msg, 0, 0));
	spin_lock_irq(&sriov->lock);
	igbp_vf_acked(port, 0);
	spin_unlock_irq(&sriov->lock);
	KUNIT_EXPECT_EQ(test, IGBP_MSG_PF_CONTROL,
			igbp_rd32(port, IGBP_VMBMEM(0, 0)));
	vf->link_state = IFLA_VF_LINK_STATE_AUTO;
	sriov->up = false;
	KUNIT_EXPECT_EQ(test, IGBP_MSG_PF_CONTROL,
			igbp_vf_ping_word(sriov, vf));
}

static void igbp_vf_test_ping(struct kunit *test)
{
	struct igbp_port *port = igbp_vf_test_port(test);
	struct igbp_sriov *sriov = port->sriov;
	struct igbp_vf *vf = &sriov->vf[0];
	u32 hello, i;

	hello = igbp_vf_test_say(port, 0, IGBP_MSG_VF_RESET, 0, 0);
	spin_lock_irq(&sriov->lock);
	/* Not over an answer that is unread */
	igbp_vf_ping(port, 0);
	KUNIT_EXPECT_TRUE(test, vf->ping_due);
	KUNIT_EXPECT_EQ(test, hello, igbp_rd32(port, IGBP_VMBMEM(0, 0)));
	igbp_vf_acked(port, 0);
	igbp_vf_ping(port, 0);
	KUNIT_EXPECT_FALSE(test, vf->ping_due);
	KUNIT_EXPECT_EQ(test, IGBP_MSG_PF_CONTROL | IGBP_MSG_CTS,
			igbp_rd32(port, IGBP_VMBMEM(0, 0)));
	/* Nor over a request, but not forever */
	igbp_wr32(port, IGBP_MBVFICR, IGBP_MBVFICR_REQ(0));
	for (i = 1; i < IGBP_VF_PING_TRIES; i++) {
		igbp_vf_ping(port, 0);
		KUNIT_EXPECT_TRUE(test, vf->ping_due);
	}
	igbp_vf_ping(port, 0);
	KUNIT_EXPECT_FALSE(test, vf->ping_due);
	spin_unlock_irq(&sriov->lock);
}

static struct kunit_case igbp_vf_cases[] = {
	KUNIT_CASE(igbp_vf_test_registers),
	KUNIT_CASE(igbp_vf_test_rate),
	KUNIT_CASE(igbp_vf_test_hello),
	KUNIT_CASE(igbp_vf_test_mac),
	KUNIT_CASE(igbp_vf_test_filters),
	KUNIT_CASE(igbp_vf_test_multicast),
	KUNIT_CASE(igbp_vf_test_promisc),
	KUNIT_CASE(igbp_vf_test_vlan),
	KUNIT_CASE(igbp_vf_test_frame),
	KUNIT_CASE(igbp_vf_test_nonsense),
	KUNIT_CASE(igbp_vf_test_link),
	KUNIT_CASE(igbp_vf_test_ping),
	{}
};

static struct kunit_suite igbp_vf_suite = {
	.name = "igb_percore-vf",
	.test_cases = igbp_vf_cases,
};

kunit_test_suite(igbp_vf_suite);
