# SPDX-License-Identifier: GPL-2.0
"""What a selftest's output says, case by case; two such results compared.

A case is (name, status, note). Its name is "" for a test that says nothing of
cases: then its exit status is all there is. Status: pass, fail, skip, xfail
(the test's own word for what a driver need not have), timeout, setup, died.
"""
import collections
import fnmatch
import re

Case = collections.namedtuple("Case", "name status note")
# Run: the number of the run that the result is of
Row = collections.namedtuple("Row", "part test case stock ours note run",
                             defaults=("",))
# All that a test did not come to before its time was over
REST = "(the rest)"

TAP = re.compile(r"^(not ok|ok)\s+\d+\s*(?:-\s*)?(.*?)\s*"
                 r"(?:#\s*(SKIP|XFAIL|XPASS|TODO)\b:?\s*(.*))?$")
SHELL = re.compile(r"^\s*TEST:\s*(.*?)\s*\[\s*(OK|PASS|FAIL|XFAIL|SKIP)\s*\]")
NO_CASES = re.compile(r"^1\.\.0\s*#\s*SKIP\s*(.*)")
# Part of a namespace's name
RANDOM = re.compile(r"\b((?:ns|router|client|server)\w*)-[A-Za-z0-9]{6,8}\b")
# The end of a traceback in Python
RAISED = re.compile(
    r"^Exception\|\s+([\w.]+(?:Error|Failure|Exception|Ex): .*)")
# What the shell says of jobs is not what a test says.
JOBS = re.compile(r"line \d+: +\d+ (Killed|Terminated)|line \d+: kill: ")
# Where it lies, which is another place on every machine
PATH = re.compile(r"/\S*/selftests/")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
STATUS = {"ok": "pass", "not ok": "fail", "OK": "pass", "PASS": "pass",
          "FAIL": "fail", "XFAIL": "xfail", "SKIP": "skip"}
NOTE_CHARS = 100


def short(text):
    text = PATH.sub("", " ".join(text.split()))
    return text if len(text) <= NOTE_CHARS else text[:NOTE_CHARS - 3] + "..."


def told(lines):
    """What stands before a failed case and says why."""
    words = [line.lstrip("# \t") for line in lines if line.strip("# \t")]
    for line in reversed(words):
        if "STDERR: b" in line and "STDERR: b''" not in line:
            return short(line.split("STDERR: ")[1])
        if found := RAISED.search(line):
            return short(found.group(1))
    for mark in ("terminated by", "Check failed", "Expected",
                 "Exception|"):
        for line in reversed(words):
            if mark in line:
                return short(line.replace("Exception|", ""))
    return short(words[-1]) if words else ""


def tap_case(found, before):
    result, name, directive, more = found.groups()
    status = STATUS[result]
    if directive in ("SKIP", "XFAIL"):
        return Case(name, STATUS[directive], short(more))
    return Case(name, status, told(before) if status == "fail" else "")


def unique(cases):
    """Of equal names the second gets a number."""
    seen = collections.Counter()
    for case in cases:
        seen[case.name] += 1
        if seen[case.name] > 1:
            case = case._replace(name=f"{case.name} ({seen[case.name]})")
        yield case


def whole(status, lines):
    """The test itself as its only case, by its exit status."""
    words = [line.strip() for line in lines
             if line.strip() and not JOBS.search(line)]
    last = words[-1] if words else ""
    for line in reversed(words):
        if "SKIP" in line:
            last = re.sub(r".*?SKIP:?\s*", "", line)
            break
    if status == 0:
        return Case("", "pass", "")
    if isinstance(status, str):
        return Case("", "timeout" if status == "time" else status, short(last))
    return Case("", "skip" if status == 4 else "fail",
                short(last) or f"status {status}")


