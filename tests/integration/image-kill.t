#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/image-kill.t - an image is whole, or does not look so
#
# 'remora image' dies at each of its points, and at random, and fails at each:
# nothing that can be cloned is less than the file, and the next call works.
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

ID=0a64fa67-3e34-42e7-b7b0-423c11850e18
FAULTS_H=$here/../agent/rbd/conn/fault.h
MiB=$((1024 * 1024))
ROUNDS=${REMORA_FULL:+100}
ROUNDS=${ROUNDS:-10}
ADMIN=(-n images)
declare -A TESTED

image()
{
    remora "${ADMIN[@]}" image "$@" 2>&1
}

# faulty FAULT COMMAND...: 'image COMMAND' with a fault.
faulty()
{
    local fault=$1
    TESTED[${fault%%=*}]=yes
    shift
    REMORA_FAULT=$fault image "$@"
}

everything()
{
    rados -p images ls | grep -v -x 'rbd_\(trash\|children\|info\|directory\)' |
        sort
}

snapshot()
{
    rbd snap ls --format json "images/$ID" 2>/dev/null | jq -r '.[].name'
}

# Whole, or without the snapshot that clones are made of.
not_half()
{
    [ "$(snapshot)" != snap ] ||
        rbd export --no-progress "images/$ID@snap" - | cmp - "$FILE"
}

purge_once()
{
    rbd trash purge --no-progress images --expired-before 2100-01-01 \
        >/dev/null 2>&1
}

# What a dead client has open still, for up to a minute, cannot be purged.
purge()
{
    bed_wait 90 purge_once
}

# All of it, by whatever it takes; then the pool is as it was.
clean()
{
    image rm $ID >/dev/null
    purge
    is "$1: it can be removed, and nothing is left" "$(everything)" "$BEFORE"
}

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    # As remora(1) has it.
    ceph auth get-or-create client.images mon 'profile rbd' \
        osd 'profile rbd pool=images' \
        -o /etc/ceph/ceph.client.images.keyring
    FILE=$BED/tmp/raw
    truncate -s $((40 * MiB)) "$FILE"
    dd if=/dev/urandom of="$FILE" bs=1M count=8 conv=notrunc status=none
    head -c 4777 /dev/urandom >>"$FILE"
    BEFORE=$(everything)
}

# ---- each point ------------------------------------------------------------

added_in_vain()
{
    local point
    for point in created marked filled; do
        faulty image-$point=kill add --id $ID "$FILE" >/dev/null
        is "killed at $point: it has no snapshot" "$(snapshot)" ''
        like 'the next one adds it' "$(image add --id $ID "$FILE")" $ID
        ok 'whole' not_half
        clean "$point"
        faulty image-$point=kill add --id $ID "$FILE" >/dev/null
        clean "$point, and never added"
        like "it fails at $point: and says so" \
            "$(faulty image-$point=error:5 add --id $ID "$FILE")" \
            'Input/output error'
        # Of one that was created all the same nothing is known.
        [ $point = created ] ||
            is 'nothing is left' "$(everything)" "$BEFORE"
        clean "$point fails"
    done
}

added_all_the_same()
{
    local point
    for point in snapped protected; do
        faulty image-$point=kill add --id $ID "$FILE" >/dev/null
        is "killed at $point: it has its snapshot" "$(snapshot)" snap
        ok 'and is whole' not_half
        like 'it is not added once more' "$(image add --id $ID "$FILE")" \
            'is there already'
        clean "$point"
        like "it fails at $point: and says so" \
            "$(faulty image-$point=error:5 add --id $ID "$FILE")" \
            'Input/output error'
        is 'nothing is left' "$(everything)" "$BEFORE"
    done
}

removed_in_vain()
{
    local point
    for point in unprotected unsnapped; do
        image add --id $ID "$FILE" >/dev/null
        faulty image-$point=kill rm $ID >/dev/null
        ok "a removal is killed at $point: nothing is half" not_half
        like 'the next one removes it' "$(image rm $ID)" 'removed'
        is 'all of it' "$(everything)" "$BEFORE"
        image add --id $ID "$FILE" >/dev/null
        like "it fails at $point: and says so" \
            "$(faulty image-$point=error:5 rm $ID)" 'Input/output error'
        clean "$point fails"
    done
}

# As a kill in the middle of rbd_remove() leaves it, after so many of its steps:
# its entry in the trash says that it is being removed, and STATE.
# being_removed STATE
being_removed()
{
    local id entry=$BED/tmp/entry
    image add --id $ID "$FILE" >/dev/null
    rbd snap unprotect "images/$ID@snap"
    rbd snap rm --no-progress "images/$ID@snap"
    id=$(rbd info --format json "images/$ID" | jq -r .id)
    rbd trash mv "images/$ID"
    rados -p images getomapval rbd_trash "id_$id" "$entry" >/dev/null
    printf '\3' | dd of="$entry" bs=1 seek=6 conv=notrunc status=none
    printf '%b' "\\$1" | dd of="$entry" bs=1 \
        seek=$(($(stat -c %s "$entry") - 1)) conv=notrunc status=none
    rados -p images setomapval rbd_trash "id_$id" --input-file "$entry"
}

