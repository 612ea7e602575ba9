# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# tests/lib/build.sh - from the checkout to an installed remora, elsewhere
#
# Contract: the checkout is only read. What is built is what is in the work
#           tree, committed or not, without what git ignores. Nothing builds
#           or tests as root: BUILD_AS does.
# Needs:    root, the 'build' set of packages.sh, bed.sh sourced (BED_INST).
# Gives:    every step's output on stdout; a status.

# Who ran sudo, or else nobody.
BUILD_UID=${SUDO_UID:-0}
BUILD_GID=${SUDO_GID:-0}
[ "$BUILD_UID" != 0 ] || BUILD_UID=65534 BUILD_GID=65534

# build_as COMMAND...: with nothing of the caller's environment that could
# change what is built or tested.
build_as()
{
    setpriv --reuid "$BUILD_UID" --regid "$BUILD_GID" --clear-groups \
        env -i PATH=/usr/local/bin:/usr/bin:/bin LC_ALL=C.UTF-8 \
        HOME="$BUILD_HOME" TMPDIR="$BUILD_HOME" CI="${CI-}" \
        REMORA_FULL="${REMORA_FULL-}" "$@"
}

# build_prepare CHECKOUT WORK: WORK/src, with configure made. WORK exists and
# is root's; builders get directories of their own in it.
build_prepare()
{
    local top=$1 work=$2
    BUILD_SRC=$work/src
    BUILD_HOME=$work/home
    mkdir "$BUILD_SRC" "$BUILD_HOME" &&
        chown "$BUILD_UID:$BUILD_GID" "$BUILD_HOME" &&
        build_copy "$top" "$BUILD_SRC" &&
        chmod -R a+rX "$BUILD_SRC" &&
        (cd "$BUILD_SRC" && umask 022 && autoreconf -i) 2>&1
}

build_copy()
{
    local top=$1 to=$2
    build_files "$top" |
        tar -C "$top" --null --no-recursion -T - -c |
        tar -C "$to" --no-same-owner -x
}

# build_files CHECKOUT: what a commit of all that is there would hold, each name
# ended by a NUL.
build_files()
{
    # A release has no .git; then all of it is the source.
    if [ ! -e "$1/.git" ]; then
        (cd "$1" && find . ! -type d -printf '%P\0')
        return
    fi
    # The checkout is usually another user's, which git wants to be told.
    git -c safe.directory='*' -C "$1" ls-files -z --cached --others \
        --exclude-standard --deduplicate |
        (cd "$1" && while IFS= read -r -d '' file; do
            # Deleted, but not yet from the index.
            if [ -e "$file" ] || [ -L "$file" ]; then
                printf '%s\0' "$file"
            fi
        done)
}

# build_make DIR [OPTION OF CONFIGURE]...: the programs will be found where a
# bed has them, and look for the host's files where a host has them.
build_make()
{
    local dir=$1
    shift
    mkdir "$dir" && chown "$BUILD_UID:$BUILD_GID" "$dir" && cd "$dir" &&
        build_as "$BUILD_SRC/configure" --quiet --enable-werror \
            --prefix="$BED_INST" --sysconfdir=/etc --localstatedir=/var \
            --runstatedir=/run "$@" 2>&1 &&
        build_as make --no-print-directory -j2 2>&1
}

# build_check DIR: the status says whether it ran, DIR's .trs how it went.
build_check()
{
    cd "$1" && build_as make --no-print-directory -k -j2 check 2>&1
}

# build_stage DIR STAGE: for REMORA_STAGE of bed.sh.
build_stage()
{
    mkdir "$2" && chown "$BUILD_UID:$BUILD_GID" "$2" && cd "$1" &&
        build_as make --no-print-directory install DESTDIR="$2" 2>&1 &&
        chown -R 0:0 "$2" && mkdir -p "$2$BED_INST"
}
