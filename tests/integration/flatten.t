#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/flatten.t - who flattens a disk changes, and its guest moves
#
# Two hosts. A guest migrates while its disk is flattened, by the cluster's manager
# and here; the manager is another one in the middle; a guest has died in the middle
# of a write; a host is cut off while it flattens, and comes back. The last on a disk
# without an exclusive lock, which nothing of the parent may come back to once its
# guest has discarded it.
#
# Needs: root, the packages of lib/packages.sh, remora with fault points.
# Stage: faults
#
# shellcheck source-path=SCRIPTDIR
here=$(dirname -- "$(realpath -- "$0")")/..
. "$here/lib/tap.sh"
. "$here/lib/bed.sh"
. "$here/lib/cluster.sh"
. "$here/lib/libvirt.sh"
. "$here/lib/guest.sh"
. "$here/lib/agent.sh"
. "$here/lib/hosts.sh"

IDLE=3f1d2c4b-5a69-4788-9b0a-1c2d3e4f5a6b
LIBVIRT_LISTENS=yes
SIZE_MIB=32
MiB=$((1024 * 1024))
# It looks every 10 s, as long as there is something to look at.
LOOK_S=10
# Between two parts of a disk that is flattened here: some minutes for all of them.
SLOWLY=flatten-progress=delay:200

# Of many small objects, one copied after another, so that it takes a while.
image()
{
    guest_image ${SIZE_MIB}M 'an idle image' idle "$BED/tmp/golden" &&
        dd if=/dev/urandom of="$BED/tmp/golden" bs=1M seek=2 \
            count=$((SIZE_MIB - 2)) conv=notrunc status=none &&
        rbd import --no-progress --object-size 8K "$BED/tmp/golden" \
            "images/$IDLE" && rbd snap create --no-progress "images/$IDLE@snap" &&
        rbd snap protect "images/$IDLE@snap" &&
        ceph config set global rbd_concurrent_management_ops 1
}

parts()
{
    local host
    ok 'a network' hosts_start || bail 'no network'
    ok 'a cluster starts' cluster_start ceph "$HOSTS_ADDRESS" ||
        bail 'no cluster'
    ok 'an image of many objects' image || bail 'no image'
    for host in alpha beta; do
        ok "host $host" host_start "$host" || bail 'no host'
        ok 'it serves' host_serve "$host" || bail 'no services'
        host_run "$host" mkdir -p "$BED/serial"
    done
}

configure()
{
    printf '%s\n' "$1" >/etc/remora/remora.conf && agent_reload
}

# With an exclusive lock, or without.
locked()
{
    local host
    for host in alpha beta; do
        ok "$host: disks with a lock are flattened" host_run "$host" \
            configure 'clone: { flatten = true; };'
    done
}

lockless()
{
    local host
    for host in alpha beta; do
        ok "$host: disks without a lock are flattened" host_run "$host" \
            configure 'clone: { flatten = true; features = [ "layering" ]; };'
    done
}

has_parent()
{
    [ "$(rbd info --format json "$1" | jq -r '.parent.image // "none"')" != none ]
}

has_none()
{
    ! has_parent "$1"
}

not_marked()
{
    ! rbd image-meta get "$1" remora.flatten >/dev/null 2>&1
}

# named KEY POOL/IMAGE: the client that the mark says is at it: 'by', one of
# remora's, or 'mgr', the manager's.
named()
{
    rbd image-meta get "$2" remora.flatten 2>/dev/null | tr ' ' '\n' |
        sed -n "s/^$1=//p" | grep .
}

unnamed()
{
    ! named "$@" >/dev/null
}

# intact POOL/IMAGE: what the image had is there, but for what the guest wrote.
intact()
{
    rbd export --no-progress "$1" - 2>/dev/null |
        cmp -i "$((2 * MiB))" - "$BED/tmp/golden"
}

# agent_slowly HOST: its agent is another one, that takes its time.
agent_slowly()
{
    host_run "$1" agent_stop && host_run "$1" eval \
        "export REMORA_FAULT=$SLOWLY; agent_start"
}

agent_anew()
{
    host_run "$1" agent_stop && host_run "$1" agent_start
}

move()
{
    host_run "$1" virsh_ migrate --live --p2p --persistent --undefinesource \
        --migrateuri "tcp://$(host_address "$2")" web \
        "qemu+tcp://$(host_address "$2")/system"
}

# recorded HOST UUID: the claim says that the guest is there, and nobody comes.
recorded()
{
    agent_claim_is "vms/${2}_disk" "running $1 $2" &&
        ! rados -p vms getxattr "remora_claim.${2}_disk" remora.claim |
            grep -q ' arrival='
}

one_writer()
{
    [ "$(cluster_watchers "$1" | wc -l)" = 1 ] &&
        agent_claim_is "$1" "running $2 $3 $(cluster_watchers "$1")"
}

