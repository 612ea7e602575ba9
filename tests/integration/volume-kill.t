#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/volume-kill.t - a volume is whole, or does not look so
#
# 'remora volume' dies at each of its points, and at random, and fails at each:
# nothing that looks whole is not, the next call works, and all can go.
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
FAULTS_H=$here/../agent/rbd/conn/fault.h
MiB=$((1024 * 1024))
ROUNDS=${REMORA_FULL:+100}
ROUNDS=${ROUNDS:-10}
# As somebody who may write images, too.
ALL=(-n admin -k /etc/ceph/ceph.client.admin.keyring)
declare -A TESTED

# Without how far it is, which is said where that takes a while.
quietly()
{
    "$@" 2>&1 | sed '/^remora: .* of .* %), /d'
    return "${PIPESTATUS[0]}"
}

volume()
{
    quietly remora volume "$@"
}

# killed POINT COMMAND...: 'volume COMMAND' dies there.
killed()
{
    local point=volume-$1
    if [[ $1 == map-* ]]; then
        point=$1
    else
        TESTED[$point]=yes
    fi
    shift
    (REMORA_FAULT=$point=kill volume "$@"; exit $?) >/dev/null 2>&1
    [ $? = 137 ] || fail "it dies at $point"
}

# failed POINT COMMAND...: it is told there that a call has failed.
failed()
{
    local point=$1
    shift
    like "it fails at $point: and says so" \
        "$(REMORA_FAULT=volume-$point=error:5 volume "$@")" 'Input/output error'
}

everything()
{
    rados -p volumes ls |
        grep -v -x 'rbd_\(trash\|children\|info\|directory\|task\)' | sort
}

purge()
{
    rbd trash purge --no-progress volumes --expired-before 2100-01-01 \
        >/dev/null 2>&1
}

status_of()
{
    remora volume list --json | jq -r --arg id "$1" \
        '.volumes[] | select(.id == $id) | .status'
}

# same IMAGE: it begins like the file.
same()
{
    rbd export --no-progress "volumes/volume-$1" - | head -c $((12 * MiB)) |
        cmp - "$FILE"
}

# Who was killed with an image open, and no claim, is its watcher for a while.
unwatched()
{
    local watcher
    for watcher in $(cluster_watchers "volumes/volume-$1"); do
        ceph osd blocklist add "$watcher" 60 >/dev/null 2>&1
    done
    bed_wait 60 eval "[ -z \"\$(cluster_watchers volumes/volume-$1)\" ]"
}

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    FILE=$BED/tmp/raw
    truncate -s $((12 * MiB)) "$FILE"
    dd if=/dev/urandom of="$FILE" bs=1M count=1 conv=notrunc status=none
    dd if=/dev/urandom of="$FILE" bs=1M count=1 seek=10 conv=notrunc status=none
    NOTHING=$(everything)
    volume create --id $ONE 16MiB >/dev/null
    qemu-img convert -n -O raw "$FILE" \
        "rbd:volumes/volume-$ONE:conf=/etc/ceph/ceph.conf"
    BEFORE=$(everything)
}

# In the trash, too.
snaps_of()
{
    rbd snap ls --all --format json "volumes/volume-$1" |
        jq -r '.[] | "\(.name) \(.namespace.type)"'
}

# Whatever it takes; then the pool is as it was, with the first volume.
clean()
{
    volume rm $TWO >/dev/null
    purge
    # An OSD removes what only a removed snapshot had in its own time.
    bed_wait 20 eval '[ "$(everything)" = "$BEFORE" ]'
    is "$1: it can be removed, and nothing is left" "$(everything)" "$BEFORE"
}

# ---- each point ------------------------------------------------------------

created()
{
    killed created create --id $TWO 16MiB
    is 'killed while it is made: as it is shown' "$(status_of $TWO)" 'being made'
    like 'nothing is done with it' "$(volume resize $TWO 1GiB)" 'is half-made'
    is 'the next one makes it' "$(volume create --id $TWO 16MiB)" $TWO
    is 'whole' "$(status_of $TWO)" available
    clean created
    killed created create --id $TWO 16MiB
    clean 'created in vain'
    failed created create --id $TWO 16MiB
    clean 'created fails'
}

