#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# tests/hooks/man.t - remora-qemu-hook(8) is sound POD, and says what the
# program says: marks, limits and messages

pod=$srcdir/hooks/remora-qemu-hook.pod

n=0
check() {
    n=$((n + 1))
    if test -z "$2"; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        echo "$2" | sed 's/^/# /'
    fi
}

if command -v podchecker >/dev/null 2>&1; then
    check "podchecker" \
        "$(message=$(podchecker -warnings -warnings "$pod" 2>&1) ||
            echo "$message")"
else
    n=1
    echo "ok 1 - podchecker # SKIP it is not installed (Debian: perl)"
fi

marks=$(sed -n '/^static.*marks\[\]/,/^};/p' "$srcdir/hooks/hook-sieve.c" |
    tr ',' '\n' | sed -n 's/^ *"\([^\\]*\)"$/\1/p')
check "marks were found" "$(test "$(echo "$marks" | wc -l)" -eq 4 ||
    echo "$marks")"
check "each mark is named" "$(echo "$marks" | while read -r mark; do
    grep -qF "C<$mark>" "$pod" || echo "$mark"
done)"

# 4194304 in the page, '(4u * 1024u * 1024u)' in the header.
check "each limit is named" "$(
    for name in WIRE_NAME_MAX WIRE_BODY_MAX WIRE_OUTPUT_MAX; do
        value=$(sed -n "s|^#define $name *\([^/]*\).*|\1|p" \
            "$srcdir/hooks/wire.h" | tr -d u)
        grep -qw "$(($value))" "$pod" || echo "$name is $value"
    done)"

# A message up to its first number, name or reason; in the page without marks.
page=$(sed 's/[BI]<\([^>]*\)>/\1/g' "$pod")
messages=$(cat "$srcdir"/hooks/hook-ask.c "$srcdir"/hooks/hook-one-shot.c \
    "$srcdir"/hooks/qemu-hook.c | tr '\n' ' ' |
    sed 's/"  *"//g' | grep -o 'hook_error_set([^"]*"[^"]*"' |
    sed 's/[^"]*"//; s/"$//; s/[ :]*%.*//; s/: .*//; s/, and.*/, and/
         s/ at .*/ at/; s/ left for .*/ left/')
check "messages were found" "$(test "$(echo "$messages" | wc -l)" -ge 15 ||
    echo "$messages")"
check "each message is named" "$(echo "$messages" | while read -r message; do
    echo "$page" | grep -qF -- "$message" || echo "$message"
done)"
echo "1..$n"
