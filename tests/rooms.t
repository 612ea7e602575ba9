#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# tests/rooms.t - the picture of the includes: arrows go down, and in no circle
#
# The picture is below: a room a line, the lowest first, with its files and the
# rooms that it may include besides itself. A room can only name those above its
# line, so that no arrow can go up. agent/ has two storeys: what works on one
# request, and what keeps claims and asks libvirt about them.
#
# And how large functions are, and that the pages name what is there.
. "${srcdir:=.}/tests/lib/wall.sh"

picture()
{
    cat <<'END'
xml       xml/.*
conf      conf/.*
wire      hooks/wire/.*
hook      hooks/qemu/.*           wire
proxy     hooks/proxy/.*          wire
fault     agent/rbd/conn/fault\..
conn      agent/rbd/conn/.*       fault
image     agent/rbd/image/.*      conn fault
claim     agent/rbd/claim/.*      conn fault
disk      agent/rbd/disk/.*       claim image conn fault
volume    agent/rbd/volume/.*     disk claim image conn fault
store     agent/rbd/store\.h      volume disk claim image conn
keeping   agent/(agent|host-facts|one-shot|proxied|proxied-[a-z]*|settle)\.. virt request store conf xml wire
daemon    agent/remorad\.c        serve keeping virt request store conf xml wire
request   agent/[a-z-]*\..        store conf xml wire
virt      agent/virt/.*           request store conf xml
serve     agent/serve/.*          keeping virt request wire fault
cli       agent/cli/.*            serve virt request store conf xml
END
}

# What includes what, a line each, of all rooms.
edges()
{
    (
        cd "$srcdir" || exit
        for edges_of; do
            grep -H '^ *# *include *"' "$edges_of"/*.[ch]
        done
    ) | sed -n 's|^\([^:]*\):.*"\(.*\)".*|\1 \2|p' | grep -v ' config\.h$'
}

# The arrows of stdin that the picture, a file, does not have.
unexpected()
{
    awk -v picture="$1" '
        BEGIN {
            while ((getline <picture) > 0) {
                name[++rooms] = $1
                files[rooms] = "^" $2 "$"
                may[$1 "," $1] = 1
                for (i = 3; i <= NF; i++)
                    may[$1 "," $i] = 1
            }
        }
        function room(file, i) {
            for (i = 1; i <= rooms; i++)
                if (file ~ files[i])
                    return name[i]
            return "no room"
        }
        {
            from = room($1)
            to = room($2)
            if (!((from "," to) in may))
                print $1 " (" from ") includes " $2 " (" to ")"
        }'
}

# Rooms of a picture that may include one which may include them, by however
# many steps.
upward()
{
    awk '{ for (i = 3; i <= NF; i++) print $1, $i }' "$1" |
        { tsort >/dev/null; } 2>&1
}

# lines FILE...: how many lines stand between the braces of each function.
lines()
{
    awk '/^\{$/ { from = FNR; next }
        /^\}$/ && from {
            print FNR - from - 1, FILENAME ":" from
            from = 0
        }' "$@"
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
picture >"$scratch/picture"
rooms='xml conf hooks/wire hooks/qemu hooks/proxy agent/rbd agent/rbd/conn
    agent/rbd/image agent/rbd/claim agent/rbd/disk agent/rbd/volume agent agent/virt agent/serve
    agent/cli'
# shellcheck disable=SC2086 # several words
edges $rooms >"$scratch/edges"

check 'includes were found' "$(test -s "$scratch/edges" || echo none)"
check 'no arrow of the picture leads back' "$(upward "$scratch/picture")"
check 'the includes are those of the picture' \
    "$(unexpected "$scratch/picture" <"$scratch/edges")"
# shellcheck disable=SC2086
check 'no file includes itself by way of others' "$(wall_circles $rooms)"

# Each of these looks, itself.
check 'an arrow that is not in the picture is seen' "$(
    echo 'agent/rbd/conn/probe.c agent/rbd/disk/full.h' |
        unexpected "$scratch/picture" | grep -q disk || echo 'it was not')"
check 'a file in no room is seen' "$(
    echo 'agent/rbd/conn/probe.c agent/rbd/everything.h' |
        unexpected "$scratch/picture" | grep -q 'no room' || echo 'it was not')"
printf '%s\n' 'a a/.* b' 'b b/.* c' 'c c/.* a' >"$scratch/round"
check 'a picture that leads back is seen' \
    "$(upward "$scratch/round" | grep -q a || echo 'it was not')"

# ---- pages -------------------------------------------------------------------------

# named PAGE: the files that it names, a line each.
named()
{
    grep -o -E '[A-Za-z0-9_.-][A-Za-z0-9_./-]*\.(c|h|t|md|pod|sh)\>' "$1" |
        sort -u
    grep -o '`[a-z][a-z./-]*/[a-z./-]*`' "$1" | tr -d '`' | sort -u
}

# missing_files PAGE [FOLDER...]: files that it names which are not there, seen from
# the top, from where the page is, or from one of the folders.
missing_files()
{
    page=$1
    shift
    named "$page" | while read -r file; do
        for folder in . "${page%/*}" "$@"; do
            ! test -e "$folder/$file" || continue 2
        done
        echo "$page: $file"
    done
}

# What is defined in a C file, by our style at the beginning of a line.
functions()
{
    for room in $rooms; do
        cat "$room"/*.[ch]
    done | grep -o -E '^[a-z][a-z0-9_]*\(' | sort -u
}

pages='HACKING.md README.md SECURITY.md agent/README.md hooks/proxy/README.md
    agent/rbd/claim/README.md'
check 'each file that a page names is there' "$(
    cd "$srcdir" || exit
    for page in $pages; do
        missing_files "$page"
    done
    missing_files tests/model/README.md agent agent/rbd agent/rbd/*
)"
check 'each function that a page names is there' "$(
    cd "$srcdir" || exit
    functions >"$scratch/functions"
    # shellcheck disable=SC2086 # several words
    grep -o -E '[a-z][a-z0-9_]*\(\)' $pages tests/model/README.md |
        tr -d ')' | sort -u | while IFS=: read -r page name; do
        grep -q -x -F "$name" "$scratch/functions" || echo "$page: $name)"
    done)"

# pairs PAGE...: 'page:file function' where a page says in which file one is.
pairs()
{
    grep -o -E '`[A-Za-z0-9_./-]+\.c`(,? `[a-z0-9_]+\(\)`)+' "$@" /dev/null |
        tr -d '`,()' | sed 's|:\(\.\./\)*|:|' |
        awk '{ for (i = 2; i <= NF; i++) print $1, $i }' | sort -u
}

# Those of which no file of that name defines the function.
astray()
{
    pairs "$@" | while read -r file function; do
        find ./agent ./conf ./hooks ./xml -path "*/${file#*:}" \
            -exec grep -q "^$function(" {} \; -print | grep -q . ||
            echo "$file $function()"
    done
}

check 'each function is in the file that the page says' "$(
    cd "$srcdir" || exit
    # shellcheck disable=SC2086
    astray $pages tests/model/README.md)"
check 'a name that is not there is seen' "$(
    cd "$scratch" || exit
    echo 'see nowhere.c and `no/where.c`' >./page.md
    missing_files ./page.md | grep -q nowhere.c &&
        missing_files ./page.md | grep -q no/where || echo 'it was not')"
