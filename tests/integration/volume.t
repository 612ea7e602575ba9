#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/volume.t - volumes, as Cinder makes them
#
# What 'remora volume' makes looks like Cinder's, by rbd's own eyes; what Cinder
# would leave, remora uses and removes; what stands in the way is named, and
# nothing has changed then.
#
# Needs: root, the packages of lib/packages.sh, an installed remora.
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
MiB=$((1024 * 1024))
# As somebody who may look everywhere.
ALL=(-n admin -k /etc/ceph/ceph.client.admin.keyring)

volume()
{
    remora volume "$@"
}

volume_all()
{
    remora "${ALL[@]}" volume "$@"
}

# The exit status of what follows.
status()
{
    "$@" >/dev/null 2>&1
    echo $?
}

# All that there is in the pool, but what librbd makes for itself.
everything()
{
    rados -p volumes ls |
        grep -v -x 'rbd_\(trash\|children\|info\|directory\|task\)' | sort
}

# of ID KEY: what 'volume show' says.
of()
{
    volume_all show --json "$1" | jq -c "$2"
}

purge()
{
    rbd trash purge --no-progress volumes --expired-before 2100-01-01 \
        >/dev/null 2>&1
}

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    # Data, a hole, data.
    FILE=$BED/tmp/raw
    truncate -s $((12 * MiB)) "$FILE"
    dd if=/dev/urandom of="$FILE" bs=1M count=1 conv=notrunc status=none
    dd if=/dev/urandom of="$FILE" bs=1M count=1 seek=10 conv=notrunc status=none
    everything >"$BED/tmp/before"
}

# fill IMAGE: the file's content, over what is there.
fill()
{
    rbd bench --io-type write --io-size 64K --io-total 64K "$1" >/dev/null 2>&1
    qemu-img convert -n -O raw "$FILE" "rbd:$1:conf=/etc/ceph/ceph.conf"
}

# same IMAGE: it begins like the file.
same()
{
    rbd export --no-progress "$1" - | head -c $((12 * MiB)) | cmp - "$FILE"
}

# gone TITLE: nothing is left but what was there before.
# An OSD removes what only a removed snapshot had in its own time.
gone()
{
    bed_wait 20 eval '[ "$(everything)" = "$(<"$BED/tmp/before")" ]'
    is "$1" "$(everything)" "$(<"$BED/tmp/before")"
}

# ---- made, seen, removed ------------------------------------------------------

made()
{
    local json
    is 'no volume' "$(volume list)" ''
    is 'as JSON' "$(volume list --json | jq -c .)" '{"volumes":[]}'
    is 'one is made' "$(volume create --id $ONE '16 MiB')" $ONE
    json=$(rbd info --format json volumes/volume-$ONE)
    is 'it has its size, and no parent' \
        "$(jq -c '[.size, .object_size, .parent]' <<<"$json")" \
        "[$((16 * MiB)),$((4 * MiB)),null]"
    is 'and nothing that Cinder would not leave' \
        "$(rbd image-meta list volumes/volume-$ONE)" \
        'There are 0 metadata on this image.'
    is 'no claim is left' "$(everything | grep remora_claim)" ''
    is 'it is listed' "$(volume list --json | jq -c '.volumes[]')" \
        "{\"id\":\"$ONE\",\"pool\":\"volumes\",\"size\":$((16 * MiB)),\"status\":\"available\",\"snapshots\":0,\"parent\":null}"
    is 'and shown' "$(of $ONE '[.status, .size, .object_size, .depth, .parent,
        .watchers, .claim, .data_pool]')" \
        "[\"available\",$((16 * MiB)),$((4 * MiB)),0,null,[],null,null]"
    like 'to people, too' "$(volume show volumes/volume-$ONE)" \
        "volumes/volume-$ONE"
    refuses 'twice is once too often' 'is there already' \
        volume create --id $ONE '1 GiB'
    is 'with a status of its own' "$(status volume create --id $ONE 1GiB)" 4
    refuses 'a size without a unit' 'has no unit' volume create 10
    refuses 'an id that is none' 'the id is not a UUID' \
        volume create --id nonsense 1GiB
    refuses 'a pool that is not for volumes' 'none of pools.volumes' \
        volume create --pool images 1GiB
    refuses 'an object size that is none' 'the object size is no power' \
        volume create --object-size 7B 1GiB
    refuses 'features that need others' 'lack one that they need' \
        volume create --features layering,object-map 1GiB
    refuses 'a pool for data that is not there' 'is its pool for data there' \
        volume create --data-pool nowhere 1GiB
    refuses 'one that is not there' 'no volume' volume show $TWO
    is 'with a status of its own, too' "$(status volume show $TWO)" 3
    rbd create --size 0 volumes/volume-$TWO
    is 'one that has no bytes' "$(of $TWO '[.status, .size]')" \
        '["available",0]'
    rbd rm --no-progress volumes/volume-$TWO
    refuses 'a name that is none' 'a volume is named as' volume show vol
    refuses 'nor removed' "no volume 'volumes/volume-$TWO'" volume rm \
        volumes/$TWO
    is 'it completes a line' "$(remora complete -- volume show 0a)" $ONE
    is 'with its pool, too' "$(remora complete -- volume rm volumes/0)" \
        volumes/$ONE
    is 'so does a pool for volumes' \
        "$(remora complete -- volume create --pool v)" volumes
    is 'it is removed' "$(volume rm $ONE)" "volumes/volume-$ONE: removed"
    gone 'and nothing is left'
}

