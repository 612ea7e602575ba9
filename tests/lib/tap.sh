# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# tests/lib/tap.sh - the words of a .t file: TAP with the plan at the end
#
# Contract: stdout carries TAP and nothing else; a command's output goes to
#           $TAP_OUT and is shown as diagnostics when the check fails. The
#           command runs in this very shell, so what it sets stays set; it
#           reads nothing, whatever is given to the check. A
#           script that ends without tap_done has failed: that is said as a
#           failed test of its own, because a plan would be missing.
# Needs:    nothing. With bed.sh, tap_finish is called when the bed ends.

TAP_COUNT=0
TAP_FAILED=0
TAP_SKIPPED=0
TAP_DONE=no
# The output of the last command that a check ran.
TAP_OUT=
TAP_FILE=

diag()
{
    local line
    printf '%s\n' "$*" | while IFS= read -r line; do
        printf '# %s\n' "$line"
    done
}

tap_result()
{
    local verdict=$1
    shift
    TAP_COUNT=$((TAP_COUNT + 1))
    # A '#' would start a directive.
    printf '%s %d - %s\n' "$verdict" "$TAP_COUNT" "${*//#/no.}"
}

pass()
{
    tap_result ok "$@"
}

fail()
{
    TAP_FAILED=$((TAP_FAILED + 1))
    tap_result 'not ok' "$@"
    return 1
}

# skip TITLE REASON: this one check cannot be made here.
skip()
{
    TAP_COUNT=$((TAP_COUNT + 1))
    TAP_SKIPPED=$((TAP_SKIPPED + 1))
    printf 'ok %d - %s # SKIP %s\n' "$TAP_COUNT" "$1" "$2"
}

# tap_run COMMAND...: its status, and its output in TAP_OUT.
tap_run()
{
    local status
    [ -n "$TAP_FILE" ] || TAP_FILE=$(mktemp)
    "$@" >"$TAP_FILE" 2>&1 </dev/null
    status=$?
    TAP_OUT=$(tr -d '\0' <"$TAP_FILE")
    return "$status"
}

# ok TITLE COMMAND...: it succeeds.
ok()
{
    local title=$1 status
    shift
    tap_run "$@"
    status=$?
    if [ "$status" = 0 ]; then
        pass "$title"
        return
    fi
    fail "$title"
    diag "exit $status of: $*"
    diag "$TAP_OUT"
    return 1
}

# refuses TITLE TEXT COMMAND...: it fails, not by a signal, and its output
# has the text in it.
refuses()
{
    local title=$1 text=$2 status
    shift 2
    tap_run "$@"
    status=$?
    if [ "$status" -gt 0 ] && [ "$status" -lt 124 ] &&
        [[ $TAP_OUT == *"$text"* ]]; then
        pass "$title"
        return
    fi
    fail "$title"
    diag "exit $status (expected a refusal with '$text') of: $*"
    diag "$TAP_OUT"
    return 1
}

# is TITLE GOT EXPECTED: the same string.
is()
{
    if [ "$2" = "$3" ]; then
        pass "$1"
        return
    fi
    fail "$1"
    diag "     got: $2"
    diag "expected: $3"
    return 1
}

isnt()
{
    if [ "$2" != "$3" ]; then
        pass "$1"
        return
    fi
    fail "$1"
    diag "got what must not be: $2"
    return 1
}

# like TITLE GOT TEXT: the text, not a pattern, is in it.
like()
{
    if [[ $2 == *"$3"* ]]; then
        pass "$1"
        return
    fi
    fail "$1"
    diag "         got: $2"
    diag "without text: $3"
    return 1
}

unlike()
{
    if [[ $2 != *"$3"* ]]; then
        pass "$1"
        return
    fi
    fail "$1"
    diag "      got: $2"
    diag "with text: $3"
    return 1
}

# wait_until TITLE SECONDS COMMAND...: it succeeds before the time is over.
wait_until()
{
    # As bed_wait does.
    local title=$1 seconds=$(($2 * ${BED_PATIENCE:-5})) end
    end=$((SECONDS + seconds))
    shift 2
    until tap_run "$@"; do
        if [ "$SECONDS" -ge "$end" ]; then
            fail "$title"
            diag "not within $seconds s: $*"
            diag "$TAP_OUT"
            return 1
        fi
        sleep 0.05
    done
    pass "$title"
}

# tap_include COMMAND...: the results of another TAP script as ours. That it
# ends well, with a plan that is right, is a result too.
tap_include()
{
    local line planned='' seen=0 status
    while IFS= read -r line; do
        case $line in
        'ok '[0-9]*' - '*'# SKIP '*)
            skip "$(expr "$line" : '[^-]*- \(.*\) # SKIP')" \
                "${line#*# SKIP }"
            seen=$((seen + 1))
            ;;
        'ok '[0-9]*)
            pass "${line#*- }"
            seen=$((seen + 1))
            ;;
        'not ok '[0-9]*)
            fail "${line#*- }"
            seen=$((seen + 1))
            ;;
        1..[0-9]*) planned=${line#1..} ;;
        *) diag "${line#\# }" ;;
        esac
    done < <("$@" 2>&1 </dev/null)
    wait $!
    status=$?
    is "all of it ran: ${1##*/} ${*:2}" "$seen, status $status" \
        "$planned, status 0"
}

# bail REASON: nothing after this can be told apart any more.
bail()
{
    fail "$*"
    tap_done
    exit 1
}

# The plan. The exit status says whether everything passed.
tap_done()
{
    TAP_DONE=yes
    [ -z "$TAP_FILE" ] || rm -f "$TAP_FILE"
    TAP_FILE=
    printf '1..%d\n' "$TAP_COUNT"
    diag "$((TAP_COUNT - TAP_FAILED - TAP_SKIPPED)) passed," \
        "$TAP_FAILED failed, $TAP_SKIPPED skipped"
    [ "$TAP_FAILED" = 0 ]
}

# At the end of the script: returns the status to end with.
tap_finish()
{
    local status=$1
    # Nothing was checked yet, as when root is missing: its status says so.
    if [ "$TAP_DONE" = no ]; then
        fail "the script ends with tap_done (it ended with status $status)"
        tap_done
        return 1
    fi
    return "$status"
}
