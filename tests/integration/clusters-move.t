#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/clusters-move.t - guests with disks of two clusters move between two
# hosts
#
# Both clusters have an image of the same name in a pool of the same name. As long
# as one of them is not configured, its disk comes along as it is written, is
# not judged and not claimed, and the other disk of that guest has its claim all
# the same. Then both are configured, and both claims move.
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
. "$here/lib/hosts.sh"
. "$here/lib/proxy.sh"

LIBVIRT_LISTENS=yes
FAR_SECRET=0f2a7c1d-55b3-4a0e-8d6c-1b9e3f7a2c48
FAR_ADDRESS=192.0.2.2
UUID=33333333-0c7e-4b0b-9a55-0d6f3a1b7c03
OTHER_UUID=44444444-0c7e-4b0b-9a55-0d6f3a1b7c04
# It looks every 10 s, as long as there is something to look at.
LOOK_S=10
NEAR_SUM=
GIVEN=
STORED=

# in_far COMMAND...: of the other cluster.
in_far()
{
    cluster_use far
    "$@"
    local status=$?
    cluster_use ceph
    return "$status"
}

# put CLUSTER: volumes/x, whose guest says so.
put()
{
    guest_image 16M "$1" idle "$BED/tmp/$1.raw" &&
        cluster_rbd import --no-progress "$BED/tmp/$1.raw" volumes/x
}

host_parts()
{
    ok "host $1" host_start "$1" || bail 'no host'
    ok 'its disks are completed' host_run "$1" configured \
        'libvirt = { complete_existing = true; };'
    ok 'it serves' host_serve "$1" || bail 'no services'
    ok 'a proxy on it' host_run "$1" proxy_start --mode=0777
    ok 'it has the key of the other cluster' host_run "$1" secret_define \
        "$FAR_SECRET" "$(in_far cluster_key remora)"
}

configured()
{
    mkdir -p /etc/remora "$BED/serial"
    printf '%s\n' "$@" >/etc/remora/remora.conf
}

parts()
{
    local host
    ok 'a network' hosts_start || bail 'no network'
    ip address add "$FAR_ADDRESS/24" dev hosts
    ok 'another cluster starts' cluster_start far "$FAR_ADDRESS" ||
        bail 'no other cluster'
    ok 'a cluster starts' cluster_start ceph "$HOSTS_ADDRESS" ||
        bail 'no cluster'
    ok 'one has an image' put ceph
    ok 'the other one of the same name' in_far put far
    ok 'a second disk here' rbd create --size 16M volumes/data
    for host in alpha beta; do
        host_parts "$host"
    done
    NEAR_SUM=$(sum)
    SECRET=$(host_run alpha agent_secret | grep -v "$FAR_SECRET")
}

# Of the image here that nobody is to touch.
sum()
{
    rbd export --no-progress volumes/x - | sha256sum
}

# ---- what the domain has -----------------------------------------------------

far_disk()
{
    in_far guest_disk_xml "$1" volumes/x "$FAR_SECRET"
}

# By the path of its ceph.conf, and with what remora would write otherwise.
far_disk_by_config()
{
    far_disk "$1" | sed -E "s|<host [^>]*/>|<config file='/etc/ceph/far.conf'/>|g
        s| cache='writeback' discard='unmap'| cache='none'|"
}

# Nothing but the name leads to the cluster: that is to be completed.
near_disk()
{
    printf "<disk type='network' device='disk'><source protocol='rbd' name='%s'/>" \
        "$2"
    printf "<target dev='%s' bus='virtio'/></disk>" "$1"
}

# disk_of NAME TARGET [OPTION]: as libvirt has it; which place it has among QEMU's
# block nodes is its own affair.
disk_of()
{
    virsh_ dumpxml --migratable ${3-} "$1" |
        xmllint --xpath "//disk[target/@dev='$2']" - |
        sed "s| index='[0-9]*'||g"
}

# as_given HOW HOST: the foreign disk, in what runs and in what is stored.
as_given()
{
    is "$1: the foreign disk is as it was" "$(host_run "$2" disk_of moves vda)" \
        "$GIVEN"
    is "$1: and as it is stored" \
        "$(host_run "$2" disk_of moves vda --inactive)" "$STORED"
}

claims()
{
    rados -c "$CLUSTER_CONF" -p volumes ls | grep '^remora_claim\.' | sort
}

# recorded POOL/IMAGE HOST: of the cluster in use.
recorded()
{
    CEPH_CONF=$CLUSTER_CONF agent_claim_is "$1" \
        "running $2 $UUID $(cluster_watchers "$1")" &&
        ! CEPH_CONF=$CLUSTER_CONF rados -p volumes getxattr \
            "remora_claim.${1#*/}" remora.claim | grep -q ' arrival='
}

