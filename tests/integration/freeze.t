#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/freeze.t - a guest agent freezes a guest that runs
#
# A Linux guest with an agent of its own (tests/guest/agent-init) writes into its disk
# when it freezes and when it thaws. What 'remora image from-disk' makes of the disk has
# the first and never the second, and the guest is thawed whatever becomes of remora.
#
# Needs: root, the packages of lib/packages.sh, remora with fault points, and in
#        REMORA_KERNEL what a kernel package has.
# Stage: faults
# Kernel: debian
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
ID=1b64fa67-3e34-42e7-b7b0-423c11850e18
A=982b8eac-6bcc-4a21-bd04-b67e26188be0
DISK=vms/${A}_disk

from_disk()
{
    remora -n admin -k /etc/ceph/ceph.client.admin.keyring image from-disk \
        --id "$ID" "$@" web1 vda
}

rm_image()
{
    remora -n admin -k /etc/ceph/ceph.client.admin.keyring image rm "$ID" \
        >/dev/null 2>&1
    rbd trash purge --no-progress images --expired-before 2100-01-01 \
        >/dev/null 2>&1
}

parts()
{
    ok 'a Linux guest' "$here/guest/make-linux" "$REMORA_KERNEL" "$BED/linux" \
        agent-init || bail 'no guest'
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    truncate -s 16M "$BED/tmp/golden"
    ok 'an image' cluster_add_image "$BED/tmp/golden" "$IMAGE"
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    ok 'the hook is installed' hook_install "$(agent_hook)"
    ok 'the agent starts' agent_start || bail 'no agent'
}

# Three freezes succeed, the fourth fails, the fifth is not answered.
domain_xml()
{
    GUEST_VIRT=$(guest_virt_type)
    mkdir -p "$BED/serial"
    cat <<XML
<domain type='$GUEST_VIRT'>
  <name>web1</name>
  <uuid>$A</uuid>
  <metadata>$(agent_asks vda "$IMAGE")</metadata>
  <memory unit='MiB'>256</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>$BED/linux/vmlinuz</kernel>
    <initrd>$BED/linux/initrd</initrd>
    <cmdline>console=ttyS0 quiet panic=-1 freezes=3</cmdline>
  </os>
  <features><acpi/></features>
  <devices>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    <channel type='unix'>
      <target type='virtio' name='org.qemu.guest_agent.0'/>
    </channel>
    <serial type='file'>
      <source path='$BED/serial/web1' append='on'/>
      <target port='0'/>
    </serial>
  </devices>
</domain>
XML
}

agent_is_connected()
{
    virsh_ dumpxml web1 | grep -q "guest_agent.0' state='connected'"
}

starts()
{
    domain_xml >"$BED/tmp/web1.xml"
    ok 'a domain is defined' virsh_ define "$BED/tmp/web1.xml"
    wait_until 'it is rewritten' 10 agent_rewrote web1
    ok 'it starts' virsh_ start web1
    ok 'its agent is there' guest_wait_line web1 'remora-agent: is there' 120
    wait_until 'libvirt sees it' 20 agent_is_connected
}

# said: what the agent did, in one line.
said()
{
    guest_said web1 | tr -d '\r' | sed -n 's/^remora-agent: //p' |
        tail -n +2 | tr '\n' ','
}

frozen()
{
    local json
    json=$(from_disk --json)
    is 'an image of its disk is consistent' "$(jq -c .consistent <<<"$json")" true
    is 'the guest was frozen, then thawed' "$(said)" 'frozen 1,thawed 1,'
    is 'the image is of between the two' "$(guest_sector "images/$ID@snap" 1)" \
        'frozen 1'
    is 'the disk is thawed' "$(guest_sector "$DISK" 1)" 'thawed 1'
    is 'nothing stays on it' "$(rbd snap ls --all "$DISK")" ''
    rm_image
}

# The process that asked is gone, the keeper is not.
killed()
{
    (REMORA_FAULT=capture-frozen=kill from_disk; :) >/dev/null 2>&1
    wait_until 'remora is killed while the guest is frozen: it is thawed' 20 \
        eval '[ "$(said)" = "frozen 1,thawed 1,frozen 2,thawed 2," ]'
    rm_image
    is 'one after it is frozen again' "$(from_disk)" $ID
    is 'the image is of between, again' "$(guest_sector "images/$ID@snap" 1)" \
        'frozen 3'
    rm_image
}

failing()
{
    refuses 'an agent that cannot freeze: no image' 'leave that out (--no-freeze)' \
        from_disk
    wait_until 'the guest is thawed, in case' 20 eval \
        '[[ "$(said)" == *"fails,thawed 4," ]]'
    is 'nothing is left' "$(rbd ls images)" "$IMAGE"
    is 'nor on the disk' "$(rbd snap ls --all "$DISK")" ''
    # Who waits for the end of its output waits no longer than that.
    like 'one that is silent: that is said' "$(from_disk 2>&1)" \
        'the guest does not stand still in time'
    is 'and nothing is left' "$(rbd ls images)" "$IMAGE"
    is 'it need not be asked' "$(from_disk --no-freeze --json |
        jq -c .consistent)" false
    rm_image
    ok 'the guest runs on' guest_is web1 running
}

inside()
{
    bed_need_remora
    parts
    starts
    frozen
    killed
    failing
}

bed_enter "$0" "$@"
inside
tap_done
