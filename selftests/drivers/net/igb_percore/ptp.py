#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Asks a NIC for the time, and for timestamps, and knows which ones are right.

usage: ptp.py COMMAND NETNS:DEV[:CLOCK] [ARG...]

The clock is DEV's; a device that is asleep would wake if it was asked which.

    clock       it moves, is set, shifted and slewed, to what was asked
    mark PPM    set its frequency, and print how far it is from the system's
                boottime, in ns, and its frequency, for
    since MARK TOLERANCE_MS     whether it went on since
    rate PPM    whether that is its frequency
    settime S   set it
    is S        whether it is at most two minutes after that
    get         tx type and rx filter
    set TX RX   the same; numbers of the kernel; prints what it became
    filters     each filter is answered as it must be, on a device without
                filters for UDP
    stats       timestamps given, lost and refused, as netlink has them
    send N      N frames, one after another, each gets the timestamp of itself
    lose N      N frames, none of them gets one
    burst N     N frames at once; prints how many got one, all of them right
    row N       the same past the qdisc, which may hand several to the driver as one
                batch: each has left before the next is sent
    race N      N frames from each of two CPUs, the same
    receive NETNS:DEV KIND MARKED   KIND (sync, delay_req, announce) from there,
                with a timestamp or (0) without
    stray NETNS:DEV     a sync to somebody else's address
    meet NETNS:DEV      set this clock to that one by messages between them
    goes_on NETNS:DEV MARK TOLERANCE_MS     as since, and both sides get timestamps
    storm       as many of all kinds as go, until the clock is gone; then "gone"
