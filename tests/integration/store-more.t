#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/store-more.t - keys, and claims that outlive their holder
#
# Needs: root, the packages of lib/packages.sh, REMORA_BUILD (a build tree).
#
# shellcheck source-path=SCRIPTDIR
here=$(dirname -- "$(realpath -- "$0")")/..
. "$here/lib/tap.sh"
. "$here/lib/bed.sh"
. "$here/lib/cluster.sh"
. "$here/lib/guest.sh"

IMAGE=0a64fa67-3e34-42e7-b7b0-423c11850e18
PARENT=images/$IMAGE@snap
MiB=$((1024 * 1024))
TRY=${REMORA_BUILD-}/tests/integration/store-try

try()
{
    "$TRY" "$@"
}

start()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    guest_image 16M 'a golden image' off "$BED/tmp/golden" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/golden" "$IMAGE"
}

# conf_with LINE: a ceph.conf whose clients have this line too.
conf_with()
{
    sed "s|^keyring = /etc/ceph/.*|$1|" /etc/ceph/ceph.conf \
        >"$BED/tmp/with.conf"
}

keys()
{
    local key keyring=/etc/ceph/ceph.client.remora.keyring
    local with=(env STORE_TRY_CONF="$BED/tmp/with.conf" "$TRY")
    key=$(cluster_key remora)
    is 'the key of a user' "$(try key remora)" "$key"
    is 'of another one' "$(try key glance)" "$(cluster_key glance)"
    is 'in a keyring that is named' "$(try key remora "$keyring")" "$key"
    refuses 'a keyring that is not there' "cannot read the keyring '/nowhere'" \
        try key remora /nowhere
    refuses 'a keyring without the user' "holds no key of 'client.glance'" \
        try key glance "$keyring"
    refuses 'a user that no keyring knows' "no key of 'client.nobody' is in" \
        try key nobody
    refuses 'a configuration that is not there' "cannot read '/nowhere'" \
        env STORE_TRY_CONF=/nowhere "$TRY" key remora

    conf_with "keyring = /nowhere, $keyring"
    is 'the second keyring of a list' "$("${with[@]}" key remora)" "$key"
    printf '%s\n' "$key" >"$BED/tmp/keyfile"
    conf_with "keyfile = $BED/tmp/keyfile"
    is 'a keyfile' "$("${with[@]}" key remora)" "$key"
    ok 'which librados takes too' \
        rbd -c "$BED/tmp/with.conf" --id remora ls vms
    # What librados prefers: it connects although the keyring is another's.
    conf_with "keyring = /etc/ceph/ceph.client.glance.keyring\nkey = $key"
    is 'the key itself' "$("${with[@]}" key remora)" "$key"
    ok 'which librados prefers too' \
        rbd -c "$BED/tmp/with.conf" --id remora ls vms
}

watchers()
{
    local user
    is 'nobody watches an idle image' "$(try watchers "images/$IMAGE")" ''
    rbd create --size 16M vms/busy_disk
    rbd --id remora bench --io-type read --io-size 4K --io-total 1T \
        --io-threads 1 vms/busy_disk >/dev/null 2>&1 &
    user=$!
    wait_until 'somebody uses one' 10 \
        eval '[ -n "$(cluster_watchers vms/busy_disk)" ]'
    is 'who watches it' "$(try watchers vms/busy_disk)" \
        "$(cluster_watchers vms/busy_disk)"
    kill -TERM "$user"
    wait "$user" 2>/dev/null
    refuses 'the watchers of no image' 'not found' try watchers vms/nowhere
    refuses 'the watchers in no pool' "no pool 'nowhere'" \
        try watchers nowhere/x
}

