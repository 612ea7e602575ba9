# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# tests/lib/kinds.sh - disks of each kind, and what has to be in them
#
#     kinds_entries ELEMENT...       metadata that asks for them
#     kinds_content IMAGE            of the pool vms, in $KINDS_CONTENT
#     kinds_sound IMAGE TYPE [FILE]  by its own tool
#
# Contract: call inside a bed with cluster.sh sourced and a cluster that runs.
#           What a config drive is made of is in $KINDS_CONFIG.

KINDS_CONFIG=$BED/tmp/disk.config
KINDS_CONTENT=$BED/tmp/content

# kinds_entries ELEMENT...: the attributes of each <remora:disk>.
kinds_entries()
{
    printf "<remora:domain xmlns:remora='urn:remora:domain:1'>"
    printf '<remora:disk %s/>' "$@"
    printf '</remora:domain>'
}

# The content of a disk, as a file. Its own: what is checked may be repaired.
kinds_content()
{
    rm -f "${2:-$KINDS_CONTENT}"
    rbd export --no-progress "vms/$1" "${2:-$KINDS_CONTENT}"
}

kinds_sound()
{
    local file=${3:-$KINDS_CONTENT}
    kinds_content "$1" "$file" || return
    case $2 in
    ext4) e2fsck -f -n "$file" ;;
    vfat) fsck.vfat -n "$file" ;;
    xfs) xfs_repair -n -f "$file" ;;
    swap) [ "$(blkid -p -o value -s TYPE "$file")" = swap ] ;;
    blank) cmp -n "$(stat -c %s "$file")" "$file" /dev/zero ;;
    config) cmp "$file" "$KINDS_CONFIG" ;;
    esac
}
