#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/claims.t - claims of other hosts, other boots and others
#
# Nobody but the test has written them: to one process it makes no difference.
#
# Needs: root, the packages of lib/packages.sh, REMORA_BUILD (a build tree) with
#        fault points.
# Stage: faults
#
# shellcheck source-path=SCRIPTDIR
here=$(dirname -- "$(realpath -- "$0")")/..
. "$here/lib/tap.sh"
. "$here/lib/bed.sh"
. "$here/lib/cluster.sh"
. "$here/lib/guest.sh"
. "$here/lib/agent.sh"

IMAGE=0a64fa67-3e34-42e7-b7b0-423c11850e18
PARENT=images/$IMAGE@snap
MiB=$((1024 * 1024))
TRY=${REMORA_BUILD-}/tests/integration/store-try
WEB=982b8eac-6bcc-4a21-bd04-b67e26188be0
# Of a range that is kept for documents: nobody's.
GONE=192.0.2.200:0/4711
OTHER_GONE=192.0.2.201:0/4712

try()
{
    "$TRY" "$@"
}

# starts POOL/IMAGE SOURCE OWNER: as its domain's start does.
starts()
{
    STORE_TRY_STARTS=yes try provision "$1" "$2" 0 "$3"
}

# writes IMAGE WORD...: a claim of this text.
writes()
{
    local object=remora_claim.$1
    shift
    rados -p vms rm "$object" 2>/dev/null
    rados -p vms create "$object" &&
        printf '%s' "v=2 nonce=$RANDOM$RANDOM $*" |
        rados -p vms setxattr "$object" remora.claim &&
        printf 0 | rados -p vms setxattr "$object" remora.alive
}

says()
{
    rados -p vms getxattr "remora_claim.$1" remora.claim
}

removes()
{
    rados -p vms rm "remora_claim.$1"
}

BETA="host=beta machine=0123456789abcdef boot=b-1 domain=$WEB since=1"

start()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    guest_image 16M 'a golden image' off "$BED/tmp/golden" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/golden" "$IMAGE"
    is 'a disk' "$(try provision vms/a "$PARENT" 0 "$WEB")" "built $((16 * MiB))"
}

# uses POOL/IMAGE [read|write]: somebody has it open, as $user and at $addr.
uses()
{
    rbd --id remora bench --io-type "${2-read}" --io-size 4K --io-total 1T \
        --io-threads 1 "$1" >/dev/null 2>&1 &
    user=$!
    wait_until "somebody uses $1" 10 eval "[ -n \"\$(cluster_watchers $1)\" ]"
    addr=$(cluster_watchers "$1")
}

leaves()
{
    kill -TERM "$user"
    wait "$user" 2>/dev/null
    wait_until 'it closes it' 10 eval "[ -z \"\$(cluster_watchers $1)\" ]"
}

# cut_off_for_years ADDRESS
cut_off_for_years()
{
    local until
    until=$(ceph osd blocklist ls --format json 2>/dev/null |
        jq -r --arg addr "$1" '.[] | select(.addr == $addr) | .until')
    [ -n "$until" ] || { echo "'$1' is not cut off" && return 1; }
    [ $(($(date -d "${until:0:19}" +%s) - $(date +%s))) -gt 100000000 ] ||
        { echo "only until $until" && return 1; }
}

forgiven()
{
    local addr
    for addr in $(cluster_blocklist); do
        ceph osd blocklist rm "$addr" >/dev/null 2>&1
    done
    is 'nobody is cut off' "$(cluster_blocklist)" ''
}

# ---- handed ----------------------------------------------------------------

