#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/kinds.t - disks that are no clones: ephemeral, swap, config
#
# What is in them is looked at with the tools that made it. That nothing is lost
# when they are made by who is killed is kinds-kill.t's.
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
. "$here/lib/proxied.sh"
. "$here/lib/proxy.sh"
. "$here/lib/request.sh"
. "$here/lib/kinds.sh"

IMAGE=0a64fa67-3e34-42e7-b7b0-423c11850e18
A=982b8eac-6bcc-4a21-bd04-b67e26188be0
MiB=$((1024 * 1024))
CONFIG=$KINDS_CONFIG

NOVA=(
    "target='vda' image='$IMAGE' size='64 MiB'"
    "target='vdb' kind='ephemeral' size='64 MiB' format='ext4'"
    "target='vdc' kind='ephemeral' size='32 MiB' format='vfat' label='SCRATCH'"
    "target='vdd' kind='swap' size='16 MiB'"
    "target='hda' kind='config' file='$CONFIG'"
)

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    guest_image 16M 'a golden image' idle "$BED/tmp/golden" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/golden" "$IMAGE"
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    ok 'the hook is installed' hook_install "$(agent_hook)"
    ok 'the agent starts' agent_start || bail 'no agent'
}

info()
{
    rbd info --format json "$1" | jq -r "$2"
}

# parent_of IMAGE: its name, size in MiB and order, and whether it has a parent.
shape()
{
    rbd info --format json "vms/$1" | jq -r '"\(.size / 1048576) \(.order) \(
        if .parent then "clone" else "alone" end)"'
}

# probe IMAGE: type and label.
probe()
{
    kinds_content "$1" && blkid -p -o export "$BED/tmp/content" |
        sed -n 's/^\(TYPE\|LABEL\)=//p' | sort | tr '\n' ' '
}

# The bytes that are written in it.
written()
{
    rbd diff --format json "vms/$1" | jq 'map(.length) | add // 0'
}

is_rewritten()
{
    [ "$(virsh_ dumpxml --inactive web1 | grep -c "source protocol='rbd'")" = 5 ]
}

sources()
{
    virsh_ dumpxml --inactive web1 |
        sed -n "s|.*<source protocol='rbd' name='vms/${A}\([^']*\)'.*|\1|p" |
        sort | tr '\n' ' '
}

define()
{
    ok 'a domain with all of them is defined' \
        guest_define -m "$(kinds_entries "${NOVA[@]}")" web1 "$A"
    wait_until 'it is rewritten' 5 is_rewritten
    is 'the names are those of Nova' "$(sources)" \
        '_disk _disk.config _disk.eph1 _disk.local _disk.swap '
    is 'nothing is made before it starts' "$(rbd ls vms)" ''
    refuses 'without its file it does not start' \
        "disk 'hda': its file '$CONFIG' cannot be used (No such file" \
        virsh_ start web1
    is 'and nothing was made for it' "$(rbd ls vms)" ''
    head -c 1500000 /dev/urandom >"$CONFIG"
    truncate -s 1572864 "$CONFIG"
    virsh_ dumpxml --inactive web1 >"$BED/tmp/web1.xml"
    like 'remora plan says what will be made' \
        "$(remora plan "$BED/tmp/web1.xml" | tr -s ' ')" \
        "vdd swap swap vms/${A}_disk.swap 16 MiB make"
}

# shellcheck disable=SC2016 # awk's
start()
{
    ok 'with it, it starts' virsh_ start web1
    is 'the root disk is a clone' "$(shape "${A}_disk")" '64 23 clone'
    is 'the first ephemeral one is none' "$(shape "${A}_disk.local")" \
        '64 22 alone'
    is 'nor is the second' "$(shape "${A}_disk.eph1")" '32 22 alone'
    is 'nor swap' "$(shape "${A}_disk.swap")" '16 22 alone'
    is 'nor the config drive' "$(shape "${A}_disk.config")" '1.5 22 alone'
    is 'the first one is ext4' "$(probe "${A}_disk.local")" 'ephemeral0 ext4 '
    ok 'and sound' kinds_sound "${A}_disk.local" ext4
    is 'the second is vfat' "$(probe "${A}_disk.eph1")" 'SCRATCH vfat '
    ok 'and sound' kinds_sound "${A}_disk.eph1" vfat
    is 'swap is swap' "$(probe "${A}_disk.swap")" 'swap '
    ok 'the config drive is the file' kinds_sound "${A}_disk.config" config
    ok 'only what is not zero was written' \
        eval "[ $(written "${A}_disk.local") -lt $((4 * MiB)) ] &&
            [ $(written "${A}_disk.swap") -le 8192 ]"
    wait_until 'the claims are the guest'"'"'s, and the drive has none' 10 \
        agent_runs "$A" "vms/${A}_disk" "vms/${A}_disk.local" \
        "vms/${A}_disk.eph1" "vms/${A}_disk.swap"
    is 'the drive is a CD' "$(virsh_ domblklist --details web1 |
        awk '$3 == "hda" { print $2 }')" cdrom
}

