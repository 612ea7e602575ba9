# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# tests/speed/many.sh - tests/bench's part about many domains, disks and clones
#
# Contract: sourced by tests/bench, whose figures and names it uses.

DOMAINS=500
FOREIGN=1500
DISKS=${REMORA_DISKS:-10000}
# The clones of one snapshot at which another one is timed.
CHILDREN=(0 500 2000)

# shellcheck disable=SC2153 # coproc sets YARD_PID
yard_end()
{
    local pid=$YARD_PID
    eval "exec ${YARD[1]}>&-"
    wait "$pid"
}

# yard COMMAND...: bare's, to one that runs already; the microseconds.
yard()
{
    local us
    echo "$*" >&"${YARD[1]}"
    read -r us <&"${YARD[0]}" || broke "bare does not $1"
    echo "$us"
}

# Ceph keeps the clones of a snapshot in one value, and writes it anew for each.
# shellcheck disable=SC2016,SC2046 # $1 and $2 are awk's; names are words
measure_children()
{
    local n=0 wanted some=$((PAIRS / 2 + 1))
    coproc YARD { exec "${BARE[@]}"; }
    for wanted in "${CHILDREN[@]}"; do
        for ((; n < wanted; n += 500)); do
            yard cloned 8 $(seq -f 'child%.0f' $((n + 1)) $((n + 500))) \
                >/dev/null
        done
        pairs children "$some" 1 1 hook cloned
        note "of a snapshot with $n clones: hook and agent $(ms children '$1')," \
            "rbd_clone3 $(ms children '$2')"
    done
    for ((; n > 0; n -= 500)); do
        yard remove 8 $(seq -f 'child%.0f' $((n - 499)) "$n") >/dev/null
    done
    yard_end
}

# two_disks NAME ID: each its own clone.
two_disks()
{
    local asks
    asks=$(agent_asks vda "$IMAGE" "$GiB GiB")
    guest_xml -m "${asks/<\/remora:domain>/"<remora:disk target='vdb'
        image='$IMAGE'/></remora:domain>"}" "$@"
}

