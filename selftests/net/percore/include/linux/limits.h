/* SPDX-License-Identifier: GPL-2.0 */
#ifndef U32_MAX
#define U32_MAX	UINT32_MAX
#endif
