#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/depth.t - clones with too many parents are flattened
#
# In the background, while their guests run and write: by the cluster's task queue,
# and here when that hangs or is not there, whatever dies meanwhile.
#
# Needs: root, the packages of lib/packages.sh, remora with fault points.
# Stage: faults
#
# shellcheck source-path=SCRIPTDIR
here=$(dirname -- "$(realpath -- "$0")")/..
. "$here/lib/tap.sh"
. "$here/lib/bed.sh"
. "$here/lib/cluster.sh"
. "$here/lib/libvirt.sh"
. "$here/lib/guest.sh"
. "$here/lib/agent.sh"

A=982b8eac-6bcc-4a21-bd04-b67e26188be0
MiB=$((1024 * 1024))

# link PARENT CHILD FORMAT: a clone, and its snapshot.
link()
{
    [ "$3" = 2 ] || rbd snap protect "images/$1@snap" || return 1
    rbd clone --rbd-default-clone-format "$3" "images/$1@snap" "images/$2" &&
        rbd snap create --no-progress "images/$2@snap"
}

# What each has above it: c0 nothing, c1 one image, c6 six. Of many small objects,
# one copied after another, so that a flatten takes a while.
chain()
{
    local i
    guest_image 32M 'a golden image' writer "$BED/tmp/golden" &&
        dd if=/dev/urandom of="$BED/tmp/golden" bs=1M seek=2 count=30 \
            conv=notrunc status=none &&
        rbd import --no-progress --object-size 16K "$BED/tmp/golden" \
            images/c0 && rbd snap create --no-progress images/c0@snap || return 1
    for i in 1 2 3 4 5 6; do
        link "c$((i - 1))" "c$i" "$((1 + (i + 1) % 2))" || return 1
    done
    # Its child, c3, is linked to it in format 1; the one above in format 2.
    rbd trash mv images/c1
    ceph config set global rbd_concurrent_management_ops 1
}

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    ok 'a chain of seven images, in formats 1 and 2, one in the trash' chain ||
        bail 'no images'
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    ok 'the hook is installed' hook_install "$(agent_hook)"
    ok 'the agent starts' agent_start || bail 'no agent'
}

# clone_xml POOL/IMAGE@SNAP: a disk that is to be its clone, and boots.
clone_xml()
{
    cat <<XML
<disk type='network' device='disk'>
      <driver name='qemu' type='raw'/>
      <source protocol='rbd' name='$1'/>
      <target dev='vda' bus='virtio'/><boot order='1'/>
    </disk>
XML
}

names_clone()
{
    virsh_ dumpxml --inactive "$1" |
        grep -q "<source protocol='rbd' name='vms/"
}

# defined NAME UUID POOL/IMAGE@SNAP
defined()
{
    guest_who "$1" A "$1" &&
        guest_define "$1" "$2" "$(clone_xml "$3")" "$(guest_who_xml "$1")" &&
        bed_wait 10 names_clone "$1"
}

writes()
{
    virsh_ domblkstat "$1" vda | awk '$2 == "wr_req" { print $3 }'
}

wrote_more()
{
    [ "$(writes "$1")" -gt "$2" ]
}

# writing NAME: it goes on.
writing()
{
    bed_wait 20 wrote_more "$1" "$(writes "$1")"
}

has_parent()
{
    [ "$(rbd info --format json "$1" | jq -r '.parent.image // "none"')" != none ]
}

has_none()
{
    ! has_parent "$1"
}

# is_marked POOL/IMAGE: its mark says that it is to be flattened.
is_marked()
{
    [[ $(rbd image-meta get "$1" remora.flatten 2>/dev/null) == \
        "id=$(rbd info --format json "$1" | jq -r .id)"* ]]
}

not_marked()
{
    ! rbd image-meta get "$1" remora.flatten >/dev/null 2>&1
}

# A clone in format 2 says that it is one by a feature of its own.
features()
{
    rbd info --format json "$1" | jq -c '[(.features - ["operations"]), .flags]'
}

has_features()
{
    [ "$(features "$1")" = "$2" ]
}

