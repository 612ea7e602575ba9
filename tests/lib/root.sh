# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# tests/lib/root.sh - another release of Debian, as a root to run something in
#
#     root_use RELEASE                  sets ROOT
#     root_make                         unless there is one; ROOT_CANNOT: from
#                                       here there is no way to make one
#     root_enter CHECKOUT COMMAND...    goes on in it, in a copy of the work tree
#
# A root is a folder below ROOT_CACHE, with what debootstrap puts there and
# what was installed since. One that is older than a week is made anew.
#
# Contract: all are called in a mount and a PID namespace of the caller's own
#           (bed.sh: bed_apart), so that nothing is mounted on the machine, and
#           what runs in the root ends with the caller. What they write outside
#           of ROOT_CACHE is in memory. apt in the root goes where the machine's
#           goes.
# Needs:    root, the 'root' set of packages.sh, build.sh sourced.
# Reads:    REMORA_CACHE   the folder, /var/cache/remora-tests by default
#           REMORA_MIRROR  where Debian's packages are; by default where the
#                          machine's apt has them from
#           ROOT_KVM       'no': without the machine's /dev/kvm

ROOT_CACHE=${REMORA_CACHE:-/var/cache/remora-tests}
ROOT=
ROOT_RELEASE=
ROOT_SOURCE=/usr/src/remora
# The status where the mirror cannot be reached, or there is no space: nothing was
# tested, and nothing is wrong with what was to be.
ROOT_CANNOT=69
# A root has 2 GB when all is installed, and fetched packages beside that.
ROOT_SPACE_MB=4000

root_use()
{
    ROOT_RELEASE=$1
    ROOT=$(realpath -m -- "$ROOT_CACHE")/$1
}

# ---- making one ------------------------------------------------------------

# Where apt has Debian's packages from here, if from anywhere.
root_mirror()
{
    local mirror=${REMORA_MIRROR-}
    [ -n "$mirror" ] || mirror=$(apt-get indextargets --format '$(REPO_URI)' \
        'Created-By: Packages' 2>/dev/null | grep '^http.*/debian/*$' |
        head -n 1)
    echo "${mirror:-http://deb.debian.org/debian}"
}

# root_reaches MIRROR RELEASE: any answer will do. Mirrors have bad moments.
root_reaches()
{
    local try helper=/usr/lib/apt/apt-helper to
    [ -x "$helper" ] || return 0
    to=$(mktemp) || return
    for try in 1 2 3; do
        [ "$try" = 1 ] || sleep 5
        "$helper" -o Acquire::http::Timeout=20 -o Acquire::Retries=0 \
            download-file "${1%/}/dists/$2/Release" "$to" >/dev/null 2>&1 &&
            break
    done
    [ -s "$to" ]
    local status=$?
    rm -f "$to"
    return "$status"
}

# Whether one can be made here at all; else why not, on stderr.
root_can()
{
    local mirror space
    mirror=$(root_mirror)
    space=$(df --output=avail -m "$ROOT_CACHE" | tail -n 1)
    if [ "$space" -lt "$ROOT_SPACE_MB" ]; then
        echo "'$ROOT_CACHE' has space for $((space)) MB, and Debian" \
            "$ROOT_RELEASE needs $ROOT_SPACE_MB: free some, or set" \
            "REMORA_CACHE" >&2
    elif ! root_reaches "$mirror" "$ROOT_RELEASE"; then
        echo "cannot reach '$mirror' for Debian $ROOT_RELEASE" >&2
    else
        return 0
    fi
    return "$ROOT_CANNOT"
}

# What the machine's apt is told about the way, and about the age of what is
# there.
root_apt_conf()
{
    apt-config dump 2>/dev/null |
        grep -E '^Acquire::(https?::.*|Check-[A-Za-z-]*) '
}

root_proxy()
{
    local proxy
    eval "$(apt-config shell proxy Acquire::http::Proxy 2>/dev/null)"
    echo "${http_proxy:-$proxy}"
}

root_is_fresh()
{
    [ -n "$(find "$ROOT/made" -mtime -7 2>/dev/null)" ]
}

