#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/kinds-kill.t - killed while disks of every kind are made
#
# A domain with a root disk, two ephemeral ones, swap, a config drive and a blank
# disk starts, and who makes them is killed at any moment: the agent, with or
# without the hook that asked it, or remorad --one-shot. What is left is counted:
# each disk is whole, or not there, or under the claim of the dead. Then the
# domain starts, and each is looked at with the tool that made it.
#
# 10 rounds, with REMORA_FULL 100, after one for each step of a disk's making.
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
. "$here/lib/kinds.sh"
. "$here/lib/chance.sh"

IMAGE=0a64fa67-3e34-42e7-b7b0-423c11850e18
ROUNDS=${REMORA_FULL:+100}
ROUNDS=${ROUNDS:-10}
# The name of each disk, after its domain's UUID, and what it is.
DISKS=(disk:root disk.local:ext4 disk.eph1:vfat disk.swap:swap
    disk.config:config disk.vde:blank)
POINTS=(claim-created creating created building-marked filled marked handed)
# How many disks a kill left in which state, and how many starts it left with a
# disk that is made half.
declare -A MET
HALF=0
# Of the kills of an agent alone: how often the start came to its end all the same.
CARRIED_ON=0
# How long a request takes when nobody is killed.
SPAN_MS=0

# any_time MS: sleeps, for up to a little more than that.
any_time()
{
    sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"
}

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    guest_image 8M 'a golden image' off "$BED/tmp/golden" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/golden" "$IMAGE"
    head -c 1500000 /dev/urandom >"$KINDS_CONFIG"
    truncate -s 1572864 "$KINDS_CONFIG"
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    ok 'the hook is installed' hook_install "$(agent_hook)"
    ok 'a request' request_kind all "$(kinds_entries \
        "target='vda' image='$IMAGE' size='16 MiB'" \
        "target='vdb' kind='ephemeral' size='24 MiB' format='ext4'" \
        "target='vdc' kind='ephemeral' size='16 MiB' format='vfat'" \
        "target='vdd' kind='swap' size='8 MiB'" \
        "target='hda' kind='config' file='$KINDS_CONFIG'" \
        "target='vde' kind='data' size='8 MiB'")" || bail 'no request'
    ok 'the agent starts' agent_start || bail 'no agent'
}

# ---- what is there ---------------------------------------------------------

# state IMAGE: by the list of names that states() has made.
state()
{
    local image=$1
    if rbd image-meta get "vms/$image" remora.ready >/dev/null 2>&1; then
        echo whole
    elif grep -q -x "$image" "$BED/tmp/listed"; then
        echo half-made
    elif rados -p vms stat "remora_claim.$image" >/dev/null 2>&1; then
        echo claimed
    else
        echo absent
    fi
}

# What one kill left. A half-made disk is its dead maker's, or whoever came next
# would have to guess.
states()
{
    local one name found half=0
    rbd ls vms >"$BED/tmp/listed"
    for one in "${DISKS[@]}"; do
        name=${REQUEST_UUID}_${one%:*}
        found=$(state "$name")
        MET[$found]=$((${MET[$found]-0} + 1))
        [ "$found" = half-made ] || continue
        half=1
        agent_claim_is "vms/$name" building || {
            echo "$name is half-made, and: $(agent_claim "vms/$name")"
            return 1
        }
    done
    HALF=$((HALF + half))
}

# root_sound IMAGE: a clone with its parent's content, and its size.
root_sound()
{
    [ "$(rbd info --format json "vms/$1" | jq -r '"\(.size) \(.parent.pool)/\(
        .parent.image)@\(.parent.snapshot)"')" = \
        "16777216 images/$IMAGE@snap" ] &&
        kinds_content "$1" "$2" &&
        cmp -n "$(stat -c %s "$BED/tmp/golden")" "$2" "$BED/tmp/golden"
}

# looked_at NAME TYPE
looked_at()
{
    local image=${REQUEST_UUID}_$1 file=$BED/tmp/content.$1
    if [ "$2" = root ]; then
        root_sound "$image" "$file"
    else
        kinds_sound "$image" "$2" "$file"
    fi && rbd image-meta get "vms/$image" remora.ready
}

is_whole()
{
    local one pids=() i bad=0
    for one in "${DISKS[@]}"; do
        looked_at "${one%:*}" "${one#*:}" >"$BED/tmp/said.${one%:*}" 2>&1 &
        pids+=($!)
    done
    for i in "${!pids[@]}"; do
        wait "${pids[i]}" && continue
        bad=1
        one=${DISKS[i]}
        echo "it is not whole: $one"
        cat "$BED/tmp/said.${one%:*}"
    done
    return "$bad"
}

# ---- and who is killed -----------------------------------------------------

