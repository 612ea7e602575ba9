#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/proxy-clients.t - libvirt's clients, unmodified, through the
# proxy, with an agent and a cluster behind it
#
# What only the proxy can do: a client that defines and starts on one connection,
# a domain that is never defined, a disk that is plugged in. And what it must
# not do: be noticed.
#
# Needs: root, the packages of lib/packages.sh, an installed remora.
# Reads: REMORA_FULL   200 rounds of starts instead of 20, 50 of plugs instead
#                      of 5
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
IDLE=3f1d2c4b-5a69-4788-9b0a-1c2d3e4f5a6b
A=982b8eac-6bcc-4a21-bd04-b67e26188be0
MODEL=$BED/tmp/model.xml
STARTS=${REMORA_FULL:+200}
STARTS=${STARTS:-20}
PLUGS=${REMORA_FULL:+50}
PLUGS=${PLUGS:-5}
NOBODY=65534
# libvirtd writes down each call of a client that changes a definition.
LIBVIRT_LOG='1:libvirt.domain 3:*'

# completes true|false: whether disks that are there already are completed.
completes()
{
    echo "libvirt: { complete_existing = $1; };" >/etc/remora/remora.conf
}

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    guest_image 16M 'a golden image' off "$BED/tmp/golden" || bail 'no image'
    guest_image 16M 'an idle image' idle "$BED/tmp/idle" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/golden" "$IMAGE"
    ok 'another' cluster_add_image "$BED/tmp/idle" "$IDLE"
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    ok 'the hook is installed' hook_install "$(agent_hook)"
    mkdir -p /etc/remora
    completes true
    ok 'the agent starts' agent_start || bail 'no agent'
    ok 'the proxy starts' proxy_start --mode=0777 || bail 'no proxy'
    guest_xml -m "$(agent_asks vda "$IDLE")" NAME UUID >"$MODEL"
}

client()
{
    python3 "$here/integration/proxy-client.py" "$PROXY_URI" "$@"
}

# calls NAME: how often libvirtd was asked for it since the test took note.
calls()
{
    tail -c +"$((MARK + 1))" "$BED/log/libvirtd.log" | grep -c " $1:"
}

mark()
{
    MARK=$(stat -c %s "$BED/log/libvirtd.log")
}

children()
{
    rbd children "images/$1@snap" | sort
}

# ---- back to back ----------------------------------------------------------

# starts HOW TITLE
starts()
{
    local how=$1 title=$2
    mark
    client starts "$how" "$STARTS" "$MODEL" "$BED/serial" >"$BED/tmp/starts" 2>&1
    is "$title: $STARTS guests on their clones" \
        "$(grep -v -E '^(made|slowest) ' "$BED/tmp/starts")" ''
    is "$title: their image lists them" \
        "$(comm -23 <(sed -n 's/^made //p' "$BED/tmp/starts" | sort) \
            <(children "$IDLE"))" ''
    is "$title: as many as were made" "$(grep -c '^made ' "$BED/tmp/starts")" \
        "$STARTS"
    diag "$(grep slowest "$BED/tmp/starts")"
    # The agent sees the events, and has nothing to do.
    is "$title: nobody changes a definition afterwards" \
        "$(calls 'virDomain\(SetMetadata\|UpdateDeviceFlags\|AttachDeviceFlags\)')" 0
    wait_until "$title: no claim is left" 5 agent_no_claims
}

back_to_back()
{
    starts define 'defined and started'
    is 'each was defined once' "$(calls virDomainDefineXML)" "$STARTS"
    starts create 'never defined'
    is 'and so it is' "$(calls virDomainDefineXML)" 0
}

redefined()
{
    guest_xml -m "$(agent_asks vda "$IDLE")" NAME UUID \
        "<graphics type='vnc' passwd='secret'/>" >"$BED/tmp/again.xml"
    mark
    is 'undefined and defined again at once: nothing is lost' \
        "$(client redefines "$STARTS" "$BED/tmp/again.xml" 2>&1)" ''
    is 'by nobody else' "$(calls virDomainDefineXML)" $((2 * STARTS))
}

# ---- hot plug --------------------------------------------------------------