handed()
{
    local before
    writes a phase=handed "$BETA addr=$GONE"
    before=$(says a)
    refuses 'what is handed on another host is refused, the host named' \
        "is claimed by host 'beta' for '$WEB'" starts vms/a "$PARENT" "$WEB"
    refuses 'with what to do if that host is dead' "'remora fence --host beta'" \
        starts vms/a "$PARENT" "$WEB"
    refuses 'however long it is waited for' 'its guest may open it at any time' \
        env STORE_TRY_PATIENCE=3000 STORE_TRY_STARTS=yes \
        "$TRY" provision vms/a "$PARENT" 0 "$WEB"
    refuses 'also to who arrives' 'has not seen its guest run yet' \
        env STORE_TRY_STARTS=arriving "$TRY" provision vms/a "$PARENT" 0 "$WEB"
    is 'here nobody settles it' "$(try settle vms/a "$WEB" ended)" none
    is 'nor anything of it' "$(try reclaim)" 0
    is 'it says what it said' "$(says a)" "$before"
    is 'nobody is cut off' "$(cluster_blocklist)" ''
    removes a
}

# The same host, before it has booted; by its claims a host tells itself.
booted()
{
    local text
    : >"$BED/tmp/kept"
    STORE_TRY_STARTS=yes "$TRY" provision vms/a "$PARENT" 0 "$WEB" hand \
        >"$BED/tmp/kept" &
    holder=$!
    wait_until 'a claim is handed here' 10 grep -q kept "$BED/tmp/kept"
    text=$(says a)
    kill -KILL "$holder"
    wait "$holder" 2>/dev/null
    rm -f /run/remora/instances/*
    rados -p vms setxattr remora_claim.a remora.claim \
        "$(sed 's/ boot=[^ ]*/ boot=before/' <<<"$text")"
    is 'another domain gets what was handed before a boot' \
        "$(starts vms/a "$PARENT" "$WEB")" "ready $((16 * MiB)) recovered"
    is 'no claim is left' "$(agent_claim vms/a)" none

    writes a "${text#* }"
    rados -p vms setxattr remora_claim.a remora.claim \
        "$(sed 's/ boot=[^ ]*/ boot=before/' <<<"$text")"
    is 'it goes although nobody knows of the domain' \
        "$(try settle vms/a "$WEB" unknown)" dropped
    # Of two hosts with one name this is the other.
    rados -p vms create remora_claim.a
    rados -p vms setxattr remora_claim.a remora.claim \
        "$(sed 's/ machine=[^ ]*/ machine=0/;s/ boot=[^ ]*/ boot=before/' \
            <<<"$text")"
    refuses 'another machine of the same name has not booted' \
        "is claimed by host '$(hostname)'" starts vms/a "$PARENT" "$WEB"
    is 'nor is its claim settled' "$(try settle vms/a "$WEB" ended)" none
    removes a
    is 'nobody is cut off' "$(cluster_blocklist)" ''
}

fenced()
{
    writes a phase=fenced "$BETA addr=$GONE"
    is 'what an operator has fenced is free' \
        "$(starts vms/a "$PARENT" "$WEB")" "ready $((16 * MiB)) recovered"
    ok 'when who is in it is cut off, should the host not be off as was said' \
        cut_off_for_years "$GONE"
    forgiven
}

# ---- running ---------------------------------------------------------------

running()
{
    local user addr
    uses vms/a
    writes a phase=running "$BETA addr=$addr"
    refuses 'what runs on another host is refused, the client named' \
        "its guest has it open as client '$addr'" starts vms/a "$PARENT" "$WEB"
    writes a phase=running "$BETA addr=$GONE"
    refuses 'also if it is another who has it open' \
        "is claimed by host 'beta' for '$WEB'" starts vms/a "$PARENT" "$WEB"
    is 'nobody is cut off' "$(cluster_blocklist)" ''
    leaves vms/a
    is 'where nobody has it open it is taken' \
        "$(starts vms/a "$PARENT" "$WEB")" "ready $((16 * MiB)) recovered"
    ok 'and who had it is cut off, for years' cut_off_for_years "$GONE"
    is 'and nobody else' "$(cluster_blocklist)" "$GONE"
    forgiven

    writes a phase=running "$BETA addr=$GONE" \
        "arrival=gamma;m;b;$WEB;$OTHER_GONE"
    refuses 'who is on the way may be the one that runs' \
        "its migration to host 'gamma' has not come to its end" \
        starts vms/a "$PARENT" "$WEB"
    refuses 'it does not migrate to two hosts' \
        "if that host is dead for good, 'remora fence --host gamma'" \
        env STORE_TRY_STARTS=arriving "$TRY" provision vms/a "$PARENT" 0 "$WEB"
    removes a
}