made_otherwise()
{
    volume create --id $ONE --object-size 8MiB --shareable 16MiB >/dev/null
    is 'a shareable one has no feature of a single writer' \
        "$(rbd info --format json volumes/volume-$ONE |
            jq -c '[.features[], .object_size]')" \
        "[\"layering\",\"deep-flatten\",$((8 * MiB))]"
    is 'as is shown' "$(of $ONE .features)" '["layering","deep-flatten"]'
    volume rm $ONE >/dev/null
    volume create --id $ONE --shareable --features layering 16MiB >/dev/null
    is 'one that never had any is shareable, too' "$(of $ONE .features)" \
        '["layering"]'
    volume rm $ONE >/dev/null
    volume create --id $ONE --features layering --data-pool vms 16MiB >/dev/null
    is 'its features and its pool for data are as asked' \
        "$(of $ONE '[.features[], .data_pool]')" '["layering","vms"]'
    is 'by rbd' "$(rbd info --format json volumes/volume-$ONE |
        jq -r .data_pool)" vms
    volume rm $ONE >/dev/null
    ceph osd pool set-quota volumes max_objects 1 >/dev/null 2>&1
    wait_until 'the pool is at its quota' 60 \
        eval 'ceph osd pool ls detail | grep -q full_quota'
    refuses 'nothing is made in it' 'is at its quota' volume create 1GiB
    ceph osd pool set-quota volumes max_objects 0 >/dev/null 2>&1
    wait_until 'the quota is gone' 60 \
        eval '! ceph osd pool ls detail | grep -q full_quota'
    gone 'nothing is left of them'
}

# ---- size ---------------------------------------------------------------------

resized()
{
    volume create --id $ONE 16MiB >/dev/null
    fill volumes/volume-$ONE
    is 'it grows' "$(volume resize --json $ONE 32MiB | jq -c .)" \
        "{\"before\":$((16 * MiB)),\"size\":$((32 * MiB))}"
    is 'to its size it stays' "$(volume resize $ONE 32MiB)" \
        "volumes/volume-$ONE: has 32 MiB"
    refuses 'it does not shrink by mistake' 'nothing was changed' \
        volume resize $ONE 12MiB
    is 'as it says' "$(of $ONE .size)" $((32 * MiB))
    ok 'but when that is said' volume resize --shrink $ONE 12MiB
    is 'to that size' "$(of $ONE .size)" $((12 * MiB))
    ok 'and keeps what lies before it' same volumes/volume-$ONE
    refuses 'a size that is none' 'has no unit' volume resize $ONE 12
    volume rm $ONE >/dev/null
}

# ---- snapshots ------------------------------------------------------------------

snapshot()
{
    volume snapshot "$@"
}

snapshots()
{
    volume create --id $ONE 16MiB >/dev/null
    fill volumes/volume-$ONE
    is 'a snapshot is made' "$(snapshot create $ONE $SNAP)" $SNAP
    is 'as Cinder calls it, and protected' \
        "$(rbd snap ls --format json volumes/volume-$ONE |
            jq -r '.[] | "\(.name) \(.protected)"')" "snapshot-$SNAP true"
    is 'it is listed' "$(snapshot list --json $ONE |
        jq -c '.snapshots[] | [.snapshot, .size, .protected]')" \
        "[\"$SNAP\",$((16 * MiB)),true]"
    refuses 'once' 'has a snapshot' snapshot create $ONE $SNAP
    is 'as one that is there' "$(status snapshot create $ONE $SNAP)" 4
    rbd snap unprotect volumes/volume-$ONE@snapshot-$SNAP
    is 'one that is not protected yet is protected' \
        "$(snapshot create $ONE $SNAP)" $SNAP
    refuses 'one that is not there' 'has no snapshot' snapshot rm $ONE $TWO
    is 'with a status' "$(status snapshot rollback $ONE $TWO)" 3
    refuses 'of a volume that is not there' 'no volume' snapshot create $TWO
    refuses 'a word that is none' "one of 'create'" snapshot make $ONE
    refuses 'a name that is none' 'a snapshot is named as' \
        snapshot rm $ONE nonsense

    rbd snap create --no-progress volumes/volume-$ONE@snapshot-$TWO
    is 'one that nobody has protected is removed' \
        "$(snapshot rm $ONE $TWO)" \
        "volumes/volume-$ONE@snapshot-$TWO: removed"
    refuses 'once' 'has no snapshot' snapshot rm $ONE $TWO
    is 'and the other is what it was' "$(snapshot list --json $ONE |
        jq -c '[.snapshots[] | [.snapshot, .protected]]')" "[[\"$SNAP\",true]]"
    rbd bench --io-type write --io-size 1M --io-total 8M --io-threads 1 \
        volumes/volume-$ONE >/dev/null 2>&1
    ok 'it has changed since' eval '! same volumes/volume-$ONE'
    ok 'it is rolled back' snapshot rollback $ONE $SNAP
    ok 'and is as it was' same volumes/volume-$ONE
    is 'without a mark' "$(rbd image-meta list volumes/volume-$ONE)" \
        'There are 0 metadata on this image.'

    rm_refused 'with a snapshot it is not removed' "has the snapshots" \
        volume rm $ONE
    is 'a clone is no reason to keep the snapshot' \
        "$(rbd clone --rbd-default-clone-format 2 \
            volumes/volume-$ONE@snapshot-$SNAP vms/two &&
            snapshot rm $ONE $SNAP)" \
        "volumes/volume-$ONE@snapshot-$SNAP: removed"
    ok 'which it keeps' same vms/two
    is 'the volume goes to the trash for it' \
        "$(volume rm --json $ONE | jq -c .)" '{"trashed":true}'
    ok 'and still reads' same vms/two
    rbd rm --no-progress vms/two
    purge
    gone 'with the clone, all is gone'
}

old_clones()
{
    volume create --id $ONE 16MiB >/dev/null
    snapshot create $ONE $SNAP >/dev/null
    rbd clone --rbd-default-clone-format 1 \
        volumes/volume-$ONE@snapshot-$SNAP vms/one
    refuses 'a clone of format 1 keeps its snapshot' 'of format 1' \
        volume_all snapshot rm $ONE $SNAP
    is 'as one in use' "$(status volume_all snapshot rm $ONE $SNAP)" 4
    rm_refused 'and its volume' "in use by its clones 'vms/one'" \
        volume_all rm $ONE
    rm_refused 'from the trash, too' "in use by its clones 'vms/one'" \
        volume_all rm --trash $ONE
    rbd rm --no-progress vms/one
    like 'without it the volume goes there, with its snapshot' \
        "$(volume rm --trash $ONE)" 'moved to the trash'
    rbd trash restore "volumes/$(rbd trash ls volumes --format json |
        jq -r '.[].id')"
    is 'and can come back' "$(of $ONE '[.snapshots, .status]')" \
        '[1,"available"]'
    snapshot rm $ONE $SNAP >/dev/null
    volume rm $ONE >/dev/null
    gone 'nothing is left'
}

