#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/bed.t - the test bed itself: what the other tests stand on
#
# Inside a bed: a cluster, a libvirtd and a guest on a clone made by hand.
# Outside, afterwards: nothing left of it, whichever way it ended.
#
# Needs: root, the packages of lib/packages.sh; no remora.
#
# shellcheck source-path=SCRIPTDIR
here=$(dirname -- "$(realpath -- "$0")")
. "$here/lib/tap.sh"
. "$here/lib/bed.sh"
. "$here/lib/cluster.sh"
. "$here/lib/libvirt.sh"
. "$here/lib/guest.sh"
. "$here/lib/machine.sh"

IMAGE=0a64fa67-3e34-42e7-b7b0-423c11850e18
DOMAIN=982b8eac-6bcc-4a21-bd04-b67e26188be0
SECRET=e21a123a-31f8-425a-86db-7204c33a6161
DISK=vms/${DOMAIN}_disk

# took WHAT SINCE (of EPOCHREALTIME)
took()
{
    diag "$1: $(((${EPOCHREALTIME//[.,]/} - ${2//[.,]/}) / 1000)) ms"
}

# ---- inside ----------------------------------------------------------------

inside_services()
{
    local t=$EPOCHREALTIME
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    took 'cluster' "$t"
    like 'the cluster is healthy' "$(ceph health)" HEALTH_OK
    refuses 'client.remora may not write images' 'Operation not permitted' \
        rbd --id remora create --size 1M images/mine
    ok 'client.remora may write volumes' \
        rbd --id remora create --size 1M volumes/mine

    t=$EPOCHREALTIME
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    took 'libvirtd' "$t"
    ok 'libvirtd starts again' libvirtd_restart || bail 'no libvirtd'
    # Stands for 'bash tests/...' typed by hand; script makes a terminal.
    is 'at a terminal virsh says no more than it is asked' \
        "$(script -q -e -c 'virsh -q list --name; echo $?' /dev/null \
            </dev/null | tr -d '\r\n')" 0
    ok 'a secret' secret_define "$SECRET" "$(cluster_key remora)"
}

# A command that neither works nor fails.
hangs()
{
    timeout 1 "$@"
    [ $? = 124 ]
}

inside_guest()
{
    local t
    guest_image 16M 'a golden image' off "$BED/tmp/golden" ||
        bail 'no image'
    t=$EPOCHREALTIME
    ok 'an image as Glance leaves it' \
        cluster_add_image "$BED/tmp/golden" "$IMAGE"
    ok 'a clone of it' cluster_add_clone "$IMAGE" "${DOMAIN}_disk" 32M
    took 'image and clone' "$t"

    ok 'a domain on the clone' guest_define web1 "$DOMAIN" \
        "$(guest_disk_xml vda "$DISK" "$SECRET")"
    t=$EPOCHREALTIME
    ok 'it starts' virsh_ start web1
    ok 'it reads the image' guest_wait_line web1 \
        'remora-guest: hello from a golden image'
    ok 'it writes its disk' guest_wait_line web1 'wrote sector 2'
    ok 'it powers off' guest_wait_off web1
    took "guest ($GUEST_VIRT), start to power off" "$t"
    diag "$(guest_said web1)"
    is 'the clone has what it wrote' "$(guest_sector "$DISK" 2)" \
        'written by a golden image'
    is 'the image has not' "$(guest_sector "images/$IMAGE" 2)" ''
    ok 'it starts again' virsh_ start web1
    ok 'it finds what it wrote' guest_wait_line web1 \
        'found written by a golden image'
    ok 'it powers off again' guest_wait_off web1
    like 'the clone has a parent' "$(rbd info "$DISK")" \
        "parent: images/$IMAGE@snap"
}

inside_hook()
{
    # shellcheck disable=SC2016 # the hook expands it
    printf '#!/bin/sh\necho "a hook says no to $1 $2" >&2\nexit 1\n' \
        >"$BED/tmp/hook"
    ok 'a hook is installed' hook_install "$BED/tmp/hook"
    refuses 'libvirtd obeys it' 'a hook says no to web1 prepare' \
        virsh_ start web1
    hook_remove
    ok 'without it the guest starts' virsh_ start web1
    ok 'and ends' guest_wait_off web1
}

