#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/proxied.t - what the agent answers to a proxy
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
. "$here/lib/proxied.sh"

IMAGE=0a64fa67-3e34-42e7-b7b0-423c11850e18
A=982b8eac-6bcc-4a21-bd04-b67e26188be0
B=a9670d9a-8aa7-49ba-baf5-9d7a450172f3
C=0b1e0c7c-44d8-4c37-9f7e-5c1ed6a0d1c5

XML=$BED/tmp/proxied.xml
DEVICE=$BED/tmp/device.xml

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    guest_image 16M 'a golden image' idle "$BED/tmp/golden" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/golden" "$IMAGE"
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    ok 'the hook is installed' hook_install "$(agent_hook)"
    mkdir -p /etc/remora
    echo 'libvirt: { complete_existing = true; };' >/etc/remora/remora.conf
    ok 'the agent starts' agent_start || bail 'no agent'
}

# rbd_disk POOL/IMAGE TARGET [INSIDE]: a <disk> whose source says only that.
rbd_disk()
{
    printf "<disk type='network' device='%s'>" "${DEVICE_KIND:-disk}"
    printf "<source protocol='rbd' name='%s'/>" "$1"
    printf "<target dev='%s' bus='%s'/>%s</disk>\n" "$2" \
        "${DEVICE_BUS:-virtio}" "${3-}"
}

# ---- definitions -----------------------------------------------------------

# same_as_render TITLE: for $XML.
same_as_render()
{
    is "$1: what render prints" "$(proxied_ask define <"$XML")" \
        "$(remora render "$XML")"
}

definitions()
{
    guest_xml -m "$(agent_asks vda "$IMAGE" '32 MiB')" web1 "$A" >"$XML"
    same_as_render 'an image in the metadata'
    like 'which names the clone' "$(proxied_ask define <"$XML")" \
        "name=\"vms/${A}_disk\""
    guest_xml web1 "$A" "$(rbd_disk "images/$IMAGE@snap" vda)" >"$XML"
    same_as_render 'an image in the source'
    guest_xml web1 "$A" "$(DEVICE_KIND=cdrom DEVICE_BUS=sata \
        rbd_disk "images/$IMAGE@snap" sda '<readonly/>')" >"$XML"
    same_as_render 'a cdrom'
    guest_xml web1 "$A" "$(rbd_disk volumes/data vda)" >"$XML"
    same_as_render 'a bare source'
    like 'which names the monitors' "$(proxied_ask define <"$XML")" '<host name='
    proxied_ask define <"$XML" >"$XML.final"
    is 'what is final stays' "$(proxied_ask define <"$XML.final")" ''
    guest_xml web1 "$A" "<disk type='volume' device='disk'><source pool='p'
        volume='v'/><target dev='vda'/></disk>" >"$XML"
    is "libvirt's volumes stay" "$(proxied_ask define <"$XML")" ''
    guest_xml plain "$B" >"$XML"
    is 'and so does a domain that asks for nothing' \
        "$(proxied_ask define <"$XML")" ''
    is 'nothing was made' "$(rbd ls vms)" ''
    ok 'a rewrite is logged, and for whom' eval \
        "agent_said \"domain 'web1': rewritten for user 0 (definition)\""
}

# one_line TITLE: the last refusal's.
one_line()
{
    is "$1" "$(wc -l <<<"$TAP_OUT")" 1
}

refusals()
{
    guest_xml web1 "$A" "$(rbd_disk "vms/${B}_disk" vda)" >"$XML"
    asks_file define
    refuses "another domain's disk" "belongs to domain UUID $B" asks
    one_line 'in one line'
    like 'that begins with the domain' "$TAP_OUT" "domain 'web1': disk 'vda': "
    echo '<domain><name>web1</name>' >"$XML"
    refuses 'what is no XML' 'not well-formed' asks
    one_line 'in one line, too'
    asks_file define "$A"
    refuses 'a definition with a name beside it' 'cannot be read' asks
    asks_file device 'not-a-uuid'
    refuses 'a device of nobody' "not a domain's UUID" asks
}

# asks_file OPERATION [UUID]: what asks does, with $XML.
asks_file()
{
    ASKS=("$@")
}

asks()
{
    proxied_ask "${ASKS[@]}" <"$XML"
}

# ---- the sockets -----------------------------------------------------------

