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

inside()
{
    [ -x "$TRY" ] || bail 'REMORA_BUILD names no build tree'
    start
    keys
}

bed_enter "$0" "$@"
inside
tap_done
