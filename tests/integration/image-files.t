#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/image-files.t - images and volumes from files and into files
#
# A file that is not raw is converted on the way in, under the checks that hold in the
# cluster; what goes out is raw or qcow2, of an image or of a volume, whole or not at
# all. Killed at any moment, neither leaves what looks whole and is not.
#
# Needs: root, the packages of lib/packages.sh, remora with fault points.
# Reads: REMORA_FULL: 100 random deaths instead of 10
#
# Stage: faults
#
# shellcheck source-path=SCRIPTDIR
here=$(dirname -- "$(realpath -- "$0")")/..
. "$here/lib/tap.sh"
. "$here/lib/bed.sh"
. "$here/lib/cluster.sh"
. "$here/lib/agent.sh"

ONE=0a64fa67-3e34-42e7-b7b0-423c11850e18
TWO=1b64fa67-3e34-42e7-b7b0-423c11850e18
SNAP=5a64fa67-3e34-42e7-b7b0-423c11850e18
MiB=$((1024 * 1024))
ROUNDS=${REMORA_FULL:+100}
ROUNDS=${ROUNDS:-10}
ALL=(-n admin -k /etc/ceph/ceph.client.admin.keyring)
FILE=$BED/tmp/raw
AT=$BED/tmp/file

image()
{
    remora "${ALL[@]}" image "$@"
}

volume()
{
    remora volume "$@"
}

everything()
{
    rados -p "$1" ls |
        grep -v -x 'rbd_\(trash\|children\|info\|directory\|task\)' | sort
}

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    # Data, a hole, data; and an end within a cluster of qcow2.
    truncate -s 40M "$FILE"
    dd if=/dev/urandom of="$FILE" bs=1M count=3 conv=notrunc status=none
    dd if=/dev/urandom of="$FILE" bs=1000 count=999 seek=30003 conv=notrunc \
        status=none
    BEFORE=$(everything images)
}

# is_it IMAGE: it holds the file, and zeroes behind it.
is_it()
{
    rbd export --no-progress "$1" - | head -c $((40 * MiB)) | cmp - "$FILE"
}

sum()
{
    "${1}sum" <"$2" | cut -d ' ' -f 1
}

gone()
{
    image rm $ONE >/dev/null 2>&1
    rbd trash purge --no-progress images --expired-before 2100-01-01 \
        >/dev/null 2>&1
    is "$1: nothing is left" "$(everything images)" "$BEFORE"
}

# ---- in -------------------------------------------------------------------------

# comes_in FORMAT [OPTION]...: as qemu-img knows it.
comes_in()
{
    local json
    qemu-img convert -q -f raw -O "$@" "$FILE" "$AT"
    json=$(image add --id $ONE --json "$AT")
    is "$*: it is added" "$(jq -r .id <<<"$json")" $ONE
    is 'as large as what is in it' "$(jq -r .size <<<"$json")" \
        "$(rbd info --format json "images/$ONE" | jq .size)"
    ok 'as raw, what is in it' is_it "images/$ONE@snap"
    is 'the sum is of that' "$(jq -r .checksums.md5 <<<"$json")" \
        "$(rbd export --no-progress "images/$ONE@snap" - | md5sum |
            cut -d ' ' -f 1)"
    is 'it is whole' "$(image show --json $ONE | jq -c .complete)" true
    ok 'and sparse' eval '[ "$(rbd diff --format json "images/$ONE" |
        jq "map(.length) | add")" -le $((28 * MiB)) ]'
    gone "$1"
}

