#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Connections from ports whose last connection is in TIME_WAIT at the other end.

    reuse.py serve ADDRESS PORT
    reuse.py ask ADDRESS PORT FIRST COUNT     from COUNT ports, FIRST and up

The server answers one byte and closes first, so that TIME_WAIT is its own.
Prints "ready" once it listens.
"""
import socket
import sys


def serve(address, port):
    server = socket.create_server((address, port), backlog=128)
    print("ready", flush=True)
    while True:
        connection, _ = server.accept()
        with connection:
            connection.recv(1)
            connection.sendall(b"x")


def ask(address, port, source):
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        connection.bind(("", source))
        connection.connect((address, port))
        connection.sendall(b"?")
        while connection.recv(1):
            pass


def main():
    what, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if what == "serve":
        serve(address, port)
    first, count = map(int, sys.argv[4:])
    for source in range(first, first + count):
        ask(address, port, source)


main()
