#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One number out of "weir -j show drops" on standard input.

    lost.py drops FIELD KEY=VALUE...        also: processes, retransmits

The sum of FIELD over the rows that have every VALUE; VALUE "" is a key that is
not there. FIELD may be "rows", how many they are.
"""
import json
import sys

wanted = [word.partition("=")[::2] for word in sys.argv[3:]]
rows = [
    row
    for row in json.load(sys.stdin)[sys.argv[1]]
    if all(str(row.get(key, "")) == value for key, value in wanted)
]
print(len(rows) if sys.argv[2] == "rows" else sum(row[sys.argv[2]] for row in rows))
