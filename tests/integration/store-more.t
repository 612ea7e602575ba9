#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/store-more.t - keys, finds, and claims that outlive holders
#
# Needs: root, the packages of lib/packages.sh, REMORA_BUILD (a build tree).
#
# shellcheck source-path=SCRIPTDIR
here=$(dirname -- "$(realpath -- "$0")")/..
. "$here/lib/tap.sh"
. "$here/lib/bed.sh"
. "$here/lib/cluster.sh"
. "$here/lib/guest.sh"
. "$here/lib/agent.sh"

IMAGE=0a64fa67-3e34-42e7-b7b0-423c11850e18
PARENT=images/$IMAGE@snap
MiB=$((1024 * 1024))
TRY=${REMORA_BUILD-}/tests/integration/store-try

try()
{
    "$TRY" "$@"
}

start()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    guest_image 16M 'a golden image' off "$BED/tmp/golden" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/golden" "$IMAGE"
}

# conf_with LINE: a ceph.conf whose clients have this line too.
conf_with()
{
    sed "s|^keyring = /etc/ceph/.*|$1|" /etc/ceph/ceph.conf \
        >"$BED/tmp/with.conf"
}

keys()
{
    local key keyring=/etc/ceph/ceph.client.remora.keyring
    local with=(env STORE_TRY_CONF="$BED/tmp/with.conf" "$TRY")
    key=$(cluster_key remora)
    is 'the key of a user' "$(try key remora)" "$key"
    is 'of another one' "$(try key glance)" "$(cluster_key glance)"
    is 'in a keyring that is named' "$(try key remora "$keyring")" "$key"
    refuses 'a keyring that is not there' "cannot read the keyring '/nowhere'" \
        try key remora /nowhere
    refuses 'a keyring without the user' "holds no key of 'client.glance'" \
        try key glance "$keyring"
    refuses 'a user that no keyring knows' "no key of 'client.nobody' is in" \
        try key nobody
    refuses 'a configuration that is not there' "cannot read '/nowhere'" \
        env STORE_TRY_CONF=/nowhere "$TRY" key remora

    conf_with "keyring = /nowhere, $keyring"
    is 'the second keyring of a list' "$("${with[@]}" key remora)" "$key"
    printf '%s\n' "$key" >"$BED/tmp/keyfile"
    conf_with "keyfile = $BED/tmp/keyfile"
    is 'a keyfile' "$("${with[@]}" key remora)" "$key"
    ok 'which librados takes too' \
        rbd -c "$BED/tmp/with.conf" --id remora ls vms
    # What librados prefers: it connects although the keyring is another's.
    conf_with "keyring = /etc/ceph/ceph.client.glance.keyring\nkey = $key"
    is 'the key itself' "$("${with[@]}" key remora)" "$key"
    ok 'which librados prefers too' \
        rbd -c "$BED/tmp/with.conf" --id remora ls vms
}

watchers()
{
    local user
    is 'nobody watches an idle image' "$(try watchers "images/$IMAGE")" ''
    rbd create --size 16M vms/busy_disk
    rbd --id remora bench --io-type read --io-size 4K --io-total 1T \
        --io-threads 1 vms/busy_disk >/dev/null 2>&1 &
    user=$!
    wait_until 'somebody uses one' 10 \
        eval '[ -n "$(cluster_watchers vms/busy_disk)" ]'
    is 'who watches it' "$(try watchers vms/busy_disk)" \
        "$(cluster_watchers vms/busy_disk)"
    kill -TERM "$user"
    wait "$user" 2>/dev/null
    refuses 'the watchers of no image' 'not found' try watchers vms/nowhere
    refuses 'the watchers in no pool' "no pool 'nowhere'" \
        try watchers nowhere/x
}

# watch N: so many more watch vms/many_disk, until $watcher ends.
watch()
{
    : >"$BED/tmp/watched"
    "$TRY" watch vms/many_disk "$1" >"$BED/tmp/watched" &
    watcher=$!
    wait_until "$1 more watch an image" 120 grep -q -x watched \
        "$BED/tmp/watched"
}

