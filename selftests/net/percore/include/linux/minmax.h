/* SPDX-License-Identifier: GPL-2.0 */
#define min(a, b)		((a) < (b) ? (a) : (b))
#define min_t(type, a, b)	min((type)(a), (type)(b))
