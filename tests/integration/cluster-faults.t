#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/cluster-faults.t - starts while part of the cluster fails
#
# Needs: root, the packages of lib/packages.sh, remora with fault points, of
#        which one keeps a start from coming to its end.
# Reads: REMORA_FULL   ten times as many rounds
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
. "$here/lib/request.sh"

IMAGE=0a64fa67-3e34-42e7-b7b0-423c11850e18
ROUNDS=${REMORA_FULL:+10}
ROUNDS=${ROUNDS:-1}
CLUSTER_MONS=3
DEADLINE=5

parts()
{
    ok 'a cluster with three monitors starts' cluster_start ||
        bail 'no cluster'
    guest_image 16M 'a golden image' off "$BED/tmp/golden" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/golden" "$IMAGE"
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    ok 'the hook is installed' hook_install "$(agent_hook)"
    ok 'the agent starts' agent_start || bail 'no agent'
    # One start, so that the agent knows the cluster.
    ok 'a domain starts' boots first
    ok 'a request' request_kind clone "$(agent_asks vda "$IMAGE")"
}

# A new domain, from its definition to the end of its guest.
boots()
{
    agent_boots "$1" "$(uuidgen)" "$IMAGE" && virsh_ undefine "$1"
}

is_whole()
{
    request_is_whole "images/$IMAGE@snap" "$BED/tmp/golden" $((16 << 20))
}

# ---- what a disk says of the cluster ---------------------------------------

# The v1 addresses of the monitor map, as libvirt writes hosts.
map_hosts()
{
    ceph mon dump -f json 2>/dev/null | jq -r '.mons[].public_addrs.addrvec[] |
        select(.type == "v1").addr' |
        sed -E "s|^(.*):([0-9]+)$|<host name='\1' port='\2'/>|" | sort
}

disk_hosts()
{
    virsh_ dumpxml --inactive "$1" | grep -o '<host [^>]*>' | sort
}

has_hosts()
{
    [ "$(disk_hosts "$1")" = "$2" ]
}

site()
{
    ok 'a domain' agent_defines whole "$(uuidgen)" "$IMAGE"
    is 'there are three monitors' "$(map_hosts | wc -l)" 3
    is 'its disk names all of them' "$(disk_hosts whole)" "$(map_hosts)"
    like 'and who opens it' "$(virsh_ dumpxml --inactive whole)" \
        "<auth username='remora'>"
    like 'with which secret' "$(virsh_ dumpxml --inactive whole)" \
        "<secret type='ceph' uuid='$(agent_secret)'/>"
}

# A monitor that is taken out of the map is in no definition that is made
# from then on.
moved()
{
    cluster_stop_mon c
    ok 'a monitor is removed' ceph mon rm c
    wait_until 'two are left' 60 quorum_of 2
    ok 'another domain' agent_defines after "$(uuidgen)" "$IMAGE"
    wait_until 'its disk names the two' 5 has_hosts after "$(map_hosts)"
    ok 'it starts' virsh_ start after
    ok 'and ends' guest_wait_off after
    ok 'the one from before starts, too' virsh_ start whole
    ok 'and ends as well' guest_wait_off whole
}

# ---- monitors and manager --------------------------------------------------

# While they elect, none answers.
quorum_of()
{
    [ "$(timeout 10 ceph --connect-timeout 5 quorum_status -f json |
        jq '.quorum | length')" = "$1" ]
} 2>/dev/null

one_monitor()
{
    local id i
    for id in a b c; do
        ok "monitor $id stops" cluster_stop_mon "$id"
        for ((i = 0; i < ROUNDS; i++)); do
            ok "without it a new domain starts, $i" boots "no-$id-$i"
        done
        cluster_start_mon "$id"
        wait_until "monitor $id is back" 60 quorum_of 3
    done
    # One that hangs says nothing, and its connections stay.
    for id in a b c; do
        cluster_pause_mon "$id"
        for ((i = 0; i < ROUNDS; i++)); do
            ok "while monitor $id hangs, a new domain starts, $i" \
                boots "hung-$id-$i"
        done
        cluster_resume_mon "$id"
        wait_until "monitor $id is back again" 60 quorum_of 3
    done
}

# One that has no connection yet finds the monitors that answer. Where it was the
# leader that hangs, none does until the others have noticed and elected another:
# they give a leader 5 s (mon_lease), and an election as many.
cold_with_two()
{
    cluster_pause_mon a
    ok 'the agent stops' agent_stop
    wait_until 'the other two elect a leader' 60 quorum_of 2
    ok 'without it, while monitor a hangs, a new disk is made' eval \
        'request_new clone && request_prepare && request_release'
    ok 'the agent starts' agent_start
    ok 'while monitor a hangs, a new domain starts' boots cold
    cluster_resume_mon a
    wait_until 'monitor a is back for all' 60 quorum_of 3
}

