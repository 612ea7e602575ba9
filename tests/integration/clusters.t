#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/clusters.t - two clusters on one host, with pools and images of
# the same names
#
# The guest prints which of them it read. As long as only one is configured, the
# other's disks pass as they are, on every way. Then both are.
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

FAR_SECRET=0f2a7c1d-55b3-4a0e-8d6c-1b9e3f7a2c48
IMAGE=5c0f6f5e-2f0d-4f6b-9a3e-7d1c2b3a4f5d
NEAR_UUID=11111111-0c7e-4b0b-9a55-0d6f3a1b7c01
FAR_UUID=22222222-0c7e-4b0b-9a55-0d6f3a1b7c02
XML=
SECRET=
PLAIN=

# in_far COMMAND...: of the other cluster.
in_far()
{
    cluster_use far
    "$@"
    local status=$?
    cluster_use ceph
    return "$status"
}

# put CLUSTER: volumes/x, whose guest says so, and an image to clone.
put()
{
    guest_image 16M "$1" idle "$BED/tmp/$1.raw" &&
        rbd -c "/etc/ceph/$1.conf" import --no-progress "$BED/tmp/$1.raw" \
            volumes/x &&
        cluster_add_image "$BED/tmp/$1.raw" "$IMAGE"
}

parts()
{
    ok 'another cluster starts' cluster_start far 127.0.0.2 ||
        bail 'no other cluster'
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    ok 'one has an image' put ceph
    ok 'the other one of the same name' in_far put far
    mkdir -p /etc/remora
    printf 'libvirt = { complete_existing = true; };\n' \
        >/etc/remora/remora.conf
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    ok 'the hook is installed' hook_install "$(agent_hook)"
    ok 'it has the key of the other one' secret_define "$FAR_SECRET" \
        "$(in_far cluster_key remora)"
    ok 'the agent starts' agent_start || bail 'no agent'
    ok 'the proxy starts' proxy_start || bail 'no proxy'
    XML=$BED/tmp/domain.xml
    SECRET=$(virsh_ secret-list | awk -v far="$FAR_SECRET" \
        '$2 == "ceph" && $1 != far { print $1 }')
}

far_disk()
{
    in_far guest_disk_xml "$1" volumes/x "$FAR_SECRET"
}

# By the path of its ceph.conf alone.
far_disk_by_config()
{
    far_disk "$1" | sed -E "s|<host [^>]*/>|<config file='/etc/ceph/far.conf'/>|g"
}

# says NAME TEXT
says()
{
    guest_wait_line "$1" "remora-guest: hello from $2" &&
        guest_wait_line "$1" 'remora-guest: idle'
}

# What libvirt makes of a definition without remora, but for what names it.
as_defined()
{
    virsh_ dumpxml --inactive "$1" | sed "s/>$1</>NAME</; s|/$1'|/NAME'|; /<uuid>/d"
}

# stays HOW NAME: started, it reads what it names, beside the guest on the
# image of that name here.
stays()
{
    local how=$1 name=$2
    is "$how: its definition is as it was given" "$(as_defined "$name")" \
        "$PLAIN"
    ok "$how: it starts" virsh_ start "$name"
    ok "$how: it reads the other cluster's image" says "$name" far
    is "$how: nothing is claimed here for it" "$(agent_claim volumes/x |
        cut -d' ' -f1-3)" "running bed $NEAR_UUID"
    is "$how: nor there" "$(in_far cluster_claims volumes)" ''
}

cluster_claims()
{
    rados -c "$CLUSTER_CONF" -p "$1" ls | grep '^remora_claim\.'
}

ours()
{
    ok 'a domain on the image here' guest_define near "$NEAR_UUID" \
        "$(guest_disk_xml vda volumes/x "$SECRET")"
    ok 'it starts' virsh_ start near
    ok 'it reads it' says near ceph
    wait_until 'and has its claim' 20 agent_claim_is volumes/x \
        "running bed $NEAR_UUID"
}

