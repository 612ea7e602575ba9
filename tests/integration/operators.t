#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/operators.t - what operators' own domains ask of remora
#
# Disks that are there already stay as they stand on every way in, unless they are to
# be completed; what is in use is left; images that others are cloned from are
# warned of; and each advice of a refusal that has no definition of its own
# (tests/advice.t has the others) is followed, and helps.
#
# Needs: root, the packages of lib/packages.sh, an installed remora.
#
# shellcheck source-path=SCRIPTDIR
here=$(dirname -- "$(realpath -- "$0")")/..
. "$here/lib/tap.sh"
. "$here/lib/bed.sh"
. "$here/lib/cluster.sh"
. "$here/lib/libvirt.sh"
. "$here/lib/guest.sh"
. "$here/lib/agent.sh"
. "$here/lib/proxied.sh"

IMAGE=0a64fa67-3e34-42e7-b7b0-423c11850e18
XML=$BED/tmp/domain.xml

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    guest_image 16M 'an idle image' idle "$BED/tmp/idle" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/idle" "$IMAGE"
    ok 'guests may write to images' ceph auth caps client.remora \
        mon 'profile rbd' mgr 'profile rbd pool=vms' \
        osd "$CLUSTER_REMORA_CAPS, profile rbd pool=images"
    ok 'an image without a snapshot' \
        rbd import --no-progress "$BED/tmp/idle" images/web
    ok 'a volume' rbd import --no-progress "$BED/tmp/idle" volumes/data
    ok 'with a snapshot' rbd snap create --no-progress volumes/data@monday
    ok 'another volume' rbd import --no-progress "$BED/tmp/idle" volumes/more
    ok 'libvirtd starts' libvirtd_start || bail 'no libvirtd'
    ok 'the hook is installed' hook_install "$(agent_hook)"
    ok 'the agent starts' agent_start || bail 'no agent'
    wait_until 'its secret is there' 10 eval '[ -n "$(agent_secret)" ]'
    SECRET=$(agent_secret)
}

# conf [LINE]: the configuration from now on.
conf()
{
    local n
    n=$(agent_reloads)
    mkdir -p /etc/remora
    printf '%s\n' "$@" >/etc/remora/remora.conf
    agent_reload
    bed_wait 10 agent_reloaded_since "$n"
}

COMPLETE='libvirt: { complete_existing = true; };'

# bare TARGET POOL/IMAGE [INSIDE [OF-SOURCE]]: a disk with the way to the
# cluster, and nothing else.
bare()
{
    printf "<disk type='network' device='disk'><source protocol='rbd' name='%s'>" \
        "$2"
    printf "%s%s</source><auth username='remora'><secret type='ceph' uuid='%s'/>" \
        "$(cluster_hosts_xml)" "${4-}" "$SECRET"
    printf "</auth><target dev='%s' bus='virtio'/>%s</disk>\n" "$1" "${3-}"
}

inactive()
{
    virsh_ dumpxml --inactive "$1"
}

completed()
{
    inactive "$1" | grep -q "cache='writeback'"
}

# settled: whatever the agent was told is seen to, since one that came later is.
settled()
{
    local uuid
    uuid=$(uuidgen)
    agent_defines settled "$uuid" "$IMAGE" >/dev/null && virsh_ undefine settled
}

hook_filter()
{
    "$(agent_hook)" web "$1" begin - <"$XML"
}

# ---- whether disks are completed ---------------------------------------------

# every_way TITLE TEXT: what each way gives back of the definition, which has no
# monitors, has the text in it; or is nothing, with an empty TEXT.
every_way()
{
    local way out
    for way in define move; do
        out=$(proxied_ask "$way" <"$XML")
        given "$1 by $way" "$out" "$2"
    done
    for way in migrate restore; do
        out=$(hook_filter "$way")
        given "$1 by the hook's $way" "$out" "$2"
    done
    for way in device update; do
        out=$(proxied_ask "$way" "$UUID" <"$XML.device")
        given "$1 by $way" "$out" "$2"
    done
}

given()
{
    if [ -z "$3" ]; then
        is "$1" "$2" ''
    else
        like "$1" "$2" "$3"
    fi
}

