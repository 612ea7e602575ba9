#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# tests/agent-wall.t - what draws tables stays in one file of the command line
: "${srcdir:=.}" "${builddir:=.}"

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

needed_by()
{
    LC_ALL=C readelf -d "$builddir/agent/$1" |
        sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'
}

check "only table.c includes libsmartcols" \
    "$(grep -rl 'libsmartcols\.h' "$srcdir/agent" "$srcdir/conf" \
        "$srcdir/hooks" "$srcdir/xml" | grep -v '/agent/cli/table\.c$')"
check "it does" \
    "$(grep -q 'libsmartcols\.h' "$srcdir/agent/cli/table.c" ||
        echo "it was not seen")"
check "only digest.c includes libcrypto" \
    "$(grep -rl 'openssl/' "$srcdir/agent" "$srcdir/conf" "$srcdir/hooks" \
        "$srcdir/xml" | grep -v '/agent/cli/digest\.c$')"
check "remora links libsmartcols" \
    "$(needed_by remora | grep -q '^libsmartcols\.' || echo "it does not")"
check "remorad does not" "$(needed_by remorad | grep '^libsmartcols\.')"
check "of remorad something is seen" \
    "$(needed_by remorad | grep -q '^librados\.' || echo "nothing was")"
echo "1..$n"
