#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# tests/rbd/wall.t - the rooms of agent/rbd/ include what lies below them only
#
# Below all lies conn/, above it image/ and claim/, which do not know each other,
# then disk/, and on top volume/. None knows domains, XML, libvirt, sockets or the log. Each
# source has a header of its own; one for all of them, which store.h is for
# others, is none that they may use.
. "${srcdir:=.}/tests/lib/wall.sh"

flags=$(pkg-config --cflags glib-2.0 jansson)

# room NAME INCLUDES
room()
{
    check "$1: includes what lies below it only" \
        "$(wall_includes "agent/rbd/$1" "agent/rbd/($2)/.*")"
    # shellcheck disable=SC2086 # several words
    check "$1: each header compiles alone" "$(wall_alone "agent/rbd/$1" $flags)"
    check "$1: each source has a header" "$(wall_headers "agent/rbd/$1")"
}

room conn conn
room image 'image|conn'
room claim 'claim|conn'
room disk 'disk|claim|image|conn'
room volume 'volume|disk|claim|image|conn'
check "no circle of includes" "$(wall_circles agent/rbd/conn agent/rbd/image \
    agent/rbd/claim agent/rbd/disk agent/rbd/volume)"
check "an include that is not allowed is seen" \
    "$(wall_includes agent/rbd/disk 'agent/rbd/disk/.*' |
        grep -q agent/rbd/claim/ || echo "agent/rbd/claim was not seen")"

# A header that grows with every file is how one for all begins.
check "no header of a room has more than 200 lines" "$(
    find "$srcdir"/agent/rbd/*/ -name '*.h' -exec wc -l {} \; |
        awk '$1 > 200')"
check "what is outside of the rooms is store.h" "$(
    cd "$srcdir/agent/rbd" &&
        find . -maxdepth 1 -name '*.[ch]' ! -name store.h)"
check "store.h declares nothing itself" \
    "$(grep -v '^#' "$srcdir/agent/rbd/store.h" |
        grep -v -E '^(/\*.*| \*.*|)$')"
# shellcheck disable=SC2086
check "what it shows others has no type of Ceph's" "$(
    echo '#include "agent/rbd/store.h"' |
        $CC -x c -std=gnu17 -M -I"$srcdir" -I"$builddir" $flags - 2>&1 |
        grep -o -E '[^ ]*/lib(rados|rbd)\.h|.*error:.*')"
# What a file keeps for a cluster is its own, so only one file knows the struct.
check "one file knows what a cluster holds" "$(
    grep -l '^struct StoreCluster {' -r "$srcdir/agent/rbd" |
        grep -v 'conn/cluster\.c$')"
echo "1..$n"