plug_disk()
{
    cat >"$BED/tmp/plug.xml" <<XML
<disk type='network' device='disk'>
  <source protocol='rbd' name='images/$IMAGE@snap'/>
  <target dev='sdb' bus='scsi'/>
</disk>
XML
}

plugged()
{
    local disk=vms/${A}_disk.sdb
    plug_disk
    ok 'a guest runs' guest_runs
    is "a clone is plugged in and out, $PLUGS times" \
        "$(client plugs "$PLUGS" plugs "$BED/tmp/plug.xml" "$disk" 2>&1)" ''
    like 'it is a clone of its image' "$(children "$IMAGE")" "$disk"
    ok 'and stays when it is out' rbd info "$disk"
    ok 'virsh plugs it in, too' proxy_virsh attach-device plugs \
        "$BED/tmp/plug.xml" --live --config
    like 'now' "$(virsh_ domblklist plugs)" "$disk"
    like 'and for later' "$(virsh_ domblklist --inactive plugs)" "$disk"
    wait_until 'its claims say which clients it has' 25 agent_runs "$A" \
        "vms/${A}_disk" "$disk"
    refuses 'a disk of another domain is not plugged in' \
        'belongs to domain UUID' proxy_virsh attach-device plugs \
        "$(someone_elses)"
    refuses 'nor one that is in use, and a user is told no more' \
        "domain '$A': disk 'sdd': is in use, or claimed, elsewhere" \
        nobody_virsh attach-device plugs "$(in_use)" --live
    unlike 'than that' "$TAP_OUT" '127.0.0.1'
    refuses 'root is' "is claimed by host '$(hostname)' for '$A'" \
        proxy_virsh attach-device plugs "$(in_use)" --live
    ok 'and out' proxy_virsh detach-disk plugs sdb --live --config
    wait_until 'then its claim goes' 25 agent_claim_is "$disk" none
    ok 'in again' proxy_virsh attach-device plugs "$BED/tmp/plug.xml" --live
    wait_until 'with a claim' 25 agent_runs "$A" "vms/${A}_disk" "$disk"
    ok 'and out without the proxy' virsh_ detach-disk plugs sdb --live
    wait_until 'which goes as well' 25 agent_claim_is "$disk" none
    spelled
    protected
    ok 'a disk for later' proxy_virsh attach-device plugs \
        "$(other_target sdc)" --config
    like 'has its name when the call is over' \
        "$(virsh_ domblklist --inactive plugs)" "vms/${A}_disk.sdc"
    ok 'the guest ends' proxy_virsh destroy plugs
    ok 'and starts with it' proxy_virsh start plugs
    like 'which was made for it' "$(children "$IMAGE")" "vms/${A}_disk.sdc"
    ok 'it ends' proxy_virsh destroy plugs
}

other_target()
{
    sed "s/sdb/$1/" "$BED/tmp/plug.xml" >"$BED/tmp/plug.$1.xml"
    echo "$BED/tmp/plug.$1.xml"
}

someone_elses()
{
    sed "s|images/.*@snap|vms/$(uuidgen)_disk|" "$BED/tmp/plug.xml" \
        >"$BED/tmp/elses.xml"
    echo "$BED/tmp/elses.xml"
}

# The disk that it has, once more.
in_use()
{
    sed "s|images/.*@snap|vms/${A}_disk.sdb|;s/sdb' bus/sdd' bus/" \
        "$BED/tmp/plug.xml" >"$BED/tmp/in-use.xml"
    echo "$BED/tmp/in-use.xml"
}

guest_runs()
{
    guest_xml -m "$(agent_asks vda "$IDLE")" plugs "$A" \
        "<controller type='scsi' model='virtio-scsi'/>" >"$BED/tmp/plugs.xml"
    proxy_virsh define "$BED/tmp/plugs.xml" && proxy_virsh start plugs &&
        guest_wait_line plugs 'wrote sector 2'
}

