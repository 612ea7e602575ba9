#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/fence.t - the disks of a host that is gone are freed
#
# A host loses its power while its guest is about to come. Nobody but an operator
# can say that it does not come any more.
#
# Needs: root, the packages of lib/packages.sh, remora.
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

A=3e1d2c4b-5a69-4788-9b0a-1c2d3e4f5a01
B=3e1d2c4b-5a69-4788-9b0a-1c2d3e4f5a02

parts()
{
    local host
    ok 'a network' hosts_start || bail 'no network'
    ok 'a cluster starts' cluster_start ceph "$HOSTS_ADDRESS" ||
        bail 'no cluster'
    guest_image 16M 'an idle image' idle "$BED/tmp/idle" || bail 'no image'
    ok 'a volume' rbd import --no-progress "$BED/tmp/idle" volumes/x
    ok 'another' rbd import --no-progress "$BED/tmp/idle" volumes/y
    for host in alpha beta; do
        ok "a host, $host" host_start "$host" || bail 'no host'
        ok 'it serves' host_serve "$host" || bail 'no services'
        ok 'it knows a domain' host_run "$host" on_volume x "$A" ||
            bail 'no domain'
    done
}

on_volume()
{
    guest_define "$1" "$2" \
        "$(guest_disk_xml vda "volumes/$1" "$(agent_secret)")"
}

phase()
{
    rados -p volumes getxattr "remora_claim.$1" remora.claim 2>/dev/null |
        grep -o 'phase=[a-z]*'
}

is_handed()
{
    [ "$(phase x)" = phase=handed ]
}

# fence ARGUMENT...: on beta, where nobody can answer a question.
fence()
{
    host_run beta remora fence "$@" </dev/null
}

whole_host()
{
    echo "$(host_address alpha):0/0"
}

lost()
{
    ok 'a QEMU takes its time' host_slow_qemu alpha 1000000 "$A"
    host_run alpha virsh_ start x >"$BED/tmp/start" 2>&1 &
    wait_until 'the disk is handed to it' 30 is_handed
    wait_until 'and it is about to come' 30 host_run alpha guest_has_process "$A"
    ok 'the host loses its power' host_kill alpha
    refuses 'another host may not start it' "claimed by host 'alpha'" \
        host_run beta virsh_ start x
    like 'and is told what can be done' "$TAP_OUT" 'remora fence --host alpha'
}

asked()
{
    refuses 'what cannot be asked is not done' 'say --yes' fence --host alpha
    is 'which is wrong usage' \
        "$(fence --host alpha >/dev/null 2>&1 || echo $?)" 2
    refuses 'neither host nor client' 'either --host or --watcher' fence --yes
    refuses 'a host that has nothing' "no claim names host 'nobody'" \
        fence --host nobody --yes
    ok 'it shows' fence --host alpha --dry-run
    like 'whose disk it is about' "$TAP_OUT" 'volumes/x  handed  alpha'
    like 'and whom it would cut off' "$TAP_OUT" "$(whole_host)"
    is 'and does nothing' \
        "$(cluster_blocklist | grep -c -F "$(host_address alpha):")" 0
    is 'at all' "$(phase x)" phase=handed
}

# whom IMAGE: the client that its claim names.
whom()
{
    rados -p volumes getxattr "remora_claim.$1" remora.claim |
        grep -o ' addr=[^ ]*' | sed 's/ addr=//'
}

fenced()
{
    FENCED=$(whom x)
    ok 'the host is fenced' fence --host alpha --yes
    like 'and its disk is free' "$TAP_OUT" 'volumes/x: free'
    ok 'all of its clients are on the blocklist' \
        eval 'cluster_blocklist | grep -q -x -F "$(whole_host)"'
    is 'there is a tombstone' "$(phase x)" phase=fenced
    ok 'it starts elsewhere' host_run beta virsh_ start x
    wait_until 'and runs on record' 30 eval '[ "$(phase x)" = phase=running ]'
}

# Its user may put clients on the blocklist, and take none off.
back()
{
    ok 'the host is back' host_start alpha
    ok 'and serves' host_serve alpha
    wait_until 'it knows that it is cut off' 20 host_run alpha agent_said \
        "ceph osd blocklist rm $(whole_host)"
    ok 'a domain of its own' host_run alpha on_volume y "$B"
    refuses 'cannot start' 'blocklist' host_run alpha virsh_ start y
    ok 'with that command' ceph osd blocklist rm "$(whole_host)"
    wait_until 'it can' 30 host_run alpha virsh_ start y
    refuses 'but not with the disk that is another guest'"'"'s' \
        "claimed by host 'beta'" host_run alpha virsh_ start x
    ok 'the guests end' eval 'host_run alpha virsh_ destroy y &&
        host_run beta virsh_ destroy x'
    wait_until 'and their claims' 30 eval '[ -z "$(phase x)$(phase y)" ]'
}