# arrives [DISK'S OWNER]
arrives()
{
    STORE_TRY_STARTS=arriving try provision vms/a "$PARENT" 0 "$1" "${@:2}"
}

arrival()
{
    local user addr before holder
    uses vms/a
    writes a phase=running "$BETA addr=$addr"
    before=$(agent_claim vms/a)
    refuses 'another domain does not arrive' "its guest has it open" \
        arrives "$IMAGE"
    : >"$BED/tmp/kept"
    STORE_TRY_STARTS=arriving "$TRY" provision vms/a "$PARENT" 0 "$WEB" hand \
        >"$BED/tmp/kept" &
    holder=$!
    wait_until 'the domain arrives' 10 grep -q kept "$BED/tmp/kept"
    is 'the claim is the source'"'"'s all the same' "$(agent_claim vms/a)" \
        "$before"
    like 'and says who comes' "$(says a)" "arrival=$(hostname);"
    is 'which is not settled while it opens its disks' \
        "$(try settle vms/a "$WEB" opening)" waiting
    is 'nor while the source has it open' \
        "$(try settle vms/a "$WEB" runs plugged)" waiting
    is 'it does not get here' "$(try settle vms/a "$WEB" ended)" dropped
    unlike 'then nobody comes' "$(says a)" arrival=
    is 'and the source goes on' "$(agent_claim vms/a)" "$before"
    kill -TERM "$holder"
    wait "$holder"
    is 'nobody is cut off' "$(cluster_blocklist)" ''
    leaves vms/a
    removes a
    rm -f /run/remora/instances/*
}

# The one that came is the only one that has the disk open.
arrived()
{
    local user addr holder
    writes a phase=running "$BETA addr=$GONE"
    : >"$BED/tmp/kept"
    STORE_TRY_STARTS=arriving "$TRY" provision vms/a "$PARENT" 0 "$WEB" hand \
        >"$BED/tmp/kept" &
    holder=$!
    wait_until 'the domain arrives' 10 grep -q kept "$BED/tmp/kept"
    uses vms/a
    is 'its watch is not told from the source'"'"'s before it runs' \
        "$(try settle vms/a "$WEB" opening plugged)" waiting
    is 'it runs' "$(try settle vms/a "$WEB" runs plugged)" running
    is 'the claim is its own' "$(agent_claim vms/a)" \
        "running $(hostname) $WEB $addr"
    ok 'the source is cut off for years, should it come back' \
        cut_off_for_years "$GONE"
    kill -TERM "$holder"
    wait "$holder"
    leaves vms/a
    is 'it ends' "$(try settle vms/a "$WEB" ended)" dropped
    forgiven
    rm -f /run/remora/instances/*
}

# A guest that ran before there were claims, and somebody who reads its disk.
unclaimed()
{
    local user addr reader
    is 'a guest that runs with a disk that nobody has open is looked at again' \
        "$(try settle vms/a "$WEB" runs plugged)" waiting
    is 'one without the disk is not' "$(try settle vms/a "$WEB" runs)" none
    uses vms/a
    reader=$user
    rbd --id remora bench --io-type read --io-size 4K --io-total 1T \
        --io-threads 1 vms/a >/dev/null 2>&1 &
    user=$!
    wait_until 'two have it open' 10 \
        eval '[ "$(cluster_watchers vms/a | wc -l)" = 2 ]'
    is 'whose watch is not told from another is, too' \
        "$(try settle vms/a "$WEB" runs plugged)" waiting
    is 'there is no claim' "$(agent_claim vms/a)" none
    kill -TERM "$reader"
    wait "$reader" 2>/dev/null
    wait_until 'one closes it' 10 \
        eval '[ "$(cluster_watchers vms/a | wc -l)" = 1 ]'
    is 'then it is on record' "$(try settle vms/a "$WEB" runs plugged)" running
    leaves vms/a
    is 'and ends' "$(try settle vms/a "$WEB" ended)" dropped
}

# changes IMAGE SCRIPT: what its claim says, by sed.
changes()
{
    local text
    text=$(says "$1")
    rados -p vms setxattr "remora_claim.$1" remora.claim "$(sed "$2" <<<"$text")"
}

# A disk that is unplugged and plugged in past the proxy, before anybody looks.
plugged_again()
{
    local user addr first
    uses vms/a
    is 'a guest is on record' "$(try settle vms/a "$WEB" runs plugged)" running
    first=$addr
    leaves vms/a
    is 'it stays so when it is out of reach' \
        "$(try settle vms/a "$WEB" runs plugged) $(agent_claim vms/a)" \
        "running running $(hostname) $WEB $first"
    uses vms/a
    is 'it has its disk open by another client' \
        "$(try settle vms/a "$WEB" runs plugged)" running
    is 'which is on record then' "$(agent_claim vms/a)" \
        "running $(hostname) $WEB $addr"
    like 'and the one before is not forgotten' "$(says a)" \
        ";$WEB;$first"
    is 'it may be out of reach, and is not cut off' "$(cluster_blocklist)" ''
    leaves vms/a
    is 'it ends' "$(try settle vms/a "$WEB" ended)" dropped
    ok 'then it is' eval 'cluster_blocklist | grep -q -x -F "$first"'
    forgiven

    uses vms/a
    is 'another one' "$(try settle vms/a "$WEB" runs plugged)" running
    first=$addr
    leaves vms/a
    uses vms/a
    is 'as well' "$(try settle vms/a "$WEB" runs plugged)" running
    leaves vms/a
    changes a 's/ machine=[^ ]*/ machine=0/;s/ boot=[^ ]*/ boot=b/'
    is 'where nobody has it open another host takes it' \
        "$(starts vms/a "$PARENT" "$WEB")" "ready $((16 * MiB)) recovered"
    ok 'and cuts off the one' cut_off_for_years "$addr"
    ok 'and the other' cut_off_for_years "$first"
    forgiven
}

