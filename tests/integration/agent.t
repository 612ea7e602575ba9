#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/agent.t - remorad and remora as an operator meets them
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
ADMIN=(-n glance -k /etc/ceph/ceph.client.glance.keyring)

stored()
{
    virsh_ dumpxml --inactive "$1"
}

is_ours()
{
    stored "$1" | grep -q "vms/${2}_disk'"
}

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    guest_image 16M 'a golden image' off "$BED/tmp/golden" || bail 'no image'
    ok 'the hook is installed' hook_install "$(agent_hook)"
}

# ---- the command line ------------------------------------------------------

image_commands()
{
    is 'an image is added under its id' \
        "$(remora "${ADMIN[@]}" image add --id "$IMAGE" "$BED/tmp/golden" |
            head -n 1)" "$IMAGE"
    is 'with objects of 8 MiB' \
        "$(rbd info --format json "images/$IMAGE" | jq .order)" 23
    is 'and a protected snapshot' \
        "$(rbd snap ls --format json "images/$IMAGE" |
            jq -r '.[] | "\(.name) \(.protected)"')" 'snap true'
    rbd export --no-progress "images/$IMAGE@snap" "$BED/tmp/back" 2>/dev/null
    ok 'and all its bytes' cmp "$BED/tmp/golden" "$BED/tmp/back"
    like 'it is listed' "$(remora image list)" "$IMAGE  images  16 MiB"
    progress
    refuses 'a second one of that id' 'is there already' \
        remora "${ADMIN[@]}" image add --id "$IMAGE" "$BED/tmp/golden"
    refuses 'without a user that may write' 'not permitted' \
        remora image add "$BED/tmp/golden"
    refuses 'an id that is none' 'not a UUID' \
        remora image add --id mine "$BED/tmp/golden"
    qemu-img create -q -f qcow2 -F raw -b "$BED/tmp/golden" "$BED/tmp/qcow2"
    refuses 'a file that hangs from another' 'backing file' \
        remora "${ADMIN[@]}" image add "$BED/tmp/qcow2"
    is 'nothing half-made is left' "$(rbd ls images)" "$IMAGE"
}

# A bar at a terminal, and nothing but the id elsewhere.
progress()
{
    local id=5d0a3c0e-7a65-4f0e-9c8f-8a1d2b3c4d5e command said
    command="'$BED_INST/bin/remora' ${ADMIN[*]} image add --id $id \
        --checksum none '$BED/tmp/golden'"
    said=$(script -q -e -c "$command" /dev/null </dev/null)
    like 'at a terminal a bar shows how far it is' "$said" \
        '[##############################] 16 MiB of 16 MiB (100 %)'
    like 'and then the id' "$said" "$id"
    image_remove "$id"
    is 'elsewhere there is none' "$(eval "$command" 2>&1)" "$id"
    image_remove "$id"
}

image_remove()
{
    rbd snap unprotect "images/$1@snap" 2>/dev/null
    rbd snap rm --no-progress "images/$1@snap"
    rbd rm --no-progress "images/$1"
}

plans()
{
    local xml=$BED/tmp/plan.xml
    guest_xml -m "$(agent_asks vda "$IMAGE" '32 MiB')" plan "$A" >"$xml"
    like 'plan lists the disk' "$(remora plan "$xml")" \
        "vda     clone  images/$IMAGE@snap  vms/${A}_disk  32 MiB  clone, rewrite"
    is 'and so does its JSON' \
        "$(remora plan --json - <"$xml" | jq -r '.[0] | "\(.kind) \(.size)"')" \
        "clone $((32 * 1024 * 1024))"
    is 'nothing was made by it' "$(rbd ls vms)" ''
    like 'render names the clone' "$(remora render "$xml")" "vms/${A}_disk"
    is 'and without the cluster it says the same' \
        "$(remora render --offline "$xml")" "$(remora render "$xml")"
    like 'as a difference' "$(remora render --diff "$xml")" "+    <disk type="
    remora render "$xml" >"$xml.final"
    is 'what it printed needs no change' "$(remora render --diff "$xml.final")" ''
    guest_xml plain "$B" >"$xml.plain"
    ok 'a domain that asks for nothing passes byte for byte' \
        eval "remora render '$xml.plain' | cmp - '$xml.plain'"
    like 'provision makes the disk' "$(remora provision "$xml")" \
        "vms/${A}_disk  32 MiB  cloned"
    like 'once' "$(remora provision "$xml")" "vms/${A}_disk  32 MiB  was ready"
    ok 'and leaves no claim' agent_no_claims
    like 'plan knows' "$(remora plan "$xml.final")" '32 MiB  nothing'
    rbd rm --no-progress "vms/${A}_disk"
}

