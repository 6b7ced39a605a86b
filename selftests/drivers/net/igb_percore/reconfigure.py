#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Changes a NIC's settings at random, and looks at all of them after each.

usage: reconfigure.py DEV PEER-NETNS PEER-DEV SECONDS SEED

A change is a command, what it may change, and what must be so after it. One
that is refused says why and changes nothing; one that is not valid is refused.
The peer's MTU goes with ours. At the end all is as at the beginning.
Prints how often each kind of change was made, and how often refused.
"""
import collections
import difflib
import random
import re
import subprocess
import sys
import time

VIEWS = {
    "rings": "ethtool -g {}",
    "channels": "ethtool -l {}",
    "coalesce": "ethtool -c {}",
    "queues": "ethtool -Q {} --show-coalesce",
    "pause": "ethtool -a {}",
    "features": "ethtool -k {}",
    "rss": "ethtool -x {}",
    "rules": "ethtool -n {}",
    "hash4": "ethtool -n {} rx-flow-hash udp4",
    "hash6": "ethtool -n {} rx-flow-hash udp6",
    "link": "ip -d link show dev {}",
}

# WHAT is what must be found in which view after it; None: it must be refused.
Change = collections.namedtuple("Change", "kind command may_change what",
                                defaults=(None,))


def run(command):
    return subprocess.run(command.split(), capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)


def was_refused(done):
    """ethtool -N ends with 0 all the same."""
    return done.returncode != 0 or "Cannot" in done.stderr


def shown(dev, view):
    done = run(VIEWS[view].format(dev))
    text = done.stdout + done.stderr
    # What is no setting: the state of the link, programs, wishes, what adapts itself
    text = re.sub(r"<[A-Z_,-]*>|state [A-Z]+|promiscuity \d+| xdp\b|\s+prog/xdp.*"
                  r"| \[requested \w+\]|.X negotiated:.*\n|[ \t]+$", "", text, flags=re.M)
    return re.sub(r"(Adaptive RX: on(?:(?!Queue:).|\n)*?\nrx-usecs:).*", r"\1", text)


def look(dev):
    return {view: shown(dev, view) for view in VIEWS}


class Nic:
    """Makes changes up; knows only what it needs to make up valid ones."""

    def __init__(self, dev, netns, peer, rand):
        self.dev, self.netns, self.peer, self.rand = dev, netns, peer, rand
        self.most = self.channels = int(re.findall(r"Combined:\s+(\d+)",
                                                   shown(dev, "channels"))[1])
        self.spread = True      # the table is the driver's, not ours
        self.rules = []
        self.kinds = (self.rings, self.set_channels, self.mtu, self.features, self.table,
                      self.key, self.coalesce, self.queue, self.fields, self.rule,
                      self.pause, self.filters, self.refused)
        self.left = []

    def ethtool(self, kind, option, args, may, what=None):
        return Change(kind, f"ethtool {option} {self.dev} {args}", may, what)

    def rings(self):
        rx, tx = (self.rand.choice((64, 128, 256, 512, 1024, 4096))
                  for _ in range(2))
        return self.ethtool("rings", "-G", f"rx {rx} tx {tx}", {"rings"},
                            {"rings": rf"(?s)Current.*RX:\s+{rx}\n.*TX:\s+{tx}\n"})

    def set_channels(self):
        count = self.rand.randint(1, self.most)
        # A table or a rule of ours that names a queue that would go
        self.wanted = count
        return self.ethtool("channels", "-L", f"combined {count}",
                            {"channels", "queues", "rules", "rss", "coalesce"},
                            {"channels": rf"(?s)Current.*Combined:\s+{count}\n"})

    def mtu(self):
        size = self.rand.choice((1280, 1281, 1500, 1501, 2000, 2026, 3000,
                                 4070, 9000, 9216))
        return Change("mtu", f"ip link set {self.dev} mtu {size}", {"link"},
                      {"link": rf"mtu {size} "})

    def features(self):
        name, line = self.rand.choice((
            ("rx", "rx-checksumming"), ("tx", "tx-checksumming"),
            ("tso", "tcp-segmentation-offload"), ("sg", "scatter-gather"),
            ("gro", "generic-receive-offload"), ("rxvlan", "rx-vlan-offload"),
            ("txvlan", "tx-vlan-offload"), ("rxhash", "receive-hashing"),
            ("rx-fcs", "rx-fcs"), ("rx-all", "rx-all"),
            ("rx-vlan-filter", "rx-vlan-filter"), ("ntuple", "ntuple-filters")))
        state = self.rand.choice(("on", "off"))
        if name == "ntuple" and state == "off":
            self.rules = []
        # Others depend on these, and may not be had then
        depends = name in ("tso", "tx", "sg")
        return self.ethtool("features", "-K", f"{name} {state}",
                            {"features", "rules"},
                            {} if depends and state == "on" else
                            {"features": rf"\n{line}: {state}\b"})

    def table(self):
        self.spread = self.rand.random() < 0.4
        if self.spread:
            return self.ethtool("rss table", "-X", "default", {"rss"}, {"rss": ""})
        count = self.rand.randint(1, self.channels)
        rows = "".join(rf"\s+\d+:" + "".join(rf"\s+{(at + i) % count}" for i in range(8))
                       for at in range(0, 128, 8))
        return self.ethtool("rss table", "-X", f"equal {count}", {"rss"}, {"rss": rows})

    def key(self):
        key = ":".join(f"{self.rand.randrange(256):02x}" for _ in range(40))
        return self.ethtool("rss key", "-X", f"hkey {key}", {"rss"}, {"rss": key})

    def coalesce(self):
        if self.rand.random() < 0.4:
            return self.ethtool("coalesce", "-C", "adaptive-rx on",
                                {"coalesce", "queues"}, {"coalesce": "Adaptive RX: on"})
        usecs = self.rand.choice((0, 1, 3, 20, 50, 100, 250))
        return self.ethtool("coalesce", "-C", f"adaptive-rx off rx-usecs {usecs}",
                            {"coalesce", "queues"},
                            {"coalesce": rf"(?s)RX: off.*rx-usecs:\s+{usecs}\n"})

    def queue(self):
        queue = self.rand.randrange(self.channels)
        usecs = self.rand.choice((0, 3, 30, 60))
        return Change("queue", f"ethtool -Q {self.dev} queue_mask {1 << queue:x} "
                      f"--coalesce adaptive-rx off rx-usecs {usecs}",
                      {"coalesce", "queues"},
                      {"queues": rf"(?s)Queue: {queue}\nAdaptive RX: off.*?rx-usecs: {usecs}\n"})

    def fields(self):
        family = self.rand.choice("46")
        fields = self.rand.choice(("sd", "sdfn"))
        return self.ethtool("hash", "-N", f"rx-flow-hash udp{family} {fields}",
                            {"hash" + family},
                            {"hash" + family: "L4" if "f" in fields else r"DA\n\n*$"})

    def rule(self):
        if self.rules and self.rand.random() < 0.5:
            proto = self.rules.pop()
            number = re.search(rf"Filter: (\d+)\n[^F]*Flow Type: Raw Ethernet(?:(?!Filter:)[\s\S])*?{proto:#x}",
                               shown(self.dev, "rules"), re.I)
            if number:
                return self.ethtool("rule", "-N", f"delete {number[1]}", {"rules"},
                                    {"rules": rf"^(?!(?s:.*){proto:#x})"})
        proto = 0x8900 + self.rand.randrange(256)
        return self.ethtool("rule", "-N", f"flow-type ether proto {proto:#x} action "
                            f"{self.rand.randrange(self.channels)}", {"rules"},
                            {"rules": rf"(?i){proto:#x}"})

    def pause(self):
        rx, tx = (self.rand.choice(("on", "off")) for _ in range(2))
        return self.ethtool("pause", "-A", f"autoneg off rx {rx} tx {tx}", {"pause"},
                            {"pause": rf"(?s)Auto\w+:\s+off\nRX:\s+{rx}\nTX:\s+{tx}"})

    def filters(self):
        what = self.rand.choice(("promisc {}", "allmulticast {}"))
        return Change("filters", f"ip link set {self.dev} "
                      + what.format(self.rand.choice(("on", "off"))), {"link"}, {"link": ""})

    def refused(self):
        dev = self.dev
        return Change("not valid", self.rand.choice((
            f"ethtool -G {dev} rx 8192", f"ethtool -G {dev} rx 7",
            f"ethtool -G {dev} tx 0", f"ethtool -L {dev} combined 0",
            f"ethtool -L {dev} combined {self.most + 1}", f"ethtool -L {dev} rx 1",
            f"ethtool -C {dev} rx-usecs 8192", f"ethtool -C {dev} tx-usecs 3",
            f"ethtool -X {dev} equal {self.channels + 1}", f"ethtool -X {dev} hkey 00:11",
            f"ethtool -N {dev} rx-flow-hash tcp4 s",
            f"ethtool -N {dev} flow-type ether proto 0x9999 action {self.channels}",
            f"ip link set {dev} mtu 9217", f"ip link set {dev} mtu 67",
            f"ip link set {dev} address 01:00:00:00:00:01")), set())

    def any(self):
        """Each kind once, in any order, and again."""
        self.left = self.left or self.rand.sample(self.kinds, len(self.kinds))
        return self.left.pop()()

    def follow(self, change, now):
        """What making up the next change needs, from what is shown."""
        self.channels = int(re.findall(r"Combined:\s+(\d+)", now["channels"])[1])
        if change.kind == "mtu":
            size = re.search(r"mtu (\d+)", now["link"])[1]
            run(f"ip -n {self.netns} link set {self.peer} mtu {size}")
        if change.kind == "rule" and change.what and "(?i)" in change.what["rules"]:
            self.rules.append(int(change.what["rules"][4:], 16))


def faults(change, done, before, now):
    """What is wrong with it, a line each."""
    changed = {view for view in VIEWS if before[view] != now[view]}
    if not was_refused(done) and change.what is None:
        yield "was not refused"
    if was_refused(done):
        if not done.stderr.strip():
            yield "was refused without a word"
        if changed:
            yield f"was refused, and changed {changed}"
        return
    for view in changed - change.may_change:
        yield f"changed {view} too"
    for view, pattern in (change.what or {}).items():
        if not re.search(pattern, now[view]):
            yield f"has not the effect {pattern}, but:\n{now[view]}"


def differences(one, other):
    for view in VIEWS:
        yield from difflib.unified_diff(one[view].splitlines(), other[view].splitlines(),
                                        view, view, lineterm="", n=0)


def restore(dev, netns, peer, most):
    for command in (
            f"ethtool -K {dev} ntuple off", f"ethtool -K {dev} ntuple on rx on tx on sg on "
            "tx-tcp-segmentation on tx-tcp6-segmentation on tx-tcp-mangleid-segmentation off gro on rxvlan on txvlan on rxhash on rx-fcs off rx-all off rx-vlan-filter on",
            f"ethtool -G {dev} rx 256 tx 256", f"ethtool -X {dev} default",
            f"ethtool -L {dev} combined {most}", f"ip -n {netns} link set {peer} mtu 1500",
            # Twice, as ethtool sends nothing that the first queue has already
            f"ip link set {dev} mtu 1500", f"ethtool -C {dev} adaptive-rx off rx-usecs 7",
            f"ethtool -C {dev} adaptive-rx on rx-usecs 0",
            f"ethtool -N {dev} rx-flow-hash udp4 sd", f"ethtool -N {dev} rx-flow-hash udp6 sd",
            f"ethtool -A {dev} autoneg on rx on tx off", f"ip link set {dev} promisc off",
            f"ip link set {dev} allmulticast off"):
        run(command)


def main():
    dev, netns, peer, seconds, seed = sys.argv[1:]
    rand = random.Random(seed)
    first = now = look(dev)
    nic = Nic(dev, netns, peer, rand)
    made, refused, bad = collections.Counter(), collections.Counter(), 0
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end and bad < 5:
        change = nic.any()
        before, done = now, run(change.command)
        now = look(dev)
        (refused if was_refused(done) else made)[change.kind] += 1
        for fault in faults(change, done, before, now):
            bad += 1
            print(f"seed {seed}, {change.command}: {fault}")
            print(done.stdout + done.stderr)
            print("\n".join(differences(before, now)))
        nic.follow(change, now)
    restore(dev, netns, peer, nic.most)
    key = re.compile("RSS hash key:\n.*\n")
    now = look(dev)
    first["rss"], now["rss"] = (key.sub("", text["rss"]) for text in (first, now))
    if first != now:
        bad += 1
        print(f"seed {seed}, at the end:", *differences(first, now), sep="\n")
    for kind in sorted(made | refused):
        print(f"{kind}: {made[kind]} made, {refused[kind]} refused")
        if kind != "not valid" and not made[kind]:
            bad += 1
            print("which cannot be")
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
