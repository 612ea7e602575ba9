#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/two-writers.t - the ways in which two guests came to write
# to one disk
#
# Each guest writes under its own name (guest/writer.S), so that what is said
# here of two writers is read from the disk. All QEMUs that have to be slow wait
# until they are told to come: no verdict hangs on how fast anything is.
#
# tests/integration/two-writers.t [STORY]...: only these, of the list at the end
#
# Needs: root, the packages of lib/packages.sh, remora with fault points, which
#        end builders.
# Reads: REMORA_FULL   a QEMU that comes after eleven minutes, and 50 rounds
#        instead of 5 of what writes to a disk in use
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
. "$here/lib/proxy.sh"
. "$here/lib/hosts.sh"

IMAGE=0a64fa67-3e34-42e7-b7b0-423c11850e18
PARENT=images/$IMAGE@snap
LIBVIRT_LISTENS=yes
# Longer than any lease, and than any age, that a claim ever had.
ASK_S=${REMORA_FULL:+660}
ASK_S=${ASK_S:-30}
ROUNDS=${REMORA_FULL:+50}
ROUNDS=${ROUNDS:-5}
# RBD's watches end 30 s after the last word of their client.
WATCH_S=30
LATER=1000000
HOST_KEEPS+=(PROXY_PID)

# Who has what: alpha restarts its agent, gamma and delta are cut off, zeta loses
# its power, epsilon copies; beta wants the disks of all.
SERVE=(alpha beta gamma delta epsilon)
VOLUMES=(restarted cut overtaken source far near copied moved)

parts()
{
    local host volume jobs=() job
    ok 'a network' hosts_start || bail 'no network'
    ok 'a cluster starts' cluster_start ceph "$HOSTS_ADDRESS" ||
        bail 'no cluster'
    guest_image 16M 'a writer' writer "$BED/tmp/writer" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/writer" "$IMAGE"
    # Without an exclusive lock, which would cut off the first of two.
    for volume in "${VOLUMES[@]}"; do
        ok "a volume, $volume" rbd import --no-progress \
            --image-feature layering "$BED/tmp/writer" "volumes/$volume"
    done
    for host in "${SERVE[@]}" zeta; do
        ok "a host, $host" host_start "$host" || bail 'no host'
    done
    for host in "${SERVE[@]}"; do
        host_serve "$host" >"$BED/log/$host/serve" 2>&1 &
        jobs+=($!)
    done
    for job in "${!jobs[@]}"; do
        host=${SERVE[job]}
        wait "${jobs[job]}"
        is "$host serves" $? 0 ||
            { diag "$(<"$BED/log/$host/serve")" && bail 'no services'; }
    done
}

# ---- stories that run at the same time --------------------------------------

declare -A STORY

# story NAME: a function that makes checks of its own.
story()
{
    (
        TAP_COUNT=0 TAP_FAILED=0 TAP_SKIPPED=0 TAP_FILE=''
        "$1"
        tap_done
    ) >"$BED/log/$1.tap" 2>&1 &
    STORY[$1]=$!
}

stories()
{
    local name
    for name in "$@"; do
        story "$name"
    done
    for name in "$@"; do
        wait "${STORY[$name]}"
        diag "---- $name"
        tap_include cat "$BED/log/$name.tap"
    done
}

# ---- words ---------------------------------------------------------------------

# define HOST NAME UUID POOL/IMAGE
define()
{
    host_run "$1" define_there "${@:2}"
}

define_there()
{
    guest_define_writer "$@" "$(agent_secret)"
}

# start HOST NAME LETTER [WHO]: its guest writes under the host's name, or as WHO.
start()
{
    host_run "$1" eval "guest_who $2 $3 ${4:-$1} && virsh_ start $2"
}

# claim_of POOL/IMAGE
claim_of()
{
    rados -p "${1%%/*}" getxattr "remora_claim.${1#*/}" remora.claim 2>&1
}

runs_claimed()
{
    local claim
    claim=" $(claim_of "$1") "
    [[ $claim == *' phase=running '* && $claim == *" host=$2 "* ]]
}

