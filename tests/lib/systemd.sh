# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# tests/lib/systemd.sh - a systemd of the bed's own, as a host has one
#
#     systemd_outside                before bed_enter: a cgroup for it
#     systemd_start DIRECTORY...     with the units in these
#     systemd_run COMMAND...         beside its services: systemctl, virsh
#     systemd_stop
#
# It is a machine in the bed: PID, mount and cgroup namespaces, and an empty
# /tmp and /etc/systemd/system. It knows some targets of the machine's, and the
# given units, and nothing else: what else a systemd does at its start is for a
# machine that is its own.
#
# Contract: call inside a bed (bed.sh), but for systemd_outside. It ends with
#           the bed. The cgroup is removed when the script ends, by any signal
#           but KILL.
# Needs:    the machine's systemd, and cgroup2 mounted somewhere.

SYSTEMD_PID=
SYSTEMD_TARGETS=(basic final multi-user network paths shutdown slices sockets
    sysinit timers umount)

# ---- outside ---------------------------------------------------------------

systemd_outside()
{
    [ -z "${BED_INSIDE-}" ] || return 0
    local at
    at=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)
    [ -n "$at" ] || bed_die 'cgroup2 is mounted nowhere: mount it'
    SYSTEMD_CGROUP=$at$(sed -n 's/^0:://p' /proc/self/cgroup)/remora-$$
    export SYSTEMD_CGROUP
    mkdir "$SYSTEMD_CGROUP" || exit 1
    trap systemd_tidy EXIT
}

# What was in it may need a moment to be gone.
systemd_tidy()
{
    bed_wait 10 systemd_tidied
}

systemd_tidied()
{
    find "$SYSTEMD_CGROUP" -depth -type d -exec rmdir {} +
    [ ! -e "$SYSTEMD_CGROUP" ]
}

# ---- its first process -----------------------------------------------------

# In new namespaces. Nothing of the machine is to be cleaned or set up: that is
# in tmpfiles.d and in units that are not there.
systemd_first()
{
    set -e
    local dir
    mount --make-rprivate /
    for dir in /tmp /var/tmp /etc/systemd/system /usr/lib/tmpfiles.d \
        /usr/lib/systemd/system-generators; do
        mount -t tmpfs -o mode=0755 bed "$dir"
    done
    mount --bind "$BED/units" /usr/lib/systemd/system
    ln -s /usr/lib/systemd/system/multi-user.target \
        /etc/systemd/system/default.target
    ! mountpoint -q /sys/fs/cgroup || umount -R /sys/fs/cgroup
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    exec env -i container=bed PATH="$PATH" LC_ALL=C.UTF-8 \
        /usr/lib/systemd/systemd --system --log-target=console \
        --show-status=no
}

# The namespaces begin in the cgroup, which is all that systemd sees of them.
systemd_spawn()
{
    echo "$BASHPID" >"$SYSTEMD_CGROUP/cgroup.procs" || exit 1
    exec unshare --mount --pid --cgroup --fork --kill-child=KILL --mount-proc \
        bash -c "$(declare -f systemd_first); systemd_first"
}

# ---- inside ----------------------------------------------------------------

systemd_units()
{
    local dir target
    mkdir -p "$BED/units"
    for target in "${SYSTEMD_TARGETS[@]}"; do
        cp "/usr/lib/systemd/system/$target.target" "$BED/units/" || return
    done
    for dir in "$@"; do
        cp "$dir"/* "$BED/units/" || return
    done
}

systemd_start()
{
    systemd_units "$@" || return
    systemd_spawn </dev/null >"$BED/log/systemd.log" 2>&1 &
    SYSTEMD_UNSHARE=$!
    disown
    bed_wait 20 systemd_is_there || { tail "$BED/log/systemd.log" && return 1; }
}

systemd_is_there()
{
    local children
    children=$(<"/proc/$SYSTEMD_UNSHARE/task/$SYSTEMD_UNSHARE/children")
    SYSTEMD_PID=${children%% *}
    [ -n "$SYSTEMD_PID" ] && systemd_run systemctl is-system-running
}

systemd_run()
{
    nsenter --target "$SYSTEMD_PID" --mount --pid --cgroup "$@"
}

systemd_stop()
{
    kill -KILL "$SYSTEMD_PID" && bed_wait 10 bed_gone "$SYSTEMD_UNSHARE"
    SYSTEMD_PID=
}