# attached TITLE TEXT: the same of a disk for a guest that runs.
attached()
{
    local out
    out=$(proxied_ask attach "$UUID" <"$XML.device")
    given "$1 by attach" "$out" "$2"
    proxied_ask ended "$UUID" <"$XML.device"
    is "$1: the call is over" "$?" 0
    wait_until "$1: its claim goes" 20 agent_claim_is volumes/more none
}

ways()
{
    UUID=$(uuidgen)
    guest_xml web "$UUID" "<disk type='network' device='disk'><source
        protocol='rbd' name='volumes/data'/><target dev='vda' bus='virtio'/>
        </disk>" >"$XML"
    echo "<disk type='network' device='disk'><source protocol='rbd'
        name='volumes/more'/><target dev='vdb' bus='virtio'/></disk>" \
        >"$XML.device"
    every_way 'a volume is left' ''
    ok 'a guest runs' agent_boots ways "$UUID" "$IMAGE"
    attached 'a volume is left' ''
    ok 'completing is asked for' conf "$COMPLETE"
    every_way 'a volume is completed' '<host name='
    attached 'a volume is completed' '<host name='
    ok 'it ends' virsh_ destroy ways
    virsh_ undefine ways
    ok 'completing is no longer asked for' conf
}

stored()
{
    ok 'a domain on a volume' guest_define stored "$(uuidgen)" \
        "$(bare vda volumes/data)"
    ok 'all is seen to' settled
    ok 'is left' eval '! completed stored'
    ok 'completing is asked for' conf "$COMPLETE"
    wait_until 'it is completed' 10 completed stored
    ok 'completing is no longer asked for' conf
    ok 'the domain goes' virsh_ undefine stored
}

# ---- what is in use ----------------------------------------------------------

in_use()
{
    local live stored
    ok 'completing is asked for' conf "$COMPLETE"
    ok 'the agent stops' agent_stop
    ok 'a domain on a volume' guest_define used "$(uuidgen)" \
        "$(bare vda volumes/data)"
    ok 'runs' virsh_ start used
    stored=$(inactive used)
    live=$(virsh_ dumpxml used)
    ok 'the agent comes' agent_start
    ok 'all is seen to' settled
    ok 'a field of it is changed' virsh_ desc used --config --title used
    ok 'and that is seen to' settled
    is 'what it has stays' "$(virsh_ dumpxml used)" "$live"
    is 'and what is stored of it' "$(inactive used | grep -v '<title>')" "$stored"
    ok 'it ends' virsh_ destroy used
    wait_until 'then it is completed' 10 completed used
    ok 'the domain goes' virsh_ undefine used
}

# Somebody has it open, here a client of another kind.
open_elsewhere()
{
    local pid
    rbd bench --io-type write --io-size 4K --io-threads 1 --io-total 64G \
        volumes/more >/dev/null 2>&1 &
    pid=$!
    wait_until 'somebody has a volume open' 20 eval \
        '[ -n "$(cluster_watchers volumes/more)" ]'
    ok 'a domain on that' guest_define held "$(uuidgen)" "$(bare vda volumes/more)"
    ok 'all is seen to' settled
    ok 'is left' eval '! completed held'
    kill "$pid"
    wait_until 'it is closed' 90 eval '[ -z "$(cluster_watchers volumes/more)" ]'
    ok 'the definition is looked at again' virsh_ desc held --config --title x
    ok 'by an event of its own' virsh_ define <(inactive held)
    wait_until 'and then completed' 10 completed held
    ok 'the domain goes' virsh_ undefine held
    ok 'completing is no longer asked for' conf
}

metadata()
{
    local uuid
    uuid=$(uuidgen)
    ok 'a domain without disks' guest_define later "$uuid"
    ok 'asks by its metadata alone' virsh_ metadata later urn:remora:domain:1 \
        --config --key remora --set \
        "<domain><disk target='vda' image='$IMAGE'/></domain>"
    wait_until 'which is noticed' 10 agent_rewrote later
    like 'and served' "$(inactive later)" "vms/${uuid}_disk"
    ok 'the domain goes' virsh_ undefine later
}

# ---- images that others are cloned from ---------------------------------------

warnings()
{
    grep -c "it writes to the image images/$IMAGE" "$BED/log/remorad.log"
}

new_domain()
{
    guest_xml new "$(uuidgen)" "$@" >"$XML"
}

