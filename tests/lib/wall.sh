#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# tests/lib/wall.sh - what an archive takes from outside, held to a promise
#
# An archive records no libraries, so nothing but a look at its undefined
# symbols can tell which ones it needs.
#
# Usage:    . "$srcdir/tests/lib/wall.sh"
#           wall_strangers ARCHIVE REGEX
# Prints:   each undefined symbol of ARCHIVE that is neither defined in it, nor
#           in the C library, nor matched by the extended REGEX, which is
#           anchored at the beginning: 'g_|config_'.
# Status:   0 when it could look, whatever it found; 1 and a line on stderr
#           when it could not, so that silence is never taken for a pass.
: "${NM:=nm}" "${CC:=cc}"

# What the compiler itself adds under sanitizers and coverage.
wall_instruments='__(asan|ubsan|lsan|sanitizer|gcov)_|_GLOBAL_OFFSET_TABLE_$'

wall_libc_symbols()
{
    wall_found=
    for wall_name in libc.so.6 ld-linux-x86-64.so.2 ld-linux-aarch64.so.1 \
        libc.so; do
        wall_path=$($CC -print-file-name="$wall_name")
        # A compiler that does not find the file prints the bare name.
        case $wall_path in /*) ;; *) continue ;; esac
        $NM -D --defined-only "$wall_path" 2>/dev/null | awk '
            { sub(/@.*/, "", $NF); print $NF }' && wall_found=yes
    done
    test -n "$wall_found"
}

wall_strangers()
{
    wall_dir=$(mktemp -d) || return 1
    if ! test -r "$1"; then
        echo "wall: cannot read archive '$1'" >&2
        rm -rf "$wall_dir"
        return 1
    fi
    {
        wall_libc_symbols
        $NM --defined-only "$1" | awk 'NF == 3 { print $3 }'
    } | sort -u >"$wall_dir/known"
    $NM -u "$1" | awk '$1 == "U" { print $2 }' | sort -u >"$wall_dir/wanted"
    # Every archive needs something, and libc has at least this one.
    if ! test -s "$wall_dir/wanted" || ! grep -qx malloc "$wall_dir/known"; then
        echo "wall: '$NM' shows no symbols of '$1' or of the C library" >&2
        rm -rf "$wall_dir"
        return 1
    fi
    comm -23 "$wall_dir/wanted" "$wall_dir/known" |
        grep -Ev "^($2|$wall_instruments)" || :
    rm -rf "$wall_dir"
}
