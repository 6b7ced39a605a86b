#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Sends what nobody should send, as fast as it can.

usage: network.py KIND FROM TO SECONDS SEED

  syn        first segments of connections that go no further, to TO's port
             8000, IPv4 and IPv6, from addresses that do not answer
  malformed  IP, TCP, UDP and ICMP with fields, options, sums and lengths at
             random, cut off anywhere
  fragments  of IPv4 and IPv6: tiny, overlapping, beyond 64 KB, never all
  vlan       stacks of up to 12 tags, some of them cut off
  jumbo      longer than TO's MTU
  offload    with a header of virtio, which asks the device that sends for
             checksums and segmentation that cannot be

FROM and TO are NETNS:DEV. Frames are made from SEED before the first is sent;
those are repeated. Nothing has a port of 1024 or above at our end, or FROM's own
addresses in ARP, so that no connection of others is meant.

Prints how many frames the kernel took and how many it refused. Exit status: 0,
or 1 if it took fewer than 200.
"""
import ctypes
import os
import random
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)),
                                "../drivers/net/igb_percore"))
# pylint: disable=wrong-import-position
from frames import address_of, enter, nic, ones_sum

POOL, BATCH, LEAST = 1024, 64, 200
PORT = 8000
HERE4, THERE4 = socket.inet_aton("10.0.0.2"), socket.inet_aton("10.0.0.1")
HERE6 = socket.inet_pton(socket.AF_INET6, "fd00::2")
THERE6 = socket.inet_pton(socket.AF_INET6, "fd00::1")
VNET_HDR, QDISC_BYPASS, SOL_PACKET = 15, 20, 263
TCP, UDP, ICMP, ICMP6, FRAGMENT = 6, 17, 1, 58, 44

libc = ctypes.CDLL(None, use_errno=True)


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


class Mmsghdr(ctypes.Structure):
    _fields_ = [("name", ctypes.c_void_p), ("namelen", ctypes.c_uint),
                ("iov", ctypes.POINTER(Iovec)), ("iovlen", ctypes.c_size_t),
                ("control", ctypes.c_void_p), ("controllen", ctypes.c_size_t),
                ("flags", ctypes.c_int), ("sent", ctypes.c_uint)]


def padded(data):
    return data + b"\0" * (len(data) % 2)


class Maker:
    """Frames from HERE to THERE."""

    def __init__(self, seed, source, target):
        self.rng = random.Random(seed)
        self.ends = target + source
        self.blob = self.rng.randbytes(1 << 17)

    def data(self, size):
        """Bytes of long frames; to make them anew takes long."""
        at = self.rng.randrange(1 << 16)
        return self.blob[at:at + size]

    def chance(self, of):
        return self.rng.randrange(of) == 0

    def number(self, bits):
        """One that somebody may have forgotten."""
        top = (1 << bits) - 1
        return self.rng.choice([0, 1, 2, 4, 5, 7, 8, top, top - 1, top >> 1,
                                self.rng.getrandbits(bits)]) & top

    def address(self, family):
        if family == 4:
            # Its own now and then, with ports below those of connections
            return self.rng.choice([HERE4, bytes([198, 51, 100, self.rng.randrange(256)])])
        return self.rng.choice([HERE6, bytes.fromhex("20010db8") + self.rng.randbytes(12)])

    def ether(self, kind, body):
        return self.ends + struct.pack("!H", kind) + body

    def options(self, room):
        """TCP's or IP's, most of them wrong."""
        data = b""
        while len(data) < room:
            kind = self.rng.choice([0, 1, 2, 3, 4, 5, 7, 8, 19, 29, 30, 34, 68, 131, 137,
                                    148, 253, self.rng.randrange(256)])
            size = self.rng.choice([0, 1, 2, 3, 4, 10, 18, 255, self.rng.randrange(40)])
            data += bytes([kind, size]) + self.rng.randbytes(min(size, 16))
        return data[:room]

    def tcp(self, flags=None, options=b"", payload=b"", port=PORT):
        words = 5 + len(options) // 4
        return struct.pack("!HHIIBBHHH", self.rng.randrange(1, 1024), port,
                           self.rng.getrandbits(32), self.rng.getrandbits(32), words << 4,
                           self.rng.randrange(256) if flags is None else flags,
                           self.rng.getrandbits(16), 0, self.number(16)) + options + payload

    def udp(self, payload):
        return struct.pack("!HHHH", self.rng.randrange(1, 1024), self.number(16),
                           8 + len(payload), 0) + payload

    def icmp(self, family):
        # Not of neighbours or routers, which nobody has to disbelieve
        kind = self.rng.choice([0, 3, 4, 8, 11, 12, 13, 17, 40]) if family == 4 else \
            self.rng.choice([1, 2, 3, 4, 128, 129, 130, 139, 200])
        return struct.pack("!BBHI", kind, self.rng.randrange(20), 0, self.number(32)) + \
            self.rng.randbytes(self.rng.choice([0, 1, 8, 28, 200]))

    def summed(self, family, ends, proto, upper):
        """With the right sum, whatever else is wrong; long ones go without."""
        at = {TCP: 16, UDP: 6, ICMP: 2, ICMP6: 2}.get(proto)
        if at is None or not at + 2 <= len(upper) < 1600:
            return upper
        pseudo = b"" if proto == ICMP else ends + (
            struct.pack("!BBH", 0, proto, len(upper)) if family == 4 else
            struct.pack("!IHBB", len(upper), 0, 0, proto))
        total = ones_sum(padded(pseudo + upper[:at] + b"\0\0" + upper[at + 2:]))
        return upper[:at] + struct.pack("!H", total) + upper[at + 2:]

    def ip4(self, proto, upper, source, options=b"", frag=0, ident=None):
        ends = source + THERE4
        upper = upper if frag else self.summed(4, ends, proto, upper)
        head = struct.pack("!BBHHHBBH", 0x45 + len(options) // 4, 0,
                           20 + len(options) + len(upper),
                           self.rng.getrandbits(16) if ident is None else ident, frag,
                           64, proto, 0) + ends + options
        return head[:10] + struct.pack("!H", ones_sum(head)) + head[12:] + upper

    def ip6(self, proto, upper, source, extra=b"", first=None):
        upper = upper if first is not None else \
            self.summed(6, source + THERE6, proto, upper)
        return struct.pack("!IHBB", 6 << 28, len(extra) + len(upper),
                           proto if first is None else first, 64) + \
            source + THERE6 + extra + upper

    def packet(self, family, proto, upper):
        if family == 4:
            return self.ether(0x0800, self.ip4(proto, upper, self.address(4)))
        return self.ether(0x86dd, self.ip6(proto, upper, self.address(6)))

    ## the kinds

    def syn(self):
        options = self.rng.choice([
            b"", b"\2\4\5\xb4", b"\2\4\5\xb4\4\2\x08\x0a" + self.rng.randbytes(4) +
            b"\0\0\0\0\1\3\3\7", self.options(4 * self.rng.randrange(11))])
        family = self.rng.choice([4, 4, 6])
        return self.packet(family, TCP, self.tcp(2, options))

    def upper(self, family):
        proto = self.rng.choice([TCP, TCP, TCP, UDP, ICMP if family == 4 else ICMP6,
                                 self.rng.randrange(256)])
        payload = self.rng.randbytes(self.rng.choice([0, 1, 7, 40, 600]))
        if proto == TCP:
            return proto, self.tcp(options=self.options(4 * self.rng.randrange(11)),
                                   payload=payload)
        if proto == UDP:
            return proto, self.udp(payload)
        if proto in (ICMP, ICMP6):
            return proto, self.icmp(family)
        return proto, payload

    def spoil(self, frame, start):
        """A few bytes or a word behind @start are others; sums do not know."""
        for _ in range(self.rng.choice([1, 1, 2, 5])):
            at = self.rng.randrange(start, min(len(frame), start + 64))
            frame[at] = self.number(8)

    def malformed(self):
        family = self.rng.choice([4, 4, 6])
        proto, upper = self.upper(family)
        pick = self.rng.randrange(5)
        if pick == 0 and len(upper) > 13:	# the length of the header, right sums
            upper = upper[:12] + bytes([self.rng.randrange(256)]) + upper[13:]
        if pick == 1:
            upper = upper[:self.rng.randrange(len(upper) + 1)]
        if pick == 2 and family == 4:
            frame = self.ether(0x0800, self.ip4(
                proto, upper, self.address(4), self.options(4 * self.rng.randrange(1, 11))))
        elif pick == 2:
            extra = bytes([proto, self.number(8)]) + self.options(self.rng.choice([6, 14, 38]))
            frame = self.ether(0x86dd, self.ip6(proto, upper, self.address(6), extra,
                                                self.rng.choice([0, 43, 51, 60, 135])))
        else:
            frame = self.packet(family, proto, upper)
        if pick == 3:
            frame = bytearray(frame)
            self.spoil(frame, 12 if self.chance(8) else 14)
            frame = bytes(frame)
        if pick == 4:
            frame = frame[:self.rng.randrange(14, len(frame) + 1)]
        return frame

    def fragments(self):
        family = self.rng.choice([4, 4, 6])
        ident = self.rng.randrange(64)
        size = self.rng.choice([0, 1, 8, 8, 8, 16, 24, 512, 1400])
        at = self.rng.choice([0, 0, 1, 2, 3, 60, 8000, 8191, self.rng.randrange(8192)])
        more = not self.chance(6)
        proto = self.rng.choice([TCP, UDP, ICMP if family == 4 else ICMP6])
        body = self.rng.randbytes(size) if at else self.upper(family)[1][:max(size, 8)]
        if family == 4:
            return self.ether(0x0800, self.ip4(proto, body, self.rng.choice(
                [HERE4, self.address(4)]), frag=at | more << 13 or 1 << 13, ident=ident))
        extra = struct.pack("!BBHI", proto, 0, at << 3 | more, ident)
        return self.ether(0x86dd, self.ip6(proto, body, HERE6, extra, FRAGMENT))

    def vlan(self):
        inner = self.rng.choice([self.syn, self.malformed])()
        tags = b"".join(struct.pack("!HH", self.rng.choice([0x8100, 0x8100, 0x88a8, 0x9100]),
                                    self.rng.choice([0, 0x2000, 5, 0xfff, self.number(16)]))
                        for _ in range(self.rng.randrange(1, 13)))
        frame = inner[:12] + tags + inner[12:]
        return frame[:self.rng.randrange(14, 14 + len(tags))] if self.chance(8) else frame

    def jumbo(self):
        size = self.rng.choice([1473, 1480, 2000, 3072, 4096, 9180, self.rng.randrange(1460, 9180)])
        return self.packet(4, UDP, self.udp(self.data(size)))[:9230]

    def offload(self):
        family = self.rng.choice([4, 4, 6])
        tcp = not self.chance(4)
        # More than any segment, more than there is, none
        size = self.rng.choice([0, 10, 500, 1400, 5000, 30000, 60000, 64000])
        payload = self.data(size)
        options = self.options(4 * self.rng.randrange(11))
        upper = self.tcp(options=options, payload=payload) if tcp else self.udp(payload)
        frame = self.packet(family, TCP if tcp else UDP, upper)
        if self.chance(6):
            frame = self.ether(0x86dd, self.ip6(
                TCP, upper, HERE6, bytes([TCP, 79]) + b"\1\x7e" + bytes(636), 60))
        if self.chance(6):
            tags = b"\x81\0\0\5" * self.rng.randrange(1, 12)
            frame = frame[:12] + tags + frame[12:]
        if self.chance(6):
            frame = bytearray(frame)
            self.spoil(frame, 14)
        l4 = len(frame) - len(upper)
        start, offset = self.rng.choice([(l4, 16 if tcp else 6)] * 4 + [
            (self.number(7), 16), (l4, self.number(8)), (20, 16), (self.number(16), 6)])
        kind = self.rng.choice([0] + [1 if family == 4 else 4] * 4 + [
            1, 3, 4, 5, 0x81, 0x84, self.number(8)])
        # Thousands of segments of one frame keep an emulated device busy for long
        mss = self.rng.choice([1448, 1448, 536, 9000, 9216, 20000, 60000, 65534,
                               self.number(16) if self.chance(8) or size < 5000 else 1000,
                               8 if size < 5000 else 200, 1 if size < 1400 else 300])
        if not kind:
            frame = frame[:self.rng.choice([60, 1514, 9230])]
        return struct.pack("=BBHHHH", self.rng.choice([1, 1, 1, 0, 2, 4]), kind,
                           self.rng.choice([l4 + 20, 0, 65535, self.number(16)]),
                           mss, start, offset) + bytes(frame)


def messages(frames):
    """What sendmmsg() takes, and what has to live as long."""
    kept = [ctypes.create_string_buffer(frame, len(frame)) for frame in frames]
    parts = (Iovec * len(frames))(*[(ctypes.addressof(one), len(one)) for one in kept])
    heads = (Mmsghdr * len(frames))()
    for head, part in zip(heads, parts):
        head.iov, head.iovlen = ctypes.pointer(part), 1
    return heads, (kept, parts)


def opened(place, kind, bypass):
    enter(place.netns)
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sock.setsockopt(SOL_PACKET, VNET_HDR, int(kind == "offload"))
    sock.setsockopt(SOL_PACKET, QDISC_BYPASS, int(bypass))
    sock.bind((place.dev, 0))
    return sock


def flood(socks, heads, seconds):
    """Those which the kernel refuses are left out. Return: taken, refused."""
    taken = refused = at = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end or taken < LEAST and time.monotonic() < end + 20:
        count = min(BATCH, len(heads) - at)
        fd = socks[at // BATCH % len(socks)].fileno()
        done = libc.sendmmsg(fd, ctypes.byref(heads[at]), count, 0)
        if done <= 0:
            refused += 1
            done = 1
        else:
            taken += done
        at = (at + done) % len(heads)
    return taken, refused


def main():
    if len(sys.argv) != 6 or sys.argv[1] not in __doc__:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    kind, source, target = sys.argv[1], nic(sys.argv[2]), nic(sys.argv[3])
    make = getattr(Maker(f"{kind} {sys.argv[5]}", address_of(source), address_of(target)), kind)
    heads, _kept = messages([make() for _ in range(POOL if kind != "offload" else POOL // 2)])
    socks = [opened(source, kind, bypass) for bypass in (False, True)]
    taken, refused = flood(socks, heads, float(sys.argv[4]))
    print(f"{kind}: {taken} frames, {refused} refused")
    return 0 if taken >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
