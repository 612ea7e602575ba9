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
BEFORE=

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    guest_image 16M 'a golden image' off "$BED/tmp/golden" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/golden" "$IMAGE"
    ok 'an image without the snapshot' \
        rbd import --object-size 8M "$BED/tmp/golden" "images/$BARE"
    qemu-img create -q -f qcow2 -u -b /etc/shadow -F raw "$BED/tmp/qcow2" 4M
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

# All objects of the pool: images, the trash, claims.
left_over()
{
    rados -p vms ls | sort || echo 'the pool cannot be listed'
}

# rejects TITLE TEXT COMMAND...: status 1, one line on stderr with the text in
# it, nothing on stdout, and nothing more in the pool than before.
rejects()
{
    local STATUS=1
    rejects_with "$@"
    is "$1: nothing is left behind" "$(left_over)" "$BEFORE"
}

# The same for wrong usage, which does not get so far as to leave anything.
misused()
{
    local STATUS=2
    rejects_with "$@"
}

rejects_with()
{
    local title=$1 text=$2 status
    shift 2
    "$@" >"$BED/tmp/out" 2>"$BED/tmp/err" </dev/null
    status=$?
    is "$title: status and lines" \
        "$status $(wc -l <"$BED/tmp/out") $(wc -l <"$BED/tmp/err")" "$STATUS 0 1"
    like "$title: the line" "$(<"$BED/tmp/err")" "$text"
}

# case TITLE TEXT: the definition in $XML is refused with TEXT at every door.
refused()
{
    final
    rejects "$1: by remora provision" "$2" remora provision "$XML"
    rejects "$1: at the start" "$2" hook_prepare "$XML.final"
}

images()
{
    asks "target='vda' image='11111111-2222-3333-4444-555555555555'"
    refused 'unknown image' 'does not exist'
    asks "target='vda' image='$BARE'"
    refused 'image without the snapshot' "has no snapshot 'snap'"
    asks "target='vda' image='rbd://11111111-2222-3333-4444-555555555555/images/$IMAGE/snap'"
    refused 'image in another cluster' \
        "its image is in cluster '11111111-2222-3333-4444-555555555555'"
    asks "target='vda' image='other/$IMAGE@snap'"
    refused 'pool that is not configured' "'other' is not a pool for images"
    asks "target='vda' image='$QCOW'"
    refused 'image that is not raw, and is not converted' \
        'is qcow2 with a backing file, and is not converted'
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
    refused 'two entries for one target' 'target: remove one'
}

documents()
{
    asks "target='vda' image='$IMAGE'"
    sed -i 's|</domain>||' "$XML"
    refused 'malformed XML' 'the definition is not well-formed XML: line'
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
    rejects 'XML above the limit: by remora provision' 'too large' \
        remora provision "$XML"
    rejects 'XML above the limit: at the start' '4194304 bytes' \
        hook_prepare "$XML.final"
}

no_monitor()
{
    asks "target='vda' image='$IMAGE'"
    final
    sed -i '/<host /s|127\.0\.0\.1|192.0.2.1|' "$XML.final"
    rejects 'no host of the disk is a monitor' '192.0.2.1:6789' \
        hook_prepare "$XML.final"
}

# What --one-shot says is what the agent says.
without_agent()
{
    ok 'the agent stops' agent_stop
    asks "target='vda' image='11111111-2222-3333-4444-555555555555'"
    final
    rejects 'without an agent: unknown image' 'does not exist' \
        hook_prepare "$XML.final"
    asks "target='vda' image='$IMAGE' size='8 MiB'"
    final
    rejects 'without an agent: size' 'at least that size' \
        hook_prepare "$XML.final"
    rejects 'an unknown operation' 'prepare, migrate, restore, started' \
        agent_remorad --one-shot explode bad
}

keys()
{
    asks "target='vda' image='$IMAGE'"
    rejects 'missing keyring' '/nowhere' \
        remora -k /nowhere provision "$XML"
    printf '[client.remora]\nkey = %s\n' "$(cluster_key glance)" \
        >"$BED/tmp/wrong"
    rejects 'wrong key' 'the cluster does not know this user or key' remora -k "$BED/tmp/wrong" provision "$XML"
    rejects 'unknown user' 'client.nobody' \
        remora -n nobody -k "$BED/tmp/wrong" provision "$XML"
}

