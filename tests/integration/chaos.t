#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/chaos.t - three hosts, one cluster, and everything fails
#
#     tests/integration/chaos.t [ROUND]...      only these
#
# In each round some domains are started somewhere, by QEMUs that take their time.
# At random moments agents, libvirtds and hosts die and come again, hosts are cut
# off, the cluster stands still, and the domains are started elsewhere, moved and
# destroyed. All the while the disks are looked at from outside: of all who ever
# wrote to one, none goes on after another has begun. Then all that failed is
# back, and each domain has to start on some host.
#
# What happens in a round, and in which order, is a matter of the seed and the
# round's number alone; how far each thing has come when the next one begins is
# not.
#
# Needs: root, the packages of lib/packages.sh, an installed remora.
# Reads: REMORA_FULL   300 rounds, with more time between their events, as long as
#                      there is time; else 30
#        REMORA_SEED   a number that an earlier run has said
#        REMORA_ROUNDS_S   after how many seconds no other round begins
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
. "$here/lib/eye.sh"

IMAGE=0a64fa67-3e34-42e7-b7b0-423c11850e18
# shellcheck disable=SC2034 # libvirtd_start reads it
LIBVIRT_LISTENS=yes
HOSTS=(alpha beta gamma)
# One on a volume that has no exclusive lock, one on a volume that has one, and
# one that is new in each round, whose disk is made when it starts.
DOMAINS=(plain locked fresh)
if [ -n "${REMORA_FULL-}" ]; then
    ROUNDS=300 ROUNDS_S=3200 GAP_MS=4000 STILL_MS=15000
else
    ROUNDS=30 ROUNDS_S=150 GAP_MS=1500 STILL_MS=4000
fi
ROUNDS_S=${REMORA_ROUNDS_S:-$ROUNDS_S}
# Up to which a QEMU takes its time, if the round is not over before.
SLOW_S=60
# Until RBD's watches end.
WATCH_S=30
# What a start may need at most: a watch that has to end, a hook's deadline, and
# as much again; on a machine that has nothing else to do.
START_S=$((4 * WATCH_S * BED_PATIENCE))
SEED=${REMORA_SEED:-$((RANDOM * 32768 + RANDOM))}
declare -A UUID IS_CUT IS_LOST JOB

# ---- parts -------------------------------------------------------------------

# serves HOST: what its guests say stays when the host is gone.
serves()
{
    host_run "$1" eval "mkdir -p $BED/log/serial &&
        ln -s $BED/log/serial $BED/serial" && host_serve "$1"
}

parts()
{
    local host domain
    ok 'a network' hosts_start || bail 'no network'
    ok 'a cluster starts' cluster_start ceph "$HOSTS_ADDRESS" ||
        bail 'no cluster'
    guest_image 16M 'a writer' writer "$BED/tmp/writer" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/writer" "$IMAGE"
    ok 'a volume' rbd import --no-progress --image-feature layering \
        "$BED/tmp/writer" volumes/plain
    ok 'another one' rbd import --no-progress "$BED/tmp/writer" volumes/locked
    for host in "${HOSTS[@]}"; do
        ok "host $host" host_start "$host" || bail 'no host'
        ok 'it serves' serves "$host" || bail 'no services'
    done
    for domain in plain locked; do
        UUID[$domain]=$(uuidgen)
        on_all define_volume "$domain" "${UUID[$domain]}" "volumes/$domain"
        echo "volumes/$domain" >"$BED/tmp/disk.$domain"
    done
}

# on_all COMMAND...: on each host that has power.
on_all()
{
    local host
    for host in "${HOSTS[@]}"; do
        [ -z "${HOST_PID[$host]-}" ] || host_run "$host" "$@"
    done
}

define_volume()
{
    guest_define_writer "$@" "$(agent_secret)"
}

# A domain that asks for a clone, as its definition is when that has been seen to.
define_fresh()
{
    local file=$BED/tmp/fresh
    UUID[fresh]=$(uuidgen)
    echo "vms/${UUID[fresh]}_disk" >"$BED/tmp/disk.fresh"
    guest_xml fresh "${UUID[fresh]}" "<disk type='network' device='disk'>
        <source protocol='rbd' name='images/$IMAGE@snap'/>
        <target dev='vda' bus='virtio'/><boot order='1'/></disk>" \
        "$(guest_who_xml fresh)" >"$file" &&
        FRESH=$("$BED_INST/bin/remora" render "$file") && on_all defined_fresh
}

