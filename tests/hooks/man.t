#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# tests/hooks/man.t - remora-qemu-hook(8) and remora-libvirt-proxy(8) are sound
# POD, and say what the programs say: marks, limits, options and messages

pod=$srcdir/hooks/qemu/remora-qemu-hook.pod
proxy_pod=$srcdir/hooks/proxy/remora-libvirt-proxy.pod
proxy=$builddir/hooks/proxy/remora-libvirt-proxy

n=0
check() {
    n=$((n + 1))
    if test -z "$2"; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        echo "$2" | sed 's/^/# /'
    fi
}

if command -v podchecker >/dev/null 2>&1; then
    check "podchecker" \
        "$(for page in "$pod" "$proxy_pod"; do
            message=$(podchecker -warnings -warnings "$page" 2>&1) ||
                echo "$message"
        done)"
else
    n=1
    echo "ok 1 - podchecker # SKIP it is not installed (Debian: perl)"
fi

marks=$(sed -n '/^static.*marks\[\]/,/^};/p' "$srcdir/hooks/wire/sieve.c" |
    tr ',' '\n' | sed -n 's/^ *"\([^\\]*\)"$/\1/p')
check "marks were found" "$(test "$(echo "$marks" | wc -l)" -eq 5 ||
    echo "$marks")"
check "each mark is named" "$(echo "$marks" | while read -r mark; do
    grep -qF -e "C<$mark>" -e "C<< $mark >>" "$pod" || echo "$mark"
done)"

# 4194304 in the page, '(4u * 1024u * 1024u)' in the header.
check "each limit is named" "$(
    for name in WIRE_NAME_MAX WIRE_BODY_MAX WIRE_OUTPUT_MAX; do
        value=$(sed -n "s|^#define $name *\([^/]*\).*|\1|p" \
            "$srcdir/hooks/wire/wire.h" | tr -d u)
        grep -qw "$(($value))" "$pod" || echo "$name is $value"
    done)"

# messages_of FUNCTION FILE...: the strings that it is given, up to the first
# number, name or reason of each; in the page they are without marks.
messages_of()
{
    function=$1
    shift
    cat "$@" | tr '\n' ' ' | sed 's/"  *"//g' |
        grep -o "$function([^\"]*\"[^\"]*\"" |
        sed 's/[^"]*"//; s/"$//; s/[ :]*%.*//; s/: .*//; s/, and.*/, and/
             s/ at .*/ at/; s/ left for .*/ left/'
}
page=$(sed 's/[BI]<\([^>]*\)>/\1/g' "$pod")
messages=$(messages_of wire_error_set "$srcdir/hooks/wire/client.c" \
    "$srcdir/hooks/qemu/one-shot.c" "$srcdir/hooks/qemu/qemu-hook.c")
check "messages were found" "$(test "$(echo "$messages" | wc -l)" -ge 15 ||
    echo "$messages")"
check "each message is named" "$(echo "$messages" | while read -r message; do
    echo "$page" | grep -qF -- "$message" || echo "$message"
done)"

# ---- the proxy -----------------------------------------------------------------

# What is wrong before it begins is said to whoever starts it, and explained by
# its own line; the page has what clients get.
page=$(sed 's/[BIC]<\([^>]*\)>/\1/g' "$proxy_pod" | tr '\n' ' ')
messages=$({
    messages_of wire_error_set "$srcdir/hooks/proxy/threads.c" \
        "$srcdir/hooks/proxy/upstream.c"
    cat "$srcdir"/hooks/proxy/session.c "$srcdir"/hooks/proxy/question.c |
        tr '\n' ' ' | sed 's/"  *"//g' | grep -o '"remora: [^"]*' |
        sed 's/"remora: //; s/: .*//; s/ (remorad).*//'
})
check "messages of the proxy were found" \
    "$(test "$(echo "$messages" | wc -l)" -eq 6 || echo "$messages")"
check "each message of the proxy is named" \
    "$(echo "$messages" | while read -r message; do
        echo "$page" | grep -qF -- "$message" || echo "$message"
    done)"
options_of_help()
{
    "$proxy" --help | grep -o -e '^  .*   ' | grep -o -e '--[a-z-]*'
}
options_of_page()
{
    sed -n '/^=head1 OPTIONS/,/^=head1 WHAT/p' "$proxy_pod" | grep '^=item' |
        grep -o -e 'B<--[a-z-]*' | sed 's/B<//'
}
check "the proxy's options are those of its page" "$({
    options_of_help
    options_of_page
} | sort | uniq -u)"
check "there are nine of them" \
    "$(test "$(options_of_help | wc -l)" -eq 9 || options_of_help)"
# named HEADER NAME...: the page has the value of each.
named()
{
    header=$1
    shift
    for name; do
        value=$(sed -n "s|^#define $name *\([^/]*\).*|\1|p" "$header" | tr -d u)
        echo "$page" | grep -qw "$(($value))" || echo "$name is $value"
    done
}
check "each limit of the proxy is named" "$(
    named "$srcdir/hooks/proxy/session.h" PROXY_HELD_CALLS PROXY_HELD_BYTES
    named "$srcdir/hooks/proxy/users.h" PROXY_ASKS_BURST PROXY_ASKS_PER_SECOND
    named "$srcdir/hooks/proxy/xdr.h" PROXY_XDR_STRING_MAX
    for value in $(sed -n 's/.*\.max_[a-z_]* = \([0-9]*\),/\1/p' \
        "$srcdir/hooks/proxy/options.c"); do
        echo "$page" | grep -qw "$value" || echo "$value"
    done)"
# Without a socket: each of these ends before there is one.
refused()
{
    "$proxy" "$@" >/dev/null 2>&1
    test $? -eq 2 || echo "$*"
}
check "wrong options are status 2" "$(
    refused --nonsense
    refused --listen
    refused --listen=relative
    refused --listen="/$(printf %0120d 0)"
    refused --mode=8
    refused --mode=01777
    refused --group=there-is-no-such-group
    refused --max-clients=0
    refused --max-clients=ten
    refused --max-clients-per-user=100001
    refused --listen=/x --upstream=/x
    refused and-more)"
echo "1..$n"
