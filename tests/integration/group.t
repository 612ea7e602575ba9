#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/group.t - all disks of a domain at one moment
#
# A guest counts on two disks in step, as fast as it can; so what two snapshots hold
# tells whether they were made at one moment. 'remora volume snapshot create
# --domain' fails and dies at each of its points: then there are all snapshots or
# none, or they are named, and the guest goes on.
#
# Needs: root, the packages of lib/packages.sh, remora with fault points.
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

A=982b8eac-6bcc-4a21-bd04-b67e26188be0
ID=5a64fa67-3e34-42e7-b7b0-423c11850e18
VOLUME=1b64fa67-3e34-42e7-b7b0-423c11850e18
DISKS=("vms/${A}_disk" "volumes/volume-$VOLUME")
FAULTS_H=$here/../agent/rbd/conn/fault.h
declare -A TESTED

snapshot()
{
    remora volume snapshot "$@" 2>&1
}

# As a script sees it.
quietly()
{
    remora volume snapshot "$@" 2>/dev/null
}

# The exit status of what follows.
status()
{
    "$@" >/dev/null 2>&1
    echo $?
}

create()
{
    snapshot create --domain two "$ID"
}

# faulty FAULT: the same with a fault.
faulty()
{
    TESTED[${1%%=*}]=yes
    REMORA_FAULT=$1 create
}

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    guest_image 16M 'a pair' pair "$BED/tmp/pair" || bail 'no image'
    ok 'a disk' rbd import --no-progress "$BED/tmp/pair" "${DISKS[0]}"
    ok 'another one' rbd import --no-progress "$BED/tmp/pair" "${DISKS[1]}"
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    ok 'the hook is installed' hook_install "$(agent_hook)"
    ok 'the agent starts' agent_start || bail 'no agent'
    ok 'a domain with both' guest_define two $A \
        "$(guest_disk_xml vda "${DISKS[0]}" "$(agent_secret)" 1)" \
        "$(guest_disk_xml vdb "${DISKS[1]}" "$(agent_secret)" 2)" ||
        bail 'no domain'
    ok 'it starts' virsh_ start two
    ok 'and counts' guest_wait_line two 'remora-guest: pair' 60
}

# number IMAGE[@SNAP]: what the guest wrote there last.
number()
{
    rbd export --no-progress "$1" - | od -An -t u4 -j $((64 * 512 + 508)) -N 4
}

# apart SNAP: by how much the first disk's is ahead.
apart()
{
    echo $(($(number "${DISKS[0]}@$1") - $(number "${DISKS[1]}@$1")))
}

at_one_moment()
{
    local ahead
    ahead=$(apart "snapshot-$ID")
    [ "$ahead" = 0 ] || [ "$ahead" = 1 ] || {
        diag "apart by $ahead"
        return 1
    }
}

# The user's snapshots of both disks, and whether they are protected.
snaps()
{
    local disk
    for disk in "${DISKS[@]}"; do
        rbd snap ls --format json "$disk" |
            jq -r '.[] | "\(.name) \(.protected)"'
    done
}

wrote_more()
{
    [ "$(number "${DISKS[0]}")" -gt "$1" ]
}

# goes_on TITLE: the guest runs, and counts.
goes_on()
{
    ok "$1: the guest runs" bed_wait 60 guest_is two running
    ok 'and counts on' bed_wait 60 wrote_more "$(number "${DISKS[0]}")"
}

# ---- what it does ----------------------------------------------------------

# That the guest's numbers show it.
apart_without()
{
    local disk
    for disk in "${DISKS[@]}"; do
        rbd snap create --no-progress "$disk@apart"
        guest_counts
    done
    ok 'snapshots one after another are apart' [ "$(apart apart)" -lt 0 ]
    for disk in "${DISKS[@]}"; do
        rbd snap rm --no-progress "$disk@apart"
    done
}

# It writes some more.
guest_counts()
{
    bed_wait 60 wrote_more "$(($(number "${DISKS[0]}") + 10))"
}