cloned()
{
    local point flat
    for point in snapped protected cloned grown flattening flattened; do
        flat=()
        [[ $point != flat* ]] || flat=(--flatten --wait)
        killed $point clone --id $TWO "${flat[@]}" $ONE
        unwatched $ONE
        [[ $point == snapped || $point == protected ]] ||
            is "killed at $point: as it is shown" "$(status_of $TWO)" \
                'being made'
        is 'the next one makes it' "$(volume clone --id $TWO "${flat[@]}" $ONE)" \
            $TWO
        ok 'whole' same $TWO
        is 'as is shown' "$(status_of $TWO)" available
        clean "$point"
        [[ $point != snapped && $point != protected ]] || continue
        killed $point clone --id $TWO "${flat[@]}" $ONE
        volume rm $TWO >/dev/null
        is 'its snapshot goes with it' "$(snaps_of $ONE)" ''
        clean "$point, in vain"
        failed $point clone --id $TWO "${flat[@]}" $ONE
        clean "$point fails"
    done
}

snapped()
{
    local point
    for point in snapped protected; do
        killed $point snapshot create $ONE $SNAP
        unwatched $ONE
        volume snapshot create $ONE $SNAP >/dev/null
        is "a snapshot is killed at $point: the next one has it protected" \
            "$(remora volume snapshot list --json $ONE |
                jq -c '.snapshots[] | [.snapshot, .protected]')" \
            "[\"$SNAP\",true]"
        volume snapshot rm $ONE $SNAP >/dev/null
    done
    for point in unprotected unsnapped; do
        volume snapshot create $ONE $SNAP >/dev/null
        killed $point snapshot rm $ONE $SNAP
        unwatched $ONE
        volume snapshot rm $ONE $SNAP >/dev/null
        is "its removal is killed at $point: the next one has removed it" \
            "$(remora volume snapshot list --json $ONE | jq -c .)" \
            '{"snapshots":[]}'
    done
    clean snapshots
}

resized()
{
    local point
    for point in resizing resized; do
        killed $point resize $ONE 32MiB
        is "killed at $point: as it is shown" "$(status_of $ONE)" 'at work'
        like 'the next one resizes it' "$(volume resize --json $ONE 32MiB)" \
            "\"size\": $((32 * MiB))"
        ok 'it is whole' same $ONE
        volume resize --shrink $ONE 16MiB >/dev/null
        failed $point resize $ONE 32MiB
        volume resize --shrink $ONE 16MiB >/dev/null
    done
    clean resized
}

rolled_back()
{
    local point
    volume snapshot create $ONE $SNAP >/dev/null
    for point in rolling rolled; do
        rbd bench --io-type write --io-size 1M --io-total 8M --io-threads 1 \
            volumes/volume-$ONE >/dev/null 2>&1
        killed $point snapshot rollback $ONE $SNAP
        is "killed at $point: as it is shown" "$(status_of $ONE)" 'at work'
        like 'nothing else is done with it' "$(volume resize $ONE 32MiB)" \
            'between two states'
        is 'nor is it taken for whole then' "$(status_of $ONE)" half-made
        like 'no clone is made of it' "$(volume clone --id $TWO $ONE)" \
            'between two states'
        like 'the next one goes on' "$(volume snapshot rollback $ONE $SNAP)" \
            'rolled back to'
        ok 'to the end' same $ONE
        is 'then it is whole' "$(status_of $ONE)" available
        failed $point snapshot rollback $ONE $SNAP
        volume snapshot rollback $ONE $SNAP >/dev/null
    done
    volume snapshot rm $ONE $SNAP >/dev/null
    clean 'rolled back'
}

# A clone in format 2 says that it is one by a feature of its own.
features()
{
    rbd info --format json "volumes/volume-$1" | jq -c '[(.features - ["operations"]), .flags]'
}

