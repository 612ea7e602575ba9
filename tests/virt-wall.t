#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# tests/virt-wall.t - agent/virt/ knows libvirt, and no cluster
. "${srcdir:=.}/tests/lib/wall.sh"

# The log, what a secret of remora's looks like, and the changes that xml/ makes.
check 'it includes its own room, the log, secrets and xml/ only' \
    "$(wall_includes agent/virt \
        '(agent/virt/.*|agent/log\.h|agent/secret\.h|xml/dom\.h|config\.h)')"
check 'no circle of includes' "$(wall_circles agent/virt)"
check 'an include that is not allowed is seen' \
    "$(wall_includes agent/virt 'agent/virt/.*' | grep -q 'agent/log' ||
        echo 'agent/log.h was not seen')"
echo "1..$n"