many_rewritten()
{
    [ "$(grep -l -F "name='vms/" /etc/libvirt/qemu/many*.xml | wc -l)" = \
        "$DOMAINS" ]
}

# The first time it is needed. MANY_DISKS are their images.
define_many()
{
    [ -z "${MANY_DISKS-}" ] || return 0
    local i id
    MANY_DISKS=()
    for ((i = 0; i < DOMAINS; i++)); do
        printf -v id '%08x%s' "$((i + 65536))" "${NO_ID#????????}"
        two_disks "many$i" "$id" >"$BED/tmp/many$i.xml"
        echo "define $BED/tmp/many$i.xml"
        MANY_DISKS+=("${id}_disk" "${id}_disk.vdb")
    done >"$BED/tmp/many"
    virsh_ <"$BED/tmp/many" >/dev/null && bed_wait 120 many_rewritten
}

undefine_many()
{
    sed 's/.*\/\([^/]*\)\.xml/undefine \1/' "$1" | virsh_ >/dev/null
}

# timed COMMAND...: a line as of figure's.
timed()
{
    local start=${EPOCHREALTIME/./}
    "$@" >"$BED/tmp/timed" || return
    echo "$((${EPOCHREALTIME/./} - start)) 0"
}

# shellcheck disable=SC2016,SC2046
measure_status()
{
    local i
    define_many || broke "$DOMAINS definitions are not rewritten"
    coproc YARD { exec "${BARE[@]}"; }
    yard clone 8 "${MANY_DISKS[@]}" >/dev/null
    for ((i = 0; i < PAIRS / 6 + 1; i++)); do
        timed remora status --json || broke 'no status'
    done >"$BED/log/status"
    [ "$(jq '[.domains[].disks[] | select(.size)] | length' \
        "$BED/tmp/timed")" = "${#MANY_DISKS[@]}" ] ||
        broke 'not all disks are there'
    goal "remora status, $DOMAINS domains, ${#MANY_DISKS[@]} disks, s" most 2 \
        %.2f $(figure status '$1 / 1000000')
    yard remove 8 "${MANY_DISKS[@]}" >/dev/null
    yard_end
}

# ---- the sweep when an agent starts ------------------------------------------

define_foreign()
{
    local i
    for ((i = 0; i < FOREIGN; i++)); do
        guest_xml "foreign$i" '' >"$BED/tmp/foreign$i.xml"
        echo "define $BED/tmp/foreign$i.xml"
    done >"$BED/tmp/foreign"
    virsh_ <"$BED/tmp/foreign" >/dev/null
}

# ticks PID: of the processor that it has used.
ticks()
{
    local stat
    stat=$(<"/proc/$1/stat") && set -- ${stat##*) } && echo $((${12} + ${13}))
}

# another_client FILE: the longest that a call of its own took, in ms, until
# FILE is there. virsh says what it was told before it answers.
another_client()
{
    local line start longest=0 pause
    coproc CLIENT { virsh_; }
    # To start a program for each pause would take a third of a processor.
    exec {pause}<> <(:)
    until [ -e "$1" ]; do
        start=${EPOCHREALTIME/./}
        echo 'hostname' >&"${CLIENT[1]}"
        line=
        while [ -z "$line" ] || [[ $line == *'virsh #'* ]]; do
            read -r line <&"${CLIENT[0]}" || return
        done
        start=$((${EPOCHREALTIME/./} - start))
        [ "$start" -le "$longest" ] || longest=$start
        read -r -t 0.002 -u "$pause" || :
    done
    awk -v us="$longest" 'BEGIN { print us / 1000 }'
}

# Nobody says when it is over; but then the agent has nothing to do.
rested()
{
    local start=$1 last=$1 before='' now pause
    exec {pause}<> <(:)
    while [ $((${EPOCHREALTIME/./} - last)) -lt 500000 ]; do
        now=$(ticks "$AGENT_PID") || return
        [ "$now" = "$before" ] || last=${EPOCHREALTIME/./}
        before=$now
        read -r -t 0.02 -u "$pause" || :
    done
    exec {pause}<&-
    echo "$((last - start)) 0"
}

# shellcheck disable=SC2016,SC2046
measure_sweep()
{
    local i start client daemon
    define_many || broke "$DOMAINS definitions are not rewritten"
    define_foreign || broke "no $FOREIGN definitions"
    for ((i = 0; i < PAIRS / 12 + 1; i++)); do
        agent_stop
        rm -f "$BED/tmp/swept"
        another_client "$BED/tmp/swept" >"$BED/tmp/longest" &
        client=$!
        start=${EPOCHREALTIME/./}
        daemon=$(ticks "$LIBVIRTD_PID")
        agent_start || broke 'no agent'
        rested "$start" || broke 'the agent ended'
        echo "$(ticks "$AGENT_PID") $(($(ticks "$LIBVIRTD_PID") - daemon))" \
            >>"$BED/log/sweep-ticks"
        : >"$BED/tmp/swept"
        wait "$client" || broke 'the other client ended'
        echo "$(<"$BED/tmp/longest") 0" >>"$BED/log/longest"
    done >"$BED/log/sweep"
    goal "an agent starts: $((DOMAINS + FOREIGN)) definitions looked at, s" \
        most 1 %.2f $(figure sweep '$1 / 1000000')
    goal "the longest call of another client's meanwhile, ms" most 20 %.1f \
        $(figure longest '$1')
    note "processor time: agent $(ms sweep-ticks '$1 * 10000')," \
        "libvirtd $(ms sweep-ticks '$2 * 10000')"
    undefine_many "$BED/tmp/foreign"
}

open_files()
{
    local files=("/proc/$1/fd"/*)
    echo "${#files[@]}"
}

# ---- memory ------------------------------------------------------------------

# Eight at a time, EACH after EACH; those of before are removed.
# shellcheck disable=SC2046,SC2153 # names are words; coproc sets YARD_PID
measure_memory()
{
    local each=64 threads=8 n pairs first last i
    n=$((each * threads))
    # Two turns a pair, and three pairs before the first that counts.
    pairs=$(((DISKS + 2 * n - 1) / (2 * n) - 3))
    [ "$pairs" -ge 1 ] || pairs=1
    agent_stop
    agent_start || broke 'no agent'
    pairs memory-first 1 1 1 hook bare
    first=$(rss "$AGENT_PID")
    pairs memory "$pairs" "$threads" "$each" hook hook
    last=$(rss "$AGENT_PID")
    sleep "$REST_S"
    n=$(((pairs + 3) * 2 * n))
    coproc YARD { exec "${BARE[@]}"; }
    yard clone 1 memory >/dev/null
    goal "memory over librbd after $n disks, MiB" most 24 %.1f \
        "$(awk -v a="$(rss "$AGENT_PID")" -v b="$(rss "$YARD_PID")" \
            'BEGIN { print (a - b) / 1024 }')"
    note "agent $(($(rss "$AGENT_PID") / 1024)) MiB, after its first disks" \
        "$((first / 1024)) MiB, after the last $((last / 1024)) MiB;" \
        "files open: $(open_files "$AGENT_PID")"
    for ((i = 0; i < n; i += each * threads)); do
        yard clone "$threads" $(seq -f 'memory%.0f' $((each * threads)))
        yard remove "$threads" $(seq -f 'memory%.0f' $((each * threads)))
    done >/dev/null
    note "librbd itself after as many: $(($(rss "$YARD_PID") / 1024)) MiB"
    yard remove 1 memory >/dev/null
    yard_end
}
