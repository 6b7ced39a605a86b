#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""fuzz: what the kernel is asked for, at random, in one network namespace.

usage: fuzz.py DEV SECONDS SEED [SURFACE...]

  corpus --pick, mutate--> message --send--> kernel
     ^                                          |
     '---- kept, if the answer is a new one <---'

A surface is a way into the modules: percore, ethtool, devlink and netdev speak
generic netlink, link speaks rtnetlink, ioctl is SIOCETHTOOL, sysctl and sysfs are
files. An answer is a command with an errno and the text that comes with it. They
tell how far a message got, as coverage would, so that valid ones breed more of
their kind. The same SEED asks the same first questions.

Prints a line for each surface: messages, those accepted, different answers.
Exit status: 0; 1 a surface never accepted anything, though it should.
"""
import ctypes
import errno
import fcntl
import glob
import os
import random
import socket
import struct
import sys
import time

NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 1, 4, 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3
NESTED = 0x8000
SOL_NETLINK, NETLINK_EXT_ACK = 270, 11
CORPUS = 4000
LEAST = 200	# messages to each, however slow it goes

EDGES = [0, 1, 2, 3, 7, 8, 15, 16, 17, 63, 64, 65, 127, 128, 255, 256, 257, 1500,
         4095, 4096, 4097, 8191, 8192, 9216, 9217, 16384, 65534, 65535, 65536,
         10 ** 6, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 2, 2 ** 32 - 1, 2 ** 63, 2 ** 64 - 1]
TEXTS = [b"", b"\0", b"eth0\0", b"eth1\0", b"lo\0", b"tx\0", b"rx\0", b"pci\0", b"%s%n\0",
         b"a" * 15 + b"\0", b"b" * 200, "\u20ac\0".encode()]


def attr(kind, payload):
    if isinstance(payload, list):
        payload = b"".join(attr(*inner) for inner in payload)
        kind |= NESTED
    pad = b"\0" * (-len(payload) % 4)
    return struct.pack("HH", (4 + len(payload)) & 0xffff, kind & 0xffff) + payload + pad


class Netlink:
    """A socket that asks and tells what the answer was."""

    def __init__(self, protocol):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
        self.sock.bind((0, 0))
        self.sock.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        self.sock.settimeout(20)
        self.seq = 0

    def ask(self, kind, flags, body):
        """Errno and text of the answer; a dump is read to its end."""
        self.seq += 1
        self.sock.send(struct.pack("IHHII", 16 + len(body), kind, flags | NLM_F_REQUEST,
                                   self.seq, 0) + body)
        while True:
            data = self.sock.recv(1 << 18)
            while len(data) >= 16:
                length, kind, flags, seq, _ = struct.unpack_from("IHHII", data)
                if seq == self.seq and kind in (NLMSG_ERROR, NLMSG_DONE):
                    return self.verdict(data[16:length], flags, kind)
                data = data[(length + 3) & ~3:]

    @staticmethod
    def verdict(data, flags, kind):
        code = -struct.unpack_from("i", data)[0] if len(data) >= 4 else 0
        at = 4
        if kind == NLMSG_ERROR:
            length = struct.unpack_from("I", data, 4)[0]
            at = 20 if flags & 0x100 else 4 + ((length + 3) & ~3)
        text = b""
        while flags & 0x200 and at + 4 <= len(data):
            length, which = struct.unpack_from("HH", data, at)
            if which & 0x3fff == 1:
                text = data[at + 4:at + length]
            at += max((length + 3) & ~3, 4)
        return code, text.rstrip(b"\0").decode(errors="replace")

    def family(self, name):
        body = struct.pack("BBH", 3, 1, 0) + attr(2, name.encode() + b"\0")
        self.seq += 1
        self.sock.send(struct.pack("IHHII", 16 + len(body), 16, NLM_F_REQUEST, self.seq, 0)
                       + body)
        data, at = self.sock.recv(1 << 16), 20
        if struct.unpack_from("H", data, 4)[0] == NLMSG_ERROR:
            return None
        while at + 4 <= len(data):
            length, which = struct.unpack_from("HH", data, at)
            if which == 1:
                return struct.unpack_from("H", data, at + 4)[0]
            at += (length + 3) & ~3
        return None


class Chance:
    """Values that are likely to be at somebody's limit."""

    def __init__(self, seed, known):
        self.rng = random.Random(seed)
        self.known = known

    def number(self):
        pick = self.rng.random()
        if pick < 0.4:
            return self.rng.randrange(0, 20)
        if pick < 0.8:
            return self.rng.choice(EDGES)
        return self.rng.getrandbits(self.rng.choice([8, 16, 32, 64]))

    def payload(self, depth=0):
        pick = self.rng.random()
        if pick < 0.15:
            return struct.pack("B", self.number() & 0xff)
        if pick < 0.45:
            return struct.pack("I", self.number() & 0xffffffff)
        if pick < 0.5:
            return struct.pack("H", self.number() & 0xffff)
        if pick < 0.55:
            return struct.pack("Q", self.number() & 2 ** 64 - 1)
        if pick < 0.6:
            return b""
        if pick < 0.7:
            return self.rng.choice(TEXTS + self.known)
        if pick < 0.75:
            return self.rng.randbytes(self.rng.choice([3, 6, 16, 40, 128, 1000]))
        if depth > 3:
            return b"\0"
        return [(self.rng.randrange(0, 12), self.payload(depth + 1))
                for _ in range(self.rng.randrange(0, 4))]

    def mutated(self, attrs, most):
        """A copy of a list of attributes with one or more things changed."""
        attrs = list(attrs)
        for _ in range(self.rng.choice([1, 1, 1, 2, 4])):
            pick = self.rng.random()
            at = self.rng.randrange(len(attrs)) if attrs else None
            if at is None or pick < 0.3:
                attrs.append((self.rng.randrange(0, most), self.payload()))
            elif isinstance(attrs[at][1], list) and pick < 0.7:
                attrs[at] = (attrs[at][0], self.mutated(attrs[at][1], 12))
            elif pick < 0.75:
                attrs[at] = (attrs[at][0], self.payload())
            elif pick < 0.85:
                attrs[at] = (self.rng.randrange(0, most), attrs[at][1])
            elif pick < 0.95:
                del attrs[at]
            else:
                attrs.insert(at, attrs[at])
        return attrs