as_nobody()
{
    setpriv --reuid 65534 --regid 65534 --clear-groups \
        env PROXIED_UID=0 PROXIED_SOCKET=proxy.sock \
        python3 -c "$PROXIED_CLIENT" define <"$XML"
}

sockets()
{
    local op
    is 'the socket is for root alone' "$(stat -c %a /run/remora/proxy.sock)" 600
    guest_xml plain "$B" >"$XML"
    for op in 1 2 3; do
        asks_file "$op" plain
        refuses "a hook's request $op is refused to a proxy" \
            "the proxy's socket is not for that" asks
    done
    export PROXIED_SOCKET=hook.sock
    asks_file define
    refuses "a proxy's request is refused to a hook" \
        "the hook's socket is not for that" asks
    for op in attach device over; do
        asks_file "$op" "$A"
        refuses "and so is $op" "the hook's socket is not for that" asks
    done
    unset PROXIED_SOCKET
    refuses 'nobody else can connect' 'Permission denied' as_nobody
    chmod 666 /run/remora/proxy.sock
    is 'and would not be heard' "$(as_nobody 2>/dev/null; echo $?)" 3
    chmod 600 /run/remora/proxy.sock
}

# One user, who holds eight requests back, and others.
crowd()
{
    local filler
    PROXIED_UID=1000 proxied_fill 8 4 >"$BED/tmp/full" &
    filler=$!
    ok 'a user has eight requests under way' \
        bed_wait 5 grep -q full "$BED/tmp/full"
    guest_xml plain "$B" >"$XML"
    asks_file define
    export PROXIED_UID=1000
    wait_until 'a ninth has to wait' 2 crowded
    like 'which is said' "$TAP_OUT" 'user 1000 has 8 definitions and disks'
    one_line 'in one line'
    ok 'but not a notice that a call has ended' proxied_ask over "$B"
    export PROXIED_UID=1001
    ok 'another user is served' asks
    export PROXIED_UID=0
    ok 'and so is root' asks
    export PROXIED_UID=1000
    wait "$filler"
    wait_until 'when they have gone, the user is served again' 5 asks
    unset PROXIED_UID
}

crowded()
{
    asks
    [ $? = 2 ]
}

# ---- devices ---------------------------------------------------------------

# attach UUID DISK...: what is answered, in $DEVICE.
attach()
{
    local uuid=$1
    shift
    rbd_disk "$@" >"$XML"
    proxied_ask attach "$uuid" <"$XML" >"$DEVICE"
}

# The attach that $XML was for is over.
ended()
{
    proxied_ask ended "$A" <"$XML"
}

# claim_of TARGET: of that disk of the guest.
claim_of()
{
    agent_claim "vms/${A}_disk.$1" | cut -d ' ' -f -3
}

claim_gone()
{
    agent_claim_is "vms/${A}_disk.$1" none
}

has_disk()
{
    virsh_ domblklist "$1" | grep -q -E "^ *$2 +$3\$"
}

off()
{
    ok 'a domain is defined' agent_defines off "$B" "$IMAGE"
    ok 'of one that is off, a disk passes' attach "$B" "images/$IMAGE@snap" vdb
    is 'as it is' "$(<"$DEVICE")" ''
    ok 'and so it does of nobody' attach "$C" "images/$IMAGE@snap" vdb
    is 'as it is, too' "$(<"$DEVICE")" ''
    is 'nothing was made' "$(rbd ls vms)" ''
    rbd_disk volumes/data vdb >"$XML"
    like 'a bare disk to be stored is completed' \
        "$(proxied_ask device "$B" <"$XML")" '<host name='
    rbd_disk "images/$IMAGE@snap" vdb >"$XML"
    is 'a clone to be stored stays' "$(proxied_ask device "$B" <"$XML")" ''
    virsh_ attach-device off "$XML" --config >/dev/null
    ok 'until it is stored, and the call over' proxied_ask over "$B"
    like 'then it has a name' "$(virsh_ dumpxml --inactive off)" \
        "vms/${B}_disk.vdb"
}