# A half-made one is never taken for one.
root_bootstrap()
{
    local new=$ROOT.new
    rm -rf --one-file-system "$new" "$ROOT"
    mkdir "$new" || return
    http_proxy=$(root_proxy) debootstrap --variant=minbase \
        --include=ca-certificates "$ROOT_RELEASE" "$new" "$(root_mirror)" || return
    # Whoever loses power makes it again.
    echo force-unsafe-io >"$new/etc/dpkg/dpkg.cfg.d/fast"
    root_apt_conf >"$new/etc/apt/apt.conf.d/00machine"
    # Packages are fetched once.
    rm -f "$new"/var/cache/apt/archives/*.deb
    : >"$new/made"
    mv "$new" "$ROOT"
}

# Two that want the same one wait for each other.
root_make()
{
    (
        mkdir -p "$ROOT_CACHE" && exec 9>"$ROOT.lock" && flock 9 || exit
        ! root_is_fresh || exit 0
        root_can && root_bootstrap 9>&-
    )
}

# In the root, in the copy of the work tree: all that the tests need, once.
root_packages()
{
    tests/packages && return
    root_reaches "$(root_mirror)" "$1" && return 1
    echo "cannot reach the mirror for Debian $1" >&2
    return "$ROOT_CANNOT"
}

# ---- going into it ---------------------------------------------------------

# A /dev with what every machine has. /dev/pts is an instance of its own.
root_dev()
{
    local name
    mount -t tmpfs -o mode=0755 dev "$ROOT/dev" && mkdir "$ROOT/dev"/{pts,shm}
    for name in null zero full random urandom tty kvm net/tun; do
        [ -e "/dev/$name" ] || continue
        [ "$name" != kvm ] || [ "${ROOT_KVM-}" != no ] || continue
        mkdir -p "$(dirname "$ROOT/dev/$name")"
        : >"$ROOT/dev/$name"
        mount --bind "/dev/$name" "$ROOT/dev/$name" || return
    done
    mount -t tmpfs -o mode=1777 shm "$ROOT/dev/shm" &&
        mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts \
            "$ROOT/dev/pts" || return
    ln -s pts/ptmx "$ROOT/dev/ptmx"
    ln -s /proc/self/fd "$ROOT/dev/fd"
    ln -s /proc/self/fd/0 "$ROOT/dev/stdin"
    ln -s /proc/self/fd/1 "$ROOT/dev/stdout"
    ln -s /proc/self/fd/2 "$ROOT/dev/stderr"
}

# Names and certificates are looked up as on the machine.
root_network()
{
    local file
    for file in /etc/resolv.conf /etc/hosts \
        /etc/ssl/certs/ca-certificates.crt; do
        [ -e "$file" ] || continue
        [ -e "$ROOT$file" ] || : >"$ROOT$file"
        mount --bind "$(realpath "$file")" "$(realpath "$ROOT$file")" || return
    done
}

root_mounts()
{
    local dir
    mount --make-rprivate / && mount --bind "$ROOT" "$ROOT" || return
    mount -t proc proc "$ROOT/proc" && mount --rbind /sys "$ROOT/sys" &&
        root_dev && root_network || return
    for dir in run tmp var/tmp usr/src; do
        mount -t tmpfs -o mode=1777 root "$ROOT/$dir" || return
    done
    chmod 0755 "$ROOT/run" "$ROOT/usr/src" && mkdir "$ROOT/run/lock"
}

# The old root is unmounted: from here on there is no way to the machine's files.
root_enter()
{
    local top=$1
    shift
    root_mounts && mkdir "$ROOT$ROOT_SOURCE" &&
        build_copy "$top" "$ROOT$ROOT_SOURCE" || return
    cd "$ROOT" && pivot_root . . && umount -l . && cd "$ROOT_SOURCE" || return
    exec env -i HOME=/root TERM="${TERM-dumb}" LC_ALL=C.UTF-8 CI="${CI-}" \
        REMORA_VIRT="${REMORA_VIRT-}" \
        REMORA_TEST_TIMEOUT="${REMORA_TEST_TIMEOUT-}" \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        "$@"
}
