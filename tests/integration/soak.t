#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/soak.t - thousands of disks, made and removed again, on two
# hosts, with an agent that is killed all the time
#
# Four workers on each host do what libvirt and an operator do, one new domain
# after another: the hook as at a start that comes to its end, then the disk is
# removed. The agent of beta is killed at random moments and started again; the
# agent of alpha lives through all of it, and is measured after a tenth of the
# disks and after the last. One disk of KEEP_EACH stays, and each that was being
# made when the agent was killed. In the end the pools hold those, whole, and
# nothing else but what the kills explain. QEMU runs only at the very end, for
# one guest on each host.
#
# Needs: root, the packages of lib/packages.sh, an installed remora and the
#        directory where it was built.
# Reads: REMORA_FULL   10,000 disks instead of 1,000; then what an agent loses
#                      with each request shows from about 1 KiB on, else from
#                      10 KiB
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
. "$here/lib/hosts.sh"

IMAGE=0a64fa67-3e34-42e7-b7b0-423c11850e18
PARENT=images/$IMAGE@snap
SIZE=$((32 * 1024 * 1024))
DISKS=${REMORA_FULL:+10000}
DISKS=${DISKS:-1000}
WORKERS=(1 2 3 4)
KEEP_EACH=50
# How long an agent lives, at least and at most, and how long there is none. A
# hook asks twice, so a request must not meet two kills.
LIFE_MS=(1000 4000)
GAP_MS=(0 700)
# The agent looks at what it holds 10 s after a request, and GLib ends a pool's
# thread that had nothing to do for 15 s.
REST_S=28
# What the agent of alpha may allocate more, in all and in the second half. Its
# resident memory would say more of the C library, which gives threads heaps of
# their own and keeps what is freed.
GROWS_KIB=1024
GROWS_LATE_KIB=1024
# The definition that each worker takes for a model.
KIND=
# Of SECONDS, when the workers had nothing more to do.
SOAKED_AT=0

parts()
{
    local host
    ok 'a network' hosts_start || bail 'no network'
    ok 'a cluster starts' cluster_start ceph "$HOSTS_ADDRESS" ||
        bail 'no cluster'
    guest_image 16M 'a golden image' off "$BED/tmp/golden" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/golden" "$IMAGE"
    for host in alpha beta; do
        ok "host $host" host_start "$host" || bail 'no host'
        AGENT_PRELOAD=$REMORA_BUILD/tests/speed/held.so
        ok 'it serves' host_serve "$host" || bail 'no services'
    done
    ok 'a definition' request_kind soak \
        "$(agent_asks vda "$IMAGE" '32 MiB')" || bail 'no definition'
    KIND=$(<"$BED/tmp/soak.kind")
}

# ---- one disk after another ------------------------------------------------

# now VARIABLE: microseconds, without a process.
now()
{
    printf -v "$1" %s "${EPOCHREALTIME//[.,]/}"
}

# hook OPERATION SUBOPERATION, for the worker's domain.
hook()
{
    "$(agent_hook)" "$domain" "$1" "$2" - <<<"$xml"
}

# Until it is allowed; each refusal is a line.
prepare()
{
    local said end=$((SECONDS + 5 * BED_PATIENCE))
    until said=$(hook prepare begin 2>&1); do
        echo "refused $uuid ${said//$'\n'/ }"
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.1
    done
}

# As a start without a guest goes on.
rest_of_life()
{
    hook start begin && hook started begin && hook stopped end &&
        hook release end
}

# Over a connection of the worker's own: the rbd command takes longer to begin
# than to remove.
remove()
{
    echo "remove 1 ${uuid}_disk" >&"${OPERATOR[1]}" &&
        read -r _ <&"${OPERATOR[0]}"
}

