#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether every slow packet that was told is blamed on the right place.

    blame.py LEAST MOST KEY=VALUE... < lines of "weir -j monitor slow"

There have to be LEAST to MOST lines, and each must have every VALUE. "delay" is
a least one in ms, of the stage that is blamed; VALUE may be a list with "|"
between. Prints how many lines there are of each kind; exit 1 when one is wrong.
"""
import collections
import json
import sys


def is_right(line, key, value):
    if key == "delay":
        return line["delay_ns"] >= float(value) * 1e6
    return str(line.get(key)) in value.split("|")


def main():
    least, most = int(sys.argv[1]), int(sys.argv[2])
    wanted = [word.partition("=")[::2] for word in sys.argv[3:]]
    lines = [json.loads(line) for line in sys.stdin]
    wrong = [line for line in lines if not all(is_right(line, *pair) for pair in wanted)]
    kinds = collections.Counter((l["stage"], l.get("from"), l.get("to"), l["saddr"]) for l in lines)
    for (stage, source, to, saddr), count in kinds.most_common():
        print(f"{count} slow: {stage} from {source} to {to}, sent by {saddr}")
    if wrong:
        print(f"{len(wrong)} of {len(lines)} are wrong; wanted {wanted}; the first:", json.dumps(wrong[0]))
    if not least <= len(lines) <= most:
        print(f"{len(lines)} lines, wanted {least} to {most}")
    return bool(wrong) or not least <= len(lines) <= most


sys.exit(main())
