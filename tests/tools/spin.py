#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Datagrams with QUIC's spin bit, as its ends would send them.

    spin.py serve ADDRESS
    spin.py ask ADDRESS MODE FLOWS COUNT PAUSE_MS

Each flow starts with a long header and sends COUNT short ones, one every
PAUSE_MS; each is answered. MODE, of both ends: "spin" as RFC 9000 17.4 has it;
"random", a new value for every packet; "fixed", one value for ever. "serve"
prints "ready" once it listens; "ask" prints "answered N", exit 1 when some
datagrams are not answered 10 s after the last one.
"""
import random
import selectors
import socket
import struct
import sys
import time

PORT, WAIT_S = 443, 10
MODES = {"spin": 0, "random": 1, "fixed": 2}
LONG, SHORT, SPIN_SHIFT = 0xC0, 0x40, 5
PACKET = struct.Struct("!B8sIB")  # first byte, connection id, packet number, mode


class End:
    """The spin bit of one end of one flow."""

    def __init__(self, mode, invert):
        self.mode, self.invert, self.newest, self.value = mode, invert, -1, 0

    def receive(self, number, first):
        if number > self.newest and not first & 0x80:
            self.newest = number
            self.value = (first >> SPIN_SHIFT & 1) ^ self.invert

    def first_byte(self):
        if self.mode == MODES["random"]:
            return SHORT | random.getrandbits(1) << SPIN_SHIFT
        return SHORT | (self.value if self.mode == MODES["spin"] else 0) << SPIN_SHIFT


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def serve(address):
    server = socket.socket(family(address), socket.SOCK_DGRAM)
    server.bind((address, PORT))
    print("ready", flush=True)
    ends = {}
    while True:
        data, client = server.recvfrom(2048)
        first, connection, number, mode = PACKET.unpack_from(data)
        end = ends.setdefault((client, connection), End(mode, 0))
        end.receive(number, first)
        answer = LONG if first & 0x80 else end.first_byte()
        server.sendto(PACKET.pack(answer, connection, number, mode), client)


class Flow:
    def __init__(self, address, mode, number):
        self.socket = socket.socket(family(address), socket.SOCK_DGRAM)
        self.socket.connect((address, PORT))
        self.end = End(mode, 1)
        self.connection = number.to_bytes(8, "big")
        self.sent = self.answered = 0

    def send(self):
        first = LONG if self.sent == 0 else self.end.first_byte()
        self.socket.send(PACKET.pack(first, self.connection, self.sent, self.end.mode))
        self.sent += 1

    def receive(self):
        first, _, number, _ = PACKET.unpack_from(self.socket.recv(2048))
        self.end.receive(number, first)
        self.answered += 1


def take_answers(selector, flows, until):
    """Until that time, or until nobody waits."""
    while any(f.answered < f.sent for f in flows) and (left := until - time.monotonic()) > 0:
        for key, _ in selector.select(left):
            key.data.receive()


def ask(address, mode, count, pause_s, total):
    flows = [Flow(address, MODES[mode], n) for n in range(count)]
    selector = selectors.DefaultSelector()
    for flow in flows:
        selector.register(flow.socket, selectors.EVENT_READ, flow)
    for _ in range(total + 1):
        until = time.monotonic() + pause_s
        for flow in flows:
            flow.send()
        take_answers(selector, flows, until)
        time.sleep(max(0, until - time.monotonic()))
    take_answers(selector, flows, time.monotonic() + WAIT_S)
    answered = sum(f.answered for f in flows)
    print("answered", answered)
    return answered < sum(f.sent for f in flows)


def main():
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    address, mode, flows, total, pause_ms = sys.argv[2:7]
    return ask(address, mode, int(flows), float(pause_ms) / 1000, int(total))


sys.exit(main())