watches()
{
    local watcher watchers=()
    rbd create --size 16M vms/many_disk
    watch 65
    watchers+=("$watcher")
    is 'all of them are listed' "$(try watchers vms/many_disk | wc -l)" 65
    is 'who only reads it may' "$(try provision vms/many_disk existing 0 reader read)" \
        "ready $((16 << 20))"
    refuses 'who writes may not, with their address' \
        "is in use by client '127.0.0.1:0/" try provision vms/many_disk existing 0 writer
    watch 4031
    watchers+=("$watcher")
    is 'so are as many as there is room for' \
        "$(try watchers vms/many_disk | wc -l)" 4096
    watch 1
    watchers+=("$watcher")
    refuses 'more than there is room for are not listed' \
        'in more than 4096 places' try watchers vms/many_disk
    is 'who only reads it still may' \
        "$(try provision vms/many_disk existing 0 reader read)" "ready $((16 << 20))"
    refuses 'who writes may not' 'more clients than can be listed' \
        try provision vms/many_disk existing 0 writer
    like 'its state can be told' "$(try state vms/many_disk)" 'opens 1'
    kill -TERM "${watchers[@]}"
    wait "${watchers[@]}"
}

# librbd once touched images that had been closed: what is freed is overwritten,
# so that this is seen.
crowd()
{
    local times=150
    [ -z "${REMORA_FULL-}" ] || times=2500
    rbd clone "images/$IMAGE@snap" vms/often_disk
    ok 'a clone is opened and closed by many at once' \
        env MALLOC_PERTURB_=165 "$TRY" crowd vms/often_disk 8 "$times"
    rbd rm --no-progress vms/often_disk
}

find_image()
{
    is 'the pool of an image' "$(try find "$IMAGE" images vms)" images
    is 'the second pool' "$(try find busy_disk images vms)" vms
    is 'a pool that does not exist is skipped' \
        "$(try find "$IMAGE" nowhere images)" images
    rbd create --size 16M "vms/$IMAGE"
    is 'the first one that has it' "$(try find "$IMAGE" vms images)" vms
    rbd rm --no-progress "vms/$IMAGE"
    refuses 'an image that no pool has' \
        "no image 'x' in pool 'images', 'vms' of cluster 'ceph'" \
        try find x images vms
    refuses 'pools that do not exist' "has no pool 'nowhere', 'either'" \
        try find "$IMAGE" nowhere either
    # Caps do not let it look: that is not 'no such image'.
    refuses 'a pool that may not be read' 'not permitted' \
        env STORE_TRY_USER=glance "$TRY" find busy_disk vms
}

# keeps HOW POOL/IMAGE OWNER: somebody provisions it and keeps the claim (see
# store-try.c), as $holder.
keeps()
{
    : >"$BED/tmp/kept"
    "$TRY" provision "$2" "$PARENT" 0 "$3" "$1" >"$BED/tmp/kept" &
    holder=$!
    bed_wait 10 grep -q kept "$BED/tmp/kept" || fail "somebody keeps $2"
}

killed()
{
    kill -KILL "$holder"
    wait "$holder" 2>/dev/null
}

claims()
{
    rados -p vms ls | grep '^remora_claim\.'
}

instances()
{
    find /run/remora/instances -type f | wc -l
}

drop_own()
{
    local holder
    keeps hold vms/own_disk own
    is 'a builder has its claim' "$(agent_claim vms/own_disk | cut -d ' ' -f -3)" \
        "building $(hostname) own"
    is 'its file says so' "$(notes)" 'takes vms/own_disk own'
    ok 'which nobody else settles' settles vms/own_disk own waiting ended
    kill -TERM "$holder"
    wait "$holder"
    is 'it ends in good order' "$?" 0
    is 'and leaves neither claim nor file' "$(claims)$(instances)" 0
}

# settles POOL/IMAGE OWNER OUTCOME STATE...: by a process of its own.
settles()
{
    local outcome=$3 said
    said=$(try settle "$1" "$2" "${@:4}") || return 1
    [ "$said" = "$outcome" ] || { echo "it is '$said'" && return 1; }
}