"""
import ctypes
import fcntl
import os
import select
import signal
import socket
import struct
import sys
import time

import netlink

SIOCETHTOOL, SIOCSHWTSTAMP, SIOCGHWTSTAMP = 0x8946, 0x89B0, 0x89B1
ETHTOOL_GET_TS_INFO = 0x41
SO_TIMESTAMPING = 37
TX_HARDWARE, RX_HARDWARE, RAW_HARDWARE, OPT_ID, OPT_TSONLY = 1, 4, 64, 128, 2048
SOL_PACKET, PACKET_TX_TIMESTAMP, PACKET_QDISC_BYPASS = 263, 16, 20
ETH_P_1588 = 0x88F7
PTP_SYS_OFFSET_EXTENDED = 0xC4C03D09
ADJ_FREQUENCY, ADJ_SETOFFSET, ADJ_NANO = 0x2, 0x100, 0x2000
PATIENCE_S = 20
KINDS = {"sync": 0, "delay_req": 1, "announce": 11}
FILTERS = 16
L2_EVENT, L2_SYNC, L2_DELAY_REQ = 9, 10, 11
GROUP = bytes.fromhex("011b19000000")

libc = ctypes.CDLL(None, use_errno=True)


def fail(text):
    sys.exit(f"ptp.py: {text}")


def enter(netns):
    with open(f"/run/netns/{netns}", "rb") as file:
        if libc.setns(file.fileno(), 0):
            fail(f"{netns}: {os.strerror(ctypes.get_errno())}")


class Timex(ctypes.Structure):
    _fields_ = [("modes", ctypes.c_uint), ("offset", ctypes.c_long),
                ("freq", ctypes.c_long), ("rest", ctypes.c_long * 6),
                ("sec", ctypes.c_long), ("frac", ctypes.c_long),
                ("more", ctypes.c_long * 16)]


class Nic:
    """A NIC, its clock, and a socket that has its timestamps."""

    def __init__(self, place, proto=0):
        netns, self.dev, *known = place.split(":")
        enter(netns)
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.sock.bind((self.dev, proto))
        self.mac = self.sock.getsockname()[4]
        name = known[0] if known else f"ptp{self.abilities()[2]}"
        self.file = os.open(f"/dev/{name}", os.O_RDWR)
        self.id = ~self.file << 3 | 3
        self.sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING,
                             TX_HARDWARE | RX_HARDWARE | RAW_HARDWARE |
                             OPT_ID | OPT_TSONLY)

    def ioctl(self, number, data):
        buf = ctypes.create_string_buffer(data, len(data))
        fcntl.ioctl(self.sock, number,
                    struct.pack("16sP16x", self.dev.encode(),
                                ctypes.addressof(buf)))
        return buf.raw

    def abilities(self):
        return struct.unpack("=IIiI12xI12x", self.ioctl(
            SIOCETHTOOL, struct.pack("=I40x", ETHTOOL_GET_TS_INFO)))

    def now(self):
        return time.clock_gettime_ns(self.id)

    def adjust(self, **fields):
        timex = Timex(**fields)
        if libc.clock_adjtime(self.id, ctypes.byref(timex)) < 0:
            raise OSError(ctypes.get_errno(), "clock_adjtime")
        return timex.freq

    def set_ppm(self, ppm):
        self.adjust(modes=ADJ_FREQUENCY, freq=int(ppm * 65536))

    def shift(self, ns):
        self.adjust(modes=ADJ_SETOFFSET | ADJ_NANO, sec=ns // 10**9,
                    frac=ns % 10**9)

    def offset(self):
        """This clock less boottime, from the tightest of some looks."""
        best = None
        for _ in range(15):
            before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
            here = self.now()
            after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
            if not best or after - before < best[0]:
                best = after - before, here - (before + after) // 2
        return best[1]

    def config(self, tx=None, rx=None):
        if tx is None:
            data = self.ioctl(SIOCGHWTSTAMP, bytes(12))
        else:
            data = self.ioctl(SIOCSHWTSTAMP, struct.pack("=iii", 0, tx, rx))
        return struct.unpack("=iii", data)[1:]

    def frame(self, kind, seq, dest=GROUP):
        return (dest + self.mac + struct.pack(
            ">HBBH26xH12x", ETH_P_1588, KINDS[kind], 2, 44, seq)).ljust(60, b"\0")

    def stamp(self, seconds):
        """The next timestamp of a sent frame: its number and time, or None."""
        poll = select.poll()
        poll.register(self.sock, 0)
        if not poll.poll(seconds * 1000):
            return None
        _, anc, _, _ = self.sock.recvmsg(100, 1000, socket.MSG_ERRQUEUE)
        ns = number = None
        for level, kind, data in anc:
            if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPING):
                ns = hardware(data)
            elif (level, kind) == (SOL_PACKET, PACKET_TX_TIMESTAMP):
                number = struct.unpack_from("=IBBBxII", data)[5]
        return number, ns

    def receive(self, want, seconds=PATIENCE_S):
        """Time of a frame, 0 without; the frame is the one with that number."""
        end = time.monotonic() + seconds
        self.sock.settimeout(seconds)
        while time.monotonic() < end:
            data, anc, _, address = self.sock.recvmsg(2000, 1000)
            if address[2] == socket.PACKET_OUTGOING or \
                    struct.unpack_from(">H", data, 44)[0] != want:
                continue
            for level, kind, data in anc:
                if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPING):
                    return hardware(data)
            return 0
        fail(f"frame {want} did not arrive")


def hardware(data):
    sec, nsec = struct.unpack_from("=qq", data, 32)
    return sec * 10**9 + nsec


def close_to(what, got, want, tolerance):
    print(f"{what}: {got}, wanted {want}, give or take {tolerance}")
    if abs(got - want) > tolerance:
        fail(f"{what}: {got} is not {want}")


def refused(error, what, function, *args):
    try:
        function(*args)
    except OSError as err:
        if err.errno == error:
            return
        raise
    fail(f"{what} is not refused")


def rate(nic, seconds=0.4):
    """ppm that it goes faster than the system's"""
    before, since = nic.offset(), time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    time.sleep(seconds)
    after, now = nic.offset(), time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return 1e6 * (after - before) / (now - since)


def clock(nic):
    nic.set_ppm(0)
    base = rate(nic)
    close_to("ppm", base, 0, 20000)
    for ppm in (100000, -100000, 499999, 0):
        before = nic.offset()
        nic.set_ppm(ppm)
        close_to("jump when slewed", nic.offset() - before, 0, 10**7)
        close_to(f"ppm at {ppm}", rate(nic), base + ppm, 5000)
    refused(34, "too much", nic.set_ppm, 500001)
    refused(34, "too much", nic.set_ppm, -500001)
    close_to("ppm after that", rate(nic), base, 5000)
    for ns in (1500000000, -700000000, 86400 * 10**9, 10**6 * 37):
        before = nic.offset()
        nic.shift(ns)
        close_to("shift", nic.offset() - before, ns, 5 * 10**6)
    time.clock_settime_ns(nic.id, 10**18)
    close_to("time", nic.now(), 10**18, 10**9)
    last = nic.now()
    for _ in range(20000):
        now = nic.now()
        if now < last:
            fail(f"{now} after {last}")
        last = now
    between(nic)