# ---- the daemon ------------------------------------------------------------

before_libvirt()
{
    ok 'the agent starts before libvirtd' agent_start
    ok 'the sockets are for root alone' \
        [ "$(stat -c %a /run/remora/hook.sock /run/remora/notify.sock)" = \
        "600
600" ]
    refuses 'a second agent' 'does another remorad run' agent_remorad
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    wait_until 'the agent finds it' 10 agent_said 'connected to libvirt'
    ok 'a domain' guest_define -m "$(agent_asks vda "$IMAGE")" web1 "$A"
    wait_until 'is rewritten' 5 is_ours web1 "$A"
    ok 'libvirtd starts again' libvirtd_restart
    wait_until 'the agent finds it again' 10 \
        eval '[ "$(grep -c "connected to libvirt" $BED/log/remorad.log)" = 2 ]'
    ok 'another domain' guest_define -m "$(agent_asks vda "$IMAGE")" web2 "$B"
    wait_until 'is rewritten too' 5 is_ours web2 "$B"
}

status()
{
    local json
    ok 'all is well' remora status
    like 'status shows the agent' "$(remora status)" "pid $AGENT_PID"
    like 'and the monitor' "$(remora status)" '127.0.0.1 port 6789 (v1)'
    like 'and a disk' "$(remora status)" "vms/${A}_disk"
    like 'that is not made yet' "$(remora status)" 'not made yet'
    json=$(remora status --json)
    is 'as JSON too' "$(jq -r '.agent.clusters[0].state' <<<"$json")" up
    is 'with the secret' "$(jq -r .secret.defined <<<"$json")" true
    is 'and both domains' "$(jq -r '.domains[].name' <<<"$json" | sort)" 'web1
web2'
    ok 'a guest' virsh_ start web1
    ok 'ends' guest_wait_off web1
    like 'its disk is ready' "$(remora status)" '16 MiB  ready'
    wait_until 'and is not opened to see that' 20 \
        eval '[ "$(watchers_shown)" = null ]'
    opened
    runs
}

watchers_shown()
{
    remora status --json "$@" | jq -c --arg image "vms/${A}_disk" \
        '.domains[].disks[] | select(.image == $image).watchers'
}

# A client that has it open and writes nothing; the lock is made by hand.
opened()
{
    local disk=vms/${A}_disk pid addr
    sleep infinity | rbd watch "$disk" >/dev/null 2>&1 &
    pid=$!
    wait_until 'a client has it open' 20 \
        eval '[ -n "$(cluster_watchers "vms/${A}_disk")" ]'
    addr="[\"$(cluster_watchers "$disk")\"]"
    is 'and writes nothing: nobody asks' "$(watchers_shown)" null
    is 'but who wants to know' "$(watchers_shown --watchers)" "$addr"
    like 'then it is in use' "$(remora status -w)" 'in use'
    ok 'somebody has its lock' rbd lock add "$disk" test
    is 'so that it is opened' "$(watchers_shown)" "$addr"
    like 'and in use' "$(remora status)" 'in use'
    rbd lock rm "$disk" test "$(rbd lock ls --format json "$disk" |
        jq -r '.[0].locker')"
    kill "$pid"
    wait_until 'it is closed' 60 \
        eval '[ -z "$(cluster_watchers "vms/${A}_disk")" ]'
}

# mode BYTE: of the guest on the disk (guest/boot.S).
mode()
{
    qemu-io -f raw -c "write -P $1 512 1" \
        "rbd:vms/${A}_disk:id=admin:conf=$CLUSTER_CONF" >/dev/null
}

# of_disk FILTER: of what the status has of the disk.
of_disk()
{
    remora status --json | jq -r --arg image "vms/${A}_disk" \
        ".domains[].disks[] | select(.image == \$image) | $1"
}

# A guest that has written holds the lock, and its claim names it.
runs()
{
    ok 'a guest that stays' mode 0x49
    ok 'starts' virsh_ start web1
    ok 'and has written' guest_wait_line web1 'remora-guest: idle'
    wait_until 'its claim names its client' 30 \
        eval '[ "$(of_disk .claim_phase)" = running ]'
    is 'its disk is in use' "$(of_disk .state)" 'in use'
    is 'which is seen without opening it' "$(of_disk .watchers)" null
    is 'and by opening it' "$(watchers_shown --watchers)" \
        "[\"$(of_disk .claim_client)\"]"
    ok 'it ends' virsh_ destroy web1
    wait_until 'and so does its claim' 60 agent_no_claims
    is 'then its disk is ready' "$(of_disk .state)" ready
    ok 'the guest is as it was' mode 0x50
}