defined_fresh()
{
    printf '%s\n' "$FRESH" >"$BED/tmp/fresh" && virsh_ define "$BED/tmp/fresh"
}

# ---- the plan of a round -----------------------------------------------------

# draw N: R is one of 0 to N - 1. Not of a subshell, which has its own numbers.
draw()
{
    R=$(((RANDOM * 32768 + RANDOM) % $1))
}

draw_host()
{
    draw "${#HOSTS[@]}"
    HOST=${HOSTS[R]}
}

draw_domain()
{
    draw "${#DOMAINS[@]}"
    DOMAIN=${DOMAINS[R]}
}

# Milliseconds before it, and what happens.
draw_event()
{
    local gap chance
    draw "$GAP_MS"
    gap=$R
    draw_host
    draw_domain
    draw 100
    chance=$R
    draw "$STILL_MS"
    case $chance in
    [0-9] | [12]?) PLAN+=("$gap begin $DOMAIN $HOST") ;;
    3?) PLAN+=("$gap move $DOMAIN $HOST") ;;
    4[0-4]) PLAN+=("$gap destroy $DOMAIN") ;;
    4? | 5[0-4]) PLAN+=("$gap restart_agent $HOST") ;;
    5?) PLAN+=("$gap lose_agent $HOST") ;;
    6? | 7[0-2]) PLAN+=("$gap lose_network $HOST") ;;
    7?) PLAN+=("$gap networks_back") ;;
    8[0-5]) PLAN+=("$gap lose_power $HOST") ;;
    8? | 90) PLAN+=("$gap lose_libvirtd $HOST") ;;
    9[1-5]) PLAN+=("$gap still osd.0 $R") ;;
    *) PLAN+=("$gap still mon.a $R") ;;
    esac
}

# draw_begin DOMAIN [INSISTENT]: where it starts at first. For the domain that will
# be insisted on, its QEMU comes when the round is over.
draw_begin()
{
    local losses=(lose_agent restart_agent lose_network)
    draw_host
    draw "${#losses[@]}"
    if [ "$1" = "${2-}" ]; then
        PLAN+=("0 slow $HOST $((10 * SLOW_S))")
        INSIST="0 insist $1 $HOST ${losses[R]}"
    fi
    PLAN+=("0 begin $1 $HOST")
}

# plan ROUND: what happens in it, and LAST, where each domain is to start at last;
# LOST is whether a host that has no power then is given up. To insist takes
# long, so not every round has it.
plan()
{
    local i host domain insistent=none INSIST=''
    RANDOM=$(((SEED + 7919 * $1) % 2147483647))
    PLAN=() LAST=()
    draw_domain
    [ $(($1 % 3)) != 1 ] || insistent=$DOMAIN
    for host in "${HOSTS[@]}"; do
        draw "$SLOW_S"
        PLAN+=("0 slow $host $R")
    done
    for domain in "${DOMAINS[@]}"; do
        draw_begin "$domain" "$insistent"
        draw "${#HOSTS[@]}"
        LAST+=("$R")
    done
    draw 3
    LOST=$((R == 0))
    draw 6
    [ -z "$INSIST" ] || PLAN+=("$INSIST")
    for ((i = R + 5; i > 0; i--)); do
        draw_event
    done
}

# ---- what happens ------------------------------------------------------------

slow()
{
    host_slow_qemu "$1" "$2"
}

# Inside a host. A QEMU that libvirt has lost sight of may not have read yet who it
# is; then two have one name, and only their numbers tell them apart.
is_called()
{
    if bed_wait 5 eval "! guest_has_process $2"; then
        guest_who "$1" "$3" "$4"
    else
        tr -d '\0' <"$BED/who/$1" | tail -c +2 >>"$BED/log/twice"
        echo >>"$BED/log/twice"
    fi
}

# Inside a host.
starts()
{
    guest_is "$1" 'shut off' || return
    is_called "$@"
    timeout -k 5 90 virsh -q -c "$LIBVIRT_URI" start "$1"
}

