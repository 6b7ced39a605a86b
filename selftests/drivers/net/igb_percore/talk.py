#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Talks over TCP, and looks at each byte that comes back.

usage: talk.py echo              sends back what comes
       talk.py talk ADDRESS      talks to it until SIGTERM; 0 if all came back
       talk.py shout ADDRESS     sends datagrams until SIGTERM, as many as can wait
                                 to be sent; 0 unless they wait for long
"""
import random
import signal
import socket
import sys
import threading

PORT, CHUNK = 7002, 1 << 15
SHOUT_WAIT = 5     # s


def echo_to(peer):
    try:
        while data := peer.recv(CHUNK):
            peer.sendall(data)
    except OSError:
        pass
    peer.close()


def echo():
    server = socket.create_server(("::", PORT), family=socket.AF_INET6,
                                  dualstack_ipv6=True)
    while True:
        peer, _ = server.accept()
        threading.Thread(target=echo_to, args=(peer,), daemon=True).start()


def until_term():
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    return ended


def shout(address):
    """Nothing but what is sent makes room, and nothing else may use the queue."""
    ended = until_term()
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    sock.settimeout(SHOUT_WAIT)
    sock.connect((address, 7003))
    count = 0
    while not ended:
        try:
            sock.send(bytes(1000))
            count += 1
        except ConnectionRefusedError:
            pass
        except TimeoutError:
            sys.exit(f"datagram {count} waits for more than {SHOUT_WAIT} s")
    print(f"{count} datagrams")


def talk(address):
    ended = until_term()
    peer = socket.create_connection((address, PORT))
    count = 0
    while not ended:
        data = random.randbytes(CHUNK)
        peer.sendall(data)
        back = bytearray()
        while len(back) < CHUNK:
            part = peer.recv(CHUNK - len(back))
            if not part:
                sys.exit(f"the other side ended after {count} chunks")
            back += part
        if back != data:
            sys.exit(f"chunk {count} came back as something else")
        count += 1
    print(f"{count} chunks")


if __name__ == "__main__":
    {"echo": echo, "talk": talk, "shout": shout}[sys.argv[1]](*sys.argv[2:])
