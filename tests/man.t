#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/man.t - remora(1), remorad(8), README, NEWS say what is there
#
# Options and commands are compared with what the programs' --help prints,
# both ways; JSON keys, words and log lines with the sources; examples are
# given to the program. Needs no root, no cluster, no libvirt.
#
# shellcheck source-path=SCRIPTDIR
: "${srcdir:=.}" "${builddir:=.}"
. "$srcdir/tests/lib/tap.sh"
. "$srcdir/tests/lib/man.sh"
man_tools

REMORA=$builddir/agent/remora
REMORAD=$builddir/agent/remorad
[ -x "$REMORAD" ] ||
    bail "remora is built below '$builddir' (builddir says where)"
remora_pod=$srcdir/agent/remora.pod
remorad_pod=$srcdir/agent/remorad.pod
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# What a sanitizer may say about the libraries is not about the pages.
export ASAN_OPTIONS=detect_leaks=0

# What follows is sets: one word or line each, sorted.

# Of the text on standard input: --diff and -d from "  -d, --diff   Print".
options_of_help()
{
    sed -n 's/^  \(-[^ ,]*\(, --[^ ]*\)\{0,1\}\).*/\1/p' | tr -d ' ' |
        tr ',' '\n' | sed 's/=.*//' | grep -v -x -e -h -e --help | sort -u
}

# --diff and -d from B<-d>, B<--diff>.
options_of_pod()
{
    grep -o 'B<-[^>]*>' | sed 's/^B<//; s/[=>].*//' |
        grep -v -x -e -h -e --help | sort -u
}

man_page "$remora_pod"
man_page "$remorad_pod"

# ---- remora(1) -------------------------------------------------------------

# Commands, from the head of each section: "remora image add".
commands=$(sed -n 's/^=head2 remora //p' "$remora_pod")

# Two words where a command has commands of its own.
commands_of_help()
{
    local name
    "$REMORA" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' |
        while read -r name; do
            if "$REMORA" "$name" --help | grep -q "^  remora $name [a-z]"; then
                "$REMORA" "$name" --help |
                    sed -n "s/^  remora \($name [a-z-]*\).*/\1/p"
            else
                echo "$name"
            fi
        done
}

is 'remora: commands of the page are those of the program' \
    "$(sort <<<"$commands")" "$(commands_of_help | sort)"
is 'remora: global options are described' \
    "$(section "$remora_pod" 1 OPTIONS | grep '^=item' | options_of_pod)" \
    "$("$REMORA" --help | options_of_help)"

while read -r command; do
    # shellcheck disable=SC2086 # "image add" is two words
    help=$("$REMORA" $command --help)
    text=$(section "$remora_pod" 2 "remora $command")
    form=$(grep -m 1 "^ remora $command" <<<"$text")
    is "remora $command: its options are described" \
        "$(options_of_pod <<<"$text")" "$(options_of_help <<<"$help")"
    is "remora $command: its form has each of them" \
        "$(grep -o -e '--[a-z][a-z-]*' <<<"$form" | sort -u)" \
        "$(options_of_help <<<"$help" | grep '^--')"
    is "remora $command: the help has that form" \
        "$(sed -n 2p <<<"$help" | sed 's/^  / /')" "$form"
done <<<"$commands"

is 'remora: the synopsis has those forms, and no others' \
    "$(section "$remora_pod" 1 SYNOPSIS | grep '^ ' |
        grep -v -x -e ' remora --version' -e ' remora --help')" \
    "$(while read -r command; do
        # shellcheck disable=SC2086 # "image add" is two words
        "$REMORA" $command --help | sed -n '2s/^  / /p'
    done <<<"$commands")"

refuses 'remora: an unknown command is wrong usage' 'unknown command' \
    "$REMORA" nonsense
is 'with status 2' "$("$REMORA" nonsense 2>/dev/null; echo $?)" 2

# ---- what plan and status say, in words and JSON ---------------------------

