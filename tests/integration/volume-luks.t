#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/volume-luks.t - encrypted volumes
#
# What 'remora volume create --luks' makes QEMU opens by way of librbd, with the
# passphrase and not without it, and by its own LUKS where that knows the version; a
# guest runs on it; and what is read past the passphrase is not what was written.
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

ONE=0a64fa67-3e34-42e7-b7b0-423c11850e18
TWO=1b64fa67-3e34-42e7-b7b0-423c11850e18
A=982b8eac-6bcc-4a21-bd04-b67e26188be0
KEY=37152720-1785-11e2-a740-af0c1d8b8e4b
MiB=$((1024 * 1024))
PASS=$BED/tmp/pass
ALL=(-n admin -k /etc/ceph/ceph.client.admin.keyring)

volume()
{
    remora volume "$@"
}

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    # With what a text has, too: QEMU's own LUKS takes nothing else.
    printf 'a b\n\303\274c' >"$PASS"
    printf 'another' >"$PASS.wrong"
    guest_image 16M 'a secret disk' idle "$BED/tmp/golden" || bail 'no image'
}

# opts UUID FORMAT: the image, as QEMU has it by way of librbd.
opts()
{
    printf '%s' "driver=rbd,pool=volumes,image=volume-$1,user=admin," \
        "conf=/etc/ceph/ceph.conf,encrypt.format=$2,encrypt.key-secret=s"
}

# pass_opts UUID FORMAT FILE ARGUMENT...: qemu-io with that passphrase.
pass_io()
{
    local at=$1 format=$2 file=$3
    shift 3
    qemu-io --object "secret,id=s,file=$file" "$@" \
        --image-opts "$(opts "$at" "$format")" 2>&1
}

# filled UUID FORMAT: the golden image is in it.
filled()
{
    qemu-img convert -n --object "secret,id=s,file=$PASS" \
        --target-image-opts --image-opts \
        "driver=raw,file.filename=$BED/tmp/golden" "$(opts "$1" "$2")"
}

# holds UUID FORMAT: the same, read again.
holds()
{
    rm -f "$BED/tmp/again"
    qemu-img convert -O raw --object "secret,id=s,file=$PASS" --image-opts \
        "$(opts "$1" "$2")" "$BED/tmp/again" &&
        cmp "$BED/tmp/again" "$BED/tmp/golden"
}

shown()
{
    volume show --json "$1" | jq -c "$2"
}

# ---- refused, with nothing made ----------------------------------------------

refused()
{
    refuses 'no passphrase' 'needs a passphrase' volume create --luks 2 16MiB
    refuses 'a version that is none' 'versions 1 and 2' \
        volume create --luks 3 --passphrase-file "$PASS" 16MiB
    refuses 'a cipher that is none' 'aes-128 or aes-256' \
        volume create --luks 2 --passphrase-file "$PASS" --cipher rot13 16MiB
    refuses 'a passphrase for nothing' 'go with --luks' \
        volume create --passphrase-file "$PASS" 16MiB
    refuses 'a file that is not there' 'cannot take the passphrase' \
        volume create --luks 2 --passphrase-file /nowhere 16MiB
    refuses 'an empty one' 'it is empty' \
        volume create --luks 2 --passphrase-file /dev/null 16MiB
    refuses 'one without an end' 'more than 2048 bytes' \
        volume create --luks 2 --passphrase-file /dev/zero 16MiB
    is 'nothing was made' "$(rbd ls volumes)" ''
}

# ---- each kind ---------------------------------------------------------------

# kind VERSION OPTION...: one of it is made, written and read.
kind()
{
    local version=$1 format=luks header
    shift
    [ "$version" = 1 ] || format=luks2
    is "luks$version $*: one is made" \
        "$(volume create --id $ONE --luks "$version" --passphrase-file "$PASS" \
            "$@" 16MiB)" $ONE
    is 'shown as such' "$(shown $ONE '[.encryption, .status]')" \
        "[\"luks$version\",\"available\"]"
    like 'to people, too' "$(volume show $ONE)" "encrypted  luks$version"
    is 'without marks' "$(rbd image-meta list volumes/volume-$ONE)" \
        'There are 0 metadata on this image.'
    is 'and claims' "$(rados -p volumes ls | grep remora_claim)" ''
    rbd export --no-progress volumes/volume-$ONE "$BED/tmp/raw"
    is 'its header says so' "$(head -c 8 "$BED/tmp/raw" | od -An -tx1 |
        tr -d ' ')" "4c554b53babe000$version"
    is 'and how long its key is, of which XTS has two' "$(key_bytes "$version")" \
        "$([[ $* == *aes-128* ]] && echo 32 || echo 64)"
    rm "$BED/tmp/raw"
    like 'it is as large as was asked for' \
        "$(pass_io $ONE $format "$PASS" -r -c length)" '16 MiB'
    header=$(($(shown $ONE .size) - 16 * MiB))
    ok "behind its header ($header)" test "$header" -gt 0
    ok 'it is written' filled $ONE $format
    ok 'and read' holds $ONE $format
    ok 'past the passphrase that cannot be seen' clear_nowhere
    if [ "$version" = 1 ]; then
        ok 'by QEMU alone, without librbd' by_qemu
    fi
    like 'not by another passphrase' \
        "$(pass_io $ONE $format "$PASS.wrong" -c 'read 0 512')" \
        "can't open"
    cloned $format
    volume rm $ONE >/dev/null
    is 'it is removed' "$(rbd ls volumes)" ''
}