def between(nic):
    """The system's time before and after is that."""
    data = struct.pack("=I12x", 10).ljust(16 + 25 * 3 * 16, b"\0")
    buf = bytearray(data)
    fcntl.ioctl(nic.file, PTP_SYS_OFFSET_EXTENDED, buf)
    times = [sec * 10**9 + nsec for sec, nsec in
             struct.iter_unpack("=qI4x", bytes(buf[16:16 + 10 * 48]))]
    start = nic.now() - time.time_ns()
    for i in range(10):
        before, here, after = times[3 * i:3 * i + 3]
        if not before < after:
            fail(f"system's time {before} before, {after} after")
        close_to("offset", here - (before + after) // 2, start, 20 * 10**6)


def mark(nic, ppm):
    nic.set_ppm(float(ppm))
    print(nic.offset(), nic.adjust(modes=0))


def since(nic, offset, freq, tolerance):
    close_to("frequency", nic.adjust(modes=0), int(freq), 0)
    close_to("offset", nic.offset(), int(offset), int(tolerance) * 10**6)


def goes_on(nic, other, *args):
    since(nic, *args)
    if nic.config() != (1, L2_EVENT):
        fail(f"the configuration is {nic.config()}")
    send(nic, 3)
    receive(nic, other, "sync", "1")


def check_rate(nic, ppm):
    close_to("ppm", rate(nic), int(ppm), 20000)


def settime(nic, seconds):
    time.clock_settime_ns(nic.id, int(seconds) * 10**9)


def clock_is(nic, seconds):
    close_to("time", nic.now() / 1e9, int(seconds) + 60, 60)


def config_get(nic):
    print(*nic.config())


def config_set(nic, tx, rx):
    print(*nic.config(int(tx), int(rx)))


def filters(nic):
    want = nic.config(1, L2_SYNC)
    if want != (1, L2_EVENT):
        fail(f"a filter for syncs became {want}")
    for rx in range(FILTERS):
        if rx == 0 or L2_EVENT <= rx <= L2_DELAY_REQ:
            want = 1, L2_EVENT if rx else 0
            if nic.config(1, rx) != want or nic.config() != want:
                fail(f"filter {rx} became {nic.config()}")
        else:
            refused(34, f"filter {rx}", nic.config, 0, rx)
            if nic.config() != want:
                fail(f"filter {rx}, refused, leaves {nic.config()}")
    for tx in (2, 3):
        refused(34, f"tx type {tx}", nic.config, tx, 0)
    info = nic.abilities()
    if info[1] != 0x5f or info[3:] != (3, 1 | 1 << L2_EVENT):
        fail(f"it says that it can {info}")


def counts(nic):
    header = netlink.attribute(2, nic.dev.encode() + b"\0") + \
        netlink.attribute(3, struct.pack("=I", 4))
    answer = netlink.Family("ethtool").ask(25, netlink.attribute(1 | 0x8000, header))
    found = netlink.attributes(answer[0][6])
    return [netlink.number(found[kind]) for kind in (1, 2, 3)]


def stats(nic):
    print(*counts(nic))


def send(nic, count):
    for number in range(int(count)):
        before = nic.now()
        nic.sock.send(nic.frame("sync", number))
        check_stamp(number, before, nic.stamp(PATIENCE_S), nic.now())


def check_stamp(number, before, stamp, after):
    if not stamp:
        fail(f"no timestamp for frame {number}")
    if stamp[0] != number or not before <= stamp[1] <= after:
        fail(f"frame {number}, sent between {before} and {after}, got "
             f"{stamp[1]} of frame {stamp[0]}")


def lose(nic, count):
    for number in range(int(count)):
        nic.sock.send(nic.frame("sync", number))
        if got := nic.stamp(1):
            fail(f"frame {number} got {got}")


def row(nic, count):
    nic.sock.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
    burst(nic, count)


def burst(nic, count):
    # From one CPU, that is on one queue: what two queues complete has no order
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    count, sent, last, got = int(count), [], -1, 0
    lost, skipped = counts(nic)[1:]
    for number in range(count):
        sent.append(nic.now())
        nic.sock.send(nic.frame("sync", number))
    end = time.monotonic() + PATIENCE_S
    while got + counts(nic)[2] - skipped < count and time.monotonic() < end:
        while stamp := nic.stamp(0.2):
            if stamp[0] <= last:
                fail(f"frame {stamp[0]} after {last}")
            check_stamp(stamp[0], sent[stamp[0]], stamp, nic.now())
            last = stamp[0]
            got += 1
    skipped = counts(nic)[2] - skipped
    print(got, skipped)
    if got + skipped != count or counts(nic)[1] != lost:
        fail(f"{count} frames, {got} timestamps, {skipped} skipped")


def racer(nic, count):
    """Sends, and counts timestamps; one that is not there soon may come later"""
    sent, seen = [], set()
    for number in range(count + 1):
        if number < count:
            sent.append(nic.now())
            nic.sock.send(nic.frame("sync", number))
        while stamp := nic.stamp(0.02 if number < count else 1):
            if stamp[0] in seen:
                fail(f"two timestamps for frame {stamp[0]}")
            check_stamp(stamp[0], sent[stamp[0]], stamp, nic.now())
            seen.add(stamp[0])
            if number == stamp[0]:
                break
    if not seen:
        fail("not a single timestamp")
    return len(seen)


def race(place, count):
    nic = Nic(place)
    before = counts(nic)
    children = []
    for cpu in range(2):
        if pid := os.fork():
            children.append(pid)
            continue
        os.sched_setaffinity(0, {cpu})
        print(f"CPU {cpu}: {racer(Nic(place), int(count))}", flush=True)
        os._exit(0)
    failed = any(os.waitpid(pid, 0)[1] for pid in children)
    given, lost, skipped = (b - a for a, b in zip(before, counts(nic)))
    print(f"{given} given, {lost} lost, {skipped} skipped")
    if failed or lost or given + skipped != 2 * int(count):
        fail("not all of them are accounted for, or not all right")


def receive(nic, other, kind, marked):
    source = Nic(other)
    seq = time.monotonic_ns() >> 20 & 0xffff
    before = nic.now()
    source.sock.send(source.frame(kind, seq, nic.mac))
    stamp = nic.receive(seq)
    after = nic.now()
    print(f"{kind}: {stamp}, between {before} and {after}")
    if marked == "0":
        if stamp:
            fail("a timestamp that nobody asked for")
    elif not before <= stamp <= after:
        fail("not the right timestamp")


def stray(_, other):
    source = Nic(other)
    source.sock.send(source.frame("sync", 1, b"\x02\0\0\0\xee\xee"))


def one_way(kind, source, sink, seq):
    """When it was sent, by one clock, and received, by the other"""
    source.sock.send(source.frame(kind, seq, sink.mac))
    arrived = sink.receive(seq)
    stamp = source.stamp(PATIENCE_S)
    if not stamp or not arrived:
        fail(f"{kind}: sent {stamp}, received {arrived}")
    return stamp[1], arrived


def meet(nic, other):
    master = Nic(other, ETH_P_1588)
    nic.config(1, L2_SYNC)
    master.config(1, L2_DELAY_REQ)
    time.clock_settime_ns(nic.id, 10**18)
    offset = None
    for seq in range(1, 9):
        out = one_way("sync", master, nic, seq)
        back = one_way("delay_req", nic, master, seq)
        offset = (out[1] - out[0] - back[1] + back[0]) // 2
        delay = (out[1] - out[0] + back[1] - back[0]) // 2
        print(f"offset {offset} ns, delay {delay} ns")
        if seq < 8:
            nic.shift(-offset)
    close_to("offset in the end", offset, 0, 10**6)
    close_to("offset of the clocks", nic.offset() - master.offset(), 0,
             5 * 10**6)


def storm(nic):
    signal.alarm(300)
    number = got = reads = 0
    network = True
    print("ready", flush=True)
    while True:
        try:
            nic.now()
            nic.set_ppm(number % 100)
            reads += 1
        except OSError as err:
            print(f"gone: {err.strerror}; {reads} looks, {got} timestamps")
            sys.exit(err.errno != 19 or not got)
        try:
            if network:
                nic.sock.send(nic.frame("sync", number & 0xffff))
                number += 1
                got += bool(nic.stamp(0))
                if got == 25:
                    print("busy", flush=True)
        except OSError:
            network = False


def main(command, place, *args):
    commands = {
        "clock": clock, "mark": mark, "since": since, "rate": check_rate, "settime": settime,
        "goes_on": goes_on, "is": clock_is, "get": config_get, "set": config_set,
        "filters": filters, "stats": stats, "send": send, "lose": lose,
        "burst": burst, "row": row, "receive": receive, "stray": stray, "meet": meet,
        "storm": storm}
    if command == "race":
        race(place, *args)
        return
    wants_frames = command in ("receive", "meet", "goes_on")
    commands[command](Nic(place, ETH_P_1588 if wants_frames else 0), *args)


if __name__ == "__main__":
    main(*sys.argv[1:])
