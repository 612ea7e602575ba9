#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/grow.t - the short way makes the same disk as librbd
#
# The same disk is made twice: without opening image or clone, and by librbd.
# Everything that can be read of the two must be the same, from the bytes of
# header and object map before anybody has opened them, to what is left after
# their removal. What differs by its nature is named in says(): ids and times.
# And whoever opens an image leaves the attribute of a lock behind, held by nobody.
#
# Needs: root, the packages of lib/packages.sh, REMORA_BUILD (a build tree).
# Reads: REMORA_FULL   each combination of features that 'clone.features' allows,
#                      and of each all that becomes of a disk; else one for each
#                      way that there is, and all that only of the default
#
# shellcheck source-path=SCRIPTDIR
here=$(dirname -- "$(realpath -- "$0")")/..
. "$here/lib/tap.sh"
. "$here/lib/bed.sh"
. "$here/lib/cluster.sh"
. "$here/lib/guest.sh"

IMAGE=0a64fa67-3e34-42e7-b7b0-423c11850e18
PARENT=images/$IMAGE@snap
OWNER=982b8eac-6bcc-4a21-bd04-b67e26188be0
TRY=${REMORA_BUILD-}/tests/integration/store-try
MiB=$((1024 * 1024))
# Not a whole number of objects.
SIZE=$((99 * MiB + 512))
# What librbd opens, reads again and closes costs more than this.
OPERATIONS=35

# librbd's numbers.
LOCK=4 MAP=8 FAST_DIFF=16 FLATTEN=32 JOURNAL=64

parts()
{
    ok 'a cluster starts' cluster_start || bail 'no cluster'
    guest_image 16M 'a golden image' off "$BED/tmp/golden" || bail 'no image'
    ok 'an image' cluster_add_image "$BED/tmp/golden" "$IMAGE"
    # A clone inherits it, and only its own mark may count.
    ok 'with metadata' rbd --id glance image-meta set "images/$IMAGE" \
        remora.ready 'id=x owner=y' || bail 'no metadata'
    rbd --id glance image-meta set "images/$IMAGE" note 'of the parent'
}

# ---- the two of them -------------------------------------------------------

# make WAY FEATURES SIZE: vms/WAY.
make()
{
    STORE_TRY_GROW=$1 STORE_TRY_FEATURES=$2 \
        "$TRY" provision "vms/$1" "$PARENT" "$3" "$OWNER"
}

# By the name's own object, for an open image says it in another way.
id_of()
{
    rados -p vms get "rbd_id.$1" - | tail -c +5
}

# How many operations the OSD has been asked for.
operations()
{
    ceph daemon "$CLUSTER_HOME/osd.0.asok" perf dump osd | jq .osd.op
}

# header_says ID: each key and its value's bytes. Of times, that they are there.
header_says()
{
    local key value=$BED/tmp/value
    for key in $(rados -p vms listomapkeys "rbd_header.$1"); do
        rados -p vms getomapval "rbd_header.$1" "$key" "$value" >/dev/null 2>&1
        printf '%s: ' "$key"
        case $key in
        *_timestamp) echo "$(wc -c <"$value") bytes" ;;
        object_prefix) tail -c +5 "$value" && echo ;;
        metadata_*) cat "$value" && echo ;;
        *) xxd -p -c 256 "$value" ;;
        esac
    done
}

map_says()
{
    rados -p vms stat "rbd_object_map.$1" >/dev/null 2>&1 &&
        rados -p vms get "rbd_object_map.$1" - | xxd -p -c 256
}

watchers()
{
    rados -p vms listwatchers "rbd_header.$(id_of "$1")"
}

# What is left of a lock that was let go has nobody in it.
holders()
{
    rbd lock ls "vms/$1"
}

# says NAME COMMAND...: what it says of that one, without name, ids and times. In
# the command %n is its name and %i its id.
says()
{
    local name=$1 id
    id=$(id_of "$name")
    shift
    set -- "${@//%n/$name}"
    "${@//%i/$id}" 2>&1 | tr '\r' '\n' | sed -e "s/$id/ID/g" \
        -e "s/\b$name\b/NAME/g" -e 's/\(instance\|since\)=[^ ]*/\1=/g' \
        -e '/timestamp/s/:.*//' -e 's/"\(snapshot_\)\?id": *[0-9]*/"\1id"/g' \
        -e '/^snap_seq: 0*[1-9a-f]/s/:.*//'
}

# same TITLE COMMAND...: it says the same of both, and something.
same()
{
    local title="$KIND: $1" direct
    shift
    direct=$(says direct "$@")
    is "$title" "$direct" "$(says librbd "$@")"
    [ -n "$direct" ] || fail "$title: it says nothing"
}

