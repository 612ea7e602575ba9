#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/faults.t - remorad dies, stalls or fails at each point
#
# Whatever happens at a point of agent/rbd/conn/fault.h: the same request
# again is served within 5 s, its disk is whole, no claim outlives the domain,
# and what is somebody else's is as it was.
#
# A clone of its own passes every point with every fault. So does each other
# kind of disk and of leftover with REMORA_FULL; else they meet death and an error
# by turns.
#
# Needs: root, the packages of lib/packages.sh, remora with fault points, and
#        in REMORA_PLAIN a stage without.
# Reads: REMORA_FULL
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

IMAGE=0a64fa67-3e34-42e7-b7b0-423c11850e18
PARENT=images/$IMAGE@snap
MiB=$((1024 * 1024))
FAULTS_H=$here/../agent/rbd/conn/fault.h
TRY=${REMORA_BUILD-}/tests/integration/store-try
# Input/output error: that call failed. Timed out: nothing is known, and the
# connection must not be used again. Shut down: it was fenced.
ERRORS=(5 110 ${REMORA_FULL:+108})

declare -A TESTED

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    guest_image 16M 'a golden image' off "$BED/tmp/golden" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/golden" "$IMAGE"
    ok 'disks that somebody else made' request_others_make "$IMAGE"
    # It knows none of the domains, so each has ended as soon as it is asked.
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
}

kinds()
{
    local bare
    bare=$(guest_disk_xml vda vms/bare_disk "$REQUEST_SECRET")
    ok 'a domain with a clone' request_kind clone \
        "$(agent_asks vda "$IMAGE" '32 MiB')" || bail 'no request'
    ok 'one that asks for more' request_kind larger \
        "$(agent_asks vda "$IMAGE" '48 MiB')"
    ok 'one with a bare image' request_kind bare '' "$bare"
    ok 'one that reads it' request_kind reader '' \
        "${bare/<\/disk>/<readonly\/><\/disk>}"
    ok 'one that several may write to' request_kind shared '' \
        "<disk type='network' device='disk'>
      <source protocol='rbd' name='$PARENT'/>
      <target dev='vda' bus='virtio'/><shareable/></disk>"
    ok 'one with several disks' request_kind several \
        "$(agent_asks vda "$IMAGE" '32 MiB' | sed "s|</remora:domain>|$(
            printf "<remora:disk target='vdb' image='%s'/>&" "$IMAGE")|")" \
        "${bare/vda/vdc}"
    ok 'one that reads a snapshot' request_kind cdrom '' \
        "<disk type='network' device='cdrom'>
      <source protocol='rbd' name='$PARENT'/>
      <target dev='hda' bus='ide'/><readonly/></disk>"
}

# ---- one case --------------------------------------------------------------

# hit POINT: somebody passed it, since the case began.
hit()
{
    cat "$BED/tmp/first" "$BED/log/remorad.now" 2>/dev/null |
        grep -q "REMORA_FAULT: at $1"
}

# How the first request ends.
first()
{
    local status
    request_prepare >"$BED/tmp/first" 2>&1
    status=$?
    case $status in
    0) echo allowed ;;
    1) echo refused ;;
    *) echo "status $status" ;;
    esac
}

# served TITLE KIND: the same request again, and what is there then.
served()
{
    local title=$1 kind=$2 size=$((32 * MiB))
    wait_until "$title: served within 5 s" 5 request_prepare
    [ "$kind" != larger ] || size=$((48 * MiB))
    case $kind in
    clone | larger | several)
        ok "$title: its disk is whole" \
            request_is_whole "$PARENT" "$BED/tmp/golden" "$size"
        ;;
    shared)
        ok "$title: its disk is whole" \
            request_is_whole "$PARENT" "$BED/tmp/golden" $((16 * MiB))
        wait_until "$title: nobody claims it" 5 agent_no_claims
        ;;
    esac
    case $kind in
    several)
        REQUEST_DISK+=.vdb ok "$title: and so is its second" \
            request_is_whole "$PARENT" "$BED/tmp/golden" $((16 * MiB))
        ;;
    esac
    request_release
    wait_until "$title: no claim outlives the domain" 5 agent_no_claims
}

