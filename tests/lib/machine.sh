# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# tests/lib/machine.sh - what a bed could leave on the machine, seen from there
#
# Contract: call outside of beds. It only looks.
# Needs:    nothing.

# What there is of names on the machine that a bed could have left. Beds of
# others may come and go: they leave nothing either, so it holds for them.
machine_names()
{
    find /etc /run /var/lib /var/log /var/cache /dev/shm "${HOME:-/root}" \
        -maxdepth 3 \( -path /run/user -o -path /run/udev \) -prune -o \
        \( -path '*libvirt*' -o -path '*ceph*' -o -path '*remora*' \
        -o -path '*qemu*' -o -path /run/bed \) -print 2>/dev/null | sort
    cat /etc/passwd /etc/group /etc/hosts
    hostname
    cut -d ' ' -f 4- /proc/self/mountinfo
}

# The processes of a PID namespace, seen from outside.
in_namespace()
{
    local link
    for link in /proc/[0-9]*/ns/pid; do
        [ "$(readlink "$link" 2>/dev/null)" != "$1" ] || echo "$link"
    done
}

namespace_is_empty()
{
    [ -z "$(in_namespace "$1")" ]
}