removed_halfway()
{
    local state
    for state in 0 1 2; do
        being_removed $state
        refuses "a removal is killed inside, state $state: it does not open" \
            'No such file' rbd info "images/$ID"
        is 'nor is it in what is shown of the trash' \
            "$(rbd trash ls --all images)" ''
        like 'the next one removes it' "$(image rm $ID)" 'removed'
        is 'all of it' "$(everything)" "$BEFORE"
        refuses 'the one after that finds nothing' 'no image' image rm $ID
        being_removed $state
        like 'the name can be used' "$(image add --id $ID "$FILE")" $ID
        ok 'whole' not_half
        clean "state $state"
    done
}

# Who dies after the image is gone, or before it is there, leaves its claim.
removed_but_claimed()
{
    image add --id $ID "$FILE" >/dev/null
    REMORA_FAULT=claim-dropping=kill image rm $ID >/dev/null
    isnt 'a removal is killed at its end: the claim is left' \
        "$(everything)" "$BEFORE"
    like 'the next one finds no image' "$(image rm $ID)" 'no image'
    is 'and leaves no claim' "$(everything)" "$BEFORE"
    REMORA_FAULT=claim-created=kill image add --id $ID "$FILE" >/dev/null
    like 'one is killed before it adds it: there is no image' \
        "$(image rm images/$ID)" 'no image'
    is 'nor a claim' "$(everything)" "$BEFORE"
}

all_points()
{
    is 'each point of the header was tested' \
        "$(printf '%s\n' "${!TESTED[@]}" | sort)" \
        "$(sed -n 's/^ \*     \(image-[a-z-]*\) .*/\1/p' "$FAULTS_H" | sort)"
}

# ---- at random -------------------------------------------------------------

at_random()
{
    local i half=0 whole=0 nothing=0 bad=0 stuck=0 left=0 out=$BED/tmp/out
    for ((i = 0; i < ROUNDS; i++)); do
        REMORA_FAULT=claim-created=timer:$((RANDOM * 15)) \
            image add --id $ID "$FILE" >/dev/null
        case $(snapshot)$(rbd ls images) in
        snap*) whole=$((whole + 1)) ;;
        '') nothing=$((nothing + 1)) ;;
        *) half=$((half + 1)) ;;
        esac
        not_half || bad=$((bad + 1))
        image add --id $ID "$FILE" >"$out"
        grep -q -e "^$ID" -e 'is there already' "$out" || {
            stuck=$((stuck + 1))
            diag "$(<"$out")"
        }
        REMORA_FAULT=claim-created=timer:$((RANDOM * 3)) \
            image rm $ID >/dev/null
        not_half || bad=$((bad + 1))
        image rm $ID >"$out"
        grep -q -e 'removed' -e 'no image' "$out" || {
            stuck=$((stuck + 1))
            diag "$(<"$out")"
        }
        purge
        everything >"$out"
        [ "$(<"$out")" = "$BEFORE" ] || {
            left=$((left + 1))
            diag "round $i left $(comm -3 "$out" - <<<"$BEFORE" | xargs)"
        }
    done
    diag "of $ROUNDS: $whole whole, $half half-made, $nothing of which nothing is"
    is 'none that can be cloned is less than the file' "$bad" 0
    is 'after each the next one works' "$stuck" 0
    is 'nothing of all that is left' "$(everything)" "$BEFORE"
    is 'nor was in between' "$left" 0
}

exports()
{
    local i out=$BED/tmp/exported bad=0
    image add --id $ID "$FILE" >/dev/null
    for ((i = 0; i < ROUNDS; i++)); do
        rm -f "$out" "$out.part"
        # In a shell of its own, which would say that it was killed.
        (timeout -s KILL 0.0$((RANDOM % 10)) "$BED_INST/bin/remora" \
            "${ADMIN[@]}" image export $ID "$out"; :) >/dev/null 2>&1
        [ ! -e "$out" ] || cmp "$out" "$FILE" || bad=$((bad + 1))
        rm -f "$out"
        image export $ID "$out" >/dev/null && cmp "$out" "$FILE" ||
            bad=$((bad + 1))
    done
    is 'an export that is killed leaves a whole file, or none' "$bad" 0
    is 'nor anything else' "$(ls "$out"*)" "$out"
    clean 'exported'
}

inside()
{
    bed_need_remora
    parts
    added_in_vain
    added_all_the_same
    removed_in_vain
    removed_halfway
    removed_but_claimed
    all_points
    at_random
    exports
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside
tap_done