# The agent alone: libvirt's hook has the rest done without it.
agent_dies()
{
    local start bad=0
    virsh_ start --paused web >"$BED/tmp/start.out" 2>&1 &
    start=$!
    # What libvirt does before that takes no disk's time.
    bed_wait 10 pgrep -x remora
    any_time "$(random $((SPAN_MS * 11 / 10)))"
    agent_kill
    wait "$start" && CARRIED_ON=$((CARRIED_ON + 1))
    # Nothing is to be counted of a domain that runs.
    ! guest_is web 'shut off' || states || bad=1
    virsh_ destroy web >/dev/null 2>&1
    agent_start && [ "$bad" = 0 ]
}

# Both at once, as when a host's service manager ends them.
both_die()
{
    local hook
    "$(agent_hook)" web prepare begin - <"$REQUEST" >/dev/null 2>&1 &
    hook=$!
    disown
    any_time "$(random $((SPAN_MS * 11 / 10)))"
    kill -KILL "$hook" "$AGENT_PID" 2>/dev/null
    bed_wait 10 bed_gone "$AGENT_PID"
    AGENT_PID=
    states || return 1
    agent_start
}

# one_shot_dies FAULT
one_shot_dies()
{
    (
        export REMORA_FAULT=$1
        agent_remorad --one-shot -- prepare web <"$REQUEST"
        : # or this shell would end in its place, and say so
    ) >/dev/null 2>&1
    states
}

# one_round HOW...: a killed start, and then another. Not the first to come has
# to be served: a dead client's watch may be there for a moment.
one_round()
{
    request_new all
    tap_run virsh_ define "$REQUEST" || return 1
    tap_run "$@" || { TAP_OUT="after the kill: $TAP_OUT"; return 1; }
    bed_wait 10 virsh_ start --paused web || {
        tap_run virsh_ start --paused web
        return 1
    }
    tap_run is_whole || return 1
    virsh_ destroy web >/dev/null && virsh_ undefine web >/dev/null
    bed_wait 10 agent_no_claims || { tap_run agent_no_claims; return 1; }
}

measure()
{
    local start
    request_new all
    start=$(now_ms)
    ok 'all of them at once' request_prepare
    SPAN_MS=$(($(now_ms) - start))
    ok 'are whole' is_whole
    request_release
    wait_until 'no claim is left' 10 agent_no_claims
    request_new all
    ok 'a domain with them' virsh_ define "$REQUEST"
    ok 'starts' virsh_ start --paused web
    ok 'with all of them whole' is_whole
    virsh_ destroy web
    virsh_ undefine web
    wait_until 'no claim is left' 10 agent_no_claims
    diag "in $SPAN_MS ms when nobody is killed"
}

# ---- the rounds ------------------------------------------------------------

# tried HOW...: one round; BAD counts those that went wrong.
tried()
{
    one_round "$@" && return
    BAD=$((BAD + 1))
    diag "$*: $REQUEST_UUID: $TAP_OUT"
    virsh_ destroy web >/dev/null 2>&1
    virsh_ undefine web >/dev/null 2>&1
    [ -n "$AGENT_PID" ] || agent_start
}

at_points()
{
    local point
    BAD=0
    for point in "${POINTS[@]}"; do
        tried one_shot_dies \
            "$point=kill@$((RANDOM % (${#DISKS[@]} - 1) + 1))"
    done
    is "killed at each of ${#POINTS[@]} steps, every disk is whole" "$BAD" 0
    ok "half-made ones were met ($HALF times)" [ "$HALF" -gt 0 ]
}

at_random()
{
    local i
    BAD=0
    for ((i = 0; i < ROUNDS; i++)); do
        case $((i % 3)) in
        0) tried agent_dies ;;
        1) tried both_die ;;
        2) tried one_shot_dies \
            "parent-found=timer:$(($(random "$SPAN_MS") * 1000 + 1))" ;;
        esac
    done
    is "killed $ROUNDS times at random, every disk is whole" "$BAD" 0
}

met()
{
    local state
    for state in absent claimed half-made whole; do
        diag "left behind: $state: ${MET[$state]-0} disks"
    done
    diag "starts that were left with a half-made disk: $HALF"
    diag "starts that came to their end without the agent: $CARRIED_ON"
}

# Two were made before.
in_the_end()
{
    is 'no disk is there twice, or was given up' "$(rbd ls vms | wc -l)" \
        $(((${#POINTS[@]} + ROUNDS + 2) * ${#DISKS[@]}))
    is 'no tool runs' "$(pgrep -c -U 65534 mk || :)" 0
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
}

inside()
{
    bed_need_remora
    parts
    measure
    at_points
    at_random
    met
    in_the_end
}

bed_enter "$0" "$@"
inside
tap_done
