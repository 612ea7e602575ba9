# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# tests/lib/proxy.sh - the installed remora-libvirt-proxy of a bed
#
#     proxy_start [OPTION...] | proxy_stop | proxy_kill | proxy_virsh ...
#
# Contract: call inside a bed with remora installed (REMORA_STAGE). The proxy
#           logs to $BED/log/proxy.log.

PROXY_PID=
PROXY_SOCKET=/run/remora/libvirt-sock
PROXY_URI="qemu+unix:///system?socket=$PROXY_SOCKET"

proxy_virsh()
{
    virsh -q -c "$PROXY_URI" "$@"
}

proxy_program()
{
    "$BED_INST/sbin/remora-libvirt-proxy" "$@"
}

proxy_listens()
{
    ss -xl src "$PROXY_SOCKET" 2>/dev/null | grep -q LISTEN ||
        grep -q "00010000 .* $PROXY_SOCKET\$" /proc/net/unix
}

proxy_start()
{
    "$BED_INST/sbin/remora-libvirt-proxy" "$@" </dev/null \
        >>"$BED/log/proxy.log" 2>&1 &
    PROXY_PID=$!
    disown
    bed_wait 10 proxy_listens && return
    cat "$BED/log/proxy.log"
    return 1
}

proxy_stop()
{
    bed_end "$PROXY_PID"
}

proxy_kill()
{
    kill -KILL "$PROXY_PID" && bed_wait 10 bed_gone "$PROXY_PID"
}

proxy_relays()
{
    grep -l -x remora-relay /proc/[0-9]*/comm 2>/dev/null | wc -l
}
