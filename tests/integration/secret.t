#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/secret.t - whose libvirt secret the guests' key goes into
#
# Anybody can tell the secret's UUID, and whoever may define secrets may have
# been there first. In no case is the key to be read from libvirt afterwards.
#
# Needs: root, the packages of lib/packages.sh, an installed remora.
#
# shellcheck source-path=SCRIPTDIR
here=$(dirname -- "$(realpath -- "$0")")/..
. "$here/lib/tap.sh"
. "$here/lib/bed.sh"
. "$here/lib/cluster.sh"
. "$here/lib/libvirt.sh"
. "$here/lib/agent.sh"

OWN=e21a123a-31f8-425a-86db-7204c33a6161
# Somebody's value, in base64.
VALUE=c29tZWJvZHkncw==

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    KEY=$(cluster_key remora)
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    ok 'the agent starts' agent_start || bail 'no agent'
    wait_until 'and makes its secret' 10 \
        agent_said 'made the libvirt secret of client.remora'
    SECRET=$(agent_secret)
    USAGE="remora client.remora $SECRET"
    ok 'it ends' agent_stop
}

state()
{
    remora status --json | jq -r .secret.state
}

# predefine PRIVATE USAGE [UUID]: in the place of the agent's.
predefine()
{
    local uuid=${3:-$SECRET}
    virsh_ secret-undefine "$uuid" >/dev/null 2>&1
    cat >"$BED/tmp/secret.xml" <<XML
<secret ephemeral='no' private='$1'>
  <uuid>$uuid</uuid>
  <usage type='ceph'><name>$2</name></usage>
</secret>
XML
    virsh_ secret-define "$BED/tmp/secret.xml" >/dev/null
}

give_value()
{
    printf '%s' "$VALUE" >"$BED/tmp/value"
    virsh_ secret-set-value "${1:-$SECRET}" --file "$BED/tmp/value" >/dev/null
}

# agent_looks [COMMAND...]: what an agent makes of what is there. It starts, has
# said something of the secret, or until the command succeeds, and ends.
agent_looks()
{
    local status
    [ $# -gt 0 ] || set -- agent_said 'libvirt secret'
    : >"$BED/log/remorad.log"
    agent_start && bed_wait 10 "$@"
    status=$?
    agent_stop
    return "$status"
}

# What libvirtd keeps in a file of its own, whoever may not ask for it.
has_key()
{
    [ "$(<"/etc/libvirt/secrets/$SECRET.base64")" = "$KEY" ]
}

# hides_key TITLE [UUID]: no secret-get-value gives it.
hides_key()
{
    local value
    value=$(virsh_ secret-get-value "${2:-$SECRET}" 2>&1)
    ok "$1: nobody reads the key" [ "$value" != "$KEY" ]
}

is_private()
{
    virsh_ secret-dumpxml "$SECRET" | grep -q "private='yes'"
}

# ---- the UUID that everybody can tell ----------------------------------------

own()
{
    is 'ours: status says that it is defined' "$(state)" defined
    hides_key ours
    virsh_ secret-undefine "$SECRET" >/dev/null
    is 'none: status says so' "$(state)" missing
    refuses 'none: the status is not 0' '(missing)' remora status
}

ours_by_usage()
{
    predefine no "$USAGE"
    is 'open, empty: status says so' "$(state)" 'not private'
    refuses 'open, empty: the status is not 0' '(not private)' remora status
    ok 'open, empty: an agent looks' agent_looks
    ok 'open, empty: it makes it private first' is_private
    ok 'open, empty: and says so' agent_said 'made the libvirt secret'
    ok 'open, empty: the key is in it' has_key
    hides_key 'open, empty'
    is 'open, empty: all is well' "$(state)" defined

    predefine no "$USAGE"
    give_value
    ok 'open: an agent looks' agent_looks
    ok 'open: it says why it is not up to date' agent_said \
        "the libvirt secret is not up to date: '$SECRET' says private='no'"
    ok 'open: in one line' \
        [ "$(grep -c 'libvirt secret' "$BED/log/remorad.log")" = 1 ]
    is 'open: and leaves its value' "$(virsh_ secret-get-value "$SECRET")" \
        "$VALUE"
    hides_key open
    is 'open: status says so' "$(state)" 'not private'

    predefine yes "$USAGE"
    give_value
    ok 'private: an agent puts the key into it' agent_looks has_key
    hides_key private
}

# others USAGE: with the same UUID.
others()
{
    local title="of usage '$1'" private
    for private in no yes; do
        predefine "$private" "$1"
        ok "$title, private='$private': an agent looks" agent_looks
        hides_key "$title, private='$private'"
        is "$title, private='$private': status says whose it is not" \
            "$(state)" "not remora's"
        like "$title, private='$private': it is there" \
            "$(virsh_ secret-dumpxml "$SECRET")" "<name>$1</name>"
    done
    predefine no "$1"
    agent_looks
    ok "$title, empty: it says so" \
        agent_said "'$SECRET' is not remora's, and has no value"
    give_value
    agent_looks
    ok "$title, with a value: it is used" agent_said \
        "the libvirt secret of client.remora is somebody else's, and is used"
    is "$title, with a value: as it is" \
        "$(virsh_ secret-get-value "$SECRET")" "$VALUE"
}

# What libvirt cannot do now it may do in a moment, and no guest starts without.
libvirt_fails()
{
    virsh_ secret-undefine "$SECRET" >/dev/null 2>&1
    ok 'out of the way: libvirt has nowhere to write it' eval \
        'mv /etc/libvirt/secrets /etc/libvirt/away && : >/etc/libvirt/secrets'
    : >"$BED/log/remorad.log"
    ok 'out of the way: an agent starts' agent_start
    wait_until 'out of the way: it says that libvirt refuses' 10 \
        agent_said "not up to date: cannot define '$SECRET'"
    ok 'out of the way: the directory is back' eval \
        'rm /etc/libvirt/secrets && mv /etc/libvirt/away /etc/libvirt/secrets'
    wait_until 'out of the way: the agent makes it by itself' 30 \
        agent_said 'made the libvirt secret of client.remora'
    ok 'out of the way: with the key' has_key
    ok 'out of the way: the agent ends' agent_stop
}

# ---- an operator's own -------------------------------------------------------

configured()
{
    mkdir -p /etc/remora
    echo "clusters = ( { secret_uuid = \"$OWN\"; } );" >/etc/remora/remora.conf
    virsh_ secret-undefine "$SECRET" >/dev/null
    predefine no mine "$OWN"
    ok "an operator's, empty: an agent looks" agent_looks
    hides_key "an operator's, empty" "$OWN"
    give_value "$OWN"
    ok "an operator's: an agent looks" agent_looks
    ok "an operator's: it is used" agent_said "is used as it is"
    is "an operator's: and never written to" \
        "$(virsh_ secret-get-value "$OWN")" "$VALUE"
    like "an operator's: status has it" "$(remora status)" \
        "secret   $OWN (not remora's)"
    virsh_ secret-undefine "$OWN" >/dev/null
    ok "no operator's: an agent looks" agent_looks
    ok "no operator's: it is made" agent_said 'made the libvirt secret'
    is "no operator's: under that UUID" "$(agent_secret)" "$OWN"
    hides_key "no operator's" "$OWN"
}

inside()
{
    bed_need_remora
    parts
    own
    ours_by_usage
    others 'remora client.'
    others "$USAGE "
    others 'ceph somebody'
    libvirt_fails
    configured
}

bed_enter "$0" "$@"
inside
tap_done
