#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Does to a PCI device what an administrator cannot, for life.sh.

usage: life.py ones on|off PCI    its registers read as all ones, and take nothing
       life.py sniff DEV          holds a packet socket that takes all frames

For ones, the machine has an ivshmem device over a read-only file of ones, whose
memory is put in front of the registers: what was mapped last, wins.
"""
import os
import signal
import socket
import struct
import sys

PCI = "/sys/bus/pci/devices/"
COMMAND, COMMAND_MEMORY = 4, 1 << 1
BAR0, BAR2 = 0x10, 0x18


class Config:
    def __init__(self, address):
        self.file = os.open(f"{PCI}{address}/config", os.O_RDWR)

    def get(self, form, at):
        size = struct.calcsize(form)
        return struct.unpack(form, os.pread(self.file, size, at))[0]

    def put(self, form, at, value):
        os.pwrite(self.file, struct.pack(form, value), at)

    def set(self, at, bits):
        self.put("<H", at, self.get("<H", at) | bits)

    def clear(self, at, bits):
        self.put("<H", at, self.get("<H", at) & ~bits)


def ivshmem():
    for address in os.listdir(PCI):
        config = Config(address)
        if config.get("<I", 0) == 0x11101AF4:
            return config
    sys.exit("no ivshmem device")


def ones(how, address):
    cover = ivshmem()
    cover.clear(COMMAND, COMMAND_MEMORY)
    if how == "on":
        bar = Config(address).get("<I", BAR0) & ~0xf
        cover.put("<Q", BAR2, bar)
        cover.set(COMMAND, COMMAND_MEMORY)


def sniff(dev):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    sock.bind((dev, 0))
    print("ready", flush=True)
    signal.pause()


if __name__ == "__main__":
    {"ones": ones, "sniff": sniff}[sys.argv[1]](*sys.argv[2:])
