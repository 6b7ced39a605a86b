#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Traffic of sriov.sh, and a VF without a driver that writes to its mailbox.

  sriov.py echo                  send back what comes on TCP port 7000, until killed
  sriov.py move ADDRESS BYTES    so many random bytes there and back, compared
  sriov.py stream ADDRESS FILE   numbered blocks there and back, as long as FILE exists
  sriov.py hello DEVICE          VF_RESET; prints the answer and the address in it
  sriov.py ask DEVICE WORD...    VF_RESET, then each message, its words joined by
                                 commas; prints the first word of each answer
  sriov.py fuzz DEVICE N SEED    VF_RESET and N messages of any content
  sriov.py flood DEVICE SECONDS  rings as fast as it can
  sriov.py hold DEVICE FILE      takes the mailbox and keeps it, as long as FILE exists

DEVICE is a VF's directory in /sys/bus/pci/devices.
"""
import mmap
import os
import random
import socket
import struct
import sys
import threading
import time

V2PMAILBOX, VMBMEM, CTRL = 0x0C40, 0x0800, 0x0000
REQ, ACK, VFU, PFSTS, PFACK = 1, 2, 4, 16, 32
RESET = 1


class Mailbox:
    def __init__(self, device):
        with open(os.path.join(device, "enable"), "w") as enable:
            enable.write("1")
        self.file = open(os.path.join(device, "resource0"), "r+b", buffering=0)
        self.bar = mmap.mmap(self.file.fileno(), 16384)
        self.words = memoryview(self.bar).cast("I")
        self.seen = 0

    def read(self, reg):
        return self.words[reg // 4]

    def write(self, reg, value):
        self.words[reg // 4] = value

    def wait(self, bit, seconds=5):
        """Bits of the mailbox clear as they are read"""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.seen |= self.read(V2PMAILBOX)
            if self.seen & bit:
                self.seen &= ~bit
                return True
            time.sleep(0.001)
        return False

    def take(self):
        for _ in range(1000):
            self.write(V2PMAILBOX, VFU)
            status = self.read(V2PMAILBOX)
            self.seen |= status
            if status & VFU:
                return
            time.sleep(0.001)
        sys.exit("the PF does not give the mailbox back")

    def send(self, words):
        self.take()
        self.seen = 0
        for at, word in enumerate(words):
            self.write(VMBMEM + 4 * at, word)
        self.write(V2PMAILBOX, REQ)

    def answer(self, count=1):
        """None if there is none, as for what looks like an answer itself"""
        if not self.wait(PFACK) or not self.wait(PFSTS, 1):
            return None
        self.take()
        words = [self.read(VMBMEM + 4 * at) for at in range(count)]
        self.write(V2PMAILBOX, ACK)
        return words

    def hello(self):
        self.write(CTRL, 1 << 26)
        time.sleep(0.02)
        self.send([RESET])
        words = self.answer(3)
        if not words:
            sys.exit("no answer to VF_RESET")
        return words


def hello(device):
    words = Mailbox(device).hello()
    print("0x%08x %s" % (words[0], ":".join(
        "%02x" % byte for byte in struct.pack("<II", *words[1:])[:6])))


def ask(device, *messages):
    box = Mailbox(device)
    box.hello()
    for message in messages:
        box.send([int(word, 0) for word in message.split(",")])
        words = box.answer()
        print("0x%08x" % words[0] if words else "none")


def fuzz(device, count, seed):
    box, rng = Mailbox(device), random.Random(int(seed))
    box.hello()
    for n in range(int(count)):
        words = [rng.getrandbits(32) for _ in range(16)]
        if n % 4:
            words[0] = rng.randrange(2, 8) | rng.getrandbits(8) << 16
        if n % 3:
            words[1] &= 0x1FFF
        box.send(words)
        if not box.wait(PFACK):
            sys.exit("message %d, 0x%08x 0x%08x, was not read" % (n, words[0], words[1]))
        box.wait(PFSTS, 0.01)


def flood(device, seconds):
    box, rings = Mailbox(device), 0
    box.hello()
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        for _ in range(100):
            box.write(VMBMEM, 3)
            box.write(V2PMAILBOX, REQ)
            box.write(V2PMAILBOX, ACK)
        rings += 100
    print("rang %d times" % rings)


def hold(device, path):
    box = Mailbox(device)
    box.hello()
    box.take()
    while os.path.exists(path):
        time.sleep(0.05)
        box.write(V2PMAILBOX, VFU)


def echo_one(peer):
    with peer:
        while data := peer.recv(65536):
            peer.sendall(data)


def echo():
    with socket.create_server(("::", 7000), family=socket.AF_INET6,
                              dualstack_ipv6=True) as server:
        while True:
            threading.Thread(target=echo_one, args=(server.accept()[0],),
                             daemon=True).start()


def connect(address):
    return socket.create_connection((address, 7000), 20)


def receive(peer, count):
    parts = []
    while count and (data := peer.recv(min(count, 65536))):
        parts.append(data)
        count -= len(data)
    return b"".join(parts)


def move(address, count):
    data = random.randbytes(int(count))
    with connect(address) as peer:
        sender = threading.Thread(target=peer.sendall, args=(data,))
        sender.start()
        back = receive(peer, len(data))
        sender.join()
    if back != data:
        sys.exit("%d bytes of %d came back, or others" % (len(back), len(data)))


def stream(address, path):
    blocks = 0
    with connect(address) as peer:
        peer.settimeout(40)
        while os.path.exists(path) or not blocks:
            data = struct.pack("<I", blocks) * 1024
            peer.sendall(data)
            if receive(peer, len(data)) != data:
                sys.exit("block %d came back as another, or not" % blocks)
            blocks += 1
            time.sleep(0.005)
    print("%d blocks" % blocks)


if __name__ == "__main__":
    commands = {f.__name__: f for f in (echo, move, stream, hello, ask, fuzz, flood, hold)}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](*sys.argv[2:])
