#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/install.t - remora comes to a host that has domains
#
# Thirty domains of all shapes, most of them none of remora's business, are there
# before it, some run. Then hook, agent and proxy are installed: no definition that
# asks for nothing changes by a byte, and every domain starts as it did, or does not,
# as it did not.
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
. "$here/lib/proxy.sh"

IMAGE=0a64fa67-3e34-42e7-b7b0-423c11850e18
# The secret that the host has, and one of the same key that is not remora's.
OWN=7b1f5f0e-52f1-4c0e-8f3a-0c9e4a3b2d10
OTHER=9d0c2a7e-6f7b-4d55-9a8e-3b7c1f2e4a11
DIR=
# All names, and those that are left running.
NAMES=()
RUN=(file qcow2 plain-image volume own-disk)

parts()
{
    local name
    DIR=$BED/tmp/images
    mkdir -p "$DIR"
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    guest_image 16M 'an idle image' idle "$DIR/raw.img" || bail 'no image'
    ok 'an image' cluster_add_image "$DIR/raw.img" "$IMAGE"
    ok 'guests may write to images' ceph auth caps client.remora \
        mon 'profile rbd' mgr 'profile rbd pool=vms' \
        osd "$CLUSTER_REMORA_CAPS, profile rbd pool=images, profile rbd pool=other"
    ceph osd pool create other 8 >/dev/null 2>&1
    for name in other/one images/web images/golden volumes/data volumes/two \
        volumes/shared volumes/scsi volumes/bare volumes/boot volumes/below \
        volumes/foreign volumes/listed volumes/io volumes/secretless \
        "volumes/volume-$OWN" "vms/${OTHER}_disk" vms/by-hand; do
        rbd import --no-progress "$DIR/raw.img" "$name" || bail 'no images'
    done
    rbd snap create volumes/two@monday >/dev/null 2>&1
    rbd snap create images/golden@v1 >/dev/null 2>&1
    rbd snap protect images/golden@v1
    rbd namespace create volumes/tenant
    rbd import --no-progress "$DIR/raw.img" volumes/tenant/cd
    qemu-img create -q -f qcow2 "$DIR/disk.qcow2" 16M
    cp "$DIR/raw.img" "$DIR/base.img"
    cp "$DIR/raw.img" "$DIR/cd.img"
    qemu-img create -q -f qcow2 -b "$DIR/base.img" -F raw "$DIR/over.qcow2"
    qemu-img create -q -f qcow2 -F raw "$DIR/over-rbd.qcow2" -b \
        "json:{\"driver\":\"rbd\",\"pool\":\"volumes\",\"image\":\"below\",\"user\":\"admin\",\"conf\":\"$CLUSTER_CONF\"}" \
        16M
    cp "$DIR/raw.img" "$DIR/second.img"
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    ok 'the host has a secret' secret_define "$OWN" "$(cluster_key remora)"
    ok 'and another' secret_define "$OTHER" "$(cluster_key remora)"
}

# ---- the shapes ------------------------------------------------------------

# shape [-m METADATA] NAME UUID DISK...
shape()
{
    local name=$1
    [ "$1" != -m ] || name=$3
    NAMES+=("$name")
    guest_define "$@" >/dev/null || fail "'$name' cannot be defined"
}

# disk TYPE DEVICE DRIVER TARGET BUS INSIDE
disk()
{
    printf "<disk type='%s' device='%s'><driver name='qemu' type='%s'/>" \
        "$1" "$2" "$3"
    printf "%s<target dev='%s' bus='%s'/></disk>" "$6" "$4" "$5"
}

# rbd_source POOL/IMAGE [SECRET [INSIDE]]
rbd_source()
{
    printf "<source protocol='rbd' name='%s'>%s%s</source>" "$1" \
        "$(cluster_hosts_xml)" "${3-}"
    [ -z "${2-}" ] || printf \
        "<auth username='remora'><secret type='ceph' uuid='%s'/></auth>" "$2"
}

# rbd_shape NAME POOL/IMAGE [SECRET [INSIDE]]
rbd_shape()
{
    local name=$1
    shift
    shape "$name" "$(uuidgen)" \
        "$(disk network disk raw vda virtio "$(rbd_source "$@")")"
}