# However it is spelled: libvirt would read it.
# An image that has clones is not written to by what is new and names it plainly.
protected()
{
    local plain=$BED/tmp/plain.xml
    sed 's/@snap//' "$BED/tmp/plug.xml" >"$BED/tmp/plain-disk.xml"
    refuses 'nor is an image that others are cloned from' 'are cloned from' \
        proxy_virsh attach-device plugs "$BED/tmp/plain-disk.xml" --live
    guest_xml plain "$(uuidgen)" "$(sed 's/sdb/vda/; s/scsi/virtio/' \
        "$BED/tmp/plain-disk.xml")" >"$plain"
    refuses 'a new domain does not write to one' 'are cloned from' \
        proxy_virsh define "$plain"
    ok 'past the proxy it is defined' virsh_ define "$plain"
    ok 'what libvirt has already is taken' proxy_virsh define "$plain"
    ok 'and goes' virsh_ undefine plain
    sed 's|<target|<readonly/><target|' "$plain" >"$plain.read"
    ok 'one that only reads it is taken' proxy_virsh define "$plain.read"
    ok 'and goes, too' virsh_ undefine plain
}

spelled()
{
    local other
    other=vms/$(uuidgen)_disk
    rbd create --size 1M "$other"
    spelled_as 'with a reference' 'belongs to domain UUID' \
        "s|'rbd'|'r\&#98;d'|"
    spelled_as 'with a prefix' 'has a prefix' \
        "s|name=|xmlns:x='urn:x' x:name=|"
    spelled_as 'as an entity' 'has an entity' \
        "s|'rbd'|'r\&e;'|;1i <!DOCTYPE disk [<!ENTITY e 'bd'>]>"
    spelled_as 'by its document type' 'has an entity, or an attribute' \
        "s|protocol='rbd'||;1i <!DOCTYPE disk [<!ATTLIST source protocol CDATA 'rbd'>]>"
    spelled_as 'in an empty namespace of RBD' 'has an empty name' 's|vms/|vms//|'
    spelled_as 'as another element' 'is in a namespace' \
        "s|<disk|<x:disk xmlns:x='urn:x'|;s|</disk|</x:disk|"
    rbd rm --no-progress "$other"
}

# spelled_as HOW WHY SCRIPT
spelled_as()
{
    sed "s|images/.*@snap|$other|;$3" "$BED/tmp/plug.xml" >"$BED/tmp/spelled.xml"
    refuses "nor is it $1" "$2" proxy_virsh attach-device plugs \
        "$BED/tmp/spelled.xml"
}

# ---- what else carries a domain or a disk -----------------------------------

# Of user 0, by the agent.
rewrote()
{
    agent_said "domain '$1': rewritten for user 0 ($2)"
}

without_monitors()
{
    sed '/<host name=/d' "$1"
}

saved()
{
    local file=$BED/tmp/saved
    ok 'a guest runs' proxy_virsh create "$(idle_one saved)"
    ok 'is saved' proxy_virsh save saved "$file"
    proxy_virsh save-image-dumpxml "$file" >"$BED/tmp/saved.is.xml"
    without_monitors "$BED/tmp/saved.is.xml" >"$BED/tmp/saved.to.xml"
    ok 'what was saved is changed' proxy_virsh save-image-define "$file" \
        "$BED/tmp/saved.to.xml"
    like 'and has its monitors' "$(virsh_ save-image-dumpxml "$file")" \
        "<host name='127.0.0.1'"
    ok 'by the agent' rewrote saved 'definition from elsewhere'
    ok 'it is restored, with another definition' proxy_virsh restore "$file" \
        --xml "$BED/tmp/saved.to.xml"
    ok 'and runs' guest_is saved running
    wait_until 'its claim says which client it is now' 25 agent_runs \
        "$(virsh_ domuuid saved)" "vms/$(virsh_ domuuid saved)_disk"
}

# A volume without a serial, in a definition that nobody completed: its guest
# goes on without one.
kept()
{
    local volume
    volume=volume-$(uuidgen)
    ok 'a volume' rbd import --no-progress "$BED/tmp/idle" "volumes/$volume"
    guest_disk_xml vda "volumes/$volume" "$(agent_secret)" >"$BED/tmp/kept.xml"
    completes false
    ok 'the agent is to leave what is there' agent_reload
    ok 'a domain on it' guest_define kept "$(uuidgen)" "$(<"$BED/tmp/kept.xml")"
    ok 'starts' virsh_ start kept
    ok 'is saved by libvirt' virsh_ managedsave kept
    ok 'and starts from there' virsh_ start kept
    ok 'and runs' guest_is kept running
    unlike 'without a serial' "$(virsh_ dumpxml kept)" '<serial>'
    completes true
    ok 'and to complete it again' agent_reload
    ok 'its disk is updated' proxy_virsh update-device kept \
        "$BED/tmp/kept.xml" --live
    ok 'it ends' virsh_ destroy kept
}