again()
{
    ok 'it is ended' virsh_ destroy web1
    wait_until 'no claim is left' 10 agent_no_claims
    cp "$CONFIG" "$BED/tmp/first" && rm "$CONFIG"
    ok 'it starts again without the file' virsh_ start web1
    cp "$BED/tmp/first" "$CONFIG"
    ok 'its drive is as it was' kinds_sound "${A}_disk.config" config
    ok 'it is ended' virsh_ destroy web1
    truncate -s 3M "$CONFIG"
    ok 'it starts with another file' virsh_ start web1
    is 'and its drive is the same' "$(info "vms/${A}_disk.config" .size)" 1572864
    cp "$BED/tmp/first" "$CONFIG"
    ok 'it is ended' virsh_ destroy web1
    wait_until 'no claim is left' 10 agent_no_claims
}

# asks ELEMENT...: a request of its own, as the hook gets it.
asks()
{
    request_kind one "$(kinds_entries "$@")" && request_new one
}

others()
{
    ok 'xfs, a blank one and data' asks \
        "target='vda' kind='ephemeral' size='300 MiB' format='xfs'" \
        "target='vdb' kind='ephemeral' size='8 MiB'" \
        "target='vdc' kind='data' size='4 MiB'" \
        "target='vdd' kind='data' image='$IMAGE'" \
        "target='vde' kind='rescue' image='$IMAGE'"
    ok 'are made' request_prepare
    is 'xfs is xfs' "$(probe "${REQUEST_UUID}_disk.local")" 'ephemeral0 xfs '
    ok 'and sound' kinds_sound "${REQUEST_UUID}_disk.local" xfs
    ok 'the blank one is blank' kinds_sound "${REQUEST_UUID}_disk.eph1" blank
    is 'so is data' "$(written "${REQUEST_UUID}_disk.vdc")" 0
    is 'data of an image is a clone' "$(shape "${REQUEST_UUID}_disk.vdd")" \
        '16 23 clone'
    is 'and so is rescue' "$(shape "${REQUEST_UUID}_disk.rescue")" \
        '16 23 clone'
    request_release
    wait_until 'no claim is left' 10 agent_no_claims
    sed -i "s/size=\"$((8 * MiB))\"/size=\"$((12 * MiB))\"/" "$REQUEST"
    ok 'a larger one' request_prepare
    is 'has grown' "$(shape "${REQUEST_UUID}_disk.eph1")" '12 22 alone'
    request_release
    wait_until 'no claim is left' 10 agent_no_claims
}

# The configuration says of what kind the images themselves are.
configured()
{
    echo 'clone: { object_size = "8 MiB"; features = [ "layering" ];
        data_pool = "volumes"; };' >/etc/remora/remora.conf
    ok 'disks are to be made otherwise' agent_reload
    ok 'one of them' asks "target='vda' kind='swap' size='16 MiB'"
    ok 'is made' request_prepare
    is 'as the configuration says' "$(rbd info --format json \
        "vms/${REQUEST_UUID}_disk.swap" |
        jq -r '"\(.order) \(.data_pool) \(.features | join(" "))"')" \
        '23 volumes layering data-pool'
    ok 'and it is sound' kinds_sound "${REQUEST_UUID}_disk.swap" swap
    request_release
    rm /etc/remora/remora.conf
    ok 'and as before again' agent_reload
    wait_until 'no claim is left' 10 agent_no_claims
}

