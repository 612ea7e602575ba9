#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/trash.t - the trash is listed, and goes when it may
#
# What was put there long enough ago is removed, by the cluster's task queue or
# here, and nothing else: not what is to be kept yet, nor what has clones,
# snapshots or somebody who writes to it. With the clone of a volume goes the snapshot
# that was made for it alone, and no other. Killed at each point, the next call goes
# on.
#
# Needs: root, the packages of lib/packages.sh, remora with fault points.
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
THREE=2c64fa67-3e34-42e7-b7b0-423c11850e18
SNAP=5a64fa67-3e34-42e7-b7b0-423c11850e18
FAULTS_H=$here/../agent/rbd/conn/fault.h
MiB=$((1024 * 1024))
declare -A TESTED

volume()
{
    remora volume "$@"
}

trash()
{
    remora trash "$@"
}

everything()
{
    rados -p volumes ls |
        grep -v -x 'rbd_\(trash\|children\|info\|directory\|task\)' | sort
}

# trashed NAME [SECONDS]: an image with data goes to the trash, to be kept so long.
trashed()
{
    rbd create --object-size 8K --size 1M "volumes/$1"
    rbd bench --io-type write --io-size 8K --io-total 1M "volumes/$1" \
        >/dev/null 2>&1
    rbd trash mv "volumes/$1" ${2:+--expires-at "@$(($(date +%s) + $2))"}
    # Of the second in which its time ends it has not ended.
    sleep 1.1
}

# id_of NAME: what it is called in the trash.
id_of()
{
    rbd trash ls volumes --format json |
        jq -r --arg name "$1" '.[] | select(.name == $name) | .id'
}

in_trash()
{
    rbd trash ls volumes --format json | jq -r '.[].name' | sort | tr '\n' ' '
}

# What became of each image of the last purge, in the order of their names.
results()
{
    jq -r '.images | sort_by(.image)[] | "\(.image) \(.result)"' "$BED/tmp/said"
}

# purged OPTION...: as JSON, and what becomes of it.
purged()
{
    remora trash purge --json "$@" >"$BED/tmp/said" 2>"$BED/tmp/err"
    CODE=$?
}

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    NOTHING=$(everything)
}

gone()
{
    bed_wait 20 eval '[ "$(everything)" = "$NOTHING" ]'
    is "$1: nothing is left" "$(everything)" "$NOTHING"
}

# ---- what is there ------------------------------------------------------------

listed()
{
    local before
    is 'nothing is in the trash' "$(trash list)" ''
    is 'as JSON' "$(trash list --json | jq -c .)" '{"images":[]}'
    before=$(date +%s)
    volume create --id $ONE 16MiB >/dev/null
    volume rm --trash $ONE >/dev/null
    is 'what was put there is listed' "$(trash list --json | jq -c '.images[] |
        [.image, .pool, .size, .source, .host, .why]')" \
        "[\"volume-$ONE\",\"volumes\",$((16 * MiB)),\"user\",\"$(hostname)\",\"moved there by 'remora volume rm --trash'\"]"
    is 'with its id, and since when until when' \
        "$(trash list --json volumes | jq -c --arg id "$(id_of "volume-$ONE")" \
            --argjson before "$before" '.images[] | [.id == $id,
            .deleted >= $before, .deleted < $before + 60,
            .expires > .deleted + 3600]')" '[true,true,true,true]'
    like 'to people, too' "$(trash list | tr -s ' ')" "volume-$ONE volumes"
    is 'not in another pool' "$(trash list vms)" ''
    refuses 'a pool that is none of ours' 'none of the configured' \
        trash list nowhere
    refuses 'two pools' 'one pool is taken' trash list vms volumes
    trashed theirs 3600
    is "somebody else's is listed, too" "$(trash list --json | jq -c \
        '.images[] | select(.image == "theirs") | [.size, .source, .host, .why]')" \
        "[$MiB,\"user\",null,null]"
    is 'pools complete a line' "$(remora complete -- trash purge vo)" volumes
    purged volumes
    is 'before their time nothing is purged' "$CODE $(jq -c . "$BED/tmp/said")" \
        '0 {"images":[]}'
    is 'and they stay' "$(in_trash)" "theirs volume-$ONE "
    rbd trash rm --force --no-progress "volumes/$(id_of theirs)" >/dev/null 2>&1
    rbd trash rm --force --no-progress "volumes/$(id_of "volume-$ONE")" \
        >/dev/null 2>&1
    gone 'removed by hand'
}

