# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# tests/lib/cluster.sh - a whole Ceph cluster on one address, for one test
#
#     cluster_start [NAME [ADDRESS]]      'ceph' on 127.0.0.1 by default
#     cluster_stop
#
# Monitors, a manager and one OSD of the machine's Ceph packages, cephx on,
# with pools images, vms and volumes, and the users
#
#     client.admin    everything
#     client.remora   what remora's documentation asks for, and no more
#     client.glance   writes images
#
# whose keyrings are /etc/ceph/NAME.client.USER.keyring beside NAME.conf.
#
# Contract: call inside a bed (bed.sh). cluster_start returns when clients can
#           read and write and the manager takes commands; it fails with a
#           line on stderr and the ends of the logs. Several clusters may run
#           side by side on different addresses: cluster_use NAME says which
#           one the other verbs mean.
# Reads:    CLUSTER_MONS    1 to 3 monitors (a, b, c), on successive ports of
#                           the address: v2 from 3300, v1 from 6789
#           CLUSTER_STORE   memstore (default) or bluestore
#           CLUSTER_BYTES   size of the OSD, 4 GiB by default

CLUSTER=ceph
CLUSTER_POOLS=(images vms volumes)
CLUSTER_REMORA_CAPS='profile rbd pool=vms, profile rbd pool=volumes, '
CLUSTER_REMORA_CAPS+='profile rbd-read-only pool=images'
declare -A CLUSTER_FSID CLUSTER_ADDRESS
# Of NAME/DAEMON, as in ceph/osd.0.
declare -A CLUSTER_PID

cluster_use()
{
    CLUSTER=$1
    CLUSTER_HOME=$BED/cluster/$1
    CLUSTER_CONF=/etc/ceph/$1.conf
}

# The cluster's own tools, as client.admin.
cluster_ceph()
{
    ceph -c "$CLUSTER_CONF" "$@"
}

cluster_rbd()
{
    rbd -c "$CLUSTER_CONF" "$@"
}

cluster_fsid()
{
    printf '%s\n' "${CLUSTER_FSID[$CLUSTER]}"
}

# cluster_key USER: the secret key of client.USER.
cluster_key()
{
    ceph-authtool --print-key --name "client.$1" \
        "/etc/ceph/$CLUSTER.client.$1.keyring"
}

# ---- configuration ---------------------------------------------------------

cluster_mon_ids()
{
    local all=(a b c)
    printf '%s\n' "${all[@]:0:${CLUSTER_MONS:-1}}"
}

# cluster_mon_ports ID: v2 and v1.
cluster_mon_ports()
{
    case $1 in
    a) echo 3300 6789 ;;
    b) echo 3301 6790 ;;
    c) echo 3302 6791 ;;
    esac
}

# The address as a host part: IPv6 in brackets.
cluster_host()
{
    local address=${CLUSTER_ADDRESS[$CLUSTER]}
    case $address in
    *:*) printf '[%s]' "$address" ;;
    *) printf '%s' "$address" ;;
    esac
}

cluster_mon_addrs()
{
    local v2 v1 host
    host=$(cluster_host)
    read -r v2 v1 < <(cluster_mon_ports "$1")
    printf '[v2:%s:%s,v1:%s:%s]' "$host" "$v2" "$host" "$v1"
}

# As libvirt's XML wants the monitors (v1 ports).
cluster_hosts_xml()
{
    local id v1
    for id in $(cluster_mon_ids); do
        read -r _ v1 < <(cluster_mon_ports "$id")
        printf "<host name='%s' port='%s'/>" \
            "${CLUSTER_ADDRESS[$CLUSTER]}" "$v1"
    done
}

cluster_write_conf()
{
    local id hosts='' address=${CLUSTER_ADDRESS[$CLUSTER]} ipv6=false
    for id in $(cluster_mon_ids); do
        hosts+=${hosts:+,}$(cluster_mon_addrs "$id")
    done
    case $address in *:*) ipv6=true ;; esac
    cat >"$CLUSTER_CONF" <<CONF