# rm_refused TITLE TEXT COMMAND...: and the volume stays as it is.
rm_refused()
{
    refuses "$@"
    shift 2
    is 'as one in use' "$(status "$@")" 4
    isnt 'and it stays' "$(volume_all show --json $ONE)" ''
    is 'without a claim' "$(everything | grep remora_claim)" ''
}

# ---- others have it open ------------------------------------------------------------

watched()
{
    local writer addr
    volume create --id $ONE 64MiB >/dev/null
    snapshot create $ONE $SNAP >/dev/null
    rbd bench --io-type write --io-size 4K --io-total 4G --io-threads 1 \
        volumes/volume-$ONE >/dev/null 2>&1 &
    writer=$!
    wait_until 'somebody writes to it' 10 \
        eval '[ -n "$(cluster_watchers volumes/volume-$ONE)" ]'
    is 'as is seen' "$(of $ONE .status)" '"in use"'
    rm_refused 'it is not removed' 'is open for writing by client' \
        volume rm $ONE
    rm_refused 'nor moved to the trash' 'is open for writing by client' \
        volume rm --trash $ONE
    rm_refused 'nor resized' 'is open for writing by client' \
        volume resize $ONE 1GiB
    rm_refused 'nor rolled back' 'is open for writing by client' \
        volume snapshot rollback $ONE $SNAP
    ok 'but a snapshot is made of it' snapshot create $ONE $TWO
    ok 'and removed' snapshot rm $ONE $TWO
    # What it has on its way must not come after the removal.
    addr=$(cluster_watchers volumes/volume-$ONE)
    kill "$writer"
    wait "$writer" 2>/dev/null
    ceph osd blocklist add "$addr" >/dev/null 2>&1
    wait_until 'no more' 60 eval '[ -z "$(cluster_watchers volumes/volume-$ONE)" ]'
    snapshot rm $ONE $SNAP >/dev/null
    volume rm $ONE >/dev/null
    gone 'nothing is left of it'
}

# cinders_clone ID OF
cinders_clone()
{
    rbd snap create --no-progress "volumes/volume-$2@volume-$1.clone_snap"
    rbd snap protect "volumes/volume-$2@volume-$1.clone_snap"
    rbd clone --rbd-default-clone-format 1 \
        "volumes/volume-$2@volume-$1.clone_snap" "volumes/volume-$1"
}

# What Cinder leaves of volumes with clones.
cinders()
{
    rbd create --size 16M volumes/volume-$ONE
    cinders_clone $TWO $ONE
    rbd rename volumes/volume-$ONE volumes/volume-$ONE.deleted
    is "Cinder's clone of a volume that it deleted is listed" \
        "$(volume list --json | jq -r '.volumes[].id')" $TWO
    is 'as what it is' "$(of $TWO '[.depth, .parent]')" \
        "[1,\"volumes/volume-$ONE.deleted@volume-$TWO.clone_snap\"]"
    is 'and removed' "$(volume rm $TWO)" "volumes/volume-$TWO: removed"
    gone 'with what Cinder had kept for it'
    rbd create --size 16M volumes/volume-$ONE
    cinders_clone $TWO $ONE
    cinders_clone $SNAP $TWO
    cinders_clone $THREE $TWO
    rbd rename volumes/volume-$ONE volumes/volume-$ONE.deleted
    rbd rename volumes/volume-$TWO volumes/volume-$TWO.deleted
    is 'those that Cinder has deleted count for the depth' \
        "$(of $SNAP .depth)" 2
    is 'one of two clones goes' "$(volume rm $SNAP)" \
        "volumes/volume-$SNAP: removed"
    is 'and only its snapshot with it' "$(rbd ls volumes | sort | xargs)
$(rbd snap ls --format json volumes/volume-$TWO.deleted | jq -r '.[].name')" \
        "volume-$ONE.deleted volume-$TWO.deleted volume-$THREE
volume-$THREE.clone_snap"
    is 'the last one goes' "$(volume rm $THREE)" \
        "volumes/volume-$THREE: removed"
    gone 'with all that was kept for it, up to the first'
    rbd create --size 16M volumes/volume-$ONE
    rbd snap create --no-progress volumes/volume-$ONE@backup.$TWO.snap.17
    is "a backup's snapshot goes with its volume" "$(volume rm $ONE)" \
        "volumes/volume-$ONE: removed"
    gone 'whole'
}

# torn POOL/IMAGE: an object is in its map and not there, as one is whose writer died
# in between.
torn()
{
    local id
    id=$(rbd info --format json "$1" | jq -r .id)
    dd if="$FILE" of="$BED/tmp/part" bs=512 count=1 skip=$((10 * MiB / 512)) \
        status=none
    qemu-io -f raw -c "write -s $BED/tmp/part 10M 512" \
        "rbd:$1:conf=/etc/ceph/ceph.conf" &&
        rados -p "${1%/*}" rm "rbd_data.$id.0000000000000001" && same "$1"
}

# ---- clones -------------------------------------------------------------------

# cloned TITLE ID SOURCE OPTION...: and it reads as the file.
cloned()
{
    local title=$1 id=$2
    shift 2
    is "$title" "$(volume clone --id "$id" "$@")" "$id"
    ok 'it reads as its source' same "volumes/volume-$id"
    is 'without a mark' "$(rbd image-meta list "volumes/volume-$id")" \
        'There are 0 metadata on this image.'
}