# ---- what goes ---------------------------------------------------------------

by_queue()
{
    trashed old
    trashed young 3600
    purged --dry-run
    is 'what would go is said' "$CODE $(results)" '0 old expired'
    is 'and has not gone' "$(in_trash)" 'old young '
    purged
    is 'the cluster is told to' "$CODE $(results)" '0 old queued'
    ok 'and does it' bed_wait 60 eval '[ "$(in_trash)" = "young " ]'
    trashed old
    trashed older
    purged --wait volumes
    is 'or it is waited for' "$CODE $(results)" '0 old removed
older removed'
    is 'what is to be kept is there' "$(in_trash)" 'young '
    is 'no task is left' "$(ceph rbd task list | jq length)" 0
    trashed old
    like 'to people' "$(trash purge --wait | tr -s ' ')" '1 MiB removed'
    rbd trash rm --force --no-progress "volumes/$(id_of young)" >/dev/null 2>&1
    gone 'by the queue'
}

# Without a manager, and with one that hangs.
here()
{
    trashed old
    cluster_stop_mgr
    purged
    is 'without a manager it is done here' "$CODE $(results)" '0 old removed'
    cluster_start_mgr
    trashed old
    cluster_pause mgr.x
    purged --wait
    is 'with one that hangs, too' "$CODE $(results)" '0 old removed'
    cluster_resume mgr.x
    trashed old
    REMORA_FAULT=purge-queueing=error:13 purged
    is 'and with one that lets us not' "$CODE $(results)" '0 old removed'
    gone here
}

# As old, of many small objects that are removed one after another.
trashed_slow()
{
    ceph config set global rbd_concurrent_management_ops 1
    rbd create --object-size 4K --size 16M volumes/old
    rbd bench --io-type write --io-size 64K --io-total 16M volumes/old \
        >/dev/null 2>&1
    rbd trash mv volumes/old
    sleep 1.1
}

# The manager hangs while it removes an image: its watch ends, and then we do it.
hangs()
{
    local job
    trashed_slow
    "$BED_INST/bin/remora" trash purge --json --wait >"$BED/tmp/said" \
        2>/dev/null &
    job=$!
    ok 'the manager has it' bed_wait 60 eval \
        'ceph rbd task list | grep -q "trash remove"'
    cluster_pause mgr.x
    ok 'it hangs then: it is removed all the same' wait "$job"
    is 'here' "$(results)" 'old removed'
    cluster_resume mgr.x
    ceph config rm global rbd_concurrent_management_ops
    ok 'and the manager finds nothing to do' bed_wait 120 eval \
        '[ "$(ceph rbd task list | jq length)" = 0 ]'
    gone hangs
}

# ---- what stays ----------------------------------------------------------------

