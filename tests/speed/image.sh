# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# tests/speed/image.sh - tests/bench image: remora image against rbd
#
#     measure_image
#
# A file of 4 GiB with 300 MiB of data in it, in six pieces. Both sides do the
# same: no checksums, objects of 8 MiB, a protected snapshot.
#
# Needs: bench's own functions, a cluster.

SPEED_PAIRS=${REMORA_PAIRS:-60}
SPEED_PAIRS=$((SPEED_PAIRS / 12 + 1))
SPEED_ADMIN=(-n admin)

speed_file()
{
    local i
    truncate -s 4G "$1"
    for i in 0 1 2 3 4 5; do
        dd if=/dev/urandom of="$1" bs=1M count=50 seek=$((i * 700)) \
            conv=notrunc status=none
    done
}

# Microseconds of a command.
speed_us()
{
    local start=${EPOCHREALTIME/./}
    "$@" >/dev/null 2>&1 || return 1
    echo $((${EPOCHREALTIME/./} - start))
}

speed_remora()
{
    remora "${SPEED_ADMIN[@]}" image "$@"
}

speed_rbd_add()
{
    rbd import --object-size 8M "$1" "images/$2" &&
        rbd snap create "images/$2@snap" && rbd snap protect "images/$2@snap"
}

speed_drop()
{
    speed_remora rm "$1" >/dev/null || broke "'$1' is not removed"
}

# The greatest resident memory of a command, in KiB.
speed_peak()
{
    /usr/bin/python3 -c '
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' \
        "$BED_INST/bin/remora" "${SPEED_ADMIN[@]}" image "$@"
}

# shellcheck disable=SC2016,SC2046 # $1 and $2 are awk's; figures are words
measure_image()
{
    local i id=$IMAGE file=$BED/tmp/sparse out=$BED/tmp/out ours theirs
    id=${id/0a/1a}
    speed_file "$file"
    for ((i = 0; i < SPEED_PAIRS; i++)); do
        ours=$(speed_us speed_remora add -c none --id "$id" "$file") ||
            broke 'nothing is added'
        speed_drop "$id"
        theirs=$(speed_us speed_rbd_add "$file" "$id") ||
            broke 'rbd adds nothing'
        echo "$ours $theirs" >>"$BED/log/add"
        ours=$(speed_us speed_remora export "$id" "$out") ||
            broke 'nothing is exported'
        rm "$out"
        theirs=$(speed_us rbd export "images/$id@snap" "$out") ||
            broke 'rbd exports nothing'
        rm "$out"
        echo "$ours $theirs" >>"$BED/log/export"
        speed_drop "$id"
        ours=$(speed_us speed_remora add --id "$id" "$file") ||
            broke 'nothing is added'
        echo "$ours $ours" >>"$BED/log/sums"
        speed_drop "$id"
    done
    goal 'an image is added: speed, rbd import = 1' least 0.9 %.2f \
        $(figure add '$2 / $1')
    note "remora $(ms add '$1'), rbd $(ms add '$2');" \
        "with md5 and sha512 $(ms sums '$1')"
    goal 'and exported: speed, rbd export = 1' least 0.9 %.2f \
        $(figure export '$2 / $1')
    note "remora $(ms export '$1'), rbd $(ms export '$2')"
    goal 'adding 4 GiB takes memory, MiB' most 128 %.0f \
        "$(($(speed_peak add --id "$id" "$file") / 1024))"
    goal 'exporting them, MiB' most 128 %.0f \
        "$(($(speed_peak export "$id" "$out") / 1024))"
    rm "$out" "$file"
    speed_drop "$id"
}
