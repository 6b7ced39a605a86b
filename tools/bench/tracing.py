# SPDX-License-Identifier: GPL-2.0
"""A trace of one's own, for demo, stages and bench-host; and what nginx's takes.

Others who trace are left alone: events go to an instance, and kprobes get and
lose a group of our own.
"""
import contextlib
import glob
import os
import re

from guest import read, run, write

TRACING = "/sys/kernel/tracing"


def nginx_events(port):
    """What locality.py needs: {event: condition}; accept() is a kprobe."""
    return {
        "sock/inet_sock_set_state": f"sport == {port}",
        "sock/sk_data_ready": None,
        "sock/sock_recv_length": 'comm == "nginx"',
        "sock/sock_send_length": 'comm == "nginx"',
        "graft": 'comm == "nginx"',
    }


NGINX_PROBES = {"graft": "security_sock_graft sk=$arg1:x64"}


def set_probes(group, probes):
    """None of the group remains but these."""
    path = f"{TRACING}/kprobe_events"
    old = re.findall(rf"(?m)^p\S*:({group}/\S+)", read(path))
    # What Python opens to append it seeks in, which is refused.
    file = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        for name in old:
            os.write(file, f"-:{name}\n".encode())
        for name, where in probes.items():
            os.write(file, f"p:{group}/{name} {where}\n".encode())
    finally:
        os.close(file)


@contextlib.contextmanager
def tracing(group, probes, events, buffer_kb):
    """Yields the directory of a trace that is off.

    probes: {name: kernel function and arguments}; events: {event, or name of a
    probe: condition or None}; buffer_kb: of each CPU
    """
    if not os.path.exists(f"{TRACING}/trace"):
        run("mount", "-t", "tracefs", "tracefs", TRACING)
    trace = f"{TRACING}/instances/{group}"
    set_probes(group, probes)
    os.mkdir(trace)
    enabled = []
    try:
        write(f"{trace}/tracing_on", "0")
        write(f"{trace}/buffer_size_kb", str(buffer_kb))
        write(f"{trace}/options/fields", "1")
        for event, condition in events.items():
            where = event if "/" in event else f"{group}/{event}"
            if condition:
                write(f"{trace}/events/{where}/filter", condition)
            enabled.append(where)
            write(f"{trace}/events/{where}/enable", "1")
        yield trace
    finally:
        for where in enabled:
            write(f"{trace}/events/{where}/enable", "0")
        os.rmdir(trace)
        set_probes(group, {})


def lost(trace):
    """Events that found no room."""
    text = "".join(map(read, glob.glob(f"{trace}/per_cpu/cpu*/stats")))
    return sum(map(int, re.findall(
        r"(?m)^(?:overrun|commit overrun|dropped events): (\d+)", text)))
