#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/complete.t - a line goes on as remora's table of verbs says
#
# What the program answers, and what bash and zsh make of it by the files that
# are installed for them. Needs no root, no cluster, no libvirt.
#
# shellcheck source-path=SCRIPTDIR
: "${srcdir:=.}" "${builddir:=.}"
. "$srcdir/tests/lib/tap.sh"

REMORA=$builddir/agent/remora
[ -x "$REMORA" ] ||
    bail "remora is built below '$builddir' (builddir says where)"
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cat >"$tmp/remora.conf" <<CONF
clusters = ( { conf = "$tmp/nowhere"; } );
pools = { images = [ "images", "more" ]; };
libvirt = { socket = "$tmp/nowhere"; };
CONF
cat >"$tmp/two.conf" <<CONF
clusters = (
    { name = "near"; conf = "$tmp/nowhere"; },
    { name = "far"; conf = "$tmp/elsewhere"; pools = { images = [ "glance" ]; }; }
);
libvirt = { socket = "$tmp/nowhere"; };
CONF

# What a sanitizer may say about the libraries is not about this.
export ASAN_OPTIONS=detect_leaks=0

goes_on()
{
    "$REMORA" complete -- -c "$tmp/remora.conf" "$@"
}

# ---- the program -----------------------------------------------------------

is 'every verb and group' "$("$REMORA" complete -- '' | sort)" \
    "$("$REMORA" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' |
        sort)"
is 'those that begin so' "$(goes_on pr)" provision
is 'the verbs of a group' "$(goes_on image '' | sort)" \
    "$("$REMORA" image --help | sed -n 's/^  remora image \([a-z-]*\).*/\1/p' |
        sort)"
is 'options before the verb' "$("$REMORA" complete -- --k)" --keyring
is 'a file for one of them' "$("$REMORA" complete -- --config '')" :files
is 'options of a verb' "$(goes_on render --d)" --diff
is 'all of them' "$(goes_on plan --)" '--json
--help'
is 'behind another' "$(goes_on fence --yes --host-)" --host-is-off
is 'a pool' "$(goes_on image add --pool '')" 'images
more'
is 'of a verb of volumes: a pool for them' \
    "$(goes_on volume create --pool '')" volumes
is 'in the same word' "$(goes_on image add --pool=m)" more
is 'and as an argument' "$(goes_on df images m)" more
is 'by its letter' "$(goes_on image add -p i)" images
is 'behind a value' "$(goes_on image add --pool more --i)" --id
is 'the pools of each cluster' \
    "$("$REMORA" complete -- -c "$tmp/two.conf" image add --pool '')" 'images
glance'
is 'a cluster' "$("$REMORA" complete -- -c "$tmp/two.conf" fence --cluster '')" \
    'near
far'
is 'a file as an argument' "$(goes_on image add --pool more '')" :files
is 'file or domain, without libvirt' "$(goes_on provision '')" :files
is 'nothing goes on behind what is unknown' "$(goes_on nonsense '')" ''
is 'nor where no argument is' "$(goes_on status '')" ''
ok 'it says nothing, and never fails' \
    eval '[ -z "$(goes_on revert "" 2>&1)" ]'
refuses 'without words it is wrong usage' 'words of a line' "$REMORA" complete

# ---- bash ------------------------------------------------------------------

# in_bash WORD...: what bash offers; words as it cuts them.
in_bash()
{
    (
        compopt() { echo "compopt $*"; }
        . "$srcdir/packaging/completion/remora.bash"
        COMP_WORDS=("$REMORA" "$@")
        COMP_CWORD=$#
        _remora
        printf '%s\n' "${COMPREPLY[@]}"
    )
}

is 'bash: a verb' "$(in_bash pr)" provision
is 'bash: a value behind =' \
    "$(in_bash -c "$tmp/remora.conf" image add --pool = m)" more
is 'bash: nothing typed behind it yet' \
    "$(in_bash -c "$tmp/remora.conf" image add --pool =)" 'images
more'
is 'bash: files' "$(in_bash image add '' | head -n 1)" 'compopt -o default'

# ---- zsh -------------------------------------------------------------------

# in_zsh WORD...: what zsh is told to offer.
in_zsh()
{
    REMORA=$REMORA FILE=$srcdir/packaging/completion/_remora zsh -f -c '
        compset() { print "compset $*" }
        compadd() { print -l "${(P@)2}" }
        _files() { print files }
        words=("$REMORA" "$@")
        CURRENT=$#words
        PREFIX=$words[-1]
        . "$FILE"
        true' zsh "$@"
}

if command -v zsh >/dev/null; then
    is 'zsh: a verb' "$(in_zsh pr)" provision
    is 'zsh: a value behind =' \
        "$(in_zsh -c "$tmp/remora.conf" image add --pool=m)" 'compset -P *=
more'
    is 'zsh: files' "$(in_zsh image add '')" files
    is 'zsh: nothing' "$(in_zsh status '')" ''
else
    skip 'zsh' 'it is not installed'
fi

tap_done