# A majority is what it takes; two that are left of three have one, one has
# not, and QEMU would wait for it with the domain locked.
two_monitors()
{
    local t
    request_new clone
    cluster_pause_mon b
    ok 'the second monitor of three stops' cluster_stop_mon c
    wait_until 'the one that is left notices' 60 \
        eval '! timeout 3 ceph --connect-timeout 2 mon dump'
    t=$SECONDS
    refuses 'with one of three left a start is refused' 'ceph -s' \
        request_prepare
    ok 'after one connect timeout' [ $((SECONDS - t)) -le $((12 * BED_PATIENCE)) ]
    cluster_resume_mon b
    cluster_start_mon c
    wait_until 'all three are back' 60 quorum_of 3
    wait_until 'and it starts' 30 request_prepare
    request_release
}

no_manager()
{
    ok 'the manager stops' cluster_stop_mgr
    ok 'without it a new domain starts' boots no-mgr
    ok 'and another' boots no-mgr-2
    cluster_start_mgr
    wait_until 'the manager is back' 60 cluster_mgr_ready
}

# ---- the OSD ---------------------------------------------------------------

# lost_during MILLISECONDS COMMAND...: one build, and the OSD does not answer
# any more so long after its beginning.
lost_during()
{
    local after=$1 t=$SECONDS said status
    request_new clone
    request_prepare >"$BED/tmp/said" 2>&1 &
    said=$!
    sleep "$(printf '0.%03d' "$after")"
    "${@:2}"
    wait "$said"
    status=$?
    [ $((SECONDS - t)) -le $((DEADLINE + BED_PATIENCE)) ] || echo 'past the deadline'
    [ "$status" = 0 ] ||
        grep -q "^remora: domain 'web': .*ceph -s" "$BED/tmp/said" ||
        cat "$BED/tmp/said"
    OUTCOME[status != 0]+=" $after"
}

# lost TITLE LOSE FIND
lost()
{
    local title=$1 lose=$2 find=$3 i wrong='' OUTCOME=('' '')
    for ((i = 0; i < 4 * ROUNDS; i++)); do
        lost_during $((i * 60 / (4 * ROUNDS))) "$lose" >"$BED/tmp/wrong"
        "$find"
        bed_wait 60 request_prepare || wrong+=" no-start-$i"
        is_whole >/dev/null || wrong+=" not-whole-$i"
        request_release
        wrong+=$(<"$BED/tmp/wrong")
    done
    is "$title: refused in time, and made when it is back" "$wrong" ''
    diag "done after ms:${OUTCOME[0]}; refused after ms:${OUTCOME[1]}"
}

short_deadline()
{
    mkdir -p /etc/remora
    echo "hook: { deadline = \"$DEADLINE s\"; };" >/etc/remora/remora.conf
    agent_reload
    bed_wait 10 agent_said 'configuration read again'
}

osd()
{
    ok 'a deadline that is short' short_deadline
    lost 'an OSD that hangs in a build' cluster_pause_osd cluster_resume_osd
    lost 'an OSD that stops in a build' cluster_stop_osd cluster_start_osd
    is 'each image in the pool is a whole clone' \
        "$(rbd ls vms | sed 's|^|vms/|' | sort)" \
        "$(rbd children "images/$IMAGE@snap" | sort)"
    diag "in the trash: $(rbd trash ls vms | wc -l)"
}

# ---- space -----------------------------------------------------------------

# flag_is FLAG [POOL]
flag_is()
{
    ceph osd dump -f json | jq -e --arg flag "$1" --arg pool "${2:-vms}" \
        '.pools[] | select(.pool_name == $pool) |
            .flags_names | split(",") | index($flag) != null'
}

full()
{
    ceph osd pool set-quota vms max_objects 1 2>/dev/null
    wait_until 'the pool is at its quota' 60 flag_is full_quota
    request_new clone
    refuses 'which a start names' "'vms/" request_prepare
    like 'and says what it is' "$TAP_OUT" quota
    ceph osd pool set-quota vms max_objects 0 2>/dev/null
    wait_until 'the quota is gone' 60 eval '! flag_is full_quota'
    ok 'and a start works' request_prepare
    request_release

    rbd create --size 64M volumes/fill
    rbd bench --io-type write --io-size 4M --io-total 64M volumes/fill \
        >/dev/null
    ceph osd set-nearfull-ratio 0.001
    ceph osd set-backfillfull-ratio 0.002
    ceph osd set-full-ratio 0.003
    wait_until 'the cluster is full' 60 flag_is full
    request_new clone
    refuses 'which a start says' 'full' request_prepare
    diag "$TAP_OUT"
    ceph osd set-full-ratio 0.95
    ceph osd set-backfillfull-ratio 0.9
    ceph osd set-nearfull-ratio 0.85
    wait_until 'there is room again' 60 eval '! flag_is full'
    ok 'and a start works again' request_prepare
    request_release
} 2>/dev/null

# prepare_in SECONDS
prepare_in()
{
    timeout "$1" "$(agent_hook)" web prepare begin - <"$REQUEST"
}

# no_claim_of UUID...: a start that met no agent from begin to end may have left
# one for a minute; these have not.
no_claim_of()
{
    local uuid claims
    claims=$(agent_no_claims)
    for uuid in "$@"; do
        [[ $claims != *"$uuid"* ]] || { echo "$claims"; return 1; }
    done
}

