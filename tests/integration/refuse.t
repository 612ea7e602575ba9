#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/refuse.t - bad input: one line, a status, nothing left
#
# Each case goes through the doors that it can go through: the command line,
# the hook with an agent, the hook without one.
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
BARE=5d0a3c0e-7a65-4f0e-9c8f-8a1d2b3c4d5e
QCOW=77777777-7a65-4f0e-9c8f-8a1d2b3c4d5e
A=982b8eac-6bcc-4a21-bd04-b67e26188be0
XML=

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    guest_image 16M 'a golden image' off "$BED/tmp/golden" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/golden" "$IMAGE"
    ok 'an image without the snapshot' \
        rbd import --object-size 8M "$BED/tmp/golden" "images/$BARE"
    qemu-img create -q -f qcow2 "$BED/tmp/qcow2" 4M
    ok 'an image that is not raw' cluster_add_image "$BED/tmp/qcow2" "$QCOW"
    ceph osd pool create other 8 >/dev/null 2>&1
    XML=$BED/tmp/domain.xml
}

# asks ATTRIBUTES...: a definition with one entry, or several, for each
# argument.
asks()
{
    local entries='' attributes
    for attributes in "$@"; do
        entries+="<remora:disk $attributes/>"
    done
    guest_xml -m "<remora:domain xmlns:remora='urn:remora:domain:1'>$entries</remora:domain>" \
        bad "$A" >"$XML"
}

# What libvirt would show the hook: rewritten, where it can be.
final()
{
    remora render --offline "$XML" >"$XML.final" 2>/dev/null ||
        cp "$XML" "$XML.final"
}

hook_prepare()
{
    "$(agent_hook)" bad prepare begin - <"$1"
}

# One line on stderr, and no other.
one_line()
{
    local said
    said=$("$@" 2>&1 >/dev/null) && return 1
    [ "$(printf '%s\n' "$said" | wc -l)" = 1 ] && [ -n "$said" ]
}

left_over()
{
    rbd ls vms
    rbd trash ls vms
    rados -p vms ls | grep '^remora_claim\.'
}

# case TITLE TEXT: the definition in $XML is refused with TEXT at every door.
refused()
{
    final
    refuses "$1: by remora provision" "$2" remora provision "$XML"
    ok "$1: in one line" one_line remora provision "$XML"
    refuses "$1: at the start" "$2" hook_prepare "$XML.final"
    ok "$1: in one line there" one_line hook_prepare "$XML.final"
}

images()
{
    asks "target='vda' image='11111111-2222-3333-4444-555555555555'"
    refused 'unknown image' 'does not exist'
    asks "target='vda' image='$BARE'"
    refused 'image without the snapshot' "has no snapshot 'snap'"
    asks "target='vda' image='rbd://11111111-2222-3333-4444-555555555555/images/$IMAGE/snap'"
    refused 'image in another cluster' 'cluster'
    asks "target='vda' image='other/$IMAGE@snap'"
    refused 'pool that is not configured' 'other'
    asks "target='vda' image='$QCOW'"
    refused 'image that is not raw' 'qcow2'
    asks "target='vda' image='$IMAGE' size='8 MiB'"
    refused 'size smaller than the image' 'at least that size'
}

requests()
{
    asks "target='vda' image='$IMAGE' size='big'"
    refused 'unparsable size' 'big'
    asks "target='vda' image='$IMAGE' colour='red'"
    refused 'unknown attribute' 'colour'
    asks "target='vda' image='$IMAGE' kind='other'"
    refused 'unknown kind' 'kind'
    asks "target='vda' image='$IMAGE'" "target='vda' image='$IMAGE'"
    refused 'two entries for one target' 'vda'
}

documents()
{
    asks "target='vda' image='$IMAGE'"
    sed -i 's|</domain>||' "$XML"
    refused 'malformed XML' 'XML'
    asks "target='vda' image='$IMAGE'"
    sed -i '1i <!DOCTYPE domain [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>' "$XML"
    sed -i 's|<name>bad|<name>\&c;|' "$XML"
    refused 'entity bomb' 'document type'
    asks "target='vda' image='$IMAGE'"
    sed -i '1i <!DOCTYPE domain [<!ENTITY a SYSTEM "file:///etc/passwd">]>' \
        "$XML"
    sed -i 's|<name>bad|<name>\&a;|' "$XML"
    refused 'external entity' 'document type'
    asks "target='vda' image='$IMAGE'"
    head -c $((4 * 1024 * 1024 + 1)) /dev/zero | tr '\0' ' ' >>"$XML"
    cp "$XML" "$XML.final"
    refuses 'XML above the limit: by remora provision' 'too large' \
        remora provision "$XML"
    refuses 'XML above the limit: at the start' '4194304 bytes' \
        hook_prepare "$XML.final"
}

