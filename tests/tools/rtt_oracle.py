#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Round-trip times of a capture, found slowly and plainly: what weir has to find.

    tcpdump -i IF --time-stamp-precision=nano -s 192 -w FILE ...
    rtt_oracle.py FILE MAC [--samples]

MAC is the interface's own: a frame that comes from it goes "out". A sample is
"wire" when the packet that is answered went out, else "host". Prints JSON: for
each kind and direction the count, quantiles in ns, and all values. With --samples it prints
every sample instead: kind, direction, ns, and when its answer was seen, in s.

What is a sample, and what is none:

tcp, ack    With timestamps: from the first packet of a side that carries a TSval
            to the first packet of the other side that echoes it. A TSval whose
            first packet is a pure ACK or a keep-alive is none: nobody hurries to
            answer those. If data follow with the same TSval, whether the echo is
            of these cannot be told; such samples are doubtful: they are counted
            apart, as kind "tcp?".
            Without timestamps, RFC 6298 (Karn) as tcptrace does it:
            from a segment to the first ACK that moves on, for the greatest end
            that it reaches; none when that segment was sent twice, or anything
            was sent again after it. "ack" when the answer is a pure ACK for
            less than two full segments, which its sender may have held back.
            What fills a gap was overtaken, or is a retransmit of what was lost
            before it came here: doubtful, as is what waited for it, and as is an
            ACK for a part of one segment.
handshake   SYN to SYN-ACK, SYN-ACK to ACK; of what was sent twice only where the
            timestamp tells which of them is answered, and doubtful ("handshake?")
            where that is not the last: there may have been another answer.
icmp, dns   Request to answer of the same id and addresses; the first of each.
quic        Spin bit, RFC 9312 4.2: a client's edge to the server's (its answer),
            the server's to the client's next. UDP of port 443, short headers.
