#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Receives TCP by mapping its payload (TCP_ZEROCOPY_RECEIVE).

usage: zerocopy.py FROM-NETNS TO-NETNS ADDRESS MBYTES

Sends so much at random, in pieces of whole pages; compares each byte, wherever it
comes from; prints the percentage of bytes that were mapped and not copied.
"""
import ctypes
import errno
import os
import random
import select
import socket
import struct
import sys
import threading

PAGE, WINDOW = 4096, 256 << 10
TCP_ZEROCOPY_RECEIVE = 35
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int,
                      ctypes.c_int, ctypes.c_long]


def enter(netns):
    with open(f"/run/netns/{netns}", encoding="ascii") as file:
        if libc.setns(file.fileno(), 0x40000000):
            sys.exit(f"{netns}: {os.strerror(ctypes.get_errno())}")


def mapped(peer, area):
    """Maps what can be. Gives its length, and that of what is to be copied next;
    None at the end."""
    arg = ctypes.create_string_buffer(struct.pack("=QIIIi", area, WINDOW, 0, 0, 0), 64)
    size = ctypes.c_uint(24)
    if libc.getsockopt(peer.fileno(), socket.IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, arg,
                       ctypes.byref(size)):
        if ctypes.get_errno() == errno.EIO:
            return None
        sys.exit(f"TCP_ZEROCOPY_RECEIVE: {os.strerror(ctypes.get_errno())}")
    return struct.unpack_from("=QII", arg.raw)[1:]


def take(peer):
    area = libc.mmap(None, WINDOW, 1, 1, peer.fileno(), 0)      # PROT_READ, MAP_SHARED
    if area == ctypes.c_void_p(-1).value:
        sys.exit(f"mmap: {os.strerror(ctypes.get_errno())}")
    got, by_map = [], 0
    while True:
        select.select([peer], [], [], 20)
        spans = mapped(peer, area)
        if not spans:
            return b"".join(got), by_map
        size, rest = spans
        if size:
            got.append(ctypes.string_at(area, size))
            by_map += size
        if rest or not size:
            got.append(peer.recv(rest or PAGE))


def main(source, target, address, mbytes):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    data = random.Random(mbytes).randbytes(int(mbytes) << 20)
    enter(target)
    server = socket.create_server((address, 7011), family=family)
    enter(source)
    sender = socket.create_connection((address, 7011), 20)
    peer, _ = server.accept()

    def send():
        for at in range(0, len(data), WINDOW):
            sender.sendall(data[at:at + WINDOW])
        sender.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    got, by_map = take(peer)
    thread.join(20)
    if got != data:
        sys.exit("what came is not what was sent")
    print(100 * by_map // len(data))


if __name__ == "__main__":
    main(*sys.argv[1:])
