#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/parents.t - what is cloned is what has the name now
#
# The agent remembers what it has seen of an image. Whatever becomes of that before
# the next disk, it is a clone of what the definition names, or there is none. If the
# snapshot goes in the midst of it, nothing of the first try is left.
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
. "$here/lib/request.sh"

IMAGE=0a64fa67-3e34-42e7-b7b0-423c11850e18
PARENT=images/$IMAGE@snap
MiB=$((1024 * 1024))

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    guest_image 16M 'the first' off "$BED/tmp/first.raw" || bail 'no image'
    guest_image 24M 'the second' off "$BED/tmp/second.raw" || bail 'no image'
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    ok 'a domain with a clone' request_kind clone \
        "$(agent_asks vda "$IMAGE" '32 MiB')" || bail 'no request'
}

gl()
{
    rbd --id glance "$@"
}

# The image as it is first, and a disk of it, so that the agent remembers it.
known()
{
    ok "$TITLE: an image" cluster_add_image "$BED/tmp/first.raw" "$IMAGE"
    request_new clone
    ok "$TITLE: a disk of it" request_prepare
    ok "$TITLE: is a clone of it" is_of first
    FIRST=$REQUEST_DISK
    request_release
    request_new clone
}

# is_of NAME: the request's disk, of the image's content now.
is_of()
{
    request_is_whole "$PARENT" "$BED/tmp/$1.raw" $((32 * MiB))
}

put_second()
{
    cluster_add_image "$BED/tmp/second.raw" "$IMAGE"
}

# Each leaves the second image under the name.
renamed()
{
    gl mv "images/$IMAGE" images/before && put_second
}

trashed()
{
    gl trash mv "images/$IMAGE" && put_second
}

# Its clone is none any more.
removed()
{
    rbd flatten --no-progress "$FIRST" && gl snap unprotect "$PARENT" &&
        gl snap rm --no-progress "$PARENT" &&
        gl rm --no-progress "images/$IMAGE" && put_second
}

# The same image with another content and another snapshot of the same name. One
# with a clone stays, without its name.
resnapped()
{
    gl snap unprotect "$PARENT" && gl snap rm --no-progress "$PARENT" &&
        gl resize --no-progress --size 24M "images/$IMAGE" &&
        gl bench --io-type write --io-size 1M --io-total 2M "images/$IMAGE" &&
        gl snap create --no-progress "$PARENT" && gl snap protect "$PARENT" &&
        gl export --no-progress "$PARENT" - >"$BED/tmp/second.raw"
}

cleared()
{
    local image
    rbd ls vms | while read -r image; do
        rbd rm --no-progress "vms/$image"
    done
    gl ls images | while read -r image; do
        gl snap unprotect "images/$image@snap"
        gl snap purge --no-progress "images/$image"
        gl rm --no-progress "images/$image"
    done
    gl trash purge --no-progress images
    rbd trash purge --no-progress vms
}

# Names and headers of nothing but disks, and one of each for each.
all_are_disks()
{
    local n
    n=$(rbd ls vms | wc -l)
    [ "$(rados -p vms ls | grep -c '^rbd_id\.')" = "$n" ] &&
        [ "$(rados -p vms ls | grep -c '^rbd_header\.')" = "$n" ] &&
        [ "$(rados -p vms ls | grep -c '^rbd_object_map\.')" = "$n" ]
}

# before HOW: between two disks.
before()
{
    TITLE="$1 before"
    known
    ok "$TITLE: $1" "$1"
    ok "$TITLE: a disk" request_prepare
    ok "$TITLE: is a clone of what is there now" is_of second
    ok "$TITLE: and nothing else is there" all_are_disks
    request_release
    wait_until "$TITLE: no claim remains" 5 agent_no_claims
    tap_run cleared
}

# amid HOW POINT: while the disk is made.
amid()
{
    local hook point=$2
    TITLE="$1 at $2"
    known
    agent_kill
    : >"$BED/tmp/hold"
    REMORA_FAULT=$point=hold@1 REMORA_FAULT_HOLD=$BED/tmp/hold agent_start
    : >"$BED/log/remorad.now"
    request_prepare >"$BED/tmp/hook" 2>&1 &
    hook=$!
    wait_until "$TITLE: there" 10 grep -q "REMORA_FAULT: at $point" \
        "$BED/log/remorad.now"
    ok "$TITLE: $1" "$1"
    rm "$BED/tmp/hold"
    wait "$hook"
    is "$TITLE: a disk" $? 0
    ok "$TITLE: is a clone of what is there now" is_of second
    ok "$TITLE: and nothing else is there" all_are_disks
    is "$TITLE: none of the first try is a clone" \
        "$(rbd children "$PARENT")" "$REQUEST_DISK"
    request_release
    wait_until "$TITLE: no claim remains" 5 agent_no_claims
    agent_kill
    agent_start
    tap_run cleared
}

gone()
{
    TITLE='nothing has the name'
    known
    ok "$TITLE: renamed" gl mv "images/$IMAGE" images/before
    refuses "$TITLE: no disk" 'does not exist' request_prepare
    ok "$TITLE: and nothing of it" all_are_disks
    ok "$TITLE: its snapshot has another name" eval \
        'gl mv images/before "images/$IMAGE" &&
            gl snap rename "$PARENT" "images/$IMAGE@other"'
    refuses "$TITLE: no disk then" "has no snapshot 'snap'" request_prepare
    ok "$TITLE: and nothing of it then" all_are_disks
    ok "$TITLE: as it was" gl snap rename "images/$IMAGE@other" "$PARENT"
    ok "$TITLE: a disk" request_prepare
    ok "$TITLE: is a clone of it again" is_of first
    request_release
    tap_run cleared
}

inside()
{
    local how
    bed_need_remora
    parts
    agent_start
    for how in renamed trashed removed resnapped; do
        before "$how"
    done
    gone
    amid resnapped clone-headed
    amid removed clone-listed
}

bed_enter "$0" "$@"
inside
tap_done
