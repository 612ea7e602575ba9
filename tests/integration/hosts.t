#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/hosts.t - two hosts on one cluster, and one that is lost; and
# guests that tell by what they write who they are
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
    guest_image 16M 'a writer' writer "$BED/tmp/writer" || bail 'no image'
    ok 'a volume' rbd import --no-progress "$BED/tmp/writer" volumes/w
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

# What a machine has, and keeps.
machine()
{
    host_address beta
    host_uuid beta
    host_run beta eval 'hostname; cat /var/lib/remora/kept
        cat /sys/class/dmi/id/product_uuid 2>/dev/null'
    host_run beta virsh_ list --all --name
}

boot_id()
{
    host_run "$1" cat /proc/sys/kernel/random/boot_id
}

lost()
{
    local uuid disk was boots=()
    uuid=$(uuidgen)
    disk=vms/${uuid}_disk
    ok 'a guest that stays' host_run beta agent_boots stays "$uuid" "$IDLE"
    ok 'has its disk open' is_busy "$disk"
    ok 'its host stops' host_stop beta
    ok 'and closed it' eval "! is_busy $disk"
    ok 'it starts again' host_start beta
    ok 'with nothing that runs on it' [ -z "$(host_run beta ls /run/remora)" ]
    ok 'and serves' host_serve beta
    ok 'the guest runs again' \
        host_run beta agent_boots stays "$uuid" "$IDLE"
    ok 'something is written to disk' host_run beta \
        eval 'echo kept >/var/lib/remora/kept'
    was=$(machine) boots=("$(boot_id alpha)" "$(boot_id beta)")
    isnt 'no two hosts booted together' "${boots[0]}" "${boots[1]}"
    ok 'the host loses its power' host_kill beta
    ok 'and closed nothing' is_busy "$disk"
    refuses 'nothing runs on it' 'no host' host_run beta true
    ok 'it starts once more' host_start beta
    ok 'and serves once more' host_serve beta
    is 'it is the same machine' "$(machine)" "$was"
    isnt 'and has booted since' "$(boot_id beta)" "${boots[1]}"
}

# ---- a QEMU that is slow ----------------------------------------------------

slow()
{
    local uuid job
    uuid=$(uuidgen)
    ok 'QEMU takes its time' host_slow_qemu alpha 1000 "$uuid"
    ok 'for one domain' boots alpha quick
    ok 'which is defined' host_run alpha agent_defines late "$uuid" "$IDLE"
    host_run alpha virsh_ start late >"$BED/tmp/late" 2>&1 &
    job=$!
    wait_until 'it is started, and there is a process for it' 20 \
        host_run alpha guest_has_process "$uuid"
    is 'its disk is not open yet' "$(cluster_watchers "vms/${uuid}_disk")" ''
    ok 'it does not come' kill -0 "$job"
    ok 'now it may' host_slow_qemu alpha 0 "$uuid"
    wait "$job"
    is 'so it starts' $? 0
    ok 'and has its disk open' is_busy "vms/${uuid}_disk"
    ok 'and ends' host_run alpha virsh_ destroy late
}

# ---- writers -----------------------------------------------------------------

# writer HOST LETTER WHO: on the volume.
writer()
{
    host_run "$1" writer_there "$2" "$3"
}

writer_there()
{
    guest_who w "$1" "$2" &&
        guest_define_writer w "$(uuidgen)" volumes/w "$(agent_secret)" &&
        virsh_ start w &&
        guest_wait_line w "remora-guest: writer $2"
}

wrote_to()
{
    guest_grounds volumes/w | cut -d ' ' -f 1,2 | paste -s -d ' '
}

writers()
{
    local n
    ok 'a guest that writes' writer alpha A alpha.1
    wait_until 'writes' 20 guest_wrote_more volumes/w alpha.1 40
    is 'to its ground and the head, as who it is' "$(wrote_to)" \
        'A alpha.1 head alpha.1'
    ok 'it sees nobody else' eval \
        '! host_run alpha guest_said_line w foreign'
    ok 'nothing guards the disk' host_run beta hook_remove
    ok 'another one comes' writer beta B beta.1
    wait_until 'and finds what the first one left' 20 \
        host_run beta guest_said_line w 'remora-guest: found alpha.1'
    wait_until 'it sees the other' 20 \
        host_run beta guest_said_line w 'remora-guest: foreign alpha.1'
    wait_until 'and is seen' 20 \
        host_run alpha guest_said_line w 'remora-guest: foreign beta.1'
    is 'each has its ground' "$(wrote_to | sed 's/ head.*//')" \
        'A alpha.1 B beta.1'
    ok 'the first one is cut off' ceph osd blocklist add "$(
        cluster_watchers volumes/w | grep -F "$(host_address alpha):")"
    wait_until 'and sees errors' 20 \
        host_run alpha guest_said_line w 'remora-guest: error'
    n=$(guest_wrote volumes/w alpha.1)
    ok 'the other goes on' bed_wait 20 guest_wrote_more volumes/w beta.1 \
        "$(($(guest_wrote volumes/w beta.1) + 20))"
    is 'alone' "$(guest_wrote volumes/w alpha.1)" "$n"
}

inside()
{
    bed_need_remora
    parts
    separate
    cut_off
    slow
    lost
    writers
}

bed_enter "$0" "$@"
inside
tap_done
