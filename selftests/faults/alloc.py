#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""alloc: one allocation after the other fails, and what then happens.

usage: alloc.py OPERATION STEP [ARG...]

For N of 1, 1 + STEP, ... the N-th allocation that this thread causes in the
kernel while OPERATION runs fails (/proc/thread-self/fail-nth), until one that
has fewer. After each, what was done is undone, without failures. At the end it
is done once more, and must succeed.

  probe PCI-ADDRESS      igb_percore is bound to the device
  open DEV               the interface goes up
  rings DEV              sizes of rings, to and fro
  channels DEV           one pair less, all pairs
  mtu DEV                larger buffers, smaller ones
  show DEV               what ethtool -x, -S, -d read
  percore FILE           percore.ko is put in, while sockets listen
  shard                  net.percore.listen_shard 0 and 1, while sockets listen
  listen                 a socket listens, connects to itself, accepts, closes
  ask                    percore's dumps
  steer                  the plans of all NICs are applied

Prints how many allocations there are, how many were tried, and how many of these
made the operation fail. Exit status: 0; 1 the operation does not succeed in the
end, or what was done cannot be undone.
"""
import array
import ctypes
import errno
import fcntl
import os
import socket
import struct
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)


class Failing:
    """While open, the N-th allocation of this thread fails."""

    def __init__(self):
        self.file = os.open("/proc/thread-self/fail-nth", os.O_RDWR)

    def begin(self, number):
        os.pwrite(self.file, str(number).encode(), 0)

    def end(self):
        """Whether there were fewer allocations than that."""
        left = int(os.pread(self.file, 32, 0))
        os.pwrite(self.file, b"0", 0)
        return left > 0


def write(path, text):
    file = os.open(path, os.O_WRONLY)
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)


def flags(dev, up):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sh14x", dev.encode(), 0)
        now = struct.unpack("16sh14x", fcntl.ioctl(sock, 0x8913, request))[1]
        fcntl.ioctl(sock, 0x8914, struct.pack("16sh14x", dev.encode(),
                                              now | 1 if up else now & ~1))


def ethtool(dev, data):
    """What the kernel makes of a request in 32-bit words or bytes."""
    room = ctypes.create_string_buffer(bytes(data), 1 << 16)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, 0x8946, struct.pack("16sP16x", dev.encode(),
                                              ctypes.addressof(room)))
    return room.raw


def words(*numbers):
    return array.array("I", numbers).tobytes()


def rings(dev, size):
    ethtool(dev, words(0x11, 0, 0, 0, 0, size, 0, 0, size))


def channels(dev, count):
    ethtool(dev, words(0x3d, 0, 0, 0, 0, 0, 0, 1, count))


def mtu(dev, size):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, 0x8922, struct.pack("16si12x", dev.encode(), size))


def show(dev):
    ethtool(dev, words(0x46, 0, 128, 40, 0, 0, 0))	# ETHTOOL_GRSSH
    ethtool(dev, words(0x1d, 400))			# ETHTOOL_GSTATS
    ethtool(dev, words(0x04, 0, 8192))			# ETHTOOL_GREGS


def insert(path):
    file = os.open(path, os.O_RDONLY)
    try:
        if libc.syscall(313, file, b"", 0):	# finit_module
            raise OSError(ctypes.get_errno(), "finit_module")
    finally:
        os.close(file)


def remove(name):
    if libc.syscall(176, name.encode(), os.O_NONBLOCK):	# delete_module
        raise OSError(ctypes.get_errno(), "delete_module")


class Listener:
    """A connection to a listening socket of one's own, and all of it closed."""

    def run(self):
        self.socks = []
        listener = socket.socket()
        self.socks.append(listener)
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)
        client = socket.socket()
        self.socks.append(client)
        client.settimeout(10)
        client.connect(listener.getsockname())
        listener.settimeout(10)
        self.socks.append(listener.accept()[0])

    def undo(self):
        for sock in self.socks:
            sock.close()


def dump():
    """percore's dumps, by hand, as they must be of this thread."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16) as sock:
        sock.settimeout(20)
        name = b"percore\0"
        body = struct.pack("BBHHH", 3, 1, 0, 4 + len(name), 2) + name
        sock.send(struct.pack("IHHII", 16 + len(body), 16, 1, 1, 0) + body)
        data = sock.recv(65536)
        if struct.unpack_from("H", data, 4)[0] == 2:
            raise OSError(-struct.unpack_from("i", data, 16)[0], "family")
        at = 20
        while struct.unpack_from("H", data, at + 2)[0] != 1:
            at += (struct.unpack_from("H", data, at)[0] + 3) & ~3
        family = struct.unpack_from("H", data, at + 4)[0]
        for command in (2, 3, 4, 8):
            sock.send(struct.pack("IHHIIBBH", 20, family, 0x301, command, 0, command, 1, 0))
            kind = 0
            while kind not in (2, 3):
                data = sock.recv(65536)
                while len(data) >= 16 and kind not in (2, 3):
                    length, kind = struct.unpack_from("IH", data)
                    if kind in (2, 3) and struct.unpack_from("i", data, 16)[0]:
                        raise OSError(-struct.unpack_from("i", data, 16)[0], "dump")
                    data = data[(length + 3) & ~3:]


def operations(args):
    dev = args[0] if args else ""
    knobs = "/proc/sys/net/percore/"
    driver = "/sys/bus/pci/drivers/igb_percore/"
    listener = Listener()
    return {
        "probe": (lambda: write(driver + "bind", dev), lambda: write(driver + "unbind", dev)),
        "open": (lambda: flags(dev, True), lambda: flags(dev, False)),
        "rings": (lambda: rings(dev, 1024), lambda: rings(dev, 256)),
        "channels": (lambda: channels(dev, os.cpu_count()), lambda: channels(dev, 1)),
        "mtu": (lambda: mtu(dev, 9000), lambda: mtu(dev, 1500)),
        "show": (lambda: show(dev), lambda: None),
        "percore": (lambda: insert(dev), lambda: remove("percore")),
        "shard": (lambda: write(knobs + "listen_shard", "1"),
                  lambda: write(knobs + "listen_shard", "0")),
        "listen": (listener.run, listener.undo),
        "ask": (dump, lambda: None),
        "steer": (lambda: write(knobs + "steer", "1"), lambda: write(knobs + "steer", "0")),
    }


def undone(undo, must):
    """A device that is not bound cannot be unbound; so for the others."""
    end = time.monotonic() + 20
    while True:
        try:
            undo()
            return
        except OSError as error:
            if not must and error.errno in (errno.ENODEV, errno.ENOENT):
                return
            # A module is in use until its last socket has gone
            if error.errno not in (errno.EAGAIN, errno.EBUSY) or time.monotonic() > end:
                raise
            time.sleep(0.1)


def main():
    if len(sys.argv) < 3:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    run, undo = operations(sys.argv[3:])[sys.argv[1]]
    step = int(sys.argv[2])
    failing = Failing()
    number, tried, failed = 1, 0, 0
    while True:
        error = None
        failing.begin(number)
        try:
            run()
        except OSError as caught:
            error = caught
        over = failing.end()
        undone(undo, not error)
        if over:
            if error:
                print(f"fails without a failed allocation: {error}")
                return 1
            break
        tried += 1
        failed += error is not None
        number += step
    run()
    print(f"{sys.argv[1]}: fewer than {number} allocations, {tried} tried,"
          f" {failed} made it fail")
    return 0


if __name__ == "__main__":
    sys.exit(main())
