// SPDX-License-Identifier: GPL-2.0
/*
 * count.c - QEMU plugin: what the guest's kernel did between two marks
 *
 *	guest: mark(MARK_BEGIN)          all counts become 0
 *	       ... the measured part ...
 *	       mark(MARK_END)            they go to DIR/sample.0, .1, ...
 *
 * Arguments: dir=DIR, cpus=N (only what vCPUs below N do is counted), and
 * lines=on (model cache lines, at a third of the speed).
 *
 * QEMU hands over the code block by block, before it runs it for the first
 * time. A block is counted by how often it runs, on which vCPU; with its length
 * that makes instructions, and with its address, calls of functions: a function
 * was called as often as a block that starts where it does was run. Of module
 * code also the accesses to memory of devices are counted.
 *
 * The iterations of "rep movs" and "rep stos" each come as an instruction.
 * They are the size of what is copied, not work, so they are kept apart.
 *
 * Cache lines: every vCPU has a cache without end. A line moves when a vCPU
 * reads what another wrote since it last had it, or writes what another has.
 * vCPUs above N have no part in it: they are the other machine.
 *
 * A sample is text:
 *
 *	block ADDRESS RUNS INSTRUCTIONS REP MOVES	of each address that ran
 *	mmio READS WRITES
 *
 * With icount all vCPUs run by turns in one thread, hence no locks here.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mark.h"
#include "qemu_api.h"

#define EXPORT __attribute__((visibility("default")))

/*
 * Where x86 Linux without address randomization has modules; their code is
 * told from the kernel's by it.
 */
#define MODULES_START	0xffffffffc0000000ull
#define MODULES_END	0xffffffffff000000ull

enum { MAX_BLOCKS = 1 << 19, LINES = 1 << 25, MAX_CPUS = 16 };

/* Of one address there may be blocks of several lengths. */
struct block {
	uint64_t address;
	uint32_t instructions, rep;
	uint64_t moves;
};

struct line {
	uint64_t number;		/* address / 64; 0: not in use */
	uint16_t holders;		/* vCPUs that have it */
	int16_t writer;			/* vCPU that wrote it last, or -1 */
};

EXPORT int qemu_plugin_version = QEMU_API_VERSION;

static struct block blocks[MAX_BLOCKS];
static uint32_t slots[2 * MAX_BLOCKS];	/* hash: index + 1 into blocks */
static uint32_t block_count;
static struct qemu_plugin_scoreboard *runs;	/* of a vCPU: u64 per block */
static struct line *lines;			/* by address, or NULL */
static uint64_t mmio_reads, mmio_writes;
static unsigned int cpus = MAX_CPUS, samples;
static const char *dir = ".";

static bool is_kernel(uint64_t address)
{
	return address >> 63;
}

static bool is_module(uint64_t address)
{
	return address >= MODULES_START && address < MODULES_END;
}

static uint64_t *runs_of(unsigned int cpu)
{
	return qemu_plugin_scoreboard_find(runs, cpu);
}

static void fail(const char *what, const char *which)
{
	fprintf(stderr, "count: %s%s\n", what, which);
	exit(1);
}

/* ---- while the guest runs ---- */

static void count_mmio(unsigned int cpu, qemu_plugin_meminfo_t info,
		       uint64_t address, void *unused)
{
	struct qemu_plugin_hwaddr *where;

	(void)unused;
	if (cpu >= cpus)
		return;
	where = qemu_plugin_get_hwaddr(info, address);
	if (!where || !qemu_plugin_hwaddr_is_io(where))
		return;
	if (qemu_plugin_mem_is_store(info))
		mmio_writes++;
	else
		mmio_reads++;
}

static void count_move(unsigned int cpu, qemu_plugin_meminfo_t info,
		       uint64_t address, void *data)
{
	uint64_t number = address / 64;
	struct line *line = &lines[number % LINES];
	struct block *block = data;
	uint16_t me = 1 << cpu;

	if (cpu >= cpus || !is_kernel(address))
		return;
	if (line->number != number)
		*line = (struct line){ .number = number, .writer = -1 };
	if (qemu_plugin_mem_is_store(info)) {
		if (line->holders & ~me)
			block->moves++;
		line->holders = me;
		line->writer = cpu;
	} else if (!(line->holders & me)) {
		if (line->writer >= 0)
			block->moves++;
		line->holders |= me;
	}
}

static void begin(unsigned int cpu, void *unused)
{
	int n = qemu_plugin_num_vcpus();
	uint32_t i;

	(void)cpu;
	(void)unused;
	while (n--)
		memset(runs_of(n), 0, block_count * sizeof(uint64_t));
	for (i = 0; i < block_count; i++)
		blocks[i].moves = 0;
	mmio_reads = 0;
	mmio_writes = 0;
}

static void end(unsigned int cpu, void *unused)
{
	char name[4096];
	uint64_t sum;
	uint32_t i;
	FILE *file;
	int n;

	(void)cpu;
	(void)unused;
	snprintf(name, sizeof(name), "%s/sample.%u", dir, samples++);
	file = fopen(name, "w");
	if (!file)
		fail("cannot write ", name);
	for (i = 0; i < block_count; i++) {
		const struct block *b = &blocks[i];

		sum = 0;
		n = qemu_plugin_num_vcpus();
		while (n--)
			sum += n < (int)cpus ? runs_of(n)[i] : 0;
		if (sum || b->moves)
			fprintf(file, "block %lx %lu %lu %lu %lu\n", b->address,
				sum, sum * b->instructions, sum * b->rep,
				b->moves);
	}
	fprintf(file, "mmio %lu %lu\n", mmio_reads, mmio_writes);
	if (fclose(file))
		fail("cannot write ", name);
}