# does TITLE COMMAND...: it succeeds with both.
does()
{
    local title="$KIND: $1" name
    shift
    for name in direct librbd; do
        ok "$title: $name" "${@//%n/$name}"
    done
}

# Where a guest's librbd writes: in the parent's part, where the image grew, at
# its very end.
guest_writes()
{
    qemu-io -f raw "rbd:vms/$1:id=admin" -c 'write -P 7 1M 64k' \
        -c 'write -P 8 50M 64k' -c "write -P 9 $(($2 - 512)) 512"
}

# map_is_valid NAME: rbd has no word for it but silence.
map_is_valid()
{
    local said
    said=$(rbd object-map check --no-progress "vms/$1" 2>&1) || return
    [ -z "$said" ] && rbd info --format json "vms/$1" |
        jq -e '.flags == []'
}

# ---- one combination -------------------------------------------------------

# Before anybody has opened them.
as_made()
{
    same 'the header, key by key' header_says %i
    is "$KIND: nobody watches" "$(watchers direct; watchers librbd)" ''
    if rados -p vms stat "rbd_object_map.$(id_of direct)" >/dev/null 2>&1
    then
        same 'the bytes of the object map' map_says %i
    fi
    is "$KIND: nobody holds a lock" "$(holders direct; holders librbd)" ''
}

as_read()
{
    same "$1: rbd info" rbd info --format json vms/%n
    same "$1: the metadata" rbd image-meta ls --format json vms/%n
    same "$1: rbd du" rbd du --format json vms/%n
    [ -z "${HAS_MAP-}" ] || does "$1: the object map is valid" map_is_valid %n
    same "$1: the content" content vms/%n
}

content()
{
    rbd export --no-progress "$1" - 2>/dev/null | md5sum
}

as_used()
{
    local size=$1
    does 'a guest writes' guest_writes %n "$size"
    as_read 'written to'
    does 'a snapshot' rbd snap create --no-progress vms/%n@one
    does 'a guest writes again' guest_writes %n $((60 * MiB))
    same 'its snapshots' rbd snap ls --format json vms/%n
    same 'what has changed since' rbd diff --format json --from-snap one vms/%n
    as_read 'with a snapshot'
    does 'more' rbd resize --no-progress --size 120M vms/%n
    as_read 'enlarged'
    does 'less' rbd resize --no-progress --allow-shrink --size 40M vms/%n
    as_read 'made smaller'
    does 'a copy of its own' rbd flatten --no-progress vms/%n
    as_read 'flattened'
    does 'no snapshot any more' rbd snap rm --no-progress vms/%n@one
    same 'the header in the end' header_says %i
}

# nothing_of ID...: none of the pool's objects has to do with them any more. What
# a snapshot kept of the data goes some time later.
nothing_of()
{
    ! rados -p vms ls | grep -F -e "$1" -e "$2" -e .direct -e .librbd
}

removed()
{
    local ids
    ids=("$(id_of direct)" "$(id_of librbd)")
    does 'removed' rbd rm --no-progress vms/%n
    wait_until "$KIND: nothing is left of it" 30 nothing_of "${ids[@]}"
    is "$KIND: the parent has no clones" "$(rbd children "$PARENT")" ''
}

# How many operations each way took.
cost()
{
    local before
    before=$(operations)
    make "$1" "$2" "$3" >/dev/null || return
    echo $(($(operations) - before))
}

# made FEATURES SIZE: both; and the short way was one.
made()
{
    local direct librbd
    direct=$(cost direct "$1" "$2")
    librbd=$(cost librbd "$1" "$2")
    diag "$KIND: $direct operations, by librbd $librbd"
    if [ -n "${LEFT-}" ] || [ $(($1 & JOURNAL)) != 0 ]; then
        ok "$KIND: both are librbd's work" \
            [ $((librbd - direct)) -lt "$OPERATIONS" ]
    else
        ok "$KIND: librbd takes at least $OPERATIONS operations more" \
            [ $((librbd - direct)) -ge "$OPERATIONS" ]
    fi
}

names_of()
{
    local names=layering
    [ $(($1 & LOCK)) = 0 ] || names+=,exclusive-lock
    [ $(($1 & MAP)) = 0 ] || names+=,object-map
    [ $(($1 & FAST_DIFF)) = 0 ] || names+=,fast-diff
    [ $(($1 & FLATTEN)) = 0 ] || names+=,deep-flatten
    [ $(($1 & JOURNAL)) = 0 ] || names+=,journaling
    [ "$1" != 0 ] || names="the cluster's default"
    echo "$names"
}

