#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/nova.t - a domain as Nova defines it, on disks of remora's
#
# Its disks are files that are not there, until Nova would write the config drive.
# What the definition says is compared in tests/unit/test-xml-nova.c.
#
# Needs: root, the packages of lib/packages.sh.
#
# shellcheck source-path=SCRIPTDIR
here=$(dirname -- "$(realpath -- "$0")")/..
. "$here/lib/tap.sh"
. "$here/lib/bed.sh"
. "$here/lib/cluster.sh"
. "$here/lib/libvirt.sh"
. "$here/lib/guest.sh"
. "$here/lib/agent.sh"
. "$here/lib/proxied.sh"

IMAGE=0a64fa67-3e34-42e7-b7b0-423c11850e18
A=982b8eac-6bcc-4a21-bd04-b67e26188be0
B=b7a1c9de-4f20-4e11-8a77-5b1e0cc0d902
INSTANCES=$BED/tmp/instances

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    guest_image 16M 'a golden image' idle "$BED/tmp/golden" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/golden" "$IMAGE"
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    ok 'the hook is installed' hook_install "$(agent_hook)"
    ok 'the agent starts' agent_start || bail 'no agent'
}

# metadata DISK: of a flavor with a root disk of so many GiB.
metadata()
{
    cat <<XML
<nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'>
    <nova:package version='32.0.0'/>
    <nova:flavor name='m1.small'>
      <nova:memory>32</nova:memory>
      <nova:disk>$1</nova:disk>
      <nova:swap>16</nova:swap>
      <nova:ephemeral>1</nova:ephemeral>
      <nova:vcpus>1</nova:vcpus>
    </nova:flavor>
    <nova:image uuid='$IMAGE'>
      <nova:properties>
        <nova:property name='os_type'>linux</nova:property>
      </nova:properties>
    </nova:image>
    <nova:root type='image' uuid='$IMAGE'/>
  </nova:instance>
XML
}

# file UUID NAME TARGET [cdrom]
file()
{
    local bus=virtio type=qcow2
    [ -z "${4-}" ] || bus=ide type=raw
    cat <<XML
<disk type='file' device='${4:-disk}'>
      <driver name='qemu' type='$type' cache='none'/>
      <source file='$INSTANCES/$1/$2'/>
      <target dev='$3' bus='$bus'/>
    </disk>
XML
}

# nova NAME UUID DISK-SIZE: its definition, as Nova gives it to libvirt.
nova()
{
    guest_xml -m "$(metadata "$3")" "$1" "$2" "$(file "$2" disk vda)" \
        "$(file "$2" disk.local vdb)" "$(file "$2" disk.swap vdc)" \
        "$(file "$2" disk.config hda cdrom)"
}

rescue()
{
    guest_xml -m "$(metadata 1)" "$1" "$2" "$(file "$2" disk.rescue vda)" \
        "$(file "$2" disk vdb)" "$(file "$2" disk.config.rescue hda cdrom)"
}

# asked COMMAND...: what libvirt gets in place of what the command prints, as a
# file; 1 line that says so where that is the same.
asked()
{
    "$@" >"$BED/tmp/in.xml" || return
    proxied_ask define <"$BED/tmp/in.xml" >"$BED/tmp/out.xml" || return
    [ -s "$BED/tmp/out.xml" ] || echo 'as it is'
}

# defines COMMAND...: the same, and libvirt has it.
defines()
{
    [ -z "$(asked "$@")" ] && virsh_ define "$BED/tmp/out.xml"
}

shape()
{
    rbd info --format json "vms/$1" | jq -r '"\(.size / 1048576) \(.order) \(
        if .parent then "clone" else "alone" end)"'
}

id_of()
{
    rbd info --format json "vms/$1" | jq -r .id
}

# sources NAME: what follows the UUID, and its target.
sources()
{
    virsh_ domblklist --inactive "$1" |
        sed -n "s|^ *\([a-z]*\)  *vms/[-0-9a-f]*\(_.*\)|\1\2|p" | tr '\n' ' '
}

configure()
{
    echo "nova: { metadata = $1; };" >/etc/remora/remora.conf
    agent_reload
}

