#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Duplicate acknowledgements of a capture, as RFC 5681, section 2, has them.

    dup_acks.py FILE.pcap ADDRESS

Prints how many ADDRESS sent: bare acknowledgements with the number and the window
of the one before, while something that was sent to it is not acknowledged.
"""
import collections
import ipaddress
import socket
import struct
import sys

import rtt_oracle


class Side:
    def __init__(self):
        self.next = None  # sequence number that follows all data that it sent
        self.said = None  # its last (ack, window)


def main():
    address = ipaddress.ip_address(sys.argv[2]).packed
    sides = collections.defaultdict(Side)
    duplicates = 0
    for _, frame in rtt_oracle.read_pcap(sys.argv[1]):
        ip = rtt_oracle.innermost(frame)
        if not ip or ip[0] != socket.IPPROTO_TCP:
            continue
        _, source, dest, at, size = ip
        ports, window = struct.unpack_from("!HH", frame, at), struct.unpack_from("!H", frame, at + 14)[0]
        tcp = rtt_oracle.parse_tcp(frame, at, size)
        own, other = sides[source, ports[0], dest, ports[1]], sides[dest, ports[1], source, ports[0]]
        taken = tcp.size + bool(tcp.flags & rtt_oracle.SYN) + bool(tcp.flags & rtt_oracle.FIN)
        if (source == address and not taken and tcp.flags & rtt_oracle.ACK and not tcp.flags & rtt_oracle.RST
                and own.said == (tcp.ack, window) and not rtt_oracle.after(own.next, tcp.seq)
                and other.next is not None and rtt_oracle.after(other.next, tcp.ack)):
            duplicates += 1
        if tcp.flags & rtt_oracle.ACK:
            own.said = tcp.ack, window
        end = (tcp.seq + taken) % rtt_oracle.WRAP
        if own.next is None or tcp.flags & rtt_oracle.SYN or (taken and rtt_oracle.after(end, own.next)):
            own.next = end
    print(duplicates)


main()