# Of a host that was said to be off while its guest was on the way to here.
owing()
{
    local user addr
    uses vms/a
    is 'a guest came' "$(try settle vms/a "$WEB" runs plugged)" running
    changes a "s/phase=running/phase=handed/
        s|\$| owed=beta;m;b;$WEB;$GONE|"
    is 'and is put on record' "$(try settle vms/a "$WEB" runs plugged)" running
    ok 'when who had it is cut off' cut_off_for_years "$GONE"
    unlike 'and need not be any more' "$(says a)" owed=
    leaves vms/a
    changes a "s/phase=running/phase=handed/
        s|\$| owed=beta;m;b;$WEB;$OTHER_GONE|"
    is 'it ends before that' "$(try settle vms/a "$WEB" ended)" dropped
    ok 'and who had it is cut off all the same' cut_off_for_years "$OTHER_GONE"
    forgiven

    uses vms/a
    is 'another one' "$(try settle vms/a "$WEB" runs plugged)" running
    leaves vms/a
    changes a "s/phase=running/phase=fenced/;s| addr=[^ ]*| addr=$GONE|"
    is 'was fenced as if its host were off, and ends' \
        "$(try settle vms/a "$WEB" ended)" dropped
    is 'it is cut off, for what it wrote last may arrive yet' \
        "$(cluster_blocklist)" "$GONE"
    forgiven
}

