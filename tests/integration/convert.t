#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/convert.t - images that are not raw
#
# What Glance has as qcow2 or the like is converted once, in the background, into
# a raw image that every guest's disk is a clone of. Killed at any moment, nothing
# half-made is used. What would have another file read is refused.
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
. "$here/lib/request.sh"
. "$here/lib/bases.sh"

IMAGE=0a64fa67-3e34-42e7-b7b0-423c11850e18
MiB=$((1024 * 1024))
ROUNDS=${REMORA_FULL:+100}
ROUNDS=${ROUNDS:-10}

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    guest_image 32M 'a golden image' off "$BED/tmp/golden" || bail 'no image'
    # Data behind the guest, so that there is something to convert.
    dd if=/dev/urandom of="$BED/tmp/golden" bs=1M seek=4 count=20 \
        conv=notrunc status=none
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    ok 'the hook is installed' hook_install "$(agent_hook)"
    ok 'the agent starts' agent_start || bail 'no agent'
}

# add FORMAT UUID [OPTION]...: as Glance stores what it was given.
add()
{
    local format=$1 uuid=$2
    shift 2
    qemu-img convert -q -f raw -O "$format" "$@" "$BED/tmp/golden" \
        "$BED/tmp/image" && cluster_add_image "$BED/tmp/image" "$uuid"
}

converts()
{
    [ "$(conversions)" != '[]' ]
}

converts_nothing()
{
    [ "$(conversions)" = '[]' ]
}

# asks UUID: for a disk of the image, as the hook gets it.
asks()
{
    request_kind one "$(agent_asks vda "images/$1@snap" '64 MiB')" &&
        request_new one
}

# ---- one image ---------------------------------------------------------------

one_image()
{
    local uuid
    uuid=$(uuidgen)
    ok 'a qcow2 image' add qcow2 "$IMAGE" -c
    ok 'the agent starts anew, and every write takes its time' eval \
        'agent_stop && REMORA_FAULT=filling=hold REMORA_FAULT_HOLD=$BED/tmp/hold \
            agent_start'
    : >"$BED/tmp/hold"
    ok 'a domain that asks for it is defined' \
        agent_defines web1 "$uuid" "$IMAGE" '64 MiB'
    wait_until 'it is being converted' 10 converts
    is 'the status says from what into what' \
        "$(conversions | jq -r '.[] | "\(.image) \(.state) \(.size)"')" \
        "images/$IMAGE@snap converting $((32 * MiB))"
    like 'the text, too' "$(remora status | grep '^images/' | tr -s ' ')" \
        "images/$IMAGE@snap $(conversions | jq -r '.[].into') 32 MiB 0 % converting"
    refuses 'it does not start before' \
        "image 'images/$IMAGE' is being converted, 0 % are done" virsh_ start web1
    is 'and has no disk' "$(rbd ls vms | grep -c _disk)" 0
    rm "$BED/tmp/hold"
    wait_until 'it comes to its end' 30 converts_nothing
    ok 'the domain starts' virsh_ start web1
    ok 'the guest reads its image' guest_wait_line web1 \
        'remora-guest: hello from a golden image'
    ok 'and writes to its disk' guest_wait_line web1 'wrote sector 2'
    ok 'its disk is a clone of what was made' bases_has "vms/${uuid}_disk"
    ok 'the base is sparse' [ "$(rbd diff --format json \
        "vms/$(bases)@snap" | jq 'map(.length) | add')" -le $((24 * MiB)) ]
    ok 'another is defined' agent_defines web2 "$(uuidgen)" "$IMAGE" '64 MiB'
    ok 'and starts at once' virsh_ start web2
    ok 'it was converted once' [ "$(grep -c 'converted images' \
        "$BED/log/remorad.log")" = 1 ]
    is 'the image is as it was' "$(rbd export --no-progress "images/$IMAGE" - \
        2>/dev/null | md5sum)" "$(md5sum <"$BED/tmp/image")"
    wait_until 'both guests end' 20 guest_wait_off web2
    ok 'the first one' guest_wait_off web1
    ok 'starts again' virsh_ start web1
    ok 'and ends' guest_wait_off web1
    wait_until 'no claim is left' 10 agent_no_claims
}

others()
{
    local format uuid
    for format in vmdk vpc vhdx; do
        uuid=$(uuidgen)
        case $format in
        vpc) add "$format" "$uuid" -o force_size=on ;;
        *) add "$format" "$uuid" ;;
        esac
        asks "$uuid"
        refuses "$format is converted when a start asks for it" \
            'is being converted' request_prepare
        wait_until "$format: until it is done" 30 request_prepare
        ok "$format: it is what it was" bases_has "$REQUEST_DISK"
        request_release
    done
    wait_until 'no claim is left' 10 agent_no_claims
}

