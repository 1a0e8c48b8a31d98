#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A userspace WireGuard device of two files, for wg(8) to talk to.

uapi_server.py SOCKET GET SET: answers "get" with the text of the file GET, and
writes what "set" asks for to the file SET, as the fake kernel does for weft.
"""
import os
import signal
import socket
import sys


def receive(connection):
    text = b""
    while not text.endswith(b"\n\n"):
        part = connection.recv(65536)
        if not part:
            break
        text += part
    return text


def serve(path, get_path, set_path):
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(5)
    while True:
        connection, _ = server.accept()
        with connection:
            request = receive(connection)
            answer = b""
            if request.startswith(b"get=1"):
                with open(get_path, "rb") as file:
                    answer = file.read()
            elif request:
                with open(set_path, "wb") as file:
                    file.write(request.rstrip(b"\n") + b"\n")
            else:
                continue  # wg looking whether anybody is there
            connection.sendall(answer + b"errno=0\n\n")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        serve(*sys.argv[1:4])
    finally:
        os.unlink(sys.argv[1])
