#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/image.t - images, shared with Glance's own driver
#
# What remora adds, Glance's driver of Debian reads, sizes and deletes, and the
# other way round; each refuses what has clones.
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
MiB=$((1024 * 1024))
TRY=${REMORA_BUILD-}/tests/integration/store-try
ADMIN=(-n images)
# Who cannot see clones in other pools.
BLIND=(-n blind)
# As somebody who may look everywhere.
ALL=(-n admin -k /etc/ceph/ceph.client.admin.keyring)

image()
{
    remora "${ADMIN[@]}" image "$@"
}

image_all()
{
    remora "${ALL[@]}" image "$@"
}

# The exit status of what follows.
status()
{
    "$@" >/dev/null 2>&1
    echo $?
}

location()
{
    echo "rbd://$(cluster_fsid)/images/$1/snap"
}

glance()
{
    /usr/bin/python3 "$here/integration/glance.py" "$@"
}

glance_all()
{
    GLANCE_USER="admin" glance "$@"
}

# All that there is in the pool, but what librbd makes for itself.
everything()
{
    rados -p images ls | grep -v -x 'rbd_\(trash\|children\|info\|directory\)' |
        sort
}

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    # As remora(1) has it.
    ceph auth get-or-create client.images mon 'profile rbd' \
        osd 'profile rbd pool=images' \
        -o /etc/ceph/ceph.client.images.keyring
    # As Ceph's documentation had it before there were profiles, less the half
    # that lets clones be seen.
    ceph auth get-or-create client.blind mon 'profile rbd' \
        osd 'allow rwx pool=images' \
        -o /etc/ceph/ceph.client.blind.keyring
    # Data, a hole, data to an odd end.
    FILE=$BED/tmp/raw
    truncate -s $((20 * MiB)) "$FILE"
    dd if=/dev/urandom of="$FILE" bs=1M count=1 conv=notrunc status=none
    dd if=/dev/urandom of="$FILE" bs=1000 seek=$((17 * 1048)) count=7 \
        conv=notrunc status=none
    head -c 777 /dev/urandom >>"$FILE"
    SIZE=$(stat -c %s "$FILE")
    everything >"$BED/tmp/before"
}

# ---- what remora says ------------------------------------------------------

shown()
{
    local json
    is 'no image' "$(remora image list)" ''
    is 'as JSON' "$(remora image list --json | jq -c .)" '{"images":[]}'
    is 'one is added' "$(image add --id $ONE "$FILE")" "$ONE
md5  $(md5sum <"$FILE" | cut -d ' ' -f 1)
sha512  $(sha512sum <"$FILE" | cut -d ' ' -f 1)"
    is 'its size' "$(remora image size $ONE)" "$SIZE"
    is 'as JSON, with its pool' \
        "$(remora image size --json images/$ONE | jq -c .)" "{\"size\":$SIZE}"
    is 'it is listed' "$(remora image list --json | jq -c '.images[]')" \
        "{\"id\":\"$ONE\",\"pool\":\"images\",\"size\":$SIZE,\"protected\":true,\"clones\":0}"
    json=$(remora image show --json $ONE)
    is 'it shows what it is' \
        "$(jq -r '"\(.pool) \(.image) \(.size) \(.object_size) \(.format)"' \
            <<<"$json")" "images $ONE $SIZE $((8 * MiB)) raw"
    is 'where Glance finds it' "$(jq -r .location <<<"$json")" \
        "$(location $ONE)"
    is 'that it is whole' "$(jq -c '[.complete, .protected]' <<<"$json")" \
        '[true,true]'
    like 'to people, too' "$(remora image show $ONE)" "$(location $ONE)"
    refuses 'one that is not there' 'no image' remora image show $TWO
    is 'with a status of its own' "$(status remora image show $TWO)" 3
    is 'so has a pool that is not there' \
        "$(status remora image size images/$TWO)" 3
    refuses 'a pool that has no images' 'none of pools.images' \
        remora image show vms/$ONE
    refuses 'a name that is none' 'one image is needed' \
        remora image show images/$ONE@snap
    is 'an image completes a line' \
        "$(remora complete -- image show 0a)" $ONE
    is 'with its pool, too' \
        "$(remora complete -- image rm images/0)" images/$ONE
}

# ---- in and out ------------------------------------------------------------

# The sums of the file in their order, each in a line.
sum_of()
{
    "$1sum" <"$FILE" | cut -d ' ' -f 1
}