flattened()
{
    local point before
    for point in flattening flattened map-noted map-off map-on map-rebuilt \
        unprotected unsnapped; do
        volume clone --id $TWO $ONE >/dev/null
        before=$(features $TWO)
        killed $point flatten --wait $TWO
        ok "killed at $point: it reads as before" same $TWO
        ok 'the next one flattens it' volume flatten --wait $TWO
        is 'or has nothing to do' "$(volume flatten $TWO)" \
            "volumes/volume-$TWO: stands alone already"
        ok 'and it still does' same $TWO
        is 'with the features of before' "$(features $TWO)" "$before"
        unlike 'and no note' "$(rbd image-meta list volumes/volume-$TWO)" \
            'remora.'
        is 'the snapshot that it hung from is gone' "$(snaps_of $ONE)" ''
        clean $point
    done
}

flattened_by_another()
{
    volume clone --id $TWO $ONE >/dev/null
    killed flattening flatten --wait $TWO
    is 'killed at flattening: as it is shown' "$(status_of $TWO)" 'at work'
    rbd flatten --no-progress volumes/volume-$TWO
    rbd image-meta remove volumes/volume-$TWO remora.flatten
    like 'flattened by another: the snapshot is there' "$(snaps_of $ONE)" \
        "volume-$TWO.clone_snap"
}

# To the end, by somebody who knows nothing of the snapshot, as remorad.
by_another()
{
    local what
    for what in flatten rm; do
        flattened_by_another
        ok "until the next $what" volume $what $TWO
        is 'then it is gone' "$(snaps_of $ONE)" ''
        [ $what = rm ] ||
            unlike 'and the note with it' \
                "$(rbd image-meta list volumes/volume-$TWO)" 'remora.'
        clean "$what, by another"
    done
    # After that nobody would find the note.
    flattened_by_another
    ok 'or until it has another name' volume release $TWO other
    is 'then it is gone, too' "$(snaps_of $ONE)" ''
    unlike 'with the note' "$(rbd image-meta list volumes/other)" 'remora.'
    rbd rm --no-progress volumes/other
    clean 'renamed, by another'
}

has_map()
{
    rbd info --format json volumes/volume-$TWO |
        jq -e '.parent == null and (.features | index("object-map"))' >/dev/null
}

# Interrupted, or failed, when it has no parent any more: then the rest is done.
late()
{
    local before job hold=$BED/tmp/hold
    volume clone --id $TWO $ONE >/dev/null
    before=$(features $TWO)
    touch "$hold"
    # Not by a function: a shell's job would be a shell.
    REMORA_FAULT=map-on=hold REMORA_FAULT_HOLD=$hold "$BED_INST/bin/remora" \
        volume flatten --wait $TWO >"$BED/tmp/said" 2>&1 &
    job=$!
    ok 'it stands alone, and its object map is to be rebuilt' \
        bed_wait 90 has_map
    kill -INT "$job"
    rm "$hold"
    ok 'interrupted then, it does the rest' wait "$job"
    done_late "$before"
    volume clone --id $TWO $ONE >/dev/null
    # Only the first time.
    REMORA_FAULT=map-rebuilt=error:5@1 volume flatten --wait $TWO \
        >"$BED/tmp/said"
    like 'failed then, it does, too' "$(<"$BED/tmp/said")" flattened
    done_late "$before"
}

# What is left to do, of one that stands alone already, can be cancelled.
late_cancelled()
{
    local job hold=$BED/tmp/hold before
    volume clone --id $TWO $ONE >/dev/null
    before=$(features $TWO)
    killed map-on flatten --wait $TWO
    ok 'killed before its object map is whole' has_map
    rbd feature disable volumes/volume-$TWO fast-diff object-map
    touch "$hold"
    REMORA_FAULT=map-on=hold REMORA_FAULT_HOLD=$hold "$BED_INST/bin/remora" \
        volume flatten $TWO >"$BED/tmp/said" 2>&1 &
    job=$!
    ok 'the next call rebuilds it' bed_wait 90 has_map
    kill -INT "$job"
    rm "$hold"
    ok 'interrupted, it fails' eval '! wait "$job"'
    like 'and says what is left' "$(<"$BED/tmp/said")" \
        'stands alone, but rebuilding its object map was cancelled'
    is 'the next one does that' "$(volume flatten $TWO)" \
        "volumes/volume-$TWO: stands alone already"
    done_late "$before"
}

# done_late FEATURES
done_late()
{
    is 'with the features of before' "$(features $TWO)" "$1"
    unlike 'no note' "$(rbd image-meta list volumes/volume-$TWO)" 'remora.'
    is 'and no snapshot' "$(snaps_of $ONE)" ''
    ok 'it reads as before' same $TWO
    clean late
}