# as_large FEATURES: nothing is grown.
as_large()
{
    KIND="$(names_of "$1"), as large as the parent"
    made "$1" 0
    as_made
    same 'rbd info' rbd info --format json vms/%n
    removed
}

# larger FEATURES [used]
larger()
{
    HAS_MAP=
    [ "$1" != 0 ] && [ $(($1 & MAP)) = 0 ] || HAS_MAP=yes
    KIND=$(names_of "$1")${STORE_TRY_DATA_POOL:+, its data elsewhere}
    KIND+=${STORE_TRY_OBJECT_SIZE:+, in larger objects}
    made "$1" "$SIZE"
    as_made
    as_read 'new'
    [ -z "${2-}" ] || as_used "$SIZE"
    removed
}

# Each set that conf_features_check() lets pass.
combinations()
{
    local set
    for ((set = 1; set < 128; set += 4)); do
        [ $((set & MAP)) = 0 ] || [ $((set & LOCK)) != 0 ] || continue
        [ $((set & FAST_DIFF)) = 0 ] || [ $((set & MAP)) != 0 ] || continue
        [ $((set & JOURNAL)) = 0 ] || [ $((set & LOCK)) != 0 ] || continue
        as_large "$set"
        # With a journal the same hands made both.
        if [ $((set & JOURNAL)) = 0 ]; then
            larger "$set" used
        else
            larger "$set"
        fi
    done
}

# Beside the default, which has object map and header written: only the header,
# and what is left to librbd.
ways()
{
    larger $((1 | LOCK))
    larger $((1 | LOCK | MAP | JOURNAL))
}

# left WHAT BEFORE AFTER: with that, librbd makes it, and so the same.
left()
{
    local LEFT=yes
    KIND="left to librbd: $1"
    ok "$KIND" eval "$2"
    made 0 "$SIZE"
    same 'rbd info' rbd info --format json vms/%n
    removed
    ok "$KIND: not any more" eval "$3"
}

lefts()
{
    left 'a default of the pool' \
        'rbd config pool set vms rbd_default_data_pool volumes' \
        'rbd config pool rm vms rbd_default_data_pool'
    left 'a default of all clients' \
        'ceph config set client rbd_default_data_pool volumes' \
        'ceph config rm client rbd_default_data_pool'
    left 'much metadata' \
        'rbd image-meta set "images/$IMAGE" long "$(printf %5000d 0)"' \
        'rbd image-meta rm "images/$IMAGE" long'
    left "metadata of librbd's own" \
        'rbd image-meta set "images/$IMAGE" .rbd_mirror.x "resync"' \
        'rbd image-meta rm "images/$IMAGE" .rbd_mirror.x'
    left 'a pool that was not initialised' 'rados -p vms rm rbd_info' true
    PARENT=images/striped@snap left 'a parent with stripes' striped true
}

striped()
{
    local glance=(rbd --id glance)
    "${glance[@]}" create --size 16M --stripe-unit 64K --stripe-count 2 \
        images/striped && "${glance[@]}" snap create --no-progress "$PARENT"
}

# It fails at the last step but one, and what was written until then goes.
not_permitted()
{
    local key caps=()
    for key in mon osd mgr; do
        caps+=("$key" "$(ceph auth get client.remora --format json |
            jq -r ".[0].caps.$key // empty")")
    done
    ok 'a user that may not tell the parent' ceph auth caps client.remora \
        mon 'profile rbd' osd 'profile rbd pool=vms, allow r class-read pool=images'
    refuses 'its disk is refused' 'not permitted' make direct 0 "$SIZE"
    is 'nothing is left of it' "$(rados -p vms ls |
        grep -v -e '^rbd_directory$' -e '^rbd_info$' -e '^rbd_trash$')" ''
    is 'not even a name' "$(rbd ls vms; rados -p vms listomapkeys rbd_directory)" ''
    is 'nor in the trash' "$(rbd trash ls --all vms)" ''
    is 'the parent has no clones' "$(rbd children "$PARENT")" ''
    ok 'the user may again' ceph auth caps client.remora "${caps[@]}"
}

inside()
{
    [ -x "$TRY" ] || bail 'REMORA_BUILD names no build tree'
    parts
    as_large 0
    larger 0 used
    if [ -n "${REMORA_FULL-}" ]; then
        combinations
    else
        ways
    fi
    STORE_TRY_DATA_POOL=volumes larger 61 "${REMORA_FULL:+used}"
    STORE_TRY_OBJECT_SIZE=$((16 * MiB)) larger 0 "${REMORA_FULL:+used}"
    lefts
    not_permitted
}

bed_enter "$0" "$@"
inside
tap_done
