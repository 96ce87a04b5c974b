#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The median of one histogram of "weir -j latency", in microseconds.

    weir -j latency | median.py WORD...

Takes the one object that has a p50 and whose texts, with those of the objects
around it, hold every WORD: an interface, a direction, a backend.
"""
import json
import sys

UNITS_PER_US = {"p50_ns": 1000, "p50_us": 1, "p50_ms": 0.001}


def medians(node, words=frozenset()):
    """Every (words, microseconds) at or below node."""
    if isinstance(node, list):
        for item in node:
            yield from medians(item, words)
    if not isinstance(node, dict):
        return
    words = words | {v for v in node.values() if isinstance(v, str)}
    for key, units in UNITS_PER_US.items():
        if node.get(key) is not None:
            yield words, node[key] / units
    for key, value in node.items():
        yield from medians(value, words | {key})


def main():
    wanted = set(sys.argv[1:])
    everything = list(medians(json.load(sys.stdin)))
    found = [us for words, us in everything if wanted <= words]
    if len(found) != 1:
        known = "; ".join(" ".join(sorted(words)) for words, _ in everything)
        sys.exit(f"median.py: {len(found)} histograms for {sorted(wanted)}; there are: {known}")
    print(round(found[0]))


main()
