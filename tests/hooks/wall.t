#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# tests/hooks/wall.t - the three rooms of hooks/ link the C library only, include
# nothing but themselves and wire/, and keep their promises
#
# What the hook, and not the proxy, must not do is looked for among the symbols
# that it takes from the C library: no process but remorad, nothing deleted, no
# environment.
. "${srcdir:=.}/tests/lib/wall.sh"
hooks=${builddir:=.}/hooks

# ---- the three rooms, alike --------------------------------------------------------

# room NAME ARCHIVE SYMBOLS INCLUDES [PROGRAM.c]
room()
{
    check "$1: $2 needs libc and '$3' only" \
        "$(wall_undefined "$hooks/$1/$2" "$3" 2>&1 || echo unknown)"
    check "$1: includes '$4' only" "$(wall_includes "hooks/$1" "$4")"
    check "$1: each header compiles alone" "$(wall_alone "hooks/$1")"
    check "$1: each source has a header" "$(wall_headers "hooks/$1" "${5-}")"
}

room wire libwire.a '(wire)_' 'hooks/wire/.*'
room qemu libhook.a '(hook|wire)_' 'hooks/(qemu|wire)/.*' qemu-hook.c
room proxy libproxy.a '(proxy|wire)_' 'hooks/(proxy|wire)/.*' libvirt-proxy.c
check "no circle of includes" \
    "$(wall_circles hooks/wire hooks/qemu hooks/proxy)"

# Each of these looks, itself.
check "a library that is not allowed is seen" \
    "$(wall_undefined "$hooks/qemu/libhook.a" 'nothing_' |
        grep -qx wire_request_init || echo "wire_request_init was not seen")"
check "an include that is not allowed is seen" \
    "$(wall_includes hooks/proxy 'hooks/proxy/.*' | grep -q hooks/wire/ ||
        echo "hooks/wire was not seen")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/a"
echo '#include "a/two.h"' >"$scratch/a/one.c"
echo '#include "a/one.h"' >"$scratch/a/two.h"
echo >"$scratch/a/one.h"
check "a circle is seen" "$(
    srcdir=$scratch
    wall_circles a | grep -q one || echo "it was not seen")"

# ---- programs ----------------------------------------------------------------------

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

# ---- the hook ----------------------------------------------------------------------

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
# Of the hook's objects, in both archives and beside them.
forkers=$($NM -A -u "$hooks/qemu/libhook.a" "$hooks/wire/libwire.a" \
    "$hooks"/qemu/*qemu-hook.o |
    sed 's/@.*//' | grep -E ' (fork|open(at)?(64)?)$')
check "only what leaves remorad behind forks and opens files" \
    "$(echo "$forkers" | grep -v 'one-shot\.o:')"
check "it does" "$(echo "$forkers" | grep -q ' fork$' || echo "fork was not seen")"
check "the one program that it becomes is seen" \
    "$($NM -u "$hook" | grep -Eqw 'execv' ||
        echo "execv was not seen")"
echo "1..$n"
