#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A DNS server for a handful of names.

    name_server.py ADDRESS FILE

Answers A and AAAA over UDP from FILE, which is read for every question: lines
of a name and its addresses. A name with "silent" gets no answer, an unknown one
NXDOMAIN. Prints "ready" once it listens.
"""
import ipaddress
import socket
import struct
import sys

A, AAAA = 1, 28


def read_names(path):
    with open(path, encoding="ascii") as lines:
        words = [line.split() for line in lines if line.strip()]
    return {name: addresses for name, *addresses in words}


def read_name(question):
    labels, at = [], 12
    while question[at]:
        labels.append(question[at + 1:at + 1 + question[at]].decode("ascii"))
        at += 1 + question[at]
    return ".".join(labels).lower(), at + 1


def records(kind, addresses):
    for text in addresses:
        address = ipaddress.ip_address(text)
        if kind == (A if address.version == 4 else AAAA):
            # a pointer to the question's name, class IN, no caching
            yield struct.pack("!HHHIH", 0xC00C, kind, 1, 0, len(address.packed)) + address.packed


def answer(question, names):
    name, end = read_name(question)
    (kind,) = struct.unpack("!H", question[end:end + 2])
    addresses = names.get(name)
    if addresses == ["silent"]:
        return None
    found = list(records(kind, addresses or []))
    flags = 0x8580 if addresses is not None else 0x8583
    header = question[:2] + struct.pack("!HHHHH", flags, 1, len(found), 0, 0)
    return header + question[12:end + 4] + b"".join(found)


def main():
    address, path = sys.argv[1:]
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as server:
        server.bind((address, 53))
        print("ready", flush=True)
        while True:
            question, client = server.recvfrom(512)
            reply = answer(question, read_names(path))
            if reply:
                server.sendto(reply, client)


main()
