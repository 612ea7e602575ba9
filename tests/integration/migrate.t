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
# How long the agent leaves a claim alone that was handed over for a start.
HANDED_S=60
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

recorded()
{
    host_run "$1" grep -q -F "$(cluster_watchers "$DISK") $DISK" \
        "/run/remora/guests/$UUID"
}

unrecorded()
{
    ! recorded "$1"
}

kill_guest()
{
    local pid
    pid=$(<"/run/libvirt/qemu/moves.pid")
    kill -KILL "$pid" && bed_wait 10 guest_is moves 'shut off'
}

# starts_again HOST: at once, although its dead QEMU has the disk open.
starts_again()
{
    local host=$1 dead
    dead=$(cluster_watchers "$DISK")
    ok "$host: its QEMU is killed" host_run "$host" kill_guest
    is "$host: its watch is still there" "$(cluster_watchers "$DISK")" "$dead"
    ok "$host: it starts again at once" host_run "$host" virsh_ start moves
    ok "$host: because its watch was written down" host_run "$host" agent_said \
        "cut off client $dead, whose recorded QEMU is gone"
}

# ---- a guest that moves ----------------------------------------------------

there()
{
    ok 'it moves' move alpha beta
    wait_until 'and runs there' 5 runs_on beta
    ok 'no claim is left' agent_no_claims
    # It could be the other's, if this one's migration had been given up.
    # Two looks are further apart than this, and the machine may be slow.
    sleep $((LOOK_S / 2))
    ok 'its only watch is not taken for its own at once' unrecorded beta
    wait_until 'whose watch is whose is known when the other is gone' \
        $((2 * LOOK_S + 5)) recorded beta
    starts_again beta
}

# 'migrate begin' and 'prepare' are two processes then.
without_an_agent()
{
    ok 'an agent stops' host_run alpha agent_stop
    ok 'where none listens the guest moves, too' move beta alpha
    wait_until 'and runs there as well' 5 runs_on alpha
    is 'its start left a claim' "$(rados -p vms ls | grep remora_claim)" \
        "remora_claim.${UUID}_disk"
    ok 'an agent starts' host_run alpha agent_start
    wait_until 'it gives up the claim of a guest that runs' 5 agent_no_claims
    ok 'and says so' host_run alpha agent_said 'and the guest has the image open'
    wait_until 'and writes down the watch' 5 recorded alpha
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
    ok 'no claim is left of it' agent_no_claims
    wait_until 'and the watch is known' $((2 * LOOK_S + 5)) recorded alpha
}

# ---- a start that the agent did not see the end of -------------------------

# As an agent that is replaced between the start and libvirt's word of it, or
# one that could not be told.
claim_stays()
{
    ok 'the guest ends' host_run alpha virsh_ destroy moves
    ok 'no agent listens' host_run alpha agent_stop
    ok 'it starts all the same' host_run alpha virsh_ start moves
    is 'its claim stays' "$(rados -p vms ls | grep -c remora_claim)" 1
    ok 'an agent starts again' host_run alpha agent_start
    ok 'the guest can move at once' move alpha beta
    wait_until 'and runs' 5 runs_on beta
}

# ---- an arrival is for one use, for 10 s -----------------------------------

# hook HOST OPERATION SUBOPERATION, with the definition of the guest.
hook()
{
    host_run "$1" eval "'$(agent_hook)' moves $2 $3 - <$BED/tmp/moves.xml"
}

arrives()
{
    hook alpha migrate begin >/dev/null
}

prepares()
{
    hook alpha prepare begin
}

# one_use TITLE
one_use()
{
    ok "$1: it is about to arrive" arrives
    ok "$1: then its disk may be open elsewhere" prepares
    refuses "$1: not the next time" 'in use by client' prepares
    wait_until "$1: no claim is left" 15 agent_no_claims
}

for_ten_seconds()
{
    ok 'it is about to arrive again' arrives
    sleep 11
    refuses 'but may not after 10 s' 'in use by client' prepares
}

arrivals()
{
    host_run beta virsh_ dumpxml moves >"$BED/log/alpha/moves.xml"
    host_run alpha cp "$BED/log/moves.xml" "$BED/tmp/"
    refuses 'a disk that is open elsewhere' 'in use by client' prepares
    one_use 'with an agent'
    ok 'it is about to arrive' arrives
    ok 'and does not' hook alpha release end
    refuses 'then it may not come either' 'in use by client' prepares
    for_ten_seconds
    ok 'the agent stops' host_run alpha agent_stop
    one_use 'without'
    ok 'the agent starts' host_run alpha agent_start
    ok 'the guest was not disturbed' runs_on beta
}

# ---- a start that came to nothing ------------------------------------------

# Begun long before it is looked at, so that nobody waits for it; in a pool
# where nobody else looks for claims.
handed_over()
{
    HANDED_AT=$SECONDS
    rbd create --size 1M volumes/never
    host_run beta never_xml
    ok 'a start' host_run beta never_starts
    is 'and a claim' "$(rados -p volumes ls | grep -c remora_claim)" 1
    ok 'whose agent is killed' host_run beta agent_kill
    ok 'and another one comes' host_run beta agent_start
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

no_claim_stays()
{
    ! rados -p volumes ls | grep -q remora_claim
}

# Not before its time.
still_claimed()
{
    [ $((SECONDS - HANDED_AT)) -ge $((HANDED_S - 2)) ] || ! no_claim_stays
}

in_the_end()
{
    wait_until 'a claim that nobody speaks of ends' \
        $((HANDED_AT + HANDED_S + 3 * LOOK_S - SECONDS)) no_claim_stays
    ok 'which the agent says' host_run beta agent_said \
        'and no other client has the image open'
}

inside()
{
    bed_need_remora
    parts
    handed_over
    there
    ok 'a claim of a start that nobody speaks of stays for a while' still_claimed
    without_an_agent
    through_the_proxy
    claim_stays
    arrivals
    in_the_end
    ok 'the guest runs' runs_on beta
    is 'only dead guests were cut off' "$(cluster_blocklist | wc -l)" 2
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside
tap_done