local_shapes()
{
    local nova="<nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'>
        <nova:root type='image' uuid='$IMAGE'/></nova:instance>"
    shape none "$(uuidgen)"
    shape file "$(uuidgen)" \
        "$(disk file disk raw vda virtio "<source file='$DIR/raw.img'/>")"
    shape qcow2 "$(uuidgen)" \
        "$(disk file disk qcow2 vda virtio "<source file='$DIR/disk.qcow2'/>")"
    shape -m "$nova" nova-file "$(uuidgen)" "$(disk file disk raw vda virtio \
        "<source file='$DIR/second.img'/>")"
    shape over-file "$(uuidgen)" "$(disk file disk qcow2 vda virtio \
        "<source file='$DIR/over.qcow2'/>")"
    shape cd-empty "$(uuidgen)" "$(disk file cdrom raw sda sata '')"
    shape cd-file "$(uuidgen)" "$(disk file cdrom raw sda sata \
        "<source file='$DIR/cd.img' startupPolicy='optional'/><readonly/>")"
    shape floppy "$(uuidgen)" "$(disk file floppy raw fda fdc '')"
    shape file-gone "$(uuidgen)" "$(disk file disk raw vda virtio \
        "<source file='$DIR/gone.img'/>")"
    shape nbd "$(uuidgen)" "$(disk network disk raw vda virtio "<source
        protocol='nbd' name='x'><host name='127.0.0.1' port='1'/></source>")"
    shape volume-pool "$(uuidgen)" "$(disk volume disk raw vda virtio \
        "<source pool='none' volume='x'/>")"
}

rbd_shapes()
{
    rbd_shape other-pool other/one "$OWN"
    rbd_shape plain-image images/web "$OWN"
    rbd_shape golden-image images/golden "$OWN"
    rbd_shape volume "volumes/volume-$OWN" "$OWN"
    rbd_shape foreign volumes/foreign "$OTHER"
    rbd_shape no-secret volumes/secretless 11111111-2222-4333-8444-555555555555
    rbd_shape missing volumes/nowhere "$OWN"
    rbd_shape by-hand vms/by-hand "$OWN"
    shape own-disk "$OTHER" "$(disk network disk raw vda virtio \
        "$(rbd_source "vms/${OTHER}_disk" "$OWN")")"
    shape no-hosts "$(uuidgen)" "$(disk network disk raw vda virtio \
        "<source protocol='rbd' name='volumes/bare'/>")"
    shape listed "$(uuidgen)" "$(disk network disk raw vda virtio "<source
        protocol='rbd' name='volumes/listed'><host name='127.0.0.1,127.0.0.1'
        port='6789'/></source><auth username='remora'><secret type='ceph'
        uuid='$OWN'/></auth>")"
    shape snapshot "$(uuidgen)" "$(disk network disk raw vda virtio \
        "$(rbd_source volumes/two "$OWN" "<snapshot name='monday'/>")<readonly/>")"
    shape shared "$(uuidgen)" "$(disk network disk raw vda virtio \
        "$(rbd_source volumes/shared "$OWN")<shareable/>")"
    shape scsi "$(uuidgen)" "$(disk network disk raw sda scsi \
        "$(rbd_source volumes/scsi "$OWN")<serial>abc</serial>")"
    shape boot "$(uuidgen)" "$(disk network disk raw vdb virtio \
        "$(rbd_source volumes/boot "$OWN")<boot order='1'/>")"
    shape two-disks "$(uuidgen)" "$(disk network disk raw vda virtio \
        "$(rbd_source volumes/data "$OWN")")" \
        "$(disk file cdrom raw sda sata '')"
    shape namespace "$(uuidgen)" "$(disk network cdrom raw sda sata \
        "$(rbd_source volumes/tenant/cd "$OWN")<readonly/>")"
    shape over-rbd "$(uuidgen)" "$(disk file disk qcow2 vda virtio \
        "<source file='$DIR/over-rbd.qcow2'/>")"
}

# ---- before and after --------------------------------------------------------

