#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""An HTTP server that answers every GET with its own name.

    answer.py NAME PORT ADDRESS...

Binds each address and prints "ready" once it listens. /bytes/N answers N bytes.
A POST is answered with the name and the SHA-256 of what was sent.
"""
import _thread
import socket
import sys


def read_request(file):
    """Method, path and body of what a client asks; the method is "" if it asks nothing."""
    words = file.readline().decode().split()
    length = 0
    for line in iter(file.readline, b""):
        if line in (b"\r\n", b"\n"):
            break
        name, _, value = line.decode().partition(":")
        if name.lower() == "content-length":
            length = int(value)
    method, path = words[:2] if len(words) > 1 else ("", "")
    return method, path, file.read(length)


def answer(connection, name):
    """One question, one answer, as HTTP/1.0 has it."""
    try:
        with connection, connection.makefile("rb") as file:
            method, path, sent = read_request(file)
            if not method:
                return
            body = f"{name}\n".encode()
            if method == "POST":
                # Few tests need it, and it takes time to start.
                import hashlib

                body = f"{name} {hashlib.sha256(sent).hexdigest()}\n".encode()
            elif path.startswith("/bytes/"):
                body = b"x" * int(path.removeprefix("/bytes/"))
            connection.sendall(f"HTTP/1.0 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode())
            connection.sendall(body)
            connection.shutdown(socket.SHUT_WR)
    except OSError:
        # The client is gone.
        pass


def serve(listener, name):
    while True:
        _thread.start_new_thread(answer, (listener.accept()[0], name))


def main():
    name, port, addresses = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    listeners = []
    for address in addresses:
        listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(5)
        listeners.append(listener)
    print("ready", flush=True)
    for listener in listeners[1:]:
        _thread.start_new_thread(serve, (listener, name))
    serve(listeners[0], name)


main()