ten()
{
    local i uuid
    uuid=$(uuidgen)
    ok 'another image' add qcow2 "$uuid"
    for i in {0..9}; do
        guest_define -m "$(agent_asks vda "$uuid" '64 MiB')" "ten$i" \
            "$(uuidgen)" >"$BED/tmp/ten$i.out" &
        PIDS[i]=$!
    done
    wait "${PIDS[@]}"
    for i in {0..9}; do
        wait_until "of ten the domain ten$i starts" 30 virsh_ start "ten$i"
    done
    is 'all ten by one conversion' "$(grep -c "converted images/$uuid" \
        "$BED/log/remorad.log")" 1
    is 'and nothing is in the trash' "$(rbd trash ls vms)" ''
    for i in {0..9}; do
        guest_wait_off "ten$i" >/dev/null
        virsh_ undefine "ten$i" >/dev/null
    done
}

# ---- what is refused -----------------------------------------------------------

# refused TITLE TEXT FILE: as an image.
refused()
{
    local uuid
    uuid=$(uuidgen)
    cluster_add_image "$3" "$uuid" >/dev/null
    asks "$uuid"
    refuses "$1: refused" "$2" request_prepare
    is "$1: nothing was made of it" "$(bases | wc -l)" "$BASES"
}

bad_images()
{
    local at=$BED/tmp/bad
    BASES=$(bases | wc -l)
    qemu-img create -q -f qcow2 -o "backing_file=$BED/tmp/golden,backing_fmt=raw" \
        "$at"
    refused 'a backing file' 'is qcow2 with a backing file' "$at"
    qemu-img create -q -f qcow2 -o data_file="$BED/tmp/data" "$at" 8M
    refused 'a data file' 'is qcow2 with data in another file' "$at"
    ok 'qemu-img encrypts one' bed_wait 60 bed_encrypted "$at"
    refused 'an encrypted one' 'is qcow2 that is encrypted' "$at"
    # A raw disk, as far as anybody was told; its first sector says otherwise.
    truncate -s 1M "$BED/tmp/empty"
    qemu-img create -q -f qcow2 -o backing_fmt=raw -b "$BED/tmp/empty" "$at"
    python3 - "$at" "$BED/tmp/golden" "$BED/tmp/fake" <<'PYTHON'
import struct, sys
head = bytearray(open(sys.argv[1], 'rb').read(65536))
name = b'/etc/shadow'
struct.pack_into('>QI', head, 8, 4096, len(name))
head[4096:4096 + len(name)] = name
raw = bytearray(open(sys.argv[2], 'rb').read())
raw[:65536] = head
open(sys.argv[3], 'wb').write(raw)
PYTHON
    refused 'a raw file that begins as qcow2 on /etc/shadow' \
        'is qcow2 with a backing file' "$BED/tmp/fake"
    qemu-img create -q -f qcow2 "$at" 2T
    refused 'too large a one' 'is qcow2 of more than 1 TiB' "$at"
    qemu-img create -q -f vmdk -o subformat=monolithicFlat "$at" 8M
    refused 'a list of files' 'is vmdk with data in another file' "$at"
    qemu-img create -q -f vdi "$at" 8M
    refused 'another format' 'is vdi which is not converted here' "$at"
    # Its header is right as far as it is looked at, and leads to nowhere.
    qemu-img convert -q -f raw -O qcow2 "$BED/tmp/golden" "$at"
    printf '\377\377' | dd of="$at" bs=1 seek=40 conv=notrunc status=none
    damaged "$at"
    is 'no tool was let near a file' "$(pgrep -c -U 65534 qemu-img || :)" 0
}

fails()
{
    tap_run request_prepare
    [[ $TAP_OUT == *"$1"* ]]
}

damaged()
{
    local uuid
    uuid=$(uuidgen)
    cluster_add_image "$1" "$uuid" >/dev/null
    asks "$uuid"
    tap_run request_prepare
    wait_until 'a damaged one: the start is told why' 30 fails \
        "'qemu-img' (of the package qemu-utils) did not come to its end"
    is 'a damaged one: nothing is left of it' "$(bases | wc -l)" "$BASES"
    like 'a damaged one: the status has it' "$(conversions |
        jq -r '.[] | "\(.image) \(.state) \(.error)"')" \
        "images/$uuid@snap failed 'qemu-img'"
}

