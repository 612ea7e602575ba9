#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/stalled.t - part of the cluster does not answer, and the rest
# goes on
#
# In each round a domain is being started, and stays so, while a pool, or one
# placement group of it, does not answer somebody else. No start that needs
# nothing of it is refused, and the first one keeps its claim. How long they
# take is reported; the verdict is about who is refused, and what with.
#
# Needs: root, the packages of lib/packages.sh, an installed remora.
# Reads: REMORA_FULL   ten times as many rounds
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
. "$here/lib/proxied.sh"

IMAGE=0a64fa67-3e34-42e7-b7b0-423c11850e18
ROUNDS=${REMORA_FULL:+50}
ROUNDS=${ROUNDS:-5}
CLUSTER_MONS=3
# Who waits for somebody else's call that hangs takes nearly as long.
OP_TIMEOUT=8
DEADLINE=30
# Of clone and bare: their domains' names and disks.
declare -A UUID

parts()
{
    ok 'a cluster with three monitors starts' cluster_start ||
        bail 'no cluster'
    guest_image 16M 'a golden image' off "$BED/tmp/golden" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/golden" "$IMAGE"
    mkdir -p /etc/remora
    limits "$DEADLINE"
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    ok 'the agent starts' agent_start || bail 'no agent'
    ok 'a domain with a clone' request_kind clone "$(agent_asks vda "$IMAGE")"
    ok 'one with a disk in another pool' request_kind bare '' \
        "$(guest_disk_xml vda "volumes/$REQUEST_MODEL" "$REQUEST_SECRET")"
}

# limits DEADLINE
limits()
{
    {
        echo "op_timeout = \"$OP_TIMEOUT s\";"
        echo "hook: { deadline = \"$1 s\"; };"
    } >/etc/remora/remora.conf
}

# new KIND NAME: a domain of its own, as $BED/tmp/NAME.xml.
new()
{
    request_new "$1" && UUID[$2]=$REQUEST_UUID
    sed "s|<name>web<|<name>$2<|" "$REQUEST" >"$BED/tmp/$2.xml"
    [ "$1" = clone ] || rbd create --size 16M "volumes/$REQUEST_UUID"
}

hook()
{
    "$(agent_hook)" "$1" "$2" "$3" - <"$BED/tmp/$1.xml"
}