# ask DISK NAME: beta wants it; how that ended is added to what was said.
ask()
{
    local disk=$1 name=$2 said
    said=$(start beta "$name" B 2>&1) && said=allowed
    tr '\n' ' ' <<<"$said" >>"$BED/tmp/$disk.asked"
    echo >>"$BED/tmp/$disk.asked"
}

# ask_for SECONDS DISK NAME...: one after another, until one is allowed.
ask_for()
{
    local end=$((SECONDS + $1)) disk=$2 name
    shift 2
    until [ "$SECONDS" -ge "$end" ]; do
        for name in "$@"; do
            ask "$disk" "$name"
            ! grep -q allowed "$BED/tmp/$disk.asked" || return 0
        done
        sleep 1
    done
}

# refused_all DISK HOST TITLE: each was refused, and told who has it.
refused_all()
{
    local disk=$1 host=$2 title=$3
    is "$title: beta is never allowed to start" \
        "$(grep -c allowed "$BED/tmp/$disk.asked")" 0
    is "$title: it is told each time that host '$host' has the disk" \
        "$(grep -v -F "host '$host'" "$BED/tmp/$disk.asked" | sort -u |
            head -n 3)" ''
    diag "$title: $(wc -l <"$BED/tmp/$disk.asked") times"
}

# alone DISK HOST TITLE: nobody else has written to it since it began to run.
alone()
{
    local disk=volumes/$1 host=$2 title=$3 n
    n=$(guest_wrote "$disk" "$host")
    wait_until "$title: its guest writes" 20 \
        guest_wrote_more "$disk" "$host" $((n + 10))
    is "$title: not one sector is another's" \
        "$(guest_grounds "$disk" | cut -d ' ' -f 2 | sort -u)" "$host"
    is "$title: it sees nobody else" "$(host_run "$host" guest_said "$1" |
        grep -c -E 'remora-guest: (foreign|error)')" 0
    is "$title: one client has it open" "$(cluster_watchers "$disk" | wc -l)" 1
}

# ---- a QEMU that comes late ----------------------------------------------------

# comes_late DISK HOST: its domain is on its way, the hook has said yes. beta
# knows the same domain, and another one on that disk.
comes_late()
{
    local disk=$1 host=$2 uuid
    uuid=$(uuidgen)
    ok 'a domain' define "$host" "$disk" "$uuid" "volumes/$disk" ||
        bail 'no domain'
    ok 'known to beta, too' define beta "$disk" "$uuid" "volumes/$disk"
    ok 'and another one' define beta "$disk-2" "$(uuidgen)" "volumes/$disk"
    ok 'its QEMU is slow' host_slow_qemu "$host" "$LATER" "$uuid"
    start "$host" "$disk" A >"$BED/tmp/$disk.start" 2>&1 &
    LATE=$! LATE_UUID=$uuid
    wait_until 'it is started' 20 host_run "$host" guest_has_process "$uuid"
    : >"$BED/tmp/$disk.asked"
}

# arrives_late DISK HOST TITLE
arrives_late()
{
    local disk=$1 host=$2 title=$3
    ok "$title: the slow QEMU comes" host_slow_qemu "$host" 0 "$LATE_UUID"
    wait "$LATE"
    is "$title: the domain starts" $? 0 || diag "$(<"$BED/tmp/$disk.start")"
    refused_all "$disk" "$host" "$title"
    alone "$disk" "$host" "$title"
    wait_until "$title: the claim says that it runs there" 30 \
        runs_claimed "volumes/$disk" "$host" || diag "$(claim_of "volumes/$disk")"
    : >"$BED/tmp/$disk.asked"
    ask "$disk" "$disk"
    ask "$disk" "$disk-2"
    refused_all "$disk" "$host" "$title, and runs"
    ok "$title: it ends" host_run "$host" virsh_ destroy "$disk"
    host_run beta virsh_ destroy "$disk" >/dev/null 2>&1
    host_run beta virsh_ destroy "$disk-2" >/dev/null 2>&1
    wait_until "$title: then beta may" 30 start beta "$disk" B
    ok "$title: and ends" host_run beta virsh_ destroy "$disk"
}

