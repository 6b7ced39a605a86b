#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The guest's side of tools/bench/stages: rounds of traced connections.

usage: stages_guest.py DRIVER ROUNDS CONNECTIONS STEAL_US STEER     (in the VM)

  netns srv: conns serve, a worker    eth0 ===== the client's: eth1 in netns
             pinned to each CPU                  cli, or the host's end of a tap

The NIC comes up, net.percore.steer=STEER, and after connections to warm up those of
a round are traced. Writes to $VMBOX_SHARE: machine (JSON), and of each round
N.trace, text. Where the host is the client, it is asked for connections by a
file "dial.N" and answers with "dialed.N".
"""
import contextlib
import json
import os
import signal
import subprocess
import sys
import time

from guest import MODULES, REPO, SHARE, read, run, wait_until, write
from tracing import lost, tracing

PERCORE = f"{MODULES}/net/percore/percore.ko"
CONNS = f"{REPO}/selftests/net/percore/conns"
PERCORECTL = f"{REPO}/tools/percorectl/percorectl"
CPUS = os.cpu_count()
PORT = 8000
WARM = 150	# connections for each CPU

# Name of a stage in the trace: kernel function, and where it has the socket
PROBES = {
    "segment": "tcp_rcv_established sk=$arg1:x64 skb=$arg2:x64",
    "other": "tcp_rcv_state_process sk=$arg1:x64 skb=$arg2:x64",
    "graft": "security_sock_graft sk=$arg1:x64",
    "xmit": "dev_hard_start_xmit sk=first->sk:x64",
    "free": "tcp_wfree sk=skb->sk:x64",
    "freeack": "__sock_wfree sk=skb->sk:x64",
}
EVENTS = {
    "sock/inet_sock_set_state": f"sport == {PORT} || dport == {PORT}",
    "sock/sock_recv_length": 'comm == "conns"',
    "sock/sock_send_length": 'comm == "conns"',
    "net/napi_gro_receive_entry": 'name == "eth0"',
    "net/netif_receive_skb_entry": 'name == "eth0"',
    "net/netif_receive_skb_list_entry": 'name == "eth0"',
}


def srv(*words):
    return run("ip", "netns", "exec", "srv", *words)


# ---- network ----

def net_up():
    """That of selftests/lib/net.sh. Clean-up is the VM's end."""
    script = ('defer() { :; }; skip_all() { echo "$1"; exit 1; }; '
              f'. {REPO}/selftests/lib/net.sh; net_up')
    run("bash", "-c", script)


def tap_up():
    """eth0 alone, with the host at the other end of its tap."""
    run("modprobe", "virtio_net")
    wait_until("eth0", lambda: os.path.exists("/sys/class/net/eth0"), 60)
    run("ethtool", "-L", "eth0", "combined", str(CPUS))
    run("ip", "netns", "add", "srv")
    run("ip", "link", "set", "eth0", "netns", "srv")
    for words in ("addr add 10.0.0.1/24 dev eth0", "link set lo up",
                  "link set eth0 up"):
        run("ip", "-n", "srv", *words.split())


def plan():
    return json.loads(srv(PERCORECTL, "plan", "eth0", "--json"))


def disagreements():
    """An interrupt that is "yet" elsewhere moves when it comes next."""
    return [why for queue in plan()["queues"] for why in queue["why"]
            if " is yet on " not in why]


def configure(driver, steal_us, steer):
    if driver == "virtio_net":
        tap_up()
    else:
        net_up()
    if "percore" not in read("/proc/modules"):
        run("insmod", PERCORE)
    srv("sysctl", "-qw", f"net.percore.listen_steal_us={steal_us}")
    if steer:
        run("sysctl", "-qw", "net.percore.steer=1")
        wait_until("the plan",
                   lambda: plan()["steered"] and not disagreements(), 60)
    link = srv("readlink", "/sys/class/net/eth0/device/driver").strip()
    if os.path.basename(link) != driver:
        sys.exit(f"stages: eth0 belongs to {link}")


# ---- server and client ----

@contextlib.contextmanager
def server():
    words = ["ip", "netns", "exec", "srv", CONNS, "serve", "-a", "10.0.0.1",
             "-p", str(PORT), "-m", "lt", "-f", "-w", str(CPUS),
             "-c", ",".join(map(str, range(CPUS)))]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout.readline() != "listening\n":
            sys.exit("stages: the server does not listen")
        yield
        process.send_signal(signal.SIGTERM)
        process.communicate()


class Client:
    """In this VM or on the host."""

    def __init__(self, on_host):
        self.on_host = on_host
        self.calls = 0

    def words(self, count):
        return [CONNS, "dial", "-a", "10.0.0.1", "-p", str(PORT),
                "-n", str(count), "-t", str(2 * CPUS)]

    def dial(self, count):
        words = self.words(count)
        if not self.on_host:
            run("ip", "netns", "exec", "cli", *words)
            return
        self.calls += 1
        write(f"{SHARE}/dial.new", " ".join(words))
        os.rename(f"{SHARE}/dial.new", f"{SHARE}/dial.{self.calls}")
        wait_until("the host's connections", lambda: os.path.exists(
            f"{SHARE}/dialed.{self.calls}"), 300)
        status = read(f"{SHARE}/dialed.{self.calls}")
        if status != "0":
            sys.exit(f"stages: the client on the host: status {status}")


# ---- trace ----

def events(irqs):
    """All that make a stage."""
    found = dict(EVENTS)
    found.update(dict.fromkeys(PROBES))
    found["irq/irq_handler_entry"] = " || ".join(f"irq == {irq}"
                                                 for irq in irqs)
    return found


def traced(client, count, file):
    state = plan()
    irqs = sorted({queue[key] for queue in state["queues"]
                   for key in ("irq", "tx_irq") if queue[key]})
    with tracing("stages", PROBES, events(irqs), 6144) as trace:
        write(f"{trace}/tracing_on", "1")
        client.dial(count)
        time.sleep(0.2)
        write(f"{trace}/tracing_on", "0")
        write(file, read(f"{trace}/trace"))
        return {"trace": os.path.basename(file), "lost": lost(trace),
                "irqs": {queue["queue"]: queue["irq"]
                         for queue in state["queues"]},
                "disagreements": disagreements() if state["steered"] else []}


def main():
    driver, *numbers = sys.argv[1:]
    rounds, count, steal_us, steer = map(int, numbers)
    client = Client(driver == "virtio_net")
    configure(driver, steal_us, steer)
    with server():
        client.dial(WARM * CPUS)
        found = [traced(client, count, f"{SHARE}/{number}.trace")
                 for number in range(rounds)]
    write(f"{SHARE}/machine", json.dumps({
        "kernel": os.uname().release, "cpus": CPUS, "rounds": found,
        "steal_us": steal_us, "steer": steer, "queues": len(plan()["queues"])}))


if __name__ == "__main__":
    main()