# Onto an image of another pool, whose monitors nobody names.
copied()
{
    rbd create --size 16M volumes/copy
    cat >"$BED/tmp/copy.xml" <<XML
<disk type='network' device='disk'>
  <driver name='qemu' type='raw'/>
  <source protocol='rbd' name='volumes/copy'/>
</disk>
XML
    sed "s|volumes/copy|images/$IMAGE|;s|</disk>|<target dev='vda'/>&|" \
        "$BED/tmp/copy.xml" >"$BED/tmp/over.xml"
    refuses 'a copy over an image to clone is refused' \
        "'images/$IMAGE' is an image to clone, and a copy would write to it" \
        proxy_virsh blockcopy saved vda --xml "$BED/tmp/over.xml" \
        --reuse-external --wait --pivot
    ok 'its disk is copied, and the guest goes on with the copy' \
        proxy_virsh blockcopy saved vda --xml "$BED/tmp/copy.xml" \
        --reuse-external --wait --pivot --transient-job
    like 'which has its monitors' "$(virsh_ dumpxml saved |
        sed -n "/name='volumes\/copy'/,/<\/source>/p")" \
        "<host name='127.0.0.1'"
    ok 'it ends' proxy_virsh destroy saved
    is 'the copy is what the disk was' "$(guest_sector volumes/copy 2)" \
        "$(guest_sector "vms/$(saved_uuid)_disk" 2)"
}

saved_uuid()
{
    sed -n 's|.*<uuid>\(.*\)</uuid>.*|\1|p' "$BED/tmp/saved.is.xml" | head -n 1
}

# What no start and no attach has claimed is not written to.
floppy()
{
    rbd create --size 4M volumes/floppy
    cat >"$BED/tmp/floppy.xml" <<XML
<disk type='network' device='floppy'>
  <source protocol='rbd' name='volumes/floppy'/>
  <target dev='fda' bus='fdc'/>
</disk>
XML
    refuses 'its floppy drive is given no image to write to' \
        'given no image for its floppy drive' \
        proxy_virsh update-device drive "$BED/tmp/floppy.xml" --live
    is 'and nobody has it open' "$(cluster_watchers volumes/floppy)" ''
    sed -i "s|</disk>|<readonly/>&|" "$BED/tmp/floppy.xml"
    refuses 'one to read is libvirt'"'"'s to judge' \
        "cannot modify field 'readonly' of the disk" \
        proxy_virsh update-device drive "$BED/tmp/floppy.xml" --live
}

# Another medium in a drive.
changed()
{
    local drive
    ok 'the guests may watch images' ceph auth caps client.remora \
        mon 'profile rbd' mgr 'profile rbd pool=vms' osd \
        "$CLUSTER_REMORA_CAPS, allow rw pool=images object_prefix rbd_header."
    guest_xml -m "$(agent_asks vda "$IDLE")" drive "$(uuidgen)" \
        "<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/></disk>
         <disk type='file' device='floppy'><target dev='fda' bus='fdc'/></disk>" \
        >"$BED/tmp/drive.xml"
    ok 'a guest with a drive' proxy_virsh create "$BED/tmp/drive.xml"
    # Its firmware closes the tray while libvirt wants it open.
    ok 'has booted' guest_wait_line drive 'wrote sector 2'
    cat >"$BED/tmp/medium.xml" <<XML
<disk type='network' device='cdrom'>
  <source protocol='rbd' name='images/$IMAGE@snap'/>
  <target dev='hdc' bus='ide'/>
</disk>
XML
    ok 'gets an image into it' proxy_virsh update-device drive \
        "$BED/tmp/medium.xml" --live
    drive=$(virsh_ dumpxml drive | tr -d '\n')
    like 'which is its snapshot' "$drive" "name='images/$IMAGE'"
    like 'read-only' "$drive" '<readonly/>'
    floppy
    ok 'it ends' proxy_virsh destroy drive
}