removed()
{
    local point
    # At the first time its parent's snapshot, which was made for it alone.
    for point in unprotected unsnapped; do
        volume clone --id $TWO $ONE >/dev/null
        killed $point rm $TWO
        is "a clone's removal is killed at $point: the next one removes it" \
            "$(volume rm $TWO)" "volumes/volume-$TWO: removed"
        is 'and the snapshot that it hung from' "$(snaps_of $ONE)" ''
        clean "$point of the parent"
    done
    for point in unprotected unsnapped; do
        volume clone --id $TWO $ONE >/dev/null
        rbd snap create --no-progress volumes/volume-$TWO@volume-x.clone_snap
        rbd snap protect volumes/volume-$TWO@volume-x.clone_snap
        killed $point rm $TWO
        is "a removal is killed at $point: the next one removes it" \
            "$(volume rm $TWO)" "volumes/volume-$TWO: removed"
        clean "$point"
    done
}

renamed()
{
    local point
    for point in renaming renamed; do
        rbd create --size 16M volumes/mine
        killed $point adopt --id $TWO mine
        [ $point = renamed ] ||
            is "killed at $point: the next one adopts it" \
                "$(volume adopt --id $TWO mine)" $TWO
        # Of one that was renamed it only gives the old name's claim up.
        volume adopt --id $TWO mine >/dev/null
        volume release $TWO other >/dev/null
        is 'it has one name' "$(rbd ls volumes | grep -v $ONE)" other
        is 'and can go' "$(volume adopt --id $TWO other)" $TWO
        clean "$point"
    done
}

limited()
{
    killed qos qos $ONE iops_limit=10 bps_limit=10
    unwatched $ONE
    ok 'limits that were set in vain can be set again' \
        volume qos $ONE iops_limit=10 bps_limit=10
    like 'it fails there: and says so' \
        "$(REMORA_FAULT=volume-qos=error:5@2 volume qos $ONE iops_limit=1 \
            bps_limit=1)" 'which is as before'
    is 'and so it is' "$(remora volume qos --json $ONE |
        jq -c '[.iops_limit, .bps_limit]')" '[10,10]'
    volume qos $ONE iops_limit=0 bps_limit=0 >/dev/null
    clean limits
}

sparsified()
{
    killed sparsifying sparsify $ONE
    ok 'killed at sparsifying: it is whole' same $ONE
    like 'the next one does it' "$(volume sparsify $ONE)" sparsified
    failed sparsifying sparsify $ONE
    clean sparsifying
}

# in_two COMMAND...: with vms as another pool for volumes.
in_two()
{
    "$BED_INST/bin/remora" -c /etc/remora/two.conf volume "$@" 2>&1
}

moved()
{
    local point
    cat >/etc/remora/two.conf <<'CONF'
pools = { volumes = [ "volumes", "vms" ]; };
CONF
    for point in moving moved; do
        TESTED[volume-$point]=yes
        (REMORA_FAULT=volume-$point=kill in_two migrate $ONE vms; :) \
            >/dev/null 2>&1
        is "killed at $point: the next one moves it" \
            "$(in_two migrate $ONE vms)" "vms/volume-$ONE: moved there"
        is 'back again' "$(in_two migrate vms/$ONE volumes)" \
            "volumes/volume-$ONE: moved there"
        ok 'whole' same $ONE
        like "it fails at $point: and says so" \
            "$(REMORA_FAULT=volume-$point=error:5 in_two migrate $ONE vms)" \
            'Input/output error'
        is 'it is where it was' "$(status_of $ONE)" available
        ok 'and whole' same $ONE
    done
    flattened_by_another
    is 'or until it moves' "$(in_two migrate $TWO vms)" \
        "vms/volume-$TWO: moved there"
    is 'then it is gone, too' "$(snaps_of $ONE)" ''
    in_two rm vms/$TWO >/dev/null
    BEFORE=$(everything)
}