# Its source is in the trash with its snapshots, and is not kept from going by that of a
# clone that is no more.
source_in_trash()
{
    volume create --id $ONE 16MiB >/dev/null
    snapshot create $ONE $SNAP >/dev/null
    volume clone --id $TWO $ONE >/dev/null
    volume rm --trash $ONE >/dev/null
    is 'a clone goes whose source is in the trash' "$(volume rm $TWO)" \
        "volumes/volume-$TWO: removed"
    rbd trash restore --pool volumes \
        "$(rbd trash ls --format json volumes | jq -r '.[].id')"
    is 'which has only the snapshot that somebody asked for then' \
        "$(rbd snap ls --all --format json volumes/volume-$ONE |
            jq -r '.[].name')" "snapshot-$SNAP"
    snapshot rm $ONE $SNAP >/dev/null
    volume rm $ONE >/dev/null
    gone 'nothing is left of both'
}

# Than its parent, whose stripes it would have.
in_larger_objects()
{
    mkdir -p /etc/remora
    echo 'clone = { object_size = "16 MiB"; };' >/etc/remora/remora.conf
    cloned 'in larger objects' $TWO images/$ONE --size 32MiB
    is 'which have no stripes' \
        "$(rbd info --format json volumes/volume-$TWO | jq -c \
            '[.object_size, .stripe_unit, (.features | index("striping"))]')" \
        "[$((16 * MiB)),null,null]"
    volume rm $TWO >/dev/null
    rm /etc/remora/remora.conf
}

clones()
{
    local json
    remora "${ALL[@]}" image add --id $ONE "$FILE" >/dev/null
    # What a clone would take from its parent.
    rbd image-meta set images/$ONE remora.ready 'id=other owner=other'
    cloned 'of an image' $ONE images/$ONE --size 16MiB
    is 'of that size, with its parent and its object size' \
        "$(of $ONE '[.size, .parent, .object_size, .depth]')" \
        "[$((16 * MiB)),\"images/$ONE@snap\",$((8 * MiB)),0]"
    in_larger_objects
    refuses 'not smaller' 'cannot hold' volume clone --size 4MiB images/$ONE
    refuses 'not of nothing' 'does not exist' volume clone images/$TWO
    refuses 'nor under a name that is taken' 'is there already' \
        volume clone --id $ONE images/$ONE
    snapshot create $ONE $SNAP >/dev/null
    cloned 'of a snapshot' $TWO $ONE@$SNAP
    is 'with its parent' "$(of $TWO '[.parent, .depth]')" \
        "[\"volumes/volume-$ONE@snapshot-$SNAP\",1]"
    refuses 'of one that is not there' 'no snapshot' volume clone $ONE@$TWO
    volume rm $TWO >/dev/null
    snapshot rm $ONE $SNAP >/dev/null

    cloned 'of a volume' $TWO $ONE
    is 'by a snapshot that Cinder would make' "$(of $TWO .parent)" \
        "\"volumes/volume-$ONE@volume-$TWO.clone_snap\""
    is 'which is protected' "$(snapshot list --json $ONE |
        jq -c '.snapshots[] | [.snapshot, .protected]')" \
        "[\"volume-$TWO.clone_snap\",true]"
    is 'it goes with the clone' "$(volume rm $TWO)" \
        "volumes/volume-$TWO: removed"
    is 'from its source' "$(of $ONE .snapshots)" 0
    cloned 'one more' $TWO $ONE
    like 'without its source, which goes to the trash' "$(volume rm $ONE)" \
        'moved to the trash'
    ok 'it reads on' same volumes/volume-$TWO
    is 'and still stands on it' "$(of $TWO .depth)" 1
    ok 'its object map says too much' torn volumes/volume-$TWO
    is 'until it is flattened' \
        "$(volume flatten --json --wait $TWO | jq -c .)" \
        '{"flattened":true,"queued":false}'
    ok 'then it reads alone' same volumes/volume-$TWO
    is 'without a parent' "$(of $TWO '[.parent, .depth]')" '[null,0]'
    is 'once' "$(volume flatten $TWO)" \
        "volumes/volume-$TWO: stands alone already"
    purge
    cloned 'a shareable one' $ONE --shareable --flatten --wait $TWO
    is 'that stands alone' "$(of $ONE '[.parent, .features[]]')" \
        '[null,"layering","deep-flatten"]'
    is 'and nothing is left at its source' "$(of $TWO .snapshots)" 0
    volume rm $ONE >/dev/null
    volume rm $TWO >/dev/null
    is 'the image can go' "$(remora "${ALL[@]}" image rm $ONE)" \
        "images/$ONE: removed"
    gone 'nothing is left of them'
}

id_of()
{
    printf '%08d-67e3-4e42-a7b0-423c11850e18' "$1"
}

# Seven upon each other, some of format 1, one whose parent is in the trash.
chain()
{
    local i
    volume create --id "$(id_of 0)" 16MiB >/dev/null
    fill "volumes/volume-$(id_of 0)"
    for i in 1 2 3 4 5; do
        if [ $((i % 2)) = 0 ]; then
            rbd snap create --no-progress \
                "volumes/volume-$(id_of $((i - 1)))@volume-$(id_of $i).clone_snap"
            rbd snap protect \
                "volumes/volume-$(id_of $((i - 1)))@volume-$(id_of $i).clone_snap"
            rbd clone --rbd-default-clone-format 1 \
                "volumes/volume-$(id_of $((i - 1)))@volume-$(id_of $i).clone_snap" \
                "volumes/volume-$(id_of $i)"
        else
            volume clone --id "$(id_of $i)" "$(id_of $((i - 1)))" >/dev/null
        fi
    done
    is 'one that stands on five' "$(of "$(id_of 5)" .depth)" 5
    is 'is cloned, and the clone flattened' \
        "$(volume clone --json --wait --id "$(id_of 6)" "$(id_of 5)" |
            jq .flattened)" true
    is 'so that it stands alone' "$(of "$(id_of 6)" '[.depth, .parent]')" \
        '[0,null]'
    ok 'with all of the content' same "volumes/volume-$(id_of 6)"
    is 'or it is not, if it may stand on more' \
        "$(volume clone --json --id "$(id_of 7)" --max-depth 6 \
            "$(id_of 5)" | jq .flattened)" false
    is 'and does' "$(of "$(id_of 7)" .depth)" 6
    is 'a limit that was lowered since is no error' \
        "$(volume clone --json --wait --id "$(id_of 8)" --max-depth 2 \
            "$(id_of 7)" | jq .flattened)" true
    is 'limit 0 copies' "$(volume clone --json --wait --id "$(id_of 9)" \
        --max-depth 0 "$(id_of 6)" | jq .flattened)" true
    like 'the first goes to the trash' "$(volume_all rm "$(id_of 0)")" \
        'moved to the trash'
    is 'and counts' "$(of "$(id_of 7)" .depth)" 6
    ok 'the last of them reads' same "volumes/volume-$(id_of 7)"
    refuses 'one with a clone of format 1 stays' 'of format 1' \
        volume_all rm "$(id_of 1)"
    for i in 9 8 7 6 5 4 3 2 1; do
        volume_all rm "$(id_of $i)" >/dev/null
    done
    purge
    gone 'all can go, and nothing is left'
}