# It grows to 16, 48 and 112 MiB on its way, and Glance's does the same.
grown()
{
    local long=$BED/tmp/long
    yes remora | head -c $((57 * MiB)) >"$long"
    is 'one outgrows its room twice' "$(image add --id $TWO --json - \
        < <(cat "$long") | jq .size)" $((57 * MiB))
    is 'its last object is shorter than the others' \
        "$(remora image size $TWO) $(objects $TWO)" "$((57 * MiB)) 8"
    ok 'it reads as what came' \
        eval "rbd export --no-progress images/$TWO@snap - | cmp - $long"
    image rm $TWO >/dev/null
    glance add $TWO "$long" unknown >/dev/null
    is "Glance's is as long, in as many objects" \
        "$(remora image size $TWO) $(objects $TWO)" "$((57 * MiB)) 8"
    image rm $TWO >/dev/null
    rm "$long"
    # Data, zeroes, data; then zeroes that begin and end within objects.
    { yes 1 | head -c $MiB; head -c $MiB /dev/zero; yes 2 | head -c $MiB; } |
        image add --id $TWO -s '1 MiB' - >/dev/null
    is 'an object of zeroes is not written' "$(objects $TWO)" 2
    image rm $TWO >/dev/null
    { for i in 1 2; do
        yes $i | head -c $MiB
        head -c $((MiB * 3 / 2)) /dev/zero
    done; yes 3 | head -c $((MiB / 2)); } |
        image add --id $TWO -s '1 MiB' - >/dev/null
    is 'nor one in a longer row of them' "$(objects $TWO)" 4
    image rm $TWO >/dev/null
}

# objects ID: how many hold data of it.
objects()
{
    rados -p images ls | grep -c "^$(rbd info --format json "images/$1" |
        jq -r .block_name_prefix)"
}

from_a_pipe()
{
    is 'one comes through a pipe, and of what it is' \
        "$(image add --id $TWO --json - < <(cat "$FILE") |
            jq -r '"\(.id) \(.pool) \(.size) \(.checksums.sha512)"')" \
        "$TWO images $SIZE $(sum_of sha512)"
    is 'it has its size' "$(remora image size $TWO)" "$SIZE"
    ok 'it reads as the file' \
        eval "rbd export --no-progress images/$TWO@snap - | cmp - $FILE"
    # Objects 0 and 2 hold data, 1 is zeroes.
    is 'zeroes make no object' "$(objects $TWO)" 2
    is 'nothing says any more that it is being made' \
        "$(rbd image-meta list images/$TWO | grep -c building)" 0
    image rm $TWO >/dev/null
    ok 'a file as standard input' eval "image add --id $TWO - <$FILE"
    image rm $TWO >/dev/null
    ok 'one of a length that is a whole number of pieces' \
        eval "head -c $((8 * MiB)) $FILE | image add --id $TWO -s '1 MiB' -"
    is 'is no longer than that' "$(remora image size $TWO)" $((8 * MiB))
    is 'with objects as asked' \
        "$(remora image show --json $TWO | jq .object_size)" $MiB
    image rm $TWO >/dev/null
    grown
    refuses 'an empty pipe' 'with anything in it' \
        eval 'image add --id $TWO - < <(:)'
    qemu-img create -q -f qcow2 "$BED/tmp/qcow2" 4M
    refuses 'qcow2 through a pipe' 'is qcow2, and only a file' \
        eval 'image add - < <(cat $BED/tmp/qcow2)'
    refuses 'an object size that is none' 'the object size is none' \
        image add -s 7 "$FILE"
    is 'nothing is left of them' "$(rbd ls images)" $ONE
}

sums()
{
    refuses 'one with another sum' "its sha256 is $(sum_of sha256), which" \
        image add --id $TWO --verify "$(sum_of sha256 | tr 0-9a-f 1-9a-f0)" \
        "$FILE"
    is 'has not been added' "$(everything | grep -c $TWO)" 0
    is 'with its sum, and another to be printed' \
        "$(image add --id $TWO --verify "$(sum_of sha256 | tr a-f A-F)" \
            -c sha1 -c md5 "$FILE" | tail -n +2)" \
        "sha1  $(sum_of sha1)
md5  $(sum_of md5)"
    image rm $TWO >/dev/null
    refuses 'a checksum that there is not' "no checksum 'nonsense'" \
        image add -c nonsense "$FILE"
    refuses 'a sum that is none' 'the sum is no md5' \
        image add --verify 12 "$FILE"
}

