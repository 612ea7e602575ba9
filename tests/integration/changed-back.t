#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/changed-back.t - what libvirt's own ways have made of a disk is
# undone, or made of it once more
#
# Overlays on each other that are committed or pulled, disks that come back as
# another target, a drive whose media change, another name, a definition that
# is read and written while its guest runs: each time the guest goes on and
# starts again, and the claims say what it has.
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
. "$here/lib/proxy.sh"

IDLE=3f1d2c4b-5a69-4788-9b0a-1c2d3e4f5a6b
XML=$BED/tmp/device.xml

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    guest_image 16M 'an idle image' idle "$BED/tmp/idle" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/idle" "$IDLE"
    ok 'the guests may watch images' ceph auth caps client.remora \
        mon 'profile rbd' mgr 'profile rbd pool=vms' osd \
        "$CLUSTER_REMORA_CAPS, allow rw pool=images object_prefix rbd_header."
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    ok 'the hook is installed' hook_install "$(agent_hook)"
    ok 'the agent starts' agent_start || bail 'no agent'
    ok 'the proxy starts' proxy_start || bail 'no proxy'
}

inactive()
{
    virsh_ dumpxml --inactive "$1"
}

# claimed_running UUID IMAGE: with the watch that is there.
claimed_running()
{
    agent_claim_is "vms/$2" "running bed $1 $(cluster_watchers "vms/$2")"
}

# again NAME: past an agent that sweeps all that is stored, it starts.
again()
{
    ok "$1: it ends" virsh_ destroy "$1"
    ok "$1: the agent stops" agent_stop
    ok "$1: and starts" agent_start
    ok "$1: the guest starts" virsh_ start "$1"
}

# over NAME FILE: one more overlay.
over()
{
    virsh_ snapshot-create-as "$1" --disk-only --diskspec \
        "vda,file=$BED/tmp/$2.qcow2" "$2"
}

ends()
{
    ok "$1: it ends" virsh_ destroy "$1"
    wait_until "$1: and its claims" 30 agent_no_claims
    ok "$1: it goes" virsh_ undefine "$1" --snapshots-metadata --managed-save \
        --nvram
}

# ---- overlays --------------------------------------------------------------------

committed()
{
    local uuid
    uuid=$(uuidgen)
    ok 'a guest on a clone' agent_boots commits "$uuid" "$IDLE"
    ok 'gets an overlay' over commits one
    ok 'and another on that' over commits two
    again commits
    is 'the clone below is claimed' \
        "$(agent_claim "vms/${uuid}_disk" | cut -d' ' -f2,3)" "bed $uuid"
    ok 'it is read and written' proxy_virsh define <(inactive commits)
    ok 'both are committed' virsh_ blockcommit commits vda --active --wait \
        --pivot
    like 'it runs on its clone' "$(virsh_ domblklist commits)" "vms/${uuid}_disk"
    wait_until 'and the claim says which client that is' 30 claimed_running \
        "$uuid" "${uuid}_disk"
    again commits
    like 'it starts on its clone' "$(virsh_ domblklist commits)" \
        "vms/${uuid}_disk"
    like 'which the record still is of' "$(inactive commits)" \
        "destination=\"vms/${uuid}_disk\""
    ends commits
}

pulled()
{
    local uuid
    uuid=$(uuidgen)
    ok 'a guest on a clone' agent_boots pulls "$uuid" "$IDLE"
    ok 'gets an overlay' over pulls three
    ok 'which pulls all of it' virsh_ blockpull pulls vda --wait
    unlike 'the clone is below it no more' "$(virsh_ dumpxml pulls)" \
        "name='vms/${uuid}_disk'"
    wait_until 'and its claim goes' 40 agent_no_claims
    ok 'the guest goes on' guest_is pulls running
    again pulls
    is 'without a claim' "$(agent_claim "vms/${uuid}_disk")" none
    ends pulls
}

# ---- targets ---------------------------------------------------------------------