# As one whose task waits for others.
owes()
{
    rbd image-meta set volumes/volume-$TWO remora.flatten \
        "id=$(rbd info --format json volumes/volume-$TWO | jq -r .id)"
}

# Who refuses to do something with one has not ended that, and who has it open for
# another reason is seen.
still_owed()
{
    local writer
    refuses 'none is made under its name' 'is there already' \
        volume clone --id $TWO $ONE
    is 'and it is to be flattened still' "$(of $TWO .status)" '"flattening"'
    snapshot create $TWO $SNAP >/dev/null
    refuses 'one with a snapshot is not removed' 'has the snapshots' \
        volume rm $TWO
    is 'and is to be flattened still' "$(of $TWO .status)" '"flattening"'
    snapshot rm $TWO $SNAP >/dev/null
    rbd bench --io-type write --io-size 4K --io-total 4G --io-threads 1 \
        volumes/volume-$TWO >/dev/null 2>&1 &
    writer=$!
    wait_until 'somebody writes to it' 10 \
        eval '[ -n "$(cluster_watchers volumes/volume-$TWO)" ]'
    is 'which is seen first' "$(of $TWO .status)" '"in use"'
    refuses 'and is in the way' 'is open for writing' volume flatten $TWO
    kill "$writer"
    wait "$writer" 2>/dev/null
    wait_until 'nobody does' 60 \
        eval '[ -z "$(cluster_watchers volumes/volume-$TWO)" ]'
}

# What comes back is a clone as before.
trashed_while_owed()
{
    local id
    id=$(rbd info --format json volumes/volume-$TWO | jq -r .id)
    volume rm --trash $TWO >/dev/null
    rbd trash restore --pool volumes "$id"
    is 'moved to the trash and back, nobody wants it flat' \
        "$(of $TWO '[.status, .depth]')" '["available",1]'
}

# Left to the cluster's task queue, or done here without one.
queued()
{
    volume create --id $ONE 16MiB >/dev/null
    fill volumes/volume-$ONE
    volume snapshot create $ONE $SNAP >/dev/null
    volume clone --id $TWO $ONE@$SNAP >/dev/null
    rbd feature disable volumes/volume-$TWO fast-diff object-map
    if cluster_has_tasks; then
        is 'a flatten ends at once, if nothing is to be done behind it' \
            "$(volume flatten --json $TWO | jq -c .)" \
            '{"flattened":false,"queued":true}'
    else
        is 'without a queue a flatten ends when it is done' \
            "$(volume flatten --json $TWO | jq -c .)" \
            '{"flattened":true,"queued":false}'
    fi
    ok 'and it is done' bed_wait 90 eval '[ "$(of $TWO .parent)" = null ]'
    ok 'with its content' same volumes/volume-$TWO
    is 'once' "$(volume flatten $TWO)" \
        "volumes/volume-$TWO: stands alone already"
    is 'no mark is left' "$(rbd image-meta list volumes/volume-$TWO)" \
        'There are 0 metadata on this image.'
    volume rm $TWO >/dev/null
    volume snapshot rm $ONE $SNAP >/dev/null

    volume clone --id $TWO $ONE >/dev/null
    owes
    is 'one that is to be flattened says so' "$(of $TWO .status)" '"flattening"'
    refuses 'it is not resized' 'is to be flattened: finish that' \
        volume resize $TWO 1GiB
    is 'with a status' "$(status volume resize $TWO 1GiB)" 4
    is 'what clones it has none of that' \
        "$(volume clone $TWO --id "$(id_of 1)" >/dev/null
            of "$(id_of 1)" .status)" '"available"'
    volume_all rm "$(id_of 1)" >/dev/null
    still_owed
    trashed_while_owed
    owes
    is 'it is removed' "$(volume rm $TWO)" "volumes/volume-$TWO: removed"
    volume clone --id $TWO $ONE >/dev/null
    owes
    cluster_stop_mgr
    is 'without a manager, too' "$(volume rm $TWO)" \
        "volumes/volume-$TWO: removed"
    is 'and its snapshot with it' "$(rbd snap ls --all volumes/volume-$ONE)" ''
    volume clone --id $TWO $ONE >/dev/null
    is 'without a manager it is flattened here' "$(volume flatten $TWO)" \
        "volumes/volume-$TWO: flattened"
    ok 'with its content' same volumes/volume-$TWO
    is 'and without a mark' "$(rbd image-meta list volumes/volume-$TWO)" \
        'There are 0 metadata on this image.'
    cluster_start_mgr
    volume rm $TWO >/dev/null
    volume rm $ONE >/dev/null
    purge
    gone 'nothing is left'
}

# Copied one after another, so that it takes longer than to see who is at it.
of_many_objects()
{
    volume create --id $ONE --object-size 8KiB 64MiB >/dev/null
    fill volumes/volume-$ONE
    qemu-io -f raw -c 'write -P 7 16M 48M' \
        "rbd:volumes/volume-$ONE:conf=/etc/ceph/ceph.conf" >/dev/null
}

