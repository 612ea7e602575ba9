#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/demo.t - tests/demo does what it says, and leaves nothing
#
# Needs: root, the packages of lib/packages.sh, REMORA_STAGE; no bed, because
#        the demo enters one of its own.
#
# shellcheck source-path=SCRIPTDIR/..
here=$(dirname -- "$(realpath -- "$0")")/..
. "$here/lib/tap.sh"
. "$here/lib/bed.sh"
. "$here/lib/machine.sh"

CLONE=982b8eac-6bcc-4a21-bd04-b67e26188be0_disk
# Of the demo that was begun last.
pid=
namespace=

demo_namespace()
{
    local init
    init=$(pgrep -P "$(pgrep -x unshare -P "$pid")") &&
        namespace=$(readlink "/proc/$init/ns/pid") &&
        [ "$namespace" != "$(readlink /proc/self/ns/pid)" ]
}

# demo_begin ARGUMENT...: what it says goes to $work/out. Not by '&': it would
# ignore SIGINT.
demo_begin()
{
    : >"$work/out"
    namespace=
    exec 4< <(TMPDIR=$work/tmp exec bash "$here/demo" "$@" \
        >"$work/out" 2>&1 </dev/null)
    pid=$!
    exec 4<&-
    wait_until "a demo begins: ${*:-no argument}" 10 demo_namespace
}

demo_said()
{
    grep -q -F -- "$1" "$work/out"
}

# demo_ends STATUS
demo_ends()
{
    wait "$pid"
    is "its status is $1" "$?" "$1" || diag "$(cat "$work/out")"
    wait_until 'no process of it is left' 5 namespace_is_empty "$namespace"
    is 'no temporary file is left' "$(ls -A "$work/tmp")" ''
}

works()
{
    demo_begin
    demo_ends 0
    ok 'it shows what the guest said' \
        demo_said '| remora-guest: hello from the demo image'
    ok 'it shows what the guest wrote' demo_said '| written by the demo image'
    ok 'it shows the parent' demo_said '|     parent: images/'
    like 'it ends with its success' "$(tail -n 1 "$work/out")" 'SUCCESS'
    is 'all of it fits 80 columns' "$(grep -E '.{81}' "$work/out")" ''
}

# A hook that lets every start pass makes no clone.
fails()
{
    local hook=$work/stage$BED_INST/libexec/remora/qemu-hook
    cp -a "$REMORA_STAGE" "$work/stage"
    cp /bin/true "$hook"
    REMORA_STAGE=$work/stage REMORA_KEEP='' demo_begin
    demo_ends 1
    like 'it says which step failed' "$(tail -n 1 "$work/out")" \
        "FAILED, status 1, after"
    like 'and of what' "$(tail -n 1 "$work/out")" "exit status 1 of 'virsh'"
}

enter()
{
    bash "$here/demo" --enter "$pid" "$@"
}

stays()
{
    demo_begin --keep
    wait_until 'it says how to look round' 60 demo_said \
        "demo --enter $pid"
    is 'virsh works in it' "$(enter virsh -q domstate demo)" running
    is 'rbd works in it' "$(enter rbd ls vms)" "$CLONE"
    like 'ceph works in it' "$(enter ceph health)" HEALTH_OK
    like 'remora works in it' "$(enter remora status)" "vms/$CLONE"
    kill -INT "$pid"
    demo_ends 130
    refuses 'then there is nothing to enter' 'not the PID of a demo' \
        enter true
    is 'that is said in one line' "$(wc -l <<<"$TAP_OUT")" 1
}

is_interrupted()
{
    demo_begin
    wait_until 'it has a cluster' 60 demo_said 'HEALTH_OK'
    kill -"$1" "$pid"
    demo_ends "$2"
}

[ -d "${REMORA_STAGE-}" ] || bed_die 'set REMORA_STAGE, or run tests/check'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tmp"
before=$(machine_names)
works
fails
stays
is_interrupted INT 130
is_interrupted TERM 143
is 'nothing on the machine is another' \
    "$(diff <(printf '%s\n' "$before") <(machine_names))" ''
tap_done