# again UUID: the start that was refused.
again()
{
    request_new clone "$1"
    wait_until 'a start that was refused works' 10 request_prepare
    ok 'and its disk is whole' is_whole
    request_release
}

# The image's header is written to when it gets a clone, and that waits for
# room.
full_of_images()
{
    local i refused=()
    ceph osd pool set-quota images max_objects 1 2>/dev/null
    wait_until 'the pool of images is at its quota' 60 flag_is full_quota images
    request_new clone
    refused+=("$REQUEST_UUID")
    refuses 'which a start says soon' 'the pool is at its quota' prepare_in 4
    like 'and names the disk and the pool' "$TAP_OUT" \
        "cannot make '$REQUEST_DISK' in pool 'images'"
    refuses 'so is the next start of that domain told' 'quota' prepare_in 1
    request_new clone
    refused+=("$REQUEST_UUID")
    refuses 'and another one, at once' 'quota' prepare_in 1
    ok 'the agent goes on' agent_is_up
    ok 'it ends with what it was about' agent_kill
    request_new clone
    refused+=("$REQUEST_UUID")
    refuses 'so it is without an agent' 'quota' prepare_in 20
    ok 'a new agent starts' agent_start
    ceph osd pool set-quota images max_objects 0 2>/dev/null
    wait_until 'the quota on the images is gone' 60 \
        eval '! flag_is full_quota images'
    for i in "${refused[@]}"; do
        again "$i"
    done
    wait_until 'no claim is left' 25 no_claim_of "${refused[@]}"
    is 'each image in the pool is a whole clone' \
        "$(rbd ls vms | sed 's|^|vms/|' | sort)" \
        "$(rbd children "images/$IMAGE@snap" | sort)"
}

# As remora itself sees it.
agent_is_up()
{
    [ "$(remora status --json | jq -r '.agent.clusters[0].state')" = up ]
}

# ---- claims that are held --------------------------------------------------

beat()
{
    rados -p vms getxattr "remora_claim.${REQUEST_DISK#*/}" remora.alive
}

building()
{
    [ "$(agent_claim "$REQUEST_DISK" | cut -d ' ' -f 1)" = building ] &&
        [ "$(rados -p volumes ls | grep -c remora_claim)" = 3 ]
}

# A claim that cannot be touched lets no other die.
hearts()
{
    local i before hook disks=()
    for i in b c d; do
        rbd create --size 16M "volumes/held-$i"
        disks+=("$(guest_disk_xml "vd$i" "volumes/held-$i" "$REQUEST_SECRET")")
    done
    ok 'a request with disks in two pools' request_kind held \
        "$(agent_asks vda "$IMAGE")" "${disks[@]}"
    request_new held
    ok 'an agent that stands still before it hands a claim over' eval \
        'agent_stop && REMORA_FAULT=handing=delay:600000 agent_start'
    request_prepare >/dev/null 2>&1 &
    hook=$!
    wait_until 'holds the claims of both pools' 10 building
    ok 'one pool does not answer any more' cluster_stall volumes
    before=$(beat)
    # If it waited for the three that cannot be, once would take minutes.
    wait_until 'the claim in the other one is touched all the same' 20 \
        eval "[ \$(beat) -ge $((before + 4)) ]"
    cluster_unstall volumes
    wait_until 'the pool answers again' 30 rbd info volumes/held-b
    kill -KILL "$hook"
    wait "$hook" 2>/dev/null
    agent_kill
    ok 'another agent comes' agent_start
    wait_until 'and all claims end' 25 no_claim_of "$REQUEST_UUID"
    wait_until 'there as well' 25 \
        eval '! rados -p volumes ls | grep -q remora_claim'
}

# ---- the blocklist ---------------------------------------------------------

# The agent's address, from its claim.
agent_address()
{
    agent_claim "$REQUEST_DISK" | cut -d ' ' -f 4
}

blocklisted()
{
    local address
    request_new clone
    # Or it would say that the domain has ended, and its claim would end.
    ok 'libvirtd stops' libvirtd_stop
    ok 'a start' request_prepare
    address=$(agent_address)
    ok 'the operator puts the agent on the blocklist' \
        ceph osd blocklist add "$address"
    request_new clone
    refuses 'the next start says so' 'blocklist' request_prepare
    ok 'as the agent does' agent_said 'blocklist'
    ok 'the one after it works' request_prepare
    ok 'and makes its disk' is_whole
    isnt 'by another address' "$(agent_address)" "$address"
    ok 'libvirtd starts' libvirtd_start
    wait_until 'no claim remains after it' 25 agent_no_claims
    is 'nobody else is on the blocklist' "$(cluster_blocklist)" "$address"
}

inside()
{
    bed_need_remora
    parts
    site
    blocklisted
    one_monitor
    cold_with_two
    two_monitors
    no_manager
    full
    full_of_images
    hearts
    osd
    moved
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside
tap_done