# kept_open: as the manager has it that is to flatten it. Sets HOLDER, a process, and 8
# leads to it.
kept_open()
{
    local id addr
    id=$(rbd info --format json volumes/volume-$TWO | jq -r .id)
    owes
    mkfifo "$BED/tmp/fifo"
    qemu-io -f raw "rbd:volumes/volume-$TWO:conf=/etc/ceph/ceph.conf" \
        <"$BED/tmp/fifo" >/dev/null 2>&1 &
    HOLDER=$!
    exec 8>"$BED/tmp/fifo"
    echo 'write 0 64k' >&8
    ok 'somebody has it open' bed_wait 30 eval \
        '[ -n "$(cluster_watchers volumes/volume-$TWO)" ]'
    addr=$(cluster_watchers volumes/volume-$TWO)
    # Not by way of librbd, which would ask for the lock.
    rados -p volumes setomapval "rbd_header.$id" metadata_remora.flatten \
        "id=$id mgr=$addr"
}

# No manager can be told to leave off. Who may go on with a volume must have the snapshot
# that it hangs from; who hangs is not seen any more once its watch has ended.
hung()
{
    volume create --id $ONE 16MiB >/dev/null
    fill volumes/volume-$ONE
    volume clone --id $TWO $ONE >/dev/null
    kept_open
    cluster_stop_mgr
    refuses 'one is not removed that a manager flattens which does not answer' \
        'who flattens it has it open, and may go on' volume rm $TWO
    is 'nor the snapshot that it hangs from' \
        "$(rbd snap ls --format json volumes/volume-$ONE | jq -r '.[].name')" \
        "volume-$TWO.clone_snap"
    kill -STOP "$HOLDER"
    ok 'if it hangs it is, once its watch has ended' bed_wait 90 volume rm $TWO
    is 'and its snapshot with it' "$(rbd snap ls --all volumes/volume-$ONE)" ''
    kill -KILL "$HOLDER"
    wait "$HOLDER" 2>/dev/null
    exec 8>&-
    rm "$BED/tmp/fifo"
    cluster_start_mgr
    volume rm $ONE >/dev/null
    gone 'nothing of it is left'
}

# noted_at POOL: a volume that stands alone hung from an image there which is no more.
noted_at()
{
    local id pool
    id=$(rbd info --format json volumes/volume-$TWO | jq -r .id)
    pool=$(ceph osd pool ls detail --format json | jq -r --arg name "$1" \
        '.[] | select(.pool_name == $name).pool_id')
    rbd image-meta set volumes/volume-$TWO remora.clone-snap \
        "id=$id pool=$pool space= image=12ef snap=volume-$TWO.clone_snap snap_id=4"
}

# One that hung from what this user may not see, and one whose parent is gone.
unfollowed()
{
    ceph osd pool create theirs 1 >/dev/null 2>&1
    volume create --id $TWO 16MiB >/dev/null
    noted_at theirs
    refuses 'what a note leads to cannot be looked at: it is not removed' \
        "cannot look for the snapshot 'volume-$TWO.clone_snap' of image '12ef'" \
        volume rm $TWO
    is 'and stays' "$(of $TWO .status)" '"available"'
    like 'with the note' "$(rbd image-meta list volumes/volume-$TWO)" \
        remora.clone-snap
    like 'which it takes along to the trash' "$(volume rm --trash $TWO)" \
        'moved to the trash'
    rbd trash restore --pool volumes \
        "$(rbd trash ls --format json volumes | jq -r '.[].id')"
    like 'and back' "$(rbd image-meta list volumes/volume-$TWO)" \
        remora.clone-snap
    is 'it goes for who may look' "$(volume_all rm $TWO)" \
        "volumes/volume-$TWO: removed"
    volume create --id $TWO 16MiB >/dev/null
    noted_at volumes
    is 'one whose parent is gone goes' "$(volume rm $TWO)" \
        "volumes/volume-$TWO: removed"
    gone 'nothing of them is left'
}

# interrupted WHAT COMMAND...: while the manager flattens for it.
interrupted()
{
    local what=$1 job
    shift
    # Not by a function: a shell's job would be a shell.
    "$BED_INST/bin/remora" volume "$@" >"$BED/tmp/said" 2>&1 &
    job=$!
    ok "$what: the manager has it" bed_wait 60 eval \
        'ceph rbd task list | grep -q "volume-$TWO"'
    kill -INT "$job"
    ok 'interrupted, it fails' eval '! wait "$job"'
    is 'it was the last that wanted that' "$(ceph rbd task list | jq length)" 0
}

# Of a snapshot that somebody asked for, so that the cluster goes on.
goes_on()
{
    local slowly=(config set global rbd_concurrent_management_ops 1) job code
    ceph "${slowly[@]}"
    of_many_objects
    snapshot create $ONE $SNAP >/dev/null
    volume clone --id $TWO $ONE@$SNAP >/dev/null
    "$BED_INST/bin/remora" volume flatten $TWO >"$BED/tmp/said" 2>&1 &
    job=$!
    ok 'it waits for its object map, and the manager has it' \
        bed_wait 60 eval 'ceph rbd task list | grep -q "volume-$TWO"'
    kill -INT "$job"
    wait "$job"
    code=$?
    is 'interrupted, it has a status' $code 1
    like 'and says who goes on' "$(<"$BED/tmp/said")" \
        "the cluster's task queue flattens it"
    refuses 'none is made under its name' 'is there already' \
        volume create --id $TWO 16MiB
    ceph config rm global rbd_concurrent_management_ops
    ok 'and it is flattened on, to the end' bed_wait 180 eval '[ "$(of $TWO .parent)" = null ]'
    is 'the next call does the rest' "$(volume flatten --wait $TWO)" \
        "volumes/volume-$TWO: stands alone already"
    is 'which is its object map' "$(of $TWO '.features |
        index("object-map") != null')" true
    ok 'with its content' same volumes/volume-$TWO
    is 'without a mark' "$(rbd image-meta list volumes/volume-$TWO)" \
        'There are 0 metadata on this image.'
    volume rm $TWO >/dev/null
    snapshot rm $ONE $SNAP >/dev/null
    volume rm $ONE >/dev/null
    purge
    gone 'nothing of it is left'
}

