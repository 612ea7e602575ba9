#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/kill.t - remorad is killed at any moment of a start
#
# SIGKILL, at a random moment after the hook asked, or after the clone was begun;
# then the same request again. Whatever the first left, the disk must
# be whole afterwards. What it left is counted: a test that never met a bad
# image proves nothing, and at the end the same is done without claims, where
# bad disks must be found.
#
# 30 rounds, with REMORA_FULL 300; then, for each kind of bad image that was not
# met by chance, rounds that are killed when the OSD has got so many of the
# request's operations, between those that were too few for it and those that
# were too many.
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
. "$here/lib/chance.sh"

IMAGE=0a64fa67-3e34-42e7-b7b0-423c11850e18
PARENT=images/$IMAGE@snap
SIZE=$((32 * 1024 * 1024))
ROUNDS=${REMORA_FULL:+300}
ROUNDS=${ROUNDS:-30}
# So many rounds more, at most, for each kind of bad image.
AIMED=30
# More than the operations of one request.
OPERATIONS=100
# So long the OSD then takes for each operation: a kill takes less.
SLOW_S=0.01
# Without claims it is tried so often, at most, until bad disks are found.
CARELESS=80

# What a killed agent can leave, in the order in which a clone passes them.
# Those of BAD are the name without a header, the blank disk, and the clone that
# its parent does not know.
STATES=(nothing id-only headless blank unregistered unmarked ready)
BAD=(headless blank unregistered)
declare -A MET
# 'OPERATION RANK' of each aimed kill: at which, and what it left.
SEEN=()
KILLED_AT=
OSD_LOG=
DONE=0
# How long a request takes when nobody is killed.
SPAN_MS=0
SLOWEST_MS=0

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    guest_image 16M 'a golden image' off "$BED/tmp/golden" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/golden" "$IMAGE"
    ok 'disks that somebody else made' request_others_make "$IMAGE"
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    ok 'the hook is installed' hook_install "$(agent_hook)"
    ok 'a request' request_kind clone "$(agent_asks vda "$IMAGE" '32 MiB')" ||
        bail 'no request'
    ok 'the agent starts' agent_start || bail 'no agent'
}

measure()
{
    local start
    request_new clone
    request_prepare >/dev/null # opens what is opened once
    request_release
    request_new clone
    start=$(now_ms)
    ok 'a request is served' request_prepare
    SPAN_MS=$(($(now_ms) - start))
    request_release
    diag "in $SPAN_MS ms when nobody is killed"
}

# ---- killing ---------------------------------------------------------------

# The agent, and the hook first: it would do the agent's work itself.
kill_agent()
{
    local hook
    "$(agent_hook)" web prepare begin - <"$REQUEST" >/dev/null 2>&1 &
    hook=$!
    disown
    sleep "$(printf '0.%06d' "$(random $((SPAN_MS * 1100)))")"
    kill -KILL "$hook" "$AGENT_PID" 2>/dev/null
    bed_wait 10 bed_gone "$AGENT_PID"
    AGENT_PID=
}

# clone_killed MICROSECONDS [FAULTS,]: whoever serves it without the agent, so
# long after the clone began.
clone_killed()
{
    (
        export REMORA_FAULT=${2-}cloning=timer:$1
        agent_remorad --one-shot -- prepare web <"$REQUEST"
        : # or this shell would end in its place, and say so
    ) >/dev/null 2>&1
}

# Some time in the first three quarters of a request's.
any_time()
{
    random $((SPAN_MS * 750))
}

kill_clone()
{
    [ -z "$AGENT_PID" ] || agent_kill
    clone_killed "$(any_time)"
}

rank()
{
    local i
    for i in "${!STATES[@]}"; do
        [ "${STATES[i]}" != "$1" ] || echo "$i"
    done
}

