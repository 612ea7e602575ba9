#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# tests/agent-readme.t - agent/README.md names each thread and each lock
#
# A row for each place that starts threads, and one for each lock, with its file,
# and none for what is not there.
: "${srcdir:=.}"
page=$srcdir/agent/README.md

n=0
same() {
    n=$((n + 1))
    if test "$2" = "$3" && test -n "$2"; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        printf '%s\n' "$2" | sed 's/^/# the page: /'
        printf '%s\n' "$3" | sed 's/^/# the code: /'
    fi
}

# rows TITLE: the first column of that section's table, and in case its second.
rows()
{
    awk -v title="## $1" -v second="$2" -F ' *[|] *' '
        /^## / { on = $0 == title }
        on && /^[|] `agent\// {
            gsub("`", "")
            print second ? $2 " " $3 : $2
        }' "$page" | sort
}

sources()
{
    (cd "$srcdir" && find agent -name '*.c') | sort
}

threads()
{
    for file in $(sources); do
        grep -o -E 'g_thread_(new|pool_new)\(' "$srcdir/$file" |
            sed "s|.*|$file|"
    done | sort
}

# As 'Struct.member', or its name for one that is in no struct.
locks()
{
    for file in $(sources); do
        awk -v file="$file" '
            /^(typedef |static )?struct/ { n = 0 }
            /^struct [A-Za-z]+ \{/ { own = $2 }
            /^(typedef|static) struct \{/ { own = "" }
            /^    GMutex / {
                sub(";.*", "", $2)
                mine[++n] = $2
            }
            /^static GMutex / {
                sub(";.*", "", $3)
                print file, $3
            }
            /^\}/ {
                name = own != "" ? own : $2
                sub(";.*", "", name)
                for (i = 1; i <= n; i++)
                    print file, name "." mine[i]
                n = 0
                own = ""
            }' "$srcdir/$file"
    done | sort
}

same 'a row for each place that starts threads' \
    "$(rows Threads)" "$(threads)"
same 'a row for each lock' "$(rows Locks yes)" "$(locks)"
same 'no lock is in a header, which would be shared' none "$(
    grep -l GMutex -r "$srcdir/agent" --include='*.h' | grep . || echo none)"
echo "1..$n"