# Where a snapshot is to go behind it, nobody goes on who does not know of that.
called_back()
{
    local slowly=(config set global rbd_concurrent_management_ops 1)
    ceph "${slowly[@]}"
    of_many_objects
    volume clone --id $TWO $ONE >/dev/null
    interrupted 'a flatten' flatten --wait $TWO
    like 'and says so' "$(<"$BED/tmp/said")" 'was cancelled'
    ceph config rm global rbd_concurrent_management_ops
    is 'it is a clone as before' "$(of $TWO '[.status, .depth]')" \
        '["available",1]'
    ok 'with its content' same volumes/volume-$TWO
    unlike 'without a mark' "$(rbd image-meta list volumes/volume-$TWO)" \
        remora.flatten
    unlike 'nor a note from what it hangs' \
        "$(rbd image-meta list volumes/volume-$TWO)" remora.clone-snap
    is 'the next call flattens it' "$(volume flatten --wait $TWO)" \
        "volumes/volume-$TWO: flattened"
    is 'and nothing is left at its source' "$(of $ONE .snapshots)" 0
    volume rm $TWO >/dev/null
    ceph "${slowly[@]}"
    interrupted 'a clone that stands alone' clone --flatten --id $TWO $ONE
    ceph config rm global rbd_concurrent_management_ops
    is 'it is not there' "$(volume list --json | jq -r '.volumes[].id')" $ONE
    purge
    is 'and nothing is left at its source' "$(of $ONE .snapshots)" 0
    volume rm $ONE >/dev/null
    purge
    gone 'nothing of it is left'
}

renamed()
{
    rbd create --size 16M volumes/mine
    fill volumes/mine
    rbd image-meta set volumes/mine remora.ready 'id=other owner=other'
    is 'an image is adopted' "$(volume adopt --id $ONE volumes/mine)" $ONE
    ok 'with its content' same volumes/volume-$ONE
    is 'without a mark' "$(rbd image-meta list volumes/volume-$ONE)" \
        'There are 0 metadata on this image.'
    is 'under no other name' "$(rbd ls volumes)" "volume-$ONE"
    refuses 'not twice' "no volume 'volumes/mine'" volume adopt mine
    refuses 'a name that is none' 'an image is needed' volume adopt volumes/-x
    refuses 'from a pool that is not for volumes' 'none of pools.volumes' \
        volume adopt vms/mine
    rbd create --size 1M volumes/there
    refuses 'it is not released to a name that is taken' 'already' \
        volume release $ONE there
    refuses 'nor to one that is none' 'the new name is none' \
        volume release $ONE a@b
    is 'it is released' "$(volume release --json $ONE mine | jq -c .)" \
        '{"image":"mine","pool":"volumes"}'
    ok 'with its content, too' same volumes/mine
    is 'and no volume any more' "$(volume list)" ''

    # As a call leaves it that was cut short: before the directory has it.
    rados -p volumes get rbd_id.mine "$BED/tmp/id"
    rados -p volumes put rbd_id.volume-$ONE "$BED/tmp/id"
    is 'one that was cut short goes on' "$(volume adopt --id $ONE mine)" $ONE
    ok 'and is whole' same volumes/volume-$ONE
    rados -p volumes put rbd_id.mine "$BED/tmp/id"
    is 'later, too' "$(volume adopt --id $ONE mine)" $ONE
    is 'with one name' "$(everything | grep '^rbd_id' | sort | xargs)" \
        "rbd_id.there rbd_id.volume-$ONE"
    ok 'and its content' same volumes/volume-$ONE
    volume rm $ONE >/dev/null
    rbd rm --no-progress volumes/there
    gone 'nothing is left'
}

# ---- what guests are told ------------------------------------------------------

connection()
{
    local json
    volume create --id $ONE 16MiB >/dev/null
    json=$(volume connection $ONE)
    is "the connection has Cinder's fields" \
        "$(jq -r '.driver_volume_type, (.data | keys[])' <<<"$json" | xargs)" \
        "rbd access_mode auth_enabled auth_username cacheable cluster_name \
discard encrypted hosts name ports qos_specs secret_type secret_uuid volume_id"
    is 'with what is so here' "$(jq -c '.data | [.name, .auth_enabled,
        .auth_username, .secret_type, .cluster_name, .volume_id, .discard,
        .hosts, .ports]' <<<"$json")" \
        "$(jq -n -c --arg id $ONE '["volumes/volume-\($id)", true, "remora",
            "ceph", "ceph", $id, true, ["127.0.0.1"], ["6789"]]')"
    like "and the secret's UUID" "$(jq -r .data.secret_uuid <<<"$json")" -
    refuses 'of one that is not there' 'no volume' volume connection $TWO
    rbd image-meta set volumes/volume-$ONE remora.building \
        "id=$(rbd info --format json volumes/volume-$ONE | jq -r .id)"
    refuses 'nor of what is not whole' 'is half-made' volume connection $ONE
    rbd image-meta rm volumes/volume-$ONE remora.building
    volume rm $ONE >/dev/null
}