# key_bytes VERSION: by the header.
key_bytes()
{
    case $1 in
    1) od -An -j111 -N1 -tu1 "$BED/tmp/raw" | tr -d ' ' ;;
    2) head -c 16384 "$BED/tmp/raw" | tail -c +4097 | tr -d '\0' |
        jq '.keyslots["0"].key_size' ;;
    esac
}

clear_nowhere()
{
    ! rbd export --no-progress "volumes/volume-$ONE" - |
        grep -a -q 'a secret disk'
}

by_qemu()
{
    rm -f "$BED/tmp/again"
    qemu-img convert -O raw --object "secret,id=s,file=$PASS" --image-opts \
        "driver=luks,key-secret=s,file.driver=rbd,file.pool=volumes,file.image=volume-$ONE,file.user=admin,file.conf=/etc/ceph/ceph.conf" \
        "$BED/tmp/again" && cmp "$BED/tmp/again" "$BED/tmp/golden"
}

# A clone has its parent's header, and so its passphrase.
cloned()
{
    is 'a clone' "$(volume clone --id $TWO $ONE)" $TWO
    is 'is encrypted, too' "$(shown $TWO .encryption)" "$(shown $ONE .encryption)"
    ok 'by the same passphrase' holds $TWO "$1"
    volume flatten $TWO >/dev/null
    ok 'when it stands alone, too' holds $TWO "$1"
    is 'an image of it' "$(remora "${ALL[@]}" volume to-image --id $ONE $TWO)" \
        $ONE
    volume rm $TWO >/dev/null
    is 'and a volume of that' \
        "$(remora "${ALL[@]}" volume clone --id $TWO images/$ONE)" $TWO
    ok 'hold the same' holds $TWO "$1"
    volume rm $TWO >/dev/null
    remora "${ALL[@]}" image rm $ONE >/dev/null
}

small()
{
    is 'one smaller than its header' \
        "$(volume create --id $ONE --luks 2 --passphrase-file "$PASS" \
            --object-size 32MiB 1MiB)" $ONE
    like 'has its size' "$(pass_io $ONE luks2 "$PASS" -r -c length)" '1 MiB'
    volume rm $ONE >/dev/null
    is 'of standard input' "$(volume create --id $ONE --luks 1 --json \
        --passphrase-file - 1MiB <"$PASS" | jq -c '[.id, .size]')" \
        "[\"$ONE\",$MiB]"
    ok 'the same passphrase' pass_io $ONE luks "$PASS" -r -c length
    volume rm $ONE >/dev/null
}

# ---- a guest on it -------------------------------------------------------------

passphrase_define()
{
    cat >"$BED/tmp/secret.xml" <<XML
<secret ephemeral='no' private='yes'>
  <uuid>$KEY</uuid>
  <usage type='volume'><volume>volumes/volume-$ONE</volume></usage>
</secret>
XML
    virsh_ secret-define "$BED/tmp/secret.xml" >/dev/null &&
        virsh_ secret-set-value "$KEY" --plain --file "$PASS" >/dev/null
}

# disk FORMAT SECRET
disk()
{
    guest_disk_xml vda "volumes/volume-$ONE" "$2" | sed "s|</source>|\
<encryption format='$1' engine='librbd'>\
<secret type='passphrase' uuid='$KEY'/></encryption></source>|"
}

guest_on_it()
{
    local secret
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    ok 'the hook is installed' hook_install "$(agent_hook)"
    ok 'the agent starts' agent_start || bail 'no agent'
    ok 'libvirt has the passphrase' passphrase_define
    bed_wait 10 eval '[ -n "$(agent_secret)" ]'
    secret=$(agent_secret)
    runs 1 luks "$secret"
    runs 2 luks2 "$secret"
}

runs()
{
    volume create --id $ONE --luks "$1" --passphrase-file "$PASS" 16MiB \
        >/dev/null
    filled $ONE "$2"
    rm -f "$BED/serial/web1"
    ok "luks$1: a domain" guest_define web1 "$A" "$(disk "$2" "$3")"
    like 'its definition has what it had' "$(virsh_ dumpxml --inactive web1)" \
        "encryption format='$2' engine='librbd'"
    ok 'starts' virsh_ start web1
    ok 'its guest boots and writes' guest_wait_line web1 'wrote sector 2'
    wait_until 'and has the claim' 20 agent_claim_is "volumes/volume-$ONE" \
        "running $(hostname) $A"
    refuses 'nobody else writes to it' "$A" volume resize $ONE 64MiB
    virsh_ destroy web1 >/dev/null
    ok 'what it wrote is there' wrote "$2"
    ok 'and for nobody without the passphrase' clear_nowhere
    virsh_ undefine web1 >/dev/null
    bed_wait 20 eval '[ -z "$(cluster_watchers volumes/volume-$ONE)" ]'
    bed_wait 20 volume rm $ONE
}

wrote()
{
    pass_io $ONE "$1" "$PASS" -r -c 'read -v 1024 64' | grep -q 'written.by'
}

inside()
{
    bed_need_remora
    parts
    refused
    kind 1
    kind 2
    kind 2 --cipher aes-128 --object-size 1MiB
    small
    guest_on_it
}

bed_enter "$0" "$@"
inside
tap_done