# next_number: for each who asks another one. Starts run side by side, and a name
# that is used again hides a writer, or makes one of who is long gone.
next_number()
{
    (
        flock 9 || exit
        number=$(($(<"$BED/tmp/number") + 1))
        echo "$number" >"$BED/tmp/number"
        echo "$number"
    ) 9>"$BED/tmp/number.lock"
}

# name HOST: LETTER and WHO, a name of its own for a writer there.
name()
{
    local number
    number=$(next_number)
    printf -v LETTER %b "\\x$(printf %x $((65 + number % 26)))"
    WHO=$1.$number
}

# start DOMAIN HOST
start()
{
    local LETTER
    name "$2"
    host_run "$2" starts "$1" "${UUID[$1]}" "$LETTER" "$WHO"
}

is_busy()
{
    [ -n "${JOB[$1]-}" ] && kill -0 "${JOB[$1]}" 2>/dev/null
}

# begin DOMAIN HOST: one at a time there.
begin()
{
    if is_busy "$1 $2" || [ -z "${HOST_PID[$2]-}" ]; then
        echo 'not now'
        return
    fi
    start "$1" "$2" >>"$BED/log/said" 2>&1 &
    JOB[$1 $2]=$!
}

moves()
{
    timeout -k 5 90 virsh -q -c "$LIBVIRT_URI" migrate --live --p2p \
        --migrateuri "tcp://$2" "$1" "qemu+tcp://$2/system"
}

# move DOMAIN HOST: from wherever it runs. Both have it open for a while, and who
# dies in the middle of it for longer. A guest that moves before it has read its
# name reads the target's.
move()
{
    local from LETTER WHO
    for from in "${HOSTS[@]}"; do
        [ "$from" != "$2" ] || continue
        [ -n "${HOST_PID[$from]-}" ] && [ -n "${HOST_PID[$2]-}" ] || continue
        ! is_busy "$1 $2" || continue
        host_run "$from" guest_is "$1" running 2>/dev/null || continue
        : >"$BED/tmp/moved.$1"
        name "$2"
        host_run "$2" is_called "$1" "${UUID[$1]}" "$LETTER" "$WHO"
        host_run "$from" moves "$1" "$(host_address "$2")" \
            >>"$BED/log/said" 2>&1 &
        JOB[$1 $2]=$!
        return
    done
    echo 'not now'
}

destroys()
{
    timeout -k 5 60 virsh -q -c "$LIBVIRT_URI" destroy "$1"
}

destroy()
{
    on_all destroys "$1" >>"$BED/log/said" 2>&1
}

agent_lives()
{
    [ -n "$AGENT_PID" ] && ! bed_gone "$AGENT_PID"
}

agent_dies()
{
    ! agent_lives || agent_kill
}

# It need not connect to a libvirtd that is busy.
agent_lives_again()
{
    agent_lives || agent_start || agent_lives
}

lose_agent()
{
    [ -z "${HOST_PID[$1]-}" ] || host_run "$1" agent_dies
}

restart_agent()
{
    lose_agent "$1"
    [ -z "${HOST_PID[$1]-}" ] || host_run "$1" agent_lives_again
}

lose_network()
{
    [ -n "${HOST_PID[$1]-}" ] && host_cut "$1" && IS_CUT[$1]=yes
}

networks_back()
{
    local host
    for host in "${!IS_CUT[@]}"; do
        [ -z "${HOST_PID[$host]-}" ] || host_join "$host"
    done
    IS_CUT=()
}

# The monitors do not know that its clients are dead.
lose_power()
{
    [ -n "${HOST_PID[$1]-}" ] || return
    host_kill "$1" && unset "IS_CUT[$1]"
    cluster_living | grep -F "$(host_address "$1"):" >>"$BED/tmp/dead"
}

lose_libvirtd()
{
    [ -z "${HOST_PID[$1]-}" ] ||
        host_run "$1" eval 'libvirtd_kill; libvirtd_start'
}

still()
{
    cluster_pause "$1"
    pause "$2"
    cluster_resume "$1"
}