left()
{
    volume create --id $ONE 16MiB >/dev/null
    volume clone --id $TWO $ONE >/dev/null
    is 'a volume that a clone needs goes to the trash' \
        "$(volume rm --json $ONE | jq -c .)" '{"trashed":true}'
    let_expire "volume-$ONE"
    purged
    is 'and stays there' "$CODE $(results)" "4 volume-$ONE left"
    like 'its clone is named' "$(jq -r '.images[].why' "$BED/tmp/said")" \
        "its clones need it: 'volumes/volume-$TWO'"
    like 'and that not all is removed' "$(<"$BED/tmp/err")" '1 in use'
    volume create --id $THREE 16MiB >/dev/null
    volume snapshot create $THREE $SNAP >/dev/null
    volume rm --trash $THREE >/dev/null
    let_expire "volume-$THREE"
    purged
    is 'so does one with a snapshot' "$CODE $(results)" "4 volume-$ONE left
volume-$THREE left"
    like 'which is said' "$(jq -r '.images[].why' "$BED/tmp/said")" \
        'it has snapshots'
    rbd trash restore volumes/"$(id_of "volume-$THREE")"
    volume snapshot rm $THREE $SNAP >/dev/null
    volume rm $THREE >/dev/null
    volume rm --trash $TWO >/dev/null
    let_expire "volume-$TWO"
    purged --dry-run
    is 'with the last clone its parent would go' "$CODE $(results)" \
        "0 volume-$ONE pending
volume-$TWO expired"
    like 'after which' "$(jq -r '.images[] | select(.result == "pending").why' \
        "$BED/tmp/said")" 'its clones go first'
    purged --wait
    is 'and it goes with it' "$CODE $(results)" \
        "0 volume-$ONE removed
volume-$TWO removed"
    gone 'a parent and its clone'
}

# let_expire NAME: what remora keeps for a week is to be kept no more.
let_expire()
{
    rbd trash restore "volumes/$(id_of "$1")" && rbd trash mv "volumes/$1"
    sleep 1.1
}

# A snapshot that somebody asked for is in the way when its clone is gone, too.
left_behind_clone()
{
    volume create --id $ONE 16MiB >/dev/null
    volume snapshot create $ONE $SNAP >/dev/null
    volume clone --id $TWO $ONE@$SNAP >/dev/null
    volume rm --trash $ONE >/dev/null
    volume rm --trash $TWO >/dev/null
    let_expire "volume-$ONE"
    let_expire "volume-$TWO"
    purged --dry-run
    is 'a parent with a snapshot of its own would stay' "$CODE $(results)" \
        "4 volume-$ONE left
volume-$TWO expired"
    purged --wait
    is 'and does' "$CODE $(results)" "4 volume-$ONE left
volume-$TWO removed"
    rbd trash restore volumes/"$(id_of "volume-$ONE")"
    volume snapshot rm $ONE $SNAP >/dev/null
    volume rm $ONE >/dev/null
    gone 'a parent with a snapshot'
}

# In the pool that is looked at first, or last.
other_pool()
{
    rbd create --size 1M "$1/parent"
    rbd snap create --no-progress "$1/parent@s"
    rbd clone --rbd-default-clone-format 2 "$1/parent@s" "$2/clone"
    rbd snap rm --no-progress "$1/parent@s"
    rbd trash mv "$1/parent"
    rbd trash mv "$2/clone"
    sleep 1.1
}

pools()
{
    other_pool volumes vms
    purged --dry-run
    is 'a clone in a pool before would go first' "$CODE $(results)" \
        '0 clone expired
parent pending'
    purged --wait
    is 'and does' "$CODE $(results)" '0 clone removed
parent removed'
    other_pool vms volumes
    purged --dry-run
    is 'one in a pool behind would go too late' "$CODE $(results)" \
        '4 clone expired
parent left'
    purged --wait
    is 'and does so' "$CODE $(results)" '4 clone removed
parent left'
    purged --wait
    is 'the next one removes the rest' "$CODE $(results)" '0 parent removed'
    gone pools
}

# ---- what was made for a clone alone -------------------------------------------

# snaps NAME: its snapshots, and those that only clones keep.
snaps()
{
    rbd snap ls --all --format json "volumes/$1" | jq -r '.[].name' | xargs
}

OWN=volume-$TWO.clone_snap