# Killed with a header in it, or without: that is no whole volume, whoever finds it.
encrypted()
{
    local point how=(create --id "$TWO" --luks 1
        --passphrase-file "$FILE.pass" 16MiB)
    printf secret >"$FILE.pass"
    for point in marked encrypted fitted; do
        killed $point "${how[@]}"
        unwatched $TWO
        is "killed at $point: as it is shown" "$(status_of $TWO)" 'being made'
        like 'nothing is done with it' "$(volume resize $TWO 1GiB)" \
            'is half-made'
        is 'the next one makes it' "$(volume "${how[@]}")" $TWO
        is 'whole' "$(remora volume show --json $TWO |
            jq -c '[.status, .encryption]')" '["available","luks1"]'
        clean "$point"
        killed $point "${how[@]}"
        unwatched $TWO
        clean "$point, in vain"
        failed $point "${how[@]}"
        clean "$point fails"
    done
}

imaged()
{
    TESTED[volume-sealed]=yes
    (REMORA_FAULT=volume-sealed=kill remora "${ALL[@]}" volume to-image \
        --id $TWO $ONE; :) >/dev/null 2>&1
    is 'killed at sealed: the next one makes it anew' \
        "$(remora "${ALL[@]}" volume to-image --id $TWO $ONE)" $TWO
    is 'whole' "$(remora image show --json $TWO | jq -c .complete)" true
    remora "${ALL[@]}" image rm $TWO >/dev/null
    clean sealed
}

exported()
{
    local out=$FILE.out
    killed exporting to-image $ONE --file "$out"
    ok 'an export is killed: there is no file' [ ! -e "$out" ]
    is 'the next one writes it' "$(volume to-image $ONE --file "$out")" ''
    ok 'whole' cmp -n $((12 * MiB)) "$out" "$FILE"
    rm -f "$out"
    failed exporting to-image $ONE --file "$out"
    ok 'there is no file, again' [ ! -e "$out" ]
    volume snapshot rm $ONE "$(rbd snap ls --format json volumes/volume-$ONE |
        jq -r '.[].name')" >/dev/null
    left_by_export "$out"
    clean exporting
}

# left_said POINTS COMMAND...: what one says that cannot remove its snapshot, and
# its status.
left_said()
{
    REMORA_FAULT=$1 quietly remora "${ALL[@]}" volume "${@:2}" >"$BED/tmp/said"
    local status=$?
    grep -v ^REMORA_FAULT "$BED/tmp/said"
    echo "$status"
}

# By an export that may not remove its snapshot, whether or not it wrote the file.
left_by_export()
{
    local said points=volume-unprotected=error:5
    said=$(left_said $points to-image $ONE --file "$1")
    like 'a snapshot that cannot be removed is named' "$said" \
        "it is written, but cannot remove snapshot 'volumes/volume-$ONE@volume-"
    is 'in one line, and a status' "$(sed 1d <<<"$said")" 1
    ok 'the file is there, whole' cmp -n $((12 * MiB)) "$1" "$FILE"
    removes_left 'what is said removes it' "$said"
    rm -f "$1"
    said=$(left_said $points,volume-exporting=error:5 to-image $ONE --file "$1")
    like 'after a failure, too' "$(sed -n 2p <<<"$said")" \
        "cannot remove snapshot 'volumes/volume-$ONE@volume-"
    like 'whose cause is said first' "$(sed -n 1p <<<"$said")" 'cannot read'
    is 'with the same status' "$(sed 1,2d <<<"$said")" 1
    ok 'there is no file then' [ ! -e "$1" ]
    removes_left 'that is removed, too' "$said"
}

# removes_left WHAT SAID: the command in it.
removes_left()
{
    local command
    command=$(sed -n 's/.*(\(remora volume snapshot rm [^)]*\)).*/\1/p' <<<"$2")
    # shellcheck disable=SC2086 # its words
    ok "$1" ${command:-false}
    is 'and nothing is left' "$(snaps_of $ONE)" ''
}

# The same of a clone, and of an image. left_by_clone SNAPSHOT COMMAND...
left_by_clone()
{
    local said points=volume-unprotected=error:5 snap=$1
    shift
    said=$(left_said $points "$@" --id $TWO $ONE)
    like "$1: it is made" "$said" "$TWO"
    like 'a snapshot that cannot be removed is named' "$said" \
        "it is made, but cannot remove snapshot 'volumes/volume-$ONE@$snap"
    is 'in one line, and a status' \
        "$(grep -v -x $TWO <<<"$said" | sed 1d)" 1
    removes_left 'what is said removes it' "$said"
}