class Surface:
    """Something to ask. Seeds, and how to ask, are the children's."""
    must_accept = True

    def __init__(self, chance):
        self.chance = chance
        self.corpus = []
        self.answers = set()
        self.asked = self.accepted = 0

    def step(self):
        rng = self.chance.rng
        if self.corpus and rng.random() < 0.8:
            question = self.breed(rng.choice(self.corpus))
        else:
            question = self.fresh()
        code, text = self.ask(question)
        self.asked += 1
        self.accepted += code == 0
        answer = (self.kind(question), code, text)
        if answer not in self.answers or (code == 0 and rng.random() < 0.05):
            self.answers.add(answer)
            self.corpus.append(question)
            if len(self.corpus) > CORPUS:
                del self.corpus[rng.randrange(CORPUS)]


class Generic(Surface):
    """A family of generic netlink. A question: command, whether a dump, attributes."""

    def __init__(self, chance, family, commands, most, seeds):
        super().__init__(chance)
        self.netlink = Netlink(16)
        self.ident = self.netlink.family(family)
        self.commands, self.most, self.seeds = commands, most, seeds

    def fresh(self):
        rng = self.chance.rng
        return rng.choice(self.commands), rng.random() < 0.2, list(rng.choice(self.seeds))

    def breed(self, parent):
        command, dump, attrs = parent
        rng = self.chance.rng
        if rng.random() < 0.05:
            command = rng.choice(self.commands)
        return command, dump != (rng.random() < 0.03), self.chance.mutated(attrs, self.most)

    def ask(self, question):
        command, dump, attrs = question
        body = b"".join(attr(*one) for one in attrs)[:60000]
        rng = self.chance.rng
        if body and rng.random() < 0.02:
            body = bytearray(body)
            body[rng.randrange(len(body))] = rng.randrange(256)
        return self.netlink.ask(self.ident, NLM_F_DUMP if dump else NLM_F_ACK,
                                struct.pack("BBH", command, 1, 0) + bytes(body))

    @staticmethod
    def kind(question):
        return question[:2]