running()
{
    ok 'a guest runs' agent_boots web1 "$A" "$IMAGE"
    ok 'a disk is attached' attach "$A" "images/$IMAGE@snap" vdb
    like 'it has its name' "$(<"$DEVICE")" "vms/${A}_disk.vdb"
    like 'the cache' "$(<"$DEVICE")" 'cache="writeback"'
    unlike 'and no metadata' "$(<"$DEVICE")" 'urn:remora'
    is 'the clone is there' \
        "$(rbd info --format json "vms/${A}_disk.vdb" | jq -r .parent.image)" \
        "$IMAGE"
    is 'its claim is handed' "$(claim_of vdb)" "handed $(hostname) $A"
    ok 'libvirt attaches it' virsh_ attach-device web1 "$DEVICE" --live
    ok 'the guest has it' has_disk web1 vdb "vms/${A}_disk.vdb"
    ok 'QEMU watches it' [ -n "$(cluster_watchers "vms/${A}_disk.vdb")" ]
    ok 'the call is over' proxied_ask over "$A"
    isnt 'which ends no attach that it does not name' "$(claim_of vdb)" none
    ok 'it looks at one that has ended' ended
    wait_until 'its claim says which client has it open' 25 agent_runs "$A" \
        "vms/${A}_disk" "vms/${A}_disk.vdb"
    asks_file attach "$A"
    refuses 'the same target again' 'has a disk of this target already' asks
    refuses 'the same image again' "domain 'web1': disk 'vdc': " \
        attach "$A" "vms/${A}_disk.vdb" vdc
    refuses "another domain's disk" "belongs to domain UUID $B" \
        attach "$A" "vms/${B}_disk" vdc
    refuses 'a volume that is not there' "disk 'vdc': " \
        attach "$A" volumes/nowhere vdc
    ok 'no other claim is left' agent_runs "$A" "vms/${A}_disk" \
        "vms/${A}_disk.vdb"
    ok 'a file' eval "guest_file_disk | proxied_ask attach $A | cmp - /dev/null"
}

guest_file_disk()
{
    echo "<disk type='file'><source file='/x'/><target dev='vdc'/></disk>"
}

bare()
{
    rbd create --size 8M volumes/data
    ok 'a volume' attach "$A" volumes/data vdc
    like 'has its monitors' "$(<"$DEVICE")" '<host name='
    like 'and a claim' "$(rados -p volumes ls)" 'remora_claim.'
    refuses 'another domain does not get it' "disk 'vdb': " \
        start_with_volume data
    ok 'libvirt attaches it' virsh_ attach-device web1 "$DEVICE" --live
    rbd_disk volumes/data vdc >"$XML"
    ok 'the call is over' ended
    wait_until 'the claim says which client has it open' 25 agent_claim_is \
        volumes/data "running $(hostname) $A $(cluster_watchers volumes/data)"
    # Nothing in this guest lets go of it.
    ok 'it is to be detached' virsh_ detach-disk web1 vdc --live
}

# start_with_volume NAME: another domain's.
start_with_volume()
{
    guest_xml other "$C" "$(rbd_disk "volumes/$1" vdb)" >"$XML"
    proxied_ask define <"$XML" >"$XML.other"
    virsh_ create "$XML.other"
}

# refused_to UID TITLE DISK...: an attach, in one line.
refused_to()
{
    local title=$2
    export PROXIED_UID=$1
    shift 2
    refuses "$title" "disk 'vdd': " attach "$A" "$@" vdd
    unset PROXIED_UID
    one_line "$title, in one line"
}

# Who is in the way is not every client's business: domains, hosts and
# addresses are root's to see, and the log's.
in_the_way()
{
    local disk=vms/${A}_disk
    refused_to 0 'a disk that is open is refused to root' "$disk"
    like 'with who has it' "$TAP_OUT" "is claimed by host '$(hostname)' for '$A'"
    refused_to 1000 'and to a user' "$disk"
    like 'without' "$TAP_OUT" "domain '$A': disk 'vdd': is in use, or claimed, \
elsewhere: ask the host's administrator (remorad's log says by whom)"
    ok 'the log has it all' agent_said "refused to user 1000: disk 'vdd': \
'$disk' is claimed by host '$(hostname)'"

    rbd create --size 8M volumes/more
    ok 'another domain starts with a volume' start_with_volume more
    refused_to 0 'a volume that is claimed is refused to root' volumes/more
    like 'with whose it is' "$TAP_OUT" "$C"
    refused_to 1000 'and to a user' volumes/more
    like 'without' "$TAP_OUT" 'is in use, or claimed, elsewhere'
    unlike 'which names no domain' "$TAP_OUT" "$C"
    ok 'the log has it' eval \
        "grep 'refused to user 1000' '$BED/log/remorad.log' | grep -q '$C'"
    virsh_ destroy other >/dev/null
    wait_until 'the claim goes' 25 \
        eval '! rados -p volumes ls | grep -q remora_claim.more'
}

