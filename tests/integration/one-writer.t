#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/one-writer.t - one disk, one guest, on one host or on two
#
# Needs: root, the packages of lib/packages.sh, remora with fault points, which
#        are used at the end only, to see that without claims two guests run.
# Reads: REMORA_FULL   100 rounds of each race instead of 10
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
ROUNDS=${REMORA_FULL:+100}
ROUNDS=${ROUNDS:-10}
declare -A UUID

parts()
{
    ok 'a network' hosts_start || bail 'no network'
    ok 'a cluster starts' cluster_start ceph "$HOSTS_ADDRESS" ||
        bail 'no cluster'
    guest_image 16M 'an idle image' idle "$BED/tmp/idle" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/idle" "$IDLE"
    ok 'a volume' rbd import --no-progress "$BED/tmp/idle" volumes/x
    ok 'a host' host_start alpha || bail 'no host'
    ok 'another host' host_start beta || bail 'no host'
    ok 'the first one serves' host_serve alpha || bail 'no services'
    ok 'the second one serves' host_serve beta || bail 'no services'
}

# define_on_volume HOST NAME: a domain with the volume for its only disk.
define_on_volume()
{
    UUID[$2]=$(uuidgen)
    host_run "$1" on_volume "$2" "${UUID[$2]}"
}

on_volume()
{
    guest_define "$1" "$2" "$(guest_disk_xml vda volumes/x "$(agent_secret)")"
}

# ---- two starts at the same moment -----------------------------------------

# at MOMENT (of EPOCHREALTIME, microseconds) COMMAND...
at()
{
    local left=$(($1 - ${EPOCHREALTIME/./}))
    shift
    [ "$left" -le 0 ] ||
        sleep "$(printf '%d.%06d' $((left / 1000000)) $((left % 1000000)))"
    "$@"
}

# both HOST COMMAND... -- HOST COMMAND...: at the same moment, as well as two
# processes can; said.0 and STATUS[0] are the first one's.
both()
{
    local moment=$((${EPOCHREALTIME/./} + 150000)) first=() a b
    while [ "$1" != -- ]; do
        first+=("$1")
        shift
    done
    shift
    host_run "${first[0]}" at "$moment" "${first[@]:1}" \
        >"$BED/tmp/said.0" 2>&1 &
    a=$!
    host_run "$1" at "$moment" "${@:2}" >"$BED/tmp/said.1" 2>&1 &
    b=$!
    wait "$a"
    STATUS[0]=$?
    wait "$b"
    STATUS[1]=$?
}

# The loser is told who won: the host and the domain by their claim, or the
# client by its watch.
names_winner()
{
    local said=$1 host=$2 name=$3
    grep -q -E "is claimed by host '$host' for '${UUID[$name]}'|is in use by client '$(host_address "$host"):" \
        "$said"
}

# race_round HOST NAME HOST NAME: says what is wrong.
race_round()
{
    local STATUS=() w l hosts=("$1" "$3") names=("$2" "$4")
    both "$1" virsh_ start "$2" -- "$3" virsh_ start "$4"
    w=0 l=1
    [ "${STATUS[0]}" = 0 ] || w=1 l=0
    [ "${STATUS[$w]}" = 0 ] || echo "neither started"
    [ "${STATUS[$l]}" != 0 ] || echo "both started"
    host_run "${hosts[$w]}" guest_is "${names[$w]}" running ||
        echo "${names[$w]} does not run"
    host_run "${hosts[$l]}" guest_is "${names[$l]}" 'shut off' ||
        echo "${names[$l]} is not off"
    names_winner "$BED/tmp/said.$l" "${hosts[$w]}" "${names[$w]}" ||
        echo "the winner ${names[$w]} is not named"
    [ "$(cluster_watchers volumes/x | wc -l)" = 1 ] || echo 'not one watcher'
    echo "$w" >>"$BED/tmp/winners"
    host_run "${hosts[$w]}" virsh_ destroy "${names[$w]}" >/dev/null ||
        echo 'cannot be destroyed'
}

# race TITLE HOST NAME HOST NAME
race()
{
    local title=$1 i wrong bad=0
    shift
    : >"$BED/tmp/winners"
    for ((i = 0; i < ROUNDS; i++)); do
        wrong=$(race_round "$@")
        [ -n "$wrong" ] || continue
        bad=$((bad + 1))
        diag "round $i: $wrong"
        diag "$(cat "$BED/tmp/said.0" "$BED/tmp/said.1")"
    done
    is "$title: exactly one runs, $ROUNDS times" "$bad" 0
    diag "the first one won $(grep -c 0 "$BED/tmp/winners") times"
}

two_starts()
{
    ok 'a domain on the volume' define_on_volume alpha one
    ok 'another' define_on_volume alpha two
    ok 'one on the other host' define_on_volume beta three
    race 'two domains of one host' alpha one alpha two
    race 'of two hosts' alpha one beta three
    is 'nobody was cut off' "$(cluster_blocklist)" ''
    wait_until 'no claim remains' 5 eval \
        '! rados -p volumes ls | grep -q "^remora_claim\."'
}

