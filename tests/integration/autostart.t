#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/autostart.t - a host boots, and its cluster does not answer
#
# libvirtd starts what autostarts one after another, before it answers anybody:
# each start that waits is a host that nobody can manage. So all of them
# together may wait for the cluster once; and who was refused says why. The same
# without the agent, where each start is served by a process that remembers
# nothing. How many milliseconds a refusal takes is for tests/bench.
#
# Needs: root, the packages of lib/packages.sh, an installed remora.
# Reads: REMORA_FULL   also with an agent that had a connection
#
# shellcheck source-path=SCRIPTDIR
here=$(dirname -- "$(realpath -- "$0")")/..
. "$here/lib/tap.sh"
. "$here/lib/bed.sh"
. "$here/lib/cluster.sh"
. "$here/lib/libvirt.sh"
. "$here/lib/guest.sh"
. "$here/lib/agent.sh"
. "$here/lib/request.sh"

IMAGE=0a64fa67-3e34-42e7-b7b0-423c11850e18
DOMAINS=40
# connect_timeout, as it is by default.
TIMEOUT_S=5
# Far more than waiting once takes, and far less than waiting each time.
BOUND_MS=$((TIMEOUT_S * DOMAINS * 1000 / 2))

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    guest_image 16M 'a golden image' off "$BED/tmp/golden" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/golden" "$IMAGE"
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    ok 'the hook is installed' hook_install "$(agent_hook)"
    ok 'the agent starts' agent_start || bail 'no agent'
    ok 'a request' request_kind clone "$(agent_asks vda "$IMAGE")"
}

rewritten()
{
    [ "$(grep -l -F "name='vms/" /etc/libvirt/qemu/auto*.xml | wc -l)" = \
        "$DOMAINS" ]
}

# One command of virsh's for all of them: starting it costs more than they do.
define_all()
{
    local i asks
    asks=$(agent_asks vda "$IMAGE")
    for ((i = 1; i <= DOMAINS; i++)); do
        guest_xml -m "$asks" "auto$i" "$(uuidgen)" >"$BED/tmp/auto$i.xml"
        echo "define $BED/tmp/auto$i.xml"
    done | virsh_ && bed_wait 30 rewritten
}

autostart_all()
{
    local i
    for ((i = 1; i <= DOMAINS; i++)); do
        echo "autostart auto$i"
    done | virsh_
}

domains()
{
    ok "$DOMAINS domains" define_all
    ok 'start with libvirtd' autostart_all
    # In the middle of the others' disks, and nobody's business.
    ok 'one that is not ours' guest_define plain "$(uuidgen)"
    ok 'does so too' virsh_ autostart plain
}

cluster_hangs()
{
    cluster_pause_mon && cluster_pause_osd
}

cluster_goes_on()
{
    cluster_resume_mon && cluster_resume_osd
}

# ---- one boot --------------------------------------------------------------

# As libvirtd meets it when the host has booted: whatever ran is gone.
boot()
{
    virsh_ destroy plain >/dev/null 2>&1
    libvirtd_stop
    rm -f /run/libvirt/qemu/autostarted
    : >"$BED/log/libvirtd.log"
}

# For how long nobody gets an answer; ANSWERED_MS, also when it is too long.
answers_in()
{
    local start=${EPOCHREALTIME/./} status
    libvirtd_spawn
    bed_wait $((BOUND_MS / 1000 + 15)) libvirtd_settled && libvirtd_answers
    status=$?
    ANSWERED_MS=$(((${EPOCHREALTIME/./} - start) / 1000))
    return "$status"
}

# The domains of which libvirtd's log has the hook's line.
refused()
{
    sed -n "s/.*autostart.*'\(auto[0-9]*\)'.*remora: domain '\1': .*ceph -s.*/\1/p" \
        "$BED/log/libvirtd.log" | sort -u | wc -l
}

# unreachable TITLE
unreachable()
{
    local title=$1
    ok "$title: libvirtd answers" answers_in
    diag "$title: after $ANSWERED_MS ms"
    ok "$title: after one connect timeout, and not one for each domain" \
        [ "$ANSWERED_MS" -le "$BOUND_MS" ]
    is "$title: each start was refused, and libvirtd's log says why" \
        "$(refused)" "$DOMAINS"
    ok "$title: the domain that is not ours runs" guest_is plain running
    refuses "$title: another start says why" "remora: domain 'auto7': " \
        virsh_ start auto7
    like "$title: and what to do" "$TAP_OUT" 'ceph -s'
    diag "$TAP_OUT"
}

reachable()
{
    local title=$1
    cluster_goes_on
    wait_until "$title: the cluster is back, and it starts" 30 \
        virsh_ start auto7
    wait_until "$title: and ends" 20 guest_wait_off auto7
}

with_agent()
{
    boot
    ok 'the agent stops' agent_stop
    cluster_hangs
    ok 'an agent starts without its cluster' agent_start
    unreachable 'with an agent'
    reachable 'with an agent'
}

# Its connection is there, and what it asked is never answered: the first start
# waits as long as the hook lets it.
warm_agent()
{
    boot
    cluster_hangs
    unreachable 'with an agent that is connected'
    reachable 'with an agent that is connected'
}

without_agent()
{
    boot
    ok 'no agent runs' agent_stop
    cluster_hangs
    unreachable 'without an agent'
    reachable 'without an agent'
}

# The first waits until its own deadline, which no other may do again: it would
# say so.
osd_hangs()
{
    mkdir -p /etc/remora
    echo 'hook: { deadline = "2 s"; };' >/etc/remora/remora.conf
    request_new clone
    cluster_pause_osd
    refuses 'without an agent: an OSD that hangs' 'did not finish within 2 s' \
        request_prepare
    refuses 'the next start is refused, and does not wait' \
        "domain 'web': cluster 'ceph' has not answered" request_prepare
    cluster_resume_osd
    wait_until 'and made when it is back' 30 request_prepare
    ok 'and nothing is noted any more' [ ! -e /run/remora/down.ceph ]
    rm /etc/remora/remora.conf
}

inside()
{
    bed_need_remora
    parts
    domains
    with_agent
    [ -z "${REMORA_FULL-}" ] || warm_agent
    without_agent
    osd_hangs
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside
tap_done
