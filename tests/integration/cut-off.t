#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/cut-off.t - a host is lost while it builds a disk
#
# One host is cut off from the cluster in the middle of several builds, a second
# one when all it has to do is to allow a start, a third loses its power in a
# build. Another may have these disks when 20 s are over, not before; and
# whatever the first two still had in mind comes to nothing when they are back:
# no start is allowed, and not a byte, a key or a claim of what the other made
# is changed.
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
. "$here/lib/request.sh"
. "$here/lib/hosts.sh"

IMAGE=0a64fa67-3e34-42e7-b7b0-423c11850e18
PARENT=images/$IMAGE@snap
SIZE=$((32 * 1024 * 1024))
DEAD_S=20
# Builds stand still until they are told to go on, when the other host's disks
# are made. The hook waits for what becomes of them, if it can wait that long.
DEADLINE_S=58
# So little that nobody is watched within one request.
SHORT_S=5

# Where the builds of the host that is cut off stand still: nothing is there, a
# name without a header, a clone that its parent does not know, one that it knows,
# it is marked.
POINTS=(cloning clone-named clone-headed clone-returned marked)
# And where the one stands that loses its power: it has the clone open.
LAST=grown
# The disks of the hosts that come back, and of all.
LOST=("${POINTS[@]}" ready)
DISKS=(power "${LOST[@]}")
declare -A UUID JOB ADDR

parts()
{
    ok 'a network' hosts_start || bail 'no network'
    ok 'a cluster starts' cluster_start ceph "$HOSTS_ADDRESS" ||
        bail 'no cluster'
    guest_image 16M 'a golden image' off "$BED/tmp/golden" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/golden" "$IMAGE"
    ok 'a request' request_kind clone "$(agent_asks vda "$IMAGE" '32 MiB')" ||
        bail 'no request'
}

# ---- requests on a host ----------------------------------------------------