exported()
{
    local out=$BED/tmp/out
    ok 'it is exported' image export $ONE "$out"
    ok 'as it is' cmp "$out" "$FILE"
    ok 'without its zeroes' [ "$(stat -c %b "$out")" -lt $((4 * MiB / 512)) ]
    refuses 'never over a file' 'is there already' image export $ONE "$out"
    is 'with its size, for programs' \
        "$(image export --json $ONE "$out.json" | jq -c .)" \
        "{\"size\":$(stat -c %s "$FILE")}"
    ok 'the same' cmp "$out.json" "$FILE"
    rm "$out.json"
    refuses 'which no pipe can have besides' 'JSON needs a file' \
        image export --json $ONE -
    ok 'through a pipe' eval "image export $ONE - | cmp - $FILE"
    # An operator's umask decides, as for any file.
    is 'others may read it' "$(stat -c %a "$out")" 644
    refuses 'not into nowhere' 'cannot write it' \
        image export $ONE "$BED/nowhere/out"
    refuses 'one that is not there' "no image" image export $TWO "$out.2"
    ok 'leaves no file' [ ! -e "$out.2" ]
    refuses 'a full file system is told' 'is its file system full' \
        eval "image export $ONE - >/dev/full"
}

# interrupt SIGNAL COMMAND...: with a pipe that never ends as standard input.
interrupt()
{
    local signal=$1 fifo=$BED/tmp/fifo writer
    shift
    rm -f "$fifo"
    mkfifo "$fifo"
    { cat "$FILE"; sleep 1000; } >"$fifo" &
    writer=$!
    "$@" <"$fifo" >"$BED/tmp/said" 2>&1 &
    INTERRUPTED=$!
    wait_until "it has begun ($signal)" 20 \
        eval '[ -n "$(cluster_watchers images/$TWO 2>/dev/null)" ]'
    kill -"$signal" "$INTERRUPTED"
    wait "$INTERRUPTED" 2>/dev/null
    bed_end "$writer"
}

cut_short()
{
    local before
    before=$(everything)
    for signal in INT TERM HUP; do
        interrupt $signal "$BED_INST/bin/remora" "${ADMIN[@]}" image add \
            --id $TWO -
        like "interrupted by SIG$signal it says so" "$(<"$BED/tmp/said")" \
            'was cancelled'
        is 'and leaves nothing' "$(everything)" "$before"
    done
    interrupt KILL "$BED_INST/bin/remora" "${ADMIN[@]}" image add --id $TWO -
    is 'killed it leaves what is not whole' \
        "$(remora image show --json $TWO | jq -c '[.complete, .location]')" \
        '[false,null]'
    unlike 'nor listed' "$(remora image list)" $TWO
    ok 'the next one begins anew' image add --id $TWO "$FILE"
    ok 'and is whole' \
        eval "rbd export --no-progress images/$TWO@snap - | cmp - $FILE"
    is 'what was half-made is in the trash' \
        "$(rbd trash ls --format json images | jq -r '.[].name')" $TWO
    rbd trash purge --no-progress images --expired-before 2100-01-01
    image rm $TWO >/dev/null
    # Killed before its first piece was there: it has no size yet.
    rbd create --size 0 images/$TWO
    is 'nor is one that has no bytes' \
        "$(remora image show --json $TWO | jq -c '[.complete, .size, .format]')" \
        '[false,0,"raw"]'
    rbd rm --no-progress images/$TWO
    interrupt KILL "$BED_INST/bin/remora" "${ADMIN[@]}" image add --id $TWO -
    is 'or it is removed' "$(image rm $TWO)" "images/$TWO: removed"
    is 'and nothing is left of it' "$(everything)" "$before"
}

# ---- clones ----------------------------------------------------------------

