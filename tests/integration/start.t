#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/start.t - from 'virsh define' to a guest on its clone
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

IMAGE=0a64fa67-3e34-42e7-b7b0-423c11850e18
A=982b8eac-6bcc-4a21-bd04-b67e26188be0
B=a9670d9a-8aa7-49ba-baf5-9d7a450172f3
C=3f1d2c4b-5a69-4788-9b0a-1c2d3e4f5a6b
MiB=$((1024 * 1024))

info()
{
    rbd info --format json "$1" | jq -r "$2"
}

# Where the domain's stored definition says that a disk is.
source_of()
{
    virsh_ dumpxml --inactive "$1" | sed -n "s/.*<source protocol='rbd' name='\([^']*\)'.*/\1/p"
}

is_rewritten()
{
    [ "$(source_of "$1")" = "$2" ]
}

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    guest_image 16M 'a golden image' off "$BED/tmp/golden" || bail 'no image'
    guest_image 16M 'an idle image' idle "$BED/tmp/idle" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/golden" "$IMAGE"
    ok 'another' cluster_add_image "$BED/tmp/idle" "$C"
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    ok 'the hook is installed' hook_install "$(agent_hook)"
    ok 'the agent starts' agent_start || bail 'no agent'
}

main_job()
{
    ok 'a domain that only names its image is defined' \
        guest_define -m "$(agent_asks vda "$IMAGE" '64 MiB')" web1 "$A"
    wait_until 'it is rewritten' 5 is_rewritten web1 "vms/${A}_disk"
    is 'no clone exists before the start' "$(rbd ls vms)" ''
    ok 'it starts' virsh_ start web1
    ok 'the guest reads its image' guest_wait_line web1 \
        'remora-guest: hello from a golden image'
    ok 'it writes its disk' guest_wait_line web1 'wrote sector 2'
    ok 'it powers off' guest_wait_off web1
    is 'the clone has what it wrote' "$(guest_sector "vms/${A}_disk" 2)" \
        'written by a golden image'
    is 'the image has not' "$(guest_sector "images/$IMAGE" 2)" ''
    ok 'and all its bytes are as they were' \
        eval "rbd export --no-progress images/$IMAGE - 2>/dev/null | cmp - $BED/tmp/golden"
    is 'the clone has its parent' \
        "$(info "vms/${A}_disk" '.parent | "\(.pool)/\(.image)@\(.snapshot)"')" \
        "images/$IMAGE@snap"
    is 'the size is what was asked' "$(info "vms/${A}_disk" .size)" \
        $((64 * MiB))
    is 'the order is the image'"'"'s' "$(info "vms/${A}_disk" .order)" 23
    wait_until 'no claim remains' 5 agent_no_claims
}

# ---- the image in the disk's own source ------------------------------------

# source_disk SOURCE: with no monitors, secret or cache mode.
source_disk()
{
    echo "<disk type='network' device='disk'>
      <driver name='qemu' type='raw'/>$1
      <target dev='vda' bus='virtio'/>
    </disk>"
}

SOURCES=(
    "<source protocol='rbd' name='images/$IMAGE@snap'/>"
    "<source protocol='rbd' name='images/$IMAGE'><snapshot name='snap'/></source>"
)

by_source()
{
    local source=$1 name=$2 uuid before
    uuid=$(uuidgen)
    ok "$name: the agent stops" agent_stop
    ok "$name: a disk whose source is the image" \
        guest_define "$name" "$uuid" "$(source_disk "$source")"
    before=$(virsh_ dumpxml --inactive "$name")
    refuses "$name: it never gets to QEMU as it is" 'does not name its clone yet' \
        virsh_ start "$name"
    ok "$name: the agent starts" agent_start
    wait_until "$name: its source is the clone" 5 \
        is_rewritten "$name" "vms/${uuid}_disk"
    is "$name: it is one disk still" \
        "$(virsh_ dumpxml --inactive "$name" | grep -c '<disk ')" 1
    like "$name: with the secret" "$(virsh_ dumpxml --inactive "$name")" \
        "<secret type='ceph' uuid='$(agent_secret)'/>"
    ok "$name: it starts" virsh_ start "$name"
    ok "$name: from the clone" guest_wait_line "$name" \
        'remora-guest: hello from a golden image'
    ok "$name: and ends" guest_wait_off "$name"
    is "$name: the image is its parent" \
        "$(info "vms/${uuid}_disk" .parent.image)" "$IMAGE"
    ok "$name: it is put back" eval "agent_stop && remora revert $name"
    # libvirt keeps the element that it made for our metadata.
    is "$name: as it was" \
        "$(virsh_ dumpxml --inactive "$name" | grep -v -x '  <metadata/>')" \
        "$before"
    virsh_ undefine "$name" >/dev/null
    rbd rm --no-progress "vms/${uuid}_disk"
    agent_start
}

by_sources()
{
    local i
    for i in "${!SOURCES[@]}"; do
        by_source "${SOURCES[i]}" "source$i"
    done
    is 'the image has all its bytes' \
        "$(rbd export --no-progress "images/$IMAGE" - 2>/dev/null | md5sum)" \
        "$(md5sum <"$BED/tmp/golden")"
}