"""
import collections
import json
import socket
import struct
import sys

QUANTILES = {"min": 0, "p50": 500, "p90": 900, "p99": 990, "max": 1000}
ETH_IP, ETH_IP6, VLANS = 0x0800, 0x86DD, (0x8100, 0x88A8)
FIN, SYN, RST, ACK = 1, 2, 4, 16
WRAP = 1 << 32
DNS_PORT, QUIC_PORT, GUE_PORT = 53, 443, 6080

# One packet of a flow: sides are (address, port) of source and destination.
Packet = collections.namedtuple("Packet", "ns out source dest rest size")
Tcp = collections.namedtuple("Tcp", "seq ack flags size timestamps mss")


def after(a, b):
    """Whether a follows b, in arithmetic of 32 bits."""
    return 0 < (a - b) % WRAP < WRAP // 2


def read_pcap(path):
    """Every (ns, frame) of a capture, microseconds or nanoseconds, either byte order."""
    with open(path, "rb") as file:
        magic = file.read(24)[:4]
        order = "<" if magic[0] in (0xD4, 0x4D) else ">"
        unit = 1 if struct.unpack(order + "I", magic)[0] == 0xA1B23C4D else 1000
        head = struct.Struct(order + "IIII")
        while len(data := file.read(16)) == 16:
            seconds, fraction, size, _ = head.unpack(data)
            frame = file.read(size)
            if len(frame) < size:
                return
            yield seconds * 1_000_000_000 + fraction * unit, frame


def network_layer(frame):
    """(ethertype, offset) behind the VLAN tags."""
    at, kind = 14, int.from_bytes(frame[12:14], "big")
    while kind in VLANS:
        kind = int.from_bytes(frame[at + 2:at + 4], "big")
        at += 4
    return kind, at


def parse_ip(frame, kind, at):
    """(protocol, source, destination, offset of the payload, its size), or None."""
    if kind == ETH_IP and frame[at] >> 4 == 4:
        total, fragment = struct.unpack_from("!H2xH", frame, at + 2)
        if fragment & 0x1FFF:
            return None
        head = (frame[at] & 15) * 4
        return frame[at + 9], frame[at + 12:at + 16], frame[at + 16:at + 20], at + head, total - head
    if kind == ETH_IP6 and frame[at] >> 4 == 6:
        size, = struct.unpack_from("!H", frame, at + 4)
        return frame[at + 6], frame[at + 8:at + 24], frame[at + 24:at + 40], at + 40, size
    return None


def innermost(frame):
    """As parse_ip(), of the packet inside tunnels."""
    kind, at = network_layer(frame)
    while True:
        ip = parse_ip(frame, kind, at)
        if not ip:
            return None
        protocol, at = ip[0], ip[3]
        if protocol == socket.IPPROTO_UDP and frame[at + 2:at + 4] == GUE_PORT.to_bytes(2, "big"):
            protocol, at = frame[at + 9], at + 12
        if protocol == socket.IPPROTO_IPIP:
            kind = ETH_IP
        elif protocol == socket.IPPROTO_IPV6:
            kind = ETH_IP6
        else:
            return ip


def parse_options(frame, at, end):
    timestamps = mss = None
    while at < end and frame[at] != 0:
        if frame[at] == 1:
            at += 1
            continue
        if frame[at] == 8:
            timestamps = struct.unpack_from("!II", frame, at + 2)
        if frame[at] == 2:
            mss, = struct.unpack_from("!H", frame, at + 2)
        at += max(frame[at + 1], 2)
    return timestamps, mss


def parse_tcp(frame, at, size):
    seq, ack, offset, flags = struct.unpack_from("!4xIIBB", frame, at)
    head = (offset >> 4) * 4
    return Tcp(seq, ack, flags, size - head, *parse_options(frame, at + 20, at + head))


class Samples:
    def __init__(self):
        self.all = []  # (kind, direction, ns, when)

    def add(self, kind, out, since_ns, packet):
        """Of what passed at since_ns, outwards if out, and is answered by packet."""
        self.all.append((kind, "wire" if out else "host", packet.ns - since_ns, packet.ns))


class Side:
    """What one end of a connection sent."""

    def __init__(self):
        self.isn = None
        self.greetings = {}  # TSval, or None without: (ns, out) of SYN or SYN-ACK, until answered
        self.is_greeted = False  # its SYN was answered
        self.tsvals = {}  # each that was seen: "stamped" or, of pure ACKs only, "seen"
        self.stamps = {}  # TSval: (ns, whether a pure ACK had it first)
        self.newest = None  # end of what was sent
        self.acked = None
        self.mss = 1448
        self.segments = []  # [end, ns, sent again, fills a gap], by end
        self.gaps = []  # [start, end) of what others overtook, or lost
        self.again_ns = 0  # when anything was sent again
        self.filled_ns = 0  # when a gap was filled


    def segment(self, ns, start, end):
        """Note what was sent, of a connection without timestamps."""
        gap = next((g for g in self.gaps if not after(g[0], start) and not after(end, g[1])), None)
        if gap:
            self.gaps.remove(gap)
            self.gaps += [g for g in ((gap[0], start), (end, gap[1])) if g[0] != g[1]]
            self.filled_ns = ns
            at = sum(after(end, s[0]) for s in self.segments)
            self.segments.insert(at, [end, ns, False, True])
            return
        is_below = self.newest is not None and after(self.newest, start)
        if is_below:
            self.again_ns = ns
            for segment in self.segments:
                segment[2] |= after(segment[0], start)
        elif self.newest is not None and after(start, self.newest):
            self.gaps.append((self.newest, start))
        if self.newest is None or after(end, self.newest):
            self.newest = end
            self.segments.append([end, ns, is_below, False])


    def acknowledged(self, samples, p, ack, kind):
        """By packet p, of a connection without timestamps."""
        reached = [s for s in self.segments if not after(s[0], ack)]
        del self.segments[:len(reached)]
        if not reached and not self.segments:
            return
        _, since_ns, again, fills = reached[-1] if reached else self.segments[0]
        if not reached or fills or since_ns <= self.filled_ns:
            kind = "tcp?"
        if not again and since_ns > self.again_ns:
            samples.add(kind, not p.out, since_ns, p)


class Connection:
    def __init__(self):
        self.sides = {}

    def packet(self, samples, p, tcp):
        if tcp.flags & SYN and not tcp.flags & ACK:
            known = self.sides.get(p.source)
            if known and known.isn != tcp.seq:
                self.sides.clear()
        mine = self.sides.setdefault(p.source, Side())
        other = self.sides.setdefault(p.dest, Side())
        if tcp.flags & ACK and not tcp.flags & RST:
            self.answer(samples, p, tcp, mine, other)
        if tcp.flags & SYN:
            self.greet(p, tcp, mine)
        elif not tcp.flags & RST:
            self.sent(p, tcp, mine, other)

    @staticmethod
    def greet(p, tcp, mine):
        tsval = tcp.timestamps and tcp.timestamps[0]
        if tsval is None and mine.isn == tcp.seq:
            mine.greetings.clear()
        elif not mine.is_greeted:
            mine.greetings.setdefault(tsval, (p.ns, p.out))
        mine.isn = tcp.seq
        mine.mss = tcp.mss or mine.mss
        mine.newest = (tcp.seq + 1) % WRAP
        if tcp.timestamps:
            mine.tsvals[tcp.timestamps[0]] = "stamped"

    @staticmethod
    def answer(samples, p, tcp, mine, other):
        """What this packet answers of the other side's."""
        if other.greetings and tcp.ack == (other.isn + 1) % WRAP:
            greeting = other.greetings.get(tcp.timestamps and tcp.timestamps[1])
            if greeting:
                is_newest = greeting == list(other.greetings.values())[-1]
                samples.add("handshake" if is_newest else "handshake?", greeting[1], greeting[0], p)
            other.greetings.clear()
            other.is_greeted = True
        kind = "tcp"
        if not tcp.size and not tcp.flags & (SYN | FIN):
            full = min(mine.mss, other.mss) - (12 if tcp.timestamps else 0)
            if other.acked is None or (tcp.ack - other.acked) % WRAP < 2 * full:
                kind = "ack"
        if tcp.timestamps:
            stamp = other.stamps.pop(tcp.timestamps[1], None)
            if stamp:
                samples.add("tcp?" if stamp[1] else kind, not p.out, stamp[0], p)
        elif other.acked is None or after(tcp.ack, other.acked):
            other.acknowledged(samples, p, tcp.ack, kind)
        if other.acked is None or after(tcp.ack, other.acked):
            other.acked = tcp.ack

    @staticmethod
    def sent(p, tcp, mine, other):
        size = tcp.size + bool(tcp.flags & FIN)
        end = (tcp.seq + size) % WRAP
        keep_alive = (mine.newest is not None and not tcp.flags & FIN and size <= 1
                      and (mine.newest - tcp.seq) % WRAP == 1)
        if tcp.timestamps:
            tsval = tcp.timestamps[0]
            if size and not keep_alive and mine.tsvals.get(tsval) != "stamped":
                mine.stamps[tsval] = (p.ns, tsval in mine.tsvals)
                mine.tsvals[tsval] = "stamped"
            mine.tsvals.setdefault(tsval, "seen")
        if not size or keep_alive:
            return
        if tcp.timestamps:
            mine.newest = end if mine.newest is None or after(end, mine.newest) else mine.newest
        else:
            mine.segment(p.ns, tcp.seq, end)


