#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/copies.t - disks in one cluster, of images in another
#
# What an image of the other cluster holds is copied once, in the background, into
# an image that every disk here is a clone of, whether it is raw there or is
# converted on the way, and whoever asks for it, if it is ten domains at once. Killed
# at any moment, nothing half-made is used. Two hosts: copies-hosts.t.
#
# Needs: root, the packages of lib/packages.sh, remora with fault points.
# Stage: faults
#
# shellcheck source-path=SCRIPTDIR
here=$(dirname -- "$(realpath -- "$0")")/..
. "$here/lib/tap.sh"
. "$here/lib/bed.sh"
. "$here/lib/cluster.sh"
. "$here/lib/libvirt.sh"
. "$here/lib/guest.sh"
. "$here/lib/agent.sh"
. "$here/lib/hosts.sh"
. "$here/lib/proxy.sh"
. "$here/lib/request.sh"
. "$here/lib/bases.sh"
. "$here/lib/far.sh"

IMAGE=0a64fa67-3e34-42e7-b7b0-423c11850e18
UUID=55555555-0c7e-4b0b-9a55-0d6f3a1b7c05
STRANGE=11111111-2222-4333-8444-555555555555
MiB=$((1024 * 1024))
# A CD drive on the image itself.
CLUSTER_REMORA_CAPS+=', allow rw pool=images object_prefix rbd_header.'
ROUNDS=${REMORA_FULL:+100}
ROUNDS=${ROUNDS:-10}

parts()
{
    far_parts
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    ok 'the hook is installed' hook_install "$(agent_hook)"
    ok 'the agent starts' agent_start || bail 'no agent'
    ok 'the proxy starts' proxy_start || bail 'no proxy'
}

defines()
{
    guest_define -m "$(far_wants vda "$3" '96 MiB')" "$1" "$2" &&
        bed_wait 10 agent_rewrote "$1"
}

# is_based IMAGE: on a copy of the other cluster's.
is_based()
{
    bases_has "$1" "${CLUSTER_FSID[far]}"
}

copies()
{
    [ "$(conversions | jq -r '.[].state')" = copying ]
}

copies_nothing()
{
    [ "$(conversions)" = '[]' ]
}

asks()
{
    request_kind one "$(far_wants vda "$1" '96 MiB')" && request_new one
}

# held COMMAND...: the agent starts, and no part is written while the file is there.
held()
{
    : >"$BED/tmp/hold"
    agent_stop
    REMORA_FAULT=filling=hold REMORA_FAULT_HOLD=$BED/tmp/hold agent_start
}

# ---- one image ---------------------------------------------------------------

begun()
{
    ok 'the other cluster has an image' far_add "$IMAGE"
    ok 'the agent starts anew, and every write takes its time' held
    ok 'a domain here asks for it, and is defined' defines web1 "$UUID" "$IMAGE"
    wait_until 'it is being copied' 10 copies
    is 'the status says from where into what' "$(conversions |
        jq -r '.[] | "\(.image) \(.from) \(.cluster) \(.state) \(.size)"')" \
        "far:images/$IMAGE@snap far ceph copying $((64 * MiB))"
    like 'the text, too' "$(remora status | grep '^far:images/' | tr -s ' ')" \
        "far:images/$IMAGE@snap $(conversions | jq -r '.[].into') 64 MiB 0 % copying"
    like 'the base is named after that cluster' \
        "$(conversions | jq -r '.[].into')" \
        "vms/remora_base.${CLUSTER_FSID[far]}."
    like 'the definition keeps where the image is' \
        "$(virsh_ dumpxml --inactive web1)" \
        "image=\"rbd://${CLUSTER_FSID[far]}/images/$IMAGE/snap\" dest"
    like 'and has the monitors of this cluster' \
        "$(virsh_ dumpxml --inactive web1)" "<host name='$HOSTS_ADDRESS'"
    refuses 'it does not start before' \
        "image 'far:images/$IMAGE' is being copied, 0 % are done" \
        virsh_ start web1
    is 'and has no disk' "$(rbd ls vms | grep -c _disk)" 0
    rm "$BED/tmp/hold"
    wait_until 'it comes to its end' 60 copies_nothing
}

