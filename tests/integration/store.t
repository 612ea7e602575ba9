#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/store.t - disks on a real cluster, whole or refused
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
A=982b8eac-6bcc-4a21-bd04-b67e26188be0
B=a9670d9a-8aa7-49ba-baf5-9d7a450172f3
TRY=${REMORA_BUILD-}/tests/integration/store-try

MiB=$((1024 * 1024))

try()
{
    "$TRY" "$@"
}

claims()
{
    rados -p vms ls | grep '^remora_claim\.'
}

# What one image of the cluster is, in one word of its JSON.
info()
{
    rbd info --format json "$1" | jq -r "$2"
}

start()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    guest_image 16M 'a golden image' off "$BED/tmp/golden" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/golden" "$IMAGE"
}

monitor_map()
{
    is 'each monitor once, v1 first' "$(try monitors | grep -v other)" \
        '127.0.0.1 6789'
}

two_clones()
{
    is 'a disk is built' "$(try provision "vms/${A}_disk" "$PARENT" \
        $((64 * MiB)) "$A")" "built $((64 * MiB))"
    is 'a second one' "$(try provision "vms/${B}_disk" "$PARENT" 0 "$B")" \
        "built $((16 * MiB))"
    is 'both are children' "$(rbd children "$PARENT" | sort)" \
        "vms/${A}_disk
vms/${B}_disk"
    is 'the order is the image'"'"'s' "$(info "vms/${A}_disk" .order)" 23
    is 'the size is what was asked' "$(info "vms/${A}_disk" .size)" \
        $((64 * MiB))
    is 'the overlap is the image' "$(info "vms/${A}_disk" .parent.overlap)" \
        $((16 * MiB))
    is 'it is there the second time' "$(try provision "vms/${A}_disk" \
        "$PARENT" $((64 * MiB)) "$A")" "ready $((64 * MiB))"
    is 'it grows' "$(try provision "vms/${A}_disk" "$PARENT" \
        $((80 * MiB)) "$A")" "grown $((80 * MiB))"
    is 'it never shrinks' "$(try provision "vms/${A}_disk" "$PARENT" \
        $((20 * MiB)) "$A")" "ready $((80 * MiB))"
    is 'no claim remains' "$(claims)" ''
}

# The clone is in none: the parent's pool has it.
namespaced()
{
    ok 'a namespace' rbd namespace create images/tenant
    ok 'an image in it' rbd import --no-progress "$BED/tmp/golden" \
        images/tenant/golden
    ok 'with a snapshot' rbd snap create --no-progress images/tenant/golden@v1
    is 'a clone of it is built' "$(try provision vms/tenant_disk \
        images/tenant/golden@v1 $((32 * MiB)) tenant)" "built $((32 * MiB))"
    is 'and is its child' "$(rbd children images/tenant/golden@v1)" \
        vms/tenant_disk
    is 'it is there the second time' "$(try provision vms/tenant_disk \
        images/tenant/golden@v1 0 tenant)" "ready $((32 * MiB))"
    refuses 'an image of that name in no namespace is another' \
        'does not exist' try provision vms/none_disk images/golden@v1 0 x
}

bad_requests()
{
    local before
    before=$(rbd ls vms)
    refuses 'an unknown image' 'does not exist' \
        try provision vms/x_disk images/nowhere@snap 0 x
    refuses 'an unknown snapshot' "has no snapshot 'other'" \
        try provision vms/x_disk "images/$IMAGE@other" 0 x
    refuses 'an unknown image pool' "no pool 'nowhere'" \
        try provision vms/x_disk nowhere/a@snap 0 x
    refuses 'an unknown pool for disks' "no pool 'nowhere'" \
        try provision nowhere/x_disk "$PARENT" 0 x
    refuses 'a disk smaller than its image' 'ask for at least that size' \
        try provision vms/x_disk "$PARENT" $MiB x
    refuses 'a bare disk that is not there' 'create it or correct' \
        try provision vms/x_disk existing 0 x
    qemu-img create -q -f qcow2 "$BED/tmp/qcow2" 4M
    ok 'an image that is not raw' cluster_add_image "$BED/tmp/qcow2" qcow2
    refuses 'it is refused by its format' 'holds qcow2' \
        try provision vms/x_disk images/qcow2@snap 0 x
    refuses 'a missing keyring' "cannot read the keyring '/nowhere'" \
        env STORE_TRY_KEYRING=/nowhere "$TRY" provision vms/x_disk "$PARENT" 0 x
    refuses 'who may not write to the pool of disks' \
        "'vms/x_disk': not permitted" \
        env STORE_TRY_USER=glance "$TRY" provision vms/x_disk "$PARENT" 0 x
    is 'nothing was made' "$(rbd ls vms)" "$before"
    is 'nothing went to the trash' "$(rbd trash ls vms)" ''
    is 'no claim was left' "$(claims)" ''
}