# What stands in the way when the request comes: see each of them.
prepare_nothing()
{
    :
}

# By hand, so that no claim is left: a new agent would look at its disk, and
# pass the point before the request does.
prepare_smaller()
{
    request_new clone
    remora provision "$REQUEST"
    request_new larger "$REQUEST_UUID"
}

prepare_half()
{
    ! REMORA_FAULT=clone-returned=kill request_prepare
}

# It opens, has the right size and no parent.
prepare_blank()
{
    ! REMORA_FAULT=cloning=kill request_prepare &&
        rbd create --size 16M "$REQUEST_DISK"
}

# A name without a header, under the claim of a builder that died. An image
# of librbd's own making: a clone would stay in its parent's list.
prepare_headless()
{
    ! REMORA_FAULT=cloning=kill request_prepare &&
        rbd create --size 32M "$REQUEST_DISK" && rados -p vms rm \
        "rbd_header.$(rbd info --format json "$REQUEST_DISK" | jq -r .id)"
}

# The builder died before it even wrote the name into the pool's directory.
prepare_nameless()
{
    local id
    ! REMORA_FAULT=cloning=kill request_prepare || return
    rbd create --size 32M "$REQUEST_DISK" || return
    id=$(rbd info --format json "$REQUEST_DISK" | jq -r .id)
    rados -p vms rm "rbd_header.$id" &&
        rados -p vms rm "rbd_object_map.$id" &&
        rados -p vms rmomapkey rbd_directory "id_$id" &&
        rados -p vms rmomapkey rbd_directory "name_${REQUEST_DISK#*/}"
}

case_begin()
{
    local kind=$1 before=$2
    : >"$BED/tmp/first"
    : >"$BED/log/remorad.now"
    request_new "$kind"
    tap_run "$before" || diag "$before: $TAP_OUT"
}

agent_dies()
{
    local kind=$1 point=$2 before=$3 title="$1: $2: the agent dies"
    case_begin "$kind" "$before"
    REMORA_FAULT=$point=kill@1 agent_start
    # The hook does it itself then.
    is "$title: the domain starts all the same" "$(first)" allowed ||
        diag "$(cat "$BED/tmp/first")"
    wait_until "$title: there" 5 hit "$point"
    ok "$title: and is gone" bed_wait 5 bed_gone "$AGENT_PID"
    agent_start
    served "$title" "$kind"
    agent_kill
}

one_shot_dies()
{
    local kind=$1 point=$2 before=$3 title="$1: $2: without an agent, killed"
    case_begin "$kind" "$before"
    is "$title" "$(REMORA_FAULT=$point=kill@1 first)" 'status 137'
    agent_start
    served "$title" "$kind"
    agent_kill
}

agent_stalls()
{
    local kind=$1 point=$2 before=$3 title="$1: $2: a delay"
    case_begin "$kind" "$before"
    REMORA_FAULT=$point=delay:300@1 agent_start
    is "$title: the domain starts" "$(first)" allowed
    wait_until "$title: there" 5 hit "$point"
    served "$title" "$kind"
    agent_kill
}

agent_fails()
{
    local kind=$1 point=$2 before=$3 number=$4 expected=$5
    local title="$kind: $point: error $number"
    case_begin "$kind" "$before"
    REMORA_FAULT=$point=error:$number@1 agent_start
    is "$title: the domain is $expected" "$(first)" "$expected"
    wait_until "$title: there" 5 hit "$point"
    served "$title" "$kind"
    agent_kill
}