# clone_in_trash [COMMAND...]: of a volume, after that was done with it.
clone_in_trash()
{
    volume create --id $ONE 16MiB >/dev/null
    volume clone --id $TWO $ONE >/dev/null
    [ $# = 0 ] || "$@"
    rbd trash mv volumes/volume-$TWO
    sleep 1.1
}

# own_gone TITLE: with the clone, whatever the trash of snapshots hides.
own_gone()
{
    ok "$1: the clone is gone" bed_wait 60 eval '[ -z "$(in_trash)" ]'
    is 'and nothing of it is left at its source' "$(snaps volume-$ONE)" ''
    volume rm $ONE >/dev/null
    gone "$1"
}

owes()
{
    rbd image-meta set volumes/volume-$TWO remora.flatten \
        "id=$(rbd info --format json volumes/volume-$TWO | jq -r .id)"
}

# noted [POOL]: as one that was flattened while nobody waited for that, from a source
# there.
noted()
{
    local pool=${1:-volumes} id of snap
    id=$(rbd info --format json volumes/volume-$TWO | jq -r .id)
    of=$(rbd info --format json volumes/volume-$ONE | jq -r .id)
    snap=$(rbd snap ls --format json volumes/volume-$ONE | jq -r '.[].id')
    rbd flatten --no-progress volumes/volume-$TWO
    rbd image-meta set volumes/volume-$TWO remora.clone-snap \
        "id=$id pool=$(ceph osd pool ls detail --format json |
            jq -r --arg pool "$pool" '.[] | select(.pool_name == $pool).pool_id'
            ) space= image=$of snap=$OWN snap_id=$snap"
}

# In format 1, as Cinder's is by default, and one more of the same snapshot.
in_format_1()
{
    volume rm $TWO >/dev/null
    rbd snap create --no-progress volumes/volume-$ONE@$OWN
    rbd snap protect volumes/volume-$ONE@$OWN
    rbd clone --rbd-default-clone-format 1 volumes/volume-$ONE@$OWN \
        volumes/volume-$TWO
    [ -z "${1-}" ] || rbd clone --rbd-default-clone-format 1 \
        volumes/volume-$ONE@$OWN "$1"
}

own_snaps()
{
    clone_in_trash
    is "a clone's snapshot stays as long as the clone does" \
        "$(snaps volume-$ONE)" "$OWN"
    purged --dry-run
    is 'it would go' "$CODE $(results)" "0 volume-$TWO expired"
    is 'and nothing has happened to its snapshot' "$(snaps volume-$ONE)" "$OWN"
    purged
    is 'purged, and nobody waits' "$CODE $(results | sed 's/queued/removed/')" \
        "0 volume-$TWO removed"
    own_gone 'without --wait'
    clone_in_trash
    purged --wait
    is 'purged' "$CODE $(results)" "0 volume-$TWO removed"
    own_gone 'with --wait'
    clone_in_trash owes
    purged
    is 'one that somebody may flatten goes here' "$CODE $(results)" \
        "0 volume-$TWO removed"
    own_gone 'with a mark'
    clone_in_trash noted
    purged --wait
    is 'one that was flattened goes' "$CODE $(results)" \
        "0 volume-$TWO removed"
    own_gone 'with a note'
    clone_in_trash in_format_1
    purged
    is 'one of format 1 goes here' "$CODE $(results)" "0 volume-$TWO removed"
    own_gone 'of format 1'
    clone_in_trash rbd rename volumes/volume-$ONE volumes/volume-$ONE.deleted
    purged
    is 'what Cinder had kept for it goes with it' "$CODE $(results)" \
        "0 volume-$TWO removed"
    gone 'what Cinder had kept'
    # Its source is in the trash, with its snapshots.
    clone_in_trash volume rm --trash $ONE
    let_expire "volume-$ONE"
    purged --dry-run
    is 'a source in the trash would go behind it' "$CODE $(results)" \
        "0 volume-$ONE pending
volume-$TWO expired"
    purged --wait
    is 'and does' "$CODE $(results)" "0 volume-$ONE removed
volume-$TWO removed"
    gone 'a source in the trash'
}