no_monitor()
{
    asks "target='vda' image='$IMAGE'"
    final
    sed -i '/<host /s|127\.0\.0\.1|192.0.2.1|' "$XML.final"
    refuses 'no host of the disk is a monitor' '192.0.2.1:6789' \
        hook_prepare "$XML.final"
}

# What --one-shot says is what the agent says.
without_agent()
{
    ok 'the agent stops' agent_stop
    asks "target='vda' image='11111111-2222-3333-4444-555555555555'"
    final
    refuses 'without an agent: unknown image' 'does not exist' \
        hook_prepare "$XML.final"
    ok 'without an agent: in one line' one_line hook_prepare "$XML.final"
    asks "target='vda' image='$IMAGE' size='8 MiB'"
    final
    refuses 'without an agent: size' 'at least that size' \
        hook_prepare "$XML.final"
    refuses 'an unknown operation' 'prepare, migrate or restore' \
        agent_remorad --one-shot explode bad
}

keys()
{
    asks "target='vda' image='$IMAGE'"
    refuses 'missing keyring' '/nowhere' \
        remora -k /nowhere provision "$XML"
    printf '[client.remora]\nkey = %s\n' "$(cluster_key glance)" \
        >"$BED/tmp/wrong"
    refuses 'wrong key' 'key' remora -k "$BED/tmp/wrong" provision "$XML"
    ok 'wrong key: in one line' \
        one_line remora -k "$BED/tmp/wrong" provision "$XML"
    refuses 'unknown user' 'client.nobody' \
        remora -n nobody -k "$BED/tmp/wrong" provision "$XML"
}

# conf_refused TITLE TEXT CONTENT
conf_refused()
{
    printf '%s\n' "$3" >"$BED/tmp/bad.conf"
    refuses "$1: by remorad" "$2" \
        agent_remorad -c "$BED/tmp/bad.conf" --check-config
    refuses "$1: by remora" "$2" remora -c "$BED/tmp/bad.conf" status
    refuses "$1: named with its line" "$BED/tmp/bad.conf:1" \
        agent_remorad -c "$BED/tmp/bad.conf"
}

configuration()
{
    conf_refused 'unknown key' 'conect_timeout' 'conect_timeout = "5 s";'
    conf_refused 'mistyped key' 'connect_timeout' 'connect_timeout = 5;'
    conf_refused 'value out of range' '300 s' 'connect_timeout = "900 s";'
    refuses 'missing configuration' '/nowhere' \
        agent_remorad -c /nowhere --check-config
}

usage()
{
    refuses 'unknown command' "unknown command 'explode'" remora explode
    refuses 'no command' 'no command' remora
    refuses 'unknown option' 'see' remora render --explode
    refuses 'no such file' 'there is no file' remora provision nowhere
    refuses 'no such file for render' '/nowhere' remora render /nowhere
    asks "target='vda' image='$IMAGE'"
    sed -i '/<uuid>/d' "$XML"
    refuses 'provision without a UUID' 'no <uuid>' remora provision "$XML"
}

# Inside the connect timeout of 5 s, and at once from then on.
silence()
{
    local t
    ok 'the agent starts' agent_start
    asks "target='vda' image='$IMAGE'"
    final
    cluster_stop_mon
    t=$SECONDS
    refuses 'monitors unreachable: by remora provision' 'answer' \
        remora provision "$XML"
    ok 'inside the connect timeout' [ $((SECONDS - t)) -le 8 ]
    t=$SECONDS
    refuses 'monitors unreachable: at the start' 'answer' \
        hook_prepare "$XML.final"
    ok 'inside the connect timeout too' [ $((SECONDS - t)) -le 12 ]
    t=$SECONDS
    refuses 'and again' 'domain' hook_prepare "$XML.final"
    ok 'at once' [ $((SECONDS - t)) -le 1 ]
    cluster_start_mon
    wait_until 'it works when they are back' 20 hook_prepare "$XML.final"
}

inside()
{
    local before
    bed_need_remora
    parts
    ok 'the agent starts' agent_start
    before=$(left_over)
    images
    requests
    documents
    no_monitor
    is 'nothing was made' "$(left_over)" "$before"
    without_agent
    keys
    configuration
    usage
    is 'nothing is left' "$(left_over)" "$before"
    silence
}

bed_enter "$0" "$@"
inside
tap_done
