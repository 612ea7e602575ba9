# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# tests/lib/hosts.sh - several hosts in one bed, on one network
#
#     hosts_start                  the network; cluster_start comes after it
#     host_start NAME              a machine with nothing running on it; the
#                                  same one again after host_kill, host_stop
#     host_serve NAME              libvirtd, the hook and the agent on it
#     host_run NAME COMMAND...     the command, there
#     host_cut NAME | host_join NAME
#     host_kill NAME               a power failure
#     host_stop NAME               a shutdown
#     host_slow_qemu NAME SECONDS [UUID]
#                                  how long a guest's QEMU there takes to come
#
# A host is a bed in the bed: mount, PID, network, UTS and IPC namespaces, an
# address on a bridge, an empty /run and /var/lib/libvirt, a host_uuid, a host
# name and a boot id. What a machine has on disk it has again when it is started
# again: /etc/libvirt and /var/lib/remora, empty at first, and its address, its
# host_uuid and its firmware's UUID. Only the clock and the installed programs
# are shared, and the keyrings and ceph.conf, which are copied.
#
# Contract: call inside a bed (bed.sh). The cluster listens on HOSTS_ADDRESS,
#           which the bed itself has: cluster_start ceph "$HOSTS_ADDRESS",
#           before the first host_start.
#           host_run takes any command of the test's shell, functions too,
#           with its variables as they are now; what the command sets is not
#           seen outside, except that HOST_KEEPS stay set on that host. The
#           host's logs are in $BED/log/NAME, also when the host is gone.
# Reads:    HOST_KEEPS   variables that each host has for itself

HOSTS_ADDRESS=192.0.2.1
HOST_KEEPS=(LIBVIRTD_PID AGENT_PID LIBVIRT_HOST_UUID)
declare -A HOST_PID HOST_NUMBER HOST_UUID
HOST_COUNT=0

# ---- the network -----------------------------------------------------------

hosts_start()
{
    ip link add hosts type bridge stp_state 0 &&
        ip link set hosts address 02:00:00:00:00:01 &&
        ip address add "$HOSTS_ADDRESS/24" dev hosts &&
        ip link set hosts up
}

host_address()
{
    echo "192.0.2.$((10 + HOST_NUMBER[$1]))"
}

host_mac()
{
    printf '02:00:00:00:01:%02x\n' "${HOST_NUMBER[$1]}"
}

# Neighbours are written down on both sides: a peer that is cut off must not
# be found missing by ARP, which would end connections that ought to hang.
host_plug()
{
    local name=$1 port=host${HOST_NUMBER[$1]} pid=${HOST_PID[$1]}
    ip link add "$port" type veth peer name eth0 address "$(host_mac "$name")" \
        netns "$pid" &&
        ip link set "$port" master hosts up &&
        ip neighbour replace "$(host_address "$name")" dev hosts \
            lladdr "$(host_mac "$name")" nud permanent &&
        nsenter --net -t "$pid" ip address add "$(host_address "$name")/24" \
            dev eth0 &&
        nsenter --net -t "$pid" ip link set eth0 up &&
        nsenter --net -t "$pid" ip neighbour replace "$HOSTS_ADDRESS" \
            dev eth0 lladdr 02:00:00:00:00:01 nud permanent
}

# host_cut NAME: nothing passes, and nobody is told.
host_cut()
{
    bridge link set dev "host${HOST_NUMBER[$1]}" state disabled
}

host_join()
{
    bridge link set dev "host${HOST_NUMBER[$1]}" state forwarding
}

# ---- inside a host ---------------------------------------------------------

