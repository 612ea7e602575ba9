# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# tests/lib/bed.sh - a private machine on the machine: the bed of a test
#
# A script that sources this file and calls
#
#     bed_enter "$0" "$@"
#
# goes on in namespaces of its own (mount, PID, network, UTS, IPC), as PID 1,
# in which it may start Ceph, libvirtd and guests at their usual paths.
#
# Contract: the machine outside is not written to. /run, /etc and what
#           BED_DIRS names are the bed's own, all in memory; what the
#           script starts ends with it, however it ends.
# Needs:    root; nothing of Ceph or libvirt.
# Gives:    BED            where the bed keeps its state, /run/bed
#           BED_INST       where the remora under test is installed
#           TMPDIR, HOME   inside BED
# Reads:    BED_HOSTNAME   what the bed calls itself, 'bed' by default
#           REMORA_STAGE   a DESTDIR with remora installed under BED_INST
#           REMORA_KEEP    a directory that gets the bed's logs at its end
#           BED_PATIENCE   by how much all limits are longer than what is asked
#                          for, 5: no verdict may hang on speed

BED=/run/bed
BED_INST=$BED/inst
BED_PATIENCE=${BED_PATIENCE:-5}

# Directories that are empty when the bed begins. Each gets its own tmpfs;
# they need not exist on the machine. /run and /etc are private anyway.
BED_DIRS=(
    /var/lib/libvirt /var/lib/ceph /var/lib/remora
    /var/log/libvirt /var/log/ceph /var/log/remora
    /var/cache/libvirt /var/cache/remora
)

bed_die()
{
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# ---- outside ---------------------------------------------------------------

# Starts the script again inside and ends with its status. The chain of
# death signals (this shell, unshare, PID 1) holds even for kill -9.
bed_outside()
{
    local script
    script=$(realpath -- "$1") || exit 1
    shift
    [ "$(id -u)" = 0 ] || bed_die "needs root: run it with sudo"

    # Nothing of the machine's own Ceph, libvirt or tools' settings.
    unset "${!CEPH_@}" "${!LIBVIRT_@}" "${!VIRSH_@}" "${!XDG_@}" \
        NOTIFY_SOCKET LISTEN_FDS LISTEN_PID DBUS_SESSION_BUS_ADDRESS
    BED_CWD=$PWD BED_INSIDE=$$ bed_apart \
        --mount --pid --net --uts --ipc --mount-proc -- \
        bash "$script" "$@"
    exit
}

# bed_apart FLAG... -- COMMAND...: in namespaces of its own, which end with it.
bed_apart()
{
    local child status flags=()
    while [ "$1" != -- ]; do
        flags+=("$1")
        shift
    done
    shift
    # A background command begins with SIGINT ignored, for ever in a shell:
    # env makes that good.
    setpriv --pdeathsig KILL unshare "${flags[@]}" --fork --kill-child=KILL \
        env --default-signal "$@" <&0 &
    child=$!
    # unshare ignores the polite signals while it waits for its child.
    trap '{ kill -KILL $child; wait $child; } 2>/dev/null; exit 130' INT
    trap '{ kill -KILL $child; wait $child; } 2>/dev/null; exit 143' TERM HUP
    wait "$child"
    status=$?
    trap - INT TERM HUP
    return "$status"
}

# ---- inside ----------------------------------------------------------------

# A tmpfs over a directory, through which everything that was there is still
# to be seen: so a mount point can be made that the machine does not have.
bed_mirror()
{
    local dir=$1 below=$BED/.machine$1 entry name
    mkdir -p "$below"
    mount --rbind "$dir" "$below"
    mount -t tmpfs -o mode=0755 bed "$dir"
    for entry in "$below"/* "$below"/.[!.]*; do
        name=$dir/${entry##*/}
        if [ -L "$entry" ]; then
            cp -P -- "$entry" "$name"
        elif [ -d "$entry" ]; then
            mkdir -- "$name"
            mount --rbind -- "$entry" "$name"
        elif [ -f "$entry" ]; then
            : >"$name"
            mount --bind -- "$entry" "$name"
        fi
    done
}

bed_private_dirs()
{
    local dir
    for dir in "${BED_DIRS[@]}"; do
        [ -d "$dir" ] || { bed_mirror "${dir%/*}" && mkdir -p "$dir"; }
        mount -t tmpfs -o mode=0755 bed "$dir"
    done
}

