// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: slots for headers, and how much the device says is in them
 */
#include "split.c"

#include "igb_percore_test.h"

static void igbp_split_test_bytes(struct kunit *test)
{
	/* Headers' length as the device has it, and bytes in the slot */
	static const u16 lengths[][2] = {
		{ 0, 0 }, { 54, 54 }, { 66, 66 }, { 256, 256 }, { 257, 256 },
		{ 1023, 256 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		union igbp_rx_desc desc = {};

		/* SPH above it and what is reserved below it mean nothing */
		desc.wb.hdr_info = cpu_to_le16(0x801f | lengths[i][0] << 5);
		KUNIT_EXPECT_EQ(test, lengths[i][1],
				igbp_split_hdr_bytes(&desc));
	}
}

static void igbp_split_test_post(struct kunit *test)
{
	union igbp_rx_desc desc[8] = {};
	struct igbp_rx_mem mem = {
		.desc = desc,
		.hdr_dma = 0x123450000,
		.size = ARRAY_SIZE(desc),
	};
	unsigned int i;

	memset(desc, 0xff, sizeof(desc));
	igbp_split_post(&mem, U16_MAX, 4);
	for (i = 0; i < ARRAY_SIZE(desc); i++) {
		bool posted = i < 3 || i == 7;
		u64 want = posted ? mem.hdr_dma + 256 * i : U64_MAX;

		KUNIT_EXPECT_EQ(test, want, le64_to_cpu(desc[i].read.hdr_addr));
		KUNIT_EXPECT_EQ(test, U64_MAX,
				le64_to_cpu(desc[i].read.pkt_addr));
		KUNIT_EXPECT_EQ(test, !posted,
				le32_to_cpu(desc[i].wb.status) & IGBP_RXD_DD);
	}
}

static struct kunit_case igbp_split_cases[] = {
	KUNIT_CASE(igbp_split_test_bytes),
	KUNIT_CASE(igbp_split_test_post),
	{}
};

static struct kunit_suite igbp_split_suite = {
	.name = "igb_percore-split",
	.test_cases = igbp_split_cases,
};

kunit_test_suite(igbp_split_suite);