converted()
{
    local sum
    comes_in qcow2 -c
    comes_in vmdk
    comes_in vpc -o force_size=on
    comes_in vhdx
    qemu-img convert -q -f raw -O qcow2 "$FILE" "$AT"
    sum=$(sum sha256 "$AT")
    is 'the sum that is asked for is that of the file' \
        "$(image add --id $ONE --checksum none --verify "$sum" "$AT")" $ONE
    ok 'it holds what is in it' is_it "images/$ONE@snap"
    gone 'verified'
    refuses 'another sum' 'is not what was asked for' \
        image add --id $ONE --verify "$(sum sha256 "$FILE")" "$AT"
    gone 'refused by its sum'
    is 'by standard input, if that is a file' \
        "$(image add --id $ONE --checksum none - <"$AT")" $ONE
    ok 'it is converted, too' is_it "images/$ONE@snap"
    gone 'of standard input'
    refuses 'through a pipe' 'only a file is converted' \
        eval 'image add --id $ONE - < <(cat $AT)'
    gone 'through a pipe'
    for from in '"$AT"' '- < <(cat "$AT")'; do
        is "its bytes are kept: $from" \
            "$(eval "image add --id $ONE --as-is $from" | sed -n 2p)" \
            "md5  $(sum md5 "$AT")"
        ok 'as they are' eval \
            'rbd export --no-progress "images/$ONE@snap" - | cmp - "$AT"'
        gone 'as it is'
    done
}

# bad TITLE TEXT: what is at $AT is refused.
bad()
{
    refuses "$1" "$2" image add --id $ONE "$AT"
    gone "$1"
}

unfit()
{
    qemu-img create -q -f qcow2 -o "backing_file=$FILE,backing_fmt=raw" "$AT"
    bad 'a backing file' 'is qcow2 with a backing file'
    qemu-img create -q -f qcow2 -o data_file="$BED/tmp/data" "$AT" 8M
    bad 'a data file' 'is qcow2 with data in another file'
    ok 'qemu-img encrypts one' bed_wait 60 bed_encrypted "$AT"
    bad 'an encrypted one' 'is qcow2 that is encrypted'
    qemu-img create -q -f vmdk -o subformat=monolithicFlat "$AT" 8M
    bad 'a list of files' 'is vmdk with data in another file'
    rm "$AT-flat"
    qemu-img create -q -f vdi "$AT" 8M
    bad 'another format' 'is vdi which is not converted here'
    qemu-img convert -q -f raw -O qcow2 "$FILE" "$AT"
    printf '\377\377' | dd of="$AT" bs=1 seek=40 conv=notrunc status=none
    bad 'a damaged one' "'qemu-img' (of the package qemu-utils) did not come"
    is 'no tool runs any more' "$(pgrep -c -U 65534 qemu-img || :)" 0
}

# while_it_fills COMMAND: that, when the image is there and not yet filled; $PID
# is who adds it.
while_it_fills()
{
    qemu-img convert -q -f raw -O qcow2 "$FILE" "$AT"
    : >"$BED/tmp/hold"
    REMORA_FAULT=filling=hold@2 REMORA_FAULT_HOLD=$BED/tmp/hold \
        "$BED_INST/bin/remora" "${ALL[@]}" image add --id $ONE "$AT" \
        >"$BED/tmp/said" 2>&1 &
    PID=$!
    bed_wait 20 rbd info "images/$ONE" >/dev/null 2>&1
    eval "$1"
    rm "$BED/tmp/hold"
    wait "$PID"
}

# A header that is another when the tool comes, than when it was checked.
changed()
{
    local how
    for how in 'touch "$AT"' 'echo more >>"$AT"'; do
        while_it_fills "$how"
        like "one that is changed meanwhile is no image: $how" \
            "$(<"$BED/tmp/said")" 'it was changed while it was converted'
        gone 'changed'
    done
}

interrupted()
{
    while_it_fills 'kill -INT "$PID"'
    like 'it is interrupted: that is said' "$(<"$BED/tmp/said")" \
        'converting it was cancelled'
    gone 'interrupted'
    is 'no tool runs any more' "$(pgrep -c -U 65534 qemu-img || :)" 0
}

not_root()
{
    install -m 0644 /etc/ceph/ceph.client.admin.keyring "$BED/tmp/keyring"
    refuses 'one who may not convert is told so' 'root alone can convert that' \
        setpriv --reuid 65534 --regid 65534 --clear-groups \
        "$BED_INST/bin/remora" -n admin -k "$BED/tmp/keyring" \
        image add --id $ONE "$AT"
    gone 'not converted'
}