# What others need, or somebody asked for, or is another one's by now.
others_snaps()
{
    clone_in_trash in_format_1 volumes/other
    purged --wait
    is 'a clone goes whose snapshot has another one' "$CODE $(results)" \
        "0 volume-$TWO removed"
    is 'which keeps it' "$(snaps volume-$ONE)" "$OWN"
    ok 'and reads' rbd export --no-progress volumes/other "$BED/tmp/other"
    rbd rm --no-progress volumes/other
    volume rm $ONE >/dev/null
    volume create --id $ONE 16MiB >/dev/null
    volume snapshot create $ONE $SNAP >/dev/null
    volume clone --id $TWO $ONE@$SNAP >/dev/null
    rbd trash mv volumes/volume-$TWO
    sleep 1.1
    purged --wait
    is 'the clone of a snapshot goes' "$CODE $(results)" \
        "0 volume-$TWO removed"
    is 'without that' "$(snaps volume-$ONE)" snapshot-$SNAP
    volume snapshot rm $ONE $SNAP >/dev/null
    volume clone --id $TWO $ONE >/dev/null
    rbd trash mv volumes/volume-$TWO
    sleep 1.1
    volume clone --id $TWO $ONE >/dev/null
    purged --wait
    is 'one goes whose name another one has by now' "$CODE $(results)" \
        "0 volume-$TWO removed"
    is 'and that one keeps its snapshot' "$(snaps volume-$ONE)" "$OWN"
    volume rm $TWO >/dev/null
    volume rm $ONE >/dev/null
    gone "others' snapshots"
}

# It cannot be removed, and who is killed.
own_stays()
{
    local why
    clone_in_trash
    REMORA_FAULT=volume-unprotected=error:5 purged --wait
    is 'a clone is gone whose snapshot cannot be removed' "$CODE $(results)" \
        "1 volume-$TWO removed"
    why=$(jq -r '.images[].why' "$BED/tmp/said")
    like 'which is said' "$why" \
        "cannot remove the snapshot 'volumes/volume-$ONE@$OWN'"
    like 'in one line' "$(<"$BED/tmp/err")" 'not the snapshots of 1 clone'
    is 'and it is there' "$(snaps volume-$ONE)" "$OWN"
    # shellcheck disable=SC2046 # a command
    ok 'what it says removes it' $(sed 's/.*(\(.*\))$/\1/' <<<"$why")
    own_gone 'after a failure'
    clone_in_trash
    REMORA_FAULT=purge-queueing=error:13,purging=error:5 purged
    is 'one that cannot be removed stays' "$CODE $(results)" \
        "1 volume-$TWO failed"
    ok 'and can come back' rbd trash restore \
        "volumes/$(id_of "volume-$TWO")"
    ok 'with its content' rbd export --no-progress volumes/volume-$TWO \
        "$BED/tmp/back"
    rbd trash mv volumes/volume-$TWO
    sleep 1.1
    purged --wait
    own_gone 'after it had come back'
    ceph osd pool create theirs 1 >/dev/null 2>&1
    clone_in_trash noted theirs
    purged --wait
    is 'one of which that cannot be told stays' "$CODE $(results)" \
        "1 volume-$TWO failed"
    like 'and why' "$(jq -r '.images[].why' "$BED/tmp/said")" \
        "cannot look for the snapshot '$OWN'"
    rbd trash rm --no-progress "volumes/$(id_of "volume-$TWO")" >/dev/null 2>&1
    volume snapshot rm $ONE $OWN >/dev/null
    own_gone 'by hand'
    clone_in_trash
    (REMORA_FAULT=volume-unsnapped=kill remora trash purge --wait; exit $?) \
        >/dev/null 2>&1
    is 'it is killed between snapshot and clone' $? 137
    ok 'the next one purges both' \
        bed_wait 90 eval 'purged --wait; [ $CODE = 0 ]'
    own_gone 'killed'
}