# QEMU by another name: libvirt's command line is there to be seen in /proc
# while it does not come yet. Not when libvirt asks what QEMU can do. No child
# of it may keep open what libvirt gave to QEMU.
HOST_QEMU=/usr/bin/qemu-system-x86_64
HOST_QEMU_SLOW=$(
    cat <<'BASH'
#!/bin/bash
slow=/run/bed/slow uuid=
for ((i = 1; i < $#; i++)); do
    [ "${!i}" != -uuid ] || { i=$((i + 1)) && uuid=${!i}; }
done
is_early()
{
    local file seconds=0
    for file in "$slow/all" "$slow/$uuid"; do
        [ ! -s "$file" ] || read -r seconds <"$file"
    done
    [ "$SECONDS" -lt "$seconds" ]
}
if [ -n "$uuid" ]; then
    exec {never}<>/run/bed/never
    while is_early; do
        read -r -t 0.1 -u "$never"
    done
    exec {never}<&-
fi
exec "$slow/bin/${0##*/}" "$@"
BASH
)

# QEMU finds its files by way of its own path.
host_qemu()
{
    mkdir -p "$BED/slow/bin"
    ln -s /usr/share /usr/lib "$BED/slow/"
    : >"$BED/slow/bin/${HOST_QEMU##*/}"
    mount --bind "$HOST_QEMU" "$BED/slow/bin/${HOST_QEMU##*/}"
    printf '%s\n' "$HOST_QEMU_SLOW" >"$BED/slow/qemu"
    chmod 0755 "$BED/slow/qemu"
    mount --bind "$BED/slow/qemu" "$HOST_QEMU"
}

# host_shows TEXT FILE: of the kernel's.
host_shows()
{
    [ -e "$2" ] || return 0
    printf '%s\n' "$1" >"$BED/${2##*/}"
    mount --bind "$BED/${2##*/}" "$2"
}

# The first process of a host. It collects what others leave, and stays.
host_first()
{
    set -e
    # By descriptor: their paths are hidden by the host's own /run.
    exec 3<"$1" 4<"$2/libvirt" 5<"$2/remora"
    # shellcheck disable=SC2034 # bed_machine reads it
    BED_HOSTNAME=$3
    bed_machine
    mount --bind /proc/self/fd/3 "$BED/log"
    mount --bind /proc/self/fd/4 /etc/libvirt
    mount --bind /proc/self/fd/5 /var/lib/remora
    exec 3<&- 4<&- 5<&-
    printf '%s\n' "LIBVIRT_HOST_UUID=$4" LIBVIRTD_PID= AGENT_PID= >"$BED/keeps"
    mkfifo "$BED/never"
    host_qemu
    host_shows "$4" /sys/class/dmi/id/product_uuid
    host_shows "$(</proc/sys/kernel/random/uuid)" \
        /proc/sys/kernel/random/boot_id
    exec 3<>"$BED/never"
    : >"$BED/ready"
    read -r -u 3
}

host_kept()
{
    local keep
    for keep in "${HOST_KEEPS[@]}"; do
        printf '%s=%q\n' "$keep" "${!keep-}"
    done
}

# host_inside COMMAND...: what host_run has run. Saved only if it changed, for
# several commands may run at once.
host_inside()
{
    local host_before host_after host_status
    # shellcheck disable=SC1091 # written by host_first
    . "$BED/keeps"
    host_before=$(host_kept)
    "$@"
    host_status=$?
    host_after=$(host_kept)
    [ "$host_before" = "$host_after" ] ||
        printf '%s\n' "$host_after" >"$BED/keeps"
    exit "$host_status"
}

# ---- from outside ----------------------------------------------------------

# Every function and variable of this shell, as source text.
host_words()
{
    local host_word
    declare -f
    while read -r host_word; do
        case $host_word in
        # The shell's own.
        BASH* | COMP_* | DIRSTACK | EPOCH* | EUID | FUNCNAME | GROUPS | \
            LINENO | PIPESTATUS | PPID | *RANDOM | SECONDS | SHELLOPTS | \
            UID | _) ;;
        # Results that are only this shell's, and long.
        TAP_*) ;;
        *) declare -p "$host_word" 2>/dev/null ;;
        esac
    done < <(compgen -v)
}

# What it has as long as there is such a machine.
host_new()
{
    local name=$1
    HOST_COUNT=$((HOST_COUNT + 1))
    HOST_NUMBER[$name]=$HOST_COUNT
    HOST_UUID[$name]=$(</proc/sys/kernel/random/uuid)
    mkdir -p "$BED/log/$name" "$BED/hosts/$name"/{libvirt,remora}
}

host_start()
{
    local name=$1 log=$BED/log/$1 first unshare pid
    [ -z "${HOST_PID[$name]-}" ] || { echo "'$name' runs" >&2; return 1; }
    [ -n "${HOST_NUMBER[$name]-}" ] || host_new "$name"
    first=$BED/tmp/host.${HOST_NUMBER[$name]}
    host_words >"$first"
    echo 'host_first "$@"' >>"$first"
    unshare --mount --pid --net --uts --ipc --fork --kill-child=KILL \
        --mount-proc bash "$first" "$log" "$BED/hosts/$name" "$name" \
        "${HOST_UUID[$name]}" </dev/null >>"$log/first.out" 2>&1 &
    unshare=$!
    disown
    bed_wait 10 pgrep -P "$unshare" || return 1
    pid=$(pgrep -P "$unshare")
    HOST_PID[$name]=$pid
    if ! bed_wait 20 test -e "/proc/$pid/root$BED/ready"; then
        cat "$log/first.out" >&2
        return 1
    fi
    cp -a /etc/ceph/. "/proc/$pid/root/etc/ceph/" && host_plug "$name"
}

host_run()
{
    local name=$1 pid=${HOST_PID[$1]-} script status
    shift
    if [ -z "$pid" ]; then
        echo "there is no host '$name'" >&2
        return 1
    fi
    script=$BED/tmp/run.$BASHPID.$RANDOM
    {
        host_words
        echo 'host_inside "$@"'
    } >"/proc/$pid/root$script"
    nsenter --all -t "$pid" bash "$script" "$@"
    status=$?
    rm -f "/proc/$pid/root$script"
    return "$status"
}

host_serve()
{
    host_run "$1" libvirtd_start && host_run "$1" hook_install "$(agent_hook)" &&
        host_run "$1" agent_start
}

# host_slow_qemu NAME SECONDS [UUID]: of one domain, or of all that have no time
# of their own. With 0 also those that are not here yet come at once.
host_slow_qemu()
{
    host_run "$1" eval "echo $2 >'$BED/slow/new' &&
        mv '$BED/slow/new' '$BED/slow/${3:-all}'"
}

# No process of a host is left when its first one is gone.
host_end()
{
    local pid=${HOST_PID[$1]}
    kill -KILL "$pid" && bed_wait 20 bed_gone "$pid"
    ip link delete "host${HOST_NUMBER[$1]}" 2>/dev/null
    unset "HOST_PID[$1]"
}

# Cut off first: the kernel would close the connections of what it kills.
host_kill()
{
    host_cut "$1" && host_end "$1"
}

host_is_idle()
{
    [ "$(host_run "$1" eval 'echo /proc/[0-9]*' | wc -w)" -le 2 ]
}

host_stop()
{
    host_run "$1" eval 'kill -TERM -1'
    bed_wait 20 host_is_idle "$1"
    host_end "$1"
}
