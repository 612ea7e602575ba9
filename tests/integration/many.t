#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/many.t - many images are listed as librbd sees each
#
# Images of every sort that a list tells apart, among plain ones, by a user who
# may see all pools and by one who may not; and how many operations that is, for
# the plain ones are not to be opened one after the other.
#
# Needs: root, the packages of lib/packages.sh, REMORA_BUILD (a build tree).
#
# shellcheck source-path=SCRIPTDIR
here=$(dirname -- "$(realpath -- "$0")")/..
. "$here/lib/tap.sh"
. "$here/lib/bed.sh"
. "$here/lib/cluster.sh"

TRY=${REMORA_BUILD-}/tests/integration/store-try
PLAIN=40

try_as()
{
    STORE_TRY_USER=$1 STORE_TRY_KEYRING=/etc/ceph/ceph.client.$1.keyring \
        "$TRY" images images
}

# made NAME [SNAPSHOT]...
made()
{
    local name=$1 snap
    shift
    rbd create --size 4M "images/$name" || return
    for snap; do
        rbd snap create --no-progress "images/$name@$snap" || return
    done
}

# clone FORMAT NAME TO
clone()
{
    rbd clone --rbd-default-clone-format "$1" "images/$2@snap" "$3"
}

id_of()
{
    rbd info --format json "images/$1" | jq -r .id
}

# shellcheck disable=SC2046 # names are words
sorts()
{
    made none &&
        made other other &&
        made both other snap &&
        made guarded snap && rbd snap protect images/guarded@snap &&
        made grown snap && rbd resize --no-progress --size 16M images/grown &&
        made crowded $(seq -f 's%.0f' 20) snap &&
        made once snap && rbd snap protect images/once@snap &&
        clone 1 once vms/of-once &&
        made twice snap && clone 2 twice vms/of-twice &&
        clone 2 twice volumes/of-twice &&
        made trashed snap && clone 2 trashed vms/of-trashed &&
        rbd trash mv vms/of-trashed &&
        made left snap && clone 2 left vms/of-left &&
        rbd rm --no-progress vms/of-left &&
        made half snap && rados -p images rm "rbd_header.$(id_of half)"
}

plain()
{
    local i
    for ((i = 0; i < PLAIN; i++)); do
        made "plain$i" snap || return
    done
}

# as_seen_by USER NAME...: a line of each as librbd has it, by Ceph's own tool.
# Children are told to nobody who may not look into every pool.
as_seen_by()
{
    local user=$1 name snap guarded children
    shift
    for name; do
        snap=$(rbd snap ls --format json "images/$name" 2>/dev/null |
            jq -r '.[] | select(.name == "snap") | "\(.size) \(.protected)"')
        [ -n "$snap" ] || continue
        guarded=
        [ "${snap#* }" != true ] || guarded=' protected'
        if children=$(rbd --id "$user" children --all --format json \
            "images/$name@snap" 2>/dev/null); then
            children=$(jq length <<<"$children")
        else
            children='?'
        fi
        echo "images/$name ${snap% *} snap$guarded $children"
    done | sort
}

operations()
{
    ceph daemon "$CLUSTER_HOME/osd.0.asok" perf dump osd | jq .osd.op
}

SORTS=(none other both guarded grown crowded once twice trashed left half
    plain0 plain1)

listed()
{
    local user
    for user in admin remora glance; do
        is "the list is what librbd says to client.$user" \
            "$(try_as "$user" | grep -v -e 'plain[2-9]' -e 'plain1[0-9]')" \
            "$(as_seen_by "$user" "${SORTS[@]}")"
    done
    is 'all plain ones are in it' "$(try_as admin | grep -c plain)" "$PLAIN"
}

# An open by librbd is more than ten alone.
counted()
{
    local before after
    rbd rm --no-progress vms/of-once vms/of-twice >/dev/null 2>&1
    before=$(operations)
    try_as admin >/dev/null
    after=$(operations)
    echo "# $((after - before)) operations"
    ok 'the plain ones are not opened' \
        test $((after - before)) -lt $((PLAIN * 8 + 400))
}

bed_enter "$0" "$@"
ok 'a cluster starts' cluster_start || bail 'no cluster'
ok 'images of every sort' sorts
ok 'and plain ones' plain
listed
counted
tap_done