[global]
fsid = ${CLUSTER_FSID[$CLUSTER]}
mon_host = $hosts
public_addr = $address
cluster_addr = $address
ms_bind_ipv6 = $ipv6
ms_bind_ipv4 = $([ $ipv6 = true ] && echo false || echo true)
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx
auth_allow_insecure_global_id_reclaim = false
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 8
osd_pool_default_pgp_num = 8
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_allow_pool_delete = true
run_dir = $CLUSTER_HOME
admin_socket = $CLUSTER_HOME/\$name.asok
pid_file =
log_file = $BED/log/$CLUSTER-\$name.log
log_to_stderr = false
err_to_stderr = true
mon_cluster_log_to_file = false
crash_dir = $CLUSTER_HOME
mon_data = $CLUSTER_HOME/\$name
osd_data = $CLUSTER_HOME/\$name
mgr_data = $CLUSTER_HOME/\$name
# The bed's file systems are small and in memory: never out of space for it.
mon_data_avail_crit = 1
mon_data_avail_warn = 1
# One node has nobody to wait for: changes of the maps go out at once.
paxos_propose_interval = 0.02
paxos_min_wait = 0.01
mon_tick_interval = 1
mon_lease = 2
mgr_tick_period = 1
mgr_stats_period = 1
osd_objectstore = ${CLUSTER_STORE:-memstore}
# memstore writes its objects down only when it ends in good order.
osd_fast_shutdown = false
memstore_device_bytes = ${CLUSTER_BYTES:-4294967296}
bluestore_block_size = ${CLUSTER_BYTES:-4294967296}
bluestore_block_db_create = false
bluestore_block_wal_create = false
osd_memory_target = 939524096
osd_class_update_on_start = false
# In units of 20 s: how long an OSD may stand still before it wants to be told by
# others that it may be read. One that is alone was seen to wait for that for ever.
osd_pool_default_read_lease_ratio = 30
[mon]
keyring = $CLUSTER_HOME/keyring
[osd]
keyring = $CLUSTER_HOME/keyring
[mgr]
keyring = $CLUSTER_HOME/keyring
[client]
log_file =
admin_socket =
keyring = /etc/ceph/$CLUSTER.\$name.keyring
CONF
}

# cluster_user NAME CAP...: a keyring of its own, and a place in the one that
# the monitors begin with, so that nobody has to ask them for it.
cluster_user()
{
    local name=client.$1 keyring=/etc/ceph/$CLUSTER.client.$1.keyring
    shift
    ceph-authtool --create-keyring --gen-key --name "$name" "$keyring" \
        "$@" >/dev/null
    chmod 0600 "$keyring"
    cat "$keyring" >>"$CLUSTER_HOME/keyring"
}

cluster_daemon_key()
{
    local name=$1
    shift
    ceph-authtool --create-keyring --gen-key --name "$name" \
        "$CLUSTER_HOME/key" "$@" >/dev/null
    cat "$CLUSTER_HOME/key" >>"$CLUSTER_HOME/keyring"
    rm "$CLUSTER_HOME/key"
}

cluster_write_keys()
{
    (
        umask 077
        : >"$CLUSTER_HOME/keyring"
        cluster_daemon_key mon. --cap mon 'allow *'
        cluster_daemon_key mgr.x --cap mon 'allow profile mgr' \
            --cap osd 'allow *' --cap mds 'allow *'
        cluster_daemon_key osd.0 --cap mon 'allow profile osd' \
            --cap mgr 'allow profile osd' --cap osd 'allow *'
        cluster_user admin --cap mon 'allow *' --cap osd 'allow *' \
            --cap mgr 'allow *' --cap mds 'allow *'
        cluster_user remora --cap mon 'profile rbd' \
            --cap osd "$CLUSTER_REMORA_CAPS" \
            --cap mgr 'profile rbd pool=vms, profile rbd pool=volumes'
        cluster_user glance --cap mon 'profile rbd' \
            --cap osd 'profile rbd pool=images' \
            --cap mgr 'profile rbd pool=images'
    )
}

# ---- daemons ---------------------------------------------------------------