# insist DOMAIN HOST LOSS: it is on its way there, that happens to the host, and then
# it is wanted everywhere, until watches and leases of whoever is silent end.
insist()
{
    local host end=$((SECONDS + WATCH_S + 5))
    bed_wait 10 host_run "$2" guest_has_process "${UUID[$1]}"
    "$3" "$2"
    until [ "$SECONDS" -ge "$end" ]; do
        for host in "${HOSTS[@]}"; do
            begin "$1" "$host"
            sleep 1
        done
    done
}

pause()
{
    sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"
}

# ---- the end of a round ------------------------------------------------------

lives_again()
{
    local host=$1
    [ -n "${HOST_PID[$host]-}" ] || { host_start "$host" && serves "$host"; } ||
        return
    # shellcheck disable=SC2016 # of the host, not ours
    host_run "$host" eval '! bed_gone "$LIBVIRTD_PID" || libvirtd_start' &&
        host_run "$host" agent_lives_again
}

# given_up HOST: for that there has to be a command.
given_up()
{
    [ "$LOST" = 1 ] && [ -z "${HOST_PID[$1]-}" ] &&
        [ "${#IS_LOST[@]}" = 0 ] &&
        "$BED_INST/bin/remora" fence --help >/dev/null 2>&1
}

# names_host HOST: a claim does, or one that has it for a migration's target.
names_host()
{
    local pool claim
    for pool in vms volumes; do
        for claim in $(rados -p "$pool" ls | grep '^remora_claim\.'); do
            rados -p "$pool" getxattr "$claim" remora.claim 2>/dev/null |
                grep -q -E "(host|arrival)=$1[ ;]" && return
        done
    done
    return 1
}

# As an administrator does who is told that it has a disk: again, where a claim
# has changed meanwhile. No start asks for it where no claim names it, and then it
# refuses.
give_up()
{
    local said
    for _ in 1 2 3; do
        if ! said=$("$BED_INST/bin/remora" fence --host "$1" --yes 2>&1); then
            [[ $said == *"no claim names host '$1'"* ]] && ! names_host "$1" ||
                echo "$1 cannot be given up: $said"
            break
        fi
        [[ $said == *'see it once more'* ]] || break
    done
    echo "$said" >>"$BED/log/said"
}

# All that failed is back, but a host that is given up.
heal()
{
    local host
    IS_LOST=()
    networks_back
    for host in "${HOSTS[@]}"; do
        if given_up "$host"; then
            IS_LOST[$host]=yes
            continue
        fi
        lives_again "$host" >>"$BED/log/said" 2>&1 ||
            echo "$host does not come again"
        slow "$host" 0
    done
    [ "${#JOB[@]}" = 0 ] || wait "${JOB[@]}"
    JOB=()
    for host in "${!IS_LOST[@]}"; do
        give_up "$host"
    done
}

# What libvirt has lost sight of, an administrator would end.
end_strays()
{
    local pid
    for pid in $(guest_processes "$1"); do
        echo "a stray QEMU on $(hostname)" >&2
        kill -KILL "$pid"
    done
}

# Inside a host. A libvirtd that was killed in a start, too, may wait for ever for
# a QEMU that is gone: then all it takes is another one.
ends_all()
{
    local domain
    for domain in "${DOMAINS[@]}"; do
        guest_is "$domain" 'shut off' || destroys "$domain"
        end_strays "${UUID[$domain]}"
        bed_wait 5 guest_is "$domain" 'shut off' && continue
        echo "libvirtd of $(hostname) has to start again for $domain"
        libvirtd_restart
        destroys "$domain"
    done
}

has_written()
{
    guest_wrote_more "$(<"$BED/tmp/disk.$1")" "$2" 2
}

