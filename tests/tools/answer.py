#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""An HTTP server that answers every GET with its own name.

    answer.py NAME PORT ADDRESS...

Binds each address and prints "ready" once it listens. /bytes/N answers N bytes.
A POST is answered with the name and the SHA-256 of what was sent.
"""
import hashlib
import http.server
import socket
import sys
import threading


class Answer(http.server.BaseHTTPRequestHandler):
    name = ""

    def do_GET(self):
        body = (self.name + "\n").encode()
        if self.path.startswith("/bytes/"):
            body = b"x" * int(self.path.removeprefix("/bytes/"))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        read = self.rfile.read(int(self.headers["Content-Length"]))
        body = f"{self.name} {hashlib.sha256(read).hexdigest()}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    # The base class asks the resolver for a name, which may take seconds.
    def server_bind(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = self.server_address[:2]


class Server6(Server):
    address_family = socket.AF_INET6


def main():
    Answer.name, port, addresses = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    servers = [(Server6 if ":" in a else Server)((a, port), Answer) for a in addresses]
    threads = [threading.Thread(target=s.serve_forever) for s in servers]
    for thread in threads:
        thread.start()
    print("ready", flush=True)
    for thread in threads:
        thread.join()


main()
