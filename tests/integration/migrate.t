#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/migrate.t - guests that move, and what others left of their
# start
#
# A guest that arrives shares its disk with the one that it comes from; nobody
# else may. Nothing of that depends on an agent that runs all the time: a start,
# an arrival or its end may meet none.
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
. "$here/lib/proxy.sh"

IDLE=3f1d2c4b-5a69-4788-9b0a-1c2d3e4f5a6b
UUID=$(</proc/sys/kernel/random/uuid)
DISK=vms/${UUID}_disk
LIBVIRT_LISTENS=yes
# It looks every 10 s, as long as there is something to look at.
LOOK_S=10

parts()
{
    local host
    ok 'a network' hosts_start || bail 'no network'
    ok 'a cluster starts' cluster_start ceph "$HOSTS_ADDRESS" ||
        bail 'no cluster'
    guest_image 16M 'an idle image' idle "$BED/tmp/idle" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/idle" "$IDLE"
    for host in alpha beta; do
        ok "host $host" host_start "$host" || bail 'no host'
        ok 'it serves' host_serve "$host" || bail 'no services'
        host_run "$host" mkdir -p "$BED/serial"
    done
    ok 'a guest runs' host_run alpha agent_boots moves "$UUID" "$IDLE"
}

move()
{
    host_run "$1" virsh_ migrate --live --p2p --persistent --undefinesource \
        --migrateuri "tcp://$(host_address "$2")" moves \
        "qemu+tcp://$(host_address "$2")/system"
}

# runs_on HOST: there, and nowhere else.
runs_on()
{
    local other=alpha
    [ "$1" = beta ] || other=beta
    host_run "$1" guest_is moves running &&
        ! host_run "$other" virsh_ dominfo moves >/dev/null 2>&1 &&
        [ "$(cluster_watchers "$DISK" | wc -l)" = 1 ]
}

# recorded HOST: the claim says that the guest is there, and which client it is.
recorded()
{
    local claim
    claim="running $1 $UUID $(cluster_watchers "$DISK")"
    agent_claim_is "$DISK" "$claim" && ! arriving
}

arriving()
{
    rados -p vms getxattr "remora_claim.${DISK#*/}" remora.claim |
        grep -q ' arrival='
}

# starts_again HOST: at once, although its dead QEMU has the disk open.
starts_again()
{
    local host=$1 dead
    dead=$(cluster_watchers "$DISK")
    ok "$host: its QEMU is killed" host_run "$host" kill_guest
    ok "$host: it starts again at once" host_run "$host" virsh_ start moves
    like "$host: its dead client was cut off" "$(cluster_blocklist)" "$dead"
    wait_until "$host: the claim says which client it is now" \
        $((2 * LOOK_S + 5)) recorded "$host"
}

kill_guest()
{
    local pid
    pid=$(<"/run/libvirt/qemu/moves.pid")
    kill -KILL "$pid" && bed_wait 10 guest_is moves 'shut off'
}

# ---- a guest that moves ----------------------------------------------------

there()
{
    wait_until 'its claim says where it runs' 10 recorded alpha
    ok 'it moves' move alpha beta
    wait_until 'and runs there' 5 runs_on beta
    wait_until 'its claim says so' $((2 * LOOK_S + 5)) recorded beta
    starts_again beta
}

# 'migrate begin', 'prepare' and 'started' are three processes then.
without_an_agent()
{
    ok 'an agent stops' host_run alpha agent_stop
    ok 'where none listens the guest moves, too' move beta alpha
    wait_until 'and runs there as well' 5 runs_on alpha
    wait_until 'its claim says so' $((2 * LOOK_S + 5)) recorded alpha
    ok 'an agent starts' host_run alpha agent_start
    ok 'and leaves it so' recorded alpha
    starts_again alpha
}

# move_by_proxy FROM TO OPTION...: of a client that comes through the proxy.
move_by_proxy()
{
    local from=$1 to=$2
    shift 2
    host_run "$from" proxy_virsh migrate --live --persistent \
        --undefinesource "$@" --migrateuri "tcp://$(host_address "$to")" moves \
        "qemu+tcp://$(host_address "$to")/system"
}

through_the_proxy()
{
    ok 'a proxy on one host' host_run alpha proxy_start --mode=0777
    ok 'and on the other' host_run beta proxy_start --mode=0777
    ok 'through it the client moves a guest' move_by_proxy alpha beta
    wait_until 'which runs there' 5 runs_on beta
    ok 'and lets libvirtd move it' move_by_proxy beta alpha --p2p
    wait_until 'back again' 5 runs_on alpha
    wait_until 'and its claim says so' $((2 * LOOK_S + 5)) recorded alpha
    # It would be copied into itself, over the network and while it is written.
    refuses 'a client does not move it with its disk' "disk 'vda'" \
        move_by_proxy alpha beta --copy-storage-all
    refuses 'nor has libvirtd do so' "disk 'vda'" \
        move_by_proxy alpha beta --p2p --copy-storage-inc
    ok 'it runs where it was' runs_on alpha
}

# ---- a start that the agent did not see the end of -------------------------