# /etc is small, and a copy can be written to as a test likes.
bed_private_etc()
{
    cp -a /etc "$BED/etc"
    rm -rf "$BED/etc/libvirt" "$BED/etc/ceph" "$BED/etc/remora"
    mkdir "$BED/etc/libvirt" "$BED/etc/ceph" "$BED/etc/remora"
    mount --bind "$BED/etc" /etc
}

bed_mounts()
{
    mount --make-rprivate /
    mount -t tmpfs -o mode=0755 bed /run
    # The machine's sockets (D-Bus, journal, udev) are gone with its /run.
    mkdir -p "$BED/tmp" "$BED/home" "$BED/log" /run/lock /run/libvirt \
        /run/ceph /run/remora
    bed_private_etc
    bed_private_dirs
    if [ -d /dev/shm ]; then
        mount -t tmpfs -o mode=1777 bed /dev/shm
    fi
    if [ -n "${REMORA_STAGE-}" ]; then
        [ -d "$REMORA_STAGE$BED_INST" ] ||
            bed_die "REMORA_STAGE: '$REMORA_STAGE$BED_INST' does not exist"
        mkdir -p "$BED_INST"
        mount --bind "$REMORA_STAGE$BED_INST" "$BED_INST"
    fi
}

# PID 1 takes everything with it, so there is nothing to stop by hand; what
# is worth keeping of the logs has to be out before.
bed_leave()
{
    local status=$?
    trap - EXIT
    if declare -F tap_finish >/dev/null; then
        tap_finish "$status"
        status=$?
    fi
    if [ -n "${REMORA_KEEP-}" ]; then
        mkdir -p "$REMORA_KEEP"
        cp -a "$BED/log/." /var/log/libvirt/. "$REMORA_KEEP/" 2>/dev/null
    fi
    exit "$status"
}

# The machine that a shell in new namespaces is on from then on.
bed_machine()
{
    umask 022
    bed_mounts
    hostname "${BED_HOSTNAME:-bed}"
    printf '127.0.0.1 localhost %s\n::1 localhost\n' \
        "${BED_HOSTNAME:-bed}" >/etc/hosts
    ip link set lo up
}

bed_inside()
{
    set -e
    bed_machine
    set +e
    export LC_ALL=C.UTF-8 TMPDIR=$BED/tmp HOME=$BED/home BED BED_INST
    export PATH=$BED_INST/bin:$BED_INST/sbin:/usr/local/sbin:\
/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    cd -- "$BED_CWD" || exit 1
    trap bed_leave EXIT
}

bed_enter()
{
    # PID 1 is what the variable alone could not prove.
    if [ -n "${BED_INSIDE-}" ] && [ $$ = 1 ]; then
        bed_inside || bed_die "cannot make the bed: see above"
        return
    fi
    bed_outside "$@"
}

# For scripts that need the remora under test.
bed_need_remora()
{
    [ -x "$BED_INST/sbin/remorad" ] ||
        bed_die "no remora in the bed: set REMORA_STAGE, or run tests/check"
}

# ---- small words for the libraries -----------------------------------------

# bed_encrypted FILE: an encrypted qcow2 file. qemu-img times its own rounds for
# that, and gives up where the machine is busy.
bed_encrypted()
{
    qemu-img create -q -f qcow2 --object secret,id=s,data=secret \
        -o encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10 "$1" 8M
}

# bed_wait SECONDS COMMAND...: until it succeeds, looking 50 times a second. On a
# machine that has nothing else to do; else it is given more.
bed_wait()
{
    local end=$((SECONDS + $1 * BED_PATIENCE))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.02
    done
}

# bed_timeout SECONDS COMMAND...: the same, of one that may hang.
bed_timeout()
{
    timeout "$(($1 * BED_PATIENCE))" "${@:2}"
}

# bed_end PID [SECONDS]: ask, wait, insist. The process need not be ours.
bed_end()
{
    local pid=$1 seconds=${2:-10}
    kill -TERM "$pid" 2>/dev/null || return 0
    if ! bed_wait "$seconds" bed_gone "$pid"; then
        kill -KILL "$pid" 2>/dev/null
        bed_wait 5 bed_gone "$pid"
    fi
}

# A zombie counts as gone: this shell, as PID 1, collects it in its own time.
# But not one that has threads left, which still hold its files and locks.
bed_gone()
{
    local stat
    stat=$(<"/proc/$1/stat") 2>/dev/null || return 0
    # shellcheck disable=SC2206 # one word a field
    stat=(${stat##*) })
    [ "${stat[0]}" = Z ] && [ "${stat[17]}" = 1 ]
}