one_image()
{
    local sum
    begun
    sum=$(in_far eval 'cluster_rbd export --no-progress "images/$IMAGE" -' |
        md5sum)
    ok 'the domain starts' virsh_ start web1
    ok 'the guest reads its image' guest_wait_line web1 \
        'remora-guest: hello from a golden image'
    ok 'and writes to its disk' guest_wait_line web1 'wrote sector 2'
    ok 'its disk is a clone of the copy' is_based "vms/${UUID}_disk"
    ok 'zeroes were not moved' [ "$(rbd diff --format json "vms/$(bases)@snap" |
        jq 'map(.length) | add')" -le $((24 * MiB)) ]
    ok 'another is defined' defines web2 "$(uuidgen)" "$IMAGE"
    ok 'and starts at once' virsh_ start web2
    is 'it was copied once' "$(grep -c "copied far:images/$IMAGE" \
        "$BED/log/remorad.log")" 1
    is 'the other cluster got no disk' "$(in_far cluster_rbd ls vms)" ''
    is 'and its image is as it was' "$(in_far eval \
        'cluster_rbd export --no-progress "images/$IMAGE" -' | md5sum)" "$sum"
    wait_until 'both guests end' 20 guest_wait_off web2
    ok 'the first one' guest_wait_off web1
}

hangs()
{
    cluster_pause_mon && cluster_pause_osd
}

goes_on()
{
    cluster_resume_osd && cluster_resume_mon
}

# A disk that was made needs the other cluster no more.
far_down()
{
    ok 'the other cluster hangs' in_far hangs
    ok 'a domain with its disk starts' virsh_ start web1
    ok 'and ends' guest_wait_off web1
    asks_known
    refuses 'a new disk is refused' "'far'" request_prepare
    in_far goes_on
    wait_until 'it answers again, and the disk is made' 60 request_prepare
    request_release
}

waits_for_far()
{
    [ "$(conversions | jq -r '.[] | "\(.image) \(.state)"')" = \
        "far:images/$1@snap waiting" ]
}

# A definition that comes while the other cluster hangs: nobody has to start the
# domain to have the copy begun. The agent knows that cluster, and does not look at
# definitions again for its sake.
defined_early()
{
    local image uuid before
    image=$(uuidgen) uuid=$(uuidgen) before=$(rbd ls vms | grep -c remora_base)
    ok 'the other cluster has one more image' far_add "$image"
    ok 'it hangs' in_far hangs
    ok 'a domain asks for the image' defines early "$uuid" "$image"
    wait_until 'its copy waits for the other cluster' 30 waits_for_far "$image"
    in_far goes_on
    wait_until 'which answers: it is copied by itself' 60 eval \
        '[ "$(rbd ls vms | grep -c remora_base)" = '$((before + 1))' ] &&
            copies_nothing'
    ok 'the domain starts' virsh_ start early
    ok 'and ends' guest_wait_off early
    virsh_ undefine early >/dev/null
}

# With what was rendered before.
asks_known()
{
    request_new known
}

# ---- whoever asks ------------------------------------------------------------

ten()
{
    local i uuid
    uuid=$(uuidgen)
    ok 'another image' far_add "$uuid"
    for i in {0..9}; do
        guest_define -m "$(far_wants vda "$uuid" '96 MiB')" "ten$i" "$(uuidgen)" \
            >"$BED/tmp/ten$i.out" &
        PIDS[i]=$!
    done
    wait "${PIDS[@]}"
    for i in {0..9}; do
        wait_until "of ten the domain ten$i starts" 60 virsh_ start "ten$i"
    done
    is 'all ten by one copy' "$(grep -c "copied far:images/$uuid" \
        "$BED/log/remorad.log")" 1
    is 'and nothing is in the trash' "$(rbd trash ls vms)" ''
    for i in {0..9}; do
        guest_wait_off "ten$i" >/dev/null
        virsh_ undefine "ten$i" >/dev/null
    done
}

kinds()
{
    local at="rbd://${CLUSTER_FSID[far]}/images/$IMAGE/snap' cluster='ceph" all
    all="<remora:disk target='vdb' kind='data' image='$at'/>"
    all+="<remora:disk target='vdc' kind='rescue' image='$at'/>"
    all+="<remora:disk target='vdd' kind='swap' size='8 MiB' cluster='far'/>"
    request_kind kinds \
        "$(agent_asks vda "$at" | sed "s|</remora:domain>|$all&|")"
    request_new kinds
    ok 'root, data and rescue disk of it' request_prepare
    ok 'the first is a clone of the copy' is_based "$REQUEST_DISK"
    ok 'so is the data disk' is_based "$REQUEST_DISK.vdb"
    ok 'and the one for rescue' is_based "$REQUEST_DISK.rescue"
    is 'a disk of the other cluster is there' \
        "$(in_far cluster_rbd ls vms)" "${REQUEST_DISK#vms/}.swap"
    request_release
}