class Spin:
    """The spin bit of one flow; the client is the side that does not have port 443."""

    def __init__(self):
        self.value = {}  # side: the bit of its newest packet
        self.edge = None  # (ns, out, bit, side) that awaits its answer

    def packet(self, samples, p, first):
        if first & 0xC0 != 0x40:
            return
        bit = first >> 5 & 1
        before = self.value.get(p.source)
        self.value[p.source] = bit
        if before is None or before == bit:
            return
        if self.edge and self.edge[3] != p.source:
            server = p.source[1] == QUIC_PORT
            if (bit == self.edge[2]) == server:
                samples.add("quic", self.edge[1], self.edge[0], p)
        self.edge = (p.ns, p.out, bit, p.source)


class Oracle:
    def __init__(self, mac):
        self.mac = bytes.fromhex(mac.replace(":", ""))
        self.samples = Samples()
        self.connections = collections.defaultdict(Connection)
        self.spins = collections.defaultdict(Spin)
        self.asked = {}  # (kind, id, source, destination): (ns, out)
        self.packets = 0

    def frame(self, ns, frame):
        ip = innermost(frame)
        if not ip:
            return
        self.packets += 1
        protocol, source, dest, at, size = ip
        out = frame[6:12] == self.mac
        if protocol == socket.IPPROTO_TCP:
            ports = struct.unpack_from("!HH", frame, at)
            p = Packet(ns, out, (source, ports[0]), (dest, ports[1]), at, size)
            self.connections[frozenset((p.source, p.dest))].packet(
                self.samples, p, parse_tcp(frame, at, size))
        elif protocol == socket.IPPROTO_UDP:
            ports = struct.unpack_from("!HH", frame, at)
            self.datagram(Packet(ns, out, (source, ports[0]), (dest, ports[1]), at + 8, size - 8), frame)
        elif protocol in (socket.IPPROTO_ICMP, socket.IPPROTO_ICMPV6):
            self.echo(Packet(ns, out, source, dest, at, size), frame)

    def datagram(self, p, frame):
        if DNS_PORT in (p.source[1], p.dest[1]) and p.size >= 12:
            number, flags = struct.unpack_from("!HH", frame, p.rest)
            self.request_or_answer("dns", p, number, not flags & 0x8000)
        elif QUIC_PORT in (p.source[1], p.dest[1]) and p.size >= 1:
            self.spins[frozenset((p.source, p.dest))].packet(self.samples, p, frame[p.rest])

    def echo(self, p, frame):
        kind, code, _, number = struct.unpack_from("!BBHI", frame, p.rest)
        if kind in (8, 128, 0, 129) and code == 0:
            self.request_or_answer("icmp", p, number, kind in (8, 128))

    def request_or_answer(self, kind, p, number, is_request):
        if is_request:
            self.asked.setdefault((kind, number, p.source, p.dest), (p.ns, p.out))
            return
        asked = self.asked.pop((kind, number, p.dest, p.source), None)
        if asked:
            self.samples.add(kind, asked[1], asked[0], p)


def quantile(ordered, permille):
    """The smallest value that so many of the sorted values do not exceed."""
    rank = (len(ordered) * permille + 999) // 1000
    return ordered[max(rank, 1) - 1]


def summary(samples):
    rows = collections.defaultdict(list)
    for kind, direction, ns, _ in samples:
        rows[kind, direction].append(ns)
    for (kind, direction), values in sorted(rows.items()):
        values.sort()
        yield {"kind": kind, "direction": direction, "count": len(values),
               **{f"{name}_ns": quantile(values, q) for name, q in QUANTILES.items()},
               "values": values}


def main():
    oracle = Oracle(sys.argv[2])
    for ns, frame in read_pcap(sys.argv[1]):
        oracle.frame(ns, frame)
    if sys.argv[3:] == ["--samples"]:
        for kind, direction, ns, when in oracle.samples.all:
            print(kind, direction, ns, f"{when / 1e9:.9f}")
        return
    json.dump({"packets": oracle.packets, "flows": len(oracle.connections),
               "samples": list(summary(oracle.samples.all))}, sys.stdout)
    print()


if __name__ == "__main__":
    main()
