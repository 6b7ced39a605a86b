# SPDX-License-Identifier: GPL-2.0
"""bench-host: the scenarios, their servers here and clients at the peer.

  nginx, nginx-keep   wrk -----------------> nginx
  proxy               wrk -----------------> nginx --NIC--> nginx at the peer
  memcached           memcaslap -----------> memcached
  tx, rx, udp         iperf3 --------------> iperf3 -s

All servers are children that stay in the foreground, listen on the NIC's address
alone, and on ports that nobody else has.
"""
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time

import load
from guest import write
from host_nic import Trouble, run

NGINX, PROXY, UPSTREAM, MEMCACHED, IPERF3 = 18080, 18081, 18082, 18211, 18201
PAGE = "<!DOCTYPE html><title>percore</title>".ljust(614, ".") + "\n"
MEGABYTE = 1e6
# Seconds that a client may take more than its load
PATIENCE = 30
# Pings of a second each that may be lost, as a load is in their way
SILENCE = 5

# here, there: programs that are needed
SCENARIOS = {
    "nginx": {"title": "nginx, a file of 615 bytes, each request on a new"
              " connection", "unit": "request",
              "here": ["nginx"], "there": ["wrk"]},
    "nginx-keep": {"title": "nginx, the same on connections that stay",
                   "unit": "request", "here": ["nginx"], "there": ["wrk"]},
    "proxy": {"title": "nginx passes each request on to the peer, over a new"
              " connection", "unit": "request",
              "here": ["nginx"], "there": ["wrk", "nginx"]},
    "memcached": {"title": "memcached, nine in ten read, values of 1 kB",
                  "unit": "operation", "here": ["memcached"],
                  "there": ["memcaslap"]},
    "tx": {"title": "bulk TCP, the machine sends", "unit": "megabyte",
           "here": ["iperf3"], "there": ["iperf3"]},
    "rx": {"title": "bulk TCP, the machine receives", "unit": "megabyte",
           "here": ["iperf3"], "there": ["iperf3"]},
    "udp": {"title": "UDP datagrams of 64 bytes, received", "unit": "datagram",
            "here": ["iperf3"], "there": ["iperf3"]},
}
PACKAGE = {"nginx": "nginx-light", "memcaslap": "libmemcached-tools",
           "ss": "iproute2", "ip": "iproute2", "ping": "iputils-ping",
           "getent": "libc-bin", "ssh": "openssh-client", "perf": "linux-perf",
           "taskset": "util-linux", "rmmod": "kmod"}

NGINX_CONF = """
daemon off;
worker_processes {workers};
worker_rlimit_nofile 65536;
pid {dir}/pid;
error_log stderr warn;
events {{ worker_connections 16384; }}
http {{
	access_log off;
	sendfile on;
	default_type text/html;
	client_body_temp_path {dir}/body;
	proxy_temp_path {dir}/proxy;
	fastcgi_temp_path {dir}/fastcgi;
	uwsgi_temp_path {dir}/uwsgi;
	scgi_temp_path {dir}/scgi;
	server {{
		listen {listen};
		root {dir}/html;
		location / {{ {location} }}
	}}
}}
"""


class Setting:
    """Of all scenarios: NIC, peer, the server's CPUs, connections of each."""

    def __init__(self, nic, peer, cpus, per_cpu):
        self.nic, self.peer, self.cpus, self.per_cpu = nic, peer, cpus, per_cpu
        self.connections = len(cpus) * per_cpu
        self.dir = tempfile.mkdtemp(prefix="bench-host.")
        os.chmod(self.dir, 0o755)
        os.mkdir(f"{self.dir}/html")
        write(f"{self.dir}/html/index.html", PAGE)
        self.script = ""

    def prepare_peer(self):
        self.script = self.peer.put("wrk.lua", load.WRK_SCRIPT)
        self.peer.put("html/index.html", PAGE)

    def end(self):
        shutil.rmtree(self.dir)


# ---- servers ----

def listens(port, where):
    return bool(run("ss", "-Hltn", f"src {where}:{port}").strip())