# What a guest wrote last may arrive when its watch is long gone, unless it has
# let go of the image's lock.
ended()
{
    local user addr
    rbd create --size 4M --image-feature layering vms/plain
    rbd create --size 4M vms/locked
    is 'nobody is cut off' "$(cluster_blocklist)" ''

    uses vms/locked write
    is 'a guest is on record' \
        "$(try settle vms/locked "$WEB" runs plugged)" running
    leaves vms/locked
    is 'it closes its disk, and ends' \
        "$(try settle vms/locked "$WEB" ended)" dropped
    is 'which cuts nobody off' "$(cluster_blocklist)" ''

    uses vms/locked write
    is 'another one' "$(try settle vms/locked "$WEB" runs plugged)" running
    leaves vms/locked
    is 'closes it, and starts again before anybody has seen its end' \
        "$(starts vms/locked existing "$WEB")" "ready $((4 * MiB)) recovered"
    is 'which cuts nobody off either' "$(cluster_blocklist)" ''

    uses vms/locked write
    is 'a third one' "$(try settle vms/locked "$WEB" runs plugged)" running
    kill -KILL "$user"
    wait "$user" 2>/dev/null
    wait_until 'is killed, and its watch runs out' 120 \
        eval '[ -z "$(cluster_watchers vms/locked)" ]'
    is 'it ends' "$(try settle vms/locked "$WEB" ended)" dropped
    is 'and is cut off, watch or no watch' "$(cluster_blocklist)" "$addr"
    forgiven

    uses vms/plain write
    is 'one on a disk without a lock' \
        "$(try settle vms/plain "$WEB" runs plugged)" running
    leaves vms/plain
    is 'ends' "$(try settle vms/plain "$WEB" ended)" dropped
    is 'and is cut off, for nothing shows how' "$(cluster_blocklist)" "$addr"
    forgiven

    uses vms/plain write
    is 'one more' "$(try settle vms/plain "$WEB" runs plugged)" running
    leaves vms/plain
    is 'starts again' "$(starts vms/plain existing "$WEB")" \
        "ready $((4 * MiB)) recovered"
    is 'and is cut off' "$(cluster_blocklist)" "$addr"
    forgiven
}

# ---- building --------------------------------------------------------------

silence()
{
    local t=$SECONDS
    writes half phase=building "$BETA addr=$GONE instance=$(uuidgen)"
    refuses 'a builder of another host is not taken for dead at one look' \
        'if that host is dead, try again in 20 s' \
        starts vms/half "$PARENT" "$WEB"
    refuses 'nor after a few seconds' 'try again in 20 s' \
        env STORE_TRY_PATIENCE=3000 "$TRY" provision vms/half "$PARENT" 0 "$WEB"
    is 'one request watches it for as long as it takes' \
        "$(STORE_TRY_PATIENCE=60000 try provision vms/half "$PARENT" 0 "$WEB")" \
        "built $((16 * MiB)) recovered"
    ok 'not less than 20 s' [ $((SECONDS - t)) -ge 20 ]
    ok 'and it is cut off for years' cut_off_for_years "$GONE"
    forgiven
}

# Until $BED/tmp/enough is there. Not to be killed: a tool that it leaves behind
# would make the object anew when it is gone.
beats()
{
    local i
    for ((i = 1; i < 40; i++)); do
        [ ! -e "$BED/tmp/enough" ] || return
        printf '%d' "$i" |
            rados -p vms setxattr remora_claim.half remora.alive || return
        sleep 1
    done
}

at_work()
{
    local t=$SECONDS beating
    writes half phase=building "$BETA addr=$GONE instance=$(uuidgen)"
    beats &
    beating=$!
    refuses 'one that moves is at work' 'it is at work on it' \
        env STORE_TRY_PATIENCE=60000 "$TRY" provision vms/half "$PARENT" 0 "$WEB"
    ok 'which is said at once' [ $((SECONDS - t)) -lt 60 ]
    touch "$BED/tmp/enough"
    wait "$beating"
    removes half
    is 'nobody is cut off' "$(cluster_blocklist)" ''
}