second_domain()
{
    ok 'a second domain' guest_define -m "$(agent_asks vda "$IMAGE")" web2 "$B"
    wait_until 'is rewritten' 5 is_rewritten web2 "vms/${B}_disk"
    ok 'starts' virsh_ start web2
    ok 'and runs from its own clone' guest_wait_line web2 \
        'remora-guest: hello from a golden image'
    ok 'and ends' guest_wait_off web2
    is 'both are children of the image' \
        "$(rbd children "images/$IMAGE@snap" | sort)" \
        "vms/${A}_disk
vms/${B}_disk"
    ok 'the first starts again' virsh_ start web1
    ok 'and finds what it wrote' guest_wait_line web1 \
        'found written by a golden image'
    ok 'and ends again' guest_wait_off web1
}

# The generated disk, as QEMU got it, gives back what is discarded. 16 objects
# of 8 MiB beyond the 16 MiB that the parent shows through.
objects()
{
    local prefix
    prefix=$(info "$1" .block_name_prefix)
    rados -p vms ls | grep -c -F "$prefix."
}

in_qemu()
{
    virsh_ qemu-monitor-command web3 --hmp \
        "qemu-io -d /machine/peripheral/virtio-disk0/virtio-backend \"$1\""
}

discard()
{
    local uuid=11111111-5a69-4788-9b0a-1c2d3e4f5a6b disk written left
    disk=vms/${uuid}_disk
    ok 'a domain that stays up' \
        guest_define -m "$(agent_asks vda "$C" '256 MiB')" web3 "$uuid"
    wait_until 'is rewritten' 5 is_rewritten web3 "$disk"
    ok 'starts' virsh_ start web3
    ok 'and stays' guest_wait_line web3 'remora-guest: idle'
    like 'its disk has the cache mode and discard of the configuration' \
        "$(virsh_ dumpxml web3)" \
        "<driver name='qemu' type='raw' cache='writeback' discard='unmap'"
    like 'and names a monitor' "$(virsh_ dumpxml web3)" \
        "<host name='127.0.0.1' port='6789'/>"
    in_qemu 'write -P 7 32M 128M' >"$BED/tmp/written"
    in_qemu flush >/dev/null
    written=$(objects "$disk")
    ok 'it writes 16 objects' [ "$written" -ge 16 ]
    in_qemu 'discard 32M 128M' >"$BED/tmp/discarded"
    in_qemu flush >/dev/null
    left=$(objects "$disk")
    ok 'and gets 90 in 100 of them back' \
        [ $(((written - left) * 100)) -ge $((16 * 90)) ]
    diag "objects: $written written, $left left"
    refuses 'a second domain on that disk is refused' "$uuid" \
        guest_define_and_start web4 "$(uuidgen)" \
        "$(guest_disk_xml vda "$disk" "$(agent_secret)")"
    virsh_ undefine web4 >/dev/null 2>&1
    ok 'it is destroyed' virsh_ destroy web3
}

guest_define_and_start()
{
    guest_define "$@" && virsh_ start "$1"
}

secret()
{
    wait_until 'the agent made the secret' 10 eval \
        'virsh_ secret-list | grep "remora client.remora"'
    refuses 'which is private' 'private' \
        virsh_ secret-get-value "$(agent_secret)"
}

autostart()
{
    ok 'a domain autostarts' virsh_ autostart web2
    : >"$BED/serial/web2"
    # libvirtd autostarts once a boot, and remembers that under /run.
    rm -f /run/libvirt/qemu/autostarted
    ok 'with libvirtd' libvirtd_restart
    ok 'and boots' guest_wait_line web2 \
        'remora-guest: hello from a golden image'
    ok 'and ends' guest_wait_off web2
    virsh_ autostart --disable web2 >/dev/null
    never_started
    wait_until 'the agent is connected again' 10 agent_connected 2
}

# One whose clone is not made yet.
never_started()
{
    local uuid
    uuid=$(uuidgen)
    ok 'a domain that never ran' agent_defines fresh "$uuid" "$IMAGE"
    ok 'autostarts' virsh_ autostart fresh
    is 'its disk is not there' "$(rbd ls vms | grep -c "$uuid")" 0
    rm -f /run/libvirt/qemu/autostarted
    ok 'libvirtd starts again' libvirtd_restart
    ok 'and it boots from its new clone' guest_wait_line fresh \
        'remora-guest: hello from a golden image'
    ok 'and ends as well' guest_wait_off fresh
    virsh_ undefine fresh >/dev/null
}

agent_connected()
{
    [ "$(grep -c 'connected to libvirt' "$BED/log/remorad.log")" -ge "$1" ]
}

# start_when_rewritten NAME: how soon a definition is rewritten is a matter of
# the machine's pace; until then its start is refused with what to do, and with
# nothing else.
start_when_rewritten()
{
    local end=$((SECONDS + 60)) said
    until said=$(virsh_ start "$1" 2>&1); do
        if [[ $said != *'does not name its clone yet'* ]] ||
            [ "$SECONDS" -ge "$end" ]; then
            diag "$1: $said"
            return 1
        fi
        sleep 0.3
    done
}

