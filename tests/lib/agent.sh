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
    "$BED_INST/sbin/remorad" "$@" </dev/null \
        > >(exec tee -a "$BED/log/remorad.now" "$BED/log/remorad.log" \
            >/dev/null) 2>&1 &
    AGENT_PID=$!
    disown
    bed_wait 10 agent_settled 'remorad .* is ready' || return 1
    [ -z "${LIBVIRTD_PID-}" ] || bed_wait 10 agent_settled 'connected to libvirt'
    ! bed_gone "$AGENT_PID"
}

agent_stop()
{
    [ -z "$AGENT_PID" ] || bed_end "$AGENT_PID" 30
    AGENT_PID=
}

agent_kill()
{
    kill -KILL "$AGENT_PID" && bed_wait 10 bed_gone "$AGENT_PID"
    AGENT_PID=
}

agent_reload()
{
    kill -HUP "$AGENT_PID"
}

# agent_asks TARGET IMAGE [SIZE]: metadata that asks for one disk.
agent_asks()
{
    printf "<remora:domain xmlns:remora='urn:remora:domain:1'>"
    printf "<remora:disk target='%s' image='%s'%s/>" "$1" "$2" \
        "${3:+ size='$3'}"
    printf '</remora:domain>'
}

agent_no_claims()
{
    ! rados -p vms ls | grep -q '^remora_claim\.'
}
