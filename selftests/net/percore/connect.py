#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Connects, and says where the answers came in.

usage: connect.py serve ADDRESS PORT...       accepts, echoes, until killed
       connect.py local ADDRESS PORT COUNT    COUNT connections from each CPU;
                                              prints how many in 1000 had their
                                              answer on the CPU that connected
       connect.py rules ADDRESS PORT          a line "ok|not ok TEXT" each
       connect.py full ADDRESS PORT COUNT     prints how many of COUNT connections,
                                              held open, there could be
       connect.py storm ADDRESS PORT COUNT    COUNT connections from each CPU, while
                                              others bind; prints failures
"""
import errno
import os
import random
import select
import socket
import struct
import sys

IP_BIND_ADDRESS_NO_PORT = 24
IP_LOCAL_PORT_RANGE = 51
SO_INCOMING_CPU = 49


def family(address):
    return socket.AF_INET6 if ':' in address else socket.AF_INET


def tcp(address):
    return socket.socket(family(address), socket.SOCK_STREAM)


def serve(address, *ports):
    poll = select.epoll()
    listeners, open_ = {}, {}
    for port in ports:
        s = tcp(address)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((address, int(port)))
        s.listen(4096)
        listeners[s.fileno()] = s
        poll.register(s, select.EPOLLIN)
    print('listening', flush=True)
    while True:
        for fd, _ in poll.poll():
            if fd in listeners:
                c, _ = listeners[fd].accept()
                open_[c.fileno()] = c
                poll.register(c, select.EPOLLIN)
                continue
            try:
                data = open_[fd].recv(1)
                open_[fd].send(data)
            except OSError:
                data = b''
            if not data:
                open_.pop(fd).close()


def exchange(s):
    s.send(b'x')
    return s.recv(1) == b'x'


def on_each_cpu(work):
    """work(cpu) in a process pinned to each CPU; the sum of what they return"""
    pipes = []
    for cpu in sorted(os.sched_getaffinity(0)):
        r, w = os.pipe()
        pid = os.fork()
        if not pid:
            os.sched_setaffinity(0, {cpu})
            os.write(w, b'%d' % work(cpu))
            os._exit(0)
        os.close(w)
        pipes.append((pid, r))
    total = 0
    for pid, r in pipes:
        total += int(os.read(r, 99))
        os.waitpid(pid, 0)
    return total, len(pipes)


def local(address, port, count):
    def work(cpu):
        here = 0
        for _ in range(int(count)):
            with tcp(address) as s:
                s.connect((address, int(port)))
                exchange(s)
                here += s.getsockopt(socket.SOL_SOCKET, SO_INCOMING_CPU) == cpu
        return here

    here, cpus = on_each_cpu(work)
    print(here * 1000 // (cpus * int(count)))


def port_of(s):
    return s.getsockname()[1]


def has_range(s):
    return struct.unpack('I', s.getsockopt(socket.IPPROTO_IP, IP_LOCAL_PORT_RANGE, 4))[0]


def set_range(s, low, high):
    s.setsockopt(socket.IPPROTO_IP, IP_LOCAL_PORT_RANGE, struct.pack('I', high << 16 | low))


def used_ports():
    """Of TCP, in TIME_WAIT too"""
    ports = set()
    for name in 'tcp', 'tcp6':
        for line in open('/proc/net/' + name).readlines()[1:]:
            ports.add(int(line.split()[1].rsplit(':', 1)[1], 16))
    return ports


def free_pair(low, high):
    """The first of two ports that nobody has, nor had of late

    A bind() to try them would make those that connect() passes over, if a
    connection in TIME_WAIT of another address has them.
    """
    used = used_ports()
    while True:
        first = random.randrange(low, high)
        if not {first, first + 1} & used:
            return first


def rules(address, port):
    peer = (address, int(port))
    low, high = map(int, open('/proc/sys/net/ipv4/ip_local_port_range').read().split())

    def say(text, good):
        print('ok' if good else 'not ok', text, flush=True)

    socks = [tcp(address) for _ in range(200)]
    for s in socks:
        s.connect(peer)
    ports = [port_of(s) for s in socks]
    mine = socks[0].getsockname()[0]
    say('ports are of the range', all(low <= p <= high for p in ports))
    say('and of the parity that connect() prefers',
        all((p - low) % 2 == 0 for p in ports))
    say('each is another', len(set(ports)) == len(ports))
    steps = {b - a for a, b in zip(ports, ports[1:])}
    say('and they do not follow each other', len(steps) > 4)
    say('no socket keeps a range', not any(map(has_range, socks)))
    for s in socks:
        s.close()

    with tcp(address) as s:
        s.bind((mine, 0))
        bound = port_of(s)
        s.connect(peer)
        say('a bound port stays', port_of(s) == bound and exchange(s))
    with tcp(address) as s:
        s.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        s.bind((mine, 0))
        s.connect(peer)
        say('a bound address gets a port', low <= port_of(s) <= high and exchange(s))
    with tcp(address) as s:
        first = free_pair(low, high)
        pair = first, first + 1
        set_range(s, *pair)
        own = has_range(s)
        s.connect(peer)
        say('a range of its own stays',
            port_of(s) in pair and has_range(s) == own != 0)
        with tcp(address) as t:
            set_range(t, *pair)
            t.connect(peer)
            say('and is used up', {port_of(s), port_of(t)} == set(pair))
            with tcp(address) as u:
                set_range(u, *pair)
                say('to the last', u.connect_ex(peer) == errno.EADDRNOTAVAIL and
                    has_range(u) == own)

    # One port for two peers, as connect() allows
    with tcp(address) as s, tcp(address) as t:
        s.connect(peer)
        set_range(t, port_of(s), port_of(s))
        t.connect((address, int(port) + 1))
        say('a port serves two peers', port_of(s) == port_of(t) and exchange(t))

    # It gives up: no range is left behind, and it can try again
    with tcp(address) as s:
        refused = s.connect_ex((address, 9))
        say('a refused connection leaves no range',
            refused == errno.ECONNREFUSED and has_range(s) == 0)
        s.connect(peer)
        say('and the socket connects after that', exchange(s))
    if ':' not in address:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as s:
            s.connect(('::ffff:' + address, int(port)))
            say('IPv4 by a socket of IPv6', exchange(s) and has_range(s) == 0)


def full(address, port, count):
    socks = []
    for _ in range(int(count)):
        s = tcp(address)
        err = s.connect_ex((address, int(port)))
        if err:
            if err != errno.EADDRNOTAVAIL:
                raise OSError(err, os.strerror(err))
            break
        socks.append(s)
    print(len(socks))


def bind_around(address):
    """To a port of the kernel's choice, or one of the range, for a moment"""
    while True:
        with tcp(address) as s:
            try:
                s.bind(('', random.choice((0, random.randrange(32768, 61000)))))
            except OSError as err:
                if err.errno != errno.EADDRINUSE:
                    raise


def storm(address, port, count):
    binders = []
    for _ in range(2):
        pid = os.fork()
        if not pid:
            bind_around(address)
        binders.append(pid)

    def work(_):
        failed = 0
        for _ in range(int(count)):
            with tcp(address) as s:
                failed += s.connect_ex((address, int(port))) != 0
        return failed

    try:
        print(on_each_cpu(work)[0])
    finally:
        for pid in binders:
            os.kill(pid, 9)


if __name__ == '__main__':
    if len(sys.argv) < 4 or sys.argv[1] not in ('serve', 'local', 'rules', 'full', 'storm'):
        sys.exit(__doc__)
    globals()[sys.argv[1]](*sys.argv[2:])
