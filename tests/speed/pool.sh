# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# tests/speed/pool.sh - tests/bench's part about a large pool, and a long time
#
# Contract: sourced by tests/bench after speed/many.sh, whose words it uses.

POOLED=${REMORA_IMAGES:-20000}
# A thousand an hour.
STARTS=${REMORA_STARTS:-24000}
STARTERS=8

# seconds NAME COMMAND...: how long it takes, once, and what it printed is
# $BED/tmp/timed.
seconds()
{
    local name=$1
    shift
    timed "$@" >"$BED/log/$name" || broke "'$*' fails"
}

# As Glance leaves them, but for what is in them.
# shellcheck disable=SC2046 # names are words
fill_pool()
{
    local n each=1000
    coproc YARD { exec env BARE_USER=admin "${BARE[@]}"; }
    for ((n = 0; n < POOLED; n += each)); do
        yard image 8 $(seq -f 'pool%.0f' $((n + 1)) \
            $((n + each < POOLED ? n + each : POOLED))) >/dev/null
    done
    yard_end
}

osd_operations()
{
    ceph daemon "$CLUSTER_HOME/osd.0.asok" perf dump osd | jq .osd.op
}

# shellcheck disable=SC2016,SC2046 # $1 is awk's
measure_pool()
{
    local before after
    fill_pool
    before=$(osd_operations)
    seconds pool-list remora image list --json
    after=$(osd_operations)
    [ "$(jq '.images | length' "$BED/tmp/timed")" -gt "$POOLED" ] ||
        broke 'not all images are listed'
    goal "remora image list, $POOLED images, s" most 10 %.2f \
        $(figure pool-list '$1 / 1000000')
    goal 'its OSD operations for each image' most 4 %.1f \
        "$(awk -v n=$((after - before)) -v of="$POOLED" \
            'BEGIN { print n / of }')"
    seconds pool-df remora df --json
    seconds pool-status remora status --json
    goal "remora status beside them, s" most 2 %.2f \
        $(figure pool-status '$1 / 1000000')
    agent_stop
    seconds pool-start agent_start
    note "remora df $(ms pool-df '$1'), an agent's start" \
        "$(ms pool-start '$1')"
}

# The same few domains over and over, as many at a time as there are starters.
starts()
{
    local i pids=()
    for ((i = 0; i < STARTERS; i++)); do
        pairs "day$i" $(($1 / STARTERS / 2)) 1 1 prepare prepare &
        pids+=($!)
    done
    wait "${pids[@]}"
}

measure_day()
{
    local first files start=$SECONDS
    agent_stop
    agent_start || broke 'no agent'
    starts 1000
    sleep "$REST_S"
    first=$(rss "$AGENT_PID") files=$(open_files "$AGENT_PID")
    starts $((STARTS - 1000))
    sleep "$REST_S"
    goal "$STARTS starts: memory over that after 1000, MiB" most 2 %.1f \
        "$(awk -v a="$(rss "$AGENT_PID")" -v b="$first" \
            'BEGIN { print (a - b) / 1024 }')"
    goal 'files open over those of then' most 4 %.0f \
        $(($(open_files "$AGENT_PID") - files))
    note "agent $(($(rss "$AGENT_PID") / 1024)) MiB, files open:" \
        "$(open_files "$AGENT_PID"), after $((SECONDS - start)) s"
}
