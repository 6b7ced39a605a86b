#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vmbox: host --timeout 60
#
#   a trace made up here --stages--> where each stage was
#
# Claim: tools/bench/stages finds each stage of a connection that is elsewhere
# or missing in the trace, and takes no other's for one.
lib=$(dirname "$0")/../lib
# shellcheck source=selftests/lib/tap.sh
. "$lib/tap.sh"

cd "$(dirname "$0")/../.." || exit
out=$(mktemp)
defer rm -f "$out"
check "the program can be asked" python3 tools/bench/stages --help
python3 - >"$out" 2>&1 <<'END'
import importlib.machinery
import importlib.util
import sys

sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("stages", "tools/bench/stages")
stages = importlib.util.module_from_spec(
    importlib.util.spec_from_loader("stages", loader))
loader.exec_module(stages)

STATE = "inet_sock_set_state: skaddr=0xa0 oldstate={} newstate={} sport=0x1f40"
LIFE = [  # stage that would be elsewhere, event
    ("interrupt", "irq_handler_entry: irq=0x11 (17) name=eth0-TxRx-1"),
    ("", "napi_gro_receive_entry: name=eth0 queue_mapping=0x2 (2) skbaddr=0xb0"),
    ("home", STATE.format("0xa (10)", "0x3 (3)")),
    ("softirq", "other: __probe_ip=0xff sk=0xa0 (1) skb=0xb0 (2)"),
    ("accept", "graft: __probe_ip=0xff sk=0xa0 (1)"),
    ("", "netif_receive_skb_entry: name=eth0 queue_mapping=0x2 (2) skbaddr=0xb4"),
    ("", "segment: __probe_ip=0xff sk=0xa0 (1) skb=0xb4 (2)"),
    ("read", "sock_recv_length: sk=0xa0 family=0x2 (2) ret=0x10 (16)"),
    ("transmit", "xmit: __probe_ip=0xff sk=0xa0 (1)"),
    ("", STATE.format("0x1 (1)", "0x7 (7)")),
    ("completion", "free: __probe_ip=0xff sk=0xa0 (1)"),
]


def line(cpu, event):
    return f"  conns-1 [{cpu:03}] d.h1.    1.000001: {event}\n"


def trace(elsewhere=None, without=None):
    return [line(2 if stage and stage == elsewhere else 1, event)
            for stage, event in LIFE if not stage or stage != without]


def judge(lines):
    """Stages of the only connection that are not at home"""
    found = stages.connections(lines, {"0": 16, "1": 17})
    assert len(found) == 1, found
    return [stage for stage in stages.STAGES if not found[0].at_home(stage)]


def result(good, text):
    print(f"{'ok' if good else 'not ok'} {text}")


result(judge(trace()) == [], "all of it at home")
for stage in stages.STAGES:
    result(judge(trace(elsewhere=stage)) == [stage], f"{stage} elsewhere")
    if stage != "softirq":	# there is always that of the handshake
        result(judge(trace(without=stage)) == [stage],
               f"{stage} is not in the trace")
result(len(judge(trace(elsewhere="home"))) == 6, "handshake elsewhere than all")
other = [line(2, event.replace("0xa0", "0xa8").replace("0xb", "0xc"))
         for stage, event in LIFE if stage != "interrupt"]
mixed = [word for pair in zip(trace(), other) for word in pair]
found = stages.connections(mixed, {"0": 16, "1": 17})
result([conn.at_home("accept") for conn in found] == [True, True] and
       {conn.home for conn in found} == {1, 2}, "two at once are kept apart")
client = [line(2, STATE.format("0x7 (7)", "0x2 (2)").replace("sport", "dport")),
          line(2, "xmit: __probe_ip=0xff sk=0xa0 (1)")]
result(judge(trace() + client) == [], "a client's socket at the same address")
result(stages.connections(trace()[:-2], {}) == [], "one that does not end")
half = stages.summary(stages.connections(trace() + trace("read"), {"1": 17}))
result((half["all"], half["read"], half["accept"]) == (50, 50, 100), "per cent")
END
while read -r word text; do
	if [ "$word" = ok ]; then
		check "$text" true
	else
		check "${text:-$word}" sh -c "cat '$out'; false"
	fi
done < <(sed 's/^not ok/not_ok/' "$out")
finish
