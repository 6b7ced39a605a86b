# SPDX-License-Identifier: GPL-2.0
"""What the reports of bench and bench-host say, each of its own figures.

title, introduction (HTML); short: figures of the tables in text; plots: those
that have a plot for each scenario; more: those of which more is better; setting:
function of the data, [(what, of what)].
"""
LOCAL = "% accepted on the CPU of the SYN"
LOCAL_HOST = "% of connections accepted on the CPU of the handshake"
LOCAL_LIFE = "% of connections with their whole life on one CPU"

HOW_TO_READ = """
<p>Each cell is the mean of the rounds, the difference from <em>stock</em>, and
the least and the most of the rounds below. <em>stock-again</em> is stock once
more; <em>noise</em> is how far apart any two rounds of these two lay. A
difference that is larger is <span class="good">green</span> or <span
class="bad">red</span>; one that is not means nothing, and is <span
class="same">grey</span>.</p>
"""
MODULES = """<em>igb_percore</em>, a driver for the Intel 82576 with one queue
pair a core, and <em>percore</em>, which gives a listening TCP socket one accept
queue a core"""


# ---- bench ----

BENCH_INTRODUCTION = f"""
<p>What an operation costs the server on Debian's kernel as it comes, and with
the modules of percore: {MODULES}.</p>
<p>All is counted, nothing is timed. The guest runs under emulation, where one
instruction is one nanosecond of its clock; a plugin of the emulator counts what
the kernel does on the server's CPUs between two marks, and the client runs on
CPUs that are not counted. So a busy host changes no figure, and anybody can
have the same with the command below. It says nothing of the speed of real
caches, PCIe or a wire. The model of cache lines has caches without end: take
the ratios from it, not the numbers.</p>
<p>Every configuration has a boot of its own in each round.</p>
"""


def bench_setting(data):
    facts, machine = data["facts"], data["machine"]
    ends = ("both ends on the same CPUs, counted together"
            if facts["together"] else
            "as many CPUs more for the client, which are not counted")
    return [
        ("kernel", f"Linux {machine['kernel']}, {machine['version']}"),
        ("machine", f"QEMU {facts['qemu']} (TCG, icount), q35,"
         f" {machine['processor']}, {machine['memory_mb']} MB, 82576 (igb) both"
         f" ends; {ends}"),
        ("host", facts["host"]),
        ("commit", facts["commit"]),
        ("date", facts["date"]),
        ("rounds", f"{facts['rounds']}, in turn, each configuration in a boot"
         " of its own"),
        ("again", facts["command"]),
    ]


# ---- bench-host ----

HOST_INTRODUCTION = f"""
<p>How fast a machine serves over a wire on Debian's kernel as it comes, and with
the modules of percore: {MODULES}.</p>
<p>The clock is that of the wall. Configurations are measured in turn in one
boot; before each the NIC's driver starts anew, so that none inherits what
another has set. Latency is as the client measured it, and clients ask again as
soon as they have an answer: it is that of a server which has no time to
spare.</p>
"""


def host_setting(data):
    return list(data["machine"].items()) + [
        (what, data["facts"][key]) for what, key in
        (("commit", "commit"), ("date", "date"), ("rounds", "rounds"),
         ("again", "command"))]


KINDS = {
    "bench": {
        "title": "percore: cost of an operation",
        "introduction": BENCH_INTRODUCTION + HOW_TO_READ,
        "setting": bench_setting,
        "more": [LOCAL],
        "short": ["instructions", "instructions in the NIC's driver",
                  "MMIO writes", "hard interrupts", "context switches",
                  "remote wake-ups", "cache-line moves", LOCAL],
        "plots": ["instructions", "hard interrupts", "MMIO writes",
                  "cache-line moves", LOCAL],
        "functions": {"instructions by function": "instructions",
                      "moves by function": "cache-line moves"},
    },
    "bench-host": {
        "title": "percore: speed on a machine",
        "introduction": HOST_INTRODUCTION + HOW_TO_READ,
        "setting": host_setting,
        "more": ["operations/s", "Gbit/s", LOCAL_HOST, LOCAL_LIFE],
        "short": ["operations/s", "Gbit/s", "latency, median (us)",
                  "latency, 99% (us)", "CPU time (us)", "interrupts of the NIC",
                  "cycles", LOCAL_LIFE],
        "plots": ["operations/s", "Gbit/s", "CPU time (us)",
                  "interrupts of the NIC", LOCAL_HOST, LOCAL_LIFE],
        "functions": {"time by function": "us of the kernel"},
    },
}


def kind_of(data):
    return KINDS[data.get("kind", "bench")]
