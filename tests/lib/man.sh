# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# tests/lib/man.sh - manual pages and sources, read so that they can be compared
#
#     man_tools | man_page POD | section POD LEVEL TITLE | strings_of_c
#
# Needs: tap.sh, perl (with podchecker).

# Skips the whole test where a tool is missing.
man_tools()
{
    local tool
    for tool in podchecker perl; do
        command -v "$tool" >/dev/null || {
            echo "1..0 # SKIP $tool is not installed (Debian: perl)"
            exit 0
        }
    done
}

# section POD LEVEL TITLE: its text, up to the next head of that level or
# above.
section()
{
    TITLE=$3 awk -v level="$2" '
        /^=head/ {
            inside = inside && substr($0, 6, 1) > level
            if ($0 == "=head" level " " ENVIRON["TITLE"]) { inside = 1; next }
        }
        inside' "$1"
}

# The strings of C source on standard input as one text, escapes resolved.
strings_of_c()
{
    perl -0777 -ne 's/"\s*\n\s*"//g; s/" PRI\w+ "|" G_\w+ "/%d/g;
        print "$1\n" while /"((?:[^"\\]|\\.)*)"/g'
}

# man_page POD: it is sound, and names only pages of remora that there are.
man_page()
{
    local name=${1##*/}
    ok "$name is sound POD" podchecker "$1"
    is "$name: no warnings" \
        "$(podchecker -warnings -warnings "$1" 2>&1 | grep WARNING)" ''
    is "$name: the pages of remora that it names are there" \
        "$(grep -o 'remora[a-z.-]*>\{0,1\}([1-8])' "$1" | tr -d '>' |
            sort -u | grep -v -x -e 'remora(1)' -e 'remorad(8)' \
                -e 'remora.conf(5)' -e 'remora-domain(7)' \
                -e 'remora-libvirt-proxy(8)' -e 'remora-qemu-hook(8)')" ''
}
