# SPDX-License-Identifier: GPL-2.0
"""What load generators say of a load, for demo and bench-host."""
import json
import re

# Of a latency's distribution, in per cent
SHARES = [1, 5, 10, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.99]

# A script for wrk: what it prints of latency is too coarse.
WRK_SCRIPT = """
function done(summary, latency, requests)
    for _, share in ipairs({%s}) do
        io.write(string.format("latency %%g %%d\\n", share,
                               latency:percentile(share)))
    end
end
""" % ", ".join(map(str, SHARES))


class ClientError(Exception):
    """What a client itself says was wrong."""


def parse_wrk(text):
    errors = re.search(r"Socket errors: (.*)", text)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return {
        "requests": int(re.search(r"(\d+) requests in", text)[1]),
        "requests_per_s": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),
        "socket_errors": sum(map(int, re.findall(r"\d+", errors[1])))
        if errors else 0,
        "bad_responses": int(bad[1]) if bad else 0,
    }


def wrk_latency(text):
    """[[per cent, us]] of WRK_SCRIPT"""
    return [[float(share), int(us)] for share, us in
            re.findall(r"(?m)^latency ([\d.]+) (\d+)$", text)]


def parse_memcaslap(text):
    """memcaslap -S: operations, how many a second, and their latency"""
    total = re.search(r"Run time: ([\d.]+)s Ops: (\d+)", text)
    return {"operations": int(total[2]),
            "operations_per_s": int(total[2]) / float(total[1]),
            "missed": int(re.search(r"get_misses: (\d+)", text)[1]),
            "latency": log2_latency(text)}


def log2_latency(text):
    """[[per cent, us]], between powers of two in a straight line.

    The histogram has four numbers a line, after the number of the first; that of
    number n is of what took from 2^(n-1) to 2^n us.
    """
    part = text.rpartition("Total Statistics (")[2]
    counts = {}
    for first, rest in re.findall(r"(?m)^ +(\d+):((?: +\d+)+)$", part):
        for at, count in enumerate(rest.split()):
            counts[int(first) + at] = int(count)
    total, below, found = sum(counts.values()), 0, []
    shares = list(SHARES)
    for power, count in sorted(counts.items()):
        while count and shares and shares[0] * total / 100 <= below + count:
            inside = (shares[0] * total / 100 - below) / count
            found.append([shares.pop(0), 2 ** (power - 1) * (1 + inside)])
        below += count
    return found


def parse_iperf3(text):
    """iperf3 --json, of the client: of what arrived"""
    data = json.loads(text)
    if "error" in data:
        raise ClientError(data["error"])
    end = data["end"]
    if "lost_packets" in end["sum" if "sum" in end else "sum_received"]:
        entry = end["sum"]
        lost = entry["lost_packets"]
        got = entry["packets"] - lost
        return {"seconds": entry["seconds"], "datagrams": got, "lost": lost,
                "bits_per_s": entry["bits_per_second"] * got /
                max(entry["packets"], 1)}
    entry = end["sum_received"]
    return {"seconds": entry["seconds"], "bytes": entry["bytes"],
            "bits_per_s": entry["bits_per_second"]}
