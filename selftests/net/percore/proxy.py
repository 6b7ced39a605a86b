#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Asks a proxy, and says where its connections were.

usage: proxy.py ask ADDRESS COUNT                 COUNT requests, 16 at a time, a
                                                  connection each; 0 if all were
                                                  answered
       proxy.py where PORT UPSTREAM-PORT <trace   from a trace of TCP states, how
                                                  many in 1000 had worker and queue
                                                  on one core: of those accepted on
                                                  PORT, of those to UPSTREAM-PORT;
                                                  and how many of the first
"""
import re
import selectors
import socket
import sys

ESTABLISHED, SYN_SENT, SYN_RECV, FIN_WAIT1, LAST_ACK = 1, 2, 3, 4, 9

LINE = re.compile(r'\[(\d+)\].* sk=0x(\w+) old=(\d+) new=(\d+) sport=(\d+) dport=(\d+)')


def ask(address, count):
    left, right = int(count), 0
    poll = selectors.DefaultSelector()

    def another():
        s = socket.create_connection((address, 80))
        s.send(b'GET / HTTP/1.0\r\n\r\n')
        poll.register(s, selectors.EVENT_READ, [])

    for _ in range(16):
        another()
    while poll.get_map():
        for key, _ in poll.select():
            data = key.fileobj.recv(4096)
            key.data.append(data)
            if data:
                continue
            right += b''.join(key.data).endswith(b'\r\n\r\npercore')
            poll.unregister(key.fileobj)
            key.fileobj.close()
            left -= 1
            if left >= 16:
                another()
    return right != int(count)


def where(port, upstream):
    port, upstream = int(port), int(upstream)
    queue, worker = {}, {}
    cores = {port: [0, 0], upstream: [0, 0]}

    def both(key, sk):
        if sk in queue and sk in worker:
            cores[key][0] += queue.pop(sk) == worker.pop(sk)
            cores[key][1] += 1

    for line in sys.stdin:
        found = LINE.search(line)
        if not found:
            continue
        cpu, sk = int(found[1]), found[2]
        old, new, sport, dport = map(int, found.groups()[2:])
        if dport == upstream and new == SYN_SENT:
            worker[sk] = cpu
        elif dport == upstream and old == SYN_SENT and new == ESTABLISHED:
            queue[sk] = cpu
            both(upstream, sk)
        elif sport == port and old == SYN_RECV and new == ESTABLISHED:
            queue[sk] = cpu
            worker.pop(sk, None)
        elif sport == port and new in (FIN_WAIT1, LAST_ACK):
            worker[sk] = cpu
            both(port, sk)
    here = [n * 1000 // total if total else 0 for n, total in cores.values()]
    print(*here, cores[port][1])


if __name__ == '__main__':
    if len(sys.argv) != 4 or sys.argv[1] not in ('ask', 'where'):
        sys.exit(__doc__)
    sys.exit(globals()[sys.argv[1]](*sys.argv[2:]))
