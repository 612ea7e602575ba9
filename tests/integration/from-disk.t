#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/from-disk.t - what a guest's disk holds becomes an image
#
# Of a guest that runs and of one that does not. 'remora image from-disk' dies at
# each of its points, and at random, and fails at each: nothing that can be cloned
# is less than the disk, nothing stays on the disk, and the next call works.
#
# Needs: root, the packages of lib/packages.sh, remora with fault points.
# Reads: REMORA_FULL: 100 random deaths instead of 10
#
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

IMAGE=0a64fa67-3e34-42e7-b7b0-423c11850e18
ID=1b64fa67-3e34-42e7-b7b0-423c11850e18
A=982b8eac-6bcc-4a21-bd04-b67e26188be0
DISK=vms/${A}_disk
FAULTS_H=$here/../agent/rbd/conn/fault.h
ROUNDS=${REMORA_FULL:+100}
ROUNDS=${ROUNDS:-10}
ADMIN=(-n admin -k /etc/ceph/ceph.client.admin.keyring)
declare -A TESTED

image()
{
    remora "${ADMIN[@]}" image "$@" 2>&1
}

# As a script sees it.
quietly()
{
    remora "${ADMIN[@]}" image "$@" 2>/dev/null
}

from_disk()
{
    image from-disk --id "$ID" web1 vda
}

# faulty FAULT: the same with a fault.
faulty()
{
    TESTED[${1%%=*}]=yes
    REMORA_FAULT=$1 from_disk
}

is_rewritten()
{
    virsh_ dumpxml --inactive web1 | grep -q "source protocol='rbd'"
}

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    guest_image 24M 'a golden image' idle "$BED/tmp/golden" || bail 'no image'
    dd if=/dev/urandom of="$BED/tmp/golden" bs=1M seek=5 count=8 conv=notrunc \
        status=none
    ok 'an image' cluster_add_image "$BED/tmp/golden" "$IMAGE"
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    ok 'the hook is installed' hook_install "$(agent_hook)"
    ok 'the agent starts' agent_start || bail 'no agent'
    ok 'a domain' guest_define -m "<remora:domain xmlns:remora='urn:remora:domain:1'>
        <remora:disk target='vda' image='$IMAGE' size='32 MiB'/>
        </remora:domain>" web1 "$A" || bail 'no domain'
    wait_until 'it is rewritten' 10 is_rewritten
}

# All that there is of the image, of snapshots of the disk, and of claims on it;
# what librbd makes for itself is left out.
everything()
{
    rados -p images ls | grep -v -x 'rbd_\(trash\|children\|info\|directory\)' |
        sort
    rbd trash ls --all images
    rbd snap ls --all "$DISK"
}

snapshot()
{
    rbd snap ls --format json "images/$ID" 2>/dev/null | jq -r '.[].name'
}

# What can be cloned is all of the disk, and needs nothing of it.
not_half()
{
    [ "$(snapshot)" != snap ] || {
        rbd export --no-progress "images/$ID@snap" - | cmp - "$BED/tmp/disk" &&
            [ "$(rbd info --format json "images/$ID" | jq .parent)" = null ]
    }
}

purge_once()
{
    rbd trash purge --no-progress images --expired-before 2100-01-01 \
        >/dev/null 2>&1
}

# What a dead client has open still, for up to a minute, cannot be purged.
purge()
{
    bed_wait 90 purge_once
}

clean()
{
    image rm "$ID" >/dev/null
    purge
    is "$1: it can be removed, and nothing is left" "$(everything)" "$BEFORE"
}

# ---- what it does ----------------------------------------------------------

refused()
{
    refuses 'a domain that is not there' "no domain 'web9'" \
        image from-disk web9 vda
    refuses 'a disk that is not there' "disk 'vdz' is no image" \
        image from-disk web1 vdz
    refuses 'one that is not made yet' 'is not made yet' from_disk
    refuses 'an id that is none' 'the id is not a UUID' \
        image from-disk --id x web1 vda
    refuses 'a pool for other things' 'none of pools.images' \
        image from-disk --pool vms web1 vda
    refuses 'a target too few' 'a domain and one of its disks' \
        image from-disk web1
}