# Where the image is found, if nothing says so.
bare_id()
{
    local uuid
    uuid=$(uuidgen)
    ok 'by its bare id' guest_define -m "$(agent_asks vda "$IMAGE")" bare "$uuid"
    wait_until 'it is found in the other cluster' 10 agent_rewrote bare
    ok 'and the domain starts' virsh_ start bare
    ok 'its disk is here, a clone of the copy' is_based "vms/${uuid}_disk"
    guest_wait_off bare >/dev/null
}

nova()
{
    local uuid
    uuid=$(uuidgen)
    guest_xml -m "<nova:instance \
        xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'>
        <nova:flavor name='m1'><nova:disk>1</nova:disk></nova:flavor>
        <nova:root type='image' uuid='$IMAGE'/></nova:instance>" nova "$uuid" \
        "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>
        <source file='$BED/tmp/instances/$uuid/disk'/>
        <target dev='vda' bus='virtio'/></disk>" >"$BED/tmp/nova.xml"
    ok "an instance of Nova's" proxy_virsh define "$BED/tmp/nova.xml"
    ok 'starts' virsh_ start nova
    ok 'and reads its image' guest_wait_line nova \
        'remora-guest: hello from a golden image'
    ok 'of which its disk here is a clone' is_based "vms/${uuid}_disk"
    guest_wait_off nova >/dev/null
}

# What only reads the image has it open in its own cluster.
read_only()
{
    local before
    before=$(bases)
    guest_xml -m "$(agent_asks sda \
        "rbd://${CLUSTER_FSID[far]}/images/$IMAGE/snap")" reads "$(uuidgen)" \
        "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/>\
<readonly/></disk>" >"$BED/tmp/reads.xml"
    ok 'a CD drive with an image of the other cluster' proxy_virsh define \
        "$BED/tmp/reads.xml"
    like 'has the monitors there' "$(virsh_ dumpxml --inactive reads)" \
        "<host name='$FAR_ADDRESS'"
    ok 'and starts' virsh_ start reads
    ok 'and has it open there' eval \
        '[ -n "$(in_far cluster_watchers "images/$IMAGE")" ]'
    is 'nothing is copied for it' "$(bases)" "$before"
    ok 'it ends' virsh_ destroy reads
}

# ---- other formats, and what is refused ----------------------------------------

qcow2()
{
    local uuid
    uuid=$(uuidgen)
    ok 'a qcow2 image there' far_add "$uuid" -O qcow2 -c
    asks "$uuid"
    refuses 'is converted on the way' 'is being copied' request_prepare
    wait_until 'until it is done' 60 request_prepare
    ok 'it is what it was' is_based "$REQUEST_DISK"
    request_release
    uuid=$(uuidgen)
    qemu-img create -q -f qcow2 -o \
        "backing_file=$BED/tmp/golden,backing_fmt=raw" "$BED/tmp/bad"
    in_far cluster_add_image "$BED/tmp/bad" "$uuid"
    asks "$uuid"
    refuses 'one with a backing file is refused' \
        'is qcow2 with a backing file' request_prepare
}

# in_space UUID: an image of the other cluster, in a namespace.
in_space()
{
    local image=images/tenant/$1
    in_far eval "cluster_rbd namespace create images/tenant &&
        cluster_rbd import --no-progress '$BED/tmp/golden' $image &&
        cluster_rbd snap create --no-progress $image@snap &&
        cluster_rbd snap protect $image@snap"
}

# libvirt, which has nothing to do with it, cannot open one there.
namespace()
{
    local uuid domain
    uuid=$(uuidgen)
    domain=$(uuidgen)
    ok 'an image there in a namespace' in_space "$uuid"
    ok 'a domain here asks for it' defines space "$domain" "tenant%2F$uuid"
    like 'the definition keeps where it is' "$(virsh_ dumpxml --inactive space)" \
        "image=\"rbd://${CLUSTER_FSID[far]}/images/tenant%2F$uuid/snap\" dest"
    wait_until 'it is copied, and the domain starts' 60 virsh_ start space
    ok 'its disk is a clone of the copy' is_based "vms/${domain}_disk"
    guest_wait_off space >/dev/null
    like 'the log names it' "$(<"$BED/log/remorad.log")" \
        "copied far:images/tenant/$uuid@snap into vms/remora_base"
}

