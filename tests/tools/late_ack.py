#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Questions that are answered at once, and others that are first acknowledged.

    late_ack.py serve ADDRESS PORT
    late_ack.py ask ADDRESS PORT FLOWS ROUNDS

Each flow asks ROUNDS times for an answer at once, and as often for one that comes
120 ms later: the server's TCP holds back the bare acknowledgement, for 40 ms with
Linux, as the server has told it to. Prints "ready" once it listens.
"""
import socket
import sys
import threading
import time

AT_ONCE, LATER, LATER_S = b"n", b"l", 0.12


def answer(connection):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while True:
        # The kernel forgets it now and then.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
        question = connection.recv(1)
        if not question:
            break
        if question == LATER:
            time.sleep(LATER_S)
        connection.sendall(b"x")
    connection.close()


def serve(address, port):
    server = socket.create_server((address, port), backlog=128)
    print("ready", flush=True)
    while True:
        threading.Thread(target=answer, args=server.accept()[:1], daemon=True).start()


def ask(address, port, rounds):
    with socket.create_connection((address, port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for question in (AT_ONCE, LATER) * rounds:
            connection.sendall(question)
            connection.recv(1)


def main():
    what, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if what == "serve":
        serve(address, port)
    flows, rounds = map(int, sys.argv[4:])
    threads = [threading.Thread(target=ask, args=(address, port, rounds)) for _ in range(flows)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


main()
