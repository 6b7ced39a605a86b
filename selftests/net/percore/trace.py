#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A worker that is late, and another that takes its connections.

usage: trace.py PORT

Listens on PORT, and without a shard on PORT + 1. A thread on CPU 0 accepts
until that core's shard is its own, and then no more; one on CPU 1 gets what
still comes to CPU 0.
"""
import os
import socket
import sys
import threading


def connect(port, count):
    """From CPU 0, so that the handshake ends there"""
    os.sched_setaffinity(0, {0})
    return [socket.create_connection(('127.0.0.1', port)) for _ in range(count)]


def accept_on(cpu, listener, count, got):
    os.sched_setaffinity(0, {cpu})
    for _ in range(count):
        got.append(listener.accept()[0])


def main(port):
    stock = socket.socket()
    stock.bind(('127.0.0.1', port + 1))
    with open('/proc/sys/net/percore/listen_ports', 'w') as f:
        f.write(str(port))
    stock.listen()
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(('127.0.0.1', port))
    listener.listen(100)

    got, late = [], []
    home = threading.Thread(target=accept_on, args=(0, listener, 50, got))
    home.start()
    held = connect(port, 50)
    home.join()
    other = threading.Thread(target=accept_on, args=(1, listener, 5, late))
    other.start()
    held += connect(port, 5)
    other.join(30)
    listener.close()
    stock.close()
    with open('/proc/sys/net/percore/listen_ports', 'w') as f:
        f.write('\n')
    return len(got) != 50 or len(late) != 5


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(int(sys.argv[1])))
