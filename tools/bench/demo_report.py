#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The table of tools/bench/demo, from what the guest left.

usage: demo_report.py DIR JSON

DIR has facts (KEY=VALUE, of the host), guest (JSON), rounds (JSON, one object
a line) and traces. Writes all of it, with the figures derived, to JSON.
Exit status: 0; 1 when a request failed, or rounds are missing.
"""
import json
import os
import statistics
import sys

from locality import connections, summary

CONFIGS = ("stock", "percore")


def read_facts(path):
    with open(path, encoding="utf-8") as file:
        return dict(line.rstrip("\n").split("=", 1) for line in file)


def read_rounds(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def locate(directory, entry):
    path = os.path.join(directory, entry["traced"]["trace"])
    with open(path, encoding="utf-8", errors="replace") as file:
        entry["locality"] = summary(connections(file))


# ---- figures: (mark, name, format, value of a round) ----

def per_connection(key):
    return lambda entry: entry["load"][key] / entry["load"]["connections"]


def share(key):
    return lambda entry: entry["locality"][key] / entry["locality"]["complete"]


def errors(entry):
    return sum(entry[run][key] for run in ("load", "traced")
               for key in ("socket_errors", "bad_responses"))


FIGURES = [
    ("a", "requests/s", "{:.0f}", lambda e: e["load"]["requests_per_s"]),
    ("", "connections", "{:.0f}", lambda e: e["load"]["connections"]),
    ("b", "whole life on one core", "{:.1%}", share("local")),
    ("b", "accepted on the core of its handshake", "{:.1%}",
     share("accepted_at_home")),
    ("c", "interrupts of the NIC per connection", "{:.2f}",
     per_connection("nic_interrupts")),
    ("c", "interrupts from core to core per connection", "{:.2f}",
     per_connection("core_interrupts")),
    ("c", "context switches of nginx per connection", "{:.2f}",
     per_connection("worker_switches")),
    ("c", "moves of nginx's workers per 100 connections", "{:.2f}",
     lambda e: 100 * per_connection("worker_migrations")(e)),
    ("", "errors", "{:.0f}", errors),
]
SUMS = {"connections", "errors"}


def spread(values):
    return {"median": statistics.median(values), "min": min(values),
            "max": max(values), "sum": sum(values)}


def figures(entries):
    return {name: spread([value(entry) for entry in entries])
            for _, name, _, value in FIGURES}


def cell(name, form, figure):
    if name in SUMS:
        return form.format(figure["sum"])
    return (f"{form.format(figure['median'])} ({form.format(figure['min'])}.."
            f"{form.format(figure['max'])})")


def table(result):
    rows = [("", "median (min..max) of the rounds", "unmodified", "percore")]
    for mark, name, form, _ in FIGURES:
        rows.append((mark, name, *(cell(name, form, result[config][name])
                                   for config in CONFIGS)))
    width = [max(map(len, column)) for column in zip(*rows)]
    for index, (mark, name, *cells) in enumerate(rows):
        cells = "  ".join(text.rjust(max(width[2:])) for text in cells)
        print(f"{name.ljust(width[1])} {mark.ljust(width[0])}  {cells}")
        if not index:
            print("-" * (width[0] + width[1] + 5 + 2 * max(width[2:])))


# ---- words ----

CLOCKS = {
    "instructions": "The guest's clock counts instructions, 1 ns each, of all CPUs"
    " together:\n     requests/s compares work per request, and says nothing of"
    " the speed of a real machine.",
    "wall": "Wall-clock under emulation: it varies with what else this machine"
    " does,\n     and says nothing of the speed of a real machine.",
    "kvm": "Wall-clock with KVM, an emulated NIC, and both ends on one machine.",
}


def clock_of(facts, guest):
    return facts["clock"] if guest["emulated"] else "kvm"


def print_notes(facts, guest, result):
    print(f"""
  a  {CLOCKS[clock_of(facts, guest)]}
  b  Of {result["stock"]["traced"]} and {result["percore"]["traced"]} connections\
 in shorter, traced runs; life: end of the handshake,
     accept, data, reads, writes, close, and what softirq did of it.
  c  Exact counts; but how many events share an interrupt or a switch hangs on
     the pace of the emulation, so compare the columns only.""")
    for config in CONFIGS:
        if result[config]["events_lost"]:
            print(f"  !  {config}: {result[config]['events_lost']} events of the"
                  " trace lost; the share of b is of the rest")


def print_setting(facts, guest):
    cores = guest["server_cpus"]
    print(f"""
unmodified: Linux {guest["kernel"]} as Debian ships it, its igb, interrupts where the
kernel puts them (no irqbalance). percore: the same, igb_percore and percore inserted.
nginx {guest["nginx"]} as Debian ships it: {cores} workers, not pinned, no reuseport;\
 a file of 615 bytes.
wrk: {cores} threads, {cores * 4} at a time, each request on a new connection.
QEMU {facts["qemu"]}, {guest["cpus"]} CPUs ({cores} server, {cores} client)\
 on {facts["host_cpus"]} of the host, 82576 (igb) both ends,
{facts["rounds"]} rounds in one boot, order alternating. {facts["date"]},\
 commit {facts["commit"]}.
again: {facts["rerun"]}""")


def print_shards(entries):
    cores = {}
    for entry in entries:
        for listener in entry.get("listeners", ()):
            for core in listener["cores"]:
                sums = cores.setdefault(core["cpu"], [0, 0, 0])
                for at, key in enumerate(("syns", "accepts_local",
                                          "accepts_stolen")):
                    sums[at] += core[key]
    print("\npercorectl listeners, all rounds, warm-up included:")
    print("  core     SYNs  accepted: of this core  of another")
    for cpu, (syns, local, stolen) in sorted(cores.items()):
        if syns or local or stolen:
            print(f"  {cpu:4} {syns:8} {local:23} {stolen:11}")


# ---- all of it ----

def derive(rounds):
    result = {}
    for config in CONFIGS:
        entries = [entry for entry in rounds if entry["config"] == config]
        result[config] = figures(entries)
        result[config]["traced"] = sum(entry["locality"]["complete"]
                                       for entry in entries)
        result[config]["events_lost"] = sum(entry["traced"]["events_lost"]
                                            for entry in entries)
    return result


def main():
    directory, output = sys.argv[1:3]
    facts = read_facts(f"{directory}/facts")
    try:
        with open(f"{directory}/guest", encoding="utf-8") as file:
            guest = json.load(file)
        rounds = read_rounds(f"{directory}/rounds")
    except FileNotFoundError:
        sys.exit("demo: the guest left no figures")
    wanted = int(facts["rounds"]) * len(CONFIGS)
    if len(rounds) < len(CONFIGS):
        sys.exit("demo: not one round is complete")
    for entry in rounds:
        locate(directory, entry)
    result = derive(rounds)
    table(result)
    print_notes(facts, guest, result)
    print_shards(rounds)
    print_setting(facts, guest)
    with open(output, "w", encoding="utf-8") as file:
        json.dump({"facts": facts, "guest": guest, "figures": result,
                   "rounds": rounds}, file, indent=1)
        file.write("\n")
    print(f"figures: {os.path.relpath(output)}")
    failed = sum(result[config]["errors"]["sum"] for config in CONFIGS)
    if len(rounds) < wanted:
        print(f"demo: {len(rounds)} of {wanted} runs are there", file=sys.stderr)
    if failed:
        print(f"demo: {failed:.0f} requests failed", file=sys.stderr)
    sys.exit(1 if failed or len(rounds) < wanted else 0)


if __name__ == "__main__":
    main()