# ---- two who make the same disk --------------------------------------------

made_one()
{
    local uuid=$1
    [ "$(cat "$BED/tmp/said."[01] | grep -c ' cloned$')" = 1 ] ||
        echo 'not cloned once'
    # The other came later, or while the first one was at it.
    [ "$(grep -l -E " was ready$|is claimed by host '(alpha|beta)' for '$uuid'" \
        "$BED/tmp/said."[01] | wc -l)" = 1 ] || echo 'not refused once'
    rbd info "vms/${uuid}_disk" | grep -q "parent: images/$IDLE@snap" ||
        echo 'no clone'
}

provision_round()
{
    local STATUS=() uuid
    uuid=$(uuidgen)
    echo "${uuid}_disk" >>"$BED/tmp/made"
    guest_xml -m "$(agent_asks vda "$IDLE")" same "$uuid" >"$BED/log/same.xml"
    cp "$BED/log/same.xml" "$BED/log/alpha/"
    cp "$BED/log/same.xml" "$BED/log/beta/"
    both alpha remora provision "$BED/log/same.xml" -- \
        beta remora provision "$BED/log/same.xml"
    made_one "$uuid"
}

start_round()
{
    local STATUS=() uuid=$1 w=alpha l=1
    UUID[same]=$uuid
    both alpha virsh_ start same -- beta virsh_ start same
    [ $((!STATUS[0] + !STATUS[1])) = 1 ] || echo 'not one started'
    [ "${STATUS[0]}" = 0 ] || w=beta l=0
    names_winner "$BED/tmp/said.$l" "$w" same || echo 'the winner is not named'
    rbd info "vms/${uuid}_disk" | grep -q "parent: images/$IDLE@snap" ||
        echo 'no clone'
    [ "$(cluster_watchers "vms/${uuid}_disk" | wc -l)" = 1 ] ||
        echo 'not one watcher'
    host_run "$w" virsh_ destroy same >/dev/null
    host_run alpha virsh_ undefine same >/dev/null
    host_run beta virsh_ undefine same >/dev/null
}

defined_start_round()
{
    local uuid
    uuid=$(uuidgen)
    echo "${uuid}_disk" >>"$BED/tmp/made"
    host_run alpha agent_defines same "$uuid" "$IDLE" >/dev/null &&
        host_run beta agent_defines same "$uuid" "$IDLE" >/dev/null ||
        echo 'not defined'
    start_round "$uuid"
}

rounds()
{
    local title=$1 i wrong bad=0
    shift
    for ((i = 0; i < ROUNDS; i++)); do
        wrong=$("$@")
        [ -n "$wrong" ] || continue
        bad=$((bad + 1))
        diag "round $i: $wrong"
        diag "$(cat "$BED/tmp/said.0" "$BED/tmp/said.1")"
    done
    is "$title, $ROUNDS times" "$bad" 0
}

two_builds()
{
    : >"$BED/tmp/made"
    rounds 'two hosts provision one disk: one clone' provision_round
    rounds 'two hosts start the same domain: one clone, one guest' \
        defined_start_round
    is 'the parent lists each of them' \
        "$(rbd children "images/$IDLE@snap" | sort)" \
        "$(sed 's|^|vms/|' "$BED/tmp/made" | sort)"
    is 'nothing went to the trash' "$(rbd trash ls vms)" ''
    is 'nobody was cut off by it' "$(cluster_blocklist)" ''
    wait_until 'no claim remains in vms' 5 agent_no_claims
}

# ---- a disk that is in use -------------------------------------------------

volume_watcher()
{
    cluster_watchers volumes/x
}

in_use()
{
    local claim
    ok 'a guest uses the volume' host_run alpha virsh_ start one
    claim="running alpha ${UUID[one]} $(volume_watcher)"
    wait_until 'its claim says which client it is' 5 \
        agent_claim_is volumes/x "$claim"
    refuses 'a second one on its host is refused, the client named' \
        "has it open as client '$(volume_watcher)'" \
        host_run alpha virsh_ start two
    refuses 'and one on another' "has it open as client '$(volume_watcher)'" \
        host_run beta virsh_ start three
    ok 'the guest runs on' host_run alpha guest_is one running
    refuses 'what is in use is not made ready either' \
        "has it open as client '$(volume_watcher)'" \
        host_run beta remora provision three
    is 'its claim is as it was' "$(agent_claim volumes/x)" "$claim"
}

# kill_guest NAME: libvirt need not be there to see it.
kill_guest()
{
    local pid
    pid=$(<"/run/libvirt/qemu/$1.pid")
    kill -KILL "$pid" && bed_wait 10 bed_gone "$pid"
}

