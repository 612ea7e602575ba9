#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/full.t - what has no room is refused by name, and not made
#
# The pool of an image, and the one that its data goes to. What makes room is done.
#
# tests/integration/full.t [STORY]...: only these, of the list at the end
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
. "$here/lib/request.sh"

IMAGE=0a64fa67-3e34-42e7-b7b0-423c11850e18
ONE=1a64fa67-3e34-42e7-b7b0-423c11850e18
TWO=2b64fa67-3e34-42e7-b7b0-423c11850e18
SNAP=5a64fa67-3e34-42e7-b7b0-423c11850e18
# As somebody who may write everywhere.
ALL=(-n admin -k /etc/ceph/ceph.client.admin.keyring)

volume()
{
    remora "${ALL[@]}" -c "$CONF" volume "$@"
}

image()
{
    remora "${ALL[@]}" -c "$CONF" image "$@"
}

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    guest_image 16M 'a golden image' off "$BED/tmp/golden" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/golden" "$IMAGE"
    ceph osd pool create data 8 2>/dev/null
    ceph osd pool application enable data rbd 2>/dev/null
    rbd pool init data
    ceph auth caps client.remora mon 'profile rbd' \
        osd "$CLUSTER_REMORA_CAPS, profile rbd pool=data" \
        mgr 'profile rbd' 2>/dev/null
    mkdir -p /etc/remora
    echo 'pools = { volumes = [ "volumes", "vms" ]; };' >/etc/remora/two.conf
    cat /etc/remora/two.conf - >/etc/remora/data.conf \
        <<<'clone = { data_pool = "data"; };'
    CONF=/etc/remora/two.conf
}

# flag_is FLAG POOL
flag_is()
{
    ceph osd dump -f json | jq -e --arg flag "$1" --arg pool "$2" \
        '.pools[] | select(.pool_name == $pool) |
            .flags_names | split(",") | index($flag) != null'
}

at_quota()
{
    ceph osd pool set-quota "$1" max_objects 1 2>/dev/null
    wait_until "pool $1 is at its quota" 60 flag_is full_quota "$1"
}

no_quota()
{
    ceph osd pool set-quota "$1" max_objects 0 2>/dev/null
    wait_until "pool $1 is not at its quota" 60 eval \
        "! flag_is full_quota $1"
}

# All that there is, but for what librbd makes for itself.
everything()
{
    local pool
    for pool in images volumes vms data; do
        rados -p "$pool" ls | sed "s|^|$pool/|"
        rbd trash ls --all "$pool"
    done | grep -v '/rbd_\(trash\|children\|info\|directory\|task\)$' | sort
    rbd snap ls --all volumes/volume-$ONE 2>/dev/null
    remora volume show --json $ONE 2>/dev/null | jq .status
}

# named POOL TITLE COMMAND...: it is refused as the pool has no room, and nothing
# has changed.
named()
{
    local pool=$1 title=$2
    shift 2
    refuses "$title" "pool '$pool'" "$@"
    like 'for it is full' "$TAP_OUT" "$WHY"
    is 'and nothing is made' "$(everything)" "$BEFORE"
}

# ---- the pool that data goes to -----------------------------------------------

# A volume with a snapshot and a clone, all with their data there.
family()
{
    volume create --id $ONE --data-pool data 16MiB &&
        rbd bench --io-type write --io-size 1M --io-total 4M \
            volumes/volume-$ONE &&
        volume snapshot create $ONE $SNAP &&
        CONF=/etc/remora/data.conf volume clone --id $TWO $ONE@$SNAP
}