bad_files()
{
    local title
    asks "target='hda' kind='config' file='$BED/tmp/odd'"
    for title in 'it is no plain file' 'it has 0 bytes' \
        'Too many levels of symbolic links' "it has $((64 * MiB + 1)) bytes"; do
        rm -rf "$BED/tmp/odd"
        case $title in
        *plain*) mkdir "$BED/tmp/odd" ;;
        *' 0 '*) : >"$BED/tmp/odd" ;;
        *links) ln -s "$CONFIG" "$BED/tmp/odd" ;;
        *) truncate -s $((64 * MiB + 1)) "$BED/tmp/odd" ;;
        esac
        refuses "a file is refused: $title" "$title" request_prepare
    done
    rm -rf "$BED/tmp/odd"
    ok 'nothing was made of them' eval "! rbd info vms/${REQUEST_UUID}_disk.config"
}

# A tool that fails, and one that does not end well.
bad_tools()
{
    asks "target='vda' kind='ephemeral' size='1 MiB' format='ext4'"
    sed -i 's/size="1048576"/size="1048577"/' "$REQUEST"
    mount --bind /bin/false "$(realpath "$(command -v mkfs.ext4)")"
    refuses 'a tool that fails is named' \
        "'mkfs.ext4' (of the package e2fsprogs) did not come to its end" \
        request_prepare
    umount "$(realpath "$(command -v mkfs.ext4)")"
    is 'what it was for is gone' \
        "$(rbd ls vms | grep -c "^$REQUEST_UUID")" 0
    ok 'no claim is left' agent_no_claims
    ok 'the same is served once it works' request_prepare
    ok 'and sound' kinds_sound "${REQUEST_UUID}_disk.local" ext4
    request_release
}

# ---- a volume of a storage pool --------------------------------------------

# pool_xml NAME HOST POOL
pool_xml()
{
    echo "<pool type='rbd'>
  <name>$1</name>
  <source>
    <host name='$2' port='6789'/>
    <name>$3</name>
    <auth type='ceph' username='remora'>
      <secret uuid='$(agent_secret)'/>
    </auth>
  </source>
</pool>"
}

# volume_disk POOL VOLUME [TARGET]
volume_disk()
{
    echo "<disk type='volume' device='disk'>
      <source pool='$1' volume='$2'/>
      <target dev='${3:-vda}' bus='virtio'/>
    </disk>"
}

volumes()
{
    local pool uuid
    pool_xml ceph-volumes 127.0.0.1 volumes >"$BED/tmp/pool"
    ok 'a storage pool' virsh_ pool-define "$BED/tmp/pool"
    pool_xml elsewhere 127.0.0.9 volumes >"$BED/tmp/pool"
    ok 'one of another cluster' virsh_ pool-define "$BED/tmp/pool"
    rbd import --no-progress "$BED/tmp/golden" volumes/golden
    uuid=$(uuidgen)
    guest_xml volume "$uuid" "$(volume_disk ceph-volumes golden)" \
        >"$BED/tmp/volume.xml"
    ok 'a definition with a volume comes by the proxy' eval \
        "proxied_ask define <'$BED/tmp/volume.xml' >'$BED/tmp/proxied.xml'"
    ok 'it is defined' virsh_ define "$BED/tmp/proxied.xml"
    ok 'it starts' virsh_ start volume
    ok 'the guest reads its disk' guest_wait_line volume \
        'hello from a golden image'
    ok 'it is ended' virsh_ destroy volume
    ok 'remora takes it back' remora revert volume
    like 'to the volume that it was' "$(virsh_ dumpxml --inactive volume)" \
        "<source pool='ceph-volumes' volume='golden'/>"
    guest_xml volume2 "$(uuidgen)" "$(volume_disk elsewhere golden)" \
        >"$BED/tmp/volume.xml"
    is 'a pool of another cluster is left alone' \
        "$(proxied_ask define <"$BED/tmp/volume.xml")" ''
    guest_xml volume3 "$(uuidgen)" "$(volume_disk nowhere golden)" \
        >"$BED/tmp/volume.xml"
    is 'and one that libvirt does not know' \
        "$(proxied_ask define <"$BED/tmp/volume.xml")" ''
}