# Of all at once, with room for four.
starts()
{
    printf '%s\n' "$@" | xargs -P 4 -I NAME bash -c '
        virsh -q -c "$2" start --paused NAME >/dev/null 2>"$1.NAME" &&
            echo "NAME starts" || echo "NAME does not"' - "$BED/tmp/why" \
        "$LIBVIRT_URI" | sort
}

ends()
{
    printf '%s\n' "$@" | xargs -P 4 -I NAME \
        virsh -q -c "$LIBVIRT_URI" destroy NAME >/dev/null 2>&1
}

# Those that do not stay running.
others()
{
    printf '%s\n' "${NAMES[@]}" "${RUN[@]}" | sort | uniq -u
}

# definitions DIRECTORY: as they are stored, and as they run.
definitions()
{
    local name
    mkdir -p "$1"
    for name in "${NAMES[@]}"; do
        virsh_ dumpxml --inactive --security-info "$name" >"$1/$name"
    done
    for name in "${RUN[@]}"; do
        virsh_ dumpxml --security-info "$name" >"$1/$name.live"
    done
}

before()
{
    mapfile -t rest < <(others)
    starts "${rest[@]}" >"$BED/tmp/starts"
    diag "$(grep -c ' starts$' "$BED/tmp/starts") of ${#rest[@]} can start"
    ends "${rest[@]}"
    is 'some run' "$(starts "${RUN[@]}" | grep -c ' starts$')" "${#RUN[@]}"
    definitions "$BED/tmp/before"
}

asking()
{
    ok 'one asks by its metadata' guest_define -m "$(agent_asks vda "$IMAGE")" \
        asks-entry "$(uuidgen)"
    ok 'one by a snapshot' guest_define asks-source "$(uuidgen)" "$(disk \
        network disk raw vda virtio \
        "<source protocol='rbd' name='images/$IMAGE@snap'/>")"
}

install_remora()
{
    mkdir -p /etc/remora
    echo "clusters = ( { secret_uuid = \"$OWN\"; } );" >/etc/remora/remora.conf
    ok 'the hook is installed' hook_install "$(agent_hook)"
    ok 'the agent starts' agent_start || bail 'no agent'
    ok 'the proxy starts' proxy_start || bail 'no proxy'
    wait_until 'who asks by an entry is served' 20 agent_rewrote asks-entry
    wait_until 'who asks by a source, too' 20 eval \
        'virsh_ dumpxml --inactive asks-source | grep -q vms/'
}

unchanged()
{
    definitions "$BED/tmp/after"
    is "$1: no definition is another" \
        "$(diff -r "$BED/tmp/before" "$BED/tmp/after")" ''
}

after()
{
    is "status tells of ${#NAMES[@]} domains without a refusal" \
        "$(remora status --json | jq -r '.domains[] | select(.error) | .name')" ''
    starts "${rest[@]}" >"$BED/tmp/starts.after"
    is 'each starts that did before, and no other' \
        "$(<"$BED/tmp/starts.after")" "$(<"$BED/tmp/starts")" ||
        diag "$(grep -h . "$BED"/tmp/why.*)"
    ends "${rest[@]}"
    unchanged 'when they have run'
}

# By the proxy, as they are stored.
defined_again()
{
    local name
    for name in "${NAMES[@]}"; do
        proxy_virsh define "$BED/tmp/before/$name" >/dev/null 2>"$BED/tmp/error" ||
            fail "'$name': $(<"$BED/tmp/error")"
    done
    unchanged 'defined once more by the proxy'
}

inside()
{
    bed_need_remora
    parts
    local_shapes
    rbd_shapes
    before
    asking
    install_remora
    unchanged 'after the sweep'
    after
    defined_again
    ok 'the agent stops' agent_stop
    ok 'and starts' agent_start
    ok 'one asks, and is served' agent_defines settled "$(uuidgen)" "$IMAGE"
    unchanged 'after another sweep'
    ends "${RUN[@]}"
    is 'those that ran start, too' "$(starts "${RUN[@]}" | grep -c ' starts$')" \
        "${#RUN[@]}"
    ok 'the agent stops at the end' agent_stop
}

bed_enter "$0" "$@"
inside
tap_done