# one_disk DOMAIN keep|remove
one_disk()
{
    local domain=$1 keep=$2 uuid xml from to kills after
    uuid=$(</proc/sys/kernel/random/uuid)
    xml=${KIND//$REQUEST_MODEL/$uuid}
    xml=${xml/<name>web</<name>$domain<}
    read -r kills <"$BED/log/kills"
    now from
    prepare || { echo "failed $uuid: it is not made"; return; }
    now to
    read -r after <"$BED/log/kills"
    [ "$after" = "$kills" ] || keep=keep
    echo "made $uuid $from $to"
    rest_of_life || echo "failed $uuid: the rest of its life"
    if [ "$keep" = keep ]; then
        echo "kept $uuid"
    else
        remove || { echo "failed $uuid: it cannot be removed"; return 1; }
    fi
}

# worker NAME FIRST LAST, on a host
worker()
{
    local i
    coproc OPERATOR {
        exec "$REMORA_BUILD/tests/speed/bare" images "$IMAGE" snap vms "$SIZE"
    }
    for ((i = $2; i <= $3; i++)); do
        if [ $((i % KEEP_EACH)) = 0 ]; then
            one_disk "$1.$i" keep
        else
            one_disk "$1.$i" remove || return
        fi
    done
}

# ---- and the killer --------------------------------------------------------

# pause LEAST MOST
pause()
{
    local ms=$(($1 + (RANDOM * 32768 + RANDOM) % ($2 - $1)))
    sleep "$(printf '%d.%03d' $((ms / 1000)) $((ms % 1000)))"
}

# On beta.
killer()
{
    local from to
    until [ -e "$BED/log/enough" ]; do
        pause "${LIFE_MS[@]}"
        now from
        echo "$from" >"$BED/log/kills"
        agent_kill || echo 'failed: the agent is not killed'
        now to
        echo "killed $from $to"
        pause "${GAP_MS[@]}"
        agent_start || echo 'failed: the agent does not start'
    done
}

# soak FIRST LAST: these disks of each worker.
soak()
{
    local host worker workers=() others=()
    rm -f "$BED/log"/{alpha,beta}/enough
    echo none | tee "$BED/log"/{alpha,beta}/kills >/dev/null
    host_run beta killer >>"$BED/log/beta/killer" 2>&1 &
    others+=($!)
    host_run alpha watcher >>"$BED/log/alpha/KiB" 2>&1 &
    others+=($!)
    for host in alpha beta; do
        for worker in "${WORKERS[@]}"; do
            host_run "$host" worker "$host.$worker" "$@" \
                >>"$BED/log/$host/worker.$worker" 2>&1 &
            workers+=($!)
        done
    done
    wait "${workers[@]}"
    touch "$BED/log"/{alpha,beta}/enough
    wait "${others[@]}"
    SOAKED_AT=$SECONDS
}

# rest SECONDS: until so long after it.
rest()
{
    local left=$((SOAKED_AT + $1 - SECONDS))
    [ "$left" -le 0 ] || sleep "$left"
}

said()
{
    cat "$BED/log"/{alpha,beta}/worker.* "$BED/log/beta/killer"
}

count()
{
    said | grep -c "^$1 "
}

# The disks that were being made when the agent was killed.
met_by_kills()
{
    cat "$BED/log/beta"/{killer,worker.*} | awk '
        $1 == "killed" { from[n] = $2; to[n++] = $3 }
        $1 == "made" {
            for (i = 0; i < n; i++)
                if ($3 <= to[i] && $4 >= from[i])
                    print $2 "_disk"
        }' | sort -u
}

# What a claim that somebody holds is refused with.
other_refusals()
{
    said | grep '^refused ' | grep -v ' is claimed by host '
}

went_well()
{
    local kills refused met
    kills=$(count killed) refused=$(count refused)
    met=$(met_by_kills | wc -l)
    is "$DISKS disks are made" "$(count made)" "$DISKS"
    is 'and nothing failed' \
        "$(said | grep -v -E '^(made|kept|killed|refused) ' | head -n 5)" ''
    is 'no start is refused for another reason than a claim' \
        "$(other_refusals | head -n 5)" ''
    ok "$refused are refused at first, one for each kill at most" \
        [ "$refused" -le "$kills" ]
    ok "$kills kills meet requests, $met of them" [ "$met" -gt 0 ]
    diag "the slowest took $(said | awk '$1 == "made" && $4 - $3 > most {
        most = $4 - $3 } END { print int(most / 1000) }') ms"
}