# comes_up DOMAIN FIRST: it starts somewhere, and writes.
comes_up()
{
    local domain=$1 i=$2 end=$((SECONDS + START_S)) host tries=0 WHO
    until [ "$SECONDS" -ge "$end" ]; do
        host=${HOSTS[i++ % ${#HOSTS[@]}]}
        [ -n "${HOST_PID[$host]-}" ] || continue
        tries=$((tries + 1))
        if start "$domain" "$host" >"$BED/tmp/start.$domain" 2>&1; then
            bed_wait 60 has_written "$domain" "$WHO" ||
                echo "$domain starts on $host, and does not write"
            return
        fi
        sleep 1
    done
    echo "$domain starts nowhere, $tries tries:" \
        "$(tr '\n' ' ' <"$BED/tmp/start.$domain")"
}

# Ended everywhere, then side by side; each says what is wrong.
all_come_up()
{
    local i jobs=()
    on_all ends_all >>"$BED/log/said" 2>&1
    for i in "${!DOMAINS[@]}"; do
        comes_up "${DOMAINS[i]}" "${LAST[i]}" &
        jobs+=($!)
    done
    wait "${jobs[@]}"
}

# let_in HOST: as it says itself when it is back, because its user may not. Until
# then it starts nothing.
let_in()
{
    local all said
    all=$(host_address "$1"):0/0
    said="ceph osd blocklist rm $all"
    cluster_blocklist | grep -q -x -F "$all" || return 0
    bed_wait 30 host_run "$1" grep -F "$said" "$BED/log/remorad.now" ||
        echo "$1 is cut off, and does not say: $said"
    $said >>"$BED/log/said" 2>&1 || echo "$1 is not let in"
}

end_all()
{
    local host
    eye_looked
    on_all ends_all >>"$BED/log/said" 2>&1
    rm -f "$BED/tmp/moved."*
    for host in "${!IS_LOST[@]}"; do
        lives_again "$host" >>"$BED/log/said" 2>&1 ||
            echo "$host does not come again"
        let_in "$host"
    done
    on_all virsh_ undefine fresh >>"$BED/log/said" 2>&1
}

# ---- rounds ------------------------------------------------------------------

play()
{
    local event gap
    for event in "${PLAN[@]}"; do
        read -r gap event <<<"$event"
        pause "$gap"
        echo "$SECONDS s: $event" >>"$BED/log/said"
        # shellcheck disable=SC2086 # words
        $event >>"$BED/log/said" 2>&1
    done
}

# In this very shell: hosts come and go. What is wrong is in $BED/log/wrong.
round()
{
    local PLAN LAST LOST R HOST DOMAIN seen
    plan "$1"
    : >"$BED/log/wrong"
    echo "round $1" >>"$BED/log/said"
    seen=$(eye_foreign | wc -l)
    define_fresh >>"$BED/log/said" 2>&1 || echo 'no domain' >>"$BED/log/wrong"
    play
    {
        heal
        all_come_up
        end_all
        eye_foreign | tail -n +$((seen + 1)) | head -n 5
        cat "$BED/log/eye"
    } >>"$BED/log/wrong" 2>&1
    : >"$BED/log/eye"
    is "round $1: no two write, and each domain starts" \
        "$(<"$BED/log/wrong")" '' && return
    diag "REMORA_SEED=$SEED, round $1:"
    diag "$(printf '%s\n' "${PLAN[@]}")"
}

# As many as there is time for.
rounds()
{
    local i=0 begin=$SECONDS
    for i in "$@"; do
        round "$i"
        [ $((SECONDS - begin)) -lt "$ROUNDS_S" ] || break
    done
    diag "up to round $i in $((SECONDS - begin)) s"
}

inside()
{
    bed_need_remora
    diag "REMORA_SEED=$SEED"
    parts
    echo 0 >"$BED/tmp/number"
    : >"$BED/tmp/dead"
    eye_open
    # shellcheck disable=SC2046 # numbers
    [ $# -gt 0 ] || set -- $(seq "$ROUNDS")
    rounds "$@"
    eye_close
    all_act
    wait_until 'no living client is on the blocklist' 60 none_cut_off
    wait_until 'no claim is left' 60 no_claims
}

# An agent that was cut off by the rules learns of it when it has to do something:
# then the start is refused, and can be tried again.
all_act()
{
    local host WHO
    define_fresh >>"$BED/log/said" 2>&1
    for host in "${HOSTS[@]}"; do
        wait_until "$host starts a domain" 30 start fresh "$host"
        ok 'and ends it' host_run "$host" destroys fresh
    done
}

none_cut_off()
{
    ! cluster_cut_off | grep -v -x -F -f "$BED/tmp/dead"
}

no_claims()
{
    ! { rados -p vms ls && rados -p volumes ls; } | grep '^remora_claim\.'
}

bed_enter "$0" "$@"
inside "$@"
tap_done
