#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/proxy.t - libvirt's own clients and daemon, with the proxy
# between them
#
# The agent is one that answers as it is told (proxy-agent.py): here it is about
# what libvirt says and hears. No cluster, and no guest that runs.
#
# Needs: root, the packages of lib/packages.sh, an installed remora.
# Reads: REMORA_FULL   10,000 connections one after another instead of 1,000
#
# shellcheck source-path=SCRIPTDIR
here=$(dirname -- "$(realpath -- "$0")")/..
. "$here/lib/tap.sh"
. "$here/lib/bed.sh"
. "$here/lib/libvirt.sh"
. "$here/lib/guest.sh"
. "$here/lib/proxy.sh"

A=982b8eac-6bcc-4a21-bd04-b67e26188be0
B=a9670d9a-8aa7-49ba-baf5-9d7a450172f3
NOBODY=65534

# definition NAME UUID [TEXT]: with text, one that is the agent's business.
definition()
{
    local file=$BED/tmp/$1.xml
    cat >"$file" <<XML
<domain type='$GUEST_VIRT'>
  <name>$1</name>
  <uuid>$2</uuid>
  ${3:+<title>$3</title>
  <metadata><r:domain xmlns:r='urn:remora:domain:1'/></metadata>}
  <memory unit='MiB'>16</memory>
  <os><type arch='x86_64'>hvm</type></os>
  <devices><emulator>/usr/bin/qemu-system-x86_64</emulator></devices>
</domain>
XML
    echo "$file"
}

# disk TEXT: a device that is the agent's business.
disk()
{
    local file=$BED/tmp/disk.xml
    cat >"$file" <<XML
<disk type='network' device='disk'>
  <source protocol="rbd" name="vms/$1"/>
  <target dev='vdb'/>
</disk>
XML
    echo "$file"
}

title_of()
{
    virsh_ desc --title "$1"
}

as_nobody()
{
    setpriv --reuid "$NOBODY" --regid "$NOBODY" --clear-groups \
        env HOME=/nonexistent "$@"
}

# watch_events FILE [COMMAND...]: a client that stays, $WATCHER; the command
# runs it.
watch_events()
{
    local file=$1
    shift
    (exec "$@" virsh -q -c "$PROXY_URI" event --all --loop --timeout 60) \
        >"$file" 2>&1 &
    WATCHER=$!
    disown
}

relays_are()
{
    [ "$(proxy_relays)" = "$1" ]
}

agent_log()
{
    tail -n "${1:-1}" "$BED/log/asked"
}

agent_begin()
{
    python3 "$here/integration/proxy-agent.py" /run/remora/proxy.sock \
        "$BED/log/asked" >>"$BED/log/agent.out" 2>&1 &
    AGENT=$!
    disown
    bed_wait 10 test -S /run/remora/proxy.sock
}

agent_end()
{
    bed_end "$AGENT"
    rm -f /run/remora/proxy.sock
}

# ---- beginning -------------------------------------------------------------

begins()
{
    GUEST_VIRT=$(guest_virt_type)
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    refuses 'not without root' 'only root can' \
        as_nobody "$BED_INST/sbin/remora-libvirt-proxy"
    # The bed's own: a machine may have it or not.
    sed -i '/^libvirt:/d' /etc/group
    ok 'the proxy starts' proxy_start || bail 'no proxy'
    is 'its socket is for root, as there is no group libvirt' \
        "$(stat -c '%a %U' "$PROXY_SOCKET")" '700 root'
    refuses 'not in the place of another' 'somebody serves it already' \
        proxy_program
    ok 'it ends' proxy_stop
    refuses 'and its socket is gone' 'No such file' ls "$PROXY_SOCKET"
    touch "$PROXY_SOCKET"
    refuses 'not in the place of a file' 'no socket' proxy_program
    rm "$PROXY_SOCKET"
    echo 'libvirt:x:64999:' >>/etc/group
    ok 'the proxy starts where there is one' proxy_start
    is 'and its socket is for that' \
        "$(stat -c '%a %G' "$PROXY_SOCKET")" '770 libvirt'
    ok 'it ends again' proxy_stop
    ok 'the proxy starts for everybody' proxy_start --mode=0777
    is 'as it is told' "$(stat -c %a "$PROXY_SOCKET")" 777
}

# ---- what is not remora's --------------------------------------------------