# untouched HOW HOST: only the disk of this cluster is claimed, and it is there.
untouched()
{
    as_given "$1" "$2"
    wait_until "$1: the other disk's claim says where it is" \
        $((2 * LOOK_S + 5)) recorded volumes/data "$2"
    is "$1: it is the only one" "$(claims)" remora_claim.data
    is "$1: nothing is claimed there" "$(in_far claims)" ''
    is "$1: the image of that name here is as it was" "$(sum)" "$NEAR_SUM"
    is "$1: and nobody has it open" "$(cluster_watchers volumes/x)" ''
    is "$1: it has the one there open" \
        "$(in_far cluster_watchers volumes/x | wc -l)" 1
}

# ---- moves -------------------------------------------------------------------

# move FROM TO VIRSH OPTION...
move()
{
    local from=$1 to=$2 virsh=$3
    shift 3
    host_run "$from" "$virsh" migrate --live --persistent --undefinesource "$@" \
        --migrateuri "tcp://$(host_address "$to")" moves \
        "qemu+tcp://$(host_address "$to")/system"
}

# Its definition has been read back, with everything that libvirt adds.
with_xml()
{
    host_run alpha virsh_ dumpxml --migratable moves >"$BED/tmp/live.xml"
    host_run alpha virsh_ dumpxml --migratable --inactive moves \
        >"$BED/tmp/stored.xml"
    # A host has its own /tmp.
    cp "$BED"/tmp/{live,stored}.xml "$BED/log/alpha/"
    move alpha beta "$1" --xml "$BED/log/live.xml" \
        --persistent-xml "$BED/log/stored.xml"
}

defined()
{
    guest_xml moves "$UUID" "$1" "$(near_disk vdb volumes/data)" \
        >"$BED/log/alpha/moves.xml"
    ok "$2: it is defined" host_run alpha proxy_virsh define "$BED/log/moves.xml"
    STORED=$(host_run alpha disk_of moves vda --inactive)
    like "$2: the other disk is completed" \
        "$(host_run alpha disk_of moves vdb --inactive)" "cache=\"writeback\""
    ok "$2: it starts" host_run alpha virsh_ start moves
    ok "$2: from the other cluster" host_run alpha guest_wait_line moves \
        'remora-guest: hello from far'
    GIVEN=$(host_run alpha disk_of moves vda)
    untouched "$2" alpha
}

moved()
{
    ok "$1: it moves" move alpha beta virsh_ --p2p
    untouched "$1: moved" beta
    ok "$1: and back, by a client of the proxy" move beta alpha proxy_virsh
    untouched "$1: back" alpha
    ok "$1: and with definitions of its own" with_xml proxy_virsh
    untouched "$1: with definitions" beta
    ok "$1: and back without an agent" eval 'host_run alpha agent_stop &&
        move beta alpha virsh_ --p2p && host_run alpha agent_start'
    untouched "$1: without an agent" alpha
}

saved()
{
    ok "$1: it is saved" host_run alpha proxy_virsh save moves "$BED/log/saved"
    wait_until "$1: then nothing is claimed" $((2 * LOOK_S + 5)) \
        eval '[ -z "$(claims)" ]'
    ok "$1: it is restored" host_run alpha proxy_virsh restore "$BED/log/saved"
    untouched "$1: restored" alpha
    host_run alpha virsh_ dumpxml --migratable moves >"$BED/log/alpha/live.xml"
    ok "$1: it is saved past the proxy" \
        host_run alpha virsh_ save moves "$BED/log/saved"
    ok "$1: and restored with a definition" host_run alpha virsh_ restore \
        "$BED/log/saved" --xml "$BED/log/live.xml"
    untouched "$1: restored with a definition" alpha
    ok "$1: libvirt saves it" host_run alpha virsh_ managedsave moves
    ok "$1: and starts it from that" host_run alpha virsh_ start moves
    untouched "$1: started from that" alpha
}

ended()
{
    ok "$1: it ends" host_run alpha virsh_ destroy moves
    ok "$1: and goes" host_run alpha virsh_ undefine moves
    wait_until "$1: nothing is claimed any more" $((2 * LOOK_S + 5)) \
        eval '[ -z "$(claims)" ]'
}

# ---- to a guest that runs ------------------------------------------------------

