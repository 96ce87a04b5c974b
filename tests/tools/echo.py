#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What is sent comes back, by TCP and by UDP.

    echo.py serve ADDRESS PORT           prints "ready", and its process id
    echo.py ask ADDRESS PORT tcp|udp N   N times one message and its answer
"""
import os
import socket
import sys
import threading


def answer_stream(stream):
    with stream:
        while data := stream.recv(65536):
            stream.sendall(data)


def accept(listener):
    while True:
        stream, _ = listener.accept()
        threading.Thread(target=answer_stream, args=(stream,), daemon=True).start()


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def serve(address, port):
    listener = socket.create_server((address, port), family=family(address))
    datagrams = socket.socket(family(address), socket.SOCK_DGRAM)
    datagrams.bind((address, port))
    threading.Thread(target=accept, args=(listener,), daemon=True).start()
    print("ready", os.getpid(), flush=True)
    while True:
        data, sender = datagrams.recvfrom(65536)
        datagrams.sendto(data, sender)


def ask(address, port, kind, times):
    if kind == "tcp":
        s = socket.create_connection((address, port))
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    else:
        s = socket.socket(family(address), socket.SOCK_DGRAM)
        s.connect((address, port))
    s.settimeout(10)
    for i in range(times):
        s.send(b"message number %08d" % i)
        assert s.recv(100) == b"message number %08d" % i


if sys.argv[1] == "serve":
    serve(sys.argv[2], int(sys.argv[3]))
else:
    ask(sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