# What is said then is for rbd, which is to be told the namespace.
own_in_namespace()
{
    local why where
    rbd namespace create vms/space
    rbd create --size 16M vms/space/source
    rbd snap create --no-progress "vms/space/source@$OWN"
    rbd snap protect "vms/space/source@$OWN"
    rbd clone --rbd-default-clone-format 2 "vms/space/source@$OWN" \
        volumes/volume-$TWO
    rbd trash mv volumes/volume-$TWO
    sleep 1.1
    REMORA_FAULT=volume-unprotected=error:5 purged --wait
    why=$(jq -r '.images[].why' "$BED/tmp/said")
    like 'in a namespace: it is said which snapshot stays' "$why" \
        "cannot remove the snapshot 'vms/space/source@$OWN'"
    where=$(sed 's/.*(rbd snap unprotect and rbd snap rm, \(.*\))$/\1/' <<<"$why")
    # Its protection has gone already, or not.
    # shellcheck disable=SC2086 # words
    rbd snap unprotect $where >/dev/null 2>&1
    # shellcheck disable=SC2086
    ok 'in a namespace: what it says removes it' rbd snap rm --no-progress $where
    is 'in a namespace: nothing else is there' "$(rbd snap ls vms/space/source)" ''
    rbd rm --no-progress vms/space/source
    rbd namespace rm vms/space
}

# It would be kept there for ever by a snapshot that nobody needs.
source_in_trash()
{
    local id
    volume create --id $ONE 16MiB >/dev/null
    volume clone --id $TWO $ONE >/dev/null
    rbd trash mv volumes/volume-$ONE
    id=$(id_of "volume-$ONE")
    ok 'source in the trash: its clone is flattened' volume flatten --wait $TWO
    is 'source in the trash: the snapshot is gone' \
        "$(rbd snap ls --pool volumes --image-id "$id" 2>&1)" ''
    sleep 1.1
    purged --wait
    is 'source in the trash: it is purged' "$CODE $(results)" \
        "0 volume-$ONE removed"
    volume rm $TWO >/dev/null
    gone 'source in the trash'
}

watched()
{
    local job
    rbd create --size 1M volumes/old
    mkfifo "$BED/tmp/fifo"
    qemu-io -f raw "rbd:volumes/old:conf=/etc/ceph/ceph.conf" \
        <"$BED/tmp/fifo" >/dev/null 2>&1 &
    job=$!
    exec 7>"$BED/tmp/fifo"
    echo 'write 0 64k' >&7
    ok 'somebody has an image open' bed_wait 30 eval \
        '[ -n "$(cluster_watchers volumes/old)" ]'
    rbd trash mv volumes/old
    sleep 1.1
    purged --wait
    is 'in the trash it stays' "$CODE $(results)" '4 old left'
    like 'with who has it open' "$(jq -r '.images[].why' "$BED/tmp/said")" \
        'open for writing by client'
    echo quit >&7
    exec 7>&-
    wait "$job"
    ok 'until that ends' bed_wait 90 eval 'purged --wait; [ $CODE = 0 ]'
    is 'then it goes' "$(results)" 'old removed'
    gone watched
}

# ---- who is interrupted, or dies --------------------------------------------------

interrupted()
{
    local job code
    trashed_slow
    "$BED_INST/bin/remora" trash purge --json --wait >"$BED/tmp/said" \
        2>"$BED/tmp/err" &
    job=$!
    ok 'the manager is at it' bed_wait 60 eval \
        'ceph rbd task list | grep -q "trash remove"'
    kill -INT "$job"
    wait "$job"
    code=$?
    is 'interrupted, it says that' "$code $(results)" '1 old queued'
    ceph config rm global rbd_concurrent_management_ops
    ok 'and the cluster goes on, to the end' bed_wait 90 eval \
        '[ -z "$(in_trash)" ]'
    gone interrupted
}

