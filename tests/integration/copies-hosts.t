#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/copies-hosts.t - two hosts want one image of another cluster
#
# Both are at it at once, and one of them makes the image that the disks of both are
# clones of, copied, converted or both. If the agent of that host dies of it, at any
# moment, the other host goes on, whether the agent comes back or not: one image
# comes out, and what was half-made is used by nobody.
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
. "$here/lib/bases.sh"
. "$here/lib/far.sh"

# Where the agent waits until the other host is at it, too, and where it dies then.
# Four threads copy: what all of them wait at is hit a fifth time only after that.
DEATHS=(
    'creating=hold@1,created=kill@1'
    'created=hold@1,building-marked=kill@1'
    'filling=hold,filling=kill@5'
    'filling=hold@1,filled=kill@1'
    'filling=hold@1,marked=kill@1'
    'filling=hold@1,sealing=kill@1'
    'filling=hold@1,sealed=kill@1'
)

parts()
{
    local host
    far_parts
    for host in alpha beta; do
        ok "host $host serves" serves "$host" || bail 'no host'
    done
}

# serves HOST: no part is written there while the file is there.
serves()
{
    host_start "$1" && host_run "$1" far_configured &&
        host_run "$1" libvirtd_start &&
        host_run "$1" hook_install "$(agent_hook)" &&
        host_run "$1" eval 'REMORA_FAULT=filling=hold \
            REMORA_FAULT_HOLD=$BED/log/hold agent_start'
}

# asks_on HOST DOMAIN METADATA
asks_on()
{
    host_run "$1" guest_define -m "$3" "$2" "$(uuidgen)" &&
        host_run "$1" bed_wait 10 agent_rewrote "$2"
}

has_begun()
{
    host_run "$1" conversions | jq -e '.[] | select(.into != null)' >/dev/null
}

builders()
{
    rados -p vms ls | grep -c '^remora_claim\.remora_base\.'
}

starts_on()
{
    host_run "$1" virsh_ start "$2"
}

made()
{
    cat "$BED"/log/{alpha,beta}/remorad.log | grep -c "$1"
}

# both_hosts TITLE METADATA VERB: of a new image.
both_hosts()
{
    local title=$1 metadata=$2 verb=$3 host before name=${1// /-}
    before=$(bases | wc -l)
    for host in alpha beta; do
        : >"$BED/log/$host/hold"
        ok "$title: a domain of $host asks for it" asks_on "$host" \
            "$name-$host" "$metadata"
    done
    for host in alpha beta; do
        wait_until "$title: $host is at it" 20 has_begun "$host"
    done
    wait_until "$title: one of them has the claim" 20 \
        eval '[ "$(builders)" = 1 ]'
    is "$title: and one image is being made" \
        "$(bases | wc -l)" $((before + 1))
    for host in alpha beta; do
        rm "$BED/log/$host/hold"
    done
    for host in alpha beta; do
        wait_until "$title: the guest of $host starts" 90 starts_on "$host" \
            "$name-$host"
        ok "$title: and reads its image" host_run "$host" guest_wait_line \
            "$name-$host" 'remora-guest: hello from a golden image'
    done
    is "$title: one base came out" "$(bases | wc -l)" $((before + 1))
    is "$title: of one host's work" "$(made "$verb")" 1
    for host in alpha beta; do
        host_run "$host" guest_wait_off "$name-$host" >/dev/null
    done
}

two_hosts()
{
    local uuid trash
    trash=$(rbd trash ls vms | wc -l)
    uuid=$(uuidgen)
    far_add "$uuid"
    both_hosts 'copied' "$(far_wants vda "$uuid")" "copied far:images/$uuid"
    uuid=$(uuidgen)
    far_add "$uuid" -O qcow2
    both_hosts 'copied and converted' "$(far_wants vda "$uuid")" \
        "converted far:images/$uuid"
    uuid=$(uuidgen)
    qemu-img convert -q -f raw -O qcow2 "$BED/tmp/golden" "$BED/tmp/image"
    cluster_add_image "$BED/tmp/image" "$uuid"
    both_hosts 'converted' "$(agent_asks vda "$uuid")" \
        "converted images/$uuid"
    is 'nothing went to the trash' "$(rbd trash ls vms | wc -l)" "$trash"
}

# ---- one of them dies ------------------------------------------------------------

is_gone()
{
    host_run alpha eval 'bed_gone "$AGENT_PID"'
}

begins_anew()
{
    host_run alpha agent_stop >/dev/null
    host_run alpha eval "REMORA_FAULT=$1 REMORA_FAULT_HOLD=\$BED/log/hold \
        agent_start"
}

# both_ask FAULT DOMAIN METADATA: alpha makes it, dies of it, and beta waits.
both_ask()
{
    : >"$BED/log/alpha/hold"
    begins_anew "$1" && asks_on alpha "$2-alpha" "$3" &&
        bed_wait 20 has_begun alpha &&
        bed_wait 20 eval '[ "$(builders)" = 1 ]' &&
        asks_on beta "$2-beta" "$3" && bed_wait 20 has_begun beta ||
        { echo 'they do not wait'; return 1; }
    rm "$BED/log/alpha/hold"
    bed_wait 60 is_gone || { echo 'it did not die'; return 1; }
}

# guest_is_good HOST DOMAIN: it starts, on a disk that holds what it is to hold.
guest_is_good()
{
    bed_wait 120 starts_on "$1" "$2" || { starts_on "$1" "$2"; return 1; }
    bases_has "vms/$(host_run "$1" virsh_ domuuid "$2")_disk" \
        "${CLUSTER_FSID[far]}" &&
        host_run "$1" guest_wait_off "$2" >/dev/null &&
        host_run "$1" virsh_ undefine "$2" >/dev/null
}

# one_round gone|back FAULT [qemu-img OPTION...]: the agent comes back when the
# other host's guest runs, or at once.
one_round()
{
    local when=$1 fault=$2 uuid before name=dies-$RANDOM
    shift 2
    uuid=$(uuidgen)
    before=$(bases | wc -l)
    far_add "$uuid" "$@" >/dev/null &&
        both_ask "$fault" "$name" "$(far_wants vda "$uuid")" || return 1
    [ "$when" = gone ] || host_run alpha agent_start || return 1
    guest_is_good beta "$name-beta" || return 1
    [ "$when" = back ] || host_run alpha agent_start || return 1
    guest_is_good alpha "$name-alpha" || return 1
    [ "$(bases | wc -l)" = $((before + 1)) ] ||
        { echo 'not one base:'; rbd ls vms; return 1; }
    bed_wait 30 eval '[ "$(builders)" = 0 ]' || { echo 'a claim is left'; return 1; }
}

dies()
{
    ok "one agent dies, $1, the other host goes on: $2 ${*:3}" one_round "$@"
}

one_dies()
{
    local fault when
    if [ -z "${REMORA_FULL-}" ]; then
        dies gone "${DEATHS[2]}"
        dies back "${DEATHS[0]}" -O qcow2
        dies gone "${DEATHS[6]}"
        return
    fi
    for fault in "${DEATHS[@]}"; do
        for when in gone back; do
            dies "$when" "$fault"
            dies "$when" "$fault" -O qcow2
        done
    done
}

inside()
{
    bed_need_remora
    parts
    two_hosts
    one_dies
    is 'nothing half-made is left but in the trash' "$(bases_unfinished)" ''
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
    is 'nor in the other cluster' "$(in_far cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside
tap_done
