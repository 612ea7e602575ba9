# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# tests/lib/request.sh - what libvirt asks of the hook, without libvirt
#
#     request_kind NAME METADATA DISK...     a template, rendered once
#     request_new NAME                       a domain of that kind
#     request_prepare | request_release      as libvirt calls the hook for it
#     request_others_make | request_others   disks that must not be touched
#
# Contract: call inside a bed with cluster.sh, guest.sh and agent.sh sourced
#           and a cluster that runs. The request is the final definition, as
#           libvirt holds it when a domain starts, in $REQUEST.
# Gives:    REQUEST_UUID, REQUEST_DISK (POOL/IMAGE of a clone)

REQUEST=$BED/tmp/request.xml
REQUEST_SECRET=6a8e8f8c-7b1e-4a41-8a3c-3f7d6f0c1a11
# What stands in a template for the domain's UUID.
REQUEST_MODEL=982b8eac-6bcc-4a21-bd04-b67e26188be0

request_kind()
{
    local name=$1 metadata=$2
    shift 2
    guest_xml -m "$metadata" web "$REQUEST_MODEL" "$@" >"$REQUEST" &&
        remora render "$REQUEST" >"$BED/tmp/$name.kind"
}

# request_new KIND [UUID]
request_new()
{
    REQUEST_UUID=${2:-$(</proc/sys/kernel/random/uuid)}
    REQUEST_DISK=vms/${REQUEST_UUID}_disk
    sed "s/$REQUEST_MODEL/$REQUEST_UUID/g" "$BED/tmp/$1.kind" >"$REQUEST"
}

request_prepare()
{
    "$(agent_hook)" web prepare begin - <"$REQUEST"
}

request_release()
{
    "$(agent_hook)" web release end - <"$REQUEST"
}

# Whether it is a clone of SNAP that begins with FILE, has SIZE bytes and is
# registered with its parent.
request_is_whole()
{
    local snap=$1 file=$2 size=$3 said
    said=$(rbd info --format json "$REQUEST_DISK" | jq -r '"\(.size) \(
        .parent.pool)/\(.parent.image)@\(.parent.snapshot)"')
    [ "$said" = "$size $snap" ] || { echo "it is: $said"; return 1; }
    rbd children "$snap" | grep -q -x "$REQUEST_DISK" ||
        { echo 'its parent does not list it'; return 1; }
    rbd export --no-progress "$REQUEST_DISK" - 2>/dev/null |
        cmp -n "$(stat -c %s "$file")" - "$file"
}

# request_others_make IMAGE: an image with data and a clone that nobody marked.
request_others_make()
{
    rbd create --size 16M vms/bare_disk &&
        rbd bench --io-type write --io-size 64K --io-total 1M \
            vms/bare_disk >/dev/null &&
        cluster_add_clone "$1" nova_disk
}

# request_others IMAGE: all that can be said of them and of the image. When
# something was read last is nobody's content.
request_others()
{
    local image
    for image in vms/bare_disk vms/nova_disk "images/$1"; do
        rbd info --format json "$image" | jq -c 'del(.access_timestamp)'
        rbd image-meta ls "$image"
        rbd snap ls "$image"
        rbd export --no-progress "$image" - 2>/dev/null | md5sum
    done
}