crashed()
{
    local dead t
    dead=$(volume_watcher)
    ok 'its QEMU is killed' host_run alpha kill_guest one
    ok 'which libvirt sees' \
        host_run alpha bed_wait 10 guest_is one 'shut off'
    t=$EPOCHREALTIME
    ok 'it starts again' host_run alpha virsh_ start one
    diag "$(((${EPOCHREALTIME/./} - ${t/./}) / 1000)) ms after kill -9"
    ok 'and runs' host_run alpha guest_is one running
    is 'the dead client was cut off, and no other' "$(cluster_blocklist)" \
        "$dead"
    isnt 'it has a watch of its own' "$(volume_watcher)" "$dead"
    ok 'it ends' host_run alpha virsh_ destroy one
    ok 'the other host starts' host_run beta virsh_ start three
    ok 'and ends' host_run beta virsh_ destroy three
}

# That a guest has ended nobody knows but its own host's libvirt.
crashed_unseen()
{
    local dead before
    before=$(cluster_blocklist)
    ok 'the guest starts' host_run alpha virsh_ start one
    dead=$(volume_watcher)
    wait_until 'its claim says which client it is' 5 \
        agent_claim_is volumes/x "running alpha ${UUID[one]} $dead"
    ok 'libvirtd stops' host_run alpha libvirtd_stop
    ok 'its QEMU is killed' host_run alpha kill_guest one
    is 'the watch is still there' "$(volume_watcher)" "$dead"
    refuses 'another host cannot know that it is dead' \
        "has it open as client '$dead'" host_run beta virsh_ start three
    ok 'libvirtd starts' host_run alpha libvirtd_start
    wait_until 'the claim ends' 10 agent_claim_is volumes/x none
    is 'the dead client was cut off' \
        "$(comm -13 <(sort <<<"$before") <(cluster_blocklist | sort))" "$dead"
    ok 'which the log explains' host_run alpha agent_said \
        "and its client '$dead' is cut off"
    ok 'the other host starts' host_run beta virsh_ start three
    ok 'and ends' host_run beta virsh_ destroy three
}

# ---- a definition that was copied ------------------------------------------

# copied NAME COPY: as an administrator copies one.
copied()
{
    virsh_ dumpxml --inactive "$1" |
        sed "s|<name>.*|<name>$2</name>|;/<uuid>/d" >"$BED/tmp/copy.xml"
    virsh_ define "$BED/tmp/copy.xml"
}

hook_prepares()
{
    virsh_ dumpxml --inactive "$1" >"$BED/tmp/prepare.xml"
    "$(agent_hook)" "$1" prepare begin - <"$BED/tmp/prepare.xml"
}

copies()
{
    local uuid disk
    uuid=$(uuidgen)
    disk=vms/${uuid}_disk
    ok 'a domain with a clone' host_run alpha agent_boots original "$uuid" \
        "$IDLE"
    ok 'ends' host_run alpha virsh_ destroy original
    ok 'it is copied' host_run alpha copied original copy
    wait_until 'the agent warns at once' 5 host_run alpha agent_said \
        "'$disk' belongs to domain UUID $uuid"
    refuses 'the copy is refused at its start' \
        "'$disk' belongs to domain UUID $uuid" host_run alpha virsh_ start copy
    refuses 'by the hook' "belongs to domain UUID $uuid" \
        host_run alpha hook_prepares copy
    ok 'the original still starts' host_run alpha virsh_ start original
    refuses 'and the copy is refused then, too' \
        "'$disk' belongs to domain UUID $uuid" host_run alpha virsh_ start copy
    is 'there is one guest on it' "$(cluster_watchers "$disk" | wc -l)" 1
    # On a disk that no name belongs to, the mark and the watch decide.
    ok 'a copy on the volume' host_run alpha copied one other
    ok 'one of them runs' host_run alpha virsh_ start one
    refuses 'the copy does not meanwhile' 'is claimed by host' \
        host_run alpha virsh_ start other
    ok 'it ends' host_run alpha virsh_ destroy one
}

# ---- and without claims ----------------------------------------------------

careless_agent()
{
    agent_stop
    REMORA_FAULT=no-claims=error:1 agent_start
}

both_ran()
{
    race_round alpha one beta three >"$BED/tmp/wrong"
    host_run alpha virsh_ destroy one >/dev/null 2>&1
    host_run beta virsh_ destroy three >/dev/null 2>&1
    grep -q 'both started' "$BED/tmp/wrong"
}

careless()
{
    local i
    ok 'an agent without claims' host_run alpha careless_agent
    ok 'and another' host_run beta careless_agent
    for ((i = 0; i < 20; i++)); do
        ! both_ran || break
    done
    ok "without claims both guests run, which the test sees (round $i)" \
        [ "$i" -lt 20 ]
}

inside()
{
    bed_need_remora
    parts
    two_starts
    two_builds
    in_use
    crashed
    crashed_unseen
    copies
    careless
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside
tap_done
