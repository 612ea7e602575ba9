#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# tests/hooks/wall.t - hooks/ links the C library only, and keeps its promises
#
# What the hook, and not the proxy, must not do is looked for among the symbols that it takes from
# the C library: no process but remorad, nothing deleted, no environment.
. "${srcdir:=.}/tests/lib/wall.sh"
hooks=${builddir:=.}/hooks

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

check "libhook.a needs libc and libwire.a only" \
    "$(wall_strangers "$hooks/qemu/libhook.a" '(hook|wire)_' 2>&1 || echo unknown)"
check "libproxy.a needs libc, libhook.a and libwire.a only" \
    "$(wall_strangers "$hooks/proxy/libproxy.a" '(hook|wire)_' 2>&1 || echo unknown)"
check "a library that is not allowed is seen" \
    "$(wall_strangers "$hooks/qemu/libhook.a" 'nothing_' |
        grep -qx wire_request_init || echo "wire_request_init was not seen")"
check "libwire.a needs libc only" \
    "$(wall_strangers "$hooks/wire/libwire.a" 'nothing_' 2>&1 || echo unknown)"

# The installed one may have libc inside it, where nothing can be told apart;
# this one is made of the same parts.
hook=$builddir/tests/hooks/qemu-hook-here
# Sanitizers bring their own.
instruments='lib(asan|ubsan|gcc_s|m|dl|rt|pthread|stdc\+\+)\.so'
$NM "$hook" | grep -q __asan_init || instruments='nothing'
needed_by()
{
    LC_ALL=C readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'
}
needed=$(needed_by "$hook")
check "qemu-hook links libc" \
    "$(echo "$needed" | grep -q '^libc\.' || echo "it links: $needed")"
for program in "$hook" "$hooks/qemu/qemu-hook"; do
    check "${program##*/} links nothing else" \
        "$(needed_by "$program" | grep -Ev "^(libc\.|ld-linux|$instruments)")"
done

check "remora-libvirt-proxy links libc only" \
    "$(needed_by "$hooks/proxy/remora-libvirt-proxy" |
        grep -Ev "^(libc\.|ld-linux|libpthread\.|$instruments)")"

forbidden='vfork|_?clone3?|posix_spawnp?|system|popen|pthread_create|daemon'
forbidden="$forbidden|unlink(at)?|remove|rmdir|rename(at2?)?|f?truncate(64)?"
forbidden="$forbidden|(secure_)?getenv|environ|putenv|setenv"
forbidden="$forbidden|creat(64)?|fopen(64)?|syslog|puts|printf|__printf_chk"
forbidden="$forbidden|execvpe?|execlp?|execle"
for object in "$hooks/qemu/libhook.a" "$hook"; do
    check "${object##*/} starts, deletes and asks for nothing" \
        "$($NM -u "$object" | awk '$1 == "U" { print $2 }' |
            sed 's/@.*//' | grep -Ex "$forbidden")"
done
# Of the hook's objects, in the archive and beside it.
forkers=$($NM -A -u "$hooks/qemu/libhook.a" "$hooks"/qemu/*qemu-hook.o |
    sed 's/@.*//' | grep -E ' (fork|open(at)?(64)?)$')
check "only what leaves remorad behind forks and opens files" \
    "$(echo "$forkers" | grep -v 'one-shot\.o:')"
check "it does" "$(echo "$forkers" | grep -q ' fork$' || echo "fork was not seen")"
check "the one program that it becomes is seen" \
    "$($NM -u "$hook" | grep -Eqw 'execv' ||
        echo "execv was not seen")"

check "no header of another room is included" "$(
    grep -n '#include "' "$srcdir"/hooks/*/*.[ch] |
        grep -v -e '"config\.h"' -e '"hooks/')"
for header in "$srcdir"/hooks/*/*.h; do
    check "${header##*/} compiles alone" "$(
        echo "#include \"${header#"$srcdir"/}\"" |
            $CC -x c -std=gnu17 -D_GNU_SOURCE -fsyntax-only -Wall -Werror \
                -I"$srcdir" -I"$builddir" - 2>&1)"
done
echo "1..$n"