# By libvirt alone, before remora sees it.
plainly()
{
    ok 'the agent stops' agent_stop
    guest_xml plain "$FAR_UUID" "$1" >"$XML"
    ok 'a domain as libvirt takes it' virsh_ define "$XML"
    PLAIN=$(as_defined plain)
    ok 'is undefined again' virsh_ undefine plain
    ok 'the agent starts again' agent_start
}

defined()
{
    plainly "$1"
    guest_xml past "$FAR_UUID" "$1" >"$XML"
    ok "$2: past the proxy" virsh_ define "$XML"
    ok 'another domain is rewritten meanwhile' agent_looked
    stays "$2, past the proxy" past
    ok "$2: it ends" virsh_ destroy past
    ok "$2: and goes" virsh_ undefine past
    guest_xml through "$FAR_UUID" "$1" >"$XML"
    ok "$2: through the proxy" proxy_virsh define "$XML"
    stays "$2, through the proxy" through
}

# The events are seen to in their order.
agent_looked()
{
    guest_define next '' "$(guest_disk_xml vda volumes/y "$SECRET" |
        sed -E "s|<host [^>]*/>||g; s| cache='writeback'||")" &&
        bed_wait 10 completed next && virsh_ undefine next
}

completed()
{
    virsh_ dumpxml --inactive "$1" | grep -q "cache='writeback'"
}

saved()
{
    local file=$BED/tmp/saved
    ok 'a guest of the other cluster is saved' proxy_virsh save through "$file"
    ok 'it is restored' proxy_virsh restore "$file"
    like 'and has its disk' "$(virsh_ dumpxml through)" "<host name='127.0.0.2'"
    ok 'it is saved by libvirt' virsh_ managedsave through
    ok 'and started from that' virsh_ start through
    like 'with its disk' "$(virsh_ dumpxml through)" "<host name='127.0.0.2'"
    ok 'it ends' virsh_ destroy through
    ok 'and goes' virsh_ undefine through
}

attached()
{
    far_disk vdb >"$XML"
    ok 'the image there is attached to the guest here' \
        proxy_virsh attach-device near "$XML" --live
    like 'it is that one' "$(virsh_ dumpxml near)" "<host name='127.0.0.2'"
    is 'of which nothing is claimed' "$(in_far cluster_claims volumes)" ''
    ok 'it is detached' proxy_virsh detach-device near "$XML" --live
}

# ---- both are configured --------------------------------------------------------

# far_claim POOL/IMAGE: as agent_claim.
far_claim()
{
    CEPH_CONF=/etc/ceph/far.conf agent_claim "$1"
}

far_claim_is()
{
    [[ "$(far_claim "$1") " == "$2 "* ]]
}

both()
{
    ok 'the guest here ends' virsh_ destroy near
    wait_until 'and its claim with it' 20 agent_claim_is volumes/x none
    ok 'the agent stops' agent_stop
    cat >/etc/remora/remora.conf <<CONF
clusters = (
    { },
    { name = "far"; conf = "/etc/ceph/far.conf";
      secret_uuid = "$FAR_SECRET"; disk = { discard = "ignore"; }; }
);
libvirt = { complete_existing = true; };
CONF
    ok 'it starts with both clusters' agent_start
    ok 'and all is well' remora status
    like 'it shows one' "$(remora status)" 'cluster  ceph: up'
    like 'and the other' "$(remora status)" 'cluster  far: up'
}