defines_new()
{
    proxied_ask define <"$XML"
}

protected()
{
    local stored
    new_domain "$(bare vda "images/$IMAGE")"
    refuses 'a new domain that writes to an image is refused' \
        'is an image that others are cloned from' defines_new
    like 'told how to ask for a clone' "$TAP_OUT" "write 'images/$IMAGE@snap'"
    new_domain "$(bare vda "images/$IMAGE@snap")"
    ok 'which is taken' defines_new
    new_domain "$(bare vda "images/$IMAGE" '<readonly/>')"
    ok '<readonly/> is taken, too' defines_new
    new_domain "$(bare vda images/web)"
    ok 'and so is an image that nobody clones' defines_new
    new_domain "$(bare vda "images/$IMAGE")"
    ok 'and past the proxy, all' virsh_ define "$XML"
    wait_until 'a warning is logged' 10 eval '[ "$(warnings)" = 1 ]'
    ok 'it is known now, and the proxy takes it' defines_new
    ok 'its guest starts' virsh_ start new
    like 'status says what it does' "$(remora status)" 'writes to an image'
    stored=$(inactive new)
    ok 'the agent looks again' conf "$COMPLETE"
    ok 'all is seen to' settled
    is 'nothing of it has changed' "$(inactive new)" "$stored"
    is 'nothing more is said' "$(warnings)" 1
    ok 'it ends' virsh_ destroy new
    ok 'the domain goes' virsh_ undefine new
    ok 'completing is no longer asked for' conf
}

# ---- snapshots -----------------------------------------------------------------

snapshots()
{
    local gone="<snapshot name='sunday'/>" there="<snapshot name='monday'/>"
    guest_xml snap "$(uuidgen)" \
        "$(bare vda volumes/data '<readonly/>' "$gone")" >"$XML"
    like 'a snapshot that is not there is missing' "$(remora plan "$XML")" missing
    ok 'a domain on it' virsh_ define "$XML"
    like 'status says so' "$(remora status)" missing
    refuses 'is refused' "has no snapshot 'sunday': name one that it has" \
        virsh_ start snap
    ok 'with one that it has' virsh_ define <(sed 's/sunday/monday/' "$XML")
    ok 'it starts' virsh_ start --paused snap
    ok 'and ends' virsh_ destroy snap
    ok 'the domain goes' virsh_ undefine snap
    guest_xml snap "$(uuidgen)" \
        "$(bare vda volumes/data '<readonly/>' "$there")" >"$XML"
    unlike 'one that is there is not missing' "$(remora plan "$XML")" missing
}

# ---- advice ----------------------------------------------------------------------

rendered()
{
    inactive "$1" | remora render >"$XML" && virsh_ define "$XML"
}

advice_rewrite()
{
    ok 'the agent stops' agent_stop
    ok 'a domain asks' guest_define -m "$(agent_asks vda "$IMAGE")" asks \
        "$(uuidgen)"
    refuses 'its start is refused' "define what 'remora render' prints for it" \
        virsh_ start asks
    ok 'what render prints is defined' rendered asks
    ok 'it starts' virsh_ start --paused asks
    ok 'it ends' virsh_ destroy asks
    ok 'the domain goes' virsh_ undefine asks
    ok 'another asks' guest_define -m "$(agent_asks vda "$IMAGE")" asks \
        "$(uuidgen)"
    refuses 'its start is refused' 'if it runs' virsh_ start asks
    ok 'the agent is started' agent_start
    wait_until 'which rewrites it' 10 agent_rewrote asks
    ok 'it starts' virsh_ start --paused asks
    ok 'it ends' virsh_ destroy asks
    ok 'the domain goes' virsh_ undefine asks
}

advice_monitors()
{
    ok 'a domain with monitors of before' guest_define old "$(uuidgen)" \
        "$(bare vda volumes/data | sed "s/name='127[^']*'/name='127.0.0.9'/")"
    refuses 'is refused' 'define the domain again without these <host>s' \
        virsh_ start old
    ok 'without' virsh_ define <(inactive old | sed '/<host name=/d')
    ok 'it starts' virsh_ start --paused old
    ok 'it ends' virsh_ destroy old
    ok 'with a list, a name and no port' virsh_ define <(inactive old |
        sed "s|\(<source protocol='rbd'.*\)/>|\1><host name='127.0.0.9,localhost'/></source>|")
    like 'which libvirt keeps' "$(inactive old)" "<host name='127.0.0.9,localhost'/>"
    ok 'it starts' virsh_ start --paused old
    ok 'it ends' virsh_ destroy old
    ok 'the domain goes' virsh_ undefine old
}

