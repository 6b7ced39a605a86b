#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Has percore apply the plan of a NIC while the Nth allocation fails, for all N.

usage: steer_fail.py DEV FILE...

After a request that was refused, every FILE and the RSS table must be as they
were; after one that was not, revert must make them so. Says "N allocations,
refused R times", or ends with status 1. Needs a kernel with fault injection.
"""
import ctypes
import fcntl
import os
import socket
import struct
import sys

NETLINK_GENERIC, CTRL, GETFAMILY, FAMILY_NAME, FAMILY_ID = 16, 16, 3, 2, 1
PLAN_APPLY, PLAN_REVERT, PLAN_IFINDEX = 5, 6, 1
REQUEST_ACK = 5
SIOCETHTOOL, GRXFHINDIR, RETA_MAX = 0x8946, 0x38, 4096


def attr(kind, data):
    size = 4 + len(data)
    return struct.pack("HH", size, kind) + data + bytes(-size % 4)


def message(family, cmd, payload):
    body = struct.pack("BBH", cmd, 1, 0) + payload
    return struct.pack("IHHII", 16 + len(body), family, REQUEST_ACK, 1, 0) + body


def answer(sock):
    return struct.unpack_from("i", sock.recv(65536), 16)[0]


def family_id(sock):
    sock.send(message(CTRL, GETFAMILY, attr(FAMILY_NAME, b"percore\0")))
    reply = sock.recv(65536)
    at = 20
    while True:
        size, kind = struct.unpack_from("HH", reply, at)
        if kind == FAMILY_ID:
            sock.recv(65536)
            return struct.unpack_from("H", reply, at + 4)[0]
        at += size + -size % 4


def reta(sock, dev):
    def ask(size):
        table = (ctypes.c_uint32 * (2 + RETA_MAX))(GRXFHINDIR, size)
        fcntl.ioctl(sock, SIOCETHTOOL,
                    struct.pack("16sP16x", dev.encode(), ctypes.addressof(table)))
        return list(table)

    return ask(ask(0)[1])


def main():
    dev, files = sys.argv[1], sys.argv[2:]
    inet = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
    family = family_id(sock)
    index = attr(PLAN_IFINDEX, struct.pack("I", socket.if_nametoindex(dev)))
    fail = os.open("/proc/thread-self/fail-nth", os.O_RDWR)

    def state():
        return [open(f, encoding="ascii").read() for f in files] + reta(inet, dev)

    was = state()
    refused = n = 0
    left = 0
    while not left:
        n += 1
        os.pwrite(fail, b"%d" % n, 0)
        try:
            sock.send(message(family, PLAN_APPLY, index))
            left = int(os.pread(fail, 16, 0))
            os.pwrite(fail, b"0", 0)
            error = answer(sock)
        except OSError as failure:
            os.pwrite(fail, b"0", 0)
            error = -failure.errno
            # Refused before the module saw it, or done and the answer was lost
            sock.send(message(family, PLAN_REVERT, index))
            answer(sock)
        refused += error != 0
        if not error:
            if state() == was:
                sys.exit(f"allocation {n}: no error, and nothing applied")
            sock.send(message(family, PLAN_REVERT, index))
            if answer(sock):
                sys.exit(f"allocation {n}: cannot revert")
        if state() != was:
            sys.exit(f"allocation {n}, error {error}: not as it was")
    print(f"{n - 1} allocations, refused {refused} times")
    if not refused:
        sys.exit("none failed")


main()
