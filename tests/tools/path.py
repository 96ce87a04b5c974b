#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Where packets waited, straight from the pinned map that has it.

    path.py PINS                       a row is a line: STAGE FROM TO count N p50_us N max_us N
    path.py PINS STAGE FROM TO FIELD   one number: count, p50_us or max_us; 0 where there is no row
    path.py PINS total COUNTER         a counter of struct weir_path_cpu, of all CPUs

PINS is weir's folder of the namespace. FROM and TO are IFINDEX@COOKIE.
"""
import glob
import json
import re
import struct
import subprocess
import sys

HEADERS = __file__.rsplit("/tests/", 1)[0] + "/include/weir"
PAIR = struct.Struct("<QIIQIIII")
TICK_US = 0.256


def constant(name):
    return int(re.search(rf"#define {name} (\d+)", open(HEADERS + "/latency.h").read()).group(1))


STEP_BITS = constant("WEIR_HIST_STEP_BITS")
STEPS = 1 << STEP_BITS
BUCKETS = (32 - STEP_BITS + 1) * STEPS


def names(macro):
    text = open(HEADERS + "/path.h").read()
    body = re.search(r"#define %s\(X\)(.*?)\n\n" % macro, text, re.S).group(1)
    return [m.split(",")[0].strip() for m in re.findall(r"X\(([^)]*)\)", body)]


def dump(pins, name):
    newest = max(glob.glob(pins + "/maps-*"), key=lambda p: int(p.rsplit("-", 1)[1]))
    out = subprocess.check_output(["bpftool", "-j", "map", "dump", "pinned", f"{newest}/{name}"])
    return json.loads(out)


def as_bytes(listed):
    return bytes(int(byte, 16) for byte in listed)


def floor(bucket):
    group, step = divmod(bucket, STEPS)
    return step if group == 0 else (STEPS + step) << (group - 1)


def p50(buckets):
    left = (sum(buckets) + 1) // 2
    for i, count in enumerate(buckets):
        left -= count
        if left <= 0:
            return floor(i)
    return 0


def rows(pins):
    stages = [stage.lower() for stage in names("WEIR_PATH_STAGES")]
    for element in dump(pins, "weir_path_hists"):
        netns, ifindex, _, to_netns, to_ifindex, _, stage, _ = PAIR.unpack(as_bytes(element["key"]))
        value = as_bytes(element["value"])
        buckets = struct.unpack_from(f"<{BUCKETS}I", value, 16)
        yield {
            "stage": stages[stage],
            "from": f"{ifindex}@{netns}",
            "to": f"{to_ifindex}@{to_netns}",
            "count": sum(buckets),
            "p50_us": round(p50(buckets) * TICK_US),
            "max_us": round(struct.unpack_from("<I", value, 12)[0] * TICK_US),
        }


def main():
    pins, *wanted = sys.argv[1:]
    if wanted[:1] == ["total"]:
        at = names("WEIR_PATH_COUNTERS").index(wanted[1])
        values = dump(pins, "weir_path_cpu")[0]["values"]
        print(sum(struct.unpack_from("<Q", as_bytes(v["value"]), 8 * at)[0] for v in values))
        return
    for row in rows(pins):
        if not wanted:
            fields = ("count", "p50_us", "max_us")
            print(row["stage"], row["from"], row["to"], *(word for f in fields for word in (f, row[f])))
        elif [row["stage"], row["from"], row["to"]] == wanted[:3]:
            print(row[wanted[3]])
            return
    if wanted:
        print(0)


main()