foreign()
{
    is 'no domain is listed' "$(proxy_virsh list --all --name)" ''
    ok 'a foreign domain is defined' \
        proxy_virsh define "$(definition foreign "$A")"
    is 'and listed' "$(proxy_virsh list --all --name | grep .)" foreign
    virsh_ dumpxml --inactive foreign >"$BED/tmp/direct"
    proxy_virsh dumpxml --inactive foreign >"$BED/tmp/proxied"
    ok 'its XML is the same, byte for byte' \
        cmp "$BED/tmp/direct" "$BED/tmp/proxied"
    virsh_ capabilities >"$BED/tmp/direct"
    proxy_virsh capabilities >"$BED/tmp/proxied"
    ok 'and so are the capabilities' cmp "$BED/tmp/direct" "$BED/tmp/proxied"
    refuses "libvirtd's errors come through" 'failed to get domain' \
        proxy_virsh dumpxml nobody
    echo '<nothing' >"$BED/tmp/nothing.xml"
    refuses 'what is not XML is for libvirtd to say' 'Start Tag nothing' \
        proxy_virsh define "$BED/tmp/nothing.xml"
    ok 'a read-only connection works' proxy_virsh --readonly list
    ok 'the domain is undefined' proxy_virsh undefine foreign
}

events()
{
    watch_events "$BED/tmp/events"
    wait_until 'a client waits for events' 10 relays_are 1
    proxy_virsh define "$(definition foreign "$A")" >/dev/null
    wait_until 'and gets them' 10 \
        bash -c "virsh -q -c $LIBVIRT_URI desc foreign --title x >/dev/null
            grep -q foreign $BED/tmp/events"
    kill "$WATCHER"
    proxy_virsh undefine foreign >/dev/null
    wait_until 'its relay ends with it' 10 relays_are 0
}

# ---- what is ---------------------------------------------------------------

without_agent()
{
    refuses 'a domain of remora is refused without an agent' \
        'systemctl status remorad' \
        proxy_virsh define "$(definition web1 "$B" REWRITE)"
    is 'and libvirtd does not have it' "$(virsh_ list --all --name)" ''
}

rewritten()
{
    ok 'an agent begins' agent_begin
    ok 'a domain is defined' \
        proxy_virsh define "$(definition web1 "$B" REWRITE)"
    is 'as the agent wants it' "$(title_of web1)" REWRITTEN
    is 'who was told for whom' "$(agent_log)" '0 16 '
    refuses 'one is refused' 'remora: this one is refused' \
        proxy_virsh define "$(definition web1 "$B" REFUSE)"
    is 'and nothing has changed' "$(title_of web1)" REWRITTEN
    ok 'one over which the agent dies is defined at its second try' \
        proxy_virsh define "$(definition web1 "$B" 'DIE, then REWRITE')"
    is 'and rewritten' "$(title_of web1)" 'DIE, then REWRITTEN'
    # One byte more than libvirt's string has room for is refused by libvirt.
    ok 'longer XML is defined' proxy_virsh define \
        "$(definition web1 "$B" "REWRITE$(printf %0100000d 0)")"
    is 'whole' "$(title_of web1 | wc -c)" 100009
}

devices()
{
    ok 'a disk is attached to the definition' \
        proxy_virsh attach-device --config web1 "$(disk REWRITE)"
    like 'as the agent wants it' "$(virsh_ dumpxml --inactive web1)" \
        'vms/REWRITTEN'
    is 'who is told that the call has ended' "$(agent_log 2)" \
        "0 19 $B
0 20 $B"
    refuses 'one cannot be attached to a guest that does not run' \
        'not running' proxy_virsh attach-device --live web1 "$(disk REWRITE)"
    is 'which the agent learns, too' "$(agent_log 2)" \
        "0 18 $B
0 20 $B"
    ok 'the disk is updated' \
        proxy_virsh update-device --config web1 "$(disk REWRITE)"
    is 'and the agent is told that it has ended' "$(agent_log 2)" \
        "0 21 $B
0 20 $B"
}

# ---- who one is ------------------------------------------------------------

seen_users()
{
    local id
    for id in $(virt-admin -q client-list libvirtd | awk '{ print $1 }'); do
        virt-admin -q client-info libvirtd "$id"
    done | awk '$1 == "unix_user_id" { print $3 }' | sort -u | tr '\n' ' '
}

sees()
{
    [[ " $(seen_users)" == *" $1 "* ]]
}