cloned_left()
{
    local said
    left_by_clone volume-$TWO.clone_snap clone --flatten
    is 'it stands alone' "$(remora volume show --json $TWO |
        jq -c '[.status, .depth]')" '["available",0]'
    ok 'whole' same $TWO
    volume rm $TWO >/dev/null
    said=$(left_said volume-unprotected=error:5,volume-grown=error:5 \
        clone --id $TWO $ONE)
    like 'after a failure, too, whose cause is said first' \
        "$(sed -n 1p <<<"$said")" 'cannot finish the clone'
    like 'then that it is left' "$(sed -n 2p <<<"$said")" \
        "cannot remove snapshot 'volumes/volume-$ONE@volume-$TWO.clone_snap"
    purge
    removes_left 'which is removed as it is said' "$said"
    clean 'clones that leave a snapshot'
    left_by_clone $TWO.clone_snap to-image
    is 'the image is whole' "$(remora image show --json $TWO |
        jq -c .complete)" true
    remora "${ALL[@]}" image rm $TWO >/dev/null
    clean 'images that leave a snapshot'
}

all_points()
{
    is 'each point of the header was tested' \
        "$(printf '%s\n' "${!TESTED[@]}" | sort)" \
        "$(sed -n 's/^ \*     \(volume-[a-z-]*\) .*/\1/p' "$FAULTS_H" | sort)"
}

# ---- at random -------------------------------------------------------------

# Of one that is gone, but for its claim, too. A dead client watches what it had
# open for a while.
gone_with_all()
{
    volume rm $TWO >"$BED/tmp/said"
    purge
    [ -z "$(status_of $TWO)$(snaps_of $ONE)" ] || return
    [ "$(everything)" = "$BEFORE" ]
}

at_random()
{
    local i bad=0 stuck=0
    for ((i = 0; i < ROUNDS; i++)); do
        (REMORA_FAULT=claim-created=timer:$((RANDOM * 8)) \
            volume clone --id $TWO $ONE; :) >/dev/null 2>&1
        unwatched $ONE
        [ "$(status_of $TWO)" != available ] || same $TWO || {
            bad=$((bad + 1))
            diag "killed, and not whole: $(remora volume show $TWO 2>&1)"
        }
        # What librbd touches after it was freed makes it abort.
        MALLOC_PERTURB_=165 volume clone --id $TWO $ONE >"$BED/tmp/said"
        grep -q -e "^$TWO" -e 'is there already' "$BED/tmp/said" || {
            stuck=$((stuck + 1))
            diag "$(<"$BED/tmp/said")"
        }
        same $TWO || {
            bad=$((bad + 1))
            diag "made, and not whole: $(remora volume show $TWO 2>&1)"
        }
        (REMORA_FAULT=claim-created=timer:$((RANDOM * 3)) \
            volume resize $TWO 64MiB; :) >/dev/null 2>&1
        volume resize $TWO 64MiB >/dev/null && same $TWO || bad=$((bad + 1))
        (REMORA_FAULT=claim-created=timer:$((RANDOM * 4)) \
            volume rm $TWO; :) >/dev/null 2>&1
        bed_wait 60 gone_with_all || {
            stuck=$((stuck + 1))
            diag "left: $(snaps_of $ONE) $(everything), $(<"$BED/tmp/said")"
        }
        purge
    done
    is 'none that looks whole is not' "$bad" 0
    is 'after each the next one works' "$stuck" 0
    clean 'at random'
}

inside()
{
    bed_need_remora
    parts
    created
    cloned
    snapped
    resized
    rolled_back
    flattened
    by_another
    late
    late_cancelled
    removed
    renamed
    limited
    sparsified
    moved
    encrypted
    imaged
    exported
    cloned_left
    all_points
    at_random
    volume rm $ONE >/dev/null
    bed_wait 20 eval '[ "$(everything)" = "$NOTHING" ]'
    is 'nothing is left' "$(everything)" "$NOTHING"
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside
tap_done
