#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# tests/xml/walls.t - xml/ uses libc, GLib and libxml2, and does no I/O
#
# An archive records no libraries, so what it leaves undefined is looked up in
# those of a program that links it and nothing else.

archive=$builddir/xml/libdom.a
program=$builddir/tests/unit/test-xml-plan
NM=${NM:-nm}

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

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

$NM -u "$archive" | awk '$1 == "U" { print $2 }' | sort -u >"$dir/undefined"
$NM --defined-only "$archive" | awk 'NF == 3 { print $3 }' | sort -u \
    >"$dir/own"
comm -23 "$dir/undefined" "$dir/own" |
    grep -v -e '^__asan_' -e '^__ubsan_' -e '^__gcov_' -e '^__llvm_' \
        -e '^_GLOBAL_OFFSET_TABLE_$' >"$dir/foreign"

for library in $(ldd "$program" |
    awk '$3 ~ /\/(libc|libxml2|libglib-2\.0)\.so/ { print $3 }'); do
    $NM -D --defined-only "$library" | awk '{ print $3 }' | sed 's/@.*//'
done | sort -u >"$dir/known"

test -s "$dir/known" && test -s "$dir/foreign"
check "symbols were found" "$(test $? -eq 0 || echo none)"
check "only libc, GLib and libxml2 are used" \
    "$(comm -23 "$dir/foreign" "$dir/known")"

forbidden='open|openat|creat|fopen|socket|connect|write|read|printf|fprintf'
forbidden="$forbidden|puts|fputs|perror|syslog|getenv|system|popen|fork|exec.*"
forbidden="$forbidden|g_print|g_printerr|g_log|g_log_structured.*|g_file_.*"
forbidden="$forbidden|g_getenv|g_spawn.*|xmlReadFile|xmlParseFile|xmlSaveFile"
forbidden="$forbidden|xmlCtxtReadFile|xmlNanoHTTP.*"
check "nothing is read, written, printed or logged" \
    "$(grep -E "^($forbidden)\$" "$dir/foreign")"

check "no header of another room is included" "$(
    grep -n '#include' "$srcdir"/xml/*.[ch] |
        grep -v -e '"config\.h"' -e '"xml/dom' -e '<glib\.h>' -e '<libxml/' \
            -e '<stdarg\.h>' -e '<stdbool\.h>' -e '<string\.h>')"

for header in "$srcdir"/xml/*.h; do
    # shellcheck disable=SC2046 # several words
    check "${header##*/} compiles alone" "$(
        echo "#include \"xml/${header##*/}\"" |
            $CC -x c -std=gnu17 -fsyntax-only -Wall -Werror \
                -I"$srcdir" -I"$builddir" \
                $(pkg-config --cflags glib-2.0 libxml-2.0) - 2>&1)"
done
echo "1..$n"