# As when a package is upgraded while a guest with huge pages starts.
agent_restarted()
{
    comes_late restarted alpha
    ok 'its agent is stopped' host_run alpha agent_stop
    ok 'and starts again' host_run alpha agent_start
    ask_for "$ASK_S" restarted restarted restarted-2
    arrives_late restarted alpha 'an agent that was restarted'
}

host_cut_off()
{
    comes_late cut gamma
    ok 'its host is cut off' host_cut gamma
    ask_for "$ASK_S" cut cut cut-2
    ok 'and back' host_join gamma
    arrives_late cut gamma 'a host that was cut off'
}

# ---- a guest that ran all along ------------------------------------------------

is_off_list()
{
    cluster_blocklist | grep -q -x -F "$1"
}

# lasts ADDRESS: for years, as who wakes up later must find it there.
lasts()
{
    local until
    until=$(cluster_ceph osd blocklist ls --format json 2>/dev/null |
        jq -r --arg addr "$1" '.[] | select(.addr == $addr).until')
    [ -n "$until" ] && [ "${until:0:4}" -gt $(($(date +%Y) + 1)) ]
}

no_watcher()
{
    [ -z "$(cluster_watchers "$1")" ]
}

# Its watch has ended, and with it all that the cluster knew of it. What it has
# in mind when it comes back must not reach a disk that is another's by then.
guest_overtaken()
{
    local disk=volumes/overtaken uuid addr job n
    uuid=$(uuidgen)
    ok 'a domain' define delta overtaken "$uuid" "$disk" || bail 'no domain'
    ok 'known to beta, too' define beta overtaken "$uuid" "$disk"
    ok 'it starts' start delta overtaken A
    wait_until 'and writes' 20 guest_wrote_more "$disk" delta 10
    addr=$(cluster_watchers "$disk")
    wait_until 'the claim says that it runs' 30 runs_claimed "$disk" delta
    ok 'its host is cut off' host_cut delta
    : >"$BED/tmp/overtaken.asked"
    ask overtaken overtaken
    refused_all overtaken delta 'as long as it is open there'
    wait_until 'its watch ends' $((3 * WATCH_S)) no_watcher "$disk"
    n=$(guest_wrote "$disk" delta)
    ok 'the QEMU of beta is slow' host_slow_qemu beta "$LATER" "$uuid"
    start beta overtaken B >"$BED/tmp/overtaken.start" 2>&1 &
    job=$!
    wait_until 'now beta may start it' 60 \
        host_run beta guest_has_process "$uuid"
    ok 'the guest that was cut off is on the blocklist before that' \
        is_off_list "$addr"
    ok 'for years' lasts "$addr"
    ok 'the QEMU of beta comes' host_slow_qemu beta 0 "$uuid"
    wait "$job"
    is 'the domain starts on beta' $? 0 || diag "$(<"$BED/tmp/overtaken.start")"
    wait_until 'and writes there' 20 guest_wrote_more "$disk" beta 10
    ok 'the host that was cut off is back' host_join delta
    wait_until 'its guest gets errors' 60 \
        host_run delta guest_said_line overtaken 'remora-guest: error'
    wait_until 'the guest of beta writes on' 20 guest_wrote_more "$disk" beta \
        "$(($(guest_wrote "$disk" beta) + 20))"
    is 'not one byte of the other has come since' \
        "$(guest_wrote "$disk" delta)" "$n"
    ok 'and beta saw none' eval \
        '! host_run beta guest_said_line overtaken foreign'
    ok 'beta has the disk' runs_claimed "$disk" beta
    ok 'the guest that was cut off is ended' \
        host_run delta virsh_ destroy overtaken
    # What is left of it is a connection that ended with the host's network, and
    # that the monitors keep for five minutes.
    DEAD=$addr
    ok 'it ends' host_run beta virsh_ destroy overtaken
}

# ---- writers that do not start ---------------------------------------------------

copy_xml()
{
    cat <<XML
<disk type='network' device='disk'>
  <driver name='qemu' type='raw'/>
  <source protocol='rbd' name='volumes/$1'/>
</disk>
XML
}