# By its address, one client.
client()
{
    local addr
    ok 'a guest runs' host_run beta virsh_ start x
    wait_until 'and is on record' 30 eval '[ "$(phase x)" = phase=running ]'
    # Cut off before that, it would end by itself, and its claim with it.
    ok 'and has booted' host_run beta guest_wait_line x 'remora-guest: idle' 60
    addr=$(cluster_watchers volumes/x)
    FENCED+=$'\n'$addr
    ok 'its client is fenced' fence --watcher "$addr" --yes
    ok 'it is on the blocklist' eval \
        "cluster_blocklist | grep -q -x -F '$addr'"
    is 'there is a tombstone' "$(phase x)" phase=fenced
    ok 'it starts on the other host' host_run alpha virsh_ start x
    ok 'the one that was cut off ends' host_run beta virsh_ destroy x
    wait_until 'and the other runs on record' 30 \
        eval '[ "$(phase x)" = phase=running ]'
    ok 'it ends' host_run alpha virsh_ destroy x
}

# ---- claims of hosts that are not there ---------------------------------------

# Of a range that is kept for documents: nobody's.
NET=198.51.100
GAMMA="host=gamma machine=m boot=b domain=$B since=1"

# claimed IMAGE WORD...: by a claim of this text.
claimed()
{
    local object=remora_claim.$1
    shift
    rados -p volumes rm "$object" 2>/dev/null
    rados -p volumes create "$object" &&
        printf '%s' "v=2 nonce=$RANDOM$RANDOM $*" |
        rados -p volumes setxattr "$object" remora.claim &&
        printf 0 | rados -p volumes setxattr "$object" remora.alive
}

# writes WORD...: on y.
writes()
{
    claimed y "$@"
}

is_cut_off()
{
    cluster_blocklist | grep -q -x -F "$1"
}

# Somebody whose address another host has.
neighbours()
{
    writes phase=running "$GAMMA addr=$NET.50:0/1" \
        "arrival=delta;m;b;$B;$NET.50:0/2"
    refuses 'a host that has the address of where its guest goes' \
        "host 'delta' has the same address" fence --host gamma --yes
    refuses 'and where that is' "host 'gamma' has the same address" \
        fence --host delta --yes
    writes phase=building "$GAMMA addr=$NET.50:0/1 instance=$(uuidgen)" \
        "owed=delta;m;b;$B;$NET.50:0/2,gamma;m;b;$B;$NET.60:0/3"
    refuses 'or of whom its claim owes' "host 'delta' has the same address" \
        fence --host gamma --yes
    writes phase=building "$GAMMA addr=$NET.50:0/1 instance=$(uuidgen)" \
        "owed=gamma;m;b;$B;$NET.60:0/3"
    ok 'a host with two addresses' fence --host gamma --dry-run
    like 'is cut off at the one' "$TAP_OUT" "every client at $NET.50:0/0"
    like 'and the other' "$TAP_OUT" "every client at $NET.60:0/0"
    writes phase=handed "$GAMMA addr=$NET.50:0/1 ips=$NET.61"
    ok 'one whose guest may come from either' fence --host gamma --dry-run
    like 'is cut off at both' "$TAP_OUT" "every client at $NET.61:0/0"
    like 'it says where it has looked' "$TAP_OUT" \
        'in the pools of this host: vms volumes'
}

# An agent's address is not that of the guest which it has handed the disk to.
unseen()
{
    local phase
    for phase in "phase=handed $GAMMA addr=$NET.50:0/1" \
        "phase=running $GAMMA addr=$NET.60:0/1 arrival=gamma;m;b;$B;$NET.50:0/1"; do
        writes "$phase"
        ok 'an agent'"'"'s client is cut off' fence --watcher "$NET.50:0/1" --yes
        like 'what its guest has stays claimed' "$TAP_OUT" \
            "volumes/y stays claimed: this is the agent of host 'gamma'"
        like 'as it was' "$(rados -p volumes getxattr remora_claim.y \
            remora.claim)" "$phase"
    done
}