# cluster_daemon TYPE ID OPTION...: in the foreground. In /, for some packages
# look for an OSD's classes below the directory that it was started in.
cluster_daemon()
{
    cd / && exec "ceph-$1" -c "$CLUSTER_CONF" --cluster "$CLUSTER" -i "${@:2}"
}

# cluster_spawn DAEMON: mon.a, mgr.x, osd.0. As a child of ours, so that its
# pid is known.
cluster_spawn()
{
    cluster_daemon "${1%%.*}" "${1#*.}" -f \
        >>"$BED/log/$CLUSTER-$1.out" 2>&1 </dev/null &
    CLUSTER_PID[$CLUSTER/$1]=$!
    disown
}

cluster_pid()
{
    printf '%s\n' "${CLUSTER_PID[$CLUSTER/$1]-}"
}

# The codename of the Ceph that is installed, as in 'ceph version 16.2.15 (...)
# pacific (stable)'. None starts with the map of one that is much older.
cluster_release()
{
    ceph-mon --version | sed -n 's/^ceph version [^ ]* ([^)]*) \([a-z]*\).*/\1/p'
}

cluster_mons_make()
{
    local id args=()
    for id in $(cluster_mon_ids); do
        args+=(--addv "$id" "$(cluster_mon_addrs "$id")")
    done
    monmaptool --create --clobber --fsid "${CLUSTER_FSID[$CLUSTER]}" \
        --set-min-mon-release "$(cluster_release)" "${args[@]}" \
        "$CLUSTER_HOME/monmap" >/dev/null || return 1
    for id in $(cluster_mon_ids); do
        mkdir "$CLUSTER_HOME/mon.$id"
        (cluster_daemon mon "$id" --mkfs --monmap "$CLUSTER_HOME/monmap" \
            --keyring "$CLUSTER_HOME/keyring") || return 1
    done
}

# The OSD's disk is made while the monitors elect.
cluster_osd_make()
{
    local uuid=$1
    mkdir "$CLUSTER_HOME/osd.0"
    (cluster_daemon osd 0 --mkfs --osd-uuid "$uuid") \
        >>"$BED/log/$CLUSTER-osd.0.out" 2>&1
}

# All commands in one connection: starting the tool costs more than they do.
cluster_setup_pools()
{
    local uuid=$1 pool
    {
        echo "osd new $uuid 0"
        for pool in "${CLUSTER_POOLS[@]}"; do
            echo "osd pool create $pool 8"
            echo "osd pool application enable $pool rbd"
        done
        echo 'config set global mon_warn_on_pool_no_redundancy false'
        # It would make a pool of its own, some time later.
        echo 'config set mgr mgr/devicehealth/enable_monitoring false --force'
        # Modules that the packages' Python cannot load; none is needed.
        echo 'health mute MGR_MODULE_DEPENDENCY --sticky'
    } | cluster_ceph >"$CLUSTER_HOME/setup.out" 2>&1
    # The tool's interactive mode ends with 0 whatever happened.
    ! grep -q -i '^error' "$CLUSTER_HOME/setup.out"
}

# A client that finds no OSD yet asks for a newer map every 5 s; this one is
# told to look oftener.
cluster_pools_init()
{
    local pool
    for pool in "${CLUSTER_POOLS[@]}"; do
        bed_timeout 30 rbd -c "$CLUSTER_CONF" --objecter-tick-interval 0.1 \
            pool init "$pool" || return 1
    done
}

cluster_mgr_ready()
{
    [ "$(cluster_ceph --connect-timeout 20 mgr dump -f json |
        jq .available)" = true ]
}

cluster_complain()
{
    local log
    printf 'cluster %s: %s\n' "$CLUSTER" "$*"
    for log in "$CLUSTER_HOME/setup.out" "$BED/log/$CLUSTER"-*; do
        [ -s "$log" ] || continue
        printf -- '--- %s\n' "$log"
        tail -n 8 "$log"
    done
    return 1
} >&2

