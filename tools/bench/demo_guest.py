#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The guest's side of tools/bench/demo: runs the rounds, writes the figures.

usage: demo_guest.py ROUNDS SECONDS KERNEL     (in the VM)

  server, first half of the CPUs          client, second half
  netns srv: nginx - eth0 ===== wire ===== eth1 - wrk :netns cli

Each round is, for both configurations: load the driver, make the network,
start nginx; a run to warm up, a run whose figures count, a shorter run that is
traced. Writes to $VMBOX_SHARE: rounds, one JSON object a line, and
ROUND-CONFIGURATION.trace, the text of the trace.
"""
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time

from guest import (MODULES, REPO, SHARE, insert, loaded, net_counters, read, run,
                   wait_until, write)
from load import parse_wrk
from tracing import NGINX_PROBES, lost, nginx_events, tracing

OURS = {
    "igb_percore": f"{MODULES}/drivers/net/ethernet/igb_percore/igb_percore.ko",
    "percore": f"{MODULES}/net/percore/percore.ko",
}
DRIVERS = {"stock": "igb", "percore": "igb_percore"}
CPUS = os.cpu_count()
SERVER_CPUS = CPUS // 2
SERVER = f"0-{SERVER_CPUS - 1}"
CLIENT = f"{SERVER_CPUS}-{CPUS - 1}"
CONF = "/run/demo-nginx.conf"
PID_FILE = "/run/nginx.pid"
CONNECTIONS_PER_CORE = 4


def net(*words):
    """A function of selftests/lib/net.sh. Clean-up is ours, not the shell's."""
    script = ('defer() { :; }; skip_all() { echo "$1"; exit 1; }; '
              f'. {REPO}/selftests/lib/net.sh; "$@"')
    return run("bash", "-c", script, "bash", *words)


# ---- configurations ----

def configure(config):
    """Stock driver alone, or both modules instead. Nothing else differs."""
    unwanted = ["igb"] if config == "percore" else ["percore", "igb_percore"]
    for name in unwanted:
        if name in loaded():
            run("rmmod", name)
    if config == "stock":
        run("modprobe", "igb")
    else:
        for name, path in OURS.items():
            if name not in loaded():
                insert(path)
    for dev in ("eth0", "eth1"):
        wait_until(dev, lambda dev=dev: os.path.exists(f"/sys/class/net/{dev}"))
        link = os.readlink(f"/sys/class/net/{dev}/device/driver")
        if os.path.basename(link) != DRIVERS[config]:
            sys.exit(f"demo: {dev} belongs to {link}")


@contextlib.contextmanager
def network():
    """The server's interrupts and queues stay as its driver left them."""
    for dev in ("eth0", "eth1"):
        if f"Combined:\t{SERVER_CPUS}\n" not in run(
                "ethtool", "-l", dev).partition("Current")[2]:
            run("ethtool", "-L", dev, "combined", str(SERVER_CPUS))
    net("net_up")
    net("align", "cli", "eth1", str(SERVER_CPUS))
    yield
    net("net_down")


# ---- nginx ----

def prepare_nginx():
    """Debian's configuration, save that "auto" would count the client's CPUs.

    The page lies in memory: on 9p each open() would ask the host.
    """
    text = read("/etc/nginx/nginx.conf")
    text, changed = re.subn(r"(?m)^worker_processes\s+\S+;",
                            f"worker_processes {SERVER_CPUS};", text)
    if changed != 1:
        sys.exit("demo: /etc/nginx/nginx.conf is not as Debian packages it")
    write(CONF, text)
    page = read("/usr/share/nginx/html/index.html")
    os.makedirs("/var/www/html", exist_ok=True)
    run("mount", "-t", "tmpfs", "tmpfs", "/var/www/html")
    write("/var/www/html/index.html", page)


def children(pid):
    return [int(n) for n in read(f"/proc/{pid}/task/{pid}/children").split()]


@contextlib.contextmanager
def nginx():
    """Yields the master's PID, once all workers wait for connections."""
    net("on_srv", "taskset", "-c", SERVER, "nginx", "-c", CONF)
    wait_until("nginx", lambda: os.path.exists(PID_FILE))
    master = int(read(PID_FILE))
    wait_until("workers", lambda: len(children(master)) == SERVER_CPUS)
    yield master
    os.kill(master, signal.SIGTERM)
    wait_until("nginx's end", lambda: not os.path.exists(f"/proc/{master}"))


# ---- figures ----

def interrupts():
    """Of the server's NIC, and those between cores, on the server's CPUs."""
    nic = between = 0
    for line in read("/proc/interrupts").splitlines()[1:]:
        name, *fields = line.split()
        if name in ("RES:", "CAL:"):
            between += sum(map(int, fields[:SERVER_CPUS]))
        elif re.match(r"eth0(-|$)", fields[-1]):
            nic += sum(map(int, fields[:CPUS]))
    return nic, between


