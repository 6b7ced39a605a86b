/* SPDX-License-Identifier: GPL-2.0 */
/* What plan.c and tsq_rule.c need of the kernel's headers, for a program */
#ifndef _TEST_LINUX_TYPES_H
#define _TEST_LINUX_TYPES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;
#endif
