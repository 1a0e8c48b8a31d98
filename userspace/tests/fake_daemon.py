#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A daemon that says what it was told to: DIRECTORY/answer, whatever is asked; that goes to
DIRECTORY/asked. It ends with the directory."""
import os
import socket
import sys

directory = sys.argv[1]
server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
server.bind(directory + "/control")
server.listen(8)
server.settimeout(1)
while os.path.isdir(directory):
    try:
        client, _ = server.accept()
    except socket.timeout:
        continue
    client.settimeout(10)
    request = client.makefile("rb").readline()
    with open(directory + "/asked", "wb") as asked:
        asked.write(request)
    with open(directory + "/answer", "rb") as answer:
        client.sendall(answer.read())
    client.close()
