#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/volume-move.t - a volume moves to a pool, and who copies it
#
# Not the cluster's task queue, which flattens and empties the trash: what it does
# with a migration that somebody takes back, and what a manager forgets that starts
# anew, is seen here. Interrupted, 'remora volume migrate' goes on to its end, for
# librbd's copy cannot be told to stop; clones go on reading whatever happens.
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
SNAP=5a64fa67-3e34-42e7-b7b0-423c11850e18
IMAGE=vms/volume-$ONE
CONF=/etc/remora/two.conf

volume()
{
    remora -c $CONF volume "$@"
}

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    FILE=$BED/tmp/raw
    dd if=/dev/urandom of="$FILE" bs=1M count=16 status=none
    cat >$CONF <<'CONF'
pools = { volumes = [ "volumes", "vms" ]; };
CONF
}

# Of many small objects, one copied after another, so that it takes a while.
made()
{
    volume create --id $ONE --object-size 8KiB 16MiB >/dev/null
    qemu-img convert -n -O raw "$FILE" \
        "rbd:volumes/volume-$ONE:conf=/etc/ceph/ceph.conf"
    ceph config set global rbd_concurrent_management_ops 1
}

fast()
{
    ceph config rm global rbd_concurrent_management_ops
}

# same IMAGE
same()
{
    rbd export --no-progress "$1" - | cmp - "$FILE"
}

# How far it is to move, in percent.
percent()
{
    rbd status --format json $IMAGE |
        jq -r '.migration.state_description' | sed 's/%.*//'
}

is_past()
{
    [ "$(percent)" -gt "$1" ] 2>/dev/null
}

tasks()
{
    ceph rbd task list | jq -c '.[]'
}

add_task()
{
    ceph rbd task add migration execute $IMAGE | jq -r .id
}

at_work()
{
    tasks | grep -q '"progress":0\.0*[1-9]'
}

# ---- the cluster's task queue --------------------------------------------------

# A task of that kind cannot be taken back: it goes on, and is kept nowhere.
queued()
{
    local id was
    made
    rbd migration prepare volumes/volume-$ONE $IMAGE
    id=$(add_task)
    ok 'the manager copies' bed_wait 60 at_work
    isnt 'it has the volume open' "$(cluster_watchers $IMAGE)" ''
    ceph rbd task cancel "$id"
    was=$(percent)
    is 'its task is cancelled, and kept nowhere any more' \
        "$(rados -p vms listomapkeys rbd_task)" ''
    ok 'it copies all the same' bed_wait 60 is_past $((was + 3))
    is 'asked once more, it answers with that task' "$(add_task)" "$id"
    is 'which is not kept' "$(rados -p vms listomapkeys rbd_task)" ''
    cluster_stop_mgr
    cluster_start_mgr
    ok 'another manager' bed_wait 60 eval 'tasks >/dev/null'
    is 'knows nothing of it' "$(tasks)" ''
    is 'so that nobody goes on' "$(rbd status --format json $IMAGE |
        jq -r .migration.state)" executing
    # The dead manager watches it for a while.
    ok 'remora does, when nobody has it open' bed_wait 90 eval \
        'volume migrate vms/$ONE vms >"$BED/tmp/said" 2>&1'
    is 'to the end' "$(tail -n 1 "$BED/tmp/said")" "$IMAGE: moved there"
    fast
    ok 'with its content' same $IMAGE
    volume rm $ONE >/dev/null
}

# ---- remora ----------------------------------------------------------------------

# begun: a call is at the copy; its process id is in JOB.
begun()
{
    made
    "$BED_INST/bin/remora" -c $CONF volume migrate $ONE vms \
        >"$BED/tmp/said" 2>&1 &
    JOB=$!
    ok 'it is copied' bed_wait 60 is_past 2
}

interrupted()
{
    local code
    begun
    kill -INT "$JOB"
    wait "$JOB"
    code=$?
    fast
    is 'interrupted, it goes on to its end' $code 0
    like 'and says so' "$(<"$BED/tmp/said")" 'librbd cannot stop the copy'
    is 'once' "$(grep -c librbd "$BED/tmp/said")" 1
    like 'then it is moved' "$(<"$BED/tmp/said")" "$IMAGE: moved there"
    is 'and in no other pool' "$(rbd ls volumes; rbd trash ls --all volumes)" ''
    ok 'with its content' same $IMAGE
    volume rm $ONE >/dev/null
}

killed()
{
    begun
    kill -KILL "$JOB"
    wait "$JOB" 2>/dev/null
    fast
    ok 'killed, it is whole' same $IMAGE
    like 'and shown' "$(volume list | tr -s ' ')" "$ONE vms"
    ok 'the same call goes on, when its watch has ended' bed_wait 90 eval \
        'volume migrate $ONE vms >"$BED/tmp/said" 2>&1'
    is 'to the end' "$(tail -n 1 "$BED/tmp/said")" "$IMAGE: moved there"
    is 'and it is in no other pool' "$(rbd ls volumes; rbd trash ls --all volumes)" ''
    ok 'with its content' same $IMAGE
    volume rm $ONE >/dev/null
}

# Somebody reads from a clone meanwhile, and had read nothing of that part before.
cloned()
{
    local job
    made
    fast
    volume snapshot create $ONE $SNAP >/dev/null
    volume clone --id $TWO $ONE@$SNAP >/dev/null
    mkfifo "$BED/tmp/fifo"
    qemu-io -f raw "rbd:volumes/volume-$TWO:conf=/etc/ceph/ceph.conf" \
        <"$BED/tmp/fifo" >"$BED/tmp/read" 2>&1 &
    job=$!
    exec 7>"$BED/tmp/fifo"
    echo 'read 0 64k' >&7
    ok 'somebody has a clone open' bed_wait 30 grep -q '^.*read 65536' \
        "$BED/tmp/read"
    is 'its source moves' "$(volume migrate $ONE vms)" "$IMAGE: moved there"
    echo 'read -v 8M 16' >&7
    echo quit >&7
    exec 7>&-
    wait "$job"
    like 'and it reads on' "$(<"$BED/tmp/read")" "$(od -An -v -tx1 -j 8388608 \
        -N 16 "$FILE" | sed 's/^ *//')"
    volume rm $TWO >/dev/null
    volume snapshot rm $ONE $SNAP >/dev/null
    volume rm $ONE >/dev/null
}

inside()
{
    bed_need_remora
    parts
    ! cluster_has_tasks || queued
    interrupted
    killed
    cloned
    is 'nothing is left' "$(rbd ls volumes; rbd ls vms; rbd trash ls --all vms
        rbd trash ls --all volumes)" ''
}

bed_enter "$0" "$@"
inside
tap_done
