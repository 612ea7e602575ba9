#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/steps.t - the steps of tests/check: what ended how, and what is left
#
# Each script runs in a PID namespace, where the number of the next process can
# be chosen.
#
# Needs: root; no remora.
#
# shellcheck source-path=SCRIPTDIR
here=$(dirname -- "$(realpath -- "$0")")
. "$here/lib/tap.sh"

# script: what it is, after the steps are begun, on stdin; its output on stdout.
script()
{
    {
        # shellcheck disable=SC2016 # the script expands it
        printf '. "%s/lib/steps.sh"\nsteps_begin\n' "$here"
        cat
    } >"$work/script"
    TMPDIR=$work/tmp timeout 60 unshare --pid --fork --kill-child --mount-proc \
        bash "$work/script" 2>&1
}

status_of_aside()
{
    script <<'END'
ends_with() { sleep 0.1; return "$1"; }
run_aside "$work/log" ends_with 3
# The next child gets the number that the first had.
first=$aside
while [ -e "/proc/$first" ]; do sleep 0.1; done
echo "$((first - 1))" >/proc/sys/kernel/ns_last_pid
/bin/sh -c 'echo $$' >"$work/second"
[ "$(cat "$work/second")" = "$first" ] || echo 'another number'
wait_aside
echo "status $?"
END
}

# What it starts by then, too.
niceness_of_aside()
{
    script <<'END'
says() {
    nice >"$work/said"
    until [ -e "$work/go" ]; do sleep 0.1; done
    nice >>"$work/said"
}
run_aside "$work/log" says
until [ -s "$work/said" ]; do sleep 0.1; done
{ sleep 0.5; : >"$work/go"; } &
wait_aside
cat "$work/said"
END
}

status_of_beside()
{
    script <<'END'
ends_with() { sleep 0.1; return "$1"; }
run_beside one ends_with 4
first=$!
run_beside two ends_with 5
while [ -e "/proc/$first" ]; do sleep 0.1; done
echo "$((first - 1))" >/proc/sys/kernel/ns_last_pid
/bin/sh -c 'echo $$' >"$work/second"
[ "$(cat "$work/second")" = "$first" ] || echo 'another number'
wait_beside
wait_beside_1="$BESIDE $BESIDE_STATUS"
wait_beside
printf '%s\n' "$wait_beside_1" "$BESIDE $BESIDE_STATUS" | sort
echo "${#beside[@]} left"
END
}

status_of_killed()
{
    # Bash says 'Killed', too, now or later.
    script <<'END' | grep '^one'
run_beside one sleep 50
kill -KILL -- "-$!"
wait_beside
echo "$BESIDE $BESIDE_STATUS"
END
}

# One has ended when the script ends, which has to wait for the other: that
# cleans up after itself under timeout, as the integration tests do.
left_by_the_end()
{
    script <<'END'
cat >"$work/slow" <<'SLOW'
trap 'sleep 0.3; echo cleaned >>"$1"; exit 1' TERM
echo begun >>"$1"
sleep 50 & wait
SLOW
run_beside quick true
run_beside slow timeout -k 20 40 bash "$work/slow" "$TMPDIR/said"
until [ -s "$TMPDIR/said" ]; do sleep 0.05; done
wait_beside
echo "$BESIDE $BESIDE_STATUS"
trap 'steps_clean_up; cat "$TMPDIR/said"; ls -A "$TMPDIR"; pgrep -c -x sleep' \
    EXIT
END
}

[ "$(id -u)" = 0 ] || { echo '1..0 # SKIP needs root'; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tmp"

is 'a status outlives the number of its process' "$(status_of_aside)" \
    'status 3'
is 'what runs aside does not when it is waited for' "$(niceness_of_aside)" \
    "$(printf '%s\n' 19 0)"
is 'of two beside each other, too' "$(status_of_beside)" \
    "$(printf '%s\n' 'one 4' 'two 5' '0 left')"
is 'what was killed is not taken for passed' "$(status_of_killed)" 'one 137'
is 'the end waits for what cleans up, and nothing is left' \
    "$(left_by_the_end)" \
    "$(printf '%s\n' 'quick 0' begun cleaned said 0)"
tap_done
