#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/hung.t - domains that hang keep nobody from the others
#
# libvirt holds a domain's lock as long as its hook runs. What the agent asks of
# such a domain is not answered, and cannot be called back. Nothing here waits for
# a time to pass: they hang until they may go on.
#
# Needs: root, the packages of lib/packages.sh, an installed remora.
#
# shellcheck source-path=SCRIPTDIR
here=$(dirname -- "$(realpath -- "$0")")/..
. "$here/lib/tap.sh"
. "$here/lib/bed.sh"
. "$here/lib/cluster.sh"
. "$here/lib/libvirt.sh"
. "$here/lib/guest.sh"
. "$here/lib/agent.sh"
. "$here/lib/proxied.sh"

IMAGE=0a64fa67-3e34-42e7-b7b0-423c11850e18
NINTH=982b8eac-6bcc-4a21-bd04-b67e26188be0
HUNG=8
HOLD=/run/remora.hold
XML=$BED/tmp/device.xml

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    guest_image 16M 'a golden image' off "$BED/tmp/golden" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/golden" "$IMAGE"
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    mkdir -p "$BED/tmp/hung"
    cat >"$BED/tmp/slow" <<HOOK
#!/bin/sh
case "\$1 \$2" in
hung*\ prepare)
    : >"$BED/tmp/hung/\$1"
    while [ -e $HOLD ]; do sleep 0.1; done ;;
esac
HOOK
    ok 'a hook that is slow' hook_install "$BED/tmp/slow"
    ok 'the agent starts' agent_start || bail 'no agent'
    cat >"$XML" <<DISK
<disk type='network' device='disk'>
  <source protocol='rbd' name='images/$IMAGE@snap'/>
  <target dev='vdb' bus='virtio'/>
</disk>
DISK
}

# The file of one that hangs, and its UUID.
uuid_of()
{
    echo "0b1e0c7c-44d8-4c37-9f7e-5c1ed6a0d10$1"
}

hang()
{
    local i
    : >"$HOLD"
    for ((i = 1; i <= HUNG; i++)); do
        guest_define "hung$i" "$(uuid_of "$i")" || return 1
    done
    # One after another: see agent/virt/calls.h.
    for ((i = 1; i <= HUNG; i++)); do
        virsh_ start "hung$i" >/dev/null 2>&1 &
        STARTS[i]=$!
        bed_wait 30 [ -e "$BED/tmp/hung/hung$i" ] || return 1
    done
}

# asks OPERATION UUID
asks()
{
    proxied_ask "$1" "$2" <"$XML"
}

# Of each of them at once, and as long as the agent waits: their statuses.
ask_all()
{
    local i pids=() said=''
    for ((i = 1; i <= HUNG; i++)); do
        asks "$1" "$(uuid_of "$i")" >"$BED/tmp/said.$i" 2>&1 &
        pids+=($!)
    done
    for i in "${pids[@]}"; do
        wait "$i"
        said+=$?
    done
    echo "$said"
}

# One that nothing of these keeps back.
ninth()
{
    ok "$1: a disk of another passes" asks attach "$NINTH"
    ok "$1: and it is looked at" asks over "$NINTH"
    ok "$1: libvirtd answers another client" \
        timeout $((30 * BED_PATIENCE)) virsh -c "$LIBVIRT_URI" domstate ninth
}

# Each in another way, and all domains once more with each reload: libvirtd has
# 20 workers, and of these the starts have eight.
ask_in_all_ways()
{
    local i pids=()
    for i in attach over device; do
        asks "$i" "$(uuid_of 1)" >/dev/null 2>&1 &
        pids+=($!)
        sleep 0.2
    done
    for i in 1 2 3 4; do
        agent_reload || return 1
        sleep 0.5
    done
    wait "${pids[@]}" || true
}

# What the agent before waits for goes on, also when it was killed.
restarts()
{
    wait_until 'they are noted for the next agent' 10 noted
    ok 'the agent stops' agent_stop
    ok 'the next one starts' agent_start
    ask_all attach >/dev/null
    ninth 'after a restart'
    ok 'this one is killed' agent_kill
    ok 'and one more starts' agent_start
    ask_all attach >/dev/null
    ninth 'after a kill'
}

noted()
{
    [ "$(wc -l </run/remora/unanswered)" = "$HUNG" ]
}

inside()
{
    local pid
    declare -a STARTS
    bed_need_remora
    parts
    ok 'a domain is defined' guest_define ninth "$NINTH"
    ninth 'before'
    ok "$HUNG domains hang" hang
    ok 'one of them is asked about in all ways, and again' ask_in_all_ways
    is 'a disk of each is refused, for libvirt does not answer' \
        "$(ask_all attach)" "$(printf '1%.0s' $(seq "$HUNG"))"
    like 'which is said' "$(<"$BED/tmp/said.1")" 'libvirt did not answer within'
    ninth 'while they are asked about'
    ask_all over >/dev/null
    ask_all attach >/dev/null
    ninth 'while all of it is asked once more'
    # libvirt defines nothing new as long as somebody waits for a domain.
    ok 'another gets a disk that asks for an image' virsh_ attach-device ninth \
        "$XML" --config
    ok 'and is looked at' asks over "$NINTH"
    like 'which rewrites it' "$(virsh_ dumpxml --inactive ninth)" \
        "vms/${NINTH}_disk"
    restarts
    is 'they hang still' "$(jobs -r | wc -l)" "$HUNG"
    rm "$HOLD"
    for pid in "${STARTS[@]}"; do wait "$pid"; done
    wait_until 'when they go on, they are asked about' 20 \
        asks device "$(uuid_of 1)"
    ninth 'afterwards'
    wait_until 'the next agent need not know' 20 eval '! [ -e /run/remora/unanswered ]'
    like 'a disk of one that hung is answered' "$(attach_first)" vdb
    ends
}

# Nothing answers any more: not about guests that are said to have ended, and not
# to a start.
ends()
{
    local i start
    virsh_ dumpxml ninth >"$BED/tmp/ninth.xml"
    cluster_pause_mon
    cluster_pause_osd
    kill -STOP "$LIBVIRTD_PID"
    for ((i = 1; i <= HUNG; i++)); do
        sed "s/$NINTH/$(uuid_of "$i")/" "$BED/tmp/ninth.xml" |
            "$(agent_hook)" "hung$i" release end -
    done
    "$(agent_hook)" ninth prepare begin - <"$BED/tmp/ninth.xml" \
        >/dev/null 2>&1 &
    start=$!
    wait_until 'the agent has a start to answer' 10 asked "$start"
    ok 'the agent stops all the same' agent_stop
    wait_until 'by itself' 5 grep -q 'ended with status 0' \
        "$BED/log/remorad.now"
    kill -CONT "$LIBVIRTD_PID"
    cluster_resume_mon
    cluster_resume_osd
}

# The hook has a connection, which is the agent's then.
asked()
{
    readlink "/proc/$1/fd"/* 2>/dev/null | grep -q '^socket:'
}

# It runs by now, so that its disk is made.
attach_first()
{
    asks attach "$(uuid_of 1)"
    asks ended "$(uuid_of 1)"
}

bed_enter "$0" "$@"
inside
tap_done