# ---- clients of others -----------------------------------------------------

# An editor that an administrator would have typed into.
editor()
{
    printf '#!/bin/sh\nsed -i "s|%s|%s|" "$1"\n' "$1" "$2" >"$BED/tmp/editor"
    chmod +x "$BED/tmp/editor"
    echo "$BED/tmp/editor"
}

asks_by()
{
    guest_xml -m "$(agent_asks vda "$IMAGE")" "$1" "$(uuidgen)" \
        >"$BED/tmp/$1.xml"
    echo "$BED/tmp/$1.xml"
}

on_its_clone()
{
    virsh_ dumpxml --inactive "$1" |
        grep -q "name='vms/$(virsh_ domuuid "$1" | head -n 1)_disk'"
}

by_virsh()
{
    ok 'virsh defines' proxy_virsh define "$(asks_by v1)"
    ok 'what names its clone at once' on_its_clone v1
    ok 'it edits' env EDITOR="$(editor '<vcpu.*</vcpu>' '<vcpu>2</vcpu>')" \
        virsh -q -c "$PROXY_URI" edit v1
    like 'which is kept' "$(virsh_ dumpxml --inactive v1)" '>2</vcpu>'
    ok 'an edit that asks for its image again' env \
        EDITOR="$(editor "name='vms/[^']*'" "name='images/$IMAGE@snap'")" \
        virsh -q -c "$PROXY_URI" edit v1
    ok 'names its clone as well' on_its_clone v1
    ok 'it creates' proxy_virsh create "$(asks_by v2)"
    ok 'what boots and ends' bed_wait 10 eval '! guest_is v2 running'
    like 'it shows a console' "$(console)" 'remora-guest: hello from'
    ok 'it undefines' proxy_virsh undefine v1
}

# A serial port that is a terminal's. QEMU looks once a second whether somebody
# is there, and throws away what nobody hears.
console()
{
    local file said=$BED/tmp/console pid
    file=$(asks_by c1)
    sed -i '/<serial/,/<\/serial>/c<console type="pty"/>' "$file"
    proxy_virsh define "$file" >/dev/null &&
        proxy_virsh start --paused c1 >/dev/null || return
    timeout 30 script -q -e -c "virsh -c '$PROXY_URI' console c1" /dev/null \
        </dev/null >"$said" 2>&1 &
    pid=$!
    bed_wait 10 grep -q 'Escape character' "$said"
    sleep 2
    proxy_virsh resume c1 >/dev/null
    wait "$pid"
    cat "$said"
    proxy_virsh undefine c1 >/dev/null
}

volumes()
{
    local size=$((256 << 20))
    mkdir -p "$BED/tmp/dir"
    head -c "$size" /dev/urandom >"$BED/tmp/up"
    ok 'a pool of files' proxy_virsh pool-create-as files dir \
        --target "$BED/tmp/dir"
    ok 'a volume' proxy_virsh vol-create-as files big "$size"
    ok '256 MiB go up' proxy_virsh vol-upload --pool files big "$BED/tmp/up"
    ok 'and are there' cmp "$BED/tmp/up" "$BED/tmp/dir/big"
    ok 'and come down' proxy_virsh vol-download --pool files big "$BED/tmp/down"
    ok 'as they went' cmp "$BED/tmp/up" "$BED/tmp/down"
    rm -f "$BED/tmp/up" "$BED/tmp/down"
    ok 'the volume goes' proxy_virsh vol-delete --pool files big
}

by_python()
{
    local heard
    heard=$(client events "$MODEL" 2>&1)
    like 'python hears of a domain'"'"'s life' "$heard" started
    PROXY_URI=qemu:///system client events "$(foreign_model)" \
        >"$BED/tmp/direct"
    is 'all that it hears without the proxy' "$heard" "$(<"$BED/tmp/direct")"
    guest_xml -m "$(agent_asks vda "$IDLE")" shown "$(uuidgen)" \
        "<graphics type='vnc' port='-1' socket='$BED/tmp/vnc'/>" \
        >"$BED/tmp/shown.xml"
    ok 'a guest with a screen' proxy_virsh create "$BED/tmp/shown.xml"
    like 'gives a descriptor of it' "$(client graphics shown 2>&1)" 'RFB 003'
    ok 'it ends' proxy_virsh destroy shown
}