# point KIND POINT PREPARED OUTCOME: OUTCOME is what an error leads to.
point()
{
    local kind=$1 point=$2 before=$3 expected=$4 number
    TESTED[$point]=yes
    agent_dies "$kind" "$point" "$before"
    agent_stalls "$kind" "$point" "$before"
    for number in "${ERRORS[@]}"; do
        case $point/$number in
        handed/*) ;;
        # The move to the trash matters more than its reason.
        trash-noted/5)
            agent_fails "$kind" "$point" "$before" "$number" allowed
            ;;
        *) agent_fails "$kind" "$point" "$before" "$number" "$expected" ;;
        esac
    done
    case $point in
    answer*) ;;
    *) one_shot_dies "$kind" "$point" "$before" ;;
    esac
}

# The same, but in full only with REMORA_FULL; else death and an error by turns.
OTHERS=0
other_point()
{
    [ -z "${REMORA_FULL-}" ] || { point "$@"; return; }
    TESTED[$2]=yes
    OTHERS=$((OTHERS + 1))
    if [ "$2" = handed ] || [ $((OTHERS % 2)) = 0 ]; then
        agent_dies "$1" "$2" "$3"
    else
        agent_fails "$1" "$2" "$3" 5 "$4"
    fi
}

# ---- all of them -----------------------------------------------------------

clones()
{
    local name
    for name in parent-found claim-noted claim-created cloning clone-listed \
        clone-named clone-headed clone-returned marked handing; do
        point clone "$name" prepare_nothing refused
    done
    for name in handed answering answer-sent; do
        point clone "$name" prepare_nothing allowed
    done
    # A disk that is not there yet needs no look.
    point larger looked prepare_smaller refused
    point larger enlarged prepare_smaller refused
}

# The long way of a new clone.
clones_by_librbd()
{
    local name
    mkdir -p /etc/remora
    echo 'clone = { grow = "librbd"; };' >/etc/remora/remora.conf
    point clone grown prepare_nothing refused
    for name in clone-returned marked; do
        other_point clone "$name" prepare_nothing refused
    done
    rm /etc/remora/remora.conf
}

# Somebody has opened the new clone, and written to it, before it has its mark.
clone_met()
{
    local title='a clone that somebody met' hook
    request_new clone
    : >"$BED/tmp/hold"
    REMORA_FAULT=clone-returned=hold@1 \
        REMORA_FAULT_HOLD=$BED/tmp/hold agent_start
    request_prepare >"$BED/tmp/first" 2>&1 &
    hook=$!
    wait_until "$title: it is there" 5 hit clone-returned
    ok "$title: and written to" prepare_data
    rm "$BED/tmp/hold"
    wait "$hook"
    is "$title: the domain starts" $? 0
    like "$title: it has its size" "$(rbd info "$REQUEST_DISK")" 'size 32 MiB'
    is "$title: and a map that agrees" \
        "$(rbd object-map check --no-progress "$REQUEST_DISK" 2>&1)" ''
    request_release
    wait_until "$title: no claim outlives the domain" 5 agent_no_claims
    agent_kill
}

# And if the rest fails then, it is not removed.
clone_met_in_vain()
{
    local point=$1 known=$2 title="$1: a clone that somebody met, in vain"
    local hook had
    request_new clone
    : >"$BED/tmp/hold"
    REMORA_FAULT=$point=hold@1,$point=error:5@1 \
        REMORA_FAULT_HOLD=$BED/tmp/hold agent_start
    request_prepare >"$BED/tmp/first" 2>&1 &
    hook=$!
    wait_until "$title: it is there" 5 hit "$point"
    ok "$title: and written to" prepare_data
    had=$(disk_says)
    rm "$BED/tmp/hold"
    wait "$hook"
    is "$title: the domain is refused" $? 1
    ok "$title: it is in the trash" rbd trash restore --pool vms \
        "$(jq -r '.[0]' <<<"$had")"
    is "$title: as it was" "$(disk_says)" "$had"
    ok "$title: its parent knows of it" eval "$known"
    rbd rm --no-progress "$REQUEST_DISK"
    served "$title" clone
    wait_until "$title: no claim outlives the domain" 5 agent_no_claims
    agent_kill
}

# ... or when it had written only that.
prepare_listed()
{
    prepare_headless && rados -p vms rm "rbd_id.${REQUEST_DISK#*/}"
}