clones()
{
    rbd clone --rbd-default-clone-format 2 images/$ONE@snap vms/two
    rbd clone --rbd-default-clone-format 1 images/$ONE@snap volumes/one
    is 'clones of both formats are named' \
        "$(image_all show --json $ONE | jq -r '.clones[] |
            "\(.pool)/\(.image) \(.clone_format)"' | sort)" \
        'vms/two 2
volumes/one 1'
    is 'who may not look everywhere sees those of format 2, and is told' \
        "$(remora "${BLIND[@]}" image show --json $ONE | jq -c \
            '[[.clones[].pool], (.unseen_pools | index("volumes") != null)]')" \
        '[["vms"],true]'
    is 'who may see them, and not their pools, sees where they are' \
        "$(image show --json $ONE |
            jq -c '[([.clones[].pool] | sort), .unseen_pools,
                [.clones[].image]]')" \
        '[["vms","volumes"],[],[null,null]]'
    rm_refused 'one with clones' "in use by its clones 'vms/two', 'volumes/one'" \
        image_all rm $ONE
    rm_refused 'format 1 keeps it from the trash' 'in use by its clones' \
        image_all rm --trash $ONE
    ok 'without the one of format 2' rbd rm --no-progress vms/two
    rm_refused 'nor of format 1 alone' "in use by its clones with the id" \
        image rm $ONE
    refuses 'one whose clones cannot be seen' 'where client.blind may not look' \
        remora "${BLIND[@]}" image rm $ONE
    ok 'and it stays' eval "rbd export --no-progress volumes/one - | cmp - $FILE"
    rbd rm --no-progress volumes/one
    rbd clone --rbd-default-clone-format 2 images/$ONE@snap vms/two
    rm_refused 'a clone of format 2 alone' '(remora image rm --trash)' \
        image rm $ONE
    like 'which can be done' "$(image rm --trash $ONE)" 'moved to the trash'
    is 'it is there' "$(rbd trash ls images | sed 's/^[0-9a-f]* //')" $ONE
    is 'and is no image any more' "$(remora image list)" ''
    ok 'the clone reads as before' \
        eval "rbd export --no-progress vms/two - | cmp - $FILE"
    rbd rm --no-progress vms/two
    ok 'then it can be purged' rbd trash purge --no-progress images \
        --expired-before 2100-01-01
    is 'and nothing is left' "$(everything)" "$(<"$BED/tmp/before")"
}

# rm_refused TITLE TEXT COMMAND...: and the image stays as it is.
rm_refused()
{
    refuses "$@"
    shift 2
    is 'as one in use' "$(status "$@")" 4
    is 'and it stays whole' "$(remora image show --json $ONE |
        jq -c '[.complete, .protected]')" '[true,true]'
    ok 'without a claim' eval '! rados -p images ls | grep -q remora_claim'
}

removed()
{
    local writer
    image add --id $ONE "$FILE" >/dev/null
    rbd bench --io-type write --io-size 4K --io-total 4G --io-threads 1 \
        images/$ONE >/dev/null 2>&1 &
    writer=$!
    wait_until 'somebody writes to it' 10 \
        eval '[ -n "$(cluster_watchers images/$ONE)" ]'
    rm_refused 'one that is open for writing' 'is open for writing by client' \
        image rm $ONE
    kill "$writer"
    wait "$writer" 2>/dev/null
    ceph osd blocklist add "$(cluster_watchers images/$ONE)" >/dev/null 2>&1
    wait_until 'no more' 60 eval '[ -z "$(cluster_watchers images/$ONE)" ]'
    refuses 'without a user that may write' 'not permitted' \
        remora image rm $ONE
    ceph osd pool set-quota images max_objects 1 >/dev/null 2>&1
    wait_until 'the pool is at its quota' 30 \
        eval 'ceph osd pool ls detail | grep -q full_quota'
    refuses 'nothing is added to it' "nothing can be added to pool 'images'" \
        image add "$FILE"
    is 'but removed' "$(image rm $ONE)" "images/$ONE: removed"
    ceph osd pool set-quota images max_objects 0 >/dev/null 2>&1
    wait_until 'the quota is gone' 30 \
        eval '! ceph osd pool ls detail | grep -q full_quota'
    image add --id $ONE "$FILE" >/dev/null
    rbd snap create --no-progress images/$ONE@mine
    like 'one with a further snapshot goes to the trash' \
        "$(image rm --json $ONE | jq -c .)" '{"trashed":true}'
    is 'where remora finds why' \
        "$(rbd trash ls images --format json | jq -r '.[].name')" $ONE
    ID=$(rbd trash ls images --format json | jq -r '.[].id')
    rbd trash restore "images/$ID"
    rbd snap rm --no-progress images/$ONE@mine
    is 'and one without any is gone' "$(image rm $ONE)" "images/$ONE: removed"
    is 'whole' "$(everything)" "$(<"$BED/tmp/before")"
    refuses 'once' 'no image' image rm $ONE
}

# ---- with Glance's driver --------------------------------------------------

glance_trashes()
{
    /usr/bin/python3 -c 'import inspect
from glance_store._drivers import rbd
raise SystemExit("trash_move" not in inspect.getsource(rbd))'
}

