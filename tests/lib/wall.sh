#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# tests/lib/wall.sh - what a room takes from outside, held to a promise
#
# An archive records no libraries, so nothing but a look at its undefined
# symbols can tell which ones it needs.
#
# Usage:    . "$srcdir/tests/lib/wall.sh"
#           wall_undefined ARCHIVE REGEX
#           wall_includes DIRECTORY REGEX
#           wall_alone DIRECTORY [FLAG...]
#           wall_circles DIRECTORY...
#           wall_headers DIRECTORY [SOURCE...]
#           check TITLE WRONG: one line of TAP; nothing is wrong if WRONG is
#           empty. n is how many there were.
# Prints:   what is wrong, as is said at each of them; wall_undefined:
#           each undefined symbol of ARCHIVE that is neither defined in it, nor
#           in the C library, nor matched by the extended REGEX, which is
#           anchored at the beginning: 'g_|config_'.
# Status:   0 when it could look, whatever it found; 1 and a line on stderr
#           when it could not, so that silence is never taken for a pass.
n=0
: "${NM:=nm}" "${CC:=cc}" "${srcdir:=.}" "${builddir:=.}"

# What the compiler itself adds under sanitizers and coverage.
wall_instruments='__(asan|ubsan|lsan|sanitizer|gcov)_|_GLOBAL_OFFSET_TABLE_$'

check()
{
    n=$((n + 1))
    if test -z "$2"; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        echo "$2" | sed 's/^/# /'
    fi
}

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

wall_undefined()
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

# wall_includes DIRECTORY REGEX: the lines of its sources (below $srcdir) that
# include a header of ours which does not match the anchored, extended REGEX.
wall_includes()
{
    grep -n '^ *# *include *"' "$srcdir/$1"/*.[ch] |
        grep -Ev "\"(config\.h|$2)\"" || :
}

# wall_alone DIRECTORY [FLAG...]: what the compiler says of each of its headers
# alone.
wall_alone()
{
    wall_of=$1
    shift
    for wall_header in "$srcdir/$wall_of"/*.h; do
        echo "#include \"${wall_header#"$srcdir"/}\"" |
            $CC -x c -std=gnu17 -D_GNU_SOURCE -fsyntax-only -Wall -Werror \
                -I"$srcdir" -I"$builddir" "$@" - 2>&1 || :
    done
}

# wall_circles DIRECTORY...: files of theirs that include each other in a circle.
# A source is one with its header here, so that neither may lead back to it.
wall_circles()
{
    (
        cd "$srcdir" || exit
        for wall_of; do
            grep -H '^ *# *include *"' "$wall_of"/*.[ch]
        done
    ) | sed -n 's|^\(.*\)\.[ch]: *# *include *"\(.*\)\.h".*|\1 \2|p' |
        awk '$1 != $2' | tsort 2>&1 >/dev/null | grep -v 'input contains a loop' || :
}

# wall_headers DIRECTORY [SOURCE...]: its sources without a header, but for these.
wall_headers()
{
    wall_of=$1
    shift
    for wall_source in "$srcdir/$wall_of"/*.c; do
        wall_name=${wall_source##*/}
        case " $* " in *" $wall_name "*) continue ;; esac
        test -e "${wall_source%.c}.h" || echo "$wall_of/$wall_name"
    done
}
