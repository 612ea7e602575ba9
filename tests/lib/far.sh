# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# tests/lib/far.sh - a second cluster, whose images are copied
#
#     far_parts                two clusters, ceph and far, and an image's content
#     far_configured           remora.conf names both
#     in_far COMMAND...        of the other cluster
#     far_add UUID [qemu-img OPTION...]   an image there
#     far_wants TARGET IMAGE [SIZE]       a disk here of it, as metadata
#
# Contract: call inside a bed with cluster.sh, guest.sh, agent.sh and hosts.sh
#           sourced. The image's content is in $BED/tmp/golden, 64 MiB.

FAR_ADDRESS=192.0.2.2

in_far()
{
    cluster_use far
    "$@"
    local status=$?
    cluster_use ceph
    return "$status"
}

far_configured()
{
    mkdir -p /etc/remora "$BED/serial"
    cat >/etc/remora/remora.conf <<'CONF'
clusters = ( { }, { name = "far"; conf = "/etc/ceph/far.conf"; } );
nova = { metadata = true; };
CONF
}

far_parts()
{
    ok 'a network' hosts_start || bail 'no network'
    ip address add "$FAR_ADDRESS/24" dev hosts
    ok 'another cluster starts' cluster_start far "$FAR_ADDRESS" ||
        bail 'no other cluster'
    ok 'a cluster starts' cluster_start ceph "$HOSTS_ADDRESS" ||
        bail 'no cluster'
    guest_image 64M 'a golden image' off "$BED/tmp/golden" || bail 'no image'
    # Data behind the guest, so that there is something to copy; and zeroes.
    dd if=/dev/urandom of="$BED/tmp/golden" bs=1M seek=4 count=20 \
        conv=notrunc status=none
    far_configured
}

far_add()
{
    local uuid=$1
    shift
    if [ $# -eq 0 ]; then
        cp --sparse=never "$BED/tmp/golden" "$BED/tmp/image"
    else
        qemu-img convert -q -f raw "$@" "$BED/tmp/golden" "$BED/tmp/image"
    fi && in_far cluster_add_image "$BED/tmp/image" "$uuid"
}

far_wants()
{
    agent_asks "$1" \
        "rbd://${CLUSTER_FSID[far]}/images/$2/snap' cluster='ceph" "${3-}"
}