find_image()
{
    is 'the pool of an image' "$(try find "$IMAGE" images vms)" images
    is 'the second pool' "$(try find busy_disk images vms)" vms
    is 'a pool that does not exist is skipped' \
        "$(try find "$IMAGE" nowhere images)" images
    rbd create --size 16M "vms/$IMAGE"
    is 'the first one that has it' "$(try find "$IMAGE" vms images)" vms
    rbd rm --no-progress "vms/$IMAGE"
    refuses 'an image that no pool has' \
        "no image 'x' in pool 'images', 'vms' of cluster 'ceph'" \
        try find x images vms
    refuses 'pools that do not exist' "has no pool 'nowhere', 'either'" \
        try find "$IMAGE" nowhere either
    # Caps do not let it look: that is not 'no such image'.
    refuses 'a pool that may not be read' 'not permitted' \
        env STORE_TRY_USER=glance "$TRY" find busy_disk vms
}

# keeps HOW POOL/IMAGE OWNER: somebody provisions it and keeps the claim (see
# store-try.c), as $holder.
keeps()
{
    : >"$BED/tmp/kept"
    "$TRY" provision "$2" "$PARENT" 0 "$3" "$1" >"$BED/tmp/kept" &
    holder=$!
    bed_wait 10 grep -q kept "$BED/tmp/kept" || fail "somebody keeps $2"
}

killed()
{
    kill -KILL "$holder"
    wait "$holder" 2>/dev/null
}

claims()
{
    rados -p vms ls | grep '^remora_claim\.'
}

instances()
{
    find /run/remora/instances -type f | wc -l
}

drop_own()
{
    local holder
    keeps self vms/own_disk own
    is 'a claim is dropped by its owner'"'"'s name' "$(claims)" ''
    is 'while its holder lives, another has it' \
        "$(try provision vms/own_disk "$PARENT" 0 own)" "ready $((16 * MiB))"
    kill -TERM "$holder"
    wait "$holder"
    is 'and the holder ends in good order' "$?" 0
    is 'none of them leaves a file' "$(instances)" 0
}

drop_living()
{
    local holder
    keeps hand vms/live_disk live
    ok 'another process asks for its end' try drop vms/live_disk live
    ok 'another owner too' try drop vms/live_disk other
    is 'a living holder keeps its claim' "$(claims)" remora_claim.live_disk
    rados -p vms rm remora_claim.live_disk
    sleep 6
    is 'a claim that was removed does not come back' "$(claims)" ''
    kill -TERM "$holder"
    wait "$holder"
    is 'the holder of none ends in good order' "$?" 0
}

drop_dead()
{
    local holder
    keeps hand vms/dead_disk dead
    killed
    is 'its file says what it handed over' \
        "$(awk '{ print $1, $2, $3 }' /run/remora/instances/* | tail -1)" \
        'handed vms/dead_disk dead'
    ok 'another owner asks' try drop vms/dead_disk other
    is 'the claim stays' "$(claims)" remora_claim.dead_disk
    ok 'its owner asks' try drop vms/dead_disk dead
    is 'what a dead instance handed over is dropped' "$(claims)" ''
    ok 'asked again' try drop vms/dead_disk dead

    keeps hold vms/dead_disk dead
    killed
    ok 'the owner of one that was not handed over asks' \
        try drop vms/dead_disk dead
    is 'it stays for whoever provisions next' "$(claims)" \
        remora_claim.dead_disk
    is 'who recovers it' "$(try provision vms/dead_disk "$PARENT" 0 dead)" \
        "ready $((16 * MiB)) recovered"
    rm -f /run/remora/instances/*
}

# Without an instance file it could be another host's.
drop_foreign()
{
    local holder
    keeps hand vms/foreign_disk foreign
    killed
    rm -f /run/remora/instances/*
    ok 'the owner of another host'"'"'s claim asks' \
        try drop vms/foreign_disk foreign
    is 'it stays' "$(claims)" remora_claim.foreign_disk
    rados -p vms rm remora_claim.foreign_disk
    ok 'a pool that is not there has no claim' try drop nowhere/x_disk x
}

inside()
{
    [ -x "$TRY" ] || bail 'REMORA_BUILD names no build tree'
    start
    keys
    watchers
    find_image
    drop_own
    drop_living
    drop_dead
    drop_foreign
}

bed_enter "$0" "$@"
inside
tap_done
