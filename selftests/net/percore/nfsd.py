#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Give nfsd a listening socket that has shards, and ask it NULL.

usage: nfsd.py PORT

Prints "asked N of 8", how many were answered. nfsd ends, and the socket is
closed, when stdin does.
"""

import os
import socket
import struct
import sys

NFSD = "/proc/fs/nfsd"


def write(name, text):
    with open(f"{NFSD}/{name}", "w") as file:
        file.write(text + "\n")


def ask(port, xid):
    """RFC 5531: a call of procedure 0 of NFS 4; whether it is answered."""
    call = struct.pack(">10I", xid, 0, 2, 100003, 4, 0, 0, 0, 0, 0)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as s:
        s.sendall(struct.pack(">I", 1 << 31 | len(call)) + call)
        answer = s.recv(64)
    return len(answer) >= 28 and struct.unpack_from(">II", answer, 4) == (xid, 1)


def main():
    port = int(sys.argv[1])
    cpus = sorted(os.sched_getaffinity(0))
    listener = socket.create_server(("127.0.0.1", port), backlog=64)
    write("versions", "-3 +4")
    write("portlist", str(listener.fileno()))
    write("threads", "2")
    listener.close()
    answered = 0
    for i in range(8):
        os.sched_setaffinity(0, {cpus[i % len(cpus)]})
        answered += ask(port, i + 1)
    print(f"asked {answered} of 8", flush=True)
    sys.stdin.read()
    write("threads", "0")
    return 0


if __name__ == "__main__":
    sys.exit(main())
