#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Listen and close on one port, without a pause, for SECONDS in N processes.

usage: relisten.py SECONDS N

A port is free when close() of its listener has returned. Exit status 1 where
one was not, with the errno and how many rounds it took.
"""

import multiprocessing
import socket
import sys
import time


def relisten(port, seconds):
    end = time.monotonic() + seconds
    rounds = 0
    while time.monotonic() < end:
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", port))
                listener.listen(8)
            except OSError as error:
                return f"port {port}, round {rounds}: {error.strerror}"
        rounds += 1
    return None


def main():
    seconds, count = float(sys.argv[1]), int(sys.argv[2])
    jobs = [(6000 + i, seconds) for i in range(count)]
    with multiprocessing.Pool(count) as pool:
        failures = [f for f in pool.starmap(relisten, jobs) if f]
    print(*failures, sep="\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
