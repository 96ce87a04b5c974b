#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""weir's round-trip times beside those that a capture holds.

    truth.py ORACLE.json WEIR.json INTERFACE [KIND[+KIND][:FEWER]...]

ORACLE.json is what rtt_oracle.py printed, WEIR.json what "weir -j latency" did.
Prints a line for each direction and KIND (kinds with "+" between them count
together), without KIND for each that the capture has. Of every one that has 50
samples, weir must have 99 to 101 % of them, or but one more or less, and p50
within 2 % or 50 us; it must have none of a kind that the capture has none of. It may have some or all of
the doubtful samples as well; with ":FEWER" it may miss so many more. Exit
1 when anything is not so.
"""
import json
import os
import sys

LEAST_SAMPLES = 50
SHARE_PERCENT = (99, 101)
# Where a machine is emulated, weir's place and tcpdump's are further apart.
P50_PERCENT = int(os.environ.get("WEIR_TRUTH_P50_PERCENT", "2"))
P50_NS = int(os.environ.get("WEIR_TRUTH_P50_US", "50")) * 1000


class Times:
    """Samples of some kinds: how many, and their distribution by buckets or quantiles."""

    def __init__(self, rows):
        self.count = sum(row["count"] for row in rows)
        self.rows = [row for row in rows if row["count"]]

    def p50_ns(self):
        if len(self.rows) == 1:
            return self.rows[0]["p50_ns"]
        return merged_p50_ns(self.rows)


def merged_p50_ns(rows):
    """The sample of the middle rank."""
    return ranked_ns(rows, (sum(row["count"] for row in rows) + 1) // 2)


def ranked_ns(rows, rank):
    """The sample of a rank from 1: "values" are samples themselves, "buckets" hold some."""
    values = []
    for row in rows:
        values += [(ns, 1) for ns in row.get("values", [])]
        values += [((b["from_ns"] + b["below_ns"]) // 2, b["count"]) for b in row.get("buckets", [])]
    seen = 0
    for ns, n in sorted(values):
        seen += n
        if seen >= rank:
            return ns
    return 0


def select(rows, direction, kinds):
    return Times([r for r in rows if r["direction"] == direction and r.get("kind") in kinds])


def is_off(wanted, got):
    """Whether p50 is no sample that it may be, if got are wanted without some, no matter which."""
    rank, missing = (got.count + 1) // 2, max(wanted.count - got.count, 0)
    low, high = wanted.p50_ns(), wanted.p50_ns()
    if missing:
        low, high = ranked_ns(wanted.rows, rank), ranked_ns(wanted.rows, rank + missing)
    p50 = got.p50_ns()
    return p50 < low - max(P50_NS, low * P50_PERCENT / 100) or p50 > high + max(P50_NS, high * P50_PERCENT / 100)


def judge(wanted, with_doubtful, got, fewer):
    """What is wrong, or ""."""
    if not with_doubtful.count:
        return "none are there" if got.count else ""
    if wanted.count < LEAST_SAMPLES:
        return ""
    least = min(SHARE_PERCENT[0] * wanted.count, 100 * (wanted.count - 1)) - 100 * fewer
    most = max(SHARE_PERCENT[1] * with_doubtful.count, 100 * (with_doubtful.count + 1))
    if not least <= 100 * got.count <= most:
        return "not 99 to 101 %"
    if is_off(wanted, got) and is_off(with_doubtful, got):
        return f"p50 is not within {P50_PERCENT} % or {P50_NS // 1000} us"
    return ""


def line(name, direction, wanted, doubtful, got, verdict):
    share = f"{100 * got.count / wanted.count:6.1f} %" if wanted.count else "     -  "
    text = f"{name:9} {direction:4} {wanted.count:6} and {doubtful:4} doubtful, weir {got.count:6} {share}"
    if wanted.count and got.count:
        p50, weirs = wanted.p50_ns(), got.p50_ns()
        text += f"  p50 {p50 / 1e6:10.3f} ms, weir {weirs / 1e6:10.3f} {100 * (weirs / p50 - 1):+6.2f} %"
    return text + (f"  <- {verdict}" if verdict else "")


def main():
    with open(sys.argv[1], encoding="ascii") as file:
        truth = json.load(file)["samples"]
    with open(sys.argv[2], encoding="utf-8") as file:
        weir = [r for r in json.load(file)["latency"] if r.get("interface") == sys.argv[3]]
    groups = sys.argv[4:] or sorted({r["kind"].rstrip("?") for r in truth})
    failed = False
    for group in groups:
        names, _, fewer = group.partition(":")
        for direction in ("wire", "host"):
            kinds = names.split("+")
            wanted, got = select(truth, direction, kinds), select(weir, direction, kinds)
            with_doubtful = select(truth, direction, kinds + [kind + "?" for kind in kinds])
            if not wanted.count and not got.count:
                continue
            verdict = judge(wanted, with_doubtful, got, int(fewer or 0))
            failed |= bool(verdict)
            print(line(group, direction, wanted, with_doubtful.count - wanted.count, got, verdict))
    return failed


if __name__ == "__main__":
    sys.exit(main())
