#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/races.t - what happens at the same time on one host
#
# The agent is replaced while domains start; definitions are changed while it
# works on them.
#
# Needs: root, the packages of lib/packages.sh, an installed remora.
# Reads: REMORA_FULL   ten times as many rounds
#
# shellcheck source-path=SCRIPTDIR
here=$(dirname -- "$(realpath -- "$0")")/..
. "$here/lib/tap.sh"
. "$here/lib/bed.sh"
. "$here/lib/cluster.sh"
. "$here/lib/libvirt.sh"
. "$here/lib/guest.sh"
. "$here/lib/agent.sh"

IDLE=3f1d2c4b-5a69-4788-9b0a-1c2d3e4f5a6b
TIMES=${REMORA_FULL:+10}
TIMES=${TIMES:-1}

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    guest_image 16M 'an idle image' idle "$BED/tmp/idle" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/idle" "$IDLE"
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    ok 'the hook is installed' hook_install "$(agent_hook)"
    ok 'the agent starts' agent_start || bail 'no agent'
}

# ---- the agent is replaced -------------------------------------------------

# Each line is one start: 'good', or what was said.
start_and_destroy()
{
    local said
    while [ ! -e "$BED/tmp/enough" ]; do
        if said=$(virsh_ start steady 2>&1); then
            echo good
            virsh_ destroy steady >/dev/null
        else
            echo "$said"
        fi
    done
}

# As libvirt calls the hook, with a disk that has to be made each time.
build_again()
{
    local said uuid
    while [ ! -e "$BED/tmp/enough" ]; do
        uuid=$(uuidgen)
        sed "s/$1/$uuid/g" "$BED/tmp/steady.xml" >"$BED/tmp/new.xml"
        if said=$("$(agent_hook)" new prepare begin - \
            <"$BED/tmp/new.xml" 2>&1); then
            echo "good vms/${uuid}_disk"
        else
            echo "$said"
        fi
        "$(agent_hook)" new release end - <"$BED/tmp/new.xml"
    done
}

bad_lines()
{
    grep -v '^good' "$1" | head -n 5
}

lines()
{
    cat "$@" | wc -l
}

# One start at least ends after this was called.
one_more_start()
{
    local seen
    seen=$(lines "$BED/tmp/starts")
    bed_wait 60 eval "[ \"\$(lines '$BED/tmp/starts')\" -gt $seen ]"
}

upgrade()
{
    local rounds=$((5 * TIMES)) i uuid bad=0 starts builds
    uuid=$(uuidgen)
    ok 'a domain' agent_boots steady "$uuid" "$IDLE"
    virsh_ destroy steady >/dev/null
    virsh_ dumpxml --inactive steady >"$BED/tmp/steady.xml"
    start_and_destroy >"$BED/tmp/starts" &
    starts=$!
    build_again "$uuid" >"$BED/tmp/builds" &
    builds=$!
    for ((i = 0; i < rounds; i++)); do
        sleep "0.$((RANDOM % 10))"
        agent_stop || bad=$((bad + 1))
        one_more_start || bad=$((bad + 1))
        agent_start || bad=$((bad + 1))
    done
    : >"$BED/tmp/enough"
    wait "$starts" "$builds"
    is "the agent stops and starts $rounds times under load" "$bad" 0
    is 'no start failed' "$(bad_lines "$BED/tmp/starts")" ''
    is 'no build failed' "$(bad_lines "$BED/tmp/builds")" ''
    diag "$(lines "$BED/tmp/starts") starts, $(lines "$BED/tmp/builds") builds"
    is 'every disk is whole' "$(rbd children "images/$IDLE@snap" | sort)" \
        "$( (sed -n 's/^good //p' "$BED/tmp/builds" &&
            echo "vms/${uuid}_disk") | sort)"
    is 'nothing went to the trash' "$(rbd trash ls vms)" ''
    is 'nobody is on the blocklist' "$(cluster_blocklist)" ''
}

inside()
{
    bed_need_remora
    parts
    upgrade
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside
tap_done