identity()
{
    watch_events "$BED/tmp/nobody" setpriv --reuid "$NOBODY" \
        --regid "$NOBODY" --clear-groups env HOME=/nonexistent
    wait_until "libvirtd sees the client's user" 10 sees "$NOBODY"
    kill "$WATCHER"
    ok 'whose definition is rewritten' \
        as_nobody virsh -q -c "$PROXY_URI" define \
        "$(chmod 0644 "$BED/tmp/web1.xml"
            definition web1 "$B" REWRITE)"
    is 'the agent is told so' "$(agent_log)" "$NOBODY 16 "
    chmod 0700 /run/libvirt/libvirt-sock
    refuses 'who may not use libvirt may not use it so' \
        "this user may not use libvirt's socket" \
        as_nobody virsh -q -c "$PROXY_URI" list
    chmod 0777 /run/libvirt/libvirt-sock
}

# ---- ends ------------------------------------------------------------------

restarts()
{
    ok 'libvirtd is restarted' libvirtd_restart
    ok 'and there is a connection to the new one' proxy_virsh list
    ok 'libvirtd stops' libvirtd_stop
    refuses 'without it a client gets a reason' 'cannot connect to libvirtd' \
        proxy_virsh list
    ok 'libvirtd starts again' libvirtd_start
    watch_events "$BED/tmp/killed"
    wait_until 'a client is there' 10 relays_are 1
    ok 'the proxy is killed' proxy_kill
    wait_until 'its relay ends, too' 10 relays_are 0
    ok 'a new one takes the socket over' proxy_start --mode=0777
    ok 'and works' proxy_virsh list
    wait_until 'its client was told' 10 bed_gone "$WATCHER"
    agent_end
    refuses 'an agent that ended is missed' 'it is not running' \
        proxy_virsh define "$(definition web1 "$B" REWRITE)"
    ok 'and one that comes back is found' agent_begin
    ok 'by the same proxy' proxy_virsh define "$(definition web1 "$B" REWRITE)"
}

# ---- many, and odd ones ----------------------------------------------------

fds_of()
{
    find "/proc/$1/fd" -type l | wc -l
}

# A libvirtd that only accepts: the real one lets 20 be there that say nothing.
idle()
{
    cat >"$BED/tmp/idle.py" <<'PY'
import os, resource, socket
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
up = socket.socket(socket.AF_UNIX)
if os.path.exists("/run/idle-up"):
    os.unlink("/run/idle-up")
up.bind("/run/idle-up")
up.listen(100)
ends = []
for i in range(1000):
    client = socket.socket(socket.AF_UNIX)
    client.connect("/run/remora/idle")
    server, _ = up.accept()
    ends.append((client, server))
packet = bytes([0, 0, 0, 28]) + bytes(24)
for client, server in ends:
    client.sendall(packet)
    assert server.recv(100) == packet
    server.sendall(packet)
    assert client.recv(100) == packet
one_more = socket.socket(socket.AF_UNIX)
one_more.connect("/run/remora/idle")
assert one_more.recv(1) == b""
for client, server in ends:
    client.close()
    assert server.recv(1) == b""
    server.close()
PY
    "$BED_INST/sbin/remora-libvirt-proxy" --listen=/run/remora/idle \
        --upstream=/run/idle-up --max-clients-per-user=1000 \
        </dev/null >>"$BED/log/idle.log" 2>&1 &
    local idle=$! before
    disown
    bed_wait 10 grep -q "00010000 .* /run/remora/idle\$" /proc/net/unix
    ok '1000 idle connections, and not one more than is allowed' \
        python3 "$BED/tmp/idle.py"
    like 'which is said' "$(cat "$BED/log/idle.log")" \
        'a client of user 0 is turned away'
    wait_until 'no relay is left of them' 10 relays_are 0
    before=$(fds_of "$idle")
    ok 'and once more' python3 "$BED/tmp/idle.py"
    wait_until 'no relay is left of those' 10 relays_are 0
    is 'and no descriptor' "$(fds_of "$idle")" "$before"
    bed_end "$idle"
}

# What a relay of a client may reach, with the client's own rights.
held_up()
{
    local relay null
    watch_events "$BED/tmp/held"
    wait_until 'a client is there' 10 relays_are 1
    relay=$(grep -l -x remora-relay /proc/[0-9]*/comm | tr -dc '0-9')
    null=$(readlink "/proc/$relay/fd/1" "/proc/$relay/fd/2" | sort -u)
    is "its relay has no hold of the proxy's log" "$null" /dev/null
    kill -STOP "$relay"
    ok 'one that is stopped does not hold up the end of the proxy' proxy_stop
    wait_until 'and ends with it' 10 relays_are 0
    ok 'the proxy starts again' proxy_start --mode=0777
}

