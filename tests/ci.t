#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/ci.t - the gating job: what fails fails it, what cannot be had is said
#
# Its parts are stand-ins here, but for tests/on without a mirror.
#
# Needs: root, debootstrap; no remora, no network.
#
# shellcheck source-path=SCRIPTDIR
here=$(dirname -- "$(realpath -- "$0")")
. "$here/lib/tap.sh"

# ci LINT CHECK ON [RELEASE]: the statuses of its parts, and the machine's
# release. What was run is in $work/ran, what it says in $work/said.
ci()
{
    local part
    rm -rf "$work/tree"
    mkdir -p "$work/tree/.ci" "$work/tree/tests"
    cp "$here/../.ci/run" "$work/tree/.ci/run"
    for part in "lint $1" "check $2" "on $3"; do
        # shellcheck disable=SC2016 # the script expands it
        printf '#!/bin/sh\necho "%s $*" >>"%s"\nexit %s\n' "${part% *}" \
            "$work/ran" "${part#* }" >"$work/tree/tests/${part% *}"
        chmod +x "$work/tree/tests/${part% *}"
    done
    echo "VERSION_CODENAME=${4-bookworm}" >"$work/os-release"
    : >"$work/ran"
    REMORA_OS_RELEASE=$work/os-release "$work/tree/.ci/run" --busy \
        >"$work/said" 2>&1
}

said()
{
    grep -c "$1" "$work/said"
}

no_way()
{
    REMORA_CACHE=$work/cache REMORA_MIRROR=http://127.0.0.1:1/debian \
        timeout 300 "$here/on" "$1" demo >"$work/said" 2>&1
}

[ "$(id -u)" = 0 ] || { echo '1..0 # SKIP needs root'; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

ok 'all is well' ci 0 0 0
is 'all parts were run, one after the other' "$(cat "$work/ran")" \
    "$(printf '%s\n' 'lint ' 'check --busy' 'on trixie check --short')"
is 'nothing is said to be untested' "$(said 'NOT TESTED')" 0
ok 'on Debian 13' ci 0 0 0 trixie
is 'the other one is 12' "$(tail -n 1 "$work/ran")" 'on bookworm check --short'
for failed in '1 0 0' '0 1 0' '0 0 1' '0 1 69' '0 0 124'; do
    # shellcheck disable=SC2086 # three
    ci $failed
    is "$failed: what fails fails it" "$?" 1
    is 'and the rest is run all the same' "$(wc -l <"$work/ran")" 3
done
ok 'where the other release cannot be had, the rest counts' ci 0 0 69
is 'which is said' "$(said 'NOT TESTED: Debian trixie')" 1

no_way trixie
is 'without a way to the mirror nothing is run' "$?" 69
is 'and it is said why' "$(said "cannot reach 'http://127.0.0.1:1/debian'")" 1
tap_done