killed_in()
{
    local n bad=0
    qemu-img convert -q -f raw -O qcow2 "$FILE" "$AT"
    for ((n = 1; n <= ROUNDS; n++)); do
        (REMORA_FAULT=filling=kill@$((RANDOM % 2 + 1)) \
            image add --id $ONE "$AT"; :) >/dev/null 2>&1
        [ -z "$(rbd snap ls "images/$ONE" 2>/dev/null)" ] || bad=$((bad + 1))
        image add --id $ONE "$AT" >/dev/null && is_it "images/$ONE@snap" ||
            bad=$((bad + 1))
        image rm $ONE >/dev/null
    done
    is 'killed while it is filled: never an image, and the next one is whole' \
        "$bad" 0
    bed_wait 60 rbd trash purge --no-progress images \
        --expired-before 2100-01-01 >/dev/null 2>&1
    gone 'killed'
    (REMORA_FAULT=filling=error:5 image add --id $ONE "$AT") \
        >"$BED/tmp/said" 2>&1
    like 'what cannot be written is said' "$(<"$BED/tmp/said")" \
        'Input/output error'
    gone 'failed'
    is 'no tool runs any more' "$(pgrep -c -U 65534 qemu-img || :)" 0
}

# ---- out --------------------------------------------------------------------------

# goes_out TITLE COMMAND...: COMMAND FILE writes it, as raw and as qcow2.
goes_out()
{
    local title=$1 command=("${@:2}")
    shift
    rm -f "$AT"
    ok "$title: as raw" "$@" "$AT"
    ok 'all of it' cmp "$AT" "$FILE"
    ok 'sparse' [ "$(du -k "$AT" | cut -f 1)" -le 5120 ]
    refuses 'never over a file' 'is there already' "$@" "$AT"
    rm "$AT"
    ok "$title: as qcow2" "$@" "$AT" --format qcow2
    is 'QEMU says so' "$(qemu-img info --output json "$AT" |
        jq -c '[.format, ."virtual-size"]')" "[\"qcow2\",$((40 * MiB))]"
    ok 'and finds nothing wrong' qemu-img check -q "$AT"
    ok 'all of it' qemu-img compare -q -f raw -F qcow2 "$FILE" "$AT"
    ok 'no larger than it must be' [ "$(stat -c %s "$AT")" -le \
        $((5 * MiB)) ]
    ok 'through a pipe' eval '"${command[@]}" - | cmp - "$FILE"'
    refuses 'but not as qcow2' 'cannot be written to standard output' \
        "$@" - --format qcow2
    refuses 'another format' 'raw or qcow2' "$@" "$AT.2" --format vmdk
    refuses 'a directory that is not there' 'cannot write' \
        "$@" "$BED/nowhere/file"
    is 'nothing else is left' "$(ls "$AT"*)" "$AT"
}

export_image()
{
    image export $ONE "$@"
}

export_volume()
{
    volume to-image $TWO --file "$@"
}

exported()
{
    image add --id $ONE "$FILE" >/dev/null
    goes_out 'an image' export_image
    is 'a volume of it' "$(remora "${ALL[@]}" volume clone --id $TWO \
        images/$ONE)" $TWO
    goes_out 'a volume' export_volume
    is 'no snapshot stays' "$(rbd snap ls --all volumes/volume-$TWO)" ''
    is 'how large it is' "$(rm -f "$AT"; export_volume "$AT" --json)" \
        "{\"size\": $((40 * MiB))}"
    refuses 'an id for a file' 'neither id nor pool' \
        export_volume "$AT.2" --id $ONE
    refuses 'a format for nothing' 'goes with --file' \
        volume to-image $TWO --format raw
    refuses 'JSON where the volume goes' 'JSON needs a file' \
        export_volume - --json
    full
    a_snapshot
    killed_out
    volume rm $TWO >/dev/null
    gone 'exported'
}