# A clone without its object map, of which the parent does not know: what is
# written at the same time may come in any part.
prepare_mapless()
{
    ! REMORA_FAULT=clone-headed=kill request_prepare &&
        rados -p vms rm "rbd_object_map.$(rbd info --format json \
            "$REQUEST_DISK" | jq -r .id)"
}

# Objects of the pool that belong to no image.
strays()
{
    rados -p vms ls | sed -n 's/^rbd_object_map\.\([^.]*\)$/\1/p' |
        while read -r id; do
            rados -p vms stat "rbd_header.$id" >/dev/null 2>&1 ||
                echo "rbd_object_map.$id"
        done
}

# librbd may say that it removed nothing, so there is no point to pass.
names()
{
    case_begin clone prepare_headless
    agent_start
    served 'a name that leads to an object map alone' clone
    agent_kill
    case_begin clone prepare_mapless
    agent_start
    served 'a clone without a map' clone
    agent_kill
    is 'nothing is left of either' "$(strays)" ''
    case_begin clone prepare_nameless
    agent_start
    served 'a name that is not in the pool'"'"'s directory' clone
    agent_kill
    case_begin clone prepare_listed
    agent_start
    served 'a name that is only there' clone
    agent_kill
    request_new clone
    tap_run prepare_listed
    rados -p vms rm "remora_claim.${REQUEST_DISK#*/}"
    agent_start
    refuses 'one that nobody claimed is somebody'"'"'s' \
        'looks like a clone that was cut short' request_prepare
    rbd rm --no-progress "$REQUEST_DISK"
    served 'the name is free again' clone
    agent_kill
}

# What others made, and a claim that comes to a second builder. Nothing tells
# the disk of theirs that never held data from a half-made clone of ours, but
# what the first builder noted.
prepare_nova()
{
    cluster_add_clone "$IMAGE" "${REQUEST_DISK#*/}" 64M
}

# ... of the size that is asked for.
prepare_found()
{
    cluster_add_clone "$IMAGE" "${REQUEST_DISK#*/}" 32M
}

prepare_booted()
{
    prepare_nova && prepare_data
}

prepare_data()
{
    rbd bench --io-type write --io-size 4K --io-total 64K "$REQUEST_DISK"
}

prepare_import()
{
    rbd create --size 64M "$REQUEST_DISK" && prepare_data
}

disk_says()
{
    rbd info --format json "$REQUEST_DISK" | jq -c '[.id, .size, .parent]'
    rbd export --no-progress "$REQUEST_DISK" - 2>/dev/null | md5sum
}

# adopted PREPARED FAULT: the first builder dies there, if anywhere.
adopted()
{
    local before=$1 fault=$2 had
    local title="$before, the first builder ${fault:-goes on}"
    case_begin clone "$before"
    had=$(disk_says)
    REMORA_FAULT=$fault first >"$BED/tmp/how"
    is "$title: its claim stays" "$(rados -p vms ls | grep -c remora_claim)" 1
    ok "$title: a second one takes it" request_prepare
    ok "$title: and a third" request_prepare
    agent_start
    ok "$title: and an agent" request_prepare
    is "$title: it is what it was" "$(disk_says)" "$had"
    request_release
    wait_until "$title: no claim outlives the domain" 5 agent_no_claims
    agent_kill
}