# ---- the agent -------------------------------------------------------------

# What a process has open, and how often; without numbers, which differ. And
# without what libvirt's clients have opened there: an agent has one connection,
# or two once it has asked about a domain.
descriptors()
{
    local fd
    for fd in "/proc/$1/fd"/*; do
        readlink "$fd"
    done | grep -v -x -F -f <(clients "$1") |
        sed -E 's/[0-9a-f]{8}-[-0-9a-f]{27}/UUID/; s/\[.*//' | sort | uniq -c
}

# The ends of connections to libvirt's sockets that are libvirtd's.
clients()
{
    awk '$6 == "03" && $8 ~ "^/run/libvirt/" { print "socket:[" $7 "]" }' \
        "/proc/$1/net/unix"
}

threads()
{
    cat "/proc/$1/task"/*/comm | sort | uniq -c
}

# no_more BEFORE COMMAND...: of each thing that the command counts there are no
# more than before; else says of which. There may be fewer: who looks can meet
# what is about to go, then as well as now.
no_more()
{
    local before=$1 now
    shift
    now=$("$@") && awk '
        { number = $1; $1 = "" }
        FNR == NR { had[$0] = number; next }
        number > had[$0] { print number $0 ", not " had[$0] + 0; more = 1 }
        END { exit more }' <(echo "$before") <(echo "$now")
}

# held: KiB
held()
{
    echo $(($(agent_held) / 1024))
}

# of_agent VERB HOST, and of libvirtd: one of the above
of_agent()
{
    # shellcheck disable=SC2016 # of the host, not ours
    host_run "$2" eval "$1 \"\$AGENT_PID\""
}

of_libvirtd()
{
    host_run "$2" eval "$1 \"\$LIBVIRTD_PID\""
}

# On alpha: what the agent takes in the course of it.
watcher()
{
    until [ -e "$BED/log/enough" ]; do
        held
        sleep 1
    done
}

# Eleven numbers of the file, from the first to the last.
eleven()
{
    local all i
    mapfile -t all <"$1"
    for ((i = 0; i <= 10; i++)); do
        echo "${all[i * (${#all[@]} - 1) / 10]}"
    done
}

remember()
{
    local host
    for host in alpha beta; do
        had[$host]=$(of_libvirtd descriptors "$host")
    done
    had[descriptors]=$(of_agent descriptors alpha)
    had[threads]=$(of_agent threads alpha)
    had[held]=$(of_agent held alpha)
}

as_before()
{
    local held course
    wait_until 'the agent has no more open than before' 20 \
        no_more "${had[descriptors]}" of_agent descriptors alpha
    wait_until 'and no more threads' 10 \
        no_more "${had[threads]}" of_agent threads alpha
    held=$(of_agent held alpha)
    ok "and it has not grown by more than $GROWS_KIB KiB" \
        [ $((held - had[held])) -le "$GROWS_KIB" ]
    mapfile -t course < <(eleven "$BED/log/alpha/KiB")
    ok "nor in the second half by more than $GROWS_LATE_KIB KiB" \
        [ $((course[10] - course[5])) -le "$GROWS_LATE_KIB" ]
    diag "KiB: in its course ${course[*]}; at rest ${had[held]} after a" \
        "tenth, $held after all"
    diag "it had open: ${had[descriptors]}"
    diag "its threads: ${had[threads]}"
}

# ---- the pools -------------------------------------------------------------

kept()
{
    said | awk '$1 == "kept" { print $2 "_disk" }' | sort
}

# is_whole POOL/IMAGE: a clone that begins as the image does, and has the size
# that was asked for.
is_whole()
{
    [ "$(rbd info --format json "$1" | jq -r '"\(.size) \(.parent.pool)/\(
        .parent.image)@\(.parent.snapshot)"')" = "$SIZE $PARENT" ] &&
        rbd export --no-progress "$1" - 2>/dev/null |
        cmp -n "$(stat -c %s "$BED/tmp/golden")" - "$BED/tmp/golden"
}

broken()
{
    local disk
    for disk in $(kept | sed 's|^|vms/|'); do
        is_whole "$disk" || echo "$disk"
    done 2>&1
}

# only_first A B: the lines of A that are not in B.
only_first()
{
    comm -23 <(sort -u <<<"$1") <(sort -u <<<"$2")
}

# The objects of the pool that belong to no image of it, trash included.
stray_objects()
{
    local ids
    ids=$(rados -p vms listomapkeys rbd_directory | sed -n 's/^id_//p'
        rbd trash ls --format json vms | jq -r '.[].id')
    only_first "$(rados -p vms ls | sed -n -E \
        's/^rbd_(header|object_map|data)\.([^.]*).*/\2/p')" "$ids"
    only_first "$(rados -p vms ls | sed -n 's/^rbd_id\.//p')" "$(kept)"
    rados -p vms ls | grep -v -E '^rbd_(header|object_map|data|id)\.' |
        grep -v -x -E 'rbd_(directory|info|children|trash|task)'
}