def wait_for_server(what, process, condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        if process.poll() is not None or time.monotonic() > end:
            raise Trouble(f"{what} does not listen")
        time.sleep(0.05)


@contextlib.contextmanager
def server(setting, words, port):
    """A child in the foreground. Yields its process group."""
    with open(f"{setting.dir}/log", "w+", encoding="utf-8") as log, \
            subprocess.Popen(
                ["taskset", "-c", ",".join(map(str, setting.cpus)), *words],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True) as process:
        try:
            try:
                wait_for_server(words[0], process,
                                lambda: listens(port, setting.peer.mine))
            except Trouble as trouble:
                log.seek(0)
                said = log.read().strip().splitlines() or [""]
                raise Trouble(f"{trouble}: {said[-1]}") from None
            yield process.pid
        finally:
            end_group(process)


def end_group(process):
    """nginx closes at once on SIGTERM; who does not end is killed."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGTERM)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        pass
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def nginx_here(setting, sockets, port, location=""):
    listen = f"{setting.peer.mine}:{port}"
    if sockets == "reuseport":
        listen += " reuseport"
    write(f"{setting.dir}/nginx.conf", NGINX_CONF.format(
        workers=len(setting.cpus), dir=setting.dir, listen=listen,
        location=location))
    return server(setting, ["nginx", "-c", f"{setting.dir}/nginx.conf"], port)


@contextlib.contextmanager
def upstream(setting):
    """nginx at the peer."""
    peer = setting.peer
    conf = peer.put("nginx.conf", NGINX_CONF.format(
        workers=len(setting.cpus), dir=peer.dir,
        listen=f"{peer.address}:{UPSTREAM}", location=""))
    process = peer.start(["nginx", "-c", conf], 3600)
    try:
        end = time.monotonic() + PATIENCE
        while subprocess.run(["curl", "-sf", "-o", "/dev/null",
                              f"http://{peer.address}:{UPSTREAM}/"],
                             check=False, start_new_session=True).returncode:
            if process.ended() or time.monotonic() > end:
                raise Trouble(f"{peer}: nginx does not answer:"
                              f" {process.output().strip()}")
            time.sleep(0.1)
        yield
    finally:
        process.end()


@contextlib.contextmanager
def servers_of(setting, scenario, sockets):
    """Yields the process group of the one that is measured."""
    mine = setting.peer.mine
    if scenario in ("nginx", "nginx-keep"):
        with nginx_here(setting, sockets, NGINX) as group:
            yield group
    elif scenario == "proxy":
        to = f"proxy_pass http://{setting.peer.address}:{UPSTREAM};"
        with upstream(setting), \
                nginx_here(setting, sockets, PROXY, to) as group:
            yield group
    elif scenario == "memcached":
        with server(setting, ["memcached", "-u", "nobody", "-l", mine, "-p",
                              str(MEMCACHED), "-t", str(len(setting.cpus)),
                              "-c", "16384"], MEMCACHED) as group:
            yield group
    else:
        with server(setting, ["iperf3", "-s", "-B", mine, "-p", str(IPERF3)],
                    IPERF3) as group:
            yield group


# ---- clients ----

def client_words(setting, scenario, seconds):
    mine, threads = setting.peer.mine, str(len(setting.cpus))
    port = {"nginx": NGINX, "nginx-keep": NGINX, "proxy": PROXY}.get(scenario)
    if port:
        close = [] if scenario == "nginx-keep" else ["-H", "Connection: close"]
        return ["wrk", "-t", threads, "-c", str(setting.connections),
                "-d", f"{seconds}s", "--timeout", "10s", "-s", setting.script,
                *close, f"http://{mine}:{port}/"]
    if scenario == "memcached":
        return ["memcaslap", "-s", f"{mine}:{MEMCACHED}", "-T", threads,
                "-c", str(setting.connections), "-t", f"{seconds}s",
                "-w", "1k", "-S", f"{seconds + PATIENCE}s"]
    words = ["iperf3", "--json", "-c", mine, "-p", str(IPERF3), "-P", threads,
             "-t", str(seconds)]
    return words + {"tx": ["-R"], "rx": [], "udp": ["-u", "-b", "0", "-l",
                                                    "64"]}[scenario]


def wrk_result(text):
    found = load.parse_wrk(text)
    return {"ops": found["requests"], "latency": load.wrk_latency(text),
            "errors": found["socket_errors"] + found["bad_responses"],
            "figures": {"operations/s": found["requests_per_s"]}}


def memcaslap_result(text):
    found = load.parse_memcaslap(text)
    return {"ops": found["operations"], "latency": found["latency"],
            "errors": found["missed"],
            "figures": {"operations/s": found["operations_per_s"]}}


def iperf3_result(text):
    found = load.parse_iperf3(text)
    figures = {"Gbit/s": found["bits_per_s"] / 1e9}
    if "datagrams" in found:
        figures["operations/s"] = found["datagrams"] / found["seconds"]
        sent = found["datagrams"] + found["lost"]
        figures["% of datagrams lost"] = 100 * found["lost"] / max(sent, 1)
    return {"ops": found.get("datagrams", found.get("bytes", 0) / MEGABYTE),
            "latency": [], "errors": 0, "figures": figures}


def parse(scenario, text):
    """{ops, errors, latency, figures}"""
    result = {"nginx": wrk_result, "nginx-keep": wrk_result,
              "proxy": wrk_result, "memcached": memcaslap_result}.get(
                  scenario, iperf3_result)
    try:
        found = result(text)
    except load.ClientError as why:
        raise Trouble(f"{scenario}: the client says: {why}") from None
    except (TypeError, ValueError, KeyError):
        lines = text.strip().splitlines() or ["nothing"]
        raise Trouble(f"{scenario}: the client says: {lines[-1]}") from None
    if not found["ops"]:
        raise Trouble(f"{scenario}: the client did not get one answer")
    return found


def run_client(setting, scenario, seconds):
    """Its result; a link that is lost, or a client without an end, ends all."""
    process = setting.peer.start(client_words(setting, scenario, seconds),
                                 seconds + PATIENCE)
    try:
        end, silent = time.monotonic() + seconds + PATIENCE, 0
        while not process.ended():
            if not setting.nic.has_link():
                raise Trouble(f"{setting.nic.dev} has lost its link")
            if time.monotonic() > end:
                raise Trouble(f"{scenario}: the client does not end")
            silent = 0 if setting.peer.answers() else silent + 1
            if silent > SILENCE:
                raise Trouble(f"{setting.peer} answers no more")
            time.sleep(0.5)
    finally:
        text = process.end()
    return parse(scenario, text)
