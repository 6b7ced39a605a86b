/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mark.h - how the guest says where the measured part begins and ends
 *
 * A long form of nop that no compiler emits, with a number in it that the
 * plugin looks for. Without the plugin it does nothing.
 */
#ifndef MARK_H
#define MARK_H

/* nopl disp32(%rax,%rax,1) */
#define MARK_OPCODE	0x0f, 0x1f, 0x84, 0x00

#define MARK_BEGIN	0x70636f31
#define MARK_END	0x70636f32

#define mark(what)							\
	__asm__ volatile(".byte 0x0f, 0x1f, 0x84, 0x00\n\t.long %c0"	\
			 : : "i" (what) : "memory")

#endif /* MARK_H */
