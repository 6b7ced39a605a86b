# SPDX-License-Identifier: GPL-2.0
"""What bench and bench-host share: configurations, options, facts."""
import argparse
import contextlib
import datetime
import os
import platform
import shlex
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
REPO = os.path.dirname(os.path.dirname(HERE))

# Of the server's NIC and kernel, and how many sockets its application has.
STOCK = {"driver": "igb", "modules": [], "align": False, "sockets": "shared"}
TUNED = dict(STOCK, align=True)
CONFIGS = {
    "stock": dict(STOCK, title="Debian's kernel and igb as they come, one"
                  " listening socket for all workers"),
    "stock-again": dict(STOCK, title="the same once more: what differs is"
                        " noise"),
    "tuned": dict(TUNED, title="stock, with interrupt and XPS of queue i set to"
                  " CPU i by hand"),
    "reuseport": dict(TUNED, sockets="reuseport",
                      title="tuned, and a listening socket for each worker"
                      " (SO_REUSEPORT)"),
    "reuseport-cpu": dict(TUNED, sockets="reuseport-cpu",
                          title="reuseport, with a program that selects the"
                          " socket by CPU"),
    "igb_percore": dict(STOCK, driver="igb_percore", modules=["igb_percore"],
                        title="igb_percore alone instead of igb"),
    "percore": dict(STOCK, modules=["percore"],
                    title="percore alone, on igb as it comes"),
    "both": dict(STOCK, driver="igb_percore",
                 modules=["igb_percore", "percore"],
                 title="igb_percore and percore"),
}


def program():
    return os.path.basename(sys.argv[0])


def say(text):
    """Whoever read it may have gone, with the terminal."""
    with contextlib.suppress(OSError):
        print(f"{program()}: {text}", file=sys.stderr, flush=True)


# ---- options ----

def names_of(known):
    def parse(text):
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(
                    f"{name}: there are {', '.join(known)}")
        return list(dict.fromkeys(names))
    return parse


def numbers(low, high):
    def parse(text):
        try:
            found = [int(word) for word in text.split(",")]
        except ValueError:
            found = [low - 1]
        if not all(low <= number <= high for number in found):
            raise argparse.ArgumentTypeError(
                f"{text}: numbers from {low} to {high}, with commas")
        return sorted(set(found))
    return parse


def number(kind, low, high):
    def parse(text):
        try:
            found = kind(text)
        except ValueError:
            found = low - 1
        if not low <= found <= high:
            raise argparse.ArgumentTypeError(
                f"{text}: a number from {low} to {high}")
        return found
    return parse


def add_stock_again(configs):
    """Stock is measured twice, as any other: what lies between is noise."""
    if "stock" in configs and "stock-again" not in configs:
        configs.append("stock-again")


def show_list(**what):
    for kind, known in what.items():
        print(f"{kind}:")
        for name, entry in known.items():
            print(f"  {name:14} {entry['title']}")


# ---- rounds ----

def in_turn(configs, number_of_round):
    """None is always the first."""
    first = (number_of_round - 1) % len(configs)
    return configs[first:] + configs[:first]


def minutes_left(done, total, start):
    left = (time.monotonic() - start) / done * (total - done)
    return f"{left / 60:.0f} min left"


# ---- facts ----

def output_of(*words):
    """Nothing if it is not there or fails."""
    try:
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True,
                              stdin=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def run_facts():
    """When, what, and how to have it again."""
    commit = output_of("git", "-C", REPO, "rev-parse", "--short", "HEAD")
    if commit and output_of("git", "-C", REPO, "status", "--porcelain", "-uno"):
        commit += " and changes"
    date = datetime.datetime.now(datetime.timezone.utc)
    return {
        "date": date.strftime("%F %T UTC"),
        "commit": commit or "unknown",
        "command": " ".join([f"tools/bench/{program()}",
                             *map(shlex.quote, sys.argv[1:])]),
    }


def need_built(*files):
    """(path in the tree, how it is made)"""
    for name, remedy in files:
        if not os.path.exists(f"{REPO}/{name}"):
            sys.exit(f"{program()}: {name} is not built: {remedy}")


def end_on_signals(handler=lambda signum, _frame: sys.exit(128 + signum)):
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, handler)