# The keys that a source file puts into its JSON.
keys_of_c()
{
    perl -0777 -ne '
        print "$1\n" while /json_object_set_new\(\s*\w+,\s*"(\w+)"/g;
        print "$1\n" while /cmd_table_new_typed\([^"]*"(\w+)"/g;
        print "$1\ncluster\n" while /cmd_table_new_of_clusters\([^"]*"(\w+)"/g;
        print lc($1), "\n" while /\{"([A-Z ]+)", CMD_\w+\}/g;
        print "$1\n" while /\\"(\w+)\\": /g;
        while (/json_pack\((.*?)\);/gs) {
            my $call = $1;
            print "$1\n" while $call =~ /"([a-z_]+)",/g;
        }' "$@" | sort -u
}

json=$(section "$remora_pod" 1 JSON)
is 'the page has the keys of JSON, and no others' \
    "$(grep -o 'B<[a-z_]*>' <<<"$json" | sed 's/B<\(.*\)>/\1/' | sort -u)" \
    "$(keys_of_c "$srcdir/agent/cli/plan.c" "$srcdir/agent/cli/status.c" \
        "$srcdir/agent/cli/status-domains.c" "$srcdir/agent/recoveries.c" \
        "$srcdir/agent/flattens.c" \
        "$srcdir/agent/convert.c" \
        "$srcdir"/agent/cli/image-*.c "$srcdir"/agent/cli/{df,show,tree}.c \
        "$srcdir"/agent/cli/{volume,trash}-*.c \
        "$srcdir/agent/report.c")"

# words_of_c FILE FUNCTION: the strings in it.
words_of_c()
{
    sed -n "/^$2(/,/^}/p" "$1" | strings_of_c | grep -v % | grep . |
        sort -u
}

# words_of_pod TITLE AFTER: the first column of the table below a line that
# ends with AFTER.
words_of_pod()
{
    section "$remora_pod" 2 "$1" | AFTER=$2 perl -00 -ne '
        if ($next) { print; exit }
        $next = /\Q$ENV{AFTER}\E\s*$/' |
        sed -n 's/^ \([^ ].*[^ ]\)   *[^ ].*/\1/p' | sort -u
}

is 'plan: the words of TO DO' \
    "$(words_of_pod 'remora plan' 'To do is one of')" \
    "$(words_of_c "$srcdir/agent/cli/plan.c" decide | grep -v rewrite)"
is 'status: the words of DISK' \
    "$(words_of_pod 'remora status' 'is one of')" \
    "$({
        words_of_c "$srcdir/agent/cli/status-domains.c" disk_word
        grep -o 'json_string("unknown")' "$srcdir/agent/cli/status-domains.c" |
            strings_of_c
    } | sort -u)"

is 'volume list: the words of STATUS' \
    "$(words_of_pod 'remora volume list' 'STATUS is one of')" \
    "$(words_of_c "$srcdir/agent/rbd/volume/verdict.c" store_volume_status_word)"

is 'volume qos: its keys, and what Cinder calls them' \
    "$(section "$remora_pod" 2 'remora volume qos' |
        sed -n 's/^ \([a-z_]*\)  *\([a-z_-]*\)$/\1 \2/p')" \
    "$(sed -n '/ keys\[/,/^}/s/^    {"\(.*\)", "\{0,1\}\([^"]*\)"\{0,1\}},$/\1 \2/p' \
        "$srcdir/agent/rbd/volume/qos.c" | sed 's/NULL/-/')"

# headings FILE: the columns of its tables, each in one line.
headings()
{
    perl -0777 -ne '
        while (/(?:headings|columns)\[\] = \{(.*?)\};/gs) {
            print join(" ", $1 =~ /"(.*?)"/g), " \n";
        }' "$1"
}

# Tables in the page are narrower than what they are made of.
shown=$(sed 's/   */ /g; s/^ //; s/$/ /' "$remora_pod" | tr -s ' ')
is 'trash purge: the words of RESULT' \
    "$(words_of_pod 'remora trash purge' 'RESULT is one of')" \
    "$(words_of_c "$srcdir/agent/cli/trash-purge.c" word)"

for name in plan provision status-print df tree image-list show volume-list \
    volume-snapshot trash-list trash-purge; do
    isnt "$name: its tables can be read" \
        "$(headings "$srcdir/agent/cli/$name.c")" ''
    while IFS= read -r columns; do
        like "$name: a table that is shown has the columns $columns" "$shown" \
            "$columns"
    done < <(headings "$srcdir/agent/cli/$name.c")
done

# ---- remorad(8) ------------------------------------------------------------

is 'remorad: its options are described' \
    "$(section "$remorad_pod" 1 OPTIONS | grep '^=item' | options_of_pod)" \
    "$("$REMORAD" --help | options_of_help)"
synopsis=$(section "$remorad_pod" 1 SYNOPSIS)
for option in $("$REMORAD" --help | options_of_help | grep -v -x -e --config \
    -e --verbose); do
    like "remorad: the synopsis has $option" "$synopsis" "B<$option>"
done
is 'remorad: the operations of --one-shot' \
    "$(section "$remorad_pod" 1 OPTIONS | grep -A 4 'I<OPERATION> is' |
        grep -o 'C<[a-z]*>' | sed 's/C<\(.*\)>/\1/' | sort -u)" \
    "$(sed -n '/^op_of(/,/^}/p' "$srcdir/agent/one-shot.c" | strings_of_c |
        sort -u)"
is 'remorad: the signals' \
    "$(section "$remorad_pod" 1 SIGNALS | grep '^=item' | grep -o 'SIG[A-Z]*' |
        sort -u)" \
    "$(grep -o 'SIG[A-Z]*, on_' "$srcdir/agent/remorad.c" | sed 's/,.*//' |
        sort -u)"