# is_flat HOST UUID: in the end, on the host where its guest is.
is_flat()
{
    local disk=vms/${2}_disk
    wait_until 'the disk is flattened' 120 has_none "$disk"
    wait_until 'and has no mark' 60 not_marked "$disk"
    ok 'it has what the image had' intact "$disk"
    wait_until 'its guest is the only writer, and on record' 60 \
        one_writer "$disk" "$1" "$2"
}

ended()
{
    ok 'the guest ends' host_run "$1" virsh_ destroy web
    host_run "$1" virsh_ undefine web
    wait_until 'no claim is left' 20 agent_no_claims
}

# ---- the stories -----------------------------------------------------------------

moves_by_manager()
{
    local uuid disk
    uuid=$(uuidgen)
    disk=vms/${uuid}_disk
    locked
    ok 'a guest runs' host_run alpha agent_boots web "$uuid" "$IDLE"
    wait_until 'the manager is at its disk, and is named' 60 named mgr "$disk"
    ok 'which takes a while' cluster_pause mgr.x
    ok 'it has a parent' has_parent "$disk"
    ok 'the guest moves' move alpha beta
    ok 'the manager goes on' cluster_resume mgr.x
    wait_until 'the claim says where the guest is' $((2 * LOOK_S + 5)) \
        recorded beta "$uuid"
    is_flat beta "$uuid"
    ended beta
}

# The guest has ended, so that the manager does it by itself.
another_manager()
{
    local uuid disk
    uuid=$(uuidgen)
    disk=vms/${uuid}_disk
    ok 'a guest runs' host_run alpha agent_boots web "$uuid" "$IDLE"
    wait_until 'the manager is at its disk, and is named' 60 named mgr "$disk"
    ok 'the guest ends' host_run alpha virsh_ destroy web
    ok 'the manager is another one' eval 'cluster_stop_mgr && cluster_start_mgr'
    wait_until 'its domain starts' 20 host_run alpha virsh_ start web
    wait_until 'the claim says where the guest is' 60 recorded alpha "$uuid"
    is_flat alpha "$uuid"
    ended alpha
}

# torn POOL/IMAGE: as a guest leaves it that dies when an object is in the object
# map, and not yet written: librbd writes it second.
torn()
{
    local at=$((SIZE_MIB / 2 * MiB)) id
    id=$(rbd info --format json "$1" | jq -r .id)
    dd if="$BED/tmp/golden" of="$BED/tmp/part" bs=512 count=1 \
        skip=$((at / 512)) status=none
    qemu-io -f raw -c "write -s $BED/tmp/part $at 512" \
        "rbd:$1:id=admin:conf=$CLUSTER_CONF" &&
        rados -p "${1%/*}" rm \
            "$(printf 'rbd_data.%s.%016x' "$id" $((at / 8192)))" &&
        rbd export --no-progress "$1" - | cmp -i $((2 * MiB)) - "$BED/tmp/golden"
}

# A clone in format 2 says that it is one by a feature of its own.
features()
{
    rbd info --format json "$1" | jq -c '[(.features - ["operations"]), .flags]'
}

# map_is_true POOL/IMAGE: who checks it flags it if it is not.
map_is_true()
{
    rbd object-map check --no-progress "$1" &&
        [ "$(features "$1" | jq -c '.[1]')" = '[]' ]
}

# librbd's own flatten leaves that object out.
skips_nothing()
{
    local uuid disk before
    uuid=$(uuidgen)
    disk=vms/${uuid}_disk
    ok 'a domain' host_run alpha agent_defines web "$uuid" "$IDLE"
    ok 'no agent' host_run alpha agent_stop
    ok 'it starts' host_run alpha virsh_ start web
    ok 'and ends' host_run alpha virsh_ destroy web
    wait_until 'nobody has its disk open' 40 nobody_watches "$disk"
    before=$(features "$disk")
    like 'which has an object map' "$before" '"object-map","fast-diff"'
    ok 'as its snapshot has' rbd snap create --no-progress "$disk@before"
    ok 'that says too much' torn "$disk"
    ok 'an agent starts' host_run alpha agent_start
    wait_until 'the domain starts' 20 host_run alpha virsh_ start web
    is_flat alpha "$uuid"
    is 'with the features of before' "$(features "$disk")" "$before"
    unlike 'and no note' "$(rbd image-meta list "$disk")" remora.object-map
    ended alpha
    ok 'the map is true' map_is_true "$disk"
    ok 'so is that of its snapshot' map_is_true "$disk@before"
    ok 'it has what the image had' intact "$disk"
}