copies_to()
{
    copy_xml "$1" >"$BED/tmp/copy.xml"
    timeout 60 virsh -q -c "$PROXY_URI" blockcopy source vda \
        --xml "$BED/tmp/copy.xml" --reuse-external --wait --pivot \
        --transient-job
}

# moves_onto VOLUME: with a definition there that has the disk elsewhere.
moves_onto()
{
    virsh_ dumpxml --migratable source |
        sed "s|name='volumes/[a-z]*'|name='volumes/$1'|" \
            >"$BED/tmp/there.xml"
    timeout 60 virsh -q -c "$PROXY_URI" migrate --live --copy-storage-all \
        --migrate-disks vda --xml "$BED/tmp/there.xml" \
        --migrateuri "tcp://$BETA" source "qemu+tcp://$BETA/system"
}

# unharmed VOLUME HOST TITLE: it is its guest's, who has seen nobody.
unharmed()
{
    local disk=volumes/$1 n
    n=$(guest_wrote "$disk" "$1")
    wait_until "$3: its guest writes on" 20 \
        guest_wrote_more "$disk" "$1" $((n + 10))
    is "$3: only its guest has written to it" \
        "$(guest_grounds "$disk" | cut -d ' ' -f 2 | sort -u)" "$1"
    is "$3: it has seen nobody else" "$(host_run "$2" guest_said "$1" |
        grep -c -E 'remora-guest: (foreign|error)')" 0
}

# plugs_in VOLUME
plugs_in()
{
    copy_xml "$1" | sed "s|</disk>|<target dev='vdb' bus='virtio'/>&|" \
        >"$BED/tmp/plug.xml"
    timeout 60 virsh -q -c "$PROXY_URI" attach-device source \
        "$BED/tmp/plug.xml" --live
}

proxy_dies()
{
    proxy_kill
    proxy_start --mode=0777
}

agent_dies()
{
    agent_kill
    agent_start
}

# round WAY VOLUME KILL: that way onto that disk, while something dies at a random
# moment, and once more when nothing does. Says what is wrong.
round()
{
    local way=$1 volume=$2 kill=$3 said=$BED/tmp/round.said job
    host_run epsilon "$way" "$volume" >"$said" 2>&1 &
    job=$!
    sleep "0.$((RANDOM % 5))$((RANDOM % 10))"
    host_run epsilon "$kill" >"$BED/tmp/round.died" 2>&1 ||
        { echo "$kill:"; cat "$BED/tmp/round.died"; }
    ! wait "$job" || echo "$way onto $volume is allowed beside $kill"
    # libvirt may be at the end of the first one still.
    ! host_run epsilon "$way" "$volume" >"$said" 2>&1 ||
        echo "$way onto $volume is allowed after $kill"
    [ "$way" = moves_onto ] || grep -q -F "'volumes/$volume'" "$said" ||
        cat "$said"
}

rounds()
{
    local way=$1 volume=$2 deaths=(agent_dies proxy_dies true) i
    for ((i = 0; i < ROUNDS; i++)); do
        round "$way" "$volume" "${deaths[RANDOM % 3]}"
    done
}

# killed_meanwhile TITLE WAY VOLUME HOST
killed_meanwhile()
{
    is "$1 a disk in use is never allowed, whatever dies, $ROUNDS times" \
        "$(rounds "$2" "$3")" ''
    unharmed "$3" "$4" "$3, after $2"
}

