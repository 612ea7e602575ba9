#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/store-image.t - a file becomes an image, whole or not at all
#
# Needs: root, the packages of lib/packages.sh, REMORA_BUILD (a build tree).
#
# shellcheck source-path=SCRIPTDIR
here=$(dirname -- "$(realpath -- "$0")")/..
. "$here/lib/tap.sh"
. "$here/lib/bed.sh"
. "$here/lib/cluster.sh"

TRY=${REMORA_BUILD-}/tests/integration/store-try
MiB=$((1024 * 1024))
FILE=

try()
{
    "$TRY" "$@"
}

# As the user that may write images.
add()
{
    STORE_TRY_USER=glance "$TRY" add "$@"
}

info()
{
    rbd info --format json "$1" | jq -r "$2"
}

# objects POOL/IMAGE: how many objects hold its data.
objects()
{
    rados -p "${1%/*}" ls | grep -c "^$(info "$1" .block_name_prefix)\."
}

# All that there is of images, but the list of the trash, which librbd makes.
everything()
{
    rbd ls images
    rados -p images ls | grep -v '^rbd_trash$' | sort
}

# 30 MiB and a bit: data, a hole, written zeroes, data that begin and end in
# the middle of a block, an odd end.
make_file()
{
    FILE=$BED/tmp/raw
    truncate -s $((30 * MiB + 777)) "$FILE"
    dd if=/dev/urandom of="$FILE" bs=1M count=1 conv=notrunc status=none
    dd if=/dev/zero of="$FILE" bs=1M seek=16 count=8 conv=notrunc status=none
    dd if=/dev/urandom of="$FILE" bs=1000 seek=$((20 * 1048)) count=7 \
        conv=notrunc status=none
    dd if=/dev/urandom of="$FILE" bs=1 seek=$((30 * MiB + 770)) count=7 \
        conv=notrunc status=none
}

start()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    make_file
}

added()
{
    local image=images/added
    ok 'a file is added' add $image "$FILE" $((8 * MiB))
    is 'the size is the file'"'"'s' "$(info $image .size)" \
        $((30 * MiB + 777))
    is 'the object size is what was asked' "$(info $image .order)" 23
    is 'the format is 2' "$(info $image .format)" 2
    is 'it has one snapshot, protected' \
        "$(rbd snap ls --format json $image | jq -r '.[]|.name, .protected')" \
        "snap
true"
    # Objects 0, 2 and 3 hold data; 1 is the hole.
    is 'a hole makes no object' "$(objects $image)" 3
    ok 'it reads as the file' \
        eval "rbd export --no-progress $image@snap - | cmp - $FILE"
    is 'a disk is made of it' "$(try provision vms/a_disk $image@snap 0 a)" \
        "built $((30 * MiB + 777))"
    ok 'the disk reads as the file' \
        eval "rbd export --no-progress vms/a_disk - | cmp - $FILE"
}

# Where holes are not known: the zeroes are looked for.
without_holes()
{
    local loop
    dd if="$FILE" of="$BED/tmp/dense" bs=1M conv=sync status=none
    is 'a file without a hole' "$(stat -c '%b' "$BED/tmp/dense")" \
        $((31 * MiB / 512))
    ok 'is added' add images/dense "$BED/tmp/dense" $((8 * MiB))
    is 'and its zeroes make no object' "$(objects images/dense)" 3
    ok 'it reads as the file' \
        eval "rbd export --no-progress images/dense - | cmp - $BED/tmp/dense"
    ok 'in small objects' add images/small "$FILE" 65536
    is 'of that size' "$(info images/small .order)" 16
    # 16 of 1 MiB of data; 1 in the zeroes; 1 at the end.
    is 'only those with data' "$(objects images/small)" 18
    ok 'they read as the file' \
        eval "rbd export --no-progress images/small - | cmp - $FILE"
    truncate -s 20M "$BED/tmp/empty"
    ok 'nothing but a hole' add images/empty "$BED/tmp/empty" $((32 * MiB))
    is 'makes no object' "$(objects images/empty)" 0
    is 'and is an image' "$(info images/empty .size)" $((20 * MiB))
}

refused()
{
    local before
    before=$(everything)
    refuses 'an image that is there' 'is there already and is never over' \
        add images/added "$FILE" $((8 * MiB))
    qemu-img create -q -f qcow2 "$BED/tmp/qcow2" 4M
    refuses 'qcow2' 'is qcow2, and only a file' \
        add images/x "$BED/tmp/qcow2" $((8 * MiB))
    refuses 'a file that is not there' 'is no file, block device or pipe' \
        add images/x /nowhere $((8 * MiB))
    refuses 'a device without an end' 'is no file, block device or pipe' \
        add images/x /dev/zero $((8 * MiB))
    refuses 'a directory' 'is no file, block device or pipe' \
        add images/x / $((8 * MiB))
    : >"$BED/tmp/nothing"
    refuses 'an empty file' 'with anything in it' \
        add images/x "$BED/tmp/nothing" $((8 * MiB))
    refuses 'an object size that is no power of two' 'not possible' \
        add images/x "$FILE" 12345678
    refuses 'one that is too large' 'not possible' \
        add images/x "$FILE" $((64 * MiB))
    refuses 'a pool that is not there' "no pool 'nowhere'" \
        add nowhere/x "$FILE" $((8 * MiB))
    refuses 'a user who may not write images' \
        "cannot claim 'images/x': not permitted" \
        try add images/x "$FILE" $((8 * MiB))
    refuses 'one that is cancelled' "adding 'images/x' was cancelled" \
        add images/x "$FILE" $((8 * MiB)) $((16 * MiB))
    refuses 'one that is cancelled at the last byte' 'was cancelled' \
        add images/x "$FILE" $((8 * MiB)) $((30 * MiB + 777))
    is 'nothing is left of any' \
        "$(everything)" "$before"
    ok 'what was cancelled can be added' add images/x "$FILE" $((8 * MiB))
}

