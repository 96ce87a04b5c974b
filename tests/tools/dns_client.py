#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""DNS queries at a steady pace, whether or not those before were answered.

    dns_client.py ADDRESS NAME COUNT PAUSE_MS

Asks for A records of NAME over UDP. Prints "answered N" when all were; exit 1
when some are not 10 s after the last query.
"""
import select
import socket
import struct
import sys
import time

A, IN = 1, 1
WAIT_S = 10


def query(number, name):
    labels = b"".join(bytes([len(part)]) + part.encode("ascii") for part in name.split("."))
    return struct.pack("!HHHHHH", number, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, A, IN)


def take_answers(client, waiting, until):
    """Until that time, or until nobody waits."""
    while waiting and (left := until - time.monotonic()) > 0:
        if select.select([client], [], [], left)[0]:
            waiting.discard(int.from_bytes(client.recv(2048)[:2], "big"))


def main():
    address, name, count, pause_s = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]) / 1000
    client = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    client.connect((address, 53))
    waiting = set()
    for number in range(1, count + 1):
        waiting.add(number)
        client.send(query(number, name))
        take_answers(client, waiting, time.monotonic() + pause_s)
    take_answers(client, waiting, time.monotonic() + WAIT_S)
    print("answered", count - len(waiting))
    return bool(waiting)


sys.exit(main())
