#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Put samples into a pinned weir_heat, as if they had come some time ago.

    heat_put.py MAP SLOT DIRECTION AGO MICROSECONDS COUNT

AGO is columns of 15 seconds before the one of now; DIRECTION is 0 for the wire
and 1 for the host.
"""
import struct
import subprocess
import sys
import time

COLUMNS, BUCKETS, COLUMN_NS, FIRST_TICKS, TICK_NS = 256, 104, 15_000_000_000, 4, 256


def bucket(ns):
    """Four to each doubling from 1 us on."""
    ticks, octave = ns // TICK_NS, 0
    while ticks >= 2 * FIRST_TICKS:
        ticks, octave = ticks >> 1, octave + 1
    return 4 * octave + ticks - FIRST_TICKS


def hexes(data):
    return ["hex", *(f"{byte:02x}" for byte in data)]


path, slot, direction, ago, us, count = sys.argv[1], *map(int, sys.argv[2:])
epoch = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // COLUMN_NS - ago
counts = [0] * BUCKETS
counts[bucket(us * 1000)] = count
index = (slot * 2 + direction) * COLUMNS + epoch % COLUMNS
subprocess.run(
    ["bpftool", "map", "update", "pinned", path, "key", *hexes(struct.pack("=I", index)),
     "value", *hexes(struct.pack(f"=Q{BUCKETS}I", epoch, *counts))],
    check=True,
)