adoptions()
{
    local before
    other_point clone adopted prepare_found refused
    other_point clone adopted prepare_found refused
    for before in prepare_nova prepare_booted prepare_import; do
        adopted "$before" ''
        adopted "$before" answering=kill
    done
    adopted prepare_booted claim-created=kill
    case_begin clone prepare_nova
    is 'a builder dies before it has said yes to what it found' \
        "$(REMORA_FAULT=handing=kill first)" 'status 137'
    agent_start
    wait_until 'the next agent gives its claim up' 5 agent_no_claims
    like 'and says why' "$(cat "$BED/log/remorad.now")" \
        'the image was there before'
    agent_kill
    # Made before it, or half-made by one of ours and then used by others.
    case_begin clone prepare_import
    tap_run env REMORA_FAULT=claim-created=kill bash -c \
        "\"\$0\" web prepare begin - <'$REQUEST'" "$(agent_hook)"
    refuses 'what nobody noted and our parent does not list stays with people' \
        "rados -p vms rm remora_claim.${REQUEST_DISK#*/}" request_prepare
    rados -p vms rm "remora_claim.${REQUEST_DISK#*/}"
    ok 'without the claim it is used' request_prepare
    agent_start
    request_release
    wait_until 'and its claim ends' 5 agent_no_claims
    agent_kill
}

recoveries()
{
    local name
    for name in taken-over fenced trash-noted trashed; do
        point clone "$name" prepare_half refused
    done
    point clone removed prepare_headless refused
    for name in taken-over fenced; do
        other_point clone "$name" prepare_headless refused
        other_point clone "$name" prepare_blank refused
        other_point larger "$name" prepare_half refused
        other_point shared "$name" prepare_half refused
    done
    other_point clone trashed prepare_blank refused
    other_point shared trashed prepare_half refused
    names
    adoptions
    watched
    told
}

# Somebody else has a half-made clone open: that is for people to look at.
watched()
{
    local user client
    case_begin clone prepare_half
    rbd bench --io-type read --io-size 4K --io-total 1T --io-threads 1 \
        "$REQUEST_DISK" >/dev/null 2>&1 &
    user=$!
    wait_until 'somebody has a half-made clone open' 10 opened
    client=$(foreign_watcher)
    agent_start
    refuses 'it is not touched' "is in use by client '$client'" \
        request_prepare
    is 'it is where it was' "$(rbd ls vms | grep -c -x "${REQUEST_DISK#*/}")" 1
    is 'its claim stays with it' "$(rados -p vms ls | grep -c remora_claim)" 1
    unlike 'and its client is not cut off' "$(cluster_blocklist)" "$client"
    kill -TERM "$user"
    wait "$user" 2>/dev/null
    served 'when it is closed' clone
    agent_kill
}

# The dead builder may be listed yet.
foreign_watcher()
{
    cluster_watchers "$REQUEST_DISK" | grep -v -x -F "$(rados -p vms getxattr \
        "remora_claim.${REQUEST_DISK#*/}" remora.claim | tr ' ,' '\n' |
        sed -n 's/^addr=//p;s/^builders=//p')"
}

opened()
{
    [ -n "$(foreign_watcher)" ]
}

# What was put right, by whom it may be known: one line of the log, and status.
told()
{
    local json id line
    request_new clone
    tap_run prepare_half
    id=$(rbd info --format json "$REQUEST_DISK" | jq -r .id)
    agent_start
    ok 'a dead builder'"'"'s disk is made again' request_prepare
    request_release
    line=$(grep "disk 'vda': recovered: " "$BED/log/remorad.now")
    is 'the log says so in one line' "$(wc -l <<<"$line")" 1
    like 'with whose claim it was' "$line" 'took over the claim {v=2 phase=building '
    like 'on which host' "$line" " host=$(hostname) machine="
    like 'what proved it dead' "$line" \
        'its process on this host is dead, for its lock is free; cut off client'
    like 'and what became of its image' "$line" \
        "moved image $id to the trash, half-made by a dead builder"
    json=$(remora status --json)
    is 'status has it' "$(jq -r '.recoveries[0] |
        "\(.domain) \(.disk) \(.image)"' <<<"$json")" "web vda $REQUEST_DISK"
    is 'in the words of the log' "$(jq -r '.recoveries[0].text' <<<"$json")" \
        "$(sed 's/.*: recovered: //; s/ in [0-9]* ms$//' <<<"$line")"
    # Several may have gone there in one second.
    json=$(jq -c --arg id "$id" '.trash[] | select(.id == $id)' <<<"$json")
    is 'and what is in the trash' "$(jq -r '"\(.image) \(.host)"' <<<"$json")" \
        "$REQUEST_DISK $(hostname)"
    like 'with the reason' "$(jq -r .why <<<"$json")" \
        'no ready mark'
    is 'and a time to come back' "$(jq '.until > .time' <<<"$json")" true
    like 'its text has both' "$(remora status)" 'took over the claim'
    like 'under their headings' "$(remora status)" 'KEPT UNTIL'
    rbd create --size 1M vms/thrown
    rbd trash mv vms/thrown
    is 'what others threw away is not shown' "$(remora status --json |
        jq '[.trash[] | select(.image == "vms/thrown")] | length')" 0
    tap_run rbd trash rm --no-progress \
        "vms/$(rbd trash ls vms | awk '$2 == "thrown" { print $1 }')"
    agent_kill
}

