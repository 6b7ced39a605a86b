#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The guest's side of tools/bench/tsq: runs what the plan says, in its order.

usage: tsq_guest.py     (in the VM, with $VMBOX_SHARE/plan)

  vCPU 0                                      vCPU 1
  netns srv: flows load - qdisc - NIC ======= NIC - flows sink :netns cli
             one transmit queue    delay by ethtool -C

Writes to $VMBOX_SHARE: symbols (kallsyms), and runs, one JSON object a line.
The plugin adds sample.0, sample.1, ... of them.
"""
import json
import os
import re
import subprocess
import sys
import time

import bench_guest
import guest

FLOWS = f"{guest.HERE}/flows"
PERCORECTL = f"{guest.REPO}/tools/percorectl/percorectl"
SHARE = guest.SHARE
TRACE = "/sys/kernel/tracing"
PORT = 7000
run = guest.run


def on(netns, *words):
    return run("ip", "netns", "exec", netns, *words)


def device(netns):
    """The NIC that bench_guest.configure() has put there."""
    names = on(netns, "ls", "/sys/class/net").split()
    return next(name for name in names if name != "lo")


def set_qdisc(dev, qdisc):
    """Anew each time, so that nothing is left of the run before."""
    subprocess.run(["ip", "netns", "exec", "srv", "tc", "qdisc", "del", "dev",
                    dev, "root"], stderr=subprocess.DEVNULL, check=False)
    on("srv", "tc", "qdisc", "add", "dev", dev, "root", *qdisc.split())


def set_limit(config):
    """stock: the kernel's. tsq: adaptive. A number: that shift, fixed."""
    def knob(name, value):
        on("srv", "sysctl", "-qw", f"net.percore.{name}={value}")

    knob("tsq", 0)
    knob("tsq_min_us", 50)
    knob("tsq_max_us", 16000)
    knob("tsq_min_us", 200)
    if config.isdigit():
        fixed = 1000000 >> int(config)
        knob("tsq_min_us", min(fixed, 16000))
        knob("tsq_max_us", fixed)
        knob("tsq_min_us", fixed)
    if not config.startswith("stock"):
        knob("tsq", 1)


def backlog(dev):
    text = on("srv", "tc", "-s", "qdisc", "show", "dev", dev, "root")
    found = re.search(r"backlog (\d+)(\w*)b", text)
    unit = {"": 1, "K": 1 << 10, "M": 1 << 20}[found.group(2)]
    return int(found.group(1)) * unit


def drained(dev):
    sockets = on("srv", "ss", "-tnH", "state", "all")
    busy = [line for line in sockets.splitlines()
            if not line.startswith("TIME-WAIT")]
    return not busy and not backlog(dev)


def load(entry, dev):
    """Its figures, and the bytes in the qdisc now and then."""
    words = ["ip", "netns", "exec", "srv", "taskset", "-c", "0", FLOWS, "load",
             "10.0.0.2", str(PORT), str(entry["flows"]), entry["cc"],
             str(entry["warm_ms"]), str(entry["ms"])]
    held = []
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        if entry.get("look"):
            time.sleep(entry["warm_ms"] / 1000)
            while process.poll() is None:
                held.append(backlog(dev))
                time.sleep(entry["ms"] / 10000)
        text = process.communicate()[0]
        if process.returncode:
            sys.exit(f"tsq: flows: status {process.returncode}")
    figures = bench_guest.fields(text)
    if held:
        figures["held"] = sum(held) // len(held)
    return figures


def queue_state(dev):
    try:
        queues = json.loads(on("srv", PERCORECTL, "tsq", "--json"))
        return next(queue for queue in queues if queue["ifname"] == dev)
    except StopIteration:
        return {}


def trace_read():
    """What the tracepoint told of, since it was read last."""
    lines = guest.read(f"{TRACE}/trace").splitlines()
    guest.write(f"{TRACE}/trace", "")
    return [re.sub(r".*?(\d+\.\d+): percore_tsq:", r"\1", line)
            for line in lines if "percore_tsq:" in line]


def measure(entry, dev):
    wait = guest.wait_until
    wait("the queue to drain", lambda: drained(dev), 120)
    set_qdisc(dev, entry["qdisc"])
    on("srv", "ethtool", "-C", dev, "rx-usecs", str(entry["delay"]))
    set_limit(entry["config"])
    words = ["ip", "netns", "exec", "cli", "taskset", "-c", "1", FLOWS, "sink",
             str(PORT)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as sink:
        if sink.stdout.readline() != "listening\n":
            sys.exit("tsq: the sink does not listen")
        result = dict(entry, **load(entry, dev))
        result["queue"] = queue_state(dev)
        result["changes"] = trace_read()
        sink.terminate()
    return result


def main():
    plan = json.loads(guest.read(f"{SHARE}/plan"))
    bench_guest.configure(plan)
    server, client = device("srv"), device("cli")
    for netns, dev in (("srv", server), ("cli", client)):
        on(netns, "sysctl", "-qw", "net.ipv4.tcp_no_metrics_save=1",
           "net.ipv4.tcp_rmem=4096 131072 16777216",
           "net.ipv4.tcp_wmem=4096 131072 16777216")
        on(netns, "ethtool", "-C", dev, "rx-usecs", "0")
    run("modprobe", "tcp_bbr")
    if not os.path.exists(f"{TRACE}/trace"):
        run("mount", "-t", "tracefs", "tracefs", TRACE)
    guest.write(f"{TRACE}/events/percore/percore_tsq/enable", "1")
    guest.write(f"{SHARE}/symbols", guest.read("/proc/kallsyms"))
    with open(f"{SHARE}/runs", "w", encoding="utf-8") as out:
        for entry in plan["runs"]:
            print(json.dumps(measure(entry, server)), file=out, flush=True)


if __name__ == "__main__":
    main()