# One that starts without remora, too.
foreign_model()
{
    guest_xml NAME UUID >"$BED/tmp/foreign.xml"
    echo "$BED/tmp/foreign.xml"
}

VIRT=(--connect "$PROXY_URI")

by_virt_install()
{
    ok 'virt-install makes a domain of an image' \
        env HOME="$BED/tmp" virt-install "${VIRT[@]}" --import --name vi \
        --memory 32 --vcpus 1 --virt-type "$GUEST_VIRT" --machine pc \
        --osinfo detect=off,require=off --network none --graphics none \
        --noautoconsole --disk \
        "source.protocol=rbd,source.name=images/$IDLE@snap,target.bus=virtio,type=network"
    ok 'which runs on its clone' on_its_clone vi
    ok 'and runs' guest_is vi running
    ok 'virt-xml changes it' env HOME="$BED/tmp" virt-xml "${VIRT[@]}" vi \
        --edit --metadata title=changed --define
    like 'as it was told' "$(virsh_ dumpxml --inactive vi)" \
        '<title>changed</title>'
    ok 'and it has its clone as before' on_its_clone vi
    ok 'it ends' proxy_virsh destroy vi
    # What virt-clone copies are files.
    truncate -s 1M "$BED/tmp/dir/one"
    ok 'a domain on a file is described' file_domain
    ok 'and defined' proxy_virsh define "$BED/tmp/vf.xml"
    ok 'virt-clone copies it' env HOME="$BED/tmp" virt-clone "${VIRT[@]}" \
        --original vf --name vf2 --file "$BED/tmp/dir/two"
    ok 'with its file' test -e "$BED/tmp/dir/two"
    is 'and both are there' "$(virsh_ list --all --name | grep -c '^vf')" 2
}

file_domain()
{
    env HOME="$BED/tmp" virt-install "${VIRT[@]}" --import --name vf \
        --memory 32 --virt-type "$GUEST_VIRT" --network none --graphics none \
        --osinfo detect=off,require=off --print-xml 1 \
        --disk "path=$BED/tmp/dir/one,format=raw" >"$BED/tmp/vf.xml"
}

# ---- users -----------------------------------------------------------------

as_nobody()
{
    setpriv --reuid "$NOBODY" --regid "$NOBODY" --clear-groups \
        env HOME=/nonexistent "$@"
}

nobody_virsh()
{
    as_nobody virsh -q -c "$PROXY_URI" "$@"
}

# A daemon that lets nobody but root in.
closed_daemon()
{
    sed -i 's/^unix_sock_rw_perms.*/unix_sock_rw_perms = "0700"/' \
        /etc/libvirt/libvirtd.conf && libvirtd_restart
}

open_daemon()
{
    sed -i 's/^unix_sock_rw_perms.*/unix_sock_rw_perms = "0777"/' \
        /etc/libvirt/libvirtd.conf && libvirtd_restart
}

users()
{
    ok 'somebody who may defines' nobody_virsh define "$(asks_by n1)"
    ok 'what names its clone' on_its_clone n1
    ok 'and starts it' nobody_virsh start n1
    ok 'libvirtd lets root alone in' closed_daemon
    refuses 'somebody else is kept out by it' 'Permission denied' \
        as_nobody virsh -q list
    refuses 'and so he is through the proxy' 'Permission denied' \
        nobody_virsh list
    ok 'root is not' proxy_virsh list
    ok 'libvirtd lets all in again' open_daemon
    wait_until 'and so does the proxy' 10 nobody_virsh list
    ok 'the proxy ends' proxy_stop
    ok 'one for a group starts' proxy_start --mode=0770 --group=kvm
    refuses 'who is not in it cannot connect' 'Permission denied' \
        nobody_virsh list
    ok 'who is can' setpriv --reuid "$NOBODY" --regid "$NOBODY" \
        --groups "$(getent group kvm | cut -d : -f 3)" \
        env HOME=/nonexistent virsh -q -c "$PROXY_URI" list
    ok 'it ends' proxy_stop
    ok 'one for all starts' proxy_start --mode=0777
}

# ---- ways in ---------------------------------------------------------------

