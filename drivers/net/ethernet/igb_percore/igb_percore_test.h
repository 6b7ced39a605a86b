/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the KUnit suites share
 *
 * Each x_test.c includes x.c, so that it reaches what is static there; together
 * they make igb_percore_kunit.ko, which stands for itself and needs no device.
 * A suite's registers are memory: what is written to them can be read back.
 */
#ifndef _IGB_PERCORE_TEST_H
#define _IGB_PERCORE_TEST_H

#include <kunit/test.h>

#include "igb_percore.h"

#define IGBP_TEST_PAIRS		4

struct igbp_port *igbp_test_port_alloc(struct kunit *test);
struct igbp_pair *igbp_test_pair_alloc(struct kunit *test,
				       struct igbp_port *port,
				       unsigned int index);
struct sk_buff *igbp_test_skb_alloc(struct kunit *test, u8 proto,
				    unsigned int payload);

#endif /* _IGB_PERCORE_TEST_H */