# Define and start as two commands: the guest runs from its clone.
two_commands()
{
    local rounds=${REMORA_FULL:+100} i name uuid bad=0
    rounds=${rounds:-10}
    for ((i = 0; i < rounds; i++)); do
        name=two$i
        uuid=$(uuidgen)
        guest_define -m "$(agent_asks vda "$IMAGE")" "$name" "$uuid" \
            >/dev/null && start_when_rewritten "$name" &&
            guest_wait_line "$name" 'hello from a golden image' &&
            guest_wait_off "$name" && virsh_ undefine "$name" >/dev/null &&
            rbd info "vms/${uuid}_disk" | grep -q "images/$IMAGE@snap" &&
            continue
        bad=$((bad + 1))
        diag "round $i: $(virsh_ domstate "$name" 2>&1)"
    done
    is "define and start, $rounds times" "$bad" 0
}

# Define and start at once on one connection: either the guest runs from its
# clone, or the start is refused with what to do; never anything else.
back_to_back()
{
    local rounds=${REMORA_FULL:+100}
    rounds=${rounds:-10}
    guest_xml -m "$(agent_asks vda "$IMAGE")" NAME UUID >"$BED/tmp/back.xml"
    back_to_back_as 'by its metadata' "$rounds"
    guest_xml NAME UUID "$(source_disk "${SOURCES[0]}")" >"$BED/tmp/back.xml"
    back_to_back_as 'by its source' "$rounds"
}

back_to_back_as()
{
    local title=$1 rounds=$2
    python3 - "$BED/tmp/back.xml" "$rounds" "$BED/serial" \
        >"$BED/tmp/back" 2>&1 <<'PYTHON'
import libvirt, sys, time, uuid

libvirt.registerErrorHandler(lambda *_: None, None)
conn = libvirt.open('qemu:///system')
xml = open(sys.argv[1]).read()


# How soon the definition is rewritten is a matter of the machine's pace.
def create_later(domain):
    for _ in range(100):
        time.sleep(0.3)
        try:
            return domain.create()
        except libvirt.libvirtError as error:
            if 'does not name its clone yet' not in str(error):
                raise
    return domain.create()


for i in range(int(sys.argv[2])):
    ident = str(uuid.uuid4())
    serial = '%s/back%d' % (sys.argv[3], i)
    open(serial, 'w').close()
    domain = conn.defineXML(xml.replace('NAME', 'back%d' % i)
                            .replace('UUID', ident))
    try:
        domain.create()
        print('ran', ident)
    except libvirt.libvirtError as error:
        if 'does not name its clone yet' not in str(error):
            print('wrong', error)
            continue
        create_later(domain)
        print('refused', ident)
    while domain.isActive():
        time.sleep(0.05)
    if 'hello from a golden image' not in open(serial).read():
        print('wrong: the guest of', ident, 'said', open(serial).read())
    domain.undefine()
PYTHON
    is "define and start back to back, $title, $rounds times" \
        "$(grep -c -E '^(ran|refused) ' "$BED/tmp/back")" "$rounds"
    is 'nothing else happened' \
        "$(grep -v -E '^(ran|refused) ' "$BED/tmp/back")" ''
    diag "$(cut -d ' ' -f 1 "$BED/tmp/back" | sort | uniq -c | tr '\n' ' ')"
    is 'each has its own clone' "$(awk '{ print $2 "_disk" }' "$BED/tmp/back" |
        while read -r disk; do
            rbd info "vms/$disk" 2>&1 | grep -c "images/$IMAGE@snap"
        done | grep -c 1)" "$rounds"
}

# Definitions that were there before the agent, and one it is told of late.
sweep()
{
    local uuid
    uuid=$(uuidgen)
    ok 'the agent stops' agent_stop
    ok 'a domain is defined without it' \
        guest_define -m "$(agent_asks vda "$IMAGE")" late "$uuid"
    refuses 'its start is refused' 'does not name its clone yet' virsh_ start late
    ok 'the agent starts' agent_start
    wait_until 'and finds it' 5 is_rewritten late "vms/${uuid}_disk"
    ok 'so that it starts' virsh_ start late
    ok 'and ends' guest_wait_off late
    wait_until 'no claim remains' 5 agent_no_claims
}

one_shot()
{
    ok 'the agent stops' agent_stop
    : >"$BED/serial/late"
    ok 'a domain starts without it' virsh_ start late
    ok 'from its clone' guest_wait_line late \
        'remora-guest: hello from a golden image'
    ok 'and ends' guest_wait_off late
    ok 'the agent starts' agent_start
    ok 'the domain starts with it' virsh_ start late
    ok 'and ends again' guest_wait_off late
    wait_until 'no claim remains' 5 agent_no_claims
}

inside()
{
    bed_need_remora
    parts
    secret
    main_job
    by_sources
    second_domain
    discard
    autostart
    two_commands
    back_to_back
    sweep
    one_shot
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside
tap_done