# Another image of the same name is another image.
replaced()
{
    ok 'the image there is replaced' eval 'in_far eval "
        cluster_rbd snap unprotect images/$IMAGE@snap &&
        cluster_rbd snap rm --no-progress images/$IMAGE@snap &&
        cluster_rbd rm --no-progress images/$IMAGE"'
    dd if=/dev/urandom of="$BED/tmp/golden" bs=1M seek=4 count=1 \
        conv=notrunc status=none
    far_add "$IMAGE"
    asks_known
    refuses 'it is copied anew' 'is being copied' request_prepare
    wait_until 'until it is done' 60 request_prepare
    ok 'and is what it is now' is_based "$REQUEST_DISK"
    request_release
}

too_small()
{
    request_kind small "$(far_wants vda "$IMAGE" '16 MiB')"
    request_new small
    refuses 'a disk that is too small' "16777216 bytes cannot hold image \
'images/$IMAGE' of $((64 * MiB)) bytes" request_prepare
}

unconfigured()
{
    guest_xml -m "$(agent_asks vda "rbd://$STRANGE/images/$IMAGE/snap")" \
        strange "$(uuidgen)" >"$BED/tmp/strange.xml"
    refuses 'an image in a cluster that is not configured' \
        "in cluster '$STRANGE', and this host knows '${CLUSTER_FSID[ceph]}', \
'${CLUSTER_FSID[far]}'" proxy_virsh define "$BED/tmp/strange.xml"
    guest_xml -m "$(agent_asks vda "$IMAGE' cluster='farther")" \
        strange "$(uuidgen)" >"$BED/tmp/strange.xml"
    refuses 'a cluster that has no such name' "in cluster 'farther', and \
remora.conf has none of that name" proxy_virsh define "$BED/tmp/strange.xml"
}

# It was configured, and is not any more.
forgotten()
{
    ok 'the other cluster is not configured any more' eval \
        'rm /etc/remora/remora.conf && agent_reload'
    ok 'a domain with its disk starts' virsh_ start web1
    ok 'and ends' guest_wait_off web1
    asks_known
    refuses 'a new disk is refused' "in cluster '${CLUSTER_FSID[far]}', which \
is not in remora.conf, and the disk is in '${CLUSTER_FSID[ceph]}'" \
        request_prepare
    ok 'it is configured again' eval 'far_configured && agent_reload'
}

# ---- killed --------------------------------------------------------------------

# one_round FAULT [qemu-img OPTION...]: the agent dies of it while it copies a new
# image, and the next one goes on.
one_round()
{
    local uuid fault=$1
    shift
    uuid=$(uuidgen)
    far_add "$uuid" "$@" >/dev/null
    asks "$uuid" || return 1
    agent_stop >/dev/null
    REMORA_FAULT=$fault agent_start || return 1
    tap_run request_prepare
    bed_wait 30 bed_gone "$AGENT_PID" || { echo 'it did not die'; return 1; }
    agent_start || return 1
    bed_wait 90 request_prepare || { request_prepare; return 1; }
    is_based "$REQUEST_DISK" || return 1
    request_release
    bed_wait 10 agent_no_claims || return 1
    in_far cluster_rbd snap unprotect "images/$uuid@snap" &&
        in_far cluster_rbd snap rm --no-progress "images/$uuid@snap" &&
        in_far cluster_rbd rm --no-progress "images/$uuid"
}

kills()
{
    local point bad=0 n=0
    for point in created building-marked filled marked sealing sealed; do
        n=$((n + 1))
        tap_run one_round "$point=kill@1" && continue
        bad=$((bad + 1))
        diag "$point: $TAP_OUT"
    done
    while [ "$n" -lt $((ROUNDS + 6)) ]; do
        n=$((n + 1))
        if [ $((n % 3)) -eq 0 ]; then
            tap_run one_round "filling=kill@$((RANDOM % 5 + 1))" -O qcow2
        else
            tap_run one_round "filling=kill@$((RANDOM % 5 + 1))"
        fi && continue
        bad=$((bad + 1))
        diag "round $n: $TAP_OUT"
    done
    is "killed $n times, it is copied in the end" "$bad" 0
    is 'nothing half-made is left but in the trash' "$(bases_unfinished)" ''
    ok 'half-made ones were met' eval '[ "$(rbd trash ls vms | wc -l)" -gt 3 ]'
}

inside()
{
    bed_need_remora
    parts
    one_image
    asks "$IMAGE"
    cp "$BED/tmp/one.kind" "$BED/tmp/known.kind"
    far_down
    defined_early
    ten
    kinds
    bare_id
    nova
    read_only
    qcow2
    namespace
    too_small
    unconfigured
    forgotten
    replaced
    kills
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
    is 'nor in the other cluster' "$(in_far cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside
tap_done
