# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# tests/lib/proxied.sh - what a proxy asks of the agent, without a proxy
#
#     proxied_ask OPERATION [UUID] <XML
#     proxied_leave OPERATION [UUID] <XML   asks, and does not wait
#     proxied_fill N SECONDS           N connections that ask nothing
#
# OPERATION is define, move, attach, device, update, copy, over (a call
# has ended) or ended (that of an attach or a copy, whose device it names), or a number. What is to be put
# in the place of the XML goes to standard output; a refusal's message to standard
# error, with status 1, or 2 if it may be asked again. Nobody to ask: status 3.
#
# Contract: call inside a bed, with an agent that runs.
# Reads:    PROXIED_UID      for whom, 0 by default
#           PROXIED_SOCKET   proxy.sock by default

# As root; the python3 is the machine's.
proxied_ask()
{
    PROXIED_UID=${PROXIED_UID-0} PROXIED_SOCKET=${PROXIED_SOCKET-proxy.sock} \
        python3 -c "$PROXIED_CLIENT" "$@"
}

proxied_leave()
{
    proxied_ask leave "$@"
}

proxied_fill()
{
    proxied_ask fill "$@"
}

PROXIED_CLIENT=$(
    cat <<'PYTHON'
import os, socket, struct, sys, time

MAGIC, VERSION = 0x41524d52, 1
OPS = {'define': 16, 'move': 17, 'attach': 18, 'device': 19, 'over': 20,
       'ended': 20, 'update': 21, 'copy': 22}
of_proxy = os.environ['PROXIED_SOCKET'] == 'proxy.sock'


def receive(peer, size):
    data = b''
    while len(data) < size:
        more = peer.recv(size - len(data))
        if not more:
            sys.exit(3)
        data += more
    return data


def connect():
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        peer.connect('/run/remora/' + os.environ['PROXIED_SOCKET'])
        if of_proxy:
            uid = int(os.environ['PROXIED_UID'])
            peer.sendall(struct.pack('6I', MAGIC, VERSION, uid, uid,
                                     os.getpid(), 0))
        greeting = struct.unpack('4I', receive(peer, 16))
    except OSError as error:
        sys.stderr.write('%s\n' % error)
        sys.exit(3)
    assert greeting[:2] == (MAGIC, VERSION) and greeting[2] > 0
    return peer


def ask(op, name, body, leave):
    peer = connect()
    peer.sendall(struct.pack('6I', MAGIC, VERSION, op, len(name), len(body),
                             0) + name + body)
    if leave:
        return 0
    answer = struct.unpack('6I', receive(peer, 24))
    message = receive(peer, answer[3])
    sys.stdout.buffer.write(receive(peer, answer[4]))
    if answer[2]:
        sys.stderr.buffer.write(message + b'\n')
    return answer[2]


if sys.argv[1] == 'fill':
    peers = [connect() for _ in range(int(sys.argv[2]))]
    print('full', flush=True)
    time.sleep(float(sys.argv[3]))
    sys.exit(0)
leave = sys.argv[1] == 'leave'
if leave:
    del sys.argv[1]
op = OPS[sys.argv[1]] if sys.argv[1] in OPS else int(sys.argv[1])
name = sys.argv[2].encode() if len(sys.argv) > 2 else b''
body = b'' if sys.argv[1] == 'over' else sys.stdin.buffer.read()
sys.exit(ask(op, name, body, leave))
PYTHON
)
