# SPDX-License-Identifier: LGPL-2.1-or-later
"""tests/integration/proxy-agent.py SOCKET LOG - an agent for the proxy

It answers as XML tells it to: REWRITE becomes REWRITTEN, REFUSE is refused,
DIE ends the connection once. Each request is a line of LOG: uid, operation,
name.
"""

import os
import socket
import struct
import sys
import threading

MAGIC = 0x41524D52
died = set()


def read(connection, size):
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def answer(body):
    if b"REFUSE" in body:
        return 1, b"this one is refused", b""
    if b"REWRITE" in body:
        return 0, b"", body.replace(b"REWRITE", b"REWRITTEN")
    return 0, b"", b""


def serve(connection, log):
    with connection:
        client = struct.unpack("6I", read(connection, 24))
        connection.sendall(struct.pack("4I", MAGIC, 1, 30000, 0))
        _, _, op, name_len, body_len, _ = struct.unpack("6I", read(connection, 24))
        name = read(connection, name_len)
        body = read(connection, body_len)
        os.write(log, b"%d %d %s\n" % (client[2], op, name))
        if b"DIE" in body and body not in died:
            died.add(body)
            return
        verdict, message, output = answer(body)
        connection.sendall(
            struct.pack("6I", MAGIC, 1, verdict, len(message), len(output), 0)
            + message
            + output
        )


def main():
    log = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
    os.chmod(sys.argv[1], 0o600)
    listener.listen(64)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, log), daemon=True).start()


main()
