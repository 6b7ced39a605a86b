# SPDX-License-Identifier: GPL-2.0
"""bench-host: the NIC, whom it serves, its settings, its driver.

The driver is moved by percorectl, which keeps links, addresses and routes, and
puts the NIC back where it was if its peer does not answer. What an interface
loses with its driver beside these (rings, moderation, offloads, affinities) is
kept here, and put back at the end.
"""
import fnmatch
import functools
import glob
import json
import os
import re
import subprocess
import time

from guest import MODULES, REPO, insert, loaded, read, write

PERCORECTL = f"{REPO}/tools/percorectl/percorectl"
MODULE = {
    "igb_percore": f"{MODULES}/drivers/net/ethernet/igb_percore/igb_percore.ko",
    "percore": f"{MODULES}/net/percore/percore.ko",
}
STOCK, OURS = "igb", "igb_percore"
TRIES = 3
# ethtool's: option that reads, the one that sets, {name that is read: when set}
SETTINGS = [
    ("-l", "-L", {"combined": "combined"}),
    ("-g", "-G", {"rx": "rx", "tx": "tx"}),
    ("-c", "-C", {name: name for name in (
        "adaptive-rx", "adaptive-tx", "rx-usecs", "tx-usecs", "rx-frames",
        "tx-frames")}),
    ("-a", "-A", {"autonegotiate": "autoneg", "rx": "rx", "tx": "tx"}),
]
# What is only compared
TEXTS = [["-x"], ["--show-priv-flags"], []]


class Trouble(Exception):
    """Something that ends the run; what was changed is put back."""


def run(*words):
    """Return: its output."""
    try:
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True,
                              check=False, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, start_new_session=True)
    except FileNotFoundError:
        raise Trouble(f"{words[0]} is missing") from None
    if done.returncode:
        raise Trouble(f"{' '.join(words)}: {done.stdout.strip()}")
    return done.stdout


def ip(*words):
    return json.loads(run("ip", "-j", "-d", *words) or "[]")


def link_of(path):
    return os.path.basename(os.path.realpath(path)) if os.path.exists(path) \
        else ""


@functools.cache
def aliases_of_ours():
    return run("modinfo", "-F", "alias", MODULE[OURS]).split()


def known_to_ours(modalias):
    """Would igb_percore take such a device?"""
    return any(fnmatch.fnmatchcase(modalias, alias)
               for alias in aliases_of_ours())


# ---- who needs it ----

def with_uppers(dev):
    """The interface, and all that lie on it."""
    found = [dev]
    for path in glob.glob(f"/sys/class/net/{dev}/upper_*"):
        found += with_uppers(os.path.basename(path)[len("upper_"):])
    return found


def addresses_of(devs):
    return [entry["local"] for link in ip("addr", "show")
            if link.get("ifname") in devs for entry in link["addr_info"]]


def whom_it_serves(dev):
    """What the machine would miss, in words."""
    devs, found = with_uppers(dev), []
    for family in ("-4", "-6"):
        for route in json.loads(run("ip", "-j", family, "route", "show",
                                    "default") or "[]"):
            hops = [route, *route.get("nexthops", [])]
            if any(hop.get("dev") in devs for hop in hops):
                found.append("the default route")
    mine = set(addresses_of(devs))
    for line in run("ss", "-Htnp", "state", "established").splitlines():
        local = line.split()[2].rpartition(":")[0].strip("[]")
        local = local.removeprefix("::ffff:").partition("%")[0]
        if '"sshd' in line and local in mine:
            found.append("a session of ssh")
    return list(dict.fromkeys(found))


# ---- settings ----

def ethtool(option, dev):
    """{name: value} as it is now; not all versions have JSON for all"""
    try:
        text = run("ethtool", option, dev)
    except Trouble:
        return {}
    text = text.rpartition("Current hardware settings:")[2]
    text = re.sub(r"(?m)^Adaptive RX: (\S+) +TX: (\S+)",
                  r"adaptive-rx: \1\nadaptive-tx: \2", text)
    found = re.findall(r"(?m)^\s*([\w-]+):[ \t]+(\S+)(.*)$", text)
    return {name.lower(): value for name, value, rest in found
            if value != "n/a" and "[fixed]" not in rest}


