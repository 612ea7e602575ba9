# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# tests/lib/steps.sh - the steps of a script that installs, builds and runs
#
#     steps_begin                a directory for the script, in $work
#     step TITLE COMMAND...      one line that says how long it took
#     run COMMAND...             ends at once when the script gets a signal
#     run_aside LOG COMMAND...   beside what comes next, with what that leaves
#     wait_aside                 its status
#     run_beside NAME COMMAND... beside others; output and errors go to
#                                $work/NAME.out and .err
#     wait_beside                until one of those has ended: sets BESIDE, its
#                                name, and BESIDE_STATUS
#
# Contract: $work and what runs are gone when the script ends, by any signal
#           but KILL. The script defines step_failed TITLE LOG, called where a
#           step failed and before step returns 1.
# Needs:    nothing.

work=
child=
aside=
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
    for group in $child $aside "${!beside[@]}"; do
        kill -TERM -- "-$group" 2>/dev/null
        wait "$group" 2>/dev/null
    done
    [ -z "$work" ] || rm -rf --one-file-system "$work"
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

run_aside()
{
    local log=$1
    shift
    set -m
    {
        renice -n 19 -p "$BASHPID"
        "$@"
    } >"$log" 2>&1 </dev/null &
    aside=$!
    set +m
}

wait_aside()
{
    local status
    wait "$aside"
    status=$?
    aside=
    return "$status"
}

run_beside()
{
    local name=$1
    shift
    set -m
    "$@" >"$work/$name.out" 2>"$work/$name.err" </dev/null &
    beside[$!]=$name
    set +m
}

# shellcheck disable=SC2034 # for the caller
wait_beside()
{
    local pid
    wait -n -p pid "${!beside[@]}"
    BESIDE_STATUS=$?
    BESIDE=${beside[$pid]}
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