check 'a function that is in another file is seen' "$(
    cd "$srcdir" || exit
    echo 'see `claim/beat.c` `store_beat_enter()`, `now_of()`' >"$scratch/page"
    test "$(astray "$scratch/page")" = "$scratch/page:claim/beat.c now_of()" ||
        astray "$scratch/page" | grep . || echo 'it was not seen')"

check 'each test is in the release archive' "$(
    cd "$srcdir" || exit
    for test in tests/*.t tests/*/*.t; do
        cat Makefile.am tests/Makemodule.am xml/Makemodule.am \
            conf/Makemodule.am hooks/*/Makemodule.am agent/Makemodule.am \
            agent/rbd/Makemodule.am packaging/Makemodule.am |
            grep -q "[/ ]${test#tests/}\\>" || echo "$test"
    done)"

# ---- sizes -------------------------------------------------------------------------

# shellcheck disable=SC2046,SC2086
lines $(cd "$srcdir" && for room in $rooms; do echo "$room"/*.c; done |
    tr ' ' '\n' | grep -v '\*' | sed "s|^|$srcdir/|") | sort -n >"$scratch/lines"
check 'functions were found' \
    "$(awk 'END { if (NR < 1000) print NR " only" }' "$scratch/lines")"
check 'half of the functions have at most 12 lines' "$(awk '
    { all[NR] = $1 }
    END { median = all[int((NR + 1) / 2)]; if (median > 12) print median }' \
    "$scratch/lines")"
check 'none has more than 60' "$(awk '$1 > 60' "$scratch/lines")"
check 'no source or header has more than 600 lines' "$(
    for room in $rooms; do
        find "$srcdir/$room" -maxdepth 1 -name '*.[ch]' -exec wc -l {} \;
    done | awk '$1 > 600')"
echo "1..$n"
