#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Sends frames into XDP and knows, byte for byte, what has to come out.

usage: xdp.py exchange HOW NETNS DEV DEST NETNS DEV SIZE[xCOUNT]...
       xdp.py send NETNS DEV DEST SIZE COUNT
       xdp.py flood NETNS DEV DEST SIZE
       xdp.py features DEV

exchange sends frames of those sizes (Ethernet header included) from the first
device to the MAC address DEST, some at a time, and waits for each of them at
the second one, where it has to be as HOW says:

    same    as it was sent
    swap    with its MAC addresses swapped
    edit    as the program x_edit leaves it, cut x_cut, short x_short

A frame that is missing, comes twice or has a wrong byte is an error. Frames are
of IP protocol 253, from 1024 addresses, so that the hash spreads them. send
waits for nothing; flood sends until it is killed. features prints what netlink
says of XDP at a device: its features, and those of metadata.
"""
import ctypes
import os
import random
import socket
import struct
import sys
import time

import netlink

ETH_P_ALL = 3
ETH_HLEN = 14
SOL_PACKET = 263
PACKET_ADD_MEMBERSHIP = 1
PACKET_MR_PROMISC = 1
OURS = 253
AT_ONCE = 16
PATIENCE_S = 20


def enter(netns):
    if netns == "-":
        return
    with open(f"/run/netns/{netns}", "rb") as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), 0):
            sys.exit(f"{netns}: {os.strerror(ctypes.get_errno())}")


def packet_socket(netns, dev):
    enter(netns)
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    sock.bind((dev, ETH_P_ALL))
    sock.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, struct.pack(
        "=iHH8x", socket.if_nametoindex(dev), PACKET_MR_PROMISC, 0))
    sock.settimeout(0.2)
    return sock


def ip_header(seq, size):
    header = struct.pack(">BBHHHBBHII", 0x45, 0, size - ETH_HLEN, seq & 0xffff,
                         0, 64, OURS, 0, 0x0a090000 + seq % 1024, 0x0a630001)
    words = sum(struct.unpack(">10H", header))
    words = (words & 0xffff) + (words >> 16)
    words = (words & 0xffff) + (words >> 16)
    return header[:10] + struct.pack(">H", ~words & 0xffff) + header[12:]


def make(seq, size, dest, source):
    head = dest + source + b"\x08\0" + ip_header(seq, size)
    noise = random.Random(seq).randbytes(size)
    return (head + struct.pack(">I", seq) + noise)[:size]


def swapped(frame):
    return frame[6:12] + frame[:6] + frame[12:]


def edited(frame):
    head = swapped(frame)[:12] + b"\x88\xb5\xbe\xef"
    if len(frame) % 2:
        return head + frame[12:-3]
    return head + frame[12:] + b"tail"


# Shorter frames are filled up on their way, with zeros
WANTED = {
    "same": lambda frame: frame,
    "swap": swapped,
    "edit": edited,
    "cut": lambda frame: swapped(frame)[:100].ljust(100, b"\0"),
    "short": lambda frame: swapped(frame)[:12] + b"\x88\xb5" + bytes(46),
}


def is_ours(frame, how):
    if how in ("edit", "short"):
        return frame[12:14] == b"\x88\xb5"
    return frame[12:14] == b"\x08\0" and frame[23:24] == bytes([OURS])


def receive(sock, how, missing):
    """Takes frames until none is missing."""
    end = time.monotonic() + PATIENCE_S
    while missing and time.monotonic() < end:
        try:
            frame, address = sock.recvfrom(1 << 16)
        except TimeoutError:
            continue
        if address[2] == socket.PACKET_OUTGOING or not is_ours(frame, how):
            continue
        if not missing.get(frame):
            return f"unexpected, {len(frame)} bytes: {frame[:64].hex()}..."
        missing[frame] -= 1
        if not missing[frame]:
            del missing[frame]
    if missing:
        lengths = sorted(len(frame) for frame in missing)
        return f"{len(missing)} frames are missing, of {lengths} bytes"
    return None


def parse_sizes(args):
    sizes = []
    for arg in args:
        size, _, count = arg.partition("x")
        sizes += [int(size)] * int(count or 1)
    return sizes


def exchange(how, from_ns, from_dev, dest, to_ns, to_dev, *sizes):
    out = packet_socket(from_ns, from_dev)
    into = packet_socket(to_ns, to_dev)
    source = out.getsockname()[4]
    dest = bytes.fromhex(dest.replace(":", ""))
    sizes = parse_sizes(sizes)
    for first in range(0, len(sizes), AT_ONCE):
        missing = {}
        for seq, size in enumerate(sizes[first:first + AT_ONCE], first):
            frame = make(seq, size, dest, source)
            want = WANTED[how](frame)
            missing[want] = missing.get(want, 0) + 1
            out.send(frame)
        error = receive(into, how, missing)
        if error:
            return f"after {first} frames: {error}"
    print(f"{len(sizes)} frames")
    return None


def send(netns, dev, dest, size, count=None):
    sock = packet_socket(netns, dev)
    sock.settimeout(None)
    source = sock.getsockname()[4]
    dest = bytes.fromhex(dest.replace(":", ""))
    frames = [make(seq, int(size), dest, source) for seq in range(1024)]
    seq = 0
    while count is None or seq < int(count):
        try:
            sock.send(frames[seq % 1024])
        except OSError:
            # The device is full, or away for a while
            time.sleep(0.01)
            continue
        seq += 1
        if seq % AT_ONCE == 0:
            time.sleep(0.002)


def features(dev):
    body = netlink.attribute(1, struct.pack("=I", socket.if_nametoindex(dev)))
    got = netlink.Family("netdev").ask(1, body)[0]
    print(*(f"{netlink.number(got[kind]):x}" for kind in (3, 5)))


def main(command, *args):
    commands = {"exchange": exchange, "send": send, "flood": send,
                "features": features}
    return commands[command](*args)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