of_one_that_runs()
{
    local i
    for i in 1 2 3 4 5; do
        is 'snapshots of both' "$(quietly create --domain two "$ID")" "$ID"
        ok 'at one moment' at_one_moment
        is 'are both protected' "$(snaps)" \
            "snapshot-$ID true"$'\n'"snapshot-$ID true"
        is 'and removed' "$(snapshot rm --domain two "$ID")" \
            "snapshot-$ID: removed of all disks of domain 'two'"
        is 'both' "$(snaps)" ''
        goes_on "time $i"
    done
    like 'that it was paused is said' "$(create)" 'was paused, not frozen: '
    is 'they are listed' "$(snapshot list --json --domain two |
        jq -c '.snapshots[] | [.snapshot, .disk, .image, .protected]')" \
        "[\"$ID\",\"vda\",\"${DISKS[0]}\",true]
[\"$ID\",\"vdb\",\"${DISKS[1]}\",true]"
    like "of the volume, too" "$(snapshot list "$VOLUME")" "$ID"
    refuses 'once' 'has a snapshot' create
    is 'as what is there' "$(status create)" 4
    goes_on 'refused'
    rbd snap unprotect "${DISKS[0]}@snapshot-$ID"
    rbd snap rm --no-progress "${DISKS[0]}@snapshot-$ID"
    refuses 'of one disk is too much' 'has a snapshot' create
    like 'that one is removed' "$(snapshot rm --domain two $ID)" 'removed'
    refuses 'once, too' 'none of the disks has' snapshot rm --domain two $ID
    is 'as what is not there' "$(status snapshot rm --domain two $ID)" 3
    is 'to programs it says which' \
        "$(quietly create --json --domain two --no-freeze "$ID" | jq -c .)" \
        "{\"snapshot\":\"$ID\",\"consistent\":false,\"disks\":[{\"disk\":\"vda\",\"image\":\"${DISKS[0]}\"},{\"disk\":\"vdb\",\"image\":\"${DISKS[1]}\"}]}"
    snapshot rm --domain two $ID >/dev/null
}

refused()
{
    refuses 'a domain that is not there' "no domain 'none'" \
        snapshot create --domain none
    refuses 'a volume besides' 'no volume is named' \
        snapshot create --domain two $VOLUME $ID
    refuses 'to go back' 'is rolled back, without --domain' \
        snapshot rollback --domain two $ID
    refuses 'a name that is none' 'a snapshot is named as' \
        snapshot create --domain two nonsense
    refuses 'to leave out without a domain' 'are for --domain' \
        snapshot create --skip vda $VOLUME
    truncate -s 1M "$BED/tmp/other"
    ok 'a domain with a disk that is a file' guest_define other "$(uuidgen)" \
        "$(guest_disk_xml vda "${DISKS[1]}" "$(agent_secret)" 1)" \
        "<disk type='file' device='disk'><driver name='qemu' type='raw'/>
            <source file='$BED/tmp/other'/><target dev='vdc' bus='virtio'/>
        </disk>" \
        "<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/></disk>"
    refuses 'that disk is named' "disk 'vdc' is no image of a configured pool" \
        snapshot create --domain other $ID
    is 'and nothing is done' "$(snaps)" ''
    refuses 'one to leave out that is not there' "no disk 'vdz'" \
        snapshot create --domain other --skip vdz $ID
    is 'left out, it is in nobody'"'"'s way' \
        "$(quietly create --domain other --skip vdc "$ID")" "$ID"
    is 'of the other disk there is one' "$(snaps)" "snapshot-$ID true"
    ok 'which goes' snapshot rm --domain other --skip vdc $ID
    ok 'as does the domain' virsh_ undefine other
}

of_one_that_does_not_run()
{
    ok 'somebody pauses it' virsh_ suspend two
    is 'a snapshot' "$(create)" "$ID"
    ok 'at one moment' at_one_moment
    ok 'leaves it so' guest_is two paused
    snapshot rm --domain two $ID >/dev/null
    ok 'it runs again' virsh_ resume two
    ok 'it is off' virsh_ destroy two
    is 'a snapshot, too' "$(create)" "$ID"
    snapshot rm --domain two $ID >/dev/null
    ok 'and starts again' virsh_ start two
    wait_until 'it has written' 60 \
        eval '[ "$(guest_said two | grep -c pair)" = 2 ]'
    ok 'and counts' guest_counts
}

# ---- all, or none ------------------------------------------------------------

at_each()
{
    local point n
    for point in snapping snapped protected; do
        for n in 1 2; do
            like "it fails at $point, disk $n" \
                "$(faulty group-$point=error:5@$n)" 'Input/output error'
            is 'none is left' "$(snaps)" ''
            goes_on "failed at $point $n"
            faulty group-$point=kill@$n >/dev/null
            goes_on "killed at $point $n"
            [ -z "$(snaps)" ] || {
                refuses 'what is there is named' 'has a snapshot' create
                like 'and removed' "$(snapshot rm --domain two $ID)" removed
            }
            ok 'then it works' bed_wait 180 works
            ok 'at one moment' at_one_moment
            snapshot rm --domain two $ID >/dev/null
        done
    done
    is 'each point of the header was tested' \
        "$(printf '%s\n' "${!TESTED[@]}" | sort)" \
        "$(sed -n 's/^ \*     \(group-[a-z-]*\) .*/\1/p' "$FAULTS_H" | sort)"
}

# While a dead client's watch is there, for up to a minute, librbd waits for it with
# each snapshot, and that takes too long for a guest that stands still.
works()
{
    [ "$(quietly create --domain two $ID)" = "$ID" ]
}

has_one()
{
    [ "$(snaps | grep -c .)" = 1 ]
}

# It is told to end between the two.
interrupted()
{
    local pid
    touch "$BED/tmp/hold"
    REMORA_FAULT=group-snapped=hold@1 REMORA_FAULT_HOLD=$BED/tmp/hold \
        "$BED_INST/bin/remora" volume snapshot create --domain two $ID \
        2>"$BED/tmp/said" &
    pid=$!
    wait_until 'it has made one' 60 has_one
    ok 'the guest is paused' guest_is two paused
    kill -TERM "$pid"
    rm "$BED/tmp/hold"
    ok 'it fails' eval '! wait "$pid"'
    like 'and says why' "$(<"$BED/tmp/said")" 'was cancelled'
    is 'none is left' "$(snaps)" ''
    goes_on 'interrupted'
}

# Whatever hangs, the guest does not, and what came later does not count.
late()
{
    touch "$BED/tmp/hold"
    REMORA_FAULT=group-snapped=hold@1 REMORA_FAULT_HOLD=$BED/tmp/hold \
        "$BED_INST/bin/remora" volume snapshot create --domain two $ID \
        2>"$BED/tmp/said" &
    local pid=$!
    wait_until 'it has made one' 60 has_one
    goes_on 'it hangs'
    rm "$BED/tmp/hold"
    ok 'it fails' eval '! wait "$pid"'
    like 'because it was too late' "$(<"$BED/tmp/said")" \
        'went on before there was a snapshot'
    is 'none is left' "$(snaps)" ''
}

inside()
{
    bed_need_remora
    parts
    apart_without
    of_one_that_runs
    refused
    of_one_that_does_not_run
    at_each
    interrupted
    late
    is 'the guest had no error' "$(guest_said two | grep -c error)" 0
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside
tap_done