is 'remorad: the fields of the journal' \
    "$(section "$remorad_pod" 1 LOG | grep -o 'B<REMORA_[A-Z_]*>' |
        sed 's/B<\(.*\)>/\1/' | sort -u)" \
    "$(grep -o '"REMORA_[A-Z_]*"' "$srcdir/agent/log.c" | tr -d '"' | sort -u)"
is 'remorad: what it tells the service manager' \
    "$(section "$remorad_pod" 1 READINESS | grep -o 'C<[A-Z]*=1>' |
        sed 's/C<\(.*\)>/\1/' | sort -u)" \
    "$(grep -o 'ready_notify("[^"]*")' "$srcdir"/agent/*.c | strings_of_c |
        sort -u)"

# The fixed pieces of each line that is logged, those that are put in
# included: "cloned", "its claims end:". A line has at least one.
logged()
{
    perl -0777 -ne '
        s/"\s*\n?\s*"//g;
        s/" G_\w+ "/d/g;
        print "$1\n"
            while /log_(?:info|warning)\([^;]*?"((?:[^"\\]|\\.)*)"/g;
        print "$1\n" while /\[STORE_\w+\] = "((?:[^"\\]|\\.)*)"/g;
    ' "$srcdir"/agent/{agent,arrivals,convert,convert-one,disks,flattens}.c \
        "$srcdir"/agent/{recoveries,settle}.c \
        "$srcdir"/agent/{proxied,remorad,serve/serve}.c "$srcdir"/agent/virt/*.c |
        pieces
    # What became of a claim comes with its image in quotes.
    sed -n '/^text_of(/,/^}/p' "$srcdir/agent/rbd/claim/settle.c" |
        perl -0777 -pe 's/"\s*\n\s*"//g' | strings_of_c | pieces |
        sed "s/^'\(, \)*//; s/ *'$//; s/^ *//"
}

pieces()
{
    sed 's/%[lu]*[sud]/\n/g' | sed 's/^[ ,]*//; s/ *$//' | grep '[a-z]'
}

documented()
{
    section "$remorad_pod" 1 LOG | grep '^=item' | grep -o 'C<[^>]*>' |
        sed 's/C<\(.*\)>/\1/' | sort -u
}

is 'remorad: the lines of the log are those of the program' "$(documented)" \
    "$(logged | sort -u)"

# ---- examples --------------------------------------------------------------

cat >"$tmp/ceph.conf" <<'CONF'
[global]
fsid = 3b2f5a54-9f0c-4f6e-8d0c-6f1e1a9c7d21
mon_host = 9.115.251.194
CONF
cat >"$tmp/remora.conf" <<CONF
clusters = ( { conf = "$tmp/ceph.conf"; } );
CONF

# examples FILE: its first definition, as a file of its own.
example()
{
    sed -n '/^ *<domain/,/^ *<\/domain>/p' "$1" | sed '/<\/domain>/q'
}

for page in "$remora_pod" "$srcdir/README.md"; do
    name=${page##*/}
    example "$page" >"$tmp/example.xml"
    ok "$name: its definition can be rendered" \
        "$REMORA" -c "$tmp/remora.conf" render --offline "$tmp/example.xml"
    like "$name: and gets its clone" "$TAP_OUT" \
        "$(sed -n 's|.*<uuid>\(.*\)</uuid>.*|vms/\1_disk"|p' \
            "$tmp/example.xml")"
    printf '%s\n' "$TAP_OUT" >"$tmp/final.xml"
    ok "$name: once more" \
        "$REMORA" -c "$tmp/remora.conf" render -d -o "$tmp/final.xml"
    is "$name: changes nothing" "$TAP_OUT" ''
done

# ---- README, NEWS, SECURITY ------------------------------------------------

is "NEWS begins with this version" \
    "$(sed -n 's/^## //p' "$srcdir/NEWS.md" | head -n 1)" \
    "$("$REMORA" --version | grep -o '[0-9][0-9.]*[0-9]')"

# What stands between backticks, one a line.
quoted()
{
    sed -n '/^    /!p' "$1" | tr -s ' \n' ' ' | grep -o '`[^`]*`' | tr -d '`'
}

for page in README HACKING NEWS SECURITY; do
    missing=
    while read -r file _; do
        [ -e "$srcdir/$file" ] || missing+=" $file"
    done < <({ quoted "$srcdir/$page.md"; sed -n 's/^    //p' \
        "$srcdir/$page.md"; } |
        grep -E '^(agent|conf|hooks|packaging|tests|xml)/|^[A-Z]+\.md$')
    is "$page.md: what it names is there" "$missing" ''
    missing=
    while read -r command; do
        grep -q -x "$command" <<<"$(sed 's/ .*//' <<<"$commands")" ||
            missing+=" $command"
    done < <(quoted "$srcdir/$page.md" | sed -n 's/^remora \([a-z][a-z]*\).*/\1/p')
    is "$page.md: its commands are remora's" "$missing" ''
done

tap_done
