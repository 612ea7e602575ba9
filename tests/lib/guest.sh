# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# tests/lib/guest.sh - domains around the test guests (tests/guest)
#
# Contract: call inside a bed with libvirt.sh and cluster.sh sourced too.
#           What a guest says ends up in $BED/serial/NAME, all starts of the
#           domain one after another.
# Reads:    REMORA_VIRT   'kvm' or 'qemu', else guest_virt_type decides

GUEST_DIR=$(dirname -- "$(realpath -- "${BASH_SOURCE[0]}")")/../guest
GUEST_VIRT=

# KVM only where it is the real thing: inside another virtual machine this
# guest needs 3 s for what QEMU's own emulator does in 0.1 s, and some hosts
# cannot run real mode in it at all.
guest_virt_type()
{
    if [ -n "${REMORA_VIRT-}" ]; then
        echo "$REMORA_VIRT"
    elif [ -w /dev/kvm ] && ! grep -q -w hypervisor /proc/cpuinfo &&
        guest_tries_kvm; then
        echo kvm
    else
        echo qemu
    fi
}

guest_tries_kvm()
{
    local image=$BED/tmp/try.raw said
    guest_image 1M 'a try' off "$image" || return 1
    said=$(timeout 2 qemu-system-x86_64 -machine pc,accel=kvm -m 32 \
        -nodefaults -display none -serial stdio \
        -drive "file=$image,format=raw,if=virtio" 2>/dev/null </dev/null)
    rm -f "$image"
    [[ $said == *'remora-guest: bye'* ]]
}

# guest_image SIZE TEXT off|idle|writer|pair OUT
guest_image()
{
    "$GUEST_DIR/make-image" "$@"
}

# guest_xml [-m METADATA] NAME UUID DISK...: a domain around the given <disk>
# elements; METADATA is what goes inside <metadata>. An empty UUID leaves it
# to libvirt.
guest_xml()
{
    local metadata='' name uuid boot="<boot dev='hd'/>"
    if [ "$1" = -m ]; then
        metadata="  <metadata>$2</metadata>"
        shift 2
    fi
    name=$1 uuid=$2
    shift 2
    mkdir -p "$BED/serial"
    # libvirt takes one way to say it, or the other.
    [[ $* != *'<boot order='* ]] || boot=''
    [ -n "$GUEST_VIRT" ] || GUEST_VIRT=$(guest_virt_type)
    cat <<XML
<domain type='$GUEST_VIRT'>
  <name>$name</name>
${uuid:+  <uuid>$uuid</uuid>}
$metadata
  <memory unit='MiB'>32</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type>$boot</os>
  <features><acpi/></features>
  <on_poweroff>destroy</on_poweroff>
  <on_crash>destroy</on_crash>
  <devices>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
$(printf '    %s\n' "$@")
    <serial type='file'>
      <source path='$BED/serial/$name' append='on'/>
      <target port='0'/>
    </serial>
  </devices>
</domain>
XML
}

# guest_disk_xml TARGET POOL/IMAGE SECRET [ORDER]: the finished network disk, as
# client.remora.
guest_disk_xml()
{
    local boot=''
    [ -z "${4-}" ] || boot="<boot order='$4'/>"
    cat <<XML
<disk type='network' device='disk'>
      <driver name='qemu' type='raw' cache='writeback' discard='unmap'/>
      <source protocol='rbd' name='$2'>$(cluster_hosts_xml)</source>
      <auth username='remora'><secret type='ceph' uuid='$3'/></auth>
      <target dev='$1' bus='virtio'/>$boot
    </disk>
XML
}

# guest_define ARGUMENTS of guest_xml
guest_define()
{
    local file=$BED/tmp/domain.$BASHPID.xml
    guest_xml "$@" >"$file" && virsh_ define "$file"
    local status=$?
    rm -f "$file"
    return "$status"
}

guest_said()
{
    cat "$BED/serial/$1" 2>/dev/null
}

guest_said_line()
{
    guest_said "$1" | grep -q -F -- "$2"
}

# guest_ended NAME: it has done all it does, whether it stays or not.
guest_ended()
{
    guest_said "$1" | grep -q -E 'remora-guest: (bye|idle|error)'
}