# Its agent stops in order, and is not cut off for that.
moves_from_agent()
{
    local uuid disk by
    uuid=$(uuidgen)
    disk=vms/${uuid}_disk
    lockless
    ok 'an agent that takes its time' agent_slowly alpha
    ok 'a guest runs' host_run alpha agent_boots web "$uuid" "$IDLE"
    wait_until 'its disk is flattened there' 60 named by "$disk"
    by=$(named by "$disk")
    unlike 'not by the manager' "$(ceph rbd task list)" "$uuid"
    ok 'the guest moves' move alpha beta
    wait_until 'the claim says where the guest is' $((2 * LOOK_S + 5)) \
        recorded beta "$uuid"
    is 'the same is at it' "$(named by "$disk")" "$by"
    ok 'that agent stops' host_run alpha agent_stop
    ok 'the disk has a parent' has_parent "$disk"
    is_flat beta "$uuid"
    unlike 'who has stopped is not cut off' "$(cluster_blocklist)" "$by"
    ok 'an agent starts' host_run alpha agent_start
    ended beta
}

# zeroed POOL/IMAGE: as a guest does it that discards.
zeroed()
{
    qemu-io -f raw -d unmap -c "write -z -u 0 ${SIZE_MIB}M" \
        "rbd:$1:id=admin:conf=$CLUSTER_CONF"
}

is_zero()
{
    rbd export --no-progress "$1" - 2>/dev/null |
        cmp -n $((SIZE_MIB * MiB)) - /dev/zero
}

is_home()
{
    cluster_living | grep -q -F "$(host_address "$1"):"
}

nobody_watches()
{
    [ -z "$(cluster_watchers "$1")" ]
}

comes_back()
{
    local uuid disk by
    uuid=$(uuidgen)
    disk=vms/${uuid}_disk
    ok 'an agent that takes its time' agent_slowly alpha
    ok 'a guest runs' host_run alpha agent_boots web "$uuid" "$IDLE"
    wait_until 'its disk is flattened there' 60 named by "$disk"
    by=$(named by "$disk")
    host_run alpha virsh_ dumpxml web >"$BED/tmp/web.xml"
    # The guest and the agent of now. They end after the host is back, but what ends
    # while nobody hears it keeps its session with the monitors for minutes.
    cluster_living | grep -F "$(host_address alpha):" >"$BED/tmp/dead"
    ok 'its host is cut off' host_cut alpha
    wait_until 'until nobody has the disk open' 30 \
        nobody_watches "$disk"
    ok 'the disk has a parent' has_parent "$disk"
    host_run beta eval "cat >'$BED/tmp/web.xml'" <"$BED/tmp/web.xml"
    ok 'the domain is defined elsewhere' \
        host_run beta virsh_ define "$BED/tmp/web.xml"
    ok 'and starts' host_run beta virsh_ start web
    is_flat beta "$uuid"
    like 'who flattened it before is cut off' "$(cluster_blocklist)" "$by"
    ended beta
    ok 'all of it is discarded' zeroed "$disk"
    ok 'the host is back' host_join alpha
    wait_until 'and heard' 30 is_home alpha
    sleep 5
    ok 'nothing has come back to the disk' is_zero "$disk"
    host_run alpha virsh_ destroy web
    host_run alpha virsh_ undefine web
    ok 'its agent is another one' agent_anew alpha
    wait_until 'no claim is left' 20 agent_no_claims
}

task_of()
{
    ceph rbd task list | jq -e --arg name "${1#*/}" \
        '.[] | select(.refs.image_name == $name and .progress > 0)'
}

# Somebody gave a disk without a lock to the manager, which hangs: nobody begins
# beside it, for nobody could end what it does later.
beside_nobody()
{
    local uuid disk
    uuid=$(uuidgen)
    disk=vms/${uuid}_disk
    ok 'a domain' host_run alpha agent_defines web "$uuid" "$IDLE"
    ok 'no agent' host_run alpha agent_stop
    ok 'it starts' host_run alpha virsh_ start web
    ok 'somebody queues its flatten' ceph rbd task add flatten "$disk"
    wait_until 'the manager is at it' 20 task_of "$disk"
    ok 'an agent starts' host_run alpha agent_start
    wait_until 'the manager is named' 60 named mgr "$disk"
    ok 'the manager hangs' cluster_pause mgr.x
    sleep 30
    ok 'nobody else is at it' unnamed by "$disk"
    ok 'and it has a parent' has_parent "$disk"
    ok 'the manager goes on' cluster_resume mgr.x
    wait_until 'the claim says where the guest is' 60 recorded alpha "$uuid"
    is_flat alpha "$uuid"
    ended alpha
}

inside()
{
    bed_need_remora
    parts
    if cluster_has_tasks; then
        moves_by_manager
        another_manager
    else
        diag 'the manager has no task queue: all is flattened by agents'
        locked
    fi
    skips_nothing
    moves_from_agent
    comes_back
    ! cluster_has_tasks || beside_nobody
    is 'no living client is on the blocklist' \
        "$(cluster_cut_off | grep -v -x -F -f "$BED/tmp/dead")" ''
}

bed_enter "$0" "$@"
inside
tap_done