# operation_of STATE: one after those that were too few for it, up to the first
# of those that were too many. A kill can be late, so that it met a later state
# than its operation's, but never early.
operation_of()
{
    printf '%s\n' "${SEEN[@]}" | sort -n | awk -v rank="$(rank "$1")" \
        -v high="$OPERATIONS" -v chance="$(random 1000)" '
        $2 < rank { low = $1 }
        { at[NR] = $1; left[NR] = $2 }
        END {
            for (i = NR; i > 0 && at[i] > low; i--)
                if (left[i] > rank)
                    high = at[i]
            print low + 1 + int((high - low) * chance / 1000)
        }'
}

# osd_takes SECONDS more for each operation
osd_takes()
{
    ceph tell osd.0 config set \
        osd_debug_inject_dispatch_delay_duration "$1" >/dev/null
}

# osd_gets OPERATIONS FROM PID: as many, as its log says from there, or the process
# has ended. To /dev/null grep would be silent, and read on to the end.
osd_gets()
{
    local got
    got=$(grep -c -m "$1" '<== client.* osd_op(' \
        < <(tail -c "+$2" -f --pid="$3" "$OSD_LOG"))
    [ "$got" -ge "$1" ]
}

# clone_killed_at OPERATION: whoever serves it without the agent, when the OSD
# has got this one and has not begun it.
clone_killed_at()
{
    local pid end
    KILLED_AT=$1
    end=$(stat -c %s "$OSD_LOG")
    "$BED_INST/sbin/remorad" --one-shot -- prepare web \
        <"$REQUEST" >/dev/null 2>&1 &
    pid=$!
    disown
    osd_gets "$KILLED_AT" $((end + 1)) "$pid" || diag 'it had ended by then'
    kill -KILL "$pid" 2>/dev/null
    bed_wait 10 bed_gone "$pid"
}

kill_for()
{
    [ -z "$AGENT_PID" ] || agent_kill
    osd_takes $SLOW_S
    clone_killed_at "$(operation_of "$1")"
    osd_takes 0
}

# name_left IMAGE: of one that cannot be opened.
name_left()
{
    if rados -p vms listomapkeys rbd_directory | grep -q -x "name_$1"; then
        echo headless
    elif rados -p vms stat "rbd_id.$1" >/dev/null 2>&1; then
        echo id-only
    else
        echo nothing
    fi
}

