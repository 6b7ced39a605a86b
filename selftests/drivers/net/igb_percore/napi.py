#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Asks and answers over TCP, by ways that poll the NIC, and looks at each byte.

usage: napi.py answer HOW         answers one connection on port 7004, then says
                                  how its reads went, and ends
       napi.py ask ADDRESS COUNT  asks COUNT times, of up to 4 KB each; 0 if each
                                  came back as it was sent
       napi.py listen             receives netconsole's messages until as many
                                  are there, each once, as the last one says

HOW:   sleep      reads and sleeps meanwhile; prints SO_INCOMING_NAPI_ID
       busy       SO_BUSY_POLL
       prefer     and SO_PREFER_BUSY_POLL
       epoll      EPIOCSPARAMS, reads when epoll says so
"""
import fcntl
import random
import re
import select
import socket
import struct
import sys

PORT, CONSOLE = 7004, 6666
SO_BUSY_POLL, SO_INCOMING_NAPI_ID, SO_PREFER_BUSY_POLL, SO_BUSY_POLL_BUDGET = 46, 56, 69, 70
EPIOCSPARAMS = 0x40088A01
BUSY_US = 200000    # emulation on a busy machine is slow
BUDGET = 8
PATIENCE_S = 30


def busy(sock, prefer):
    sock.setsockopt(socket.SOL_SOCKET, SO_BUSY_POLL, BUSY_US)
    if prefer:
        sock.setsockopt(socket.SOL_SOCKET, SO_PREFER_BUSY_POLL, 1)
        sock.setsockopt(socket.SOL_SOCKET, SO_BUSY_POLL_BUDGET, BUDGET)


class Polled:
    """Where epoll polls, with NAPI of the sockets it has seen events of."""

    def __init__(self, sock):
        self.epoll = select.epoll()
        fcntl.ioctl(self.epoll.fileno(), EPIOCSPARAMS,
                    struct.pack("=IHBx", BUSY_US, BUDGET, 1))
        self.epoll.register(sock, select.EPOLLIN)

    def wait(self):
        while not self.epoll.poll(PATIENCE_S):
            pass


def answer(how):
    with socket.create_server(("0.0.0.0", PORT)) as server:
        if how in ("busy", "prefer"):
            busy(server, how == "prefer")
        peer = server.accept()[0]
    polled = None
    if how in ("busy", "prefer"):
        busy(peer, how == "prefer")
    elif how == "epoll":
        polled = Polled(peer)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    reads = 0
    while True:
        if polled:
            polled.wait()
        data = peer.recv(1 << 16)
        if not data:
            break
        reads += 1
        peer.sendall(data)
    print(peer.getsockopt(socket.SOL_SOCKET, SO_INCOMING_NAPI_ID), reads)


def ask(address, count):
    peer = socket.create_connection((address, PORT), PATIENCE_S)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for number in range(int(count)):
        data = random.randbytes(random.randint(1, 4096))
        peer.sendall(data)
        back = bytearray()
        while len(back) < len(data):
            part = peer.recv(len(data) - len(back))
            if not part:
                sys.exit(f"the other side ended after {number} answers")
            back += part
        if back != data:
            sys.exit(f"answer {number} is not what was asked")


def listen():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    sock.bind(("0.0.0.0", CONSOLE))
    sock.settimeout(PATIENCE_S)
    seen, total = set(), None
    print("ready", flush=True)
    while total is None or len(seen) < total:
        try:
            text = sock.recv(1 << 16).decode(errors="replace")
        except TimeoutError:
            sys.exit(f"{len(seen)} of {total} have come, not more")
        for number, rest in re.findall(r"napi\.sh message (\d+) (\w+) of netconsole", text):
            if rest != "x" * (int(number) % 50 + 1):
                sys.exit(f"message {number} is not as it was sent: {text}")
            if int(number) in seen:
                sys.exit(f"message {number} came twice")
            seen.add(int(number))
        for number in re.findall(r"napi\.sh had (\d+) messages", text):
            total = int(number)
    print(f"{total} messages")


if __name__ == "__main__":
    {"answer": answer, "ask": ask, "listen": listen}[sys.argv[1]](*sys.argv[2:])
