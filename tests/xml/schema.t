#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# tests/xml/schema.t - every golden result is valid by libvirt's own schema
#
# A file whose first line says 'golden: ... invalid' has an input that the
# schema does not know either (an element of tomorrow), and is left out.

schema=/usr/share/libvirt/schemas/domain.rng

skip() {
    echo "1..0 # SKIP $1"
    exit 0
}

command -v xmllint >/dev/null 2>&1 ||
    skip "xmllint is not installed (Debian: libxml2-utils)"
test -f "$schema" ||
    skip "$schema is not installed (Debian: libvirt0; Fedora: libvirt-libs)"

# A lone device is valid in a domain that is.
whole() {
    case $1 in
    *-device-*)
        echo "<domain type='kvm'><name>a</name><memory>1</memory>"
        echo "<os><type>hvm</type></os><devices>"
        cat "$1"
        echo "</devices></domain>"
        ;;
    *) cat "$1" ;;
    esac
}

n=0
for file in "$srcdir"/tests/xml/*.out.xml; do
    head -n 1 "${file%.out.xml}.in.xml" | grep -q '^<!-- golden:.* invalid' && continue
    n=$((n + 1))
    if message=$(whole "$file" |
        xmllint --nonet --noout --relaxng "$schema" - 2>&1); then
        echo "ok $n - ${file##*/}"
    else
        echo "not ok $n - ${file##*/}"
        echo "$message" | sed 's/^/# /'
    fi
done

# The schema is no use if it takes anything.
n=$((n + 1))
if echo '<domain type="kvm"><name>a</name><disk/></domain>' |
    xmllint --nonet --noout --relaxng "$schema" - >/dev/null 2>&1; then
    echo "not ok $n - a bad definition is refused"
else
    echo "ok $n - a bad definition is refused"
fi
echo "1..$n"
