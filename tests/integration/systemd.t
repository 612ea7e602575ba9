#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/systemd.t - the units, and the proxy in libvirtd's place
#
# What is done to the host is what README.md and remora-libvirt-proxy(8) say,
# taken from there.
#
# Needs: root, the packages of lib/packages.sh, an installed remora, and in
#        REMORA_UNITS the units of libvirt-daemon-system.
# Units: libvirt
#
# shellcheck source-path=SCRIPTDIR
here=$(dirname -- "$(realpath -- "$0")")/..
. "$here/lib/tap.sh"
. "$here/lib/bed.sh"
. "$here/lib/cluster.sh"
. "$here/lib/libvirt.sh"
. "$here/lib/guest.sh"
. "$here/lib/agent.sh"
. "$here/lib/systemd.sh"

IMAGE=0a64fa67-3e34-42e7-b7b0-423c11850e18
PAGE=$here/../hooks/proxy/remora-libvirt-proxy.pod
THERE='qemu+unix:///system?socket=/run/remora/libvirt-sock'
HOST=qemu:///system

# ---- words -----------------------------------------------------------------

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    guest_image 16M 'a golden image' idle "$BED/tmp/golden" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/golden" "$IMAGE"
    libvirt_write_conf
    libvirt_make_user
    libvirt_hide_polkit
    libvirt_pick_drivers
    getent group libvirt >/dev/null || echo 'libvirt:x:64056:' >>/etc/group
    ok 'systemd starts' systemd_start "$REMORA_UNITS" \
        "$BED_INST/lib/systemd/system" || bail 'no systemd'
    systemd_run mkdir /etc/systemd/system/libvirtd.service.d
    printf '[Service]\nEnvironment=LIBVIRT_DRIVER_DIR=%s\n' \
        "$BED/libvirt/drivers" | systemd_run \
        tee /etc/systemd/system/libvirtd.service.d/bed.conf >/dev/null
}

# virsh_at URI COMMAND...
virsh_at()
{
    local uri=$1
    shift
    systemd_run timeout "$((40 * BED_PATIENCE))" virsh -q -c "$uri" "$@"
}

is_active()
{
    systemd_run systemctl is-active "$1"
}

# defined_and_started URI NAME: on one connection, so that the proxy it was.
defined_and_started()
{
    guest_xml -m "$(agent_asks vda "$IMAGE")" "$2" "$(uuidgen)" \
        >"$BED/tmp/$2.xml"
    virsh_at "$1" "define $BED/tmp/$2.xml; start $2"
}

running()
{
    virsh_at "$HOST" list --name | sed '/^$/d' | sort | xargs
}

# page_block N: of what the page says about everybody on the host.
page_block()
{
    awk -v n="$1" '/^=item B<Everybody/ { on = 1 }
        on && /^=back/ { exit }
        on && /^ / { if (!inside) count++; inside = 1
                     if (count == n) print; next }
        { inside = 0 }' "$PAGE" |
        sed "s|/usr/share/doc|$BED_INST/share/doc|"
}

# page_run N: as it stands there, up to the first that fails.
page_run()
{
    systemd_run bash -e -c "$(page_block "$1")"
}

# ---- the tests -------------------------------------------------------------

begin()
{
    ok "libvirtd's socket" systemd_run systemctl start libvirtd.socket
    ok 'begins libvirtd' virsh_at "$HOST" list
    hook_install "$(agent_hook)"
    ok 'libvirtd sees the hook' systemd_run systemctl reload libvirtd
    ok 'the units are enabled as the README says' systemd_run bash -e -c \
        "$(grep 'systemctl enable --now remorad ' "$here/../README.md")"
    ok 'the agent runs' is_active remorad.service
    ok 'the proxy listens' is_active remora-libvirt-proxy.socket
    refuses 'and does not run before it must' 'inactive' \
        is_active remora-libvirt-proxy.service
}

by_uri()
{
    ok 'a domain by the socket of its own' defined_and_started "$THERE" web1
    ok 'the proxy runs now' is_active remora-libvirt-proxy.service
    is 'the domain runs' "$(running)" 'web1'
}

