# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# tests/lib/totals.sh - count what test runs say, and show what failed
#
# Contract: a test that ends without saying how it went has failed.
# Needs:    nothing.

TOTAL_PASSED=0
TOTAL_FAILED=0
TOTAL_SKIPPED=0
# One line each, for the end.
TOTAL_NOTES=()

# total_add PASSED FAILED SKIPPED
total_add()
{
    TOTAL_PASSED=$((TOTAL_PASSED + $1))
    TOTAL_FAILED=$((TOTAL_FAILED + $2))
    TOTAL_SKIPPED=$((TOTAL_SKIPPED + $3))
}

total_note()
{
    TOTAL_NOTES+=("$*")
}

# total_tail FILE [LINES]: indented, so that it cannot be taken for a result.
total_tail()
{
    [ ! -s "$1" ] || tail -n "${2:-40}" "$1" | sed 's/^/    | /'
}

# What the caller says about the last count.
total_last()
{
    # shellcheck disable=SC2034 # for the caller, as is the next
    TOTAL_LAST_FAILED=$2
    # shellcheck disable=SC2034
    TOTAL_LAST="$1 passed, $2 failed, $3 skipped"
    total_add "$@"
}

# total_trs_notes WORD TITLE NAME LOG RESULTS: TAP's results have their names
# in the log only.
total_trs_notes()
{
    local word=$1 title=$2 name=$3 lines line
    lines=$(sed -nE "s/^($5): //p" "$4" 2>/dev/null)
    while IFS= read -r line; do
        total_note "$word: $title: $line"
    done <<<"${lines:-$name}"
}

# total_trs DIRECTORY TITLE: what automake's drivers left after make check.
# A TAP script has a line for each of its checks.
total_trs()
{
    local dir=$1 title=$2 trs name log count good skips total
    local passed=0 failed=0 skipped=0
    while IFS= read -r trs; do
        name=${trs#"$dir"/} name=${name%.trs} log=${trs%.trs}.log
        total=$(grep -c '^:test-result: ' "$trs")
        good=$(grep -c -E '^:test-result: (PASS|XFAIL)' "$trs")
        skips=$(grep -c '^:test-result: SKIP' "$trs")
        # A test that says nothing at all has not passed.
        count=$((total > 0 ? total - good - skips : 1))
        passed=$((passed + good)) skipped=$((skipped + skips))
        failed=$((failed + count))
        [ "$skips" = 0 ] ||
            total_trs_notes skipped "$title" "$name" "$log" SKIP
        [ "$count" != 0 ] || continue
        total_trs_notes FAILED "$title" "$name" "$log" 'FAIL|XPASS|ERROR'
        echo "    $name:"
        total_tail "$log"
    done < <(find "$dir" -name '*.trs' | sort)
    total_last "$passed" "$failed" "$skipped"
}

# total_why LINE: of what the test said of the failure that was noted last. Where
# only the end of a run is kept, that is what somebody has to find the cause.
total_why()
{
    [ "$TOTAL_WHYS" -gt 0 ] || return
    TOTAL_WHYS=$((TOTAL_WHYS - 1))
    TOTAL_NOTES[-1]+=$'\n'"    | ${1:0:400}"
}

# total_tap FILE STATUS TITLE: what one TAP script said.
total_tap()
{
    local file=$1 status=$2 title=$3 line plan='' whole=''
    local passed=0 failed=0 skipped=0 seen TOTAL_WHYS=0
    while IFS= read -r line; do
        [[ $line == '# '* ]] || TOTAL_WHYS=0
        case $line in
        '# '*) total_why "${line#\# }" ;;
        'not ok'*)
            failed=$((failed + 1))
            total_note "FAILED: $title: ${line#not ok }"
            TOTAL_WHYS=12
            ;;
        'ok '*'# SKIP'*)
            skipped=$((skipped + 1))
            total_note "skipped: $title: ${line#ok }"
            ;;
        'ok'*) passed=$((passed + 1)) ;;
        '1..0'*) plan=0 whole=${line#1..0} ;;
        1..[0-9]*) plan=${line#1..} plan=${plan%% *} ;;
        'Bail out!'*)
            failed=$((failed + 1))
            total_note "FAILED: $title: $line"
            ;;
        esac
    done <"$file"
    seen=$((passed + failed + skipped))
    if [ -n "$whole" ] && [ "$seen" = 0 ] && [ "$status" = 0 ]; then
        skipped=1
        total_note "skipped: $title:$whole"
    elif [ "$plan" != "$seen" ] && [ "$failed" = 0 ]; then
        failed=1
        total_note "FAILED: $title: planned '$plan', saw $seen" \
            "(status $status)"
    elif [ "$status" != 0 ] && [ "$failed" = 0 ]; then
        failed=1
        total_note "FAILED: $title: status $status"
    elif [ "$seen" = 0 ]; then
        failed=1
        total_note "FAILED: $title: checks nothing"
    fi
    total_last "$passed" "$failed" "$skipped"
}

# The notes, then exactly one line of numbers. The status is the verdict:
# where CI=true, a test that could not run is a failure too.
total_close()
{
    [ "${#TOTAL_NOTES[@]}" = 0 ] || printf '%s\n' "${TOTAL_NOTES[@]}"
    printf '%d passed, %d failed, %d skipped\n' \
        "$TOTAL_PASSED" "$TOTAL_FAILED" "$TOTAL_SKIPPED"
    [ "$TOTAL_FAILED" = 0 ] || return 1
    [ "${CI-}" != true ] || [ "$TOTAL_SKIPPED" = 0 ] || return 1
    # Nothing at all is not what was asked for either.
    [ "$TOTAL_PASSED" -gt 0 ]
}
