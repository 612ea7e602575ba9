# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# tests/lib/packages.sh - what building and testing needs of Debian
#
#     packages_install build run
#     packages_units DIRECTORY     libvirt's systemd units, into a new one
#     packages_kernel DIRECTORY    a kernel for guests, likewise
#
# One list for all releases: where a release has split a package, its parts are
# in PACKAGES_SPLIT, and those that apt knows here are wanted.
#
# Contract: installs what is missing and says what, starts no service, asks
#           nothing. Leaves apt alone when everything is there already;
#           packages_units and packages_kernel always fetch, and install
#           nothing.
# Needs:    root, only if something is missing.

# From a checkout to programs and unit tests.
PACKAGES_BUILD=(
    autoconf automake binutils gcc git libc6-dev make perl pkg-config xz-utils
    libcmocka-dev libconfig-dev libglib2.0-dev libjansson-dev
    librados-dev librbd-dev libsmartcols-dev libssl-dev libvirt-dev libxml2-dev
)

# A cluster, a libvirtd and guests in a bed, and what the tests look with.
PACKAGES_RUN=(
    binutils
    busybox-static
    ceph-common ceph-mgr ceph-mon ceph-osd
    dosfstools e2fsprogs xfsprogs
    iproute2 jq procps util-linux
    libvirt-clients libvirt-daemon libvirt-daemon-driver-qemu
    libvirt-daemon-driver-storage-rbd
    libxml2-utils
    python3-cinder
    python3-glance-store
    python3-libvirt
    qemu-block-extra qemu-system-x86 qemu-utils
    spin
    systemd
    virtinst
    xorriso
    zsh
)

# What reads the sources and looks at how the programs run.
PACKAGES_LINT=(clang-format cppcheck shellcheck valgrind)

# What fuzzes (tests/fuzz/run).
PACKAGES_FUZZ=(clang libclang-rt-dev)

# Another release, beside this one.
PACKAGES_ROOT=(debootstrap debian-archive-keyring util-linux)

# Drivers of libvirt: up to Debian 12 in libvirt-daemon.
PACKAGES_SPLIT=(
    libvirt-daemon-driver-secret
    libvirt-daemon-driver-storage
)

# Those of the names that apt has here, one a line.
packages_known()
{
    ! command -v apt-cache >/dev/null ||
        apt-cache pkgnames | grep -x -F "$(printf '%s\n' "$@")"
}

# A new machine has no lists yet, and apt knows nothing of what to install.
packages_lists()
{
    [ -n "$(compgen -G '/var/lib/apt/lists/*_Packages*')" ] ||
        { [ "$(id -u)" = 0 ] && apt-get -qq update; }
}

packages_of()
{
    local set
    for set in "$@"; do
        case $set in
        build) printf '%s\n' "${PACKAGES_BUILD[@]}" ;;
        run)
            printf '%s\n' "${PACKAGES_RUN[@]}"
            packages_known "${PACKAGES_SPLIT[@]}"
            ;;
        lint) printf '%s\n' "${PACKAGES_LINT[@]}" ;;
        fuzz) printf '%s\n' "${PACKAGES_FUZZ[@]}" ;;
        root) printf '%s\n' "${PACKAGES_ROOT[@]}" ;;
        *) echo "no package set '$set'" >&2 && return 1 ;;
        esac
    done | sort -u
}

# Those that are not installed, one a line.
packages_missing()
{
    local name
    packages_of "$@" | while read -r name; do
        # The whole word: there is 'not-installed' too.
        # shellcheck disable=SC2016 # dpkg-query expands it
        dpkg-query -W -f '${db:Status-Status}\n' "$name" 2>/dev/null |
            grep -q -x installed || echo "$name"
    done
}

