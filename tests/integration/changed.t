#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/changed.t - what libvirt makes of a disk holds
#
# A snapshot, a block copy, a detach and an eject change a disk of remora's under
# the entry that says what was made. The domain starts with what it has then, and
# nothing is put back: not by the events, not by the sweep of an agent that
# starts.
#
# Needs: root, the packages of lib/packages.sh, an installed remora.
#
# shellcheck source-path=SCRIPTDIR
here=$(dirname -- "$(realpath -- "$0")")/..
. "$here/lib/tap.sh"
. "$here/lib/bed.sh"
. "$here/lib/cluster.sh"
. "$here/lib/libvirt.sh"
. "$here/lib/guest.sh"
. "$here/lib/agent.sh"

IDLE=3f1d2c4b-5a69-4788-9b0a-1c2d3e4f5a6b
CD=0a64fa67-3e34-42e7-b7b0-423c11850e18

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    guest_image 16M 'an idle image' idle "$BED/tmp/idle" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/idle" "$IDLE"
    ok 'another' cluster_add_image "$BED/tmp/idle" "$CD"
    ok 'the guests may watch images' ceph auth caps client.remora \
        mon 'profile rbd' mgr 'profile rbd pool=vms' osd \
        "$CLUSTER_REMORA_CAPS, allow rw pool=images object_prefix rbd_header."
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    ok 'the hook is installed' hook_install "$(agent_hook)"
    ok 'the agent starts' agent_start || bail 'no agent'
}

inactive()
{
    virsh_ dumpxml --inactive "$1"
}

# The second agent sweeps all that is stored.
again()
{
    ok "$1: it ends" virsh_ destroy "$1"
    inactive "$1" >"$BED/tmp/before"
    ok "$1: the agent stops" agent_stop
    ok "$1: and starts" agent_start
    ok "$1: the guest starts as it is" virsh_ start "$1"
    is "$1: its definition stays" "$(inactive "$1")" "$(<"$BED/tmp/before")"
}

overlay()
{
    local uuid
    uuid=$(uuidgen)
    ok 'a guest on a clone' agent_boots over "$uuid" "$IDLE"
    ok 'it gets an overlay' virsh_ snapshot-create-as over s1 --disk-only \
        --no-metadata --diskspec "vda,file=$BED/tmp/over.qcow2"
    again over
    like 'it runs on the overlay' "$(virsh_ domblklist over)" over.qcow2
    like 'the clone is a disk of the plan' \
        "$(remora plan "$BED/tmp/before" 2>&1)" "vms/${uuid}_disk"
    ok 'it ends' virsh_ destroy over
    rbd mv "vms/${uuid}_disk" "vms/${uuid}_away"
    refuses 'no new clone is made under the overlay' "$uuid" virsh_ start over
    rbd mv "vms/${uuid}_away" "vms/${uuid}_disk"
    ok 'with it, the guest starts' virsh_ start over
    ok 'it ends' virsh_ destroy over
}

pivoted()
{
    local uuid
    uuid=$(uuidgen)
    ok 'another guest' agent_boots pivots "$uuid" "$IDLE"
    rbd create --size 16M volumes/copy
    guest_disk_xml vda volumes/copy "$(agent_secret)" >"$BED/tmp/copy.xml"
    ok 'is copied to a volume' virsh_ blockcopy pivots vda \
        --xml "$BED/tmp/copy.xml" --reuse-external --wait --pivot \
        --transient-job
    again pivots
    like 'it runs on the volume' "$(virsh_ domblklist pivots)" volumes/copy
    ok 'it ends' virsh_ destroy pivots
}

detached()
{
    local uuid
    uuid=$(uuidgen)
    ok 'a third guest' agent_boots detaches "$uuid" "$IDLE"
    ok 'loses its disk for later' virsh_ detach-disk detaches vda --config
    again detaches
    is 'it has none' "$(virsh_ domblklist detaches)" ''
    ok 'it ends' virsh_ destroy detaches
}

has_medium()
{
    inactive ejects | grep -q "name='images/$CD'"
}

ejected()
{
    local uuid
    uuid=$(uuidgen)
    ok 'a fourth' guest_define -m "$(agent_asks hdc "$CD")" ejects "$uuid" \
        "<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/></disk>"
    wait_until 'has an image in its drive' 10 has_medium
    ok 'starts' virsh_ start ejects
    ok 'its medium is taken out for later' virsh_ change-media ejects hdc \
        --eject --config
    again ejects
    ok 'its drive is empty' eval '! has_medium'
    ok 'it ends' virsh_ destroy ejects
}

inside()
{
    bed_need_remora
    parts
    overlay
    pivoted
    detached
    ejected
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside
tap_done