# conf_refused TITLE TEXT CONTENT
conf_refused()
{
    printf '%s\n' "$3" >"$BED/tmp/bad.conf"
    rejects "$1: by remorad" "$2" \
        agent_remorad -c "$BED/tmp/bad.conf" --check-config
    rejects "$1: by remora" "$2" remora -c "$BED/tmp/bad.conf" status
    rejects "$1: named with its line" "$BED/tmp/bad.conf:1" \
        agent_remorad -c "$BED/tmp/bad.conf"
}

configuration()
{
    conf_refused 'unknown key' 'conect_timeout' 'conect_timeout = "5 s";'
    conf_refused 'mistyped key' 'connect_timeout' 'connect_timeout = 5;'
    conf_refused 'value out of range' '300 s' 'connect_timeout = "900 s";'
    rejects 'missing configuration' '/nowhere' \
        agent_remorad -c /nowhere --check-config
}

usage()
{
    misused 'unknown command' "unknown command 'explode'" remora explode
    misused 'no command' 'no command' remora
    misused 'unknown option' 'see' remora render --explode
    rejects 'no such file' 'there is no file' remora provision nowhere
    rejects 'no such file for render' '/nowhere' remora render /nowhere
    asks "target='vda' image='$IMAGE'"
    sed -i '/<uuid>/d' "$XML"
    rejects 'provision without a UUID' 'no <uuid>' remora provision "$XML"
}

# As it is where no keyring is configured: librados looks in its usual places.
no_keyring()
{
    local keyring=/etc/ceph/ceph.client.remora.keyring
    asks "target='vda' image='$IMAGE'"
    final
    mv "$keyring" "$BED/tmp/keyring"
    rejects 'no keyring: by remora provision' \
        "there is no key of client.remora in $keyring" remora provision "$XML"
    rejects 'no keyring: at the start' \
        "there is no key of client.remora in $keyring" hook_prepare "$XML.final"
    printf '[client.remora]\nkey = nonsense\n' >"$keyring"
    rejects 'a key that is none: by remora provision' \
        'there is no usable key of client.remora in' remora provision "$XML"
    rejects 'a key that is none: at the start' \
        'there is no usable key of client.remora in' hook_prepare "$XML.final"
    mv "$BED/tmp/keyring" "$keyring"
}

# took TITLE MOST COMMAND...: no more milliseconds than that.
took()
{
    local title=$1 most=$2 from=${EPOCHREALTIME/./} ms
    shift 2
    "$@"
    ms=$(((${EPOCHREALTIME/./} - from) / 1000))
    ok "$title" [ "$ms" -le "$most" ] || diag "it took $ms ms"
}

# Inside the connect timeout of 5 s, with what starting a program takes, and at
# once from then on.
silence()
{
    local STATUS=1
    # It knows nothing of the domain, so that its claim ends.
    ok 'libvirtd starts' libvirtd_start
    ok 'the agent starts' agent_start
    asks "target='vda' image='$IMAGE'"
    final
    cluster_stop_mon
    took 'inside the connect timeout' 6000 \
        rejects_with 'monitors unreachable: by remora provision' \
        'the cluster did not answer in time' remora provision "$XML"
    took 'inside the connect timeout, too' 6000 \
        rejects_with 'monitors unreachable: at the start' \
        'the cluster did not answer in time' hook_prepare "$XML.final"
    took 'at once' 1000 rejects_with 'and again' \
        'has not answered for' hook_prepare "$XML.final"
    cluster_start_mon
    wait_until 'it works when they are back' 20 hook_prepare "$XML.final"
    "$(agent_hook)" bad release end - <"$XML.final"
    wait_until 'its claim ends' 15 agent_no_claims
    rbd rm --no-progress "vms/${A}_disk"
}

# One of two disks cannot be made: the other one is not made either.
one_of_two()
{
    asks "target='vda' image='$IMAGE'" \
        "target='vdb' image='11111111-2222-3333-4444-555555555555'"
    refused 'one of two images is unknown' "disk 'vdb': image"
    asks "target='vda' image='$IMAGE'" "target='vdb' image='$IMAGE' size='1 MiB'"
    refused 'one of two sizes is too small' "disk 'vdb': a disk of 1048576 bytes"
}

inside()
{
    bed_need_remora
    parts
    ok 'the agent starts' agent_start
    # Made here, for it stays.
    rbd create --size 1M vms/first
    rbd rm --no-progress vms/first
    BEFORE=$(left_over)
    images
    one_of_two
    requests
    documents
    no_monitor
    without_agent
    keys
    no_keyring
    configuration
    usage
    silence
    is 'after all of this nothing is left' "$(left_over)" "$BEFORE"
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside
tap_done
