#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What the plugin counted, as figures per operation.

usage: samples.py SYMBOLS SAMPLE [OPERATIONS]     prints the figures

SYMBOLS is the guest's /proc/kallsyms, SAMPLE a file of count.c.
"""
import bisect
import collections
import sys

# Functions whose calls are an event.
CALLS = {
    "hard interrupts": ["__handle_irq_event_percpu"],
    "DMA maps": ["dma_map_page_attrs", "dma_map_sg_attrs"],
    "page allocations": ["__alloc_pages_noprof", "alloc_pages_bulk_noprof"],
    "slab allocations": [
        "kmem_cache_alloc_noprof", "kmem_cache_alloc_lru_noprof",
        "kmem_cache_alloc_node_noprof", "kmem_cache_alloc_bulk_noprof",
        "__kmalloc_noprof", "__kmalloc_node_noprof",
        "__kmalloc_node_track_caller_noprof", "__kmalloc_cache_noprof",
        "__kmalloc_cache_node_noprof"],
    "context switches": ["__switch_to"],
    "wake-ups": ["try_to_wake_up"],
    "remote wake-ups": ["__smp_call_single_queue"],
    "interrupts between CPUs": [
        "sysvec_reschedule_ipi", "sysvec_call_function_single",
        "sysvec_call_function"],
    "lock slow paths": ["native_queued_spin_lock_slowpath"],
    "epoll callbacks": ["ep_poll_callback"],
    "retransmissions": ["__tcp_retransmit_skb"],
}
FIGURES = {
    "instructions": "of the kernel, without iterations of rep movs and rep stos",
    "instructions in the NIC's driver": "igb or igb_percore",
    "instructions in percore": "percore.ko",
    "rep iterations": "of rep movs and rep stos: what is copied or cleared",
    "MMIO reads": "by modules, which a processor waits for",
    "MMIO writes": "by modules",
    "hard interrupts": "of devices",
    "interrupts between CPUs": "to reschedule, or to call a function there",
    "DMA maps": "of pages and scatter lists",
    "page allocations": "calls of the page allocator",
    "slab allocations": "calls of kmalloc() and kmem_cache_alloc() and their kin",
    "context switches": "from task to task, the idle task included",
    "wake-ups": "calls of try_to_wake_up()",
    "remote wake-ups": "and other work that is queued for another CPU",
    "cache-line moves": "from one of the server's CPUs to another (model)",
    "lock slow paths": "spin locks that were taken when wanted",
    "epoll callbacks": "an event of a socket told to an epoll",
    "retransmissions": "TCP segments sent again",
}
TOP = 40


class Symbols:
    """Functions by address and by name."""

    def __init__(self, lines):
        found = []
        for line in lines:
            address, kind, name, *module = line.split()
            if kind in "tTwW" and not name.startswith("__pfx_"):
                found.append((int(address, 16), name,
                              module[0].strip("[]") if module else ""))
        found.sort()
        self.addresses = [address for address, _, _ in found]
        self.functions = [(name, module) for _, name, module in found]
        self.entries = collections.defaultdict(list)
        for address, name, _ in found:
            self.entries[name].append(address)
        self.modules = {module for _, _, module in found}

    def at(self, address):
        """(name, module) of the function which that address is in."""
        index = bisect.bisect_right(self.addresses, address) - 1
        return self.functions[index] if index >= 0 else ("?", "")


class Sample:
    """One measured part."""

    def __init__(self, lines):
        self.blocks = []
        self.mmio = None
        for line in lines:
            kind, *words = line.split()
            if kind == "block":
                self.blocks.append((int(words[0], 16), *map(int, words[1:])))
            else:
                self.mmio = tuple(map(int, words))
        if self.mmio is None:
            raise ValueError("the sample is not complete")

    def calls(self, symbols, names):
        runs = collections.Counter()
        for address, count, *_ in self.blocks:
            runs[address] += count
        for name in names:
            if name not in symbols.entries:
                raise ValueError(f"this kernel has no function {name}")
        return sum(runs[address] for name in names
                   for address in symbols.entries[name])

    def by_function(self, symbols):
        """Counters of instructions and of moves by "function [module]"."""
        instructions, moves = collections.Counter(), collections.Counter()
        for address, _, count, _, moved in self.blocks:
            name, module = symbols.at(address)
            name += f" [{module}]" if module else ""
            instructions[name] += count
            moves[name] += moved
        return instructions, moves

    def by_module(self, symbols):
        found = collections.Counter()
        for address, _, count, _, _ in self.blocks:
            found[symbols.at(address)[1]] += count
        return found

    def counts(self, symbols):
        """All figures, of the whole measured part."""
        modules = self.by_module(symbols)
        reads, writes = self.mmio
        found = {
            "instructions": sum(block[2] for block in self.blocks),
            "instructions in the NIC's driver":
                modules["igb"] + modules["igb_percore"],
            "instructions in percore": modules["percore"],
            "rep iterations": sum(block[3] for block in self.blocks),
            "MMIO reads": reads,
            "MMIO writes": writes,
            "cache-line moves": sum(block[4] for block in self.blocks),
        }
        for name, functions in CALLS.items():
            found[name] = self.calls(symbols, functions)
        return {name: found[name] for name in FIGURES}


def top(counter, operations):
    return [[name, count / operations]
            for name, count in counter.most_common(TOP) if count]


def figures(symbols, sample, operations):
    """What a sample says of one operation."""
    instructions, moves = sample.by_function(symbols)
    return {
        "figures": {name: count / operations
                    for name, count in sample.counts(symbols).items()},
        "instructions by function": top(instructions, operations),
        "moves by function": top(moves, operations),
    }


def load_symbols(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return Symbols(file)


def load_sample(path):
    with open(path, encoding="utf-8") as file:
        return Sample(file)


def main():
    symbols, sample = load_symbols(sys.argv[1]), load_sample(sys.argv[2])
    operations = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    for name, count in figures(symbols, sample, operations)["figures"].items():
        print(f"{name:34} {count:14.3f}")


if __name__ == "__main__":
    main()
