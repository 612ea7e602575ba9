#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/events.t - definitions that change while the agent is at
# work on them
#
# A client undefines, edits, starts or migrates away what it has just defined.
# Nothing of that may be undone by the agent, and nobody else may have to wait
# for it.
#
# Needs: root, the packages of lib/packages.sh, an installed remora.
# Reads: REMORA_FULL   100 rounds of each instead of 10
#
# shellcheck source-path=SCRIPTDIR
here=$(dirname -- "$(realpath -- "$0")")/..
. "$here/lib/tap.sh"
. "$here/lib/bed.sh"
. "$here/lib/cluster.sh"
. "$here/lib/libvirt.sh"
. "$here/lib/guest.sh"
. "$here/lib/agent.sh"
. "$here/lib/hosts.sh"

IDLE=3f1d2c4b-5a69-4788-9b0a-1c2d3e4f5a6b
ROUNDS=${REMORA_FULL:+100}
ROUNDS=${ROUNDS:-10}
# A redefinition at the wrong moment makes others wait for seconds. They are
# counted in calls that wait for nobody, and the hundredth part of a second after
# each: on a machine that is slow, these are slow, too.
PATIENCE=50
LIBVIRT_LISTENS=yes

parts()
{
    ok 'a network' hosts_start || bail 'no network'
    ok 'a cluster starts' cluster_start ceph "$HOSTS_ADDRESS" ||
        bail 'no cluster'
    guest_image 16M 'an idle image' idle "$BED/tmp/idle" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/idle" "$IDLE"
    ok 'a host' host_start alpha || bail 'no host'
    ok 'another host' host_start beta || bail 'no host'
    ok 'the first one serves' host_serve alpha || bail 'no services'
    ok 'the second one serves' host_serve beta || bail 'no services'
    ok 'a domain that nobody touches' host_run alpha \
        guest_define quiet "$(uuidgen)"
    ok 'and one on the other host' host_run beta \
        guest_define quiet "$(uuidgen)"
}

# ---- somebody else's calls -------------------------------------------------

# How many they were, how many ms the slowest took, and how many calls of the other
# kind were made during the one that met most of them; until $BED/tmp/enough is
# there. $BED/tmp/watching is there after the first. Each begins with the name: a
# redefinition of another domain that waits holds the list of all domains.
bystander()
{
    python3 - "$BED/tmp/watching" "$BED/tmp/enough" <<'PYTHON'
import libvirt, os, sys, threading, time

ticks = 0


def tick():
    global ticks
    clock = libvirt.open('qemu:///system')
    while True:
        clock.getLibVersion()
        ticks += 1
        time.sleep(0.01)


threading.Thread(target=tick, daemon=True).start()
conn = libvirt.open('qemu:///system')
slowest = 0.0
longest = 0
calls = 0
while not os.path.exists(sys.argv[2]):
    start, first = time.monotonic(), ticks
    quiet = conn.lookupByName('quiet')
    quiet.XMLDesc(0)
    quiet.info()
    slowest = max(slowest, time.monotonic() - start)
    longest = max(longest, ticks - first)
    calls += 1
    if calls == 1:
        open(sys.argv[1], 'w').close()
    time.sleep(0.002)
print(calls, int(slowest * 1000), longest if ticks else 'none')
sys.stdout.flush()
os._exit(0)
PYTHON
}

declare -A BYSTANDER

bystanders_begin()
{
    local host
    for host in "$@"; do
        host_run "$host" rm -f "$BED/tmp/enough" "$BED/tmp/watching"
        host_run "$host" bystander >"$BED/tmp/bystander.$host" 2>&1 &
        BYSTANDER[$host]=$!
    done
    # What is over in a moment must not be missed.
    for host in "$@"; do
        bed_wait 10 host_run "$host" test -e "$BED/tmp/watching"
    done
}

bystanders_end()
{
    local host calls slowest longest
    for host in "$@"; do
        host_run "$host" touch "$BED/tmp/enough"
        wait "${BYSTANDER[$host]}"
        read -r calls slowest longest <"$BED/tmp/bystander.$host"
        ok "nobody else waited for it on $host" \
            [ "${longest:-none}" -le "$PATIENCE" ]
        diag "of $calls calls of somebody else the slowest took $slowest ms," \
            "and one as long as $longest others"
    done
}

# ---- undefined and edited, by one client on one connection -----------------