class Link(Surface):
    """RTM_SETLINK of the interface, but for what takes it elsewhere."""
    KINDS = [1, 4, 13, 17, 22, 29, 32, 33, 40, 41, 43, 54]

    def __init__(self, chance, index):
        super().__init__(chance)
        self.netlink = Netlink(0)
        self.index = index

    def fresh(self):
        rng = self.chance.rng
        kind = rng.choice(self.KINDS)
        if kind == 22:	# virtual functions
            return [(22, [(1, [(rng.randrange(1, 14), struct.pack(
                "III", rng.randrange(9), self.chance.number() & 0xffffffff,
                self.chance.number() & 0xffffffff)[:rng.choice([8, 12])])])])]
        if kind == 43:	# XDP
            return [(43, [(1, struct.pack("i", rng.choice([-1, 0, 1, 99]))),
                          (3, struct.pack("I", rng.randrange(32)))])]
        if kind == 1:
            return [(1, rng.randbytes(6))]
        return [(kind, struct.pack("I", self.chance.number() & 0xffffffff))]

    def breed(self, parent):
        return [one for one in self.chance.mutated(parent, 60)
                if one[0] in self.KINDS]

    def ask(self, question):
        flags = self.chance.rng.choice([0, 0, 0, 0x100, 0x200])
        body = struct.pack("BxHiII", 0, 0, self.index, flags and
                           self.chance.rng.choice([0, flags]), flags)
        return self.netlink.ask(19, NLM_F_ACK,
                                body + b"".join(attr(*one) for one in question))

    @staticmethod
    def kind(question):
        return tuple(sorted(one[0] for one in question))


class Ioctl(Surface):
    """SIOCETHTOOL. The kernel writes back as much as it likes: memory enough."""
    LEFT_OUT = {0x1a, 0x1c}	# the self-test and LEDs, which take their time

    def __init__(self, chance, dev):
        super().__init__(chance)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.room = ctypes.create_string_buffer(1 << 20)
        self.request = struct.pack("16sP16x", dev.encode(),
                                   ctypes.addressof(self.room))

    def fresh(self):
        rng = self.chance.rng
        return [rng.choice([n for n in range(1, 0x60) if n not in self.LEFT_OUT])] + \
            [self.chance.number() & 0xffffffff for _ in range(24)]

    def breed(self, parent):
        words = list(parent)
        for _ in range(self.chance.rng.choice([1, 1, 2, 6])):
            words[self.chance.rng.randrange(1, len(words))] = \
                self.chance.number() & 0xffffffff
        return words

    def ask(self, question):
        data = struct.pack(f"{len(question)}I", *question)
        ctypes.memset(self.room, 0, 1 << 16)
        ctypes.memmove(self.room, data, len(data))
        try:
            fcntl.ioctl(self.sock, 0x8946, self.request)
            return 0, ""
        except OSError as error:
            return error.errno, ""

    @staticmethod
    def kind(question):
        return question[0]


class Files(Surface):
    """Files that take a line. A question: path, text."""

    def __init__(self, chance, paths):
        super().__init__(chance)
        self.paths = paths

    def text(self):
        rng = self.chance.rng
        pick = rng.random()
        if pick < 0.5:
            return str(self.chance.number()).encode()
        if pick < 0.6:
            return f"-{self.chance.number()}".encode()
        if pick < 0.75:
            return f"{self.chance.number():x}".encode()
        if pick < 0.9:
            return ",".join(f"{self.chance.number()}-{self.chance.number()}"
                            for _ in range(rng.randrange(1, 40))).encode()
        return rng.choice(TEXTS) or rng.randbytes(rng.choice([1, 64, 5000]))

    def fresh(self):
        return self.chance.rng.choice(self.paths), self.text()

    def breed(self, parent):
        path, text = parent
        at = self.chance.rng.randrange(len(text) + 1)
        return path, text[:at] + self.chance.rng.choice(
            [b",", b"-", b" ", b"\n", b"0", b"9", b"\0", self.text()]) + text[at:]

    def ask(self, question):
        path, text = question
        try:
            with open(path, "wb", buffering=0) as file:
                file.write(text)
            return 0, ""
        except OSError as error:
            return error.errno, ""

    @staticmethod
    def kind(question):
        return question[0]


