#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The guest's side of check-kernel: runs tests one after another.

usage: guest_run.py      (in the VM; the plan is $VMBOX_SHARE/plan, JSON)

  plan --> for each test: NICs as it wants them, its own cgroup, a time limit
  share/results   one JSON object a line: index, status, seconds, complaints
  share/N.output  what it wrote

Status: its exit status, "time" if it was killed for it, "setup" if the NICs
could not be brought into the state it wants.
"""
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SHARE = os.environ["VMBOX_SHARE"]
MODULES = os.environ["VMBOX_MODULES"]
DRIVER = os.environ["VMBOX_DRIVER"]
OURS = f"{MODULES}/drivers/net/ethernet/igb_percore/igb_percore.ko"
CGROUP = "/sys/fs/cgroup/test"
MACS = {"52:54:00:00:00:01": "eth0", "52:54:00:00:00:02": "eth1"}
ENDPOINTS = {"NETIF": "eth0", "LOCAL_V4": "10.0.0.1", "LOCAL_V6": "fd00::1",
             "REMOTE_V4": "10.0.0.2", "REMOTE_V6": "fd00::2",
             "REMOTE_TYPE": "netns", "REMOTE_ARGS": "remote",
             "REMOTE_IFNAME": "eth1"}
# These change no setting of a NIC, so that the next one finds what it needs.
HARMLESS = ("over_nics", "./gro.sh", "./toeplitz.sh")


class SetupError(Exception):
    """The NICs, or the module, are not as a test wants them."""


def run(command):
    done = subprocess.run(command, shell=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise SetupError(f"{command}: status {done.returncode}\n{done.stdout}")
    return done.stdout


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def wait_until(what, condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SetupError(f"waited {seconds} s for {what}")
        time.sleep(0.1)


# ---- the state before a test ----

def drop_namespaces():
    for line in subprocess.run(["ip", "netns"], stdout=subprocess.PIPE,
                               text=True, check=False).stdout.splitlines():
        name = line.split()[0]
        subprocess.run(["ip", "netns", "del", name], check=False)


def drop_links():
    """Virtual ones that a test left."""
    for path in glob.glob("/sys/class/net/*"):
        name = os.path.basename(path)
        if name != "lo" and not os.path.exists(f"{path}/device"):
            subprocess.run(["ip", "link", "del", name], check=False,
                           stderr=subprocess.DEVNULL)


def nic_names():
    found = {}
    for path in glob.glob("/sys/class/net/*/address"):
        mac = read(path).strip()
        if mac in MACS and os.path.exists(f"{os.path.dirname(path)}/device"):
            found[mac] = path.split("/")[4]
    return found


def load_driver():
    """Anew, so that no setting is left of what was before."""
    name = "igb" if DRIVER == "igb" else "igb_percore"
    if os.path.exists(f"/sys/module/{name}"):
        run(f"rmmod {name}")
    run("modprobe igb" if DRIVER == "igb" else f"insmod {OURS}")
    wait_until("two NICs", lambda: len(nic_names()) == 2, 20)
    names = nic_names()
    for mac, name in names.items():
        if name != MACS[mac]:
            run(f"ip link set {name} name swap{MACS[mac]}")
    for mac, name in names.items():
        if name != MACS[mac]:
            run(f"ip link set swap{MACS[mac]} name {MACS[mac]}")


def answers(address):
    return not subprocess.run(["ping", "-n", "-c", "1", "-W", "1", address],
                              stdout=subprocess.DEVNULL, check=False,
                              stderr=subprocess.DEVNULL).returncode


def bring_remote():
    run("ip netns add remote && ip link set eth1 netns remote")
    for where, dev, last in (("", "eth0", 1), ("-n remote", "eth1", 2)):
        run(f"ip {where} addr add 10.0.0.{last}/24 dev {dev}")
        run(f"ip {where} addr add fd00::{last}/64 dev {dev} nodad")
        run(f"ip {where} link set lo up")
        run(f"ip {where} link set {dev} up")
    for address in ("10.0.0.2", "fd00::2"):
        wait_until(address, lambda address=address: answers(address), 30)


def set_up(test, before):
    """BEFORE: the test that ran last, or None."""
    harmless = [entry and entry["command"][0] in HARMLESS
                for entry in (test, before)]
    if before and all(harmless) and test["setup"] == before["setup"]:
        return
    drop_namespaces()
    drop_links()
    if test["setup"] == "net":
        return
    load_driver()
    if test["setup"] == "remote":
        bring_remote()


def check_sharding(wanted):
    path = "/proc/sys/net/percore/listen_shard"
    if wanted != os.path.exists(path) or wanted and read(path).strip() != "1":
        raise SetupError("sharding is not as it should be")


# ---- a test ----

def remove_group():
    try:
        os.rmdir(CGROUP)
    except OSError:         # some have not ended yet, or are not reaped
        return False
    return True


def end_group():
    """All that it started, however far it ran from it."""
    with open(f"{CGROUP}/cgroup.kill", "w", encoding="utf-8") as file:
        file.write("1")
    wait_until("the end of all processes", remove_group, 30)


def enter_group():
    with open(f"{CGROUP}/cgroup.procs", "w", encoding="utf-8") as file:
        file.write("0")
    os.setsid()


def execute(test, root, output):
    os.mkdir(CGROUP)
    env = dict(os.environ, HOME="/root", TERM="dumb", LANG="C.UTF-8",
               PATH=f"{root}/bin:{HERE}:/usr/sbin:/usr/bin:/sbin:/bin")
    if test["setup"] == "remote":
        env.update(ENDPOINTS)
    try:
        with open(output, "wb") as out, subprocess.Popen(
                test["command"], stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, env=env, preexec_fn=enter_group,
                cwd=f"{root}/src/tools/testing/selftests/{test['directory']}"
        ) as process:
            try:
                return process.wait(test["seconds"])
            except subprocess.TimeoutExpired:
                # The chance to tidy up that its own trap gives it.
                os.killpg(process.pid, signal.SIGTERM)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                return "time"
    finally:
        end_group()


def mark(name):
    with open("/dev/kmsg", "w", encoding="utf-8") as file:
        file.write(f"<4>check-kernel: {name}\n")


def complaints_since(name, pattern):
    log = subprocess.run(["dmesg"], stdout=subprocess.PIPE, text=True,
                         errors="replace", check=False).stdout
    log = log[log.rfind(f"check-kernel: {name}\n"):]
    return [line for line in log.splitlines() if re.search(pattern, line)]


def run_test(test, before, plan):
    start = time.monotonic()
    output = f"{SHARE}/{test['index']}.output"
    mark(test["name"])
    try:
        set_up(test, before)
        if test["setup"] == "net":
            check_sharding(plan["sharding"])
        status = execute(test, plan["root"], output)
    except SetupError as error:
        with open(output, "a", encoding="utf-8") as out:
            out.write(f"{error}\n")
        status = "setup"
    result = {"index": test["index"], "status": status,
              "seconds": round(time.monotonic() - start, 1),
              "complaints": complaints_since(test["name"], plan["complaints"])}
    with open(f"{SHARE}/results", "a", encoding="utf-8") as file:
        file.write(json.dumps(result) + "\n")
    print(test["index"], status, flush=True)


def open_tree(root):
    """Tests write beside themselves: an overlay, as the cache is read-only."""
    for name in ("upper", "work"):
        os.makedirs(f"/run/check-kernel/{name}")
    run("mount -t overlay -o upperdir=/run/check-kernel/upper,"
        f"workdir=/run/check-kernel/work,lowerdir={root} overlay {root}")
    net = f"{root}/src/tools/testing/selftests/net"
    shutil.copy(f"{net}/setup_loopback.sh", f"{net}/setup_loopback.orig.sh")
    shutil.copy(f"{HERE}/two_nics.sh", f"{net}/setup_loopback.sh")


def main():
    plan = json.loads(read(f"{SHARE}/plan"))
    open_tree(plan["root"])
    before = None
    for test in plan["tests"]:
        run_test(test, before, plan)
        before = test
    return 0


if __name__ == "__main__":
    sys.exit(main())
