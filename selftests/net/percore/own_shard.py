#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""An application that says whether its own listening socket has shards.

usage: own_shard.py default|on|off

Without privileges: listens on a port that is free, sends the netlink request
listener-set with the descriptor, prints the port, stays until its input ends.
Then it checks that descriptors of anything else are refused.
"""

import errno
import os
import socket
import struct
import sys

NETLINK_GENERIC = 16
GENL_ID_CTRL = 0x10
CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 3, 1, 2
NLMSG_ERROR, NLM_F_REQUEST, NLM_F_ACK = 2, 1, 4
PERCORE_CMD_LISTENER_SET = 7
PERCORE_A_LISTENER_FD, PERCORE_A_LISTENER_SHARD = 9, 10
WISHES = ["default", "on", "off"]


def attr(kind, payload):
    size = 4 + len(payload)
    return struct.pack("=HH", size, kind) + payload + bytes(-size % 4)


def request(netlink, family, command, attrs, ack=0):
    """The first message of the answer: its type and payload."""
    body = struct.pack("=BBH", command, 1, 0) + attrs
    head = struct.pack("=IHHII", 16 + len(body), family, NLM_F_REQUEST | ack, 1, 0)
    netlink.send(head + body)
    answer = netlink.recv(65536)
    size, kind = struct.unpack_from("=IH", answer)
    return kind, answer[16:size]


def find_family(netlink):
    attrs = attr(CTRL_ATTR_FAMILY_NAME, b"percore\0")
    kind, answer = request(netlink, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, attrs)
    at = 4
    while kind == GENL_ID_CTRL and at < len(answer):
        size, name = struct.unpack_from("=HH", answer, at)
        if name == CTRL_ATTR_FAMILY_ID:
            return struct.unpack_from("=H", answer, at + 4)[0]
        at += (size + 3) & ~3
    sys.exit("no percore")


def wish(netlink, family, descriptor, value):
    """0 or the errno."""
    attrs = attr(PERCORE_A_LISTENER_FD, struct.pack("=I", descriptor))
    attrs += attr(PERCORE_A_LISTENER_SHARD, struct.pack("=I", value))
    kind, answer = request(netlink, family, PERCORE_CMD_LISTENER_SET, attrs, NLM_F_ACK)
    assert kind == NLMSG_ERROR
    return -struct.unpack_from("=i", answer)[0]


def main():
    value = WISHES.index(sys.argv[1])
    os.setresuid(65534, 65534, 65534)
    netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
    family = find_family(netlink)
    listener = socket.create_server(("127.0.0.1", 0))
    idle, udp = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    got = wish(netlink, family, listener.fileno(), value)
    if got:
        sys.exit(f"{sys.argv[1]}: {os.strerror(got)}")
    print(listener.getsockname()[1], flush=True)
    sys.stdin.read()
    refused = {
        "a closed one": (999, value, errno.EBADF),
        "standard input": (0, value, errno.ENOTSOCK),
        "netlink": (netlink.fileno(), value, errno.EINVAL),
        "UDP": (udp.fileno(), value, errno.EINVAL),
        "one that does not listen": (idle.fileno(), value, errno.EINVAL),
        "no such descriptor": (0xFFFFFFFF, value, errno.EBADF),
        "no such wish": (listener.fileno(), 3, errno.ERANGE),
    }
    bad = 0
    for name, (descriptor, what, want) in refused.items():
        got = wish(netlink, family, descriptor, what)
        if got != want:
            print(f"{name}: {os.strerror(got)}, not {os.strerror(want)}", file=sys.stderr)
            bad = 1
    return bad


if __name__ == "__main__":
    sys.exit(main())