moved()
{
    ok "the page's commands" page_run 1
    page_block 2 | systemd_run tee /etc/remora/remora.conf >/dev/null
    like 'there is a line for remora.conf' "$(</etc/remora/remora.conf)" \
        'behind-remora-sock'
    ok 'which the agent reads' systemd_run systemctl reload remorad
    ok 'a client that knows of nothing' defined_and_started "$HOST" web2
    is 'its domain runs, and the other one still' "$(running)" 'web1 web2'
    like 'on a clone' "$(virsh_at "$HOST" dumpxml web2)" "name='vms/"
}

clients()
{
    local as=(systemd_run setpriv --reuid 65534 --regid 65534)
    refuses 'who is in no group does not get in' 'Permission denied' \
        "${as[@]}" --clear-groups virsh -q -c "$HOST" list
    ok 'who is in group libvirt does' \
        "${as[@]}" --groups "$(getent group libvirt | cut -d : -f 3)" \
        virsh -q -c "$HOST" list
}

# libvirt-guests asks the canonical socket at the end which guests there are. Its
# own script is not there; it does no more than this.
shutdown_order()
{
    systemd_run mkdir /etc/systemd/system/libvirt-guests.service.d
    printf '[Service]\nExecStart=\nExecStart=true\nExecStop=\nExecStop=%s\n' \
        "/bin/sh -c 'sleep 1; virsh -c $HOST list --name >/tmp/stop 2>&1'" |
        systemd_run \
            tee /etc/systemd/system/libvirt-guests.service.d/bed.conf >/dev/null
    ok 'libvirt-guests is there' systemd_run bash -e -c \
        'systemctl daemon-reload; systemctl start libvirt-guests'
    ok 'all stop at once, as at a shutdown' systemd_run systemctl stop \
        libvirt-guests.service remora-libvirt-proxy.socket \
        remora-libvirt-proxy.service remorad.service
    is 'it saw the guests through the proxy' \
        "$(systemd_run cat /tmp/stop | sed '/^$/d' | sort | xargs)" 'web1 web2'
    ok 'and all starts again' systemd_run systemctl start \
        remora-libvirt-proxy.socket remorad.service
    is 'with the guests' "$(running)" 'web1 web2'
}

ends()
{
    ok 'libvirtd is restarted' systemd_run systemctl restart libvirtd.service
    is 'and the domains run on' "$(running)" 'web1 web2'
    ok 'the proxy is killed' systemd_run \
        systemctl kill -s KILL remora-libvirt-proxy.service
    is 'and the domains run on, too' "$(running)" 'web1 web2'
    ok 'the proxy is back' is_active remora-libvirt-proxy.service
    ok 'the agent is killed' systemd_run systemctl kill -s KILL remorad.service
    wait_until 'and is back' 10 is_active remorad.service
    ok 'the agent stops' systemd_run systemctl stop remorad.service
    refuses 'what is ours cannot be defined' 'remorad' \
        defined_and_started "$HOST" web3
    is 'nothing of it is there' \
        "$(virsh_at "$HOST" list --all --name | sed '/^$/d' | sort | xargs)" \
        'web1 web2'
    ok 'the agent starts' systemd_run systemctl start remorad.service
    ok 'now it can be' defined_and_started "$HOST" web3
}

way_back()
{
    ok 'the way back' page_run 3
    systemd_run rm /etc/remora/remora.conf
    ok 'the agent reads it' systemd_run systemctl reload remorad
    is 'the domains run on' "$(running)" 'web1 web2 web3'
    refuses 'without the proxy' 'inactive' \
        is_active remora-libvirt-proxy.service
    wait_until 'the agent is connected again' 10 eval \
        'systemd_run "$BED_INST/bin/remora" status | grep -q web1'
    ok 'systemd stops' systemd_stop
}

inside()
{
    bed_need_remora
    [ -n "${REMORA_UNITS-}" ] || bail 'no units of libvirt: see REMORA_UNITS'
    parts
    begin
    by_uri
    moved
    clients
    shutdown_order
    ends
    way_back
}

systemd_outside
bed_enter "$0" "$@"
inside
tap_done