inside_idle()
{
    guest_image 16M 'an idle image' idle "$BED/tmp/idle"
    ok 'a second image' cluster_add_image "$BED/tmp/idle" idle
    ok 'a second clone' cluster_add_clone idle idle_disk
    ok 'a second domain' guest_define web2 '' \
        "$(guest_disk_xml vda vms/idle_disk "$SECRET")"
    ok 'a guest that stays' virsh_ start web2
    ok 'it says so' guest_wait_line web2 'remora-guest: idle'
    is 'its QEMU watches the clone' \
        "$(cluster_watchers vms/idle_disk | wc -l)" 1
    ok 'it outlives libvirtd' libvirtd_restart
    is 'it runs' "$(virsh_ domstate web2)" running
    is 'the image has no watcher' "$(cluster_watchers images/idle)" ''
}

inside_faults()
{
    cluster_pause_osd
    ok 'a paused OSD answers nobody' hangs rbd ls vms
    cluster_resume_osd
    ok 'a resumed OSD does' bed_timeout 20 rbd ls vms
    ok 'the OSD stops' cluster_stop_osd
    ok 'and starts again' cluster_start_osd
    is 'it has what it had' \
        "$(bed_timeout 30 rbd ls vms | tr '\n' ' ')" "${DISK#*/} idle_disk "
    # shellcheck disable=SC2119 # all have a default
    cluster_stop_mon
    refuses 'a stopped monitor answers nobody' '' \
        ceph --connect-timeout 1 -s
    # shellcheck disable=SC2119
    cluster_start_mon
    ok 'a started monitor does' bed_timeout 20 ceph -s
}

inside()
{
    inside_services
    inside_guest
    inside_hook
    inside_idle
    inside_faults
    # Left running: a guest, libvirtd and the cluster.
    readlink /proc/self/ns/pid | sed 's/^/namespace /'
    tap_done
}

# ---- outside ---------------------------------------------------------------

# A bed that says its namespace and then stays, with processes in it.
sleeper()
{
    setsid sleep 1000 &
    readlink /proc/self/ns/pid >&3
    sleep 1000
}

ends_by()
{
    local signal=$1 pid namespace=
    exec 4< <(TMPDIR=$work/tmp exec bash "$0" --sleep 3>&1 >/dev/null 2>&1)
    pid=$!
    read -r -t 10 namespace <&4
    isnt "a bed that will get $signal" "$namespace" ''
    kill -"$signal" "$pid"
    wait_until "$signal ends all of it" 5 namespace_is_empty "$namespace"
    exec 4<&-
}

outside()
{
    local before namespace
    # For the beds only: this script has a file of its own while it runs.
    mkdir "$work/tmp" "$work/home"
    before=$(machine_names)
    tap_include env "TMPDIR=$work/tmp" bash "$0" --inside > >(tee "$work/out")
    namespace=$(sed -n 's/^# namespace //p' "$work/out")
    isnt 'the inside named its namespace' "$namespace" ''
    ok 'no process is left' namespace_is_empty "$namespace"
    ends_by TERM
    ends_by INT
    ends_by KILL
    TMPDIR=$work/tmp bash "$0" --status
    is 'the status comes out' "$?" 7
    is 'no temporary file is left' "$(ls -A "$work/tmp")" ''
    is 'nothing on the machine is another' \
        "$(diff <(printf '%s\n' "$before") <(machine_names))" ''
    tap_done
}

case ${1-} in
--inside)
    bed_enter "$0" "$@"
    inside
    ;;
--sleep)
    bed_enter "$0" "$@"
    TAP_DONE=yes
    sleeper
    ;;
--status)
    bed_enter "$0" "$@"
    TAP_DONE=yes
    exit 7
    ;;
*)
    [ "$(id -u)" = 0 ] || { echo '1..0 # SKIP needs root'; exit 0; }
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    outside
    ;;
esac
