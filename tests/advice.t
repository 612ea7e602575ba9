#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/advice.t - each advice of a refusal is followed, and helps
#
# The refusals of definitions are those of tests/xml/*.err. Whatever they tell the
# reader to do is done here to the definition, in the words of the table, and the
# definition is taken then. What tells nothing but a limit stands in limits=; what
# has no definition of its own is followed in tests/integration/operators.t.
#
# shellcheck source-path=SCRIPTDIR
: "${srcdir:=.}" "${builddir:=.}"
. "$srcdir/tests/lib/tap.sh"

REMORA=$builddir/agent/remora
[ -x "$REMORA" ] || bail "remora is built below '$builddir' (builddir says where)"
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
export ASAN_OPTIONS=detect_leaks=0

cat >"$tmp/ceph.conf" <<'CONF'
[global]
fsid = 4f9c1a52-27a7-4e0c-9d1a-6a6f0b1c2d3e
mon_host = 9.115.251.194
CONF
cat >"$tmp/remora.conf" <<CONF
clusters = ( { conf = "$tmp/ceph.conf"; } );
CONF

# TITLE, a blank, and a Perl program for the whole of the definition; one line
# for each advice of the message.
table()
{
    cat <<'TABLE'
70-doctype s/<!DOCTYPE[^>]*>\]>//; s|<domain/>|<domain><name>a</name></domain>|
71-not-well-formed s|<name>.*|<name>a</name></domain>|s
72-not-a-domain s/network/domain/g
73-empty $_ = '<domain/>'
74-no-xml $_ = '<domain/>'
75-encoding s/X-UNKNOWN/UTF-8/
76-uuid s/982b8eac/982b8eac-6bcc-4a21-bd04-b67e26188be0/
76-uuid s|<uuid>.*?</uuid>||
78-attlist s/<!DOCTYPE.*?\]>//s
78-entity s/<!DOCTYPE.*?\]>//s; s/&disk;/other_disk/
78-reference s/<!DOCTYPE.*?\]>//s; s/&\w+;/other/g
79-prefixed-domain s/x:domain/domain/g
80-attribute-namespace s/ \w+:size=/ size=/; s/ xmlns:(?!remora)\w+="[^"]*"//
80-attribute s/sise/size/
80-domain-attribute s/ version="[^"]*"//
80-element-in-entry s|<size.*?(/>\|</size>)||s
80-element-no-namespace s/<disk (?=target)/<remora:disk /
80-element s/remora:volume/remora:disk image="i"/
80-kind s/kind="disk"/kind="clone" image="i"/
80-kind s/kind="disk"/kind="data"/
80-kind s/kind="disk"/kind="rescue" image="i"/
80-kind s/kind="disk"/kind="ephemeral"/
80-kind s/kind="disk"/kind="swap"/
80-kind s/kind="disk" size="2 GiB"/kind="config" file="\/i"/
80-text-in-domain-cdata s/<!\[CDATA\[.*?\]\]>//s
80-text-in-entry s|(<remora:disk[^>]*>)[^<]*|$1|s
80-text s|(<remora:domain[^>]*>)[^<]*|$1|s; s|(/>)[^<]*(</remora:domain>)|$1$2|s
80-top s|(<remora:disk)( xmlns:remora="[^"]*")(.*?/>)|<remora:domain$2>$1$3</remora:domain>|
80-two-tops s|</remora:domain>\s*<remora:domain[^>]*>||s
81-no-image s|(<remora:disk target="vda")|$1 image="i"|
81-no-image s|(<remora:disk target="vda")|$1 image="images/i@snap"|
81-no-target s|<remora:disk |<remora:disk target="vda" |
81-target-floppy s/"fda"/"vda"/
81-target-form s/"vd1"/"sda"/
81-target-path s|"/dev/vda"|"hda"|
81-two-entries s|<remora:disk [^>]*/>||
82-original-attribute s|<remora:original[^>]*/>||
82-original-twice s|<remora:original/>||
82-original-two-disks s|<disk/>||
82-record-attribute s| image="[^"]*"||
82-record-twice s|<remora:original.*?</remora:original>||s
82-record-without-disk s|<remora:original[^>]*/>||
82-record-without-target s|<remora:original.*?(/remora:original>\|/>\s*(?=</remora:domain))||s
83-size-fraction s/0.1 KiB/1 KiB/
83-size-large s/1048577/1048576/
83-size-number s/"big"/"20 GiB"/
83-size-unit s/3 GB/3 GiB/
83-size-zero s/size="0"/size="1"/
84-image-pool s|volumes/|images/|
84-image-pools s|volumes/|images/|
86-pool-undecided s|image="|image="images/|
87-driver-type s/ type='qcow2'//
87-floppy s/'floppy'/'disk'/
87-floppy s/'floppy'/'cdrom'/
87-readonly-size s/ size="[^"]*"//
87-readonly-source-clone s|<remora:disk [^>]*/>||
87-readonly-source-clone s|<disk .*</disk>||s
87-source-bare s|<remora:disk [^>]*/>||
87-source-bare s|<disk .*</disk>||s
87-source-file s|<remora:disk [^>]*/>||
87-source-file s|<disk .*</disk>||s
87-source-other-image s|<remora:disk [^>]*/>||
87-source-other-image s|<disk .*</disk>||s
87-source-other-snapshot s|<remora:disk [^>]*/>||
87-source-other-snapshot s|<disk .*</disk>||s
89-other-cluster-asked s|<remora:disk [^>]*/>||
89-other-cluster-asked s|<disk .*</disk>||s
87-source-two-snapshots s|<snapshot .*?/>||
87-source-volume s|<remora:disk [^>]*/>||
87-source-volume s|<disk .*</disk>||s
87-two-disks s|(.*)dev='vda'|$1dev='vdb'|s
88-driver-type s/ type='qcow2'//
88-lun s/'lun'/'disk'/
88-lun s/'lun'/'cdrom'/
88-no-target s|</disk>|<target dev='vda'/></disk>|
88-snapshots-disagree s|<snapshot .*?/>||
88-snapshots-disagree s|\@a||
88-target-form s/ubda/xvda/
90-copy-bare s/<uuid>.*?</<uuid>a9670d9a-8aa7-49ba-baf5-9d7a450172f3</
90-copy-bare s|vms/.*?'|volumes/own'|
90-copy-bare s|<disk .*</disk>||s
90-copy-entry s/<uuid>.*?</<uuid>a9670d9a-8aa7-49ba-baf5-9d7a450172f3</
90-copy-entry s| destination="[^"]*"||; s|<disk .*</disk>||s
90-copy-no-uuid s|</name>|</name><uuid>982b8eac-6bcc-4a21-bd04-b67e26188be0</uuid>|
90-copy-no-uuid s| destination="[^"]*"||; s|<disk .*</disk>||s
90-copy-source s/<uuid>.*?</<uuid>a9670d9a-8aa7-49ba-baf5-9d7a450172f3</
90-copy-source s|<disk .*</disk>||s
91-destination-name s|<remora:disk [^>]*/>||
91-destination-name s| destination="[^"]*"||; s|<disk .*</disk>||s
91-destination-of-bare s|<disk type='network'.*?</disk>||s
91-destination-of-bare s|<remora:disk [^>]*/>||
91-destination-pool-part s|<remora:disk [^>]*/>||
91-destination-pool-part s| destination="[^"]*"||; s|<disk .*</disk>||s
91-destination-pool s|<remora:disk [^>]*/>||
91-destination-pool s| destination="[^"]*"||; s|<disk .*</disk>||s
91-destination-suffix s|<remora:disk [^>]*/>||
91-destination-suffix s| destination="[^"]*"||; s|<disk .*</disk>||s
91-destination-twice s|<remora:disk [^>]*vdb[^>]*/>||
91-name-taken s|<remora:disk [^>]*/>||
91-name-taken s|(.*)<disk .*?</disk>|$1|s
92-clone-format s/ format="[^"]*"//
92-config-no-file s|kind="config"|$& file="/i"|
92-config-no-file s|(?=</devices>)|<disk type='file' device='cdrom'><source file='/i'/><target dev='sda'/></disk>|
92-config-other-source s|<remora:disk [^>]*/>||
92-config-other-source s|<disk .*</disk>||s
92-config-relative s|"config.iso"|"/config.iso"|
92-config-size s/ size="[^"]*"//
92-data-no-size s|kind="data"|$& size="1 GiB"|
92-ephemeral-file s/ file="[^"]*"//
92-ephemeral-format s/"ntfs"/"ext4"/
92-ephemeral-format s/"ntfs"/"xfs"/
92-ephemeral-format s/"ntfs"/"vfat"/
92-ephemeral-format s/ format="[^"]*"//
92-ephemeral-label-blank s/ label="[^"]*"//
92-ephemeral-label-option s/"-x"/"x-1_"/
92-ephemeral-label s/"twelve_bytes"/"eleven_byte"/
92-ephemeral-no-size s|kind="ephemeral"|$& size="1 GiB"|
92-ephemeral-small s/"299 MiB"/"300 MiB"/
92-ephemeral-source s|<remora:disk [^>]*/>||
92-ephemeral-source s|<disk .*</disk>||s
92-rescue-no-image s|kind="rescue"|$& image="i"|
92-rescue-no-image s|kind="rescue"|$& image="images/i@snap"|
92-swap-image s/ image="[^"]*"//
92-swap-label s/ label="[^"]*"//
92-swap-no-size s|kind="swap"|$& size="1 GiB"|
92-swap-readonly s|<readonly/>||
92-swap-readonly s|<remora:disk [^>]*/>||
92-swap-small s/size="[^"]*"/size="1 MiB"/
92-same-guest-not-in-place s|<remora:disk [^>]*/>||
93-namespace-empty s|vms//|vms/|
93-namespace-two s|vms/a/b/c|vms/a|
93-prefix-snapshot s/ x:name=/ name=/
93-prefix s/ x:name=/ name=/
93-two-snapshots s|<snapshot name='t'/>||
93-two-sources s|<source .*?/>||
96-overlay-copied s/<uuid>.*?</<uuid>b7a1c9de-4f20-4e11-8a77-5b1e0cc0d902</
96-overlay-copied s|<disk .*</disk>||s
96-source-other s|images/j\@snap|vms/982b8eac-6bcc-4a21-bd04-b67e26188be0_disk|
96-source-other s|<remora:disk .*?</remora:disk>||s
98-namespace-element s|images/tenant-a/|images/|
98-namespace-entry s|images/ns/|images/|
98-namespace-source s|images/ns/|images/|
TABLE
}

