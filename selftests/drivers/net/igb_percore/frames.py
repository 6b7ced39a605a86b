#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Sends frames from one namespace's NIC to another's, and compares each byte.

usage: frames.py sizes FROM TO LEAST MOST [vlan | qinq | hardware]
                        each size, header included; in a VLAN whose tag is in the
                        frame, in one within another, or put in by the device
       frames.py over FROM TO LEAST MOST         none of these arrives
       frames.py sums FROM TO                    IPv4, UDP and TCP with a wrong sum
       frames.py layouts FROM TO ADDRESS SEED    TCP, from pieces of any length

FROM and TO are NETNS:DEV. VLAN 5 must be known to both.
"""
import collections
import concurrent.futures
import ctypes
import os
import random
import socket
import struct
import sys
import threading

KIND = 0x88B5                   # for experiments
TAG = {0x8100, 0x88A8}
AUXDATA, VLAN_VALID, TPID_VALID = 8, 1 << 4, 1 << 6
SOL_PACKET, OUTGOING, ETH_P_ALL = 263, 4, 3
SO_ZEROCOPY, MSG_ZEROCOPY = 60, 0x4000000
IGNORE_OUTGOING = 23
BATCH = 16

Nic = collections.namedtuple("Nic", "netns dev")
libc = ctypes.CDLL(None, use_errno=True)


def enter(netns):
    with open(f"/run/netns/{netns}", encoding="ascii") as file:
        if libc.setns(file.fileno(), 0x40000000):
            sys.exit(f"{netns}: {os.strerror(ctypes.get_errno())}")


def nic(text):
    return Nic(*text.split(":"))


def raw(place, suffix=""):
    enter(place.netns)
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sock.setsockopt(SOL_PACKET, AUXDATA, 1)
    sock.setsockopt(SOL_PACKET, IGNORE_OUTGOING, 1)
    sock.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)     # SO_RCVBUFFORCE
    sock.bind((place.dev if not suffix else suffix, ETH_P_ALL))
    sock.settimeout(10)
    return sock


def address_of(place):
    enter(place.netns)
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sock.bind((place.dev, 0))
    return sock.getsockname()[4]


def next_frame(sock):
    """The next of ours, with the tag that the kernel took out put back."""
    while True:
        data, control, _, _ = sock.recvmsg(1 << 14, 64)
        for _, _, aux in control:
            status, _, _, _, _, tci, tpid = struct.unpack("=IIIHHHH", aux[:20])
            if status & VLAN_VALID:
                tpid = tpid if status & TPID_VALID else 0x8100
                data = data[:12] + struct.pack("!HH", tpid, tci) + data[12:]
        at = 12
        while struct.unpack_from("!H", data, at)[0] in TAG:
            at += 4
        if struct.unpack_from("!H", data, at)[0] == KIND:
            return data


TAGS = {"": b"", "hardware": b"", "vlan": bytes.fromhex("81000005"),
        "qinq": bytes.fromhex("8100000588a80007")}


def frames(source, target, least, most, tags):
    head = target + source + TAGS[tags] + struct.pack("!H", KIND)
    rand = random.Random(least)
    for size in range(max(least, len(head)), most + 1):
        yield head + rand.randbytes(size - len(head))


def seen_as(frame, tags):
    """What is to arrive: short ones are filled up, the device adds its tag."""
    if tags == "hardware":
        frame = frame[:12] + TAGS["vlan"] + frame[12:]
    return frame.ljust(60 + 4 * (tags == "hardware"), b"\0")


def matches(got, want):
    # A device may fill up before or after it puts the tag in.
    return got == want or len(want) <= 64 and got.rstrip(b"\0") == want.rstrip(b"\0")


def sizes(source, target, least, most, tags=""):
    source, target = nic(source), nic(target)
    sender = raw(source, "vlan5" if tags == "hardware" else "")
    receiver = raw(target)
    queue = list(frames(address_of(source), address_of(target), int(least), int(most), tags))
    for at in range(0, len(queue), BATCH):
        batch = queue[at:at + BATCH]
        for frame in batch:
            sender.send(frame)
        # Frames of a batch may hash to several queues, and overtake one another
        wanted = [seen_as(frame, tags) for frame in batch]
        for _ in batch:
            got = next_frame(receiver)
            hit = next((i for i, want in enumerate(wanted) if matches(got, want)), None)
            if hit is None:
                sys.exit(f"{len(got)} bytes came that nobody sent, of a batch of "
                         f"{len(batch[0])} bytes and more: {got[:64].hex()}")
            del wanted[hit]
    print(f"{len(queue)} frames")


def over(source, target, least, most):
    source, target = nic(source), nic(target)
    sender, receiver = raw(source), raw(target)
    ends = address_of(source), address_of(target)
    count = 0
    for frame in frames(*ends, int(least), int(most), ""):
        sender.send(frame)
        count += 1
    # Then one that may come, so that we know that those before it are through
    for last in frames(*ends, 777, 777, ""):
        sender.send(last)
        got = next_frame(receiver)
        if got != last:
            sys.exit(f"{len(got)} bytes came")
    print(f"{count} frames too long")


def ones_sum(data):
    words = struct.unpack(f"!{len(data) // 2}H", data)
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packet(protocol, wrong):
    """An IPv4 packet with one sum that is wrong, the others right."""
    ends = socket.inet_aton("10.0.0.2") + socket.inet_aton("10.0.0.1")
    payload = bytes(range(64))
    if protocol == 17:
        upper = struct.pack("!HHHH", 40000, 7009, 8 + len(payload), 0) + payload
        at = 6
    else:
        upper = struct.pack("!HHIIBBHHH", 40000, 7009, 1, 0, 5 << 4, 2, 1000, 0, 0) + payload
        at = 16
    pseudo = ends + struct.pack("!BBH", 0, protocol, len(upper))
    total = ones_sum(pseudo + upper) ^ (0x1234 if wrong == "upper" else 0)
    upper = upper[:at] + struct.pack("!H", total) + upper[at + 2:]
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(upper), 7, 0, 64, protocol, 0) + ends
    total = ones_sum(head) ^ (0x1234 if wrong == "ip" else 0)
    return head[:10] + struct.pack("!H", total) + head[12:] + upper


def counters(netns):
    enter(netns)
    found = {}
    for name in "/proc/net/snmp", "/proc/net/netstat":
        with open(name, encoding="ascii") as file:
            for names in file:
                values = next(file).split()
                found.update(zip((values[0] + name for name in names.split()[1:]),
                                 map(int, values[1:])))
    return found


def sums(source, target):
    source, target = nic(source), nic(target)
    sender = raw(source)
    head = address_of(target) + address_of(source) + b"\x08\x00"
    for protocol, wrong, name in ((17, "upper", "Udp:InCsumErrors"),
                                  (6, "upper", "Tcp:InCsumErrors"),
                                  (17, "ip", "IpExt:InCsumErrors"),
                                  (6, "ip", "IpExt:InCsumErrors"),
                                  (17, "", None), (6, "", None)):
        before = counters(target.netns)
        for _ in range(20):
            sender.send(head + packet(protocol, wrong))
        after = before
        for _ in range(100):
            after = counters(target.netns)
            if name is None or after[name] >= before[name] + 20:
                break
            threading.Event().wait(0.1)
        grown = {key: after[key] - before[key] for key in after
                 if key.endswith("CsumErrors") and after[key] != before[key]}
        print(f"protocol {protocol}, wrong: {wrong or 'nothing'}: {grown}")
        wanted = {name: 20} if name else {}
        if grown != wanted:
            sys.exit(f"wanted: {wanted}")


def pieces(rand, count):
    """So many pieces of a buffer, no two of which lie side by side."""
    lengths = [rand.choice((1, 2, 3, 59, 60, 61, 511, 1447, 1448, 1449, 4095, 4096,
                            rand.randint(1, 4096))) for _ in range(count)]
    spans, at = [], 0
    for length in lengths:
        at += rand.randint(1, 4096)
        spans.append((at, length))
        at += length
    return spans, at


def send_layouts(peer, rand, rounds, sent):
    areas = []      # no copy: TCP reads them when it sends, and sends again
    for n in range(rounds):
        spans, size = pieces(rand, 1 + n % 17)
        area = memoryview(rand.randbytes(size))
        areas.append(area)
        parts = [area[at:at + length] for at, length in spans]
        data = b"".join(parts)
        sent.append(data)
        done = peer.sendmsg(parts, [], MSG_ZEROCOPY)
        if done < len(data):
            peer.sendall(data[done:])
        if n % 64 == 63:
            while True:
                try:
                    peer.recvmsg(1, 512, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT)
                except BlockingIOError:
                    break
    peer.shutdown(socket.SHUT_WR)
    return areas


def layouts(source, target, address, seed):
    source, target = nic(source), nic(target)
    enter(target.netns)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = socket.create_server((address, 7010), family=family)
    enter(source.netns)
    peer = socket.socket(family)
    peer.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
    peer.connect((address, 7010))
    taker, _ = server.accept()
    sent, rounds, got = [], 17 * 40, []
    with concurrent.futures.ThreadPoolExecutor() as pool:
        areas = pool.submit(send_layouts, peer, random.Random(seed), rounds, sent)
        while data := taker.recv(1 << 20):
            got.append(data)
        areas.result()
    if b"".join(got) != b"".join(sent):
        sys.exit(f"seed {seed}: what came is not what was sent")
    print(f"{rounds} skbs and more, {sum(map(len, sent))} bytes")


if __name__ == "__main__":
    {"sizes": sizes, "over": over, "sums": sums,
     "layouts": layouts}[sys.argv[1]](*sys.argv[2:])
