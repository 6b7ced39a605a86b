#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What pacing shifts TCP sends with, of all sockets that send long frames.

usage: shift.py SECONDS      prints "SHIFT TIMES" a line, ascending
       shift.py --can        ends with 0 if this kernel can tell, else 1

A kprobe on tcp_rate_skb_sent(sk, skb), which TCP calls for every frame that it
sends, shows sk->sk_pacing_shift and skb->len. Where these are says the kernel's
BTF.
"""
import collections
import os
import re
import struct
import sys
import time

BTF = "/sys/kernel/btf/vmlinux"
TRACE = "/sys/kernel/tracing"
LONG = 1000
# What follows a type's three words, in words, by its kind; an array is alone.
EXTRA = {1: 1, 3: 3, 14: 1, 17: 1}
EACH = {4: 3, 5: 3, 6: 2, 13: 2, 15: 3, 19: 3}


def offset_of(struct_name, member):
    """In bytes; the member is in the struct itself."""
    with open(BTF, "rb") as file:
        data = file.read()
    _, _, _, header, types, types_len, names, _ = struct.unpack_from(
        "<HBBIIIII", data)

    def name(at):
        start = header + names + at
        return data[start:data.index(b"\0", start)].decode()

    at = header + types
    end = at + types_len
    while at < end:
        which, info, _ = struct.unpack_from("<III", data, at)
        at += 12
        kind, count = info >> 24 & 0x1f, info & 0xffff
        if kind == 4 and name(which) == struct_name:
            for index in range(count):
                which, _, bits = struct.unpack_from("<III", data,
                                                    at + 12 * index)
                if name(which) == member:
                    return (bits & 0xffffff if info >> 31 else bits) // 8
        at += 4 * (EXTRA.get(kind, 0) + EACH.get(kind, 0) * count)
    raise LookupError(f"no {member} in struct {struct_name}")


def write(name, text, flags=os.O_TRUNC):
    file = os.open(f"{TRACE}/{name}", os.O_WRONLY | flags)
    os.write(file, text.encode())
    os.close(file)


def main():
    if not os.path.exists(f"{TRACE}/kprobe_events"):
        os.system(f"mount -t tracefs tracefs {TRACE} 2>/dev/null")
    can = os.path.exists(BTF) and os.path.exists(f"{TRACE}/kprobe_events")
    if sys.argv[1] == "--can":
        return not can
    shift = offset_of("sock", "sk_pacing_shift")
    length = offset_of("sk_buff", "len")
    write("kprobe_events",
          f"p:percore_test/shift tcp_rate_skb_sent shift=+{shift}(%di):u8"
          f" len=+{length}(%si):u32\n", os.O_APPEND)
    try:
        write("trace", "\n")
        write("events/percore_test/shift/enable", "1")
        time.sleep(float(sys.argv[1]))
        write("events/percore_test/shift/enable", "0")
        with open(f"{TRACE}/trace", encoding="ascii") as file:
            seen = collections.Counter(
                int(value) for value, size in re.findall(
                    r" shift=(\d+) len=(\d+)\n", file.read())
                if int(size) > LONG)
    finally:
        write("events/percore_test/shift/enable", "0")
        write("kprobe_events", "-:percore_test/shift\n", os.O_APPEND)
    for value in sorted(seen):
        print(value, seen[value])
    return 0


if __name__ == "__main__":
    sys.exit(main())