# client WHAT: lines 'wrong ...'.
client()
{
    guest_xml -m "$(agent_asks vda "$IDLE")" NAME UUID \
        "<graphics type='vnc' passwd='PASSWD'/>" >"$BED/tmp/client.xml"
    python3 - "$1" "$ROUNDS" "$BED/tmp/client.xml" <<'PYTHON'
import libvirt, random, sys, time, uuid

what, rounds, model = sys.argv[1], int(sys.argv[2]), open(sys.argv[3]).read()
libvirt.registerErrorHandler(lambda *_: None, None)
conn = libvirt.open('qemu:///system')
STORED = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE


def definition(name, ident, password):
    return (model.replace('NAME', name).replace('UUID', ident)
            .replace('PASSWD', password))


def titled(xml, title):
    return xml.replace('</name>', '</name>\n<title>%s</title>' % title, 1)


def a_moment(ms=12):
    time.sleep(random.random() * ms / 1000)


def there(ident):
    try:
        conn.lookupByUUIDString(ident)
        return True
    except libvirt.libvirtError:
        return False


def undefine():
    gone = []
    for i in range(rounds):
        ident = str(uuid.uuid4())
        domain = conn.defineXML(definition('gone%d' % i, ident, 'none'))
        # The agent needs hardly longer than this.
        a_moment(4)
        domain.undefine()
        gone.append(ident)
    time.sleep(1)
    for ident in gone:
        if there(ident):
            print('wrong: it came back:', ident)


def check(i, domain, ident, *texts):
    disk = "name='vms/%s_disk'" % ident
    end = time.monotonic() + 60
    while (time.monotonic() < end and
           disk not in domain.XMLDesc(STORED).split('<devices>')[-1]):
        time.sleep(0.01)
    time.sleep(0.05)
    xml = domain.XMLDesc(STORED)
    for text in (disk, *texts):
        if text not in xml:
            print('wrong: round %d: no %s in: %s' % (i, text, xml))
    if xml.count('<disk ') != 1:
        print('wrong: round %d: not one disk: %s' % (i, xml))


def edit_round(i):
    ident = str(uuid.uuid4())
    first = definition('edited%d' % i, ident, 'first')
    domain = conn.defineXML(first)
    a_moment()
    # As a tool does that has its own text, or as virsh edit does.
    text = first if i % 2 else domain.XMLDesc(STORED)
    if i % 4 >= 2:
        a_moment()
    conn.defineXML(titled(text.replace("passwd='first'", "passwd='word%d'" % i),
                          'edit %d' % i))
    check(i, domain, ident, '<title>edit %d</title>' % i,
          "passwd='word%d'" % i)
    domain.undefine()


def start_round(i):
    ident = str(uuid.uuid4())
    domain = conn.defineXML(definition('slow%d' % i, ident, 'word'))
    a_moment()
    try:
        domain.create()
    except libvirt.libvirtError as error:
        if 'does not name its clone yet' not in str(error):
            print('wrong: round %d: %s' % (i, error))
    check(i, domain, ident, "passwd='word'")
    if domain.isActive():
        domain.destroy()
    domain.undefine()


if what == 'undefine':
    undefine()
else:
    for i in range(rounds):
        (edit_round if what == 'edit' else start_round)(i)
PYTHON
}

by_a_client()
{
    local what=$1 title=$2
    bystanders_begin alpha
    is "$title, $ROUNDS times" "$(host_run alpha client "$what" 2>&1)" ''
    bystanders_end alpha
}

quiet_agents()
{
    is 'and the agents see nothing wrong' \
        "$(cat "$BED"/log/*/remorad.log | grep 'warning:')" ''
}

# ---- migrated away ---------------------------------------------------------

# The live disk is not that of the definition that is stored meanwhile: what
# goes to the other host is a domain that the agent is about to rewrite. It is
# held up, and let go at some moment of the migration: else it would be done
# before libvirt has even begun, and what has to be met is the end, when the
# domain is undefined under its hands.
let_go()
{
    sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"
    kill -CONT "$AGENT_PID"
}

# redefine_and_migrate TO MS TITLE: the agent is let go after MS. Says how many
# ms the migration took.
redefine_and_migrate()
{
    local to=$1 ms=$2 start status=1
    sed "s|</name>|&<title>$3</title>|" "$BED/tmp/moves.xml" \
        >"$BED/tmp/titled.xml"
    kill -STOP "$AGENT_PID"
    if virsh_ define "$BED/tmp/titled.xml" >/dev/null; then
        start=${EPOCHREALTIME/./}
        let_go "$ms" &
        virsh_ migrate --live --p2p --persistent --undefinesource \
            --migrateuri "tcp://$to" moves "qemu+tcp://$to/system"
        status=$?
        echo "took $(((${EPOCHREALTIME/./} - start) / 1000))"
        wait $!
    fi
    kill -CONT "$AGENT_PID"
    return "$status"
}

# hosts_with OPTION... of virsh list
hosts_with()
{
    local host
    for host in alpha beta; do
        ! host_run "$host" virsh_ list "$@" --name | grep -q -x moves ||
            echo "$host"
    done
}

defined_on()
{
    hosts_with --all
}

running_on()
{
    hosts_with --state-running
}

moves_runs()
{
    guest_is moves running && agent_rewrote moves
}

# whole TITLE: the definition is that of the last edit, with its password.
whole()
{
    local xml
    xml=$(virsh_ dumpxml --security-info --inactive moves)
    [[ $xml == *"<title>$1</title>"* ]] || echo "no '$1' in: $xml"
    [[ $xml == *"passwd='secret'"* ]] || echo "no password in: $xml"
}