# prepare NAME: its milliseconds are the last line.
prepare()
{
    local begin=${EPOCHREALTIME//[.,]/} status
    hook "$1" prepare begin
    status=$?
    echo $(((${EPOCHREALTIME//[.,]/} - begin) / 1000))
    return "$status"
}

release()
{
    hook "$1" release end
}

# starts TITLE: a clone, and does not wait for the call that hangs.
starts()
{
    new clone other
    ok "$1" prepare other || return
    TOOK+=" $TAP_OUT"
    ok 'in time' [ "${TOOK##* }" -lt $((OP_TIMEOUT * 750)) ]
    release other
}

# begin NAME: its start, as $PENDING.
begin()
{
    prepare "$1" >"$BED/tmp/$1.said" 2>&1 &
    PENDING=$!
}

# ---- one round -------------------------------------------------------------

# A start that has been allowed, and whose guest never comes.
in_flight()
{
    new clone first
    ok 'a start is under way' prepare first
}

ends_meanwhile()
{
    release first
    wait_until 'the claim of the first start ends meanwhile' 10 eval \
        "! rados -p vms stat remora_claim.${UUID[first]}_disk"
}

# refused NAME: what the start said that has waited in vain.
refused()
{
    local status
    wait "$PENDING"
    status=$?
    isnt 'the start that needs it is refused' "$status" 0
    like 'for the cluster does not answer' "$(<"$BED/tmp/$1.said")" 'ceph -s'
    diag "after $(tail -n 1 "$BED/tmp/$1.said") ms"
}

# names POOL NAME: the start is refused, and is told of it.
names()
{
    ! prepare "$2" >"$BED/tmp/$2.said" 2>&1 &&
        grep "pool '$1' of cluster 'ceph'" "$BED/tmp/$2.said"
}

# stalled TITLE STALL UNSTALL OBJECT: of the pool volumes.
stalled()
{
    local title=$1 stall=$2 unstall=$3 object=$4 PENDING TOOK=''
    diag "$title"
    in_flight
    ok "$title does not answer" "$stall" volumes "$object"
    begin stuck
    sleep 0.5
    starts 'while a start waits for it, another goes on'
    # As libvirt would: the moment the one is refused.
    refused stuck
    begin stuck
    starts 'then, too'
    starts 'and the next'
    wait "$PENDING"
    isnt 'the one is refused again' "$?" 0
    diag "after $(tail -n 1 "$BED/tmp/stuck.said") ms"
    wait_until 'which names the pool' 10 names volumes stuck
    like 'and where to look' "$(<"$BED/tmp/stuck.said")" \
        'ceph pg ls-by-pool volumes'
    diag "after $(tail -n 1 "$BED/tmp/stuck.said") ms; the others:$TOOK"
    is 'the agent says that the cluster is up' "$(state)" up
    ends_meanwhile
    ok 'it answers again' "$unstall" volumes "$object"
    wait_until 'and the start is allowed' 30 prepare stuck
    release stuck
    wait_until 'no claim is left there' 30 eval \
        '! rados -p volumes ls | grep remora_claim'
}

state()
{
    remora status --json | jq -r '.agent.clusters[0].state'
}

pool_stall()
{
    cluster_stall "$1"
}

pool_unstall()
{
    cluster_unstall "$1"
}

whole_pool()
{
    new bare stuck
    stalled 'a pool' pool_stall pool_unstall -
}

# Others of the pool are let in, one after the other, and then all.
one_group()
{
    new bare stuck
    stalled 'the placement group of a claim' cluster_stall_pg \
        cluster_unstall_pg "remora_claim.${UUID[stuck]}"
}

of_a_header()
{
    local id
    new bare stuck
    id=$(rbd info --format json "volumes/${UUID[stuck]}" | jq -r .id)
    stalled "the placement group of an image's header" cluster_stall_pg \
        cluster_unstall_pg "rbd_header.$id"
}

# Not by a timeout of a call, but as the hook has no more time.
past_the_deadline()
{
    limits 3
    agent_reload
    new bare stuck
    stalled 'a pool, with a deadline that is short,' pool_stall pool_unstall -
    limits "$DEADLINE"
    agent_reload
}

# A claim was asked for there in each round, and is noted still. To look at one takes
# its time, and the others are not waited for.
status_meanwhile()
{
    new bare stuck
    ok 'a pool hangs' pool_stall volumes
    ok 'the status does not wait for each claim there' \
        timeout $((ROUNDS * OP_TIMEOUT)) "$BED_INST/bin/remora" status --json
    ok 'it answers again' pool_unstall volumes
    wait_until 'and a start is allowed' 30 prepare stuck
    release stuck
}

# ---- more of it ------------------------------------------------------------

# apart POOL OBJECT: a domain none of whose objects with a name is in that
# placement group.
apart()
{
    local pg
    pg=$(cluster_pg "$1" "$2")
    while new bare aside; do
        [ "$(cluster_pg "$1" "remora_claim.${UUID[aside]}")" = "$pg" ] ||
            [ "$(cluster_pg "$1" "rbd_id.${UUID[aside]}")" = "$pg" ] ||
            [ "$(cluster_pg "$1" "rbd_header.$(rbd info --format json \
                "volumes/${UUID[aside]}" | jq -r .id)")" = "$pg" ] || return 0
        rbd rm --no-progress "volumes/${UUID[aside]}"
    done
} 2>/dev/null

# Not the groups of what all images of a pool need.
same_pool()
{
    local object common
    common=" $(cluster_pg volumes rbd_directory) $(cluster_pg volumes rbd_info) "
    until new bare stuck; object=remora_claim.${UUID[stuck]}
        [[ $common != *" $(cluster_pg volumes "$object") "* ]]; do
        rbd rm --no-progress "volumes/${UUID[stuck]}"
    done
    ok 'a domain of another placement group' apart volumes "$object"
    ok 'one group hangs' cluster_stall_pg volumes "$object"
    refuses 'a start that needs it is refused' 'ceph -s' prepare stuck
    wait_until 'one of another group is let in after a while' 30 prepare aside
    release aside
    ok 'and again, at once' prepare aside
    release aside
    refuses 'the one that hangs is not' "pool 'volumes'" prepare stuck
    ok 'the group answers' cluster_unstall_pg volumes "$object"
    wait_until 'and that start is allowed' 30 prepare stuck
    release stuck
}

# The image's, which has to have its clones written down in it.
of_a_parent()
{
    local other=11111111-2222-3333-4444-555555555555 id
    ok 'a second image' cluster_add_image "$BED/tmp/golden" "$other"
    ok 'a domain with a clone of it' request_kind second \
        "$(agent_asks vda "$other")"
    new second stuck
    new bare beside
    id=$(rbd info --format json "images/$other" | jq -r .id)
    ok "the group of an image's header does not answer" \
        cluster_stall_pg images "rbd_header.$id"
    refuses 'a start that needs a clone of it is refused' 'ceph -s' \
        prepare stuck
    ok 'one that needs none is not' prepare beside
    release beside
    wait_until 'the pool of images is to blame' 10 names images stuck
    ok 'the other one starts yet' prepare beside
    release beside
    ok 'it answers again' cluster_unstall_pg images "rbd_header.$id"
    wait_until 'and the clone is made' 30 prepare stuck
    release stuck
}

# Two monitors of three do not answer for a moment: who defines a domain then
# asks no monitor, and nobody else hears of it.
slow_monitors()
{
    local i
    guest_xml -m "$(agent_asks vda "$IMAGE")" web "$REQUEST_MODEL" \
        >"$BED/tmp/define.xml"
    in_flight
    for ((i = 0; i < ROUNDS; i++)); do
        new clone other
        cluster_pause_mon b
        cluster_pause_mon c
        prepare other >"$BED/tmp/other.said" 2>&1 &
        ok "a definition is answered without monitors, $i" eval \
            "proxied_ask define <'$BED/tmp/define.xml' | grep _disk"
        cluster_resume_mon b
        cluster_resume_mon c
        ok "the start beside it is allowed, $i" wait $!
        release other
    done
    is 'the cluster is up' "$(state)" up
    ends_meanwhile
}

# A map that cannot be had is waited for once by all that ask for it together.
no_quorum()
{
    local i pids=() longest=0 took
    for i in 1 2 3 4; do
        new clone "many$i"
    done
    sleep 1.1
    cluster_pause_mon b
    cluster_pause_mon c
    for i in 1 2 3 4; do
        prepare "many$i" >"$BED/tmp/many$i.said" 2>&1 &
        pids+=($!)
    done
    wait "${pids[@]}"
    cluster_resume_mon b
    cluster_resume_mon c
    for i in 1 2 3 4; do
        took=$(tail -n 1 "$BED/tmp/many$i.said")
        [ "$took" -le "$longest" ] || longest=$took
        diag "$(<"$BED/tmp/many$i.said")"
    done
    ok 'without a quorum none waits for the others' [ "$longest" -lt 15000 ]
    wait_until 'the quorum is back' 60 eval \
        '[ "$(ceph quorum_status -f json | jq ".quorum | length")" = 3 ]'
    wait_until 'and a start is allowed' 30 prepare many1
    for i in 1 2 3 4; do
        release "many$i"
    done
}

inside()
{
    local i
    bed_need_remora
    parts
    for ((i = 0; i < ROUNDS; i++)); do
        case $((i % 4)) in
        0) whole_pool ;;
        1) one_group ;;
        2) of_a_header ;;
        3) past_the_deadline ;;
        esac
    done
    status_meanwhile
    same_pool
    of_a_parent
    slow_monitors
    no_quorum
    wait_until 'no claim is left' 30 agent_no_claims
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside
tap_done