# One of this cluster alone gets a foreign disk, and takes it along.
attached()
{
    guest_xml moves "$UUID" "$(near_disk vda volumes/x)" \
        "$(near_disk vdb volumes/data)" >"$BED/log/alpha/moves.xml"
    far_disk vdc >"$BED/log/alpha/far.xml"
    cp "$BED/log/alpha/far.xml" "$BED/log/beta/"
    ok 'a domain of this cluster' host_run alpha proxy_virsh define \
        "$BED/log/moves.xml"
    ok 'starts' host_run alpha virsh_ start moves
    ok 'from here' host_run alpha guest_wait_line moves \
        'remora-guest: hello from ceph'
    ok 'a foreign disk is attached to it' host_run alpha proxy_virsh \
        attach-device moves "$BED/log/far.xml" --live --config
    GIVEN=$(host_run alpha disk_of moves vdc)
    like 'it is that one' "$GIVEN" "host name=\"$FAR_ADDRESS\""
    ok 'which goes along' move alpha beta virsh_ --p2p
    is 'as it was' "$(host_run beta disk_of moves vdc)" "$GIVEN"
    wait_until 'both disks here are claimed there' $((2 * LOOK_S + 5)) \
        eval 'recorded volumes/x beta && recorded volumes/data beta'
    is 'and nothing else' "$(in_far claims)" ''
    ok 'it is detached' host_run beta proxy_virsh detach-device moves \
        "$BED/log/far.xml" --live --config
    ok 'which changes nothing here' recorded volumes/x beta
    ok 'it moves back' move beta alpha virsh_ --p2p
    ended 'one of this cluster'
}

# ---- both are configured -------------------------------------------------------

both_conf()
{
    configured 'clusters = (' '{ },' \
        '{ name = "far"; conf = "/etc/ceph/far.conf";' \
        "  secret_uuid = \"$FAR_SECRET\"; } );" \
        'libvirt = { complete_existing = true; };'
}

both_recorded()
{
    recorded volumes/data "$1" && in_far recorded volumes/x "$1"
}

# both_are HOW HOST
both_are()
{
    wait_until "$1: both claims say where it is" $((2 * LOOK_S + 5)) \
        both_recorded "$2"
    is "$1: and there are no others" "$(claims)/$(in_far claims)" \
        'remora_claim.data/remora_claim.x'
    is "$1: the image of that name here is as it was" "$(sum)" "$NEAR_SUM"
}

other_starts()
{
    host_run "$1" virsh_ create "$BED/log/other.xml"
}

both()
{
    local host
    for host in alpha beta; do
        ok "$host: both are configured" knows "$host"
    done
    guest_xml moves "$UUID" "$(far_disk vda)" "$(near_disk vdb volumes/data)" \
        >"$BED/log/alpha/moves.xml"
    guest_xml other "$OTHER_UUID" "$(far_disk vda)" >"$BED/log/alpha/other.xml"
    ok 'a domain with a disk of each' host_run alpha proxy_virsh define \
        "$BED/log/moves.xml"
    ok 'starts' host_run alpha virsh_ start moves
    both_are 'started' alpha
    ok 'it moves' move alpha beta virsh_ --p2p
    both_are 'moved' beta
    refuses 'there is no second writer' "as client" other_starts alpha
    ok 'it moves back, by a client of the proxy' move beta alpha proxy_virsh
    both_are 'back' alpha
    ok 'it is saved' host_run alpha proxy_virsh save moves "$BED/log/saved"
    wait_until 'then nothing is claimed' $((2 * LOOK_S + 5)) \
        eval '[ -z "$(claims)$(in_far claims)" ]'
    ok 'it is restored' host_run alpha proxy_virsh restore "$BED/log/saved"
    both_are 'restored' alpha
}

# forgets HOST, knows HOST: the other cluster.
forgets()
{
    host_run "$1" configured 'libvirt = { complete_existing = true; };' &&
        host_run "$1" agent_stop && host_run "$1" agent_start
}

knows()
{
    host_run "$1" both_conf && host_run "$1" agent_stop &&
        host_run "$1" agent_start
}

# There the other cluster's disk is foreign, and its claim ends with the guest here.
# What comes from there has it open, and no claim says who that is.
one_knows_less()
{
    ok 'one host forgets the other cluster' forgets beta
    ok 'it moves there' move alpha beta virsh_ --p2p
    wait_until 'the claim here follows' $((2 * LOOK_S + 5)) \
        recorded volumes/data beta
    wait_until 'the one there is gone' $((2 * LOOK_S + 5)) \
        eval '[ -z "$(in_far claims)" ]'
    refuses 'it does not come back without one' 'is in use by client' \
        move beta alpha virsh_ --p2p
    ok 'and goes on' host_run beta guest_is moves running
    ok 'that host knows the cluster again' knows beta
    both_are 'known again' beta
    ok 'it moves back' move beta alpha virsh_ --p2p
    both_are 'back from there' alpha
}

inside()
{
    bed_need_remora
    parts
    defined "$(far_disk vda)" 'by its monitors'
    moved 'by its monitors'
    saved 'by its monitors'
    ended 'by its monitors'
    defined "$(far_disk_by_config vda)" 'by its configuration'
    moved 'by its configuration'
    saved 'by its configuration'
    ended 'by its configuration'
    attached
    NEAR_SUM=$(sum)
    both
    one_knows_less
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
    is 'nor in the other cluster' "$(in_far cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside
tap_done