too_small()
{
    request_kind small "$(agent_asks vda "images/$IMAGE@snap" '16 MiB')"
    request_new small
    refuses 'a disk that is too small for what is in the image' \
        "16777216 bytes cannot hold image 'images/$IMAGE' of $((32 * MiB)) bytes" \
        request_prepare
}

never()
{
    local uuid
    uuid=$(uuidgen)
    add qcow2 "$uuid"
    echo 'clone: { convert = "never"; };' >/etc/remora/remora.conf
    ok 'nothing is to be converted' agent_reload
    asks "$uuid"
    refuses 'so it is refused' 'holds qcow2 and only raw images can be cloned' \
        request_prepare
    rm /etc/remora/remora.conf
    ok 'and as before again' agent_reload
}

# ---- without an agent, and killed ----------------------------------------------

no_agent()
{
    local uuid
    uuid=$(uuidgen)
    add qcow2 "$uuid"
    asks "$uuid"
    ok 'the agent stops' agent_stop
    refuses 'without one nothing is converted' \
        'remorad does that when the domain is defined or started while it runs' \
        request_prepare
    ok 'one starts' agent_start
}

# one_round FAULT: the agent dies of it while it converts a new image, and the
# next one goes on.
one_round()
{
    local uuid
    uuid=$(uuidgen)
    add qcow2 "$uuid" >/dev/null
    agent_stop >/dev/null
    REMORA_FAULT=$1 agent_start || return 1
    asks "$uuid" || return 1
    tap_run request_prepare
    bed_wait 20 bed_gone "$AGENT_PID" || { echo 'it did not die'; return 1; }
    agent_start || return 1
    bed_wait 60 request_prepare || { request_prepare; return 1; }
    bases_has "$REQUEST_DISK" || return 1
    request_release
    bed_wait 10 agent_no_claims
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
        tap_run one_round "filling=kill@$((RANDOM % 10 + 1))" && continue
        bad=$((bad + 1))
        diag "round $n: $TAP_OUT"
    done
    is "killed $n times, it is converted in the end" "$bad" 0
    is 'nothing half-made is left but in the trash' "$(bases |
        while read -r base; do
            rbd image-meta get "vms/$base" remora.ready >/dev/null &&
                rbd snap ls "vms/$base" | grep -q -w snap || echo "$base"
        done)" ''
    ok 'half-made ones were met' eval '[ "$(rbd trash ls vms | wc -l)" -gt 3 ]'
    is 'no tool runs any more' "$(pgrep -c -U 65534 qemu-img || :)" 0
}

# ---- how much memory it takes ---------------------------------------------------

tool_pid()
{
    TOOL=$(pgrep -U 65534 qemu-img)
}

# peak PID: in KiB.
peak()
{
    awk '$1 == "VmHWM:" { print $2 }' "/proc/$1/status"
}

memory()
{
    local uuid before tool
    uuid=$(uuidgen)
    dd if=/dev/urandom of="$BED/tmp/golden" bs=1M count=400 status=none
    truncate -s 448M "$BED/tmp/golden"
    add qcow2 "$uuid"
    ok 'the agent starts anew' eval 'agent_stop &&
        REMORA_FAULT=filled=hold REMORA_FAULT_HOLD=$BED/tmp/hold agent_start'
    : >"$BED/tmp/hold"
    request_kind large "$(agent_asks vda "images/$uuid@snap" '512 MiB')"
    request_new large
    before=$(peak "$AGENT_PID")
    tap_run request_prepare
    wait_until 'a tool runs' 20 tool_pid
    tool=0
    while [ -e "/proc/$TOOL" ]; do
        tool=$(peak "$TOOL" 2>/dev/null) || break
        [ -n "$tool" ] || break
        LAST=$tool
        sleep 0.1
    done
    ok "a large image takes the tool $LAST KiB" [ "$LAST" -lt $((64 * 1024)) ]
    LAST=$(($(peak "$AGENT_PID") - before))
    ok "and the agent $LAST KiB" [ "$LAST" -lt $((128 * 1024)) ]
    rm "$BED/tmp/hold"
    wait_until 'it is converted' 30 request_prepare
    ok 'and right' bases_has "$REQUEST_DISK"
    request_release
}

inside()
{
    bed_need_remora
    parts
    one_image
    others
    ten
    bad_images
    too_small
    never
    no_agent
    kills
    memory
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside
tap_done
