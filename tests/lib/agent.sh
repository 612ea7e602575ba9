# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# tests/lib/agent.sh - the installed remorad of a bed
#
#     agent_start | agent_stop | agent_kill | agent_reload
#
# Contract: call inside a bed with remora installed (REMORA_STAGE). The agent
#           runs from $BED_INST, logs to $BED/log/remorad.log and uses
#           /etc/remora/remora.conf, or the defaults where there is none.
# Reads:    AGENT_PRELOAD   tests/speed/held.so, and agent_held says how many
#                           bytes it has allocated

AGENT_PID=

agent_hook()
{
    echo "$BED_INST/libexec/remora/qemu-hook"
}

# remora ARGUMENT...: the command line under test.
remora()
{
    "$BED_INST/bin/remora" "$@"
}

agent_remorad()
{
    "$BED_INST/sbin/remorad" "$@"
}

agent_said()
{
    grep -q -F -- "$1" "$BED/log/remorad.log"
}

# agent_settled TEXT: it logged it, or never will.
agent_settled()
{
    grep -q "$1" "$BED/log/remorad.now" || bed_gone "$AGENT_PID"
}

# Returns when it listens (a killed one leaves its sockets, so that a look at
# them proves nothing) and has a connection to libvirt, unless libvirtd does
# not run.
agent_start()
{
    : >"$BED/log/remorad.now"
    rm -f "$BED/tmp/remorad.pid"
    agent_watched "$@" </dev/null 2>/dev/null \
        > >(exec tee -a "$BED/log/remorad.now" "$BED/log/remorad.log" \
            >/dev/null) &
    disown
    bed_wait 10 test -s "$BED/tmp/remorad.pid" || return
    AGENT_PID=$(<"$BED/tmp/remorad.pid")
    bed_wait 10 agent_settled 'remorad .* is ready' || { agent_odd; return; }
    [ -z "${LIBVIRTD_PID-}" ] || bed_wait 10 agent_settled 'connected to libvirt'
    ! bed_gone "$AGENT_PID" || agent_odd
}

# How it ended stands in its log: who only finds it gone cannot tell.
agent_watched()
{
    LD_PRELOAD=${AGENT_PRELOAD-} HELD_FILE=$BED/tmp/held \
        "$BED_INST/sbin/remorad" "$@" 2>&1 &
    echo $! >"$BED/tmp/remorad.new" &&
        mv "$BED/tmp/remorad.new" "$BED/tmp/remorad.pid"
    wait $!
    echo "remorad has ended with status $?"
}

# What the C library keeps for later is not in it.
agent_held()
{
    rm -f "$BED/tmp/held"
    kill -s SIGRTMIN+9 "$AGENT_PID" && bed_wait 10 test -e "$BED/tmp/held" &&
        cat "$BED/tmp/held"
}

# Seen where it matters: most callers only need it to run.
agent_odd()
{
    {
        echo "remorad does not start; it said:"
        cat "$BED/log/remorad.now"
        ps -o pid,ppid,stat,etime,args -e
    } >&2
    return 1
}

# One that has ended before, unasked, has not stopped well.
agent_stop()
{
    local pid=$AGENT_PID
    AGENT_PID=
    [ -n "$pid" ] || return 0
    if bed_gone "$pid"; then
        echo 'remorad was gone already; the last that it said:'
        tail -n 5 "$BED/log/remorad.now"
        return 1
    fi
    bed_end "$pid" 30
}

agent_kill()
{
    kill -KILL "$AGENT_PID" && bed_wait 10 bed_gone "$AGENT_PID"
    AGENT_PID=
}

# Returns when it has read its configuration again, or refused to.
agent_reload()
{
    local before
    before=$(agent_reloads)
    kill -HUP "$AGENT_PID" && bed_wait 5 agent_reloaded_since "$before"
}

agent_reloads()
{
    grep -c 'configuration \(read again\|stays as it was\)' \
        "$BED/log/remorad.now"
}

agent_reloaded_since()
{
    [ "$(agent_reloads)" -gt "$1" ]
}

agent_has_secret()
{
    virsh_ secret-list | grep -q -w ceph
}

# The UUID of the libvirt secret that the agent makes, a moment after it is ready.
agent_secret()
{
    bed_wait 10 agent_has_secret
    virsh_ secret-list | awk '$2 == "ceph" { print $1 }'
}

# agent_asks TARGET IMAGE [SIZE]: metadata that asks for one disk.
agent_asks()
{
    printf "<remora:domain xmlns:remora='urn:remora:domain:1'>"
    printf "<remora:disk target='%s' image='%s'%s/>" "$1" "$2" \
        "${3:+ size='$3'}"
    printf '</remora:domain>'
}

# agent_rewrote NAME: its definition names its clone.
agent_rewrote()
{
    virsh_ dumpxml --inactive "$1" | grep -q "<source protocol='rbd'"
}

# agent_defines NAME UUID IMAGE [SIZE]: a domain that asks for a disk, ready
# to be started.
agent_defines()
{
    guest_define -m "$(agent_asks vda "$3" "${4-}")" "$1" "$2" &&
        bed_wait 10 agent_rewrote "$1"
}

# agent_boots NAME UUID IMAGE: one that is started, until its guest has read
# and written its disk, and is off or idle as its image says.
agent_boots()
{
    agent_defines "$@" || return 1
    : >"$BED/serial/$1"
    virsh_ start "$1" && guest_wait_line "$1" 'wrote sector 2' || return 1
    bed_wait 10 guest_ended "$1"
    ! guest_said_line "$1" 'remora-guest: bye' || guest_wait_off "$1"
}

# agent_claim POOL/IMAGE: its claim's phase, host, domain and client; or 'none'.
agent_claim()
{
    local text
    text=$(rados -p "${1%%/*}" getxattr "remora_claim.${1#*/}" remora.claim \
        2>/dev/null) || { echo none && return; }
    tr ' ' '\n' <<<"$text" | awk -F= '
        { value[$1] = $2 }
        END { print value["phase"], value["host"], value["domain"],
                    value["addr"] }'
}

# agent_claim_is POOL/IMAGE TEXT: that is how it begins.
agent_claim_is()
{
    [[ "$(agent_claim "$1") " == "$2 "* ]]
}

# agent_runs UUID POOL/IMAGE...: these claims, and no others of the pool, say which
# clients of the domain have the images open.
agent_runs()
{
    local uuid=$1 image
    shift
    for image in "$@"; do
        agent_claim_is "$image" "running $(hostname) $uuid $(
            cluster_watchers "$image")" ||
            { echo "$image: $(agent_claim "$image")" && return 1; }
    done
    [ "$(rados -p vms ls | grep -c '^remora_claim\.')" = $# ] ||
        { agent_no_claims; return 1; }
}

# None is left in the pool; else says whose they are.
agent_no_claims()
{
    local claim some=0
    for claim in $(rados -p vms ls | grep '^remora_claim\.'); do
        some=1
        echo "$claim: $(agent_claim "vms/${claim#remora_claim.}")"
    done
    return "$some"
}