# The same name in both, in one domain.
each()
{
    guest_xml each "$FAR_UUID" "$(far_disk vda | sed "s| discard='unmap'||")" \
        "$(guest_disk_xml vdb volumes/x "$SECRET")" >"$XML"
    ok 'a domain with a disk of each' proxy_virsh define "$XML"
    like 'is completed by the rules of each' "$(virsh_ dumpxml --inactive each)" \
        "discard='ignore'"
    ok 'it starts' virsh_ start each
    ok 'it boots from the other cluster' says each far
    wait_until 'and has its claim there' 20 far_claim_is volumes/x \
        "running bed $FAR_UUID"
    wait_until 'and its claim here' 20 agent_claim_is volumes/x \
        "running bed $FAR_UUID"
    like 'status says where each is' "$(remora status)" 'far: volumes/x'
    like 'fence would cut it off from both' \
        "$(remora fence --dry-run --host bed)" 'cluster far'
    ok 'it ends' virsh_ destroy each
    wait_until 'nothing is claimed there' 20 far_claim_is volumes/x none
    wait_until 'nor here' 20 agent_claim_is volumes/x none
}

has_both()
{
    [ "$(virsh_ dumpxml --inactive "$1" | grep -c "<source protocol='rbd'")" = 2 ] &&
        [ "$(virsh_ dumpxml --inactive "$1" | grep -c destination=)" -ge 2 ]
}

clones()
{
    local uuid
    uuid=$(uuidgen)
    ok 'a domain asks for an image of each' guest_define -m "$(
        agent_asks vda "rbd://${CLUSTER_FSID[far]}/images/$IMAGE/snap" |
            sed "s|</remora:domain>|<remora:disk target='vdb' image='$IMAGE'/>&|"
    )" clones "$uuid"
    wait_until 'and is rewritten' 10 has_both clones
    ok 'it starts' virsh_ start clones
    ok 'from its clone in the other cluster' says clones far
    is 'which is there' "$(rbd -c /etc/ceph/far.conf ls vms)" "${uuid}_disk"
    is 'and the one of here is here' "$(rbd ls vms)" "${uuid}_disk.vdb"
    ok 'it ends' virsh_ destroy clones
}

hangs()
{
    cluster_pause_mon && cluster_pause_osd
}

goes_on()
{
    cluster_resume_osd && cluster_resume_mon
}

one_down()
{
    ok 'the other cluster hangs' in_far hangs
    refuses 'a domain on it is refused' "cluster 'far' did" virsh_ start each
    : >"$BED/serial/near"
    # The same image of this one is claimed as long as that is tried.
    wait_until 'one on this cluster starts' 30 virsh_ start near
    ok 'and runs' says near ceph
    ok 'it ends' virsh_ destroy near
    guest_xml here "$(uuidgen)" \
        "$(guest_disk_xml vda volumes/y "$SECRET")" >"$XML"
    ok 'one is defined' proxy_virsh define "$XML"
    in_far goes_on
    wait_until 'it answers again, and its domain starts' 30 virsh_ start each ||
        diag "$(remora status)"
    ok 'which ends' virsh_ destroy each
}

# A claim on a volume's name is all that one who was killed left of it here.
left_in_one()
{
    local uuid
    uuid=$(uuidgen)
    ok 'a name is claimed here' \
        rados -p volumes create "remora_claim.volume-$uuid"
    printf 'v=2 phase=fenced nonce=1 host=b machine=m boot=b domain=d since=1' |
        rados -p volumes setxattr "remora_claim.volume-$uuid" remora.claim
    ok 'the volume is in the other cluster' in_far \
        cluster_rbd create --size 8M "volumes/volume-$uuid"
    ok 'and is the one that is removed' remora volume rm "$uuid"
    refuses 'the next one finds none' 'no volume' remora volume rm "$uuid"
    is 'and leaves no claim' \
        "$(agent_claim "volumes/volume-$uuid")" none
}

inside()
{
    bed_need_remora
    parts
    ours
    defined "$(far_disk vda)" 'by its monitors'
    saved
    attached
    defined "$(far_disk_by_config vda)" 'by its configuration'
    ok 'the last one ends' virsh_ destroy through
    ok 'and goes, too' virsh_ undefine through
    both
    each
    clones
    left_in_one
    one_down
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
    is 'nor in the other cluster' "$(in_far cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside
tap_done
