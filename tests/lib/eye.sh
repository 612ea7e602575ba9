# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# tests/lib/eye.sh - looks at disks from outside, all the time
#
#     eye_open                       begins to look
#     echo POOL/IMAGE >"$BED/tmp/disk.DOMAIN"
#     : >"$BED/tmp/moved.DOMAIN"     two may have it open from now on
#     eye_looked                     until it has seen all that there is now
#     eye_close
#
# What it finds wrong it adds to $BED/log/eye, a line each: of all the writers
# (guest.sh) of a disk one goes on after another has begun, or two clients that
# are not cut off have the disk open.
#
# Contract: call inside a bed with cluster.sh and guest.sh sourced. Each start of
#           a writer is under a name of its own; those in $BED/log/HOST/twice may
#           have been used for two.
# Reads:    DOMAINS

EYE_PID=

# eye_look DOMAIN: what was seen of its disk before is in COUNT, the number of each
# one's last write, and in OVER, whose time is over. Two of whom nobody knows who
# was first may both have written since the last look.
eye_look()
{
    local disk who count now=() first=no
    disk=$(<"$BED/tmp/disk.$1")
    while read -r _ who count; do
        [ "$count" -gt "${COUNT[$disk $who]-0}" ] || continue
        [ -z "${OVER[$disk $who]-}" ] || eye_has_twin "$who" ||
            echo "$disk: $who writes, after ${OVER[$disk $who]} has begun"
        [ -n "${COUNT[$disk $who]-}" ] || first=$who
        COUNT[$disk $who]=$count
        now+=("$disk $who")
    done < <(guest_grounds "$disk" 2>/dev/null | grep -v '^head')
    [ "$first" = no ] || eye_ended "$disk" "$first" "${now[@]}"
}

eye_has_twin()
{
    grep -q -s -x -F "$1" "$BED"/log/*/twice
}

# eye_ended DISK FIRST NOW...: all but these have.
eye_ended()
{
    local disk=$1 first=$2 one
    shift 2
    for one in "${!COUNT[@]}"; do
        [[ $one != "$disk "* || " $* " == *" $one "* ]] ||
            OVER[$one]=${OVER[$one]-$first}
    done
}

# eye_writers DISK: the clients that have it open and are not cut off.
eye_writers()
{
    local all
    all=$(timeout 20 rbd -c "$CLUSTER_CONF" status --format json "$1" \
        2>/dev/null | jq -r '.watchers[].address' | sort -u)
    [ "$(grep -c . <<<"$all")" -gt 1 ] || return
    comm -23 <(echo "$all") <(cluster_blocklist | sort -u)
}

# eye_open_twice DOMAIN: by the same two, at two looks; a handle of an agent's own
# may be there at one.
eye_open_twice()
{
    local disk two
    [ ! -e "$BED/tmp/moved.$1" ] || return
    disk=$(<"$BED/tmp/disk.$1")
    two=$(eye_writers "$disk")
    [ "$(grep -c . <<<"$two")" -gt 1 ] || return
    sleep 1
    [ ! -e "$BED/tmp/moved.$1" ] || return
    [ "$(eye_writers "$disk")" = "$two" ] || return
    echo "$disk: open for writing twice: ${two//$'\n'/ }"
}

eye_loop()
{
    local domain passes=0
    local -A COUNT OVER
    while :; do
        for domain in "${DOMAINS[@]}"; do
            eye_look "$domain"
            eye_open_twice "$domain"
        done >>"$BED/log/eye"
        passes=$((passes + 1))
        echo "$passes" >"$BED/tmp/passes.new"
        mv "$BED/tmp/passes.new" "$BED/tmp/passes"
    done
}

eye_has_looked()
{
    [ "$(<"$BED/tmp/passes")" -ge "$1" ]
}

# The eye has seen all that there is now.
eye_looked()
{
    bed_wait 120 eye_has_looked $(($(<"$BED/tmp/passes") + 2)) ||
        echo 'the eye is shut'
}

# What guests have seen, of all rounds.
eye_foreign()
{
    grep -H foreign "$BED"/log/*/serial/* 2>/dev/null | tr -d '\r'
}

eye_open()
{
    echo 0 >"$BED/tmp/passes"
    : >"$BED/log/eye"
    eye_loop &
    EYE_PID=$!
}

eye_close()
{
    kill "$EYE_PID"
}