# All of the first pool is done, and nothing of the next.
between_pools()
{
    local job code
    trashed old
    rbd create --size 1M vms/first
    rbd trash mv vms/first
    sleep 1.1
    touch "$BED/tmp/hold"
    REMORA_FAULT=purge-queueing=error:13,purged=hold \
        REMORA_FAULT_HOLD=$BED/tmp/hold "$BED_INST/bin/remora" trash purge \
        --json >"$BED/tmp/said" 2>"$BED/tmp/err" &
    job=$!
    ok 'the image of the first pool is removed' bed_wait 60 eval \
        '[ "$(rados -p vms listomapkeys rbd_trash)" = "" ]'
    kill -INT "$job"
    rm "$BED/tmp/hold"
    wait "$job"
    code=$?
    is 'interrupted, it has not failed for nothing' "$code $(results)" \
        '1 first removed'
    like 'and says that a pool is missing' "$(<"$BED/tmp/err")" \
        'interrupted, 1 of the pools not looked through'
    is 'whose image is there' "$(in_trash)" 'old '
    purged --wait
    is 'the next one removes it' "$CODE $(results)" '0 old removed'
    gone between_pools
}

# Found when it was due, and taken out of the trash before its turn.
restored()
{
    local job code id
    trashed old
    trashed newer
    id=$(id_of newer)
    touch "$BED/tmp/hold"
    REMORA_FAULT=purge-queueing=error:13,purged=hold \
        REMORA_FAULT_HOLD=$BED/tmp/hold "$BED_INST/bin/remora" trash purge \
        --json >"$BED/tmp/said" 2>"$BED/tmp/err" &
    job=$!
    ok 'the newer of two is removed' bed_wait 60 eval \
        '! rados -p volumes listomapkeys rbd_trash | grep -q "_$id$"'
    ok 'the other is restored meanwhile' \
        rbd trash restore "volumes/$(id_of old)"
    rm "$BED/tmp/hold"
    wait "$job"
    code=$?
    is 'which is not said to be removed' "$code $(results)" '4 newer removed
old left'
    is 'and why' "$(jq -r '.images[] | select(.image == "old").why' \
        "$BED/tmp/said")" 'it was restored'
    rbd rm --no-progress volumes/old
    gone restored
}

# killed POINT [HERE]: at that point; HERE: without a manager.
killed()
{
    local id
    TESTED[$1]=yes
    trashed old
    id=$(id_of old)
    [ -z "${2-}" ] || cluster_stop_mgr
    (REMORA_FAULT=$1=kill remora trash purge --wait; exit $?) >/dev/null 2>&1
    is "it is killed at $1" $? 137
    refuses_half "$1" "$id"
    # Who was killed with it open is its watcher for a while.
    ok "killed at $1: the next one purges it" \
        bed_wait 90 eval 'purged --wait; [ $CODE = 0 ]'
    is 'and nothing is in the trash' "$(in_trash)" ''
    [ -z "${2-}" ] || cluster_start_mgr
    gone "$1"
}

# refuses_half POINT ID: what has lost a part cannot come back.
refuses_half()
{
    [ "$1" = purge-progress ] || return 0
    ok 'half removed it has an id' [ -n "$2" ]
    ok 'and cannot be restored' \
        eval "! rbd trash restore volumes/$2 2>/dev/null"
}

each()
{
    # Without a queue those points are not passed.
    local untested='^purge-queue'
    if cluster_has_tasks; then
        untested='^$'
        killed purge-queueing
        killed purge-queued
    fi
    killed purging here
    killed purge-progress here
    killed purged here
    trashed old
    cluster_stop_mgr
    REMORA_FAULT=purging=error:5 purged
    is 'it fails: and says so' "$CODE $(results)" '1 old failed'
    like 'with why' "$(jq -r '.images[].why' "$BED/tmp/said")" \
        'Input/output error'
    cluster_start_mgr
    purged --wait
    gone failed
    is 'each point of the header was tested' \
        "$(printf '%s\n' "${!TESTED[@]}" | sort)" \
        "$(sed -n 's/^ \*     \(purg[a-z-]*\) .*/\1/p' "$FAULTS_H" |
            grep -v "$untested" | sort)"
}

inside()
{
    bed_need_remora
    parts
    listed
    here
    left
    left_behind_clone
    pools
    own_snaps
    others_snaps
    own_stays
    own_in_namespace
    source_in_trash
    watched
    if cluster_has_tasks; then
        by_queue
        hangs
        interrupted
    fi
    between_pools
    restored
    each
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside
tap_done