not_asked()
{
    is 'by itself Nova asks for nothing' "$(asked nova web1 "$A" 1)" 'as it is'
    ok 'it is to be asked for' configure true
    mkdir -p "$INSTANCES/$A" "$INSTANCES/$B"
    : >"$INSTANCES/$A/disk.local"
    is 'a domain with a file of its own stays' "$(asked nova web1 "$A" 1)" \
        'as it is'
    rm "$INSTANCES/$A/disk.local"
    nova plain "$B" 1 >"$BED/tmp/plain.xml"
    ok 'a domain of files is there' virsh_ define "$BED/tmp/plain.xml"
    is 'and stays so' "$(asked nova plain "$B" 1)" 'as it is'
}

started()
{
    ok 'a new one is defined' defines nova web1 "$A" 1
    is 'all of its disks are on RBD' "$(sources web1)" \
        'vda_disk vdb_disk.local vdc_disk.swap hda_disk.config '
    is 'nothing is made yet' "$(rbd ls vms)" ''
    head -c 65536 /dev/urandom >"$INSTANCES/$A/disk.config"
    ok 'with its config drive, it starts' virsh_ start web1
    ok 'from its own disk' guest_wait_line web1 'hello from a golden image'
    is 'the root disk has the size of the flavor' "$(shape "${A}_disk")" \
        '1024 23 clone'
    is 'so has the ephemeral one' "$(shape "${A}_disk.local")" '1024 22 alone'
    is 'and swap' "$(shape "${A}_disk.swap")" '16 22 alone'
    is 'the config drive that of the file' \
        "$(rbd export --no-progress "vms/${A}_disk.config" - | sha256sum)" \
        "$(sha256sum <"$INSTANCES/$A/disk.config")"
    rbd export --no-progress "vms/${A}_disk.local" "$BED/tmp/local"
    is 'the ephemeral one has its file system' \
        "$(blkid -p -o value -s TYPE -s LABEL "$BED/tmp/local" | sort |
            tr '\n' ' ')" 'ephemeral0 ext4 '
    rm "$BED/tmp/local"
    is 'nothing is where the files were' "$(ls "$INSTANCES/$A")" disk.config
    ROOT=$(id_of "${A}_disk")
}

rescued()
{
    ok 'it is ended' virsh_ destroy web1
    virsh_ dumpxml --inactive web1 >"$BED/tmp/unrescue.xml"
    ok 'it is to be rescued' defines rescue web1 "$A"
    is 'from another disk, beside its own' "$(sources web1)" \
        'vda_disk.rescue vdb_disk hda_disk.config.rescue '
    head -c 4096 /dev/urandom >"$INSTANCES/$A/disk.config.rescue"
    ok 'it starts' virsh_ start web1
    is 'that one is as large as the image' "$(shape "${A}_disk.rescue")" \
        '16 23 clone'
    is 'and its own is the same' "$(id_of "${A}_disk")" "$ROOT"
    ok 'it is ended' virsh_ destroy web1
    ok 'the old definition is its own again' \
        virsh_ define "$BED/tmp/unrescue.xml"
    is 'with its disks' "$(sources web1)" \
        'vda_disk vdb_disk.local vdc_disk.swap hda_disk.config '
}

# A reboot of Nova's undefines the domain; a resize comes with another flavor.
again()
{
    ok 'it is undefined' virsh_ undefine web1
    ok 'and defined with a larger flavor' defines nova web1 "$A" 2
    ok 'it starts' virsh_ start web1
    is 'its root disk has grown' "$(shape "${A}_disk")" '2048 23 clone'
    is 'and is the same' "$(id_of "${A}_disk")" "$ROOT"
    ok 'it is ended' virsh_ destroy web1
    ok 'a smaller one is defined' defines nova web1 "$A" 1
    ok 'it starts' virsh_ start web1
    is 'its root disk stays' "$(shape "${A}_disk")" '2048 23 clone'
    ok 'it is ended' virsh_ destroy web1
    wait_until 'no claim is left' 10 agent_no_claims
}

inside()
{
    bed_need_remora
    parts
    not_asked
    started
    rescued
    again
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside
tap_done