pools()
{
    local trash
    isnt 'disks were kept' "$(kept | wc -l)" 0
    is 'the pool lists them, and no others' "$(rbd ls vms | sort)" "$(kept)"
    is 'so does their parent' "$(rbd children "$PARENT" | sort)" \
        "$(kept | sed 's|^|vms/|')"
    is 'each is whole' "$(broken)" ''
    trash=$(rbd trash ls --format json vms | jq -r '.[].name')
    is 'in the trash is what was cut short by a kill' \
        "$(only_first "$trash" "$(met_by_kills)")" ''
    diag "$(kept | wc -l) disks, $(grep -c . <<<"$trash") in the trash"
    is 'the other pools are as they were' "$(rbd ls images; rbd ls volumes)" \
        "$IMAGE"
}

# ---- what stays of the dead ------------------------------------------------

instances()
{
    host_run "$1" eval 'ls /run/remora/instances | wc -l'
}

the_dead()
{
    local cut
    ok 'the agent is killed once more' host_run beta agent_kill
    ok 'and starts' host_run beta agent_start
    wait_until 'no claim is left' 25 agent_no_claims
    wait_until 'no word of the dead' 10 \
        eval '[ "$(instances alpha) $(instances beta)" = "1 1" ]'
    is 'and no part of an image lies about' "$(stray_objects)" ''
    cut=$(cluster_blocklist)
    diag "$(grep -c . <<<"$cut") clients are on the blocklist"
    is 'nobody of alpha is on the blocklist' \
        "$(grep -F "$(host_address alpha):" <<<"$cut")" ''
    is 'nor anybody who lives' "$(cluster_cut_off)" ''
}

# ---- the whole -------------------------------------------------------------

as_ever()
{
    local host
    for host in alpha beta; do
        wait_until "libvirtd of $host has no more open than before" 10 \
            no_more "${had[$host]}" of_libvirtd descriptors "$host"
        ok 'and a guest boots' \
            host_run "$host" agent_boots last "$(uuidgen)" "$IMAGE"
    done
}

inside()
{
    local each=$((DISKS / 2 / ${#WORKERS[@]}))
    local -A had
    bed_need_remora
    [ -x "$REMORA_BUILD/tests/speed/bare" ] ||
        bail 'no tests/speed/bare: set REMORA_BUILD, or run tests/check'
    parts
    soak 1 $((each / 10))
    rest "$REST_S"
    remember
    soak $((each / 10 + 1)) "$each"
    went_well
    pools
    rest "$REST_S"
    as_before
    the_dead
    as_ever
}

bed_enter "$0" "$@"
inside
tap_done