# map_is_true POOL/IMAGE: who checks it flags it if it is not.
map_is_true()
{
    rbd object-map check --no-progress "$1" &&
        [ "$(features "$1" | jq -c '.[1]')" = '[]' ]
}

# named KEY POOL/IMAGE: the client that the mark says is at it: 'by', one of
# remora's, or 'mgr', the manager's; a watcher, it may be.
named()
{
    rbd image-meta get "$2" remora.flatten 2>/dev/null | tr ' ' '\n' |
        sed -n "s/^$1=//p" | grep .
}

manager_watches()
{
    cluster_watchers "$1" | grep -q -x -F "$(named mgr "$1")"
}

# intact POOL/IMAGE WHO: what the image had is there, and what the guest wrote.
intact()
{
    rm -f "$BED/tmp/out"
    rbd export --no-progress "$1" "$BED/tmp/out" &&
        cmp -i "$((2 * MiB))" "$BED/tmp/golden" "$BED/tmp/out" &&
        head -c 1M "$BED/tmp/out" | python3 -c "$GUEST_GROUNDS" |
        awk -v who="$2" '$2 == who && $3 > 0 { n = 1 } END { exit !n }'
}

ended()
{
    ok "$1 is ended" virsh_ destroy "$1"
    wait_until 'no claim is left' 20 agent_no_claims
    ok 'its disk is as it should be' intact "$2" "$1"
    ok 'and has no mark' not_marked "$2"
    virsh_ undefine "$1"
}

# ---- the stories ------------------------------------------------------------------

# Five are not too many.
not_too_deep()
{
    local disk=vms/${A/982b8eac/00000001}_disk
    ok 'a domain on the fifth' defined five "${A/982b8eac/00000001}" \
        images/c4@snap
    ok 'starts' virsh_ start five
    ok 'its guest writes' writing five
    ok 'its disk keeps its parent' has_parent "$disk"
    ok 'and has no mark' not_marked "$disk"
    virsh_ destroy five
    wait_until 'no claim is left' 20 agent_no_claims
    virsh_ undefine five
}

# The sixth: the manager does it, while the guest runs.
by_manager()
{
    local disk=vms/${A}_disk before
    ok 'a domain on the sixth' defined six "$A" images/c5@snap
    ok 'starts' virsh_ start six
    ok 'its guest writes' writing six
    before=$(features images/c5)
    wait_until 'its disk is given to the task queue' 20 \
        agent_said "the cluster's task queue flattens it"
    wait_until 'the manager has it open, and is named' 30 named mgr "$disk"
    ok 'with the guest at work' writing six
    like 'status tells how far it is' "$(remora status | sed 's/[0-9]* %/N %/')" \
        "flatten  $disk: N %, by the cluster's task queue"
    ok 'the claim says whose the guest is' \
        agent_claim_is "$disk" "running $(hostname) $A"
    wait_until 'then it has no parent' 180 has_none "$disk"
    wait_until 'which is logged' 20 agent_said 'is flattened'
    is 'its features are those of before' "$(features "$disk")" "$before"
    ok 'its guest writes' writing six
    ended six "$disk"
    ok 'its map is true' map_is_true "$disk"
}

# Where the manager has no queue.
by_agent()
{
    local disk=vms/${A}_disk before
    ok 'a domain on the sixth' defined six "$A" images/c5@snap
    ok 'starts' virsh_ start six
    ok 'its guest writes' writing six
    before=$(features images/c5)
    wait_until 'it is to be flattened here' 60 agent_said 'it is flattened here'
    ok 'with the guest at work' writing six
    wait_until 'then it has no parent' 180 has_none "$disk"
    wait_until 'which is logged' 20 agent_said 'is flattened'
    wait_until 'its features are those of before' 60 has_features "$disk" "$before"
    ended six "$disk"
    ok 'its map is true' map_is_true "$disk"
}