# Between the cluster's yes and the first touch a claim of this very process must
# not look like a dead one's, to another request of it.
twice()
{
    local said
    said=$(REMORA_FAULT=claim-created=delay:3000@1 try twice vms/twice \
        "$PARENT" 0 "$WEB")
    is 'of two requests of one process at once one gets the disk' \
        "$(head -n 1 <<<"$said")" 1
    like 'and the other is told who is at it' "$said" \
        "claimed by host '$(hostname)' for '$WEB': it is at work on it"
    writes twice phase=fenced "$BETA"
    said=$(REMORA_FAULT=taken-over=delay:3000@1 try twice vms/twice \
        "$PARENT" 0 "$WEB")
    is 'also if it is taken over' "$(head -n 1 <<<"$said")" 1
    is 'no claim is left' "$(agent_claim vms/twice)" none
    is 'nobody is cut off' "$(cluster_blocklist)" ''
}

# Of a builder that took it from a guest that was out of reach.
owed()
{
    local user addr
    uses vms/a
    writes a phase=building "host=gamma domain=$WEB since=1 addr=$OTHER_GONE" \
        "instance=$(uuidgen) owed=beta;m;b;$WEB;$addr builders=$GONE"
    refuses 'its guest is there again' \
        "is in use by client '$addr' on host 'beta' for '$WEB'" \
        env STORE_TRY_PATIENCE=60000 "$TRY" provision vms/a "$PARENT" 0 "$WEB"
    is 'and has its claim back' "$(agent_claim vms/a)" \
        "running beta $WEB $addr"
    ok 'the builder is cut off' cut_off_for_years "$OTHER_GONE"
    ok 'and the one before' cut_off_for_years "$GONE"
    ok 'the guest is not' [ "$(cluster_blocklist | wc -l)" = 2 ]
    leaves vms/a
    forgiven

    writes a phase=building "host=gamma domain=$WEB since=1" \
        "owed=beta;m;b;$WEB;$GONE builders=$OTHER_GONE"
    is 'a guest that is not there again is cut off' \
        "$(starts vms/a "$PARENT" "$WEB")" "ready $((16 * MiB)) recovered"
    ok 'for years' cut_off_for_years "$GONE"
    ok 'the builder too' cut_off_for_years "$OTHER_GONE"
    forgiven
}

# Whom a claim names is never forgotten.
crowded()
{
    local i owed=
    for ((i = 0; i < 16; i++)); do
        owed+=${owed:+,}beta\;m\;b\;$WEB\;192.0.2.$((100 + i)):0/1
    done
    writes a phase=running "$BETA addr=$GONE owed=$owed"
    refuses 'one that has no room for another is refused' \
        'names more clients than can be kept' starts vms/a "$PARENT" "$WEB"
    like 'and stays' "$(says a)" "owed=beta;m;b;$WEB;192.0.2.100:0/1,"
    removes a
}

# ---- whose image it is -----------------------------------------------------

# Nothing tells a blank image that somebody made from one that was half made.
blank()
{
    rbd create --size 4M vms/blank
    writes blank phase=building "host=beta domain=$WEB since=1"
    refuses 'a blank image under a dead builder'"'"'s claim is not used' \
        'is empty and has no parent' starts vms/blank existing "$WEB"
    is 'and its claim stays' "$(agent_claim vms/blank | cut -d ' ' -f 1)" \
        building
    refuses 'so that it is not the next time either' \
        'is empty and has no parent' starts vms/blank existing "$WEB"
    is 'it is there' "$(rbd ls vms | grep blank)" blank
    writes blank phase=building "host=beta domain=$WEB since=1" \
        "adopted=$(rbd info --format json vms/blank | jq -r .id)"
    is 'one that its builder had only found is' \
        "$(starts vms/blank existing "$WEB")" "ready $((4 * MiB)) recovered"
    is 'no claim is left' "$(agent_claim vms/blank)" none

    writes blank phase=building "host=beta domain=$WEB since=1"
    rbd bench --io-type write --io-size 4K --io-total 4K vms/blank >/dev/null
    is 'with data it is somebody'"'"'s' \
        "$(starts vms/blank existing "$WEB")" "ready $((4 * MiB)) recovered"
}

# ---- texts of other versions -----------------------------------------------

