# SPDX-License-Identifier: GPL-2.0
"""bench-host: what the machine counts during a load.

Counters that are always there (interrupts, switches, CPU time); those of the
processor, and time by function of the kernel, by perf; the CPUs of each
connection of nginx, by a trace. What is not there is left out, and why is said.
"""
import contextlib
import glob
import os
import re
import signal
import subprocess
import tempfile

import locality
from guest import net_counters, read
from tracing import NGINX_PROBES, lost, nginx_events, tracing

TICK_US = 1e6 / os.sysconf("SC_CLK_TCK")
# perf's name: ours
EVENTS = {"cycles": "cycles", "cycles:k": "cycles of the kernel",
          "instructions": "instructions",
          "instructions:k": "instructions of the kernel",
          "cache-misses": "cache misses",
          "LLC-load-misses": "loads that missed the last cache"}
HERTZ = 997
FUNCTIONS = 40
IDLE = re.compile(r"idle|halt|mwait|cpuidle|poll_state|pv_native")
FIGURES = {
    "operations/s": "as the client counted them",
    "Gbit/s": "that arrived, without headers",
    "% of datagrams lost": "of those that the client sent as fast as it could",
    "latency, median (us)": "from asking to the answer, as the client measured;"
    " without the handshake",
    "latency, 90% (us)": "nine in ten were not slower",
    "latency, 99% (us)": "99 in 100 were not slower",
    "latency, 99.9% (us)": "999 in 1000 were not slower",
    "CPU time (us)": "of an operation: of the server's CPUs, not idle",
    "% of the CPUs busy": "of the server's",
    "interrupts of the NIC": "of an operation",
    "context switches of the server": "of an operation, voluntary or not",
    "retransmissions": "of an operation: TCP segments sent again",
    **{name: "of an operation, on the server's CPUs"
       for name in EVENTS.values()},
    "% of connections accepted on the CPU of the handshake": "in a traced run",
    "% of connections with their whole life on one CPU": "in a traced run: end"
    " of the handshake, accept, data, reads, writes, close",
}
LATENCY = {50: "latency, median (us)", 90: "latency, 90% (us)",
           99: "latency, 99% (us)", 99.9: "latency, 99.9% (us)"}


# ---- always there ----

def group_switches(group):
    """Of all tasks of a process group."""
    total = 0
    for path in glob.glob("/proc/[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            if int(read(f"{path}/stat").rpartition(")")[2].split()[2]) != group:
                continue
            for task in glob.glob(f"{path}/task/*/status"):
                total += sum(map(int, re.findall(r"ctxt_switches:\s+(\d+)",
                                                 read(task))))
    return total


def cpu_ticks(cpus):
    """(busy, all) of these CPUs"""
    busy = every = 0
    for line in read("/proc/stat").splitlines():
        found = re.match(r"cpu(\d+) (.*)", line)
        if found and int(found[1]) in cpus:
            ticks = list(map(int, found[2].split()))[:8]
            every += sum(ticks)
            busy += sum(ticks) - ticks[3] - ticks[4]
    return busy, every


def snapshot(setting, group):
    busy, every = cpu_ticks(setting.cpus)
    return {"busy": busy, "all": every,
            "interrupts of the NIC": setting.nic.interrupts(),
            "context switches of the server": group_switches(group),
            "retransmissions": net_counters()["TcpRetransSegs"]}


def between(before, after, ops):
    """Figures of one operation."""
    grown = {name: after[name] - before[name] for name in before}
    found = {"CPU time (us)": grown["busy"] * TICK_US / ops,
             "% of the CPUs busy": 100 * grown["busy"] / max(grown["all"], 1)}
    found.update({name: grown[name] / ops for name in (
        "interrupts of the NIC", "context switches of the server",
        "retransmissions")})
    return found


def latency_figures(latency):
    found = dict(latency)
    return {name: found[share] for share, name in LATENCY.items()
            if share in found}


# ---- perf ----

