#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/man-hook.t - remora-qemu-hook(8) says what the hook does
#
# Operations, byte strings, limits and messages are compared with the sources.
#
# shellcheck source-path=SCRIPTDIR
: "${srcdir:=.}"
. "$srcdir/tests/lib/tap.sh"
. "$srcdir/tests/lib/man.sh"
man_tools

hook_pod=$srcdir/hooks/remora-qemu-hook.pod
man_page "$hook_pod"

# OPERATION SUBOPERATION asks|tells yes|no, and XML if it is a filter.
policy_of_c()
{
    perl -ne '
        next unless /\{"(\w+)", "(\w+)", HOOK_(ASK|TELL), .*, (\w+)\}/;
        print "$1 $2 ", $3 eq "ASK" ? "asks yes" : "tells no",
            $4 eq "true" ? " new XML" : " -", "\n"' \
        "$srcdir/hooks/hook-policy.c" | sort
}

policy_of_pod()
{
    section "$hook_pod" 2 Operations | sed -n 's/^ \([a-z]\)/\1/p' |
        tr -s ' ' | sort
}

isnt 'the table of operations can be read' "$(policy_of_c)" ''
is 'qemu-hook: the table is that of hook-policy.c' "$(policy_of_pod)" \
    "$(policy_of_c)"
for operation in $(policy_of_c | sed 's/ .*//') start reconnect attach; do
    like "qemu-hook: it says what becomes of $operation" \
        "$(section "$hook_pod" 2 Operations)" "B<$operation>"
done
is 'qemu-hook: the strings that it looks for' \
    "$(section "$hook_pod" 2 'Which domains' | sed -n 's/^ //p' | sort)" \
    "$(sed -n '/marks\[\]/,/};/p' "$srcdir/hooks/hook-sieve.c" |
        strings_of_c | grep -v '"' | sort)"

# number FILE NAME: of "#define NAME 5000"; 0 if it is not there.
number()
{
    local value
    value=$(sed -n "s/^#define $2  *\([0-9]*\).*/\1/p" "$srcdir/hooks/$1")
    echo "${value:-0}"
}

limits=$(section "$hook_pod" 2 'Time limits')
like 'qemu-hook: how long it waits for the greeting' "$limits" \
    "$(($(number hook-ask.c GREETING_MS) / 1000)) s to greet"
like 'qemu-hook: how long it waits at all' "$limits" \
    "more than $(($(number wire.h WIRE_DEADLINE_CAP_MS) / 1000)) s"
like 'qemu-hook: the longest name' "$(section "$hook_pod" 1 MESSAGES)" \
    "$(number wire.h WIRE_NAME_MAX) bytes"

# Each message has one of the pieces that the page lists, and each piece is of
# a message. What is said to whoever runs the hook by hand is left out.
said=$(cat "$srcdir"/hooks/{hook-ask,qemu-hook}.c | strings_of_c)
listed=$(section "$hook_pod" 1 MESSAGES | grep '^=item' |
    grep -o 'C<[^>]* [^>]*>' | sed 's/C<\(.*\)>/\1/')
while read -r piece; do
    like "qemu-hook: it says '$piece'" "$said" "$piece"
done <<<"$listed"
unlisted=
while read -r message; do
    found=no
    while read -r piece; do
        [[ $message != *"$piece"* ]] || found=yes
    done <<<"$listed"
    [ "$found" = yes ] || unlisted+=$message$'\n'
done < <(grep -E 'remorad|^its |^cannot ' <<<"$said" |
    grep -v -x -e 'remorad: .*' -e '/.*')
is 'qemu-hook: the page has all that it says' "$unlisted" ''

tap_done