limits='77-deep 81-target-long 84-image-at 84-image-control 84-image-empty
84-image-long 84-image-pool-empty 84-image-snap-empty
84-image-too-long 85-cluster 85-location-at 85-location-empties
85-location-escape 85-location-five-empty 85-location-fsid-long
85-location-nul 85-location-scheme 85-location-short 85-location-slashes
85-location-three-empty 85-location-two-empty 85-location-two 88-bare-empty
88-bare-long 88-bare-snapshot-empty 88-bare-target-long 88-hosts
88-image-snapshot-empty
91-destination-slash'

render()
{
    "$REMORA" -c "$tmp/remora.conf" render --offline "$tmp/domain.xml"
}

# Those of a lone device are the same messages, as are those of a volume, whose
# storage pool nobody looks up here. Nova's metadata is nothing that render reads:
# what is told of that is followed in tests/xml/66-nova-*-advised.
named()
{
    table | cut -d ' ' -f 1
    printf '%s\n' $limits
}

is 'all that is refused is here' "$(cd "$srcdir/tests/xml" && ls -- *.err |
    sed 's/\.err$//' | grep -v -e '^99-device-' -e '^39-volume-' \
    -e '^66-nova-' | sort)" "$(named | sort -u)"

while IFS=' ' read -r name program; do
    perl -0777 -pe "$program" "$srcdir/tests/xml/$name.in.xml" \
        >"$tmp/domain.xml"
    if cmp -s "$tmp/domain.xml" "$srcdir/tests/xml/$name.in.xml"; then
        fail "$name: $program changes nothing"
    else
        ok "$name: $program" render
    fi
done < <(table)

tap_done