def sockets():
    """Descriptors to be named in requests: listeners and others."""
    found = []
    for family in (socket.AF_INET, socket.AF_INET6):
        sock = socket.socket(family)
        sock.listen(8)
        found.append(sock)
    found += [socket.socket(), socket.socket(socket.AF_UNIX)]
    return found


def surfaces(dev, seed):
    index = socket.if_nametoindex(dev)
    header = [(1, struct.pack("I", index)), (2, dev.encode() + b"\0")]
    known = [struct.pack("I", index), dev.encode() + b"\0"]
    pci = os.path.basename(os.path.realpath(f"/sys/class/net/{dev}/device"))
    chance = Chance(seed, known)

    def devlink():
        name = [(1, b"pci\0"), (2, pci.encode() + b"\0")]
        # Reporters by their name; a reload is one of the commands
        return Generic(chance, "devlink", list(range(1, 90)), 190,
                       [[], name, name + [(115, b"tx\0")], name + [(115, b"rx\0")]])

    return {
        "percore": lambda: Generic(
            chance, "percore", list(range(0, 12)), 12,
            [[], [(1, known[0])]] +
            [[(9, struct.pack("I", sock.fileno())), (10, struct.pack("I", wish))]
             for sock in kept for wish in range(4)]),
        "ethtool": lambda: Generic(
            chance, "ethtool", list(range(1, 50)), 32,
            [[], [(1, header)], [(1, header[:1])], [(1, header[1:])],
             [(1, header + [(3, struct.pack("I", 3))])]]),
        "netdev": lambda: Generic(chance, "netdev", list(range(1, 16)), 16,
                                  [[], [(1, known[0])], [(2, known[0])]]),
        "devlink": devlink,
        "link": lambda: Link(chance, index),
        "ioctl": lambda: Ioctl(chance, dev),
        "sysctl": lambda: Files(chance, glob.glob("/proc/sys/net/percore/*")),
        "sysfs": lambda: Files(chance, glob.glob(f"/sys/class/net/{dev}/queues/*/*_cpus") +
                               glob.glob(f"/sys/class/net/{dev}/queues/*/rps_flow_cnt") +
                               glob.glob(f"/sys/class/net/{dev}/queues/*/*/limit*") +
                               glob.glob(f"/sys/class/net/{dev}/threaded") +
                               glob.glob(f"/sys/class/net/{dev}/device/sriov_numvfs") +
                               glob.glob(f"/sys/class/net/{dev}/device/power/control")),
    }


kept = sockets()


def main():
    if len(sys.argv) < 4:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    dev, seconds, seed = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    made = surfaces(dev, seed)
    chosen = {name: made[name]() for name in sys.argv[4:] or made}
    rng = random.Random(seed)
    end = time.monotonic() + seconds
    while time.monotonic() < end or any(one.asked < LEAST for one in chosen.values()):
        surface = chosen[rng.choice(list(chosen))]
        for _ in range(20):
            try:
                surface.step()
            except OSError as error:
                # Too much to answer at once, or an answer that does not come
                if error.errno not in (errno.ENOBUFS, errno.EMSGSIZE, None):
                    raise
    failed = 0
    for name, surface in chosen.items():
        print(f"{name}: {surface.asked} messages, {surface.accepted} accepted, "
              f"{len(surface.answers)} different answers")
        failed |= not surface.accepted
    return failed


if __name__ == "__main__":
    sys.exit(main())