# An attach that libvirt never makes.
given_up()
{
    ok 'a disk is prepared' attach "$A" "images/$IMAGE@snap" vdd
    is 'its claim is handed' "$(claim_of vdd)" "handed $(hostname) $A"
    refuses 'not twice at once' 'another call for the same image is under way' \
        attach "$A" "images/$IMAGE@snap" vdd
    ok 'it is given up' ended
    wait_until 'its claim goes' 25 claim_gone vdd
    ok 'then it is prepared again' attach "$A" "images/$IMAGE@snap" vdd
    ok 'and given up' ended
    wait_until 'with its claim' 25 claim_gone vdd
    rbd rm --no-progress "vms/${A}_disk.vdd"
    printf "<disk type='network' device='cdrom'><source protocol='rbd'
        name='images/%s@snap'/><target dev='sda' bus='sata'/></disk>" "$IMAGE" >"$XML"
    like 'a cdrom gets the snapshot' "$(proxied_ask device "$A" <"$XML")" \
        '<snapshot name="snap"/>'
}

# The proxy has gone before the answer: nobody will attach it.
gone()
{
    rbd_disk "images/$IMAGE@snap" vdh >"$XML"
    asks_leaving()
    {
        proxied_leave attach "$A" <"$XML"
    }
    ok 'a proxy asks, and goes' asks_leaving
    wait_until 'the disk is made' 10 rbd info "vms/${A}_disk.vdh"
    wait_until 'and given up' 25 claim_gone vdh
}

# What is read-only is not cloned. QEMU opens a snapshot as it opens a disk,
# with a watch, for which the right to read is not enough.
read_only()
{
    local caps="$CLUSTER_REMORA_CAPS, allow rw pool=images"
    caps+=' object_prefix rbd_header.'
    ok 'the guests may watch images' ceph auth caps client.remora \
        mon 'profile rbd' osd "$caps" mgr 'profile rbd pool=vms'
    ok 'a read-only disk' attach "$A" "images/$IMAGE@snap" vdi '<readonly/>'
    like 'is the snapshot itself' "$(<"$DEVICE")" '<snapshot name="snap"/>'
    is 'without a claim' "$(rados -p images ls | grep -c remora_claim)" 0
    ok 'libvirt attaches it' virsh_ attach-device web1 "$DEVICE" --live
    ok 'the guest has it' has_disk web1 vdi "images/$IMAGE"
    is 'no clone of it was made' "$(rbd ls vms | grep -c vdi)" 0
}

# Who may attach is decided by libvirt, after the disk has been made.
access()
{
    echo 'access_drivers = [ "polkit" ]' >>/etc/libvirt/libvirtd.conf
    export PROXIED_UID=1000
    refuses 'with access drivers, a user gets no new disk' 'access_drivers' \
        attach "$A" "images/$IMAGE@snap" vde
    is 'and none is made' "$(rbd ls vms | grep -c vde)" 0
    export PROXIED_UID=0
    rbd create --size 8M volumes/other
    export PROXIED_UID=1000
    refuses 'nor one that is there' 'access_drivers' \
        attach "$A" volumes/other vde
    is 'which is not claimed' "$(agent_claim volumes/other)" none
    export PROXIED_UID=0
    ok 'root does' attach "$A" "images/$IMAGE@snap" vde
    unset PROXIED_UID
    ok 'the call is over' ended
    sed -i /access_drivers/d /etc/libvirt/libvirtd.conf
}

# attach_whole TARGET: as a proxy does, up to the end.
attach_whole()
{
    local device=$BED/tmp/device.$1.xml status
    rbd_disk "images/$IMAGE@snap" "$1" >"$device.asked"
    proxied_ask attach "$A" <"$device.asked" >"$device" || return 1
    virsh_ attach-device web1 "$device" --live
    status=$?
    proxied_ask ended "$A" <"$device.asked"
    return "$status"
}

