#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/monitors.t - the monitors of each ceph.conf, as they come into a definition
#
# Without the cluster, from a real file, which librados reads. Needs no root.
#
# shellcheck source-path=SCRIPTDIR
: "${srcdir:=.}" "${builddir:=.}"
. "$srcdir/tests/lib/tap.sh"

REMORA=$builddir/agent/remora
[ -x "$REMORA" ] || bail "remora is built below '$builddir' (builddir says where)"
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
export ASAN_OPTIONS=detect_leaks=0

cat >"$tmp/remora.conf" <<CONF
clusters = ( { conf = "$tmp/ceph.conf"; } );
CONF
cat >"$tmp/domain.xml" <<'XML'
<domain type='qemu'>
  <name>web1</name>
  <uuid>0f6c9e4e-3a0b-4c8e-9d68-1c1f6f0a2b11</uuid>
  <memory unit='MiB'>32</memory>
  <os><type>hvm</type></os>
  <devices>
    <disk type='network' device='disk'>
      <source protocol='rbd' name='volumes/data'/>
      <target dev='vda' bus='virtio'/>
    </disk>
  </devices>
</domain>
XML

# said LINE...: what follows [global] in a ceph.conf.
said()
{
    printf '%s\n' '[global]' 'fsid = 1bdc1d9a-5a4e-4a41-9a5f-5ffdf9a0a3d4' \
        "$@" >"$tmp/ceph.conf"
}

render()
{
    "$REMORA" -c "$tmp/remora.conf" render --offline "$tmp/domain.xml"
}

# 'HOST:PORT' of each <host>, '-' where it has no port.
hosts()
{
    render 2>&1 | sed -n \
        -e 's|.*<host name="\([^"]*\)" port="\([^"]*\)"/>.*|\1 \2;|p' \
        -e 's|.*<host name="\([^"]*\)"/>.*|\1 -;|p' -e 's|^remora: |&|p' |
        tr -d '\n'
}

# reads EXPECTED LINE...
reads()
{
    local expected=$1
    shift
    said "$@"
    is "$*" "$(hosts)" "$expected"
}

reads '10.0.0.1 -;10.0.0.2 6790;' 'mon_host = 10.0.0.1,10.0.0.2:6790'
reads 'fd00:1::5 -;fd00:1::6 -;' 'mon host = fd00:1::5 fd00:1::6'
reads 'fd00:1::5 -;fd00:1::6 3300;' 'mon_host = [fd00:1::5], [fd00:1::6]:3300'
reads 'fd00:1::5 6789;' 'mon_host = [v2:[fd00:1::5]:3300,v1:[fd00:1::5]:6789]'
reads '10.0.0.1 6789;10.0.0.2 6789;' \
    'mon_host = [v2:10.0.0.1:3300/0,v1:10.0.0.1:6789/0] [v2:10.0.0.2:3300/0,v1:10.0.0.2:6789/0]'
reads 'mon.ceph.svc.example 3300;' 'mon_host = mon.ceph.svc.example:3300'
reads '10.0.0.1 3300;' 'mon_host = any:10.0.0.1:3300'
# To librados both begin a comment, there too.
reads '10.0.0.1 -;' 'mon_host = 10.0.0.1;10.0.0.2:6790'
reads '10.0.0.1 6790;' 'mon_host = 10.0.0.1:6790 # the first'
reads '10.0.0.1 -;10.0.0.2 -;' 'mon_host = "10.0.0.1,10.0.0.2"'
reads '10.0.0.1 -;10.0.0.2 -;' 'mon_host = 10.0.0.1, \' '  10.0.0.2'
reads '10.0.0.3 -;' 'mon_host = 10.0.0.1' '[client]' 'mon_host = 10.0.0.3'
reads '10.0.0.4 6789;fd00:1::5 6790;' '[mon.a]' 'mon addr = 10.0.0.4:6789 ; old' \
    '[mon.b]' '  mon_addr = "[fd00:1::5]:6790"' '[osd.0]' 'mon_addr = 10.9.9.9'
reads '10.0.0.1 -;' 'mon_host = 10.0.0.1' '[mon.a]' 'mon addr = 10.0.0.4:6789'

for bad in 10.0.0.300 '10.0.0.1:70000' 'fd00::1::2' '[v2:10.0.0.1:3300' \
    'http://mon' 127.1; do
    said "mon_host = $bad"
    refuses "$bad is refused" 'not a list of monitor addresses' render
done
said 'mon_host ='
refuses 'none is' 'names no monitors' render

tap_done
