# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# tests/lib/show.sh - show what runs and what it says, and check that
#
#     title TEXT                  the next step, with its number
#     try COMMAND...              its output is then in $SAID
#     claim WHAT COMMAND...       goes on only if that is so
#     said TEXT                   it is in $SAID
#
# Contract: for people, on stdout, in 80 columns. What is not as it should be
#           ends the script: its output, the ends of the logs, one line that
#           says which step failed and of what, status 1. Commands run in
#           this very shell.
# Needs:    bed.sh, steps.sh, tap.sh and totals.sh sourced.
# Gives:    SHOW_BEGIN   when all of it began, of EPOCHREALTIME

SHOW_NUMBER=0
SAID=

# Inside a bed the script begins again, its time does not.
show_begin()
{
    export SHOW_BEGIN=${SHOW_BEGIN:-$EPOCHREALTIME}
}

show_failure()
{
    printf '\nFAILED, status 1, after %s: %s\n' "$(since "$SHOW_BEGIN")" "$1"
    exit 1
}

title()
{
    SHOW_NUMBER=$((SHOW_NUMBER + 1))
    printf '\n%2d. %s\n' "$SHOW_NUMBER" "$1"
}

# The command as it could be typed, in lines that fit.
show_command()
{
    local word line='    $'
    for word in "$@"; do
        [[ $word != *[^[:alnum:]_@%+=:,./-]* ]] || word=${word@Q}
        if [ $((${#line} + ${#word})) -gt 76 ]; then
            printf '%s \\\n' "$line"
            line='       '
        fi
        line+=" $word"
    done
    printf '%s\n' "$line"
}

show_output()
{
    printf '%s\n' "$1" | expand -t 4 | sed '/^ *$/d' | fold -s -w 74 |
        sed 's/^/    | /; s/ *$//'
}

failed()
{
    local log
    show_output "$TAP_OUT"
    for log in "$BED/log/remorad.log" "$BED/log/libvirtd.log"; do
        [ ! -s "$log" ] || echo "    the end of $log:"
        total_tail "$log" 8
    done
    show_failure "step $SHOW_NUMBER, $1"
}

# Ends the script unless it succeeds.
try()
{
    show_command "$@"
    tap_run "$@" || failed "exit status $? of '$1'"
    SAID=$TAP_OUT
    show_output "$SAID"
}

claim()
{
    local what=$1
    shift
    tap_run "$@" || failed "not so: $what"
    printf '    ok: %s\n' "$what"
}

said()
{
    [[ $SAID == *"$1"* ]]
}