cut_short()
{
    local adder
    STORE_TRY_USER=glance "$TRY" add images/cut "$FILE" $((8 * MiB)) stay &
    adder=$!
    wait_until 'one is being added' 10 \
        eval '[ -n "$(cluster_watchers images/cut 2>/dev/null)" ]'
    refuses 'another one has to wait' "'images/cut' is claimed by host" \
        add images/cut "$FILE" $((8 * MiB))
    kill -KILL "$adder"
    wait "$adder" 2>/dev/null
    is 'a killed one leaves an image without a snapshot' \
        "$(rbd snap ls --format json images/cut)" '[]'
    refuses 'of which no disk is made' "has no snapshot 'snap'" \
        try provision vms/cut_disk images/cut@snap 0 cut
    ok 'the next one knows that it is dead, and adds it' \
        add images/cut "$FILE" $((8 * MiB))
    is 'what was half-made is in the trash' \
        "$(rbd trash ls --format json images | jq -r '.[].name')" cut
    ok 'it reads as the file' \
        eval "rbd export --no-progress images/cut@snap - | cmp - $FILE"
    is 'without the mark of one that is being made' \
        "$(rbd image-meta list images/cut | grep -c building)" 0
    rbd trash purge --no-progress images --expired-before 2100-01-01
    rbd create --size 1M images/bare
    refuses 'one without a snapshot is nobody'"'"'s to replace' \
        'remove it (remora image rm images/bare) and add it again' \
        add images/bare "$FILE" $((8 * MiB))
    rbd rm --no-progress images/bare

    rbd snap unprotect images/cut@snap
    refuses 'one that was cut short at its very end' \
        'finish it (rbd snap protect images/cut@snap)' \
        add images/cut "$FILE" $((8 * MiB))
}

listed()
{
    local size=$((30 * MiB + 777))
    rbd create --size 16M images/blank
    is 'the images with their clones' "$(try images images)" \
        "images/added $size snap protected 1
images/cut $size snap 0
images/dense $((31 * MiB)) snap protected 0
images/empty $((20 * MiB)) snap protected 0
images/small $size snap protected 0
images/x $size snap protected 0"
    # glance may not look into vms.
    is 'clones that the user may not see are not counted' \
        "$(STORE_TRY_USER=glance "$TRY" images images | head -n 1)" \
        "images/added $size snap protected ?"
    is 'a pool without images' "$(try images volumes)" ''
    refuses 'a pool that is not there' "no pool 'nowhere'" try images nowhere
    # More than there is room for at first.
    seq -f 'volumes/n%g' 70 | xargs -P 4 -n 1 rbd create --size 1M
    rbd snap create --no-progress volumes/n70@snap
    is 'one among many' "$(try images volumes)" "volumes/n70 $MiB snap 0"
}

# changed_meanwhile HOW COMMAND...: the file, while it is being added.
changed_meanwhile()
{
    local how=$1 adder
    shift
    STORE_TRY_USER=glance "$TRY" add images/changed "$BED/tmp/changed" \
        1048576 slow >"$BED/tmp/said" 2>&1 &
    adder=$!
    wait_until 'one is being added' 10 \
        eval '[ -n "$(cluster_watchers images/changed 2>/dev/null)" ]'
    "$@"
    wait "$adder"
    is "one whose file became $how is refused" "$?" 1
    like 'and it says why' "$(<"$BED/tmp/said")" meanwhile
    unlike 'nothing is left of it' "$(everything)" changed
}

changed()
{
    yes | head -c $((16 * MiB)) >"$BED/tmp/changed"
    changed_meanwhile shorter truncate -s $MiB "$BED/tmp/changed"
    yes | head -c $((16 * MiB)) >"$BED/tmp/changed"
    changed_meanwhile longer truncate -s +1 "$BED/tmp/changed"
}

quota()
{
    ceph osd pool set-quota images max_objects 1 >/dev/null 2>&1
    wait_until 'the pool is at its quota' 30 \
        eval 'ceph osd pool ls detail | grep -q full_quota'
    refuses 'a pool at its quota' 'quota' add images/full "$FILE" $((8 * MiB))
    ceph osd pool set-quota images max_objects 0 >/dev/null 2>&1
    wait_until 'the quota is gone' 30 \
        eval '! ceph osd pool ls detail | grep -q full_quota'
    unlike 'nothing of it is left' "$(rbd ls images)" full
}

# The pool becomes full while the content is written.
quota_meanwhile()
{
    local adder
    STORE_TRY_USER=glance "$TRY" add images/full "$FILE" 1048576 slow \
        >"$BED/tmp/full" 2>&1 &
    adder=$!
    wait_until 'one is being added' 10 \
        eval '[ -n "$(cluster_watchers images/full 2>/dev/null)" ]'
    ceph osd pool set-quota images max_objects 1 >/dev/null 2>&1
    wait "$adder"
    is 'it fails' "$?" 1
    like 'and says why' "$(<"$BED/tmp/full")" 'quota'
    ceph osd pool set-quota images max_objects 0 >/dev/null 2>&1
    wait_until 'the quota is gone again' 30 \
        eval '! ceph osd pool ls detail | grep -q full_quota'
    unlike 'and nothing is left' "$(rbd ls images)" full
}

inside()
{
    [ -x "$TRY" ] || bail 'REMORA_BUILD names no build tree'
    start
    added
    without_holes
    refused
    cut_short
    listed
    changed
    quota
    quota_meanwhile
}

bed_enter "$0" "$@"
inside
tap_done
