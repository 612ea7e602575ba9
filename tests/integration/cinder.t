#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/cinder.t - volumes, with Cinder's own driver at the other side
#
# What Cinder makes, remora lists, shows, clones and removes; what remora makes,
# Cinder clones, snapshots, extends and deletes; and what has children is refused by
# both. Depths, features, capacities and how to attach are compared.
#
# Needs: root, the packages of lib/packages.sh (python3-cinder among them), an
#        installed remora.
#
# shellcheck source-path=SCRIPTDIR
here=$(dirname -- "$(realpath -- "$0")")/..
. "$here/lib/tap.sh"
. "$here/lib/bed.sh"
. "$here/lib/cluster.sh"
. "$here/lib/agent.sh"

ONE=0a64fa67-3e34-42e7-b7b0-423c11850e18
TWO=1b64fa67-3e34-42e7-b7b0-423c11850e18
THREE=2c64fa67-3e34-42e7-b7b0-423c11850e18
SNAP=5a64fa67-3e34-42e7-b7b0-423c11850e18
GiB=$((1024 * 1024 * 1024))
# As somebody who may look everywhere.
ALL=(-n admin -k /etc/ceph/ceph.client.admin.keyring)

volume()
{
    remora "${ALL[@]}" volume "$@"
}

# The exit status of what follows.
status()
{
    "$@" >/dev/null 2>&1
    echo $?
}

# of ID KEY: what 'volume show' says.
of()
{
    volume show --json "$1" | jq -c "$2"
}

# cinder LINE: what it answers.
cinder()
{
    local said
    echo "$*" >&"${CINDER[1]}"
    IFS= read -r -t 300 said <&"${CINDER[0]}"
    echo "$said"
}

names()
{
    rbd ls volumes | sort | xargs
}

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    cat >"$BED/tmp/cinder.conf" <<CONF
[DEFAULT]
state_path = $BED/tmp/cinder
[ceph]
volume_backend_name = ceph
rbd_pool = volumes
rbd_user = admin
rbd_ceph_conf = /etc/ceph/ceph.conf
rados_connection_interval = 1
rados_connection_retries = 2
CONF
    coproc CINDER { /usr/bin/python3 "$here/integration/cinder-driver.py" \
        "$BED/tmp/cinder.conf" 2>"$BED/tmp/cinder.log"; }
    local said
    IFS= read -r -t 300 said <&"${CINDER[0]}"
    is "Cinder's driver is set up" "$said" ready ||
        bail "$(tail -n 5 "$BED/tmp/cinder.log")"
}

# ---- what Cinder makes ------------------------------------------------------------

cinders()
{
    is 'Cinder makes a volume' "$(cinder create $ONE 1)" ok
    is 'it is listed' "$(volume list --json | jq -c '.volumes[]')" \
        "{\"id\":\"$ONE\",\"pool\":\"volumes\",\"size\":$GiB,\"status\":\"available\",\"snapshots\":0,\"parent\":null}"
    is 'and as remora makes them' "$(of $ONE 'del(.id, .created)')" \
        "$(volume create --id $TWO 1GiB >/dev/null
            of $TWO 'del(.id, .created)')"
    volume rm $TWO >/dev/null
    is 'it is cloned' "$(volume clone --id $TWO $ONE)" $TWO
    is 'Cinder sees how deep' "$(cinder depth $TWO)" 1
    is 'as remora does' "$(of $TWO .depth)" 1
    is 'Cinder deletes its source' "$(cinder delete $ONE)" ok
    is 'which it keeps for the clone' "$(names)" \
        "volume-$ONE.deleted volume-$TWO"
    is 'the clone is removed' "$(volume rm $TWO)" \
        "volumes/volume-$TWO: removed"
    is 'with what was kept for it' "$(names)" ''

    cinder create $ONE 1 >/dev/null
    is "Cinder's clone of its own" "$(cinder clone $TWO $ONE 1)" ok
    is 'is shown' "$(of $TWO '[.parent, .depth]')" \
        "[\"volumes/volume-$ONE@volume-$TWO.clone_snap\",1]"
    is 'and keeps its source, of format 1' "$(status volume rm $ONE)" 4
    is 'it is removed' "$(volume rm $TWO)" "volumes/volume-$TWO: removed"
    is 'with its snapshot' "$(rbd snap ls --all volumes/volume-$ONE)" ''
    is "Cinder's snapshot" "$(cinder snapshot $ONE $SNAP)" ok
    is 'is listed' "$(volume snapshot list --json $ONE |
        jq -c '.snapshots[] | [.snapshot, .size, .protected]')" \
        "[\"$SNAP\",$GiB,true]"
    is 'and keeps its volume' "$(status volume rm $ONE)" 4
    is 'until it is removed' "$(volume snapshot rm $ONE $SNAP)" \
        "volumes/volume-$ONE@snapshot-$SNAP: removed"
    is 'as is the volume' "$(volume rm $ONE)" "volumes/volume-$ONE: removed"
    is 'nothing is left' "$(names)" ''
}