# As an agent that is replaced between the start and libvirt's word of it, or
# one that could not be told.
claim_stays()
{
    ok 'the guest ends' host_run alpha virsh_ destroy moves
    ok 'no agent listens' host_run alpha agent_stop
    ok 'it starts all the same' host_run alpha virsh_ start moves
    wait_until 'and its claim says so' $((2 * LOOK_S + 5)) recorded alpha
    ok 'an agent starts again' host_run alpha agent_start
    ok 'the guest can move at once' move alpha beta
    wait_until 'and runs' 5 runs_on beta
    wait_until 'as its claim says' $((2 * LOOK_S + 5)) recorded beta
}

# ---- an arrival is for one start -------------------------------------------

# hook HOST OPERATION SUBOPERATION FILE, with that definition of the guest.
hook()
{
    host_run "$1" eval "'$(agent_hook)' moves $2 $3 - <$BED/log/$4"
}

# What libvirt would start the guest with.
arrives()
{
    hook alpha migrate begin moves.xml >"$BED/log/alpha/arrives.xml"
}

prepares()
{
    hook alpha prepare begin "${1:-moves.xml}"
}

# one_use TITLE
one_use()
{
    ok "$1: it is about to arrive" arrives
    refuses "$1: a start of its own is none" 'has it open as client' prepares
    ok "$1: then its disk may be open elsewhere" prepares arrives.xml
    refuses "$1: not the next time" 'client' prepares arrives.xml
    ok "$1: it does not come" hook alpha release end moves.xml
    wait_until "$1: then nobody is on the way" $((2 * LOOK_S + 5)) recorded beta
}

arrivals()
{
    host_run beta virsh_ dumpxml moves >"$BED/log/alpha/moves.xml"
    refuses 'a disk that is open elsewhere' 'has it open as client' prepares
    one_use 'with an agent'
    ok 'it is about to arrive' arrives
    cp "$BED/log/alpha/arrives.xml" "$BED/log/alpha/before.xml"
    ok 'and once more' arrives
    refuses 'then the first time is over' 'has it open as client' \
        prepares before.xml
    ok 'the agent stops' host_run alpha agent_stop
    one_use 'without'
    ok 'the agent starts' host_run alpha agent_start
    ok 'the guest was not disturbed' runs_on beta
}

# Its watch is gone for a while, as after a moment without network, and its claim
# is not. The disk is another one, which nobody has open, with such a claim.
unwatched()
{
    local object=remora_claim.unwatched claim
    rbd create --size 16M volumes/unwatched
    claim=$(rados -p vms getxattr "remora_claim.${UUID}_disk" remora.claim)
    ok 'a claim without a watch' rados -p volumes create "$object"
    sed -E "s@(^| )addr=[^ ]*@\1addr=192.0.2.9:0/7@" <<<"$claim" |
        rados -p volumes setxattr "$object" remora.claim
    printf 0 | rados -p volumes setxattr "$object" remora.alive
    sed "s|name='$DISK'|name='volumes/unwatched'|" "$BED/log/alpha/moves.xml" \
        >"$BED/log/alpha/unwatched.xml"
    ok 'its guest is about to arrive' eval \
        'hook alpha migrate begin unwatched.xml >"$BED/log/alpha/comes.xml"'
    ok 'and comes' prepares comes.xml
    ok 'beside the one that runs' agent_claim_is volumes/unwatched 'running beta'
    unlike 'who is not cut off' "$(cluster_blocklist)" '192.0.2.9:0/7'
    rados -p volumes rm "$object"
}

# ---- a start that came to nothing ------------------------------------------

# In a pool where nobody else looks for claims.
handed_over()
{
    rbd create --size 1M volumes/never
    host_run beta never_xml
    ok 'libvirtd stops' host_run beta libvirtd_stop
    ok 'a start' host_run beta never_starts
    ok 'whose agent is killed' host_run beta agent_kill
    ok 'and another one comes' host_run beta start_agent_alone
    sleep 5
    is 'its claim stays while nobody knows what became of it' \
        "$(agent_claim volumes/never | cut -d ' ' -f -2)" 'handed beta'
    ok 'libvirtd starts' host_run beta libvirtd_start
    wait_until 'and knows nothing of it: the claim ends' $((2 * LOOK_S + 5)) \
        agent_claim_is volumes/never none
    wait_until 'which the agent says' 5 host_run beta agent_said \
        "the claim on 'volumes/never' is gone"
}

# It finds no libvirtd to wait for.
start_agent_alone()
{
    local LIBVIRTD_PID=
    agent_start
}

never_xml()
{
    guest_xml never "$(uuidgen)" \
        "$(guest_disk_xml vda volumes/never "$(agent_secret)")" \
        >"$BED/tmp/never.xml"
}

never_starts()
{
    "$(agent_hook)" never prepare begin - <"$BED/tmp/never.xml"
}

inside()
{
    bed_need_remora
    parts
    handed_over
    there
    without_an_agent
    through_the_proxy
    claim_stays
    arrivals
    unwatched
    ok 'the guest runs' runs_on beta
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside
tap_done
