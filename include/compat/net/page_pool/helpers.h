/* SPDX-License-Identifier: GPL-2.0 */
/*
 * page_pool/helpers.h - what older kernels lack of page_pool
 */
#ifndef _COMPAT_NET_PAGE_POOL_HELPERS_H
#define _COMPAT_NET_PAGE_POOL_HELPERS_H

#include_next <net/page_pool/helpers.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
/**
 * page_pool_enable_direct_recycling - let a pool recycle into its own cache
 * @pool: pool that was created without a NAPI instance
 * @napi: its consumer; disabled, and never any other after this
 *
 * Context: process.
 */
static inline void page_pool_enable_direct_recycling(struct page_pool *pool,
						     struct napi_struct *napi)
{
	WARN_ON_ONCE(pool->p.napi || !napi);
	WRITE_ONCE(pool->p.napi, napi);
}
#endif

#endif /* _COMPAT_NET_PAGE_POOL_HELPERS_H */