qos()
{
    local writer
    volume create --id $ONE 16MiB >/dev/null
    is 'without limits' "$(volume qos $ONE)" ''
    ok 'limits are set' volume qos $ONE total_iops_sec=100 \
        total_iops_sec_max=200 read_bytes_sec=10MiB write_iops_burst=7
    is 'each on its key' "$(rbd image-meta list --format json \
        volumes/volume-$ONE | jq -c -S .)" \
        "$(jq -n -c -S '{"conf_rbd_qos_iops_limit": "100",
            "conf_rbd_qos_iops_burst": "200",
            "conf_rbd_qos_read_bps_limit": "10485760",
            "conf_rbd_qos_write_iops_burst": "7"}')"
    is 'and shown' "$(volume qos --json $ONE |
        jq -c '[.iops_limit, .iops_burst, .bps_limit]')" '[100,200,0]'
    refuses 'a burst below its limit' 'is less than iops_limit' \
        volume qos $ONE bps_limit=5 iops_burst=50
    is 'changes nothing' "$(volume qos --json $ONE |
        jq -c '[.iops_burst, .bps_limit]')" '[200,0]'
    refuses 'a key that there is not' 'a change is KEY=VALUE' \
        volume qos $ONE nonsense=1
    refuses 'a value that is none' 'a value is a number' \
        volume qos $ONE iops_limit=10MiB
    ok '0 takes them away' volume qos $ONE iops_limit=0 iops_burst=0 \
        read_bps_limit=0 write_iops_burst=0
    is 'all of them' "$(rbd image-meta list volumes/volume-$ONE)" \
        'There are 0 metadata on this image.'

    # At one operation in a second it would take an hour.
    volume qos $ONE iops_limit=1 >/dev/null
    rbd bench --io-type write --io-size 4K --io-total 16M --io-threads 1 \
        volumes/volume-$ONE >/dev/null 2>&1 &
    writer=$!
    wait_until 'somebody writes to it' 20 \
        eval '[ -n "$(cluster_watchers volumes/volume-$ONE)" ]'
    ok 'a limit goes while it is open' volume qos $ONE iops_limit=0
    wait_until 'and holds no more at once' 60 eval "! kill -0 $writer"
    wait "$writer" 2>/dev/null
    volume rm $ONE >/dev/null
    gone 'nothing is left'
}

# ---- where it lies ----------------------------------------------------------------

objects()
{
    rados -p volumes ls | grep -c '^rbd_data'
}

sparse()
{
    volume create --id $ONE 16MiB >/dev/null
    fill volumes/volume-$ONE
    rbd bench --io-type write --io-size 4M --io-total 16M --io-pattern seq \
        --io-threads 1 volumes/volume-$ONE >/dev/null 2>&1
    qemu-io -f raw -c 'write -z 0 4M' -c 'write -P 0 4M 8M' \
        "rbd:volumes/volume-$ONE:conf=/etc/ceph/ceph.conf" >/dev/null 2>&1
    ok 'zeroes are given back' volume sparsify $ONE
    is 'so that objects are left of data only' "$(objects)" 1
    refuses 'not of what is not there' 'no volume' volume sparsify $TWO
    volume rm $ONE >/dev/null
    gone 'nothing is left'
}

moved()
{
    cat >/etc/remora/two.conf <<'CONF'
pools = { volumes = [ "volumes", "vms" ]; };
CONF
    local two=(-c /etc/remora/two.conf)
    volume create --id $ONE 16MiB >/dev/null
    fill volumes/volume-$ONE
    snapshot create $ONE $SNAP >/dev/null
    volume clone --id $TWO $ONE@$SNAP >/dev/null
    refuses 'to a pool that is none' 'none of pools.volumes' \
        remora "${two[@]}" volume migrate $ONE images
    is 'it moves' "$(remora "${two[@]}" volume migrate --json $ONE vms |
        jq -c .)" '{"pool":"vms","moved":true}'
    ok 'with its content' same vms/volume-$ONE
    is 'its snapshots' "$(rbd snap ls --format json vms/volume-$ONE |
        jq -r '.[].name')" snapshot-$SNAP
    is 'and its clones' "$(of $TWO .parent)" \
        "\"vms/volume-$ONE@snapshot-$SNAP\""
    ok 'which read on' same volumes/volume-$TWO
    is 'once' "$(remora "${two[@]}" volume migrate $ONE vms)" \
        "vms/volume-$ONE: is there already"
    # As a call leaves it that was killed.
    rbd migration prepare vms/volume-$ONE volumes/volume-$ONE
    is 'one that was cut short goes on' \
        "$(remora "${two[@]}" volume migrate $ONE volumes)" \
        "volumes/volume-$ONE: moved there"
    ok 'with all of it' same volumes/volume-$ONE
    volume rm $TWO >/dev/null
    snapshot rm $ONE $SNAP >/dev/null
    volume rm $ONE >/dev/null
    gone 'nothing is left'
}

# ---- images of volumes ----------------------------------------------------------

imaged()
{
    volume create --id $ONE 12MiB >/dev/null
    qemu-img convert -n -O raw "$FILE" \
        "rbd:volumes/volume-$ONE:conf=/etc/ceph/ceph.conf"
    snapshot create $ONE $SNAP >/dev/null
    is 'an image is made of a volume' "$(volume_all to-image --id $TWO $ONE)" \
        $TWO
    is 'as Glance would' "$(remora image show --json $TWO | jq -c '[.complete,
        .protected, .size, .format]')" "[true,true,$((12 * MiB)),\"raw\"]"
    ok 'with its content' \
        eval "rbd export --no-progress images/$TWO@snap - | cmp - $FILE"
    is 'that stands alone' "$(rbd info --format json images/$TWO |
        jq -c .parent)" null
    is 'without a mark' "$(rbd image-meta list images/$TWO)" \
        'There are 0 metadata on this image.'
    is 'of the volume nothing is left but what it had' \
        "$(snapshot list --json $ONE | jq -c '[.snapshots[].snapshot]')" \
        "[\"$SNAP\"]"
    refuses 'once' 'is there already' volume_all to-image --id $TWO $ONE
    refuses 'not by who may not write there' 'not permitted' \
        volume to-image $ONE
    like 'of a snapshot' "$(volume_all to-image --json $ONE@$SNAP)" \
        "\"size\": $((12 * MiB))"
    for image in $(rbd ls images); do
        remora "${ALL[@]}" image rm "$image" >/dev/null
    done
    is 'they can go' "$(rbd ls images)" ''
    snapshot rm $ONE $SNAP >/dev/null
    volume rm $ONE >/dev/null
    gone 'nothing is left'
}

inside()
{
    bed_need_remora
    parts
    made
    made_otherwise
    resized
    snapshots
    old_clones
    watched
    cinders
    clones
    source_in_trash
    chain
    queued
    hung
    unfollowed
    if cluster_has_tasks; then
        called_back
        goes_on
    fi
    renamed
    connection
    qos
    sparse
    moved
    imaged
    is 'no claim is left' "$(rados -p volumes ls | grep remora_claim)" ''
}

bed_enter "$0" "$@"
inside
tap_done
