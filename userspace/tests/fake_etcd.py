#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""An etcd that says what it was told to: DIRECTORY/answer, whatever is asked; each path that was asked
for is a line of DIRECTORY/asked. Its port is in DIRECTORY/port. It ends with the directory."""
import http.server
import os
import sys

directory = sys.argv[1]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        with open(directory + "/asked", "a") as asked:
            asked.write(self.path + "\n")
        with open(directory + "/answer", "rb") as answer:
            text = answer.read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
server.timeout = 1
with open(directory + "/port.new", "w") as port:
    port.write(str(server.server_port))
os.rename(directory + "/port.new", directory + "/port")
while os.path.isdir(directory):
    server.handle_request()