bare_disks()
{
    local name
    for name in looked claim-noted claim-created handing; do
        point bare "$name" prepare_nothing refused
    done
    for name in handed answering answer-sent; do
        point bare "$name" prepare_nothing allowed
    done
}

readers()
{
    local name
    point reader looked prepare_nothing refused
    point cdrom parent-found prepare_nothing refused
    for name in answering answer-sent; do
        point cdrom "$name" prepare_nothing allowed
    done
}

shared_disks()
{
    local name
    for name in claim-created clone-returned marked; do
        other_point shared "$name" prepare_nothing refused
    done
    # Its claim ends with its build.
    for name in claim-dropping claim-dropped answering answer-sent; do
        other_point shared "$name" prepare_nothing allowed
    done
}

several_disks()
{
    local name
    for name in parent-found claim-noted claim-created cloning \
        clone-returned marked handing; do
        other_point several "$name" prepare_nothing refused
    done
    for name in handed answering answer-sent; do
        other_point several "$name" prepare_nothing allowed
    done
}

# ---- disks without a parent ------------------------------------------------

# of_source SOURCE: nobody asks for such a disk by XML.
of_source()
{
    "$TRY" provision "$REQUEST_DISK" "$1" $((4 * MiB)) "$REQUEST_UUID"
}

# The letter at each MiB, or only zeroes.
content_is()
{
    local letters
    letters=$(rbd export --no-progress "$REQUEST_DISK" - 2>/dev/null | tr -d '\0')
    case $1 in
    filled) [ "$letters" = xxxx ] ;;
    *) [ -z "$letters" ] ;;
    esac
}