# What hangs on a snapshot keeps it; but Debian 13's Cinder flattens that when it is to
# delete the snapshot. Then both are made anew, for remora.
cinder_needs_it()
{
    local said
    said=$(cinder delete-snapshot $ONE $SNAP)
    if ! cinder_flattens; then
        like 'then Cinder does not delete the snapshot' "$said" 'SnapshotIsBusy'
        return
    fi
    is 'then Cinder flattens it, and deletes the snapshot' \
        "$said $(of $TWO .parent)" 'ok null'
    volume rm $TWO >/dev/null
    cinder snapshot $ONE $SNAP >/dev/null
    cinder from-snapshot $TWO $ONE $SNAP 2 >/dev/null
}

cinder_flattens()
{
    /usr/bin/python3 -c 'from cinder.volume.drivers import rbd
raise SystemExit(not hasattr(rbd.RBDDriver, "_flatten_children"))'
}

# ---- what remora makes --------------------------------------------------------------

remoras()
{
    volume create --id $ONE 1GiB >/dev/null
    is 'Cinder extends a volume' "$(cinder extend $ONE 2)" ok
    is 'as is seen' "$(of $ONE .size)" $((2 * GiB))
    is 'it makes a snapshot' "$(cinder snapshot $ONE $SNAP)" ok
    is 'and a volume of that' "$(cinder from-snapshot $TWO $ONE $SNAP 2)" ok
    is 'whose parent is shown' "$(of $TWO .parent)" \
        "\"volumes/volume-$ONE@snapshot-$SNAP\""
    cinder_needs_it
    is 'nor does remora' "$(status volume snapshot rm $ONE $SNAP)" 4
    is 'nor the volume' "$(status volume rm $ONE)" 4
    is 'flattened' "$(volume flatten --json $TWO | jq -c .)" \
        '{"flattened":true,"queued":false}'
    is 'it needs it no more' "$(cinder delete-snapshot $ONE $SNAP)" ok
    is 'Cinder deletes it' "$(cinder delete $TWO)" ok

    volume snapshot create $ONE $SNAP >/dev/null
    is "a snapshot of remora's is gone back to" \
        "$(cinder revert $ONE $SNAP 2)" ok
    volume clone --id $TWO $ONE@$SNAP >/dev/null
    is 'and deleted, for its clones are of format 2' \
        "$(cinder delete-snapshot $ONE $SNAP)" ok
    is 'Cinder deletes the volume, too' "$(cinder delete $ONE)" ok
    is 'of which the clone keeps what it needs' "$(names)" "volume-$TWO"
    is 'the clone is deleted' "$(cinder delete $TWO)" ok
    is 'nothing is left' "$(names)" ''
}

images()
{
    local fsid
    fsid=$(ceph fsid)
    head -c 1M /dev/urandom >"$BED/tmp/raw"
    remora "${ALL[@]}" image add --id $THREE "$BED/tmp/raw" >/dev/null
    is "an image of remora's is one that Cinder clones" \
        "$(cinder from-image $ONE "rbd://$fsid/images/$THREE/snap" raw 1)" \
        cloned
    is 'as is shown' "$(of $ONE '[.parent, .size]')" \
        "[\"images/$THREE@snap\",$GiB]"
    is 'another cluster'"'"'s is not' \
        "$(cinder from-image $TWO "rbd://$ONE/images/$THREE/snap" raw 1)" no
    is 'nor is qcow2' \
        "$(cinder from-image $TWO "rbd://$fsid/images/$THREE/snap" qcow2 1)" no
    is 'the image stays for it' "$(status remora "${ALL[@]}" image rm $THREE)" 4
    is 'Cinder deletes it' "$(cinder delete $ONE)" ok
    is 'then the image goes' "$(status remora "${ALL[@]}" image rm $THREE)" 0
}

