#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A server that has to wait for a CPU, which another process does not let go.

    starve.py serve ADDRESS PORT [CPU]   on CPU 0; prints "ready"; what is sent comes back
    starve.py ask ADDRESS PORT N MS PID  from CPU 1: N messages over one connection, each
                                         when PID sleeps, which has to run on CPU 0 before
                                         there is an answer, and while that CPU is kept from
                                         all others for MS

Exit 77 where a process may not keep a CPU.
"""
import os
import socket
import sys
import time

CPU_KEPT, CPU_OF_CLIENT = 0, 1


def serve(address, port, cpu):
    os.sched_setaffinity(0, {cpu})
    listener = socket.create_server((address, port))
    print("ready", flush=True)
    stream, _ = listener.accept()
    while data := stream.recv(65536):
        stream.sendall(data)


def hog(wanted, begun, seconds):
    """Keep the CPU for so long whenever it is wanted."""
    while os.read(wanted, 1):
        end = time.monotonic() + seconds
        os.write(begun, b"x")
        while time.monotonic() < end:
            pass


def start_hog(seconds):
    wanted, begun = os.pipe(), os.pipe()
    if os.fork() == 0:
        os.close(wanted[1])
        os.sched_setaffinity(0, {CPU_KEPT})
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        except PermissionError:
            os._exit(77)
        os.write(begun[1], b"x")
        hog(wanted[0], begun[1], seconds)
        os._exit(0)
    os.close(begun[1])
    if not os.read(begun[0], 1):
        sys.exit(77)
    return wanted[1], begun[0]


def sleeps(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return file.read().rpartition(")")[2].split()[0] == "S"


def ask(address, port, times, seconds, waiting):
    os.sched_setaffinity(0, {CPU_OF_CLIENT})
    wanted, begun = start_hog(seconds)
    stream = socket.create_connection((address, port))
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream.sendall(b"?")
    stream.recv(1)
    for _ in range(times):
        # The kernel lets FIFO processes have a CPU for 95 % of the time only.
        time.sleep(0.05)
        while not sleeps(waiting):
            time.sleep(0.01)
        os.write(wanted, b"x")
        os.read(begun, 1)
        stream.sendall(b"?")
        stream.recv(1)


if os.cpu_count() < 2:
    sys.exit(77)
if sys.argv[1] == "serve":
    serve(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else CPU_KEPT)
else:
    ask(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]) / 1000, sys.argv[6])