# The guest ends in the middle of it, and starts again while the manager, which
# hangs, has the disk open.
beside_manager()
{
    local uuid=${A/982b8eac/00000007} disk
    disk=vms/${uuid}_disk
    ok 'a domain on the seventh' defined seven "$uuid" images/c6@snap
    ok 'starts' virsh_ start seven
    wait_until 'the manager has its disk open, and is named' 60 named mgr "$disk"
    # The lock is the guest's then, and nobody waits for the manager to give it.
    ok 'its guest writes' writing seven
    ok 'the manager hangs' cluster_pause mgr.x
    ok 'its guest is ended' virsh_ destroy seven
    ok 'the manager has the disk open' manager_watches "$disk"
    wait_until 'it is to be flattened here' 60 agent_said 'it is flattened here'
    ok 'the domain starts all the same' virsh_ start seven
    ok 'its guest writes' writing seven
    wait_until 'its client is told from the manager' 20 agent_claim_is "$disk" \
        "running $(hostname) $uuid"
    wait_until 'its disk is flattened to the end' 180 has_none "$disk"
    ok 'its guest writes' writing seven
    ok 'the manager goes on' cluster_resume mgr.x
    wait_until 'the mark is gone' 60 not_marked "$disk"
    ended seven "$disk"
}

# agent_dies_at POINT: and is followed by another one.
agent_dies_at()
{
    # It may be dead before it was seen to be ready.
    REMORA_FAULT=$1=kill agent_start >/dev/null 2>&1
    wait_until "an agent is killed at $1" 180 bed_gone "$AGENT_PID"
    AGENT_PID=
}

# The object map is off meanwhile, whoever dies at whatever step, and the guest, whose
# process does it, writes on.
without_map()
{
    local uuid=${A/982b8eac/0000000b} disk before
    disk=vms/${uuid}_disk
    ok 'the agent stops' agent_stop
    ok 'one starts that cannot turn an object map off' eval \
        'REMORA_FAULT=map-noted=error:5 agent_start'
    ok 'a domain on the sixth' defined eleven "$uuid" images/c5@snap
    ok 'starts' virsh_ start eleven
    ok 'its guest writes' writing eleven
    before=$(features "$disk")
    like 'its disk has an object map' "$before" '"object-map","fast-diff"'
    wait_until 'it says that it cannot' 60 \
        agent_said "cannot turn off the object map of '$disk'"
    ! cluster_has_tasks ||
        is 'and nobody flattens the disk' "$(ceph rbd task list | jq length)" 0
    ok 'that agent stops' agent_stop
    agent_dies_at map-noted
    is 'the map is on' "$(features "$disk")" "$before"
    agent_dies_at map-off
    unlike 'it is off' "$(features "$disk")" 'object-map'
    ok 'with a parent' has_parent "$disk"
    ok 'its guest writes' writing eleven
    agent_dies_at map-on
    like 'it is on, and not true' "$(features "$disk")" 'object map invalid'
    ok 'without a parent' has_none "$disk"
    ok 'its guest writes' writing eleven
    agent_dies_at map-rebuilt
    is 'it is as before' "$(features "$disk")" "$before"
    ok 'which is still to be done' eval "! not_marked $disk"
    ok 'an agent starts' agent_start
    wait_until 'the mark goes' 60 not_marked "$disk"
    is 'it is as before' "$(features "$disk")" "$before"
    unlike 'without a note' "$(rbd image-meta list "$disk")" remora.object-map
    ok 'its guest writes' writing eleven
    ended eleven "$disk"
    ok 'the map is true' map_is_true "$disk"
}

# No exclusive lock: nobody else does it for the agent, nor does QEMU, whose guest
# writes at the same time.
here_and_killed()
{
    local uuid=${A/982b8eac/00000008} disk
    disk=vms/${uuid}_disk
    echo 'clone: { features = [ "layering" ]; flatten = true; };' \
        >/etc/remora/remora.conf
    ok 'the manager is stopped' cluster_stop_mgr
    ok 'the agent stops' agent_stop
    ok 'and starts, to be killed' eval \
        'REMORA_FAULT=flatten-progress=kill@100 agent_start'
    ok 'a domain on the first' defined eight "$uuid" images/c0@snap
    ok 'starts' virsh_ start eight
    ok 'its guest writes' writing eight
    ok 'it is marked' is_marked "$disk"
    wait_until 'the agent dies of it' 60 bed_gone "$AGENT_PID"
    AGENT_PID=
    ok 'its guest writes' writing eight
    ok 'its disk has a parent' has_parent "$disk"
    ok 'and says who was at it' named by "$disk"
    ok 'another agent starts' agent_start
    wait_until 'which flattens it' 180 has_none "$disk"
    wait_until 'and takes the mark away' 20 not_marked "$disk"
    ok 'its guest writes' writing eight
    ended eight "$disk"
    ok 'the manager starts' cluster_start_mgr
}