# What has a clone is not deleted; Debian 13's Glance moves it to the trash instead.
# Then it is made anew, for remora.
glance_keeps_it()
{
    if ! glance_trashes; then
        refuses 'with it Glance does not delete the image' 'InUseByStore' \
            glance_all delete "$(location $ONE)"
        return
    fi
    ok 'with it Glance moves the image to the trash' \
        glance_all delete "$(location $ONE)"
    is 'where it stays for the disk' \
        "$(rbd trash ls images | awk '{ print $2 }')" $ONE
    ok 'which reads as the file' \
        eval "rbd export --no-progress vms/a_disk - | cmp - $FILE"
    rbd rm --no-progress vms/a_disk
    rbd trash purge --no-progress images
    glance add $ONE "$FILE" >/dev/null
    is 'a disk is made of it again' \
        "$("$TRY" provision vms/a_disk images/$ONE@snap 0 a)" "built $SIZE"
}

shared()
{
    local said
    said=$(glance add $ONE "$FILE")
    is 'Glance adds one' "${said%% *}" "$(location $ONE)"
    is 'remora calls it the same' \
        "$(remora image show --json $ONE | jq -r .location)" "${said%% *}"
    is 'and of the same size' "$(remora image size $ONE)" "$SIZE"
    is 'a disk is made of it' \
        "$("$TRY" provision vms/a_disk images/$ONE@snap 0 a)" "built $SIZE"
    ok 'which reads as the file' \
        eval "rbd export --no-progress vms/a_disk - | cmp - $FILE"
    glance_keeps_it
    rm_refused 'nor does remora' "in use by its clones 'vms/a_disk'" \
        image_all rm $ONE
    rbd rm --no-progress vms/a_disk
    is 'without it remora does' "$(image rm $ONE)" "images/$ONE: removed"
    is 'and leaves nothing' "$(everything)" "$(<"$BED/tmp/before")"

    said=$(glance add $ONE "$FILE" unknown)
    is 'Glance adds one of unknown size' "${said%% *}" "$(location $ONE)"
    is 'remora knows its size' "$(remora image size $ONE)" "$SIZE"
    is 'and removes it' "$(image rm $ONE)" "images/$ONE: removed"

    is 'remora adds one, with the sums that Glance has of it' \
        "$(image add --id $TWO "$FILE" | tail -n 2 | sed 's/.* //' | xargs)" \
        "$(cut -d ' ' -f 3- <<<"$said")"
    is 'Glance knows its size' "$(glance size "$(location $TWO)")" "$SIZE"
    ok 'and reads it byte for byte' \
        eval "glance get '$(location $TWO)' | cmp - $FILE"
    refuses 'it does not add another of that name' Duplicate \
        glance add $TWO "$FILE"
    rbd clone --rbd-default-clone-format 1 images/$TWO@snap vms/old
    refuses 'a clone of format 1 keeps Glance from deleting it' \
        'InUseByStore' glance_all delete "$(location $TWO)"
    rbd rm --no-progress vms/old
    ok 'without it Glance deletes the image' \
        glance_all delete "$(location $TWO)"
    is 'and leaves nothing of it' "$(everything)" "$(<"$BED/tmp/before")"
}

# ---- room ------------------------------------------------------------------

room()
{
    local one
    image add --id $ONE "$FILE" >/dev/null
    is 'the pools of the configuration' \
        "$(remora df --json | jq -r '.pools[].pool' | xargs)" 'images vms volumes'
    one=$(remora df --json images | jq -c '.pools[] |
        [.images, .provisioned, .quota, .total == .used + .free]')
    is 'what images would take' "$one" "[1,$SIZE,null,true]"
    ceph osd pool set-quota images max_bytes $((64 * MiB)) >/dev/null 2>&1
    wait_until 'a quota is what is left at most' 30 eval '[ "$(remora df \
        --json images | jq -c ".pools[] | [.quota, .free <= .quota]")" = \
        "[$((64 * MiB)),true]" ]'
    ceph osd pool set-quota images max_bytes 0 >/dev/null 2>&1
    is 'who may not read a pool sees no images there' \
        "$(remora "${BLIND[@]}" df --json vms | jq -c '.pools[].images')" null
    refuses 'a pool that is not there' "no pool 'nowhere'" remora df nowhere
    image rm $ONE >/dev/null
}

inside()
{
    bed_need_remora
    parts
    shown
    from_a_pipe
    sums
    exported
    cut_short
    clones
    removed
    shared
    room
    is 'no claim is left' "$(rados -p images ls | grep remora_claim)" ''
}

bed_enter "$0" "$@"
inside
tap_done