copies()
{
    local disk host BETA
    BETA=$(host_address beta)
    for disk in source near far; do
        host=epsilon
        [ "$disk" != far ] || host=beta
        ok "a domain, $disk" define "$host" "$disk" "$(uuidgen)" \
            "volumes/$disk" || bail 'no domain'
        ok 'runs' start "$host" "$disk" A "$disk"
        wait_until 'and writes' 20 guest_wrote_more "volumes/$disk" "$disk" 10
    done
    ok 'a proxy' host_run epsilon proxy_start --mode=0777
    host_run beta guest_who source A source
    refuses 'a guest does not move onto a disk that a guest there has open' '' \
        host_run epsilon moves_onto far
    diag "$TAP_OUT"
    unharmed far beta 'far, after that'
    refuses 'a copy onto a disk that a guest of the host has open is refused' \
        "'volumes/near'" host_run epsilon copies_to near
    unharmed near epsilon 'near'
    refuses 'and one onto a disk that a guest elsewhere has open' \
        "'volumes/far'" host_run epsilon copies_to far
    unharmed far beta 'far'
    killed_meanwhile 'plugging in' plugs_in near epsilon
    killed_meanwhile 'copying onto' copies_to far beta
    killed_meanwhile 'moving onto' moves_onto far beta
    is 'the source is where it was' "$(host_run epsilon virsh_ domblklist \
        source | awk '$1 == "vda" { print $2 }')" volumes/source
    unharmed source epsilon 'the source'
    ok 'a copy onto a disk that is free is made' \
        host_run epsilon copies_to copied
    wait_until 'and its guest goes on there' 20 \
        guest_wrote_more volumes/copied source \
        "$(guest_wrote volumes/source source)"
    ok 'it moves onto another one that is free' \
        host_run epsilon moves_onto moved
    wait_until 'and goes on there' 20 guest_wrote_more volumes/moved source \
        "$(guest_wrote volumes/copied source)"
    host_run epsilon virsh_ destroy near
    host_run beta virsh_ destroy far
    host_run beta virsh_ destroy source
}

# ---- without an agent anywhere -----------------------------------------------------

# Nothing but the hook, in the bed itself; and zeta, where a builder dies.
one_shots()
{
    local bare claim REQUEST_XML
    ok 'a request' request_kind clone "$(agent_asks vda "$IMAGE")" ||
        bail 'no request'
    request_new clone
    REQUEST_XML=$(<"$REQUEST")
    ok 'another host begins to build' host_run zeta dies claim-created
    like 'and has the claim' "$(rados -p vms ls)" \
        "remora_claim.${REQUEST_DISK#*/}"
    ok 'it loses its power' host_kill zeta
    ok 'without an agent one start gets past it' request_prepare
    ok 'and has its disk' request_is_whole "$PARENT" "$BED/tmp/writer" \
        $((16 << 20))
    ok 'its domain ends' request_release

    request_new clone
    REQUEST_XML=$(<"$REQUEST")
    ok 'a builder dies before it has cloned' dies cloning
    ok 'a blank image stands where the clone should be' \
        rbd create --size 16M "$REQUEST_DISK"
    claim=$(claims)
    bare=$(guest_disk_xml vda "$REQUEST_DISK" "$REQUEST_SECRET")
    guest_xml web "$REQUEST_UUID" "$bare" >"$BED/tmp/bare.xml"
    refuses 'a definition that does not say what it was to be does not boot it' \
        "'$REQUEST_DISK'" prepare_bare
    ok 'the image stays' rbd info "$REQUEST_DISK"
    is 'and so does the claim' "$(claims)" "$claim"
    ok 'who says what it was to be gets his clone' request_prepare
    ok 'which is whole' request_is_whole "$PARENT" "$BED/tmp/writer" \
        $((16 << 20))
    ok 'and ends' request_release
}

claims()
{
    rados -p vms ls | grep '^remora_claim\.' | sort
}

prepare_bare()
{
    "$(agent_hook)" web prepare begin - <"$BED/tmp/bare.xml"
}

# dies POINT: the hook itself, as no agent is there. On another host, too, which
# has nothing but our variables.
dies()
{
    printf '%s\n' "$REQUEST_XML" >"$REQUEST"
    REMORA_FAULT=$1=kill@1 request_prepare
    [ $? = 137 ]
}

inside()
{
    bed_need_remora
    parts
    [ $# -gt 0 ] ||
        set -- agent_restarted host_cut_off guest_overtaken copies one_shots
    stories "$@"
    is 'no living client is on the blocklist' \
        "$(cluster_cut_off | grep -v -x -F -e "${DEAD-none}")" ''
}

bed_enter "$0" "$@"
inside "$@"
tap_done