# faulty_agent FAULTS [SECONDS [GROW]]: with a hook that is patient. What the faults
# hold goes on when the file is gone.
faulty_agent()
{
    mkdir -p /etc/remora
    echo "hook: { deadline = \"${2:-$DEADLINE_S} s\"; };
        clone: { grow = \"${3:-direct}\"; };" >/etc/remora/remora.conf
    : >"$BED/tmp/hold"
    REMORA_FAULT=$1 REMORA_FAULT_HOLD=$BED/tmp/hold agent_start
}

# ask HOST OPERATION DISK: as that host's libvirt has the hook do it.
ask()
{
    local part=begin
    [ "$2" != release ] || part=end
    host_run "$1" "$(agent_hook)" "$3" "$2" "$part" - <"$BED/tmp/$3.xml"
}

# new_disk NAME: a domain, as all hosts know it.
new_disk()
{
    request_new clone
    UUID[$1]=$REQUEST_UUID
    sed "s|<name>web</name>|<name>$1</name>|" "$REQUEST" >"$BED/tmp/$1.xml"
}

image_of()
{
    echo "vms/${UUID[$1]}_disk"
}

stands_at()
{
    grep -q "REMORA_FAULT: at $2" "$BED/log/$1/remorad.log"
}

# begin HOST POINT DISK: a request that is served as far as that.
begin()
{
    [ -n "${UUID[$3]-}" ] || new_disk "$3"
    ask "$1" prepare "$3" >"$BED/tmp/$3.said" 2>&1 &
    JOB[$3]=$!
    wait_until "host $1 comes as far as '$2'" 10 stands_at "$1" "$2"
}

# ---- what there is ---------------------------------------------------------

claim_of()
{
    rados -p vms getxattr "remora_claim.${UUID[$1]}_disk" remora.claim 2>&1
}

# Everything that the first host might have changed.
state_of()
{
    local image
    image=$(image_of "$1")
    rbd info --format json "$image" | jq -c 'del(.access_timestamp)'
    rbd image-meta ls "$image"
    rbd snap ls "$image"
    cluster_watchers "$image"
    claim_of "$1"
    rbd export --no-progress "$image" - 2>/dev/null | md5sum
}

is_whole()
{
    # shellcheck disable=SC2034 # request_is_whole reads it
    REQUEST_DISK=$(image_of "$1")
    request_is_whole "$PARENT" "$BED/tmp/golden" "$SIZE"
}

# ---- the hosts -------------------------------------------------------------

# The @1 is for the first build that comes there; those that went further
# passed it before.
faults()
{
    local i list=''
    for i in "${!POINTS[@]}"; do
        # The last one is begun first, so that it meets no other's fault.
        list+=${list:+,}${POINTS[i]}=hold@$((${#POINTS[@]} - i))
    done
    echo "$list"
}

machines()
{
    local host
    for host in alpha beta gamma delta; do
        ok "a host, $host" host_start "$host" || bail 'no host'
    done
    ok 'alpha serves' host_run alpha faulty_agent "$(faults)" || bail 'no agent'
    # Of the last disk it takes the claim over, and does not get further: the
    # next request must not forget whom it was taken from.
    ok 'beta serves' \
        host_run beta faulty_agent "taken-over=error:5@${#DISKS[@]}" \
        "$SHORT_S" ||
        bail 'no agent'
    ok 'gamma serves' \
        host_run gamma faulty_agent "$LAST=hold@1" "$DEADLINE_S" librbd ||
        bail 'no agent'
    # Its claim is there, and its disk found to be ready.
    ok 'delta serves' host_run delta faulty_agent "looked=hold@1" ||
        bail 'no agent'
}

made_by_hand()
{
    cp "$BED/tmp/$2.xml" "$BED/log/$1/"
    host_run "$1" remora provision "$BED/log/$2.xml"
}

# ---- the story -------------------------------------------------------------

builds_begin()
{
    local i
    ok 'a disk is made' eval 'new_disk ready && made_by_hand beta ready'
    wait_until 'and is nobody'"'"'s' 10 agent_no_claims
    begin gamma "$LAST" power
    begin delta looked ready
    for ((i = ${#POINTS[@]} - 1; i >= 0; i--)); do
        begin alpha "${POINTS[i]}" "${POINTS[i]}"
    done
}

# refused_for DISK HOST: another host has it.
refused_for()
{
    refuses "$1: the other host is refused, the holder named" \
        "is claimed by host '$2' for '${UUID[$1]}'" ask beta prepare "$1"
}

cut_off()
{
    local disk
    for disk in "${DISKS[@]}"; do
        ADDR[$disk]=$(claim_of "$disk" | tr ' ' '\n' | sed -n 's/^addr=//p')
    done
    ok 'one host loses its power' host_kill gamma
    ok 'one is cut off' host_cut alpha
    ok 'and another' host_cut delta
    FIRST=${EPOCHREALTIME/./}
    refused_for power gamma
    for disk in "${POINTS[@]}"; do
        refused_for "$disk" alpha
    done
    refused_for ready delta
}

since_first()
{
    echo $(((${EPOCHREALTIME/./} - FIRST) / 1000))
}

# Each disk is asked for again and again, as a user would.
taken_over()
{
    local disk left=("${DISKS[@]}") early='' ms
    declare -A at
    while [ "${#left[@]}" -gt 0 ] &&
        [ "$(since_first)" -lt $((35000 * BED_PATIENCE)) ]; do
        for disk in "${left[@]}"; do
            ask beta prepare "$disk" >"$BED/tmp/beta.$disk" 2>&1 || continue
            at[$disk]=$(since_first)
        done
        left=()
        for disk in "${DISKS[@]}"; do
            [ -n "${at[$disk]-}" ] || left+=("$disk")
        done
        sleep 0.5
    done
    for disk in "${DISKS[@]}"; do
        ms=${at[$disk]-}
        ok "$disk: the other host gets it" [ -n "$ms" ] ||
            diag "$(cat "$BED/tmp/beta.$disk")"
        [ "${ms:-0}" -ge $((DEAD_S * 1000)) ] || early+=" $disk"
        diag "$disk: after ${ms:-no} ms"
        ok "$disk: it is whole, and its parent lists it" is_whole "$disk"
        like "$disk: it is the other host's" "$(claim_of "$disk")" 'host=beta '
        state_of "$disk" >"$BED/tmp/$disk.state"
    done
    is 'none before 20 s were over' "$early" ''
    ok 'one was taken over, and not served at first' \
        stands_at beta taken-over
    for disk in "${DISKS[@]}"; do
        like "$disk: its first builder is cut off" "$(cluster_blocklist)" \
            "${ADDR[$disk]}"
    done
}

# What it was in the middle of is not over yet, and comes to nothing.
comes_back()
{
    local disk host
    ok 'a host that was cut off is back' host_join alpha
    ok 'and the other' host_join delta
    for host in alpha delta; do
        ok "$host goes on with what it is at" \
            host_run "$host" rm "$BED/tmp/hold"
    done
    for disk in "${LOST[@]}"; do
        wait "${JOB[$disk]}"
        is "$disk: what its first host was about to allow is refused" $? 1
        diag "$(cat "$BED/tmp/$disk.said")"
        host=alpha
        [ "$disk" != ready ] || host='delta'
        # The hook may have waited as long as it can before that.
        wait_until "$disk: what it was at comes to nothing" 60 host_run "$host" \
            agent_said "domain '$disk': refused: disk 'vda': "
        is "$disk: and all is as the other host left it" \
            "$(state_of "$disk")" "$(cat "$BED/tmp/$disk.state")"
    done
    wait "${JOB[power]}"
}

aftermath()
{
    local disk
    ok 'the first host makes a disk for another domain' eval \
        'new_disk other && ask alpha prepare other'
    ok 'which is whole' is_whole other
    like 'and its own' "$(claim_of other)" 'host=alpha '
    refuses 'but not one that the other host has' "is claimed by host 'beta'" \
        ask alpha prepare clone-headed
    is 'each disk is a clone of its parent, once' \
        "$(rbd children "$PARENT" | sort)" \
        "$(for disk in "${DISKS[@]}" other; do image_of "$disk"; done | sort)"
    ok 'its libvirtd starts' host_run alpha libvirtd_start
    ok 'and the other host'"'"'s' host_run beta libvirtd_start
    wait_until 'none has the domains: no claim remains' 25 agent_no_claims
    ok 'the other host is still at work' eval \
        'new_disk last && ask beta prepare last && ask beta release last'
    diag "in the trash: $(rbd trash ls vms | wc -l)"
}

inside()
{
    bed_need_remora
    parts
    machines
    builds_begin
    cut_off
    taken_over
    comes_back
    aftermath
}

bed_enter "$0" "$@"
inside
tap_done
