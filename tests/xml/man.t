#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# tests/xml/man.t - remora-domain(7) is sound POD and names every limit

pod=$srcdir/xml/remora-domain.pod

command -v podchecker >/dev/null 2>&1 || {
    echo "1..0 # SKIP podchecker is not installed (Debian: perl)"
    exit 0
}

echo "1..2"
if message=$(podchecker -warnings -warnings "$pod" 2>&1); then
    echo "ok 1 - podchecker"
else
    echo "not ok 1 - podchecker"
    echo "$message" | sed 's/^/# /'
fi

# The numbers of dom.h, as the page writes them.
missing=
for name in DOM_DISKS_MAX DOM_HOSTS_MAX DOM_NAME_MAX DOM_TARGET_MAX \
    DOM_ATTRIBUTES_MAX DOM_NAMESPACES_MAX; do
    value=$(sed -n "s/^#define $name  *\([0-9]*\)u.*/\1/p" "$srcdir/xml/dom.h")
    test -n "$value" && grep -qw "$value" "$pod" || missing="$missing $name"
done
if test -z "$missing"; then
    echo "ok 2 - limits"
else
    echo "not ok 2 - limits:$missing"
fi
