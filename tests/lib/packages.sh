# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# tests/lib/packages.sh - what building and testing needs of Debian 12
#
#     packages_install build run
#     packages_units DIRECTORY     libvirt's systemd units, into a new one
#
# Contract: installs what is missing and says what, starts no service, asks
#           nothing. Leaves apt alone when everything is there already;
#           packages_units always fetches, and installs nothing.
# Needs:    root, only if something is missing.

# From a checkout to programs and unit tests.
PACKAGES_BUILD=(
    autoconf automake binutils gcc git libc6-dev make perl pkg-config xz-utils
    libcmocka-dev libconfig-dev libglib2.0-dev libjansson-dev
    librados-dev librbd-dev libvirt-dev libxml2-dev
)

# A cluster, a libvirtd and guests in a bed, and what the tests look with.
PACKAGES_RUN=(
    binutils
    ceph-common ceph-mgr ceph-mon ceph-osd
    iproute2 jq procps util-linux
    libvirt-clients libvirt-daemon libvirt-daemon-driver-qemu
    libxml2-utils
    python3-libvirt
    qemu-block-extra qemu-system-x86 qemu-utils
    spin
    systemd
    virtinst
)

packages_of()
{
    local set
    for set in "$@"; do
        case $set in
        build) printf '%s\n' "${PACKAGES_BUILD[@]}" ;;
        run) printf '%s\n' "${PACKAGES_RUN[@]}" ;;
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
    apt-get -qq -o APT::Sandbox::User=root download "$1"
}

# Out of a package that is not installed: that would enable them on the machine.
packages_units()
{
    local dir=$1 package=libvirt-daemon-system
    mkdir "$dir" "$dir.package" && cd "$dir.package" || return
    packages_download "$package" ||
        { apt-get -qq update && packages_download "$package"; } || return
    dpkg-deb -x "$package"_*.deb . &&
        cp lib/systemd/system/{libvirtd,libvirtd-ro,libvirtd-admin}.socket \
            lib/systemd/system/{virtlogd,virtlockd}.socket \
            lib/systemd/system/{libvirtd,virtlogd,virtlockd}.service \
            lib/systemd/system/libvirt-guests.service \
            lib/systemd/system/virt-guest-shutdown.target "$dir/"
}
