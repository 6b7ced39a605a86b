#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Where the life of each connection of a server took place, from a trace.

usage: locality.py TRACE...     prints the figures of each file

The trace is text with the option "fields" on, of the events

  inet_sock_set_state   softirq or worker: LISTEN -> SYN_RECV is the last ACK of
                        the handshake, which makes the socket
  sk_data_ready         softirq: data, or the end of it, has come
  graft                 worker: accept() took the connection
  sock_recv_length      worker: read
  sock_send_length      worker: write

put together by the address of the socket. A connection is complete if all of
its life from SYN_RECV to CLOSE is there, with accept, a read, and a write. It
is local if all of that ran on one core.
"""
import collections
import re
import sys

LISTEN, SYN_RECV, CLOSE = 10, 3, 7
LINE = re.compile(r"\[(\d+)\]\s+\S+\s+[\d.]+:\s+(\w+):(.*)")
ADDRESS = re.compile(r" sk(?:addr)?=0x([0-9a-f]+)")
STATE = re.compile(r" (oldstate|newstate)=0x([0-9a-f]+)")


class Connection:
    """CPUs of each kind of event."""

    def __init__(self):
        self.cpus = collections.defaultdict(list)
        self.closed = False

    def add(self, kind, cpu):
        self.cpus[kind].append(cpu)

    @property
    def complete(self):
        return self.closed and all(
            self.cpus.get(kind) for kind in
            ("handshake", "graft", "sock_recv_length", "sock_send_length"))

    @property
    def home(self):
        return self.cpus["handshake"][0]

    @property
    def accepted_at_home(self):
        return self.cpus["graft"][0] == self.home

    @property
    def local(self):
        return all(cpu == self.home
                   for cpus in self.cpus.values() for cpu in cpus)

    def cores(self):
        return len({cpu for cpus in self.cpus.values() for cpu in cpus})


def state_kind(fields):
    states = {key: int(value, 16) for key, value in STATE.findall(fields)}
    if (states["oldstate"], states["newstate"]) == (LISTEN, SYN_RECV):
        return "handshake"
    return "close" if states["newstate"] == CLOSE else "state"


def connections(lines):
    """Connections whose handshake is in the trace."""
    alive, found = {}, []
    for line in lines:
        match = LINE.search(line)
        address = match and ADDRESS.search(match[3])
        if not address:
            continue
        sk, cpu, kind = address[1], int(match[1]), match[2]
        if kind == "inet_sock_set_state":
            kind = state_kind(match[3])
        if kind == "handshake":
            alive[sk] = Connection()
            found.append(alive[sk])
        if sk in alive:
            alive[sk].add(kind, cpu)
            if kind == "close":
                alive.pop(sk).closed = True
    return found


def summary(found):
    """Counts to be added up over traces."""
    complete = [conn for conn in found if conn.complete]
    return {
        "seen": len(found),
        "complete": len(complete),
        "accepted_at_home": sum(conn.accepted_at_home for conn in complete),
        "local": sum(conn.local for conn in complete),
        "cores": sum(conn.cores() for conn in complete),
    }


def main():
    for name in sys.argv[1:]:
        with open(name, encoding="utf-8") as file:
            print(name, summary(connections(file)))


if __name__ == "__main__":
    main()
