# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# tests/lib/steps.sh - the steps of a script that installs, builds and runs
#
#     steps_begin                a directory for the script, in $work
#     step TITLE COMMAND...      one line that says how long it took
#     run COMMAND...             ends at once when the script gets a signal
#     run_aside LOG COMMAND...   beside what comes next, with what that leaves;
#                                one at a time
#     wait_aside                 its status; no longer with what others leave
#     run_beside NAME COMMAND... beside others; output and errors go to
#                                $work/NAME.out and .err
#     wait_beside                until one of those has ended: sets BESIDE, its
#                                name, and BESIDE_STATUS
#     run_always COMMAND...      as long as the script; nobody waits for it
#
# Contract: $work and what runs are gone when the script ends, by any signal
#           but KILL. The script defines step_failed TITLE LOG, called where a
#           step failed and before step returns 1.
# Needs:    pgrep.

work=
child=
aside=
always=()
declare -A beside=()

steps_begin()
{
    trap steps_clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    work=$(mktemp -d) || exit 1
    chmod 0755 "$work"
}

steps_clean_up()
{
    trap - EXIT INT TERM HUP
    local group
    for group in $child $aside "${always[@]}" "${!beside[@]}"; do
        steps_end "$group"
    done
    [ -z "$work" ] || rm -rf --one-file-system "$work"
}

# timeout makes itself a group of its own below the one that is known here.
steps_end()
{
    local group=$1 below
    below=$(pgrep -P "$group")
    # shellcheck disable=SC2086 # several
    kill -TERM -- "-$group" $below 2>/dev/null
    wait "$group" 2>/dev/null
}

# In a process group of its own and waited for, so that a signal to this
# script ends it at once.
run()
{
    local status
    set -m
    "$@" </dev/null &
    child=$!
    set +m
    wait "$child"
    status=$?
    child=
    return "$status"
}

# background STATUS COMMAND...: in a process group of its own, its leader in $!.
# Its status goes to the file STATUS when it ends: what wait says of it later is
# not to be trusted, as bash forgets a child whose number another child gets.
background()
{
    local status=$1
    shift
    set -m
    {
        trap 'exit 143' TERM
        "$@"
        echo "$?" >"$status"
    } </dev/null &
    set +m
}

# ended_status STATUS: of one that has ended. Killed, it said nothing.
ended_status()
{
    local status=137
    [ ! -s "$1" ] || read -r status <"$1"
    return "$status"
}

niced()
{
    renice -n 19 -p "$BASHPID"
    "$@"
}

run_aside()
{
    local log=$1
    shift
    background "$work/aside.status" niced "$@" >"$log" 2>&1
    aside=$!
}

# It gets what others leave, as long as somebody else has something to do: beside
# busy loops that is nothing.
wait_aside()
{
    renice -n 0 -g "$aside" >/dev/null 2>&1
    wait "$aside" 2>/dev/null
    aside=
    ended_status "$work/aside.status"
}

run_beside()
{
    local name=$1
    shift
    rm -f "$work/$name.status"
    background "$work/$name.status" "$@" \
        >"$work/$name.out" 2>"$work/$name.err"
    beside[$!]=$name
}

run_always()
{
    background "$work/always.status" "$@"
    always+=("$!")
}

# One of those beside that has ended, in pid.
beside_ended()
{
    for pid in "${!beside[@]}"; do
        [ ! -s "$work/${beside[$pid]}.status" ] || return 0
        kill -0 "$pid" 2>/dev/null || return 0
    done
    return 1
}

# shellcheck disable=SC2034 # for the caller
wait_beside()
{
    local pid
    until beside_ended; do
        wait -n "${!beside[@]}" 2>/dev/null
    done
    BESIDE=${beside[$pid]}
    ended_status "$work/$BESIDE.status"
    BESIDE_STATUS=$?
    unset "beside[$pid]"
}

# since START (of EPOCHREALTIME): seconds with one decimal.
since()
{
    local tenths=$(((${EPOCHREALTIME//[.,]/} - ${1//[.,]/}) / 100000))
    printf '%d.%d s' $((tenths / 10)) $((tenths % 10))
}

say()
{
    printf '%-44s %s\n' "$1" "$2"
}

step()
{
    local title=$1 start=$EPOCHREALTIME log=$work/step.log
    shift
    if run "$@" >"$log" 2>&1; then
        say "$title" "$(since "$start")"
        return
    fi
    say "$title" "FAILED after $(since "$start")"
    step_failed "$title" "$log"
    return 1
}