def parse_perf_stat(text):
    """{event: count} of perf stat -x, without those that were not counted"""
    found = {}
    for line in text.splitlines():
        fields = line.split(",")
        if len(fields) > 2 and fields[0].isdigit():
            found[fields[2]] = int(fields[0])
    return found


def perf_stat_words(cpus, events, out):
    return ["perf", "stat", "-a", "-C", ",".join(map(str, cpus)), "-x", ",",
            "-e", ",".join(events), "-o", out]


def perf_events(cpus):
    """(those that this processor has, why not if it has none)"""
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as out:
        try:
            done = subprocess.run(
                perf_stat_words(cpus, EVENTS, out.name) + ["--", "true"],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                check=False)
        except FileNotFoundError:
            return [], "perf is not installed (linux-perf)"
        found = parse_perf_stat(out.read())
    known = [event for event in EVENTS if event in found]
    if known:
        return known, ""
    return [], ("the processor has no counters, or they are not for this"
                " machine, as in many VMs" if not done.returncode else
                done.stdout.strip().splitlines()[-1])


@contextlib.contextmanager
def perf(words, out):
    """Runs beside what is measured; ends with SIGINT, as perf wants it."""
    with subprocess.Popen(words, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          start_new_session=True) as process:
        try:
            yield out
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


@contextlib.contextmanager
def processor_counters(cpus, events):
    """Yields a dictionary that will have their counts."""
    counts = {}
    if not events:
        yield counts
        return
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as out:
        with perf(perf_stat_words(cpus, events, out.name), out):
            yield counts
        counts.update({EVENTS[event]: count for event, count in
                       parse_perf_stat(out.read()).items() if event in EVENTS})


def parse_perf_report(text):
    """{function of the kernel: samples}, without being idle"""
    found = {}
    for line in text.splitlines():
        fields = line.split(";")
        if len(fields) < 2 or "[k]" not in fields[1]:
            continue
        name = fields[1].replace("[k]", "").strip()
        if fields[0].strip().isdigit() and not IDLE.search(name):
            found[name] = found.get(name, 0) + int(fields[0])
    return found


def profiled(cpus, hardware, load):
    """load() under perf record: us of an operation by function of the kernel"""
    event = "cycles:k" if hardware else "cpu-clock:k"
    with tempfile.TemporaryDirectory(prefix="bench-host.") as directory:
        out = f"{directory}/perf.data"
        words = ["perf", "record", "-a", "-C", ",".join(map(str, cpus)),
                 "-F", str(HERTZ), "-e", event, "-o", out]
        with perf(words, out):
            ops = load()["ops"]
        done = subprocess.run(
            ["perf", "report", "-i", out, "--stdio", "-q", "--no-children",
             "-F", "sample,sym", "-t", ";"], stdout=subprocess.PIPE, text=True,
            stderr=subprocess.DEVNULL, check=False, start_new_session=True)
    found = sorted(parse_perf_report(done.stdout).items(),
                   key=lambda entry: -entry[1])[:FUNCTIONS]
    return [[name, count * 1e6 / HERTZ / ops] for name, count in found]


# ---- where connections are ----

def traced(port, load):
    """load() under a trace of nginx's connections: the two shares"""
    with tracing("bench_host", NGINX_PROBES, nginx_events(port), 8192) as trace:
        with open(f"{trace}/tracing_on", "w", encoding="utf-8") as switch:
            switch.write("1")
        load()
        with open(f"{trace}/tracing_on", "w", encoding="utf-8") as switch:
            switch.write("0")
        missing = lost(trace)
        with open(f"{trace}/trace", encoding="utf-8",
                  errors="replace") as lines:
            found = locality.summary(locality.connections(lines))
    figures = {}
    if found["complete"]:
        figures = {
            "% of connections accepted on the CPU of the handshake":
                100 * found["accepted_at_home"] / found["complete"],
            "% of connections with their whole life on one CPU":
                100 * found["local"] / found["complete"]}
    return figures, {"connections": found["complete"], "events_lost": missing}