cluster_start()
{
    local name=${1:-ceph} address=${2:-127.0.0.1} id uuid make
    cluster_use "$name"
    CLUSTER_ADDRESS[$name]=$address
    CLUSTER_FSID[$name]=$(</proc/sys/kernel/random/uuid)
    uuid=$(</proc/sys/kernel/random/uuid)
    mkdir -p "$CLUSTER_HOME"
    cluster_write_conf
    cluster_write_keys || { cluster_complain 'no keys'; return 1; }

    cluster_osd_make "$uuid" &
    make=$!
    cluster_mons_make || { cluster_complain 'no monitors'; return 1; }
    for id in $(cluster_mon_ids); do
        cluster_spawn "mon.$id"
    done
    cluster_spawn mgr.x
    cluster_setup_pools "$uuid" ||
        { cluster_complain 'no pools'; return 1; }
    wait "$make" || { cluster_complain 'no disk for the OSD'; return 1; }
    cluster_spawn osd.0
    cluster_pools_init ||
        { cluster_complain 'the pools do not answer'; return 1; }
    bed_wait 60 cluster_mgr_ready ||
        { cluster_complain 'the manager does not answer'; return 1; }
}

# cluster_end DAEMON: as an administrator stops it.
cluster_end()
{
    local pid
    pid=$(cluster_pid "$1")
    [ -n "$pid" ] || return 0
    kill -CONT "$pid" 2>/dev/null
    bed_end "$pid"
    unset "CLUSTER_PID[$CLUSTER/$1]"
}

cluster_stop()
{
    local daemon
    for daemon in osd.0 mgr.x mon.c mon.b mon.a; do
        cluster_end "$daemon"
    done
    rm -rf "$CLUSTER_HOME" "$CLUSTER_CONF" /etc/ceph/"$CLUSTER".client.*
}

# ---- faults ----------------------------------------------------------------

# cluster_kill DAEMON: as a power failure stops it. An OSD needs bluestore for
# that: what memstore had would be gone, and the cluster with it.
cluster_kill()
{
    local pid
    if [ "$1" = osd.0 ] &&
        grep -q '^osd_objectstore = memstore' "$CLUSTER_CONF"; then
        echo 'cluster_kill osd.0 needs CLUSTER_STORE=bluestore' >&2
        return 1
    fi
    pid=$(cluster_pid "$1")
    kill -KILL "$pid" && bed_wait 10 bed_gone "$pid"
    unset "CLUSTER_PID[$CLUSTER/$1]"
}

cluster_pause()
{
    kill -STOP "$(cluster_pid "$1")"
}

cluster_resume()
{
    kill -CONT "$(cluster_pid "$1")"
}

cluster_pause_osd()
{
    cluster_pause osd.0
}

cluster_resume_osd()
{
    cluster_resume osd.0
}

cluster_pause_mon()
{
    cluster_pause "mon.${1:-a}"
}

cluster_resume_mon()
{
    cluster_resume "mon.${1:-a}"
}

cluster_stop_osd()
{
    cluster_end osd.0
}

cluster_start_osd()
{
    cluster_spawn osd.0
}

cluster_stop_mon()
{
    cluster_end "mon.${1:-a}"
}

cluster_start_mon()
{
    cluster_spawn "mon.${1:-a}"
}

cluster_stop_mgr()
{
    cluster_end mgr.x
}

cluster_start_mgr()
{
    cluster_spawn mgr.x
}

# cluster_has_tasks: the manager has a task queue ('ceph rbd task'). Debian 13's has
# none: Python refuses to load what its module rbd_support imports.
cluster_has_tasks()
{
    bed_wait 20 cluster_mgr_knows_modules
    cluster_ceph mgr dump -f json | jq -e '.available_modules[] |
        select(.name == "rbd_support").can_run' >/dev/null
}

cluster_mgr_knows_modules()
{
    cluster_ceph mgr dump -f json |
        jq -e '.available_modules | length > 0' >/dev/null
}

# cluster_stall POOL: what is asked of it waits, as one OSD cannot keep two
# copies; returns when that is so.
cluster_stall()
{
    cluster_ceph osd pool set "$1" size 2 &&
        cluster_ceph osd pool set "$1" min_size 2 &&
        bed_wait 30 eval "! cluster_answers $1 nothing"
} >/dev/null 2>&1

