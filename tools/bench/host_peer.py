# SPDX-License-Identifier: GPL-2.0
"""bench-host: the other end of the wire, where clients run.

Either another machine, by ssh: its address is the one that is measured, or
another one is named; programs run there as the user that ssh gives. Or a second
NIC of this machine, wired to the first, in a network namespace: both ends get an
address of 198.18.0.0/15, which RFC 2544 has for such, and share the processors.

What runs there ends with what started it here: in the namespace it is a child,
and over ssh a shell that watches its input, and a limit of time.
"""
import contextlib
import glob
import json
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time

from guest import wait_until, write
from host_nic import Trouble, addresses_of, ip, read_or_none, run, with_uppers

NETNS = "percore-peer"
HERE4, THERE4 = "198.18.0.1", "198.18.0.2"
SSH = ["ssh", "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10",
       "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3"]
# $@ until it ends, or the input does
WITH_INPUT = """
PATH=$PATH:/usr/sbin:/sbin
exec 3<&0
"$@" </dev/null & pid=$!
{ cat <&3; kill $pid; } >/dev/null 2>&1 & guard=$!
wait $pid; status=$?
kill $guard 2>/dev/null
exit $status
"""


class Process:
    """A program at the other end, with its output in a file here."""

    def __init__(self, words):
        self.words = words
        # pylint: disable=consider-using-with
        self.out = tempfile.TemporaryFile(mode="w+", encoding="utf-8",
                                          errors="replace")
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=self.out,
            stderr=subprocess.STDOUT, start_new_session=True)

    def ended(self):
        return self.process.poll() is not None

    def output(self):
        self.out.seek(0)
        return self.out.read()

    def end(self):
        """Return: what it said. That it was told to end is no failure."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        if not self.ended():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        text = self.output()
        self.out.close()
        return text


class Peer:
    """address: the peer's; mine: the NIC's"""
    address = mine = ""

    def words(self, words):
        """What is to be run here so that words run there."""
        raise NotImplementedError

    def start(self, words, seconds):
        return Process(self.words(["timeout", "-k", "5", str(round(seconds)),
                                   *words]))

    def plain(self, words):
        """The same of what ends by itself."""
        return self.words(words)

    def ask(self, *words, text=""):
        done = subprocess.run(self.plain(words), input=text, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              check=False, start_new_session=True)
        if done.returncode:
            why = done.stderr.strip().splitlines()
            raise Trouble(f"{self}: {words[0]}: "
                          f"{why[-1] if why else f'status {done.returncode}'}")
        return done.stdout.strip()

    def lacks(self, programs):
        """Those that are not there."""
        script = ('PATH=$PATH:/usr/sbin:/sbin; for name; do command -v "$name"'
                  ' >/dev/null || echo "$name"; done')
        return self.ask("sh", "-c", script, "sh", *programs).split()

    def answers(self):
        return subprocess.run(
            ["ping", "-n", "-c", "1", "-W", "1", self.address],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True, check=False).returncode == 0

    def wait_for_answer(self, seconds=20):
        end = time.monotonic() + seconds
        while not self.answers():
            if time.monotonic() > end:
                raise Trouble(f"{self} does not answer at {self.address}")
            time.sleep(0.2)


class SshPeer(Peer):
    """Another machine."""

    def __init__(self, nic, target, address):
        self.target = target
        host = target.rpartition("@")[2]
        found = run("getent", "ahostsv4", address or host).split()
        self.address = found[0]
        route = json.loads(run("ip", "-j", "route", "get", self.address))[0]
        if route.get("dev") not in with_uppers(nic.dev):
            raise Trouble(f"the way to {self.address} is not over {nic.dev} but"
                          f" {route.get('dev')} (--peer-address names another)")
        self.mine = route["prefsrc"]
        self.dir = ""

    def __str__(self):
        return self.target

    def words(self, words):
        return self.plain(["sh", "-c", WITH_INPUT, "sh", *words])

    def plain(self, words):
        return SSH + [self.target, shlex.join(words)]

    def up(self, undo):
        self.dir = self.ask("mktemp", "-d", "/tmp/bench-host.XXXXXX")
        undo("the directory at the peer",
             lambda: self.ask("rm", "-rf", self.dir))
        self.ask("chmod", "755", self.dir)
        self.wait_for_answer()

    def put(self, name, text):
        path = f"{self.dir}/{name}"
        self.ask("sh", "-c", 'mkdir -p "$(dirname "$1")" && cat >"$1"', "sh",
                 path, text=text)
        return path


class NetnsPeer(Peer):
    """A second NIC of this machine."""

    def __init__(self, nic, dev, cpus):
        self.nic, self.dev, self.cpus = nic, dev, cpus
        self.address, self.mine = THERE4, HERE4
        self.dir = ""
        self.check()

    def __str__(self):
        return f"the peer at {self.dev}"

    def check(self):
        """It is nobody's, or it is refused."""
        if not os.path.exists(f"/sys/class/net/{self.dev}/device"):
            raise Trouble(f"no NIC {self.dev} in this network namespace")
        if with_uppers(self.dev) != [self.dev] or \
                glob.glob(f"/sys/class/net/{self.dev}/master"):
            raise Trouble(f"{self.dev} is in use: something lies on it")
        if any(not address.startswith("fe80:")
               for address in addresses_of([self.dev])):
            raise Trouble(f"{self.dev} is in use: it has addresses")
        if os.path.exists(f"/run/netns/{NETNS}"):
            raise Trouble(f"there is a network namespace {NETNS} already")
        for entry in ip("addr", "show"):
            if any(address["local"].startswith(("198.18.", "198.19."))
                   for address in entry.get("addr_info", [])):
                raise Trouble(f"198.18.0.0/15 is in use on {entry['ifname']}")

    def words(self, words):
        return ["ip", "netns", "exec", NETNS, "taskset", "-c",
                ",".join(map(str, self.cpus)), *words]

    def lacks(self, programs):
        return [name for name in programs if not shutil.which(name)]

    def sysctls(self):
        return {path: read_or_none(path) for family in ("ipv4", "ipv6")
                for path in glob.glob(f"/proc/sys/net/{family}/*/{self.dev}/*")}

    def go_home(self, up, sysctls):
        """Not with the namespace's death: sockets may keep that for minutes."""
        for pid in run("ip", "netns", "pids", NETNS).split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        run("ip", "-n", NETNS, "link", "set", self.dev, "netns",
            str(os.getpid()))
        run("ip", "netns", "del", NETNS)
        wait_until(self.dev,
                   lambda: os.path.exists(f"/sys/class/net/{self.dev}"))
        if up:
            run("ip", "link", "set", self.dev, "up")
        for path, text in sysctls.items():
            if text is not None and text != read_or_none(path):
                with contextlib.suppress(OSError):
                    write(path, text)

    def up(self, undo):
        is_up = "UP" in ip("link", "show", "dev", self.dev)[0]["flags"]
        sysctls = self.sysctls()
        self.dir = tempfile.mkdtemp(prefix="bench-host.")
        undo("a directory", lambda: shutil.rmtree(self.dir))
        os.chmod(self.dir, 0o755)
        run("ip", "netns", "add", NETNS)
        undo(self.dev, lambda: self.go_home(is_up, sysctls))
        run("ip", "link", "set", self.dev, "netns", NETNS)
        run("ip", "-n", NETNS, "link", "set", "lo", "up")
        run("ip", "-n", NETNS, "addr", "add", f"{THERE4}/30", "dev", self.dev)
        run("ip", "-n", NETNS, "link", "set", self.dev, "up")
        run("ip", "addr", "add", f"{HERE4}/30", "dev", self.nic.dev)
        undo(f"the address of {self.nic.dev}", self.remove_address)
        if "UP" not in ip("link", "show", "dev", self.nic.dev)[0]["flags"]:
            run("ip", "link", "set", self.nic.dev, "up")
            undo(f"{self.nic.dev}, which was down",
                 lambda: run("ip", "link", "set", self.nic.dev, "down"))
        self.nic.wait_for_link()
        self.wait_for_answer()

    def remove_address(self):
        if HERE4 in addresses_of([self.nic.dev]):
            run("ip", "addr", "del", f"{HERE4}/30", "dev", self.nic.dev)

    def put(self, name, text):
        path = f"{self.dir}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        write(path, text)
        return path
