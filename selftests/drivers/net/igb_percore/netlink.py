#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Asks the kernel by generic netlink what the tools of this distribution do not.

usage: netlink.py split DEV [on | off | auto]   header split: prints it, or sets it
       netlink.py queues DEV     a line for each queue: KIND NUMBER NAPI
       netlink.py napis DEV      a line for each NAPI: NAPI IRQ THREAD
       netlink.py pools DEV      a line for each page_pool: NAPI PAGES DETACHED
       netlink.py stats DEV      a line for each queue:
                                 KIND NUMBER PACKETS BYTES

What is not there is "-". Ends with 1, and what the kernel said, if it refused.
"""
import os
import socket
import struct
import sys

CTRL = 16
DUMP = 0x305                    # REQUEST, ACK, ROOT, MATCH
SPLIT = {"auto": 0, "off": 1, "on": 2}
KINDS = ("rx", "tx")


class Refused(Exception):
    """The kernel's errno, and its reason if it has given one."""


def attribute(kind, data):
    return struct.pack("=HH", 4 + len(data), kind) + data.ljust(len(data) + 3 & ~3, b"\0")


def attributes(data):
    at, found = 0, {}
    while at + 4 <= len(data):
        size, kind = struct.unpack_from("=HH", data, at)
        found[kind & 0x3fff] = data[at + 4:at + size]
        at += size + 3 & ~3
    return found


def number(data):
    return "-" if data is None else int.from_bytes(data, sys.byteorder)


class Family:
    """A generic netlink family, by name."""

    def __init__(self, name):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, CTRL)
        self.sock.setsockopt(270, 11, 1)        # SOL_NETLINK, NETLINK_EXT_ACK
        self.family = CTRL
        found = self.ask(3, attribute(2, name.encode() + b"\0"))
        self.family = number(found[0][1])

    def refused(self, message, error):
        flags = struct.unpack_from("=H", message, 6)[0]
        text = b""
        if flags & 0x200:                       # NLM_F_ACK_TLVS
            asked = 16 if flags & 0x100 else struct.unpack_from("=I", message, 20)[0]
            text = attributes(message[20 + asked:]).get(1, b"")
        raise Refused(f"{os.strerror(-error)}: {text.rstrip(bytes(1)).decode()}")

    def ask(self, command, body, flags=5):
        """Sends it; gives the attributes of each message of the answer."""
        self.sock.send(struct.pack("=IHHIIBBxx", 20 + len(body), self.family, flags, 1, 0,
                                   command, 1) + body)
        found = []
        while True:
            answer, at = self.sock.recv(1 << 17), 0
            while at < len(answer):
                size, kind = struct.unpack_from("=IH", answer, at)
                message = answer[at:at + size]
                if kind in (2, 3):              # an error or ACK, the end of a dump
                    error = struct.unpack_from("=i", message, 16)[0]
                    if error:
                        self.refused(message, error)
                    return found
                found.append(attributes(message[20:]))
                at += size + 3 & ~3


def split(dev, wanted=None):
    family = Family("ethtool")
    body = attribute(1 | 0x8000, attribute(2, dev.encode() + b"\0"))
    if wanted is not None:
        family.ask(16, body + attribute(11, bytes([SPLIT[wanted]])))
        return
    value = number(family.ask(15, body)[0].get(11))
    print(*(name for name in SPLIT if SPLIT[name] == value))


def of_dev(command, where, dev, body=b""):
    """What a dump of the family netdev has for the device."""
    index = socket.if_nametoindex(dev)
    return [found for found in Family("netdev").ask(command, body, DUMP)
            if number(found.get(where)) == index]


def show(rows, *kinds):
    for row in rows:
        print(*(number(row.get(kind)) for kind in kinds))


def queues(dev):
    for row in of_dev(10, 2, dev):
        print(KINDS[number(row[3])], number(row[1]), number(row.get(4)))


def stats(dev):
    for row in of_dev(12, 1, dev, attribute(4, struct.pack("=Q", 1))):
        kind = number(row[2])
        print(KINDS[kind], number(row[3]), number(row[8 + 2 * kind]), number(row[9 + 2 * kind]))


def main(command, dev, *args):
    if command == "split":
        split(dev, *args)
    elif command == "napis":
        show(of_dev(11, 1, dev), 2, 3, 4)
    elif command == "pools":
        show(of_dev(5, 2, dev), 3, 4, 6)
    else:
        {"queues": queues, "stats": stats}[command](dev)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Refused as refusal:
        sys.exit(str(refusal))