# What stands in the files of this host's processes, without the time.
notes()
{
    cat /run/remora/instances/* | cut -d ' ' -f -3 | tail -n 1
}

handed()
{
    local holder
    keeps hand vms/live_disk live
    is 'a claim is handed' "$(agent_claim vms/live_disk | cut -d ' ' -f -3)" \
        "handed $(hostname) live"
    is 'its file says so' "$(notes)" 'handed vms/live_disk live'
    ok 'it stays where nobody knows of its guest' \
        settles vms/live_disk live waiting unknown
    ok 'and while it opens its disks' settles vms/live_disk live waiting opening
    ok 'and where it runs and its watch is not seen' \
        settles vms/live_disk live waiting runs plugged
    ok 'it is no other domain'"'"'s to settle' \
        settles vms/live_disk other none ended
    is 'it is as it was' "$(agent_claim vms/live_disk | cut -d ' ' -f -3)" \
        "handed $(hostname) live"
    rados -p vms rm remora_claim.live_disk
    sleep 6
    is 'a claim that was removed does not come back' "$(claims)" ''
    kill -TERM "$holder"
    wait "$holder"
    is 'who handed it ends in good order' "$?" 0
    rm -f /run/remora/instances/*
}

ended()
{
    local holder
    keeps hand vms/dead_disk dead
    killed
    is 'its process ends, its claim stays' \
        "$(agent_claim vms/dead_disk | cut -d ' ' -f -3)" \
        "handed $(hostname) dead"
    refuses 'and refuses another domain' \
        "is claimed by host '$(hostname)' for 'dead': its guest may open it" \
        env STORE_TRY_STARTS=yes "$TRY" provision vms/dead_disk "$PARENT" 0 else
    refuses 'which is told what to do' \
        "'remora fence --host $(hostname)'" \
        env STORE_TRY_STARTS=yes "$TRY" provision vms/dead_disk "$PARENT" 0 else
    ok 'when the domain has ended, it goes' \
        settles vms/dead_disk dead dropped ended
    is 'it is gone' "$(claims)" ''
    ok 'once more' settles vms/dead_disk dead none ended
    is 'nobody was cut off by it' "$(cluster_blocklist)" ''

    keeps hand vms/dead_disk dead
    killed
    is 'a domain that starts again gets its disk' "$(STORE_TRY_STARTS=yes \
        try provision vms/dead_disk "$PARENT" 0 dead)" \
        "ready $((16 * MiB)) recovered"
    rm -f /run/remora/instances/*
}

# uses POOL/IMAGE: somebody has it open, as $user.
uses()
{
    rbd --id remora bench --io-type read --io-size 4K --io-total 1T \
        --io-threads 1 "$1" >/dev/null 2>&1 &
    user=$!
    wait_until "somebody uses $1" 10 eval "[ -n \"\$(cluster_watchers $1)\" ]"
}

runs()
{
    local holder user addr
    keeps hand vms/dead_disk dead
    killed
    uses vms/dead_disk
    addr=$(cluster_watchers vms/dead_disk)
    ok 'a guest that opens its disks is not on record yet' \
        settles vms/dead_disk dead waiting opening plugged
    ok 'one that runs with the disk is' \
        settles vms/dead_disk dead running runs plugged
    is 'its watch is in the claim' "$(agent_claim vms/dead_disk)" \
        "running $(hostname) dead $addr"
    like 'and in the notes of the host' "$(cat /run/remora/instances/*)" \
        "watch vms/dead_disk dead"
    ok 'it stays while it runs' settles vms/dead_disk dead running runs plugged
    refuses 'nobody else gets the disk' "has it open as client '$addr'" \
        env STORE_TRY_STARTS=yes "$TRY" provision vms/dead_disk "$PARENT" 0 else
    refuses 'nor the domain once more' 'the domain has it already' \
        try provision vms/dead_disk "$PARENT" 0 dead
    ok 'nobody knows' settles vms/dead_disk dead waiting unknown
    is 'then the claim is as it was' "$(agent_claim vms/dead_disk)" \
        "running $(hostname) dead $addr"
    ok 'it is detached' settles vms/dead_disk dead dropped runs
    is 'then it goes, and the watch is cut off' \
        "$(claims)$(cluster_blocklist)" "$addr"
    kill -KILL "$user"
    wait "$user" 2>/dev/null
    ceph osd blocklist rm "$addr" 2>/dev/null
    rm -f /run/remora/instances/*
}

# A guest that was there before there was an agent, or whose claim was removed.
unclaimed()
{
    local user addr
    uses vms/dead_disk
    addr=$(cluster_watchers vms/dead_disk)
    ok 'a guest without a claim gets one' \
        settles vms/dead_disk dead running runs plugged
    is 'that says who it is' "$(agent_claim vms/dead_disk)" \
        "running $(hostname) dead $addr"
    kill -TERM "$user"
    wait "$user" 2>/dev/null
    wait_until 'it closes its disk' 10 \
        eval '[ -z "$(cluster_watchers vms/dead_disk)" ]'
    ok 'and ends' settles vms/dead_disk dead dropped ended
    # librbd cuts off whose lock it breaks: the guest before, and not this one.
    is 'with its claim' "$(claims)" ''
    unlike 'and it was not cut off' "$(cluster_blocklist)" "$addr"
    rm -f /run/remora/instances/*
}

# An attach: that the disk is not there says nothing before the call is over.
attached()
{
    local holder
    keeps hand vms/own_disk own
    ok 'a call is under way' settles vms/own_disk own waiting runs
    ok 'and has come to nothing' settles vms/own_disk own dropped runs over
    kill -TERM "$holder"
    wait "$holder"
    rm -f /run/remora/instances/*
}

# ---- what dead processes leave ---------------------------------------------

reclaims_handed()
{
    local holder
    keeps hand vms/dead_disk dead
    is 'of a living process nothing is given up' "$(try reclaim)" 0
    killed
    is 'what was handed is not given up' "$(try reclaim)" 0
    is 'it stays, and is noted by who looked' "$(claims) $(instances) $(notes)" \
        'remora_claim.dead_disk 1 handed vms/dead_disk dead'
    ok 'its domain has ended' settles vms/dead_disk dead dropped ended
    is 'then nothing is left to be noted' "$(try reclaim) $(claims)" '0 '
    is 'once more' "$(try reclaim) $(instances)" '0 0'
}

reclaims_built()
{
    local holder
    keeps hold vms/dead_disk dead
    killed
    is 'the claim on a whole image is given up' "$(try reclaim)" 1
    is 'and is gone' "$(claims)$(instances)" 0

    keeps hold vms/half_disk half
    killed
    rbd image-meta remove vms/half_disk remora.ready
    is 'the claim on a half-made image stays' "$(try reclaim)" 0
    is 'with its file' "$(claims) $(instances)" 'remora_claim.half_disk 1'
    is 'and who provisions next makes it whole' \
        "$(try provision vms/half_disk "$PARENT" 0 half)" \
        "built $((16 * MiB)) recovered"
    is 'then there is nothing to give up' "$(try reclaim)" 0
    is 'and the file goes' "$(claims)$(instances)" 0
}

# Two claims of which one was taken over by another process.
reclaims_others()
{
    local holder old
    keeps hold vms/dead_disk dead
    old=$holder
    keeps hold vms/half_disk half
    kill -KILL "$old"
    wait "$old" 2>/dev/null
    is 'of two processes the dead one'"'"'s is given up' "$(try reclaim)" 1
    is 'the living one has its claim' "$(claims)" remora_claim.half_disk
    killed
    : >"$BED/tmp/kept"
    "$TRY" provision vms/half_disk "$PARENT" 0 half hold >"$BED/tmp/kept" &
    holder=$!
    bed_wait 10 grep -q kept "$BED/tmp/kept" || fail 'it is taken over'
    is 'a claim that was taken over is not given up' "$(try reclaim)" 0
    is 'it stays with who took it' "$(claims)" remora_claim.half_disk
    kill -TERM "$holder"
    wait "$holder"
    is 'in the end there is nothing' "$(try reclaim) $(claims)" '0 '
    rm -f /run/remora/instances/*
}

state()
{
    local holder
    is 'the state of nothing' "$(try state vms/nowhere)" \
        'there 0, opens 0, ready 0, size 0, overlap 0'
    is 'of a bare image' "$(try state vms/busy_disk)" \
        "there 1, opens 1, ready 0, size $((16 * MiB)), overlap 0"
    keeps hand vms/dead_disk dead
    is 'of a disk that is claimed' "$(try state vms/dead_disk)" \
        "there 1, opens 1, ready 1, size $((16 * MiB)), overlap $((16 * MiB))
owner dead
parent $PARENT
claim handed
host $(hostname)
client $(agent_claim vms/dead_disk | cut -d ' ' -f 4)
for dead"
    kill -TERM "$holder"
    wait "$holder"
    ok 'it ends' settles vms/dead_disk dead dropped ended
    is 'of one that is not' "$(try state vms/dead_disk | tail -n +2)" \
        "owner dead
parent $PARENT"
    rados -p vms rm "rbd_header.$(rbd info --format json vms/busy_disk |
        jq -r .id)"
    like 'of a name without a header' \
        "$(try state vms/busy_disk 2>/dev/null)" 'there 1, opens 0, ready 0'
    refuses 'in a pool that is not there' "no pool 'nowhere'" \
        try state nowhere/x
}

# A clone as Nova leaves it for a guest that was never booted.
nova_disks()
{
    local header key
    cluster_add_clone "$IMAGE" nova_disk
    is 'a clone that its parent lists is a disk' \
        "$(try provision vms/nova_disk "$PARENT" 0 nova)" \
        "ready $((16 * MiB))"
    is 'it grows when it is asked to' \
        "$(try provision vms/nova_disk "$PARENT" $((32 * MiB)) nova)" \
        "grown $((32 * MiB))"
    is 'it is not marked as ours' \
        "$(rbd image-meta ls vms/nova_disk | grep -c remora)" 0

    # A clone in a pool that remora may not read hides all others.
    cluster_add_clone "$IMAGE" hidden_disk
    ceph osd pool create secret 8 >/dev/null 2>&1
    rbd pool init secret
    rbd clone --rbd-default-clone-format 2 "$PARENT" secret/x
    refuses 'where clones are hidden, one is refused too' \
        'looks like a clone that was cut short' \
        try provision vms/hidden_disk "$PARENT" 0 nova
    rbd rm --no-progress secret/x
    is 'it was only that' \
        "$(try provision vms/hidden_disk "$PARENT" 0 nova)" \
        "ready $((16 * MiB))"

    # The parent's list as it was before: a client died before it was changed.
    header=rbd_header.$(rbd info --format json "images/$IMAGE" | jq -r .id)
    key=$(rados -p images listomapkeys "$header" | grep '^snap_children_')
    rados -p images getomapval "$header" "$key" "$BED/tmp/list" \
        >/dev/null 2>&1
    cluster_add_clone "$IMAGE" cut_disk
    rados -p images setomapval "$header" "$key" <"$BED/tmp/list"
    like 'the others are listed' "$(rbd children "$PARENT")" vms/nova_disk
    unlike 'a clone is not registered with its parent' \
        "$(rbd children "$PARENT")" vms/cut_disk
    refuses 'it is refused' 'looks like a clone that was cut short' \
        try provision vms/cut_disk "$PARENT" 0 nova
    is 'and no claim is left' "$(claims)" ''
}

inside()
{
    [ -x "$TRY" ] || bail 'REMORA_BUILD names no build tree'
    start
    keys
    watchers
    watches
    crowd
    find_image
    drop_own
    handed
    ended
    runs
    unclaimed
    attached
    reclaims_handed
    reclaims_built
    reclaims_others
    state
    nova_disks
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside
tap_done