# What is there, in one of STATES.
state()
{
    local image=${REQUEST_DISK#*/} info
    info=$(rbd info --format json "$REQUEST_DISK" 2>/dev/null)
    if [ -z "$info" ]; then
        name_left "$image"
    elif [ "$(jq .parent <<<"$info")" = null ]; then
        echo blank
    elif ! rbd children "$PARENT" 2>/dev/null | grep -q -x "$REQUEST_DISK"; then
        echo unregistered
    elif ! rbd image-meta get "$REQUEST_DISK" remora.ready >/dev/null 2>&1
    then
        echo unmarked
    else
        echo ready
    fi
}

is_claimed()
{
    rados -p vms stat "remora_claim.${REQUEST_DISK#*/}"
}

is_free()
{
    ! is_claimed
}

# ---- and asking again ------------------------------------------------------

by_hook()
{
    local start took
    start=$(now_ms)
    bed_wait 5 request_prepare || {
        request_prepare
        return 1
    }
    took=$(($(now_ms) - start))
    [ "$took" -le "$SLOWEST_MS" ] || SLOWEST_MS=$took
    # Else it has waited for the dead one's claim or watch.
    [ "$took" -le 15000 ] || { echo "it took $took ms"; return 1; }
    request_is_whole "$PARENT" "$BED/tmp/golden" "$SIZE" || return
    request_release
}

by_libvirt()
{
    : >"$BED/serial/web"
    virsh_ define "$REQUEST" && bed_wait 5 virsh_ start web || {
        virsh_ start web
        return 1
    }
    guest_wait_line web 'hello from a golden image' && guest_wait_off web &&
        virsh_ undefine web
}

# one_round ASK HOW...: the status, and why not in $TAP_OUT.
one_round()
{
    local ask=$1 found
    shift
    request_new clone
    DONE=$((DONE + 1))
    KILLED_AT=
    "$@"
    found=$(state)
    MET[$found]=$((${MET[$found]-0} + 1))
    [ -z "$KILLED_AT" ] || SEEN+=("$KILLED_AT $(rank "$found")")
    WHAT="$* left '$found', asked again $ask"
    agent_start || { TAP_OUT='the agent does not start'; return 1; }
    tap_run "$ask" || return
    tap_run bed_wait 5 is_free || { TAP_OUT='a claim remains'; return 1; }
}

rounds()
{
    local i bad=0 how ask
    mkdir -p "$BED/serial"
    for ((i = 0; i < ROUNDS; i++)); do
        how=kill_clone ask=by_hook
        [ $((i % 2)) = 0 ] || how=kill_agent
        [ $((i % 10)) != 9 ] || ask=by_libvirt
        one_round "$ask" "$how" && continue
        bad=$((bad + 1))
        diag "round $i: $REQUEST_DISK: $WHAT: $TAP_OUT"
    done
    is "killed $ROUNDS times, every disk is whole and served again" "$bad" 0
}

aimed_rounds()
{
    local state i bad=0
    # Else it is so at once: it takes 0.1 s, as long as nobody says how long.
    osd_takes 0
    ok 'the OSD can be slow' ceph tell osd.0 config set \
        osd_debug_inject_dispatch_delay_probability 1
    ok 'and says what it gets' ceph tell osd.0 config set debug_ms 1
    for state in "${BAD[@]}"; do
        for ((i = 0; i < AIMED && ${MET[$state]-0} == 0; i++)); do
            one_round by_hook kill_for "$state" && continue
            bad=$((bad + 1))
            diag "$REQUEST_DISK: $WHAT: $TAP_OUT"
        done
        diag "after $i rounds: ${SEEN[*]/%/,}"
        ok "a kill left '$state'" [ "${MET[$state]-0}" -gt 0 ]
    done
    is "killed $((DONE - ROUNDS)) times more, the same" "$bad" 0
    ceph tell osd.0 config set debug_ms 0 >/dev/null
    ceph tell osd.0 config set \
        osd_debug_inject_dispatch_delay_probability 0 >/dev/null
}

met()
{
    local state
    for state in "${STATES[@]}"; do
        diag "left behind: $state: ${MET[$state]-0}"
    done
    diag "the slowest second request: $SLOWEST_MS ms"
}

in_the_end()
{
    local listed
    agent_kill
    ok 'the agent starts once more' agent_start
    wait_until 'no claim is left' 5 agent_no_claims
    wait_until 'and no word of the dead' 5 \
        eval '[ "$(find /run/remora/instances -type f | wc -l)" = 1 ]'
    # Two of measure, one is somebody else's.
    listed=$(rbd children "$PARENT" | grep -c '_disk$')
    is 'the parent lists every disk' "$listed" $((DONE + 3))
    is 'and there are no others' "$(rbd ls vms | wc -l)" $((DONE + 4))
}

# ---- the test of the test --------------------------------------------------

careless()
{
    local i bad=0 found
    agent_kill
    REMORA_FAULT=no-claims=error:1 agent_start
    for ((i = 0; i < CARELESS && bad < 3; i++)); do
        request_new clone
        clone_killed "$(any_time)" no-claims=error:1,
        found=$(state)
        # Refused would be safe.
        request_prepare >/dev/null 2>&1 || continue
        tap_run request_is_whole "$PARENT" "$BED/tmp/golden" "$SIZE" &&
            continue
        bad=$((bad + 1))
        diag "round $i: '$found' was served: $TAP_OUT"
    done
    ok "without claims bad disks are served, and found ($bad of $i)" \
        [ "$bad" -ge 1 ]
}

inside()
{
    local before
    bed_need_remora
    OSD_LOG=$BED/log/ceph-osd.0.log
    parts
    before=$(request_others "$IMAGE")
    measure
    rounds
    aimed_rounds
    met
    in_the_end
    is 'what is somebody else'"'"'s is as it was' \
        "$(request_others "$IMAGE")" "$before"
    careless
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside
tap_done