# A proxy that is told nothing, and has libvirtd's place.
circle()
{
    local circle before
    "$BED_INST/sbin/remora-libvirt-proxy" --listen=/run/remora/circle \
        --upstream=/run/circle </dev/null >>"$BED/log/circle.log" 2>&1 &
    circle=$!
    disown
    bed_wait 10 grep -q "00010000 .* /run/remora/circle\$" /proc/net/unix
    ln -s /run/remora/circle /run/circle
    for _ in 1 2 3; do
        refuses 'a client of a proxy that finds itself is told' \
            'the proxy listens there itself' virsh -q -c \
            'qemu+unix:///system?socket=/run/remora/circle' list
    done
    is 'and the log is, once' "$(grep -c 'listens there itself' \
        "$BED/log/circle.log")" 1
    bed_end "$circle"
    rm /run/circle
}

hangup()
{
    kill -HUP "$PROXY_PID"
    sleep 0.2
    ok 'SIGHUP does not end it' kill -0 "$PROXY_PID"
    ok 'and it serves' proxy_virsh list
}

odd()
{
    cat >"$BED/tmp/odd.py" <<PY
import socket
def client():
    one = socket.socket(socket.AF_UNIX)
    one.connect("$PROXY_SOCKET")
    one.settimeout(20)
    return one
for junk in b"GET / HTTP/1.0\r\n\r\n" + bytes(100), b"\xff" * 200, bytes(100):
    one = client()
    one.sendall(junk)
    try:
        assert one.recv(1) == b""
    except ConnectionResetError:
        pass
one = client()
socket.send_fds(one, [bytes(28)], [0])
try:
    assert one.recv(1) == b""
except ConnectionResetError:
    pass
PY
    ok 'what is no libvirt client is let go' python3 "$BED/tmp/odd.py"
}

# Who comes and goes leaves nothing, and keeps nobody from being served; nor
# does one that sends a byte now and then.
come_and_go()
{
    local before rounds=${REMORA_FULL:+10000}
    rounds=${rounds:-1000}
    bed_wait 10 relays_are 0
    before=$(fds_of "$PROXY_PID")
    cat >"$BED/tmp/come.py" <<PY
import socket, sys, threading, time
import libvirt

def connect():
    peer = socket.socket(socket.AF_UNIX)
    peer.connect("$PROXY_SOCKET")
    return peer

def drip(peer, stop):
    # The beginning of a call, which never gets whole.
    for byte in bytes([0, 0, 0, 28, 0x20, 0, 0x80, 0x86]) * 3:
        if stop.wait(0.2):
            return
        peer.send(bytes([byte]))

stop = threading.Event()
slow = connect()
threading.Thread(target=drip, args=(slow, stop)).start()
served, worst = 0, 0.0
conn = libvirt.open("$PROXY_URI")
for i in range($rounds):
    connect().close()
    if i % 50 == 0:
        start = time.monotonic()
        conn.getHostname()
        libvirt.open("$PROXY_URI").close()
        worst = max(worst, time.monotonic() - start)
        served += 1
stop.set()
print(served, "served meanwhile, the slowest in", int(worst * 1000), "ms")
sys.exit(worst > 5)
PY
    ok "$rounds connect and go, and others are served" \
        python3 "$BED/tmp/come.py"
    diag "$TAP_OUT"
    wait_until 'no relay of theirs is left' 20 relays_are 0
    is 'and no descriptor' "$(fds_of "$PROXY_PID")" "$before"
}

# Each of these is a relay.
many()
{
    cat >"$BED/tmp/many.py" <<PY
import libvirt
connections = [libvirt.open("$PROXY_URI") for i in range(300)]
assert all(c.getHostname() for c in connections)
PY
    ok '300 connections at once' python3 "$BED/tmp/many.py"
    ok 'the proxy ends at last' proxy_stop
    is 'and had nothing more to say' \
        "$(grep -v 'cannot connect to libvirtd' "$BED/log/proxy.log")" ''
}

inside()
{
    bed_need_remora
    begins
    foreign
    events
    without_agent
    rewritten
    devices
    identity
    restarts
    idle
    held_up
    circle
    hangup
    odd
    come_and_go
    many
}

bed_enter "$0" "$@"
inside
tap_done