# ---- what both say --------------------------------------------------------------------

depths()
{
    local last=$ONE i id
    cinder create $ONE 1 >/dev/null
    for i in 1 2 3 4; do
        id=${i}d64fa67-3e34-42e7-b7b0-423c11850e18
        if [ $((i % 2)) = 1 ]; then
            volume clone --id $id $last >/dev/null
        else
            cinder clone $id $last 1 >/dev/null
        fi
        is "of clone $i both say how deep it is" \
            "$(cinder depth $id) $(of $id .depth)" "$i $i"
        last=$id
    done
    volume clone --max-depth 2 --id $TWO $last >/dev/null
    is 'a limit below the depth flattens' \
        "$(cinder depth $TWO) $(of $TWO .depth)" '0 0'
    is 'and that alone' "$(cinder depth $last) $(of $last .depth)" '4 4'
    is 'it goes' "$(status volume rm $TWO)" 0
    for i in 4 3 2 1; do
        is "clone $i goes" "$(status volume rm ${i}d64fa67-3e34-42e7-b7b0-423c11850e18)" 0
    done
    is 'and what they stood on' "$(cinder delete $ONE)" ok
    is 'nothing is left' "$(names)" ''
}

compared()
{
    local keys json
    cinder create $ONE 1 >/dev/null
    is "Cinder's for several writers" "$(cinder multiattach $ONE)" ok
    volume create --shareable --id $TWO 1GiB >/dev/null
    is "has the features of remora's" "$(of $ONE '.features')" \
        "$(of $TWO '.features')"
    keys='.data | del(.volume_id, .name, .auth_username, .secret_uuid)'
    json=$(cinder connection $ONE)
    is 'how to attach: the same kind' \
        "$(jq -c .driver_volume_type <<<"$json")" \
        "$(volume connection $ONE | jq -c .driver_volume_type)"
    is 'the same fields' "$(jq -c '.data | keys' <<<"$json")" \
        "$(volume connection $ONE | jq -c --argjson theirs \
            "$(jq -c '.data | keys' <<<"$json")" \
            '.data | keys | map(select(IN($theirs[])))')"
    is 'with the same values' "$(jq -S -c "$keys" <<<"$json")" \
        "$(volume connection $ONE | jq -S -c --argjson theirs \
            "$(jq -c "$keys | keys" <<<"$json")" \
            '.data | with_entries(select(.key | IN($theirs[])))')"
    capacity
    ceph osd pool set-quota volumes max_bytes $((3 * GiB)) >/dev/null 2>&1
    bed_wait 60 eval '[ "$(remora df --json volumes |
        jq -c ".pools[0].quota")" = $((3 * GiB)) ]'
    capacity 'under a quota, '
    ceph osd pool set-quota volumes max_bytes 0 >/dev/null 2>&1
    is 'they go' "$(cinder delete $ONE) $(cinder delete $TWO)" 'ok ok'
}

# In GiB, to two digits, as Cinder has it.
same_capacity()
{
    local stats
    ours=$(remora df --json volumes | jq -c ".pools[0] |
        [.total, .free] | map(. / $GiB * 100 | round / 100)")
    stats=$(cinder stats)
    theirs=$(jq -c '[.total_capacity_gb, .free_capacity_gb] |
        map(. * 100 | round / 100)' <<<"$stats")
    [ "$ours" = "$theirs" ]
}

# What the monitors say changes a little, once a second.
capacity()
{
    local ours theirs
    bed_wait 60 same_capacity
    is "${1-}both reckon the same capacity" "$ours" "$theirs"
}

inside()
{
    bed_need_remora
    parts
    cinders
    remoras
    images
    depths
    compared
    is 'no claim is left' \
        "$(rados -p volumes ls | grep remora_claim)" ''
}

bed_enter "$0" "$@"
inside
tap_done