def parse(output, status):
    """The cases of a test that wrote OUTPUT and ended with STATUS."""
    lines = [RANDOM.sub(r"\1", COLOUR.sub("", line)) for line in
             output.splitlines()]
    cases, begin, skipped = [], 0, False
    for number, line in enumerate(lines):
        if found := TAP.match(line):
            cases.append(tap_case(found, lines[begin:number]))
        elif found := SHELL.match(line):
            name, word = found.groups()
            if name.startswith("SKIP"):     # how forwarding/lib.sh says that
                skipped = True
                continue
            after = lines[number + 1] if number + 1 < len(lines) else ""
            note = short(after) if after.startswith("\t") else ""
            cases.append(Case(name, STATUS[word], note))
        elif NO_CASES.match(line):
            skipped = True
        else:
            continue
        begin = number + 1
    cases = list(unique(cases))
    if not cases or skipped:
        return [whole(4 if skipped else status, lines)]
    if isinstance(status, str):
        cases.append(Case(REST, whole(status, []).status, ""))
    elif status not in (0, 4) and not any(
            case.status == "fail" for case in cases):
        cases.append(Case("(exit status)", "fail", f"status {status}"))
    return cases


# ---- comparison ----

def pairs(stock, ours):
    """Cases of both by name, in the order of whoever has them first."""
    mine = {case.name: case for case in ours}
    names = [case.name for case in stock]
    names += [case.name for case in ours if case.name not in set(names)]
    theirs = {case.name: case for case in stock}
    for name in names:
        yield name, theirs.get(name), mine.get(name)


def compare(part, test, stock, ours, reasons=()):
    """The rows of a test."""
    rows = []
    for name, theirs, mine in pairs(stock, ours):
        words = [theirs.status if theirs else "-", mine.status if mine else "-"]
        known = reason_of(reasons, test, name)
        notes = [case.note for case in (mine, theirs) if case and case.note]
        note = known if known and "pass" not in words else \
            notes[0] if notes else ""
        rows.append(Row(part, test, name, *words, note))
    return rows


def reason_of(reasons, test, case):
    full = f"{test}: {case}" if case else test
    for pattern, reason in reasons:
        if fnmatch.fnmatchcase(full, pattern):
            return reason
    return ""


def read_reasons(path):
    """Lines of "pattern | reason"."""
    found = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                pattern, _, reason = line.partition(" | ")
                found.append((pattern.strip(), reason.strip()))
    return found


def is_regression(row):
    return row.stock == "pass" and row.ours != "pass"


def is_gain(row):
    return row.ours == "pass" and row.stock != "pass"


def is_both(row):
    return row.stock == "pass" and row.ours == "pass"


def totals(rows):
    """(what, how many), all rows once."""
    count = collections.Counter()
    for row in rows:
        count["both" if is_both(row) else "regression" if is_regression(row)
              else "gain" if is_gain(row) else "neither"] += 1
    return [("pass on both", count["both"]),
            ("pass on ours only", count["gain"]),
            ("pass on stock only", count["regression"]),
            ("pass on neither", count["neither"])]


# ---- table ----

FOLD = 40       # so many cases that pass on both are one row


def folded(rows):
    """A test of very many cases in one row, but those that are of interest."""
    by_test = collections.defaultdict(list)
    for row in rows:
        by_test[row.test].append(row)
    for test, entries in by_test.items():
        good = [row for row in entries if is_both(row)]
        if len(good) < FOLD:
            yield from entries
            continue
        yield good[0]._replace(case=f"{len(good)} cases")
        yield from (row for row in entries if not is_both(row))


def table(rows):
    """A simple table of reStructuredText."""
    cells = [("case", "stock", "ours", "run", "note")]
    for row in folded(rows):
        name = f"{row.test}: {row.case}" if row.case else row.test
        mark = "**" if row.stock != row.ours else ""
        cells.append((f"``{name}``", row.stock, f"{mark}{row.ours}{mark}",
                      row.run, escaped(row.note)))
    width = [max(map(len, column)) for column in zip(*cells)]
    line = "  ".join("=" * size for size in width)
    text = ["  ".join(map(str.ljust, row, width)).rstrip() for row in cells]
    return "\n".join([line, text[0], line, *text[1:], line])


def escaped(text):
    return re.sub(r"([\\*`|_])", r"\\\1", text)
