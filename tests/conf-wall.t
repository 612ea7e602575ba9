#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# tests/conf-wall.t - conf/ links libconfig and GLib, and nothing else
. "${srcdir:=.}/tests/lib/wall.sh"
archive=${builddir:-.}/conf/libconf.a

echo 1..3

if ! undefined=$(wall_undefined "$archive" 'g_|config_'); then
    echo "not ok 1 - symbols of conf/libconf.a can be read"
    undefined=unknown
else
    echo "ok 1 - symbols of conf/libconf.a can be read"
fi
if test -z "$undefined"; then
    echo "ok 2 - conf/libconf.a needs libc, GLib and libconfig only"
else
    echo "not ok 2 - conf/libconf.a needs libc, GLib and libconfig only"
    echo "$undefined" | sed 's/^/# undefined: /'
fi

# The look itself: without libconfig's prefix, what is libconfig's is listed.
if wall_undefined "$archive" 'g_' | grep -qx config_destroy; then
    echo "ok 3 - a library that is not allowed is seen"
else
    echo "not ok 3 - a library that is not allowed is seen"
fi
