#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/hosts.t - two hosts on one cluster, and one that is lost
#
# Needs: root, the packages of lib/packages.sh, an installed remora.
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

IMAGE=0a64fa67-3e34-42e7-b7b0-423c11850e18
IDLE=3f1d2c4b-5a69-4788-9b0a-1c2d3e4f5a6b

parts()
{
    ok 'a network' hosts_start || bail 'no network'
    ok 'a cluster starts' cluster_start ceph "$HOSTS_ADDRESS" ||
        bail 'no cluster'
    guest_image 16M 'a golden image' off "$BED/tmp/golden" || bail 'no image'
    guest_image 16M 'an idle image' idle "$BED/tmp/idle" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/golden" "$IMAGE"
    ok 'another' cluster_add_image "$BED/tmp/idle" "$IDLE"
    ok 'a host' host_start alpha || bail 'no host'
    ok 'another host' host_start beta || bail 'no host'
    ok 'the first one serves' host_serve alpha || bail 'no services'
    ok 'the second one serves' host_serve beta || bail 'no services'
}

# ---- what a host is --------------------------------------------------------

host_uuid()
{
    host_run "$1" virsh_ capabilities | xmllint --xpath \
        'string(/capabilities/host/uuid)' -
}

boots()
{
    host_run "$1" agent_boots "$2" "$(uuidgen)" "$IMAGE"
}

separate()
{
    is 'a host has its name' "$(host_run alpha hostname)" alpha
    isnt 'each has a uuid of its own' "$(host_uuid alpha)" "$(host_uuid beta)"
    ok 'a domain boots on one' boots alpha one
    ok 'a domain boots on the other' boots beta two
    is 'each knows its own' "$(host_run alpha virsh_ list --all --name)" one
    is 'and no others' "$(host_run beta virsh_ list --all --name)" two
    is 'both disks are clones of the image' \
        "$(rbd children "images/$IMAGE@snap" | wc -l)" 2
}

# ---- what happens to one ---------------------------------------------------

# More than can be written in the time: it ends when it is told to. Each second
# it adds a line to what it says.
bench()
{
    echo "$BASHPID" >"$BED/tmp/bench.pid"
    exec timeout 60 stdbuf -oL rbd bench --io-type write --io-size 4K \
        --io-threads 1 --io-total 64G vms/bench
}

bench_stop()
{
    kill "$(<"$BED/tmp/bench.pid")"
}

bench_lines()
{
    wc -l <"$BED/tmp/bench"
}

bench_said_more_than()
{
    [ "$(bench_lines)" -gt "$1" ]
}

is_busy()
{
    [ -n "$(cluster_watchers "$1")" ]
}

# A command that neither works nor fails.
hangs()
{
    timeout 1 "$@"
    [ $? = 124 ]
}

cut_off()
{
    local writer said
    rbd create --size 32M vms/bench
    host_run alpha bench >"$BED/tmp/bench" 2>&1 &
    writer=$!
    # What it says first is not yet of anything written.
    wait_until 'a host writes' 20 bench_said_more_than 3
    ok 'it is cut off' host_cut alpha
    sleep 1
    ok 'its connection does not break' kill -0 "$writer"
    ok 'a new one is not refused either' \
        host_run alpha hangs rbd ls vms
    said=$(bench_lines)
    ok 'it is back' host_join alpha
    wait_until 'and writes on' 20 bench_said_more_than $((said + 2))
    ok 'until it is told to stop' host_run alpha bench_stop
    wait "$writer"
}

lost()
{
    local uuid disk
    uuid=$(uuidgen)
    disk=vms/${uuid}_disk
    ok 'a guest that stays' host_run beta agent_boots stays "$uuid" "$IDLE"
    ok 'has its disk open' is_busy "$disk"
    ok 'its host stops' host_stop beta
    ok 'and closed it' eval "! is_busy $disk"
    ok 'it starts again' host_start beta
    ok 'with nothing on it' \
        [ "$(host_run beta ls /etc/libvirt /run/remora)" = '/etc/libvirt:

/run/remora:' ]
    ok 'and serves' host_serve beta
    ok 'the guest runs again' \
        host_run beta agent_boots stays "$uuid" "$IDLE"
    ok 'the host loses its power' host_kill beta
    ok 'and closed nothing' is_busy "$disk"
    refuses 'nothing runs on it' 'no host' host_run beta true
}

inside()
{
    bed_need_remora
    parts
    separate
    cut_off
    lost
}

bed_enter "$0" "$@"
inside
tap_done
