# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# tests/lib/libvirt.sh - a libvirtd of the bed's own
#
#     libvirtd_start | libvirtd_stop | libvirtd_restart | libvirtd_reload
#     hook_install PATH | hook_remove
#
# The machine's libvirtd binary with its own configuration, sockets at the
# usual paths of the bed, no authentication, no confinement, guests as root.
#
# Contract: call inside a bed (bed.sh). libvirtd_start returns when virsh gets
#           answers from qemu:///system. Guests outlive the daemon, as on a
#           host, and end with the bed.
# Reads:    LIBVIRT_HOST_UUID   so that two beds can be two hosts
#           LIBVIRT_LOG         log filters, '3:*' by default
#           LIBVIRT_LISTENS     not empty: over TCP too, for migrations

LIBVIRTD_PID=
LIBVIRT_URI=qemu:///system
LIBVIRT_HOOKS=/etc/libvirt/hooks

virsh_()
{
    virsh -q -c "$LIBVIRT_URI" "$@"
}

libvirt_write_conf()
{
    mkdir -p "$LIBVIRT_HOOKS/qemu.d" /var/log/libvirt/qemu
    cat >/etc/libvirt/libvirtd.conf <<CONF
unix_sock_group = "root"
unix_sock_ro_perms = "0777"
unix_sock_rw_perms = "0777"
auth_unix_ro = "none"
auth_unix_rw = "none"
listen_tls = 0
listen_tcp = 1
auth_tcp = "none"
host_uuid = "${LIBVIRT_HOST_UUID:-b41d1f04-5cd7-4c35-9d3c-2a2b3c4d5e6f}"
log_filters = "${LIBVIRT_LOG:-3:*}"
log_outputs = "1:file:$BED/log/libvirtd.log"
CONF
    cat >/etc/libvirt/qemu.conf <<'CONF'
user = "root"
group = "root"
security_driver = "none"
dynamic_ownership = 0
remember_owner = 0
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
CONF
    cat >"$LIBVIRT_HOOKS/daemon" <<HOOK
#!/bin/sh
[ "\$2" != reload ] || : >$BED/libvirt/reloaded
HOOK
    chmod 0755 "$LIBVIRT_HOOKS/daemon"
}

# libvirtd looks up its default user even if it is configured to another one,
# and a package that the bed does without creates it. /etc is the bed's own.
libvirt_make_user()
{
    getent group kvm >/dev/null || echo 'kvm:x:64054:' >>/etc/group
    getent group libvirt-qemu >/dev/null ||
        echo 'libvirt-qemu:x:64055:' >>/etc/group
    getent passwd libvirt-qemu >/dev/null ||
        echo 'libvirt-qemu:x:64055:64055::/:/usr/sbin/nologin' >>/etc/passwd
}

# Only the drivers that a guest on RBD needs: the others look at the
# machine's devices, firewall and networks.
libvirt_pick_drivers()
{
    local from name
    from=$(ldconfig -p | sed -n 's|.* => \(.*\)/libvirt\.so\.0$|\1|p' |
        head -n 1)/libvirt/connection-driver
    [ -d "$from" ] || from=/usr/lib/libvirt/connection-driver
    mkdir -p "$BED/libvirt/drivers"
    for name in qemu secret storage; do
        [ ! -e "$from/libvirt_driver_$name.so" ] ||
            ln -sf "$from/libvirt_driver_$name.so" "$BED/libvirt/drivers/"
    done
}

# At a terminal virsh starts polkit's agent, which complains that there is no
# polkit in the bed. Where it cannot be executed, virsh does without.
libvirt_hide_polkit()
{
    local agent=/usr/bin/pkttyagent
    [ ! -x "$agent" ] || mount --bind /dev/null "$agent"
}

libvirtd_answers()
{
    virsh_ list --name
}

# Answers, or never will.
libvirtd_settled()
{
    libvirtd_answers || bed_gone "$LIBVIRTD_PID"
}

libvirtd_spawn()
{
    LIBVIRT_DRIVER_DIR=$BED/libvirt/drivers libvirtd \
        ${LIBVIRT_LISTENS:+--listen} \
        >>"$BED/log/libvirtd.out" 2>&1 </dev/null &
    LIBVIRTD_PID=$!
    disown
}

libvirtd_start()
{
    [ -e /etc/libvirt/qemu.conf ] || libvirt_write_conf
    libvirt_make_user
    libvirt_hide_polkit
    [ -d "$BED/libvirt/drivers" ] || libvirt_pick_drivers
    libvirtd_spawn
    bed_wait 30 libvirtd_settled
    libvirtd_answers >/dev/null 2>&1 && return
    {
        echo 'libvirtd does not answer'
        tail -n 20 "$BED/log/libvirtd.out" "$BED/log/libvirtd.log"
    } >&2
    return 1
}

libvirtd_stop()
{
    [ -z "$LIBVIRTD_PID" ] || bed_end "$LIBVIRTD_PID"
    LIBVIRTD_PID=
}

libvirtd_kill()
{
    kill -KILL "$LIBVIRTD_PID" && bed_wait 10 bed_gone "$LIBVIRTD_PID"
    LIBVIRTD_PID=
}

libvirtd_restart()
{
    libvirtd_stop
    libvirtd_start
}

# How libvirtd learns that there are hooks at all. It looks for them again,
# and then calls its own hook, which leaves the mark to wait for.
libvirtd_reload()
{
    rm -f "$BED/libvirt/reloaded"
    kill -HUP "$LIBVIRTD_PID" &&
        bed_wait 10 test -e "$BED/libvirt/reloaded"
}

# hook_install PATH: as remora's packages do, but by a copy that is replaced
# in one step, so that a test may put another hook in its place.
hook_install()
{
    local new=$LIBVIRT_HOOKS/.remora.new
    mkdir -p "$LIBVIRT_HOOKS/qemu.d"
    install -m 0755 "$1" "$new" || return 1
    mv "$new" "$LIBVIRT_HOOKS/qemu.d/remora" || return 1
    [ -z "$LIBVIRTD_PID" ] || libvirtd_reload
}

hook_remove()
{
    rm -f "$LIBVIRT_HOOKS/qemu.d/remora"
}

# secret_define UUID KEY: KEY as Ceph prints it, in base64. For tests that do
# without what remora makes itself.
secret_define()
{
    local file=$BED/tmp/secret.xml
    cat >"$file" <<XML
<secret ephemeral='no' private='yes'>
  <uuid>$1</uuid>
  <usage type='ceph'><name>client.remora secret $1</name></usage>
</secret>
XML
    virsh_ secret-define "$file" >/dev/null || return 1
    printf '%s' "$2" >"$file"
    virsh_ secret-set-value "$1" --file "$file" >/dev/null
    local status=$?
    rm "$file"
    return "$status"
}
