#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Opens TCP flows and knows how the device should have hashed them.

usage: flows.py KEY ADDRESS PORT N

Opens N connections and sends a little on each; for each prints the Toeplitz
hash of its frames in hexadecimal, as in the data sheet of the 82576, 7.1.2.8:
of source and destination address, source and destination port. KEY is 40 bytes
as ethtool -x shows them.
"""
import socket
import sys

KEY_BYTES = 40


def toeplitz(key, data):
    key_bits = int.from_bytes(key, "big")
    result = 0
    for i in range(len(data) * 8):
        if data[i // 8] >> (7 - i % 8) & 1:
            result ^= key_bits >> (len(key) * 8 - 32 - i) & 0xffffffff
    return result


def main(key, address, port, count):
    key = bytes.fromhex(key.replace(":", ""))
    if len(key) != KEY_BYTES:
        sys.exit(f"the key has {len(key)} bytes")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for _ in range(int(count)):
        with socket.create_connection((address, int(port)), 30) as peer:
            ends = [peer.getsockname(), peer.getpeername()]
            peer.sendall(b"P" + bytes(8) + b"percore")
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(4096):
                pass
        data = b"".join(socket.inet_pton(family, end[0]) for end in ends)
        data += b"".join(end[1].to_bytes(2, "big") for end in ends)
        print(f"{toeplitz(key, data):08x}")


if __name__ == "__main__":
    main(*sys.argv[1:])