# It is asked, and before the answer comes the claim names somebody else.
changed()
{
    local job
    writes phase=handed "$GAMMA addr=$NET.50:0/1"
    mkfifo "$BED/tmp/answer"
    host_run beta script -qec 'remora fence --host gamma' /dev/null \
        <"$BED/tmp/answer" >"$BED/tmp/asked" 2>&1 &
    job=$!
    exec 9>"$BED/tmp/answer"
    wait_until 'it asks' 20 grep -q 'Go on' "$BED/tmp/asked"
    writes phase=running "$GAMMA addr=$NET.70:0/1"
    echo y >&9
    wait "$job"
    is 'a claim that names another by then makes it fail' $? 1
    exec 9>&-
    like 'and it says so' "$(<"$BED/tmp/asked")" \
        'volumes/y: its claim has changed meanwhile, and stays'
    is 'the claim stays' "$(phase y)" phase=running
    ok 'who is in it was not cut off' eval "! is_cut_off '$NET.70:0/0'"
    ok 'called again' fence --host gamma --yes
    ok 'it cuts that off, too' is_cut_off "$NET.70:0/0"
    is 'and the disk is free' "$(phase y)" phase=fenced
}

# What the refusal advises has to help.
crowded()
{
    local i owed=
    for ((i = 0; i < 16; i++)); do
        owed+=${owed:+,}gamma\;m\;b\;$B\;$NET.$((100 + i)):0/1
    done
    writes phase=running "$GAMMA addr=$NET.50:0/1" "owed=$owed"
    refuses 'a claim without room is refused, with what to do' \
        "'remora fence --watcher $NET.100:0/1'" host_run alpha virsh_ start y
    ok 'that is done' fence --watcher "$NET.100:0/1" --yes
    like 'and makes room' "$TAP_OUT" \
        'volumes/y: its claim does not name it any more'
    ok 'it is cut off' is_cut_off "$NET.100:0/1"
    ok 'then it starts' host_run alpha virsh_ start y
    ok 'with all of them cut off' is_cut_off "$NET.115:0/1"
    ok 'it ends' host_run alpha virsh_ destroy y
    wait_until 'and its claim' 30 eval '[ -z "$(phase y)" ]'
}

# The host was said to be off: nobody has been cut off yet.
off()
{
    writes phase=running "$GAMMA addr=$NET.80:0/1"
    ok 'a host is said to be off' fence --host gamma --host-is-off --yes
    ok 'it is not cut off' eval "! is_cut_off '$NET.80:0/1'"
    ok 'its disk is started' host_run alpha virsh_ start y
    ok 'but not before the client is cut off that is known' \
        is_cut_off "$NET.80:0/1"
    ok 'it ends' host_run alpha virsh_ destroy y
    wait_until 'and its claim' 30 eval '[ -z "$(phase y)" ]'
}

# It has the volume open, which has another name by now. Nobody can see that by
# the name that the claim goes by.
renamed()
{
    local asked
    claimed "volume-$B" phase=running "$GAMMA addr=$NET.90:0/1"
    for asked in "$B" "volumes/$B"; do
        refuses "a guest's volume was renamed: it is not removed as $asked" \
            "there is no image 'volumes/volume-$B', and a guest" \
            host_run beta remora volume rm "$asked"
        like 'with what can be done' "$TAP_OUT" 'remora fence --host gamma'
    done
    refuses 'nor is another made in its place' 'and a guest' \
        host_run beta remora volume create --id "$B" 8MiB
    is 'it stays claimed' "$(phase "volume-$B")" phase=running
    ok 'and its guest is not cut off' eval "! is_cut_off '$NET.90:0/1'"
    ok 'that is done' fence --host gamma --yes
    refuses 'then nothing is in the way' "no volume" \
        host_run beta remora volume rm "$B"
    is 'and no claim is left' "$(phase "volume-$B")" ''
    claimed "volume-$B" phase=lent "$GAMMA"
    refuses 'a claim that cannot be read is not taken for none' \
        'cannot be read, as one of a later version' \
        host_run beta remora volume rm "$B"
    is 'and stays' "$(phase "volume-$B")" phase=lent
}

inside()
{
    bed_need_remora
    parts
    lost
    asked
    fenced
    back
    client
    neighbours
    unseen
    changed
    crowded
    off
    renamed
    # Of those that were fenced the monitors keep the sessions for a while.
    is 'no living client is on the blocklist' \
        "$(cluster_cut_off | grep -v -x -F -e "$FENCED")" ''
}

bed_enter "$0" "$@"
inside
tap_done