# Whose watch the host has noted: nobody receives the guest before that, and an
# agent that is held up cannot do it.
noted_on()
{
    agent_claim_is "$2" "running $1 ${2:4:36} $(cluster_watchers "$2")"
}

# migrate_round FROM TO DISK MS TITLE: says what is wrong.
migrate_round()
{
    local from=$1 to=$2 disk=$3 ms=$4 title=$5
    bed_wait 30 noted_on "$from" "$disk" || agent_claim "$disk"
    host_run "$from" redefine_and_migrate "$(host_address "$to")" "$ms" \
        "$title" >"$BED/tmp/migrate" 2>&1 || cat "$BED/tmp/migrate"
    bed_wait 5 host_run "$to" moves_runs ||
        echo "$to: $(host_run "$to" virsh_ dumpxml --inactive moves 2>&1)"
    # What the agent still does to the source, it does now.
    sleep 0.2
    [ "$(defined_on)" = "$to" ] || echo "it is defined on: $(defined_on)"
    [ "$(running_on)" = "$to" ] || echo "it runs on: $(running_on)"
    bed_wait 5 one_watcher "$disk" ||
        echo "watchers: $(cluster_watchers "$disk")"
    host_run "$to" whole "$title"
}

one_watcher()
{
    [ "$(cluster_watchers "$1" | wc -l)" = 1 ]
}

moves_define()
{
    local host
    guest_xml -m "$(agent_asks vda "$IDLE")" moves "$1" \
        "<graphics type='vnc' passwd='secret'/>" >"$BED/log/moves.xml"
    for host in alpha beta; do
        cp "$BED/log/moves.xml" "$BED/log/$host/"
        host_run "$host" cp "$BED/log/moves.xml" "$BED/tmp/"
        host_run "$host" mkdir -p "$BED/serial"
    done
}

# Sets from, the host that it ends on. More rounds, where the machine is not as
# fast as it was a moment ago, and the agent is let go too late.
migrate_rounds()
{
    local uuid=$1 to=beta i wrong bad=0 took=500 ms met=0 other
    from=alpha
    for ((i = 0; i < ROUNDS || (met < ROUNDS / 2 && i < 4 * ROUNDS); i++)); do
        ms=$((RANDOM % (took + 50)))
        wrong=$(migrate_round "$from" "$to" "vms/${uuid}_disk" "$ms" "edit $i")
        if [ -n "$wrong" ]; then
            bad=1
            diag "round $i, $from to $to: $wrong"
            break
        fi
        took=$(sed -n 's/^took //p' "$BED/tmp/migrate")
        [ "$ms" -ge "$took" ] || met=$((met + 1))
        other=$from from=$to to=$other
    done
    is "redefined and migrated away: on one host, whole, $ROUNDS times" "$bad" 0
    ok 'many were not over when the agent was let go' \
        [ "$met" -ge $((ROUNDS / 2)) ]
    diag "$met of $i were not; the last one took $took ms"
}

migrations()
{
    local uuid from
    uuid=$(uuidgen)
    moves_define "$uuid"
    ok 'a guest' host_run alpha agent_boots moves "$uuid" "$IDLE"
    bystanders_begin alpha beta
    migrate_rounds "$uuid"
    bystanders_end alpha beta
    ok 'it ends' host_run "$from" virsh_ destroy moves
    ok 'it starts where it came to' host_run "$from" virsh_ start moves
    ok 'and ends' host_run "$from" virsh_ destroy moves
    is 'it has one disk' "$(rbd children "images/$IDLE@snap")" \
        "vms/${uuid}_disk"
    wait_until 'no claim remains' 5 agent_no_claims
    # Where its agent was held up for longer than the guest took to come, who
    # had the disk there is cut off, as nobody can know that they are gone.
    is 'nobody was cut off who is alive' "$(cluster_cut_off)" ''
}

# ---- started ---------------------------------------------------------------

# A hook that takes its time, with the domain locked. Who redefines the domain
# then holds the list of all domains, and everybody waits as long as the hook.
hook_slow()
{
    cat >"$LIBVIRT_HOOKS/qemu.d/a-slow" <<'HOOK'
#!/bin/sh
case $1.$2 in slow*.prepare) exec sleep 1.5 ;; esac
HOOK
    chmod 0755 "$LIBVIRT_HOOKS/qemu.d/a-slow"
}

starts()
{
    ok 'a slow hook' host_run alpha hook_slow
    by_a_client start 'started while the agent is at work: whole'
}

inside()
{
    bed_need_remora
    parts
    by_a_client undefine 'what was undefined does not come back'
    by_a_client edit 'neither edit nor password is lost'
    migrations
    quiet_agents
    # Whose start comes too early is refused, and that is a warning.
    starts
    is 'no living client is on the blocklist' "$(cluster_cut_off)" ''
}

bed_enter "$0" "$@"
inside
tap_done