# Depth 0 is the same for all, and what is owed is done by the next agent, too.
none_at_all()
{
    local uuid=${A/982b8eac/00000009} disk
    disk=vms/${uuid}_disk
    echo 'clone: { max_depth = 0; };' >/etc/remora/remora.conf
    ok 'the configuration is read' agent_reload
    ok 'a domain on the first' defined nine "$uuid" images/c0@snap
    ok 'the agent is killed' agent_kill
    ok 'the domain starts' virsh_ start nine
    ok 'its guest writes' writing nine
    ok 'nobody flattens its disk' is_marked "$disk"
    ok 'an agent starts' agent_start
    wait_until 'its disk has no parent' 180 has_none "$disk"
    wait_until 'the mark is gone' 20 not_marked "$disk"
    ended nine "$disk"
}

# As many as are flattened at a time cannot be, and are tried again in a minute; the
# next one can.
failing_keep_nobody()
{
    local i uuid=${A/982b8eac/0000000c}
    echo 'clone: { max_depth = 0; };' >/etc/remora/remora.conf
    ok 'the agent stops' agent_stop
    ok 'one starts that cannot turn an object map off' eval \
        'REMORA_FAULT=map-noted=error:5 agent_start'
    for i in 1 2 3 4; do
        ok "domain $i" defined "map$i" "${uuid/0000000c/0000001$i}" images/c0@snap
        ok 'starts' virsh_ start "map$i"
        wait_until 'its disk cannot be flattened' 60 agent_said "cannot turn off \
the object map of 'vms/${uuid/0000000c/0000001$i}_disk'"
    done
    echo 'clone: { max_depth = 0; features = [ "layering" ]; };' \
        >/etc/remora/remora.conf
    ok 'the configuration is read' agent_reload
    ok 'a domain whose disk has no map' defined plain "$uuid" images/c0@snap
    ok 'starts' virsh_ start plain
    wait_until 'its disk has no parent' 45 has_none "vms/${uuid}_disk"
    for i in map1 map2 map3 map4 plain; do
        virsh_ destroy "$i"
        virsh_ undefine "$i"
    done
    ok 'that agent stops' agent_stop
    ok 'another one starts' agent_start
}

# What Ceph says with a number.
made_plain()
{
    local uuid=${A/982b8eac/0000000a} disk
    disk=vms/${uuid}_disk
    echo 'clone: { data_pool = "nowhere"; };' >/etc/remora/remora.conf
    ok 'the configuration is read' agent_reload
    ok 'a domain' defined ten "$uuid" images/c0@snap
    refuses 'a data pool that is not there is named' \
        "there is no pool 'nowhere' for its data" virsh_ start ten
    ok 'nothing is left of it' eval "! rbd info $disk"
    echo 'clone: { data_pool = "volumes"; };' >/etc/remora/remora.conf
    ok 'the configuration is read' agent_reload
    ok 'with one that is there it starts' virsh_ start ten
    is 'and the data are in it' "$(rbd info --format json "$disk" |
        jq -r .data_pool)" volumes
    virsh_ destroy ten
    virsh_ undefine ten
}

inside()
{
    bed_need_remora
    parts
    not_too_deep
    if cluster_has_tasks; then
        by_manager
        beside_manager
    else
        diag 'the manager has no task queue: all is flattened here'
        by_agent
    fi
    without_map
    here_and_killed
    none_at_all
    failing_keep_nobody
    made_plain
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside
tap_done
