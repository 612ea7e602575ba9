# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# tests/lib/chance.sh - moments at random
#
#     now_ms          since the epoch
#     random LIMIT    0 to LIMIT - 1; $RANDOM alone ends at 32767

now_ms()
{
    local now=${EPOCHREALTIME//[.,]/}
    echo $((now / 1000))
}

random()
{
    echo $(((RANDOM * 32768 + RANDOM) % $1))
}