reload()
{
    mkdir -p /etc/remora
    echo 'disk: { discard = "ignore"; };' >/etc/remora/remora.conf
    agent_reload
    wait_until 'a reload is seen' 5 agent_said 'configuration read again'
    guest_define -m "$(agent_asks vda "$IMAGE")" web4 "$(uuidgen)" >/dev/null
    wait_until 'and goes into new definitions' 5 \
        eval "stored web4 | grep -q \"discard='ignore'\""
    echo 'disk: { discard = "perhaps"; };' >/etc/remora/remora.conf
    agent_reload
    wait_until 'a bad one is refused with its line' 5 \
        agent_said 'the configuration stays as it was: /etc/remora/remora.conf:1'
    ok 'and the agent goes on' virsh_ start web2
    ok 'as before' guest_wait_off web2
    # What libvirt's library gets that writes to a daemon that has just gone.
    kill -PIPE "$AGENT_PID"
    refuses 'a pipe that breaks does not end it' '' bed_wait 1 bed_gone \
        "$AGENT_PID"
    rm /etc/remora/remora.conf
    agent_reload
    guest_define -m "$(agent_asks vda "$IMAGE")" web5 "$(uuidgen)" >/dev/null
    wait_until 'the defaults are back' 5 \
        eval "stored web5 | grep -q \"discard='unmap'\""
    wait_until 'one connection to the cluster is left' 20 eval \
        '[ "$(cat "/proc/$AGENT_PID/task"/*/comm | grep -c "^msgr-worker-0")" = 1 ]'
}

revert()
{
    local before=$BED/tmp/before.xml
    ok 'the agent stops' agent_stop
    guest_define -m "$(agent_asks vda "$IMAGE")" web3 "$(uuidgen)" >/dev/null
    stored web3 >"$before"
    ok 'the agent starts' agent_start
    wait_until 'a domain is rewritten' 5 eval 'stored web3 | grep -q vms/'
    ok 'the agent stops again' agent_stop
    like 'it is put back' "$(remora revert web3)" "domain 'web3': put back"
    is 'as it was' "$(stored web3)" "$(cat "$before")"
    like 'which is repeated without harm' "$(remora revert web3)" \
        'nothing to put back'
    like 'all of them' "$(remora revert --all)" "domain 'web1': put back"
    is 'none is left' "$(virsh_ list --all --name | while read -r name; do
        [ -z "$name" ] || stored "$name" | grep vms/
    done)" ''
    refuses 'an unknown domain' 'nowhere' remora revert nowhere
    like 'status says that no agent runs' "$(remora status)" 'not running'
    refuses 'with a status that says so, too' 'not running' remora status
}

# ---- an agent that does not answer -----------------------------------------

foreign()
{
    guest_xml plain "$(uuidgen)" | "$(agent_hook)" plain prepare begin -
}

ours()
{
    "$(agent_hook)" web1 prepare begin - <"$BED/tmp/web1.xml"
}

# The hook has been answered, and nobody said yet that the guest runs.
claims_shown()
{
    local disk
    disk=$(remora status --json |
        jq -c '.domains[] | select(.name == "web1").disks[0]')
    is 'status names the host that holds a claim' \
        "$(jq -r .claimed_by <<<"$disk")" "$(hostname)"
    is 'and for which domain' "$(jq -r .claimed_for <<<"$disk")" "$A"
    is 'and for how long' \
        "$(jq '.claim_age_s | . >= 0 and . < 60' <<<"$disk")" true
    wait_until 'in its table, too' 5 \
        eval "remora status | grep -q -E ' on $(hostname) as .*, [0-9]+ s\$'"
    is 'and once' "$(remora status --json | jq '.claims | length')" 0
}

# A claim whose domain is gone.
strange_claim_shown()
{
    local uuid claim
    uuid=$(uuidgen)
    sed "s/$A/$uuid/g;s|<name>web1<|<name>gone<|" "$BED/tmp/web1.xml" \
        >"$BED/tmp/gone.xml"
    ok 'a start of a domain that libvirt does not have' \
        eval '"$(agent_hook)" gone prepare begin - <"$BED/tmp/gone.xml"'
    # Both at once: the agent looks soon, and gives up a claim of nobody.
    remora status >"$BED/tmp/table" &
    claim=$(remora status --json | jq -c '.claims[]')
    wait $!
    is 'status has its claim' "$(jq -r '"\(.image) \(.claimed_for) \(
        .claimed_by)"' <<<"$claim")" "vms/${uuid}_disk $uuid $(hostname)"
    ok 'in a table' \
        grep -q -E "^vms/${uuid}_disk +$uuid +[a-z]+ on $(hostname) as " \
        "$BED/tmp/table"
    "$(agent_hook)" gone release end - <"$BED/tmp/gone.xml"
    rbd rm --no-progress "vms/${uuid}_disk"
    wait_until 'as long as there is one' 10 \
        eval "[ \"\$(remora status --json | jq '.claims | length')\" = 0 ]"
}