# call NAME VERB OPTION...: of the proxy's, with the device.
call()
{
    proxy_virsh "$2" "$1" "$BED/tmp/device" "${@:3}"
}

# For a guest that runs, beside what it has.
volume_devices()
{
    local uuid other
    uuid=$(uuidgen)
    other=$(uuidgen)
    rbd create --size 16M volumes/hot
    ok 'the proxy starts' proxy_start
    ok 'a guest with an empty drive' guest_define -m "$(agent_asks vda "$IMAGE")" \
        live "$uuid" "<disk type='file' device='cdrom'><target dev='hdc'
        bus='ide'/><readonly/></disk>" \
        "<controller type='scsi' model='virtio-scsi'/>"
    wait_until 'is rewritten' 10 agent_rewrote live
    ok 'and starts' virsh_ start live
    ok 'another runs' agent_boots other "$other" "$IMAGE"
    # No guest has to help when a SCSI disk is taken out.
    volume_disk ceph-volumes hot sdb | sed s/virtio/scsi/ >"$BED/tmp/device"
    ok 'a volume is attached' call live attach-device --live
    like 'as the network disk that it is' "$(virsh_ dumpxml live)" \
        "<source protocol='rbd' name='volumes/hot'"
    wait_until 'which is claimed' 20 agent_claim_is volumes/hot \
        "running $(hostname) $uuid"
    volume_disk ceph-volumes hot vdb >"$BED/tmp/other"
    refuses 'nobody else gets it' "claimed by host '$(hostname)' for '$uuid'" \
        proxy_virsh attach-device other "$BED/tmp/other" --live
    ok 'it is detached' call live detach-device --live
    ok 'and attached again' call live attach-device --live
    ok 'and stored' call live attach-device --config
    like 'as the same' "$(virsh_ dumpxml --inactive live)" \
        "<source protocol='rbd' name='volumes/hot'"
    ok 'the other one ends' virsh_ destroy other
    volume_disk ceph-volumes golden hdc | sed "s/'disk'/'cdrom'/
        s/virtio/ide/; s|</disk>|<readonly/>&|" >"$BED/tmp/device"
    # Its firmware may be at the tray.
    wait_until 'one is put into the drive' 20 call live update-device --live
    like 'as what it is, too' "$(virsh_ dumpxml live)" \
        "<source protocol='rbd' name='volumes/golden'"
    volume_disk elsewhere hot vdc >"$BED/tmp/device"
    refuses "one of another cluster is libvirt's to refuse" "volume" \
        call live attach-device --live
    unlike 'and not for remora' "$TAP_OUT" 'remora:'
    ok 'the guest ends' virsh_ destroy live
    wait_until 'and with it the claim' 20 agent_claim_is volumes/hot none
}

# ---- what the tools may do -------------------------------------------------

# confined COMMAND: what a tool that is a shell says, with a file as its third
# descriptor.
confined()
{
    "$BED_INST/libexec/remora/confine" 5 1073741824 4096 "$@" \
        3<>"$BED/tmp/confined" 4<&- 5<"$0" 2>&1
}

confinement()
{
    : >"$BED/tmp/confined"
    chmod 0666 "$BED/tmp/confined"
    is 'a tool is nobody, of no group' "$(confined id -u; confined id -G)" \
        '65534
65534'
    is 'it has no capability, now or later' \
        "$(confined grep -E '^(CapPrm|CapEff|NoNewPrivs)' /proc/self/status |
            awk '{ print $2 }' | sort -u | tr '\n' ' ')" '0000000000000000 1 '
    refuses 'its network has no way to the cluster' 'unreachable' \
        confined bash -c ': </dev/tcp/127.0.0.1/6789'
    refuses 'it has no other descriptor' 'No such file' confined cat /dev/fd/5
    refuses 'it reads nothing of root'"'"'s' 'Permission denied' \
        confined cat /etc/ceph/ceph.client.remora.keyring
    ok 'it writes no more than it may' eval \
        '! confined dd if=/dev/zero of=/proc/self/fd/3 bs=8192 count=1'
    is 'and that much' "$(stat -c %s "$BED/tmp/confined")" 4096
}

inside()
{
    bed_need_remora
    parts
    define
    start
    again
    others
    configured
    bad_files
    bad_tools
    volumes
    volume_devices
    confinement
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside
tap_done
