# SPDX-License-Identifier: GPL-2.0
"""What those share that measure: the guests of bench, demo, stages; bench-host."""
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
REPO = os.path.dirname(os.path.dirname(HERE))
SHARE = os.environ.get("VMBOX_SHARE", "/run/vmbox")
MODULES = os.environ.get("VMBOX_MODULES", REPO)
NAME = os.path.basename(sys.argv[0]).removesuffix("_guest.py")


def run(*words, **options):
    """Run a program that has to succeed; returns its output."""
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.STDOUT, check=False, **options)
    if done.returncode:
        sys.exit(f"{NAME}: {' '.join(words)}: status {done.returncode}\n"
                 f"{done.stdout}")
    return done.stdout


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def wait_until(what, condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"{NAME}: waited {seconds} s for {what}")
        time.sleep(0.01)


def loaded():
    """Names of the modules that are in the kernel."""
    return {line.split()[0] for line in read("/proc/modules").splitlines()}


def insert(path):
    """A module file, after those that it depends on."""
    for needed in run("modinfo", "-F", "depends", path).strip().split(","):
        if needed:
            run("modprobe", needed)
    run("insmod", path)


def net_counters(where="/proc/net"):
    """Those of a network namespace, by the names that nstat has for them."""
    found = {}
    for name in ("snmp", "netstat"):
        lines = read(f"{where}/{name}").splitlines()
        for keys, values in zip(lines[::2], lines[1::2]):
            prefix, *keys = keys.split()
            found.update(zip((prefix[:-1] + key for key in keys),
                             map(int, values.split()[1:])))
    return found
