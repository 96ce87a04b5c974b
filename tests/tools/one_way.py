#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How long datagrams are on their way between two processes of this machine.

    one_way.py receive ADDRESS PORT
    one_way.py send ADDRESS PORT COUNT PAUSE_US

"receive" prints "ready" once it listens, and when the sender is through a line
"received N late N p1 US p50 US p99 US": late are those that came after one that
was sent later. "send" ends when the receiver has heard that it is through.
"""
import select
import socket
import struct
import sys
import time

PACKET = struct.Struct("!iq")  # number, or THROUGH; when it was sent, in ns
THROUGH = -1


def open_socket(address):
    return socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)


def receive(address, port):
    server = open_socket(address)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    server.bind((address, port))
    print("ready", flush=True)
    times, newest, late = [], -1, 0
    while True:
        data, sender = server.recvfrom(2048)
        number, sent_ns = PACKET.unpack(data)
        if number == THROUGH:
            break
        times.append((time.monotonic_ns() - sent_ns) // 1000)
        late += number < newest
        newest = max(newest, number)
    server.sendto(data, sender)
    times.sort()
    p1, p50, p99 = (times[len(times) * q // 100] for q in (1, 50, 99))
    print("received", len(times), "late", late, "p1", p1, "p50", p50, "p99", p99, flush=True)
    while True:  # the sender may not have heard it
        data, sender = server.recvfrom(2048)
        server.sendto(data, sender)


def send(address, port, count, pause_s):
    client = open_socket(address)
    client.connect((address, port))
    for number in range(count):
        client.send(PACKET.pack(number, time.monotonic_ns()))
        time.sleep(pause_s)
    while True:
        # Behind all that are on their way.
        if select.select([client], [], [], 0.2)[0]:
            return
        client.send(PACKET.pack(THROUGH, 0))


def main():
    if sys.argv[1] == "receive":
        receive(sys.argv[2], int(sys.argv[3]))
    else:
        send(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]) / 1e6)


main()
