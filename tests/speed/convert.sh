# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# tests/speed/convert.sh - tests/bench convert: a conversion against qemu-img
#
#     measure_convert
#
# Needs: bench's own functions, a cluster, an agent, libvirt.

# As qemu-img does it, onto the same pool. It opens what it reads as if to write,
# which client.remora may not.
convert_plainly()
{
    qemu-img convert -f qcow2 -O raw \
        "rbd:images/$1@snap:id=admin:conf=$CLUSTER_CONF" \
        "rbd:vms/plain:id=admin:conf=$CLUSTER_CONF" &&
        cluster_rbd rm --no-progress vms/plain
}

# From the definition to the image that is ready.
convert_by_remora()
{
    guest_define -m "$(agent_asks vda "$1")" large "$1" >/dev/null || return
    bed_wait 60 agent_said "converted images/$1"
}

# What it left; nobody has cloned it.
convert_forget()
{
    local base
    virsh_ undefine large >/dev/null
    base=$(cluster_rbd ls vms | grep '^remora_base\.') || return
    cluster_rbd snap unprotect "vms/$base@snap" &&
        cluster_rbd snap rm --no-progress "vms/$base@snap" &&
        cluster_rbd rm --no-progress "vms/$base" &&
        cluster_rbd snap unprotect "images/$1@snap" &&
        cluster_rbd snap purge --no-progress "images/$1" &&
        cluster_rbd rm --no-progress "images/$1"
}

convert_pairs()
{
    local i uuid ours theirs
    for ((i = 0; i < $1; i++)); do
        uuid=$(</proc/sys/kernel/random/uuid)
        cluster_add_image "$BED/tmp/large.qcow2" "$uuid" >/dev/null ||
            broke 'no image added'
        ours=$(speed_us convert_by_remora "$uuid") ||
            broke 'nothing is converted'
        theirs=$(speed_us convert_plainly "$uuid") ||
            broke 'qemu-img converts nothing'
        echo "$ours $theirs"
        convert_forget "$uuid" >/dev/null || broke 'an image is left'
    done
}

# shellcheck disable=SC2016,SC2046
measure_convert()
{
    head -c "${MIB}M" /dev/urandom >"$BED/tmp/large"
    qemu-img convert -f raw -O qcow2 "$BED/tmp/large" "$BED/tmp/large.qcow2" ||
        broke 'no image'
    rm "$BED/tmp/large"
    convert_pairs $((PAIRS / 12 + 1)) >"$BED/log/convert"
    goal 'converting an image: rate, qemu-img = 1' least 0.5 %.2f \
        $(figure convert '$2 / $1')
    note "$MIB MiB: remora $(ms convert '$1'), qemu-img $(ms convert '$2')"
    rm "$BED/tmp/large.qcow2"
}
