#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# tests/rbd/wall.t - the rooms of agent/rbd/ include what lies below them only
#
# Below all lies conn/, above it image/ and claim/, which do not know each other,
# and on top disk/. None knows domains, XML, libvirt, sockets or the log.
. "${srcdir:=.}/tests/lib/wall.sh"

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

# What all of them know: what the room promises, and what its parts share.
shared='agent/rbd/(store|store-internal)\.h'

# room NAME INCLUDES
room()
{
    check "$1: includes what lies below it only" \
        "$(wall_includes "agent/rbd/$1" "($shared|agent/rbd/($2)/.*)")"
}

room conn conn
room image 'image|conn'
room claim 'claim|conn'
room disk 'disk|claim|image|conn'
check "no circle of includes" "$(wall_circles agent/rbd/conn agent/rbd/image \
    agent/rbd/claim agent/rbd/disk)"
check "an include that is not allowed is seen" \
    "$(wall_includes agent/rbd/disk 'agent/rbd/disk/.*' |
        grep -q agent/rbd/claim/ || echo "agent/rbd/claim was not seen")"
echo "1..$n"