# In a subshell of its own, so that its trap puts the policy back however the
# installation ends. An administrator's own policy comes back as it was.
packages_apt() (
    policy=/usr/sbin/policy-rc.d
    saved=$policy.before-remora-tests
    put_back()
    {
        rm -f "$policy"
        if [ -e "$saved" ] || [ -L "$saved" ]; then mv "$saved" "$policy"; fi
    }
    # What a killed run left behind is put back first.
    if [ -e "$saved" ] || [ -L "$saved" ]; then put_back; fi
    trap put_back EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    if [ -e "$policy" ] || [ -L "$policy" ]; then mv "$policy" "$saved"; fi
    printf '#!/bin/sh\n# Tests are being installed: no service starts.\n%s\n' \
        'exit 101' >"$policy"
    chmod 0755 "$policy"

    export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 LC_ALL=C.UTF-8
    apt-get -qq update &&
        apt-get -qq -y --no-install-recommends \
            -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold \
            -o DPkg::Lock::Timeout=120 install "$@" </dev/null
)

# Its output is worth reading only if it failed.
packages_apt_quietly()
{
    local output
    output=$(packages_apt "$@" 2>&1) && return
    printf '%s\n' "$output" | tail -n 30 >&2
    return 1
}

packages_install()
{
    local missing
    ! command -v apt-get >/dev/null || packages_lists
    mapfile -t missing < <(packages_missing "$@")
    [ "${#missing[@]}" -gt 0 ] || return 0
    if ! command -v apt-get >/dev/null; then
        echo "missing, and there is no apt-get here: ${missing[*]}" >&2
        return 1
    fi
    if [ "$(id -u)" != 0 ]; then
        echo "missing, and only root can install: ${missing[*]}" >&2
        return 1
    fi
    echo "installing: ${missing[*]}"
    # Mirrors have bad moments; once more is enough to tell.
    packages_apt_quietly "${missing[@]}" || {
        echo 'apt failed; once more in 5 s' >&2
        sleep 5
        packages_apt_quietly "${missing[@]}"
    } || {
        echo "apt cannot install: ${missing[*]}" >&2
        return 1
    }
    mapfile -t missing < <(packages_missing "$@")
    [ "${#missing[@]}" = 0 ]
}

packages_download()
{
    apt-get -qq -o APT::Sandbox::User=root download "$@"
}

# Which package has a unit, and where in it, differs between releases. Out of
# packages that are not installed: that would enable them on the machine.
PACKAGES_UNITS=(libvirt-clients libvirt-daemon libvirt-daemon-common
    libvirt-daemon-lock libvirt-daemon-log libvirt-daemon-system)
LIBVIRT_UNITS=(
    libvirtd.service libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket
    virtlogd.service virtlogd.socket virtlockd.service virtlockd.socket
    libvirt-guests.service virt-guest-shutdown.target
)

packages_units()
{
    local dir=$1 from=$1.package packages package unit
    mapfile -t packages < <(packages_known "${PACKAGES_UNITS[@]}")
    mkdir "$dir" "$from" && cd "$from" || return
    packages_download "${packages[@]}" ||
        { apt-get -qq update && packages_download "${packages[@]}"; } || return
    for package in *.deb; do
        dpkg-deb -x "$package" . || return
    done
    for unit in "${LIBVIRT_UNITS[@]}"; do
        cp "$(find . -path "*lib/systemd/system/$unit")" "$dir/" || return
    done
}

# The one for virtual machines, which is small. Installed it would be the
# machine's own to boot.
packages_kernel()
{
    local dir=$1 from=$1.package package
    package=$(apt-cache depends linux-image-cloud-amd64 |
        sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
    mkdir "$dir" "$from" && cd "$from" || return
    packages_download "$package" ||
        { apt-get -qq update && packages_download "$package"; } || return
    dpkg-deb -x ./*.deb "$dir" || return
    [ -d "$dir/lib/modules" ] || ln -s usr/lib "$dir/lib" || return
    find "$dir/lib/modules/" -name '*.ko.xz' -exec xz -d {} +
}