# guest_wait_line NAME TEXT [SECONDS]
guest_wait_line()
{
    bed_wait "${3:-20}" guest_said_line "$1" "$2" && return
    printf "guest '%s' did not say '%s', but:\n%s\n" "$1" "$2" \
        "$(guest_said "$1")"
    tail -n 5 "/var/log/libvirt/qemu/$1.log" 2>/dev/null
    return 1
}

guest_is()
{
    [ "$(virsh_ domstate "$1")" = "$2" ]
}

# guest_processes UUID: the pids of what libvirt started for the domain.
guest_processes()
{
    local dir args
    for dir in /proc/[0-9]*; do
        args=$(tr '\0' ' ' <"$dir/cmdline") 2>/dev/null
        [[ $args != *" -uuid $1 "* ]] || echo "${dir##*/}"
    done
}

guest_has_process()
{
    [ -n "$(guest_processes "$1")" ]
}

# guest_wait_off NAME [SECONDS]
guest_wait_off()
{
    bed_wait "${2:-20}" guest_is "$1" 'shut off'
}

# guest_sector POOL/IMAGE[@SNAP] NUMBER: the text in a sector, up to its NUL.
guest_sector()
{
    local file=$BED/tmp/sector.$BASHPID
    qemu-img dd -f raw -O raw bs=512 skip="$2" count="$(($2 + 1))" \
        "if=rbd:$1:id=admin:conf=$CLUSTER_CONF" "of=$file" &&
        tr '\0' '\n' <"$file" | head -n 1
    rm -f "$file"
}

# ---- writers (tests/guest/writer.S) ----------------------------------------

# guest_who NAME LETTER WHO: as whom, and to which ground, the domain will write
# when it starts.
guest_who()
{
    mkdir -p "$BED/who"
    printf '%s%s' "$2" "$3" >"$BED/who/$1.new" &&
        truncate -s 1M "$BED/who/$1.new" &&
        mv "$BED/who/$1.new" "$BED/who/$1"
}

# guest_who_xml NAME: the disk that says so. SeaBIOS leaves disks alone that
# have no place in the boot order.
guest_who_xml()
{
    cat <<XML
<disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='$BED/who/$1'/>
      <target dev='vdw' bus='virtio'/><boot order='9'/>
      <readonly/>
    </disk>
XML
}

# guest_define_writer NAME UUID POOL/IMAGE SECRET: a domain on the image,
# for which guest_who has to be called before it starts.
guest_define_writer()
{
    guest_define "$1" "$2" "$(guest_disk_xml vda "$3" "$4" 1)" \
        "$(guest_who_xml "$1")"
}

# guest_grounds POOL/IMAGE: what writers left, read at one instant. A line is
# 'head', or the letter of a ground, then who, then the number of his last write.
guest_grounds()
{
    local prefix
    prefix=$(cluster_rbd info --format json "$1" | jq -r .block_name_prefix) &&
        bed_timeout 20 rados -c "$CLUSTER_CONF" -p "${1%%/*}" \
            get "$prefix.0000000000000000" - | python3 -c "$GUEST_GROUNDS"
}

GUEST_GROUNDS=$(
    cat <<'PYTHON'
import struct, sys

data = sys.stdin.buffer.read()
last = {}
for sector in [8] + list(range(64, 64 + 32 * 32)):
    here = data[512 * sector:512 * (sector + 1)]
    who = here.split(b'\0')[0].decode('ascii', 'replace')
    if len(here) < 512 or not who:
        continue
    ground = 'head' if sector == 8 else chr(64 + (sector - 64) // 32)
    count = struct.unpack('<I', here[508:])[0]
    last[ground, who] = max(count, last.get((ground, who), 0))
for (ground, who), count in sorted(last.items()):
    print(ground, who, count)
PYTHON
)

# guest_wrote POOL/IMAGE WHO: the number of his last write, 0 if there is none.
guest_wrote()
{
    guest_grounds "$1" | awk -v who="$2" '$1 != "head" && $2 == who { n = $3 }
        END { print n + 0 }'
}

# guest_wrote_more POOL/IMAGE WHO NUMBER: he went on since.
guest_wrote_more()
{
    [ "$(guest_wrote "$1" "$2")" -gt "$3" ]
}
