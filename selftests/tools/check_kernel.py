# SPDX-License-Identifier: GPL-2.0
"""check-kernel with a VM that is none, for check_kernel.sh.

usage: check_kernel.py DIR CHECK-KERNEL SCENARIO [ARG...]

The scenario is of SCENARIOS, below: what a test of that name says in the VM,
by side and boot; the third word of it is the VM's own exit status.
"""
import importlib.machinery
import importlib.util
import json
import os
import sys

PING = "drivers/net/ping.py"
STATS = "drivers/net/stats.py"
GOOD = "KTAP version 1\n1..2\nok 1 one\nok 2 two\n"
BAD = "KTAP version 1\n1..2\nok 1 one\n# Check failed 1 != 2\nnot ok 2 two\n"
SKIPPED = "KTAP version 1\n1..2\nok 1 one\nok 2 two # SKIP no such thing\n"
DIES = None

# side -> a list of boots; a boot: test -> (output, status), and the VM's status
SCENARIOS = {
    "good": {"stock": [({PING: (GOOD, 0)}, 0)],
             "ours": [({PING: (GOOD, 0)}, 0)]},
    "gain": {"stock": [({PING: (SKIPPED, 0)}, 0)],
             "ours": [({PING: (GOOD, 0)}, 0)]},
    "neither": {"stock": [({PING: (BAD, 1)}, 0)],
                "ours": [({PING: (BAD, 1)}, 0)]},
    "worse": {"stock": [({PING: (GOOD, 0)}, 0)],
              "ours": [({PING: (BAD, 1)}, 0)] * 3},
    "once": {"stock": [({PING: (GOOD, 0)}, 0)],
             "ours": [({PING: (BAD, 1)}, 0)]},
    "skipped": {"stock": [({PING: (GOOD, 0)}, 0)],
                "ours": [({PING: (SKIPPED, 0)}, 0)] * 3},
    "late": {"stock": [({PING: (GOOD, 0)}, 0)],
             "ours": [({PING: (BAD, 1)}, 0), ({PING: (GOOD, 0)}, 0)]},
    "luck": {"stock": [({PING: (BAD, 1)}, 0), ({PING: (GOOD, 0)}, 0)],
             "ours": [({PING: (GOOD, 0)}, 0)]},
    "slow-stock": {"stock": [({PING: ("1..2\nok 1 one\n", "time")}, 0),
                             ({PING: (GOOD, 0)}, 0)],
                   "ours": [({PING: (GOOD, 0)}, 0)]},
    "more": {"stock": [({STATS: (GOOD, 0)}, 0)],
             "ours": [({STATS: (GOOD, 0)}, 0)]},
    "ours-only": {"stock": [], "ours": [({PING: (GOOD, 0)}, 0)]},
    "real-gain": {"stock": [({PING: (BAD, 1)}, 0)] * 3,
                  "ours": [({PING: (GOOD, 0)}, 0)]},
    "slow": {"stock": [({PING: (GOOD, 0)}, 0)],
             "ours": [({PING: ("1..2\nok 1 one\n", "time")}, 0)] * 3},
    "fewer": {"stock": [({PING: (GOOD, 0)}, 0)],
              "ours": [({PING: ("1..1\nok 1 one\n", 0)}, 0)] * 3},
    "dies": {"stock": [({PING: (GOOD, 0), STATS: (GOOD, 0)}, 0)],
             "ours": [({PING: DIES}, 98), ({STATS: (GOOD, 0)}, 0),
                      ({PING: (GOOD, 0)}, 0)]},
    "emulator": {"stock": [({PING: (GOOD, 0)}, 0)],
                 "ours": [({PING: DIES}, 96), ({PING: (GOOD, 0)}, 0)]},
    "no-vm": {"stock": [({PING: (GOOD, 0)}, 0)], "ours": [({}, 97)]},
    "complains": {"stock": [({PING: (GOOD, 0)}, 0)],
                  "ours": [({PING: (GOOD, 0), "log": ["WARNING: at x"]}, 99)]},
    "complains-later": {"stock": [({PING: (GOOD, 0)}, 0)],
                        "ours": [({PING: (GOOD, 0)}, 99)]},
}


def load(path):
    sys.path.insert(0, os.path.dirname(path))
    loader = importlib.machinery.SourceFileLoader("check_kernel", path)
    module = importlib.util.module_from_spec(
        importlib.util.spec_from_loader("check_kernel", loader))
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


def fake_boot(boots):
    def boot(side, plan, share, log, _kernel):
        says, vm_status = boots[side].pop(0)
        with open(log, "w", encoding="utf-8") as file:
            file.write("vmbox: a VM\n")
        for test in plan["tests"]:
            if test["name"] not in says:
                break
            told = says[test["name"]]
            with open(f"{share}/{test['index']}.output", "w",
                      encoding="utf-8") as file:
                file.write(told[0] if told else "1..2\nok 1 one\n")
            if told is DIES:
                break
            with open(f"{share}/results", "a", encoding="utf-8") as file:
                file.write(json.dumps({
                    "index": test["index"], "status": told[1], "seconds": 1,
                    "complaints": says.get("log", [])}) + "\n")
        return vm_status
    return boot


def main():
    directory, path, scenario, *words = sys.argv[1:]
    module = load(path)
    boots = {side: list(says) for side, says in SCENARIOS[scenario].items()}
    module.boot = fake_boot(boots)
    module.kernel_release = lambda kernel: kernel
    wanted = {"dies": [PING, STATS], "more": [STATS]}.get(scenario, [PING])
    chosen = module.options(["--out", f"{directory}/table", *words, *wanted])
    data, well = module.run_all(chosen, "/nowhere")
    worse = module.report(data, chosen.out)
    if any(boots.values()):
        sys.exit(f"boots that did not happen: {boots}")
    sys.exit(1 if worse or not well else 0)


if __name__ == "__main__":
    main()