a_snapshot()
{
    volume snapshot create $TWO $SNAP >/dev/null
    rbd bench --io-type write --io-size 64K --io-total 1M \
        volumes/volume-$TWO >/dev/null 2>&1
    rm -f "$AT"
    ok 'a snapshot, while the volume goes on' volume to-image "$TWO@$SNAP" \
        --file "$AT" --format qcow2
    ok 'all of it' qemu-img compare -q -f raw -F qcow2 "$FILE" "$AT"
    refuses 'one that is not there' "(rbd snap ls volumes/volume-$TWO)" \
        volume to-image "$TWO@$ONE" --file "$AT.2"
    volume snapshot rollback $TWO $SNAP >/dev/null
    reader_gone
    removed_meanwhile
}

# Which is all that a pipe's other end has to do.
reader_gone()
{
    volume to-image $TWO --file - 2>"$BED/tmp/said" | head -c 1 >/dev/null
    is 'whose reader goes, it fails' "${PIPESTATUS[0]}" 1
    like 'and says so' "$(<"$BED/tmp/said")" 'or the reader gone?'
    is 'and leaves no snapshot' \
        "$(rbd snap ls --all --format json "volumes/volume-$TWO" |
            jq -r '.[].name' | grep clone_snap)" ''
}

# No more is read than the pipe holds, before somebody reads that.
removed_meanwhile()
{
    mkfifo "$BED/tmp/pipe"
    volume to-image "$TWO@$SNAP" --file - >"$BED/tmp/pipe" 2>"$BED/tmp/said" &
    exec 3<"$BED/tmp/pipe"
    head -c 1 <&3 >/dev/null
    ok 'a snapshot is removed while it is read' volume snapshot rm $TWO $SNAP
    cat <&3 >/dev/null
    exec 3<&-
    ok 'that fails' eval '! wait $!'
    like 'and says why' "$(<"$BED/tmp/said")" 'was removed while it was read'
}

full()
{
    local format
    mkdir "$BED/tmp/small"
    mount -t tmpfs -o size=2M none "$BED/tmp/small"
    for format in raw qcow2; do
        refuses "no room for $format" 'cannot write' \
            export_volume "$BED/tmp/small/file" --format $format
        is 'nothing is left there' "$(ls -A "$BED/tmp/small")" ''
    done
    umount "$BED/tmp/small"
    is 'and no snapshot' "$(rbd snap ls --all volumes/volume-$TWO)" ''
}

killed_out()
{
    local n bad=0 format
    for ((n = 0; n < ROUNDS; n++)); do
        rm -f "$AT"
        format=$([ $((n % 2)) = 0 ] && echo raw || echo qcow2)
        (timeout -s KILL 0.$((RANDOM % 4))$((RANDOM % 10)) \
            "$BED_INST/bin/remora" volume to-image $TWO --file "$AT" \
            --format $format; :) >/dev/null 2>&1
        [ ! -e "$AT" ] || qemu-img compare -q -f raw -F $format "$FILE" "$AT" ||
            bad=$((bad + 1))
        rm -f "$AT"
        export_volume "$AT" && cmp "$AT" "$FILE" || bad=$((bad + 1))
    done
    is 'an export that is killed leaves a whole file, or none' "$bad" 0
    is 'and nothing beside it' "$(ls "$AT"*)" "$AT"
    (REMORA_FAULT=volume-exporting=kill export_volume "$AT.2"; :) \
        >/dev/null 2>&1
    like 'what it may leave is a snapshot that nobody asked for' \
        "$(rbd snap ls volumes/volume-$TWO)" '.clone_snap'
    refuses 'what fails says so' 'Input/output error' eval \
        'REMORA_FAULT=volume-exporting=error:5 export_volume "$AT.2"'
    is 'without a file' "$(ls "$AT"*)" "$AT"
}

inside()
{
    bed_need_remora
    parts
    converted
    unfit
    changed
    interrupted
    not_root
    killed_in
    exported
    is 'no claim is left' "$(rados -p images ls | grep remora_claim)" ''
}

bed_enter "$0" "$@"
inside
tap_done