# made_with SOURCE POINT ACTION
made_with()
{
    local source=$1 point=$2 action=$3 title="$1: $2: $3"
    TESTED[$point]=yes
    request_new clone
    refuses "$title: it does not come to its end" '' \
        sh -c '"$@" || exit 1' sh env REMORA_FAULT="$point=$action" \
        "$TRY" provision "$REQUEST_DISK" "$source" $((4 * MiB)) "$REQUEST_UUID"
    like "$title: the same again is served" "$(of_source "$source")" \
        "$((4 * MiB))"
    ok "$title: its disk is whole" content_is "$source"
    ok "$title: and says so" rbd image-meta get "$REQUEST_DISK" remora.ready
    ok "$title: no claim is left" agent_no_claims
    is "$title: there is one" "$(rbd ls vms | grep -c -x "${REQUEST_DISK#*/}")" 1
    ok "$title: and once more" of_source "$source"
}

without_parent()
{
    local source point action
    for source in blank filled; do
        for point in claim-created creating created building-marked filled \
            marked; do
            for action in kill error:5 ${REMORA_FULL:+error:110}; do
                made_with "$source" "$point" "$action"
            done
        done
    done
}

# What must be there already is not made of what a builder left.
left_blank()
{
    local point
    for point in created building-marked; do
        request_new clone
        tap_run env REMORA_FAULT="$point=kill" \
            "$TRY" provision "$REQUEST_DISK" blank $((4 * MiB)) "$REQUEST_UUID"
        refuses "$point: what was left is no disk that was there" \
            "${REQUEST_DISK}'" of_source existing
        is "$point: and its claim stays" \
            "$(agent_claim "$REQUEST_DISK" | cut -d ' ' -f 1)" building
        like "$point: until it is made" "$(of_source blank)" built
        ok "$point: then no claim is left" agent_no_claims
        like "$point: and it is one" "$(of_source existing)" ready
    done
}

# ---- an arrival ------------------------------------------------------------

# The guest of another host, which sends it here.
source_claims()
{
    local object=remora_claim.${REQUEST_DISK#*/}
    SENT="v=2 phase=running nonce=1 host=beta machine=m boot=b since=1"
    SENT+=" domain=$REQUEST_UUID addr=$(cluster_watchers "$REQUEST_DISK")"
    rados -p vms create "$object" &&
        rados -p vms setxattr "$object" remora.claim "$SENT"
}

arrives()
{
    "$(agent_hook)" web migrate begin - <"$REQUEST" >"$BED/tmp/arrives.xml" &&
        cp "$BED/tmp/arrives.xml" "$REQUEST"
}

# The source's claim, and nobody on the way.
only_source()
{
    [ "$(agent_claim "$REQUEST_DISK")" = "running beta $REQUEST_UUID $(
        cluster_watchers "$REQUEST_DISK")" ] &&
        ! rados -p vms getxattr "remora_claim.${REQUEST_DISK#*/}" \
            remora.claim | grep -q arrival=
}

# arrival_with ACTION EXPECTED
arrival_with()
{
    local action=$1 expected=$2 title="arriving: $1" user SENT
    TESTED[arriving]=yes
    case_begin clone prepare_nothing
    ok "$title: a disk" request_prepare
    rados -p vms rm "remora_claim.${REQUEST_DISK#*/}"
    rm -f /run/remora/instances/*
    rbd bench --io-type read --io-size 4K --io-total 1T --io-threads 1 \
        "$REQUEST_DISK" >/dev/null 2>&1 &
    user=$!
    wait_until "$title: its guest runs elsewhere" 10 \
        eval '[ -n "$(cluster_watchers "$REQUEST_DISK")" ]'
    ok "$title: and has its claim" source_claims
    REMORA_FAULT=arriving=$action@1 agent_start
    ok "$title: it is about to arrive" arrives
    is "$title: it is $expected" "$(first)" "$expected"
    wait_until "$title: there" 5 hit arriving
    [ "$action" != kill ] || agent_start
    # libvirt knows of none that comes.
    request_release
    wait_until "$title: its source goes on" 15 only_source
    kill -TERM "$user"
    wait "$user" 2>/dev/null
    rados -p vms rm "remora_claim.${REQUEST_DISK#*/}"
    agent_kill
}

arrivals()
{
    arrival_with delay:300 allowed
    arrival_with error:5 refused
    # Its number is for one start, which is over.
    arrival_with kill refused
}

# swept_with ACTION: an agent begins, and a dead one's claim on a whole disk is
# there, whose domain nobody speaks of any more.
swept_with()
{
    local action=$1 title="sweep: $1"
    TESTED[reclaiming]=yes
    case_begin clone prepare_nothing
    is "$title: a start dies" "$(REMORA_FAULT=marked=kill first)" 'status 137'
    REMORA_FAULT=reclaiming=$action@1 agent_start
    wait_until "$title: there" 5 hit reclaiming
    if [ "$action" = kill ]; then
        ok "$title: and is gone" bed_wait 5 bed_gone "$AGENT_PID"
        agent_start
    fi
    # One whose look failed looks again.
    wait_until "$title: no claim is left" 15 agent_no_claims
    served "$title" clone
    agent_kill
}

sweeps()
{
    local action
    for action in kill delay:300 "${ERRORS[@]/#/error:}"; do
        swept_with "$action"
    done
}

# The end of a domain: it is over whatever the agent does.
end_with()
{
    local name=$1 action=$2 title="end: $1: $2"
    TESTED[$name]=yes
    case_begin clone prepare_nothing
    REMORA_FAULT=$name=$action@1 agent_start
    is "$title: a domain starts" "$(first)" allowed
    ok "$title: and ends" request_release
    wait_until "$title: there" 5 hit "$name"
    [ "$action" != kill ] || {
        ok "$title: the agent is dead" bed_wait 5 bed_gone "$AGENT_PID"
        agent_start
    }
    served "$title" clone
    agent_kill
}

# ... and so is its disk, before there is an agent again.
removed_after()
{
    local name=$1 title="end: $1: killed, and the disk is removed"
    case_begin clone prepare_nothing
    REMORA_FAULT=$name=kill@1 agent_start
    is "$title: a domain starts" "$(first)" allowed
    ok "$title: and ends" request_release
    ok "$title: the agent is dead" bed_wait 5 bed_gone "$AGENT_PID"
    ok "$title: the disk is removed" rbd rm --no-progress "$REQUEST_DISK"
    agent_start
    wait_until "$title: no claim is left" 5 agent_no_claims
    agent_kill
}

ends()
{
    local name action
    for name in claim-dropping claim-dropped; do
        for action in kill delay:300 "${ERRORS[@]/#/error:}"; do
            end_with "$name" "$action"
        done
        removed_after "$name"
    done
}

# ---- builds ----------------------------------------------------------------

plain()
{
    "$REMORA_PLAIN$BED_INST/sbin/remorad" "$@"
}

builds()
{
    request_new clone
    refuses 'a fault that makes no sense is refused' 'is no POINT=ACTION' \
        eval 'REMORA_FAULT=nowhere=kill agent_remorad --one-shot \
            -- prepare web <$REQUEST'
    like 'a build with fault points says so' "$(agent_remorad --version)" \
        'fault points'
    unlike 'a release does not' "$(plain --version)" 'fault points'
    is 'nor are they in it' "$(grep -c -a REMORA_FAULT \
        "$REMORA_PLAIN$BED_INST/sbin/remorad")" 0
    ok 'and the environment has no effect on it' \
        eval 'REMORA_FAULT=claim-created=kill,looked=error:5,nonsense \
            plain --one-shot -- prepare web <$REQUEST'
    ok 'it makes a disk' \
        request_is_whole "$PARENT" "$BED/tmp/golden" $((32 * MiB))
    # It ended, and what it claimed is for whoever hears of the domain's end.
    agent_start
    request_release
    wait_until 'whose claim ends with the domain' 5 agent_no_claims
    agent_kill
}

# The points that the header promises; those of images are image-kill.t's and
# from-disk.t's, those of volumes volume.t's and group.t's, and of a
# conversion convert.t's.
all_points()
{
    is 'each point of the header was tested' \
        "$(printf '%s\n' "${!TESTED[@]}" | sort)" \
        "$(sed -n 's/^ \*     \([a-z][a-z-]*\) .*/\1/p' \
            "$FAULTS_H" |
            grep -v -x 'kill\|hold\|delay\|error\|timer' |
            grep -v -x 'image-.*\|capture-.*\|group-.*\|volume-.*\|purg.*' |
            grep -v -x 'filling\|seal.*' |
            sort)"
}

inside()
{
    local before
    bed_need_remora
    parts
    kinds
    before=$(request_others "$IMAGE")
    builds
    clones
    clones_by_librbd
    clone_met
    clone_met_in_vain clone-headed true
    # shellcheck disable=SC2016 # evaluated there
    clone_met_in_vain clone-returned \
        'rbd children "$PARENT" | grep -q -x "$REQUEST_DISK"'
    recoveries
    ends
    bare_disks
    readers
    shared_disks
    several_disks
    without_parent
    left_blank
    arrivals
    sweeps
    all_points
    is 'what is somebody else'"'"'s is as it was' \
        "$(request_others "$IMAGE")" "$before"
    is 'only half-made clones of our own went to the trash' \
        "$(rbd trash ls vms | grep -v -E '_disk(\.vdb)?$')" ''
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside
tap_done