def tasks(pids):
    """Context switches and migrations of tasks."""
    switches = migrations = 0
    for pid in pids:
        for count in re.findall(r"ctxt_switches:\s+(\d+)",
                                read(f"/proc/{pid}/status")):
            switches += int(count)
        found = re.search(r"nr_migrations\s*:\s*(\d+)",
                          read(f"/proc/{pid}/sched"))
        migrations += int(found[1])
    return switches, migrations


def snapshot(master):
    net = net_counters(f"/proc/{master}/net")
    nic, between = interrupts()
    switches, migrations = tasks(children(master))
    return {
        "connections": net["TcpPassiveOpens"],
        "retransmitted": net["TcpRetransSegs"],
        "listen_drops": net["TcpExtListenDrops"],
        "nic_interrupts": nic,
        "core_interrupts": between,
        "worker_switches": switches,
        "worker_migrations": migrations,
        "system_switches": int(re.search(r"(?m)^ctxt (\d+)",
                                         read("/proc/stat"))[1]),
    }


def passive_opens(master):
    return net_counters(f"/proc/{master}/net")["TcpPassiveOpens"]


def drained(master):
    """All that is left is the listener and what waits for its time."""
    inuse = re.search(r"TCP: inuse (\d+)",
                      read(f"/proc/{master}/net/sockstat"))
    return int(inuse[1]) <= 1


# ---- load ----

def wrk_words():
    return ["ip", "netns", "exec", "cli", "taskset", "-c", CLIENT, "wrk",
            "-t", str(SERVER_CPUS),
            "-c", str(SERVER_CPUS * CONNECTIONS_PER_CORE), "-d", "9999",
            "-H", "Connection: close", "http://10.0.0.1/"]


def interrupt(process):
    """wrk looks for a signal in its long sleep only, so it may take two."""
    while True:
        process.send_signal(signal.SIGINT)
        try:
            return process.communicate(timeout=1)[0]
        except subprocess.TimeoutExpired:
            continue


def load(master, seconds):
    """Every request on a new connection, which the server closes."""
    opened = passive_opens(master)
    with subprocess.Popen(wrk_words(), stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.STDOUT) as wrk:
        wait_until("a connection",
                   lambda: passive_opens(master) > opened)
        time.sleep(seconds)
        text = interrupt(wrk)
    if wrk.returncode or "requests in" not in text:
        sys.exit(f"demo: wrk: status {wrk.returncode}\n{text}")
    wait_until("the last connections", lambda: drained(master))
    return parse_wrk(text)


def measured(master, seconds):
    before = snapshot(master)
    result = load(master, seconds)
    after = snapshot(master)
    result.update({key: after[key] - before[key] for key in before})
    return result


# ---- trace ----

def traced(master, seconds, file):
    with tracing("demo", NGINX_PROBES, nginx_events(80), 4096) as trace:
        write(f"{trace}/tracing_on", "1")
        result = measured(master, seconds)
        write(f"{trace}/tracing_on", "0")
        write(file, read(f"{trace}/trace"))
        result["events_lost"] = lost(trace)
    result["trace"] = os.path.basename(file)
    return result


# ---- rounds ----

def shards():
    text = net("on_srv", f"{REPO}/tools/percorectl/percorectl", "listeners",
               "--json")
    return [entry for entry in json.loads(text) if entry["port"] == 80]


def measure(number, config, seconds):
    configure(config)
    with network(), nginx() as master:
        load(master, seconds / 4)
        result = {
            "round": number,
            "config": config,
            "load": measured(master, seconds),
            "traced": traced(master, seconds / 2,
                             f"{SHARE}/{number}-{config}.trace"),
        }
        if config == "percore":
            result["listeners"] = shards()
    return result


def order(number):
    """Neither is always first."""
    configs = ["stock", "percore"]
    return configs if number % 2 else configs[::-1]


def main():
    rounds, seconds, kernel = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
    prepare_nginx()
    info = {"kernel": os.uname().release, "vm_kernel": kernel, "cpus": CPUS,
            "server_cpus": SERVER_CPUS,
            "nginx": run("nginx", "-v").strip().rpartition("/")[2],
            "emulated": "TCG" in read("/proc/cpuinfo")}
    write(f"{SHARE}/guest", json.dumps(info))
    with open(f"{SHARE}/rounds", "w", encoding="utf-8") as out:
        for number in range(1, rounds + 1):
            for config in order(number):
                result = measure(number, config, seconds)
                print(json.dumps(result), file=out, flush=True)
                print(f"demo: round {number} of {rounds}, {config}: "
                      f"{result['load']['connections']} connections, "
                      f"{result['traced']['connections']} traced", flush=True)


if __name__ == "__main__":
    main()