volumes_data()
{
    local CONF=/etc/remora/data.conf WHY='at its quota' BEFORE
    ok 'volumes with their data in another pool' family
    at_quota data
    BEFORE=$(everything)
    named data 'no volume is created' volume create 16MiB
    named data 'nor one that asks for that pool' eval \
        'CONF=/etc/remora/two.conf volume create --data-pool data 16MiB'
    named data 'nor cloned' volume clone $ONE
    named data 'nor from a snapshot' volume clone $ONE@$SNAP
    named data 'nor from an image' volume clone images/$IMAGE
    named data 'nor made an image of' volume to-image $ONE
    CONF=/etc/remora/two.conf
    named data 'one whose data is there does not grow' volume resize $ONE 32MiB
    named data 'nor is it rolled back' volume snapshot rollback $ONE $SNAP
    named data 'nor flattened' volume flatten $TWO
    ok 'it can shrink' volume resize --shrink $ONE 8MiB
    ok 'another one is created' volume create 16MiB
    ok 'a clone can go' volume rm $TWO
    rbd trash purge --no-progress volumes --expired-before 2100-01-01 \
        >/dev/null 2>&1
    no_quota data
    ok 'it grows again' volume resize $ONE 16MiB
    ok 'and is rolled back' volume snapshot rollback $ONE $SNAP
}

# Where ceph.conf says so, for images, too.
images_data()
{
    local WHY='at its quota' BEFORE
    cp "$CLUSTER_CONF" "$BED/tmp/ceph.conf"
    echo 'rbd_default_data_pool = data' >>"$CLUSTER_CONF"
    at_quota data
    BEFORE=$(everything)
    named data 'no image is added' image add "$BED/tmp/golden"
    named data 'no volume is created there, either' volume create 16MiB
    named data 'nor moved there' volume migrate $ONE vms
    no_quota data
    is 'an image is added' "$(image add -c none --id $TWO "$BED/tmp/golden")" \
        $TWO
    cp "$BED/tmp/ceph.conf" "$CLUSTER_CONF"
}

# What a start makes, and makes larger.
starts()
{
    local WHY='at its quota' BEFORE grown
    cp /etc/remora/data.conf /etc/remora/remora.conf
    # A claim ends when it says that it does not know its domain.
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    ok 'the agent starts' agent_start || bail 'no agent'
    ok 'a domain' request_kind clone "$(agent_asks vda "$IMAGE" '32 MiB')"
    ok 'a larger one' request_kind larger "$(agent_asks vda "$IMAGE" '64 MiB')"
    request_new clone
    ok 'it starts' request_prepare
    request_release
    grown=$REQUEST_UUID
    wait_until 'its claim ends' 20 agent_no_claims
    at_quota data
    BEFORE=$(everything)
    # What the agent knows is a few seconds old.
    request_new clone
    wait_until 'no disk is made any more' 20 eval '! try_start'
    BEFORE=$(everything)
    request_new clone
    named data 'which a start names' request_prepare
    request_new larger "$grown"
    named data 'so does one of a disk that is to grow' request_prepare
    request_new clone "$grown"
    ok 'a disk that is there starts' request_prepare
    request_release
    wait_until 'its claim ends, too' 20 agent_no_claims
    ok 'the agent stops' agent_stop
    request_new clone
    named data 'without an agent it is the same' request_prepare
    no_quota data
    ok 'then it starts' request_prepare
    ok 'an agent' agent_start
    request_new larger "$grown"
    wait_until 'and the other grows' 20 request_prepare
    request_release
    ok 'the agent stops' agent_stop
}

# Each try is another domain's.
try_start()
{
    request_new clone
    request_prepare && request_release
}

# ---- the image's own pool -------------------------------------------------------

own()
{
    local WHY='at its quota' BEFORE
    volume show $ONE >/dev/null 2>&1 || family >/dev/null
    at_quota vms
    BEFORE=$(everything)
    named vms 'no volume is created in a full pool' \
        volume create --pool vms 16MiB
    named vms 'none is cloned to it' volume clone --pool vms $ONE@$SNAP
    named vms 'nor moved there' volume migrate $ONE vms
    no_quota vms
}

inside()
{
    local story
    bed_need_remora
    parts
    [ $# -gt 0 ] ||
        set -- volumes_data images_data starts own
    for story in "$@"; do
        "$story"
    done
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside "$@"
tap_done
