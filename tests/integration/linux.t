#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/linux.t - a Linux guest uses every kind of disk
#
# Debian's kernel with busybox (tests/guest/make-linux) mounts two ephemeral
# disks, turns its swap on, reads its config drive, writes, and trims: what the
# cluster uses falls. On virtio, and on virtio-scsi.
#
# Needs: root, the packages of lib/packages.sh, an installed remora, and in
#        REMORA_KERNEL what a kernel package has.
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
MiB=$((1024 * 1024))
# So many bytes the guest writes and trims; objects at the ends may stay.
LARGE=$((24 * MiB))
FALLS=$((16 * MiB))

parts()
{
    ok 'a Linux guest' "$here/guest/make-linux" "$REMORA_KERNEL" "$BED/linux" ||
        bail 'no guest'
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    truncate -s 16M "$BED/tmp/golden"
    ok 'an image' cluster_add_image "$BED/tmp/golden" "$IMAGE"
    mkdir "$BED/tmp/seed" && echo 'meta of the host' >"$BED/tmp/seed/meta"
    ok 'a config drive' xorriso -as mkisofs -quiet -V config-2 \
        -o "$BED/tmp/config.iso" "$BED/tmp/seed"
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    ok 'the hook is installed' hook_install "$(agent_hook)"
    ok 'the agent starts' agent_start || bail 'no agent'
    SECRET=$(agent_secret)
}

# linux_xml NAME UUID COMMAND-LINE CONFIG-TARGET
linux_xml()
{
    [ -n "$GUEST_VIRT" ] || GUEST_VIRT=$(guest_virt_type)
    mkdir -p "$BED/serial"
    cat <<XML
<domain type='$GUEST_VIRT'>
  <name>$1</name>
  <uuid>$2</uuid>
  <metadata>
    <remora:domain xmlns:remora='urn:remora:domain:1'>
      <remora:disk target='vda' image='$IMAGE'/>
      <remora:disk target='vdb' kind='ephemeral' size='64 MiB' format='ext4'/>
      <remora:disk target='vdc' kind='ephemeral' size='32 MiB' format='vfat'/>
      <remora:disk target='vdd' kind='swap' size='16 MiB'/>
      <remora:disk target='$4' kind='config' file='$BED/tmp/config.iso'/>
    </remora:domain>
  </metadata>
  <memory unit='MiB'>256</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>$BED/linux/vmlinuz</kernel>
    <initrd>$BED/linux/initrd</initrd>
    <cmdline>console=ttyS0 quiet panic=-1 $3</cmdline>
  </os>
  <features><acpi/></features>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>destroy</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    $(guest_disk_xml vdv "volumes/$1" "$SECRET")
    <serial type='file'>
      <source path='$BED/serial/$1' append='on'/>
      <target port='0'/>
    </serial>
  </devices>
</domain>
XML
}

# What the pool of clones uses.
used()
{
    cluster_ceph df --format json |
        jq '.pools[] | select(.name == "vms") | .stats.stored'
}

uses_at_least()
{
    [ "$(used)" -ge "$1" ]
}

uses_at_most()
{
    [ "$(used)" -le "$1" ]
}

is_rewritten()
{
    [ "$(virsh_ dumpxml --inactive "$1" |
        grep -c "source protocol='rbd' name='vms/")" = 5 ]
}

define()
{
    local name=$1
    rbd create --size 8M "volumes/$name"
    linux_xml "$@" >"$BED/tmp/$name.xml"
    ok "$name: the domain is defined" virsh_ define "$BED/tmp/$name.xml"
    wait_until "$name: it is rewritten" 5 is_rewritten "$name"
}

# runs NAME: from the start until it is off.
runs()
{
    local name=$1 word before
    ok "$name: it starts" virsh_ start "$name"
    for word in 'ext4 is mounted' 'vfat is mounted' 'swap is on' \
        'config is mounted' 'config says: meta of the host' 'written'; do
        ok "$name: $word" guest_wait_line "$name" "remora-linux: $word" 120 ||
            return
    done
    wait_until "$name: what it wrote is in the cluster" 30 uses_at_least \
        "$LARGE"
    before=$(used)
    ok "$name: the volume grows" virsh_ blockresize "$name" vdv 9M
    ok "$name: it trims" guest_wait_line "$name" 'remora-linux: trimmed' 60
    ok "$name: it is done" guest_wait_line "$name" 'remora-linux: bye' 60
    ok "$name: it is off" guest_wait_off "$name" 60
    unlike "$name: nothing went wrong" "$(guest_said "$name")" 'failed:'
    wait_until "$name: the cluster uses less by what was trimmed" 30 \
        uses_at_most $((before - FALLS))
    diag "$name: $before bytes were used, then $(used)"
}

# holds POOL/IMAGE TEXT
holds()
{
    rbd export --no-progress "$1" - 2>/dev/null | grep -q -a -F "$2"
}

left()
{
    local name=$1 uuid=$2
    ok "$name: the ext4 disk has what it wrote" \
        holds "vms/${uuid}_disk.local" 'of ext4'
    ok "$name: so has the vfat disk" holds "vms/${uuid}_disk.eph1" 'of vfat'
    ok "$name: and the volume" holds "volumes/$name" 'of the volume'
    wait_until "$name: no claim is left" 10 agent_no_claims
    ok "$name: its disks go" eval "rbd ls vms | grep '^$uuid' |
        while read -r image; do rbd rm --no-progress vms/\$image; done"
}

# The volume was there first, and has the first place.
virtio()
{
    local uuid=982b8eac-6bcc-4a21-bd04-b67e26188be0
    define virtio "$uuid" \
        'ext4=vdc vfat=vdd swap=vde config=vdf volume=vda' vde
    runs virtio
    left virtio "$uuid"
}

# In the guest they are known by their places on the controller.
scsi()
{
    local uuid=a9670d9a-8aa7-49ba-baf5-9d7a450172f3 xml
    echo 'disk: { bus = "scsi"; };' >/etc/remora/remora.conf
    ok 'disks are put on SCSI from now on' agent_reload
    define scsi "$uuid" \
        'ext4=lun1 vfat=lun2 swap=lun3 config=lun4 volume=vda' sde
    xml=$(virsh_ dumpxml --inactive scsi)
    is 'scsi: they are numbered' "$(grep -o "unit='[0-9]*'" <<<"$xml" |
        tr '\n' ' ')" "unit='0' unit='1' unit='2' unit='3' unit='4' "
    is 'scsi: there is one controller, of the right model' \
        "$(grep "controller type='scsi'" <<<"$xml" | tr -s ' ')" \
        " <controller type='scsi' index='0' model='virtio-scsi'>"
    runs scsi
    left scsi "$uuid"
}

inside()
{
    bed_need_remora
    parts
    virtio
    scsi
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside
tap_done
