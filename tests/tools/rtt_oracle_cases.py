#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of rtt_oracle.py: captures made by hand, whose samples are known.

Prints TAP; WEIR_TEST_FILTER is a glob of the names to run. Wants scapy, which
distributions package for their own python.
"""
import fnmatch
import os
import tempfile
import traceback

from scapy.layers.dns import DNS, DNSQR
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoReply, ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw
from scapy.utils import PcapWriter

import rtt_oracle

OWN, PEER = "02:00:00:00:00:01", "02:00:00:00:00:02"
MS = 1_000_000


class Line:
    """Packets between a client (out of the interface) and a server; times in ms."""

    def __init__(self, client="10.0.0.1", server="10.0.0.2", ports=(40000, 80), under=()):
        self.addresses, self.ports, self.under, self.packets = (client, server), ports, under, []

    def put(self, ms, from_client, transport):
        """transport: layers above IP."""
        source, dest = self.addresses if from_client else self.addresses[::-1]
        ip = (IPv6 if ":" in source else IP)(src=source, dst=dest)
        frame = Ether(src=OWN if from_client else PEER, dst=PEER if from_client else OWN)
        for layer in self.under:
            frame = frame / layer.copy()
        self.packets.append((round(ms * MS), bytes(frame / ip / transport)))

    def tcp(self, ms, from_client, flags, seq, ack=0, size=0, ts=None, mss=None):
        ports = self.ports if from_client else self.ports[::-1]
        options = ([("MSS", mss)] if mss else []) + ([("Timestamp", ts)] if ts else [])
        segment = TCP(sport=ports[0], dport=ports[1], flags=flags, seq=seq % 2**32, ack=ack % 2**32,
                      options=options)
        self.put(ms, from_client, segment / Raw(b"x" * size) if size else segment)

    def udp(self, ms, from_client, payload):
        ports = self.ports if from_client else self.ports[::-1]
        self.put(ms, from_client, UDP(sport=ports[0], dport=ports[1]) / payload)

    def samples(self):
        """(kind, direction, ms) in the order of the answers."""
        with tempfile.NamedTemporaryFile() as file:
            with PcapWriter(file.name, linktype=1, nano=True) as writer:
                writer.write_header(None)
                for ns, data in self.packets:
                    writer.write_packet(data, sec=ns // 10**9, usec=ns % 10**9)
            oracle = rtt_oracle.Oracle(OWN)
            for ns, frame in rtt_oracle.read_pcap(file.name):
                oracle.frame(ns, frame)
        return [(kind, direction, round(ns / MS, 6)) for kind, direction, ns, _ in oracle.samples.all]

    def expect(self, *wanted):
        got = self.samples()
        assert got == list(wanted), f"want {wanted[:6]}, got {len(got)}: {got[:6]}"


def greeted(**layout):
    """A line after a handshake of 10 ms out and 2 ms in, with timestamps."""
    line = Line(**layout)
    line.tcp(0, True, "S", 1000, ts=(900001, 0), mss=1460)
    line.tcp(10, False, "SA", 5000, 1001, ts=(101, 900001), mss=1460)
    line.tcp(12, True, "A", 1001, 5001, ts=(900002, 101))
    return line, [("handshake", "wire", 10), ("handshake", "host", 2)]


def plain(first=1000, **layout):
    """The same without timestamps; its own first sequence number can be chosen."""
    line = Line(**layout)
    line.tcp(0, True, "S", first, mss=1460)
    line.tcp(10, False, "SA", 5000, first + 1, mss=1460)
    line.tcp(12, True, "A", first + 1, 5001)
    return line, [("handshake", "wire", 10), ("handshake", "host", 2)]


def test_a_handshake_has_a_sample_each_way():
    line, greetings = greeted()
    line.expect(*greetings)


def test_a_SYN_sent_twice_is_none():
    line = Line()
    line.tcp(0, True, "S", 1000)
    line.tcp(1000, True, "S", 1000)
    line.tcp(1010, False, "SA", 5000, 1001)
    line.tcp(1012, True, "A", 1001, 5001)
    line.expect(("handshake", "host", 2))


def test_timestamps_tell_which_SYN_is_answered():
    line = Line()
    line.tcp(0, True, "S", 1000, ts=(1, 0))
    line.tcp(1000, True, "S", 1000, ts=(1001, 0))
    line.tcp(1010, False, "SA", 5000, 1001, ts=(71, 1001))
    line.tcp(2010, False, "SA", 5000, 1001, ts=(72, 1001))
    line.tcp(2013, True, "A", 1001, 5001, ts=(2013, 72))
    line.expect(("handshake", "wire", 10), ("handshake", "host", 3))


def test_a_SYN_ACK_answered_after_it_was_sent_again_is_doubtful():
    line = Line()
    line.tcp(0, False, "SA", 5000, 1001, ts=(71, 1))
    line.tcp(1000, False, "SA", 5000, 1001, ts=(1071, 1))
    line.tcp(1009, True, "A", 1001, 5001, ts=(1100, 71))
    line.expect(("handshake?", "host", 1009))


def test_the_first_packet_of_a_TSval_is_paired_with_its_first_echo():
    line, greetings = greeted()
    line.tcp(20, True, "PA", 1001, 5001, 100, ts=(20, 101))
    line.tcp(20.5, True, "PA", 1101, 5001, 100, ts=(20, 101))
    line.tcp(30, False, "PA", 5001, 1201, 50, ts=(130, 20))
    line.tcp(31, False, "PA", 5051, 1201, 50, ts=(131, 20))
    line.tcp(33, True, "PA", 1201, 5101, 10, ts=(33, 130))
    line.expect(*greetings, ("tcp", "wire", 10), ("tcp", "host", 3))


def test_a_TSval_that_a_pure_ACK_had_first_is_doubtful():
    line, greetings = greeted()
    line.tcp(20, True, "A", 1001, 5001, ts=(20, 101))
    line.tcp(20.5, True, "PA", 1001, 5001, 100, ts=(20, 101))
    line.tcp(30, False, "PA", 5001, 1101, 50, ts=(130, 20))
    line.expect(*greetings, ("tcp?", "wire", 9.5))


def test_a_pure_ACK_alone_is_none():
    line, greetings = greeted()
    line.tcp(20, True, "A", 1001, 5001, ts=(20, 101))
    line.tcp(30, False, "A", 5001, 1001, ts=(130, 20))
    line.expect(*greetings)


def test_a_lone_ACK_may_have_been_held_back():
    line, greetings = greeted()
    line.tcp(20, True, "PA", 1001, 5001, 1448, ts=(20, 101))
    line.tcp(70, False, "A", 5001, 2449, ts=(170, 20))
    line.tcp(80, True, "PA", 2449, 5001, 2896, ts=(80, 101))
    line.tcp(90, False, "A", 5001, 5345, ts=(190, 80))
    line.tcp(100, True, "FA", 5345, 5001, ts=(100, 101))
    line.tcp(110, False, "FA", 5001, 5346, ts=(210, 100))
    line.expect(*greetings, ("ack", "wire", 50), ("tcp", "wire", 10), ("tcp", "wire", 10))


def test_a_thousand_TSvals_in_flight_are_all_paired():
    line, greetings = greeted()
    for i in range(1000):
        line.tcp(20 + i, True, "PA", 1001 + i, 5001, 1, ts=(2**32 - 500 + i & 2**32 - 1, 101))
    for i in range(1000):
        line.tcp(1025 + i, False, "PA", 5001 + i, 1002 + i, 1, ts=(2000 + i, 2**32 - 500 + i & 2**32 - 1))
    line.expect(*greetings, *[("tcp", "wire", 1005)] * 1000)


def test_keep_alives_are_none():
    for make in (greeted, plain):
        line, greetings = make()
        stamp = (lambda *pair: pair) if make is greeted else lambda *pair: None
        for size in (0, 1):
            line.tcp(5000 + size, True, "A", 1000, 5001, size, ts=stamp(5000 + size, 101))
            line.tcp(5010 + size, False, "A", 5001, 1001, ts=stamp(5100, 5000 + size))
        line.expect(*greetings)


def test_a_FIN_sent_again_is_no_keep_alive():
    line, greetings = greeted()
    line.tcp(20, True, "FA", 1001, 5001, ts=(20, 101))
    line.tcp(220, True, "FA", 1001, 5001, ts=(220, 101))
    line.tcp(230, False, "FA", 5001, 1002, ts=(430, 220))
    line.expect(*greetings, ("tcp", "wire", 10))


def test_without_timestamps_an_ACK_answers_the_segment_that_it_reaches():
    line, greetings = plain(first=2**32 - 100)
    line.tcp(20, True, "PA", 2**32 - 99, 5001, 50)
    line.tcp(21, True, "PA", 2**32 - 49, 5001, 100)
    line.tcp(22, True, "PA", 51, 5001, 10)
    line.tcp(31, False, "A", 5001, 51)
    line.tcp(32, False, "PA", 5001, 61, 100)
    line.tcp(40, True, "A", 61, 5101)
    line.expect(*greetings, ("ack", "wire", 10), ("tcp", "wire", 10), ("ack", "host", 8))


def test_without_timestamps_a_retransmit_is_none_and_so_is_what_waited_for_it():
    line, greetings = plain()
    line.tcp(20, True, "PA", 1001, 5001, 100)
    line.tcp(21, True, "PA", 1101, 5001, 100)
    line.tcp(31, False, "A", 5001, 1001)  # a duplicate: the first was lost
    line.tcp(40, True, "PA", 1001, 5001, 100)
    line.tcp(50, False, "A", 5001, 1201)
    line.tcp(60, True, "PA", 1201, 5001, 100)
    line.tcp(70, False, "PA", 5001, 1301, 1)
    line.expect(*greetings, ("tcp", "wire", 10))


def test_without_timestamps_what_fills_a_gap_is_doubtful_and_so_is_what_waited_for_it():
    line, greetings = plain()
    line.tcp(20, True, "PA", 1101, 5001, 100)
    line.tcp(21, True, "PA", 1201, 5001, 100)
    line.tcp(22, True, "PA", 1001, 5001, 100)
    line.tcp(30, False, "A", 5001, 1201)
    line.tcp(32, False, "A", 5001, 1301)
    line.tcp(40, True, "PA", 1401, 5001, 100)
    line.tcp(41, True, "PA", 1301, 5001, 100)
    line.tcp(51, False, "A", 5001, 1401)
    line.tcp(60, True, "PA", 1501, 5001, 100)
    line.tcp(70, False, "PA", 5001, 1601, 1)
    line.expect(*greetings, ("tcp?", "wire", 10), ("tcp?", "wire", 11), ("tcp?", "wire", 10),
                ("tcp", "wire", 10))


def test_without_timestamps_an_ACK_for_half_a_segment_is_doubtful():
    line, greetings = plain()
    line.tcp(20, True, "PA", 1001, 5001, 2920)
    line.tcp(30, False, "A", 5001, 2461)
    line.tcp(31, False, "A", 5001, 3921)
    line.expect(*greetings, ("tcp?", "wire", 10), ("ack", "wire", 11))


def test_ports_used_again_are_a_new_connection():
    line, greetings = plain()
    line.tcp(20, True, "PA", 1001, 5001, 100)
    line.tcp(100, True, "S", 900000, mss=1460)
    line.tcp(110, False, "SA", 77, 900001, mss=1460)
    line.tcp(112, True, "PA", 900001, 78, 100)
    line.tcp(122, False, "PA", 78, 900101, 100)
    line.expect(*greetings, *greetings, ("tcp", "wire", 10))


def test_a_side_that_is_not_seen_has_no_sample():
    line = Line()
    for i in range(10):
        line.tcp(i, True, "PA", 1001 + 10 * i, 5001, 10, ts=(i + 1, 101 + i))
    line.expect()


def test_VLAN_tags_and_a_tunnel_are_seen_through():
    for under in ([Dot1Q(vlan=5)], [Dot1Q(vlan=5), Dot1Q(vlan=6)],
                  [IP(src="192.0.2.1", dst="192.0.2.2", proto=4)],
                  [IP(src="192.0.2.1", dst="192.0.2.2"), UDP(sport=5555, dport=6080), Raw(b"\0\4\0\0")]):
        line, greetings = greeted(under=under)
        line.expect(*greetings)


def test_IPv6_is_the_same():
    line, greetings = greeted(client="2001:db8::1", server="2001:db8::2")
    line.tcp(20, True, "PA", 1001, 5001, 100, ts=(20, 101))
    line.tcp(30, False, "PA", 5001, 1101, 100, ts=(130, 20))
    line.put(40, False, ICMPv6EchoRequest(id=7, seq=1))
    line.put(43, True, ICMPv6EchoReply(id=7, seq=1))
    line.expect(*greetings, ("tcp", "wire", 10), ("icmp", "host", 3))


def test_echo_requests_are_paired_by_id_and_sequence():
    line = Line()
    for seq in (1, 2):
        line.put(seq, True, ICMP(type=8, id=7, seq=seq))
    line.put(11.5, False, ICMP(type=0, id=7, seq=2))
    line.put(12, False, ICMP(type=0, id=7, seq=1))
    line.put(13, False, ICMP(type=0, id=7, seq=1))
    line.put(14, False, ICMP(type=0, id=8, seq=2))
    line.expect(("icmp", "wire", 9.5), ("icmp", "wire", 11))


def test_DNS_queries_are_paired_by_their_id():
    line = Line(ports=(40000, 53))
    line.udp(0, True, DNS(id=3, qr=0, qd=DNSQR(qname="example.org")))
    line.udp(1, True, DNS(id=4, qr=0, qd=DNSQR(qname="example.org")))
    line.udp(20, False, DNS(id=4, qr=1, qd=DNSQR(qname="example.org")))
    line.udp(21, False, DNS(id=5, qr=1, qd=DNSQR(qname="example.org")))
    line.udp(22, False, DNS(id=3, qr=1, qd=DNSQR(qname="example.org")))
    line.expect(("dns", "wire", 19), ("dns", "wire", 22))


def test_the_spin_bit_turns_once_a_round_trip():
    line = Line(ports=(40000, 443))
    for ms, from_client, first in ((0, True, 0xC0), (1, True, 0x40), (2, False, 0x40), (5, True, 0x60),
                                   (6, True, 0x60), (14, False, 0x40), (15, False, 0x60), (16, False, 0x60),
                                   (18, True, 0x40), (28, False, 0x40)):
        line.udp(ms, from_client, Raw(bytes([first]) + b"\x11" * 24))
    line.expect(("quic", "wire", 10), ("quic", "host", 3), ("quic", "wire", 10))


def test_microseconds_of_another_byte_order_are_read():
    with tempfile.NamedTemporaryFile() as file:
        with PcapWriter(file.name, linktype=1, endianness=">") as writer:
            writer.write_header(None)
            writer.write_packet(b"x" * 60, sec=1, usec=5)
        assert list(rtt_oracle.read_pcap(file.name)) == [(1_000_005_000, b"x" * 60)]


def main():
    wanted = os.environ.get("WEIR_TEST_FILTER", "*")
    names = [n for n in globals() if n.startswith("test_") and fnmatch.fnmatchcase(n[5:], wanted)]
    failed = False
    for number, name in enumerate(names, 1):
        try:
            globals()[name]()
            print(f"ok {number} - {name[5:]}")
        except Exception:  # pylint: disable=broad-except
            failed = True
            print(f"{traceback.format_exc()}\nnot ok {number} - {name[5:]}")
    print(f"1..{len(names)}")
    return failed


raise SystemExit(main())