of_one_that_runs()
{
    local json
    ok 'it starts' virsh_ start web1
    ok 'it runs' guest_wait_line web1 idle
    rbd export --no-progress "$DISK" "$BED/tmp/disk"
    BEFORE=$(everything)
    is 'an image of its disk' "$(quietly from-disk --id "$ID" web1 vda)" "$ID"
    is 'has its snapshot' "$(snapshot)" snap
    ok 'is all of it' not_half
    is 'nothing stays on the disk' "$(rbd snap ls --all "$DISK")" ''
    is 'its marks are not the disk'"'"'s' \
        "$(rbd image-meta list "images/$ID" | grep -c remora)" 0
    json=$(remora image show --json "$ID")
    is 'it is whole and protected' \
        "$(jq -c '[.complete, .protected]' <<<"$json")" '[true,true]'
    is 'and is where Glance is told' "$(jq -r .location <<<"$json")" \
        "rbd://$(cluster_fsid)/images/$ID/snap"
    refuses 'once more' 'is there already' from_disk
    ok 'the guest runs on' guest_is web1 running
    clean 'an image'
    like 'that it was not frozen is said' \
        "$(image from-disk --id "$ID" web1 vda)" 'was not frozen'
    is 'to programs, too' \
        "$(image rm "$ID" >/dev/null
            quietly from-disk --json --id "$ID" web1 vda | jq -c .)" \
        "{\"id\":\"$ID\",\"pool\":\"images\",\"size\":$((32 << 20)),\"consistent\":false}"
    clean 'another one'
    refuses 'not by who may not write images' 'not permitted' \
        remora image from-disk --id "$ID" web1 vda
    is 'of which nothing is left, on the disk neither' "$(everything)" \
        "$BEFORE"
    echo 'pools = { images = [ "other", "images" ]; };' >"$BED/tmp/two.conf"
    is "it comes to its parent's pool, not to the first" \
        "$(remora -c "$BED/tmp/two.conf" "${ADMIN[@]}" image from-disk --json \
            --id "$ID" web1 vda 2>/dev/null | jq -r .pool)" images
    clean 'one more'
}

of_one_that_is_off()
{
    ok 'it is off' virsh_ destroy web1
    is 'an image all the same' "$(image from-disk --id "$ID" web1 vda)" "$ID"
    ok 'is all of it' not_half
    clean 'an image of it'
    ok 'and it starts again' virsh_ start web1
}

in_a_full_pool()
{
    local pool
    for pool in images vms; do
        ceph osd pool set-quota $pool max_objects 1 >/dev/null 2>&1
        wait_until "pool $pool is at its quota" 30 \
            eval 'ceph osd pool ls detail | grep -q full_quota'
        refuses 'it is refused by name' "pool '$pool'" from_disk
        ceph osd pool set-quota $pool max_objects 0 >/dev/null 2>&1
        wait_until 'the quota is gone' 30 \
            eval '! ceph osd pool ls detail | grep -q full_quota'
        is 'nothing was made' "$(everything)" "$BEFORE"
    done
}

# ---- each point ------------------------------------------------------------

at_each()
{
    local point
    for point in frozen snapped cloned flattened unsnapped; do
        faulty capture-$point=kill >/dev/null
        is "killed at $point: it has no snapshot" "$(snapshot)" ''
        like 'the next one makes it' "$(from_disk)" "$ID"
        ok 'whole' not_half
        clean "$point"
        faulty capture-$point=kill >/dev/null
        like "killed at $point: one of another id" \
            "$(image from-disk --id $IMAGE web1 vda)" 'is there already'
        is 'takes the snapshot away' "$(rbd snap ls "$DISK")" ''
        image rm "$ID" >/dev/null
        purge
        is 'and nothing is left but perhaps its claim' \
            "$(everything | grep -v "^remora_claim.$ID")" "$BEFORE"
        from_disk >/dev/null
        clean "$point, and never made then"
        like "it fails at $point: and says so" \
            "$(faulty capture-$point=error:5)" 'Input/output error'
        is 'nothing is left' "$(everything)" "$BEFORE"
    done
}

all_points()
{
    is 'each point of the header was tested' \
        "$(printf '%s\n' "${!TESTED[@]}" | sort)" \
        "$(sed -n 's/^ \*     \(capture-[a-z-]*\) .*/\1/p' "$FAULTS_H" | sort)"
}

# ---- at random -------------------------------------------------------------

at_random()
{
    local i half=0 whole=0 nothing=0 bad=0 stuck=0 left=0 out=$BED/tmp/out
    for ((i = 0; i < ROUNDS; i++)); do
        REMORA_FAULT=claim-created=timer:$((RANDOM * 15)) from_disk >/dev/null
        case $(snapshot)$(rbd ls images | grep $ID) in
        snap*) whole=$((whole + 1)) ;;
        '') nothing=$((nothing + 1)) ;;
        *) half=$((half + 1)) ;;
        esac
        not_half || bad=$((bad + 1))
        from_disk >"$out"
        grep -q -e "^$ID" -e 'is there already' "$out" || {
            stuck=$((stuck + 1))
            diag "$(<"$out")"
        }
        not_half || bad=$((bad + 1))
        image rm $ID >/dev/null
        purge
        [ "$(everything)" = "$BEFORE" ] || {
            left=$((left + 1))
            diag "$(everything)"
        }
    done
    diag "of $ROUNDS: $whole whole, $half half-made, $nothing of which nothing is"
    is 'none that can be cloned is less than the disk' "$bad" 0
    is 'after each the next one works' "$stuck" 0
    is 'nothing of all that is left' "$left" 0
}

inside()
{
    bed_need_remora
    parts
    refused
    of_one_that_runs
    of_one_that_is_off
    in_a_full_pool
    at_each
    all_points
    at_random
    ok 'the guest runs on' guest_is web1 running
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside
tap_done