owners()
{
    refuses 'a disk of another owner' "was made for '$A'" \
        try provision "vms/${A}_disk" "$PARENT" 0 "$B"
    rbd create --size 16M vms/blank_disk
    refuses 'a blank where a clone belongs' 'empty and has no parent' \
        try provision vms/blank_disk "$PARENT" 0 x
    rbd bench --io-type write --io-size 4K --io-total 4K vms/blank_disk \
        >/dev/null
    is 'with data it is somebody'"'"'s' \
        "$(try provision vms/blank_disk "$PARENT" 0 x)" "ready $((16 * MiB))"
    is 'a bare disk is used as it is' \
        "$(try provision vms/blank_disk existing 0 x)" "ready $((16 * MiB))"
    is 'no claim was left by strangers' "$(claims)" ''
}

# holds POOL/IMAGE OWNER: somebody who has the claim, as $holder.
holds()
{
    : >"$BED/tmp/held"
    "$TRY" provision "$1" "$PARENT" 0 "$2" hold >"$BED/tmp/held" &
    holder=$!
    wait_until "somebody holds $1" 10 test -s "$BED/tmp/held"
}

one_holder()
{
    local holder object
    holds "vms/${B}_disk" "$B"
    refuses 'a second one is refused, the holder named' \
        "is claimed by host '$(hostname)' for '$B'" \
        try provision "vms/${B}_disk" "$PARENT" 0 "$B"
    object=remora_claim.${B}_disk
    wait_until 'the holder touches its claim' 15 \
        eval "[ \"\$(rados -p vms getxattr $object remora.alive)\" != 0 ]"
    kill -KILL "$holder"
    wait "$holder" 2>/dev/null
    is 'a killed one is replaced at once' \
        "$(try provision "vms/${B}_disk" "$PARENT" 0 "$B")" \
        "ready $((16 * MiB)) recovered"
    is 'and leaves no claim' "$(claims)" ''
}

# A builder that died between its claim and its mark: what is left is cleared
# away and built again.
half_made()
{
    local holder id
    holds vms/half_disk half
    kill -KILL "$holder"
    wait "$holder" 2>/dev/null
    rbd image-meta remove vms/half_disk remora.ready
    is 'an unmarked clone of a dead builder is built again' \
        "$(try provision vms/half_disk "$PARENT" 0 half)" \
        "built $((16 * MiB)) recovered"
    is 'the old one is in the trash' "$(rbd trash ls vms | wc -l)" 1
    like 'its parent lists the new one' "$(rbd children "$PARENT")" \
        vms/half_disk

    holds vms/half_disk half
    kill -KILL "$holder"
    wait "$holder" 2>/dev/null
    id=$(info vms/half_disk .id)
    rados -p vms rm "rbd_header.$id"
    is 'a name without a header is built again' \
        "$(try provision vms/half_disk "$PARENT" 0 half)" \
        "built $((16 * MiB)) recovered"
    is 'no claim is left by the dead' "$(claims)" ''
}

in_use()
{
    rbd --id remora bench --io-type read --io-size 4K --io-total 1T \
        --io-threads 1 "vms/${A}_disk" >/dev/null 2>&1 &
    local user=$!
    wait_until 'somebody uses it' 10 \
        eval "[ -n \"\$(cluster_watchers vms/${A}_disk)\" ]"
    refuses 'a disk in use' 'is in use by client' \
        try provision "vms/${A}_disk" "$PARENT" 0 "$A"
    kill -TERM "$user"
    wait "$user" 2>/dev/null
    is 'no claim is left by a refusal' "$(claims)" ''
}

quota()
{
    ceph osd pool set-quota vms max_objects 1 >/dev/null 2>&1
    wait_until 'the pool is at its quota' 30 \
        eval 'ceph osd pool ls detail | grep -q full_quota'
    refuses 'a pool at its quota' 'quota' \
        try provision vms/full_disk "$PARENT" 0 x
    ceph osd pool set-quota vms max_objects 0 >/dev/null 2>&1
    wait_until 'the quota is gone' 30 \
        eval '! ceph osd pool ls detail | grep -q full_quota'
}

silent()
{
    local t=$SECONDS
    cluster_stop_mon
    refuses 'no monitor answers' 'did not answer in time' \
        try provision vms/x_disk "$PARENT" 0 x
    ok 'inside the connect timeout' [ $((SECONDS - t)) -le $((10 * BED_PATIENCE)) ]
    cluster_start_mon
}

inside()
{
    [ -x "$TRY" ] || bail 'REMORA_BUILD names no build tree'
    start
    monitor_map
    two_clones
    namespaced
    bad_requests
    owners
    one_holder
    half_made
    in_use
    quota
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
    silent
}

bed_enter "$0" "$@"
inside
tap_done
