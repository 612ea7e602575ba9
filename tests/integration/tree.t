#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/tree.t - images, snapshots and clones as a tree
#
# A chain of seven with clones of both formats, in the trash and in a pool that
# nobody has configured; with everything there is to see, and with less.
#
# Needs: root, the packages of lib/packages.sh, an installed remora.
#
# shellcheck source-path=SCRIPTDIR
here=$(dirname -- "$(realpath -- "$0")")/..
. "$here/lib/tap.sh"
. "$here/lib/bed.sh"
. "$here/lib/cluster.sh"
. "$here/lib/agent.sh"

ONE=0a64fa67-3e34-42e7-b7b0-423c11850e18
MiB=$((1024 * 1024))
ALL=(-n admin -k /etc/ceph/ceph.client.admin.keyring)

tree()
{
    remora "${ALL[@]}" tree "$@"
}

# lines [ARGUMENT...]: name, depth and state of each line, below each other.
lines()
{
    tree --json "$@" | jq -r '.. | objects | select(.name) |
        "\(.name) \(.depth) \(.state)"'
}

# line NAME: all of one.
line()
{
    tree --json | jq -c ".. | objects | select(.name == \"$1\") |
        del(.children)"
}

parts()
{
    local i
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    is 'nothing' "$(tree)" ''
    is 'as JSON' "$(tree --json | jq -c .)" '{"images":[]}'
    truncate -s 16M "$BED/tmp/golden"
    dd if=/dev/urandom of="$BED/tmp/golden" bs=1M count=4 conv=notrunc \
        status=none
    ok 'an image' cluster_add_image "$BED/tmp/golden" "$ONE"
    rbd clone --rbd-default-clone-format 2 "images/$ONE@snap" volumes/c1
    for i in 1 2 3 4 5 6; do
        rbd snap create --no-progress "volumes/c$i@s"
        rbd snap protect "volumes/c$i@s"
        rbd clone --rbd-default-clone-format $((i % 2 + 1)) "volumes/c$i@s" \
            "volumes/c$((i + 1))"
    done
    ceph osd pool create other 4 >/dev/null 2>&1
    rbd pool init other
    rbd clone --rbd-default-clone-format 2 "images/$ONE@snap" other/far
    rbd clone --rbd-default-clone-format 2 "images/$ONE@snap" vms/trashed
    rbd trash mv vms/trashed
}

shown()
{
    is 'the whole tree' "$(lines | grep -v -e other -e trashed)" \
        "images/$ONE 0 null
@snap null protected
volumes/c1 1 null
@s null protected
volumes/c2 2 null
@s null protected
volumes/c3 3 null
@s null protected
volumes/c4 4 null
@s null protected
volumes/c5 5 null
@s null protected
volumes/c6 6 null
@s null protected
volumes/c7 7 null"
    like 'one in a pool that nobody has named' "$(lines)" 'other/far 1 null'
    like 'one in the trash' "$(lines)" 'vms/trashed 1 trash'
    is 'of one pool' "$(lines images)" "$(lines)"
    is 'of an image by its id' "$(lines $ONE)" "$(lines)"
    is 'of one in the middle: what is above, and what is below' \
        "$(lines volumes/c6 | grep -v '^@')" \
        "images/$ONE 0 null
$(for i in 1 2 3 4 5 6 7; do echo "volumes/c$i $i null"; done)"
    is 'with its size and what it uses' "$(line "images/$ONE")" \
        "{\"name\":\"images/$ONE\",\"size\":$((16 * MiB)),\"used\":$((8 * MiB)),\"depth\":0,\"watchers\":0,\"domain\":null,\"state\":null}"
    is 'a clone uses nothing yet' "$(line volumes/c1 | jq .used)" 0
    like 'for people' "$(tree)" 'volumes/c7'
    is 'as a graph: one line for each image, and each clone' \
        "$(tree --dot | grep -c -e label)" $((10 + 9))
    like 'that dot can read' "$(tree --dot)" 'digraph remora'
}

refused()
{
    refuses 'what is not there' "no pool and no image 'nowhere'" tree nowhere
    refuses 'an image that is not there' 'no image' tree vms/nowhere
    refuses 'two at once' 'exclude each other' tree --json --dot
    refuses 'too much' 'one pool or image' tree a b
    tree vms/nowhere >/dev/null 2>&1
    is 'with a status of its own' "$?" 3
}

# The agent's own user may not look into that pool.
unseen()
{
    like 'what a user may not see is there all the same' \
        "$(remora tree --json images | jq -r '.. | objects | select(.name) |
            "\(.name) \(.state)"')" 'not seen'
}

inside()
{
    bed_need_remora
    parts
    shown
    refused
    unseen
}

bed_enter "$0" "$@"
inside
tap_done
