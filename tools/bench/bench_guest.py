#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The guest's side of tools/bench/bench: one configuration, all its scenarios.

usage: bench_guest.py     (in the VM, with $VMBOX_SHARE/plan)

  server, CPUs from 0                      client, CPUs from "client_cpu"
  netns srv: traffic serve - NIC ===== wire ===== igb - traffic drive :netns cli

The server's NIC has the configuration's driver, the client's always igb as
Debian ships it. Writes to $VMBOX_SHARE: symbols (kallsyms), machine (JSON), and
runs, one JSON object a line. The plugin adds sample.0, sample.1, ... of them.
"""
import contextlib
import json
import os
import subprocess
import sys
import time

from guest import (HERE, MODULES, REPO, SHARE, insert, read, run, wait_until,
                   write)

TRAFFIC = f"{HERE}/traffic"
PATHS = {
    "igb_percore": f"{MODULES}/drivers/net/ethernet/igb_percore/igb_percore.ko",
    "percore": f"{MODULES}/net/percore/percore.ko",
}
SERVER_MAC, CLIENT_MAC = "52:54:00:00:00:01", "52:54:00:00:00:02"
PCI = "/sys/bus/pci"
# No more data on its way than a ring can take, or drops would set the pace.
SOCKET_BUFFER = 131072


# ---- configuration ----

def nics():
    """PCI addresses of the 82576, in the order in which vmbox made them."""
    found = []
    for slot in sorted(os.listdir(f"{PCI}/devices")):
        if read(f"{PCI}/devices/{slot}/device").strip() == "0x10c9":
            found.append(slot)
    return found


def load(plan):
    """The server's NIC is reserved for its driver before any is there."""
    server, client = nics()
    write(f"{PCI}/devices/{server}/driver_override", plan["driver"])
    write(f"{PCI}/devices/{client}/driver_override", "igb")
    run("modprobe", "igb")
    for name in plan["modules"]:
        insert(PATHS[name])


def interface(mac):
    for dev in os.listdir("/sys/class/net"):
        if read(f"/sys/class/net/{dev}/address").strip() == mac:
            return dev
    return None


def set_queues(dev, count):
    current = run("ethtool", "-l", dev).partition("Current")[2]
    if f"Combined:\t{count}\n" not in current:
        run("ethtool", "-L", dev, "combined", str(count))


def net(server, client, *words):
    """A function of selftests/lib/net.sh. The VM's end is the clean-up."""
    script = ('defer() { :; }; skip_all() { echo "$1"; exit 1; }; '
              f'. {REPO}/selftests/lib/net.sh; "$@"')
    run("bash", "-c", script, "bash", *words,
        env=dict(os.environ, NETDEV_SRV=server, NETDEV_CLI=client))


def configure(plan):
    load(plan)
    for mac in (SERVER_MAC, CLIENT_MAC):
        wait_until(f"the NIC {mac}", lambda mac=mac: interface(mac))
    server, client = interface(SERVER_MAC), interface(CLIENT_MAC)
    driver = os.readlink(f"/sys/class/net/{server}/device/driver")
    if os.path.basename(driver) != plan["driver"]:
        sys.exit(f"bench: {server} belongs to {driver}")
    for dev in (server, client):
        set_queues(dev, plan["cpus"])
    net(server, client, "net_up")
    net(server, client, "align", "cli", client, str(plan["client_cpu"]))
    if plan["align"]:
        net(server, client, "align", "srv", server, "0")
    for netns in ("srv", "cli"):
        run("ip", "netns", "exec", netns, "sysctl", "-qw",
            f"net.ipv4.tcp_rmem=4096 {SOCKET_BUFFER} {SOCKET_BUFFER}")


# ---- scenarios ----

def fields(line):
    return {key: int(value) for key, value in
            (word.split("=") for word in line.split())}


@contextlib.contextmanager
def server(plan, scenario):
    """Yields a list that will have what the server said at its end."""
    words = ["ip", "netns", "exec", "srv", TRAFFIC, "serve", str(plan["cpus"]),
             scenario["model"], plan["sockets"]]
    said = []
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout.readline() != "listening\n":
            sys.exit(f"bench: {' '.join(words)} does not listen")
        yield said
        process.terminate()
        said.append(process.communicate()[0])


def measure(plan, scenario):
    words = ["ip", "netns", "exec", "cli", TRAFFIC, "drive", scenario["kind"],
             str(plan["client_cpu"]), str(plan["cpus"]),
             str(scenario["flows"]), str(scenario["each"]),
             str(scenario["warm"])]
    with server(plan, scenario) as said:
        time.sleep(0.05)
        result = fields(run(*words))
    result.update(fields(said[0]), scenario=scenario["name"])
    return result


def main():
    plan = json.loads(read(f"{SHARE}/plan"))
    configure(plan)
    write(f"{SHARE}/symbols", read("/proc/kallsyms"))
    write(f"{SHARE}/machine", json.dumps({
        "kernel": os.uname().release,
        "version": os.uname().version,
        "processor": next(line.partition(":")[2].strip() for line in
                          read("/proc/cpuinfo").splitlines()
                          if line.startswith("model name")),
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        >> 20,
    }))
    with open(f"{SHARE}/runs", "w", encoding="utf-8") as out:
        for scenario in plan["scenarios"]:
            print(json.dumps(measure(plan, scenario)), file=out, flush=True)


if __name__ == "__main__":
    main()