/* ---- when a block is translated ---- */

/* Is it rep (f2, f3) movs (a4, a5) or stos (aa, ab), whatever its prefixes? */
static bool is_rep(const struct qemu_plugin_insn *insn)
{
	uint8_t code[16];
	size_t size = qemu_plugin_insn_data(insn, code, sizeof(code)), i;
	bool rep = false;

	for (i = 0; i + 1 < size; i++) {
		bool prefix = code[i] == 0x66 || code[i] == 0x67 ||
			      (code[i] & 0xf0) == 0x40;

		if (code[i] == 0xf2 || code[i] == 0xf3)
			rep = true;
		else if (!prefix)
			break;
	}
	return rep && (code[i] == 0xa4 || code[i] == 0xa5 ||
		       code[i] == 0xaa || code[i] == 0xab);
}

static uint32_t mark_of(const struct qemu_plugin_insn *insn)
{
	static const uint8_t nop[] = { MARK_OPCODE };
	struct {
		uint8_t code[sizeof(nop)];
		uint32_t value;
	} got;

	if (qemu_plugin_insn_size(insn) != sizeof(got))
		return 0;
	qemu_plugin_insn_data(insn, &got, sizeof(got));
	return memcmp(got.code, nop, sizeof(nop)) ? 0 : got.value;
}

static void call_at(struct qemu_plugin_insn *insn, qemu_exec_cb *what)
{
	qemu_plugin_register_vcpu_insn_exec_cb(insn, what, CB_NO_REGS, NULL);
}

static struct block *block_of(uint64_t address, uint32_t instructions,
			      uint32_t rep)
{
	uint64_t hash = (address * 31 + instructions) * 0x9e3779b97f4a7c15ull;
	uint32_t at = hash >> 44;
	struct block *b;

	for (; slots[at]; at = (at + 1) % (2 * MAX_BLOCKS)) {
		b = &blocks[slots[at] - 1];
		if (b->address == address && b->instructions == instructions &&
		    b->rep == rep)
			return b;
	}
	if (block_count == MAX_BLOCKS)
		fail("more code than there is room for", "");
	b = &blocks[block_count];
	*b = (struct block){ .address = address, .instructions = instructions,
			     .rep = rep };
	slots[at] = ++block_count;
	return b;
}

static void watch_block(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	uint64_t address = qemu_plugin_tb_vaddr(tb);
	size_t n = qemu_plugin_tb_n_insns(tb), i;
	struct qemu_plugin_insn *insn;
	qemu_plugin_u64 counter;
	struct block *b;
	uint32_t rep = 0;

	(void)id;
	for (i = 0; i < n; i++) {
		insn = qemu_plugin_tb_get_insn(tb, i);
		rep += is_rep(insn);
		switch (mark_of(insn)) {
		case MARK_BEGIN:
			call_at(insn, begin);
			break;
		case MARK_END:
			call_at(insn, end);
			break;
		}
	}
	if (!is_kernel(address))
		return;
	b = block_of(address, n - rep, rep);
	counter.score = runs;
	counter.offset = (b - blocks) * sizeof(uint64_t);
	qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, INLINE_ADD_U64,
							  counter, 1);
	for (i = 0; i < n; i++) {
		insn = qemu_plugin_tb_get_insn(tb, i);
		if (is_module(address))
			qemu_plugin_register_vcpu_mem_cb(insn, count_mmio,
							 CB_NO_REGS, MEM_RW,
							 NULL);
		if (lines)
			qemu_plugin_register_vcpu_mem_cb(insn, count_move,
							 CB_NO_REGS, MEM_RW, b);
	}
}

/* ---- start ---- */

/*
 * Counters are per vCPU. Unless told that vCPUs run in parallel, QEMU 10 puts
 * the index of the vCPU for which a block was translated into the code, though
 * by turns every other runs the same code. So it is told so. There is no call
 * for that in the plugin interface.
 */
static void watch_cpu(qemu_plugin_id_t id, unsigned int cpu)
{
	(void)id;
	if (cpu >= MAX_CPUS)
		fail("more than 16 vCPUs", "");
	if (qemu_get_cpu && tcg_cflags_set)
		tcg_cflags_set(qemu_get_cpu(cpu), CFLAG_PARALLEL);
	else if (cpu)
		fail("this QEMU cannot count on more than one vCPU", "");
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info,
			       int argc, char **argv)
{
	int i;

	(void)info;
	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "dir=", 4)) {
			dir = strdup(argv[i] + 4);
		} else if (!strncmp(argv[i], "cpus=", 5)) {
			cpus = atoi(argv[i] + 5);
		} else if (!strcmp(argv[i], "lines=on")) {
			lines = calloc(LINES, sizeof(*lines));
			if (!lines)
				return -1;
		} else {
			fprintf(stderr, "count: no argument %s\n", argv[i]);
			return -1;
		}
	}
	runs = qemu_plugin_scoreboard_new(MAX_BLOCKS * sizeof(uint64_t));
	qemu_plugin_register_vcpu_init_cb(id, watch_cpu);
	qemu_plugin_register_vcpu_tb_trans_cb(id, watch_block);
	return 0;
}