others_start()
{
    guest_define others "$(uuidgen)" && virsh_ start others &&
        guest_is others running && virsh_ destroy others &&
        virsh_ undefine others
}

stopped_agent()
{
    local t
    mkdir -p /etc/remora
    echo 'hook: { deadline = "2 s"; };' >/etc/remora/remora.conf
    ok 'an agent with a short deadline' agent_start
    wait_until 'rewrites' 5 is_ours web1 "$A"
    stored web1 >"$BED/tmp/web1.xml"
    ok 'and serves' ours
    claims_shown
    strange_claim_shown
    kill -STOP "$AGENT_PID"
    ok 'stopped, a domain that is not ours starts' foreign
    ok 'by libvirt, too' others_start
    t=$SECONDS
    refuses 'one that is ours is refused, and the line says which and why' \
        "remora: domain 'web1': the agent (remorad) accepted no request in" \
        virsh_ start web1
    ok 'inside the deadline' [ $((SECONDS - t)) -le $((7 * BED_PATIENCE)) ]
    kill -CONT "$AGENT_PID"
    wait_until 'it goes on' 10 ours
}

# The cluster does not answer: the agent says so before the hook gives up.
hanging_cluster()
{
    local t
    rbd rm --no-progress "vms/${A}_disk" >/dev/null 2>&1
    "$(agent_hook)" web1 release end - <"$BED/tmp/web1.xml"
    wait_until 'no claim is left' 5 agent_no_claims
    cluster_pause_osd
    t=$SECONDS
    refuses 'an OSD that hangs is named' "cluster 'ceph' did not finish" ours
    ok 'inside the deadline of 2 s' [ $((SECONDS - t)) -le $((3 * BED_PATIENCE)) ]
    refuses 'the next is refused, and does not wait' 'has not answered' ours
    ok 'a domain that is not ours starts' foreign
    cluster_resume_osd
    wait_until 'it works again' 60 ours
    is 'with its parent' \
        "$(rbd info --format json "vms/${A}_disk" | jq -r .parent.image)" \
        "$IMAGE"
    rm /etc/remora/remora.conf
}

# ---- systemd's side --------------------------------------------------------

# receiver SOCKET FILE: what is sent to it, a line or more each.
receiver()
{
    mkdir -p "${1%/*}"
    : >"$2"
    python3 - "$1" "$2" <<'PYTHON' &
import socket, sys

receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
with open(sys.argv[2], 'ab', buffering=0) as file:
    while True:
        file.write(receiver.recv(65536).rstrip(b'\n') + b'\n')
PYTHON
    RECEIVER=$!
    bed_wait 5 test -S "$1"
}

service_manager()
{
    local RECEIVER
    receiver "$BED/tmp/manager" "$BED/log/manager"
    ok 'an agent under a service manager' eval \
        'NOTIFY_SOCKET=$BED/tmp/manager agent_start'
    wait_until 'says that it is ready' 5 \
        grep -q -x 'READY=1' "$BED/log/manager"
    ok 'and stops' agent_stop
    wait_until 'says that it stops' 5 \
        grep -q -x 'STOPPING=1' "$BED/log/manager"
    is 'saying so, and nothing else' "$(<"$BED/log/manager")" 'READY=1
STOPPING=1'
    kill "$RECEIVER"
}

# Without an agent, a start is served by --one-shot, which logs there alone.
journal()
{
    local RECEIVER
    receiver /run/systemd/journal/socket "$BED/log/journal"
    "$(agent_hook)" web1 release end - <"$BED/tmp/web1.xml"
    ok 'a start without an agent' ours
    wait_until 'is in the journal' 5 \
        grep -q "^MESSAGE=domain 'web1', disk 'vda': is ready" "$BED/log/journal"
    is 'with its domain, disk and image' \
        "$(grep -E '^REMORA_(DOMAIN|DISK|IMAGE)=' "$BED/log/journal" |
            sort -u)" \
        "REMORA_DISK=vda
REMORA_DOMAIN=web1
REMORA_IMAGE=vms/${A}_disk"
    ok 'and its milliseconds' \
        grep -q -x -E 'REMORA_DURATION_MS=[0-9]+' "$BED/log/journal"
    kill "$RECEIVER"
    rm -r /run/systemd
}

inside()
{
    bed_need_remora
    parts
    image_commands
    plans
    before_libvirt
    status
    reload
    revert
    stopped_agent
    hanging_cluster
    ok 'the agent stops at the end' agent_stop
    service_manager
    journal
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside
tap_done