advice_uuid()
{
    local uuid
    uuid=$(uuidgen)
    ok 'a domain with a clone' agent_boots anew "$uuid" "$IMAGE"
    ok 'ends' virsh_ destroy anew
    inactive anew >"$XML"
    ok 'goes' virsh_ undefine anew
    ok 'and is made anew, as another' virsh_ define <(sed '/<uuid>/d' "$XML")
    refuses 'it is refused' 'give it back its <uuid>' virsh_ start anew
    ok 'goes' virsh_ undefine anew
    ok 'with its UUID' virsh_ define "$XML"
    ok 'it starts' virsh_ start --paused anew
    ok 'it ends' virsh_ destroy anew
    ok 'a copy of it' guest_define -m "$(agent_asks vda "$IMAGE")" copy "$(uuidgen)"
    wait_until 'that has no disk of its, gets its own' 10 agent_rewrote copy
    ok 'the domains go' eval 'virsh_ undefine anew && virsh_ undefine copy'
}

# ---- where the monitors are ----------------------------------------------------

# A name server that knows of one service.
SERVER=$(
    cat <<'PYTHON'
import socket, struct, sys
peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
peer.bind(('127.0.0.1', 53))
def name(text):
    return b''.join(bytes([len(part)]) + part.encode()
                    for part in text.split('.')) + b'\0'
print('ready', flush=True)
while True:
    question, where = peer.recvfrom(512)
    end = question.index(b'\0', 12) + 5
    asked, kind = question[12:end - 4], question[end - 4:end - 2]
    good = asked.lower() == name('_ceph-mon._tcp.site.example') and kind == b'\0\x21'
    data = struct.pack('>3H', 10, 20, 3300) + name('mon-a.site.example')
    answer = b'\xc0\x0c' + struct.pack('>2HIH', 33, 1, 60, len(data)) + data
    peer.sendto(question[:2] + (b'\x81\x80' if good else b'\x81\x83') +
                struct.pack('>4H', 1, 1 if good else 0, 0, 0) +
                question[12:end] + (answer if good else b''), where)
PYTHON
)

rendered_hosts()
{
    remora -c "$BED/tmp/dns.conf" render --offline "$XML" | grep -o '<host [^>]*>'
}

dns()
{
    local pid
    python3 -c "$SERVER" >"$BED/tmp/dns" &
    pid=$!
    ok 'a name server' bed_wait 10 grep -q ready "$BED/tmp/dns"
    rm -f /etc/resolv.conf
    printf '%s\n' 'nameserver 127.0.0.1' 'search other.example site.example' \
        >/etc/resolv.conf
    printf '[global]\nfsid = %s\n' "$(cluster_fsid)" >"$BED/tmp/dns.ceph.conf"
    echo "clusters = ( { conf = \"$BED/tmp/dns.ceph.conf\"; } );" \
        >"$BED/tmp/dns.conf"
    guest_xml dns "$(uuidgen)" "<disk type='network'><source protocol='rbd'
        name='images/$IMAGE@snap'/><target dev='vda'/></disk>" >"$XML"
    is 'a ceph.conf without monitors leaves them to DNS' "$(rendered_hosts)" \
        '<host name="mon-a.site.example" port="3300"/>'
    echo "mon_dns_srv_name = ceph-mon_site.example" >>"$BED/tmp/dns.ceph.conf"
    is 'in a domain that it names, too' "$(rendered_hosts)" \
        '<host name="mon-a.site.example" port="3300"/>'
    kill "$pid"
}

inside()
{
    bed_need_remora
    parts
    ways
    stored
    in_use
    open_elsewhere
    metadata
    protected
    snapshots
    advice_rewrite
    advice_monitors
    advice_uuid
    dns
    ok 'the agent stops at the end' agent_stop
}

bed_enter "$0" "$@"
inside
tap_done