def interrupts_of(dev):
    path = f"/sys/class/net/{dev}/device/msi_irqs"
    return sorted(map(int, os.listdir(path))) if os.path.isdir(path) else []


def files_of(dev):
    """{name: path} of what is set by files: it stays when interrupts get others"""
    found = {f"interrupt {at}": f"/proc/irq/{irq}/smp_affinity_list"
             for at, irq in enumerate(interrupts_of(dev))}
    queues = f"/sys/class/net/{dev}/queues"
    for name in ("tx-*/xps_cpus", "tx-*/xps_rxqs", "rx-*/rps_cpus",
                 "rx-*/rps_flow_cnt"):
        for path in glob.glob(f"{queues}/{name}"):
            found[os.path.relpath(path, queues)] = path
    return found


def read_or_none(path):
    try:
        return read(path)
    except OSError:
        return None


class Settings:
    """Of an interface, as they were when this was made."""

    def __init__(self, dev):
        self.dev = dev
        self.ethtool = [(set_option, names, ethtool(get_option, dev))
                        for get_option, set_option, names in SETTINGS]
        self.features = ethtool("-k", dev)
        self.texts = self.read_texts()
        self.files = {name: read_or_none(path)
                      for name, path in files_of(dev).items()}

    def read_texts(self):
        found = {}
        for words in TEXTS:
            try:
                text = run("ethtool", *words, self.dev)
            except Trouble:
                text = ""
            found[" ".join(["ethtool", *words])] = re.sub(
                r"(?m)^\s*(Link detected|Speed|Duplex|MDI-X|Link partner|"
                r"Current message).*\n(\t\t.*\n)*", "", text)
        return found

    def differing(self, set_option, names, before):
        get_option = next(get for get, option, _ in SETTINGS
                          if option == set_option)
        now = ethtool(get_option, self.dev)
        for name, to_set in names.items():
            if name in before and before[name] != now.get(name):
                yield to_set, before[name]

    def differing_features(self):
        now = ethtool("-k", self.dev)
        return [(name, value) for name, value in self.features.items()
                if value != now.get(name)]

    def restore(self):
        for set_option, names, before in self.ethtool:
            words = [text for pair in self.differing(set_option, names, before)
                     for text in pair]
            if words:
                run("ethtool", set_option, self.dev, *words)
        for name, value in self.differing_features():
            run("ethtool", "-K", self.dev, name, value)
        for name, path in files_of(self.dev).items():
            text = self.files.get(name)
            if text is not None and text != read_or_none(path):
                write(path, text)

    def differences(self):
        """Of what is now, in words."""
        found = [f"{to_set} was {value}" for entry in self.ethtool
                 for to_set, value in self.differing(*entry)]
        found += [f"{name} was {value}"
                  for name, value in self.differing_features()]
        found += [f"{name} says something else"
                  for name, text in self.read_texts().items()
                  if text != self.texts[name]]
        paths = files_of(self.dev)
        found += [f"{name} was {text.strip()}"
                  for name, text in self.files.items()
                  if text is not None and
                  (name not in paths or read_or_none(paths[name]) != text)]
        return found


# ---- addresses and routes, to compare ----

def network_of(dev):
    """All that others may have set, in text."""
    devs, found = with_uppers(dev), []
    for link in ip("addr", "show"):
        if link.get("ifname") not in devs:
            continue
        found.append(f"{link['ifname']}: mtu {link['mtu']}, {link['address']},"
                     f" {'up' if 'UP' in link['flags'] else 'down'}")
        found += [f"{link['ifname']}: address {entry['local']}/"
                  f"{entry['prefixlen']}" for entry in link["addr_info"]
                  if entry["scope"] != "link"]
    for family in ("-4", "-6"):
        for line in run("ip", family, "route", "show", "table",
                        "all").splitlines():
            if set(devs) & set(line.split()) and "fe80:" not in line and \
                    "ff00:" not in line:
                found.append("route " + re.sub(
                    r" (expires \S+|linkdown|dead)", "", line.strip()))
    return sorted(found)


# ---- the NIC ----