# As many at once as one user may have.
many()
{
    local target pids=() failed=0 pid
    export PROXIED_UID=1000
    for target in vdj vdk vdl vdm vdn vdo vdp vdq; do
        attach_whole "$target" >"$BED/tmp/many.$target" 2>&1 &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        wait "$pid" || failed=$((failed + 1))
    done
    unset PROXIED_UID
    is 'eight disks at once are attached' "$failed" 0 ||
        diag "$(cat "$BED"/tmp/many.*)"
    is 'the guest has them all' \
        "$(virsh_ domblklist web1 | grep -c "vms/${A}_disk.vd[j-q]")" 8
    is 'and nobody else watches them' "$(for target in {j..q}; do
        cluster_watchers "vms/${A}_disk.vd$target"
    done | wc -l)" 8
    wait_until 'and each claim says which client has its disk open' 25 \
        agent_runs "$A" "vms/${A}_disk" "vms/${A}_disk.vdb" \
        "vms/${A}_disk.vd"{j..q}
}

moves()
{
    virsh_ dumpxml web1 --migratable >"$XML"
    is 'what comes from elsewhere, and is right, stays' \
        "$(proxied_ask move <"$XML")" ''
    sed -i "s/<host name='[^']*'/<host name='192.0.2.1'/" "$XML"
    like 'with other monitors it gets those of today' \
        "$(proxied_ask move <"$XML")" '127.0.0.1'
    guest_xml -m "$(agent_asks vda "$IMAGE")" web2 "$C" >"$XML"
    asks_file move
    refuses 'one without its clone is refused' "domain 'web2': disk 'vda': " \
        asks
}

# ---- without parts ---------------------------------------------------------

# soon COMMAND...: python's start included, in less than it takes to find that the
# cluster does not answer.
soon()
{
    local start=$EPOCHREALTIME end status
    "$@"
    status=$?
    end=$EPOCHREALTIME
    echo "took $(((${end/./} - ${start/./}) / 1000)) ms"
    [ $((${end/./} - ${start/./})) -lt 4500000 ] || return 125
    return "$status"
}

down()
{
    cluster_pause_mon
    guest_xml plain "$B" >"$XML"
    asks_file define
    ok 'with the cluster down a domain that asks for nothing passes' soon asks
    guest_xml web1 "$A" "$(rbd_disk "images/$IMAGE@snap" vda)" >"$XML"
    ok 'one whose image is known is rewritten' soon asks
    like 'with the monitors of before' "$TAP_OUT" '127.0.0.1'
    guest_xml -m "$(agent_asks vda "$IMAGE")" web1 "$A" >"$XML"
    ok 'with one pool of images, an id alone, too' soon asks
    asks_file attach "$A"
    rbd_disk "images/$IMAGE@snap" vdf >"$XML"
    refuses 'an attach is refused at once, with the cause' "cluster 'ceph'" \
        soon asks
    like 'and the domain' "$TAP_OUT" "domain 'web1': "
    cluster_resume_mon
    wait_until 'when it is back, it is served' 60 asks
    ok 'the call is over' ended
}

two_pools()
{
    echo 'pools: { images = [ "images", "volumes" ]; volumes = [ ]; };' \
        >/etc/remora/remora.conf
    agent_reload
    wait_until 'two pools of images' 5 agent_said 'configuration read again'
    guest_xml -m "$(agent_asks vda "$IMAGE")" web1 "$A" >"$XML"
    asks_file define
    ok 'an image is looked for' asks
    cluster_pause_mon
    refuses 'without the cluster it cannot be' "domain 'web1': " soon asks
    like 'which is the cause' "$TAP_OUT" "cluster 'ceph'"
    cluster_resume_mon
    wait_until 'when it is back, it can' 60 asks
    rm /etc/remora/remora.conf
    agent_reload
}

without_libvirt()
{
    libvirtd_stop
    wait_until 'the agent has lost libvirt' 10 \
        agent_said 'the connection to libvirt has ended'
    asks_file attach "$A"
    rbd_disk "images/$IMAGE@snap" vdg >"$XML"
    refuses 'without libvirt nothing can be attached' 'cannot connect to libvirt' asks
    ok 'and a notice is no error' proxied_ask over "$A"
    libvirtd_start
}

inside()
{
    bed_need_remora
    parts
    definitions
    refusals
    sockets
    crowd
    off
    running
    bare
    in_the_way
    given_up
    gone
    read_only
    access
    many
    moves
    down
    two_pools
    without_libvirt
    ok 'the agent stops at the end' agent_stop
}

bed_enter "$0" "$@"
inside
tap_done