ways()
{
    mkdir -p /etc/libvirt "$BED/tmp/libvirt"
    echo "uri_default = \"$PROXY_URI\"" >/etc/libvirt/libvirt.conf
    is 'uri_default leads all clients of the host in' \
        "$(virsh -q uri)" "$PROXY_URI"
    ok 'which define' virsh -q define "$(asks_by w1)"
    ok 'what names its clone' on_its_clone w1
    rm /etc/libvirt/libvirt.conf
}

# Host-wide: the daemon's socket is another, and clients find the proxy where
# they always looked.
host_wide()
{
    local own=/run/libvirt/behind-remora-sock
    ok 'the proxy ends' proxy_stop
    ok 'the agent ends' agent_stop
    ok 'and libvirtd' libvirtd_stop
    LIBVIRT_LISTENS='' libvirtd_behind "$own" ||
        { fail 'libvirtd behind another path'; return; }
    mkdir -p /etc/remora
    echo "libvirt: { socket = \"$own\"; };" >/etc/remora/remora.conf
    ok 'the agent goes to the daemon itself' agent_start
    PROXY_SOCKET=/run/libvirt/libvirt-sock
    ok 'the proxy is where clients look' proxy_start --mode=0777 \
        --listen=/run/libvirt/libvirt-sock --upstream="$own"
    ok 'a client that knows nothing of it defines' \
        virsh -q -c qemu:///system define "$(asks_by h1)"
    ok 'what names its clone' on_its_clone h1
    ok 'and starts it' virsh -q -c qemu:///system start h1
    ok 'which ends' guest_wait_off h1
}

# A daemon on another path: unix_sock_dir names a directory, not a file.
libvirtd_behind()
{
    echo "unix_sock_dir = \"$BED/tmp/behind\"" >>/etc/libvirt/libvirtd.conf
    mkdir -p "$BED/tmp/behind"
    libvirtd_spawn
    bed_wait 30 test -S "$BED/tmp/behind/libvirt-sock" &&
        rm -f /run/libvirt/libvirt-sock &&
        ln -s "$BED/tmp/behind/libvirt-sock" "$1"
}

# ---- when parts are missing ------------------------------------------------

missing()
{
    ok 'a guest runs' proxy_virsh create "$(idle_one stays)"
    agent_stop
    ok 'without an agent a foreign domain is defined' \
        proxy_virsh define "$(foreign f1)"
    refuses 'one that is ours is refused' 'remorad' timeout 10 \
        virsh -q -c "$PROXY_URI" define "$(asks_by m1)"
    is 'in one line' "$(grep -c . <<<"$TAP_OUT")" 2
    diag "$TAP_OUT"
    refuses 'and is not there' 'failed to get domain' virsh_ domuuid m1
    refuses 'a disk that is ours is not plugged in' 'remorad' timeout 10 \
        virsh -q -c "$PROXY_URI" attach-device stays "$BED/tmp/plug.xml"
    ok 'the agent comes back' agent_start
    ok 'and the domain is defined' proxy_virsh define "$(asks_by m1)"
    ok 'the proxy is killed' proxy_kill
    ok 'the guest runs on' guest_is stays running
    ok 'libvirtd answers' virsh_ list
    ok 'no relay stays' bed_wait 5 eval '[ "$(proxy_relays)" = 0 ]'
    ok 'the proxy starts again' proxy_start --mode=0777
    ok 'and serves' proxy_virsh list
    ok 'the guest ends' proxy_virsh destroy stays
}

idle_one()
{
    guest_xml -m "$(agent_asks vda "$IDLE")" "$1" "$(uuidgen)" \
        "<controller type='scsi' model='virtio-scsi'/>" >"$BED/tmp/$1.xml"
    echo "$BED/tmp/$1.xml"
}

foreign()
{
    guest_xml "$1" "$(uuidgen)" >"$BED/tmp/$1.xml"
    echo "$BED/tmp/$1.xml"
}

inside()
{
    bed_need_remora
    parts
    back_to_back
    redefined
    plugged
    saved
    kept
    copied
    changed
    by_virsh
    volumes
    by_python
    by_virt_install
    users
    missing
    ways
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
    host_wide
}

bed_enter "$0" "$@"
inside
tap_done