class Nic:
    """peers: addresses that must answer after each move"""

    def __init__(self, dev):
        self.dev = dev
        self.device = f"/sys/class/net/{dev}/device"
        self.peers = []
        if not os.path.exists(f"/sys/class/net/{dev}"):
            raise Trouble(f"no interface {dev} in this network namespace")
        self.stock = link_of(f"{self.device}/driver")
        if not self.stock:
            raise Trouble(f"{dev} is no NIC: it has no device")
        self.pci = link_of(self.device)
        self.modalias = (read_or_none(f"{self.device}/modalias") or "").strip()

    def driver(self):
        return link_of(f"{self.device}/driver")

    def can_move(self):
        return self.stock == STOCK and known_to_ours(self.modalias)

    def has_link(self):
        return (read_or_none(f"/sys/class/net/{self.dev}/carrier") or
                "").strip() == "1"

    def wait_for_link(self, seconds=30):
        end = time.monotonic() + seconds
        while not self.has_link():
            if time.monotonic() > end:
                raise Trouble(f"{self.dev} has no link")
            time.sleep(0.1)

    def interrupts(self):
        """That came so far."""
        irqs, total = set(map(str, interrupts_of(self.dev))), 0
        for line in read("/proc/interrupts").splitlines()[1:]:
            name, *fields = line.split()
            if name.rstrip(":") in irqs:
                total += sum(int(text) for text in fields if text.isdigit())
        return total

    def peers_words(self):
        return [text for peer in self.peers for text in ("--peer", peer)]

    def bind(self):
        run(PERCORECTL, "bind", self.dev, *self.peers_words())

    def release(self):
        run(PERCORECTL, "release", self.dev, *self.peers_words())

    def anew(self, driver):
        """That driver, from its beginning, whatever it was before."""
        if self.driver() == driver:
            (self.bind if driver == STOCK else self.release)()
        (self.bind if driver == OURS else self.release)()

    def give_back(self):
        """To the stock driver. A peer or link that is gone must not keep it."""
        self.peers = []
        for left in reversed(range(TRIES)):
            try:
                self.release()
                return
            except Trouble:
                if not left:
                    raise
                time.sleep(1)

    def set_queues(self, count):
        now = ethtool("-l", self.dev).get("combined")
        if now and now != str(count):
            run("ethtool", "-L", self.dev, "combined", str(count))
            self.wait_for_link()

    def align(self, cpus):
        """Interrupt and XPS of queue i to CPU i, by hand."""
        for line in read("/proc/interrupts").splitlines():
            found = re.match(rf"\s*(\d+):.*\s{re.escape(self.dev)}-\D*(\d+)$",
                             line)
            if found:
                write(f"/proc/irq/{found[1]}/smp_affinity_list",
                      str(cpus[int(found[2]) % len(cpus)]))
        for path in glob.glob(f"/sys/class/net/{self.dev}/queues/tx-*"):
            queue = int(path.rpartition("-")[2])
            mask = f"{1 << cpus[queue % len(cpus)]:x}"
            parts = [mask[max(end - 8, 0):end]
                     for end in range(len(mask), 0, -8)][::-1]
            write(f"{path}/xps_cpus", ",".join(parts))


# ---- modules ----

def would_take_others(nic):
    """PCI devices without a driver that igb_percore would take on its own."""
    found = []
    for device in glob.glob("/sys/bus/pci/devices/*"):
        if os.path.basename(device) != nic.pci and \
                not os.path.exists(f"{device}/driver") and \
                known_to_ours(read(f"{device}/modalias").strip()):
            found.append(os.path.basename(device))
    return found


def fits_the_kernel(name):
    return run("modinfo", "-F", "vermagic", MODULE[name]).split()[0] == \
        os.uname().release


class Modules:
    """What is inserted here is removed, with what it needed."""

    def __init__(self):
        self.added = []

    def have(self, name, wanted):
        if wanted and name not in loaded():
            before = loaded()
            insert(MODULE[name])
            self.added += sorted(loaded() - before - {name})
        if not wanted and name in loaded():
            run("rmmod", name)

    def restore(self):
        for name in ("percore", OURS):
            self.have(name, False)
        for _ in self.added:
            for name in self.added:	# one may need another
                if name in loaded():
                    subprocess.run(["rmmod", name], stderr=subprocess.DEVNULL,
                                   check=False)