# cluster_unstall POOL: whoever waited goes on.
cluster_unstall()
{
    cluster_ceph osd pool set "$1" min_size 1
    cluster_ceph osd pool set "$1" size 1 --yes-i-really-mean-it
} >/dev/null 2>&1

# cluster_answers POOL OBJECT: within a second, whether it is there or not.
cluster_answers()
{
    local said
    said=$(timeout 1 rados -c "$CLUSTER_CONF" -p "$1" stat "$2" 2>&1)
    case $?:$said in
    0:* | *'No such file'*) ;;
    *) return 1 ;;
    esac
}

# cluster_pg POOL OBJECT: the placement group that it is in.
cluster_pg()
{
    cluster_ceph osd map "$1" "$2" -f json | jq -r .pgid
}

# An OSD that never runs and that nothing is placed on, for cluster_stall_pg.
cluster_nobody()
{
    cluster_ceph osd crush reweight osd.0 1000 &&
        cluster_ceph osd new "$(</proc/sys/kernel/random/uuid)" 1 &&
        cluster_ceph osd crush add osd.1 0.0001 root=default host=nobody &&
        cluster_ceph osd in 1 && cluster_ceph osd set noout
} >/dev/null 2>&1

# cluster_stall_pg POOL OBJECT: what is asked of the placement group that the
# object is in waits, for it is mapped to nobody; of the others nothing does.
cluster_stall_pg()
{
    cluster_ceph osd dump -f json | jq -e '.osds[] | select(.osd == 1)' ||
        cluster_nobody || return 1
    cluster_ceph osd pg-upmap "$(cluster_pg "$1" "$2")" 1 &&
        bed_wait 30 eval "! cluster_answers $1 $2"
} >/dev/null 2>&1

cluster_unstall_pg()
{
    cluster_ceph osd rm-pg-upmap "$(cluster_pg "$1" "$2")" &&
        bed_wait 30 cluster_answers "$1" "$2"
} >/dev/null 2>&1

# ---- images ----------------------------------------------------------------

# cluster_add_image FILE UUID: what Glance leaves in its pool, without Glance.
cluster_add_image()
{
    local glance=(rbd -c "$CLUSTER_CONF" --id glance)
    "${glance[@]}" import --no-progress --object-size 8M "$1" "images/$2" &&
        "${glance[@]}" snap create --no-progress "images/$2@snap" &&
        "${glance[@]}" snap protect "images/$2@snap"
}

# cluster_add_clone UUID DISK [SIZE]: a clone by hand, as client.remora.
cluster_add_clone()
{
    local remora=(rbd -c "$CLUSTER_CONF" --id remora)
    "${remora[@]}" clone --rbd-default-clone-format 2 "images/$1@snap" \
        "vms/$2" || return 1
    [ -z "${3-}" ] ||
        "${remora[@]}" resize --no-progress --size "$3" "vms/$2"
}

# cluster_watchers POOL/IMAGE: one client address a line.
cluster_watchers()
{
    cluster_rbd status --format json "$1" | jq -r '.watchers[].address'
}

# The clients that are cut off, one address a line.
cluster_blocklist()
{
    cluster_ceph osd blocklist ls --format json 2>/dev/null |
        jq -r '.[].addr'
}

# The clients that have a session with a monitor, one address a line.
cluster_living()
{
    local id
    for id in $(cluster_mon_ids); do
        cluster_ceph tell "mon.$id" sessions 2>/dev/null |
            jq -r '.[].addrs.addrvec[] | "\(.addr)/\(.nonce)"'
    done | sort -u
}

# What must not be at the end of a test: a living client that is cut off, alone or
# with all of its host. One that has just ended has its session for another moment.
cluster_cut_off()
{
    bed_wait 15 eval '[ -z "$(cluster_cut_off_now)" ]' || cluster_cut_off_now
}

cluster_cut_off_now()
{
    local living
    living=$(cluster_living)
    [ -n "$living" ] || echo 'the monitors know nobody'
    awk 'FNR == NR { cut[$0]; next }
        { all = $0; sub(/:[0-9]+\/[0-9]+$/, ":0/0", all) }
        $0 in cut || all in cut' <(cluster_blocklist) <(echo "$living")
}

cluster_use ceph
