# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# tests/lib/bases.sh - what is made of images that cannot be cloned as they are
#
#     bases                    their names, in the pool vms
#     bases_has IMAGE [FSID]   its parent is one that is whole; of another
#                              cluster's image, if FSID says of which
#     bases_unfinished         names of those that no disk may be made of
#     conversions              what is made just now, as 'remora status' has it
#
# Contract: call inside a bed with cluster.sh and agent.sh sourced and a cluster
#           that runs. What a base has to hold is in $BED/tmp/golden.

bases()
{
    rbd ls vms | grep '^remora_base\.'
}

bases_has()
{
    local parent
    parent=$(rbd info --format json "$1" |
        jq -r '.parent | "\(.pool)/\(.image)@\(.snapshot)"')
    [[ $parent == vms/remora_base."${2:+$2.}"*@snap ]] ||
        { echo "its: $parent"; return 1; }
    [ "$(rbd snap ls --format json "${parent%@*}" |
        jq -r '.[].protected')" = true ] || { echo 'not protected'; return 1; }
    rbd export --no-progress "$parent" - 2>/dev/null | cmp - "$BED/tmp/golden"
}

bases_unfinished()
{
    local base
    bases | while read -r base; do
        rbd image-meta get "vms/$base" remora.ready >/dev/null &&
            rbd snap ls "vms/$base" | grep -q -w snap || echo "$base"
    done
}

conversions()
{
    remora status --json | jq -c '.agent.conversions'
}
