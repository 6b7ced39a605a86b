#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Moves a file over TCP and knows what arrived.

usage: bulk.py serve FILE
       bulk.py move FILE ADDRESS STREAMS [ADDRESS STREAMS]...

    client                                server
    put: "P", bytes -------------------->
                     <-------------------  SHA-256 and number of bytes
    get: "G", offset ------------------->
                     <-------------------  bytes

move puts and gets in so many streams at the same time, one address after the
other. Stream i of n carries the file from i/n on and around its end, so that
no two carry the same. Ends with 0 if each arrived complete and without an
error in it; else it says what did.
"""
import hashlib
import socket
import sys
import threading

PORT = 7001
HEAD = 9
CHUNK = 1 << 17


def rotated(data, offset):
    return data[offset:] + data[:offset]


def digest(data):
    return f"{hashlib.sha256(data).hexdigest()} {len(data)}"


def read_all(peer):
    got = bytearray()
    while chunk := peer.recv(CHUNK):
        got += chunk
    return bytes(got)


def answer(peer, data):
    with peer:
        head = peer.recv(HEAD, socket.MSG_WAITALL)
        if head[:1] == b"P":
            peer.sendall(digest(read_all(peer)).encode())
        elif head[:1] == b"G":
            peer.sendall(rotated(data, int.from_bytes(head[1:], "big")))


def serve(data):
    with socket.create_server(("::", PORT), family=socket.AF_INET6,
                              dualstack_ipv6=True, backlog=64) as server:
        while True:
            peer = server.accept()[0]
            threading.Thread(target=answer, args=(peer, data),
                             daemon=True).start()


def transfer(how, address, data, offset, bad):
    want = rotated(data, offset)
    got = "nothing"
    try:
        with socket.create_connection((address, PORT), 60) as peer:
            if how == "put":
                peer.sendall(b"P" + bytes(HEAD - 1) + want)
                peer.shutdown(socket.SHUT_WR)
                got = read_all(peer).decode()
            else:
                peer.sendall(b"G" + offset.to_bytes(HEAD - 1, "big"))
                got = digest(read_all(peer))
    except OSError as error:
        got = str(error)
    if got != digest(want):
        bad.append(f"{how} {address} from {offset}: {got}, not {digest(want)}")


def move(data, address, streams):
    bad = []
    threads = [threading.Thread(target=transfer, args=(
        how, address, data, i * len(data) // streams, bad))
        for how in ("put", "get") for i in range(streams)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return bad


def main(how, path, *args):
    with open(path, "rb") as file:
        data = file.read()
    if how == "serve":
        serve(data)
    bad = []
    for address, streams in zip(args[::2], args[1::2]):
        bad += move(data, address, int(streams))
    print("\n".join(bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