unreadable()
{
    local text
    for text in 'v=3 phase=handed' 'v=2 phase=lent' 'v=2 phase=running addr=%zz' \
        'nonsense' ''; do
        writes a
        rados -p vms setxattr remora_claim.a remora.claim \
            "$text${text:+ nonce=1 $BETA}"
        refuses "a claim '$text' is refused" 'cannot be read' \
            starts vms/a "$PARENT" "$WEB"
        refuses 'and not settled' '' try settle vms/a "$WEB" ended
    done
    removes a
    rados -p vms create remora_claim.a
    refuses 'so is one that says nothing' 'cannot be read' \
        starts vms/a "$PARENT" "$WEB"
    removes a
}

# old HOST INSTANCE OWNER: a claim as version 0.1 wrote it.
old()
{
    rados -p vms create remora_claim.a
    rados -p vms setxattr remora_claim.a remora.holder \
        "instance=$2 host=$1 addr=$GONE owner=$3 since=1 number=0123"
    rados -p vms setxattr remora_claim.a remora.beat 7
}

old_elsewhere()
{
    old beta "$(uuidgen)" "$WEB"
    refuses 'a claim of version 0.1 counts as handed' \
        "is claimed by host 'beta' for '$WEB': its guest may open it" \
        starts vms/a "$PARENT" "$WEB"
    refuses 'however long it is silent' "'remora fence --host beta'" \
        env STORE_TRY_PATIENCE=25000 STORE_TRY_STARTS=yes \
        "$TRY" provision vms/a "$PARENT" 0 "$WEB"
    is 'here nobody settles it' "$(try settle vms/a "$WEB" ended)" none
    is 'it stays' "$(rados -p vms getxattr remora_claim.a remora.beat)" 7
    is 'and is shown' "$(try state vms/a | grep '^claim\|^host')" 'claim old
host beta'
    removes a
}

# leaves_note VERB OWNER: as a process of version 0.1 that has died here.
leaves_note()
{
    dead=$(uuidgen)
    mkdir -p /run/remora/instances
    printf '%s vms/a %s 1\n' "$1" "$2" >"/run/remora/instances/$dead"
}

old_here()
{
    local dead user addr
    leaves_note handed "$WEB"
    old "$(hostname)" "$dead" "$WEB"
    refuses 'of a dead process here, while its guest may run' \
        'its guest may open it' try provision vms/a "$PARENT" 0 "$WEB"
    refuses 'for another domain too' 'its guest may open it' \
        starts vms/a "$PARENT" "$IMAGE"
    is 'its domain starts again and gets it' \
        "$(starts vms/a "$PARENT" "$WEB")" "ready $((16 * MiB)) recovered"
    is 'no claim is left' "$(agent_claim vms/a)" none
    forgiven

    leaves_note handed "$WEB"
    old "$(hostname)" "$dead" "$WEB"
    is 'its domain has ended' "$(try settle vms/a "$WEB" ended)" dropped
    ok 'and its claim goes' agent_no_claims

    leaves_note handed "$WEB"
    old "$(hostname)" "$dead" "$WEB"
    uses vms/a
    is 'its guest runs' "$(try settle vms/a "$WEB" runs plugged)" running
    is 'and the claim becomes one of this version' "$(agent_claim vms/a)" \
        "running $(hostname) $WEB $addr"
    leaves vms/a
    is 'which ends' "$(try settle vms/a "$WEB" ended)" dropped

    leaves_note takes "$WEB"
    old "$(hostname)" "$dead" "$WEB"
    is 'one that was never handed is free' \
        "$(try provision vms/a "$PARENT" 0 "$WEB")" \
        "ready $((16 * MiB)) recovered"
    forgiven
    rm -f /run/remora/instances/*
}

inside()
{
    [ -x "$TRY" ] || bail 'REMORA_BUILD names no build tree'
    start
    handed
    booted
    fenced
    running
    arrival
    arrived
    unclaimed
    plugged_again
    owing
    ended
    silence
    at_work
    twice
    owed
    crowded
    blank
    unreadable
    old_elsewhere
    old_here
    ok 'no claim is left' agent_no_claims
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside
tap_done