# two_disks TARGET: beside vda.
two_disks()
{
    agent_asks vda "$IDLE" |
        sed "s|</remora:domain>|<remora:disk target='$1' image='$IDLE'/>&|"
}

has_two()
{
    [ "$(inactive "$1" | grep -c "<source protocol='rbd'")" = 2 ]
}

targets_of()
{
    virsh_ domblklist "$1" | xargs
}

retargeted()
{
    local uuid
    uuid=$(uuidgen)
    ok 'a domain asks for two disks' guest_define -m "$(two_disks sda)" \
        targets "$uuid"
    wait_until 'and has them' 10 has_two targets
    ok 'it starts' virsh_ start targets
    wait_until 'with a claim on the second' 30 claimed_running "$uuid" \
        "${uuid}_disk.sda"
    inactive targets | xmllint --xpath "//disk[target/@dev='sda']" - |
        sed '/<address/d' >"$XML"
    # No guest has to help when a SCSI disk is taken out.
    ok 'that is detached' proxy_virsh detach-disk targets sda --live --config
    sed -i 's/"sda"/"sdb"/' "$XML"
    ok 'and comes back as another' proxy_virsh attach-device targets "$XML" \
        --live --config
    wait_until 'its claim says so' 30 claimed_running "$uuid" \
        "${uuid}_disk.sda"
    again targets
    is 'it is there, once' "$(targets_of targets)" \
        "vda vms/${uuid}_disk sdb vms/${uuid}_disk.sda"
    ok 'another name' eval 'virsh_ destroy targets &&
        virsh_ domrename targets renamed'
    ok 'and it starts' virsh_ start renamed
    wait_until 'with both claims' 30 agent_runs "$uuid" "vms/${uuid}_disk" \
        "vms/${uuid}_disk.sda"
    ends renamed
}

# ---- media -----------------------------------------------------------------------

# What libvirt has once found wrong about a drive that the firmware is at, it
# believes until the guest has ended: not before that is done.
booted()
{
    wait_until "it has booted, $1 in all" 60 \
        eval '[ "$(guest_said media | grep -c "remora-guest: idle")" -ge '"$1 ]"
}

media()
{
    local uuid iso=$BED/tmp/disc.iso
    uuid=$(uuidgen)
    cp "$BED/tmp/idle" "$iso"
    ok 'a domain with an image in its drive' guest_define -m "$(
        two_disks hdc)" media "$uuid" \
        "<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/></disk>"
    wait_until 'is rewritten' 10 has_two media
    ok 'it starts' virsh_ start media
    cat >"$XML" <<DISK
<disk type='file' device='cdrom'><source file='$iso'/><target dev='hdc'
    bus='ide'/><readonly/></disk>
DISK
    booted 1
    wait_until 'another medium' 20 proxy_virsh update-device media "$XML" \
        --live --config
    again media
    like 'which stays' "$(virsh_ domblklist media)" "$iso"
    booted 2
    wait_until 'is ejected' 20 proxy_virsh change-media media hdc --eject --live \
        --config
    again media
    unlike 'and stays out' "$(targets_of media)" "$iso"
    unlike 'and nothing is in its place' "$(targets_of media)" "images/"
    cat >"$XML" <<DISK
<disk type='network' device='cdrom'><source protocol='rbd'
    name='images/$IDLE@snap'/><target dev='hdc' bus='ide'/><readonly/></disk>
DISK
    booted 3
    wait_until 'the image comes back' 20 proxy_virsh update-device media "$XML" \
        --live --config
    like 'as a snapshot' "$(virsh_ dumpxml media)" "<snapshot name='snap'/>"
    again media
    like 'and is there' "$(virsh_ domblklist media)" "images/$IDLE"
    ok 'a file is attached beside it' proxy_virsh attach-disk media "$iso" vdx \
        --live --config
    again media
    like 'and is there, too' "$(virsh_ domblklist media)" 'vdx'
    ends media
}

inside()
{
    bed_need_remora
    parts
    committed
    pulled
    retargeted
    media
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside
tap_done
