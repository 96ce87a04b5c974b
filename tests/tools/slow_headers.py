#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether slow packets that were told are those of a capture.

    slow_headers.py FILE.pcap < lines of "weir -j monitor slow"

Each line of TCP must have the addresses, ports, flags, numbers and window of a
packet in FILE. Prints how many there are; exit 1 when one is no such packet.
"""
import ipaddress
import json
import socket
import struct
import sys

import rtt_oracle

FLAGS = ("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr")


def key_of_frame(frame):
    ip = rtt_oracle.innermost(frame)
    if not ip or ip[0] != socket.IPPROTO_TCP:
        return None
    _, source, dest, at, _ = ip
    sport, dport, seq, ack, _, flags, window = struct.unpack_from("!HHIIBBH", frame, at)
    return (str(ipaddress.ip_address(source)), sport, str(ipaddress.ip_address(dest)), dport,
            flags, seq, ack, window)


def key_of_line(line):
    flags = sum(1 << FLAGS.index(name) for name in line["flags"])
    return (line["saddr"], line["sport"], line["daddr"], line["dport"], flags, line["seq"],
            line["ack"], line["window"])


def main():
    seen = {key_of_frame(frame) for _, frame in rtt_oracle.read_pcap(sys.argv[1])}
    lines = [json.loads(line) for line in sys.stdin]
    told = [line for line in lines if line["proto"] == "tcp"]
    wrong = [line for line in told if key_of_line(line) not in seen]
    print(f"{len(told)} slow packets of TCP, {len(wrong)} of them not captured")
    for line in wrong[:3]:
        print(json.dumps(line))
    return bool(wrong)


sys.exit(main())
