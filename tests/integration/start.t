#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/start.t - from 'virsh define' to a guest on its clone
#
# Needs: root, the packages of lib/packages.sh, an installed remora.
#
# shellcheck source-path=SCRIPTDIR
here=$(dirname -- "$(realpath -- "$0")")/..
. "$here/lib/tap.sh"
. "$here/lib/bed.sh"
. "$here/lib/cluster.sh"
. "$here/lib/libvirt.sh"
. "$here/lib/guest.sh"
. "$here/lib/agent.sh"

IMAGE=0a64fa67-3e34-42e7-b7b0-423c11850e18
A=982b8eac-6bcc-4a21-bd04-b67e26188be0
B=a9670d9a-8aa7-49ba-baf5-9d7a450172f3
C=3f1d2c4b-5a69-4788-9b0a-1c2d3e4f5a6b
MiB=$((1024 * 1024))

info()
{
    rbd info --format json "$1" | jq -r "$2"
}

# Where the domain's stored definition says that a disk is.
source_of()
{
    virsh_ dumpxml --inactive "$1" | sed -n "s/.*<source protocol='rbd' name='\([^']*\)'.*/\1/p"
}

is_rewritten()
{
    [ "$(source_of "$1")" = "$2" ]
}

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    guest_image 16M 'a golden image' off "$BED/tmp/golden" || bail 'no image'
    guest_image 16M 'an idle image' idle "$BED/tmp/idle" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/golden" "$IMAGE"
    ok 'another' cluster_add_image "$BED/tmp/idle" "$C"
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    ok 'the hook is installed' hook_install "$(agent_hook)"
    ok 'the agent starts' agent_start || bail 'no agent'
}

main_job()
{
    ok 'a domain that only names its image is defined' \
        guest_define -m "$(agent_asks vda "$IMAGE" '64 MiB')" web1 "$A"
    wait_until 'it is rewritten' 5 is_rewritten web1 "vms/${A}_disk"
    is 'no clone exists before the start' "$(rbd ls vms)" ''
    ok 'it starts' virsh_ start web1
    ok 'the guest reads its image' guest_wait_line web1 \
        'remora-guest: hello from a golden image'
    ok 'it writes its disk' guest_wait_line web1 'wrote sector 2'
    ok 'it powers off' guest_wait_off web1
    is 'the clone has what it wrote' "$(guest_sector "vms/${A}_disk" 2)" \
        'written by a golden image'
    is 'the image has not' "$(guest_sector "images/$IMAGE@snap" 2)" ''
    is 'the clone has its parent' \
        "$(info "vms/${A}_disk" '.parent | "\(.pool)/\(.image)@\(.snapshot)"')" \
        "images/$IMAGE@snap"
    is 'the size is what was asked' "$(info "vms/${A}_disk" .size)" \
        $((64 * MiB))
    is 'the order is the image'"'"'s' "$(info "vms/${A}_disk" .order)" 23
    wait_until 'no claim remains' 5 agent_no_claims
}

second_domain()
{
    ok 'a second domain' guest_define -m "$(agent_asks vda "$IMAGE")" web2 "$B"
    wait_until 'is rewritten' 5 is_rewritten web2 "vms/${B}_disk"
    ok 'starts' virsh_ start web2
    ok 'and runs from its own clone' guest_wait_line web2 \
        'remora-guest: hello from a golden image'
    ok 'and ends' guest_wait_off web2
    is 'both are children of the image' \
        "$(rbd children "images/$IMAGE@snap" | sort)" \
        "vms/${A}_disk
vms/${B}_disk"
    ok 'the first starts again' virsh_ start web1
    ok 'and finds what it wrote' guest_wait_line web1 \
        'found written by a golden image'
    ok 'and ends again' guest_wait_off web1
}

inside()
{
    bed_need_remora
    parts
    main_job
    second_domain
}

bed_enter "$0" "$@"
inside
tap_done
